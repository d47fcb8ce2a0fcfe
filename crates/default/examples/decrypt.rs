//! Decrypts a file that was sealed for an RSA key with OAEP and SHA-256: `decrypt READER CONTAINER SEALED
//! OPENED`, the PIN in the variable `PIN`.
//!
//! `openssl pkeyutl -encrypt -pubin -inkey KEY -pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256`
//! seals such a file.
#![forbid(unsafe_code)]

use std::error::Error;
use std::path::Path;

use cardmod_default::{Environment, EnvironmentOptions};
use cardmod_host::types::{HashAlgorithm, Pin};
use cardmod_host::{Card, FixedPin, OpenOptions, PinSource};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [reader, container, sealed, opened] = &arguments[..] else {
        return Err("usage: decrypt READER CONTAINER SEALED OPENED".into());
    };
    let environment = Environment::open(EnvironmentOptions::default())?;
    let session = environment.open_card(reader, OpenOptions::default())?;
    let pins = FixedPin::new(Pin::from(std::env::var("PIN")?));
    decrypt(&session.share(), container, pins, Path::new(sealed), Path::new(opened))
}

fn decrypt(
    card: &Card,
    container: &str,
    pins: impl PinSource + Send + 'static,
    sealed: &Path,
    opened: &Path,
) -> Result<(), Box<dyn Error>> {
    let decryptor = card.signer(Some(container), None, pins)?.oaep_decryptor(HashAlgorithm::Sha256)?;
    // The plaintext is wiped from memory when it is dropped.
    let plain = decryptor.open(&std::fs::read(sealed)?)?;
    std::fs::write(opened, plain.as_bytes())?;
    Ok(())
}

#[test]
fn what_was_sealed_for_the_key_is_opened() {
    use cardmod_host::KeyAlgorithm;
    use cardmod_host::signer::card_error;
    use rsa::traits::{EncryptingKeypair as _, RandomizedEncryptor as _};
    let test = cardmod_default::testing::card();
    test.generate("mail", KeyAlgorithm::Rsa(2048));
    let card = test.open();
    let key = card.signer(Some("mail"), None, test.pin()).expect("a key");
    let key = key.oaep_decryptor(HashAlgorithm::Sha256).expect("an RSA key").encrypting_key();
    let sealing = rsa::oaep::EncryptingKey::<sha2::Sha256>::new(key);
    let mut random = rsa::rand_core::UnwrapErr(getrandom::SysRng);
    let mut ciphertext = sealing.encrypt_with_rng(&mut random, b"the secret").expect("sealed");
    let (sealed, opened) = (test.home().join("sealed"), test.home().join("opened"));
    std::fs::write(&sealed, &ciphertext).expect("a file");
    decrypt(&card, "mail", test.pin(), &sealed, &opened).expect("opened");
    assert_eq!(std::fs::read(&opened).expect("a file"), b"the secret");
    ciphertext[9] ^= 1;
    std::fs::write(&sealed, &ciphertext).expect("a file");
    let error = decrypt(&card, "mail", test.pin(), &sealed, &opened).expect_err("it was changed");
    let error = card_error(error.as_ref());
    assert!(matches!(error, Some(cardmod_host::Error::DecryptionFailed { .. })), "{error:?}");
}
