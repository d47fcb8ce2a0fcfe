//! The application property template a card answers to SELECT (SP 800-73 part 2, table 4).

use cardmod_iso7816::tlv::{Reader, Tag, Tlv};

/// The AID without its version, which every card must take (SP 800-73 part 2, section 3.1.1).
pub const AID: [u8; 9] = [0xA0, 0x00, 0x00, 0x03, 0x08, 0x00, 0x00, 0x10, 0x00];

/// Tag of the template.
const TEMPLATE: Tag = Tag::new(0x61);
/// Tag of the application identifier: the whole AID by the standard, the part behind the RID on tokens.
const IDENTIFIER: Tag = Tag::new(0x4F);
/// Tag of the application's name.
const LABEL: Tag = Tag::new(0x50);
/// Tag of the reference to the specification.
const URL: Tag = Tag::new(0x5F50);
/// Tag of cryptographic algorithm templates.
const ALGORITHMS: Tag = Tag::new(0xAC);
/// Tag of one algorithm identifier in them.
const ALGORITHM: Tag = Tag::new(0x80);
/// Length of the registered application provider identifier.
const RID_LEN: usize = 5;

/// What the card says about its PIV application.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Application {
    pix: Vec<u8>,
    label: Option<String>,
    url: Option<String>,
    algorithms: Vec<u8>,
}

impl Application {
    /// Reads the answer to SELECT, or as much of it as there is. Cards that answer no template, or
    /// another one, are taken as saying nothing: what matters is that the SELECT succeeded.
    #[must_use]
    pub fn parse(answer: &[u8]) -> Self {
        let mut application = Self::default();
        let template = Reader::new(answer).next().and_then(Result::ok).filter(|tlv| tlv.tag == TEMPLATE);
        for tlv in template.into_iter().flat_map(|tlv| tlv.children().map_while(Result::ok)) {
            application.take(&tlv);
        }
        application
    }

    fn take(&mut self, tlv: &Tlv<'_>) {
        let text = || Some(String::from_utf8_lossy(tlv.value).into_owned());
        match tlv.tag {
            IDENTIFIER if tlv.value.starts_with(&AID[..RID_LEN]) => self.pix = tlv.value[RID_LEN..].to_vec(),
            IDENTIFIER => self.pix = tlv.value.to_vec(),
            LABEL => self.label = text(),
            URL => self.url = text(),
            ALGORITHMS => {
                let identifiers = tlv.children().map_while(Result::ok).filter(|tlv| tlv.tag == ALGORITHM);
                self.algorithms.extend(identifiers.flat_map(|tlv| tlv.value.iter().copied()));
            }
            _ => {}
        }
    }

    /// The AID behind its first five bytes, version included; empty where the card did not say.
    #[must_use]
    pub fn pix(&self) -> &[u8] {
        &self.pix
    }

    /// The application's name; text of the card, not to be trusted.
    #[must_use]
    pub fn label(&self) -> Option<&str> {
        self.label.as_deref()
    }

    /// Where its specification is to be found; text of the card, not to be trusted.
    #[must_use]
    pub fn url(&self) -> Option<&str> {
        self.url.as_deref()
    }

    /// The algorithm identifiers the card names; most cards name none.
    #[must_use]
    pub fn algorithms(&self) -> &[u8] {
        &self.algorithms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PIX: [u8; 6] = [0x00, 0x00, 0x10, 0x00, 0x01, 0x00];

    #[test]
    fn both_forms_of_the_identifier() {
        let token =
            [&[0x61, 0x11, 0x4F, 0x06][..], &PIX, &[0x79, 0x07, 0x4F, 0x05, 0xA0, 0x00, 0x00, 0x03, 0x08]]
                .concat();
        assert_eq!(Application::parse(&token).pix(), PIX);
        let standard = [
            &[0x61, 0x81, 0x1A, 0x4F, 0x0B, 0xA0, 0x00, 0x00, 0x03, 0x08][..],
            &PIX,
            &[0x50, 0x03, b'P', b'I', b'V', 0xAC, 0x06, 0x80, 0x01, 0x07, 0x80, 0x01, 0x11],
        ]
        .concat();
        let application = Application::parse(&standard);
        assert_eq!(application.pix(), PIX);
        assert_eq!(application.label(), Some("PIV"));
        assert_eq!(application.algorithms(), [0x07, 0x11]);
    }

    #[test]
    fn silence_and_nonsense_say_nothing() {
        for answer in [&[][..], &[0x62, 0x00][..], &[0x61, 0x05, 0x4F][..], &[0x61, 0x00][..], &[0xFF; 40]] {
            assert_eq!(Application::parse(answer), Application::default(), "{answer:02X?}");
        }
    }
}
