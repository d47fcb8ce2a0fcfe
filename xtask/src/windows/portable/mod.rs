//! Portable executables: what is in one (`facts`), its version resource (`version`), what must be in ours
//! (`rules`), and that those rules see what is wrong (`proof`).

mod facts;
mod proof;
mod rules;
mod version;

pub(crate) use facts::Facts;
pub(crate) use proof::the_rules_see;
pub(crate) use rules::{Expected, Kind, complaints};
