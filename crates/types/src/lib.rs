//! What both sides of the card module interface agree on: card files, container map, key blobs, PINs, padding.
//!
//! The host above the interface and the card modules below it meet in data: names and contents of
//! the card's logical files, keys as blobs, PIN roles and their policies, padded blocks, derived
//! keys. Here each of these is one type, with the checks of the specification in its constructor.
//! Section numbers are those of the Windows Smart Card Minidriver Specification, version 7.07.
//!
//! Who calls it: every crate but `cardmod-sys`, `cardmod-iso7816` and `cardmod-crypto`.
//!
//! Invariants:
//! - No `unsafe`, no input or output, no clock, no randomness: what is random is an argument.
//! - Parses, never trusts: any bytes give a value or an error, never a panic; lengths are bounded
//!   before anything is allocated from them.
//! - Secrets wipe themselves, compare in constant time and print as a length.
//! - Numbers of foreign origin become enums through `TryFrom` only.
#![forbid(unsafe_code)]

pub mod admin;
pub mod certificate;
pub mod kdf;
pub mod padding;
pub mod redact;

mod access;
mod application;
mod card_info;
mod cardcf;
mod cardid;
mod code;
mod container_map;
mod hash;
mod key_der;
mod key_error;
mod keyspec;
mod names;
mod path;
mod pin_id;
mod pin_info;
mod private_key;
mod public_key;
mod secret;

pub use access::{DirectoryAccess, FileAccess};
pub use application::CardApplication;
pub use card_info::{CacheMode, Capabilities, ContainerKeys, FileInfo, FreeSpace, KeySizes};
pub use cardcf::{CardCf, CardCfLength};
pub use cardid::{CardId, CardIdLength};
pub use code::UnknownCode;
pub use container_map::{
    ContainerMap, ContainerMapError, ContainerName, ContainerNameError, ContainerRecord, RecordState,
};
pub use hash::HashAlgorithm;
pub use key_error::{KeyBlobError, KeyError};
pub use keyspec::{ContainerIndex, EcCurve, KeyHalf, KeySpec};
pub use names::{DirectoryName, FileName, NameError};
pub use padding::{DecryptPadding, SignaturePadding};
pub use path::FilePath;
pub use pin_id::{PinId, PinSet};
pub use pin_info::{PinCachePolicy, PinInfo, PinKind, PinPurpose};
pub use private_key::{EcPrivateKey, PrivateKey, RsaPrivateKey, RsaPrivateParts};
pub use public_key::{EcPublicKey, PublicKey, RsaPublicKey};
pub use secret::{Pin, SecretBytes};
