//! A JSON Web Token signed by a P-256 key of a card (ES256): `sign_token READER CONTAINER SUBJECT`, the PIN
//! in the variable `PIN`.
//!
//! What it shows: a card's key behind `jsonwebtoken`, which takes its cryptography from a provider that a
//! process installs once. Its key is only the name of a container here; the provider finds the key on the
//! card.
#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it is what the program is for")]

use std::error::Error;
use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

use cardmod_default::{Environment, EnvironmentOptions};
use cardmod_host::signer::{CardKey, EcdsaSigner};
use cardmod_host::types::{Pin, PublicKey};
use cardmod_host::{FixedPin, OpenOptions};
use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{Error as JwtError, ErrorKind};
use jsonwebtoken::signature::{Error as OldError, Signer, Verifier};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use p256::NistP256;
use p256::ecdsa::{Signature, VerifyingKey};
use serde::{Deserialize, Serialize};

/// How long a token is valid, in seconds.
const LIFETIME: u64 = 600;

/// The card's key, for the provider: a function without memory of its own.
static KEY: OnceLock<CardKey> = OnceLock::new();

static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: signer,
    verifier_factory: verifier,
    key_utils: KeyUtils::new_unimplemented(),
};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Claims {
    sub: String,
    exp: u64,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [reader, container, subject] = &arguments[..] else {
        return Err("usage: sign_token READER CONTAINER SUBJECT".into());
    };
    let environment = Environment::open(EnvironmentOptions::default())?;
    let session = environment.open_card(reader, OpenOptions::default())?;
    let pins = FixedPin::new(Pin::from(std::env::var("PIN")?));
    let key = session.share().signer(Some(container), None, pins)?;
    let PublicKey::Ec(public) = key.public().clone() else { return Err("the key is none of ES256".into()) };
    install(key)?;
    let token = token(container, subject)?;
    // As whoever gets it does.
    let claims = claims(&token, &public.to_uncompressed())?;
    println!("{token}");
    eprintln!("valid for {} until {}", claims.sub, claims.exp);
    Ok(())
}

/// Signs with this key from now on.
fn install(key: CardKey) -> Result<(), Box<dyn Error>> {
    // Of another kind it would fail with the first token; now it says why.
    key.ecdsa::<NistP256>()?;
    KEY.set(key).map_err(|_| "there is a key already")?;
    PROVIDER.install_default().map_err(|_| "there is another provider")?;
    Ok(())
}

/// A token for somebody, from now on.
fn token(container: &str, subject: &str) -> Result<String, Box<dyn Error>> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let claims = Claims { sub: subject.to_owned(), exp: now + LIFETIME };
    let named = EncodingKey::from_ec_der(container.as_bytes());
    Ok(jsonwebtoken::encode(&Header::new(Algorithm::ES256), &claims, &named)?)
}

/// The claims of a token that this key signed and that is still valid.
fn claims(token: &str, point: &[u8]) -> Result<Claims, Box<dyn Error>> {
    let key = DecodingKey::from_ec_der(point);
    Ok(jsonwebtoken::decode(token, &key, &Validation::new(Algorithm::ES256))?.claims)
}

/// The signer for a container that a key names.
fn signer(algorithm: &Algorithm, named: &EncodingKey) -> Result<Box<dyn JwtSigner>, JwtError> {
    let key = KEY.get().filter(|key| key.container().as_bytes() == named.as_bytes());
    let key = key.ok_or(ErrorKind::InvalidEcdsaKey)?;
    if *algorithm != Algorithm::ES256 {
        return Err(ErrorKind::InvalidAlgorithm.into());
    }
    let signer = key.ecdsa().map_err(|error| ErrorKind::Signing(error.to_string()))?;
    Ok(Box::new(Es256(signer)))
}

fn verifier(algorithm: &Algorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>, JwtError> {
    if *algorithm != Algorithm::ES256 {
        return Err(ErrorKind::InvalidAlgorithm.into());
    }
    let point = key.try_get_as_bytes()?;
    let key = VerifyingKey::from_sec1_bytes(point).map_err(|_| ErrorKind::InvalidEcdsaKey)?;
    Ok(Box::new(Es256(key)))
}

/// ES256 in the words of `jsonwebtoken`, whose `signature` crate is an older one. A signature is `r‖s` (RFC
/// 7518, section 3.4).
struct Es256<K>(K);

impl Signer<Vec<u8>> for Es256<EcdsaSigner<NistP256>> {
    fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, OldError> {
        let made: Result<Signature, _> = signature::Signer::try_sign(&self.0, message);
        made.map(|made| made.to_vec()).map_err(OldError::from_source)
    }
}

impl JwtSigner for Es256<EcdsaSigner<NistP256>> {
    fn algorithm(&self) -> Algorithm {
        Algorithm::ES256
    }
}

impl Verifier<Vec<u8>> for Es256<VerifyingKey> {
    fn verify(&self, message: &[u8], made: &Vec<u8>) -> Result<(), OldError> {
        let made = Signature::from_slice(made).map_err(OldError::from_source)?;
        signature::Verifier::verify(&self.0, message, &made).map_err(OldError::from_source)
    }
}

impl JwtVerifier for Es256<VerifyingKey> {
    fn algorithm(&self) -> Algorithm {
        Algorithm::ES256
    }
}

#[test]
fn a_token_is_believed_and_a_changed_one_is_not() {
    use cardmod_host::KeyAlgorithm;
    use cardmod_host::types::EcCurve;
    let test = cardmod_default::testing::card();
    let container = test.generate("tokens", KeyAlgorithm::Ec(EcCurve::P256));
    install(test.open().signer(Some("tokens"), None, test.pin()).expect("a key")).expect("installed");
    let made = token("tokens", "alice").expect("a token");
    let PublicKey::Ec(public) = &container.key(None).expect("its key").public else { panic!("P-256") };
    let point = public.to_uncompressed();
    assert_eq!(claims(&made, &point).expect("right").sub, "alice");
    let (body, signature) = made.rsplit_once('.').expect("three parts");
    let other = token("tokens", "bob").expect("a token");
    let (other, _) = other.rsplit_once('.').expect("three parts");
    assert_ne!(body, other);
    claims(&format!("{other}.{signature}"), &point).expect_err("another one's signature");
    token("unknown", "alice").expect_err("another container");
}
