//! Signatures per second, one thread: the crypto library, the virtual card, and the host above it.

use std::time::{Duration, Instant};

use cardmod_default::testing;
use cardmod_host::types::EcCurve;
use cardmod_host::{KeyAlgorithm, NoPin, OpenOptions};
use serde_json::json;

use crate::bare::{Bare, host, request};
use crate::overhead::raw;
use crate::statistics::median;

/// Each has the processor so long before it is the others' turn.
const SLICE: Duration = Duration::from_millis(200);
const SLICES: usize = 5;

pub(crate) fn run() {
    for algorithm in [KeyAlgorithm::Ec(EcCurve::P256), KeyAlgorithm::Rsa(2048)] {
        let test = testing::card();
        test.generate("key", algorithm);
        let host = host(&test);
        let request = request(algorithm);
        let mut session =
            host.open(test.reader(), &test.module(), OpenOptions::default()).expect("a session");
        let mut held = session.hold().expect("a transaction");
        held.sign(None, &request, &mut test.pin()).expect("a signature");
        let bare = Bare::new(algorithm);
        let raw = raw(algorithm);
        let mut rates: [Vec<f64>; 3] = Default::default();
        for _ in 0..SLICES {
            rates[0].push(rate(&raw));
            rates[1].push(rate(|| bare.sign()));
            rates[2].push(rate(|| drop(held.sign(None, &request, &mut NoPin).expect("a signature"))));
        }
        let [library, card, through] = rates.map(|rates| median(&rates).round());
        println!(
            "{}",
            json!({ "algorithm": algorithm.to_string(), "library": library, "card": card, "host": through })
        );
    }
}

/// How often a second it is done.
fn rate(mut work: impl FnMut()) -> f64 {
    let begun = Instant::now();
    let mut count = 0_u32;
    while begun.elapsed() < SLICE {
        work();
        count += 1;
    }
    f64::from(count) / begun.elapsed().as_secs_f64()
}
