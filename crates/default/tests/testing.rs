//! Virtual cards for tests: many in one process, beside an environment, and gone when they are dropped.

use cardmod_default::testing::{self, TestCard};
use cardmod_default::{Environment, EnvironmentOptions};
use cardmod_host::types::{EcCurve, Pin};
use cardmod_host::{Error, FixedPin, KeyAlgorithm, OpenOptions, UnblockWith};
use cardmod_virtual::GidsProfile;

const P256: KeyAlgorithm = KeyAlgorithm::Ec(EcCurve::P256);

fn is_listed(test: &TestCard, reader: &str) -> bool {
    test.host().readers().expect("the readers").iter().any(|found| found.name == reader)
}

#[test]
fn threads_have_cards_of_their_own() {
    let threads: Vec<_> = (0..4)
        .map(|number| {
            std::thread::spawn(move || {
                let test = testing::card();
                let name = format!("key {number}");
                test.generate(&name, P256);
                let found = test.session().containers().expect("a list");
                assert_eq!(found.iter().map(|found| found.name.as_str()).collect::<Vec<_>>(), [name]);
                test
            })
        })
        .collect();
    let cards: Vec<_> = threads.into_iter().map(|thread| thread.join().expect("a thread")).collect();
    for card in &cards {
        assert!(cards.iter().all(|other| is_listed(card, other.reader())), "all are seen by all");
    }
}

#[test]
fn a_dropped_card_is_gone() {
    let (test, other) = (testing::card(), testing::card());
    let (reader, home) = (test.reader().to_owned(), test.home().to_owned());
    let mut session = test.session();
    assert!(is_listed(&other, &reader) && home.is_dir());
    drop(test);
    assert!(!is_listed(&other, &reader), "{reader}");
    // On Windows a folder stays as long as somebody has a file in it open.
    assert!(cfg!(windows) || !home.exists(), "{}", home.display());
    assert!(session.containers().is_err(), "who had it open finds it gone");
    let module = other.module();
    let opened = other.host().open(&reader, &module, OpenOptions::default()).map(drop);
    assert!(matches!(opened, Err(Error::UnknownReader { .. })), "{opened:?}");
    other.session().containers().expect("the other one is untouched");
}

#[test]
fn the_secrets_are_those_of_the_documentation() {
    let test = testing::card();
    let mut session = test.session();
    let wrong = session.verify_pin(cardmod_host::types::PinId::USER, &Pin::from("000000"));
    assert!(matches!(wrong, Err(Error::WrongPin { tries_left: Some(2), .. })), "{wrong:?}");
    let puk = Pin::from(testing::PUK);
    let user = cardmod_host::types::PinId::USER;
    session
        .unblock_pin(user, &mut UnblockWith::Puk { role: None, puk }, &Pin::from("4711"))
        .expect("the PUK");
    session.verify_pin(user, &Pin::from("4711")).expect("the new PIN");
    let key = cardmod_host::types::SecretBytes::from(&testing::ADMIN_KEY[..]);
    session.unblock_pin(user, &mut UnblockWith::AdminKey(key), &Pin::from(testing::PIN)).expect("the key");
    session.verify_pin(user, &Pin::from(testing::PIN)).expect("the PIN");
}

#[test]
fn a_profile_of_ones_own_is_taken() {
    let profile = testing::profile().expect("a profile");
    let profile = GidsProfile { pin: Pin::from("correct horse"), ..profile };
    let test = TestCard::of_profile(&profile).expect("a card");
    let user = cardmod_host::types::PinId::USER;
    assert!(test.session().verify_pin(user, &Pin::from(testing::PIN)).is_err());
    test.session().verify_pin(user, &Pin::from("correct horse")).expect("the PIN");
    let short = GidsProfile { pin: Pin::from("1"), ..testing::profile().expect("a profile") };
    let refused = TestCard::of_profile(&short).map(drop).expect_err("too short a PIN");
    assert!(refused.to_string().contains("PIN"), "{refused}");
}

#[test]
fn an_environment_beside_it_is_not_disturbed() {
    let folder = tempfile::tempdir().expect("a folder");
    let options =
        EnvironmentOptions { store_dir: Some(folder.path().join("cards")), ..EnvironmentOptions::default() };
    let test = testing::card();
    let environment = Environment::open(options).expect("an environment");
    environment.store.create("own", &testing::profile().expect("a profile")).expect("a card");
    let own = environment.reader_of("own");
    assert!(is_listed(&test, &own) && is_listed(&test, test.reader()));
    test.generate("key", P256);
    let mut session =
        environment.host.open(&own, &environment.module, OpenOptions::default()).expect("a session");
    assert_eq!(session.containers().expect("a list").len(), 0);
    drop(test);
    assert_eq!(session.containers().expect("a list").len(), 0);
    let mut pin = FixedPin::new(Pin::from(testing::PIN));
    let missing = session.delete_container("key", &mut pin);
    assert!(matches!(missing, Err(Error::NoSuchContainer { .. })), "{missing:?}");
}
