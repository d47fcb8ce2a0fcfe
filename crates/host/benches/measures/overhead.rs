//! What host and module add to a signature in a held transaction: the same signature through them, as the
//! one bare command, and by the crypto library alone, in turns.

use cardmod_crypto::{KeyKind, PrivateKey};
use cardmod_default::testing;
use cardmod_host::types::EcCurve;
use cardmod_host::{KeyAlgorithm, NoPin, OpenOptions};
use serde_json::json;

use crate::bare::{Bare, DIGEST, host, request};
use crate::statistics::{difference, median, microseconds, time};

/// Rounds that are not counted.
const WARM_UP: usize = 50;

pub(crate) fn run() {
    measure(KeyAlgorithm::Ec(EcCurve::P256), 10_000);
    measure(KeyAlgorithm::Rsa(2048), 2_000);
}

/// Prints the medians of one kind of key.
fn measure(algorithm: KeyAlgorithm, rounds: usize) {
    let test = testing::card();
    test.generate("key", algorithm);
    let host = host(&test);
    let request = request(algorithm);
    // Three of them: two tell how far two equal things seem to differ here.
    let (bare, control) = (Bare::new(algorithm), Bare::new(algorithm));
    let shared = testing::card();
    shared.generate("key", algorithm);
    let key = shared.open().signer(None, None, shared.pin()).expect("a key");
    let raw = raw(algorithm);
    // Last, since a transaction that is not used for some seconds is ended.
    let mut session = host.open(test.reader(), &test.module(), OpenOptions::default()).expect("a session");
    let mut held = session.hold().expect("a transaction");
    held.sign(None, &request, &mut test.pin()).expect("a signature");
    let _held = key.card().hold().expect("a transaction");

    let mut times: [Vec<f64>; 5] = Default::default();
    for round in 0..rounds + WARM_UP {
        // Each begins as often as the others.
        for turn in 0..times.len() {
            let which = (round + turn) % times.len();
            let took = match which {
                0 => time(|| drop(held.sign(None, &request, &mut NoPin).expect("a signature"))),
                1 => time(|| bare.sign()),
                2 => time(|| control.sign()),
                3 => time(|| drop(key.sign_digest(request.padding.clone(), &DIGEST).expect("a signature"))),
                _ => time(&raw),
            };
            if round >= WARM_UP {
                times[which].push(took);
            }
        }
    }
    let [through, bare, control, signer, raw] = &times;
    let told = |of: &[f64], above: &[f64]| difference(of, above).map(microseconds);
    println!(
        "{}",
        json!({
            "algorithm": algorithm.to_string(),
            "rounds": rounds,
            "host": microseconds(median(through)),
            "bare": microseconds(median(bare)),
            "library": microseconds(median(raw)),
            "host above bare": told(through, bare),
            "signer above bare": told(signer, bare),
            "bare above library": told(bare, raw),
            "control": told(control, bare),
        })
    );
}

/// The crypto library's part of such a signature.
pub(crate) fn raw(algorithm: KeyAlgorithm) -> Box<dyn Fn()> {
    match algorithm {
        KeyAlgorithm::Rsa(_) => {
            let key = PrivateKey::generate(KeyKind::Rsa(2048)).expect("a key");
            let mut block = [0x5A; 256];
            block[0] = 0;
            Box::new(move || drop(key.rsa_raw(&block).expect("a signature")))
        }
        _ => {
            let key = PrivateKey::generate(KeyKind::P256).expect("a key");
            Box::new(move || drop(key.ecdsa_sign(&DIGEST).expect("a signature")))
        }
    }
}
