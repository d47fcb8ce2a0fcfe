//! `cardmod piv status`: everything the card tells without a secret.

use cardmod_default::piv::edge::{
    AdminData, Chuid, FirmwareVersion, KeyReference, ManagementAlgorithm, Metadata, ObjectTag, PinReference,
    PivCard, PivError, Slot, SlotView, StoredMap,
};
use serde::Serialize;

use super::PivDesk;
use super::view::{MetadataView, SlotRow};
use crate::failure::Failure;
use crate::output::{Output, facts, hex, table};

/// What is read of the card.
struct Read {
    label: Option<String>,
    card_id: String,
    version: Option<FirmwareVersion>,
    serial: Option<u32>,
    chuid: Option<Chuid>,
    ccc: bool,
    pin: Secret,
    puk: Secret,
    global_pin: bool,
    management: Option<Metadata>,
    admin: AdminData,
    map: Option<StoredMap>,
    slots: Vec<(SlotView, Option<Metadata>)>,
}

/// What is known of PIN or PUK.
#[derive(Default, Serialize)]
struct Secret {
    #[serde(skip_serializing_if = "Option::is_none")]
    tries_left: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tries: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_default: Option<bool>,
}

#[derive(Serialize)]
struct StatusDocument {
    reader: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    application: Option<String>,
    card_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    serial: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    guid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fasc_n: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<String>,
    has_chuid: bool,
    has_ccc: bool,
    has_metadata: bool,
    takes_global_pin: bool,
    pin: Secret,
    puk: Secret,
    management_key: ManagementView,
    #[serde(skip_serializing_if = "Option::is_none")]
    container_map: Option<String>,
    slots: Vec<SlotRow>,
}

#[derive(Serialize)]
struct ManagementView {
    #[serde(skip_serializing_if = "Option::is_none")]
    algorithm: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    touch_policy: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_default: Option<bool>,
    /// `protected`: on the card, behind the PIN. `derived`: made of the PIN. `kept`: by its owner.
    storage: &'static str,
}

/// Runs the verb.
pub(super) fn run(mut desk: PivDesk, out: Output) -> Result<(), Failure> {
    let atr = desk.atr();
    let read = desk.work(|card| read(card, &atr))?;
    let document = StatusDocument::new(desk.reader(), read);
    out.show(&document, || document.text())
}

fn read(card: &mut PivCard<'_>, atr: &[u8]) -> Result<Read, PivError> {
    let label = card.application()?.label().map(str::to_owned);
    let chuid = tolerant(card.chuid())?.flatten();
    let card_id = card.card_id(atr)?.to_string();
    let ccc = tolerant(card.object(ObjectTag::CCC))?.flatten().is_some_and(|value| !value.is_empty());
    let discovery = tolerant(card.discovery())?.flatten();
    let (pin_state, puk_state) = (tolerant(card.pin_state(PinReference::User))?.flatten(), None);
    let (version, serial) = (card.version()?, tolerant(card.serial())?.flatten());
    let pin = secret(known(card, KeyReference::PIN)?, pin_state.and_then(|state| state.tries_left));
    let puk = secret(known(card, KeyReference::PUK)?, puk_state);
    let management = tolerant(card.management_metadata())?.flatten();
    let admin = tolerant(card.admin_data())?.unwrap_or_default();
    let map = tolerant(card.container_map())?.flatten();
    Ok(Read {
        label,
        card_id,
        version,
        serial,
        chuid,
        ccc,
        pin,
        puk,
        global_pin: discovery.is_some_and(|discovery| discovery.takes_global_pin()),
        management,
        admin,
        map,
        slots: places(card)?,
    })
}

/// All places: those of metadata where the card has them, else those of certificates.
fn places(card: &mut PivCard<'_>) -> Result<Vec<(SlotView, Option<Metadata>)>, PivError> {
    let slots: Vec<Slot> = Slot::all().collect();
    let views = card.slots_of(&slots)?;
    views
        .into_iter()
        .map(|view| Ok((known(card, view.slot.reference())?, view)).map(|(m, v)| (v, m)))
        .collect()
}

/// Metadata, where the card has any.
fn known(card: &mut PivCard<'_>, reference: KeyReference) -> Result<Option<Metadata>, PivError> {
    Ok(tolerant(card.metadata(reference))?.flatten())
}

/// What the card refuses, or garbles, is not shown; a failing connection is an error.
fn tolerant<T>(outcome: Result<T, PivError>) -> Result<Option<T>, PivError> {
    match outcome {
        Ok(value) => Ok(Some(value)),
        Err(error @ PivError::Exchange(_)) => Err(error),
        Err(_) => Ok(None),
    }
}

fn secret(metadata: Option<Metadata>, left: Option<u8>) -> Secret {
    let metadata = metadata.unwrap_or_default();
    Secret {
        tries_left: metadata.tries.map(|tries| tries.left).or(left),
        tries: metadata.tries.map(|tries| tries.total),
        is_default: metadata.is_default,
    }
}

impl StatusDocument {
    fn new(reader: &str, read: Read) -> Self {
        let chuid = read.chuid.as_ref();
        let view = read.management.as_ref().map(MetadataView::of_management).unwrap_or_default();
        let algorithm = read.management.as_ref().and_then(Metadata::management_algorithm);
        let storage = match (read.admin.is_key_protected(), read.admin.salt()) {
            (true, _) => "protected",
            (false, Some(_)) => "derived",
            (false, None) => "kept",
        };
        Self {
            reader: reader.to_owned(),
            application: read.label,
            card_id: read.card_id,
            version: read.version.map(|version| version.to_string()),
            serial: read.serial,
            guid: chuid.and_then(|chuid| chuid.guid).map(|guid| hex(&guid)),
            fasc_n: chuid.and_then(|chuid| chuid.fascn).map(|number| number.to_string()),
            expires: chuid.and_then(|chuid| chuid.expiry.clone()),
            has_chuid: chuid.is_some(),
            has_ccc: read.ccc,
            has_metadata: read.pin.tries.is_some(),
            takes_global_pin: read.global_pin,
            pin: read.pin,
            puk: match read.puk.tries_left {
                // A card that tells nothing, and tools that noted what they did.
                None if read.admin.is_puk_blocked() => Secret { tries_left: Some(0), ..read.puk },
                _ => read.puk,
            },
            management_key: ManagementView {
                algorithm: algorithm.map(ManagementAlgorithm::label),
                touch_policy: view.touch_policy,
                is_default: view.is_default,
                storage,
            },
            container_map: read.map.map(|map| map.place.to_string()),
            slots: read.slots.iter().filter_map(|(view, data)| SlotRow::new(view, data.as_ref())).collect(),
        }
    }

    fn text(&self) -> String {
        let no = |name: &str| format!("none ({name})");
        let mut rows = vec![("reader", self.reader.clone()), ("card identifier", self.card_id.clone())];
        rows.extend(self.application.clone().map(|label| ("application", label)));
        rows.extend(self.version.clone().map(|version| ("firmware says", version)));
        rows.extend(self.serial.map(|serial| ("serial number", serial.to_string())));
        rows.push(("GUID", self.guid.clone().unwrap_or_else(|| no("cardmod piv init sets one"))));
        rows.extend(self.fasc_n.clone().map(|number| ("FASC-N", number)));
        rows.extend(self.expires.clone().map(|date| ("expires", date)));
        rows.push(("CCC", if self.has_ccc { "there".into() } else { no("cardmod piv init sets one") }));
        rows.push(("PIN", self.pin.text()));
        rows.push(("PUK", self.puk.text()));
        rows.push(("management key", self.management_key.text()));
        rows.extend(self.container_map.clone().map(|place| ("container map", format!("object {place}"))));
        let header = ["place", "algorithm", "origin", "pin policy", "touch policy", "content"];
        let cells: Vec<_> = self.slots.iter().map(SlotRow::cells).collect();
        let slots = if cells.is_empty() { "no keys and certificates\n".into() } else { table(header, cells) };
        format!("{}\n{slots}", facts(&rows))
    }
}

impl Secret {
    fn text(&self) -> String {
        let mut text = match (self.tries_left, self.tries) {
            (Some(0), _) => "blocked".to_owned(),
            (Some(left), Some(total)) => format!("{left} of {total} tries left"),
            (Some(left), None) => format!("{left} tries left"),
            (None, _) => "the card does not tell".to_owned(),
        };
        if self.is_default == Some(true) {
            text += "; still the one everybody knows";
        }
        text
    }
}

impl ManagementView {
    fn text(&self) -> String {
        let mut text = self.algorithm.unwrap_or("of unknown kind").to_owned();
        text += match self.storage {
            "protected" => "; on the card, behind the PIN",
            "derived" => "; made of the PIN",
            _ => "",
        };
        if self.is_default == Some(true) {
            text += "; still the one everybody knows";
        }
        if let Some(touch @ ("always" | "cached")) = self.touch_policy {
            text += &format!("; touch {touch}");
        }
        text
    }
}
