//! What survives a power cut: everything an image holds.

use super::codec::{Decoder, Encoder, Malformed};
use super::{gids, piv};
use crate::options::CardOptions;

/// The content of an image.
#[derive(Clone)]
pub(crate) struct Persistent {
    pub(crate) options: CardOptions,
    pub(crate) gids: Option<gids::Persistent>,
    pub(crate) piv: Option<piv::Persistent>,
}

/// The same, looked at part by part.
#[derive(Clone, Copy)]
pub(crate) struct Parts<'a> {
    pub(crate) options: &'a CardOptions,
    pub(crate) gids: Option<&'a gids::Persistent>,
    pub(crate) piv: Option<&'a piv::Persistent>,
}

impl Persistent {
    pub(crate) fn parts(&self) -> Parts<'_> {
        Parts { options: &self.options, gids: self.gids.as_ref(), piv: self.piv.as_ref() }
    }

    pub(crate) fn decode(read: &mut Decoder<'_>) -> Result<Persistent, Malformed> {
        let options = CardOptions::decode(read)?;
        let gids = read.option(gids::Persistent::decode)?;
        let piv = read.option(piv::Persistent::decode)?;
        Ok(Persistent { options, gids, piv })
    }

    /// Format 1, which knew GIDS cards alone.
    pub(crate) fn decode_gids(read: &mut Decoder<'_>) -> Result<Persistent, Malformed> {
        let options = CardOptions::decode(read)?;
        Ok(Persistent { options, gids: Some(gids::Persistent::decode(read)?), piv: None })
    }
}

impl Parts<'_> {
    /// Bytes in use of [`CardOptions::capacity`].
    pub(crate) fn used(&self) -> usize {
        self.gids.map_or(0, gids::Persistent::used) + self.piv.map_or(0, piv::Persistent::used)
    }

    pub(crate) fn encode(&self, out: &mut Encoder) {
        self.options.encode(out);
        out.option(self.gids, |out, gids| gids.encode(out));
        out.option(self.piv, |out, piv| piv.encode(out));
    }
}
