//! Signs a file with a P-256 key: `sign_file READER CONTAINER FILE`, the PIN in the variable `PIN`. The
//! signature goes to `FILE.sig` as DER, which `openssl dgst -sha256 -verify` takes.
//!
//! What it shows: a container's key as a `signature::Signer`, a PIN source, errors to match on.
#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it is what the program is for")]

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;

use cardmod_default::{Environment, EnvironmentOptions};
use cardmod_host::signer::card_error;
use cardmod_host::types::Pin;
use cardmod_host::{Card, OpenOptions, PinRequest, PinSource, PinSourceError};
use p256::NistP256;
use p256::ecdsa::DerSignature;
use signature::{Keypair as _, Signer as _, Verifier as _};

/// Takes the PIN from the environment, and says what it is for.
struct FromEnvironment;

impl PinSource for FromEnvironment {
    fn pin(&mut self, request: &PinRequest<'_>) -> Result<Pin, PinSourceError> {
        eprintln!("the card in {} wants the PIN of {}", request.reader, request.role);
        let pin = std::env::var("PIN");
        pin.map(Pin::from).map_err(|_| PinSourceError::Unavailable("PIN is not set".to_owned()))
    }
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [reader, container, file] = &arguments[..] else {
        return Err("usage: sign_file READER CONTAINER FILE".into());
    };
    let environment = Environment::open(EnvironmentOptions::default())?;
    let session = environment.open_card(reader, OpenOptions::default())?;
    match sign(&session.share(), container, FromEnvironment, Path::new(file)) {
        Ok(()) => Ok(ExitCode::SUCCESS),
        // What can be done about it depends on what it is.
        Err(error) => match card_error(error.as_ref()) {
            Some(cardmod_host::Error::WrongPin { tries_left: Some(left), .. }) => {
                eprintln!("the PIN is wrong; {left} tries are left");
                Ok(ExitCode::from(5))
            }
            _ => Err(error),
        },
    }
}

fn sign(
    card: &Card,
    container: &str,
    pins: impl PinSource + Send + 'static,
    file: &Path,
) -> Result<(), Box<dyn Error>> {
    let signer = card.signer(Some(container), None, pins)?.ecdsa::<NistP256>()?;
    let data = std::fs::read(file)?;
    // `try_sign`, not `sign`: a card can be gone.
    let signature: DerSignature = signer.try_sign(&data)?;
    signer.verifying_key().verify(&data, &signature)?;
    let mut name = file.as_os_str().to_owned();
    name.push(".sig");
    std::fs::write(name, signature.as_bytes())?;
    Ok(())
}

#[test]
fn the_signature_is_that_of_the_key() {
    use cardmod_host::KeyAlgorithm;
    use cardmod_host::types::EcCurve;
    let test = cardmod_default::testing::card();
    let container = test.generate("web", KeyAlgorithm::Ec(EcCurve::P256));
    let file = test.home().join("data");
    std::fs::write(&file, "the data").expect("a file");
    let card = test.open();
    sign(&card, "web", test.pin(), &file).expect("a signature");
    let signature = std::fs::read(test.home().join("data.sig")).expect("the signature");
    let signature = DerSignature::try_from(&signature[..]).expect("DER");
    let spki = container.key(None).expect("its key").public.to_spki_der();
    use spki::DecodePublicKey as _;
    let public = p256::ecdsa::VerifyingKey::from_public_key_der(&spki).expect("a public key");
    public.verify(b"the data", &signature).expect("it is right");
    let wrong = cardmod_host::FixedPin::new(Pin::from("0000"));
    // The host keeps a right PIN, and this session its rights.
    test.host().forget_pins();
    let error = sign(&test.open(), "web", wrong, &file).expect_err("a wrong PIN");
    let error = card_error(error.as_ref());
    assert!(matches!(error, Some(cardmod_host::Error::WrongPin { tries_left: Some(2), .. })), "{error:?}");
}
