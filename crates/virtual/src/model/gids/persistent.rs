//! What of a GIDS application survives a power cut.

use std::collections::BTreeMap;

use super::access::{AccessRules, Right, SecurityStatus};
use super::file::{Content, ElementaryFile, FileState};
use crate::model::codec::{Decoder, Encoder, Malformed};
use crate::model::reference::Reference;

/// The AID of GIDS 2.0 applications: registered prefix, revision 02, application version 01.
pub(crate) const AID: [u8; 11] = [0xA0, 0x00, 0x00, 0x03, 0x97, 0x42, 0x54, 0x46, 0x59, 0x02, 0x01];

/// The file identifier that means the application itself.
pub(crate) const APPLICATION: u16 = 0x3FFF;

/// The life of the application (GIDS 2.0, Table 18).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum LifeCycle {
    /// The application's templates are not loaded yet.
    Creation = 1,
    /// Files are being made; no access control, no cryptography but key generation.
    Initialisation = 3,
    /// In use.
    Operational = 5,
    /// Out of use for good.
    Terminated = 0x0F,
}

/// The GIDS application's part of an image.
#[derive(Clone)]
pub(crate) struct Persistent {
    pub(crate) life_cycle: LifeCycle,
    /// Rules of the application.
    pub(crate) rules: AccessRules,
    /// Application template (61) and management data (64), where they were loaded in the creation state.
    pub(crate) application_template: Option<Vec<u8>>,
    pub(crate) management_template: Option<Vec<u8>>,
    pub(crate) pin: Option<Reference>,
    pub(crate) puk: Option<Reference>,
    pub(crate) files: BTreeMap<u16, ElementaryFile>,
}

impl Persistent {
    /// An application as it leaves the factory.
    pub(crate) fn new(life_cycle: LifeCycle) -> Persistent {
        Persistent {
            life_cycle,
            rules: factory_rules(),
            application_template: None,
            management_template: None,
            pin: None,
            puk: None,
            files: BTreeMap::new(),
        }
    }

    /// Bytes in use of [`crate::CardOptions::capacity`].
    pub(crate) fn used(&self) -> usize {
        self.files.values().map(ElementaryFile::size).sum()
    }

    /// Whether the application grants `right`. Before it is operational everything is allowed,
    /// afterwards nothing that no rule names.
    pub(crate) fn allows(&self, right: Right, status: SecurityStatus) -> bool {
        self.life_cycle < LifeCycle::Operational || self.rules.allow(right, status)
    }

    /// Whether `file` grants `right`: rules hold once application and file are both in use.
    pub(crate) fn file_allows(&self, file: &ElementaryFile, right: Right, status: SecurityStatus) -> bool {
        let in_force = self.life_cycle >= LifeCycle::Operational && file.state != FileState::Initialisation;
        !in_force || file.rules.allow(right, status)
    }

    /// The key EF of a key reference: `B0` and the reference by the profile's convention, else the one
    /// whose templates name it.
    pub(crate) fn key_file_id(&self, reference: u8) -> Option<u16> {
        let conventional = 0xB000 | u16::from(reference);
        let is_key = |file: &ElementaryFile| matches!(file.content, Content::Key { .. });
        if self.files.get(&conventional).is_some_and(is_key) {
            return Some(conventional);
        }
        let names_it = |file: &ElementaryFile| match &file.content {
            Content::Key { uses, .. } => uses.iter().any(|entry| entry.key == reference),
            Content::Objects(_) => false,
        };
        // A conventional file belongs to its own reference, whatever its templates say.
        let candidates = self.files.iter().filter(|(id, _)| *id >> 8 != 0xB0);
        candidates.filter(|(_, file)| names_it(file)).map(|(id, _)| *id).next()
    }

    pub(crate) fn encode(&self, out: &mut Encoder) {
        out.byte(self.life_cycle as u8);
        out.bytes(self.rules.as_bytes());
        out.option(self.application_template.as_ref(), |out, bytes| out.bytes(bytes));
        out.option(self.management_template.as_ref(), |out, bytes| out.bytes(bytes));
        out.option(self.pin.as_ref(), |out, pin| pin.encode(out));
        out.option(self.puk.as_ref(), |out, puk| puk.encode(out));
        out.long(u32::try_from(self.files.len()).unwrap_or(u32::MAX));
        for (id, file) in &self.files {
            out.word(*id);
            file.encode(out);
        }
    }

    pub(crate) fn decode(read: &mut Decoder<'_>) -> Result<Persistent, Malformed> {
        let life_cycle = match read.byte()? {
            1 => LifeCycle::Creation,
            3 => LifeCycle::Initialisation,
            5 => LifeCycle::Operational,
            0x0F => LifeCycle::Terminated,
            _ => return Err(Malformed),
        };
        let rules = AccessRules::parse(read.bytes()?).ok_or(Malformed)?;
        let application_template = read.option(Decoder::bytes)?.map(<[u8]>::to_vec);
        let management_template = read.option(Decoder::bytes)?.map(<[u8]>::to_vec);
        let pin = read.option(Reference::decode)?;
        let puk = read.option(Reference::decode)?;
        let mut files = BTreeMap::new();
        for _ in 0..read.long()? {
            let id = read.word()?;
            files.insert(id, ElementaryFile::decode(read)?);
        }
        Ok(Persistent { life_cycle, rules, application_template, management_template, pin, puk, files })
    }
}

/// CREATE and DELETE FILE by user or administrator, TERMINATE DF by the administrator.
fn factory_rules() -> AccessRules {
    AccessRules::parse(&[0x23, 0x20, 0x30, 0x30]).unwrap_or_else(|| unreachable!("a well-formed constant"))
}
