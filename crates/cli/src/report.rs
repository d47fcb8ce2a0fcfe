//! Containers, keys, certificates and PINs as the JSON documents and tables show them.

use cardmod_host::module::PinStrength;
use cardmod_host::{CardDescription, Container, ContainerKey, PinStatus, x509};
use cardmod_types::{
    ContainerIndex, EcCurve, KeyHalf, PinCachePolicy, PinId, PinKind, PinPurpose, PublicKey,
};
use serde::Serialize;

use crate::output::{hex, table};

/// A container.
#[derive(Serialize)]
pub(crate) struct ContainerView {
    name: String,
    index: u8,
    /// The place of its key, such as 9a on a PIV card.
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<String>,
    default: bool,
    pin: u32,
    keys: Vec<KeyView>,
    /// Keys and certificates are as they were when they were last read.
    #[serde(skip_serializing_if = "is_false")]
    cached: bool,
    /// What of the container cannot be read, or contradicts another.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

/// A key of a container.
#[derive(Serialize)]
pub(crate) struct KeyView {
    purpose: &'static str,
    key_spec: u32,
    algorithm: String,
    bits: u32,
    public_key_spki: String,
    certificate: Option<CertificateView>,
}

/// A certificate, in short.
#[derive(Serialize)]
pub(crate) struct CertificateView {
    subject: String,
    issuer: String,
    serial: String,
    not_before: String,
    not_after: String,
    /// `valid`, `expires in 9 days`, `expired 3 days ago`, …
    #[serde(skip_serializing_if = "Option::is_none")]
    validity: Option<String>,
    bytes: usize,
    /// The certificate is for the container's key.
    matches_key: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

/// How the policy is shown by which a PIN is asked for at each use.
const ALWAYS: &str = "always prompt";

/// A PIN of the card.
#[derive(Serialize)]
pub(crate) struct PinView {
    id: u32,
    role: &'static str,
    kind: &'static str,
    purpose: &'static str,
    cache: String,
    /// How the PIN may travel to the card: "plain", "session-pin".
    strength: Vec<&'static str>,
    tries_left: Option<u32>,
    blocked: bool,
    authenticated: Option<bool>,
    changed_by: Vec<u32>,
    unblocked_by: Vec<u32>,
}

impl From<&Container> for ContainerView {
    fn from(container: &Container) -> Self {
        Self {
            name: container.name.clone(),
            index: container.index.get(),
            place: container.place.clone(),
            cached: container.cached,
            default: container.default,
            pin: container.pin.get(),
            keys: container.keys.iter().map(KeyView::from).collect(),
            problem: container.problem.clone(),
        }
    }
}

impl ContainerView {
    /// The place and name of a container of this role.
    pub(crate) fn of_role(&self, id: u32) -> Option<&str> {
        (self.pin == id).then(|| self.place.as_deref().unwrap_or(&self.name))
    }

    /// Number, name, key, what it is for, certificate: a row for each key.
    fn rows(&self) -> impl Iterator<Item = ([String; 5], &Self)> {
        let none = || "-".to_owned();
        let row = |key: Option<&KeyView>| {
            let certificate = key.and_then(|key| key.certificate.as_ref());
            [
                self.index.to_string(),
                self.shown_name(),
                key.map_or_else(none, |key| key.algorithm.clone()),
                key.map_or_else(none, |key| key.purpose.to_owned()),
                certificate.map_or_else(none, CertificateView::cell),
            ]
        };
        let mut rows: Vec<_> = self.keys.iter().map(|key| row(Some(key))).collect();
        if rows.is_empty() {
            rows.push(row(None));
        }
        for [no, name, ..] in rows.iter_mut().skip(1) {
            (*no, *name) = (String::new(), String::new());
        }
        rows.into_iter().map(move |row| (row, self))
    }

    /// The name for people; the default container has a star.
    fn shown_name(&self) -> String {
        let name = if self.name.is_empty() { "(no name)" } else { &self.name };
        format!("{name}{}", if self.default { " *" } else { "" })
    }
}

impl From<&ContainerKey> for KeyView {
    fn from(key: &ContainerKey) -> Self {
        Self {
            purpose: purpose(key.half),
            key_spec: key.spec.code(),
            algorithm: algorithm(&key.public),
            bits: key.public.bits(),
            public_key_spki: hex(&key.public.to_spki_der()),
            certificate: key.certificate.as_deref().map(|der| CertificateView::new(der, &key.public)),
        }
    }
}

impl CertificateView {
    /// What a certificate says; one that cannot be read is shown with what is wrong with it.
    pub(crate) fn new(der: &[u8], key: &PublicKey) -> Self {
        match x509::summary(der) {
            Ok(summary) => Self {
                validity: Some(summary.validity().to_string()),
                subject: summary.subject,
                issuer: summary.issuer,
                serial: summary.serial,
                not_before: summary.not_before,
                not_after: summary.not_after,
                bytes: der.len(),
                matches_key: Some(summary.public == *key),
                problem: None,
            },
            Err(error) => Self {
                subject: String::new(),
                issuer: String::new(),
                serial: String::new(),
                not_before: String::new(),
                not_after: String::new(),
                validity: None,
                bytes: der.len(),
                matches_key: None,
                problem: Some(error.to_string()),
            },
        }
    }

    fn cell(&self) -> String {
        match (&self.problem, self.matches_key) {
            (Some(problem), _) => format!("unreadable: {problem}"),
            (None, Some(false)) => format!("{} (of another key!)", self.subject),
            (None, _) => {
                let until = format!("{}, until {}", self.subject, day(&self.not_after));
                match self.validity.as_deref() {
                    Some("valid") | None => until,
                    Some(other) => format!("{until} ({other})"),
                }
            }
        }
    }
}

impl PinView {
    /// The role, where its PIN is asked for at each use.
    pub(crate) fn asked_each_time(&self) -> Option<u32> {
        (self.cache == ALWAYS).then_some(self.id)
    }
}

impl From<&PinStatus> for PinView {
    fn from(status: &PinStatus) -> Self {
        Self {
            id: status.id.get(),
            role: role(status),
            kind: kind(status.info.kind),
            purpose: pin_purpose(status.info.purpose),
            cache: cache(status.info.cache),
            strength: status.strength.map_or_else(Vec::new, strength),
            tries_left: status.tries_left,
            blocked: status.tries_left == Some(0),
            authenticated: status.authenticated,
            changed_by: status.info.change.iter().map(PinId::get).collect(),
            unblocked_by: status.info.unblock.iter().map(PinId::get).collect(),
        }
    }
}

/// The ways of a PIN to the card.
fn strength(strength: PinStrength) -> Vec<&'static str> {
    let ways = [(strength.plain, "plain"), (strength.session_pin, "session-pin")];
    ways.into_iter().filter_map(|(has, way)| has.then_some(way)).collect()
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "the form that serde calls")]
pub(crate) const fn is_false(value: &bool) -> bool {
    !*value
}

/// The places of a card's keys are the slots of PIV (SP 800-73).
pub(crate) fn is_piv(places: &[(ContainerIndex, String)]) -> bool {
    let has = |place: &str| places.iter().any(|(_, label)| label == place);
    ["9a", "9c", "9d", "9e"].into_iter().all(has)
}

/// `1 card`, `2 cards`.
pub(crate) fn count(number: u64, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// The containers as a table: on a card with places with them, and with what is only remembered.
pub(crate) fn container_table(containers: &[ContainerView]) -> String {
    if containers.is_empty() {
        return "no containers\n".into();
    }
    let rows = containers.iter().flat_map(ContainerView::rows);
    let mut text = if containers.iter().any(|container| container.place.is_some() || container.cached) {
        let wider = |([no, name, key, purpose, certificate], container): ([String; 5], &ContainerView)| {
            // Of one container the first row says it.
            let first = !no.is_empty();
            let place = container.place.clone().filter(|_| first).unwrap_or_default();
            let seen = if container.cached { "cached" } else { "now" };
            [no, place, name, key, purpose, if first { seen.to_owned() } else { String::new() }, certificate]
        };
        let header = ["no", "place", "container", "key", "for", "read", "certificate"];
        table(header, rows.map(wider).collect())
    } else {
        table(["no", "container", "key", "for", "certificate"], rows.map(|(row, _)| row).collect())
    };
    if containers.iter().any(|container| container.default) {
        text.push_str("* the default container\n");
    } else {
        text.push_str("no default container: cardmod container default NAME makes one, which logon wants\n");
    }
    if containers.iter().any(|container| container.cached) {
        text.push_str(
            "cached: as it was when it was last read, since the card does not tell of changes; what is exported or \
             used is read or checked anyway; keys of other programs made since are not shown: cardmod cache flush \
             forgets, CARDMOD_CACHE=off reads everything\n",
        );
    }
    for container in containers {
        if let Some(problem) = &container.problem {
            text.push_str(&format!("container {}: {problem}\n", container.index));
        }
    }
    if containers.iter().any(|container| container.problem.is_some()) {
        text.push_str(
            "cardmod container rebuild --dry-run shows what of the container map can be repaired\n",
        );
    }
    if containers.iter().any(|container| container.keys.is_empty() && container.problem.is_none()) {
        text.push_str("a container without a key is left of a creation that was broken off: make the key, or delete it\n");
    }
    text
}

/// The PINs as a table.
pub(crate) fn pin_table(pins: &[PinView]) -> String {
    let row = |pin: &PinView| {
        let tries = match pin.tries_left {
            Some(0) => "blocked".to_owned(),
            Some(tries) => tries.to_string(),
            // Cardmod.h tells the tries after a failed attempt only.
            None => "unknown".to_owned(),
        };
        let list = |roles: &[u32]| roles.iter().map(u32::to_string).collect::<Vec<_>>().join(",");
        [
            pin.id.to_string(),
            pin.role.to_owned(),
            pin.kind.to_owned(),
            pin.purpose.to_owned(),
            tries,
            pin.cache.clone(),
            pin.strength.join(", "),
            list(&pin.changed_by),
            list(&pin.unblocked_by),
        ]
    };
    table(
        ["id", "role", "kind", "purpose", "tries left", "caching", "travels", "changed by", "unblocked by"],
        pins.iter().map(row).collect(),
    )
}

/// `rsa2048`, `p256`: the words `key generate` takes.
pub(crate) fn algorithm(key: &PublicKey) -> String {
    match key {
        PublicKey::Rsa(rsa) => format!("rsa{}", rsa.bits()),
        PublicKey::Ec(ec) => match ec.curve() {
            EcCurve::P256 => "p256".into(),
            EcCurve::P384 => "p384".into(),
            EcCurve::P521 => "p521".into(),
        },
    }
}

/// The words `--purpose` takes.
pub(crate) const fn purpose(half: KeyHalf) -> &'static str {
    match half {
        KeyHalf::Signature => "sign",
        KeyHalf::KeyExchange => "exchange",
    }
}

/// The day of an RFC 3339 time.
fn day(time: &str) -> &str {
    time.split('T').next().unwrap_or(time)
}

fn role(status: &PinStatus) -> &'static str {
    match (status.id, status.info.purpose) {
        (PinId::EVERYONE, _) => "everyone",
        (PinId::USER, _) => "user",
        (PinId::ADMIN, _) => "administrator",
        (_, PinPurpose::UnblockOnly) => "PUK",
        (_, PinPurpose::DigitalSignature) => "signing",
        _ => "further",
    }
}

const fn kind(kind: PinKind) -> &'static str {
    match kind {
        PinKind::AlphaNumeric => "alphanumeric",
        PinKind::External => "external",
        PinKind::ChallengeResponse => "challenge-response",
        PinKind::Empty => "empty",
    }
}

const fn pin_purpose(purpose: PinPurpose) -> &'static str {
    match purpose {
        PinPurpose::Authentication => "authentication",
        PinPurpose::DigitalSignature => "digital-signature",
        PinPurpose::Encryption => "encryption",
        PinPurpose::NonRepudiation => "non-repudiation",
        PinPurpose::Administrator => "administrator",
        PinPurpose::PrimaryCard => "primary",
        PinPurpose::UnblockOnly => "unblock-only",
    }
}

fn cache(policy: PinCachePolicy) -> String {
    match policy {
        PinCachePolicy::Normal => "normal".into(),
        PinCachePolicy::Timed(seconds) => format!("{seconds} s"),
        PinCachePolicy::None => "none".into(),
        PinCachePolicy::AlwaysPrompt => ALWAYS.into(),
    }
}
/// How reader and card speak with each other, in words.
pub(crate) fn connection_text(card: &CardDescription) -> String {
    let features = &card.reader_features;
    let protocol =
        card.protocol.map_or_else(|| "unknown protocol".to_owned(), |number| format!("T={number}"));
    let size = match features.command_data() {
        Some(most) => format!("APDUs with at most {most} bytes of data"),
        None if features.extended_length() => "extended length".to_owned(),
        None => "short APDUs".to_owned(),
    };
    let keypad = match (features.verifies_pins(), features.modifies_pins()) {
        (false, _) => "no keypad",
        (true, false) => "keypad for PINs",
        (true, true) => "keypad for PINs and their change",
    };
    format!("{protocol}, {size}, {keypad}")
}
