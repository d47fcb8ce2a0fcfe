//! The bytes on the wire against the published ones: the personalisation script of the electrical profile,
//! and the commands recorded from other hosts.

mod recorder {
    use std::collections::VecDeque;

    use cardmod_iso7816::{CardChannel, TransportError};
    use zeroize::Zeroizing;

    /// Answers 9000 unless told otherwise, and keeps the commands in hexadecimal.
    #[derive(Default)]
    pub(crate) struct Recorder {
        pub(crate) sent: Vec<String>,
        pub(crate) answers: VecDeque<Vec<u8>>,
    }

    impl CardChannel for Recorder {
        fn transmit(&mut self, command: &[u8]) -> Result<Zeroizing<Vec<u8>>, TransportError> {
            self.sent.push(command.iter().map(|byte| format!("{byte:02X}")).collect());
            Ok(Zeroizing::new(self.answers.pop_front().unwrap_or_else(|| vec![0x90, 0x00])))
        }
    }
}

use cardmod_gids::{CardKey, GidsState, KeyAlgorithm, MutualNonces, Personalisation, PinReference};
use cardmod_types::{CardId, EcCurve, EcPublicKey, Pin, SecretBytes, admin};
use recorder::Recorder;

const SAMPLE_KEY: [u8; 24] = [1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8];
const SELECT: &str = "00A4040009A0000003974254465900";

fn pin(text: &str) -> Pin {
    Pin::new(text.as_bytes().to_vec())
}

#[test]
fn the_personalisation_script() {
    let mut card = Recorder::default();
    let wanted = Personalisation {
        pin: pin("12345678"),
        puk: None,
        admin_key: SecretBytes::new(SAMPLE_KEY.to_vec()),
        card_id: CardId([0xC1; 16]),
    };
    GidsState::new().on(&mut card).personalise(&wanted).expect("personalised");
    let activate = "00440000";
    let mut expected = vec![SELECT.to_owned(), "00240180083132333435363738".to_owned()];
    for file in
        ["A0008C033000", "A0108C033000", "A0118C0330FF", "A0128C032000", "A0138C033030", "A0148C032020"]
    {
        let (id, rules) = file.split_at(4);
        // The compact rules begin with their length, 03, which the literals above leave to the tag.
        let rules = rules.replacen("8C03", "8C0303", 1);
        expected.push(format!("00E000000E620C8201398302{id}{rules}"));
        expected.push(activate.to_owned());
    }
    expected.push("00E000001C621A8201188302B0808C04870020FFA50BA4098001028301809501C0".to_owned());
    expected.push(activate.to_owned());
    let key = "0102030405060708".repeat(3);
    expected.push(format!("00DB3FFF267024840180A51F8718{key}8803B073DC"));
    let table = cardmod_gids::FileTable::initial().to_bytes();
    let table: String = table.iter().map(|byte| format!("{byte:02X}")).collect();
    expected.push(format!("00DBA00091DF1F818D{table}"));
    expected.push("00DBA0100BDF21086D73637000000000".to_owned());
    expected.push("00DBA01009DF2206000000000000".to_owned());
    expected.push("00DBA01003DF2300".to_owned());
    expected.push(format!("00DBA01213DF2010{}", "C1".repeat(16)));
    expected.push("00A4000C023FFF".to_owned());
    expected.push(activate.to_owned());
    assert_eq!(card.sent, expected);
}

#[test]
fn the_commands_other_hosts_send() {
    let mut card = Recorder::default();
    let mut state = GidsState::new();
    let rsa = CardKey { reference: 0x81, algorithm: KeyAlgorithm::Rsa2048 };
    state.on(&mut card).verify_pin(PinReference::User, &pin("12345678")).expect("PIN");
    card.answers = [vec![0x90, 0x00], [&[5; 256][..], &[0x90, 0x00]].concat()].into();
    state.on(&mut card).sign_pkcs1(rsa, &[0x30, 0x31]).expect("signature");
    card.answers = [&[0x90, 0x00][..], &[0x90, 0x00], &[&[5; 256][..], &[0x90, 0x00]].concat()]
        .map(<[u8]>::to_vec)
        .into();
    state.on(&mut card).decipher_raw(rsa, &[6; 256]).expect("opened");
    state.on(&mut card).unblock_as_admin(&pin("1234")).expect("unblocked");
    state.on(&mut card).unblock_with_puk(&pin("9999"), &pin("1234")).expect("unblocked");
    state.on(&mut card).deauthenticate().expect("deauthenticated");
    let expected = [
        SELECT.to_owned(),
        "00200080083132333435363738".to_owned(),
        "002241B606800157840181".to_owned(),
        "002A9E9A02303100".to_owned(),
        "002241B806800107840181".to_owned(),
        format!("102A8086F0{}", "06".repeat(240)),
        format!("002A808610{}00", "06".repeat(16)),
        "002C02800431323334".to_owned(),
        "002C0080083939393931323334".to_owned(),
        "00200082".to_owned(),
        SELECT.to_owned(),
    ];
    assert_eq!(card.sent, expected);
}

#[test]
fn key_agreement_is_the_extension_of_this_project() {
    let mut card = Recorder::default();
    let mut state = GidsState::new();
    let x = [
        0x6B, 0x17, 0xD1, 0xF2, 0xE1, 0x2C, 0x42, 0x47, 0xF8, 0xBC, 0xE6, 0xE5, 0x63, 0xA4, 0x40, 0xF2, 0x77,
        0x03, 0x7D, 0x81, 0x2D, 0xEB, 0x33, 0xA0, 0xF4, 0xA1, 0x39, 0x45, 0xD8, 0x98, 0xC2, 0x96,
    ];
    let y = [
        0x4F, 0xE3, 0x42, 0xE2, 0xFE, 0x1A, 0x7F, 0x9B, 0x8E, 0xE7, 0xEB, 0x4A, 0x7C, 0x0F, 0x9E, 0x16, 0x2B,
        0xCE, 0x33, 0x57, 0x6B, 0x31, 0x5E, 0xCE, 0xCB, 0xB6, 0x40, 0x68, 0x37, 0xBF, 0x51, 0xF5,
    ];
    let peer = EcPublicKey::new(EcCurve::P256, &x, &y).expect("generator");
    let key = CardKey { reference: 0x83, algorithm: KeyAlgorithm::P256 };
    card.answers = [&[0x90, 0x00][..], &[0x90, 0x00], &[&[9; 32][..], &[0x90, 0x00]].concat()]
        .map(<[u8]>::to_vec)
        .into();
    let shared = state.on(&mut card).agree(key, &peer).expect("agreed");
    assert_eq!(shared.as_bytes(), [9; 32]);
    assert_eq!(card.sent[1], "002241B80680010C840183");
    assert_eq!(card.sent[2][..12], *"002A80864104");
    assert_eq!(card.sent[2].len(), 2 * (5 + 65 + 1));
}

#[test]
fn mutual_authentication_is_the_published_vector() {
    let mut card = Recorder::default();
    let mut state = GidsState::new();
    let theirs: Vec<u8> = (0x20..0x30).collect();
    let challenge = [&[0x7C, 0x12, 0x81, 0x10][..], &theirs, &[0x90, 0x00]].concat();
    card.answers = [vec![0x90, 0x00], vec![0x90, 0x00], challenge].into();
    let mut nonces = MutualNonces { challenge: [0; 16], key_material: [0; 7] };
    (0x10..0x20).zip(&mut nonces.challenge).for_each(|(byte, place)| *place = byte);
    (0xA1..0xA8).zip(&mut nonces.key_material).for_each(|(byte, place)| *place = byte);
    let challenge = state.on(&mut card).mutual_challenge(&nonces).expect("challenge");
    let key = SecretBytes::new(SAMPLE_KEY.to_vec());
    let token = admin::challenge_response(&key, challenge.as_bytes()).expect("token");
    state.on(&mut card).authenticate_admin(&token).expect("authenticated");
    assert_eq!(card.sent[1..3], ["002281A403830180", "00870000147C128110101112131415161718191A1B1C1D1E1F00"]);
    let token = "433F7A758CA274B8C9E376ACB25C4F118B67D620EC7163A72E77CD32824074BF264F9C2394BBF954";
    assert_eq!(card.sent[3], format!("008700002C7C2A8228{token}00"));
}

#[test]
fn external_authentication_is_the_published_vector() {
    let mut card = Recorder::default();
    let mut state = GidsState::new();
    let challenge = vec![0x7C, 0x0A, 0x81, 0x08, 1, 2, 3, 4, 5, 6, 7, 8, 0x90, 0x00];
    card.answers = [vec![0x90, 0x00], vec![0x90, 0x00], challenge].into();
    let challenge = state.on(&mut card).external_challenge().expect("challenge");
    let key = SecretBytes::new(SAMPLE_KEY.to_vec());
    let answer = admin::challenge_response(&key, challenge.as_bytes()).expect("answer");
    state.on(&mut card).authenticate_admin(&answer).expect("authenticated");
    assert_eq!(
        card.sent[1..],
        ["002281A403830180", "00870000047C02810000", "008700000C7C0A820877A7D6BCF57962B9"]
    );
}
