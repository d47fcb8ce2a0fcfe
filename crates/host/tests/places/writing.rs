//! What changes the card: with a management key alone, in places, under names that may not be kept.

use cardmod_host::{Error, FileAuthority, ManagementKey, OpenOptions, SignRequest};
use cardmod_types::{FilePath, KeyHalf, SecretBytes};

use crate::card::{self, LABELS};
use crate::{Desk, certificate, certificate_of, common, management_key, new, pin, shown, sign};

#[test]
fn without_the_management_key_every_change_is_refused_before_the_card_and_the_pin() {
    let desk = Desk::with_keys("readonly");
    let mut session = desk.open();
    session.containers().expect("a list");
    desk.done();
    let mut nobody = cardmod_host::NoPin;
    let der = certificate(2, "two");
    let file = FilePath::parse("mscp/note").expect("a name");
    let refusals = [
        session.create_container(&new("web"), &mut nobody).map(drop),
        session.create_container_in("9c", &new("web"), &mut nobody).map(drop),
        session.delete_container("9a", &mut nobody),
        session.set_default("9a", &mut nobody),
        session.import_certificate(Some("9d"), None, &der, &mut nobody).map(drop),
        session.delete_certificate(Some("9a"), None, &mut nobody),
        session.add_roots(std::slice::from_ref(&der), &mut nobody).map(drop),
        session.rebuild_map(&mut nobody).map(drop),
        session.write_file(&file, b"x", FileAuthority::User, &mut nobody),
        session.takes(crate::P256, KeyHalf::Signature, false),
    ];
    for refusal in refusals {
        let error = refusal.expect_err("refused");
        assert!(matches!(error, Error::ManagementKeyRequired { .. }), "{error}");
        assert!(error.to_string().ends_with("read-only without its management key; give the key"));
    }
    let sent: Vec<_> = desk.done().into_iter().filter(|sent| !sent.starts_with("read")).collect();
    assert!(sent.is_empty(), "{sent:?}");
    let described = session.describe().expect("a description");
    assert!(described.read_only && described.takes_management_key && described.hints);
    assert_eq!(described.places.iter().map(|(_, label)| label.as_str()).collect::<Vec<_>>(), LABELS);
    common::close(session);
}

#[test]
fn a_card_without_places_takes_no_management_key_and_puts_no_key_into_a_place() {
    let reader = common::card_of("placeless", &common::profile("placeless"));
    let options = OpenOptions { management_key: Some(management_key()), ..OpenOptions::default() };
    let refused = common::host().open(&reader, &common::class_module(), options).map(drop);
    assert!(matches!(refused, Err(Error::NotSupported { .. })), "{refused:?}");
    let mut session = common::open(&reader);
    assert!(session.place_labels().expect("none").is_empty());
    let refused = session.create_container_in("9a", &new("web"), &mut common::pin());
    assert!(matches!(refused, Err(Error::NotSupported { .. })), "{refused:?}");
    let made = session.create_container(&new("9a"), &mut common::pin()).expect("a name like any other");
    assert_eq!((made.name.as_str(), made.place, made.cached), ("9a", None, false));
    common::close(session);
}

#[test]
fn a_container_is_made_in_the_place_it_is_named_after() {
    let desk = Desk::new("inplace");
    let mut session = desk.open_to_write();
    let made = session.create_container(&new("9C"), &mut pin()).expect("a container");
    assert_eq!((made.name.as_str(), made.place.as_deref(), made.index.get()), ("9C", Some("9c"), 1));
    let made = session.create_container_in("9a", &new("web"), &mut pin()).expect("a container");
    assert_eq!((made.name.as_str(), made.place.as_deref(), made.index.get()), ("web", Some("9a"), 0));
    assert!(made.default, "the module's map says so");
    // Found by name, and by place in either case.
    for name in ["web", "9a", "9A"] {
        assert_eq!(session.container(Some(name)).expect(name).name, "web");
    }
    for (taken, wanted) in [("9a", "web"), ("9C", "9C")] {
        match session.create_container_in(taken, &new("other"), &mut pin()) {
            Err(Error::PlaceTaken { name, .. }) => assert_eq!(name, wanted),
            other => panic!("{other:?}"),
        }
    }
    let again = session.create_container(&new("9a"), &mut pin());
    assert!(matches!(again, Err(Error::PlaceTaken { .. })), "{again:?}");
    let again = session.create_container(&new("web"), &mut pin());
    assert!(matches!(again, Err(Error::ContainerExists { .. })), "{again:?}");
    let nowhere = session.create_container_in("9f", &new("other"), &mut pin());
    assert!(matches!(nowhere, Err(Error::BadInput { ref what }) if what.contains("9a, 9c, 9d, 9e")));
    common::close(session);
}

#[test]
fn with_no_place_named_the_first_one_that_the_module_takes_is_used() {
    let desk = Desk::with_keys("anyplace");
    // A key in 9c of which the map does not tell.
    desk.change(|card| {
        card.put(1, 7, None);
        card.secret_slots = vec![1];
    });
    let mut session = desk.open_to_write();
    desk.done();
    let made = session.create_container(&new("web"), &mut pin()).expect("a container");
    assert_eq!((made.name.as_str(), made.place.as_deref()), ("web", Some("9e")), "9c refused it");
    assert_eq!(desk.card.lock().expect("the card").names.get(&1), None, "its name was taken back");
    let full = session.create_container(&new("more"), &mut pin());
    assert!(matches!(full, Err(Error::CardFull { .. })), "{full:?}");
    let named = session.create_container(&new("9c"), &mut pin());
    assert!(matches!(named, Err(Error::PlaceTaken { ref name, .. }) if name.is_empty()), "{named:?}");
    common::close(session);
}

#[test]
fn a_name_that_the_card_does_not_keep_is_the_modules() {
    let desk = Desk::new("nameless");
    desk.change(|card| card.keeps_names = false);
    let mut session = desk.open_to_write();
    for (place, name) in [("9a", "key-9a"), ("9d", "key-9d")] {
        let made = session.create_container_in(place, &new("web"), &mut pin()).expect("a container");
        assert_eq!((made.name.as_str(), made.place.as_deref()), (name, Some(place)));
    }
    let containers = session.containers().expect("a list");
    assert_eq!(shown(&containers), [("key-9a", "9a", true), ("key-9d", "9d", true)]);
    let refused = session.set_default("9d", &mut pin());
    assert!(matches!(refused, Err(Error::NotSupported { ref what, .. }) if what.contains("default")));
    session.delete_container("9a", &mut pin()).expect("deleted");
    assert_eq!(session.containers().expect("a list").len(), 1);
    common::close(session);
}

#[test]
fn the_pin_comes_before_the_management_key_and_the_reset_after_it_is_silent() {
    let desk = Desk::new("order");
    let mut session = desk.open_to_write();
    desk.done();
    session.create_container(&new("9a"), &mut pin()).expect("a container");
    let done = desk.done();
    let at =
        |what: &str| done.iter().position(|sent| sent == what).unwrap_or_else(|| panic!("{what}: {done:?}"));
    assert!(at("PIN right") < at("management key right"));
    assert!(at("management key right") < at("generate 9a"));
    assert!(at("write map") < at("generate 9a"), "the name comes before the key");
    assert_eq!(done.last().map(String::as_str), Some("reset me"), "nothing is asked after it");
    // The next operation notices nothing of the reset, and nobody is authenticated.
    let signature = session.sign(Some("9a"), &SignRequest::ecdsa(&[9; 32]), &mut pin());
    assert!(signature.is_ok(), "{signature:?}");
    let done = desk.done();
    // pcsc-lite tells a connection of its own reset, so that the card is looked at; Windows does not.
    let looked_at: &[&str] = if cfg!(windows) { &[] } else { &["identity"] };
    let expected = [looked_at, &["PIN right", "sign 9a", "log out"]].concat();
    assert_eq!(done, expected, "the key just made is known");
    common::close(session);
}

#[test]
fn another_session_on_the_card_survives_the_reset_too() {
    let desk = Desk::with_keys("neighbour");
    let (mut reader, mut writer) = (desk.open(), desk.open_to_write());
    sign(&mut reader, "9a");
    writer.create_container(&new("9e"), &mut pin()).expect("a container");
    sign(&mut reader, "9a");
    assert_eq!(reader.containers().expect("a list").len(), 3, "and it sees what was written");
    common::close(reader);
    common::close(writer);
}

#[test]
fn a_wrong_management_key_is_told_as_that() {
    let desk = Desk::with_keys("wrongkey");
    let key = ManagementKey::new(None, SecretBytes::new(vec![1; 24])).expect("a key");
    let options = OpenOptions { management_key: Some(key), ..OpenOptions::default() };
    let mut session = desk.open_with(options);
    let der = certificate(1, "other");
    for refused in [
        session.create_container(&new("9c"), &mut pin()).map(drop),
        session.import_certificate(Some("9a"), None, &der, &mut pin()).map(drop),
        session.delete_container("9a", &mut pin()),
    ] {
        assert!(matches!(refused, Err(Error::WrongManagementKey { .. })), "{refused:?}");
    }
    assert_eq!(session.containers().expect("a list").len(), 2, "nothing was changed");
    // Another key in the same session.
    session.set_management_key(Some(management_key())).expect("taken");
    session.create_container(&new("9c"), &mut pin()).expect("a container");
    session.set_management_key(None).expect("forgotten");
    let refused = session.delete_container("9c", &mut pin());
    assert!(matches!(refused, Err(Error::ManagementKeyRequired { .. })), "{refused:?}");
    session.set_management_key(Some(ManagementKey::well_known())).expect("taken");
    session.delete_container("9c", &mut pin()).expect("deleted");
    common::close(session);
}

#[test]
fn the_management_key_outlives_a_card_that_is_taken_out_and_put_back() {
    let desk = Desk::new("putback");
    let mut session = desk.open_to_write();
    session.containers().expect("a list");
    let mut card = common::store().open_card(&desk.name).expect("the card");
    card.eject().expect("out");
    card.insert().expect("in again");
    session.create_container(&new("9a"), &mut pin()).expect("a container");
    common::close(session);
}

#[test]
fn certificates_are_written_replaced_and_deleted() {
    let desk = Desk::with_keys("certificates");
    let mut session = desk.open_to_write();
    for subject in ["first", "second"] {
        let der = certificate(2, subject);
        session.import_certificate(Some("9d"), None, &der, &mut pin()).expect("stored");
        assert_eq!(certificate_of(&session.container(Some("9d")).expect("it")), Some(der));
    }
    session.delete_certificate(Some("9d"), None, &mut pin()).expect("deleted");
    assert_eq!(certificate_of(&session.container(Some("9d")).expect("it")), None);
    assert_eq!(card::public(2), session.key(Some("9d"), None).expect("the key").public, "the key stays");
    common::close(session);
}
