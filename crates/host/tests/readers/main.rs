//! Readers that are not like the others: keypads, T=0, readers that carry little; and what else happens to
//! cards in readers.

#[path = "../common/mod.rs"]
mod common;
mod keypad;
mod keypad_piv;
mod sharing;
mod transport;

use cardmod_host::{CardSession, Error, KeyAlgorithm, KeySource, NewContainer, PinSource, SignRequest};
use cardmod_types::{EcCurve, KeyHalf};

const DIGEST: [u8; 32] = [0x11; 32];

/// Makes a signature key.
fn make_key(session: &mut CardSession, pins: &mut dyn PinSource) -> Result<(), Error> {
    let new = NewContainer {
        name: "key".to_owned(),
        key: KeySource::Generate(KeyAlgorithm::Ec(EcCurve::P256)),
        half: KeyHalf::Signature,
        default: false,
    };
    session.create_container(&new, pins).map(drop)
}

fn sign(session: &mut CardSession, pins: &mut dyn PinSource) -> Result<Vec<u8>, Error> {
    session.sign(Some("key"), &SignRequest::ecdsa(&DIGEST), pins)
}
