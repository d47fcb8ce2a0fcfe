//! What a card can do, by CNG's names: the properties "Algorithms" and "Padding Schemes" (7.9).
//!
//! Both are asked by hosts that prepare a secure key injection, for one of two kinds of operation. Ciphers
//! are those of session keys on the card, which no module has; what is told of key pairs is what the
//! module and this SDK really do.

use cardmod_sys::{
    CARD_ASYMMETRIC_OPERATION, CARD_CIPHER_OPERATION, CARD_PADDING_OAEP, CARD_PADDING_PKCS1, CARD_PADDING_PSS,
};
use cardmod_types::KeySpec;

use crate::live::Call;
use crate::module::{CardModule, Result};
use crate::status::Status;

/// CNG's name for the use of a key of each spec.
const NAMES: [(KeySpec, &str); 7] = [
    (KeySpec::KeyExchange, "RSA"),
    (KeySpec::EcdsaP256, "ECDSA_P256"),
    (KeySpec::EcdsaP384, "ECDSA_P384"),
    (KeySpec::EcdsaP521, "ECDSA_P521"),
    (KeySpec::EcdheP256, "ECDH_P256"),
    (KeySpec::EcdheP384, "ECDH_P384"),
    (KeySpec::EcdheP521, "ECDH_P521"),
];

/// The kind of operation, which selects one of a property's two values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    Cipher,
    Asymmetric,
}

impl Operation {
    /// # Errors
    /// [`Status::InvalidParameter`] for flags that are neither.
    pub(super) fn numbered(flags: u32) -> Result<Self> {
        match flags {
            CARD_CIPHER_OPERATION => Ok(Self::Cipher),
            CARD_ASYMMETRIC_OPERATION => Ok(Self::Asymmetric),
            _ => Err(Status::InvalidParameter),
        }
    }
}

/// The algorithms of an operation, as a multi-string.
pub(super) fn names<M: CardModule>(call: &mut Call<'_, M>, operation: Operation) -> Result<Vec<u8>> {
    let mut names = Vec::new();
    if operation == Operation::Asymmetric {
        for (spec, name) in NAMES {
            if has(call, spec)? {
                names.push(name);
            }
        }
    }
    Ok(multi_string(&names))
}

/// The paddings of an operation: bits of `CARD_PADDING_…`, or 0 where there is no cipher to pad for.
pub(super) fn padding_schemes<M: CardModule>(call: &mut Call<'_, M>, operation: Operation) -> Result<u32> {
    if operation == Operation::Cipher || !has(call, KeySpec::KeyExchange)? {
        return Ok(0);
    }
    let decrypts = call.module.rsa_decryption().is_some();
    Ok(CARD_PADDING_PKCS1 | CARD_PADDING_PSS | if decrypts { CARD_PADDING_OAEP } else { 0 })
}

fn has<M: CardModule>(call: &mut Call<'_, M>, spec: KeySpec) -> Result<bool> {
    match call.module.key_sizes(&mut call.cx, spec) {
        Ok(_) => Ok(true),
        Err(Status::UnsupportedFeature) => Ok(false),
        Err(other) => Err(other),
    }
}

/// Each name with its terminator and one terminator more, in UTF-16; two of them for no name at all, so
/// that a caller who looks for the pair finds it.
pub(super) fn multi_string(names: &[&str]) -> Vec<u8> {
    let mut units: Vec<u16> = names.iter().flat_map(|name| name.encode_utf16().chain([0])).collect();
    units.resize((units.len() + 1).max(2), 0);
    units.into_iter().flat_map(u16::to_ne_bytes).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_end_with_two_terminators() {
        assert_eq!(multi_string(&[]), [0; 4]);
        let expected: Vec<u8> = "AB\0C\0\0".encode_utf16().flat_map(u16::to_ne_bytes).collect();
        assert_eq!(multi_string(&["AB", "C"]), expected);
    }

    #[test]
    fn the_two_operations_are_the_only_ones() {
        assert_eq!(Operation::numbered(1), Ok(Operation::Cipher));
        assert_eq!(Operation::numbered(2), Ok(Operation::Asymmetric));
        for flags in [0, 3, 0xFF] {
            assert_eq!(Operation::numbered(flags), Err(Status::InvalidParameter));
        }
    }
}
