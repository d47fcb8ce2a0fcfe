//! Key derivation functions by CNG's names, with their parameters (5.35, 10.5).

use cardmod_sys::{
    KDF_ALGORITHMID, KDF_HASH_ALGORITHM, KDF_HKDF_INFO, KDF_HKDF_SALT, KDF_HMAC_KEY, KDF_PARTYUINFO,
    KDF_PARTYVINFO, KDF_SECRET_APPEND, KDF_SECRET_PREPEND, KDF_SUPPPRIVINFO, KDF_SUPPPUBINFO,
    KDF_TLS_PRF_LABEL, KDF_TLS_PRF_PROTOCOL, KDF_TLS_PRF_SEED,
};
use cardmod_types::kdf::{Kdf, KdfError, TlsProtocol};
use cardmod_types::{HashAlgorithm, SecretBytes};
use zeroize::Zeroizing;

use crate::boundary::{Host, Parameter};
use crate::module::Result;
use crate::status::Status;

/// The functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Function {
    Hash,
    Hmac,
    TlsPrf,
    Concat,
    Truncate,
    Hkdf,
}

impl Function {
    fn named(name: &str) -> Result<Self> {
        match name {
            "HASH" => Ok(Self::Hash),
            "HMAC" => Ok(Self::Hmac),
            "TLS_PRF" => Ok(Self::TlsPrf),
            "SP800_56A_CONCAT" => Ok(Self::Concat),
            "TRUNCATE" => Ok(Self::Truncate),
            "HKDF" => Ok(Self::Hkdf),
            _ => Err(Status::InvalidParameter),
        }
    }

    /// The parameters each function knows; any other is unfitting.
    fn takes(self, kind: u32) -> bool {
        let own: &[u32] = match self {
            Self::Hash => &[KDF_HASH_ALGORITHM, KDF_SECRET_PREPEND, KDF_SECRET_APPEND],
            Self::Hmac => &[KDF_HASH_ALGORITHM, KDF_HMAC_KEY, KDF_SECRET_PREPEND, KDF_SECRET_APPEND],
            Self::TlsPrf => &[KDF_HASH_ALGORITHM, KDF_TLS_PRF_LABEL, KDF_TLS_PRF_SEED, KDF_TLS_PRF_PROTOCOL],
            Self::Concat => &[
                KDF_HASH_ALGORITHM,
                KDF_ALGORITHMID,
                KDF_PARTYUINFO,
                KDF_PARTYVINFO,
                KDF_SUPPPUBINFO,
                KDF_SUPPPRIVINFO,
            ],
            Self::Truncate => &[],
            Self::Hkdf => &[KDF_HASH_ALGORITHM, KDF_HKDF_SALT, KDF_HKDF_INFO],
        };
        own.contains(&kind)
    }
}

/// A derivation asked for, its parameters checked.
pub(super) struct Derivation {
    function: Function,
    secret_as_key: bool,
    parameters: Vec<Parameter>,
    hash: Option<HashAlgorithm>,
    protocol: TlsProtocol,
}

impl Derivation {
    /// # Errors
    /// [`Status::InvalidParameter`] for an unknown function and for parameters that are unknown, do not
    /// fit the function, or are missing.
    pub(super) fn parse(name: &str, secret_as_key: bool, parameters: Vec<Parameter>) -> Result<Self> {
        let function = Function::named(name)?;
        let fits = parameters.iter().all(|parameter| match parameter {
            Parameter::Bytes(kind, _) => function.takes(*kind),
            Parameter::Secret(_) => matches!(function, Function::Hash | Function::Hmac),
        });
        if !fits || (secret_as_key && function != Function::Hmac) {
            return Err(Status::InvalidParameter);
        }
        let mut derivation =
            Self { function, secret_as_key, parameters, hash: None, protocol: TlsProtocol::Tls10 };
        derivation.hash = derivation.first(KDF_HASH_ALGORITHM).map(hash_named).transpose()?;
        if let Some(protocol) = derivation.first(KDF_TLS_PRF_PROTOCOL) {
            derivation.protocol = protocol_numbered(protocol)?;
        }
        derivation.check_complete()?;
        Ok(derivation)
    }

    fn check_complete(&self) -> Result<()> {
        let complete = match self.function {
            Function::Hmac => self.secret_as_key || self.first(KDF_HMAC_KEY).is_some(),
            Function::TlsPrf => {
                self.first(KDF_TLS_PRF_LABEL).is_some() && self.first(KDF_TLS_PRF_SEED).is_some()
            }
            Function::Hkdf => self.hash.is_some(),
            Function::Hash | Function::Concat | Function::Truncate => true,
        };
        if complete { Ok(()) } else { Err(Status::InvalidParameter) }
    }

    /// The agreements that parameters of type secret handle name, in their order. The host translates
    /// its handles, so this happens before the context is entered.
    pub(super) fn other_agreements(&self, host: &Host, version: u32) -> Result<Vec<u8>> {
        let handles = self.parameters.iter().filter_map(|parameter| match parameter {
            Parameter::Secret(handle) => Some(*handle),
            Parameter::Bytes(..) => None,
        });
        handles.map(|handle| host.agreement_index(version, handle)).collect()
    }

    /// Derives; `others` are the secrets of [`Derivation::other_agreements`], which go in as what is
    /// appended, in the place their parameters have. `buffer` is the length of a caller's buffer, which
    /// decides about the key's length where the function leaves it open.
    pub(super) fn derive(
        &self,
        secret: &SecretBytes,
        others: &[&SecretBytes],
        buffer: Option<usize>,
    ) -> Result<SecretBytes> {
        let open = matches!(self.function, Function::Concat | Function::Hkdf);
        self.kdf(others).derive(secret, buffer.filter(|_| open)).map_err(|error| match error {
            KdfError::UnsupportedHash(_) => Status::UnsupportedFeature,
            _ => Status::InvalidParameter,
        })
    }

    fn kdf(&self, others: &[&SecretBytes]) -> Kdf {
        let hash = self.hash.unwrap_or(HashAlgorithm::Sha1);
        let all = |kind| self.all(kind, &[]).to_vec();
        let secret = |kind, others: &[&SecretBytes]| SecretBytes::from(self.all(kind, others));
        match self.function {
            Function::Hash => Kdf::Hash {
                hash,
                prepend: secret(KDF_SECRET_PREPEND, &[]),
                append: secret(KDF_SECRET_APPEND, others),
            },
            Function::Hmac => Kdf::Hmac {
                hash,
                key: (!self.secret_as_key).then(|| secret(KDF_HMAC_KEY, &[])),
                prepend: secret(KDF_SECRET_PREPEND, &[]),
                append: secret(KDF_SECRET_APPEND, others),
            },
            Function::TlsPrf => Kdf::TlsPrf {
                label: all(KDF_TLS_PRF_LABEL),
                seed: all(KDF_TLS_PRF_SEED),
                protocol: self.protocol,
                hash: self.hash,
            },
            Function::Concat => Kdf::Sp800_56aConcat {
                hash,
                algorithm_id: all(KDF_ALGORITHMID),
                party_u: all(KDF_PARTYUINFO),
                party_v: all(KDF_PARTYVINFO),
                supp_pub: all(KDF_SUPPPUBINFO),
                supp_priv: secret(KDF_SUPPPRIVINFO, &[]),
            },
            Function::Truncate => Kdf::Truncate,
            Function::Hkdf => Kdf::Hkdf { hash, salt: all(KDF_HKDF_SALT), info: all(KDF_HKDF_INFO) },
        }
    }

    fn first(&self, wanted: u32) -> Option<&[u8]> {
        self.parameters.iter().find_map(|parameter| match parameter {
            Parameter::Bytes(kind, bytes) if *kind == wanted => Some(bytes.as_slice()),
            _ => None,
        })
    }

    /// All parameters of a kind in their order, and where `others` is given the secrets among them.
    fn all(&self, wanted: u32, others: &[&SecretBytes]) -> Zeroizing<Vec<u8>> {
        let mut others = others.iter();
        let mut joined = Zeroizing::new(Vec::new());
        for parameter in &self.parameters {
            match parameter {
                Parameter::Bytes(kind, bytes) if *kind == wanted => joined.extend_from_slice(bytes),
                Parameter::Secret(_) => {
                    joined.extend_from_slice(others.next().map_or(&[][..], |secret| secret.as_bytes()));
                }
                Parameter::Bytes(..) => {}
            }
        }
        joined
    }
}

/// A hash algorithm's name as UTF-16 bytes, with or without its NUL.
fn hash_named(bytes: &[u8]) -> Result<HashAlgorithm> {
    let (units, rest) = bytes.as_chunks::<2>();
    let units: Vec<u16> =
        units.iter().map(|unit| u16::from_ne_bytes(*unit)).take_while(|unit| *unit != 0).collect();
    String::from_utf16(&units)
        .ok()
        .filter(|_| rest.is_empty())
        .and_then(|name| HashAlgorithm::from_cng_name(&name))
        .ok_or(Status::InvalidParameter)
}

fn protocol_numbered(bytes: &[u8]) -> Result<TlsProtocol> {
    let number = bytes.try_into().map(u32::from_ne_bytes).map_err(|_| Status::InvalidParameter)?;
    TlsProtocol::try_from(number).map_err(|_| Status::InvalidParameter)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(kind: u32, value: &[u8]) -> Parameter {
        Parameter::Bytes(kind, Zeroizing::new(value.to_vec()))
    }

    fn utf16(text: &str) -> Vec<u8> {
        text.encode_utf16().chain([0]).flat_map(u16::to_ne_bytes).collect()
    }

    fn derive(name: &str, as_key: bool, parameters: Vec<Parameter>) -> Result<SecretBytes> {
        Derivation::parse(name, as_key, parameters)?.derive(&SecretBytes::from(&[3; 32]), &[], None)
    }

    #[test]
    fn hash_joins_parameters_in_their_order() {
        let key = derive(
            "HASH",
            false,
            vec![
                bytes(KDF_SECRET_APPEND, b"c"),
                bytes(KDF_SECRET_PREPEND, b"a"),
                bytes(KDF_SECRET_PREPEND, b"b"),
                bytes(KDF_HASH_ALGORITHM, &utf16("SHA256")),
            ],
        )
        .unwrap();
        let whole = [&b"ab"[..], &[3; 32], b"c"].concat();
        assert_eq!(key.as_bytes(), HashAlgorithm::Sha256.digest(&whole).unwrap());
        assert_eq!(derive("HASH", false, Vec::new()).unwrap().len(), 20, "SHA-1 by default");
    }

    #[test]
    fn unfitting_parameters_are_refused() {
        for (name, as_key, parameters) in [
            ("HASH", true, Vec::new()),
            ("HASH", false, vec![bytes(KDF_HMAC_KEY, b"k")]),
            ("HASH", false, vec![bytes(KDF_HASH_ALGORITHM, &utf16("NOPE"))]),
            ("HASH", false, vec![bytes(KDF_HASH_ALGORITHM, b"odd")]),
            ("HMAC", false, Vec::new()),
            ("TLS_PRF", false, vec![bytes(KDF_TLS_PRF_LABEL, b"l")]),
            ("TRUNCATE", false, vec![bytes(KDF_SECRET_APPEND, b"x")]),
            ("HKDF", false, Vec::new()),
            ("hash", false, Vec::new()),
            ("SP800_56A_CONCAT", false, vec![Parameter::Secret(1)]),
        ] {
            assert_eq!(derive(name, as_key, parameters), Err(Status::InvalidParameter), "{name}");
        }
    }

    #[test]
    fn another_agreement_is_appended_in_its_place() {
        let parameters =
            vec![bytes(KDF_SECRET_APPEND, b"x"), Parameter::Secret(9), bytes(KDF_SECRET_APPEND, b"y")];
        let derivation = Derivation::parse("HASH", false, parameters).unwrap();
        let (secret, other) = (SecretBytes::from(&[3; 32]), SecretBytes::from(&[4; 32]));
        let key = derivation.derive(&secret, &[&other], None).unwrap();
        let whole = [&[3; 32][..], b"x", &[4; 32], b"y"].concat();
        assert_eq!(key.as_bytes(), HashAlgorithm::Sha1.digest(&whole).unwrap());
    }

    #[test]
    fn open_lengths_follow_the_buffer() {
        let parameters = vec![bytes(KDF_HASH_ALGORITHM, &utf16("SHA256"))];
        let derivation = Derivation::parse("HKDF", false, parameters).unwrap();
        let secret = SecretBytes::from(&[3; 32]);
        assert_eq!(derivation.derive(&secret, &[], Some(48)).unwrap().len(), 48);
        assert_eq!(derivation.derive(&secret, &[], None).unwrap().len(), 32);
        let raw = Derivation::parse("TRUNCATE", false, Vec::new()).unwrap();
        assert_eq!(raw.derive(&secret, &[], Some(48)).unwrap().len(), 32);
    }
}
