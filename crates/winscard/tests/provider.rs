//! One provider per process, and what a card module gets of it.

mod common;

use std::sync::Arc;

use cardmod_iso7816::CardChannel;
use cardmod_pcsc::{
    BorrowedCard, Disposition, Protocols, Provider, ProviderError, SCARD_W_RESET_CARD, ShareMode,
};
use common::{SELECT, built_library, connect, context, provider, status_word, world};

#[test]
fn a_process_has_one_provider() {
    let reader = world().card("one");
    let mine = provider();
    Provider::install(Arc::clone(&mine)).expect("the first");
    Provider::install(Arc::clone(&mine)).expect("the same again");
    Provider::install(provider()).expect("the same functions");
    if cfg!(target_os = "linux") {
        let other = Provider::load(&built_library()).expect("the shared library");
        let error = Provider::install(other).expect_err("another one");
        assert!(matches!(error, ProviderError::AlreadyInstalled(_)), "{error}");
    }
    assert!(Arc::ptr_eq(&mine, &Provider::current().expect("the installed one")));

    // A card module has the host's numbers and nothing else.
    let context = context();
    let card = connect(&context, &reader);
    let mut borrowed = BorrowedCard::new(card.context_raw(), card.raw()).expect("the process's provider");
    assert_eq!(status_word(&CardChannel::transmit(&mut borrowed, SELECT).expect("an answer")), 0x9000);
    assert_eq!(borrowed.status().expect("a status").reader, reader);

    // The host changes the protocol under the module's feet.
    card.reconnect(ShareMode::Shared, Protocols::RAW, Disposition::Leave).expect("reconnected");
    assert_eq!(status_word(&borrowed.transmit(SELECT).expect("an answer")), 0x9000);
    card.reconnect(ShareMode::Shared, Protocols::T1, Disposition::Leave).expect("reconnected");
    assert_eq!(status_word(&borrowed.transmit(SELECT).expect("an answer")), 0x9000);

    connect(&context, &reader).disconnect(Disposition::Reset).expect("reset");
    let error = CardChannel::transmit(&mut borrowed, SELECT).expect_err("the module is told");
    assert_eq!(error.code, SCARD_W_RESET_CARD);
}

#[test]
fn a_library_that_is_none_is_refused() {
    let missing = world().directory().join("no-such-library.so");
    assert!(matches!(Provider::load(&missing), Err(ProviderError::Load { .. })));
    let text = world().directory().join("text.so");
    std::fs::write(&text, "not a library").expect("written");
    let error = Provider::load(&text).expect_err("not a library");
    assert!(error.to_string().contains("text.so"), "{error}");
}
