//! Other programs on the same card: such as keep it, such as take it for themselves, and such as leave it
//! otherwise than they found it.

use std::process::Command;
use std::sync::Mutex;
use std::time::Duration;

use cardmod_host::{CardSession, Error, OpenOptions};
use cardmod_pcsc::{Card, Context, Disposition, Protocols, Provider, ShareMode};

use crate::common;
use crate::{make_key, sign};

/// A card with a key; it is in no session.
fn card(name: &str) -> String {
    let mut session = common::session(name);
    make_key(&mut session, &mut common::pin()).expect("a key");
    let reader = session.reader().to_owned();
    common::close(session);
    reader
}

fn open(reader: &str, options: OpenOptions) -> Result<CardSession, Error> {
    common::host().open(reader, &common::class_module(), options)
}

/// Little patience with other programs.
fn hurried() -> OpenOptions {
    OpenOptions { patience: Duration::from_millis(100), ..OpenOptions::default() }
}

fn stranger(reader: &str, share: ShareMode) -> (Context, Card) {
    let context = Context::establish(&Provider::from_table(cardmod_winscard::table())).expect("a context");
    let card = context.connect(reader, share, Protocols::ANY).expect("a connection");
    (context, card)
}

/// Whoever gave up has left a thread behind, which has the card for a moment.
fn sign_when_free(session: &mut CardSession) {
    loop {
        match sign(session, &mut common::pin()) {
            Err(Error::ReaderBusy { .. }) => {}
            signed => break drop(signed.expect("the card is free")),
        }
    }
}

#[test]
fn who_keeps_the_card_too_long_is_given_up_and_the_session_goes_on_later() {
    let reader = card("kept");
    let mut session = open(&reader, hurried()).expect("a session");
    let (_context, other) = stranger(&reader, ShareMode::Shared);
    session.containers().expect("it knows its card");
    other.begin_transaction().expect("a transaction");
    for _ in 0..2 {
        let error = session.containers().expect_err("another program has it");
        assert!(matches!(error, Error::ReaderBusy { .. }), "{error}");
    }
    let error = open(&reader, hurried()).err().expect("nor is it opened");
    assert!(matches!(error, Error::ReaderBusy { .. }), "{error}");
    other.end_transaction(Disposition::Leave).expect("its end");
    sign_when_free(&mut session);
    common::close(session);
    assert_eq!(common::Stranger::new(&reader).sign(), common::REFUSED, "nobody has it, and no right is left");
}

#[test]
fn who_keeps_a_card_he_has_reset_is_given_up_too() {
    let reader = card("reset-kept");
    let mut session = open(&reader, hurried()).expect("a session");
    sign(&mut session, &mut common::pin()).expect("a signature");
    let (_context, other) = stranger(&reader, ShareMode::Shared);
    other.reconnect(ShareMode::Shared, Protocols::ANY, Disposition::Reset).expect("reset");
    other.begin_transaction().expect("a transaction");
    for _ in 0..2 {
        let error = session.containers().expect_err("another program has it");
        assert!(matches!(error, Error::ReaderBusy { .. }), "{error}");
    }
    other.end_transaction(Disposition::Leave).expect("its end");
    sign_when_free(&mut session);
    common::close(session);
}

/// What other programs keep a session from, it is kept from in the way of the other platform as well.
#[test]
fn who_keeps_the_card_is_given_up_on_both_platforms() {
    for profile in ["windows", "pcsclite"] {
        let kept = ["who_keeps_the_card_too_long", "who_keeps_a_card_he_has_reset"];
        let run = Command::new(std::env::current_exe().expect("this program's path"))
            .args(kept)
            .env("CARDMOD_PCSC_PROFILE", profile)
            .output()
            .expect("a process");
        let said = String::from_utf8_lossy(&run.stdout);
        assert!(run.status.success() && said.contains("2 passed"), "{profile}: {said}");
    }
}

/// The program that has the card; it gives it back when somebody says that he waits.
static HOLDER: Mutex<Option<Card>> = Mutex::new(None);

fn give_back(reader: &str) {
    assert!(reader.contains("awaited"), "{reader}");
    let holder = HOLDER.lock().expect("the holder").take().expect("it is told once");
    holder.end_transaction(Disposition::Leave).expect("its end");
}

#[test]
fn who_waits_says_so_and_goes_on() {
    let reader = card("awaited");
    let told = OpenOptions { on_wait: Some(give_back), ..OpenOptions::default() };
    let mut session = open(&reader, told).expect("a session");
    let (context, other) = stranger(&reader, ShareMode::Shared);
    other.begin_transaction().expect("a transaction");
    *HOLDER.lock().expect("the holder") = Some(other);
    sign(&mut session, &mut common::pin()).expect("the card was given back");
    assert!(HOLDER.lock().expect("the holder").is_none(), "the wait was told");
    drop(context);
    common::close(session);
}

#[test]
fn a_card_that_a_program_has_for_itself_is_busy() {
    let reader = card("mine");
    let (_context, other) = stranger(&reader, ShareMode::Exclusive);
    let error = open(&reader, hurried()).err().expect("it is another's");
    assert!(matches!(error, Error::ReaderBusy { .. }), "{error}");
    assert!(error.to_string().contains("mine"), "{error} names the reader");
    other.disconnect(Disposition::Leave).expect("disconnected");
    let mut session = open(&reader, OpenOptions::default()).expect("now it is free");
    sign(&mut session, &mut common::pin()).expect("a signature");
    common::close(session);
}

/// What another program does to a card between two operations.
fn meddle(other: &Card, what: &str) {
    let send = |command: &[u8]| other.transmit(command).expect("an answer");
    match what {
        "selects another application" => {
            drop(send(&[0x00, 0xA4, 0x04, 0x00, 0x07, 0xA0, 0, 0, 0, 3, 0, 0, 0]))
        }
        "logs out" => drop(send(&[0x00, 0x20, 0x00, 0x82])),
        "chooses another key" => drop(send(&[0x00, 0x22, 0x41, 0xB6, 6, 0x80, 1, 0x1C, 0x84, 1, 0x85])),
        "resets it" => {
            other.reconnect(ShareMode::Shared, Protocols::ANY, Disposition::Reset).expect("reset");
        }
        other => unreachable!("{other}"),
    }
}

#[test]
fn whatever_others_do_to_the_card_the_next_operation_works() {
    let reader = card("thief");
    let mut session = open(&reader, OpenOptions::default()).expect("a session");
    let (_context, other) = stranger(&reader, ShareMode::Shared);
    for what in ["selects another application", "logs out", "chooses another key", "resets it"] {
        sign(&mut session, &mut common::pin())
            .unwrap_or_else(|error| panic!("before another {what}: {error}"));
        meddle(&other, what);
        sign(&mut session, &mut common::pin())
            .unwrap_or_else(|error| panic!("after another {what}: {error}"));
        // The reset of the other's own is told to it alone; what it did must not cost us a try.
        let tries = session.describe().expect("a description").pins[0].tries_left;
        assert_eq!(tries, Some(3), "another {what}");
    }
    common::close(session);
}
