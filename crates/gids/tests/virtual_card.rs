//! The whole edge against the virtual card, in both readings of the specification and with short and
//! extended APDUs: personalisation, files, containers, keys, PINs, administrator.

#[path = "support/real.rs"]
mod real;

use cardmod_gids::{
    GidsError, GidsState, KeyAlgorithm, KeyMaterial, MAX_CONTAINERS, MutualNonces, Personalisation,
    PinReference, VerifiedRoles,
};
use cardmod_types::{
    CardCf, CardId, ContainerIndex, DirectoryAccess, DirectoryName, EcCurve, EcPublicKey, FileAccess,
    FileName, FilePath, HashAlgorithm, KeyHalf, Pin, PrivateKey, PublicKey, SecretBytes, admin, padding,
};
use cardmod_virtual::{Behaviour, CardOptions};
use real::Virtual;

const PIN: &[u8] = b"12345678";
const PUK: &[u8] = b"87654321";
const ADMIN: [u8; 24] =
    *b"\x01\x02\x03\x04\x05\x06\x07\x08\x01\x02\x03\x04\x05\x06\x07\x08\x01\x02\x03\x04\x05\x06\x07\x08";
const ZERO: ContainerIndex = ContainerIndex::new(0);

fn pin(text: &[u8]) -> Pin {
    Pin::new(text.to_vec())
}

/// A personalised card in both readings, each with short and with extended APDUs.
fn cards(puk: bool) -> Vec<(GidsState, Virtual)> {
    let mut cards = Vec::new();
    for behaviour in [Behaviour::Specification, Behaviour::Applet] {
        for extended in [false, true] {
            let options = CardOptions { behaviour, extended_length: extended, ..CardOptions::default() };
            let mut card = Virtual::blank(options);
            card.extended = extended;
            let mut state = GidsState::new();
            state.on(&mut card).personalise(&personalisation(puk)).expect("personalised");
            cards.push((state, card));
        }
    }
    cards
}

fn personalisation(puk: bool) -> Personalisation {
    Personalisation {
        pin: pin(PIN),
        puk: puk.then(|| pin(PUK)),
        admin_key: SecretBytes::new(ADMIN.to_vec()),
        card_id: CardId([7; 16]),
    }
}

fn as_user(state: &mut GidsState, card: &mut Virtual) {
    state.on(card).verify_pin(PinReference::User, &pin(PIN)).expect("PIN");
}

fn as_admin(state: &mut GidsState, card: &mut Virtual, key: &[u8]) -> Result<(), GidsError> {
    let mut gids = state.on(card);
    let challenge = gids.external_challenge()?;
    let key = SecretBytes::new(key.to_vec());
    gids.authenticate_admin(&admin::challenge_response(&key, challenge.as_bytes()).expect("response"))
}

fn rsa_public_operation(key: &PublicKey, input: &[u8]) -> Vec<u8> {
    let PublicKey::Rsa(key) = key else { panic!("not RSA") };
    let modulus = rsa::BoxedUint::from_be_slice_vartime(key.modulus());
    let exponent = rsa::BoxedUint::from(u64::from(key.exponent()));
    let public = rsa::RsaPublicKey::new(modulus, exponent).expect("key");
    let output =
        rsa::hazmat::rsa_encrypt(&public, &rsa::BoxedUint::from_be_slice_vartime(input)).expect("block");
    let output = output.to_be_bytes();
    let mut block = vec![0; key.modulus_len()];
    let taken = output.len().min(block.len());
    let start = block.len() - taken;
    block[start..].copy_from_slice(&output[output.len() - taken..]);
    block
}

#[test]
fn the_personalised_card_has_the_profile() {
    for (mut state, mut card) in cards(false) {
        let mut gids = state.on(&mut card);
        assert_eq!(gids.card_id().expect("cardid"), CardId([7; 16]));
        assert_eq!(gids.list_files(None).expect("files").len(), 3);
        assert_eq!(gids.list_files(Some(&DirectoryName::MSCP)), Ok(vec![FileName::CMAPFILE]));
        assert_eq!(gids.read_file(&FilePath::cardapps()), Ok(b"mscp\0\0\0\0".to_vec()));
        assert_eq!(gids.read_file(&FilePath::cmapfile()), Ok(vec![]));
        assert_eq!(CardCf::parse(&gids.read_file(&FilePath::cardcf()).expect("cardcf")), Ok(CardCf::new()));
        assert_eq!(gids.free_containers(), Ok(u32::from(MAX_CONTAINERS)));
        assert_eq!(gids.has_puk(), Ok(false));
        let application = gids.application().expect("application");
        assert!(application.external_authentication() && application.elliptic_curves());
    }
}

#[test]
fn files_are_made_written_read_and_deleted() {
    let path = FilePath::certificate(KeyHalf::KeyExchange, ZERO);
    for (mut state, mut card) in cards(false) {
        let refused = state.on(&mut card).create_file(&path, FileAccess::EveryoneReadUserWrite);
        assert_eq!(refused.expect_err("nobody").status().map(u16::from), Some(0x6982));
        as_user(&mut state, &mut card);
        let mut gids = state.on(&mut card);
        gids.create_file(&path, FileAccess::EveryoneReadUserWrite).expect("created");
        assert_eq!(gids.read_file(&path), Ok(vec![]));
        assert_eq!(
            gids.create_file(&path, FileAccess::EveryoneReadUserWrite),
            Err(GidsError::FileExists(path))
        );
        for length in [1, 700, 2000, 0, 3] {
            let content = vec![length as u8 | 1; length];
            gids.write_file(&path, &content).expect("written");
            assert_eq!(gids.read_file(&path), Ok(content), "{length}");
        }
        assert_eq!(gids.file_access(&path), Ok(Some(FileAccess::EveryoneReadUserWrite)));
        gids.delete_file(&path).expect("deleted");
        assert_eq!(gids.read_file(&path), Err(GidsError::FileNotFound(path)));
        assert_eq!(gids.delete_file(&path), Err(GidsError::FileNotFound(path)));
        gids.create_file(&path, FileAccess::EveryoneReadUserWrite).expect("created again");

        // A new connection sees what is on the card.
        let mut fresh = GidsState::new();
        assert_eq!(fresh.on(&mut card).read_file(&path), Ok(vec![]));
    }
}

#[test]
fn every_access_condition_is_the_cards_own() {
    for (mut state, mut card) in cards(false) {
        as_user(&mut state, &mut card);
        for (number, access) in FileAccess::ALL.into_iter().enumerate() {
            let path = FilePath::parse(&format!("mscp/f{number}")).expect("path");
            let mut gids = state.on(&mut card);
            let made = gids.create_file(&path, access).and_then(|()| gids.write_file(&path, b"content"));
            let admins = matches!(access, FileAccess::EveryoneReadAdminWrite | FileAccess::AdminReadWrite);
            assert_eq!(made.is_err(), admins, "{access:?}");
            if !admins {
                assert_eq!(gids.file_access(&path), Ok(Some(access)));
                let readable = access != FileAccess::UserWriteExecute;
                assert_eq!(gids.read_file(&path).is_ok(), readable, "{access:?}");
            }
        }
        state.on(&mut card).deauthenticate().expect("deauthentication");
        let private = FilePath::parse("mscp/f3").expect("path");
        let error = state.on(&mut card).read_file(&private).expect_err("private");
        assert_eq!(error.status().map(u16::from), Some(0x6982));
        as_user(&mut state, &mut card);
        for name in ["mscp/f0", "mscp/f1", "mscp/f3"] {
            state.on(&mut card).delete_file(&FilePath::parse(name).expect("path")).expect("deleted");
        }
    }
}

#[test]
fn directories() {
    let own = DirectoryName::parse(b"own").expect("name");
    let file = FilePath::new(own, FileName::parse(b"file").expect("name"));
    let in_root = FilePath::in_root(FileName::parse(b"own").expect("name"));
    for (mut state, mut card) in cards(false) {
        as_user(&mut state, &mut card);
        let mut gids = state.on(&mut card);
        assert_eq!(
            gids.create_file(&file, FileAccess::EveryoneReadUserWrite),
            Err(GidsError::DirectoryNotFound(own))
        );
        gids.create_directory(&own, DirectoryAccess::UserCreateDelete).expect("created");
        assert_eq!(
            gids.create_directory(&own, DirectoryAccess::UserCreateDelete),
            Err(GidsError::DirectoryExists(own))
        );
        assert_eq!(
            gids.create_file(&in_root, FileAccess::EveryoneReadUserWrite),
            Err(GidsError::FileExists(in_root))
        );
        assert_eq!(gids.list_files(Some(&own)), Ok(vec![]));
        gids.create_file(&file, FileAccess::UserReadWrite).expect("created");
        assert_eq!(gids.delete_directory(&own), Err(GidsError::DirectoryNotEmpty(own)));
        gids.delete_file(&file).expect("deleted");
        gids.delete_directory(&own).expect("deleted");
        assert_eq!(gids.list_files(Some(&own)), Err(GidsError::DirectoryNotFound(own)));

        gids.create_directory(&own, DirectoryAccess::AdminCreateDelete).expect("created");
        assert_eq!(gids.create_file(&file, FileAccess::UserReadWrite), Err(GidsError::AccessDenied));
        assert_eq!(gids.delete_directory(&own), Err(GidsError::AccessDenied));
        as_admin(&mut state, &mut card, &ADMIN).expect("admin");
        state.on(&mut card).delete_directory(&own).expect("deleted");
    }
}

#[test]
fn a_full_card_keeps_the_old_content() {
    let options = CardOptions { capacity: 8192, ..CardOptions::default() };
    let mut card = Virtual::blank(options);
    let mut state = GidsState::new();
    state.on(&mut card).personalise(&personalisation(false)).expect("personalised");
    as_user(&mut state, &mut card);
    let path = FilePath::certificate(KeyHalf::KeyExchange, ZERO);
    let mut gids = state.on(&mut card);
    gids.create_file(&path, FileAccess::EveryoneReadUserWrite).expect("created");
    gids.write_file(&path, &[1; 3000]).expect("written");
    assert_eq!(gids.write_file(&path, &[2; 9000]), Err(GidsError::Full("this file's content")));
    assert_eq!(gids.read_file(&path), Ok(vec![1; 3000]));
    gids.write_file(&path, &[3; 5000]).expect("old and new do not fit side by side");
    assert_eq!(gids.read_file(&path), Ok(vec![3; 5000]));
}

#[test]
fn rsa_keys_are_generated_and_used() {
    let hash = HashAlgorithm::Sha256;
    let digest = hash.digest(b"message").expect("digest");
    for (mut state, mut card) in cards(false) {
        as_user(&mut state, &mut card);
        let mut gids = state.on(&mut card);
        let material = KeyMaterial::Generate(KeyAlgorithm::Rsa2048);
        let public = gids.create_key(ZERO, KeyHalf::KeyExchange, material).expect("key");
        gids.deauthenticate().expect("deauthentication");
        let mut fresh = GidsState::new();
        assert_eq!(fresh.on(&mut card).container_key(ZERO), Ok((KeyHalf::KeyExchange, public.clone())));

        let key = state.on(&mut card).card_key(ZERO).expect("key");
        let info = padding::digest_info(hash, &digest).expect("info");
        let error = state.on(&mut card).sign_pkcs1(key, &info).expect_err("no PIN");
        assert_eq!(error.status().map(u16::from), Some(0x6982));
        as_user(&mut state, &mut card);
        let mut gids = state.on(&mut card);
        let signature = gids.sign_pkcs1(key, &info).expect("signature");
        let block = padding::pkcs1_sign_block(&info, 256).expect("block");
        assert_eq!(rsa_public_operation(&public, &signature), block);

        let pss = padding::pss_encode(hash, &digest, &[9; 32], 2048).expect("block");
        let signature = gids.sign_raw(key, &pss).expect("signature");
        let opened = rsa_public_operation(&public, &signature);
        assert_eq!(opened, pss);

        let secret = [&[0, 2][..], &[5; 200], &[0], &[8; 53]].concat();
        let cryptogram = rsa_public_operation(&public, &secret);
        assert_eq!(gids.decipher_raw(key, &cryptogram).expect("opened").as_bytes(), secret);
        assert!(matches!(gids.decipher_raw(key, &cryptogram[1..]), Err(GidsError::InvalidInput(_))));

        gids.delete_key(ZERO).expect("deleted");
        assert_eq!(gids.card_key(ZERO), Err(GidsError::NoKey(ZERO)));
        gids.delete_key(ZERO).expect("nothing to delete");
        assert_eq!(gids.free_containers(), Ok(30));
    }
}

#[test]
fn elliptic_curve_keys_sign_and_agree() {
    use cardmod_crypto::KeyKind;
    for (mut state, mut card) in cards(false) {
        as_user(&mut state, &mut card);
        let curves =
            [(EcCurve::P256, KeyKind::P256), (EcCurve::P384, KeyKind::P384), (EcCurve::P521, KeyKind::P521)];
        for (number, (curve, kind)) in curves.into_iter().enumerate() {
            let container = ContainerIndex::new(number as u8);
            let mut gids = state.on(&mut card);
            let material = KeyMaterial::Generate(KeyAlgorithm::ec(curve));
            let PublicKey::Ec(public) =
                gids.create_key(container, KeyHalf::KeyExchange, material).expect("key")
            else {
                panic!("not an EC key")
            };
            let key = gids.card_key(container).expect("key");
            let peer = cardmod_crypto::PrivateKey::generate(kind).expect("peer");
            let point = peer.ec_point().expect("point");
            let theirs = EcPublicKey::from_uncompressed(curve, point).expect("point");
            let shared = gids.agree(key, &theirs).expect("agreed");
            assert_eq!(shared.as_bytes(), peer.ecdh(&public.to_uncompressed()).expect("agreed").as_slice());
            let signature = gids.sign_ecdsa(key, &[3; 32]).expect("signature");
            assert_eq!(signature.len(), curve.signature_len());
            if curve == EcCurve::P256 {
                use p256::ecdsa::signature::hazmat::PrehashVerifier as _;
                let verifier =
                    p256::ecdsa::VerifyingKey::from_sec1_bytes(&public.to_uncompressed()).expect("key");
                let signature = p256::ecdsa::Signature::from_slice(&signature).expect("form");
                verifier.verify_prehash(&[3; 32], &signature).expect("genuine");
            }
        }
        let container = ContainerIndex::new(5);
        let mut gids = state.on(&mut card);
        gids.create_key(container, KeyHalf::Signature, KeyMaterial::Generate(KeyAlgorithm::P256))
            .expect("key");
        let key = gids.card_key(container).expect("key");
        assert_eq!(gids.sign_ecdsa(key, &[3; 32]).expect("signature").len(), 64);
        let (_, PublicKey::Ec(own)) = gids.container_key(ZERO).expect("key") else { panic!("not an EC key") };
        assert!(gids.agree(key, &own).is_err(), "a signature key does not agree");
    }
}

#[test]
fn keys_are_imported_and_replaced() {
    use cardmod_crypto::KeyKind;
    let rsa = cardmod_crypto::PrivateKey::generate(KeyKind::Rsa(2048)).expect("key");
    let rsa = PrivateKey::from_pkcs1_der(&rsa.to_der().expect("der")).expect("key");
    let ec = cardmod_crypto::PrivateKey::generate(KeyKind::P256).expect("key");
    let ec = PrivateKey::from_sec1_der(&ec.to_der().expect("der"));
    for (mut state, mut card) in cards(false) {
        as_user(&mut state, &mut card);
        let mut gids = state.on(&mut card);
        for round in 0..2 {
            gids.create_key(ZERO, KeyHalf::KeyExchange, KeyMaterial::Import(&rsa)).expect("imported");
            assert_eq!(gids.container_key(ZERO), Ok((KeyHalf::KeyExchange, rsa.public())), "{round}");
        }
        let key = gids.card_key(ZERO).expect("key");
        let signature = gids.sign_pkcs1(key, &[7; 36]).expect("signature");
        let block = padding::pkcs1_sign_block(&[7; 36], 256).expect("block");
        assert_eq!(rsa_public_operation(&rsa.public(), &signature), block);

        if let Ok(ec) = &ec {
            gids.create_key(ZERO, KeyHalf::KeyExchange, KeyMaterial::Import(ec)).expect("replaced");
            let mut fresh = GidsState::new();
            assert_eq!(fresh.on(&mut card).container_key(ZERO), Ok((KeyHalf::KeyExchange, ec.public())));
        }
        let mut gids = state.on(&mut card);
        assert_eq!(
            gids.create_key(ZERO, KeyHalf::Signature, KeyMaterial::Import(&rsa)),
            Err(GidsError::Unsupported("two keys in one container"))
        );
        let beyond = ContainerIndex::new(MAX_CONTAINERS);
        assert_eq!(
            gids.create_key(beyond, KeyHalf::KeyExchange, KeyMaterial::Import(&rsa)),
            Err(GidsError::Full("another container"))
        );
    }
    assert!(ec.is_ok(), "the EC part was not tested");
}

#[test]
fn a_refused_replacement_keeps_the_key() {
    for (mut state, mut card) in cards(false) {
        as_user(&mut state, &mut card);
        let material = KeyMaterial::Generate(KeyAlgorithm::P256);
        let public = state.on(&mut card).create_key(ZERO, KeyHalf::Signature, material).expect("key");
        state.on(&mut card).deauthenticate().expect("deauthenticated");
        let error = state.on(&mut card).create_key(ZERO, KeyHalf::Signature, material).expect_err("nobody");
        assert_eq!(error.status().map(u16::from), Some(0x6982));
        let mut fresh = GidsState::new();
        assert_eq!(fresh.on(&mut card).container_key(ZERO), Ok((KeyHalf::Signature, public)));
    }
}

#[test]
fn every_rsa_size_signs_and_long_answers_cost_one_more() {
    let sizes = [
        (KeyAlgorithm::Rsa1024, 4, 4),
        (KeyAlgorithm::Rsa2048, 4, 4),
        (KeyAlgorithm::Rsa3072, 5, 4),
        (KeyAlgorithm::Rsa4096, 5, 4),
    ];
    for (mut state, mut card) in cards(false).into_iter().take(2) {
        for (number, (algorithm, short, extended)) in sizes.into_iter().enumerate() {
            let container = ContainerIndex::new(number as u8);
            as_user(&mut state, &mut card);
            let material = KeyMaterial::Generate(algorithm);
            let public =
                state.on(&mut card).create_key(container, KeyHalf::Signature, material).expect("key");
            let key = state.on(&mut card).card_key(container).expect("key");
            card.card.reset();
            state.connection_lost();
            card.commands();
            as_user(&mut state, &mut card);
            let signature = state.on(&mut card).sign_pkcs1(key, &[7; 51]).expect("signature");
            let expected = if card.extended { extended } else { short };
            assert_eq!(card.commands().len(), expected, "{algorithm:?}");
            let block = padding::pkcs1_sign_block(&[7; 51], algorithm.byte_len()).expect("block");
            assert_eq!(rsa_public_operation(&public, &signature), block);
        }
    }
}

#[test]
fn pins_are_counted_changed_and_unblocked() {
    for (mut state, mut card) in cards(true) {
        let mut gids = state.on(&mut card);
        assert_eq!(gids.has_puk(), Ok(true));
        let left = |gids: &mut cardmod_gids::GidsCard<'_>| {
            gids.pin_state(PinReference::User).expect("state").map(|state| state.tries_left)
        };
        assert_eq!(left(&mut gids), Some(3));
        assert_eq!(gids.is_verified(PinReference::User), Ok(false));
        for expected in [2, 1, 0] {
            let error = gids.verify_pin(PinReference::User, &pin(b"00000000")).expect_err("wrong");
            assert_eq!(error.tries_left(), Some(expected));
        }
        let error = gids.verify_pin(PinReference::User, &pin(PIN)).expect_err("blocked");
        assert_eq!(error.status().map(u16::from), Some(0x6983));
        assert_eq!(left(&mut gids), Some(0));
        let error = gids.unblock_with_puk(&pin(b"11111111"), &pin(PIN)).expect_err("wrong PUK");
        assert!(error.is_wrong_secret());
        gids.unblock_with_puk(&pin(PUK), &pin(b"55555555")).expect("unblocked");
        gids.verify_pin(PinReference::User, &pin(b"55555555")).expect("new PIN");

        let error = gids.change_pin(&pin(b"5555"), &pin(b"66666666")).expect_err("wrong old PIN");
        assert!(error.is_wrong_secret(), "a short old PIN must not be completed by the new one");
        gids.change_pin(&pin(b"55555555"), &pin(b"66666666")).expect("changed");
        assert!(gids.user_is_verified());
        gids.verify_pin(PinReference::User, &pin(b"66666666")).expect("new PIN");
        assert_eq!(gids.change_pin(&pin(b"66666666"), &pin(b"")), Err(GidsError::PinLength));
    }
}

#[test]
fn the_administrator_unblocks_and_changes_his_key() {
    let other = [0x5A_u8; 24];
    for (mut state, mut card) in cards(false) {
        let error = as_admin(&mut state, &mut card, &other).expect_err("wrong key");
        assert!(error.is_wrong_response());
        assert!(matches!(
            state.on(&mut card).authenticate_admin(&[0; 8]),
            Err(GidsError::InvalidInput("no challenge was fetched"))
        ));
        as_admin(&mut state, &mut card, &ADMIN).expect("admin");
        assert_eq!(state.verified(), VerifiedRoles { user: false, admin: true });
        state.on(&mut card).unblock_as_admin(&pin(b"99999999")).expect("unblocked");
        assert!(!state.verified().admin);
        assert!(state.on(&mut card).write_file(&FilePath::cardid(), &[8; 16]).is_err(), "rights are gone");
        state.on(&mut card).verify_pin(PinReference::User, &pin(b"99999999")).expect("new PIN");

        as_admin(&mut state, &mut card, &ADMIN).expect("admin");
        state.on(&mut card).write_file(&FilePath::cardid(), &[8; 16]).expect("written");
        assert_eq!(state.on(&mut card).card_id(), Ok(CardId([8; 16])));
        let new = SecretBytes::new(other.to_vec());
        let check_value = admin::key_check_value(&new).expect("KCV");
        state.on(&mut card).change_admin_key(&new, check_value).expect("changed");
        assert!(as_admin(&mut state, &mut card, &ADMIN).is_err());
        as_admin(&mut state, &mut card, &other).expect("new key");
        state.on(&mut card).deauthenticate().expect("deauthentication");
        assert!(state.on(&mut card).write_file(&FilePath::cardid(), &[9; 16]).is_err());
    }
}

#[test]
fn mutual_authentication() {
    for (mut state, mut card) in cards(false) {
        let nonces = MutualNonces { challenge: [0x11; 16], key_material: [0x22; 7] };
        let challenge = state.on(&mut card).mutual_challenge(&nonces).expect("challenge");
        assert_eq!(challenge.as_bytes().len(), 40);
        // The answer may come in a later call that nobody vouches for.
        state.doubt();
        let key = SecretBytes::new(ADMIN.to_vec());
        let token = admin::challenge_response(&key, challenge.as_bytes()).expect("token");
        state.on(&mut card).authenticate_admin(&token).expect("admin");
        state.on(&mut card).write_file(&FilePath::cardid(), &[8; 16]).expect("written");
    }
}

#[test]
fn deauthentication_takes_signing_away_and_counts_hold() {
    for (mut state, mut card) in cards(false) {
        as_user(&mut state, &mut card);
        let material = KeyMaterial::Generate(KeyAlgorithm::Rsa2048);
        state.on(&mut card).create_key(ZERO, KeyHalf::KeyExchange, material).expect("key");
        let key = state.on(&mut card).card_key(ZERO).expect("key");
        card.card.reset();
        state.connection_lost();
        card.commands();

        as_user(&mut state, &mut card);
        state.on(&mut card).sign_pkcs1(key, &[7; 51]).expect("signature");
        assert_eq!(card.commands(), [0xA4, 0x20, 0x22, 0x2A], "cold");
        state.on(&mut card).sign_pkcs1(key, &[7; 51]).expect("signature");
        assert_eq!(card.commands(), [0x2A], "repeat");
        state.on(&mut card).deauthenticate().expect("deauthentication");
        card.commands();
        assert!(state.on(&mut card).sign_pkcs1(key, &[7; 51]).is_err());
        assert_eq!(card.commands(), [0x22]);
        let mut raw = [0x00, 0x2A, 0x9E, 0x9A, 51].to_vec();
        raw.extend([7; 51]);
        raw.push(0);
        let answer = cardmod_iso7816::CardChannel::transmit(&mut card, &raw).expect("answer");
        assert_eq!(answer.len(), 2, "no signature by going past the edge either");
    }
}

#[test]
fn listing_costs_ten_or_four() {
    for (mut state, mut card) in cards(false) {
        as_user(&mut state, &mut card);
        for number in 0..2 {
            let container = ContainerIndex::new(number);
            let mut gids = state.on(&mut card);
            gids.create_key(container, KeyHalf::KeyExchange, KeyMaterial::Generate(KeyAlgorithm::P256))
                .expect("key");
            let path = FilePath::certificate(KeyHalf::KeyExchange, container);
            gids.create_file(&path, FileAccess::EveryoneReadUserWrite).expect("created");
            gids.write_file(&path, &[number; 706]).expect("written");
        }
        state.on(&mut card).write_file(&FilePath::cmapfile(), &[0; 172]).expect("written");
        card.card.reset();
        card.commands();
        let mut cold = GidsState::new();
        let mut gids = cold.on(&mut card);
        gids.card_id().expect("cardid");
        let certificates = gids.certificates().expect("certificates");
        assert_eq!(certificates.iter().map(|c| c.file.len()).collect::<Vec<_>>(), [706, 706]);
        assert_eq!(gids.read_file(&FilePath::cmapfile()).expect("cmapfile").len(), 172);
        gids.read_file(&FilePath::cardcf()).expect("cardcf");
        let expected = if card.extended { 4 } else { 10 };
        assert_eq!(card.commands().len(), expected);
    }
}
