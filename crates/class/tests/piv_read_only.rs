//! PIV cards that cannot be written: every function of the table with its answer, as section 7.4 of the
//! specification has it.

mod table;

use cardmod_crypto::KeyKind;
use cardmod_sdk::Status;
use cardmod_sdk::sys::{CARD_KEY_SIZES, Zeroed};
use cardmod_types::kdf::Kdf;
use cardmod_types::padding::oaep_encode;
use cardmod_types::{HashAlgorithm, KeySpec, PublicKey, SecretBytes};

use table::calls::Padding;
use table::check::{rsa_public, software_key};
use table::piv::{self, GUID, commands, log_file};
use table::{Host, PIN, PUK, call, outcome, wide};

const NO: Result<(), Status> = Err(Status::UnsupportedFeature);
const DIGEST: [u8; 32] = [0x5D; 32];
const BY_PUK: u32 = 2;
const CHANGE: u32 = 2;

/// A standard card with a P-256 key and certificate in 9A, made by its issuer.
fn issued(name: &str) -> Host {
    let mut issuer = Host::piv(name, &piv::standard());
    issuer.set_property("Cardmod Management Key", &piv::given(), 0).expect("a key");
    issuer.as_user();
    issuer.generate(0, KeySpec::EcdsaP256, 256).expect("a key");
    let [signature, _] = issuer.keys(0).expect("keys");
    let certificate = piv::certificate(&signature.expect("a key"), 10);
    issuer.create_file("mscp", "ksc00", 1).expect("created");
    issuer.write("mscp", "ksc00", &certificate).expect("written");
    issuer.deauthenticate().expect_err("the administrator's rights end with a reset");
    issuer.reset();
    drop(issuer);
    Host::named(name, "Identity Device").expect("acquired")
}

#[test]
fn what_would_write_is_not_supported() {
    let mut host = issued("refusing");
    assert_eq!(host.word("Read Only Mode", 0), 1);
    host.as_user();
    assert_eq!(host.create_directory("own", 1), NO);
    assert_eq!(host.delete_directory("mscp"), NO);
    assert_eq!(host.create_file("mscp", "kxc05", 1), NO);
    assert_eq!(host.write("mscp", "ksc00", b"x"), NO);
    assert_eq!(host.write("", "cardcf", &[0; 6]), NO);
    assert_eq!(host.delete_file("mscp", "ksc00"), NO);
    assert_eq!(host.generate(1, KeySpec::Signature, 2048), NO);
    let (key, _) = software_key(KeyKind::P256);
    assert_eq!(host.import(1, KeySpec::EcdsaP256, &key), NO);
    assert_eq!(outcome(call!(host, pfnCardDeleteContainer, 0, 0)), NO);
    let name = wide("PIN Identifier");
    let mut value = 1u32.to_ne_bytes();
    let set = call!(host, pfnCardSetContainerProperty, 0, name.as_ptr(), value.as_mut_ptr(), 4, 0);
    assert_eq!(outcome(set), NO);
    assert_eq!(host.word("PIN List", 0) & 0b100, 0);
    assert_eq!(host.challenge().err(), Some(Status::UnsupportedFeature));
    assert_eq!(host.respond(&[1; 8]).0, Err(Status::UnsupportedFeature), "there is no administrator");
    for name in ["Read Only Mode", "Cache Mode", "Supports Windows x.509 Enrollment"] {
        assert_eq!(host.set_property(name, &1u32.to_ne_bytes(), 0), NO, "{name}");
    }
    assert_eq!(host.set_property("Card Identifier", &[1; 16], 0), NO);
    assert_eq!(host.unblock(&[1; 8], b"111111", 0, 1), Err(Status::InvalidParameter), "by no administrator");
    // Nothing changed.
    assert_eq!(host.listed().len(), 1);
    assert!(host.read(Some("mscp"), "ksc00").is_ok());
}

#[test]
fn what_reads_works() {
    let mut host = issued("reading");
    assert_eq!(host.property("Card Identifier", 0).as_deref(), Ok(&GUID[..]));
    assert_eq!(host.read(None, "cardid").as_deref(), Ok(&GUID[..]));
    assert_eq!(host.read(None, "cardcf").as_deref(), Ok(&[0; 6][..]));
    assert_eq!(host.read(None, "cardapps").as_deref(), Ok(&b"mscp\0\0\0\0"[..]));
    assert_eq!(host.read(Some("mscp"), "msroots"), Err(Status::FileNotFound));
    assert_eq!(host.read(Some("other"), "kxc00"), Err(Status::DirectoryNotFound));
    assert_eq!(host.read(Some("mscp"), "kxc00"), Err(Status::FileNotFound), "the key is a signature key");
    assert_eq!(host.list(None).as_deref(), Ok("cardid\0cardcf\0cardapps\0\0"));
    assert_eq!(host.list(Some("mscp")).as_deref(), Ok("cmapfile\0ksc00\0\0"));
    assert_eq!(host.info("", "cardid"), Ok((16, 3)));
    assert_eq!(host.info("mscp", "cmapfile"), Ok((86, 1)));

    let listed = host.listed();
    let [(0, name, 256, 0, true)] = &listed[..] else { panic!("{listed:?}") };
    assert_eq!(name.len(), 36, "the text of a UUID");
    let [signature, exchange] = host.keys(0).expect("keys");
    assert!(signature.is_some() && exchange.is_none());
    assert_eq!(host.keys(1).err(), Some(Status::NoKeyContainer));
    assert_eq!(host.keys(24).err(), Some(Status::NoKeyContainer));
    for (property, value) in [
        ("Read Only Mode", 1),
        ("Cache Mode", 2),
        ("Supports Windows x.509 Enrollment", 0),
        ("PIN List", 0b1_1010),
        ("Cardmod Hints", 1),
    ] {
        assert_eq!(host.word(property, 0), value, "{property}");
    }
    assert_eq!(
        host.property("Free Space", 0).map(|space| space[4..].to_vec()),
        Ok([0u32, 0, 24].into_iter().flat_map(u32::to_ne_bytes).collect())
    );
    let capabilities = host.property("Capabilities", 0).expect("capabilities");
    assert_eq!(capabilities[4..], [1u32, 0].map(u32::to_ne_bytes).concat(), "compression, no generation");
    let places = host.property("Cardmod Places", 0).expect("places");
    assert!(places.starts_with(b"9a\x009c\x009d\x009e\x0082\x00") && places.ends_with(b"\x0095"));
    assert_eq!(host.set_property("Parent Window", &0u32.to_ne_bytes(), 0), Ok(()));
    assert_eq!(host.set_property("PIN Context String", &[b'x', 0, 0, 0], 0), Ok(()));
}

#[test]
fn roles_are_those_of_the_card() {
    let mut host = issued("roles");
    let info = |host: &mut Host, role: u32| {
        let bytes = host.property("PIN Information", role).expect("information");
        let words: Vec<u32> =
            bytes.chunks(4).map(|word| u32::from_ne_bytes(word.try_into().expect("four"))).collect();
        // Kind, purpose, change, unblock, cache policy.
        [words[1], words[2], words[3], words[4], words[6]]
    };
    assert_eq!(info(&mut host, 1), [0, 5, 0b10, 0b1_0000, 0]);
    assert_eq!(info(&mut host, 3), [0, 1, 0b1000, 0b1_0000, 3], "asked for each time");
    let puk = info(&mut host, 4);
    assert_eq!((puk[0], puk[3]), (0, 0));
    assert!(host.property("PIN Information", 2).is_err(), "nobody is the administrator");
    assert_eq!(host.word("Cardmod PIN Tries Left", 1), 3);

    assert_eq!(host.pin(1, b"12345"), Err(Status::WrongPin { attempts: None }), "too short for any PIV card");
    assert_eq!(host.pin(4, PUK), Err(Status::InvalidParameter), "the PUK authenticates nobody");
    assert_eq!(host.pin(1, b"000000").map_err(Status::code), Err(0x8010_006B));
    assert_eq!(host.word("Cardmod PIN Tries Left", 1), 2);
    host.as_user();
    assert_eq!(host.authenticated(), 0b10);
    assert_eq!(host.deauthenticate(), Ok(()));
    assert_eq!(host.authenticated(), 0);

    let (changed, _) = host.change(CHANGE, 1, PIN, 1, b"654321");
    assert_eq!(changed, Ok(()));
    assert_eq!(host.change(CHANGE, 1, PIN, 1, b"777777").1, 2, "tries left");
    assert_eq!(host.change(CHANGE, 1, b"654321", 1, b"1").0, Err(Status::InvalidParameter));
    assert_eq!(host.change(CHANGE, 4, PUK, 4, b"12121212").0, Ok(()));
    while host.pin(1, b"000000").map_err(Status::code) == Err(0x8010_006B) {}
    assert_eq!(host.pin(1, b"654321"), Err(Status::PinBlocked));
    assert_eq!(host.unblock(PUK, PIN, 0, BY_PUK).map_err(Status::code), Err(0x8010_006B), "the old PUK");
    assert_eq!(
        host.unblock(b"12121212", PIN, 3, BY_PUK),
        Err(Status::InvalidParameter),
        "tries are the card's"
    );
    assert_eq!(host.unblock(b"12121212", PIN, 0, BY_PUK), Ok(()));
    assert_eq!(host.authenticated(), 0);
    host.as_user();
}

#[test]
fn a_card_without_chuid_has_an_identity_that_stays() {
    let profile = cardmod_virtual::PivProfile { without_chuid: true, ..piv::token() };
    let mut host = Host::piv("nameless", &profile);
    let id = host.property("Card Identifier", 0).expect("an identity");
    assert_ne!(id, [0; 16]);
    assert_eq!(host.read(None, "cardid"), Ok(id.clone()));
    drop(host);
    let mut again = Host::named("nameless", "Identity Device").expect("acquired");
    assert_eq!(again.property("Card Identifier", 0), Ok(id));
}

#[test]
fn a_signature_costs_what_the_standard_says() {
    log_file();
    let mut host = issued("counted");
    let seen = commands(&host, 0).len();
    let kinds = |host: &Host, seen: usize| -> Vec<String> {
        commands(host, seen).iter().map(|command| command[2..4].to_owned()).collect()
    };
    host.sign(0, KeySpec::EcdsaP256, Padding::Basic(0), &DIGEST).expect_err("no PIN yet");
    // Who it is, the stored map (two objects that a standard card has not), the certificate, and the key that
    // wants a PIN.
    assert_eq!(kinds(&host, seen), ["CB", "CB", "CB", "CB", "87"]);
    let seen = commands(&host, 0).len();
    host.as_user();
    host.sign(0, KeySpec::EcdsaP256, Padding::Basic(0), &DIGEST).expect("a signature");
    assert_eq!(kinds(&host, seen), ["CB", "20", "87"], "which PIN it is (once), the PIN, the key");
    let seen = commands(&host, 0).len();
    host.sign(0, KeySpec::EcdsaP256, Padding::Basic(0), &DIGEST).expect("a signature");
    assert_eq!(kinds(&host, seen), ["87"]);
}

#[test]
fn keys_for_exchange_work_and_every_key_is_described() {
    let name = "exchanging";
    // A card that cannot import gets its keys as its issuer makes them: on a token whose key nobody has here.
    let mut issuer = Host::piv(name, &piv::kept());
    issuer.set_property("Cardmod Management Key", &piv::given(), 0).expect("a key");
    issuer.as_user();
    let (rsa, _) = software_key(KeyKind::Rsa(2048));
    let (ec, own) = software_key(KeyKind::P256);
    issuer.import(2, KeySpec::KeyExchange, &rsa).expect("imported into 9D");
    issuer.import(4, KeySpec::EcdheP256, &ec).expect("imported into 82");
    issuer.deauthenticate().expect_err("the administrator's rights end with a reset");
    issuer.reset();
    drop(issuer);

    let mut host = Host::named(name, "Identity Device").expect("acquired");
    assert_eq!(host.word("Read Only Mode", 0), 1);
    host.as_user();
    let block = [&[0, 2][..], &[7; 243], &[0], b"a secret!!"].concat();
    let cryptogram = rsa_public(&rsa.public(), &block);
    let opened = host.decrypt(2, KeySpec::KeyExchange, Padding::Pkcs1(None), &cryptogram);
    assert_eq!(opened.as_deref(), Ok(&b"a secret!!"[..]));
    let block = oaep_encode(HashAlgorithm::Sha256, b"label", b"another", &[3; 32], 256).expect("a block");
    let cryptogram = rsa_public(&rsa.public(), block.as_bytes());
    let opened = host.decrypt(2, KeySpec::KeyExchange, Padding::Oaep("SHA256", b"label"), &cryptogram);
    assert_eq!(opened.as_deref(), Ok(&b"another"[..]));

    let (peer, _) = software_key(KeyKind::P256);
    let PublicKey::Ec(point) = peer.public() else { panic!("an EC key") };
    let shared = own.ecdh(&point.to_uncompressed()).expect("a secret");
    let agreement = host.agree(4, &peer.public().to_blob(KeySpec::EcdheP256)).expect("an agreement");
    let kdf = Kdf::Hash {
        hash: HashAlgorithm::Sha1,
        prepend: SecretBytes::zeroed(0),
        append: SecretBytes::zeroed(0),
    };
    let expected = kdf.derive(&SecretBytes::from(&shared[..]), None).expect("a key");
    assert_eq!(host.derive(agreement, "HASH", 0, &[]).as_deref(), Ok(expected.as_bytes()));
    host.destroy(agreement).expect("destroyed");

    let sizes = |host: &mut Host, spec: KeySpec| {
        let mut sizes = CARD_KEY_SIZES { dwVersion: 1, ..CARD_KEY_SIZES::ZEROED };
        outcome(call!(host, pfnCardQueryKeySizes, spec.code(), 0, &raw mut sizes))?;
        Ok([sizes.dwMinimumBitlen, sizes.dwDefaultBitlen, sizes.dwMaximumBitlen, sizes.dwIncrementalBitlen])
    };
    assert_eq!(sizes(&mut host, KeySpec::KeyExchange), Ok([1024, 2048, 4096, 1024]));
    assert_eq!(sizes(&mut host, KeySpec::EcdheP256), Ok([256, 256, 256, 1]));
    assert_eq!(sizes(&mut host, KeySpec::EcdsaP521), Err(Status::UnsupportedFeature));
    assert_eq!([2, 4].map(|index| host.container_pin(index)), [Ok(1), Ok(1)]);
    assert_eq!(host.container_pin(1), Err(Status::NoKeyContainer));
}
