//! The private-key operations of virtual cards behind one small interface.
//!
//! `cardmod-virtual` is the only caller. This crate alone knows the crypto library (AWS-LC): what
//! leaves it are bytes and [`PrivateKey`], never a library's type.
//!
//! Invariants:
//!
//! * A [`PrivateKey`] exists only for a valid key: imported parts are checked against each other, a
//!   point lies on its curve and belongs to its scalar, sizes are those of [`KeyKind`].
//! * RSA private operations are blinded and their results checked with the public exponent by the
//!   library; EC operations run in constant time.
//! * Secrets that leave the crate do so in [`zeroize::Zeroizing`] buffers; no `Debug` shows one.
//! * Unsafe code: `src/ffi.rs` (key objects) and the files under `src/ffi/` (AES-GCM, Curve25519, numbers
//!   of RSA keys), nothing else.

#![deny(unsafe_code)]

mod ffi;
mod kind;
mod private_key;
mod seal;

pub use kind::{KeyKind, UnsupportedKeyKind};
pub use private_key::PrivateKey;
pub use seal::{SealKey, sealed_overhead};

/// Why a key operation was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CryptoError {
    /// The key's kind or size is none this crate serves.
    #[error("{0}")]
    Kind(#[from] UnsupportedKeyKind),
    /// The bytes are not a private key, or the parts do not belong together.
    #[error("the private key is malformed or its parts do not belong together")]
    BadKey,
    /// A peer's point is malformed or not on the curve.
    #[error("the point is malformed or not on the curve")]
    BadPoint,
    /// The input's length or value does not fit the key.
    #[error("the input does not fit the key")]
    BadInput,
    /// RSA was asked of an EC key or the other way round.
    #[error("the key's kind cannot do this operation")]
    WrongKind,
    /// A sealed message was changed, or sealed under another key.
    #[error("the sealed data was changed or belongs to another key")]
    Unsealable,
    /// The crypto library failed (memory, randomness, self test).
    #[error("the crypto library failed")]
    Library,
}
