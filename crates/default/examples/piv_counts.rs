//! What each operation of one session costs in APDUs on a PIV card: `piv_counts host READER` through host and card
//! module, `piv_counts edge READER` through the PIV edge alone. The card has a key in 9A with a certificate; the PIN
//! is in the variable `PIN`.
//!
//! Each line is an operation and how many APDUs were sent when it was done, those before it included.
//! `cargo xtask apdus` runs it.
#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, reason = "it is what the program is for")]

use std::error::Error;
use std::process::ExitCode;

use cardmod_default::{Environment, EnvironmentOptions};
use cardmod_host::{FixedPin, NoPin, OpenOptions, SignRequest};
use cardmod_pcsc::{Context, Disposition, Protocols, Provider, ShareMode};
use cardmod_piv::{KeyAlgorithm, PinReference, PivState, Slot};
use cardmod_types::{HashAlgorithm, Pin, padding};

/// A SHA-256 hash.
const DIGEST: [u8; 32] = [0x5A; 32];
/// The key that signs.
const SLOT: Slot = Slot::Authentication;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["host", reader] => through_the_host(reader),
        ["edge", reader] => through_the_edge(reader),
        _ => Err("usage: piv_counts host|edge READER".into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn pin() -> Result<Pin, Box<dyn Error>> {
    Ok(Pin::from(std::env::var("PIN")?.as_str()))
}

fn through_the_host(reader: &str) -> Result<(), Box<dyn Error>> {
    let environment = Environment::open(EnvironmentOptions::default())?;
    let done = |operation: &str| println!("{operation} {}", environment.apdu_count());
    let mut session = environment.host.open(reader, &environment.module, OpenOptions::default())?;
    done("open");
    for operation in ["list", "list again"] {
        let listed = session.containers()?;
        if !listed.iter().any(|found| found.keys.iter().any(|key| key.certificate.is_some())) {
            return Err("the card has no certificate".into());
        }
        done(operation);
    }
    let listed = session.containers()?;
    let rsa = listed.iter().flat_map(|found| &found.keys).any(|key| key.spec.is_rsa());
    let request =
        if rsa { SignRequest::pkcs1(HashAlgorithm::Sha256, &DIGEST) } else { SignRequest::ecdsa(&DIGEST) };
    let mut held = session.hold()?;
    held.containers()?;
    done("held");
    held.containers()?;
    done("list held");
    held.sign(None, &request, &mut FixedPin::new(pin()?))?;
    done("sign");
    held.sign(None, &request, &mut NoPin)?;
    done("sign again");
    drop(held);
    done("end");
    session.close()?;
    Ok(())
}

fn through_the_edge(reader: &str) -> Result<(), Box<dyn Error>> {
    let environment = Environment::open(EnvironmentOptions::default())?;
    let done = |operation: &str| println!("{operation} {}", environment.apdu_count());
    let context = Context::establish(&Provider::current()?)?;
    let card = context.connect(reader, ShareMode::Shared, Protocols::ANY)?;
    card.begin_transaction()?;
    let mut channel = card.borrowed();
    let mut state = PivState::new();
    let listed = state.on(&mut channel).slots()?;
    done("list");
    state.on(&mut channel).slots()?;
    done("list again");
    let key = listed.iter().find(|view| view.slot == SLOT).and_then(|view| view.key().cloned());
    let algorithm = key.as_ref().and_then(KeyAlgorithm::of).ok_or("9A has no key")?;
    let input = match algorithm {
        KeyAlgorithm::Rsa2048 => {
            padding::pkcs1_sign_block(&padding::digest_info(HashAlgorithm::Sha256, &DIGEST)?, 256)?
        }
        _ => DIGEST.to_vec(),
    };
    // nothing is known of the card, as in a new process
    let mut state = PivState::new();
    let mut piv = state.on(&mut channel);
    piv.verify_pin(PinReference::User, &pin()?)?;
    piv.sign(SLOT, algorithm, &input)?;
    done("sign");
    piv.log_out()?;
    done("log out");
    piv.verify_pin(PinReference::User, &pin()?)?;
    piv.sign(SLOT, algorithm, &input)?;
    done("sign with PIN");
    piv.sign(SLOT, algorithm, &input)?;
    done("sign again");
    piv.log_out()?;
    done("end");
    card.end_transaction(Disposition::Leave)?;
    Ok(())
}
