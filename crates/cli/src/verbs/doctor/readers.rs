//! The readers, and in which of them there is a card to look at.

use cardmod_host::ReaderInfo;

use super::findings::Report;
use crate::exit::Exit;
use crate::session::Desk;

/// How many readers Windows' resource manager takes.
const WINDOWS_LIMIT: usize = 10;

/// Looks at the readers; answers those with a card that the options do not leave out.
pub(super) fn examine(desk: &Desk, report: &mut Report) -> Vec<ReaderInfo> {
    report.section("Readers");
    let readers = match desk.readers() {
        Ok(readers) => readers,
        Err(failure) => {
            report.failure("readers", &failure);
            return Vec::new();
        }
    };
    if readers.len() > WINDOWS_LIMIT {
        let message = format!("there are {} readers; Windows takes {WINDOWS_LIMIT}", readers.len());
        report.warning("readers", message, "programs on Windows do not see the others");
    }
    let wanted: Vec<ReaderInfo> = readers.into_iter().filter(|info| desk.wants(&info.name)).collect();
    if wanted.is_empty() {
        report.fault(
            "readers",
            Exit::NoReader,
            "there is no such reader and no such virtual card",
            "plug a reader in (its driver and the PC/SC service are checked above), or make a virtual card: cardmod card new NAME",
        );
    }
    for info in &wanted {
        reader(info, report);
    }
    let usable: Vec<ReaderInfo> = wanted.iter().filter(|info| info.present && !info.mute).cloned().collect();
    if usable.is_empty() && wanted.iter().all(|info| !info.mute) && !wanted.is_empty() {
        report.fault("card", Exit::NoCard, "no reader holds a card", "insert one, its chip to the contacts");
    }
    usable
}

fn reader(info: &ReaderInfo, report: &mut Report) {
    let name = &info.name;
    if info.mute {
        return report.fault(
            "reader",
            Exit::NoCard,
            format!("{name}: the card in it does not answer"),
            "is it the right way round, are its contacts clean, does it work in another reader?",
        );
    }
    match (info.present, info.exclusive, info.in_use) {
        (false, _, _) => report.good("reader", format!("{name}: empty")),
        (true, true, _) => report.warning(
            "reader",
            format!("{name}: a program has the card for itself"),
            "end that program (gpg's scdaemon is a usual one: gpgconf --kill scdaemon), or wait",
        ),
        (true, false, true) => report.good("reader", format!("{name}: a card, in use by a program")),
        (true, false, false) => report.good("reader", format!("{name}: a card")),
    }
}
