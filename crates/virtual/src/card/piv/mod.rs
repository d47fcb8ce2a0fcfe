//! The PIV application: its table and its handlers, one file for each group of commands.

mod admin;
mod attest;
mod authenticate;
mod keys;
mod objects;
mod pins;
mod select;
pub(super) mod table;
mod vendor;
mod x509;

use cardmod_iso7816::{CommandRef, StatusWord};

use super::context::{Answer, Reply, Request, Stop};
use super::dispatch::{Applet, Command};
use crate::model::piv::persistent::AID;
use crate::model::piv::{Persistent, Volatile};

pub(crate) use attest::equip;

/// The card as a handler sees it.
type Context<'a> = super::context::Context<'a, Persistent>;

/// The registered identifier of NIST: what hosts at least send to select the application.
const RID_LEN: usize = 5;

impl Applet for Persistent {
    fn is_named(name: &[u8]) -> bool {
        name.len() >= RID_LEN && AID.starts_with(name)
    }

    fn find(
        &self,
        command: &CommandRef<'_>,
        selected: bool,
    ) -> Result<&'static dyn Command<Self>, StatusWord> {
        table::find(command, selected, self.flavour).map(|row| -> &'static dyn Command<Self> { row })
    }

    fn arrived(volatile: &mut Volatile, command: Option<&CommandRef<'_>>) {
        volatile.arrived(command);
    }

    /// Where the host says nothing about it, as much as fits: so do cards under T=1, and widespread tools
    /// rely on it.
    fn expected(&self, command: &CommandRef<'_>) -> usize {
        command.le.unwrap_or(256)
    }
}

impl Context<'_> {
    /// Whether the holder's PIN was verified: the application's, or the global one where the card has it.
    fn pin_verified(&self) -> bool {
        self.volatile.pin || (self.persistent.global.is_some() && self.volatile.global_pin)
    }
}
