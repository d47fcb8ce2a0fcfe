//! Writing: PUT DATA, certificates and their Key History, and the objects that make a blank token a card
//! (SP 800-73-5 part 1, appendix A; part 2, section 3.3.1).

use std::io::Write;

use cardmod_iso7816::tlv::{Tag, Writer, single};
use cardmod_iso7816::{Command, StatusWord};
use flate2::Compression;
use flate2::write::GzEncoder;
use zeroize::Zeroizing;

use crate::{Identity, ObjectTag, PivCard, PivCommand, PivError, Slot};

/// The longest certificate this edge reads back.
const MAX_CERTIFICATE: usize = 65_535;

/// How a certificate is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum CertificateForm {
    /// As it is, compressed where the card has no room for that.
    #[default]
    Fitting,
    /// As it is.
    Plain,
    /// Compressed with gzip.
    Gzip,
}

/// What [`PivCard::initialise`] wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Initialised {
    /// The card had no CHUID.
    pub chuid: bool,
    /// The card had no CCC.
    pub ccc: bool,
}

impl PivCard<'_> {
    /// Writes a data object, whole or not at all: `value` is what [`object`](Self::object) reads. The
    /// administrator must be authenticated.
    ///
    /// # Errors
    ///
    /// [`PivError::Full`] where the card has no room (`6A84`, or `6700` for long objects); the card's
    /// refusal: `6982` without administrator, others for an object it does not know. The old content is
    /// then still there, unless the channel failed.
    pub fn put_object(&mut self, tag: ObjectTag, value: &[u8]) -> Result<(), PivError> {
        self.put(tag, value)?;
        self.state.content.enter(tag, Some(value.to_vec()));
        Ok(())
    }

    /// As [`put_object`](Self::put_object), for a value that is not to stay in memory.
    pub(crate) fn put(&mut self, tag: ObjectTag, value: &[u8]) -> Result<(), PivError> {
        let outer = if tag.is_bare() { tag.tag() } else { Tag::new(0x53) };
        let data: Zeroizing<Vec<u8>> =
            Writer::new().object(Tag::new(0x5C), &tag.tag().bytes()).object(outer, value).finish();
        let is_long = data.len() > 255;
        self.state.content.forget(tag);
        if tag == ObjectTag::CHUID {
            // Who the card is has to be read anew.
            self.state.content.doubt();
        }
        let command = Command::new(0x00, 0xDB, 0x3F, 0xFF).secret_data(data);
        match self.command(PivCommand::PutData, &command) {
            Ok(_) => Ok(()),
            Err(PivError::Status { status: StatusWord::NOT_ENOUGH_MEMORY, .. }) => {
                Err(PivError::Full("an object of this size"))
            }
            Err(PivError::Status { status: StatusWord::WRONG_LENGTH, .. }) if is_long => {
                Err(PivError::Full("an object of this size"))
            }
            Err(error) => Err(self.without_right(error)),
        }
    }

    /// Writes the certificate of a slot; the card's Key History, where it has one, is kept right. Answers
    /// whether it was compressed. The administrator must be authenticated.
    ///
    /// # Errors
    ///
    /// [`PivError::InvalidInput`] for what is no certificate's DER; as [`put_object`](Self::put_object).
    /// The old certificate is then still there.
    pub fn write_certificate(
        &mut self,
        slot: Slot,
        der: &[u8],
        form: CertificateForm,
    ) -> Result<bool, PivError> {
        if der.len() > MAX_CERTIFICATE || single(der).map_or(true, |tlv| tlv.tag != Tag::new(0x30)) {
            return Err(PivError::InvalidInput("the certificate is no DER of up to 65535 bytes"));
        }
        // A history that tells of one certificate too many is better than one that hides one.
        self.note_retired(slot, true)?;
        if form != CertificateForm::Gzip {
            match self.put_object(slot.object(), &certificate_object(der, false)) {
                Err(PivError::Full(_)) if form == CertificateForm::Fitting => {}
                outcome => return outcome.map(|()| false),
            }
        }
        let packed = gzip(der)?;
        self.put_object(slot.object(), &certificate_object(&packed, true))?;
        Ok(true)
    }

    /// Removes the certificate of a slot (`53 00`); its key stays. The administrator must be authenticated.
    ///
    /// # Errors
    ///
    /// As [`put_object`](Self::put_object).
    pub fn delete_certificate(&mut self, slot: Slot) -> Result<(), PivError> {
        self.put_object(slot.object(), &[])?;
        self.note_retired(slot, false)
    }

    /// Gives a card without CHUID one, and one without CCC one. What is there stays. The administrator must
    /// be authenticated.
    ///
    /// # Errors
    ///
    /// As [`put_object`](Self::put_object). The CHUID is written first.
    pub fn initialise(&mut self, identity: &Identity) -> Result<Initialised, PivError> {
        let chuid = self.is_empty(ObjectTag::CHUID)?;
        let ccc = self.is_empty(ObjectTag::CCC)?;
        if chuid {
            self.put_object(ObjectTag::CHUID, &identity.chuid()?)?;
        }
        if ccc {
            self.put_object(ObjectTag::CCC, &identity.ccc())?;
        }
        Ok(Initialised { chuid, ccc })
    }
}

/// The value of a certificate object, with the empty checksum that some readers want.
fn certificate_object(bytes: &[u8], compressed: bool) -> Zeroizing<Vec<u8>> {
    Writer::new()
        .object(Tag::new(0x70), bytes)
        .object(Tag::new(0x71), &[u8::from(compressed)])
        .object(Tag::new(0xFE), &[])
        .finish()
}

fn gzip(der: &[u8]) -> Result<Vec<u8>, PivError> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    // Writing to memory does not fail; an error would be the encoder's own.
    let packed = encoder.write_all(der).and_then(|()| encoder.finish());
    packed.map_err(|_| PivError::InvalidInput("the certificate cannot be compressed"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_object_has_the_form_of_revision_5() {
        assert_eq!(*certificate_object(&[0x30, 0x00], false), [0x70, 2, 0x30, 0, 0x71, 1, 0, 0xFE, 0]);
        assert_eq!(certificate_object(&[7; 300], true)[..4], [0x70, 0x82, 0x01, 0x2C]);
        assert_eq!(certificate_object(&[7; 300], true)[304..], [0x71, 1, 1, 0xFE, 0]);
        assert_eq!(gzip(&[0x30, 3, 2, 1, 5]).unwrap()[..3], [0x1F, 0x8B, 0x08]);
    }
}
