//! Sequences of foreign hosts, in their order and form: Windows' inbox driver and OpenSC.
#![allow(clippy::unwrap_used, reason = "in tests a panic is a finding")]

mod common;

use common::{bench_with, chained, unhex};

/// How Windows connects to an empty card: six readings of the file table, one before each file.
const CONNECT: &str = "
    00 A4 04 00 0B A0 00 00 03 08 00 00 10 00 01 00 00 => 6A82
    00 A4 00 0C 02 3F FF => 9000
    00 A4 04 00 09 A0 00 00 03 97 42 54 46 59 00 => 61 12 4F 0B A0 00 00 03 97 42 54 46 59 02 01 73 03 40 01 C0 90 00
    00 CB 3F FF 04 5C 02 7F 73 00 => 6A88
    00 CB A0 00 04 5C 02 DF 1F 00 => DF 1F 81 8D 01*
    00 CB A0 12 04 5C 02 DF 20 00 => DF 20 10*
    00 CB A0 00 04 5C 02 DF 1F 00 => DF 1F 81 8D 01*
    00 CB A0 10 04 5C 02 DF 22 00 => DF 22 06 00 00 00 00 00 00 90 00
    00 CB A0 00 04 5C 02 DF 1F 00 => DF 1F 81 8D 01*
    00 CB A0 10 04 5C 02 DF 23 00 => DF 23 00 90 00";

/// How it makes a key-exchange container: freshness, container record, key file, key, key map.
const CONTAINER: &str = "
    00 20 00 80 => 63C3
    00 20 00 80 08 31 32 33 34 35 36 37 38 => 9000
    00 DB A0 10 09 DF 22 06 00 00 00 00 01 00 => 9000
    00 DB A0 10 59 DF 23 56 74 00 71 00 2D 00 31 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 01 00 00 00 00 00 => 9000
    00 DB A0 10 09 DF 22 06 00 00 01 00 02 00 => 9000
    00 E0 00 00 49 62 47 82 01 18 83 02 B0 81 8C 05 8F 10 10 10 00 A5 37 B8 09 80 01 07 83 01 81 95 01 40 B8 09 80 01 87 83 01 81 95 01 40 B8 09 80 01 47 83 01 81 95 01 40 B6 09 80 01 17 83 01 81 95 01 40 B6 09 80 01 57 83 01 81 95 01 40 => 9000
    00 44 00 00 => 9000
    00 47 00 00 08 AC 06 80 01 07 83 01 81 => 6100
    00 C0 00 00 00 => 7F 49 82 01 09 81 82 01 00*
    00 C0 00 00 0E => *
    00 DB A0 00 10 DF 20 0D 01 01 00 00 00 07 9A 81 B0 FF FF 00 00 => 9000
    00 CB 3F FF 0A 70 08 84 01 81 A5 03 7F 49 80 00 => 7F 49 82 01 09 81 82 01 00*
    00 C0 00 00 0E => *
    00 20 00 82 => 9000";

/// How it signs: VERIFY, MSE, PSO, and the status cleared at once.
const SIGNATURE: &str = "
    00 20 00 80 08 31 32 33 34 35 36 37 38 => 9000
    00 22 41 B6 06 80 01 57 84 01 81 => 9000
    00 2A 9E 9A 33 30 31 30 0D 06 09 60 86 48 01 65 03 04 02 01 05 00 04 20 00 01 02 03 04 05 06 07 08 09 0A 0B 0C 0D 0E 0F 10 11 12 13 14 15 16 17 18 19 1A 1B 1C 1D 1E 1F 00 => *
    00 20 00 82 => 9000
    00 2A 9E 9A 04 01 02 03 04 00 => 6985";

#[test]
fn windows() {
    let mut bench = bench_with(|profile| profile.options.ec = false);
    bench.run(CONNECT);
    bench.run(CONTAINER);
    bench.run(SIGNATURE);
    // The certificate: a compressed file in parts of 240 bytes, then its line in the file table.
    bench.run("00 20 00 80 08 31 32 33 34 35 36 37 38 => 9000");
    let mut certificate = unhex("DF 24 82 02 9F 01 00 AA 02 78 DA");
    certificate.resize(5 + 671, 0x5A);
    for part in chained([0x00, 0xDB, 0xA0, 0x10], &certificate, false) {
        assert_eq!(bench.data(&part), []);
    }
    let mut table = bench.data(&unhex("00 CB A0 00 04 5C 02 DF 1F 00"));
    table[3] = 0xA9;
    table.extend(unhex("6D73637000000000006B7863303000000000000024DF000010A00000"));
    for part in chained([0x00, 0xDB, 0xA0, 0x00], &table, false) {
        assert_eq!(bench.data(&part), []);
    }
    assert_eq!(bench.data(&unhex("00 CB A0 00 04 5C 02 DF 1F 00")), table);
    assert_eq!(bench.data(&unhex("00 CB A0 10 04 5C 02 DF 24 00")), certificate);
    assert!(bench.send("00 CB A0 10 04 5C 02 DF 24 00").ends_with("6100"), "two more answers wait");
    // Deleting the container destroys the key.
    bench.run(
        "00 A4 00 0C 02 B0 81 => 9000
         00 E4 00 00 => 9000
         00 CB 3F FF 0A 70 08 84 01 81 A5 03 7F 49 80 00 => 6A88
         00 DB A0 00 10 DF 20 0D 01 00 00 00 00 FF 9A FF FF FF FF 00 00 => 9000
         00 DB A0 10 03 DF 24 00 => 9000
         00 CB A0 10 04 5C 02 DF 24 00 => 6A88",
    );
}

/// The signature-only key file of OpenSC: its templates name key 83 whatever the key is.
#[test]
fn opensc_signature_key() {
    let mut bench = bench_with(|profile| profile.options.ec = false);
    let file = |key: u8| {
        format!(
            "00E00000 28 6226 820118 8302B0{key:02X} 8C058F10101000 A516 \
             B609 800116 830183 950140 B609 800156 830183 950140"
        )
    };
    bench.run("00 A4 04 00 09 A0 00 00 03 97 42 54 46 59 00 => 61*");
    bench.run("00 20 00 80 08 31 32 33 34 35 36 37 38 => 9000");
    for key in [0x81, 0x83] {
        bench.run(&format!("{} => 9000", file(key)));
        bench.run("00 44 00 00 => 9000");
        bench.run(&format!("00 47 00 00 08 AC 06 80 01 06 83 01 {key:02X} 00 => 7F49*"));
    }
    let modulus = |bench: &mut common::Bench, key: u8| {
        bench.send(&format!("00 CB 3F FF 0A 70 08 84 01 {key:02X} A5 03 7F 49 80 00"))
    };
    assert_ne!(modulus(&mut bench, 0x81), modulus(&mut bench, 0x83));
    bench.run(
        "00 22 41 B6 06 80 01 56 84 01 81 => 9000
         00 2A 9E 9A 04 01 02 03 04 00 => *
         00 22 41 B6 06 80 01 56 84 01 82 => 6A88",
    );
}
