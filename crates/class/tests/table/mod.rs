//! The module as a host of Cardmod.h sees it: `CardAcquireContext` and the table it fills, with memory that
//! is checked, and a virtual card behind the process's PC/SC functions.

#![allow(
    unsafe_code,
    unreachable_pub,
    dead_code,
    unused_imports,
    unused_macros,
    reason = "each test program uses its part"
)]

pub mod calls;
pub mod check;
pub mod files;
pub mod piv;

use std::sync::OnceLock;

use cardmod_heap::{FaultPlan, Heap, Ledger, Mode};
use cardmod_pcsc::{Card, Context, Disposition, Protocols, Provider, ShareMode};
use cardmod_sdk::Status;
use cardmod_sdk::sys::{CARD_DATA, Zeroed};
use cardmod_types::{CardId, Pin, SecretBytes, admin};
use cardmod_virtual::{CardOptions, GidsProfile, Store};

pub const PIN: &[u8] = b"123456";
pub const PUK: &[u8] = b"87654321";
pub const ADMIN_KEY: [u8; 24] = *b"cardmod admin key 24 by.";

static STORE: OnceLock<(tempfile::TempDir, Store)> = OnceLock::new();

pub fn store() -> &'static Store {
    let (_, store) = STORE.get_or_init(|| {
        let directory = tempfile::tempdir().expect("a directory");
        let store = Store::open(directory.path()).expect("a store");
        cardmod_winscard::set_store_dir(Some(directory.path()));
        Provider::install(Provider::from_table(cardmod_winscard::table())).expect("one provider");
        (directory, store)
    });
    store
}

/// UTF-16 with its NUL.
pub fn wide(text: &str) -> Vec<u16> {
    text.encode_utf16().chain([0]).collect()
}

/// One context on a card of its own; at the end nothing of the lent memory may be left.
pub struct Host {
    data: Box<CARD_DATA>,
    heap: Heap,
    card: Card,
    atr: Vec<u8>,
    name: Vec<u16>,
    reader: String,
    /// The virtual card.
    pub card_name: String,
}

impl Host {
    /// A new card with a PUK, acquired in this version.
    pub fn of_version(name: &str, version: u32) -> Self {
        Self::with_options(name, version, CardOptions::default())
    }

    pub fn new(name: &str) -> Self {
        Self::of_version(name, 7)
    }

    pub fn with_options(name: &str, version: u32, options: CardOptions) -> Self {
        let key = SecretBytes::from(&ADMIN_KEY[..]);
        let profile = GidsProfile {
            puk: Some(Pin::from(PUK)),
            options,
            ..GidsProfile::new(Pin::from(PIN), key, CardId([0x5A; 16]))
        };
        store().create(name, &profile).expect("a card");
        let mut host = Self::connected(name, version, Mode::Checked);
        assert_eq!(host.acquire(0), 0);
        host
    }

    /// The same card once more, with memory that behaves like this.
    pub fn again(&self, name: &str, mode: Mode) -> Self {
        let mut host = Self::connected(name, self.data.dwVersion, mode);
        assert_eq!(host.acquire(0), 0);
        host
    }

    /// A card that is there already, acquired under this name of a card type.
    ///
    /// # Errors
    /// The code of a refusal.
    pub fn named(name: &str, card_name: &str) -> Result<Self, u32> {
        let mut host = Self::connected(name, 7, Mode::Checked);
        host.name = wide(card_name);
        host.data.pwszCardName = host.name.as_mut_ptr();
        match host.acquire(0) {
            0 => Ok(host),
            code => Err(code),
        }
    }

    /// A filled structure that was not acquired.
    pub fn connected(name: &str, version: u32, mode: Mode) -> Self {
        store();
        let provider = Provider::current().expect("the provider");
        let context = Context::establish(&provider).expect("a context");
        let reader = cardmod_winscard::reader_name(name);
        let card = context.connect(&reader, ShareMode::Shared, Protocols::ANY).expect("a card");
        card.begin_transaction().expect("a transaction");
        let atr = card.status().expect("a status").atr;
        let heap = Heap::new(mode);
        let mut host = Self {
            data: Box::new(CARD_DATA::ZEROED),
            heap,
            card,
            atr,
            name: wide("GIDS card"),
            reader,
            card_name: name.to_owned(),
        };
        let callbacks = host.heap.callbacks();
        let data = &mut *host.data;
        data.dwVersion = version;
        data.pbAtr = host.atr.as_mut_ptr();
        data.cbAtr = host.atr.len() as u32;
        data.pwszCardName = host.name.as_mut_ptr();
        data.pfnCspAlloc = Some(callbacks.alloc);
        data.pfnCspReAlloc = Some(callbacks.realloc);
        data.pfnCspFree = Some(callbacks.free);
        data.hSCardCtx = host.card.context_raw();
        data.hScard = host.card.raw();
        host
    }

    pub fn acquire(&mut self, flags: u32) -> u32 {
        // SAFETY:
        // - a whole structure, filled, with live pointers.
        unsafe { cardmod_class::CardAcquireContext(self.pointer(), flags) }
    }

    pub fn data(&mut self) -> &mut CARD_DATA {
        &mut self.data
    }

    pub fn pointer(&mut self) -> *mut CARD_DATA {
        &raw mut *self.data
    }

    /// The reader the card is in.
    pub fn reader(&self) -> &str {
        &self.reader
    }

    /// The APDUs sent so far.
    pub fn apdus(&self) -> u64 {
        cardmod_winscard::counters().readers.get(&self.reader).copied().unwrap_or(0)
    }

    /// Resets the card, as a host does that could not deauthenticate.
    pub fn reset(&mut self) {
        self.card.end_transaction(Disposition::Reset).expect("a reset");
        self.card.reconnect(ShareMode::Shared, Protocols::ANY, Disposition::Leave).expect("reconnected");
        self.card.begin_transaction().expect("a transaction");
    }

    pub fn ledger(&self) -> Ledger {
        self.heap.ledger()
    }

    /// A block the module handed out: copied and taken back.
    pub fn take(&self, pointer: *const u8, length: u32) -> Vec<u8> {
        assert!(!pointer.is_null(), "success hands out a block");
        self.heap.take(pointer, length as usize).expect("a block of this host").to_vec()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        if let Some(delete) = self.data.pfnCardDeleteContext {
            // SAFETY:
            // - the structure that was acquired.
            assert_eq!(unsafe { delete(self.pointer()) }, 0);
        }
        if !std::thread::panicking() {
            let ledger = self.heap.ledger();
            assert!(ledger.is_clean(), "{:?} {:?}", ledger.live, ledger.incidents);
        }
    }
}

/// Calls an entry of the table and answers its code.
macro_rules! call {
    ($host:expr, $entry:ident $(, $argument:expr)* $(,)?) => {{
        let entry = $host.data().$entry.expect(concat!(stringify!($entry), " is published"));
        let data = $host.pointer();
        // SAFETY:
        // - the entry of this context; the test gives arguments that are live as far as it may be read.
        unsafe { entry(data $(, $argument)*) }
    }};
}
pub(crate) use call;

/// A code as an outcome.
pub fn outcome(code: u32) -> Result<(), Status> {
    if code == 0 { Ok(()) } else { Err(Status::from_code(code)) }
}

/// The administrator's answer to a challenge.
pub fn answer(key: &[u8], challenge: &[u8]) -> Vec<u8> {
    admin::challenge_response(&SecretBytes::from(key), challenge).expect("a response")
}
