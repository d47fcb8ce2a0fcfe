//! What a program learns of a virtual reader's failure beyond the PC/SC code.

mod common;

use std::time::Duration;

use cardmod_pcsc::{Protocols, SCARD_E_SHARING_VIOLATION, SCARD_F_COMM_ERROR, ShareMode};
use cardmod_virtual::Store;
use cardmod_winscard::{FaultKind, Mounted, last_fault};
use common::{SELECT, VERIFY, connect, context, status_word, world};

/// VERIFY of a wrong PIN: the lost try is saved before anything else.
const WRONG: &[u8] = &[0x00, 0x20, 0x00, 0x80, 0x06, b'9', b'9', b'9', b'9', b'9', b'9'];

#[test]
#[ignore = "the other process of the test below"]
fn other_process() {
    common::obey();
}

#[test]
fn who_is_in_the_way_is_told_until_the_card_answers() {
    let reader = world().card("busy");
    let (context, mut other) = (context(), common::Other::start());
    assert_eq!(other.ask(&format!("exclusive {reader}")), "done");
    let error = context.connect(&reader, ShareMode::Shared, Protocols::ANY).expect_err("in use");
    assert_eq!(error.code, SCARD_E_SHARING_VIOLATION);
    let fault = last_fault(&reader).expect("a fault");
    assert_eq!(fault.kind, FaultKind::Busy);
    assert!(fault.text.contains("exclusively") && fault.text.contains("busy"), "{fault:?}");
    assert_eq!(last_fault("Virtual PCD 00 00"), None, "no reader of ours");
    drop(other);
    let card = connect(&context, &reader);
    assert_eq!(status_word(&card.transmit(SELECT).expect("an answer")), 0x9000);
    assert_eq!(last_fault(&reader), None);
}

#[test]
fn a_process_that_stopped_in_the_middle_of_a_command_makes_the_reader_busy() {
    let directory = tempfile::TempDir::new().expect("a directory");
    let store = Store::open(directory.path()).expect("a store").with_patience(Duration::from_millis(20));
    let _world = world();
    let _mounted = Mounted::new(&store).expect("served");
    let (reader, context) = (common::card_of(&store, "stopped"), context());
    let card = connect(&context, &reader);
    let mut other = common::Other::start();
    let lock = directory.path().join("stopped/lock");
    assert_eq!(other.ask(&format!("lock {}", lock.display())), "done");
    assert_eq!(card.transmit(SELECT).expect_err("locked").code, SCARD_E_SHARING_VIOLATION);
    let fault = last_fault(&reader).expect("a fault");
    assert_eq!(fault.kind, FaultKind::Busy);
    assert!(fault.text.contains("another program keeps") && fault.text.contains("20 ms"), "{fault:?}");
    let error = context.connect(&reader, ShareMode::Shared, Protocols::ANY).expect_err("locked");
    assert_eq!(error.code, SCARD_E_SHARING_VIOLATION);
    other.kill();
    assert_eq!(status_word(&card.transmit(SELECT).expect("an answer")), 0x9000);
    assert_eq!(last_fault(&reader), None);
}

#[test]
fn an_image_that_is_not_saved_is_told_after_further_commands_too() {
    let reader = world().card("unsaved");
    let image = world().directory().join("unsaved/card.image");
    // The new image is written beside the old one, where a folder is in its way.
    let beside = image.with_file_name("card.image.new");
    let (context, before) = (context(), std::fs::read(&image).expect("the image"));
    let card = connect(&context, &reader);
    assert_eq!(status_word(&card.transmit(SELECT).expect("an answer")), 0x9000);
    std::fs::create_dir(&beside).expect("a folder");
    assert_eq!(card.transmit(WRONG).expect_err("not saved").code, SCARD_F_COMM_ERROR);
    assert_eq!(status_word(&card.transmit(SELECT).expect("an answer")), 0x9000);
    let fault = last_fault(&reader).expect("a fault");
    // Windows calls a folder in a file's place a matter of rights.
    assert_eq!(fault.kind, if cfg!(windows) { FaultKind::NoRights } else { FaultKind::NotSaved });
    assert!(fault.text.contains("card.image was not saved"), "{fault:?}");
    assert_eq!(std::fs::read(&image).expect("the image"), before);
    std::fs::remove_dir(&beside).expect("the folder");
    assert_eq!(status_word(&card.transmit(VERIFY).expect("an answer")), 0x9000);
    drop(card);
    let _card = connect(&context, &reader);
    assert_eq!(last_fault(&reader), None);
}

#[test]
fn a_damaged_image_is_told() {
    let reader = world().card("damaged");
    let image = world().directory().join("damaged/card.image");
    let mut bytes = std::fs::read(&image).expect("the image");
    *bytes.last_mut().expect("bytes") ^= 1;
    std::fs::write(&image, &bytes).expect("written");
    let context = context();
    assert!(context.connect(&reader, ShareMode::Shared, Protocols::ANY).is_err());
    let fault = last_fault(&reader).expect("a fault");
    assert_eq!(fault.kind, FaultKind::Image);
    assert!(fault.text.contains("damaged"), "{fault:?}");
}
