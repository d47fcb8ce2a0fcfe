//! Which application a card is served by: by its order, and by the card's name.

mod table;

use cardmod_heap::Mode;
use cardmod_sdk::Status;
use cardmod_types::{CardId, KeySpec, Pin, SecretBytes};
use cardmod_virtual::GidsProfile;

use table::piv::{self, GIDS_NAME, GUID, PIV_NAME, commands, log_file};
use table::{ADMIN_KEY, Host, PIN, store};

const GIDS_ID: CardId = CardId([0x5A; 16]);

fn gids() -> GidsProfile {
    GidsProfile::new(Pin::from(PIN), SecretBytes::from(&ADMIN_KEY[..]), GIDS_ID)
}

fn identity(host: &mut Host) -> Vec<u8> {
    host.property("Card Identifier", 0).expect("an identity")
}

#[test]
fn a_card_with_both_is_piv_unless_its_name_says_otherwise() {
    store().create_dual("dual", &gids(), &piv::token()).expect("a card");
    for (name, id) in [
        ("Identity Device", &GUID),
        (PIV_NAME, &GUID),
        (GIDS_NAME, &GIDS_ID.0),
        ("identity device (microsoft generic profile)", &GUID),
    ] {
        let mut host = Host::named("dual", name).expect("acquired");
        assert_eq!(identity(&mut host), id, "{name}");
    }
    // Each has its own keys, and neither is in the other's way.
    let mut host = Host::named("dual", GIDS_NAME).expect("acquired");
    host.as_user();
    host.generate(0, KeySpec::Signature, 2048).expect("a key");
    drop(host);
    let mut host = Host::named("dual", PIV_NAME).expect("acquired");
    assert_eq!(host.keys(0).err(), Some(Status::NoKeyContainer));
    host.as_user();
    host.generate(0, KeySpec::EcdsaP256, 256).expect("a key");
    host.deauthenticate().expect_err("a reset is owed");
    host.reset();
    drop(host);
    let mut host = Host::named("dual", GIDS_NAME).expect("acquired");
    assert!(host.keys(0).expect("keys")[0].is_some());
    assert!(host.keys(1).is_err());
}

#[test]
fn the_application_that_was_opened_is_told_without_a_command() {
    log_file();
    store().create_dual("told", &gids(), &piv::token()).expect("a card");
    for (name, opened) in [("Identity Device", PIV_NAME), (PIV_NAME, PIV_NAME), (GIDS_NAME, GIDS_NAME)] {
        let mut host = Host::named("told", name).expect("acquired");
        let before = commands(&host, 0).len();
        assert_eq!(host.property("Cardmod Application", 0), Ok(opened.into()), "{name}");
        assert_eq!(commands(&host, 0).len(), before);
        assert_eq!(host.property("Cardmod Application", 1).err(), Some(Status::InvalidParameter));
        let set = host.set_property("Cardmod Application", GIDS_NAME.as_bytes(), 0);
        assert_eq!(set.err(), Some(Status::UnsupportedFeature));
        assert_eq!(host.property("Cardmod Hints", 0).is_ok(), opened == PIV_NAME, "PIV's own are PIV's");
        assert!(host.property("Cardmod Nonsense", 0).is_err());
    }
}

#[test]
fn a_card_with_one_refuses_the_other_name() {
    store().create("gids", &gids()).expect("a card");
    store().create_piv("piv", &piv::token()).expect("a card");
    let unknown = Some(Status::UnknownCard.code());
    assert_eq!(Host::named("gids", PIV_NAME).err(), unknown);
    assert_eq!(Host::named("piv", GIDS_NAME).err(), unknown);
    assert_eq!(identity(&mut Host::named("gids", "Identity Device").expect("acquired")), GIDS_ID.0);
    assert_eq!(identity(&mut Host::named("piv", "Identity Device").expect("acquired")), GUID);
}

#[test]
fn discovery_costs_one_command_for_each_application_asked_for() {
    log_file();
    store().create("asked", &gids()).expect("a card");
    store().create_piv("found", &piv::token()).expect("a card");
    for (card, name, expected) in [
        ("asked", "Identity Device", 2),
        ("asked", GIDS_NAME, 1),
        ("found", "Identity Device", 1),
        ("found", PIV_NAME, 1),
    ] {
        let host = Host::connected(card, 7, Mode::Checked);
        let seen = commands(&host, 0).len();
        drop(host);
        let host = Host::named(card, name).expect("acquired");
        assert_eq!(commands(&host, seen).len(), expected, "{card} as {name}");
    }
}

#[test]
fn a_list_of_four_certificates_costs_what_the_plan_says() {
    log_file();
    let mut host = Host::piv("four", &piv::token());
    host.as_user();
    let files = ["ksc00", "ksc01", "kxc02", "ksc03"];
    for (index, (place, file)) in ["9a", "9c", "9d", "9e"].into_iter().zip(files).enumerate() {
        let index = index as u8;
        let spec = if place == "9d" { KeySpec::EcdheP256 } else { KeySpec::EcdsaP256 };
        host.set_property("Cardmod Place", place.as_bytes(), 0).expect("a place");
        host.generate(index, spec, 256).expect("a key");
        host.create_file("mscp", file, 1).expect("created");
        let certificate = piv::certificate(&host.key(index), 330);
        assert!((500..600).contains(&certificate.len()), "{}", certificate.len());
        host.write("mscp", file, &certificate).expect("written");
    }
    host.deauthenticate().expect_err("a reset is owed");
    host.reset();
    let seen = commands(&host, 0).len();
    drop(host);
    let mut host = Host::named("four", "Identity Device").expect("acquired");
    host.set_property("Cardmod Transaction", &1u32.to_ne_bytes(), 0).expect("vouched");
    identity(&mut host);
    assert_eq!(host.listed().len(), 4);
    for file in files {
        assert!(host.read(Some("mscp"), file).is_ok());
    }
    // SELECT, CHUID, the stored map, Key History, four certificates: extended answers.
    assert_eq!(commands(&host, seen).len(), 8, "{:?}", commands(&host, seen));
    let seen = commands(&host, 0).len();
    assert_eq!(host.listed().len(), 4);
    assert_eq!(commands(&host, seen).len(), 0, "nobody came between");
    host.set_property("Cardmod Transaction", &2u32.to_ne_bytes(), 0).expect("vouched");
    let seen = commands(&host, 0).len();
    host.sign(3, KeySpec::EcdsaP256, table::calls::Padding::Basic(0), &[7; 32]).expect("a signature");
    assert_eq!(commands(&host, seen).len(), 2, "in another transaction: who it is, and the key");
}
