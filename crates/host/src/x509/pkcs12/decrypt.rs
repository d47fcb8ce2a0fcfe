//! What a password does in a PKCS #12 file: it checks the integrity and opens what is encrypted.

use cbc::Decryptor;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockCipherDecrypt, BlockModeDecrypt as _, KeyInit, KeyIvInit as _};
use der::{Decode as _, Encode as _};
use des::{TdesEde2, TdesEde3};
use hmac::{Hmac, Mac as _};
use pkcs5::pbes2;
use rc2::Rc2;
use sha1::Sha1;
use sha2::{Sha224, Sha256, Sha384, Sha512};
use spki::AlgorithmIdentifierRef;
use zeroize::Zeroizing;

use super::derive::{Purpose, derive};
use super::structures::{MacData, OldParameters};
use super::{bad, broken, wrong};
use crate::error::Error;

/// More rounds than any program asks for: a file is not to keep a machine busy for hours.
const MOST_ROUNDS: u32 = 10_000_000;
/// More memory than scrypt is to be given, in bytes.
const MOST_MEMORY: u64 = 1 << 28;
/// The block length of the old schemes' ciphers.
const OLD_BLOCK: usize = 8;

/// The old schemes (RFC 7292, appendix C).
const RC4_128: &str = "1.2.840.113549.1.12.1.1";
const RC4_40: &str = "1.2.840.113549.1.12.1.2";
const TRIPLE_DES_3: &str = "1.2.840.113549.1.12.1.3";
const TRIPLE_DES_2: &str = "1.2.840.113549.1.12.1.4";
const RC2_128: &str = "1.2.840.113549.1.12.1.5";
const RC2_40: &str = "1.2.840.113549.1.12.1.6";

const PBES2: &str = "1.2.840.113549.1.5.13";
const PBMAC1: &str = "1.2.840.113549.1.5.14";

/// A password in the two forms files want: text (PBES2), and UTF-16 with a NUL (RFC 7292, appendix B.1).
pub(super) struct Password {
    text: Zeroizing<Vec<u8>>,
    wide: Zeroizing<Vec<u8>>,
}

impl Password {
    pub(super) fn new(text: &str) -> Self {
        let units = text.encode_utf16().chain([0]);
        let mut wide = Zeroizing::new(Vec::with_capacity(2 * text.len() + 2));
        units.for_each(|unit| wide.extend_from_slice(&unit.to_be_bytes()));
        Self { text: Zeroizing::new(text.as_bytes().to_vec()), wide }
    }

    /// No password, of which not even the NUL is there.
    pub(super) fn none() -> Self {
        Self { text: Zeroizing::default(), wide: Zeroizing::default() }
    }
}

/// Checks the file's MAC over `content`.
pub(super) fn check_mac(mac: &MacData<'_>, password: &Password, content: &[u8]) -> Result<(), Error> {
    let rounds = rounds(mac.rounds)?;
    let algorithm = mac.mac.algorithm.oid.to_string();
    let (salt, told) = (mac.salt.as_bytes(), mac.mac.digest.as_bytes());
    macro_rules! holds {
        ($hash:ty, $length:literal) => {{
            let key = derive::<$hash>(&password.wide, salt, Purpose::Mac, rounds, $length);
            let mac =
                <Hmac<$hash> as KeyInit>::new_from_slice(&key).map_err(|_| bad("its MAC has no key"))?;
            mac.chain_update(content).verify_slice(told).is_ok()
        }};
    }
    let holds = match algorithm.as_str() {
        "1.3.14.3.2.26" => holds!(Sha1, 20),
        "2.16.840.1.101.3.4.2.4" => holds!(Sha224, 28),
        "2.16.840.1.101.3.4.2.1" => holds!(Sha256, 32),
        "2.16.840.1.101.3.4.2.2" => holds!(Sha384, 48),
        "2.16.840.1.101.3.4.2.3" => holds!(Sha512, 64),
        PBMAC1 => return Err(bad("its integrity is protected by PBMAC1, which is not known here")),
        other => return Err(bad(&format!("its integrity is protected by hash {other}, not known here"))),
    };
    if holds { Ok(()) } else { Err(wrong("its MAC does not fit")) }
}

/// Opens what is encrypted under the password.
pub(super) fn decrypt(
    algorithm: &AlgorithmIdentifierRef<'_>,
    ciphertext: &[u8],
    password: &Password,
) -> Result<Zeroizing<Vec<u8>>, Error> {
    let parameters = algorithm.parameters.as_ref().ok_or_else(|| bad("its encryption has no parameters"))?;
    let parameters = parameters.to_der().map_err(broken)?;
    let scheme = algorithm.oid.to_string();
    let (cipher, key_len) = match scheme.as_str() {
        PBES2 => return by_pbes2(&parameters, ciphertext, password),
        TRIPLE_DES_3 => (cbc::<TdesEde3> as Cipher, 24),
        TRIPLE_DES_2 => (cbc::<TdesEde2> as Cipher, 16),
        RC2_128 => (cbc::<Rc2> as Cipher, 16),
        RC2_40 => (cbc::<Rc2> as Cipher, 5),
        RC4_128 | RC4_40 => return Err(bad("it is encrypted with RC4, which is not read here")),
        other => return Err(bad(&format!("it is encrypted with {other}, not known here"))),
    };
    let parameters = OldParameters::from_der(&parameters).map_err(broken)?;
    let (salt, rounds) = (parameters.salt.as_bytes(), rounds(parameters.rounds)?);
    let derive = |purpose, len| derive::<Sha1>(&password.wide, salt, purpose, rounds, len);
    let key = derive(Purpose::Key, key_len);
    let iv = derive(Purpose::Iv, OLD_BLOCK);
    cipher(&key, &iv, ciphertext)
}

fn by_pbes2(parameters: &[u8], ciphertext: &[u8], password: &Password) -> Result<Zeroizing<Vec<u8>>, Error> {
    let parameters = pbes2::Parameters::from_der(parameters)
        .map_err(|error| bad(&format!("it is encrypted by PBES2 in a way not known here: {error}")))?;
    match &parameters.kdf {
        pbes2::Kdf::Pbkdf2(kdf) if kdf.iteration_count > MOST_ROUNDS => return Err(too_costly()),
        pbes2::Kdf::Scrypt(kdf) => {
            let memory = kdf.cost_parameter.saturating_mul(128 * u64::from(kdf.block_size));
            if memory > MOST_MEMORY || kdf.parallelization > 16 {
                return Err(too_costly());
            }
        }
        _ => {}
    }
    let mut buffer = Zeroizing::new(ciphertext.to_vec());
    let length = match parameters.decrypt_in_place(&*password.text, &mut buffer) {
        Ok(plain) => plain.len(),
        Err(pkcs5::Error::DecryptFailed) => return Err(wrong("it does not decrypt")),
        Err(error) => return Err(bad(&format!("it is encrypted by PBES2 in a way not known here: {error}"))),
    };
    buffer.truncate(length);
    Ok(buffer)
}

type Cipher = fn(&[u8], &[u8], &[u8]) -> Result<Zeroizing<Vec<u8>>, Error>;

fn cbc<C: BlockCipherDecrypt + KeyInit>(
    key: &[u8],
    iv: &[u8],
    ciphertext: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Error> {
    let mut buffer = Zeroizing::new(ciphertext.to_vec());
    let cipher = Decryptor::<C>::new_from_slices(key, iv).map_err(|_| bad("its encryption has no key"))?;
    let plain = cipher.decrypt_padded::<Pkcs7>(&mut buffer).map_err(|_| wrong("it does not decrypt"))?;
    let length = plain.len();
    buffer.truncate(length);
    Ok(buffer)
}

/// The rounds of a derivation, if they are a number anybody would mean.
fn rounds(told: u32) -> Result<u32, Error> {
    match told {
        1..=MOST_ROUNDS => Ok(told),
        0 => Err(bad("its key derivation has no rounds")),
        _ => Err(too_costly()),
    }
}

fn too_costly() -> Error {
    bad("its key derivation costs more time or memory than any program asks for")
}
