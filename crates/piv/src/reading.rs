//! GET DATA: one object at a time, never a part of one (SP 800-73 part 2, section 3.1.2).

use cardmod_iso7816::tlv::{Reader, Tag, Writer, read_length};
use cardmod_iso7816::{Command, Le, Response, StatusWord};
use zeroize::Zeroizing;

use crate::card::PivCard;
use crate::error::refused;
use crate::state::Selection;
use crate::{ObjectTag, PivCommand, PivError};

/// Tag of the tag list.
const TAG_LIST: Tag = Tag::new(0x5C);
/// Tag around the value of nearly every object.
const DATA: Tag = Tag::new(0x53);

impl PivCard<'_> {
    /// A data object's value: what is inside of `53`, or of the object's own template for the Discovery
    /// object and the BIT group. `None` for an object the card does not have; an emptied one (`53 00`) has
    /// an empty value.
    ///
    /// What was read since the last doubt comes from memory; private objects never do.
    ///
    /// # Errors
    ///
    /// [`PivError::Status`] for GET DATA: `6982` without the right to read; [`PivError::Malformed`] when the
    /// answer is no such object.
    pub fn object(&mut self, tag: ObjectTag) -> Result<Option<Vec<u8>>, PivError> {
        if let Some(known) = self.state.content.fresh(tag) {
            return Ok(known);
        }
        let value = self.fetch(tag)?.map(|value| value.to_vec());
        self.state.content.enter(tag, value.clone());
        Ok(value)
    }

    /// As [`object`](Self::object), always from the card, and wiped when dropped: for objects that hold
    /// secrets.
    ///
    /// # Errors
    ///
    /// As [`object`](Self::object).
    pub fn secret_object(&mut self, tag: ObjectTag) -> Result<Option<Zeroizing<Vec<u8>>>, PivError> {
        self.fetch(tag)
    }

    /// Reads one object from the card.
    pub(crate) fn fetch(&mut self, tag: ObjectTag) -> Result<Option<Zeroizing<Vec<u8>>>, PivError> {
        let command = get_data(tag, Le::All);
        let response = self.probe(&command, false, |response| is_object(response, tag))?;
        match response.status {
            StatusWord::OK => {
                // What follows the object is tolerated: cards exist that fill up.
                let value = read_object(&response.data, tag).ok_or(PivError::Malformed("data object"))?;
                let value = Zeroizing::new(value.to_vec());
                // The read of one of its objects proves the application as a SELECT does.
                self.state.selection = Selection::Certain;
                Ok(Some(value))
            }
            status if is_missing(status) => Ok(None),
            status => Err(refused(PivCommand::GetData, status)),
        }
    }

    /// Reads the head of an object: as much of its value as comes in one answer.
    pub(crate) fn fetch_head(&mut self, tag: ObjectTag) -> Result<Option<Vec<u8>>, PivError> {
        let command = get_data(tag, Le::Short);
        let response = self.probe(&command, true, |response| is_object(response, tag))?;
        match response.status {
            status if status.is_ok() || status.more_data().is_some() => {
                let value = strip_header(&response.data, tag).ok_or(PivError::Malformed("data object"))?;
                self.state.selection = Selection::Certain;
                Ok(Some(value.to_vec()))
            }
            status if is_missing(status) => Ok(None),
            status => Err(refused(PivCommand::GetData, status)),
        }
    }
}

/// GET DATA for one object.
fn get_data(tag: ObjectTag, le: Le) -> Command {
    let list = Writer::new().object(TAG_LIST, &tag.tag().bytes()).finish();
    Command::new(0x00, 0xCB, 0x3F, 0xFF).secret_data(list).le(le)
}

/// The tag an answer with this object begins with.
fn outer(tag: ObjectTag) -> Tag {
    if tag.is_bare() { tag.tag() } else { DATA }
}

/// Whether the answer is the object, or the head of it, so that it can only be PIV that answered.
fn is_object(response: &Response, tag: ObjectTag) -> bool {
    let served = response.status.is_ok() || response.status.more_data().is_some();
    served && strip_header(&response.data, tag).is_some()
}

/// Answers for an object that is not there: `6A82` by the standard, `6A88` from relatives of PIV.
const fn is_missing(status: StatusWord) -> bool {
    matches!(status, StatusWord::FILE_NOT_FOUND | StatusWord::REFERENCED_DATA_NOT_FOUND)
}

/// The object's value, whole.
fn read_object(answer: &[u8], tag: ObjectTag) -> Option<&[u8]> {
    let object = Reader::new(answer).next()?.ok()?;
    (object.tag == outer(tag)).then_some(object.value)
}

/// What follows tag and length, however much of the value is there.
fn strip_header(answer: &[u8], tag: ObjectTag) -> Option<&[u8]> {
    let (_, rest) = Tag::read(answer).filter(|(found, _)| *found == outer(tag))?;
    let (length, value) = read_length(rest)?;
    Some(&value[..value.len().min(length)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_names_the_object() {
        let command = get_data(ObjectTag::CHUID, Le::All);
        assert_eq!(*command.data, [0x5C, 3, 0x5F, 0xC1, 2]);
        assert_eq!(*get_data(ObjectTag::DISCOVERY, Le::All).data, [0x5C, 1, 0x7E]);
        assert_eq!(*get_data(ObjectTag::BIOMETRIC_GROUP, Le::All).data, [0x5C, 2, 0x7F, 0x61]);
    }

    #[test]
    fn objects_are_wrapped_or_bare_and_may_be_followed() {
        assert_eq!(read_object(&[0x53, 1, 7], ObjectTag::CHUID), Some(&[7][..]));
        assert_eq!(read_object(&[0x53, 1, 7, 0, 0], ObjectTag::CHUID), Some(&[7][..]));
        assert_eq!(read_object(&[0x53, 0], ObjectTag::CHUID), Some(&[][..]));
        assert_eq!(read_object(&[0x7E, 1, 7], ObjectTag::DISCOVERY), Some(&[7][..]));
        assert_eq!(read_object(&[0x7E, 1, 7], ObjectTag::CHUID), None);
        assert_eq!(read_object(&[0x53, 2, 7], ObjectTag::CHUID), None, "cut");
        assert_eq!(strip_header(&[0x53, 2, 7], ObjectTag::CHUID), Some(&[7][..]));
        assert_eq!(strip_header(&[0x53, 1, 7, 8], ObjectTag::CHUID), Some(&[7][..]));
        assert_eq!(strip_header(&[0x53, 0x82, 1], ObjectTag::CHUID), None);
    }
}
