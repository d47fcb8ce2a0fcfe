//! Virtual cards for tests: one store and one provider for the process, one card for each test.

#![allow(dead_code, reason = "each test program uses its part")]

use std::sync::OnceLock;

use cardmod_host::types::{CardId, Pin, SecretBytes};
use cardmod_host::{CardSession, FixedPin, Host, ModuleSource, OpenOptions};
use cardmod_pcsc::Provider;
use cardmod_virtual::{GidsProfile, Store};

/// The user's PIN of every card here.
pub(crate) const PIN: &str = "123456";
/// The PUK of every card here.
pub(crate) const PUK: &str = "87654321";
/// The administrator's key of every card here.
pub(crate) const ADMIN_KEY: [u8; 24] = *b"cardmod admin key 24 by.";

static STORE: OnceLock<(tempfile::TempDir, Store)> = OnceLock::new();

/// The store of this process's cards.
pub(crate) fn store() -> &'static Store {
    let (_, store) = STORE.get_or_init(|| {
        let directory = tempfile::tempdir().expect("a directory");
        let store = Store::open(directory.path()).expect("a store");
        cardmod_winscard::set_store_dir(Some(directory.path()));
        Provider::install(Provider::from_table(cardmod_winscard::table())).expect("one provider");
        (directory, store)
    });
    store
}

/// The usual card.
pub(crate) fn profile(name: &str) -> GidsProfile {
    let mut id = [0x5A; 16];
    for (byte, letter) in id.iter_mut().zip(name.bytes()) {
        *byte = letter;
    }
    GidsProfile {
        puk: Some(Pin::from(PUK)),
        ..GidsProfile::new(Pin::from(PIN), SecretBytes::from(&ADMIN_KEY[..]), CardId(id))
    }
}

/// A new card of this profile, and the reader it is in.
pub(crate) fn card_of(name: &str, profile: &GidsProfile) -> String {
    store().create(name, profile).expect("a card");
    cardmod_winscard::reader_name(name)
}

/// A host over the virtual readers, which keeps no PIN: every operation shows what it asks for.
pub(crate) fn host() -> Host {
    caching_host().without_pin_cache()
}

/// A host over the virtual readers, which keeps PINs as hosts do.
pub(crate) fn caching_host() -> Host {
    store();
    Host::new(Provider::from_table(cardmod_winscard::table()))
}

/// The class module, compiled in.
pub(crate) fn class_module() -> ModuleSource {
    ModuleSource::BuiltIn { entry: cardmod_class::CardAcquireContext, name: "class module" }
}

/// Opens the card in a reader with the class module.
pub(crate) fn open(reader: &str) -> CardSession {
    host().open(reader, &class_module(), OpenOptions::default()).expect("a session")
}

/// A new card, opened.
pub(crate) fn session(name: &str) -> CardSession {
    open(&card_of(name, &profile(name)))
}

/// The right PIN.
pub(crate) fn pin() -> FixedPin {
    FixedPin::new(Pin::from(PIN))
}

/// Closes a session and checks that nothing of the lent memory is left.
pub(crate) fn close(session: CardSession) {
    let ledger = session.close().expect("a clean end");
    assert_eq!(ledger.live_blocks, 0, "left behind: {:?}", ledger.live);
    assert_eq!(ledger.refused.total(), 0, "refused: {:?}", ledger.incidents);
    assert!(ledger.calls > 0, "the module took no memory at all");
}

/// The APDUs sent to a reader so far.
pub(crate) fn apdus(reader: &str) -> u64 {
    cardmod_winscard::counters().readers.get(reader).copied().unwrap_or(0)
}

/// The signature of a module without a card: by the P-256 key whose private half is 32 bytes of 7.
pub fn signature_by_seven(input: &cardmod_sdk::SignatureInput<'_>) -> Vec<u8> {
    use p256::ecdsa::signature::hazmat::PrehashSigner as _;
    let cardmod_sdk::SignatureInput::Ecdsa(hash) = input else { panic!("an elliptic key signs hashes") };
    let key = p256::ecdsa::SigningKey::from_slice(&[7; 32]).expect("a key");
    let signature: p256::ecdsa::Signature = key.sign_prehash(hash).expect("a signature");
    signature.to_bytes().to_vec()
}
