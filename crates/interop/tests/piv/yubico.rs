//! yubico-piv-tool on virtual PIV cards. Its 2.2.0 cannot sign certificates of its own with OpenSSL 3 (it gives up
//! before it asks the card), so an authority of OpenSSL's certifies the keys; ykman's tests show certificates that a
//! card signed for itself.

use crate::desk::Desk;

/// One PIN that is not the card's.
const WRONG: &str = "000000";

#[test]
fn keys_of_every_kind_are_made_certified_and_used() {
    let desk = Desk::with_card("");
    desk.piv_tool("-a status").success().says("Version:\t5.4.3").says("PIN tries left:\t3");
    for (place, algorithm) in
        [("9a", "ECCP256"), ("9c", "RSA2048"), ("9d", "ECCP384"), ("9e", "ECCP384"), ("82", "RSA2048")]
    {
        desk.enrol_by_yubico(place, algorithm);
        desk.piv_tool(&format!("-s {place} -a read-certificate -o back.pem")).success();
        desk.same(&format!("{place}.pem"), "back.pem");
        let hash = if algorithm == "ECCP384" { "SHA384" } else { "SHA256" };
        let use_it = format!("-s {place} -H {hash} -a verify-pin -P 123456 -i {place}.pem");
        let test = if ["9d", "82"].contains(&place) { "test-decipher" } else { "test-signature" };
        desk.piv_tool(&format!("{use_it} -a {test}")).success();
    }
    let status = desk.piv_tool("-a status").success();
    assert_eq!(status.stdout.matches("Subject DN:\tCN=key-").count(), 5, "{status}");
    desk.piv_tool("-s 82 -a delete-certificate").success();
    desk.piv_tool("-s 82 -a read-certificate").exits_with(1);
    desk.signs_by_yubico("9a", "ECCP256");
    desk.signs_by_yubico("9c", "RSA2048");
}

#[test]
fn the_signature_key_wants_the_pin_every_time_the_card_key_never() {
    let desk = Desk::with_card("");
    for place in ["9c", "9e"] {
        desk.enrol_by_yubico(place, "ECCP256");
    }
    desk.piv_tool("-s 9e -a test-signature -i 9e.pem").success();
    desk.piv_tool("-s 9c -a test-signature -i 9c.pem").exits_with(1);
    desk.piv_tool("-s 9c -a verify-pin -P 123456 -a test-signature -i 9c.pem").success();
    let twice = "-s 9c -a verify-pin -P 123456 -a test-signature -a test-signature -i 9c.pem";
    desk.piv_tool(twice).exits_with(1);
}

#[test]
fn pin_and_puk_are_changed_blocked_and_unblocked() {
    let desk = Desk::with_card("");
    desk.piv_tool("-a change-pin -P 123456 -N 24681012").success();
    desk.piv_tool("-a verify-pin -P 24681012").success();
    desk.piv_tool("-a change-puk -P 12345678 -N 87654321").success();
    for left in ["2 tries left", "1 tries left", "blocked"] {
        desk.piv_tool(&format!("-a verify-pin -P {WRONG}")).exits_with(1).says(left);
    }
    desk.piv_tool("-a verify-pin -P 24681012").exits_with(1).says("blocked");
    desk.piv_tool("-a unblock-pin -P 12345678 -N 123456").exits_with(1).says("2 tries left");
    desk.piv_tool("-a unblock-pin -P 87654321 -N 123456").success();
    desk.piv_tool("-a verify-pin -P 123456").success();
    // new numbers of tries bring the PINs of a new token
    desk.piv_tool("-a verify-pin -P 123456 -a pin-retries --pin-retries 5 --puk-retries 4").success();
    desk.piv_tool("-a verify-pin -P 123456").success();
    desk.piv_tool(&format!("-a verify-pin -P {WRONG}")).exits_with(1).says("4 tries left");
    desk.piv_tool("-a status").success().says("PIN tries left:\t4");
}

#[test]
fn a_card_is_reset_when_pin_and_puk_are_blocked() {
    let desk = Desk::with_card("");
    desk.enrol_by_yubico("9a", "ECCP256");
    desk.piv_tool("-a reset").exits_with(1);
    for _ in 0..3 {
        desk.piv_tool(&format!("-a verify-pin -P {WRONG}")).exits_with(1);
    }
    desk.piv_tool("-a reset").exits_with(1);
    for _ in 0..3 {
        desk.piv_tool(&format!("-a unblock-pin -P {WRONG}00 -N 123456")).exits_with(1);
    }
    desk.piv_tool("-a reset").success();
    desk.piv_tool("-s 9a -a read-certificate").exits_with(1);
    desk.piv_tool("-a verify-pin -P 123456").success();
}

#[test]
fn the_management_key_is_changed() {
    const OTHER: &str = "F0E1D2C3B4A5968778695A4B3C2D1E0F0112233445566778";
    let desk = Desk::with_card("");
    desk.piv_tool(&format!("-a set-mgm-key -n {OTHER}")).success();
    desk.piv_tool("-s 9a -A ECCP256 -a generate -o 9a.pub").exits_with(1).says("authenticat");
    desk.piv_tool(&format!("-k{OTHER} -s 9a -A ECCP256 -a generate -o 9a.pub")).success();
    desk.piv_tool(&format!("-k{OTHER} -a set-chuid -a set-ccc")).success();
}

#[test]
fn keys_are_imported_and_generated_ones_attested() {
    let desk = Desk::with_card("");
    for (place, algorithm, make) in [
        ("9a", "ECCP256", "ecparam -genkey -noout -name prime256v1"),
        ("9c", "RSA1024", "genrsa -traditional 1024"),
        ("9d", "RSA2048", "genrsa -traditional 2048"),
    ] {
        let (verb, options) = make.split_once(' ').expect("words");
        desk.beside(&format!("openssl {verb} -out {place}.key {options}")).success();
        desk.beside(&format!("openssl pkey -in {place}.key -pubout -out {place}.pub")).success();
        desk.piv_tool(&format!("-s {place} -A {algorithm} -a import-key -i {place}.key")).success();
        desk.signs_by_yubico(place, algorithm);
        desk.piv_tool(&format!("-s {place} -a attest")).exits_with(1);
    }
    desk.enrol_by_yubico("9e", "ECCP256");
    desk.piv_tool("-s 9e -a attest -o attested.pem").success();
    desk.piv_tool("-s f9 -a read-certificate -o attester.pem").success();
    desk.beside("openssl verify -partial_chain -CAfile attester.pem attested.pem").success();
    desk.beside("openssl x509 -in attested.pem -noout -pubkey -out attested.pub").success();
    desk.same("9e.pub", "attested.pub");
}

#[test]
fn objects_come_back_as_written() {
    let desk = Desk::with_card("");
    // room for printed information, which is behind the PIN, and one of the vendor's
    for (id, pin) in [("0x5fc109", true), ("0x5fff00", false)] {
        let data: Vec<u8> = (0..=255).cycle().take(1000).collect();
        std::fs::write(desk.home.file("object"), &data).expect("a file");
        desk.piv_tool(&format!("-a write-object --id {id} -f binary -i object")).success();
        let read = format!("-a read-object --id {id} -f binary -o back");
        if pin {
            desk.piv_tool(&read).exits_with(1);
        }
        desk.piv_tool(&format!("-a verify-pin -P 123456 {read}")).success();
        desk.same("object", "back");
    }
}

#[test]
fn a_card_without_the_vendor_s_commands_does_what_the_standard_has() {
    let desk = Desk::with_card("--flavour standard");
    desk.piv_tool("-a version").says("Failed to retrieve application version");
    desk.enrol_by_yubico("9a", "ECCP256");
    desk.piv_tool("-s 9a -a verify-pin -P 123456 -a test-signature -i 9a.pem").success();
    for vendors in ["-s 9a -a attest", "-a pin-retries --pin-retries 5 --puk-retries 5", "-a reset"] {
        desk.piv_tool(&format!("-a verify-pin -P 123456 {vendors}")).exits_with(1);
    }
    desk.signs_by_yubico("9a", "ECCP256");
}
