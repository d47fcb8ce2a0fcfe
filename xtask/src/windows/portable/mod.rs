//! Portable executables: what is in one (`facts`), its version resource (`version`), and what must be in
//! ours (`rules`).

mod facts;
mod rules;
mod version;

pub(crate) use facts::Facts;
pub(crate) use rules::{Expected, Kind, complaints};
