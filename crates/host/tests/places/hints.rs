//! What is remembered of a card without counters: shown as remembered, believed where it is checked.

use std::sync::Arc;

use cardmod_host::{CacheRecord, DirectoryStore, OpenOptions, PublicStore as _, SignRequest};

use cardmod_types::CardId;

use crate::card;
use crate::{Desk, certificate, certificate_of, common, is_signed_by, new, pin, shown, sign};

#[test]
fn rows_of_an_earlier_transaction_are_marked_and_cost_nothing() {
    let desk = Desk::with_keys("marked");
    let mut session = desk.open();
    let containers = session.containers().expect("a list");
    assert_eq!(shown(&containers), [("key-9a", "9a", false), ("key-9d", "9d", false)], "read just now");
    desk.done();
    let containers = session.containers().expect("a list");
    assert_eq!(shown(&containers), [("key-9a", "9a", true), ("key-9d", "9d", true)]);
    assert!(desk.done().is_empty());
    common::close(session);

    let mut next = desk.open();
    let containers = next.containers().expect("a list");
    assert_eq!(shown(&containers), [("key-9a", "9a", true), ("key-9d", "9d", true)]);
    assert_eq!(certificate_of(&containers[0]), Some(certificate_of_card(&desk)));
    assert_eq!(desk.done(), ["identity"], "another program");
    let mut held = next.hold().expect("a transaction");
    held.container(Some("9a")).expect("it");
    desk.done();
    let again = held.container(Some("9a")).expect("it");
    assert!(!again.cached, "within one transaction it was read once");
    assert!(desk.done().is_empty());
    drop(held);
    common::close(next);
}

fn certificate_of_card(desk: &Desk) -> Vec<u8> {
    let card = desk.card.lock().expect("the card");
    card.slots[0].as_ref().and_then(|slot| slot.certificate.clone()).expect("a certificate")
}

#[test]
fn a_key_that_is_remembered_signs_without_being_read() {
    let desk = Desk::with_keys("warmsign");
    let mut session = desk.open();
    session.containers().expect("a list");
    desk.done();
    for _ in 0..2 {
        assert!(is_signed_by(&sign(&mut session, "9a"), &card::public(1)));
        assert_eq!(desk.done(), ["PIN right", "sign 9a", "log out"]);
    }
    common::close(session);
}

#[test]
fn what_is_handed_out_is_read_again() {
    let desk = Desk::with_keys("handedout");
    let mut session = desk.open();
    session.containers().expect("a list");
    desk.done();
    let container = session.container(Some("9a")).expect("the container");
    assert!(!container.cached);
    let done = desk.done();
    assert!(done.contains(&"read mscp/ksc00".to_owned()) && done.contains(&"key 9a".to_owned()), "{done:?}");
    assert!(!done.contains(&"read mscp/ksc02".to_owned()), "and no more than that: {done:?}");
    let key = session.read_key(Some("9a"), None).expect("the key");
    assert_eq!((key.public, desk.done()), (card::public(1), vec!["key 9a".to_owned()]));
    common::close(session);
}

#[test]
fn what_is_written_is_remembered_as_it_is() {
    let desk = Desk::with_keys("renewed");
    let mut session = desk.open_to_write();
    session.containers().expect("a list");
    session.create_container(&new("9c"), &mut pin()).expect("a container");
    let der = certificate(10, "fresh");
    session.import_certificate(Some("9c"), None, &der, &mut pin()).expect("stored");
    common::close(session);
    desk.done();
    // Though the card was reset after it.
    let mut next = desk.open();
    let containers = next.containers().expect("a list");
    let made = containers.iter().find(|container| container.place.as_deref() == Some("9c")).expect("it");
    assert_eq!((certificate_of(made), made.cached), (Some(der), true));
    assert_eq!(made.keys[0].public, card::public(10));
    assert_eq!(desk.done(), ["identity"]);
    common::close(next);
}

#[test]
fn the_store_says_that_these_are_hints() {
    let desk = Desk::with_keys("labelled");
    let mut session = desk.open();
    session.containers().expect("a list");
    common::close(session);
    let store = DirectoryStore::new(desk.cache.path());
    let records: Vec<_> =
        store.list().iter().filter_map(|key| CacheRecord::parse(&store.load(key)?)).collect();
    let [record] = records.as_slice() else { panic!("{records:?}") };
    assert!(record.hints && record.items.contains_key("file:mscp/cmapfile"));
    assert!(record.items.keys().all(|name| !name.contains("cardcf")));
}

#[test]
fn a_card_that_allows_no_hints_is_remembered_as_it_says_itself() {
    let desk = Desk::with_keys("nohints");
    desk.change(|card| card.hints = false);
    // Read-only: until it is taken out.
    let mut session = desk.open();
    session.containers().expect("a list");
    desk.done();
    assert!(!session.containers().expect("a list")[0].cached);
    assert!(desk.done().is_empty());
    common::close(session);
    assert_eq!(std::fs::read_dir(desk.cache.path()).expect("a folder").count(), 0, "nothing is stored");
    // Writable: no longer than a transaction.
    let mut session = desk.open_to_write();
    session.containers().expect("a list");
    desk.change(|card| card.put(0, 5, None));
    assert_eq!(session.containers().expect("a list")[0].keys[0].public, card::public(5));
    common::close(session);
}

#[test]
fn hints_and_counted_memory_of_one_card_are_not_mixed() {
    let desk = Desk::with_keys("unmixed");
    let mut session = desk.open();
    session.containers().expect("a list");
    common::close(session);
    desk.change(|card| {
        card.hints = false;
        card.put(0, 5, None);
    });
    let mut session = desk.open();
    assert_eq!(session.containers().expect("a list")[0].keys[0].public, card::public(5));
    common::close(session);
}

#[test]
fn without_a_store_a_program_remembers_for_itself_alone() {
    let desk = Desk::with_keys("storeless");
    let host = common::host();
    let source =
        cardmod_host::ModuleSource::BuiltIn { entry: cardmod_sdk::acquire::<card::Module>, name: "places" };
    let options = OpenOptions { card_name: desk.name.clone(), ..OpenOptions::default() };
    let mut session = host.open(&desk.reader, &source, options).expect("a session");
    assert!(!session.containers().expect("a list")[0].cached);
    assert!(session.containers().expect("a list")[0].cached);
    let request = SignRequest::ecdsa(&[9; 32]);
    session.sign(Some("9a"), &request, &mut pin()).expect("a signature");
    common::close(session);
    assert_eq!(std::fs::read_dir(desk.cache.path()).expect("a folder").count(), 0);
}

#[test]
fn hints_that_are_given_up_past_the_module_are_forgotten_by_sessions_that_go_on() {
    let desk = Desk::with_keys("pastthemodule");
    let mut session = desk.open();
    session.containers().expect("a list");
    assert!(session.containers().expect("a list")[0].cached, "of the transaction before");
    let described = session.describe().expect("a description");
    let (id, atr) = (described.card_id.expect("an identity"), described.atr);
    let host = common::host().with_public_store(Arc::new(DirectoryStore::new(desk.cache.path())));
    // Another identity and another answer to reset: not this card.
    host.forget_hints(Some(&CardId([7; 16])), &[0x3B, 0x00]);
    assert!(session.containers().expect("a list")[0].cached);
    for (id, atr) in [(Some(id), &[0x3B, 0x00][..]), (None, &atr[..])] {
        host.forget_hints(id.as_ref(), atr);
        assert!(DirectoryStore::new(desk.cache.path()).list().is_empty());
        assert!(session.containers().expect("a list").iter().all(|container| !container.cached));
        assert!(session.containers().expect("a list")[0].cached, "known again");
    }
    common::close(session);
}
