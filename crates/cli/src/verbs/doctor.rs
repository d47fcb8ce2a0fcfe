//! `cardmod doctor`: why a card does not work, step by step from the PC/SC service to the certificates,
//! and what to do about each finding.

mod cache;
mod card;
mod contents;
mod findings;
mod modules;
mod piv;
mod readers;
mod service;
mod virtual_cards;

use self::findings::Report;
use crate::args::Global;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;
use crate::progress::Progress;
use crate::session::Desk;

/// Runs the verb. It ends with the exit code of the first fault found; warnings are none.
pub(crate) fn run(global: &Global, out: Output) -> Result<(), Failure> {
    let mut report = Report::default();
    {
        let _progress = Progress::start(out, "examining");
        examine(global, &mut report);
    }
    out.show(&report.document(), || report.text())?;
    match report.exit() {
        Exit::Ok => Ok(()),
        exit => Err(Failure::told(exit)),
    }
}

fn examine(global: &Global, report: &mut Report) {
    service::examine(report);
    report.section("This program");
    // Notes on standard error would tell twice what becomes a finding.
    let desk = match Desk::open(global, Output::new(false, true)) {
        Ok(desk) => desk,
        Err(failure) => return report.failure("environment", &failure),
    };
    report
        .good("environment", format!("virtual cards are kept in {}", desk.environment.store.dir().display()));
    cache::examine(report);
    virtual_cards::examine(&desk, report);
    modules::examine(&desk, report);
    for reader in readers::examine(&desk, report) {
        card::examine(&desk, &reader, report);
    }
}
