//! Keys as files: `SubjectPublicKeyInfo`, PKCS#1, SEC1 and PKCS#8, all in DER.

use const_oid::ObjectIdentifier;
use der::asn1::{AnyRef, BitStringRef, OctetStringRef, UintRef};
use der::{Decode, Encode};
use pkcs8::PrivateKeyInfoRef;
use spki::{AlgorithmIdentifierRef, SubjectPublicKeyInfoRef};
use zeroize::Zeroizing;

use crate::key_error::KeyError;
use crate::keyspec::EcCurve;
use crate::private_key::{EcPrivateKey, PrivateKey, RsaPrivateKey, RsaPrivateParts};
use crate::public_key::{EcPublicKey, PublicKey, RsaPublicKey, without_leading_zeros};
use crate::secret::SecretBytes;

/// `rsaEncryption` (RFC 8017, appendix C).
const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
/// `id-ecPublicKey` (RFC 5480, section 2.1.1).
const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");

impl EcCurve {
    /// The curve's object identifier (RFC 5480, section 2.1.1.1).
    #[must_use]
    pub const fn oid(self) -> &'static ObjectIdentifier {
        const P256: &ObjectIdentifier = &ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
        const P384: &ObjectIdentifier = &ObjectIdentifier::new_unwrap("1.3.132.0.34");
        const P521: &ObjectIdentifier = &ObjectIdentifier::new_unwrap("1.3.132.0.35");
        match self {
            Self::P256 => P256,
            Self::P384 => P384,
            Self::P521 => P521,
        }
    }

    /// The curve of an object identifier.
    #[must_use]
    pub fn from_oid(oid: &ObjectIdentifier) -> Option<Self> {
        Self::ALL.into_iter().find(|curve| curve.oid() == oid)
    }
}

impl PublicKey {
    /// The key as X.509 `SubjectPublicKeyInfo`.
    #[must_use]
    pub fn to_spki_der(&self) -> Vec<u8> {
        let (algorithm, key) = match self {
            Self::Rsa(key) => (rsa_algorithm(), rsa_public_der(key)),
            Self::Ec(key) => (ec_algorithm(key.curve()), Ok(key.to_uncompressed())),
        };
        key.and_then(|key| {
            SubjectPublicKeyInfoRef { algorithm, subject_public_key: BitStringRef::from_bytes(&key)? }
                .to_der()
        })
        .expect("the numbers of a checked key always encode")
    }

    /// Reads an X.509 `SubjectPublicKeyInfo`.
    ///
    /// # Errors
    /// [`KeyError::Der`], [`KeyError::UnknownAlgorithm`], or what is wrong with the numbers.
    pub fn from_spki_der(der: &[u8]) -> Result<Self, KeyError> {
        let info = SubjectPublicKeyInfoRef::from_der(der)?;
        let key = info.subject_public_key.as_bytes().ok_or(KeyError::PointForm)?;
        match Algorithm::of(&info.algorithm)? {
            Algorithm::Rsa => {
                let key = pkcs1::RsaPublicKeyRef::from_der(key)?;
                rsa_public(key.modulus, key.public_exponent).map(Self::Rsa)
            }
            Algorithm::Ec(curve) => EcPublicKey::from_uncompressed(curve, key).map(Self::Ec),
        }
    }
}

impl PrivateKey {
    /// Reads a PKCS#8 `PrivateKeyInfo` (not encrypted).
    ///
    /// # Errors
    /// [`KeyError::Der`], [`KeyError::UnknownAlgorithm`], [`KeyError::NoPublicPoint`], or what is
    /// wrong with the numbers.
    pub fn from_pkcs8_der(der: &[u8]) -> Result<Self, KeyError> {
        let info = PrivateKeyInfoRef::from_der(der)?;
        let key = info.private_key.as_bytes();
        match Algorithm::of(&info.algorithm)? {
            Algorithm::Rsa => Self::from_pkcs1_der(key),
            Algorithm::Ec(curve) => {
                let outer = info.public_key.and_then(|point| point.as_bytes());
                ec_private(key, Some(curve), outer).map(Self::Ec)
            }
        }
    }

    /// Reads a PKCS#8 `PrivateKeyInfo` of an elliptic key that may lack its public point, as Java writes
    /// them; `public` is the point then, such as that of the key's certificate. Whether the two belong
    /// together is for the library that computes with them to check.
    ///
    /// # Errors
    /// As [`from_pkcs8_der`](Self::from_pkcs8_der); [`KeyError::UnknownAlgorithm`] for a key of another
    /// curve than the point's.
    pub fn from_pkcs8_with_point(der: &[u8], public: &EcPublicKey) -> Result<Self, KeyError> {
        let info = PrivateKeyInfoRef::from_der(der)?;
        match Algorithm::of(&info.algorithm)? {
            Algorithm::Ec(curve) if curve == public.curve() => {
                let point = public.to_uncompressed();
                ec_private(info.private_key.as_bytes(), Some(curve), Some(&point)).map(Self::Ec)
            }
            _ => Err(unknown(info.algorithm.oid)),
        }
    }

    /// Reads a PKCS#1 `RSAPrivateKey` of two primes.
    ///
    /// # Errors
    /// [`KeyError::Der`], or what is wrong with the numbers.
    pub fn from_pkcs1_der(der: &[u8]) -> Result<Self, KeyError> {
        let key = pkcs1::RsaPrivateKeyRef::from_der(der)?;
        if key.other_prime_infos.is_some() {
            return Err(KeyError::UnknownAlgorithm("RSA with more than two primes".to_owned()));
        }
        let public = rsa_public(key.modulus, key.public_exponent)?;
        let parts = RsaPrivateParts {
            d: key.private_exponent.as_bytes(),
            p: key.prime1.as_bytes(),
            q: key.prime2.as_bytes(),
            dp: key.exponent1.as_bytes(),
            dq: key.exponent2.as_bytes(),
            qinv: key.coefficient.as_bytes(),
        };
        RsaPrivateKey::new(public, &parts).map(Self::Rsa)
    }

    /// Reads a SEC1 `ECPrivateKey`, which must name its curve and contain its public point.
    ///
    /// # Errors
    /// [`KeyError::Der`], [`KeyError::UnknownAlgorithm`], [`KeyError::NoPublicPoint`], or what is
    /// wrong with the numbers.
    pub fn from_sec1_der(der: &[u8]) -> Result<Self, KeyError> {
        ec_private(der, None, None).map(Self::Ec)
    }

    /// Reads whichever of PKCS#8, PKCS#1 and SEC1 it is.
    ///
    /// # Errors
    /// The error of the form that the structure looks like.
    pub fn from_der(der: &[u8]) -> Result<Self, KeyError> {
        match PrivateKeyInfoRef::from_der(der) {
            Ok(_) => Self::from_pkcs8_der(der),
            Err(_) if sec1::EcPrivateKey::from_der(der).is_ok() => Self::from_sec1_der(der),
            Err(_) => Self::from_pkcs1_der(der),
        }
    }

    /// The key as PKCS#8 `PrivateKeyInfo`, not encrypted.
    #[must_use]
    pub fn to_pkcs8_der(&self) -> SecretBytes {
        let (algorithm, key) = match self {
            Self::Rsa(key) => (rsa_algorithm(), key.to_pkcs1_der()),
            Self::Ec(key) => (ec_algorithm(key.curve()), sec1_der(key, None)),
        };
        let encoded = OctetStringRef::new(key.as_bytes())
            .and_then(|key| encode_secret(&PrivateKeyInfoRef::new(algorithm, key)));
        encoded.expect("the numbers of a checked key always encode")
    }
}

impl RsaPrivateKey {
    /// The key as PKCS#1 `RSAPrivateKey`, the form a GIDS card imports.
    #[must_use]
    pub fn to_pkcs1_der(&self) -> SecretBytes {
        rsa_private_der(self).expect("the numbers of a checked key always encode")
    }
}

impl EcPrivateKey {
    /// The key as SEC1 `ECPrivateKey` with curve and public point.
    #[must_use]
    pub fn to_sec1_der(&self) -> SecretBytes {
        sec1_der(self, Some(*self.curve().oid()))
    }
}

/// What an `AlgorithmIdentifier` names.
enum Algorithm {
    Rsa,
    Ec(EcCurve),
}

impl Algorithm {
    fn of(identifier: &AlgorithmIdentifierRef<'_>) -> Result<Self, KeyError> {
        match identifier.oid {
            RSA_ENCRYPTION => Ok(Self::Rsa),
            EC_PUBLIC_KEY => {
                let curve = identifier.parameters_oid().map_err(|_| unknown(EC_PUBLIC_KEY))?;
                EcCurve::from_oid(&curve).map(Self::Ec).ok_or_else(|| unknown(curve))
            }
            other => Err(unknown(other)),
        }
    }
}

fn unknown(oid: ObjectIdentifier) -> KeyError {
    KeyError::UnknownAlgorithm(oid.to_string())
}

const fn rsa_algorithm() -> AlgorithmIdentifierRef<'static> {
    AlgorithmIdentifierRef { oid: RSA_ENCRYPTION, parameters: Some(AnyRef::NULL) }
}

fn ec_algorithm(curve: EcCurve) -> AlgorithmIdentifierRef<'static> {
    AlgorithmIdentifierRef { oid: EC_PUBLIC_KEY, parameters: Some(AnyRef::from(curve.oid())) }
}

fn rsa_public(modulus: UintRef<'_>, exponent: UintRef<'_>) -> Result<RsaPublicKey, KeyError> {
    let bytes = exponent.as_bytes();
    let mut word = [0; 4];
    let start = word.len().checked_sub(bytes.len()).ok_or(KeyError::Exponent)?;
    word[start..].copy_from_slice(bytes);
    RsaPublicKey::new(modulus.as_bytes(), u32::from_be_bytes(word))
}

fn rsa_public_der(key: &RsaPublicKey) -> der::Result<Vec<u8>> {
    let exponent = key.exponent().to_be_bytes();
    pkcs1::RsaPublicKeyRef {
        modulus: UintRef::new(key.modulus())?,
        public_exponent: UintRef::new(&exponent)?,
    }
    .to_der()
}

fn rsa_private_der(key: &RsaPrivateKey) -> der::Result<SecretBytes> {
    let exponent = key.e().to_be_bytes();
    encode_secret(&pkcs1::RsaPrivateKeyRef {
        modulus: UintRef::new(key.n())?,
        public_exponent: UintRef::new(&exponent)?,
        private_exponent: UintRef::new(key.d())?,
        prime1: UintRef::new(key.p())?,
        prime2: UintRef::new(key.q())?,
        exponent1: UintRef::new(key.dp())?,
        exponent2: UintRef::new(key.dq())?,
        coefficient: UintRef::new(key.qinv())?,
        other_prime_infos: None,
    })
}

fn sec1_der(key: &EcPrivateKey, curve: Option<ObjectIdentifier>) -> SecretBytes {
    let point = key.public().to_uncompressed();
    let key = sec1::EcPrivateKey {
        private_key: key.d(),
        parameters: curve.map(sec1::EcParameters::NamedCurve),
        public_key: Some(&point),
    };
    encode_secret(&key).expect("the numbers of a checked key always encode")
}

/// Reads a SEC1 structure; `curve` and `point` come from what is around it and may be there too.
fn ec_private(der: &[u8], curve: Option<EcCurve>, point: Option<&[u8]>) -> Result<EcPrivateKey, KeyError> {
    let key = sec1::EcPrivateKey::from_der(der)?;
    let named = key.parameters.and_then(|parameters| parameters.named_curve());
    let named = named.map(|oid| EcCurve::from_oid(&oid).ok_or_else(|| unknown(oid))).transpose()?;
    let curve = match (curve, named) {
        (Some(outer), Some(inner)) if outer != inner => return Err(unknown(*inner.oid())),
        (outer, inner) => outer.or(inner).ok_or_else(|| unknown(EC_PUBLIC_KEY))?,
    };
    let point = key.public_key.or(point).ok_or(KeyError::NoPublicPoint)?;
    let public = EcPublicKey::from_uncompressed(curve, point)?;
    // Software that takes the scalar for an integer drops its leading zeros.
    let scalar = without_leading_zeros(key.private_key);
    let mut d = SecretBytes::zeroed(curve.coordinate_len());
    let start = d.len().checked_sub(scalar.len()).ok_or(KeyError::Scalar)?;
    d.as_mut_bytes()[start..].copy_from_slice(scalar);
    EcPrivateKey::new(d.as_bytes(), public)
}

/// Encodes into memory that wipes itself and is never moved.
fn encode_secret(value: &impl Encode) -> der::Result<SecretBytes> {
    let len = usize::try_from(value.encoded_len()?)?;
    let mut buffer = Zeroizing::new(vec![0; len]);
    value.encode_to_slice(&mut buffer)?;
    Ok(SecretBytes::from(buffer))
}
