//! What a card is: its persistent, volatile and exchange state, and the data types they are made of.
//! What belongs to one application is in a directory of its own.

pub(crate) mod application;
pub(crate) mod codec;
pub(crate) mod gids;
pub(crate) mod persistent;
pub(crate) mod piv;
pub(crate) mod reference;
pub(crate) mod volatile;
