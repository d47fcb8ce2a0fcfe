//! What the tests of the virtual PIV card share: cards of both flavours and the way to the administrator.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses its part")]

use cardmod_types::Pin;
use cardmod_virtual::{PivFlavour, PivProfile, Store};

use super::Bench;

pub const SELECT: &str = "00 A4 04 00 0B A0 00 00 03 08 00 00 10 00 01 00 00";
pub const VERIFY: &str = "00 20 00 80 08 31 32 33 34 35 36 FF FF";
/// Asks for a witness of the default triple-DES key.
pub const WITNESS: &str = "00 87 03 9B 04 7C 02 80 00 00";

pub const FLAVOURS: [PivFlavour; 2] = [PivFlavour::Standard, PivFlavour::YubiKey];

/// PIN 123456, PUK 12345678, the default management key.
pub fn profile(flavour: PivFlavour) -> PivProfile {
    PivProfile { flavour, ..PivProfile::new(Pin::from("123456"), Pin::from("12345678")) }
}

/// A fresh card, selected.
pub fn bench(flavour: PivFlavour) -> Bench {
    bench_with(flavour, |_| ())
}

pub fn bench_with(flavour: PivFlavour, change: impl FnOnce(&mut PivProfile)) -> Bench {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let mut profile = profile(flavour);
    change(&mut profile);
    store.create_piv("test", &profile).unwrap();
    let card = store.open_card("test").unwrap();
    let mut bench = Bench { dir, store, card };
    assert!(bench.send(SELECT).ends_with("9000"));
    bench
}

/// Becomes the administrator with the default key.
pub fn administrate(bench: &mut Bench) {
    let challenge = bench.send("00 87 03 9B 04 7C 02 81 00 00");
    assert!(challenge.starts_with("7C0A8108") && challenge.ends_with("9000"), "{challenge}");
    let response = super::hex(&cryptogram(&super::unhex(&challenge[8..24])));
    assert_eq!(bench.send(&format!("00 87 03 9B 0C 7C 0A 82 08 {response}")), "9000");
}

/// One block under the default triple-DES key.
pub fn cryptogram(challenge: &[u8]) -> Vec<u8> {
    let key = cardmod_types::SecretBytes::from(&super::ADMIN_KEY);
    let challenge: [u8; 8] = challenge.try_into().unwrap();
    cardmod_types::admin::challenge_response(&key, &challenge).unwrap().to_vec()
}
