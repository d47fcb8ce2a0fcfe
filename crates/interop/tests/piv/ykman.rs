//! ykman (yubikey-manager, from PyPI) on virtual PIV cards, which it takes for a YubiKey by its PIV application.

use cardmod_interop::{Outcome, python_tool};

use crate::desk::Desk;

/// The key every new token has.
const MANAGEMENT_KEY: &str = "010203040506070801020304050607080102030405060708";

/// `ykman piv` with these words.
#[track_caller]
fn ykman(desk: &Desk, line: &str) -> Outcome {
    desk.run_with(&[&python_tool("ykman"), "--reader", desk.world.reader(), "piv"], line)
}

/// The same where a change wants the management key.
#[track_caller]
fn manage(desk: &Desk, line: &str) -> Outcome {
    ykman(desk, &format!("{line} --management-key {MANAGEMENT_KEY}"))
}

#[test]
fn a_new_card_is_shown() {
    let desk = Desk::with_card("");
    let shown = ykman(&desk, "info").success();
    for line in ["PIV version:              5.4.3", "PIN tries remaining:      3/3", "TDES"] {
        assert!(shown.stdout.contains(line), "no {line:?} in {shown}");
    }
}

#[test]
fn keys_are_generated_and_the_card_signs_its_own_certificates() {
    let desk = Desk::with_card("");
    for (place, algorithm) in [("9a", "eccp256"), ("9c", "rsa2048"), ("9e", "eccp384")] {
        manage(&desk, &format!("keys generate -a {algorithm} {place} {place}.pub")).success();
        let generate = format!("certificates generate -s CN=key-{place} -P 123456 {place} {place}.pub");
        manage(&desk, &generate).success();
        ykman(&desk, &format!("certificates export {place} {place}.pem")).success();
        desk.beside(&format!("openssl verify -CAfile {place}.pem {place}.pem")).success();
        desk.beside(&format!("openssl x509 -in {place}.pem -noout -subject")).says(&format!("key-{place}"));
        ykman(&desk, &format!("keys export --verify --pin 123456 {place} back.pub")).success();
        desk.same(&format!("{place}.pub"), "back.pub");
        ykman(&desk, &format!("certificates request -s CN=asked -P 123456 {place} {place}.pub asked.csr"))
            .success();
        desk.beside("openssl req -in asked.csr -noout -verify").success();
    }
    let shown = ykman(&desk, "info").success();
    let subjects =
        shown.stdout.lines().filter(|line| line.contains("Subject DN") && line.contains("CN=key-"));
    assert_eq!(subjects.count(), 3, "{shown}");
    manage(&desk, "certificates delete 9e").success();
    ykman(&desk, "certificates export 9e gone.pem").exits_with(1);
}

#[test]
fn keys_are_attested_and_tell_of_themselves() {
    let desk = Desk::with_card("");
    manage(&desk, "keys generate -a eccp256 --pin-policy always 9a 9a.pub").success();
    ykman(&desk, "keys attest 9a attested.pem").success();
    ykman(&desk, "certificates export f9 attester.pem").success();
    desk.beside("openssl verify -partial_chain -CAfile attester.pem attested.pem").success();
    let shown = ykman(&desk, "keys info 9a").success();
    for word in ["ECCP256", "GENERATED", "ALWAYS"] {
        assert!(shown.stdout.contains(word), "no {word} in {shown}");
    }
}

#[test]
fn keys_and_certificates_are_imported() {
    let desk = Desk::with_card("");
    for (place, algorithm, kind) in
        [("9a", "EC", "ec_paramgen_curve:P-384"), ("9d", "RSA", "rsa_keygen_bits:2048")]
    {
        desk.beside(&format!(
            "openssl req -x509 -newkey {algorithm} -pkeyopt {kind} -nodes -keyout {place}.key -out {place}.pem \
             -subj /CN=imported-{place} -days 9"
        ))
        .success();
        manage(&desk, &format!("keys import {place} {place}.key")).success();
        manage(&desk, &format!("certificates import --verify --pin 123456 {place} {place}.pem")).success();
        ykman(&desk, &format!("keys info {place}")).success().says("IMPORTED");
        ykman(&desk, &format!("keys attest {place} attested.pem")).exits_with(1);
    }
    // what does not belong to the key is told by a signature
    manage(&desk, "certificates import --verify --pin 123456 9a 9d.pem").exits_with(1);
}

#[test]
fn pin_puk_and_tries_are_changed() {
    let desk = Desk::with_card("");
    ykman(&desk, "access change-pin --pin 123456 --new-pin 24681012").success();
    ykman(&desk, "access change-puk --puk 12345678 --new-puk 87654321").success();
    ykman(&desk, "access change-pin --pin 123456 --new-pin 24681012").exits_with(1).says("2 tries left");
    ykman(&desk, "access unblock-pin --puk 87654321 --new-pin 123456").success();
    manage(&desk, "access set-retries --pin 123456 --force 5 4").success();
    ykman(&desk, "info").success().says("PIN tries remaining:      5/5");
}

#[test]
fn the_management_key_is_changed_and_kept_on_the_card_behind_the_pin() {
    let desk = Desk::with_card("");
    let change = "access change-management-key --algorithm aes256 --generate --protect --pin 123456 --force";
    manage(&desk, change).success();
    ykman(&desk, "info").success().says("AES256").says("protected by PIN");
    manage(&desk, "keys generate -a eccp256 9a 9a.pub").exits_with(1);
    ykman(&desk, "keys generate -a eccp256 --pin 123456 9a 9a.pub").success();
}

#[test]
fn objects_are_written_and_a_card_is_reset() {
    let desk = Desk::with_card("");
    std::fs::write(desk.home.file("object"), [0x5A; 300]).expect("a file");
    manage(&desk, "objects import 0x5fff11 object").success();
    ykman(&desk, "objects export 0x5fff11 back").success();
    desk.same("object", "back");
    let guid = |name: &str| {
        ykman(&desk, &format!("objects export chuid {name}")).success();
        std::fs::read(desk.home.file(name)).expect("the CHUID")
    };
    let before = guid("before");
    manage(&desk, "objects generate chuid").success();
    assert_ne!(before, guid("after"));
    ykman(&desk, "reset --force").success();
    ykman(&desk, "objects export 0x5fff11 gone").exits_with(1);
}

/// What ykman dares to ask for from firmware 5.7 on.
#[test]
fn newer_firmware_has_more_keys_and_moves_them() {
    let desk = Desk::with_card("--firmware 5.7.1");
    manage(&desk, "keys generate -a ed25519 9a 9a.pub").success();
    manage(&desk, "certificates generate -s CN=edwards -P 123456 9a 9a.pub").success();
    ykman(&desk, "certificates export 9a 9a.pem").success();
    desk.beside("openssl verify -CAfile 9a.pem 9a.pem").success();
    manage(&desk, "keys generate -a x25519 9d 9d.pub").success();
    manage(&desk, "keys generate -a rsa3072 9c 9c.pub").success();
    manage(&desk, "keys move 9c 82").success();
    ykman(&desk, "keys export 82 back.pub").success();
    desk.same("9c.pub", "back.pub");
    manage(&desk, "keys delete 82").success();
    ykman(&desk, "keys export 82 gone.pub").exits_with(1);
    ykman(&desk, "keys info 9d").success().says("X25519");
}
