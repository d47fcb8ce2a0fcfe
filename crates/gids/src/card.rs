//! One card for the time of a call: selection, GET DATA and PUT DATA, and the cache in front of them.

use std::collections::BTreeMap;

use cardmod_iso7816::tlv::{Reader, Tag, Writer};
use cardmod_iso7816::{
    CardChannel, Command, ExchangeError, Le, Limits, Response, Session, StatusWord, TransportError,
};
use zeroize::Zeroizing;

use crate::application::Application;
use crate::content::{CARDCF, CARDID, Doubt};
use crate::files::{certificate_tags, well_known_files};
use crate::layout::{AID, ef, is_public, object};
use crate::state::{Environments, GidsState, Selection, VerifiedRoles};
use crate::table::FileTable;
use crate::{GidsCommand, GidsError};

/// Part size of chained commands: what Windows and OpenSC use, and what every card takes.
const PART: usize = 240;
/// Files up to which the certificates' EF is read as a whole as soon as one of them is wanted: the three of the
/// Base CSP and a few certificates. Of more files one is read alone; who wants a second certificate lists them,
/// and gets the whole EF.
const FEW_FILES: usize = 8;
/// Tag of the tag list.
const TAG_LIST: Tag = Tag::new(0x5C);

/// The operations on a GIDS card, over a borrowed state and channel.
pub struct GidsCard<'a> {
    pub(crate) state: &'a mut GidsState,
    pub(crate) channel: &'a mut dyn CardChannel,
}

/// The channel, without extended length where the card turned out to refuse it.
struct Shortened<'a> {
    channel: &'a mut dyn CardChannel,
    short: bool,
}

impl CardChannel for Shortened<'_> {
    fn transmit(&mut self, command: &[u8]) -> Result<Zeroizing<Vec<u8>>, TransportError> {
        self.channel.transmit(command)
    }

    fn limits(&self) -> Limits {
        let limits = self.channel.limits();
        Limits { extended_length: limits.extended_length && !self.short, ..limits }
    }
}

impl<'a> GidsCard<'a> {
    pub(crate) fn new(state: &'a mut GidsState, channel: &'a mut dyn CardChannel) -> Self {
        Self { state, channel }
    }

    /// Selects the application by its 9-byte AID.
    ///
    /// A card may keep the security status (GIDS says so) or lose it; this state takes it as lost.
    ///
    /// # Errors
    ///
    /// [`GidsError::Status`] for SELECT: `6A82` is a card without GIDS.
    pub fn select(&mut self) -> Result<Application, GidsError> {
        self.state.selection = Selection::Unknown;
        self.state.verified = VerifiedRoles::default();
        self.state.environments = Environments::default();
        self.state.pending = None;
        let response = self.send(&Command::new(0x00, 0xA4, 0x04, 0x00).data(&AID).le(Le::Short))?;
        // 6285 is a terminated application, which still answers free reads.
        if !response.status.is_ok() && response.status != StatusWord::FILE_TERMINATED {
            return Err(refused(GidsCommand::Select, response.status));
        }
        let application = Application::parse(&response.data);
        self.state.selection = Selection::Certain;
        self.state.application = Some(application.clone());
        Ok(application)
    }

    /// What the card says about its application; selects it when it was not yet selected.
    ///
    /// # Errors
    ///
    /// As [`select`](Self::select).
    pub fn application(&mut self) -> Result<Application, GidsError> {
        match &self.state.application {
            Some(application) => Ok(application.clone()),
            None => self.select(),
        }
    }

    /// Selects the application unless it certainly is: before everything that must not reach another
    /// application, such as a PIN or a write.
    pub(crate) fn require_selected(&mut self) -> Result<(), GidsError> {
        if self.state.selection != Selection::Certain {
            self.select()?;
        }
        Ok(())
    }

    /// One command, whatever the selection. A transport failure takes all belief away.
    pub(crate) fn send(&mut self, command: &Command) -> Result<Response, GidsError> {
        let short = self.state.extended_refused;
        let mut response = self.exchange(command, short);
        let extended = !short && self.channel.limits().extended_length;
        let was_extended = extended && (!command.fits_short() || command.le == Some(Le::All));
        if was_extended && matches!(&response, Ok(r) if r.status == StatusWord::WRONG_LENGTH) {
            self.state.extended_refused = true;
            response = self.exchange(command, true);
        }
        response.map_err(|error| {
            // An answer given up halfway says nothing about the card's state; the next command ends it.
            if error != ExchangeError::EndlessResponse {
                self.state.connection_lost();
            }
            GidsError::Exchange(error)
        })
    }

    fn exchange(&mut self, command: &Command, short: bool) -> Result<Response, ExchangeError> {
        Session::with_part_size(Shortened { channel: &mut *self.channel, short }, PART).send(command)
    }

    /// One command to the application, which must certainly be selected, and must succeed. When another
    /// application answers all the same, GIDS is selected again and the command repeated once: then the
    /// refusal, if one follows, is about the right that was lost.
    pub(crate) fn command(
        &mut self,
        name: GidsCommand,
        command: &Command,
    ) -> Result<Zeroizing<Vec<u8>>, GidsError> {
        self.require_selected()?;
        let mut response = self.send(command)?;
        if is_foreign(response.status) {
            self.select()?;
            // These two are about the file selected before, which is not selected any more.
            if !matches!(name, GidsCommand::ActivateFile | GidsCommand::DeleteFile) {
                response = self.send(command)?;
            }
        }
        response.ok().map_err(|status| refused(name, status))
    }

    /// Whether the channel and the card take extended length.
    pub(crate) fn is_extended(&self) -> bool {
        self.channel.limits().extended_length && !self.state.extended_refused
    }

    /// A read whose answer shows whether GIDS is selected: sent at once when that is believed, repeated
    /// after a SELECT when the answer speaks against it.
    pub(crate) fn read(
        &mut self,
        command: &Command,
        plausible: impl Fn(&Response) -> bool,
    ) -> Result<Response, GidsError> {
        let belief = self.state.selection;
        if belief == Selection::Unknown {
            self.select()?;
        }
        let response = self.send(command)?;
        let again = match belief {
            Selection::Unknown => false,
            Selection::Believed => !plausible(&response),
            Selection::Certain => {
                let missing = response.status == StatusWord::FILE_NOT_FOUND;
                is_foreign(response.status) || missing && !self.state.verified.any()
            }
        };
        if again {
            self.select()?;
            return self.send(command);
        }
        Ok(response)
    }

    /// Reads one data object from the card: its value, or `None` when it is missing (`6A88`).
    fn fetch(&mut self, ef: u16, tag: u32) -> Result<Option<Vec<u8>>, GidsError> {
        let tag_bytes = Tag::new(tag).bytes();
        let list = Writer::new().object(TAG_LIST, &tag_bytes).finish();
        let response = self.read(&get_data(ef, &list), |response| response.data.starts_with(&tag_bytes))?;
        match response.status {
            StatusWord::OK => {
                // The read of one of its objects proves the application as a SELECT does.
                let first = Reader::new(&response.data).read().ok().flatten();
                match first.filter(|tlv| tlv.tag == Tag::new(tag)) {
                    Some(tlv) => {
                        self.state.selection = Selection::Certain;
                        Ok(Some(tlv.value.to_vec()))
                    }
                    None => Err(GidsError::Malformed("data object")),
                }
            }
            StatusWord::REFERENCED_DATA_NOT_FOUND => Ok(None),
            status => Err(refused(GidsCommand::GetData, status)),
        }
    }

    /// Reads a whole EF with `5C 00`. `false` when the card does not do that, which is remembered.
    fn fetch_all(&mut self, ef: u16) -> Result<bool, GidsError> {
        let all = get_data(ef, &[0x5C, 0x00]);
        let bytes = match self.read(&all, |response| response.data.first() == Some(&0xDF)) {
            // More than one answer can hold.
            Err(GidsError::Exchange(ExchangeError::EndlessResponse)) => {
                self.state.bulk_refused = true;
                return Ok(false);
            }
            other => other?,
        };
        let refusals = [
            StatusWord::REFERENCED_DATA_NOT_FOUND,
            StatusWord::WRONG_DATA,
            StatusWord::FUNCTION_NOT_SUPPORTED,
            StatusWord::INCORRECT_P1_P2,
            StatusWord::REFERENCE_DATA_NOT_USABLE,
            StatusWord::CONDITIONS_NOT_SATISFIED,
            StatusWord::NO_DIAGNOSIS,
        ];
        if refusals.contains(&bytes.status) {
            self.state.bulk_refused = true;
            return Ok(false);
        }
        if !bytes.status.is_ok() {
            return Err(refused(GidsCommand::GetData, bytes.status));
        }
        let mut objects = BTreeMap::new();
        for tlv in Reader::new(&bytes.data) {
            match tlv {
                Ok(tlv) => objects.insert(tlv.tag.get(), Some(tlv.value.to_vec())),
                // A card that means something else by `5C 00`: single reads tell the truth.
                Err(_) => {
                    self.state.bulk_refused = true;
                    return Ok(false);
                }
            };
        }
        if !objects.is_empty() {
            self.state.selection = Selection::Certain;
        }
        self.state.content.read_all(ef, objects);
        Ok(true)
    }

    /// A data object: from memory where that may be trusted, else from the card.
    ///
    /// # Errors
    ///
    /// [`GidsError::Status`] for GET DATA: `6982` without the right to read, `6A82` without the EF.
    pub(crate) fn object(&mut self, ef: u16, tag: u32) -> Result<Option<Vec<u8>>, GidsError> {
        if !is_public(ef) {
            return self.fetch(ef, tag);
        }
        // cardid settles a doubt about the card by itself, cardcf is what settles the rest.
        let settles = (ef, tag) == CARDCF || (ef, tag) == CARDID && self.state.content.questions_identity();
        if !settles {
            self.settle_doubt()?;
        }
        if let Some(known) = self.state.content.get(ef, tag) {
            return Ok(known);
        }
        if self.bulk_pays(ef, tag)
            && self.fetch_all(ef)?
            && let Some(known) = self.state.content.get(ef, tag)
        {
            return Ok(known);
        }
        let value = self.fetch(ef, tag)?;
        self.state.content.read(ef, tag, value.clone());
        Ok(value)
    }

    /// Finds out whether cached content may be used: by the card's counters, after a possible change of
    /// card by its identity too.
    pub(crate) fn settle_doubt(&mut self) -> Result<(), GidsError> {
        if self.state.content.doubt() == Doubt::Identity && !self.state.content.drop_unidentified() {
            let cardid = self.fetch(CARDID.0, CARDID.1)?;
            self.state.content.read(CARDID.0, CARDID.1, cardid);
        }
        if self.state.content.doubt() == Doubt::Freshness {
            let cardcf = self.fetch(CARDCF.0, CARDCF.1)?;
            self.state.content.read(CARDCF.0, CARDCF.1, cardcf);
        }
        Ok(())
    }

    /// Whether the whole EF costs no more commands than what is wanted of it, and not many more bytes:
    /// always for file table and keymap; for the certificates' EF with extended length, where a whole EF
    /// is one command, while it holds few files, or when a second certificate is wanted.
    fn bulk_pays(&mut self, ef: u16, tag: u32) -> bool {
        if self.state.bulk_refused || self.state.content.is_bulk(ef) {
            return false;
        }
        match ef {
            ef::TABLE => true,
            ef::EVERYONE_READ_USER_WRITE if (ef, tag) != CARDCF && self.is_extended() => {
                let table = self.state.content.get(ef::TABLE, object::FILE_TABLE).flatten();
                let table = table.and_then(|table| FileTable::parse(&table).ok());
                table.is_some_and(|table| {
                    let few = |count| count <= FEW_FILES;
                    well_known_files(&table).is_some_and(|count| few(count) || self.lists(&table, tag))
                })
            }
            _ => false,
        }
    }

    /// Whether the object is a certificate, and another certificate has been read before it.
    fn lists(&mut self, table: &FileTable, tag: u32) -> bool {
        let certificates: Vec<u32> = certificate_tags(table).collect();
        let content = &mut self.state.content;
        let mut read = certificates.iter().filter(|other| **other != tag);
        certificates.contains(&tag)
            && read.any(|other| matches!(content.get(ef::EVERYONE_READ_USER_WRITE, *other), Some(Some(_))))
    }

    /// Reads a whole public EF ahead, where nothing of it is known yet and the card can do it.
    pub(crate) fn read_ahead(&mut self, ef: u16) -> Result<(), GidsError> {
        self.settle_doubt()?;
        if !self.state.bulk_refused && !self.state.content.knows(ef) {
            self.fetch_all(ef)?;
        }
        Ok(())
    }

    /// Writes a data object (`00/10 DB`), whole or not at all. An empty value empties an object that has
    /// one, creates a missing one and deletes an empty one.
    ///
    /// # Errors
    ///
    /// [`GidsError::Status`] for PUT DATA: `6982` without the right, `6A84` without room.
    pub(crate) fn put_object(&mut self, ef: u16, tag: u32, value: &[u8]) -> Result<(), GidsError> {
        let [p1, p2] = ef.to_be_bytes();
        let object = Writer::new().object(Tag::new(tag), value).finish();
        self.state.content.forget(ef, tag);
        self.command(GidsCommand::PutData, &Command::new(0x00, 0xDB, p1, p2).secret_data(object))?;
        if is_public(ef) && !value.is_empty() {
            self.state.content.written(ef, tag, Some(value.to_vec()));
        }
        Ok(())
    }

    /// Deletes a data object: cards empty a full object first and delete an empty one. An object that
    /// may not be read is emptied.
    pub(crate) fn delete_object(&mut self, ef: u16, tag: u32) -> Result<(), GidsError> {
        for _ in 0..2 {
            match self.fetch(ef, tag) {
                Ok(Some(_)) => self.put_object(ef, tag, &[])?,
                Ok(None) => return Ok(()),
                Err(error) if error.status() == Some(StatusWord::SECURITY_STATUS_NOT_SATISFIED) => {
                    return self.put_object(ef, tag, &[]);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// GET DATA for a tag list, every byte of the answer wanted.
pub(crate) fn get_data(ef: u16, tag_list: &[u8]) -> Command {
    let [p1, p2] = ef.to_be_bytes();
    Command::new(0x00, 0xCB, p1, p2).data(tag_list).le(Le::All)
}

/// The card's refusal as an error.
pub(crate) fn refused(command: GidsCommand, status: StatusWord) -> GidsError {
    GidsError::Status { command, status }
}

/// Status words a GIDS application does not answer to the commands sent here.
pub(crate) const fn is_foreign(status: StatusWord) -> bool {
    matches!(status, StatusWord::INSTRUCTION_NOT_SUPPORTED | StatusWord::CLASS_NOT_SUPPORTED)
}
