//! What a card is, in one answer.

use cardmod_types::{KeySizes, KeySpec, PinId, PinKind, PinSet};

use super::operation::Repeat;
use super::request::{CardDescription, PinStatus};
use super::session::CardSession;
use crate::error::Error;
use crate::module::CallError;

/// The property with the vendor's serial number, which is optional.
const SERIAL_NUMBER: &str = "Card Serial Number";

impl CardSession {
    /// Describes the card: identity, counters, capabilities, room, key sizes, PINs. Needs no PIN.
    ///
    /// # Errors
    /// [`Error::Removed`], [`Error::BadCardData`], [`Error::Call`]. What a card need not tell is
    /// `None` or left out.
    pub fn describe(&mut self) -> Result<CardDescription, Error> {
        self.plain(Repeat::Safe, |session| {
            let card_id = session.card_id()?;
            let cardcf = session.cardcf()?;
            let cache_mode = session.cache_mode()?;
            let read_only = session.read_only()?;
            let capabilities = Some(session.capabilities()?);
            let free_space = session.module.free_space();
            let free_space = session.optional("tell its free space", free_space)?;
            let key_import = session.module.key_import_support();
            let key_import = session.optional("tell its key import", key_import)?.flatten();
            let enrollment = session.module.supports_enrollment();
            let enrollment = session.optional("tell its enrolment", enrollment)?.flatten();
            let hints = session.hints()?;
            let places = session.places()?.clone();
            let places = places.iter().map(|(index, label)| (index, label.to_owned())).collect();
            Ok(CardDescription {
                hints,
                places,
                takes_management_key: session.takes_management_key(),
                reader: session.reader.clone(),
                atr: session.atr.clone(),
                card_name: session.options.card_name.clone(),
                module: session.module.module().to_owned(),
                module_rule: session.options.rule.clone(),
                interface_version: session.module.version(),
                card_id,
                cardcf,
                serial_number: session.serial_number()?,
                capabilities,
                free_space,
                key_import,
                read_only,
                cache_mode,
                enrollment,
                key_sizes: session.all_key_sizes()?,
                pins: session.all_pins()?,
                protocol: session.protocol(),
                reader_features: session.reader_features().clone(),
            })
        })
    }

    fn serial_number(&mut self) -> Result<Option<Vec<u8>>, Error> {
        match self.module.get_property(SERIAL_NUMBER, 0, 0) {
            Ok(bytes) => Ok(Some(bytes.to_vec())),
            Err(error) if error.code().is_none() || error.is_unknown_property() => Ok(None),
            Err(error) => Err(self.failed("tell its serial number", error)),
        }
    }

    fn all_key_sizes(&mut self) -> Result<Vec<(KeySpec, KeySizes)>, Error> {
        let mut known = Vec::new();
        for spec in KeySpec::ALL {
            let sizes = self.key_sizes(spec)?;
            known.extend(sizes.map(|sizes| (spec, sizes)));
        }
        Ok(known)
    }

    /// The roles that have a PIN.
    pub(super) fn pin_roles(&mut self) -> Result<PinSet, Error> {
        self.plain(Repeat::Safe, |session| {
            session.module.pin_list().map_err(|error| session.failed("list its PINs", error))
        })
    }

    fn all_pins(&mut self) -> Result<Vec<PinStatus>, Error> {
        let roles = self.module.pin_list().map_err(|error| self.failed("list its PINs", error))?;
        let authenticated = self.module.authenticated();
        let authenticated = self.optional("tell who is authenticated", authenticated)?.flatten();
        roles
            .iter()
            .filter(|role| *role != PinId::EVERYONE)
            .map(|role| self.pin_status(role, authenticated))
            .collect()
    }

    fn pin_status(&mut self, id: PinId, authenticated: Option<PinSet>) -> Result<PinStatus, Error> {
        let told =
            self.module.tries_left(id).map_err(|error| self.failed("tell the tries of a PIN", error))?;
        if told.is_some() {
            self.note_tries(id, told);
        }
        let info = self.pin_info(id)?;
        let strength = match info.kind {
            PinKind::AlphaNumeric | PinKind::External => {
                let strength = self.module.pin_strength(id);
                self.optional("tell how a PIN travels", strength)?.flatten()
            }
            // The property says nothing about them (specification 7.07, section 4.5.4).
            PinKind::ChallengeResponse | PinKind::Empty => None,
        };
        Ok(PinStatus {
            id,
            info,
            strength,
            tries_left: self.known_tries(id),
            authenticated: authenticated.map(|roles| roles.contains(id)),
        })
    }

    /// What a card need not tell: a refusal is no answer, a lost card is a failure.
    fn optional<T>(&self, operation: &'static str, answer: Result<T, CallError>) -> Result<Option<T>, Error> {
        match answer {
            Ok(value) => Ok(Some(value)),
            Err(error) if error.is_unsupported() => Ok(None),
            Err(error) => Err(self.failed(operation, error)),
        }
    }
}
