//! What a reset makes a PIV application forget.

use crate::model::codec::{Decoder, Encoder, Malformed};

/// The state between two resets.
#[derive(Clone, PartialEq, Eq, Default)]
pub(crate) struct Volatile {}

impl Volatile {
    #[expect(clippy::unused_self, reason = "an empty application")]
    pub(crate) fn encode(&self, _: &mut Encoder) {}

    #[expect(clippy::unnecessary_wraps, reason = "an empty application")]
    pub(crate) fn decode(_: &mut Decoder<'_>) -> Result<Volatile, Malformed> {
        Ok(Volatile {})
    }
}
