//! The dispatch table: which commands exist, in which form, when, and who answers them.
//!
//! The gate reads this table and a section of the documentation page `COMMANDS.md` is printed from it.

use std::fmt::Write as _;

use cardmod_iso7816::{CommandRef, StatusWord};

use super::{Answer, Context, Request};
use super::{admin, environment, files, keys, objects, operations, pins, select};
use crate::card::dispatch::Command;
use crate::model::gids::access::{Right, SecurityStatus};
use crate::model::gids::persistent::{LifeCycle, Persistent};

/// One command in one form.
pub(super) struct Row {
    ins: u8,
    name: &'static str,
    params: Params,
    /// Life cycle states of the application in which it runs.
    states: &'static [LifeCycle],
    /// Whether it runs before the application is selected.
    anywhere: bool,
    /// Whether it may come in several parts.
    chaining: bool,
    data: Data,
    access: Access,
    /// Where GIDS 2.0 describes it.
    section: &'static str,
    run: fn(&mut Context<'_>, &Request<'_>) -> Answer,
}

/// Which P1 P2 a row takes.
enum Params {
    OneOf(&'static [u16]),
    /// This P1, and as P2 a combination of the bits of SELECT.
    Select(u8),
    /// A file identifier.
    File,
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
    /// The administrator authenticated.
    Administrator,
    /// A rule of the application.
    Application(Right),
    /// The rule of this name of the file that the command addresses; the handler knows which.
    File(&'static str),
}

use LifeCycle::{Creation, Initialisation, Operational, Terminated};

const ALWAYS: &[LifeCycle] = &[Creation, Initialisation, Operational, Terminated];
const LIVING: &[LifeCycle] = &[Initialisation, Operational];
const IN_USE: &[LifeCycle] = &[Operational];

#[rustfmt::skip]
const TABLE: &[Row] = &[
    Row { ins: 0xA4, name: "SELECT by AID", params: Params::Select(0x04), states: ALWAYS, anywhere: true, chaining: false, data: Data::Optional, access: Access::Free, section: "SELECT", run: select::by_name },
    Row { ins: 0xA4, name: "SELECT by file identifier", params: Params::Select(0x00), states: ALWAYS, anywhere: true, chaining: false, data: Data::Optional, access: Access::Free, section: "SELECT", run: select::by_identifier },
    Row { ins: 0xCB, name: "GET DATA of EF.DIR and EF.ATR", params: Params::OneOf(&[0x2F00, 0x2F01]), states: ALWAYS, anywhere: true, chaining: false, data: Data::Required, access: Access::Free, section: "MF content", run: objects::get_card_level },
    Row { ins: 0xCB, name: "GET DATA of the application", params: Params::OneOf(&[0x3FFF]), states: ALWAYS, anywhere: false, chaining: false, data: Data::Required, access: Access::File("GET DATA, GET PUBLIC KEY"), section: "GET DATA", run: objects::get_application },
    Row { ins: 0xCB, name: "GET DATA of a file", params: Params::File, states: ALWAYS, anywhere: false, chaining: false, data: Data::Required, access: Access::File("GET DATA"), section: "GET DATA", run: objects::get },
    Row { ins: 0xDB, name: "PUT DATA: load the application's templates", params: Params::OneOf(&[0x0000]), states: &[Creation], anywhere: false, chaining: true, data: Data::Required, access: Access::Free, section: "Life cycle", run: files::load_templates },
    Row { ins: 0xDB, name: "PUT KEY, PUT DATA by tag alone", params: Params::OneOf(&[0x3FFF]), states: LIVING, anywhere: false, chaining: true, data: Data::Required, access: Access::File("PUT KEY, PUT DATA"), section: "PUT KEY", run: objects::put_application },
    Row { ins: 0xDB, name: "PUT DATA", params: Params::File, states: LIVING, anywhere: false, chaining: true, data: Data::Required, access: Access::File("PUT DATA"), section: "PUT DATA", run: objects::put },
    Row { ins: 0xE0, name: "CREATE FILE", params: Params::OneOf(&[0x0000]), states: LIVING, anywhere: false, chaining: false, data: Data::Required, access: Access::Application(Right::CREATE_FILE), section: "CREATE FILE", run: files::create },
    Row { ins: 0x44, name: "ACTIVATE FILE", params: Params::OneOf(&[0x0000]), states: LIVING, anywhere: false, chaining: false, data: Data::Forbidden, access: Access::Free, section: "ACTIVATE FILE", run: files::activate },
    Row { ins: 0xE4, name: "DELETE FILE", params: Params::OneOf(&[0x0000]), states: LIVING, anywhere: false, chaining: false, data: Data::Forbidden, access: Access::Application(Right::DELETE_FILE), section: "DELETE FILE", run: files::delete },
    Row { ins: 0xE6, name: "TERMINATE DF", params: Params::OneOf(&[0x0000]), states: IN_USE, anywhere: false, chaining: false, data: Data::Forbidden, access: Access::Application(Right::TERMINATE), section: "TERMINATE DF", run: files::terminate },
    Row { ins: 0x20, name: "VERIFY", params: Params::OneOf(&[0x0000, 0x0080, 0x0081]), states: LIVING, anywhere: false, chaining: true, data: Data::Optional, access: Access::Free, section: "VERIFY", run: pins::verify },
    Row { ins: 0x20, name: "VERIFY: clear the security status", params: Params::OneOf(&[0x0082]), states: LIVING, anywhere: false, chaining: false, data: Data::Optional, access: Access::Free, section: "VERIFY", run: pins::clear },
    Row { ins: 0x24, name: "CHANGE REFERENCE DATA", params: Params::OneOf(&[0x0080, 0x0081]), states: LIVING, anywhere: false, chaining: true, data: Data::Required, access: Access::Free, section: "CHANGE REFERENCE DATA", run: pins::change },
    Row { ins: 0x24, name: "CHANGE REFERENCE DATA: create", params: Params::OneOf(&[0x0180, 0x0181]), states: &[Initialisation], anywhere: false, chaining: true, data: Data::Required, access: Access::Free, section: "CHANGE REFERENCE DATA", run: pins::create },
    Row { ins: 0x2C, name: "RESET RETRY COUNTER with the PUK", params: Params::OneOf(&[0x0080]), states: LIVING, anywhere: false, chaining: true, data: Data::Required, access: Access::Free, section: "RESET RETRY COUNTER", run: pins::unblock_by_puk },
    Row { ins: 0x2C, name: "RESET RETRY COUNTER by the administrator", params: Params::OneOf(&[0x0280]), states: LIVING, anywhere: false, chaining: true, data: Data::Required, access: Access::Administrator, section: "RESET RETRY COUNTER", run: pins::unblock_by_admin },
    Row { ins: 0x22, name: "MANAGE SECURITY ENVIRONMENT for a private key", params: Params::OneOf(&[0x41B6, 0x41B8]), states: IN_USE, anywhere: false, chaining: false, data: Data::Required, access: Access::File("MSE"), section: "MANAGE SECURITY ENVIRONMENT", run: environment::choose_key },
    Row { ins: 0x22, name: "MANAGE SECURITY ENVIRONMENT for authentication", params: Params::OneOf(&[0x81A4, 0xC1A4]), states: IN_USE, anywhere: false, chaining: false, data: Data::Required, access: Access::File("MSE"), section: "MANAGE SECURITY ENVIRONMENT", run: environment::choose_authentication },
    Row { ins: 0x2A, name: "PERFORM SECURITY OPERATION: sign", params: Params::OneOf(&[0x9E9A]), states: IN_USE, anywhere: false, chaining: true, data: Data::Required, access: Access::File("MSE"), section: "PSO", run: operations::sign },
    Row { ins: 0x2A, name: "PERFORM SECURITY OPERATION: decipher, agree", params: Params::OneOf(&[0x8086]), states: IN_USE, anywhere: false, chaining: true, data: Data::Required, access: Access::File("MSE"), section: "PSO", run: operations::decipher },
    Row { ins: 0x47, name: "GENERATE ASYMMETRIC KEY PAIR", params: Params::OneOf(&[0x0000]), states: LIVING, anywhere: false, chaining: true, data: Data::Required, access: Access::File("GENERATE"), section: "GENERATE ASYMMETRIC KEY PAIR", run: keys::generate },
    Row { ins: 0x87, name: "GENERAL AUTHENTICATE", params: Params::OneOf(&[0x0000]), states: IN_USE, anywhere: false, chaining: true, data: Data::Required, access: Access::Free, section: "GENERAL AUTHENTICATE", run: admin::general_authenticate },
];

/// The row that answers `command`, or why none does.
pub(super) fn find(
    command: &CommandRef<'_>,
    selected: bool,
    life_cycle: LifeCycle,
) -> Result<&'static Row, StatusWord> {
    let mut refusal = StatusWord::INSTRUCTION_NOT_SUPPORTED;
    for row in TABLE.iter().filter(|row| row.ins == command.ins) {
        if !row.params.take(command.p1p2()) {
            if refusal == StatusWord::INSTRUCTION_NOT_SUPPORTED {
                refusal = StatusWord::INCORRECT_P1_P2;
            }
        } else if !(selected || row.anywhere) {
            // Another application could be selected; it would not know the instruction.
            return Err(StatusWord::INSTRUCTION_NOT_SUPPORTED);
        } else if row.states.contains(&life_cycle) {
            return Ok(row);
        } else {
            refusal = StatusWord::CONDITIONS_NOT_SATISFIED;
        }
    }
    Err(refusal)
}

impl Command<Persistent> for Row {
    fn chaining(&self) -> bool {
        self.chaining
    }

    fn check(&self, context: &Context<'_>, data: &[u8]) -> Result<(), StatusWord> {
        self.check_data(data)?;
        self.check_access(context.persistent, context.volatile.status)
    }

    fn run(&self, context: &mut Context<'_>, request: &Request<'_>) -> Answer {
        (self.run)(context, request)
    }
}

impl Row {
    /// Whether data is there as it must be.
    fn check_data(&self, data: &[u8]) -> Result<(), StatusWord> {
        match self.data {
            Data::Required if data.is_empty() => Err(StatusWord::WRONG_LENGTH),
            Data::Forbidden if !data.is_empty() => Err(StatusWord::WRONG_LENGTH),
            _ => Ok(()),
        }
    }

    /// Whether what the command needs was proved, as far as it does not depend on its data.
    fn check_access(&self, persistent: &Persistent, status: SecurityStatus) -> Result<(), StatusWord> {
        let granted = match self.access {
            Access::Free | Access::File(_) => true,
            Access::Administrator => status.admin,
            Access::Application(right) => persistent.allows(right, status),
        };
        if granted { Ok(()) } else { Err(StatusWord::SECURITY_STATUS_NOT_SATISFIED) }
    }
}

impl Access {
    fn text(&self) -> String {
        match self {
            Access::Free => "free".to_owned(),
            Access::Administrator => "administrator".to_owned(),
            Access::Application(_) => "rule of the application".to_owned(),
            Access::File(rule) => format!("rule of the file: {rule}"),
        }
    }
}

impl Params {
    fn take(&self, p1p2: u16) -> bool {
        match self {
            Params::OneOf(values) => values.contains(&p1p2),
            Params::Select(p1) => p1p2 >> 8 == u16::from(*p1) && p1p2 & 0x00F1 == 0,
            Params::File => true,
        }
    }

    fn text(&self) -> String {
        match self {
            Params::OneOf(values) => {
                values.iter().map(|value| format!("{value:04X}")).collect::<Vec<_>>().join(", ")
            }
            Params::Select(p1) => format!("{p1:02X}00–{p1:02X}0E, even"),
            Params::File => "file identifier".to_owned(),
        }
    }
}

/// The GIDS section of the command page, in Markdown.
pub(in crate::card) fn section() -> String {
    let mut page = String::from(
        "## GIDS\n\n\
         From `src/card/gids/table.rs`.\n\n\
         | INS | Command | P1 P2 | States | Chaining | Data | Access | GIDS 2.0 |\n|---|---|---|---|---|---|---|---|\n",
    );
    for row in TABLE {
        let states = if row.states.len() == ALWAYS.len() {
            "all".to_owned()
        } else {
            row.states.iter().map(|state| format!("{state:?}").to_lowercase()).collect::<Vec<_>>().join(", ")
        };
        let data = match row.data {
            Data::Required => "required",
            Data::Forbidden => "none",
            Data::Optional => "optional",
        };
        let chaining = if row.chaining { "yes" } else { "no" };
        let (ins, name, params, section) = (row.ins, row.name, row.params.text(), row.section);
        let access = row.access.text();
        let _ = writeln!(
            page,
            "| {ins:02X} | {name} | {params} | {states} | {chaining} | {data} | {access} | {section} |"
        );
    }
    page
}
