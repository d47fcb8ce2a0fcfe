//! `cardmod info`: the card as `certutil -scinfo` explains it, and which module serves it by which
//! rule; with a PIN, a proof that each signing key works.

use cardmod_host::verify::verify_signature;
use cardmod_host::{CardDescription, CardSession, Container, ContainerKey, ReaderInfo, SignRequest};
use cardmod_types::SignaturePadding;
use cardmod_types::{CacheMode, Capabilities, FreeSpace, HashAlgorithm, KeySizes, KeySpec, PublicKey};
use clap::Args;
use serde::Serialize;

use crate::args::Global;
use crate::failure::Failure;
use crate::output::{Output, facts, hex, table};
use crate::pins::PinAnswer;
use crate::progress::Progress;
use crate::report::{ContainerView, PinView, container_table, pin_table, purpose};
use crate::secrets::PinOptions;
use crate::session::{Desk, WithoutCard};

/// What a proof signature is made over.
const PROOF: &[u8] = b"cardmod info: proof that this key signs";

/// `info`.
#[derive(Args, Debug)]
pub(crate) struct InfoArgs {
    #[command(flatten)]
    pin: PinOptions,
}

#[derive(Serialize)]
struct Document {
    readers: Vec<ReaderView>,
    module: ModuleView,
    card: CardView,
    pins: Vec<PinView>,
    containers: Vec<ContainerView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    proofs: Option<Vec<ProofView>>,
}

#[derive(Serialize)]
struct ReaderView {
    name: String,
    virtual_card: Option<String>,
    card_present: bool,
    in_use: bool,
    atr: Option<String>,
}

#[derive(Serialize)]
struct ModuleView {
    name: String,
    chosen_by: String,
    interface_version: u32,
}

#[derive(Serialize)]
struct CardView {
    reader: String,
    name: String,
    atr: String,
    id: Option<String>,
    serial_number: Option<String>,
    read_only: bool,
    cache_mode: &'static str,
    enrollment: Option<bool>,
    key_generation: Option<bool>,
    key_import: Option<u32>,
    counters: Option<CountersView>,
    free_space: FreeSpaceView,
    key_sizes: Vec<KeySizesView>,
}

#[derive(Serialize)]
struct CountersView {
    pins: u8,
    containers: u16,
    files: u16,
}

#[derive(Default, Serialize)]
struct FreeSpaceView {
    bytes: Option<u32>,
    containers: Option<u32>,
    max_containers: Option<u32>,
}

#[derive(Serialize)]
struct KeySizesView {
    key_spec: &'static str,
    minimum: u32,
    default: u32,
    maximum: u32,
    increment: u32,
}

#[derive(Serialize)]
struct ProofView {
    container: String,
    purpose: &'static str,
    signs: bool,
    problem: Option<String>,
}

/// Runs the verb.
pub(crate) fn run(args: &InfoArgs, global: &Global, out: Output) -> Result<(), Failure> {
    let desk = Desk::open(global, out)?;
    let readers = desk.readers()?;
    let document = desk.with_card(WithoutCard::Refuse, |session| {
        let card = session.describe()?;
        let containers = session.containers()?;
        let proofs = match args.pin.source() {
            Some(_) => Some(proofs(session, &containers, &args.pin, out)?),
            None => None,
        };
        Ok(Document {
            readers: readers.iter().map(|reader| ReaderView::new(reader, &desk)).collect(),
            module: ModuleView {
                name: card.module.clone(),
                chosen_by: card.module_rule.clone(),
                interface_version: card.interface_version,
            },
            pins: card.pins.iter().map(PinView::from).collect(),
            card: CardView::from(card),
            containers: containers.iter().map(ContainerView::from).collect(),
            proofs,
        })
    })?;
    out.show(&document, || text(&document))
}

/// Signs with every signing key and verifies what came out. A wrong PIN ends it: no try is spent twice.
fn proofs(
    session: &mut CardSession,
    containers: &[Container],
    pin: &PinOptions,
    out: Output,
) -> Result<Vec<ProofView>, Failure> {
    let _progress = Progress::start(out, "trying the keys");
    let mut pins = PinAnswer::new(pin);
    let mut proofs = Vec::new();
    for container in containers {
        for key in &container.keys {
            if !signs(key) {
                continue;
            }
            let problem = match prove(session, container, key, &mut pins) {
                Ok(()) => None,
                Err(
                    error @ (cardmod_host::Error::WrongPin { .. } | cardmod_host::Error::PinBlocked { .. }),
                ) => return Err(error.into()),
                Err(error) => Some(error.to_string()),
            };
            let signs = problem.is_none();
            proofs.push(ProofView {
                container: container.name.clone(),
                purpose: purpose(key.half),
                signs,
                problem,
            });
        }
    }
    Ok(proofs)
}

/// RSA keys of either half sign; of the elliptic curve keys those for ECDSA.
const fn signs(key: &ContainerKey) -> bool {
    !matches!(key.spec, KeySpec::EcdheP256 | KeySpec::EcdheP384 | KeySpec::EcdheP521)
}

fn prove(
    session: &mut CardSession,
    container: &Container,
    key: &ContainerKey,
    pins: &mut PinAnswer,
) -> Result<(), cardmod_host::Error> {
    let hash = HashAlgorithm::Sha256;
    let digest = hash.digest(PROOF).unwrap_or_default();
    let padding = match key.public {
        PublicKey::Rsa(_) => SignaturePadding::Pkcs1 { hash: Some(hash) },
        PublicKey::Ec(_) => SignaturePadding::None,
    };
    let request = SignRequest { half: Some(key.half), padding: padding.clone(), digest: &digest };
    let signature = session.sign(Some(&container.name), &request, pins)?;
    verify_signature(&key.public, &padding, &digest, &signature)
}

impl ReaderView {
    fn new(reader: &ReaderInfo, desk: &Desk) -> Self {
        Self {
            name: reader.name.clone(),
            virtual_card: desk.environment.card_of(&reader.name),
            card_present: reader.present,
            in_use: reader.in_use,
            atr: reader.present.then(|| hex(&reader.atr)),
        }
    }
}

impl From<CardDescription> for CardView {
    fn from(card: CardDescription) -> Self {
        Self {
            reader: card.reader,
            name: card.card_name,
            atr: hex(&card.atr),
            id: card.card_id.map(|id| hex(id.as_bytes())),
            serial_number: card.serial_number.as_deref().map(hex),
            read_only: card.read_only,
            cache_mode: match card.cache_mode {
                CacheMode::Global => "global",
                CacheMode::Session => "session",
                CacheMode::None => "none",
            },
            enrollment: card.enrollment,
            key_generation: card.capabilities.map(|Capabilities { key_generation, .. }| key_generation),
            key_import: card.key_import,
            counters: card.cardcf.map(|cardcf| CountersView {
                pins: cardcf.pins,
                containers: cardcf.containers,
                files: cardcf.files,
            }),
            free_space: card.free_space.map_or_else(FreeSpaceView::default, FreeSpaceView::from),
            key_sizes: card.key_sizes.into_iter().map(KeySizesView::from).collect(),
        }
    }
}

impl From<FreeSpace> for FreeSpaceView {
    fn from(space: FreeSpace) -> Self {
        Self { bytes: space.bytes, containers: space.containers, max_containers: space.max_containers }
    }
}

impl From<(KeySpec, KeySizes)> for KeySizesView {
    fn from((spec, sizes): (KeySpec, KeySizes)) -> Self {
        let key_spec = match spec {
            KeySpec::KeyExchange => "AT_KEYEXCHANGE",
            KeySpec::Signature => "AT_SIGNATURE",
            KeySpec::EcdsaP256 => "AT_ECDSA_P256",
            KeySpec::EcdsaP384 => "AT_ECDSA_P384",
            KeySpec::EcdsaP521 => "AT_ECDSA_P521",
            KeySpec::EcdheP256 => "AT_ECDHE_P256",
            KeySpec::EcdheP384 => "AT_ECDHE_P384",
            KeySpec::EcdheP521 => "AT_ECDHE_P521",
        };
        let KeySizes { minimum, default, maximum, increment } = sizes;
        Self { key_spec, minimum, default, maximum, increment }
    }
}

fn text(document: &Document) -> String {
    let mut sections = vec![
        ("Readers", reader_table(&document.readers)),
        ("Card", card_facts(document)),
        ("Key sizes", key_sizes_table(&document.card.key_sizes)),
        ("PINs", pin_table(&document.pins)),
        ("Containers", container_table(&document.containers)),
    ];
    if let Some(proofs) = &document.proofs {
        sections.push(("Proof signatures", proof_table(proofs)));
    }
    let parts: Vec<String> =
        sections.iter().map(|(title, body)| format!("{title}\n{}", indent(body))).collect();
    parts.join("\n")
}

fn indent(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}

fn reader_table(readers: &[ReaderView]) -> String {
    let row = |reader: &ReaderView| {
        let state = match (reader.card_present, reader.in_use) {
            (false, _) => "empty",
            (true, false) => "card",
            (true, true) => "card, in use",
        };
        let atr = reader.atr.clone().unwrap_or_else(|| "-".into());
        [reader.name.clone(), state.to_owned(), atr]
    };
    table(["reader", "state", "ATR"], readers.iter().map(row).collect())
}

fn card_facts(document: &Document) -> String {
    let Document { card, module, .. } = document;
    let or_dash = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".into());
    let mut rows = vec![
        ("reader", card.reader.clone()),
        ("card", card.name.clone()),
        ("card id", or_dash(&card.id)),
        ("serial number", or_dash(&card.serial_number)),
        ("module", format!("{} (interface version {})", module.name, module.interface_version)),
        ("chosen by", module.chosen_by.clone()),
        ("access", if card.read_only { "read only" } else { "read and write" }.to_owned()),
        ("caching", card.cache_mode.to_owned()),
        ("free", free_text(&card.free_space)),
    ];
    if let Some(counters) = &card.counters {
        let CountersView { pins, containers, files } = counters;
        rows.push(("counters", format!("PINs {pins}, containers {containers}, files {files}")));
    }
    facts(&rows)
}

/// What the card tells of its room, and nothing of what it does not.
fn free_text(space: &FreeSpaceView) -> String {
    let bytes = space.bytes.map(|bytes| format!("{bytes} bytes"));
    let containers = space.containers.map(|free| match space.max_containers {
        Some(most) => format!("{free} of {most} containers"),
        None => format!("{free} containers"),
    });
    let known: Vec<String> = bytes.into_iter().chain(containers).collect();
    if known.is_empty() { "unknown".to_owned() } else { known.join(", ") }
}

fn key_sizes_table(sizes: &[KeySizesView]) -> String {
    let row = |sizes: &KeySizesView| {
        [
            sizes.key_spec.to_owned(),
            sizes.minimum.to_string(),
            sizes.default.to_string(),
            sizes.maximum.to_string(),
        ]
    };
    table(["key", "smallest", "default", "largest"], sizes.iter().map(row).collect())
}

fn proof_table(proofs: &[ProofView]) -> String {
    if proofs.is_empty() {
        return "no signing keys\n".into();
    }
    let row = |proof: &ProofView| {
        let result = proof.problem.clone().unwrap_or_else(|| "signs, verified".into());
        [proof.container.clone(), proof.purpose.to_owned(), result]
    };
    table(["container", "key for", "result"], proofs.iter().map(row).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_room_is_told() {
        let text = |bytes, containers, max_containers| {
            free_text(&FreeSpaceView { bytes, containers, max_containers })
        };
        assert_eq!(text(Some(900), Some(29), Some(30)), "900 bytes, 29 of 30 containers");
        assert_eq!(text(None, Some(29), Some(30)), "29 of 30 containers");
        assert_eq!(text(None, Some(29), None), "29 containers");
        assert_eq!(text(None, None, Some(30)), "unknown");
    }
}
