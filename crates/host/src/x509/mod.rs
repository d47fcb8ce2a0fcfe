//! Certificate requests and self-signed certificates made with a key of a card, and what a
//! certificate says.
//!
//! The key signs elsewhere: the functions here hand out the hash of what is to be signed, and put
//! the signature where it belongs.

mod ber;
mod bundle;
mod chain;
mod ecdsa;
mod issue;
mod names;
mod pkcs12;
mod summary;
mod usage;

pub use bundle::{from_pkcs7, parse_all, to_pkcs7};
pub use chain::chain;
pub use ecdsa::{ecdsa_from_der, ecdsa_to_der};
pub use issue::{certificate_request, self_signed};
pub use names::Subject;
pub use pkcs12::{Pkcs12, Pkcs12Key, is_pkcs12, read_pkcs12};
pub use summary::{Summary, Validity, common_name, matches, parse, subject, summary, to_pem};
pub use usage::{ExtendedKeyUse, KeyUse, Profile};
