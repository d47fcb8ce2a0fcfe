//! What is particular to PIV cards: an identity that systems want, secrets that everybody knows, and the place
//! that logon looks at.

use cardmod_default::piv::edge::{KeyReference, PivCard, PivError};
use cardmod_host::Container;

use super::findings::Report;
use crate::session::Desk;

/// The slot whose certificate logon takes (SP 800-73 part 1, table 4: PIV Authentication).
const LOGON: &str = "9a";

/// What the card tells of itself without a secret.
struct Facts {
    has_chuid: bool,
    /// The secrets with what is to be done, where the card says that each still has its first value.
    defaults: [(&'static str, Option<bool>, &'static str); 3],
}

/// Looks at what the containers do not show.
pub(super) fn examine(desk: &Desk, reader: &str, report: &mut Report) {
    let read = desk.environment.piv(reader).and_then(|mut connection| connection.work(facts));
    let facts = match read {
        Ok(facts) => facts,
        Err(error) => {
            let advice = "cardmod piv status and --apdu-log FILE show more";
            return report.warning("piv", format!("what it tells of itself cannot be read: {error}"), advice);
        }
    };
    if facts.has_chuid {
        report.good("chuid", "it has a CHUID, by which systems know it");
    } else {
        report.warning(
            "chuid",
            "it has no CHUID: Windows and others do not take it for a PIV card",
            "cardmod piv init writes one, with the management key",
        );
    }
    for (what, is_default, advice) in facts.defaults {
        match is_default {
            Some(true) => report.warning("secrets", format!("{what} is the one everybody knows"), advice),
            Some(false) => report.good("secrets", format!("{what} is not the one it was made with")),
            None => {}
        }
    }
}

fn facts(card: &mut PivCard<'_>) -> Result<Facts, PivError> {
    let has_chuid = match card.chuid() {
        Ok(chuid) => chuid.is_some(),
        Err(error @ PivError::Exchange(_)) => return Err(error),
        // One that cannot be read is none.
        Err(_) => false,
    };
    let defaults = [
        ("the PIN", is_default(card, KeyReference::PIN)?, "cardmod pin change sets another"),
        ("the PUK", is_default(card, KeyReference::PUK)?, "cardmod pin change --role puk sets another"),
        (
            "the management key",
            is_default(card, KeyReference::MANAGEMENT)?,
            "cardmod piv management-key sets another: who reaches the card can replace its keys",
        ),
    ];
    Ok(Facts { has_chuid, defaults })
}

/// Whether a secret has its first value, where the card tells.
fn is_default(card: &mut PivCard<'_>, reference: KeyReference) -> Result<Option<bool>, PivError> {
    match card.metadata(reference) {
        Ok(metadata) => Ok(metadata.and_then(|metadata| metadata.is_default)),
        Err(error @ PivError::Exchange(_)) => Err(error),
        Err(_) => Ok(None),
    }
}

/// Looks whether logon finds its certificate.
pub(super) fn logon(containers: &[Container], report: &mut Report) {
    let at_logon = containers.iter().find(|found| found.place.as_deref() == Some(LOGON));
    let certified = at_logon.is_some_and(|found| found.keys.iter().any(|key| key.certificate.is_some()));
    let first = match at_logon.is_some_and(|found| !found.keys.is_empty()) {
        true => String::new(),
        false => format!("cardmod key generate --container {LOGON}, "),
    };
    if certified {
        report.good("logon", format!("slot {LOGON} has the certificate that logon looks for"));
    } else {
        report.warning(
            "logon",
            format!("slot {LOGON} has no certificate, which logon looks for there"),
            format!("{first}cardmod cert request --container {LOGON}, then cardmod cert import"),
        );
    }
}
