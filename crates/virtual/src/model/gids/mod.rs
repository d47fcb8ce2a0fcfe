//! What the GIDS application is made of.

pub(crate) mod access;
pub(crate) mod algorithm;
pub(crate) mod crt;
pub(crate) mod file;
pub(crate) mod persistent;
pub(crate) mod volatile;

use super::application::{Application, Part};
use super::persistent::{Parts, Persistent as Whole};
use super::volatile::Volatile as WholeVolatile;

pub(crate) use persistent::Persistent;
pub(crate) use volatile::Volatile;

impl Part for Persistent {
    type Volatile = Volatile;

    const APPLICATION: Application = Application::Gids;

    fn used(&self) -> usize {
        Persistent::used(self)
    }

    fn split(whole: &mut Whole) -> Option<(&mut Persistent, Parts<'_>)> {
        let Whole { options, gids, piv } = whole;
        Some((gids.as_mut()?, Parts { options, gids: None, piv: piv.as_ref() }))
    }

    fn join<'a>(&'a self, beside: Parts<'a>) -> Parts<'a> {
        Parts { gids: Some(self), ..beside }
    }

    fn volatile(whole: &mut WholeVolatile) -> &mut Volatile {
        &mut whole.gids
    }
}
