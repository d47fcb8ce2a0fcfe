//! The redacting formatter: no secret gets through, what helps is shown.

use cardmod_types::redact::{self, Redactor};
use proptest::prelude::*;

use crate::support::hex;

/// What must never be seen: a PIN that looks like nothing else.
const PIN: &[u8] = b"7391-PIN";
const OK: &[u8] = &[0x90, 0x00];

/// How many bytes in a row of a secret may appear in a text by chance.
const CHANCE: usize = 3;

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

fn short(header: &str, data: &[u8]) -> Vec<u8> {
    [&hex(header)[..], &[data.len() as u8], data].concat()
}

fn extended(header: &str, data: &[u8]) -> Vec<u8> {
    [&hex(header)[..], &[0], &(data.len() as u16).to_be_bytes(), data, &[0, 0]].concat()
}

/// Fails if any piece of the secret is in the text.
fn assert_hidden(text: &str, secret: &[u8]) {
    for piece in secret.windows(CHANCE + 1) {
        assert!(!text.contains(&to_hex(piece)), "{} shows a secret", text);
    }
}

/// A secret without repetition, so that every piece of it is distinctive.
fn distinctive(len: usize) -> Vec<u8> {
    let mut state = 0x2545_F491u32;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        (state >> 11) as u8
    };
    (0..len).map(|_| next()).collect()
}

#[test]
fn every_command_with_a_secret_hides_it() {
    for header in [
        "00200080", // VERIFY
        "00210080", // VERIFY with BER-TLV
        "00200081", // VERIFY the PUK
        "00240080", // CHANGE REFERENCE DATA
        "00240180", // the same, first time
        "00250080", // the same, BER-TLV
        "002C0080", // RESET RETRY COUNTER with PUK
        "002C0280", // the same after the administrator
        "002D0080", // the same, BER-TLV
        "00820000", // EXTERNAL AUTHENTICATE
        "00880000", // INTERNAL AUTHENTICATE
        "00860000", // GENERAL AUTHENTICATE, old instruction
        "00870000", // GENERAL AUTHENTICATE
        "00DB3FFF", // PUT KEY
        "80D80081", // PUT KEY of GlobalPlatform
        "00FE0700", // import of a key by Yubico
        "00FFFFFF", // set management key by Yubico
        "002A8680", // ENCIPHER
        "00D60000", // UPDATE BINARY
        "00DC0104", // UPDATE RECORD
        "FF820000", // LOAD KEYS to a reader
        "80500000", // something unknown
        "0C200080", // under secure messaging
    ] {
        let secret = distinctive(40);
        for apdu in [short(header, &secret), extended(header, &secret)] {
            let text = redact::command(&apdu);
            assert_hidden(&text, &secret);
            assert!(text.starts_with(header) && text.contains("<40 bytes>"), "{text}");
        }
        let mut with_le = short(header, PIN);
        with_le.push(0);
        assert_hidden(&redact::command(&with_le), PIN);
    }
}

#[test]
fn put_key_is_hidden_in_all_parts() {
    let key = distinctive(600);
    let value = [&hex("70820258840181A582025083010287820249")[..], &key].concat();
    let mut redactor = Redactor::new();
    let parts: Vec<&[u8]> = value.chunks(0xF0).collect();
    for (n, part) in parts.iter().enumerate() {
        let last = n + 1 == parts.len();
        let apdu = short(if last { "00DB3FFF" } else { "10DB3FFF" }, part);
        assert_hidden(&redactor.command(&apdu), &key);
        assert_eq!(redactor.response(OK), "9000");
    }
    assert_hidden(&redact::command(&extended("00DB3FFF", &value)), &key);
}

#[test]
fn continuation_that_looks_public_is_as_secret_as_its_beginning() {
    let secret = [&hex("5C035FC105")[..], &distinctive(30)].concat();
    for refused in [false, true] {
        let mut redactor = Redactor::new();
        let _ = redactor.command(&short("10DB3FFF", &hex("7020840181A51B871930")));
        if !refused {
            let _ = redactor.response(OK);
        }
        let text = redactor.command(&short("00DB3FFF", &secret));
        assert_eq!(text, "00DB3FFF23<35 bytes>", "refused: {refused}");
    }
}

#[test]
fn certificate_of_piv_is_shown_in_all_parts() {
    let mut redactor = Redactor::new();
    let first = short("10DB3FFF", &hex("5C035FC105530470020102"));
    assert_eq!(redactor.command(&first), to_hex(&first));
    assert_eq!(redactor.response(OK), "9000");
    let last = short("00DB3FFF", &hex("0102030405"));
    assert_eq!(redactor.command(&last), to_hex(&last));
    // The chain is over: what follows is judged by itself.
    assert_eq!(redactor.response(OK), "9000");
    assert_eq!(redactor.command(&last), "00DB3FFF05<5 bytes>");
}

#[test]
fn refused_chain_does_not_make_the_next_command_public() {
    let mut redactor = Redactor::new();
    let _ = redactor.command(&short("10DB3FFF", &hex("5C035FC105530470020102")));
    assert_eq!(redactor.response(&[0x69, 0x82]), "6982");
    let key = [&hex("7030840181A52B8729")[..], &distinctive(41)].concat();
    assert_hidden(&redactor.command(&short("00DB3FFF", &key)), &key[9..]);
}

#[test]
fn deciphered_data_are_hidden_over_chain_and_get_response() {
    let plain = distinctive(300);
    let mut redactor = Redactor::new();
    let cryptogram = short("102A8086", &distinctive(240));
    assert_eq!(redactor.command(&cryptogram), to_hex(&cryptogram));
    assert_eq!(redactor.response(OK), "9000");
    let mut last = short("002A8086", &[1; 16]);
    last.push(0);
    assert_eq!(redactor.command(&last), to_hex(&last));
    let answer = [&plain[..256], &[0x61, 0x2C]].concat();
    assert_eq!(redactor.response(&answer), "<256 bytes>612C");
    assert_eq!(redactor.command(&hex("00C000002C")), "00C000002C");
    let rest = [&plain[256..], OK].concat();
    assert_eq!(redactor.response(&rest), "<44 bytes>9000");
    assert_eq!(redactor.command(&hex("00C0000000")), "00C0000000");
    assert_eq!(redactor.response(&rest), "<44 bytes>9000");
}

#[test]
fn get_response_after_a_public_command_is_shown() {
    let mut redactor = Redactor::new();
    assert_eq!(redactor.command(&hex("00CBA0105C02DF2300")), "<9 bytes>", "no command: lengths contradict");
    assert_eq!(redactor.command(&hex("00CBA010045C02DF2300")), "00CBA010045C02DF2300");
    assert_eq!(redactor.response(&hex("DF230155 6101")), "DF2301556101");
    assert_eq!(redactor.command(&hex("00C0000001")), "00C0000001");
    assert_eq!(redactor.response(&hex("AA9000")), "AA9000");
}

#[test]
fn general_authenticate_is_hidden_both_ways() {
    let answer = distinctive(8);
    let token = short("00870000", &[&hex("7C0A8208")[..], &answer].concat());
    assert_eq!(redact::command(&token), "008700000C<12 bytes>");
    let response = [&hex("7C0A8108")[..], &answer, OK].concat();
    assert_eq!(redact::response(&token, &response), "<12 bytes>9000");
}

#[test]
fn what_is_public_is_shown_whole() {
    for (command, response) in [
        ("00A404000BA000000397425446590201 00", "611C 4F0B9000"),
        ("0084000008", "01020304050607089000"),
        ("00CB3FFF0A70088401 81A5037F498000", "7F4906 8101FF9000"),
        ("002241B606800157840181", "9000"),
        ("00470000 08AC0680010783018100", "7F49009000"),
        ("002A9E9A03010203 00", "AABBCC9000"),
        ("00DBA0100 7DF2304AABBCCDD", "9000"),
        ("00200080", "63C3"),
        ("00A4000C", "6A82"),
        ("FFCA000000", "0102039000"),
    ] {
        let (command, response) = (hex(command), hex(response));
        assert_eq!(redact::command(&command), to_hex(&command));
        assert_eq!(redact::response(&command, &response), to_hex(&response));
    }
    assert_eq!(redact::response(&short("00200080", PIN), &[0x63, 0xC2]), "63C2");
}

#[test]
fn protected_objects_of_piv_are_hidden() {
    for tag in ["5FC103", "5FC108", "5FC109", "5FC121", "5FC123"] {
        let read = short("00CB3FFF", &hex(&format!("5C03{tag}")));
        assert_eq!(redact::command(&read), to_hex(&read));
        assert_eq!(redact::response(&read, &hex("53020102 9000")), "<4 bytes>9000");
        let write = short("00DB3FFF", &[&hex(&format!("5C03{tag}5308"))[..], PIN].concat());
        assert_hidden(&redact::command(&write), PIN);
    }
}

/// Printed Information holds a management key where Yubico's programs put one behind the PIN.
#[test]
fn a_management_key_behind_the_pin_is_hidden_in_every_part() {
    let key = distinctive(24);
    let object = [&hex("5C035FC109531C881A8918")[..], &key].concat();
    for cut in 1..object.len() {
        let mut redactor = Redactor::new();
        assert_hidden(&redactor.command(&short("10DB3FFF", &object[..cut])), &key);
        assert_eq!(redactor.response(OK), "9000");
        assert_hidden(&redactor.command(&short("00DB3FFF", &object[cut..])), &key);
    }
    let answer = [&hex("531C881A8918")[..], &key, OK].concat();
    for list in ["5C035FC109", "5C81035FC109", "5C065FC1055FC109", "5C065FC1095FC105", "5C82", "", "5C"] {
        let mut redactor = Redactor::new();
        let read = short("00CB3FFF", &hex(list));
        let _ = redactor.command(&read);
        assert_hidden(&redactor.response(&answer), &key);
        assert_hidden(&redact::command(&short("00DB3FFF", &[&hex(list)[..], &answer].concat())), &key);
    }
    // The tag itself cut in two, and the answer fetched in two.
    for cut in 1..5 {
        let list = hex("5C035FC109");
        let mut redactor = Redactor::new();
        let _ = redactor.command(&short("10CB3FFF", &list[..cut]));
        assert_eq!(redactor.response(OK), "9000");
        let _ = redactor.command(&short("00CB3FFF", &list[cut..]));
        assert_hidden(&redactor.response(&[&answer[..10], &[0x61, 0x16]].concat()), &key);
        let _ = redactor.command(&hex("00C0000016"));
        assert_hidden(&redactor.response(&answer[10..]), &key);
    }
}

/// The management key's authentication both ways round, and what a key is used for.
#[test]
fn general_authenticate_of_piv_is_hidden_with_all_its_parts() {
    let secret = distinctive(280);
    for (header, template) in
        [("0087039B", "7C0A8008"), ("00870A9B", "7C268010"), ("0087079D", "7C82010682008182")]
    {
        let body = [&hex(template)[..], &secret].concat();
        let mut redactor = Redactor::new();
        let (first, last) = body.split_at(250);
        assert_hidden(&redactor.command(&short(&header.replacen("00", "10", 1), first)), &secret);
        assert_eq!(redactor.response(OK), "9000");
        assert_hidden(&redactor.command(&short(header, last)), &secret);
        assert_hidden(&redactor.response(&[&secret[..200], &[0x61, 80]].concat()), &secret);
        let _ = redactor.command(&hex("00C0000000"));
        assert_hidden(&redactor.response(&[&secret[200..], OK].concat()), &secret);
    }
}

#[test]
fn the_vendor_commands_with_keys_are_hidden_in_all_parts() {
    let key = distinctive(300);
    for header in ["00FE079A", "00FFFFFF", "00FFFFFE"] {
        let mut redactor = Redactor::new();
        let (first, last) = key.split_at(250);
        assert_hidden(&redactor.command(&short(&header.replacen("00", "10", 1), first)), &key);
        assert_eq!(redactor.response(OK), "9000");
        assert_hidden(&redactor.command(&short(header, last)), &key);
        assert_hidden(&redact::command(&extended(header, &key)), &key);
    }
}

#[test]
fn what_piv_cards_say_of_themselves_is_shown() {
    for (command, response) in [
        ("00A404000BA000000308000010000100 00", "61114F06000010000100 9000"),
        ("00CB3FFF055C035FC10200", "53023E009000"),
        ("00CB3FFF055C035FFF1000", "530281009000"),
        ("00CB3FFF035C017E00", "7E024F009000"),
        ("00CB3FFF045C027F6100", "7F610302010 09000"),
        ("00F7009A00", "0101119000"),
        ("00F8000000", "00AE17CB9000"),
        ("00F99A0000", "308000009000"),
        ("00FD000000", "0504039000"),
        ("0047009A05AC0380011100", "7F4902 8600 9000"),
    ] {
        let (command, response) = (hex(command), hex(response));
        assert_eq!(redact::command(&command), to_hex(&command));
        assert_eq!(redact::response(&command, &response), to_hex(&response));
    }
}

#[test]
fn bytes_that_are_no_command_are_hidden_whole() {
    for apdu in ["00", "002000", "00200080FF31323334", "0020008004313233343536"] {
        let apdu = hex(apdu);
        let expected =
            if apdu.len() == 1 { "<1 byte>".to_owned() } else { format!("<{} bytes>", apdu.len()) };
        assert_eq!(redact::command(&apdu), expected);
        assert_eq!(redact::response(&apdu, &hex("AABB9000")), "<2 bytes>9000");
    }
    assert_eq!(redact::command(&[]), "");
    assert_eq!(redact::response(&hex("00A4000C"), &[0x90]), "<1 byte>");
    assert_eq!(Redactor::new().response(&hex("AABB9000")), "<2 bytes>9000", "an answer to nothing");
}

proptest! {
    #[test]
    fn a_pin_is_never_seen_whatever_is_around(
        before in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 0..6),
        answers in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..8), 0..6),
        class in prop::sample::select(vec![0x00u8, 0x0C, 0x10, 0x01, 0x80]),
        ins in prop::sample::select(vec![0x20u8, 0x24, 0x2C, 0x87]),
        p2 in any::<u8>(),
    ) {
        let mut redactor = Redactor::new();
        for (n, apdu) in before.iter().enumerate() {
            let _ = redactor.command(apdu);
            if let Some(answer) = answers.get(n) {
                let _ = redactor.response(answer);
            }
        }
        let header = to_hex(&[class, ins, 0, p2]);
        assert_hidden(&redactor.command(&short(&header, PIN)), PIN);
        assert_hidden(&redactor.command(&extended(&header, PIN)), PIN);
    }

    #[test]
    fn any_bytes_are_formatted(apdus in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..5)) {
        let mut redactor = Redactor::new();
        for apdu in apdus {
            prop_assert!(redactor.command(&apdu).len() <= 2 * apdu.len() + 12);
            prop_assert!(redactor.response(&apdu).len() <= 2 * apdu.len() + 12);
        }
    }
}
