//! The system's library is loaded while somebody uses it, so that a card module that found it can be unloaded and
//! leaves nothing loaded behind.

#![cfg(windows)] // where every system has the library

use std::sync::Arc;

use cardmod_pcsc::Provider;
use libloading::os::windows::Library;

fn is_loaded() -> bool {
    Library::open_already_loaded("winscard.dll").is_ok()
}

#[test]
fn the_library_goes_with_its_last_user() {
    assert!(!is_loaded(), "the test links to it");
    for _ in 0..3 {
        let first = Provider::current().expect("the system's library");
        let second = Provider::current().expect("the same");
        assert!(Arc::ptr_eq(&first, &second));
        drop(first);
        assert!(is_loaded());
        drop(second);
        assert!(!is_loaded());
    }
}
