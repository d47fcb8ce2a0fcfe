//! What `card new` tells of a card, once.

use cardmod_default::Environment;
use cardmod_types::Pin;
use cardmod_virtual::{CardKind, GidsProfile, PivProfile};
use serde::Serialize;

use crate::output::{facts, hex};
use crate::verbs::card::kind;

/// A secret that was given is not shown: its owner has it.
#[derive(Serialize)]
pub(super) struct Document {
    pub(super) card: String,
    kind: &'static str,
    reader: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    card_id: Option<String>,
    /// Of the CHUID.
    #[serde(skip_serializing_if = "Option::is_none")]
    guid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pin: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    puk: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    admin_key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    management_key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    management_key_algorithm: Option<&'static str>,
    /// `default`: everybody knows it. `random`: shown here alone. `given`: its owner has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    management_key_source: Option<&'static str>,
    /// A copy is on the card, behind the PIN.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    management_key_protected: bool,
}

/// Where the management key comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum KeySource {
    /// The one everybody knows.
    Default,
    /// Made for this card.
    Random,
    /// Given by an option.
    Given,
}

impl Document {
    pub(super) fn new(name: &str, card: CardKind, environment: &Environment) -> Self {
        Self {
            card: name.to_owned(),
            kind: kind(card),
            reader: environment.reader_of(name),
            card_id: None,
            guid: None,
            pin: None,
            puk: None,
            admin_key: None,
            management_key: None,
            management_key_algorithm: None,
            management_key_source: None,
            management_key_protected: false,
        }
    }

    /// What is no secret of a GIDS application.
    pub(super) fn describe_gids(&mut self, profile: &GidsProfile) {
        self.card_id = Some(hex(profile.card_id.as_bytes()));
    }

    /// What is no secret of a PIV application, and its management key where nobody else has it.
    pub(super) fn describe_piv(&mut self, profile: &PivProfile, source: KeySource) {
        self.guid = profile.guid.filter(|_| !profile.without_chuid).map(|guid| hex(&guid));
        self.management_key_algorithm = Some(super::piv::algorithm_name(profile.management_algorithm));
        self.management_key_protected = profile.protect_management_key;
        self.management_key_source = Some(match source {
            KeySource::Default => "default",
            KeySource::Random => "random",
            KeySource::Given => "given",
        });
        if source != KeySource::Given {
            self.management_key = Some(hex(profile.management_key.as_bytes()));
        }
    }

    pub(super) fn show_pin(&mut self, pin: &Pin) {
        self.pin = Some(text(pin));
    }

    pub(super) fn show_puk(&mut self, puk: Option<&Pin>) {
        self.puk = puk.map(text);
    }

    pub(super) fn show_admin_key(&mut self, profile: &GidsProfile) {
        self.admin_key = Some(hex(profile.admin_key.as_bytes()));
    }

    /// For a person.
    pub(super) fn person(&self) -> String {
        let mut rows = vec![("reader", self.reader.clone())];
        rows.extend(self.guid.clone().map(|guid| ("GUID", guid)));
        let without_secrets = rows.len();
        let shown = [("PIN", &self.pin), ("PUK", &self.puk), ("administrator key", &self.admin_key)];
        rows.extend(shown.iter().filter_map(|(name, value)| Some((*name, value.as_ref()?.clone()))));
        let known = self.management_key_source == Some("default");
        if let (Some(key), Some(algorithm)) = (&self.management_key, self.management_key_algorithm) {
            let remark = if known { ", the one every new token has" } else { "" };
            rows.push(("management key", format!("{key} ({algorithm}{remark})")));
        }
        let mut text = format!("made virtual card {}\n{}", self.card, facts(&rows));
        if rows.len() > without_secrets {
            text += "What is secret here is not shown again.\n";
        }
        if known {
            text += "The management key is known to everybody: who reaches the card can replace its keys.\n";
        }
        if self.management_key_protected {
            text += "A copy of the management key is on the card, behind the PIN.\n";
        }
        text
    }
}

fn text(pin: &Pin) -> String {
    String::from_utf8_lossy(pin.as_bytes()).into_owned()
}
