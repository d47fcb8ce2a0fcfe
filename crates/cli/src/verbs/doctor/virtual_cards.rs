//! The virtual cards: their images, who has them, and whether there is room for changes.

use std::io::Write as _;
use std::path::Path;

use cardmod_virtual::{CardFault, CardStatus, PCSC_SERVICE, StoreError};

use super::findings::Report;
use crate::failure::Failure;
use crate::session::Desk;

/// What a key or a certificate makes an image grow by, generously.
const GROWTH: usize = 16 * 1024;

/// Looks at the virtual cards that the options do not leave out.
pub(super) fn examine(desk: &Desk, report: &mut Report) {
    let store = &desk.environment.store;
    let cards = match store.cards() {
        Ok(cards) => cards,
        Err(error) => return report.failure("virtual-cards", &Failure::from(error)),
    };
    report.section("Virtual cards");
    for card in cards.iter().filter(|card| desk.wants(&desk.environment.reader_of(&card.name))) {
        let name = &card.name;
        match store.open_card(name).and_then(|_| store.status(name)) {
            Err(error) => {
                let failure = Failure::from(error);
                let advice = format!(
                    "put a copy of {} back, or erase it: cardmod card erase {name}",
                    card.path.display()
                );
                report.failure(
                    "virtual-card",
                    &if failure.code == "bad-image" { failure.hint(advice) } else { failure },
                );
            }
            Ok(status) => match no_room(&card.path) {
                Some(fault) => {
                    let failure = Failure::from(StoreError::from(fault));
                    report.failure(
                        "virtual-card",
                        &failure.hint("make room: nothing can be written to this card"),
                    );
                }
                None => state(name, &status, report),
            },
        }
    }
}

/// The disk takes no new image of this card: found by writing as much beside it.
fn no_room(image: &Path) -> Option<CardFault> {
    let length = usize::try_from(image.metadata().ok()?.len()).ok()? + GROWTH;
    let attempt = tempfile::tempfile_in(image.parent()?).and_then(|mut file| {
        file.write_all(&vec![0; length])?;
        file.sync_all()
    });
    attempt.err().map(|cause| CardFault::NotSaved { path: image.to_path_buf(), cause })
}

fn state(name: &str, status: &CardStatus, report: &mut Report) {
    if !status.present {
        let advice = format!("cardmod card insert {name} puts it back");
        report.warning("virtual-card", format!("{name}: it is ejected from its reader"), advice);
    } else if status.plugged {
        report.warning(
            "virtual-card",
            format!("{name}: it is plugged into {PCSC_SERVICE} and used through the reader there"),
            "end cardmod card plug to use it here",
        );
    } else if status.leased {
        report.warning(
            "virtual-card",
            format!("{name}: a program has a transaction open on it"),
            "others wait for its end",
        );
    } else {
        report.good("virtual-card", format!("{name}: its image is whole, and there is room on the disk"));
    }
}
