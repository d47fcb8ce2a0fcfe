//! What callers hand to a session and what they get back: descriptions of cards, containers and keys.

use std::fmt;
use std::str::FromStr;

use cardmod_pcsc::ReaderFeatures;
use cardmod_types::{
    CacheMode, Capabilities, CardCf, CardId, ContainerIndex, DecryptPadding, EcCurve, EcPublicKey, FreeSpace,
    HashAlgorithm, KeyHalf, KeySizes, KeySpec, PinId, PinInfo, PrivateKey, PublicKey, SignaturePadding,
};

use super::pin_source::PinSourceError;
use crate::module::PinStrength;

/// A card, as its module and its files describe it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CardDescription {
    /// The reader the card is in.
    pub reader: String,
    /// The card's answer to reset.
    pub atr: Vec<u8>,
    /// The name the card was opened under.
    pub card_name: String,
    /// The card module that drives it.
    pub module: String,
    /// The rule by which that module was chosen.
    pub module_rule: String,
    /// The version of the interface both sides agreed on (4 to 7).
    pub interface_version: u32,
    /// The card's identity (file `cardid`).
    pub card_id: Option<CardId>,
    /// The freshness counters (file `cardcf`).
    pub cardcf: Option<CardCf>,
    /// The vendor's serial number.
    pub serial_number: Option<Vec<u8>>,
    /// What the module can do.
    pub capabilities: Option<Capabilities>,
    /// The room that is left.
    pub free_space: Option<FreeSpace>,
    /// The ways of secure key injection (property "Key Import Support", a bit mask).
    pub key_import: Option<u32>,
    /// The card refuses to be written.
    pub read_only: bool,
    /// How far a host may cache.
    pub cache_mode: CacheMode,
    /// The card has no counters, and what is remembered of it are hints.
    pub hints: bool,
    /// The places it has for keys, with the containers they stand for; none on most cards.
    pub places: Vec<(ContainerIndex, String)>,
    /// The card's module would take a management key (see
    /// [`OpenOptions::management_key`](crate::OpenOptions::management_key)).
    pub takes_management_key: bool,
    /// Windows may enrol certificates on this card.
    pub enrollment: Option<bool>,
    /// The kinds of keys the card knows, and their sizes in bits.
    pub key_sizes: Vec<(KeySpec, KeySizes)>,
    /// The card's PINs.
    pub pins: Vec<PinStatus>,
    /// The protocol between reader and card: 0 or 1; `None` for another.
    pub protocol: Option<u8>,
    /// What the reader can do beyond carrying short APDUs.
    pub reader_features: ReaderFeatures,
}

/// A PIN of a card.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PinStatus {
    /// The role.
    pub id: PinId,
    /// The card's description of the PIN.
    pub info: PinInfo,
    /// The tries left, where the module or a failed attempt has told them: the interface itself does so
    /// after a failure only.
    pub tries_left: Option<u32>,
    /// How the PIN may travel to the card (property "PIN Strength Verify"), where the module says it.
    pub strength: Option<PinStrength>,
    /// Whether the role is authenticated now, where the card can tell.
    pub authenticated: Option<bool>,
}

/// A container of a card, with its keys.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Container {
    /// The position in the container map.
    pub index: ContainerIndex,
    /// The name.
    pub name: String,
    /// This is the card's default container.
    pub default: bool,
    /// The label of its place, on a card whose keys have places of their own: `9a` on a PIV card.
    pub place: Option<String>,
    /// The role that owns the keys.
    pub pin: PinId,
    /// The keys: none, one or two.
    pub keys: Vec<ContainerKey>,
    /// Keys or certificates were read in an earlier transaction, of a card that has no counters to tell
    /// whether they are the same still.
    pub cached: bool,
    /// What of the container cannot be read, in a list of containers.
    pub problem: Option<String>,
}

impl Container {
    /// The key of one half, or with `None` the only one, preferring key exchange as Windows does.
    #[must_use]
    pub fn key(&self, half: Option<KeyHalf>) -> Option<&ContainerKey> {
        let find = |wanted| self.keys.iter().find(|key| key.half == wanted);
        match half {
            Some(half) => find(half),
            None => find(KeyHalf::KeyExchange).or_else(|| find(KeyHalf::Signature)),
        }
    }
}

/// A key of a container.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ContainerKey {
    /// The half of the container it is in.
    pub half: KeyHalf,
    /// Its key spec.
    pub spec: KeySpec,
    /// The public key.
    pub public: PublicKey,
    /// The certificate (DER), where there is one.
    pub certificate: Option<Vec<u8>>,
}

/// A key, by its container.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct KeyInfo {
    /// The container's name.
    pub container: String,
    /// The half of the container it is in.
    pub half: KeyHalf,
    /// Its key spec.
    pub spec: KeySpec,
    /// The public key.
    pub public: PublicKey,
}

/// A container to be made.
pub struct NewContainer {
    /// Its name: 1 to 39 UTF-16 units, without backslash.
    pub name: String,
    /// Where the key comes from.
    pub key: KeySource,
    /// The half the key goes to. An elliptic key in the signature half signs; in the key exchange
    /// half it agrees on keys.
    pub half: KeyHalf,
    /// Make it the card's default container. The first container becomes it in any case.
    pub default: bool,
}

/// Where the key of a new container comes from.
pub enum KeySource {
    /// Generated on the card.
    Generate(KeyAlgorithm),
    /// Imported.
    Import(PrivateKey),
}

impl KeySource {
    /// The kind of key.
    #[must_use]
    pub fn algorithm(&self) -> KeyAlgorithm {
        match self {
            Self::Generate(algorithm) => *algorithm,
            Self::Import(key) => KeyAlgorithm::of(&key.public()),
        }
    }
}

/// A kind of key, with its size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyAlgorithm {
    /// RSA, with the length of the modulus in bits.
    Rsa(u32),
    /// An elliptic curve.
    Ec(EcCurve),
}

impl KeyAlgorithm {
    /// The kind of a public key.
    #[must_use]
    pub fn of(key: &PublicKey) -> Self {
        match key {
            PublicKey::Rsa(rsa) => Self::Rsa(rsa.bits()),
            PublicKey::Ec(ec) => Self::Ec(ec.curve()),
        }
    }

    /// The length in bits, as the container map writes it.
    #[must_use]
    pub fn bits(self) -> u32 {
        match self {
            Self::Rsa(bits) => bits,
            Self::Ec(curve) => curve.bits(),
        }
    }

    /// The key spec of such a key in this half of a container.
    #[must_use]
    pub fn spec(self, half: KeyHalf) -> KeySpec {
        match (self, half) {
            (Self::Rsa(_), KeyHalf::Signature) => KeySpec::Signature,
            (Self::Rsa(_), KeyHalf::KeyExchange) => KeySpec::KeyExchange,
            (Self::Ec(curve), half) => KeySpec::ec(half, curve),
        }
    }
}

impl fmt::Display for KeyAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rsa(bits) => write!(f, "rsa{bits}"),
            Self::Ec(curve) => write!(f, "p{}", curve.bits()),
        }
    }
}

/// A text that names no [`KeyAlgorithm`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown key algorithm {0:?}: known are rsa1024, rsa2048, rsa3072, rsa4096, p256, p384 and p521")]
pub struct UnknownKeyAlgorithm(pub String);

impl FromStr for KeyAlgorithm {
    type Err = UnknownKeyAlgorithm;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let plain: String = text
            .chars()
            .filter(|c| !matches!(c, '-' | '_' | ':' | ' '))
            .collect::<String>()
            .to_ascii_lowercase();
        match plain.as_str() {
            "p256" | "secp256r1" | "prime256v1" | "ecp256" => return Ok(Self::Ec(EcCurve::P256)),
            "p384" | "secp384r1" | "ecp384" => return Ok(Self::Ec(EcCurve::P384)),
            "p521" | "secp521r1" | "ecp521" => return Ok(Self::Ec(EcCurve::P521)),
            _ => {}
        }
        plain
            .strip_prefix("rsa")
            .and_then(|bits| bits.parse().ok())
            .filter(|bits| (512..=16_384).contains(bits))
            .map(Self::Rsa)
            .ok_or_else(|| UnknownKeyAlgorithm(text.to_owned()))
    }
}

/// A signature to be made.
#[derive(Clone, Debug)]
pub struct SignRequest<'a> {
    /// The key: `None` takes the container's only one, preferring key exchange.
    pub half: Option<KeyHalf>,
    /// The padding of an RSA signature; [`SignaturePadding::None`] for ECDSA.
    pub padding: SignaturePadding,
    /// The hash; for RSA without padding the complete block, big-endian.
    pub digest: &'a [u8],
}

impl<'a> SignRequest<'a> {
    /// RSA PKCS#1 v1.5 over a hash.
    #[must_use]
    pub fn pkcs1(hash: HashAlgorithm, digest: &'a [u8]) -> Self {
        Self { half: None, padding: SignaturePadding::Pkcs1 { hash: Some(hash) }, digest }
    }

    /// RSA-PSS over a hash, with a salt of the hash's length.
    #[must_use]
    pub fn pss(hash: HashAlgorithm, digest: &'a [u8]) -> Self {
        Self { half: None, padding: SignaturePadding::Pss { hash, salt_len: hash.len() }, digest }
    }

    /// ECDSA over a hash.
    #[must_use]
    pub fn ecdsa(digest: &'a [u8]) -> Self {
        Self { half: None, padding: SignaturePadding::None, digest }
    }
}

/// A decryption to be made.
#[derive(Clone, Debug)]
pub struct DecryptRequest<'a> {
    /// The key: `None` takes the container's only one, preferring key exchange.
    pub half: Option<KeyHalf>,
    /// The padding.
    pub padding: DecryptPadding,
    /// The ciphertext, big-endian, of the modulus' length.
    pub ciphertext: &'a [u8],
}

/// A key to be agreed on and derived.
#[derive(Clone, Debug)]
pub struct DeriveRequest<'a> {
    /// The key: `None` takes the container's only one, preferring key exchange.
    pub half: Option<KeyHalf>,
    /// The other side's public key.
    pub peer: &'a EcPublicKey,
    /// What is made of the shared secret.
    pub kdf: &'a cardmod_types::kdf::Kdf,
    /// The bytes wanted; `None` takes what the function yields.
    pub len: Option<usize>,
}

/// What calculates the administrator's response to a challenge.
pub type Responder<'a> = &'a mut dyn FnMut(&[u8]) -> Result<Vec<u8>, PinSourceError>;

/// By what authority a PIN is unblocked.
pub enum UnblockWith<'a> {
    /// Another role's PIN, such as a PUK.
    Puk {
        /// Whose it is; `None` takes the role the card names for this purpose.
        role: Option<PinId>,
        /// The PUK.
        puk: cardmod_types::Pin,
    },
    /// The administrator's key (24 bytes, triple DES): the host answers the card's challenge.
    AdminKey(cardmod_types::SecretBytes),
    /// Somebody else answers the card's challenge.
    Response(Responder<'a>),
}

/// The administrator's authority.
pub enum AdminAuthority<'a> {
    /// The administrator's key (24 bytes, triple DES): the host answers the card's challenge.
    Key(cardmod_types::SecretBytes),
    /// Somebody else answers the card's challenge.
    Response(Responder<'a>),
}

/// Who is authenticated before a file or directory is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum FileAuthority {
    /// The user's PIN, asked of the [`PinSource`](super::PinSource).
    #[default]
    User,
    /// Nobody more than already is: the administrator within a held transaction, or a file that
    /// needs no right.
    AsIs,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn algorithms_are_read_and_written() {
        for (text, algorithm) in [
            ("rsa2048", KeyAlgorithm::Rsa(2048)),
            ("RSA-4096", KeyAlgorithm::Rsa(4096)),
            ("p256", KeyAlgorithm::Ec(EcCurve::P256)),
            ("P-384", KeyAlgorithm::Ec(EcCurve::P384)),
            ("secp521r1", KeyAlgorithm::Ec(EcCurve::P521)),
        ] {
            assert_eq!(text.parse::<KeyAlgorithm>(), Ok(algorithm));
            assert_eq!(algorithm.to_string().parse::<KeyAlgorithm>(), Ok(algorithm));
        }
        for text in ["", "rsa", "rsa2", "rsa99999", "p255", "ed25519"] {
            assert!(text.parse::<KeyAlgorithm>().is_err(), "{text}");
        }
    }

    #[test]
    fn specs_follow_the_half() {
        let p384 = KeyAlgorithm::Ec(EcCurve::P384);
        assert_eq!(p384.spec(KeyHalf::Signature), KeySpec::EcdsaP384);
        assert_eq!(p384.spec(KeyHalf::KeyExchange), KeySpec::EcdheP384);
        assert_eq!(KeyAlgorithm::Rsa(2048).spec(KeyHalf::KeyExchange), KeySpec::KeyExchange);
    }
}
