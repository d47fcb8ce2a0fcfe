//! The applications a card can carry, and what their parts of its state have in common.

use super::codec::{Decoder, Encoder, Malformed};
use super::persistent::{Parts, Persistent};
use super::volatile::Volatile;

/// An application.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Application {
    /// GIDS 2.0.
    Gids,
    /// SP 800-73.
    Piv,
}

/// The persistent state of one application: a part of the card's.
pub(crate) trait Part: Clone + 'static {
    /// What a reset makes the application forget.
    type Volatile: Default;

    /// Which application it is.
    const APPLICATION: Application;

    /// Bytes in use of [`crate::CardOptions::capacity`].
    fn used(&self) -> usize;

    /// This part of the card's state, to be changed, and the others. `None` on a card without it.
    fn split(whole: &mut Persistent) -> Option<(&mut Self, Parts<'_>)>;

    /// The card's whole state with this part in its place.
    fn join<'a>(&'a self, beside: Parts<'a>) -> Parts<'a>;

    /// This application's part of what a reset forgets.
    fn volatile(whole: &mut Volatile) -> &mut Self::Volatile;

    /// Another application is being selected. What was proved to this one is forgotten.
    fn leave(volatile: &mut Self::Volatile) {
        *volatile = Self::Volatile::default();
    }
}

impl Application {
    pub(crate) fn encode(self, out: &mut Encoder) {
        out.byte(match self {
            Application::Gids => 1,
            Application::Piv => 2,
        });
    }

    pub(crate) fn decode(read: &mut Decoder<'_>) -> Result<Application, Malformed> {
        match read.byte()? {
            1 => Ok(Application::Gids),
            2 => Ok(Application::Piv),
            _ => Err(Malformed),
        }
    }
}
