//! The user's PIN typed at the reader, where the reader has a keypad: its two roles are then of external type.

use cardmod_sdk::{CardContext, Result, SecurePinEntry, Status};
use cardmod_types::{Pin, PinCachePolicy, PinId, PinInfo, PinKind, SecretBytes};

use super::PivModule;
use super::answer;
use super::pins::{always, is_pin};
use crate::receipt::FIRST_VERSION;

impl PivModule {
    /// The role as it is in this reader.
    pub(super) fn in_this_reader(&mut self, cx: &mut CardContext<'_>, id: PinId, info: PinInfo) -> PinInfo {
        if !is_pin(id) || cx.version() < FIRST_VERSION || !self.card(cx).reader_takes_pin() {
            return info;
        }
        // Nobody but the reader knows the PIN, so nobody can keep it.
        let cache = match info.cache {
            PinCachePolicy::AlwaysPrompt => PinCachePolicy::AlwaysPrompt,
            _ => PinCachePolicy::None,
        };
        PinInfo { kind: PinKind::External, cache, ..info }
    }

    fn verify_at_reader(&mut self, cx: &mut CardContext<'_>, id: PinId) -> Result<()> {
        if !is_pin(id) {
            return Err(Status::InvalidParameter);
        }
        if id == always() {
            self.prepare_always(cx)?;
        }
        let reference = self.pin_reference(cx)?;
        self.card(cx).verify_pin_at_reader(reference).map_err(answer::verifying)?;
        Ok(())
    }
}

impl SecurePinEntry for PivModule {
    fn typed_pins(&self) -> bool {
        true
    }

    fn verify_session_pin(
        &mut self,
        cx: &mut CardContext<'_>,
        id: PinId,
        session_pin: &SecretBytes,
    ) -> Result<()> {
        self.receipts.accept(cx, id, session_pin, self.state().verified().user)
    }

    fn verify_external(
        &mut self,
        cx: &mut CardContext<'_>,
        id: PinId,
        _silent: bool,
        data: Option<&Pin>,
    ) -> Result<SecretBytes> {
        match data {
            Some(pin) => self.verify(cx, id, pin)?,
            None => self.verify_at_reader(cx, id)?,
        }
        self.receipts.issue()
    }

    fn change_external(&mut self, cx: &mut CardContext<'_>, id: PinId) -> Result<()> {
        if !is_pin(id) {
            return Err(Status::InvalidParameter);
        }
        let reference = self.pin_reference(cx)?;
        // Whatever comes of it, the card may take the user for authenticated.
        self.card(cx).change_pin_at_reader(reference).map_err(answer::changing)
    }
}
