//! What each operation of one session costs in APDUs: `counts host CARD` through host and card module,
//! `counts edge CARD` through the GIDS edge alone. The card is virtual, has RSA-2048 keys with
//! certificates in two containers, and the PIN in the variable `PIN`.
//!
//! Each line is an operation and how many APDUs were sent when it was done, those before it included.
//! `cargo xtask apdus` runs it.
#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, reason = "it is what the program is for")]

use std::error::Error;
use std::process::ExitCode;

use cardmod_default::{Environment, EnvironmentOptions};
use cardmod_gids::{CardKey, GidsCard, GidsState, KeyAlgorithm, PinReference};
use cardmod_host::{FixedPin, NoPin, OpenOptions, SignRequest};
use cardmod_pcsc::{Context, Disposition, Protocols, Provider, ShareMode};
use cardmod_types::{FilePath, HashAlgorithm, Pin, padding};

/// A SHA-256 hash.
const DIGEST: [u8; 32] = [0x5A; 32];
/// Container 0's key on a card whose keys were made in the order of their containers.
const KEY: CardKey = CardKey { reference: 0x81, algorithm: KeyAlgorithm::Rsa2048 };

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["host", card] => through_the_host(card),
        ["edge", card] => through_the_edge(card),
        _ => Err("usage: counts host|edge CARD".into()),
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

fn through_the_host(card: &str) -> Result<(), Box<dyn Error>> {
    let environment = Environment::open(EnvironmentOptions::default())?;
    let done = |operation: &str| println!("{operation} {}", environment.apdu_count());
    let reader = environment.reader_of(card);
    let mut session = environment.host.open(&reader, &environment.module, OpenOptions::default())?;
    done("open");
    for operation in ["list", "list again"] {
        let listed = session.containers()?;
        let with_certificate = listed.iter().filter(|c| c.keys.iter().any(|key| key.certificate.is_some()));
        if with_certificate.count() != 2 {
            return Err("the card has not two certificates".into());
        }
        done(operation);
    }
    let mut held = session.hold()?;
    held.containers()?;
    done("held");
    held.containers()?;
    done("list held");
    drop(held);
    let request = SignRequest::pkcs1(HashAlgorithm::Sha256, &DIGEST);
    let mut held = session.hold()?;
    held.sign(None, &request, &mut FixedPin::new(pin()?))?;
    done("sign");
    held.sign(None, &request, &mut NoPin)?;
    done("sign again");
    drop(held);
    done("end");
    session.close()?;
    Ok(())
}

fn through_the_edge(card: &str) -> Result<(), Box<dyn Error>> {
    let environment = Environment::open(EnvironmentOptions::default())?;
    let done = |operation: &str| println!("{operation} {}", environment.apdu_count());
    let context = Context::establish(&Provider::current()?)?;
    let card = context.connect(&environment.reader_of(card), ShareMode::Shared, Protocols::ANY)?;
    card.begin_transaction()?;
    let mut channel = card.borrowed();
    let mut state = GidsState::new();
    list(&mut state.on(&mut channel))?;
    done("list");
    list(&mut state.on(&mut channel))?;
    done("list again");
    // nothing is known of the card, as in a new process
    let mut state = GidsState::new();
    let mut gids = state.on(&mut channel);
    gids.verify_pin(PinReference::User, &pin()?)?;
    let info = padding::digest_info(HashAlgorithm::Sha256, &DIGEST)?;
    gids.sign_pkcs1(KEY, &info)?;
    done("sign");
    gids.sign_pkcs1(KEY, &info)?;
    done("sign again");
    gids.deauthenticate()?;
    done("end");
    card.end_transaction(Disposition::Leave)?;
    Ok(())
}

/// What a host wants to know of a card it has not seen: identity, freshness, containers, certificates.
fn list(gids: &mut GidsCard<'_>) -> Result<(), Box<dyn Error>> {
    gids.card_id()?;
    if gids.certificates()?.len() != 2 {
        return Err("the card has not two certificates".into());
    }
    for path in [FilePath::cardcf(), FilePath::cmapfile(), FilePath::cardapps()] {
        gids.read_file(&path)?;
    }
    Ok(())
}
