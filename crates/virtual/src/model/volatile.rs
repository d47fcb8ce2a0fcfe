//! What a reset forgets: the selection, what the applications remember, unfinished exchanges.

use zeroize::Zeroizing;

use super::application::{Application, Part};
use super::codec::{Decoder, Encoder, Malformed};
use super::{gids, piv};

/// The state between two resets.
#[derive(Clone, PartialEq, Eq, Default)]
pub(crate) struct Volatile {
    /// The application that gets the commands.
    pub(crate) selected: Option<Application>,
    pub(crate) gids: gids::Volatile,
    pub(crate) piv: piv::Volatile,
}

/// Which layout stored sessions have; those of another one are those of a card without power.
const LAYOUT: u8 = 2;

impl Volatile {
    /// Selects an application; the one selected before, if it is another, is left.
    pub(crate) fn select(&mut self, application: Application) {
        match self.selected.replace(application) {
            Some(before) if before == application => {}
            Some(Application::Gids) => gids::Persistent::leave(&mut self.gids),
            Some(Application::Piv) => piv::Persistent::leave(&mut self.piv),
            None => {}
        }
    }

    pub(crate) fn encode(&self, out: &mut Encoder) {
        out.byte(LAYOUT);
        out.option(self.selected.as_ref(), |out, application| application.encode(out));
        self.gids.encode(out);
        self.piv.encode(out);
    }

    pub(crate) fn decode(read: &mut Decoder<'_>) -> Result<Volatile, Malformed> {
        if read.byte()? != LAYOUT {
            return Err(Malformed);
        }
        let selected = read.option(Application::decode)?;
        Ok(Volatile { selected, gids: gids::Volatile::decode(read)?, piv: piv::Volatile::decode(read)? })
    }
}

/// A command that came in parts so far.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Chain {
    /// INS, P1, P2 that every part must repeat.
    pub(crate) header: [u8; 3],
    pub(crate) data: Zeroizing<Vec<u8>>,
}

/// What is under way between APDUs.
#[derive(Clone, PartialEq, Eq, Default)]
pub(crate) struct Exchange {
    pub(crate) chain: Option<Chain>,
    /// What GET RESPONSE will hand out.
    pub(crate) pending: Zeroizing<Vec<u8>>,
}

impl Exchange {
    pub(crate) fn encode(&self, out: &mut Encoder) {
        out.option(self.chain.as_ref(), |out, chain| {
            out.raw(&chain.header);
            out.bytes(&chain.data);
        });
        out.bytes(&self.pending);
    }

    pub(crate) fn decode(read: &mut Decoder<'_>) -> Result<Exchange, Malformed> {
        let chain = read.option(|read| {
            Ok(Chain { header: read.array()?, data: Zeroizing::new(read.bytes()?.to_vec()) })
        })?;
        Ok(Exchange { chain, pending: Zeroizing::new(read.bytes()?.to_vec()) })
    }
}
