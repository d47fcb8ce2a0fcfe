//! The module for GIDS over the virtual card, driven as the SDK drives it.

mod support;

use cardmod_class::GidsModule;
use cardmod_sdk::testing::{Driver, NoCard, Surroundings};
use cardmod_sdk::{
    AdminAuthentication, CardModule, ContainerCreation, FileWriting, KeyAgreement, KeyRef, NewKey,
    PinAdministration, PropertyWriting, RsaDecryption, SignatureInput, Status, UnblockAuthority,
};
use cardmod_types::{
    CardId, ContainerIndex, DirectoryAccess, DirectoryName, EcPublicKey, FileAccess, FilePath, KeyHalf,
    KeySpec, PinId, PinKind, PinPurpose, PinSet, PrivateKey, PublicKey, SecretBytes,
};
use cardmod_virtual::CardOptions;
use support::{ADMIN_KEY, PIN, PUK, SharedCard, acquire, as_admin, as_user, pin, response};

const ZERO: ContainerIndex = ContainerIndex::new(0);
const EXCHANGE: KeyRef = KeyRef { container: ZERO, spec: KeySpec::KeyExchange };

fn card() -> SharedCard {
    SharedCard::new(CardOptions::default(), false)
}

fn generate(driver: &mut Driver<GidsModule>, key: KeyRef, bits: u32) -> cardmod_sdk::Result<()> {
    driver.call(|module, cx| module.create_key(cx, key, NewKey::Generate { bits }, PinId::USER))
}

fn sign(
    driver: &mut Driver<GidsModule>,
    key: KeyRef,
    input: SignatureInput<'_>,
) -> cardmod_sdk::Result<Vec<u8>> {
    driver.call(|module, cx| module.sign(cx, key, &input))
}

#[test]
fn what_is_no_gids_card_is_unknown() {
    let gone = Driver::<GidsModule>::acquire(NoCard, Surroundings::default());
    assert_eq!(gone.err(), Some(Status::Removed));
    struct Other;
    impl cardmod_iso7816::CardChannel for Other {
        fn transmit(
            &mut self,
            _: &[u8],
        ) -> Result<zeroize::Zeroizing<Vec<u8>>, cardmod_iso7816::TransportError> {
            Ok(zeroize::Zeroizing::new(vec![0x6A, 0x82]))
        }
    }
    let other = Driver::<GidsModule>::acquire(Other, Surroundings::default());
    assert_eq!(other.err(), Some(Status::UnknownCard));
}

#[test]
fn the_card_describes_itself() {
    let mut driver = acquire(&card());
    assert_eq!(driver.call(|m, cx| m.card_id(cx)), Ok(CardId([7; 16])));
    let capabilities = driver.call(|m, cx| m.capabilities(cx)).expect("capabilities");
    assert!(capabilities.key_generation && !capabilities.certificate_compression);
    let space = driver.call(|m, cx| m.free_space(cx)).expect("space");
    assert_eq!((space.bytes, space.containers, space.max_containers), (None, Some(30), Some(30)));
    let sizes = driver.call(|m, cx| m.key_sizes(cx, KeySpec::KeyExchange)).expect("sizes");
    assert_eq!((sizes.minimum, sizes.default, sizes.maximum, sizes.increment), (1024, 2048, 4096, 1024));
    assert_eq!(driver.call(|m, cx| m.key_sizes(cx, KeySpec::EcdsaP521)).map(|s| s.minimum), Ok(521));
    assert_eq!(driver.call(|m, cx| m.container_keys(cx, ZERO)).err(), Some(Status::NoKeyContainer));
    assert_eq!(driver.call(|m, cx| m.container_pin(cx, ZERO)), Err(Status::NoKeyContainer));
}

#[test]
fn a_card_without_curves_says_so_everywhere() {
    let card = SharedCard::new(CardOptions { ec: false, ..CardOptions::default() }, false);
    let mut driver = acquire(&card);
    as_user(&mut driver);
    let ec = KeyRef { container: ZERO, spec: KeySpec::EcdsaP256 };
    assert_eq!(driver.call(|m, cx| m.key_sizes(cx, ec.spec)), Err(Status::UnsupportedFeature));
    card.commands();
    assert_eq!(generate(&mut driver, ec, 256), Err(Status::UnsupportedFeature));
    assert!(card.commands().is_empty());
    assert!(driver.module().key_agreement().is_none());
}

#[test]
fn roles() {
    for puk in [false, true] {
        let mut driver = acquire(&SharedCard::new(CardOptions::default(), puk));
        let list = driver.call(|m, cx| m.pin_list(cx)).expect("list");
        assert_eq!(list.bits(), if puk { 0x0E } else { 0x06 });
        let user = driver.call(|m, cx| m.pin_info(cx, PinId::USER)).expect("user");
        assert_eq!((user.kind, user.purpose), (PinKind::AlphaNumeric, PinPurpose::PrimaryCard));
        assert_eq!((user.change.bits(), user.unblock.bits()), (0x02, if puk { 0x0C } else { 0x04 }));
        let admin = driver.call(|m, cx| m.pin_info(cx, PinId::ADMIN)).expect("admin");
        assert_eq!(admin.kind, PinKind::ChallengeResponse);
        let third = PinId::try_from(3).expect("role");
        let info = driver.call(|m, cx| m.pin_info(cx, third));
        assert_eq!(info.is_ok(), puk);
    }
}

#[test]
fn rsa_container_from_generation_to_deletion() {
    let card = card();
    let mut driver = acquire(&card);
    assert_eq!(generate(&mut driver, EXCHANGE, 2048), Err(Status::SecurityViolation));
    as_admin(&mut driver, &ADMIN_KEY).expect("admin");
    assert_eq!(
        generate(&mut driver, EXCHANGE, 2048),
        Err(Status::SecurityViolation),
        "not the administrator"
    );
    as_user(&mut driver);
    assert_eq!(generate(&mut driver, EXCHANGE, 1536), Err(Status::UnsupportedFeature));
    let beyond = KeyRef { container: ContainerIndex::new(30), ..EXCHANGE };
    assert_eq!(generate(&mut driver, beyond, 2048), Err(Status::NoKeyContainer));
    generate(&mut driver, EXCHANGE, 2048).expect("key");
    let keys = driver.call(|m, cx| m.container_keys(cx, ZERO)).expect("keys");
    assert!(keys.signature.is_none());
    let public = keys.key_exchange.expect("key");
    assert_eq!(public.bits(), 2048);
    assert_eq!(driver.call(|m, cx| m.container_pin(cx, ZERO)), Ok(PinId::USER));

    assert_eq!(sign(&mut driver, EXCHANGE, SignatureInput::Pkcs1(&[7; 51])).map(|s| s.len()), Ok(256));
    assert_eq!(sign(&mut driver, EXCHANGE, SignatureInput::RawRsa(&[1; 256])).map(|s| s.len()), Ok(256));
    assert_eq!(sign(&mut driver, EXCHANGE, SignatureInput::Ecdsa(&[1; 32])), Err(Status::InvalidParameter));
    let wrong = KeyRef { spec: KeySpec::Signature, ..EXCHANGE };
    assert_eq!(sign(&mut driver, wrong, SignatureInput::Pkcs1(&[7; 51])), Err(Status::NoKeyContainer));
    let opened = driver.call(|m, cx| m.decrypt_raw(cx, EXCHANGE, &[1; 256])).expect("opened");
    assert_eq!(opened.as_bytes().len(), 256);

    driver.call(|m, cx| m.deauthenticate(cx, PinSet::ALL)).expect("deauthenticated");
    assert_eq!(driver.call(|m, cx| m.authenticated(cx)), Ok(Some(PinSet::NONE)));
    assert_eq!(sign(&mut driver, EXCHANGE, SignatureInput::Pkcs1(&[7; 51])), Err(Status::SecurityViolation));
    assert_eq!(driver.call(|m, cx| m.delete_container(cx, ZERO)), Err(Status::SecurityViolation));
    as_user(&mut driver);
    driver.call(|m, cx| m.delete_container(cx, ZERO)).expect("deleted");
    driver.call(|m, cx| m.delete_container(cx, ZERO)).expect("nothing there");
    assert_eq!(driver.call(|m, cx| m.container_keys(cx, ZERO)).err(), Some(Status::NoKeyContainer));
}

#[test]
fn elliptic_curve_containers() {
    let mut driver = acquire(&card());
    as_user(&mut driver);
    let signer = KeyRef { container: ZERO, spec: KeySpec::EcdsaP384 };
    generate(&mut driver, signer, 0).expect("key");
    assert_eq!(sign(&mut driver, signer, SignatureInput::Ecdsa(&[5; 48])).map(|s| s.len()), Ok(96));
    let keys = driver.call(|m, cx| m.container_keys(cx, ZERO)).expect("keys");
    assert!(keys.key_exchange.is_none() && keys.signature.is_some());

    let partner = KeyRef { container: ContainerIndex::new(1), spec: KeySpec::EcdheP256 };
    let key = cardmod_crypto::PrivateKey::generate(cardmod_crypto::KeyKind::P256).expect("key");
    let key = PrivateKey::from_sec1_der(&key.to_der().expect("der")).expect("key");
    driver.call(|m, cx| m.create_key(cx, partner, NewKey::Import(&key), PinId::USER)).expect("imported");
    let peer = cardmod_crypto::PrivateKey::generate(cardmod_crypto::KeyKind::P256).expect("peer");
    let point = EcPublicKey::from_uncompressed(cardmod_types::EcCurve::P256, peer.ec_point().expect("point"));
    let point = point.expect("point");
    let shared = driver.call(|m, cx| m.agree(cx, partner, &point)).expect("agreed");
    let PublicKey::Ec(own) = key.public() else { panic!("not an EC key") };
    assert_eq!(shared.as_bytes(), peer.ecdh(&own.to_uncompressed()).expect("agreed").as_slice());
    assert!(driver.call(|m, cx| m.agree(cx, signer, &point)).is_err());
}

#[test]
fn pins_and_administrator() {
    let mut driver = acquire(&SharedCard::new(CardOptions::default(), true));
    let verify = |driver: &mut Driver<GidsModule>, text: &[u8]| {
        driver.call(|m, cx| m.verify_pin(cx, PinId::USER, &pin(text)))
    };
    assert_eq!(verify(&mut driver, b""), Err(Status::WrongPin { attempts: None }));
    assert_eq!(verify(&mut driver, b"0"), Err(Status::WrongPin { attempts: Some(2) }));
    let change = |driver: &mut Driver<GidsModule>, old: &[u8], new: &[u8]| {
        driver.call(|m, cx| m.change_pin(cx, PinId::USER, &pin(old), PinId::USER, &pin(new)))
    };
    assert_eq!(change(&mut driver, b"000000", b"22222222"), Err(Status::WrongPin { attempts: Some(1) }));
    assert_eq!(change(&mut driver, PIN, b"1"), Err(Status::InvalidParameter));
    change(&mut driver, PIN, b"22222222").expect("changed");
    assert_eq!(driver.call(|m, cx| m.authenticated(cx)), Ok(Some(PinSet::only(PinId::USER))));
    for left in [2, 1, 0] {
        assert_eq!(verify(&mut driver, PIN), Err(Status::WrongPin { attempts: Some(left) }));
    }
    assert_eq!(verify(&mut driver, PIN), Err(Status::PinBlocked));

    let third = PinId::try_from(3).expect("role");
    let unblock = |driver: &mut Driver<GidsModule>, authority: UnblockAuthority<'_>, tries| {
        driver.call(|m, cx| m.unblock_pin(cx, authority, PinId::USER, &pin(PIN), tries))
    };
    let wrong = pin(b"12121212");
    let outcome = unblock(&mut driver, UnblockAuthority::Secret(third, &wrong), None);
    assert_eq!(outcome, Err(Status::WrongPin { attempts: Some(2) }));
    unblock(&mut driver, UnblockAuthority::Secret(third, &pin(PUK)), None).expect("unblocked");
    assert_eq!(driver.call(|m, cx| m.authenticated(cx)), Ok(Some(PinSet::NONE)));
    verify(&mut driver, PIN).expect("PIN");

    let answer = response(&mut driver, &ADMIN_KEY);
    let outcome = unblock(&mut driver, UnblockAuthority::Response(&answer), Some(5));
    assert_eq!(outcome, Err(Status::InvalidParameter));
    let outcome = driver.call(|m, cx| m.authenticate(cx, &answer));
    assert_eq!(outcome, Err(Status::InvalidParameter), "the challenge is void");
    let answer = response(&mut driver, &ADMIN_KEY);
    unblock(&mut driver, UnblockAuthority::Response(&answer), None).expect("unblocked");
    assert_eq!(driver.call(|m, cx| m.authenticated(cx)), Ok(Some(PinSet::NONE)));
    verify(&mut driver, PIN).expect("PIN");
}

#[test]
fn the_admin_key_and_what_it_guards() {
    let card = card();
    let mut driver = acquire(&card);
    assert_eq!(as_admin(&mut driver, &[9; 24]).map_err(Status::code), Err(0x8010_006B));
    let set_id =
        |driver: &mut Driver<GidsModule>, id: u8| driver.call(|m, cx| m.set_card_id(cx, &CardId([id; 16])));
    assert_eq!(set_id(&mut driver, 1), Err(Status::SecurityViolation));
    as_user(&mut driver);
    assert_eq!(set_id(&mut driver, 1), Err(Status::SecurityViolation));
    as_admin(&mut driver, &ADMIN_KEY).expect("admin");
    set_id(&mut driver, 1).expect("written");
    assert_eq!(driver.call(|m, cx| m.read_file(cx, &FilePath::cardid())), Ok(vec![1; 16]));

    let answer = response(&mut driver, &ADMIN_KEY);
    let short = SecretBytes::new(vec![1; 16]);
    assert_eq!(driver.call(|m, cx| m.change_key(cx, &answer, &short)), Err(Status::InvalidParameter));
    let new = SecretBytes::new(vec![0x44; 24]);
    driver.call(|m, cx| m.change_key(cx, &answer, &new)).expect("the challenge was not spent");
    set_id(&mut driver, 2).expect("authenticated afterwards");
    driver.call(|m, cx| m.deauthenticate(cx, PinSet::ALL)).expect("deauthenticated");
    assert_eq!(set_id(&mut driver, 3), Err(Status::SecurityViolation));
    assert!(as_admin(&mut driver, &ADMIN_KEY).is_err());
    as_admin(&mut driver, new.as_bytes()).expect("new key");
}

#[test]
fn files_and_their_causes() {
    let card = SharedCard::new(CardOptions { capacity: 8192, ..CardOptions::default() }, false);
    let mut driver = acquire(&card);
    let path = FilePath::certificate(KeyHalf::KeyExchange, ZERO);
    let own = DirectoryName::parse(b"own").expect("name");
    let inside = FilePath::new(own, path.name);
    let create = |driver: &mut Driver<GidsModule>, path: &FilePath| {
        driver.call(|m, cx| m.create_file(cx, path, 10, FileAccess::EveryoneReadUserWrite))
    };
    assert_eq!(create(&mut driver, &path), Err(Status::SecurityViolation));
    as_user(&mut driver);
    create(&mut driver, &path).expect("created");
    assert_eq!(create(&mut driver, &path), Err(Status::FileExists));
    assert_eq!(create(&mut driver, &inside), Err(Status::DirectoryNotFound));
    let write = |driver: &mut Driver<GidsModule>, length: usize| {
        driver.call(|m, cx| m.write_file(cx, &path, &vec![6; length]))
    };
    write(&mut driver, 700).expect("written");
    assert_eq!(write(&mut driver, 20_000), Err(Status::WriteTooMany));
    let info = driver.call(|m, cx| m.file_info(cx, &path)).expect("info");
    assert_eq!((info.size, info.access), (700, Some(FileAccess::EveryoneReadUserWrite)));
    driver.call(|m, cx| m.create_directory(cx, &own, DirectoryAccess::UserCreateDelete)).expect("created");
    create(&mut driver, &inside).expect("created");
    assert_eq!(driver.call(|m, cx| m.delete_directory(cx, &own)), Err(Status::DirectoryNotEmpty));
    assert_eq!(driver.call(|m, cx| m.list_files(cx, Some(&own))), Ok(vec![path.name]));
    driver.call(|m, cx| m.delete_file(cx, &inside)).expect("deleted");
    driver.call(|m, cx| m.delete_directory(cx, &own)).expect("deleted");
    assert_eq!(driver.call(|m, cx| m.read_file(cx, &inside)), Err(Status::DirectoryNotFound));
    driver.call(|m, cx| m.delete_file(cx, &path)).expect("deleted");
    assert_eq!(driver.call(|m, cx| m.read_file(cx, &path)), Err(Status::FileNotFound));
}

#[test]
fn commands_inside_a_vouched_transaction() {
    let card = SharedCard::new(CardOptions { extended_length: false, ..CardOptions::default() }, false);
    let mut driver = acquire(&card);
    as_user(&mut driver);
    generate(&mut driver, EXCHANGE, 2048).expect("key");
    card.reset();
    card.commands();

    let mut driver = acquire(&card);
    driver.vouch(1);
    driver.call(|m, cx| m.card_id(cx)).expect("cardid");
    let read = |driver: &mut Driver<GidsModule>, path: FilePath| {
        driver.call(|m, cx| m.read_file(cx, &path)).expect("file")
    };
    read(&mut driver, FilePath::cardcf());
    as_user(&mut driver);
    sign(&mut driver, EXCHANGE, SignatureInput::Pkcs1(&[7; 51])).expect("signature");
    // Acquire; identity; freshness; PIN; keymap with the file table; key chosen and used.
    assert_eq!(card.commands(), [0xA4, 0xCB, 0xCB, 0x20, 0xCB, 0x22, 0x2A]);
    for _ in 0..3 {
        sign(&mut driver, EXCHANGE, SignatureInput::Pkcs1(&[7; 51])).expect("signature");
    }
    assert_eq!(card.commands(), [0x2A; 3]);
    driver.call(|m, cx| m.deauthenticate(cx, PinSet::ALL)).expect("deauthenticated");
    assert_eq!(card.commands(), [0x20, 0xA4]);

    driver.vouch(2);
    read(&mut driver, FilePath::cardcf());
    as_user(&mut driver);
    sign(&mut driver, EXCHANGE, SignatureInput::Pkcs1(&[7; 51])).expect("signature");
    // Freshness, which settles that the keymap still holds; PIN; key chosen and used.
    assert_eq!(card.commands(), [0xCB, 0x20, 0x22, 0x2A]);
}

#[test]
fn without_a_vouching_host_the_card_is_probed_before_the_pin() {
    let card = card();
    let mut driver = acquire(&card);
    card.commands();
    as_user(&mut driver);
    assert_eq!(card.commands(), [0xA4, 0x20]);
    as_user(&mut driver);
    assert_eq!(card.commands(), [0x20], "its own authentication is what the host holds a transaction for");
}

#[test]
fn public_keys_come_from_the_hosts_cache_while_the_counters_hold() {
    let card = card();
    let mut driver = acquire(&card);
    as_user(&mut driver);
    generate(&mut driver, EXCHANGE, 2048).expect("key");
    let read = |driver: &mut Driver<GidsModule>| {
        driver.call(|m, cx| m.read_file(cx, &FilePath::cardcf())).expect("cardcf");
        driver.call(|m, cx| m.container_keys(cx, ZERO)).expect("keys").key_exchange.expect("key")
    };
    driver.call(|m, cx| m.card_id(cx)).expect("cardid");
    let first = read(&mut driver);
    driver.module().connection_lost();
    card.commands();
    assert_eq!(read(&mut driver), first);
    // cardcf for the host, and again for the module, since nobody vouches for what is between.
    assert_eq!(card.commands(), [0xCB, 0xCB]);
    driver.vouch(1);
    card.commands();
    assert_eq!(read(&mut driver), first);
    assert_eq!(card.commands(), [0xCB], "cardcf alone");
    driver.vouch(2);
    driver.call(|m, cx| m.card_id(cx)).expect("cardid");
    assert_eq!(card.commands(), [0xCB], "never from memory in another transaction");

    // A replaced key is not answered from the cache, though nobody has moved the counters yet.
    as_user(&mut driver);
    generate(&mut driver, EXCHANGE, 2048).expect("key");
    assert_ne!(read(&mut driver), first);
}

/// The tags of the host's cache: where everything is on the card, and the key of container 0.
const LAYOUT: &str = "gids-layout";
const KEY: &str = "gids-key-00";

/// What changes the card.
type Change<'a> = &'a dyn Fn(&mut Driver<GidsModule>);

/// What is kept of the container would be believed while nobody has moved the counters, so it has to go
/// by the module's own word (`pfnCspCacheDeleteFile`), whatever else would happen to distrust it.
#[test]
fn a_change_makes_the_host_forget_what_it_keeps_of_it() {
    let mut driver = acquire(&card());
    as_user(&mut driver);
    driver.call(|m, cx| m.card_id(cx)).expect("cardid");
    generate(&mut driver, EXCHANGE, 1024).expect("key");
    let directory = DirectoryName::parse(b"own").expect("a name");
    let file = FilePath::parse("own/file").expect("a name");
    let changes: [(&str, &[&str], Change<'_>); 6] = [
        ("a key replaced", &[LAYOUT, KEY], &|driver| generate(driver, EXCHANGE, 1024).expect("replaced")),
        ("a directory made", &[LAYOUT], &|driver| {
            driver
                .call(|m, cx| m.create_directory(cx, &directory, DirectoryAccess::UserCreateDelete))
                .expect("a directory");
        }),
        ("a file made", &[LAYOUT], &|driver| {
            let access = FileAccess::EveryoneReadUserWrite;
            driver.call(|m, cx| m.create_file(cx, &file, 4, access)).expect("a file");
        }),
        ("a file deleted", &[LAYOUT], &|driver| {
            driver.call(|m, cx| m.delete_file(cx, &file)).expect("deleted");
        }),
        ("a directory deleted", &[LAYOUT], &|driver| {
            driver.call(|m, cx| m.delete_directory(cx, &directory)).expect("deleted");
        }),
        ("a container deleted", &[LAYOUT, KEY], &|driver| {
            driver.call(|m, cx| m.delete_container(cx, ZERO)).expect("deleted");
        }),
    ];
    for (change, forgotten, make) in changes {
        for tag in [LAYOUT, KEY] {
            // Whatever the module keeps there itself: the entry is a host's, from before the change.
            let kept = driver.call(|_, cx| {
                cx.cache().add(tag, b"before");
                Ok(())
            });
            kept.expect("kept");
        }
        make(&mut driver);
        for tag in [LAYOUT, KEY] {
            let left = driver.call(|_, cx| Ok(cx.cache().lookup(tag))).expect("a look");
            let stale = left.is_some_and(|entry| *entry == b"before");
            assert_eq!(stale, !forgotten.contains(&tag), "{change}: {tag}");
        }
    }
}
