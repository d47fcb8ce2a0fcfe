//! The PIV application: its table and its handlers.

use cardmod_iso7816::{CommandRef, StatusWord};

use super::dispatch::{Applet, Command};
use crate::model::piv::Persistent;

/// The AID of SP 800-73, with its version (part 1, section 2.2).
pub(crate) const AID: [u8; 11] = [0xA0, 0x00, 0x00, 0x03, 0x08, 0x00, 0x00, 0x10, 0x00, 0x01, 0x00];

impl Applet for Persistent {
    fn is_named(name: &[u8]) -> bool {
        AID.starts_with(name)
    }

    fn find(&self, _: &CommandRef<'_>, _: bool) -> Result<&'static dyn Command<Self>, StatusWord> {
        Err(StatusWord::INSTRUCTION_NOT_SUPPORTED)
    }
}
