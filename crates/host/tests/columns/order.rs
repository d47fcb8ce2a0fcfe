//! Which application is asked for first: what the store knows of cards with the same answer to reset shortens the
//! discovery, and never makes a card with both applications another than a PIV card.

use std::path::Path;

use cardmod_host::{CacheRecord, CardSession, DirectoryStore, ManagementKey, OpenOptions, PublicStore as _};
use cardmod_types::CardApplication;

use crate::{Columns, Counted, common};

const FOUND_AT_ONCE: usize = 1;
const PIV_THEN_GIDS: usize = 2;

fn list(session: &mut CardSession) {
    assert!(session.containers().expect("containers").is_empty());
}

/// What a new program that lists the card's containers sends to find the application, and to see which card it is.
fn listing(card: &Counted, cache: &Path) -> [usize; 2] {
    let [discovery, identity, _, pin, key, end]: Columns = card.whole(cache, list);
    assert_eq!([pin, key, end], [0, 0, 0]);
    [discovery, identity]
}

/// A card with both applications.
fn dual(name: &str) -> Counted {
    Counted::of(|| {
        let made = common::store().create_dual(name, &common::profile(name), &common::piv_profile(name));
        made.expect("a card");
        cardmod_winscard::reader_name(name)
    })
}

/// Whether a new program that names no application opens the card as a PIV card.
fn is_piv(card: &Counted, cache: &Path) -> bool {
    let mut program = card.program(cache);
    let has_slots = !program.session.place_labels().expect("places").is_empty();
    list(&mut program.session);
    common::close(program.session);
    has_slots
}

/// The applications of the records in the store.
fn remembered(cache: &Path) -> Vec<Option<CardApplication>> {
    let store = DirectoryStore::new(cache);
    let records = store.list().into_iter().filter_map(|key| CacheRecord::parse(&store.load(&key)?));
    records.map(|record| record.application).collect()
}

#[test]
fn a_card_not_seen_yet_is_opened_by_the_modules_own_order() {
    let (first, second) = (Counted::gids("order-one", true), Counted::gids("order-two", true));
    let cache = tempfile::tempdir().expect("a folder");
    assert_eq!(listing(&first, cache.path()), [PIV_THEN_GIDS, 2]);
    assert_eq!(remembered(cache.path()), [Some(CardApplication::Gids)]);
    assert_eq!(listing(&first, cache.path()), [FOUND_AT_ONCE, 2]);
    assert_eq!(
        listing(&second, cache.path()),
        [1 + PIV_THEN_GIDS, 1 + 2],
        "GIDS says who it is, which nobody knows"
    );
    for card in [&second, &first] {
        assert_eq!(listing(card, cache.path()), [FOUND_AT_ONCE, 2]);
    }

    let store = DirectoryStore::new(cache.path());
    for key in store.list() {
        assert!(store.remove(&key));
    }
    assert_eq!(listing(&first, cache.path()), [PIV_THEN_GIDS, 2], "after a flush");
}

#[test]
fn a_card_with_both_is_a_piv_card_whatever_others_were() {
    let (gids, both) = (Counted::gids("order-gids", true), dual("order-both"));
    let piv = Counted::of(|| common::piv_card_of("order-piv", &common::piv_profile("order-piv")));
    let cache = tempfile::tempdir().expect("a folder");
    // Opened by name it is a GIDS card, of which nothing follows for who names none.
    let card_name = CardApplication::Gids.card_name().to_owned();
    for _ in 0..2 {
        let options = OpenOptions { card_name: card_name.clone(), ..OpenOptions::default() };
        let mut named = both.program_with(cache.path(), options);
        list(&mut named.session);
        assert!(named.session.place_labels().expect("places").is_empty(), "GIDS");
        common::close(named.session);
    }
    assert!(is_piv(&both, cache.path()), "after it was opened as a GIDS card by name");
    for _ in 0..2 {
        assert!(!is_piv(&gids, cache.path()));
        assert!(is_piv(&both, cache.path()), "after a GIDS card with the same answer to reset");
        assert!(!is_piv(&gids, cache.path()));
        assert!(is_piv(&piv, cache.path()), "and so is one that has no GIDS");
    }
    assert_eq!(listing(&both, cache.path())[0], FOUND_AT_ONCE, "after a PIV card PIV is the first again");
}

#[test]
fn who_hands_over_a_management_key_means_piv() {
    let (gids, both) = (Counted::gids("order-key-gids", true), dual("order-key-both"));
    let cache = tempfile::tempdir().expect("a folder");
    for _ in 0..2 {
        list(&mut gids.program(cache.path()).session);
    }
    let before = both.lines().len();
    let options = OpenOptions { management_key: Some(ManagementKey::well_known()), ..OpenOptions::default() };
    let writer = both.program_with(cache.path(), options);
    assert_eq!(both.lines().len() - before, FOUND_AT_ONCE, "GIDS is not asked for");
    writer.session.close().expect("a clean end");
}

#[test]
fn a_damaged_or_foreign_record_is_none() {
    let card = Counted::gids("order-damaged", true);
    let cache = tempfile::tempdir().expect("a folder");
    list(&mut card.program(cache.path()).session);
    assert_eq!(listing(&card, cache.path()), [FOUND_AT_ONCE, 2]);
    let store = DirectoryStore::new(cache.path());
    let key = store.list().remove(0);
    let mut value = store.load(&key).expect("a record");
    // The same of another card: what its text says counts, not under which name it lies.
    let foreign = format!("{}{}", "77".repeat(16), &key[32..]);
    assert!(store.remove(&key));
    store.save(&foreign, &value);
    assert_eq!(listing(&card, cache.path()), [PIV_THEN_GIDS, 2], "another card's name");

    let last = value.len() - 2;
    value[last] ^= 1;
    assert!(store.remove(&foreign));
    store.save(&key, &value);
    assert_eq!(listing(&card, cache.path()), [PIV_THEN_GIDS, 2], "damaged");
}

#[test]
fn a_card_put_in_again_is_asked_for_what_it_was() {
    let card = Counted::gids("order-again", true);
    let host = common::host();
    let mut session =
        host.open(&card.reader, &common::class_module(), OpenOptions::default()).expect("a session");
    list(&mut session);
    let mut virtual_card = common::store().open_card("order-again").expect("the card");
    virtual_card.eject().expect("out");
    virtual_card.insert().expect("in again");
    let before = card.lines().len();
    list(&mut session);
    let [discovery, ..] = card.columns(before, 0);
    assert_eq!(discovery, FOUND_AT_ONCE, "no store is needed to know that");
    common::close(session);
}
