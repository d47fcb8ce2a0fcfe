//! Byte sequences as published or measured: NIST's examples (SP 800-73 part 2, appendix A), Yubico's
//! documentation, a vector of NIST's CAVP, and exchanges recorded from the Java Card applet PivApplet.

use std::collections::VecDeque;

use cardmod_iso7816::{CardChannel, TransportError};
use cardmod_piv::{
    Chuid, KeyAlgorithm, ObjectTag, PinReference, PinState, PivError, PivState, Slot, SlotKey,
};
use cardmod_types::{EcCurve, EcPublicKey, Pin};
use zeroize::Zeroizing;

/// Answers exact commands with exact answers.
struct Script(VecDeque<(Vec<u8>, Vec<u8>)>);

impl Script {
    fn new(lines: &[(&str, &str)]) -> Self {
        let select = ("00A4040009A0000003080000100000", SELECTED);
        let lines = std::iter::once(&select).chain(lines);
        Self(lines.map(|(command, answer)| (bytes(command), bytes(answer))).collect())
    }
}

impl CardChannel for Script {
    fn transmit(&mut self, command: &[u8]) -> Result<Zeroizing<Vec<u8>>, TransportError> {
        let (expected, answer) = self.0.pop_front().expect("the script is over");
        assert_eq!(command, expected, "{command:02X?}");
        Ok(Zeroizing::new(answer))
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        assert!(std::thread::panicking() || self.0.is_empty(), "never asked: {:02X?}", self.0);
    }
}

/// The answer of YubiKeys to SELECT.
const SELECTED: &str = "61114F06000010000100 79074F05A000000308 9000";

fn bytes(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text.chars().filter_map(|digit| digit.to_digit(16)).collect();
    assert_eq!(digits.len() % 2, 0, "{text}");
    digits.chunks(2).map(|pair| (pair[0] << 4 | pair[1]) as u8).collect()
}

#[test]
fn pins_of_the_applet() {
    let mut script = Script::new(&[
        ("00200080", "63C5"),
        ("0020008008 313233343536FFFF", "9000"),
        ("00200080", "9000"),
        ("0020FF80", "9000"),
        ("0020000008 313233343536FFFF", "6A88"),
        ("0024008010 313233343536FFFF 313233343536FFFF", "9000"),
        ("0020008008 313233343536FFFF", "9000"),
        ("002C008010 3132333435363738 313233343536FFFF", "9000"),
    ]);
    let mut state = PivState::new();
    let mut piv = state.on(&mut script);
    let (pin, puk) = (Pin::from("123456"), Pin::from("12345678"));
    assert_eq!(
        piv.pin_state(PinReference::User),
        Ok(Some(PinState { tries_left: Some(5), is_verified: false }))
    );
    piv.verify_pin(PinReference::User, &pin).expect("verified");
    assert_eq!(piv.pin_state(PinReference::User), Ok(Some(PinState { tries_left: None, is_verified: true })));
    piv.log_out().expect("logged out");
    let error = piv.verify_pin(PinReference::Global, &pin).expect_err("there is none");
    assert_eq!(error.status().map(u16::from), Some(0x6A88));
    piv.change_pin(PinReference::User, &pin, &pin).expect("changed");
    piv.unblock_pin(&puk, &pin).expect("unblocked");
}

#[test]
fn objects_of_the_applet_and_of_a_token() {
    let mut script = Script::new(&[
        ("00CB3FFF035C017E00", "7E124F0BA0000003080000100001005F2F024000 9000"),
        ("00CB3FFF055C035FC10500", "6A82"),
        ("00CB3FFF055C035FC10C00", "5308C10100C20100FE00 9000"),
        (
            "00CB3FFF055C035FC10200",
            "533B 3019D4E739DA739CED39CE739D836858210842108421384210C3F5 \
             3410AD64BEAC16114A5693A29D583B74CB44 35083230333030313031 3E00FE00 9000",
        ),
    ]);
    let mut state = PivState::new();
    let mut piv = state.on(&mut script);
    let discovery = piv.discovery().expect("read").expect("there");
    assert!(!discovery.takes_global_pin() && !discovery.prefers_global_pin());
    assert_eq!(piv.certificate(Slot::Authentication), Ok(None));
    let history = piv.key_history().expect("read").expect("there");
    assert_eq!((history.with_certificate, history.without_certificate), (0, 0));
    let chuid: Chuid = piv.chuid().expect("read").expect("there");
    assert_eq!(chuid.guid.map(|guid| guid.to_vec()), Some(bytes("AD64BEAC16114A5693A29D583B74CB44")));
    let id = piv.card_id(&[]).expect("an identifier");
    assert_eq!(id.to_string(), "ad64beac16114a5693a29d583b74cb44");
    assert_eq!(piv.application().expect("selected").pix(), [0x00, 0x00, 0x10, 0x00, 0x01, 0x00]);
}

#[test]
fn two_tags_in_a_list_are_not_asked_for() {
    // What was read of a card is one object per command; nothing else is sent for the four main places.
    let mut script = Script::new(&[
        ("00CB3FFF055C035FC10200", "6A82"),
        ("00CB3FFF055C035FC10C00", "6A82"),
        ("00CB3FFF055C035FC10500", "6A82"),
        ("00CB3FFF055C035FC10A00", "6A82"),
        ("00CB3FFF055C035FC10B00", "6A82"),
        ("00CB3FFF055C035FC10100", "6A82"),
    ]);
    let views = PivState::new().on(&mut script).slots().expect("the list");
    assert!(views.len() == 4 && views.iter().all(|view| !view.is_occupied()));
}

#[test]
fn an_rsa_signature_as_in_nists_example() {
    let block: Vec<u8> = (0..=255).collect();
    let first = [bytes("1087079AFF 7C820106820081820100"), block[..245].to_vec()].concat();
    let second = [bytes("0087079A0B"), block[245..].to_vec(), vec![0x00]].concat();
    let answer: Vec<u8> = (0..=255).rev().collect();
    let lines = [
        (bytes("00A4040009A0000003080000100000"), bytes(SELECTED)),
        (first, bytes("9000")),
        (second, [bytes("7C82010482820100"), answer[..248].to_vec(), bytes("6108")].concat()),
        (bytes("00C0000008"), [answer[248..].to_vec(), bytes("9000")].concat()),
    ];
    let mut script = Script(lines.into());
    let signature = PivState::new().on(&mut script).sign(Slot::Authentication, KeyAlgorithm::Rsa2048, &block);
    assert_eq!(signature, Ok(answer));
}

#[test]
fn an_ecdsa_signature_of_the_applets_length() {
    // SHA-256 of "sample"; the signature is the deterministic one of RFC 6979, A.2.5.
    let hash = "AF2BDBE1AA9B6EC1E2ADE1D694F41FC71A831D0268E9891562113D8A62ADD1BF";
    let (r, s) = (
        "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716",
        "F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8",
    );
    let mut script = Script::new(&[(
        &format!("0087119A267C2482008120{hash}00"),
        &format!("7C4A82483046022100{r}022100{s}9000"),
    )]);
    let signature =
        PivState::new().on(&mut script).sign(Slot::Authentication, KeyAlgorithm::P256, &bytes(hash));
    assert_eq!(signature, Ok(bytes(&format!("{r}{s}"))));
}

#[test]
fn agreement_as_in_nists_first_vector() {
    let x = "700C48F77F56584C5CC632CA65640DB91B6BACCE3A4DF6B42CE7CC838833D287";
    let y = "DB71E509E3FD9B060DDB20BA5C51DCC5948D46FBF640DFE0441782CAB85FA4AC";
    let secret = "46FC62106420FF012E54A434FBDD2D25CCC5852060561E68040DD7777997BD7B";
    let mut script =
        Script::new(&[(&format!("0087119D477C458200854104{x}{y}00"), &format!("7C228220{secret}9000"))]);
    let point = EcPublicKey::new(EcCurve::P256, &bytes(x), &bytes(y)).expect("coordinates");
    let agreed = PivState::new().on(&mut script).agree(Slot::KeyManagement, &SlotKey::Ec(point));
    assert_eq!(agreed.expect("agreed").as_bytes(), bytes(secret));
}

#[test]
fn a_key_of_another_kind_is_refused_as_the_applet_does() {
    let hash = "00".repeat(32);
    let mut script = Script::new(&[(&format!("0087119A267C2482008120{hash}00"), "6A86")]);
    let error = PivState::new().on(&mut script).sign(Slot::Authentication, KeyAlgorithm::P256, &[0; 32]);
    assert!(matches!(error, Err(PivError::Status { status, .. }) if status.get() == 0x6A86));
}

#[test]
fn objects_behind_the_pin() {
    let mut script = Script::new(&[
        ("00CB3FFF055C035FC10900", "6982"),
        ("0020008008 313233343536FFFF", "9000"),
        ("00CB3FFF055C035FC10900", "530A 0103446F65 0503313233 9000"),
        ("00CB3FFF055C035FC10900", "530A 0103446F65 0503313233 9000"),
    ]);
    let mut state = PivState::new();
    let mut piv = state.on(&mut script);
    assert!(piv.printed_information().expect_err("without PIN").is_access_denied());
    piv.verify_pin(PinReference::User, &Pin::from("123456")).expect("verified");
    let printed = piv.printed_information().expect("read").expect("there");
    assert_eq!((printed.name.as_deref(), printed.serial.as_deref()), (Some("Doe"), Some("123")));
    // Read again: what is behind the PIN is not kept.
    assert!(piv.object(ObjectTag::PRINTED).expect("read").is_some());
}
