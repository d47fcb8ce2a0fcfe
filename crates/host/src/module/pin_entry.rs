//! PINs that do not pass through the host as they are: entered at the module's own device, turned into
//! session PINs, or answered as challenges.

use cardmod_sys::{
    CARD_AUTHENTICATE_GENERATE_SESSION_PIN, CARD_AUTHENTICATE_SESSION_PIN, CARD_PIN_SILENT_CONTEXT,
    CARD_PIN_STRENGTH_PLAINTEXT, CARD_PIN_STRENGTH_SESSION_PIN, CP_CARD_PIN_STRENGTH_VERIFY,
};
use cardmod_types::{Pin, PinId, SecretBytes};

use super::context::Context;
use super::function::{CallError, CallErrorKind, CardFunction};

/// `CP_PARENT_WINDOW`.
const PARENT_WINDOW: &str = "Parent Window";
/// `CP_PIN_CONTEXT_STRING`.
const PIN_CONTEXT_STRING: &str = "PIN Context String";

/// How a PIN may travel to the card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PinStrength {
    /// As it is.
    pub plain: bool,
    /// As a session PIN, made over a protected channel.
    pub session_pin: bool,
}

impl Context {
    /// Has the module collect a PIN of external type; answers the session PIN it made.
    ///
    /// # Errors
    /// The module's code, with the tries left.
    pub fn collect_pin(&mut self, role: PinId) -> Result<Option<SecretBytes>, CallError> {
        self.authenticate_ex(role, 0, None)
    }

    /// Has a PIN of external type changed where it is entered.
    ///
    /// # Errors
    /// The module's code, with the tries left.
    pub fn change_pin_at_its_device(&mut self, role: PinId) -> Result<(), CallError> {
        if !self.has(CardFunction::ChangeAuthenticatorEx) {
            return Err(CallError::new(CardFunction::ChangeAuthenticatorEx, CallErrorKind::Absent));
        }
        self.change_external_ex(role)
    }

    /// Turns a PIN into a session PIN; nobody is authenticated by that.
    ///
    /// # Errors
    /// The module's code, with the tries left.
    pub fn generate_session_pin(&mut self, role: PinId, pin: &Pin) -> Result<Option<SecretBytes>, CallError> {
        self.authenticate_ex(role, CARD_AUTHENTICATE_GENERATE_SESSION_PIN, Some(pin))
    }

    /// Authenticates a role by a session PIN. A wrong one costs no try of the PIN.
    ///
    /// # Errors
    /// The module's code.
    pub fn verify_session_pin(
        &mut self,
        role: PinId,
        pin: &SecretBytes,
        silent: bool,
    ) -> Result<(), CallError> {
        let silent = if silent { CARD_PIN_SILENT_CONTEXT } else { 0 };
        let pin = Pin::from(pin.as_bytes());
        self.authenticate_ex(role, CARD_AUTHENTICATE_SESSION_PIN | silent, Some(&pin)).map(drop)
    }

    /// How a role's PIN may travel (property "PIN Strength Verify"); `None` where the card does not say.
    ///
    /// # Errors
    /// The module's code.
    pub fn pin_strength(&mut self, role: PinId) -> Result<Option<PinStrength>, CallError> {
        let bits = self.number(CP_CARD_PIN_STRENGTH_VERIFY, role.get());
        let bits = bits.or_else(|error| if error.is_unsupported() { Ok(None) } else { Err(error) })?;
        Ok(bits.map(|bits| PinStrength {
            plain: bits & CARD_PIN_STRENGTH_PLAINTEXT != 0,
            session_pin: bits & CARD_PIN_STRENGTH_SESSION_PIN != 0,
        }))
    }

    /// The window above which the module shows its PIN entry (property "Parent Window").
    ///
    /// # Errors
    /// The module's code.
    pub fn set_parent_window(&mut self, window: usize) -> Result<(), CallError> {
        self.set_property(PARENT_WINDOW, Some(&window.to_ne_bytes()), 0)
    }

    /// The text of the module's PIN entry (property "PIN Context String"), or none.
    ///
    /// # Errors
    /// The module's code.
    pub fn set_pin_context_string(&mut self, text: Option<&str>) -> Result<(), CallError> {
        let units =
            text.map(|text| text.encode_utf16().chain([0]).flat_map(u16::to_ne_bytes).collect::<Vec<_>>());
        self.set_property(PIN_CONTEXT_STRING, units.as_deref(), 0)
    }

    /// A challenge for a role that is authenticated by the answer to one.
    ///
    /// # Errors
    /// The module's code.
    pub fn challenge_of(&mut self, role: PinId) -> Result<Vec<u8>, CallError> {
        if role == PinId::ADMIN { self.admin_challenge() } else { self.get_challenge_ex(role) }
    }

    /// Authenticates a role by the answer to the challenge fetched before.
    ///
    /// # Errors
    /// The module's code, with the tries left.
    pub fn respond_as(&mut self, role: PinId, response: &[u8]) -> Result<(), CallError> {
        if role == PinId::ADMIN {
            return self.admin_respond(response);
        }
        self.authenticate_ex(role, 0, Some(&Pin::from(response))).map(drop)
    }
}
