//! What `info` tells, as its JSON document has it.

use cardmod_host::{CardDescription, Feature, ReaderInfo};
use cardmod_types::{CacheMode, Capabilities, FreeSpace, KeySizes, KeySpec};
use serde::Serialize;

use crate::output::hex;
use crate::report::{ContainerView, PinView, connection_text, is_false, is_piv};
use crate::session::Desk;

/// What the verb tells of one card.
#[derive(Serialize)]
pub(super) struct Document {
    pub(super) readers: Vec<ReaderView>,
    pub(super) module: ModuleView,
    pub(super) card: CardView,
    pub(super) pins: Vec<PinView>,
    pub(super) containers: Vec<ContainerView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) proofs: Option<Vec<ProofView>>,
}

/// A reader.
#[derive(Serialize)]
pub(super) struct ReaderView {
    pub(super) name: String,
    pub(super) virtual_card: Option<String>,
    pub(super) card_present: bool,
    pub(super) in_use: bool,
    pub(super) atr: Option<String>,
}

/// The module that serves the card, and why this one.
#[derive(Serialize)]
pub(super) struct ModuleView {
    pub(super) name: String,
    pub(super) chosen_by: String,
    pub(super) interface_version: u32,
}

/// The card.
#[derive(Serialize)]
pub(super) struct CardView {
    pub(super) reader: String,
    pub(super) name: String,
    pub(super) atr: String,
    /// Where the card tells by its places for keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) application: Option<&'static str>,
    pub(super) id: Option<String>,
    pub(super) serial_number: Option<String>,
    pub(super) connection: ConnectionView,
    pub(super) read_only: bool,
    /// Who has this key may write.
    #[serde(skip_serializing_if = "is_false")]
    pub(super) takes_management_key: bool,
    pub(super) cache_mode: &'static str,
    /// The card has no counters: what is remembered of it is shown as remembered.
    #[serde(skip_serializing_if = "is_false")]
    pub(super) hints: bool,
    pub(super) enrollment: Option<bool>,
    pub(super) key_generation: Option<bool>,
    pub(super) key_import: Option<u32>,
    pub(super) counters: Option<CountersView>,
    pub(super) free_space: FreeSpaceView,
    pub(super) key_sizes: Vec<KeySizesView>,
}

/// How reader and card speak with each other, and what the reader can do beyond that.
#[derive(Serialize)]
pub(super) struct ConnectionView {
    pub(super) protocol: Option<String>,
    pub(super) max_apdu_data: Option<u32>,
    pub(super) verifies_pins: bool,
    pub(super) changes_pins: bool,
    /// Feature names of PC/SC part 10.
    pub(super) features: Vec<String>,
    #[serde(skip)]
    pub(super) text: String,
}

impl ConnectionView {
    fn new(card: &CardDescription) -> Self {
        let features = &card.reader_features;
        let name = |feature: &Feature| {
            feature.name().map_or_else(|| format!("feature {:02x}", feature.tag), str::to_owned)
        };
        Self {
            protocol: card.protocol.map(|number| format!("T={number}")),
            max_apdu_data: features.max_apdu_data,
            verifies_pins: features.verifies_pins(),
            changes_pins: features.modifies_pins(),
            features: features.list().iter().map(name).collect(),
            text: connection_text(card),
        }
    }
}

/// The freshness counters.
#[derive(Serialize)]
pub(super) struct CountersView {
    pub(super) pins: u8,
    pub(super) containers: u16,
    pub(super) files: u16,
}

/// The room on the card.
#[derive(Default, Serialize)]
pub(super) struct FreeSpaceView {
    pub(super) bytes: Option<u32>,
    pub(super) containers: Option<u32>,
    pub(super) max_containers: Option<u32>,
}

/// The sizes of one kind of key.
#[derive(Serialize)]
pub(super) struct KeySizesView {
    pub(super) key_spec: &'static str,
    pub(super) minimum: u32,
    pub(super) default: u32,
    pub(super) maximum: u32,
    pub(super) increment: u32,
}

/// A proof signature.
#[derive(Serialize)]
pub(super) struct ProofView {
    pub(super) container: String,
    pub(super) purpose: &'static str,
    pub(super) signs: bool,
    pub(super) problem: Option<String>,
}

impl ReaderView {
    pub(super) fn new(reader: &ReaderInfo, desk: &Desk) -> Self {
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
        let application = is_piv(&card.places).then_some("piv");
        Self {
            connection: ConnectionView::new(&card),
            application,
            reader: card.reader,
            name: card.card_name,
            atr: hex(&card.atr),
            takes_management_key: card.takes_management_key,
            hints: card.hints,
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
            counters: card.cardcf.filter(|_| !card.hints).map(|cardcf| CountersView {
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
