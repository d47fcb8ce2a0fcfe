//! Several processes on one virtual card: exclusive use, transactions, resets, and a process that is killed.

mod common;

use std::time::{Duration, Instant};

use cardmod_pcsc::{Disposition, Protocols, SCARD_E_SHARING_VIOLATION, SCARD_W_RESET_CARD, ShareMode};
use common::{Other, SELECT, VERIFY, connect, context, status_word, world};

#[test]
#[ignore = "the other process of the tests below"]
fn other_process() {
    common::obey();
}

#[test]
fn exclusive_use_holds_across_processes() {
    let reader = world().card("exclusive");
    let mut other = Other::start();
    let context = context();
    assert_eq!(other.ask(&format!("exclusive {reader}")), "done");
    let error = context.connect(&reader, ShareMode::Shared, Protocols::ANY).expect_err("in use");
    assert_eq!(error.code, SCARD_E_SHARING_VIOLATION);
    assert_eq!(other.ask("leave"), "done");
    let card = connect(&context, &reader);
    assert_eq!(other.ask(&format!("exclusive {reader}")), "SCARD_E_SHARING_VIOLATION");
    drop(card);
    assert_eq!(other.ask(&format!("exclusive {reader}")), "done");
}

#[test]
fn a_transaction_holds_across_processes() {
    let reader = world().card("transaction");
    let mut other = Other::start();
    let context = context();
    let card = connect(&context, &reader);
    assert_eq!(other.ask(&format!("shared {reader}")), "done");
    card.begin_transaction().expect("begun");
    assert_eq!(status_word(&card.transmit(SELECT).expect("an answer")), 0x9000);
    other.order("begin");
    std::thread::sleep(Duration::from_millis(50));
    assert_eq!(status_word(&card.transmit(VERIFY).expect("undisturbed")), 0x9000);
    let ended = Instant::now();
    card.end_transaction(Disposition::Leave).expect("ended");
    assert_eq!(other.answer(), "done");
    let took = ended.elapsed();
    assert!(took < Duration::from_secs(2), "the other process waited {took:?} longer than it had to");
    assert_eq!(other.ask("verified"), "9000", "one card for both");
    assert_eq!(other.ask("end"), "done");
}

#[test]
fn a_reset_is_told_across_processes() {
    let reader = world().card("reset");
    let mut other = Other::start();
    let context = context();
    let card = connect(&context, &reader);
    assert_eq!(other.ask(&format!("shared {reader}")), "done");
    assert_eq!(other.ask("begin"), "done");
    assert_eq!(other.ask("reset"), "done");
    assert_eq!(card.transmit(SELECT).expect_err("told").code, SCARD_W_RESET_CARD);
    card.reconnect(ShareMode::Shared, Protocols::ANY, Disposition::Leave).expect("reconnected");
    assert_eq!(status_word(&card.transmit(SELECT).expect("an answer")), 0x9000);
}

#[test]
fn a_killed_process_leaves_a_reset_card() {
    let reader = world().card("killed");
    let mut other = Other::start();
    assert_eq!(other.ask(&format!("shared {reader}")), "done");
    assert_eq!(other.ask("begin"), "done");
    assert_eq!(other.ask("select"), "9000");
    other.kill();
    let context = context();
    let card = connect(&context, &reader);
    match card.begin_transaction() {
        Ok(()) => {}
        Err(error) => {
            assert_eq!(error.code, SCARD_W_RESET_CARD);
            card.reconnect(ShareMode::Shared, Protocols::ANY, Disposition::Leave).expect("reconnected");
            card.begin_transaction().expect("begun");
        }
    }
    assert_eq!(status_word(&card.transmit(SELECT).expect("an answer")), 0x9000);
}

#[test]
fn a_killed_exclusive_owner_is_forgotten() {
    let reader = world().card("killed-owner");
    let mut other = Other::start();
    assert_eq!(other.ask(&format!("exclusive {reader}")), "done");
    other.kill();
    let context = context();
    assert_eq!(status_word(&connect(&context, &reader).transmit(SELECT).expect("an answer")), 0x9000);
}
