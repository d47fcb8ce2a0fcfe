//! What a handler works with, and what it answers.

use cardmod_iso7816::StatusWord;
use zeroize::Zeroizing;

use super::cache::KeyCache;
use super::encode;
use crate::fault::CardFault;
use crate::model::application::Part;
use crate::model::persistent::Parts;
use crate::options::CardOptions;
use crate::ports::{Random, Storage};

/// Storage and randomness together.
pub(super) trait Ports: Storage + Random {}

impl<P: Storage + Random> Ports for P {}

/// The card as a handler of one application sees it.
pub(super) struct Context<'a, A: Part> {
    pub(super) options: &'a CardOptions,
    /// The application's part, changed through [`Context::commit`] alone.
    pub(super) persistent: &'a mut A,
    /// The parts of the others, which stay as they are.
    pub(super) beside: Parts<'a>,
    pub(super) volatile: &'a mut A::Volatile,
    /// Whether the application is selected, and after a successful command, whether it is from now on.
    pub(super) selected: bool,
    pub(super) prepared: &'a mut KeyCache,
    pub(super) ports: &'a mut dyn Ports,
}

/// A command that passed the gate: parameters and the data of all its parts.
pub(super) struct Request<'a> {
    pub(super) p1: u8,
    pub(super) p2: u8,
    pub(super) data: &'a [u8],
}

/// Answer data and status word.
pub(super) struct Reply {
    pub(super) data: Zeroizing<Vec<u8>>,
    pub(super) status: StatusWord,
}

/// Why there is no reply: the card refuses, or the host failed.
pub(super) enum Stop {
    Status(StatusWord),
    Fault(CardFault),
}

/// What every handler returns.
pub(super) type Answer = Result<Reply, Stop>;

impl<A: Part> Context<'_, A> {
    /// Changes persistent state as a whole: a refused change and one that cannot be saved leave the
    /// card as it was.
    pub(super) fn commit<T>(
        &mut self,
        change: impl FnOnce(&mut A) -> Result<T, StatusWord>,
    ) -> Result<T, Stop> {
        let mut next = self.persistent.clone();
        let before = next.used();
        let result = change(&mut next)?;
        let used = next.used();
        if used > before && used + self.beside.used() > self.options.capacity as usize {
            return Err(Stop::Status(StatusWord::NOT_ENOUGH_MEMORY));
        }
        self.ports.save(&encode(next.join(self.beside)))?;
        *self.persistent = next;
        Ok(result)
    }

    /// Random bytes.
    pub(super) fn random<const N: usize>(&mut self) -> Result<[u8; N], Stop> {
        let mut bytes = [0; N];
        self.ports.fill(&mut bytes)?;
        Ok(bytes)
    }
}

impl Request<'_> {
    /// P1 P2 as one number: a file identifier in GET DATA and PUT DATA.
    pub(super) fn p1p2(&self) -> u16 {
        u16::from_be_bytes([self.p1, self.p2])
    }
}

impl Reply {
    /// 9000 without data.
    pub(super) fn done() -> Answer {
        Reply::with(Zeroizing::default())
    }

    /// 9000 with data.
    pub(super) fn with(data: impl Into<Zeroizing<Vec<u8>>>) -> Answer {
        Ok(Reply { data: data.into(), status: StatusWord::OK })
    }
}

impl From<StatusWord> for Stop {
    fn from(status: StatusWord) -> Stop {
        Stop::Status(status)
    }
}

impl From<CardFault> for Stop {
    fn from(fault: CardFault) -> Stop {
        Stop::Fault(fault)
    }
}
