//! Certificate requests and self-signed certificates made with a key of a card, and what a
//! certificate says.
//!
//! The key signs elsewhere: the functions here hand out the hash of what is to be signed, and put
//! the signature where it belongs.

mod ecdsa;
mod issue;
mod names;
mod summary;

pub use ecdsa::{ecdsa_from_der, ecdsa_to_der};
pub use issue::{certificate_request, self_signed};
pub use names::Subject;
pub use summary::{Summary, Validity, common_name, matches, parse, summary, to_pem};
