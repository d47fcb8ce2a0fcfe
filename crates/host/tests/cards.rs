//! A card that several threads share: its transaction goes on for a while, ends when its time is up, and
//! takes every right along.

mod common;

use std::sync::Arc;
use std::time::Duration;

use cardmod_host::clock::ManualClock;
use cardmod_host::verify::verify_signature;
use cardmod_host::{
    Card, CardSession, Error, HOLD_LIMIT, Host, KeyAlgorithm, KeySource, NewContainer, NoPin, OpenOptions,
    SignRequest,
};
use cardmod_pcsc::Disposition;
use cardmod_types::{EcCurve, KeyHalf, SignaturePadding};
use common::{REFUSED, Stranger};

const HOLD: Duration = Duration::from_millis(1500);

/// A card with a key of 256 bits on a curve, in a reader.
fn prepared(name: &str) -> String {
    let reader = common::card_of(name, &common::profile(name));
    let mut session = common::open(&reader);
    let key = KeySource::Generate(KeyAlgorithm::Ec(EcCurve::P256));
    let new = NewContainer { name: "key".to_owned(), key, half: KeyHalf::Signature, default: true };
    session.create_container(&new, &mut common::pin()).expect("a container");
    common::close(session);
    reader
}

struct Setting {
    reader: String,
    clock: Arc<ManualClock>,
    host: Host,
    card: Card,
}

fn setting(name: &str) -> Setting {
    let reader = prepared(name);
    let clock = ManualClock::new();
    let host = common::host().without_pin_cache().with_clock(clock.clone());
    let card =
        host.open_card(&reader, &common::class_module(), OpenOptions::default()).expect("a shared card");
    Setting { reader, clock, host, card }
}

fn sign(session: &mut CardSession) -> Result<Vec<u8>, Error> {
    session.sign(None, &SignRequest::ecdsa(&[1; 32]), &mut common::pin())
}

fn sign_silently(session: &mut CardSession) -> Result<Vec<u8>, Error> {
    session.sign(None, &SignRequest::ecdsa(&[1; 32]), &mut NoPin)
}

#[test]
fn within_the_hold_a_signature_is_one_command_and_no_pin() {
    let Setting { reader, clock, card, .. } = setting("lingers");
    sign(&mut card.lock()).expect("a signature");
    let before = common::apdus(&reader);
    sign_silently(&mut card.lock()).expect("a signature without a PIN");
    assert_eq!(common::apdus(&reader) - before, 1);
    clock.advance(HOLD - Duration::from_millis(1));
    sign_silently(&mut card.lock()).expect("the time begins anew with each operation");
    clock.advance(HOLD - Duration::from_millis(1));
    sign_silently(&mut card.lock()).expect("and anew");
    clock.advance(HOLD);
    let error = sign_silently(&mut card.lock()).expect_err("the time is up");
    assert!(matches!(error, Error::PinRequired { .. }), "{error}");
    assert_eq!(card.close().expect("a clean end").live_blocks, 0);
}

#[test]
fn when_the_time_is_up_others_get_the_card_and_no_right() {
    let Setting { reader, clock, card, .. } = setting("ends");
    let stranger = Stranger::new(&reader);
    sign(&mut card.lock()).expect("a signature");
    clock.advance(HOLD);
    // Waits for the timer's thread to end the transaction: nobody else does.
    assert_eq!(stranger.sign(), REFUSED);
    sign(&mut card.lock()).expect("with the PIN again");
    card.close().expect("a clean end");
    assert_eq!(stranger.sign(), REFUSED, "closing ends it at once");
}

#[test]
fn the_refusal_is_the_missing_right_and_nothing_else() {
    let reader = prepared("proof");
    let (careless, stranger) = (Stranger::new(&reader), Stranger::new(&reader));
    assert_eq!(stranger.sign(), REFUSED);
    careless.card.begin_transaction().expect("a transaction");
    assert_eq!(careless.status(b"\x00\x20\x00\x80\x06123456"), 0x9000);
    careless.card.end_transaction(Disposition::Leave).expect("its end");
    assert_eq!(stranger.sign(), Ok(()), "whoever leaves a right behind leaves it to everybody");
}

#[test]
fn an_operation_takes_the_right_along_without_any_timer() {
    let reader = prepared("alone");
    let mut session = common::open(&reader);
    sign(&mut session).expect("a signature");
    assert_eq!(Stranger::new(&reader).sign(), REFUSED);
    common::close(session);
    let options = OpenOptions { transaction_hold: Duration::ZERO, ..OpenOptions::default() };
    let card = common::host().open_card(&reader, &common::class_module(), options).expect("a card");
    sign(&mut card.lock()).expect("a signature");
    assert_eq!(Stranger::new(&reader).sign(), REFUSED, "zero is at once");
    card.close().expect("a clean end");
}

#[test]
fn dropping_the_last_clone_or_the_host_ends_it_at_once() {
    let Setting { reader, host, card, .. } = setting("dropped");
    sign(&mut card.lock()).expect("a signature");
    let clone = card.clone();
    drop(card);
    sign_silently(&mut clone.lock()).expect("a clone is the same card");
    drop(clone);
    let stranger = Stranger::new(&reader);
    assert_eq!(stranger.sign(), REFUSED);

    let card = host.open_card(&reader, &common::class_module(), OpenOptions::default()).expect("a card");
    sign(&mut card.lock()).expect("a signature");
    drop(host);
    assert_eq!(stranger.sign(), REFUSED);
    sign(&mut card.lock()).expect("the card is usable without the host");
    card.close().expect("a clean end");
}

#[test]
fn a_hold_outlives_guards_and_ends_when_it_idles() {
    let Setting { reader, clock, card, .. } = setting("held");
    let stranger = Stranger::new(&reader);
    let hold = card.hold().expect("a transaction");
    sign(&mut hold.lock()).expect("a signature");
    clock.advance(HOLD_LIMIT - Duration::from_millis(1));
    sign_silently(&mut card.lock()).expect("held longer than it would linger");
    clock.advance(HOLD_LIMIT);
    assert_eq!(stranger.sign(), REFUSED, "nobody holds a card for ever");
    let error = sign_silently(&mut hold.lock()).expect_err("begun anew");
    assert!(matches!(error, Error::PinRequired { .. }), "{error}");
    sign(&mut hold.lock()).expect("a signature");
    drop(hold);
    assert_eq!(stranger.sign(), REFUSED, "the end of the hold is the end of the transaction");
    card.close().expect("a clean end");
}

#[test]
fn a_hold_of_a_session_loses_its_rights_when_it_idles() {
    let reader = prepared("heldalone");
    let clock = ManualClock::new();
    let host = common::host().without_pin_cache().with_clock(clock.clone());
    let mut session = host.open(&reader, &common::class_module(), OpenOptions::default()).expect("a session");
    let mut held = session.hold().expect("a transaction");
    sign(&mut held).expect("a signature");
    clock.advance(HOLD_LIMIT - Duration::from_millis(1));
    sign_silently(&mut held).expect("in time");
    clock.advance(HOLD_LIMIT);
    let error = sign_silently(&mut held).expect_err("too late");
    assert!(matches!(error, Error::PinRequired { .. }), "{error}");
    drop(held);
    common::close(session);
}

#[test]
fn a_closed_card_says_so_to_the_other_clones() {
    let Setting { card, .. } = setting("closed");
    let clone = card.clone();
    sign(&mut card.lock()).expect("a signature");
    assert_eq!(card.close().expect("a clean end").live_blocks, 0);
    let closed = |error: Error| matches!(error, Error::Closed { .. });
    assert!(clone.lock().containers().is_err_and(closed));
    assert!(clone.hold().is_err_and(closed));
    assert!(clone.close().is_err_and(closed));
}

#[test]
fn eight_threads_use_one_card_at_once_while_time_passes() {
    const THREADS: usize = 8;
    const EACH: usize = 25;
    let Setting { clock, card, .. } = setting("threads");
    let public = card.lock().container(None).expect("the container").keys.remove(0).public;
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (card, public, clock) = (card.clone(), public.clone(), clock.clone());
            scope.spawn(move || {
                for round in 0..EACH {
                    let mut digest = [0; 32];
                    digest[0] = thread as u8;
                    digest[1] = round as u8;
                    let request = SignRequest::ecdsa(&digest);
                    let signature =
                        card.lock().sign(None, &request, &mut common::pin()).expect("a signature");
                    verify_signature(&public, &SignaturePadding::None, &digest, &signature)
                        .expect("the signature of this thread's data");
                    match (thread + round) % 4 {
                        0 => clock.advance(HOLD),
                        1 => drop(card.hold().expect("a transaction")),
                        2 => assert_eq!(card.lock().containers().expect("a list").len(), 1),
                        _ => clock.advance(HOLD / 2),
                    }
                }
            });
        }
    });
    let ledger = card.close().expect("a clean end");
    assert_eq!((ledger.live_blocks, ledger.refused.total()), (0, 0));
}

#[test]
fn a_panic_in_the_middle_leaves_no_right() {
    let Setting { reader, card, .. } = setting("panics");
    let clone = card.clone();
    let thread = std::thread::spawn(move || {
        let mut guard = clone.lock();
        sign(&mut guard).expect("a signature");
        panic!("the caller's own");
    });
    thread.join().expect_err("it panicked");
    assert_eq!(Stranger::new(&reader).sign(), REFUSED);
    sign(&mut card.lock()).expect("the card is usable");
    card.close().expect("a clean end");
}

#[test]
fn a_system_clock_ends_it_too() {
    let reader = prepared("realtime");
    let options = OpenOptions { transaction_hold: Duration::from_millis(1), ..OpenOptions::default() };
    let host = common::host();
    let card = host.open_card(&reader, &common::class_module(), options).expect("a card");
    sign(&mut card.lock()).expect("a signature");
    // Waits for the timer's thread, however long it takes.
    assert_eq!(Stranger::new(&reader).sign(), REFUSED);
    drop(host);
    card.close().expect("a clean end");
}

#[test]
fn a_hold_signs_with_one_command_each() {
    let Setting { reader, card, .. } = setting("onecommand");
    let hold = card.hold().expect("a transaction");
    sign(&mut hold.lock()).expect("a signature");
    let before = common::apdus(&reader);
    for _ in 0..3 {
        sign_silently(&mut hold.lock()).expect("a signature");
    }
    assert_eq!(common::apdus(&reader) - before, 3);
    drop(hold);
    card.close().expect("a clean end");
}
