//! What a host gets for a PIN that was typed at the reader, and what becomes of an entry that failed.
//!
//! The interface wants a session PIN for an external PIN (specification, 4.2.4). Nobody but the reader knows
//! the PIN, so it can be no more than a receipt: good as long as the card still takes the role for
//! authenticated, and within this context.

use cardmod_iso7816::PinEntryError;
use cardmod_sdk::{CardContext, Result, Status};
use cardmod_types::{PinId, SecretBytes};

/// `SCARD_E_TIMEOUT`.
const TIMEOUT: u32 = 0x8010_000A;
/// The first version of the interface that knows external PINs (`PIN_INFO`).
pub(crate) const FIRST_VERSION: u32 = 6;
/// Length of a receipt.
const LENGTH: usize = 16;

/// What a module keeps of the entries at the reader: the receipt for the last one.
#[derive(Debug, Default)]
pub(crate) struct Receipts(Option<Receipt>);

impl Receipts {
    /// A receipt for the entry that just succeeded, as a session PIN. The one before is void.
    ///
    /// # Errors
    /// [`Status::Unexpected`] where the system has no randomness.
    pub(crate) fn issue(&mut self) -> Result<SecretBytes> {
        let receipt = Receipt::new()?;
        let session_pin = receipt.session_pin();
        self.0 = Some(receipt);
        Ok(session_pin)
    }

    /// Accepts the last receipt for the user, while the card takes the user for authenticated. Not for a role
    /// that wants its PIN each time: that is typed each time.
    ///
    /// # Errors
    /// [`Status::WrongPin`] for anything else; it cost no try.
    pub(crate) fn accept(
        &self,
        cx: &CardContext<'_>,
        id: PinId,
        session_pin: &SecretBytes,
        user_is_verified: bool,
    ) -> Result<()> {
        let is_ours = self.0.as_ref().is_some_and(|receipt| receipt.is(session_pin));
        if id == PinId::USER && is_ours && cx.continuity() && user_is_verified {
            return Ok(());
        }
        Err(Status::WrongPin { attempts: None })
    }
}

/// A receipt for one entry. Wiped, and compared in constant time, as secrets are.
struct Receipt(SecretBytes);

impl Receipt {
    /// A new one, like no other.
    fn new() -> Result<Self> {
        let mut bytes = vec![0; LENGTH];
        getrandom::fill(&mut bytes).map_err(|_| Status::Unexpected)?;
        Ok(Self(SecretBytes::new(bytes)))
    }

    /// The receipt as a session PIN.
    fn session_pin(&self) -> SecretBytes {
        SecretBytes::from(self.0.as_bytes())
    }

    /// Whether a session PIN is this receipt.
    fn is(&self, session_pin: &SecretBytes) -> bool {
        self.0 == *session_pin
    }
}

impl core::fmt::Debug for Receipt {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Receipt")
    }
}

/// The cause a host is told where the keypad sent nothing. A PIN of a wrong length is a wrong one that cost no
/// try.
pub(crate) fn entry_refused(error: PinEntryError) -> Status {
    match error {
        PinEntryError::Cancelled => Status::CancelledByUser,
        PinEntryError::Timeout => Status::Transport(TIMEOUT),
        PinEntryError::Length => Status::WrongPin { attempts: None },
        PinEntryError::Mismatch => Status::InvalidParameter,
        PinEntryError::Unsupported => Status::UnsupportedFeature,
        PinEntryError::Transport(error) => Status::from(error),
        _ => Status::Unexpected,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn receipts_are_told_apart() {
        let (one, other) = (Receipt::new().expect("a receipt"), Receipt::new().expect("a receipt"));
        assert!(one.is(&one.session_pin()));
        assert!(!one.is(&other.session_pin()));
        assert!(!one.is(&SecretBytes::from(&one.session_pin().as_bytes()[..8])));
        assert_eq!(format!("{one:?}"), "Receipt");
    }

    #[test]
    fn a_new_receipt_voids_the_one_before() {
        let mut receipts = Receipts::default();
        let first = receipts.issue().expect("a receipt");
        let second = receipts.issue().expect("a receipt");
        let last = receipts.0.as_ref().expect("a receipt");
        assert!(last.is(&second) && !last.is(&first));
    }

    #[test]
    fn every_end_of_an_entry_has_its_cause() {
        assert_eq!(entry_refused(PinEntryError::Cancelled).code(), 0x8010_006E);
        assert_eq!(entry_refused(PinEntryError::Timeout).code(), 0x8010_000A);
        assert_eq!(entry_refused(PinEntryError::Length), Status::WrongPin { attempts: None });
        assert_eq!(entry_refused(PinEntryError::Mismatch), Status::InvalidParameter);
        assert_eq!(entry_refused(PinEntryError::Unsupported), Status::UnsupportedFeature);
        let removed = cardmod_iso7816::TransportError { code: 0x8010_0069 };
        assert_eq!(entry_refused(PinEntryError::Transport(removed)), Status::Removed);
    }
}
