//! What is wrong with a key.

use thiserror::Error;

/// Why numbers are no key, or bytes no key blob or key file.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum KeyError {
    /// Shorter than its own header says.
    #[error("key blob is truncated")]
    Truncated,
    /// Longer than its own header says.
    #[error("key blob has {0} bytes too many")]
    TrailingBytes(usize),
    /// Neither an RSA nor an elliptic curve blob of the wanted kind.
    #[error("key blob has an unknown type or magic number {0:#010x}")]
    Magic(u32),
    /// `aiKeyAlg` of an RSA blob is neither `CALG_RSA_SIGN` nor `CALG_RSA_KEYX`.
    #[error("key blob has an unknown algorithm {0:#x}")]
    Algorithm(u32),
    /// An RSA modulus of a length the project does not handle.
    #[error("RSA modulus of {0} bits is not supported")]
    ModulusLength(u32),
    /// An RSA modulus that is even, or has leading zeros where none may be.
    #[error("RSA modulus is not valid")]
    Modulus,
    /// An RSA public exponent that is even, below 3 or above 32 bits.
    #[error("RSA public exponent is not valid")]
    Exponent,
    /// The private numbers do not belong to the modulus.
    #[error("RSA private key does not fit its modulus")]
    PrivateKey,
    /// An elliptic curve coordinate or scalar of the wrong length.
    #[error("elliptic curve number has {actual} bytes instead of {expected}")]
    CoordinateLength {
        /// Bytes the curve wants.
        expected: usize,
        /// Bytes there are.
        actual: usize,
    },
    /// A point that is not in uncompressed form.
    #[error("elliptic curve point is not in uncompressed form")]
    PointForm,
    /// The scalar is zero or no number of the curve.
    #[error("elliptic curve private key is out of range")]
    Scalar,
    /// A private key file without the public point, which is not computed here.
    #[error("elliptic curve private key does not contain its public point")]
    NoPublicPoint,
    /// An algorithm or curve that cards of this interface do not have.
    #[error("key algorithm {0} is not supported")]
    UnknownAlgorithm(String),
    /// Broken DER.
    #[error("key file is not valid DER")]
    Der(#[source] der::Error),
}

/// What is wrong with a key blob.
pub type KeyBlobError = KeyError;

impl From<der::Error> for KeyError {
    fn from(cause: der::Error) -> Self {
        Self::Der(cause)
    }
}
