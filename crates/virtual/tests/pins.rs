//! PIN, PUK and the administrator: counters, states, recorded authentication transcripts.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "in tests a panic is a finding")]

mod common;

use cardmod_types::Pin;
use cardmod_virtual::{Card, CardFault, CardOptions, Random, Storage};
use common::{SELECT, VERIFY, bench, bench_with, hex, unhex};

#[test]
fn tries_count_down_and_block() {
    let mut bench = bench();
    bench.send(SELECT);
    bench.run(
        "00 20 00 80 => 63C3
         00 20 00 80 04 31 32 33 34 => 63C2            # another length is a wrong PIN
         00 20 00 80 => 63C2
         00 20 00 80 08 31 32 33 34 35 36 37 38 => 9000
         00 20 00 80 => 9000
         00 CB 3F FF 04 5C 02 7F 71 00 => 7F 71 06 97 01 03 93 01 03 90 00
         00 20 00 80 08 30 32 33 34 35 36 37 38 => 63C2
         00 20 00 80 => 63C2                           # and the state is gone
         00 20 00 80 08 30 32 33 34 35 36 37 38 => 63C1
         reset
         00 A4 04 0C 09 A0 00 00 03 97 42 54 46 59 => 9000
         00 20 00 80 08 30 32 33 34 35 36 37 38 => 63C0
         00 20 00 80 08 31 32 33 34 35 36 37 38 => 6983
         00 20 00 80 => 6983
         00 CB 3F FF 04 5C 02 7F 71 00 => 7F 71 06 97 01 00 93 01 03 90 00
         00 20 00 00 04 31 32 33 34 => 6A88            # there is no global PIN
         00 20 00 81 => 6A88                           # and no PUK
         00 2C 00 80 08 31 32 33 34 35 36 37 38 => 6A88
         00 2C 02 80 04 31 31 31 31 => 6982",
    );
}

#[test]
fn change() {
    let mut bench = bench();
    bench.send(SELECT);
    bench.run(
        "00 24 00 80 0C 31 32 33 34 35 36 37 38 39 39 39 39 => 9000
         00 20 00 80 08 31 32 33 34 35 36 37 38 => 63C2
         00 24 00 80 07 39 39 39 39 31 32 33 => 6A80    # the new one is too short
         00 20 00 80 => 63C3
         00 24 00 80 03 39 39 39 => 63C2                 # cut short: a wrong PIN
         00 20 00 80 04 39 39 39 39 => 9000
         10 24 00 80 04 39 39 39 39 => 9000              # in two parts
         00 24 00 80 05 35 35 35 35 35 => 9000
         00 20 00 82 02 AA BB => 9000                    # any data is ignored
         00 20 00 80 => 63C3
         00 20 00 80 05 35 35 35 35 35 => 9000",
    );
}

#[test]
fn unblocking_with_the_puk() {
    let mut bench = bench_with(|profile| profile.puk = Some(Pin::from("87654321")));
    bench.send(SELECT);
    for _ in 0..3 {
        bench.send("00 20 00 80 04 30 30 30 30");
    }
    bench.run(
        "00 20 00 80 => 6983
         00 2C 00 80 0C 38 37 36 35 34 33 32 30 39 39 39 39 => 63C2
         00 2C 00 80 0C 38 37 36 35 34 33 32 31 39 39 39 39 => 9000
         00 20 00 80 => 63C3
         00 20 00 80 04 39 39 39 39 => 9000
         00 20 00 81 => 63C3
         00 2C 00 80 03 38 37 36 => 63C2
         00 2C 00 80 03 38 37 36 => 63C1
         00 2C 00 80 03 38 37 36 => 63C0
         00 2C 00 80 0C 38 37 36 35 34 33 32 31 39 39 39 39 => 6983
         00 20 00 80 => 9000                             # the PIN's state is not touched",
    );
}

#[test]
fn external_authentication_and_unblocking() {
    let mut bench = bench();
    bench.send(SELECT);
    bench.run(
        "00 87 00 00 04 7C 02 81 00 00 => 6985            # no key chosen
         00 22 41 A4 03 83 01 80 => 6A86
         00 22 81 A4 03 83 01 81 => 6A88
         00 22 81 A4 06 83 01 80 80 01 03 => 6A80
         00 22 C1 A4 03 83 01 80 => 9000
         00 22 81 A4 03 83 01 80 => 9000
         00 87 00 00 0C 7C 0A 82 08 00 11 22 33 44 55 66 77 => 6985
         00 87 00 00 04 7C 02 83 00 00 => 6A80",
    );
    let answer = admin_response(&mut bench);
    assert_eq!(bench.send(&answer), "9000");
    assert_eq!(bench.send(&answer), "6985");
    bench.run(
        "00 DB A0 12 05 DF 30 02 01 02 => 9000
         00 2C 02 80 04 34 33 32 31 => 9000
         00 DB A0 12 05 DF 30 02 01 02 => 6982            # the status is reset
         00 20 00 80 04 34 33 32 31 => 9000
         00 22 81 A4 03 83 01 80 => 9000
         00 87 00 00 04 7C 02 81 00 00 => 7C 0A 81 08*
         00 87 00 00 0C 7C 0A 82 08 00 11 22 33 44 55 66 77 => 6982
         00 20 00 80 => 9000",
    );
}

#[test]
fn the_admin_key_is_replaced_by_the_administrator() {
    let mut bench = bench();
    bench.send(SELECT);
    let put = "00 DB 3F FF 26 70 24 84 01 80 A5 1F 87 18 08 07 06 05 04 03 02 01 08 07 06 05 04 03 02 01 08 07 06 05 04 03 02 01 88 03";
    assert_eq!(bench.send(&format!("{put} 00 00 00")), "6982");
    bench.send("00 22 81 A4 03 83 01 80");
    let answer = admin_response(&mut bench);
    bench.send(&answer);
    assert_eq!(bench.send(&format!("{put} 00 00 00")), "6A80", "a wrong check value");
    assert_eq!(bench.send(&format!("{put} B0 73 DC")), "9000", "what gids-tool sends with every key");
    let right = cardmod_types::admin::challenge_response(
        &cardmod_types::SecretBytes::from(&[8, 7, 6, 5, 4, 3, 2, 1].repeat(3)[..]),
        &[0; 8],
    );
    assert_eq!(bench.send(&format!("{put} {}", hex(&right.unwrap()[..3]))), "9000");
    bench.run(
        "00 DB 3F FF 1B 70 19 84 01 80 A5 14 87 12 01 02 03 04 05 06 07 08 01 02 03 04 05 06 07 08 01 02 => 6A80
         00 DB 3F FF 07 70 05 84 01 80 A5 00 => 9000       # erased
         00 22 81 A4 03 83 01 80 => 6985",
    );
}

#[test]
fn termination() {
    let mut bench = bench();
    bench.send(SELECT);
    bench.send("00 22 81 A4 03 83 01 80");
    let answer = admin_response(&mut bench);
    bench.send(&answer);
    bench.run(
        "00 E6 00 00 => 9000
         00 20 00 80 08 31 32 33 34 35 36 37 38 => 6985
         00 DB A0 10 03 DF 25 00 => 6985
         00 CB A0 10 04 5C 02 DF 21 00 => DF 21 08*        # what everybody may read
         00 CB A0 13 04 5C 02 DF 21 00 => 6A88
         reset
         00 A4 04 0C 09 A0 00 00 03 97 42 54 46 59 => 6285",
    );
}

/// Asks for a challenge and answers the command that solves it with the sample key.
fn admin_response(bench: &mut common::Bench) -> String {
    let challenge = bench.data(&unhex("00 87 00 00 04 7C 02 81 00 00"));
    let key = cardmod_types::SecretBytes::from(&common::ADMIN_KEY);
    let response = cardmod_types::admin::challenge_response(&key, &challenge[4..]).unwrap();
    format!("00 87 00 00 0C 7C 0A 82 08 {}", hex(&response))
}

/// Randomness as it was in the recorded transcript; storage that forgets.
struct Script(Vec<u8>);

impl Random for Script {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), CardFault> {
        for byte in out.iter_mut() {
            *byte = if self.0.is_empty() { 0 } else { self.0.remove(0) };
        }
        Ok(())
    }
}

impl Storage for Script {
    fn save(&mut self, _: &[u8]) -> Result<(), CardFault> {
        Ok(())
    }
}

/// The recorded and the computed transcript of mutual authentication.
#[test]
fn mutual_authentication_vectors() {
    let vectors = [
        (
            "80826A39841176E0569A82FAD69F387F 6C5544797A9111 00",
            "6B70297696E6304F6CC28D7A5B20200EF6BDB6D492C9215522B918E4510E35740EE25D52575B995F",
            "76E690BEE82E547B6FE744F89AB23604C0217DD667551330D062910405BD376AC43E66F8E1415E86",
        ),
        (
            "202122232425262728292A2B2C2D2E2F B1B2B3B4B5B6B7 00",
            "433f7a758ca274b8c9e376acb25c4f118b67d620ec7163a72e77cd32824074bf264f9c2394bbf954",
            "76e690bee82e547b6fe744f89ab2360486b0296bf02dbf78ea1a11c536dd612f5aafb2e637b4fc95",
        ),
    ];
    for (random, host, answer) in vectors {
        let mut card = admin_card();
        let mut ports = Script(unhex(random));
        let mut send = |command: &str| hex(&card.process(&mut ports, &unhex(command)).unwrap());
        send("00 22 C1 A4 03 83 01 80");
        let r1 = "101112131415161718191A1B1C1D1E1F";
        let challenge = send(&format!("00 87 00 00 14 7C 12 81 10 {r1} 00"));
        assert_eq!(challenge, format!("7C128110{}9000", &hex(&unhex(random))[..32]));
        let response = send(&format!("00 87 00 00 2C 7C 2A 82 28 {host} 00"));
        assert_eq!(response, format!("7C2A8228{}9000", hex(&unhex(answer))));
        assert_eq!(send("00 DB A0 12 04 DF 30 01 01"), "9000", "the administrator is known now");
    }
}

#[test]
fn mutual_authentication_refuses_the_other_order() {
    // E(R1 ‖ R2 ‖ Z1 ‖ 80): the card's own answer sent back.
    let mut card = admin_card();
    let mut ports = Script(unhex("202122232425262728292A2B2C2D2E2F"));
    let mut send = |command: &str| hex(&card.process(&mut ports, &unhex(command)).unwrap());
    send("00 22 81 A4 03 83 01 80");
    send("00 87 00 00 14 7C 12 81 10 10 11 12 13 14 15 16 17 18 19 1A 1B 1C 1D 1E 1F 00");
    let swapped = "76e690bee82e547b6fe744f89ab2360486b0296bf02dbf78ea1a11c536dd612f5aafb2e637b4fc95";
    assert_eq!(send(&format!("00 87 00 00 2C 7C 2A 82 28 {swapped} 00")), "6982");
    assert_eq!(send("00 DB A0 12 04 DF 30 01 01"), "6982");
}

/// A card in memory with the sample admin key and one file for the administrator.
fn admin_card() -> Card {
    let mut card = Card::blank(CardOptions::default(), false);
    for command in [
        "00 A4 04 0C 09 A0 00 00 03 97 42 54 46 59",
        "00 E0 00 00 0E 62 0C 82 01 39 83 02 A0 12 8C 03 03 20 00",
        "00 44 00 00",
        "00 E0 00 00 1C 62 1A 82 01 18 83 02 B0 80 8C 04 87 00 20 FF A5 0B A4 09 80 01 02 83 01 80 95 01 C0",
        "00 44 00 00",
        "00 DB 3F FF 26 70 24 84 01 80 A5 1F 87 18 01 02 03 04 05 06 07 08 01 02 03 04 05 06 07 08 01 02 03 04 05 06 07 08 88 03 B0 73 DC",
        "00 A4 00 0C 02 3F FF",
        "00 44 00 00",
    ] {
        let response = card.process(&mut Script(vec![]), &unhex(command)).unwrap();
        assert_eq!(hex(&response), "9000", "{command}");
    }
    card
}

#[test]
fn a_pin_may_come_in_parts() {
    let mut bench = bench();
    bench.send(SELECT);
    bench.run(
        "10 20 00 80 04 31 32 33 34 => 9000
         00 20 00 80 04 35 36 37 38 => 9000
         00 20 00 80 => 9000",
    );
    assert_eq!(bench.send(VERIFY), "9000");
}
