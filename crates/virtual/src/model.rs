//! What a card is: its persistent, volatile and exchange state, and the data types they are made of.

pub(crate) mod access;
pub(crate) mod algorithm;
pub(crate) mod codec;
pub(crate) mod crt;
pub(crate) mod file;
pub(crate) mod persistent;
pub(crate) mod reference;
pub(crate) mod volatile;
