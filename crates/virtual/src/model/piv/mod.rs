//! What the PIV application is made of.

pub(crate) mod key;
pub(crate) mod object;
pub(crate) mod persistent;
pub(crate) mod secret;
pub(crate) mod volatile;

use super::application::{Application, Part};
use super::persistent::{Parts, Persistent as Whole};
use super::volatile::Volatile as WholeVolatile;

pub(crate) use crate::profile::{ManagementAlgorithm, PivFlavour};
pub(crate) use persistent::Persistent;
pub(crate) use volatile::Volatile;

impl Part for Persistent {
    type Volatile = Volatile;

    const APPLICATION: Application = Application::Piv;

    fn used(&self) -> usize {
        Persistent::used(self)
    }

    fn split(whole: &mut Whole) -> Option<(&mut Persistent, Parts<'_>)> {
        let Whole { options, gids, piv } = whole;
        Some((piv.as_mut()?, Parts { options, gids: gids.as_ref(), piv: None }))
    }

    fn join<'a>(&'a self, beside: Parts<'a>) -> Parts<'a> {
        Parts { piv: Some(self), ..beside }
    }

    fn volatile(whole: &mut WholeVolatile) -> &mut Volatile {
        &mut whole.piv
    }

    fn leave(volatile: &mut Volatile) {
        volatile.leave();
    }
}

impl PivFlavour {
    pub(crate) fn is_yubikey(self) -> bool {
        self == PivFlavour::YubiKey
    }
}
