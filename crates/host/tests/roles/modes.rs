//! How long what is remembered of a card lives, by the card's own word (property "Cache Mode"), with a store
//! and a module that believes what the host keeps for it.

use std::sync::Arc;

use cardmod_host::{CardSession, Container, DirectoryStore, Error, x509};
use cardmod_sdk::{SignatureInput, Status};
use cardmod_types::{CacheMode, CardId, FilePath, HashAlgorithm};

use crate::Desk;
use crate::card::role;

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

const CERTIFICATE: &str = "mscp/ksc01";

/// The user's container, and how often its certificate was asked of the card.
fn looked_at(desk: &Desk, session: &mut CardSession) -> (Result<Container, Error>, usize) {
    desk.change(|card| card.tried.clear());
    let container = session.container(Some(&role(1).to_string()));
    let tried = desk.card.lock().expect("the card").tried.clone();
    (container, tried.iter().filter(|name| *name == CERTIFICATE).count())
}

fn certificate(container: Result<Container, Error>) -> Option<Vec<u8>> {
    container.expect("a container").keys.remove(0).certificate
}

#[test]
fn a_missing_certificate_is_remembered_while_the_counter_of_files_stands() {
    let (desk, _folder) = desk("missing", CacheMode::Global);
    let mut session = desk.open();
    let (container, tried) = looked_at(&desk, &mut session);
    let key = container.expect("a container").keys.remove(0);
    assert_eq!((key.certificate, tried), (None, 1));
    let mut next = desk.open();
    for counters in [[0, 0, 0, 0, 0, 0], [0, 0, 1, 0, 0, 0]] {
        desk.change(|card| drop(card.files.insert(COUNTERS.to_owned(), counters.to_vec())));
        for session in [&mut session, &mut next] {
            let (container, tried) = looked_at(&desk, session);
            assert_eq!((certificate(container), tried), (None, 0), "{counters:?}");
        }
    }

    let subject = x509::Subject { name: "CN=seven", alternative_names: &[] };
    let sign = |digest: &[u8]| Ok(crate::common::signature_by_seven(&SignatureInput::Ecdsa(digest)));
    let der = x509::self_signed(&subject, 1, &key.public, HashAlgorithm::Sha256, sign).expect("one");
    desk.change(|card| {
        card.files.insert(CERTIFICATE.to_owned(), der.clone());
        card.files.insert(COUNTERS.to_owned(), vec![0, 0, 1, 0, 1, 0]);
    });
    for tried_now in [1, 0] {
        let (container, tried) = looked_at(&desk, &mut session);
        assert_eq!((certificate(container), tried), (Some(der.clone()), tried_now));
    }
    desk.change(|card| {
        card.files.remove(CERTIFICATE);
        card.files.insert(COUNTERS.to_owned(), vec![0, 0, 1, 0, 2, 0]);
    });
    for tried_now in [1, 0] {
        let (container, tried) = looked_at(&desk, &mut session);
        assert_eq!((certificate(container), tried), (None, tried_now), "and gone again");
    }
    for session in [session, next] {
        crate::common::close(session);
    }
}

#[test]
fn no_other_failure_of_a_read_is_remembered() {
    let failures = [
        ("unexpected", Status::Unexpected),
        ("forbidden", Status::SecurityViolation),
        ("nodirectory", Status::DirectoryNotFound),
    ];
    for (name, status) in failures {
        let (desk, _folder) = desk(name, CacheMode::Global);
        desk.change(|card| card.unreadable = [(CERTIFICATE.to_owned(), status)].into());
        let (mut session, mut next) = (desk.open(), desk.open());
        for session in [&mut session, &mut next] {
            for round in 0..2 {
                let (container, tried) = looked_at(&desk, session);
                assert_eq!(container.is_err(), name != "nodirectory", "{name}: {container:?}");
                // Twice where another program's memory was believed until then: it may be to blame.
                assert!((1..=2).contains(&tried), "{name}, {round}: {tried}");
            }
        }
        desk.change(|card| card.unreadable.clear());
        let (container, tried) = looked_at(&desk, &mut session);
        assert_eq!((certificate(container), tried), (None, 1), "{name}: asked again, and now it is missing");
        let (container, tried) = looked_at(&desk, &mut session);
        assert_eq!((certificate(container), tried), (None, 0), "{name}: which is remembered");
        for session in [session, next] {
            crate::common::close(session);
        }
    }
}
