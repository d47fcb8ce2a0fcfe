//! Something happens to the card between operations: in a session without a transaction, in a card whose
//! transaction lingers, in one that is held; and before the timer's own work.

use std::sync::Arc;

use cardmod_host::clock::ManualClock;
use cardmod_host::{Card, CardSession, Error, HOLD_LIMIT, NoPin, OpenOptions, SignRequest};
use cardmod_pcsc::SCARD_W_RESET_CARD;

use crate::cards;
use crate::common::{self, REFUSED, Stranger};
use crate::operations::{self, Operation, sign};
use crate::wire::{self, Event, When};

fn shared(reader: &str) -> (Arc<ManualClock>, Card) {
    let clock = ManualClock::new();
    let host = common::host().with_clock(clock.clone());
    let card = host.open_card(reader, &common::class_module(), OpenOptions::default()).expect("a card");
    (clock, card)
}

fn sign_silently(session: &mut CardSession) -> Result<Vec<u8>, Error> {
    session.sign(Some("key"), &SignRequest::ecdsa(&[1; 32]), &mut NoPin)
}

/// While the card is out or another one is there, operations say so and show nothing to it; then it is put
/// back.
fn put_back(reader: &str, event: Event, session: &mut CardSession) {
    if !event.leaves_the_card() {
        let error = sign(session).expect_err("not this card");
        assert!(matches!(error, Error::Removed { .. }), "{event:?}: {error}");
        let (_, sent) = wire::outcome(reader);
        let secret = sent.iter().find(|sent| sent.by_another && sent.instruction == 0x20);
        assert_eq!(secret, None, "{event:?}");
    }
    wire::put_back(reader);
}

#[test]
fn an_idle_session_goes_on() {
    let reader = cards("idle");
    let mut session = common::open(&reader);
    sign(&mut session).expect("a signature");
    for event in Event::ALL {
        wire::strike(&reader, event);
        put_back(&reader, event, &mut session);
        sign(&mut session).unwrap_or_else(|error| panic!("{event:?}: {error}"));
        assert_eq!(Stranger::new(&reader).sign(), REFUSED, "{event:?}");
    }
    common::close(session);
}

#[test]
fn a_lingering_card_asks_for_the_pin_again() {
    let reader = cards("linger");
    let (_clock, card) = shared(&reader);
    for event in Event::ALL {
        sign(&mut card.lock()).unwrap_or_else(|error| panic!("{event:?}: {error}"));
        wire::strike(&reader, event);
        put_back(&reader, event, &mut card.lock());
        let error = sign_silently(&mut card.lock()).expect_err("nobody is authenticated");
        assert!(matches!(error, Error::PinRequired { .. }), "{event:?}: {error}");
        assert_eq!(Stranger::new(&reader).sign(), REFUSED, "{event:?}");
    }
    card.close().expect("a clean end");
}

#[test]
fn the_timer_takes_rights_away_whatever_happened() {
    let reader = cards("timer");
    let stranger = Stranger::new(&reader);
    for event in Event::ALL {
        let (clock, card) = shared(&reader);
        sign(&mut card.lock()).expect("a signature");
        wire::strike(&reader, event);
        clock.advance(HOLD_LIMIT);
        // Waits for the guard or the timer, whichever is first at the session: the transaction is over.
        drop(card.lock().hold().map(drop));
        wire::put_back(&reader);
        card.close().expect("a clean end");
        let stranger_again = Stranger::new(&reader);
        assert_eq!(stranger_again.sign(), REFUSED, "{event:?}");
    }
    drop(stranger);
}

#[test]
fn a_dropped_card_leaves_no_right_whatever_happened() {
    let reader = cards("drop");
    for event in Event::ALL {
        let (_clock, card) = shared(&reader);
        sign(&mut card.lock()).expect("a signature");
        wire::strike(&reader, event);
        drop(card);
        wire::put_back(&reader);
        assert_eq!(Stranger::new(&reader).sign(), REFUSED, "{event:?}");
    }
}

/// Windows resets a card whose transaction idles for five seconds, and tells of it at the next command.
#[test]
fn a_hold_that_the_resource_manager_broke_goes_on() {
    let reader = cards("held");
    let mut session = common::open(&reader);
    let mut held = session.hold().expect("a transaction");
    for event in Event::ALL.into_iter().filter(|event| event.leaves_the_card()) {
        sign(&mut held).expect("a signature");
        wire::plan(&reader, 1, event, When::Before);
        sign(&mut held).unwrap_or_else(|error| panic!("{event:?}: {error}"));
        let (struck, _) = wire::outcome(&reader);
        assert_eq!(struck, Some(0x2A), "the signature was one command");
        let before = common::apdus(&reader);
        sign_silently(&mut held).expect("the same transaction again");
        assert_eq!(common::apdus(&reader) - before, 1, "{event:?}");
    }
    drop(held);
    assert_eq!(Stranger::new(&reader).sign(), REFUSED);
    common::close(session);
}

#[test]
fn a_card_that_cannot_be_deauthenticated_is_reset() {
    let reader = cards("deauth");
    let stranger = Stranger::new(&reader);
    let mut session = common::open(&reader);
    // Once for what is read only once.
    sign(&mut session).expect("a signature");
    assert_eq!(stranger.sign(), REFUSED);
    session.containers().expect("a list");
    let at = {
        wire::plan(&reader, u32::MAX, Event::Noise, When::Before);
        sign(&mut session).expect("a signature");
        let (_, sent) = wire::outcome(&reader);
        // VERIFY that takes the right away: no data, reference 82.
        let found = sent.iter().position(|sent| (sent.instruction, sent.parameters) == (0x20, 0x82));
        u32::try_from(found.expect("a deauthentication") + 1).expect("a few")
    };
    assert_eq!(stranger.sign(), REFUSED, "taken away in good order, without a reset");
    // The same commands again, of which the module's deauthentication fails.
    session.containers().expect("a list");
    wire::plan(&reader, at, Event::Noise, When::Before);
    sign(&mut session).expect("the signature was made");
    assert_eq!(wire::outcome(&reader).0, Some(0x20));
    let error = stranger.card.begin_transaction().expect_err("the others are told");
    assert_eq!(error.code, SCARD_W_RESET_CARD);
    common::close(session);
}

#[test]
fn a_transaction_whose_end_fails_is_over_all_the_same() {
    let reader = cards("noend");
    let stranger = Stranger::new(&reader);
    let mut session = common::open(&reader);
    wire::fail_end(&reader);
    sign(&mut session).expect("the signature was made");
    // Waits for ever, if the transaction goes on.
    assert_eq!(stranger.sign(), REFUSED);
    sign(&mut session).expect("the next one");
    common::close(session);
}

/// The module does not take the right away, and the reset that would do it instead does not happen.
#[test]
fn rights_that_could_not_be_taken_away_are_owed() {
    let reader = cards("owed");
    let mut session = common::open(&reader);
    session.containers().expect("a list");
    let mut held = session.hold().expect("a transaction");
    sign(&mut held).expect("a signature");
    wire::plan(&reader, 1, Event::Noise, When::Before);
    wire::fail_end(&reader);
    held.deauthenticate().unwrap_or_else(|error| panic!("new handles do it: {error}"));
    assert_eq!(wire::outcome(&reader).0, Some(0x20));
    let error = sign_silently(&mut held).expect_err("nobody is authenticated");
    assert!(matches!(error, Error::PinRequired { .. }), "{error}");
    drop(held);
    // Waits for ever, if a transaction goes on.
    assert_eq!(Stranger::new(&reader).sign(), REFUSED);
    sign(&mut session).expect("the next one");
    common::close(session);
}

/// A plan is made of what the card says, not of a connection that failed.
#[test]
fn a_plan_to_rebuild_the_map_is_made_from_the_beginning() {
    let reader = cards("plan");
    let mut session = common::open(&reader);
    let clean = session.plan_rebuild().expect("a plan");
    for event in Event::ALL.into_iter().filter(|event| event.leaves_the_card()) {
        for at in 1.. {
            let case = format!("{event:?} at command {at}");
            common::close(session);
            session = common::open(&reader);
            // It knows its card, and no keys.
            session.locate(Some("key")).expect("a container");
            wire::plan(&reader, at, event, When::Before);
            let plan = session.plan_rebuild().unwrap_or_else(|error| panic!("{case}: {error}"));
            assert_eq!(plan, clean, "{case}");
            if wire::outcome(&reader).0.is_none() {
                break;
            }
        }
    }
    common::close(session);
}

/// New handles are in `CARD_DATA` before each operation; the module reads them at its next call.
#[test]
fn every_operation_works_on_handles_that_are_new() {
    let every: [Operation; 21] = [
        operations::LIST,
        operations::DESCRIBE,
        operations::READ_FILE,
        operations::SIGN,
        operations::COLD_SIGN,
        operations::DECRYPT,
        operations::DERIVE,
        operations::GENERATE,
        operations::IMPORT,
        operations::DELETE,
        operations::SET_DEFAULT,
        operations::WRITE_CERTIFICATE,
        operations::DELETE_CERTIFICATE,
        operations::VERIFY_PIN,
        operations::CHANGE_PIN,
        operations::UNBLOCK_BY_PUK,
        operations::UNBLOCK_BY_ADMIN,
        operations::ADMIN,
        operations::CREATE_FILE,
        operations::WRITE_FILE,
        operations::DELETE_FILE,
    ];
    let reader = cards("handles");
    let mut session = common::open(&reader);
    session.containers().expect("a list");
    for operation in every {
        (operation.prepare)(&mut session);
        wire::drop_contexts(&reader);
        (operation.run)(&mut session).unwrap_or_else(|error| panic!("{}: {error}", operation.name));
        (operation.prepare)(&mut session);
        assert_eq!(Stranger::new(&reader).sign(), REFUSED, "{}", operation.name);
    }
    common::close(session);
}

/// A session that has not looked at its card yet recognises nothing.
#[test]
fn a_card_nobody_looked_at_is_not_recognised() {
    let reader = cards("stranger");
    let mut session = common::open(&reader);
    wire::strike(&reader, Event::Reinsertion);
    let error = sign(&mut session).expect_err("any card could be there");
    assert!(matches!(error, Error::Removed { .. }), "{error}");
    assert!(sign(&mut session).is_err(), "that stays so");
    session.close().expect("a clean end");
}
