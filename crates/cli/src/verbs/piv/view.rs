//! What a PIV card tells, as it is shown: one form for people and programs.

use cardmod_default::piv::edge::{
    Certificate, KeyOrigin, ManagementAlgorithm, Metadata, PinPolicy, Slot, SlotContent, SlotView,
    TouchPolicy,
};
use serde::Serialize;

use crate::failure::Failure;
use crate::mapping::told;

/// What GET METADATA answers, or a part of it.
#[derive(Default, Serialize)]
pub(crate) struct MetadataView {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) algorithm: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pin_policy: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) touch_policy: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) origin: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) is_default: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tries: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tries_left: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) public_key: Option<String>,
}

impl MetadataView {
    /// Of a key of the cardholder, or of PIN and PUK.
    pub(crate) fn new(metadata: &Metadata) -> Self {
        let algorithm = metadata.key_algorithm().map(|algorithm| algorithm.to_string());
        let unknown = metadata.algorithm_id.map(|id| format!("{id:02x}"));
        Self {
            algorithm: algorithm.or(unknown),
            pin_policy: metadata.pin_policy.map(PinPolicy::label),
            touch_policy: metadata.touch_policy.map(TouchPolicy::label),
            origin: metadata.origin.map(origin),
            is_default: metadata.is_default,
            tries: metadata.tries.map(|tries| tries.total),
            tries_left: metadata.tries.map(|tries| tries.left),
            public_key: None,
        }
    }

    /// With the public key, as PEM.
    pub(crate) fn with_public_key(mut self, metadata: &Metadata) -> Result<Self, Failure> {
        let key = metadata.public_key.as_ref();
        self.public_key = key.map(|key| pem("PUBLIC KEY", &key.to_spki_der())).transpose()?;
        Ok(self)
    }

    /// Of the management key, whose algorithms have other names.
    pub(crate) fn of_management(metadata: &Metadata) -> Self {
        let algorithm = metadata.management_algorithm().map(ManagementAlgorithm::label);
        // The card sends a policy of the PIN, which this key does not have.
        Self { algorithm: algorithm.map(str::to_owned), pin_policy: None, ..Self::new(metadata) }
    }

    /// The rows for people.
    pub(crate) fn rows(&self) -> Vec<(&'static str, String)> {
        let mut rows = Vec::new();
        let mut row = |name, value: Option<String>| rows.extend(value.map(|value| (name, value)));
        row("algorithm", self.algorithm.clone());
        row("PIN policy", self.pin_policy.map(str::to_owned));
        row("touch policy", self.touch_policy.map(str::to_owned));
        row("origin", self.origin.map(str::to_owned));
        row("still the first value", self.is_default.map(|is| if is { "yes" } else { "no" }.to_owned()));
        let tries = self.tries_left.zip(self.tries).map(|(left, total)| format!("{left} of {total} left"));
        row("tries", tries);
        rows
    }
}

/// A place for a key and what is in it.
#[derive(Serialize)]
pub(crate) struct SlotRow {
    pub(crate) slot: String,
    /// `certificate`, `key` (without certificate), `unreadable`.
    pub(crate) content: &'static str,
    #[serde(flatten)]
    pub(crate) metadata: MetadataView,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) certificate_bytes: Option<usize>,
    /// Of the certificate, in RFC 4514's form.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) subject: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) problem: Option<String>,
}

impl SlotRow {
    /// A place in which something is; `None` for an empty one.
    pub(crate) fn new(view: &SlotView, metadata: Option<&Metadata>) -> Option<Self> {
        let (content, problem) = match &view.content {
            SlotContent::Certificate(_) => ("certificate", None),
            SlotContent::Placeholder(_) => ("key", None),
            SlotContent::Unreadable(error) => ("unreadable", Some(told(error))),
            SlotContent::Empty if metadata.is_some() => ("key", None),
            SlotContent::Empty => return None,
        };
        let mut shown = metadata.map(MetadataView::new).unwrap_or_default();
        let of_certificate = view.key().and_then(cardmod_default::piv::edge::KeyAlgorithm::of);
        shown.algorithm = shown.algorithm.or_else(|| of_certificate.map(|algorithm| algorithm.to_string()));
        let certificate_bytes = view.certificate().map(Certificate::der).map(<[u8]>::len);
        let subject =
            view.certificate().and_then(|certificate| cardmod_host::x509::subject(certificate.der()));
        Some(Self { slot: view.slot.label(), content, metadata: shown, certificate_bytes, subject, problem })
    }

    /// The cells for people.
    pub(crate) fn cells(&self) -> [String; 6] {
        let text = |value: Option<&str>| value.unwrap_or("").to_owned();
        let what = match (&self.problem, self.certificate_bytes) {
            (Some(problem), _) => problem.clone(),
            (None, Some(bytes)) => match self.subject.as_deref().filter(|subject| !subject.is_empty()) {
                Some(subject) => format!("certificate, {bytes} bytes, {subject}"),
                None => format!("certificate, {bytes} bytes"),
            },
            (None, None) => "key without certificate".to_owned(),
        };
        [
            self.slot.clone(),
            text(self.metadata.algorithm.as_deref()),
            text(self.metadata.origin),
            text(self.metadata.pin_policy),
            text(self.metadata.touch_policy),
            what,
        ]
    }
}

/// What a slot is for, for people.
pub(crate) const fn purpose(slot: Slot) -> &'static str {
    match slot {
        Slot::Authentication => "authentication",
        Slot::Signature => "digital signature",
        Slot::KeyManagement => "key management",
        Slot::CardAuthentication => "card authentication",
        Slot::Retired(_) => "retired key management",
        Slot::Attestation => "attestation",
    }
}

const fn origin(origin: KeyOrigin) -> &'static str {
    match origin {
        KeyOrigin::Generated => "generated",
        KeyOrigin::Imported => "imported",
    }
}

/// PEM of public bytes.
pub(crate) fn pem(label: &str, der: &[u8]) -> Result<String, Failure> {
    Ok(cardmod_host::x509::to_pem(label, der)?)
}
