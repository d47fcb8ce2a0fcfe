//! What a host lets its callers do, beyond what card and module can.

use cardmod_types::KeyHalf;

use super::request::KeyAlgorithm;

/// Which private keys may come from outside the card.
///
/// Windows has a registry value for each, and allows none unless an administrator sets it (specification
/// 7.07, section 7.8): a key that was outside may be known outside. Here all are allowed, because whoever
/// imports a key with this host holds it already; a program that wants Windows' rule takes
/// [`generated_alone`](Self::generated_alone).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Policy {
    /// `AllowPrivateSignatureKeyImport`: RSA keys for signatures.
    pub signature_import: bool,
    /// `AllowPrivateExchangeKeyImport`: RSA keys for key exchange.
    pub exchange_import: bool,
    /// `AllowPrivateECDSAKeyImport`: elliptic keys for signatures.
    pub ecdsa_import: bool,
    /// `AllowPrivateECDHEKeyImport`, which one text calls `AllocPrivateECDHEKeyImport`: elliptic keys for
    /// key agreement.
    pub ecdh_import: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self { signature_import: true, exchange_import: true, ecdsa_import: true, ecdh_import: true }
    }
}

impl Policy {
    /// Windows' defaults: every key is generated on its card.
    #[must_use]
    pub const fn generated_alone() -> Self {
        Self { signature_import: false, exchange_import: false, ecdsa_import: false, ecdh_import: false }
    }

    /// Whether a key of this kind may be imported into this half of a container.
    #[must_use]
    pub const fn imports(&self, algorithm: KeyAlgorithm, half: KeyHalf) -> bool {
        match (algorithm, half) {
            (KeyAlgorithm::Rsa(_), KeyHalf::Signature) => self.signature_import,
            (KeyAlgorithm::Rsa(_), KeyHalf::KeyExchange) => self.exchange_import,
            (KeyAlgorithm::Ec(_), KeyHalf::Signature) => self.ecdsa_import,
            (KeyAlgorithm::Ec(_), KeyHalf::KeyExchange) => self.ecdh_import,
        }
    }
}
