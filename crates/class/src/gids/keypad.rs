//! The user's PIN typed at the reader, where the reader has a keypad: the role is then of external type.

use cardmod_sdk::{CardContext, Result, SecurePinEntry, Status};
use cardmod_types::{Pin, PinId, SecretBytes};

use super::answer;
use super::module::GidsModule;
use crate::receipt::FIRST_VERSION;

impl GidsModule {
    /// The PIN can be typed at the reader, and the host can be told so.
    pub(crate) fn has_keypad(&mut self, cx: &mut CardContext<'_>) -> bool {
        cx.version() >= FIRST_VERSION && self.card(cx).reader_takes_pin()
    }
}

impl SecurePinEntry for GidsModule {
    fn typed_pins(&self) -> bool {
        true
    }

    fn verify_session_pin(
        &mut self,
        cx: &mut CardContext<'_>,
        id: PinId,
        session_pin: &SecretBytes,
    ) -> Result<()> {
        let user_is_verified = self.state().verified().user;
        self.receipts.accept(cx, id, session_pin, user_is_verified)
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
            None if id == PinId::USER => {
                self.card(cx).verify_pin_at_reader().map_err(answer::verifying)?;
            }
            None => return Err(Status::InvalidParameter),
        }
        self.receipts.issue()
    }
}
