//! The dispatch table: which commands exist, in which form and flavour, and who answers them.
//!
//! The gate reads this table and a section of the documentation page `COMMANDS.md` is printed from it.

use std::fmt::Write as _;

use cardmod_iso7816::{CommandRef, StatusWord};

use super::authenticate::MANAGEMENT_KEY;
use super::{Answer, Context, Request};
use super::{attest, authenticate, keys, objects, pins, select, vendor};
use crate::card::dispatch::Command;
use crate::model::piv::key::{Algorithm, Slot};
use crate::model::piv::{ManagementAlgorithm, Persistent, PivFlavour};

/// One command in one form.
pub(super) struct Row {
    ins: u8,
    name: &'static str,
    params: Params,
    /// Whether YubiKey-like cards alone have it.
    vendor: bool,
    /// Whether it runs before the application is selected.
    anywhere: bool,
    /// Whether it may come in several parts.
    chaining: bool,
    data: Data,
    access: Access,
    /// Where it is described.
    source: &'static str,
    run: fn(&mut Context<'_>, &Request<'_>) -> Answer,
}

/// Which P1 P2 a row takes.
enum Params {
    OneOf(&'static [u16]),
    /// This P1, and the reference of a PIN or PUK out of these.
    Reference(u8, &'static [u8]),
    /// P1 00 and a slot, or anything else that has metadata.
    Metadata,
    /// P1 00 and a slot.
    Slot,
    /// An algorithm and a slot.
    AlgorithmSlot,
    /// An algorithm and a slot other than F9, or one of the management key's and 9B.
    KeyUse,
    /// A slot and P2 00.
    SlotFirst,
    /// A slot or FF, and a slot.
    TwoSlots,
    /// Two numbers.
    Any,
}

/// Whether there is command data.
#[derive(PartialEq, Eq)]
enum Data {
    Required,
    Forbidden,
    Optional,
}

/// What must have been proved.
enum Access {
    /// Nothing, or the command is itself a proof.
    Free,
    /// The management key.
    Administrator,
    /// The management key and the PIN.
    AdministratorAndPin,
    /// What the handler knows: the rule of an object or a key.
    Rule(&'static str),
}

#[rustfmt::skip]
const TABLE: &[Row] = &[
    Row { ins: 0xA4, name: "SELECT", params: Params::OneOf(&[0x0400, 0x040C]), vendor: false, anywhere: true, chaining: false, data: Data::Required, access: Access::Free, source: "part 2, 3.1.1", run: select::by_name },
    Row { ins: 0xCB, name: "GET DATA", params: Params::OneOf(&[0x3FFF]), vendor: false, anywhere: false, chaining: false, data: Data::Required, access: Access::Rule("PIN for biometrics, printed information and pairing code"), source: "part 2, 3.1.2", run: objects::get },
    Row { ins: 0x20, name: "VERIFY", params: Params::Reference(0x00, &[0x00, 0x80]), vendor: false, anywhere: false, chaining: false, data: Data::Optional, access: Access::Free, source: "part 2, 3.2.1", run: pins::verify },
    Row { ins: 0x20, name: "VERIFY: log out", params: Params::Reference(0xFF, &[0x00, 0x80]), vendor: false, anywhere: false, chaining: false, data: Data::Forbidden, access: Access::Free, source: "part 2, 3.2.1", run: pins::log_out },
    Row { ins: 0x24, name: "CHANGE REFERENCE DATA", params: Params::Reference(0x00, &[0x00, 0x80, 0x81]), vendor: false, anywhere: false, chaining: false, data: Data::Required, access: Access::Free, source: "part 2, 3.2.2", run: pins::change },
    Row { ins: 0x2C, name: "RESET RETRY COUNTER", params: Params::Reference(0x00, &[0x80]), vendor: false, anywhere: false, chaining: false, data: Data::Required, access: Access::Free, source: "part 2, 3.2.3", run: pins::unblock },
    Row { ins: 0x87, name: "GENERAL AUTHENTICATE", params: Params::KeyUse, vendor: false, anywhere: false, chaining: true, data: Data::Required, access: Access::Rule("PIN policy of the key"), source: "part 2, 3.2.4", run: authenticate::general_authenticate },
    Row { ins: 0xDB, name: "PUT DATA", params: Params::OneOf(&[0x3FFF]), vendor: false, anywhere: false, chaining: true, data: Data::Required, access: Access::Administrator, source: "part 2, 3.3.1", run: objects::put },
    Row { ins: 0x47, name: "GENERATE ASYMMETRIC KEY PAIR", params: Params::Slot, vendor: false, anywhere: false, chaining: true, data: Data::Required, access: Access::Administrator, source: "part 2, 3.3.2", run: keys::generate },
    Row { ins: 0xF6, name: "MOVE KEY, DELETE KEY", params: Params::TwoSlots, vendor: true, anywhere: false, chaining: false, data: Data::Forbidden, access: Access::Administrator, source: "Yubico", run: keys::relocate },
    Row { ins: 0xF7, name: "GET METADATA", params: Params::Metadata, vendor: true, anywhere: false, chaining: false, data: Data::Forbidden, access: Access::Free, source: "Yubico", run: vendor::metadata },
    Row { ins: 0xF8, name: "GET SERIAL NUMBER", params: Params::OneOf(&[0x0000]), vendor: true, anywhere: false, chaining: false, data: Data::Forbidden, access: Access::Free, source: "Yubico", run: vendor::serial },
    Row { ins: 0xF9, name: "ATTEST", params: Params::SlotFirst, vendor: true, anywhere: false, chaining: false, data: Data::Forbidden, access: Access::Free, source: "Yubico", run: attest::attest },
    Row { ins: 0xFA, name: "SET PIN RETRIES", params: Params::Any, vendor: true, anywhere: false, chaining: false, data: Data::Forbidden, access: Access::AdministratorAndPin, source: "Yubico", run: vendor::set_tries },
    Row { ins: 0xFB, name: "RESET", params: Params::OneOf(&[0x0000]), vendor: true, anywhere: false, chaining: false, data: Data::Forbidden, access: Access::Rule("PIN and PUK blocked"), source: "Yubico", run: vendor::reset },
    Row { ins: 0xFD, name: "GET VERSION", params: Params::OneOf(&[0x0000]), vendor: true, anywhere: false, chaining: false, data: Data::Forbidden, access: Access::Free, source: "Yubico", run: vendor::version },
    Row { ins: 0xFE, name: "IMPORT ASYMMETRIC KEY", params: Params::AlgorithmSlot, vendor: true, anywhere: false, chaining: true, data: Data::Required, access: Access::Administrator, source: "Yubico", run: keys::import },
    Row { ins: 0xFF, name: "SET MANAGEMENT KEY", params: Params::OneOf(&[0xFFFF, 0xFFFE, 0xFFFD]), vendor: true, anywhere: false, chaining: false, data: Data::Required, access: Access::Administrator, source: "Yubico", run: vendor::set_management_key },
];

/// The row that answers `command`, or why none does.
pub(super) fn find(
    command: &CommandRef<'_>,
    selected: bool,
    flavour: PivFlavour,
) -> Result<&'static Row, StatusWord> {
    let mut refusal = StatusWord::INSTRUCTION_NOT_SUPPORTED;
    let known = |row: &&Row| row.ins == command.ins && (flavour.is_yubikey() || !row.vendor);
    for row in TABLE.iter().filter(known) {
        match row.params.check(command, flavour) {
            Ok(()) if selected || row.anywhere => return Ok(row),
            // Another application could be selected; it would not know the instruction.
            Ok(()) => return Err(StatusWord::INSTRUCTION_NOT_SUPPORTED),
            // Of two reasons the one of the row that P1 fits.
            Err(_) if refusal == StatusWord::REFERENCED_DATA_NOT_FOUND => {}
            Err(reason) => refusal = reason,
        }
    }
    Err(if selected || command.ins == 0xA4 { refusal } else { StatusWord::INSTRUCTION_NOT_SUPPORTED })
}

impl Command<Persistent> for Row {
    fn chaining(&self) -> bool {
        self.chaining
    }

    fn check(&self, context: &Context<'_>, data: &[u8]) -> Result<(), StatusWord> {
        match self.data {
            Data::Required if data.is_empty() => return Err(StatusWord::WRONG_LENGTH),
            Data::Forbidden if !data.is_empty() => return Err(StatusWord::WRONG_LENGTH),
            _ => {}
        }
        let granted = match self.access {
            Access::Free | Access::Rule(_) => true,
            Access::Administrator => context.volatile.administrator,
            Access::AdministratorAndPin => context.volatile.administrator && context.volatile.pin,
        };
        if granted { Ok(()) } else { Err(StatusWord::SECURITY_STATUS_NOT_SATISFIED) }
    }

    fn run(&self, context: &mut Context<'_>, request: &Request<'_>) -> Answer {
        (self.run)(context, request)
    }
}

impl Params {
    fn check(&self, command: &CommandRef<'_>, flavour: PivFlavour) -> Result<(), StatusWord> {
        let (p1, p2) = (command.p1, command.p2);
        let slot = |reference| Slot::of(reference, flavour);
        let taken = match self {
            Params::OneOf(values) => values.contains(&command.p1p2()),
            Params::Reference(known, references) if p1 == *known => {
                let known = references.contains(&p2);
                return if known { Ok(()) } else { Err(StatusWord::REFERENCED_DATA_NOT_FOUND) };
            }
            Params::Reference(..) => false,
            Params::Metadata => p1 == 0,
            Params::Slot => p1 == 0 && slot(p2).is_some(),
            Params::AlgorithmSlot => Algorithm::from_id(p1, flavour).is_some() && slot(p2).is_some(),
            Params::KeyUse if p2 == MANAGEMENT_KEY => ManagementAlgorithm::from_id(p1).is_some(),
            Params::KeyUse => {
                let usable = slot(p2).is_some_and(|slot| slot != Slot::ATTESTATION);
                usable && Algorithm::from_id(p1, flavour).is_some()
            }
            Params::SlotFirst => p2 == 0 && slot(p1).is_some(),
            Params::TwoSlots => (p1 == 0xFF || slot(p1).is_some()) && slot(p2).is_some(),
            Params::Any => true,
        };
        if taken { Ok(()) } else { Err(StatusWord::INCORRECT_P1_P2) }
    }

    fn text(&self) -> String {
        let hex =
            |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(", ");
        match self {
            Params::OneOf(values) => {
                values.iter().map(|value| format!("{value:04X}")).collect::<Vec<_>>().join(", ")
            }
            Params::Reference(p1, references) => format!("{p1:02X}, one of {}", hex(references)),
            Params::Metadata => "00, reference".to_owned(),
            Params::Slot => "00, slot".to_owned(),
            Params::AlgorithmSlot => "algorithm, slot".to_owned(),
            Params::KeyUse => "algorithm, slot or 9B".to_owned(),
            Params::SlotFirst => "slot, 00".to_owned(),
            Params::TwoSlots => "slot or FF, slot".to_owned(),
            Params::Any => "tries of PIN, of PUK".to_owned(),
        }
    }
}

impl Access {
    fn text(&self) -> &'static str {
        match self {
            Access::Free => "free",
            Access::Administrator => "management key",
            Access::AdministratorAndPin => "management key and PIN",
            Access::Rule(rule) => rule,
        }
    }
}

/// The PIV section of the command page, in Markdown.
pub(in crate::card) fn section() -> String {
    let mut page = String::from(
        "## PIV\n\n\
         From `src/card/piv/table.rs`. Cards of the standard flavour answer 6D00 to the commands of the\n\
         YubiKey flavour. Slots are 9A, 9C, 9D, 9E, 82 to 95 and, in the YubiKey flavour, F9, whose key only\n\
         attests. A P1 P2 that a command has not is answered 6A86, an unknown PIN 6A88.\n\n\
         | INS | Command | P1 P2 | Flavour | Chaining | Data | Access | Source |\n|---|---|---|---|---|---|---|---|\n",
    );
    for row in TABLE {
        let flavour = if row.vendor { "YubiKey" } else { "both" };
        let data = match row.data {
            Data::Required => "required",
            Data::Forbidden => "none",
            Data::Optional => "optional",
        };
        let chaining = if row.chaining { "yes" } else { "no" };
        let (ins, name, params, source) = (row.ins, row.name, row.params.text(), row.source);
        let access = row.access.text();
        let source = if row.vendor { source.to_owned() } else { format!("SP 800-73 {source}") };
        let _ = writeln!(
            page,
            "| {ins:02X} | {name} | {params} | {flavour} | {chaining} | {data} | {access} | {source} |"
        );
    }
    page
}
