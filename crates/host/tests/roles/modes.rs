//! How long what is remembered of a card lives, by the card's own word (property "Cache Mode"), with a store
//! and a module that believes what the host keeps for it.

use std::sync::Arc;

use cardmod_host::{CardSession, DirectoryStore};
use cardmod_types::{CacheMode, CardId, FilePath};

use crate::Desk;

/// A desk whose host has a store, and the store's folder.
fn desk(name: &str, mode: CacheMode) -> (Desk, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let desk = Desk::new(name);
    let host = desk.host.clone().with_public_store(Arc::new(DirectoryStore::new(folder.path())));
    // Cards whose identity is one byte sixteen times were never given one, and are not stored.
    desk.change(|card| (card.cache_mode, card.id) = (mode, CardId(*b"one of its own..")));
    (Desk { host, ..desk }, folder)
}

/// The files that a list of containers and a look at the card read.
fn read(desk: &Desk, session: &mut CardSession) -> Vec<String> {
    desk.change(|card| card.read.clear());
    session.containers().expect("a list");
    desk.card.lock().expect("the card").read.clone()
}

fn take_out_and_put_back(desk: &Desk) {
    let mut card = crate::common::store().open_card(&desk.name).expect("the card");
    card.eject().expect("out");
    card.insert().expect("in again");
}

const COUNTERS: &str = "cardcf";
const MAP: &str = "mscp/cmapfile";

#[test]
fn what_is_remembered_for_everybody_outlives_the_session() {
    let (desk, folder) = desk("modeglobal", CacheMode::Global);
    let mut session = desk.open();
    assert_eq!(read(&desk, &mut session), [COUNTERS, MAP]);
    assert_eq!(read(&desk, &mut session), [COUNTERS]);
    take_out_and_put_back(&desk);
    assert_eq!(read(&desk, &mut session), [COUNTERS], "the card and its counters are the same");
    assert_eq!(read(&desk, &mut desk.open()), [COUNTERS], "the next program");
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 1);
    crate::common::close(session);
}

#[test]
fn what_is_remembered_for_a_session_goes_with_the_card() {
    let (desk, folder) = desk("modesession", CacheMode::Session);
    let mut session = desk.open();
    assert_eq!(read(&desk, &mut session), [COUNTERS, MAP]);
    assert_eq!(read(&desk, &mut session), [COUNTERS]);
    take_out_and_put_back(&desk);
    assert_eq!(read(&desk, &mut session), [COUNTERS, MAP], "it may have changed elsewhere");
    assert_eq!(read(&desk, &mut session), [COUNTERS]);
    assert_eq!(read(&desk, &mut desk.open()), [COUNTERS, MAP], "the next program");
    crate::common::close(session);
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0, "nothing is stored");
}

#[test]
fn what_is_not_to_be_remembered_lives_for_a_transaction() {
    let (desk, folder) = desk("modenone", CacheMode::None);
    let mut session = desk.open();
    for _ in 0..2 {
        assert_eq!(read(&desk, &mut session), [COUNTERS, MAP]);
    }
    let mut held = session.hold().expect("a transaction");
    read(&desk, &mut held);
    assert!(read(&desk, &mut held).is_empty(), "within one it stands");
    drop(held);
    assert_eq!(read(&desk, &mut session), [COUNTERS, MAP]);
    crate::common::close(session);
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0, "nothing is stored");
}

/// Also after the module's context was made anew.
#[test]
fn what_a_module_keeps_is_believed_after_a_look_at_the_counters_alone() {
    let (desk, _folder) = desk("modekept", CacheMode::Global);
    let note = FilePath::parse("mscp/note").expect("a name");
    let write = |text: &str, count: u8| {
        desk.change(|card| {
            card.files.insert("mscp/note".to_owned(), text.into());
            card.files.insert("cardcf".to_owned(), vec![0, 0, 0, 0, count, 0]);
        });
    };
    write("one", 1);
    let mut session = desk.open();
    for round in 0..2 {
        session.containers().expect("a list");
        assert_eq!(session.read_file(&note).expect("a file"), b"one", "{round}");
        write("two", 2 + round);
        assert_eq!(session.read_file(&note).expect("a file"), b"two", "{round}");
        write("one", 10 + round);
        take_out_and_put_back(&desk);
    }
    crate::common::close(session);
}
