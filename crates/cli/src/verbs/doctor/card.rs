//! One card: its answer to reset, the module chosen for it, and whether that module takes it.

use cardmod_default::ModuleChoice;
use cardmod_host::{ModuleSource, ReaderInfo};
use cardmod_iso7816::Atr;

use super::contents;
use super::findings::Report;
use super::{modules, piv};
use crate::failure::Failure;
use crate::output::hex;
use crate::report::is_piv;
use crate::session::Desk;

/// Looks at the card in this reader.
pub(super) fn examine(desk: &Desk, info: &ReaderInfo, report: &mut Report) {
    report.section(format!("Card in {}", info.name));
    answer_to_reset(&info.atr, report);
    let Some(choice) = module(desk, info, report) else { return };
    let (mut opened, mut slots) = (false, false);
    let looked = desk.with_reader(&info.name, |session| {
        opened = true;
        let version = session.interface_version();
        report.good("open", format!("the module takes the card, with version {version} of the interface"));
        slots = matches!(session.place_labels(), Ok(labels) if is_piv(&labels));
        if matches!(choice.source, ModuleSource::BuiltIn { .. }) {
            let application = if slots { "PIV" } else { "GIDS" };
            report.good("application", format!("the {application} application answered its SELECT"));
        }
        contents::examine(session, slots, report);
        Ok(())
    });
    if slots && looked.is_ok() {
        piv::examine(desk, &info.name, report);
    }
    if let Err(failure) = looked {
        refused(&failure, &choice, opened, report);
    }
}

fn answer_to_reset(atr: &[u8], report: &mut Report) {
    let shown = hex(atr);
    match Atr::parse(atr) {
        Ok(parsed) => {
            let protocols: Vec<String> =
                parsed.protocols.iter().map(|protocol| format!("T={protocol}")).collect();
            let printable = |byte: &u8| byte.is_ascii_graphic() || *byte == b' ';
            let letters: String = parsed
                .historical
                .iter()
                .map(|byte| if printable(byte) { *byte as char } else { '.' })
                .collect();
            let historical = hex(&parsed.historical);
            report.good(
                "atr",
                format!(
                    "ATR {shown}: {}, historical bytes {historical} {letters:?}",
                    protocols.join(" and ")
                ),
            );
        }
        Err(error) => report.warning(
            "atr",
            format!("ATR {shown} is no answer to reset: {error}"),
            "a contact problem, or a reader that makes one up",
        ),
    }
}

fn module(desk: &Desk, info: &ReaderInfo, report: &mut Report) -> Option<ModuleChoice> {
    for other in desk.environment.registry.matches(&info.atr).iter().flat_map(|found| &found.others) {
        report.warning(
            "module",
            format!("{:?} ({}) is registered for this ATR too: {}", other.name, other.origin, other.module),
            "the first one wins; a narrower mask tells the cards apart",
        );
    }
    match desk.environment.module_for(&info.atr) {
        Ok(choice) => {
            if choice.entry.is_none() {
                modules::near_misses(&desk.environment.registry, &info.atr, report);
            }
            report.good("module", format!("card module: {}; {}", choice.source, choice.rule));
            Some(choice)
        }
        Err(error) => {
            report.failure("module", &Failure::from(error));
            None
        }
    }
}

/// Why the card could not be opened, or was lost on the way.
fn refused(failure: &Failure, choice: &ModuleChoice, opened: bool, report: &mut Report) {
    let hint = failure.hint.clone();
    let advice = match failure.code {
        _ if opened => "the card was taken out, or its reader lost it; try again".to_owned(),
        "reader-busy" => {
            "another program has the card for itself: end it (gpgconf --kill scdaemon is a usual one)"
                .to_owned()
        }
        "module-load" if matches!(choice.source, ModuleSource::BuiltIn { .. }) => {
            "neither a PIV nor a GIDS application answered its SELECT, and the class module knows no other: \
             register the module of the card's maker (cardmod module register PATH)"
                .to_owned()
        }
        _ => hint.unwrap_or_else(|| "CARDMOD_LOG=debug and --apdu-log FILE show more".to_owned()),
    };
    report.fault("open", failure.exit, failure.message.clone(), advice);
}
