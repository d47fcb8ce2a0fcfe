//! What the card adds to the crypto library's time for one P-256 signature: at most 20 µs, inside a
//! held transaction. Meaningful in release builds alone:
//! `cargo test --release -p cardmod-virtual --test cost -- --ignored --nocapture`.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "in tests a panic is a finding")]

mod common;

use std::time::{Duration, Instant};

use cardmod_crypto::{KeyKind, PrivateKey};
use common::{SELECT, VERIFY, bench, unhex};

const ROUNDS: usize = 5000;
const LIMIT: Duration = Duration::from_micros(20);

#[test]
#[ignore = "a measurement; see the page above"]
fn a_signature_costs_little_more_than_the_library_takes() {
    let mut bench = bench();
    bench.send(SELECT);
    bench.send(VERIFY);
    bench.run(
        "00E00000 1D 621B 820118 8302B081 8C058F10101000 A50B B609 80011C 830181 950140 => 9000
         00 44 00 00 => 9000
         00 47 00 00 08 AC 06 80 01 0C 83 01 81 00 => 7F49*
         00 22 41 B6 06 80 01 1C 84 01 81 => 9000",
    );
    let command = unhex(&format!("002A9E9A 20 {} 00", "3C".repeat(32)));
    bench.card.begin(Duration::from_secs(1)).unwrap();
    let card = median(|| {
        bench.card.transmit(&command).unwrap();
    });
    let key = PrivateKey::generate(KeyKind::P256).unwrap();
    let raw = median(|| {
        key.ecdsa_sign(&[0x3C; 32]).unwrap();
    });
    let read = median(|| {
        bench.card.transmit(&unhex("00CBA0100 45C02DF2200")).unwrap();
    });
    println!("GIDS: card {card:?}, library {raw:?}, reading cardcf {read:?}");
    assert!(card <= raw + LIMIT, "card {card:?}, library {raw:?}");
}

#[test]
#[ignore = "a measurement; see the page above"]
fn a_piv_signature_costs_little_more_than_the_library_takes() {
    for flavour in common::piv::FLAVOURS {
        let mut bench = common::piv::bench(flavour);
        common::piv::administrate(&mut bench);
        bench.run("00 47 00 9A 05 AC 03 80 01 11 00 => 7F49*");
        bench.run(&format!("{} => 9000", common::piv::VERIFY));
        let command = unhex(&format!("00 87 11 9A 26 7C 24 82 00 81 20 {} 00", "3C".repeat(32)));
        bench.card.begin(Duration::from_secs(1)).unwrap();
        let card = median(|| {
            bench.card.transmit(&command).unwrap();
        });
        let key = PrivateKey::generate(KeyKind::P256).unwrap();
        let raw = median(|| {
            key.ecdsa_sign(&[0x3C; 32]).unwrap();
        });
        let read = median(|| {
            bench.card.transmit(&unhex("00CB3FFF035C017E00")).unwrap();
        });
        println!("PIV, {flavour:?}: card {card:?}, library {raw:?}, reading Discovery {read:?}");
        assert!(card <= raw + LIMIT, "{flavour:?}: card {card:?}, library {raw:?}");
    }
}

fn median(mut work: impl FnMut()) -> Duration {
    let mut times: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed()
        })
        .collect();
    times.sort();
    times[ROUNDS / 2]
}
