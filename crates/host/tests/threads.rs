//! Sessions and the ends of threads.

mod common;

use std::cell::RefCell;

use cardmod_host::CardSession;

thread_local! {
    static KEPT: RefCell<Option<CardSession>> = const { RefCell::new(None) };
}

#[test]
fn a_session_may_end_with_its_thread() {
    let reader = common::card_of("kept", &common::profile("kept"));
    let other = reader.clone();
    let thread = std::thread::spawn(move || {
        // The thread's own variables end in the reverse order of their first use: this one is used
        // before those of the crates below it.
        KEPT.with(|kept| *kept.borrow_mut() = Some(common::open(&other)));
    });
    thread.join().expect("the thread ends in peace");
    let mut session = common::open(&reader);
    assert_eq!(session.containers().expect("the card is free").len(), 0);
    session.close().expect("a clean end");
}
