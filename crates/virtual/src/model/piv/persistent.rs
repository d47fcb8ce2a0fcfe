//! What of a PIV application survives a power cut.

use crate::model::codec::{Decoder, Encoder, Malformed};
use crate::personalise::Object;
use crate::profile::PivProfile;

/// The PIV application's part of an image.
#[derive(Clone)]
pub(crate) struct Persistent {}

impl Persistent {
    /// An application as it leaves the factory: a sound profile's PINs and management key, these objects
    /// (inside of 53; Discovery inside of 7E), no keys.
    pub(crate) fn new(_profile: &PivProfile, _objects: Vec<Object>) -> Persistent {
        Persistent {}
    }

    /// Bytes in use of [`crate::CardOptions::capacity`].
    #[expect(clippy::unused_self, reason = "an empty application")]
    pub(crate) fn used(&self) -> usize {
        0
    }

    #[expect(clippy::unused_self, reason = "an empty application")]
    pub(crate) fn encode(&self, _: &mut Encoder) {}

    #[expect(clippy::unnecessary_wraps, reason = "an empty application")]
    pub(crate) fn decode(_: &mut Decoder<'_>) -> Result<Persistent, Malformed> {
        Ok(Persistent {})
    }
}
