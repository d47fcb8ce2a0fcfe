//! The shared library as other programs use it: loaded at run time, steered by the environment, with the Windows
//! profile; and what `fork` does to its handles on Linux.

mod common;

use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use cardmod_pcsc::{
    Context, Disposition, Protocols, Provider, ReaderState, SCARD_SPECIFIC, SCARD_STATE_CHANGED,
    SCARD_STATE_UNKNOWN, SCARD_W_RESET_CARD, ShareMode,
};
use cardmod_types::{CardId, Pin, SecretBytes};
use cardmod_virtual::{GidsProfile, Store};
use common::{SELECT, built_library, connect, status_word};
use tempfile::TempDir;

/// The rule of Windows 8 and later.
const IDLE_LIMIT: Duration = Duration::from_secs(5);

/// Runs a test of this program in a process of its own, with a home that has one card, and answers the home.
#[track_caller]
fn run_in_home(test: &str, profile: &str) -> TempDir {
    let home = TempDir::new().expect("a directory");
    let store = Store::open(home.path().join("cards")).expect("a store");
    let card = GidsProfile::new(Pin::from("123456"), SecretBytes::from(vec![7; 24]), CardId([9; 16]));
    store.create("mine", &card).expect("a card");
    let status = Command::new(std::env::current_exe().expect("this program's path"))
        .args(["--exact", test, "--ignored", "--test-threads", "1"])
        .env("CARDMOD_HOME", home.path())
        .env("CARDMOD_PCSC_PROFILE", profile)
        .env("CARDMOD_PCSC_SYSTEM", "none")
        .env("CARDMOD_APDU_LOG", home.path().join("log"))
        .status()
        .expect("a process");
    assert!(status.success(), "{test} failed");
    home
}

fn library() -> Arc<Provider> {
    Provider::load(&built_library()).expect("the shared library")
}

/// Windows' own are asked for in `windows`.
#[cfg(not(windows))]
#[test]
fn every_symbol_of_pcsc_lite_is_there() {
    // 18 functions are in the table, which `Provider::load` finds or fails.
    library();
    // SAFETY: the library was built from this crate; it has no initialisers that do harm.
    let loaded = unsafe { libloading::Library::new(built_library()) }.expect("the shared library");
    for symbol in [
        "g_rgSCardT0Pci",
        "g_rgSCardT1Pci",
        "g_rgSCardRawPci",
        "pcsc_stringify_error",
        "SCardReadCacheA",
        "SCardReadCacheW",
        "SCardWriteCacheA",
        "SCardWriteCacheW",
        "CardmodSetApduLog",
        "CardmodSetStoreDir",
        "CardmodApduCount",
        "CardmodLastFault",
    ] {
        // SAFETY: only whether the symbol is there is looked at.
        let found = unsafe { loaded.get::<*const ()>(symbol.as_bytes()) };
        assert!(found.is_ok(), "{symbol}");
    }
}

#[test]
fn the_environment_steers_the_library() {
    let home = run_in_home("inside_default", "pcsclite");
    let log = std::fs::read_to_string(home.path().join("log")).expect("the log");
    assert_eq!(log.lines().count(), 2);
    assert!(log.contains("Cardmod Virtual Reader (mine) 00 00"), "{log}");
}

#[test]
#[ignore = "the inner half of the test above"]
fn inside_default() {
    let context = Context::establish(&library()).expect("a context");
    assert_eq!(context.list_readers().expect("readers"), ["Cardmod Virtual Reader (mine) 00 00"]);
    let card = connect(&context, "Cardmod Virtual Reader (mine) 00 00");
    assert_eq!(status_word(&card.transmit(SELECT).expect("an answer")), 0x9000);
    let mut borrowed = card.borrowed();
    assert_eq!(status_word(&borrowed.transmit(SELECT).expect("an answer")), 0x9000);
    let limits = cardmod_iso7816::CardChannel::limits(&borrowed);
    assert!(limits.extended_length, "card and reader announce it");
}

#[test]
fn the_windows_profile_is_windows() {
    run_in_home("inside_windows", "windows");
}

#[test]
#[ignore = "the inner half of the test above"]
fn inside_windows() {
    const READER: &str = "Cardmod Virtual Reader (mine) 00 00";
    let provider = library();
    let (first, second) = (Context::establish(&provider), Context::establish(&provider));
    let (first, second) = (first.expect("a context"), second.expect("a context"));
    let mut states = [ReaderState::unaware("No Reader 00 00")];
    first.status_change(Some(0), &mut states).expect("reported in its entry");
    assert_ne!(states[0].event & SCARD_STATE_UNKNOWN, 0);
    assert_ne!(states[0].event & SCARD_STATE_CHANGED, 0);

    let (mine, other) = (connect(&first, READER), connect(&second, READER));
    assert_eq!(mine.status().expect("a status").state, SCARD_SPECIFIC);
    mine.begin_transaction().expect("begun");
    mine.end_transaction(Disposition::Reset).expect("ended and reset");
    assert_eq!(status_word(&mine.transmit(SELECT).expect("not told of one's own reset")), 0x9000);
    assert_eq!(other.transmit(SELECT).expect_err("told").code, SCARD_W_RESET_CARD);
    other.reconnect(ShareMode::Shared, Protocols::ANY, Disposition::Leave).expect("reconnected");

    mine.begin_transaction().expect("begun");
    let started = Instant::now();
    let code = other.begin_transaction().map_err(|error| error.code);
    assert!(started.elapsed() >= IDLE_LIMIT - Duration::from_millis(500), "{:?}", started.elapsed());
    assert_eq!(code, Err(SCARD_W_RESET_CARD), "the idle transaction was broken by a reset");
    assert_eq!(mine.transmit(SELECT).expect_err("broken").code, SCARD_W_RESET_CARD);
    mine.reconnect(ShareMode::Shared, Protocols::ANY, Disposition::Leave).expect("reconnected");
    mine.begin_transaction().expect("begun");
    thread::sleep(IDLE_LIMIT + Duration::from_millis(100));
    assert_eq!(mine.transmit(SELECT).expect_err("idle too long").code, SCARD_W_RESET_CARD);
    mine.reconnect(ShareMode::Shared, Protocols::ANY, Disposition::Leave).expect("reconnected");
    mine.begin_transaction().expect("begun");
    for _ in 0..2 {
        thread::sleep(IDLE_LIMIT * 6 / 10);
        mine.status().expect("a use, without a command");
    }
    mine.transmit(SELECT).expect("so it was never idle for long");
}

#[cfg(target_os = "linux")]
#[test]
fn a_forked_child_starts_anew() {
    run_in_home("inside_fork", "pcsclite");
}

/// What the child finds, as its exit code; 0 is well.
#[cfg(target_os = "linux")]
fn child(context: &Context, card: &cardmod_pcsc::Card, provider: &Arc<Provider>) -> i32 {
    if context.is_valid() {
        return 1;
    }
    if card.transmit(SELECT).map_err(|error| error.code) != Err(cardmod_pcsc::SCARD_E_INVALID_HANDLE) {
        return 2;
    }
    let Ok(own) = Context::establish(provider) else { return 3 };
    // Waits for the parent's transaction.
    let Ok(own_card) = own.connect("Cardmod Virtual Reader (mine) 00 00", ShareMode::Shared, Protocols::ANY)
    else {
        return 4;
    };
    match own_card.transmit(SELECT) {
        Ok(answer) if status_word(&answer) == 0x9000 => 0,
        _ => 5,
    }
}

#[cfg(target_os = "linux")]
#[test]
#[ignore = "the inner half of the test above"]
fn inside_fork() {
    let provider = library();
    let context = Context::establish(&provider).expect("a context");
    let card = connect(&context, "Cardmod Virtual Reader (mine) 00 00");
    card.begin_transaction().expect("begun");
    assert_eq!(status_word(&card.transmit(SELECT).expect("an answer")), 0x9000);
    // SAFETY:
    // - the child uses this program's allocator, which survives a fork (glibc), and nothing of other threads;
    // - it ends by `_exit` below and so runs none of the parent's clean-up.
    let process = unsafe { libc::fork() };
    assert!(process >= 0, "no child");
    if process == 0 {
        let code = child(&context, &card, &provider);
        // SAFETY: ends the child at once; nothing after it runs.
        unsafe { libc::_exit(code) };
    }
    thread::sleep(Duration::from_millis(100));
    assert_eq!(status_word(&card.transmit(SELECT).expect("undisturbed")), 0x9000);
    card.end_transaction(Disposition::Leave).expect("ended");
    let mut status = 0;
    // SAFETY: the child is this process's; `status` lives through the call.
    let waited = unsafe { libc::waitpid(process, &raw mut status, 0) };
    assert_eq!((waited, libc::WEXITSTATUS(status)), (process, 0));
    assert!(libc::WIFEXITED(status));
    assert_eq!(status_word(&card.transmit(SELECT).expect("the parent's handle lives")), 0x9000);
}
