//! The management key (reference 9B): its algorithms, the key itself, and the arithmetic of the
//! administrator's authentication: one block in ECB mode (SP 800-73-5 part 2, appendix A.1 and A.2;
//! identifiers of SP 800-78-5).
//!
//! The AES examples of the standard carry the lengths of triple DES; the lengths here are computed.

use std::fmt;
use std::str::FromStr;

use aes::cipher::{Array, BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use aes::{Aes128, Aes192, Aes256};
use cardmod_types::SecretBytes;
use cardmod_types::admin;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::PivError;

/// Rounds of the derivation of a management key from the PIN.
const DERIVATION_ROUNDS: u32 = 10_000;
/// The longest block of any algorithm.
pub(crate) const MAX_BLOCK: usize = 16;

/// What kind of key the management key is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ManagementAlgorithm {
    /// Three-key triple DES, 24 bytes: `03`, and `00` as an alias.
    TripleDes,
    /// AES with 16 bytes: `08`.
    Aes128,
    /// AES with 24 bytes: `0A`.
    Aes192,
    /// AES with 32 bytes: `0C`.
    Aes256,
}

impl ManagementAlgorithm {
    /// All of them, those in wide use first.
    pub const ALL: [Self; 4] = [Self::TripleDes, Self::Aes192, Self::Aes128, Self::Aes256];

    /// The identifier on the wire.
    #[must_use]
    pub const fn id(self) -> u8 {
        match self {
            Self::TripleDes => 0x03,
            Self::Aes128 => 0x08,
            Self::Aes192 => 0x0A,
            Self::Aes256 => 0x0C,
        }
    }

    /// The algorithm of an identifier.
    #[must_use]
    pub const fn from_id(id: u8) -> Option<Self> {
        match id {
            0x00 | 0x03 => Some(Self::TripleDes),
            0x08 => Some(Self::Aes128),
            0x0A => Some(Self::Aes192),
            0x0C => Some(Self::Aes256),
            _ => None,
        }
    }

    /// Length of a key in bytes.
    #[must_use]
    pub const fn key_len(self) -> usize {
        match self {
            Self::Aes128 => 16,
            Self::TripleDes | Self::Aes192 => 24,
            Self::Aes256 => 32,
        }
    }

    /// Length of a challenge, a witness and a response in bytes.
    #[must_use]
    pub const fn block_len(self) -> usize {
        match self {
            Self::TripleDes => 8,
            Self::Aes128 | Self::Aes192 | Self::Aes256 => MAX_BLOCK,
        }
    }

    /// The name on command lines and in tables.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::TripleDes => "3des",
            Self::Aes128 => "aes128",
            Self::Aes192 => "aes192",
            Self::Aes256 => "aes256",
        }
    }
}

impl fmt::Display for ManagementAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.label())
    }
}

/// A text that names no algorithm of a management key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the algorithm of a management key is 3des, aes128, aes192 or aes256")]
pub struct UnknownManagementAlgorithm;

impl FromStr for ManagementAlgorithm {
    type Err = UnknownManagementAlgorithm;

    /// Case and hyphens do not matter; `tdes` is the vendor's name for `3des`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let plain: String = text.chars().filter(|c| *c != '-').collect::<String>().to_ascii_lowercase();
        match plain.as_str() {
            "tdes" => Ok(Self::TripleDes),
            other => Self::ALL.into_iter().find(|a| a.label() == other).ok_or(UnknownManagementAlgorithm),
        }
    }
}

/// A management key, perhaps with its algorithm: 24 bytes may be triple DES or AES-192, and the card
/// knows which.
///
/// Wiped when dropped, compared in constant time, printed as a length.
#[derive(Clone, PartialEq, Eq)]
pub struct ManagementKey {
    algorithm: Option<ManagementAlgorithm>,
    bytes: SecretBytes,
}

impl ManagementKey {
    /// The value fresh tokens have: `0102030405060708` three times, triple DES or AES-192.
    pub const DEFAULT: [u8; 24] = [1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8];

    /// A key of its bytes. With an algorithm, they have its length.
    ///
    /// # Errors
    ///
    /// [`PivError::InvalidInput`] for a length no algorithm has, or another one than the algorithm's.
    pub fn new(bytes: SecretBytes, algorithm: Option<ManagementAlgorithm>) -> Result<Self, PivError> {
        let fits = |a: &ManagementAlgorithm| a.key_len() == bytes.len();
        match algorithm {
            Some(algorithm) if !fits(&algorithm) => Err(PivError::InvalidInput(wrong_length(algorithm))),
            None if !ManagementAlgorithm::ALL.iter().any(fits) => {
                Err(PivError::InvalidInput("a management key has 16, 24 or 32 bytes"))
            }
            _ => Ok(Self { algorithm, bytes }),
        }
    }

    /// The key fresh tokens have.
    #[must_use]
    pub fn well_known() -> Self {
        Self { algorithm: None, bytes: SecretBytes::from(&Self::DEFAULT) }
    }

    /// The key that the deprecated derivation makes of a PIN and the salt in the admin data: PBKDF2 with
    /// HMAC-SHA-1 and 10,000 rounds, triple DES. The PIN is taken as it is typed, without padding.
    #[must_use]
    pub fn derived(pin: &[u8], salt: &[u8]) -> Self {
        let mut bytes = SecretBytes::zeroed(ManagementAlgorithm::TripleDes.key_len());
        pbkdf2::pbkdf2_hmac::<sha1::Sha1>(pin, salt, DERIVATION_ROUNDS, bytes.as_mut_bytes());
        Self { algorithm: Some(ManagementAlgorithm::TripleDes), bytes }
    }

    /// The algorithm, where it is known.
    #[must_use]
    pub const fn algorithm(&self) -> Option<ManagementAlgorithm> {
        self.algorithm
    }

    /// The same key, of that algorithm.
    ///
    /// # Errors
    ///
    /// [`PivError::InvalidInput`] where the length is another one.
    pub fn with_algorithm(&self, algorithm: ManagementAlgorithm) -> Result<Self, PivError> {
        Self::new(self.bytes.clone(), Some(algorithm))
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.as_bytes()
    }

    /// Whether it is the value every fresh token has, which protects nothing.
    #[must_use]
    pub fn is_well_known(&self) -> bool {
        self.as_bytes().ct_eq(&Self::DEFAULT).into()
    }

    /// The algorithms it can be a key of.
    pub(crate) fn candidates(&self) -> impl Iterator<Item = ManagementAlgorithm> + use<> {
        let (known, len) = (self.algorithm, self.bytes.len());
        let fits = move |a: &ManagementAlgorithm| a.key_len() == len;
        known
            .into_iter()
            .chain(ManagementAlgorithm::ALL.into_iter().filter(move |a| Some(*a) != known))
            .filter(fits)
    }

    /// One block encrypted: the answer to a card's challenge.
    ///
    /// # Errors
    ///
    /// [`PivError::InvalidInput`] for a challenge that is not one block of the algorithm, or a key of
    /// another length.
    pub fn respond(
        &self,
        algorithm: ManagementAlgorithm,
        challenge: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, PivError> {
        self.block(algorithm, challenge, Direction::Encrypt)
    }

    /// One block decrypted: a card's witness.
    pub(crate) fn decrypt(
        &self,
        algorithm: ManagementAlgorithm,
        witness: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, PivError> {
        self.block(algorithm, witness, Direction::Decrypt)
    }

    fn block(
        &self,
        algorithm: ManagementAlgorithm,
        input: &[u8],
        direction: Direction,
    ) -> Result<Zeroizing<Vec<u8>>, PivError> {
        if input.len() != algorithm.block_len() {
            return Err(PivError::InvalidInput("the challenge is not one block of the key's algorithm"));
        }
        if self.bytes.len() != algorithm.key_len() {
            return Err(PivError::InvalidInput(wrong_length(algorithm)));
        }
        let key = self.bytes.as_bytes();
        match algorithm {
            ManagementAlgorithm::TripleDes => triple_des(&self.bytes, input, direction),
            ManagementAlgorithm::Aes128 => aes_block::<Aes128>(key, input, direction),
            ManagementAlgorithm::Aes192 => aes_block::<Aes192>(key, input, direction),
            ManagementAlgorithm::Aes256 => aes_block::<Aes256>(key, input, direction),
        }
    }
}

/// Prints algorithm and length.
impl fmt::Debug for ManagementKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let algorithm = self.algorithm.map_or("algorithm unknown", ManagementAlgorithm::label);
        write!(f, "ManagementKey({algorithm}, {} bytes)", self.bytes.len())
    }
}

#[derive(Clone, Copy)]
enum Direction {
    Encrypt,
    Decrypt,
}

const fn wrong_length(algorithm: ManagementAlgorithm) -> &'static str {
    match algorithm {
        ManagementAlgorithm::TripleDes => "a triple DES management key has 24 bytes",
        ManagementAlgorithm::Aes128 => "an AES-128 management key has 16 bytes",
        ManagementAlgorithm::Aes192 => "an AES-192 management key has 24 bytes",
        ManagementAlgorithm::Aes256 => "an AES-256 management key has 32 bytes",
    }
}

/// One block in CBC mode with a zero initial vector is one in ECB mode.
fn triple_des(key: &SecretBytes, input: &[u8], direction: Direction) -> Result<Zeroizing<Vec<u8>>, PivError> {
    let block = match direction {
        Direction::Encrypt => admin::encrypt(key, input),
        Direction::Decrypt => admin::decrypt(key, input),
    };
    let wrong = |_| PivError::InvalidInput(wrong_length(ManagementAlgorithm::TripleDes));
    block.map(SecretBytes::into_zeroizing).map_err(wrong)
}

fn aes_block<C: KeyInit + BlockCipherEncrypt + BlockCipherDecrypt>(
    key: &[u8],
    input: &[u8],
    direction: Direction,
) -> Result<Zeroizing<Vec<u8>>, PivError> {
    let wrong = PivError::InvalidInput("the management key does not have its algorithm's length");
    let cipher = C::new_from_slice(key).map_err(|_| wrong.clone())?;
    let mut output = Zeroizing::new(input.to_vec());
    let block = <&mut Array<u8, C::BlockSize>>::try_from(output.as_mut_slice()).map_err(|_| wrong)?;
    match direction {
        Direction::Encrypt => cipher.encrypt_block(block),
        Direction::Decrypt => cipher.decrypt_block(block),
    }
    Ok(output)
}

#[cfg(test)]
mod tests {
    use super::*;

    const COUNT: [u8; 16] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16];

    fn hex(text: &str) -> Vec<u8> {
        text.as_bytes()
            .chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect()
    }

    #[test]
    fn triple_des_vectors_of_a_card() {
        let key = ManagementKey::well_known();
        let des = ManagementAlgorithm::TripleDes;
        assert_eq!(*key.respond(des, &COUNT[..8]).unwrap(), hex("77A7D6BCF57962B9"));
        assert_eq!(*key.decrypt(des, &COUNT[..8]).unwrap(), hex("187A9FCCD218A4DD"));
        // A card's own challenge and witness, and what answered them.
        assert_eq!(*key.respond(des, &hex("F9C0621358528965")).unwrap(), hex("C926EC6DDA471F6F"));
        assert_eq!(*key.decrypt(des, &hex("2C5AB5812F132731")).unwrap(), hex("B2F3A2D4FBB002D9"));
    }

    #[test]
    fn aes_vectors() {
        let key = ManagementKey::well_known();
        let aes = ManagementAlgorithm::Aes192;
        assert_eq!(*key.respond(aes, &COUNT).unwrap(), hex("3D6E6D9CD337292EE20FB60B8A844F19"));
        assert_eq!(*key.decrypt(aes, &COUNT).unwrap(), hex("83F0F699D59BC1F63565D11A26BDFC3A"));
        let short = ManagementKey::new((0..16).collect::<Vec<u8>>().into(), None).unwrap();
        let answer = short.respond(ManagementAlgorithm::Aes128, &COUNT).unwrap();
        assert_eq!(*answer, hex("0892085605BE8F349F584AF993DF11F8"));
        // FIPS 197, appendix C.3.
        let long = ManagementKey::new((0..32).collect::<Vec<u8>>().into(), None).unwrap();
        let plain = hex("00112233445566778899AABBCCDDEEFF");
        let answer = long.respond(ManagementAlgorithm::Aes256, &plain).unwrap();
        assert_eq!(*answer, hex("8EA2B7CA516745BFEAFC49904B496089"));
        assert_eq!(*long.decrypt(ManagementAlgorithm::Aes256, &answer).unwrap(), plain);
    }

    #[test]
    fn a_derived_key_is_pbkdf2() {
        // Made with Python's hashlib.pbkdf2_hmac('sha1', b'123456', bytes(range(16)), 10000, 24).
        let key = ManagementKey::derived(b"123456", &(0..16).collect::<Vec<u8>>());
        assert_eq!(key.as_bytes(), hex("6F4F2D621842BCDF52C44EF73D28D6017045E5D543B5547D"));
        assert_eq!(key.algorithm(), Some(ManagementAlgorithm::TripleDes));
    }

    #[test]
    fn lengths_decide_what_a_key_can_be() {
        let of = |len: usize, algorithm| ManagementKey::new(vec![7; len].into(), algorithm);
        let list = |len| of(len, None).unwrap().candidates().collect::<Vec<_>>();
        assert_eq!(list(16), [ManagementAlgorithm::Aes128]);
        assert_eq!(list(24), [ManagementAlgorithm::TripleDes, ManagementAlgorithm::Aes192]);
        assert_eq!(list(32), [ManagementAlgorithm::Aes256]);
        let known = of(24, Some(ManagementAlgorithm::Aes192)).unwrap();
        let order: Vec<_> = known.candidates().collect();
        assert_eq!(order, [ManagementAlgorithm::Aes192, ManagementAlgorithm::TripleDes]);
        for (len, algorithm) in [(0, None), (8, None), (25, None), (16, Some(ManagementAlgorithm::TripleDes))]
        {
            assert!(matches!(of(len, algorithm), Err(PivError::InvalidInput(_))), "{len} bytes");
        }
        let key = ManagementKey::well_known();
        assert!(key.respond(ManagementAlgorithm::TripleDes, &COUNT).is_err(), "two blocks");
        assert!(key.respond(ManagementAlgorithm::Aes256, &COUNT).is_err(), "another length of key");
    }

    #[test]
    fn names_and_identifiers_come_back() {
        for algorithm in ManagementAlgorithm::ALL {
            assert_eq!(algorithm.label().parse(), Ok(algorithm));
            assert_eq!(ManagementAlgorithm::from_id(algorithm.id()), Some(algorithm));
        }
        assert_eq!("AES-256".parse(), Ok(ManagementAlgorithm::Aes256));
        assert_eq!("tdes".parse(), Ok(ManagementAlgorithm::TripleDes));
        assert_eq!(ManagementAlgorithm::from_id(0x00), Some(ManagementAlgorithm::TripleDes));
        assert_eq!("des".parse::<ManagementAlgorithm>(), Err(UnknownManagementAlgorithm));
    }

    #[test]
    fn a_key_does_not_print_itself() {
        let text = format!("{:?}", ManagementKey::well_known());
        assert_eq!(text, "ManagementKey(algorithm unknown, 24 bytes)");
        assert!(ManagementKey::well_known().is_well_known());
    }
}
