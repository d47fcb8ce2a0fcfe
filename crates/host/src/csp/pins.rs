//! PINs and the administrator: verify, change, unblock, challenge and response.

use cardmod_sys::{SCARD_W_CHV_BLOCKED, SCARD_W_WRONG_CHV};
use cardmod_types::{Pin, PinId, PinInfo, PinKind, PinPurpose, PinSet, SecretBytes, admin};

use super::authentication::is_refusal;
use super::cache::Counter;
use super::keep_alive;
use super::operation::Repeat;
use super::pin_cache::Kept;
use super::request::{AdminAuthority, UnblockWith};
use super::session::CardSession;
use crate::error::{Error, PinAction};

impl CardSession {
    /// Verifies a PIN. The right lasts as long as the transaction: outside of
    /// [`hold`](Self::hold) this only proves that the PIN is right.
    ///
    /// # Errors
    /// [`Error::WrongPin`] with the tries left, [`Error::PinBlocked`].
    pub fn verify_pin(&mut self, role: PinId, pin: &Pin) -> Result<(), Error> {
        self.plain(Repeat::Never, |session| {
            // No PIN is shown to another card.
            session.refresh()?;
            let info = session.typed_pin(role)?;
            if info.purpose == PinPurpose::UnblockOnly {
                let what = "verify a PUK: it only unblocks".to_owned();
                return Err(Error::NotSupported { what, card: session.reader.clone() });
            }
            session.authenticate(role, pin, &info, true)
        })
    }

    /// Changes a PIN by its old value.
    ///
    /// # Errors
    /// Before a try is spent: [`Error::NoSuchRole`], [`Error::PinPermission`], [`Error::NotSupported`].
    /// Then [`Error::WrongPin`] with the tries left, [`Error::PinBlocked`], [`Error::PinPolicy`].
    pub fn change_pin(&mut self, role: PinId, old: &Pin, new: &Pin) -> Result<(), Error> {
        self.change_pin_by(role, old, role, new)
    }

    /// Has a PIN typed at the reader, or whatever device its module has, and verified.
    ///
    /// # Errors
    /// [`Error::NotSupported`] for a role whose PIN is typed here; else as
    /// [`verify_pin`](Self::verify_pin), and [`Error::PinSource`] where nothing was entered.
    pub fn verify_pin_at_reader(&mut self, role: PinId) -> Result<(), Error> {
        self.plain(Repeat::Never, |session| {
            session.refresh()?;
            session.entered_elsewhere(role)?;
            session.collect(role, None).map(drop)
        })
    }

    /// A role whose PIN is entered at the reader.
    fn entered_elsewhere(&mut self, role: PinId) -> Result<PinInfo, Error> {
        let info = self.pin_info(role)?;
        if info.kind == PinKind::External {
            return Ok(info);
        }
        let what = "take this PIN at the reader: it is typed here".to_owned();
        Err(Error::NotSupported { what, card: self.reader.clone() })
    }

    /// Has a PIN changed where it is entered: the old one and twice the new one are typed at the reader, and no
    /// program sees them. Lasts as long as the person at the reader; other programs wait.
    ///
    /// # Errors
    /// [`Error::NotSupported`] where reader, module or card cannot; [`Error::WrongPin`], [`Error::PinBlocked`],
    /// [`Error::PinPolicy`] for a new PIN that the card does not take or that was not the same twice.
    pub fn change_pin_at_reader(&mut self, role: PinId) -> Result<(), Error> {
        self.plain(Repeat::Never, |session| {
            session.refresh()?;
            let info = session.entered_elsewhere(role)?;
            session.permit(PinAction::Change, role, role, info.change)?;
            let changed = session.module.change_pin_at_its_device(role);
            changed.map_err(|error| session.failed_change(role, role, error))?;
            session.doubt(role);
            session.note_tries(role, None);
            session.forget_pin(role);
            session.count_pin_change();
            Ok(())
        })
    }

    /// Changes a PIN by the PIN of a role that may (`dwChangePermission` of `PIN_INFO`).
    ///
    /// # Errors
    /// As [`change_pin`](Self::change_pin); wrong, blocked and tries left are those of `by`.
    pub fn change_pin_by(&mut self, by: PinId, secret: &Pin, target: PinId, new: &Pin) -> Result<(), Error> {
        self.plain(Repeat::Never, |session| {
            session.refresh()?;
            session.typed_pin(by)?;
            let info = session.typed_pin(target)?;
            session.permit(PinAction::Change, by, target, info.change)?;
            let changed = session.module.change_pin(by, secret, target, new);
            changed.map_err(|error| session.failed_change(by, target, error))?;
            session.authenticated.insert(target);
            if by != target {
                session.doubt(by);
            }
            session.note_tries(target, None);
            session.forget_pin(target);
            session.count_pin_change();
            session.keep(target, &Kept::Pin(new.clone()), &info);
            Ok(())
        })
    }

    /// Sets a new PIN and gives it its tries back.
    ///
    /// # Errors
    /// Before a try is spent: [`Error::NoSuchRole`], [`Error::PinPermission`], [`Error::NotSupported`] where
    /// the card knows no such authority. Then [`Error::WrongPin`] and [`Error::PinBlocked`] for the
    /// authority, [`Error::PinPolicy`].
    pub fn unblock_pin(&mut self, target: PinId, with: &mut UnblockWith<'_>, new: &Pin) -> Result<(), Error> {
        self.plain(Repeat::Never, |session| {
            session.refresh()?;
            session.typed_pin(target)?;
            session.unblock_with(target, with, new)?;
            session.forget_pin(target);
            // Nobody is authenticated now; the user's right is needed to count the change.
            session.doubt(target);
            session.note_tries(target, None);
            if target == PinId::USER {
                match session.module.verify_pin(target, new, true) {
                    Ok(()) => session.authenticated.insert(target),
                    Err(error) => tracing::debug!(%error, "the unblocked PIN is not taken"),
                }
            }
            session.count_pin_change();
            Ok(())
        })
    }

    fn unblock_with(&mut self, target: PinId, with: &mut UnblockWith<'_>, new: &Pin) -> Result<(), Error> {
        match with {
            UnblockWith::Puk { role, puk } => {
                let by = match role {
                    Some(role) => Some(*role),
                    None => self.unblocking_role(target)?,
                };
                if let Some(by) = by {
                    self.typed_pin(by)?;
                    let allowed = self.pin_info(target)?.unblock;
                    self.permit(PinAction::Unblock, by, target, allowed)?;
                }
                let unblocked = self.module.unblock_by_puk(by, puk, target, new);
                unblocked.map_err(|error| self.failed_change(by.unwrap_or(target), target, error))?;
                by.into_iter().for_each(|by| self.doubt(by));
            }
            UnblockWith::AdminKey(key) => {
                self.permit_admin(target)?;
                let response = self.answer_challenge(&mut AdminAuthority::Key(key.clone()))?;
                self.unblock_as_admin(&response, target, new)?;
            }
            UnblockWith::Response(responder) => {
                self.permit_admin(target)?;
                let response = self.answer_challenge(&mut AdminAuthority::Response(&mut **responder))?;
                self.unblock_as_admin(&response, target, new)?;
            }
        }
        Ok(())
    }

    fn unblock_as_admin(&mut self, response: &[u8], target: PinId, new: &Pin) -> Result<(), Error> {
        let unblocked = self.module.unblock_by_response(response, target, new);
        unblocked.map_err(|error| self.failed_change(PinId::ADMIN, target, error))?;
        self.doubt(PinId::ADMIN);
        Ok(())
    }

    /// A role whose PIN can be typed here.
    fn typed_pin(&mut self, role: PinId) -> Result<PinInfo, Error> {
        let info = self.pin_info(role)?;
        let what = match info.kind {
            PinKind::AlphaNumeric => return Ok(info),
            PinKind::External if self.may_be_typed(role)? => return Ok(info),
            PinKind::External => "take this PIN from a program: it is entered at its own device",
            PinKind::ChallengeResponse => "take a PIN of this role: it has a key, and answers challenges",
            PinKind::Empty => "take a PIN of this role: it has none",
        };
        Err(Error::NotSupported { what: what.to_owned(), card: self.reader.clone() })
    }

    /// Refuses what `PIN_INFO` does not allow, before it costs a try.
    fn permit(&self, action: PinAction, by: PinId, target: PinId, mut allowed: PinSet) -> Result<(), Error> {
        // Nobody can act as everyone, and no blocked PIN unblocks itself, whatever the bits say.
        allowed.remove(PinId::EVERYONE);
        if action == PinAction::Unblock {
            allowed.remove(target);
        }
        if allowed.contains(by) {
            return Ok(());
        }
        Err(Error::PinPermission { card: self.reader.clone(), role: target, action, by, allowed })
    }

    fn permit_admin(&mut self, target: PinId) -> Result<(), Error> {
        let allowed = self.pin_info(target)?.unblock;
        self.permit(PinAction::Unblock, PinId::ADMIN, target, allowed)
    }

    /// Keeps a role's PIN no longer.
    fn forget_pin(&self, role: PinId) {
        self.pin_cache.forget(&self.reader, role);
    }

    /// The role whose PIN unblocks another: one that is for nothing else, or any that may. `None`
    /// where the card names no such role; the interface's older function then asks none.
    fn unblocking_role(&mut self, target: PinId) -> Result<Option<PinId>, Error> {
        let allowed = self.pin_info(target)?.unblock;
        let mut found = None;
        for role in allowed.iter().filter(|role| ![target, PinId::ADMIN, PinId::EVERYONE].contains(role)) {
            let info = self.pin_info(role)?;
            if info.kind != PinKind::AlphaNumeric {
                continue;
            }
            if info.purpose == PinPurpose::UnblockOnly {
                return Ok(Some(role));
            }
            found = found.or(Some(role));
        }
        Ok(found)
    }

    /// Authenticates the administrator by challenge and response. The right lasts as long as the
    /// transaction, so this is of use within [`hold`](Self::hold).
    ///
    /// # Errors
    /// [`Error::WrongPin`] for a wrong response, [`Error::PinBlocked`], [`Error::BadInput`] for a key
    /// that is none, [`Error::NotSupported`].
    pub fn admin_authenticate(&mut self, authority: &mut AdminAuthority<'_>) -> Result<(), Error> {
        self.plain(Repeat::Never, |session| {
            session.refresh()?;
            let response = session.answer_challenge(authority)?;
            match session.module.admin_respond(&response) {
                Ok(()) => {
                    session.authenticated.insert(PinId::ADMIN);
                    session.note_tries(PinId::ADMIN, None);
                    Ok(())
                }
                Err(error) => {
                    if session.authenticated.contains(PinId::ADMIN) || !is_refusal(&error) {
                        session.doubt(PinId::ADMIN);
                    }
                    Err(session.failed_authentication(PinId::ADMIN, "authenticate the administrator", error))
                }
            }
        })
    }

    /// Replaces the administrator's key (24 bytes, triple DES).
    ///
    /// # Errors
    /// Those of [`admin_authenticate`](Self::admin_authenticate); [`Error::BadInput`] for a new key
    /// of another length.
    pub fn change_admin_key(
        &mut self,
        authority: &mut AdminAuthority<'_>,
        new: &SecretBytes,
    ) -> Result<(), Error> {
        if new.len() != admin::KEY_LEN {
            let what = format!("the administrator's key has {} bytes, not {}", admin::KEY_LEN, new.len());
            return Err(Error::BadInput { what });
        }
        self.plain(Repeat::Never, |session| {
            session.refresh()?;
            let response = session.answer_challenge(authority)?;
            let changed = session.module.change_admin_key(&response, new.as_bytes());
            changed.map_err(|error| session.failed_change(PinId::ADMIN, PinId::ADMIN, error))?;
            session.authenticated.insert(PinId::ADMIN);
            session.count_pin_change();
            Ok(())
        })
    }

    /// Fetches a challenge and has it answered. The transaction goes on meanwhile: any other command
    /// would spend the challenge.
    fn answer_challenge(&mut self, authority: &mut AdminAuthority<'_>) -> Result<Vec<u8>, Error> {
        let challenge = self.module.admin_challenge();
        let challenge =
            challenge.map_err(|error| self.failed("give the administrator a challenge", error))?;
        match authority {
            AdminAuthority::Key(key) => admin::challenge_response(key, &challenge)
                .map_err(|error| Error::BadInput { what: format!("the administrator's key: {error}") }),
            AdminAuthority::Response(responder) => {
                self.in_use(|| responder(&challenge)).map_err(Error::PinSource)
            }
        }
    }

    /// Waits for somebody while this session's transaction is kept in use. The card sees nothing of it.
    pub(super) fn in_use<T>(&self, wait: impl FnOnce() -> T) -> T {
        let card = &self.card;
        keep_alive::while_alive(keep_alive::EVERY, || card.status().is_ok(), wait)
    }

    /// A failed change or unblocking. `INVALID_PARAMETER` is how a card says that it does not take
    /// the new value.
    fn failed_change(&mut self, by: PinId, target: PinId, error: crate::module::CallError) -> Error {
        self.forget_pin(by);
        // What the module authenticated on its way, it may have left so.
        let wrong = error.is(SCARD_W_WRONG_CHV) || error.is(SCARD_W_CHV_BLOCKED);
        if !wrong || self.authenticated.contains(by) {
            self.doubt(by);
        }
        if error.is(cardmod_sys::SCARD_E_INVALID_PARAMETER) {
            return Error::PinPolicy { card: self.reader.clone(), role: target };
        }
        self.failed_authentication(by, "change a PIN", error)
    }

    /// Counts a change of a PIN, where somebody with the right to is authenticated. Unlike other counters this
    /// one follows what it counts, as hosts do: before the change nobody has the right to write it. Whoever kept
    /// the old PIN loses one try if this is broken off. The change is made already, so a card that does not
    /// count it is no failure.
    fn count_pin_change(&mut self) {
        let may = self.authenticated.contains(PinId::USER) || self.authenticated.contains(PinId::ADMIN);
        let counted = match self.read_only() {
            Ok(false) if may => self.count(&[Counter::Pins]),
            Ok(_) => Ok(()),
            Err(error) => Err(error),
        };
        if let Err(error) = counted {
            tracing::debug!(%error, "the change of a PIN was not counted");
        }
    }
}
