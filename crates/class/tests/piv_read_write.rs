//! PIV cards that can be written: keys, names and certificates through the table, from one program to the next.

mod table;

use cardmod_crypto::KeyKind;
use cardmod_sdk::Status;
use cardmod_types::{
    ContainerIndex, ContainerMap, ContainerName, ContainerRecord, KeySpec, PublicKey, SecretBytes,
};
use cardmod_virtual::{ManagementAlgorithm, PivProfile};

use table::calls::Padding;
use table::check::{ecdsa_is_right, rsa_public, software_key};
use table::piv::{self, MANAGEMENT_KEY, commands, log_file};
use table::{Host, PIN};

const DIGEST: [u8; 32] = [0x5D; 32];
const ECDSA: Padding = Padding::Basic(0);
const NO_ROOM: Result<(), Status> = Err(Status::NoMemory);

/// The card in the next program: what was authenticated is gone.
fn next(host: Host) -> Host {
    let mut host = host;
    let name = host.card_name.clone();
    host.deauthenticate().ok();
    host.reset();
    drop(host);
    Host::named(&name, "Identity Device").expect("acquired")
}

fn record(name: &str, bits: [u16; 2], default: bool) -> ContainerRecord {
    let mut record = ContainerRecord::new(ContainerName::parse(name).expect("a name"));
    (record.signature_bits, record.key_exchange_bits, record.default) = (bits[0], bits[1], default);
    record
}

/// What a host does: the record first, then the key, then its size.
fn create(host: &mut Host, index: u8, name: &str, spec: KeySpec, bits: u16) -> Result<(), Status> {
    let mut map = host.map();
    let at = ContainerIndex::new(index);
    let default = map.iter().next().is_none();
    let set = |map: &mut ContainerMap, bits| {
        map.set(at, Some(record(name, bits, default))).expect("a record");
        map.to_bytes()
    };
    let file = set(&mut map, [0, 0]);
    host.write("mscp", "cmapfile", &file)?;
    host.generate(index, spec, u32::from(bits))?;
    let exchange = spec.half() == cardmod_types::KeyHalf::KeyExchange;
    let file = set(&mut map, if exchange { [0, bits] } else { [bits, 0] });
    host.write("mscp", "cmapfile", &file)
}

fn certify(host: &mut Host, file: &str, index: u8) -> Vec<u8> {
    let certificate = piv::certificate(&host.key(index), 30);
    host.create_file("mscp", file, 1).expect("created");
    assert_eq!(host.create_file("mscp", file, 1), Err(Status::FileExists));
    host.write("mscp", file, &certificate).expect("written");
    assert_eq!(host.read(Some("mscp"), file).as_deref(), Ok(&certificate[..]));
    certificate
}

#[test]
fn a_fresh_token_from_the_first_key_to_the_last() {
    let mut host = Host::piv("fresh", &piv::token());
    for (property, value) in [
        ("Read Only Mode", 0),
        ("Cache Mode", 3),
        ("Supports Windows x.509 Enrollment", 1),
        ("PIN List", 0b1_1110),
    ] {
        assert_eq!(host.word(property, 0), value, "{property}");
    }
    assert_eq!(host.generate(0, KeySpec::EcdsaP256, 256), Err(Status::SecurityViolation), "no user");
    host.as_user();
    create(&mut host, 0, "web", KeySpec::EcdsaP256, 256).expect("a container");
    create(&mut host, 2, "mail", KeySpec::KeyExchange, 2048).expect("a container");
    let listed =
        |name: &str, index, bits: [u16; 2], default| (index, name.to_owned(), bits[0], bits[1], default);
    let expected = [listed("web", 0, [256, 0], true), listed("mail", 2, [0, 2048], false)];
    assert_eq!(host.listed(), expected);

    // The next program sees names and keys, although there is no certificate.
    let mut host = next(host);
    assert_eq!(host.listed(), expected);
    let web = host.key(0);
    host.as_user();
    let signature = host.sign(0, KeySpec::EcdsaP256, ECDSA, &DIGEST).expect("a signature");
    assert!(ecdsa_is_right(&web, &DIGEST, &signature));
    let mail = host.key(2);
    let cryptogram = rsa_public(&mail, &[&[0, 2][..], &[7; 243], &[0], b"a secret!!"].concat());
    assert_eq!(
        host.decrypt(2, KeySpec::KeyExchange, Padding::Pkcs1(None), &cryptogram).as_deref(),
        Ok(&b"a secret!!"[..])
    );

    let certificate = certify(&mut host, "ksc00", 0);
    certify(&mut host, "kxc02", 2);
    assert_eq!(host.write("mscp", "kxc02", &certificate), Err(Status::InvalidParameter), "of another key");
    assert_eq!(host.write("mscp", "kxc02", b"nonsense"), Err(Status::InvalidParameter));
    let mut host = next(host);
    assert_eq!(host.listed(), expected, "no index moved, no name was lost");
    assert_eq!(host.list(Some("mscp")).as_deref(), Ok("cmapfile\0ksc00\0kxc02\0\0"));

    host.as_user();
    host.delete_file("mscp", "ksc00").expect("deleted");
    assert_eq!(host.read(Some("mscp"), "ksc00"), Err(Status::FileNotFound));
    assert_eq!(host.listed(), expected, "the key is still there");
    host.delete(2).expect("deleted");
    let mut map = host.map();
    map.set(ContainerIndex::new(2), None).expect("a map");
    host.write("mscp", "cmapfile", &map.to_bytes()).expect("written");
    assert_eq!(next(host).listed(), expected[..1]);
}

#[test]
fn a_name_can_be_changed_and_a_key_is_not_unlisted() {
    let mut host = Host::piv("renamed", &piv::token());
    host.as_user();
    host.generate(0, KeySpec::KeyExchange, 2048).expect("a key");
    let computed = host.listed().remove(0).1;
    let mut map = host.map();
    map.set(ContainerIndex::new(0), Some(record("my own", [0, 2048], true))).expect("a map");
    host.write("mscp", "cmapfile", &map.to_bytes()).expect("written");
    assert_eq!(host.write("mscp", "cmapfile", &[]), Err(Status::UnsupportedFeature));
    assert_eq!(host.write("mscp", "cmapfile", &[1; 85]), Err(Status::InvalidParameter));
    let mut host = next(host);
    let listed = host.listed();
    assert_eq!((listed[0].1.as_str(), listed.len()), ("my own", 1));
    assert_ne!(computed, "my own");
    let mut map = host.map();
    map.set(ContainerIndex::new(24), Some(record("beyond", [0, 0], false))).expect("a map");
    host.as_user();
    assert_eq!(host.write("mscp", "cmapfile", &map.to_bytes()), Err(Status::WriteTooMany));
}

#[test]
fn a_standard_card_notes_keys_in_place_of_certificates_and_keeps_computed_names() {
    let mut host = Host::piv("noted", &piv::standard());
    host.set_property("Cardmod Management Key", &piv::given(), 0).expect("a key");
    host.as_user();
    create(&mut host, 0, "chosen", KeySpec::EcdsaP384, 384).expect("a container");
    let listed = host.listed();
    assert_eq!((listed.len(), listed[0].2), (1, 384));
    assert_ne!(listed[0].1, "chosen", "the card stores no names, and nobody says it did");
    assert_eq!(host.read(Some("mscp"), "ksc00"), Err(Status::FileNotFound), "a note is no certificate");
    let mut host = next(host);
    assert_eq!(host.word("Read Only Mode", 0), 1, "the key was the last program's");
    assert_eq!(host.listed(), listed);
    host.as_user();
    let signature = host.sign(0, KeySpec::EcdsaP384, ECDSA, &[7; 48]).expect("a signature");
    assert!(ecdsa_is_right(&host.key(0), &[7; 48], &signature));

    host.set_property("Cardmod Management Key", &piv::given(), 0).expect("a key");
    certify(&mut host, "ksc00", 0);
    host.delete_file("mscp", "ksc00").expect("deleted");
    assert_eq!(host.listed(), listed, "the note is back");
    let mut map = host.map();
    map.set(ContainerIndex::new(0), Some(record("other", [384, 0], true))).expect("a map");
    assert_eq!(
        host.write("mscp", "cmapfile", &map.to_bytes()),
        Err(Status::WriteTooMany),
        "it would be lost"
    );
    host.delete(0).expect("deleted");
    assert!(host.listed().is_empty());
}

#[test]
fn on_a_standard_card_a_key_is_where_every_program_looks_for_it() {
    let mut host = Host::piv("looked-for", &piv::standard());
    host.set_property("Cardmod Management Key", &piv::given(), 0).expect("a key");
    host.as_user();
    // 9A takes no such key, and the card could not tell that the container of index 0 is elsewhere.
    assert_eq!(host.generate(0, KeySpec::EcdheP256, 256), NO_ROOM);
    host.set_property("Cardmod Place", b"82", 0).expect("a place");
    host.generate(4, KeySpec::EcdheP256, 256).expect("a key");
    let mut host = next(host);
    let sizes: Vec<_> = host.listed().into_iter().map(|(index, _, s, x, _)| (index, s, x)).collect();
    assert_eq!(sizes, [(4, 0, 256)]);
}

#[test]
fn the_management_key_comes_from_four_places() {
    let mut host = Host::piv("secret", &piv::kept());
    assert_eq!(host.word("Read Only Mode", 0), 1);
    host.as_user();
    assert_eq!(host.generate(0, KeySpec::EcdsaP256, 256), Err(Status::UnsupportedFeature));
    for wrong in [&[3u8; 25][..], &[1]] {
        host.set_property("Cardmod Management Key", wrong, 0).expect("a key");
        assert_eq!(host.word("Read Only Mode", 0), 0);
        assert_eq!(host.generate(0, KeySpec::EcdsaP256, 256), Err(Status::SecurityViolation), "{wrong:?}");
        assert!(host.listed().is_empty(), "nothing half-done");
    }
    assert_eq!(host.set_property("Cardmod Management Key", &[9, 9], 0), Err(Status::InvalidParameter));
    assert_eq!(host.property("Cardmod Management Key", 0), Err(Status::UnsupportedFeature), "never told");
    host.set_property("Cardmod Management Key", &piv::given(), 0).expect("a key");
    host.generate(0, KeySpec::EcdsaP256, 256).expect("a key");
    host.set_property("Cardmod Management Key", &[], 0).expect("forgotten");
    assert_eq!(host.word("Read Only Mode", 0), 1);

    let management_key = SecretBytes::from(&[0x77; 32]);
    let management_algorithm = ManagementAlgorithm::Aes256;
    let profile =
        PivProfile { protect_management_key: true, management_key, management_algorithm, ..piv::token() };
    let mut host = Host::piv("protected", &profile);
    assert_eq!(host.word("Read Only Mode", 0), 0, "the key is on the card");
    assert_eq!(host.generate(0, KeySpec::EcdsaP256, 256), Err(Status::SecurityViolation), "behind the PIN");
    host.as_user();
    host.generate(0, KeySpec::EcdsaP256, 256).expect("a key");
    assert_eq!(next(host).listed().len(), 1);
}

#[test]
fn the_administrator_answers_a_challenge() {
    let mut host = Host::piv("challenge", &piv::token());
    let default = cardmod_virtual::DEFAULT_MANAGEMENT_KEY;
    assert_eq!(host.as_admin(&[9; 24]).map_err(Status::code), Err(0x8010_006B));
    host.as_admin(&default).expect("the administrator");
    assert_eq!(host.authenticated(), 0b100);
    host.generate(0, KeySpec::EcdsaP256, 256).expect("a key, without the user's PIN");
    assert_eq!(host.deauthenticate(), Err(Status::UnsupportedFeature), "only a reset takes that right");
    host.reset();

    let challenge = host.challenge().expect("a challenge");
    let response = table::answer(&default, &challenge);
    assert_eq!(host.change(2, 2, &response, 2, &MANAGEMENT_KEY).0, Ok(()));
    let mut host = next(host);
    assert_eq!(host.word("Read Only Mode", 0), 1, "the default key is gone");
    host.set_property("Cardmod Management Key", &piv::given(), 0).expect("a key");
    host.as_admin(&MANAGEMENT_KEY).expect("the administrator");
}

#[test]
fn a_new_key_goes_where_it_belongs() {
    let mut host = Host::piv("places", &piv::token());
    host.as_user();
    // 9A takes no key for agreement, 9C none for exchange: each goes to the next slot that does.
    create(&mut host, 0, "agreement", KeySpec::EcdheP256, 256).expect("a container");
    create(&mut host, 1, "exchange", KeySpec::KeyExchange, 2048).expect("a container");
    create(&mut host, 2, "signature", KeySpec::EcdsaP384, 384).expect("a container");
    let places = host.property("Cardmod Places", 0).expect("places");
    let labels: Vec<_> = places.split(|byte| *byte == 0).take(4).collect();
    assert_eq!(labels, [&b"9d"[..], b"9a", b"9c", b"9e"]);
    assert_eq!(create(&mut host, 3, "third", KeySpec::Signature, 2048), NO_ROOM, "9E is not taken unasked");

    let set = |host: &mut Host, place: &str| host.set_property("Cardmod Place", place.as_bytes(), 0);
    assert_eq!(set(&mut host, "f9"), Err(Status::InvalidParameter));
    set(&mut host, "9a").expect("a place");
    assert_eq!(host.generate(3, KeySpec::EcdsaP256, 256), Err(Status::NoAccess), "the slot is in use");
    set(&mut host, "9E").expect("a place");
    host.generate(3, KeySpec::EcdsaP256, 256).expect("a key");
    set(&mut host, "95").expect("a place");
    host.generate(5, KeySpec::EcdsaP256, 256).expect("a key of any kind where it is wanted");
    let mut host = next(host);
    let sizes: Vec<_> = host.listed().into_iter().map(|(index, _, s, x, _)| (index, s, x)).collect();
    assert_eq!(sizes, [(0, 0, 256), (1, 0, 2048), (2, 384, 0), (3, 256, 0), (5, 256, 0)]);
    let signature = host.sign(3, KeySpec::EcdsaP256, ECDSA, &DIGEST).expect("9E wants no PIN");
    assert!(ecdsa_is_right(&host.key(3), &DIGEST, &signature));
    let owner = |host: &mut Host, index| host.container_pin(index).expect("an owner");
    assert_eq!([0, 1, 2, 3, 5].map(|index| owner(&mut host, index)), [1, 1, 3, 0, 1]);

    host.as_user();
    let before = host.key(5);
    host.generate(5, KeySpec::EcdsaP256, 256).expect("a key in the place of the old one");
    assert_ne!(host.key(5), before);
    assert_eq!(host.generate(1, KeySpec::EcdsaP256, 256), Err(Status::UnsupportedFeature), "one key each");
}

#[test]
fn keys_are_imported() {
    let mut host = Host::piv("imported", &piv::token());
    host.as_user();
    let (key, _) = software_key(KeyKind::P256);
    host.import(0, KeySpec::EcdsaP256, &key).expect("imported");
    assert_eq!(host.key(0), key.public());
    let signature = host.sign(0, KeySpec::EcdsaP256, ECDSA, &DIGEST).expect("a signature");
    assert!(ecdsa_is_right(&key.public(), &DIGEST, &signature));
    let (key, _) = software_key(KeyKind::Rsa(2048));
    host.import(2, KeySpec::KeyExchange, &key).expect("imported");
    assert!(matches!(host.key(2), PublicKey::Rsa(_)));
    let (key, _) = software_key(KeyKind::P521);
    assert_eq!(host.import(4, KeySpec::EcdheP521, &key), Err(Status::UnsupportedFeature));

    let mut host = Host::piv("importless", &piv::standard());
    host.set_property("Cardmod Management Key", &piv::given(), 0).expect("a key");
    host.as_user();
    let (key, _) = software_key(KeyKind::P256);
    assert_eq!(host.import(0, KeySpec::EcdsaP256, &key), Err(Status::UnsupportedFeature));
    assert!(host.listed().is_empty(), "nothing half-done");
}

#[test]
fn the_signature_key_wants_the_pin_each_time_and_nothing_in_between() {
    log_file();
    let mut host = Host::piv("always", &piv::token());
    host.as_user();
    host.generate(1, KeySpec::EcdsaP256, 256).expect("a key");
    let mut host = next(host);
    for round in 0..2 {
        let seen = commands(&host, 0).len();
        host.pin(3, PIN).expect("the PIN");
        host.sign(1, KeySpec::EcdsaP256, ECDSA, &DIGEST).expect("a signature");
        let sent = commands(&host, seen);
        let at = sent.iter().position(|command| command.starts_with("00200080")).expect("a PIN");
        assert!(sent[at + 1].starts_with("0087119C"), "{sent:?}");
        assert_eq!(sent.len(), at + 2);
        let own = sent[..at].iter().any(|command| command.starts_with("00CB") || command.starts_with("00A4"));
        assert!(own || round == 1, "a PIN is not sent to who knows whom: {sent:?}");
        let again = host.sign(1, KeySpec::EcdsaP256, ECDSA, &DIGEST);
        assert_eq!(again, Err(Status::SecurityViolation), "round {round}");
    }
}

/// Where the map names no default container: 9A if it has a certificate, else the first of 9D, 9C and 9E, in which a
/// certificate comes before a key alone.
#[test]
fn the_default_container_is_the_one_programs_look_for_first() {
    let mut host = Host::piv("default", &piv::token());
    host.as_user();
    let default = |host: &mut Host| host.map().default_container().map(ContainerIndex::get);
    let make = |host: &mut Host, place: &str, index, spec| {
        host.set_property("Cardmod Place", place.as_bytes(), 0).expect("a place");
        host.generate(index, spec, 256).expect("a key");
        default(host)
    };
    assert_eq!(make(&mut host, "9e", 3, KeySpec::EcdsaP256), Some(3));
    assert_eq!(make(&mut host, "9c", 1, KeySpec::EcdsaP256), Some(1));
    assert_eq!(make(&mut host, "9d", 2, KeySpec::EcdheP256), Some(2));
    assert_eq!(make(&mut host, "82", 4, KeySpec::EcdheP256), Some(2), "retired keys come last");
    certify(&mut host, "ksc03", 3);
    assert_eq!(default(&mut host), Some(3), "the only one with a certificate");
    certify(&mut host, "ksc01", 1);
    assert_eq!(default(&mut host), Some(1));
    certify(&mut host, "kxc02", 2);
    assert_eq!(make(&mut host, "9a", 0, KeySpec::EcdsaP256), Some(2), "9A has no certificate yet");
    certify(&mut host, "ksc00", 0);
    assert_eq!(default(&mut host), Some(0));
}
