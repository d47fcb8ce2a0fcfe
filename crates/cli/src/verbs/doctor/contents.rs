//! What is on a card: identity, PINs, container map, containers, certificates.

use cardmod_host::x509::{self, Validity};
use cardmod_host::{
    CardDescription, CardSession, Container, ContainerKey, Error, PinStatus, RebuildAction, RebuildPlan,
};
use cardmod_types::{CacheMode, PinId, PinKind, PinPurpose};

use super::findings::Report;
use super::piv;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::mapping::NO_KEY_HINT;
use crate::report::connection_text;
use crate::report::purpose;

/// Looks at an opened card. What cannot be read is a finding, and the rest is looked at all the same. `slots`:
/// it is a PIV card.
pub(super) fn examine(session: &mut CardSession, slots: bool, report: &mut Report) {
    let mut told = None;
    let mut failed = |check, error: Error, report: &mut Report| {
        let failure = Failure::from(error);
        // One cause is told once: a blank card fails everything alike.
        if told.as_ref() != Some(&failure.message) {
            report.failure(check, &failure);
            told = Some(failure.message);
        }
    };
    match session.describe() {
        Ok(card) => {
            identity(&card, report);
            report.good("connection", connection_text(&card));
            // Where nothing can be written, there is no room to speak of.
            if !card.read_only {
                room(&card, report);
            }
            for pin in &card.pins {
                pin_state(pin, &card, report);
            }
        }
        Err(error) => failed("identity", error, report),
    }
    match session.plan_rebuild() {
        Ok(plan) => container_map(&plan, report),
        Err(error) => failed("container-map", error, report),
    }
    match session.containers() {
        Ok(found) => {
            containers(&found, report);
            if slots {
                piv::logon(&found, report);
            }
        }
        Err(error) => failed("containers", error, report),
    }
}

fn identity(card: &CardDescription, report: &mut Report) {
    match &card.card_id {
        Some(id) => report.good("identity", format!("its identity (file cardid) is {id}")),
        None => report.warning(
            "identity",
            "it has no identity (file cardid)",
            "hosts cannot tell it from another card of its kind, and keep nothing of it",
        ),
    }
    match (&card.cardcf, card.cache_mode) {
        _ if card.hints => report.good(
            "counters",
            "it has no freshness counters: what is remembered of it is shown as cached, and read again where it counts",
        ),
        (None, CacheMode::Global) => report.warning(
            "counters",
            "it has no freshness counters (file cardcf)",
            "what other programs change on it may be seen late",
        ),
        (None, _) => {
            report.good("counters", "it has no freshness counters, and nothing of it is kept for long")
        }
        (Some(cardcf), _) => report.good(
            "counters",
            format!(
                "its freshness counters (file cardcf): PINs {}, containers {}, files {}",
                cardcf.pins, cardcf.containers, cardcf.files
            ),
        ),
    }
    if card.read_only && card.takes_management_key {
        report.good(
            "access",
            "it is read-only here: keys and certificates are changed with its management key (--management-key-file)",
        );
    } else if card.read_only {
        report.warning(
            "access",
            "its module says that it is read-only (property \"Read Only Mode\")",
            "keys and certificates cannot be changed through this module; using them works",
        );
    } else {
        report.good("access", "it can be read and written");
    }
}

fn room(card: &CardDescription, report: &mut Report) {
    let Some(space) = &card.free_space else { return };
    let bytes = space.bytes.map(|bytes| format!("{bytes} bytes"));
    let containers = space.containers.map(|containers| format!("{containers} containers"));
    let told: Vec<String> = bytes.into_iter().chain(containers).collect();
    if space.bytes == Some(0) || space.containers == Some(0) {
        report.warning(
            "space",
            format!("it is full: {} left", told.join(" and ")),
            "cardmod container delete NAME makes room",
        );
    } else if !told.is_empty() {
        report.good("space", format!("room for {} is left", told.join(" and ")));
    }
}

fn pin_state(pin: &PinStatus, card: &CardDescription, report: &mut Report) {
    let name = pin_name(pin);
    match pin.tries_left {
        // It opens nothing by itself: what is on the card works without it.
        Some(0) if pin.info.purpose == PinPurpose::UnblockOnly => {
            report.warning("pin", format!("{name} is blocked"), without_puk(card));
        }
        Some(0) => report.fault("pin", Exit::PinBlocked, format!("{name} is blocked"), unblocking(pin, card)),
        Some(1) => report.warning(
            "pin",
            format!("{name} has 1 try left"),
            "the right PIN gives the others back; a wrong one blocks it",
        ),
        Some(tries) => report.good("pin", format!("{name} has {tries} tries left")),
        None if pin.info.kind == PinKind::External => {
            report.good("pin", format!("{name} is entered on the reader's keypad"));
        }
        None => report.good("pin", format!("{name}: the card does not tell the tries left")),
    }
}

fn pin_name(pin: &PinStatus) -> String {
    match (pin.id, pin.info.purpose) {
        (PinId::USER, _) => "the user PIN".to_owned(),
        (PinId::ADMIN, _) => "the administrator key".to_owned(),
        (id, PinPurpose::UnblockOnly) => format!("the PUK (role {})", id.get()),
        (id, _) => format!("the PIN of role {}", id.get()),
    }
}

/// What is left where a PUK is blocked.
fn without_puk(card: &CardDescription) -> &'static str {
    let blocked = |pin: &PinStatus| pin.id == PinId::ADMIN && pin.tries_left == Some(0);
    let unblocks = |pin: &PinStatus| pin.info.unblock.contains(PinId::ADMIN);
    if card.pins.iter().any(blocked) || !card.pins.iter().any(unblocks) {
        "PINs that are not blocked go on working; once blocked, nothing can unblock them"
    } else {
        "PINs that are not blocked go on working, and the administrator key can do what it did: cardmod pin unblock --admin-key-file FILE"
    }
}

/// Who can unblock a PIN, as a command.
fn unblocking(pin: &PinStatus, card: &CardDescription) -> String {
    if pin.id == PinId::ADMIN {
        return "nobody can unblock it; whoever holds it keeps what the card still allows".to_owned();
    }
    let usable = |role: PinId| {
        pin.info.unblock.contains(role)
            && card.pins.iter().all(|other| other.id != role || other.tries_left != Some(0))
    };
    let puk = card.pins.iter().any(|other| {
        other.info.purpose == PinPurpose::UnblockOnly
            && other.info.kind == PinKind::AlphaNumeric
            && usable(other.id)
    });
    let mut ways = Vec::new();
    if puk {
        ways.push("with its PUK: cardmod pin unblock");
    }
    if usable(PinId::ADMIN) {
        ways.push("with the administrator key: cardmod pin unblock --admin-key-file FILE");
    }
    if ways.is_empty() {
        let reset = if card.takes_management_key { ": cardmod piv reset" } else { "" };
        return format!(
            "nothing on this card can unblock it now: its keys are lost, and it must be set up anew{reset}"
        );
    }
    ways.join("; or ")
}

fn container_map(plan: &RebuildPlan, report: &mut Report) {
    const REBUILD: &str =
        "cardmod container rebuild --dry-run shows what it would be; without --dry-run it is written";
    if let Some(problem) = &plan.problem {
        report.fault(
            "container-map",
            Exit::Failed,
            format!("its container map (file cmapfile) is damaged: {problem}"),
            REBUILD,
        );
    } else if plan.changes() {
        report.warning(
            "container-map",
            "its container map (file cmapfile) does not say what is on the card",
            REBUILD,
        );
    } else {
        report.good("container-map", "its container map (file cmapfile) says what is on the card");
    }
    for entry in &plan.entries {
        let index = entry.index.get();
        if !entry.remarks.is_empty() && entry.action != RebuildAction::Keep {
            report.warning(
                "container-map",
                format!("container {index}: {}", entry.remarks.join("; ")),
                REBUILD,
            );
        }
        if entry.keys.is_empty() && !entry.certificates.is_empty() {
            let purposes: Vec<&str> = entry.certificates.iter().map(|half| purpose(*half)).collect();
            report.warning(
                "certificate",
                format!("container {index} has a certificate ({}) and no key for it", purposes.join(", ")),
                "the key was deleted, or never made here: import it (cardmod key import), or delete the certificate (cardmod cert delete)",
            );
        }
    }
}

fn containers(found: &[Container], report: &mut Report) {
    if found.is_empty() {
        report.warning(
            "containers",
            "it has no key container",
            "cardmod key generate or cardmod key import makes one",
        );
        return;
    }
    for container in found {
        let name = &container.name;
        if let Some(problem) = &container.problem {
            report.fault(
                "container",
                Exit::Failed,
                format!("container {name:?}: {problem}"),
                "cardmod container rebuild repairs the map; the key itself is not touched",
            );
        } else if container.keys.is_empty() {
            report.warning("container", format!("container {name:?} has no key"), NO_KEY_HINT);
        }
        for key in &container.keys {
            certificate(name, key, report);
        }
    }
    if !found.iter().any(|container| container.default) {
        report.warning(
            "default-container",
            "no container is the default one, which programs take that name none",
            "cardmod container default NAME chooses it",
        );
    }
}

fn certificate(container: &str, key: &ContainerKey, report: &mut Report) {
    let key_name = format!("container {container:?}, key for {}", purpose(key.half));
    let Some(der) = &key.certificate else {
        return report.warning(
            "certificate",
            format!("{key_name}: there is no certificate"),
            "programs that look for certificates do not see the key: cardmod cert request, then cert import",
        );
    };
    let summary = match x509::summary(der) {
        Ok(summary) => summary,
        Err(error) => {
            return report.fault(
                "certificate",
                Exit::Failed,
                format!("{key_name}: the certificate cannot be read: {error}"),
                "import it again: cardmod cert import",
            );
        }
    };
    let subject = &summary.subject;
    if summary.public != key.public {
        return report.fault(
            "certificate",
            Exit::Failed,
            format!("{key_name}: the certificate of {subject} is for another key"),
            "import the one that was issued for this key: cardmod cert import",
        );
    }
    let validity = summary.validity();
    let message = format!("{key_name}: the certificate of {subject}: {validity}");
    match validity {
        Validity::Expired(_) => report.warning(
            "certificate",
            message,
            "have it renewed; what was encrypted to it can still be read",
        ),
        Validity::NotYet(_) => report.warning("certificate", message, "is this machine's clock right?"),
        Validity::Valid(_) if validity.ends_soon() => {
            report.warning("certificate", message, "have it renewed in time")
        }
        Validity::Valid(_) => report.good("certificate", message),
    }
}
