//! Administration against scripts: the bytes on the wire, and what is made of each refusal. What works is
//! tried on the virtual card; here are the cards that do not play along.

use std::collections::VecDeque;

use cardmod_iso7816::{CardChannel, TransportError};
use cardmod_piv::{
    AlgorithmExtension, CertificateForm, FirmwareVersion, KeyAlgorithm, KeyReference, ManagementAlgorithm,
    ManagementKey, ObjectTag, PinPolicy, PivCommand, PivError, PivState, Policies, Slot, SlotMap,
    TouchPolicy,
};
use zeroize::Zeroizing;

const SELECT: (&str, &str) = ("00A4040009A0000003080000100000", "9000");
const NONCE: [u8; 16] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16];

/// Answers a script: each command must begin with what the script expects next.
struct Script(VecDeque<(String, String)>);

impl Script {
    fn new(lines: &[(&str, &str)]) -> Self {
        Self(lines.iter().map(|(command, answer)| ((*command).into(), (*answer).into())).collect())
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert!(self.0.is_empty(), "never asked: {:?}", self.0);
        }
    }
}

impl CardChannel for Script {
    fn transmit(&mut self, command: &[u8]) -> Result<Zeroizing<Vec<u8>>, TransportError> {
        let sent: String = command.iter().map(|byte| format!("{byte:02X}")).collect();
        let (expected, answer) = self.0.pop_front().unwrap_or_else(|| panic!("unexpected {sent}"));
        assert!(sent.starts_with(&expected.replace(' ', "")), "{sent} instead of {expected}");
        let digits: Vec<u32> = answer.chars().filter_map(|digit| digit.to_digit(16)).collect();
        Ok(Zeroizing::new(digits.chunks(2).map(|pair| (pair[0] << 4 | pair[1]) as u8).collect()))
    }
}

/// A state whose card runs the script after a SELECT.
macro_rules! card {
    ($state:ident, $card:ident, $($line:expr),* $(,)?) => {
        let mut script = Script::new(&[SELECT, $($line),*]);
        let mut $state = PivState::new();
        let mut $card = $state.on(&mut script);
    };
}

fn unsupported(outcome: Result<impl std::fmt::Debug, PivError>) -> &'static str {
    match outcome {
        Err(PivError::Unsupported(what)) => what,
        other => panic!("{other:?}"),
    }
}

#[test]
fn mutual_authentication_as_a_card_was_seen_to_do_it() {
    card!(
        state,
        card,
        ("0087039B047C02800000", "7C0A80082C5AB5812F132731 9000"),
        ("0087039B167C148008B2F3A2D4FBB002D98108010203040506070800", "7C0A820877A7D6BCF57962B9 9000"),
    );
    card.authenticate_management(&ManagementKey::well_known(), NONCE).unwrap();
    assert!(state.verified().management);
}

#[test]
fn aes_has_its_own_lengths_and_is_found_by_asking() {
    card!(
        state,
        card,
        ("0087039B", "6A86"),
        ("00870A9B047C02800000", "7C128010 0102030405060708090A0B0C0D0E0F10 9000"),
        (
            "00870A9B267C24801083F0F699D59BC1F63565D11A26BDFC3A8110",
            "7C128210 3D6E6D9CD337292EE20FB60B8A844F19 9000"
        ),
        // Known from now on.
        ("00870A9B047C02800000", "6982"),
    );
    let key = ManagementKey::well_known();
    card.authenticate_management(&key, NONCE).unwrap();
    let again = card.authenticate_management(&key, NONCE);
    assert!(matches!(again, Err(PivError::Status { command: PivCommand::AuthenticateManagement, .. })));
    assert!(!state.verified().management);
}

#[test]
fn a_card_that_knows_the_one_sided_form_alone() {
    card!(
        state,
        card,
        ("0087039B047C02800000", "6A80"),
        ("00870A9B047C02800000", "6A86"),
        ("0087039B047C02810000", "7C0A8108F9C0621358528965 9000"),
        ("0087039B0C7C0A8208C926EC6DDA471F6F", "9000"),
    );
    card.authenticate_management(&ManagementKey::well_known(), NONCE).unwrap();
    assert!(state.verified().management);
}

#[test]
fn a_wrong_key_a_card_without_it_and_another_kind_of_key() {
    for refusal in ["6A80", "6982", "6300", "63C2"] {
        card!(state, card, ("0087039B04", "7C0A80082C5AB5812F132731 9000"), ("0087039B16", refusal),);
        let outcome = card.authenticate_management(&ManagementKey::well_known(), NONCE);
        assert_eq!(outcome, Err(PivError::WrongManagementKey), "{refusal}");
        assert!(!state.verified().management);
    }
    card!(
        state,
        card,
        ("0087039B04", "7C0A80082C5AB5812F132731 9000"),
        ("0087039B16", "7C0A82080000000000000000 9000"),
    );
    let outcome = card.authenticate_management(&ManagementKey::well_known(), NONCE);
    assert_eq!(outcome, Err(PivError::CardNotAuthentic));
    assert!(!state.verified().management);
    card!(
        state,
        card,
        ("0087089B047C0280", "6A86"),
        ("0087089B047C0281", "6A86"),
        ("00F7009B", "01010C 02020001 050100 9000"),
    );
    let short = ManagementKey::new(vec![1; 16].into(), None).unwrap();
    let outcome = card.authenticate_management(&short, NONCE);
    assert_eq!(outcome, Err(PivError::OtherManagementAlgorithm(ManagementAlgorithm::Aes256)));
    card!(state, card, ("0087089B", "6A86"), ("0087089B", "6A88"), ("00F7009B", "6D00"),);
    assert_eq!(unsupported(card.authenticate_management(&short, NONCE)), "a management key of this kind");
    assert!(state.lacks(PivCommand::GetMetadata));
}

#[test]
fn challenges_of_wrong_length_are_not_answered() {
    for answer in ["7C0A8007 2C5AB5812F1327 9000", "9000", "7C128010 0102030405060708090A0B0C0D0E0F10 9000"] {
        card!(state, card, ("0087039B04", answer));
        let outcome = card.authenticate_management(&ManagementKey::well_known(), NONCE);
        assert_eq!(outcome, Err(PivError::Malformed("challenge to the administrator")), "{answer}");
        assert!(!state.verified().management);
    }
}

#[test]
fn a_challenge_is_answered_by_whoever_has_the_key() {
    card!(
        state,
        card,
        ("0087039B047C02810000", "6A86"),
        ("00870A9B047C02810000", "7C128110 0102030405060708090A0B0C0D0E0F10 9000"),
        ("00870A9B147C1282103D6E6D9CD337292EE20FB60B8A844F19", "9000"),
    );
    let challenge = card.management_challenge(None).unwrap();
    assert_eq!(challenge.algorithm, ManagementAlgorithm::Aes192);
    let response = ManagementKey::well_known().respond(challenge.algorithm, &challenge.block).unwrap();
    card.management_response(&response).unwrap();
    assert!(card.state().verified().management);
    assert!(matches!(card.management_response(&response), Err(PivError::InvalidInput(_))), "used up");
    card!(state, card, ("00870C9B", "7C128110 0102030405060708090A0B0C0D0E0F10 9000"));
    card.management_challenge(Some(ManagementAlgorithm::Aes256)).unwrap();
    assert!(matches!(card.management_response(&[0; 8]), Err(PivError::InvalidInput(_))), "nothing was sent");
}

#[test]
fn vendor_commands_are_asked_for_once() {
    card!(
        state,
        card,
        ("00FD0000", "6D00"),
        ("00F80000", "6A86"),
        ("00F7009A", "6D00"),
        ("00F99A00", "6A81"),
        ("00F6FF9A", "6D00"),
        ("00FA0303", "6D00"),
        ("00EE0100", "6D00"),
        ("00FFFFFF1B039B18", "6D00"),
    );
    for _ in 0..2 {
        assert_eq!(card.version(), Ok(None));
        assert_eq!(card.serial(), Ok(None));
        unsupported(card.metadata(Slot::Authentication.reference()));
        unsupported(card.attest(Slot::Authentication));
        unsupported(card.delete_key(Slot::Authentication));
        unsupported(card.set_retries(3, 3));
        assert_eq!(card.algorithm_extension(), Ok(None));
        let key = ManagementKey::well_known().with_algorithm(ManagementAlgorithm::TripleDes).unwrap();
        unsupported(card.set_management_key(&key, TouchPolicy::Never));
    }
    assert!(!state.answers_metadata());
}

#[test]
fn vendor_commands_of_a_card_that_has_them() {
    card!(
        state,
        card,
        ("00FD0000", "050403 9000"),
        ("00F80000", "00AE17CB 9000"),
        ("00F70080", "0101FF 050101 06020303 9000"),
        ("00F7009A", "6A88"),
        ("00F70096", "6A86"),
        ("00F99A00", "6A88"),
        ("00F69D9A", "6A88"),
        ("00F69D9A", "9000"),
        ("00EE0100", "01E00516E15354 9000"),
        ("00FFFFFE1B0A9B18", "9000"),
    );
    assert_eq!(card.version(), Ok(Some(FirmwareVersion(5, 4, 3))));
    assert_eq!(card.serial(), Ok(Some(11_409_355)));
    assert_eq!(card.metadata(KeyReference::PIN).unwrap().unwrap().is_default, Some(true));
    assert_eq!(card.metadata(Slot::Authentication.reference()), Ok(None));
    unsupported(card.metadata(KeyReference::new(0x96)));
    assert!(!card.state().lacks(PivCommand::GetMetadata), "one reference says nothing of the others");
    assert_eq!(card.attest(Slot::Authentication), Err(PivError::NoKey(Slot::Authentication)));
    let to = Slot::KeyManagement;
    assert_eq!(card.move_key(Slot::Authentication, to), Err(PivError::NoKey(Slot::Authentication)));
    assert_eq!(card.move_key(Slot::Authentication, to), Ok(()));
    assert!(matches!(card.move_key(to, to), Err(PivError::InvalidInput(_))));
    let expected = AlgorithmExtension {
        enabled: true,
        ed25519: 0xE0,
        rsa3072: 0x05,
        rsa4096: 0x16,
        x25519: 0xE1,
        secp256k1: 0x53,
        sm2: 0x54,
    };
    assert_eq!(card.algorithm_extension(), Ok(Some(expected)));
    let key = ManagementKey::new(vec![9; 24].into(), Some(ManagementAlgorithm::Aes192)).unwrap();
    card.set_management_key(&key, TouchPolicy::Always).unwrap();
    assert!(matches!(card.set_retries(0, 3), Err(PivError::InvalidInput(_))));
}

#[test]
fn answers_that_make_no_sense_are_errors() {
    card!(
        state,
        card,
        ("00FD0000", "0504 9000"),
        ("00F80000", "0102030405 9000"),
        ("00F7009A", "0101 9000"),
        ("00F99A00", "0102 9000"),
        ("0047009A05AC0380011100", "7F4903860104 9000"),
        ("00CB3FFF055C035FFF00", "5303 810302 9000"),
        ("00CB3FFF055C035FFF10", "5303 810302 9000"),
    );
    assert_eq!(card.version(), Err(PivError::Malformed("firmware version")));
    assert_eq!(card.serial(), Err(PivError::Malformed("serial number")));
    let metadata = card.metadata(Slot::Authentication.reference());
    assert_eq!(metadata, Err(PivError::Malformed("metadata")));
    assert_eq!(card.attest(Slot::Authentication), Err(PivError::Malformed("attestation")));
    let key = card.generate(Slot::Authentication, KeyAlgorithm::P256, Policies::NONE);
    assert_eq!(key, Err(PivError::Malformed("public key")));
    assert_eq!(card.admin_data(), Err(PivError::Malformed("admin data")));
    assert_eq!(card.container_map(), Err(PivError::Malformed("container map")));
}

#[test]
fn firmware_that_answers_nothing_has_no_metadata() {
    card!(state, card, ("00CB3FFF055C035FC105", "6A82"), ("00F7009A", "9000"));
    let occupancy = card.occupancy(Slot::Authentication).unwrap();
    assert_eq!((occupancy.key, occupancy.certificate), (None, false));
    assert!(!occupancy.is_free() && !occupancy.is_occupied());
    assert!(state.lacks(PivCommand::GetMetadata));
}

#[test]
fn a_card_that_says_no_to_everything_is_not_believed_to_be_empty() {
    card!(state, card, ("00CB3FFF055C035FC105", "6A82"), ("00F7009A", "6A88"), ("00F70080", "6A88"));
    assert_eq!(card.occupancy(Slot::Authentication).unwrap().key, None);
    assert!(!state.answers_metadata());
}

#[test]
fn policies_are_sent_where_asked_for_and_their_refusal_is_told() {
    card!(
        state,
        card,
        ("0047009A05AC03800116", "6A80"),
        ("0047009A0BAC09800111AA0103AB0102", "6A80"),
        ("0047009A05AC03800111", "6982"),
        ("0047009A05AC03800111", "6A84"),
    );
    let slot = Slot::Authentication;
    let none = Policies::NONE;
    assert_eq!(unsupported(card.generate(slot, KeyAlgorithm::Rsa4096, none)), "this algorithm");
    let policies = Policies { pin: Some(PinPolicy::Always), touch: Some(TouchPolicy::Always) };
    let outcome = card.generate(slot, KeyAlgorithm::P256, policies);
    assert_eq!(unsupported(outcome), "this algorithm with these policies");
    assert!(card.generate(slot, KeyAlgorithm::P256, none).unwrap_err().is_access_denied());
    let full = card.generate(slot, KeyAlgorithm::P256, none);
    assert_eq!(full, Err(PivError::Full("another key")));
}

#[test]
fn certificates_that_do_not_fit_are_compressed_or_refused() {
    let der = [&[0x30, 0x81, 0xC8][..], &[7; 200]].concat();
    let put = "00DB3FFFDB5C035FC10553";
    let packed = "00DB3FFF";
    card!(state, card, (put, "6A84"), (packed, "9000"), (put, "6A84"), (packed, "6A84"), (put, "6982"));
    let slot = Slot::Authentication;
    assert_eq!(card.write_certificate(slot, &der, CertificateForm::Fitting), Ok(true));
    assert!(card.object(slot.object()).unwrap().unwrap().ends_with(&[0x71, 1, 1, 0xFE, 0]));
    let plain = card.write_certificate(slot, &der, CertificateForm::Plain);
    assert_eq!(plain, Err(PivError::Full("an object of this size")));
    let packed = card.write_certificate(slot, &der, CertificateForm::Gzip);
    assert_eq!(packed, Err(PivError::Full("an object of this size")));
    let denied = card.write_certificate(slot, &der, CertificateForm::Fitting);
    assert!(denied.unwrap_err().is_access_denied());
    let none = card.write_certificate(slot, &der[1..], CertificateForm::Fitting);
    assert!(matches!(none, Err(PivError::InvalidInput(_))), "nothing was sent");
}

#[test]
fn a_map_goes_where_the_card_takes_it() {
    let (vendors, own) = ("00CB3FFF055C035FFF10", "00CB3FFF055C035FFF40");
    let (put_vendors, put_own) = ("00DB3FFF095C035FFF10", "00DB3FFF095C035FFF40");
    card!(state, card, (vendors, "6A82"), (own, "6A82"), ("00F70080", "6D00"), (put_own, "9000"));
    assert_eq!(card.write_container_map(&SlotMap::new()), Ok(ObjectTag::CARDMOD_CONTAINER_MAP));
    card!(
        state,
        card,
        (vendors, "6A82"),
        (own, "6A82"),
        ("00F70080", "06020303 9000"),
        (put_vendors, "9000")
    );
    assert_eq!(card.write_container_map(&SlotMap::new()), Ok(ObjectTag::YUBICO_CONTAINER_MAP));
    card!(
        state,
        card,
        (vendors, "6A86"),
        (own, "6A82"),
        ("00F70080", "6D00"),
        (put_own, "6A82"),
        (put_vendors, "6A80")
    );
    let refused = card.write_container_map(&SlotMap::new());
    assert_eq!(unsupported(refused), "a stored container map");
    card!(state, card, (vendors, "6A82"), (own, "5302 8100 9000"), (put_own, "6982"));
    assert!(card.write_container_map(&SlotMap::new()).unwrap_err().is_access_denied());
}

#[test]
fn a_card_without_reset_is_not_blocked() {
    card!(state, card, ("00FD0000", "6D00"));
    assert_eq!(unsupported(card.block_and_reset()), "a reset");
    card!(state, card, ("00FD0000", "050403 9000"), ("00FB0000", "6D00"));
    assert_eq!(unsupported(card.block_and_reset()), "a reset");
    card!(
        state,
        card,
        ("00FD0000", "050403 9000"),
        ("00FB0000", "6985"),
        ("002C008010FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF", "63C1"),
        ("002C008010FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF", "6983"),
        ("0020008008FFFFFFFFFFFFFFFF", "6A80"),
        ("00200080083833303531363437", "9000"),
        ("00200080083631393437323530", "63C1"),
        ("00200080083631393437323530", "63C0"),
        ("00FB0000", "9000"),
    );
    card.block_and_reset().unwrap();
    assert!(!state.verified().any());
    card!(state, card, ("00FD0000", "050403 9000"), ("00FB0000", "6982"), ("002C0080", "6900"));
    assert!(card.block_and_reset().is_err());
}
