//! Signatures per second, one thread: the crypto library, the virtual card, and the host above it. What is
//! counted is how many of the median time fit a second, so that other programs weigh little.

use cardmod_default::testing;
use cardmod_host::types::EcCurve;
use cardmod_host::{KeyAlgorithm, NoPin, OpenOptions};
use serde_json::json;

use crate::bare::{Bare, host, request};
use crate::overhead::raw;
use crate::statistics::{median, time};

/// Signatures of each.
const ROUNDS: usize = 2_000;

pub(crate) fn run() {
    for algorithm in [KeyAlgorithm::Ec(EcCurve::P256), KeyAlgorithm::Rsa(2048)] {
        let test = testing::card();
        test.generate("key", algorithm);
        let host = host(&test);
        let request = request(algorithm);
        let mut session =
            host.open(test.reader(), &test.module(), OpenOptions::default()).expect("a session");
        let (bare, raw) = (Bare::new(algorithm), raw(algorithm));
        let mut held = session.hold().expect("a transaction");
        held.sign(None, &request, &mut test.pin()).expect("a signature");
        let mut times: [Vec<f64>; 3] = Default::default();
        for _ in 0..ROUNDS {
            times[0].push(time(&raw));
            times[1].push(time(|| bare.sign()));
            times[2].push(time(|| drop(held.sign(None, &request, &mut NoPin).expect("a signature"))));
        }
        let [library, card, through] = times.map(|times| (1e9 / median(&times)).round());
        println!(
            "{}",
            json!({ "algorithm": algorithm.to_string(), "library": library, "card": card, "host": through })
        );
    }
}
