//! Virtual cards for tests: one store and one provider for the process, one card for each test.

#![allow(dead_code, reason = "each test program uses its part")]

use std::sync::OnceLock;

use cardmod_host::types::{CardId, Pin, SecretBytes};
use cardmod_host::{CardSession, FixedPin, Host, ModuleSource, OpenOptions};
use cardmod_pcsc::{Card, Context, Disposition, FunctionTable, Protocols, Provider, ShareMode};
use cardmod_virtual::{GidsProfile, PivProfile, Store};

/// The user's PIN of every card here.
pub(crate) const PIN: &str = "123456";
/// The PUK of every card here.
pub(crate) const PUK: &str = "87654321";
/// The administrator's key of every card here.
pub(crate) const ADMIN_KEY: [u8; 24] = *b"cardmod admin key 24 by.";

/// The PC/SC functions of this test program.
static TABLE: OnceLock<&'static FunctionTable> = OnceLock::new();

/// Puts these PC/SC functions in the place of the virtual readers', before anything else is done.
pub(crate) fn interpose(table: &'static FunctionTable) {
    TABLE.get_or_init(|| table);
}

fn provider() -> std::sync::Arc<Provider> {
    Provider::from_table(TABLE.get_or_init(cardmod_winscard::table))
}

static STORE: OnceLock<(tempfile::TempDir, Store)> = OnceLock::new();

/// The store of this process's cards.
pub(crate) fn store() -> &'static Store {
    let (_, store) = STORE.get_or_init(|| {
        // In memory, where the system has a place for that: virtual cards wait for the disk after each change.
        let memory = Some("/dev/shm").filter(|path| std::path::Path::new(path).is_dir());
        let place = memory.map_or_else(std::env::temp_dir, Into::into);
        let directory = tempfile::tempdir_in(place).expect("a directory");
        let store = Store::open(directory.path()).expect("a store");
        cardmod_winscard::set_store_dir(Some(directory.path()));
        Provider::install(provider()).expect("one provider");
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
    Host::new(provider())
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
pub(crate) fn signature_by_seven(input: &cardmod_sdk::SignatureInput<'_>) -> Vec<u8> {
    use p256::ecdsa::signature::hazmat::PrehashSigner as _;
    let cardmod_sdk::SignatureInput::Ecdsa(hash) = input else { panic!("an elliptic key signs hashes") };
    let key = p256::ecdsa::SigningKey::from_slice(&[7; 32]).expect("a key");
    let signature: p256::ecdsa::Signature = key.sign_prehash(hash).expect("a signature");
    signature.to_bytes().to_vec()
}

/// What another program sees that takes a key for granted as the last one left it: it waits for the end of
/// every transaction, and signs without a PIN.
pub(crate) struct Stranger {
    _context: Context,
    pub(crate) card: Card,
}

/// Security status not satisfied (ISO 7816-4).
pub(crate) const REFUSED: Result<(), u16> = Err(0x6982);
/// What a card answers whose GIDS application is not selected.
const NO_SUCH_INSTRUCTION: u16 = 0x6D00;
/// The GIDS application's identifier.
const AID: [u8; 9] = [0xA0, 0, 0, 3, 0x97, 0x42, 0x54, 0x46, 0x59];

impl Stranger {
    /// Another connection to the card, past what was [interposed](interpose). It waits for the end of a
    /// transaction.
    pub(crate) fn new(reader: &str) -> Self {
        let provider = Provider::from_table(cardmod_winscard::table());
        let context = Context::establish(&provider).expect("a context");
        let card = context.connect(reader, ShareMode::Shared, Protocols::ANY).expect("a card");
        Self { _context: context, card }
    }

    /// Chooses key 81, which is one of P-256, for ECDSA (MSE SET) and signs (PSO), after a SELECT where
    /// another application is selected. Answers the status word of the first refusal.
    pub(crate) fn sign(&self) -> Result<(), u16> {
        self.card.begin_transaction().expect("the card is free, sooner or later");
        let choose = [0x00, 0x22, 0x41, 0xB6, 6, 0x80, 1, 0x1C, 0x84, 1, 0x81];
        let mut chosen = self.status(&choose);
        if chosen == NO_SUCH_INSTRUCTION {
            assert_eq!(self.status(&[&[0x00, 0xA4, 0x04, 0x00, 9][..], &AID, &[0]].concat()), 0x9000);
            chosen = self.status(&choose);
        }
        let signed = match chosen {
            0x9000 => self.status(&[&[0x00, 0x2A, 0x9E, 0x9A, 32][..], &[1; 32], &[0]].concat()),
            refused => refused,
        };
        self.card.end_transaction(Disposition::Leave).expect("its end");
        if signed == 0x9000 { Ok(()) } else { Err(signed) }
    }

    /// Signs with the key in 9A of a PIV card (GENERAL AUTHENTICATE), and writes an object that is the
    /// administrator's (PUT DATA), after a SELECT where another application is selected. Answers the status word
    /// of the first refusal, if both are refused.
    pub(crate) fn use_piv(&self) -> Result<(), u16> {
        self.card.begin_transaction().expect("the card is free, sooner or later");
        let write = [0x00, 0xDB, 0x3F, 0xFF, 7, 0x5C, 3, 0x5F, 0xC1, 0x21, 0x53, 0];
        let mut written = self.status(&write);
        if written == NO_SUCH_INSTRUCTION {
            assert_eq!(self.status(&[0x00, 0xA4, 0x04, 0x00, 5, 0xA0, 0, 0, 3, 8, 0]), 0x9000);
            written = self.status(&write);
        }
        let sign = [&[0x00, 0x87, 0x11, 0x9A, 38, 0x7C, 36, 0x82, 0, 0x81, 32][..], &[1; 32], &[0]].concat();
        let signed = self.status(&sign);
        self.card.end_transaction(Disposition::Leave).expect("its end");
        let refused =
            [written, signed].into_iter().find(|status| *status == 0x9000 || *status & 0xFF00 == 0x6100);
        if refused.is_some() { Ok(()) } else { Err(written.max(signed)) }
    }

    /// The status word a command is answered with.
    pub(crate) fn status(&self, command: &[u8]) -> u16 {
        let answer = self.card.transmit(command).expect("an answer");
        let (_, status) = answer.split_last_chunk::<2>().expect("a status word");
        u16::from_be_bytes(*status)
    }
}

/// The usual PIV card.
pub(crate) fn piv_profile(name: &str) -> PivProfile {
    let mut guid = [0x5A; 16];
    for (byte, letter) in guid.iter_mut().zip(name.bytes()) {
        *byte = letter;
    }
    PivProfile { guid: Some(guid), ..PivProfile::new(Pin::from(PIN), Pin::from(PUK)) }
}

/// A new PIV card of this profile, and the reader it is in.
pub(crate) fn piv_card_of(name: &str, profile: &PivProfile) -> String {
    store().create_piv(name, profile).expect("a card");
    cardmod_winscard::reader_name(name)
}
