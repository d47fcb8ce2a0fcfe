//! The same calls through pcsc-lite's own library, with pcscd and vsmartcard's vpcd behind it, and through this
//! crate: the answers must be the same. The card is one virtual card, once plugged into vpcd, once direct.
//!
//! Needs root (name spaces of its own), pcscd and vsmartcard-vpcd; run with `--ignored`.

#![cfg(target_os = "linux")]

mod common;

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use cardmod_pcsc::{
    Card, Context, Disposition, PcscError, Protocols, Provider, ReaderState, SCARD_ATTR_ATR_STRING,
    ShareMode, code_name,
};
use cardmod_winscard::{PlugError, VPCD_ADDRESS, plug};
use common::{IS_VERIFIED, SELECT, VERIFY, built_library, status_word, world};

/// The first reader of vpcd.
const PCSCD_READER: &str = "Virtual PCD 00 00";
/// Longest wait for pcscd to be ready.
const READY: Duration = Duration::from_secs(20);

/// Inside the name spaces: a network of its own (vpcd listens on every address) and a socket folder of its own.
const START: &str = "ip link set lo up && mkdir -p /run/pcscd && mount -t tmpfs tmpfs /run/pcscd || exit 1
pcscd --foreground > /dev/null 2>&1 & daemon=$!
timeout 60 \"$0\" --exact inside --ignored --nocapture; result=$?
kill $daemon; wait $daemon; exit $result";

#[test]
#[ignore = "needs root, pcscd and vsmartcard-vpcd"]
fn answers_are_those_of_pcsc_lite() {
    let program = std::env::current_exe().expect("this program's path");
    let status = Command::new("unshare")
        .args(["--mount", "--net", "--", "sh", "-c", START])
        .arg(program)
        .status()
        .expect("unshare, of the Debian package util-linux");
    assert!(status.success());
}

#[test]
#[ignore = "the inner half of the test above"]
fn inside() {
    let reader = world().card("compared");
    let stop = AtomicBool::new(false);
    let (real, forwarded) = thread::scope(|scope| {
        let plugged = scope.spawn(|| plug_when_ready(&stop));
        // The system's library by its full path: a program's own may stand in its way otherwise.
        let library = std::path::Path::new("/usr/lib/x86_64-linux-gnu/libpcsclite.so.1");
        let provider = Provider::load_foreign(library, c"CardmodApduCount").expect("pcsc-lite");
        wait_for_card(&provider);
        let transcripts =
            (transcript(&provider, PCSCD_READER), transcript(&common::provider(), PCSCD_READER));
        stop.store(true, Ordering::Relaxed);
        plugged.join().expect("no panic").expect("plugged until stopped");
        transcripts
    });
    compare(&forwarded, &real);
    compare(&transcript(&common::provider(), &reader), &real);
}

fn compare(ours: &[String], real: &[String]) {
    assert!(real.len() > 60, "the comparison ended early");
    for (ours, real) in ours.iter().zip(real) {
        assert_eq!(ours, real, "ours is on the left");
    }
    assert_eq!(ours.len(), real.len());
}

#[test]
fn a_provider_is_never_its_own_system_library() {
    let error = Provider::load_foreign(&built_library(), c"CardmodApduCount").expect_err("itself");
    assert!(matches!(error, cardmod_pcsc::ProviderError::Itself(_)), "{error}");
}

fn plug_when_ready(stop: &AtomicBool) -> Result<(), PlugError> {
    let started = Instant::now();
    loop {
        let card = world().store().open_card("compared").expect("a card");
        match plug(card, VPCD_ADDRESS, stop, || {}) {
            Err(PlugError::Connect { .. }) if started.elapsed() < READY => {
                thread::sleep(Duration::from_millis(20))
            }
            other => return other,
        }
    }
}

fn wait_for_card(provider: &Arc<Provider>) {
    let started = Instant::now();
    loop {
        assert!(started.elapsed() < READY, "pcscd does not see the card");
        thread::sleep(Duration::from_millis(20));
        let Ok(context) = Context::establish(provider) else { continue };
        let mut states = [ReaderState::unaware(PCSCD_READER)];
        if context.status_change(Some(1000), &mut states).is_ok() && states[0].has_card() {
            return;
        }
    }
}

/// One line for each call: what it is, and what came back.
struct Transcript {
    lines: Vec<String>,
}

impl Transcript {
    fn note<T>(&mut self, what: &str, result: &Result<T, PcscError>, show: impl FnOnce(&T) -> String) {
        let answer = match result {
            Ok(value) => show(value),
            Err(error) => code_name(error.code).map_or(format!("{:08X}", error.code), str::to_owned),
        };
        self.lines.push(format!("{what}: {answer}"));
    }

    fn done(&mut self, what: &str, result: Result<(), PcscError>) {
        self.note(what, &result, |()| "done".to_owned());
    }

    fn send(&mut self, what: &str, card: &Card, command: &[u8]) {
        self.note(what, &card.transmit(command), |answer| format!("{:04X}", status_word(answer)));
    }

    fn status(&mut self, what: &str, card: &Card) {
        let show = |status: &cardmod_pcsc::CardStatus| {
            format!("state {} protocol {} atr {:02X?}", status.state, status.protocol, status.atr)
        };
        self.note(what, &card.status(), show);
    }

    /// Connects and notes the protocol.
    fn connect(
        &mut self,
        what: &str,
        context: &Context,
        reader: &str,
        share: ShareMode,
        protocols: Protocols,
    ) -> Option<Card> {
        let result = context.connect(reader, share, protocols);
        self.note(what, &result, |card| format!("protocol {}", card.protocol()));
        result.ok()
    }

    /// Looks at a reader, with what is believed of it; the event counter is not compared.
    fn look(&mut self, what: &str, context: &Context, reader: &str, believed: u32) {
        let mut states = [ReaderState { current: believed, ..ReaderState::unaware(reader) }];
        let result = context.status_change(Some(0), &mut states);
        let event = states[0].event & 0xFFFF;
        let result = result.map(|()| event);
        self.note(what, &result, |event| format!("{event:04X} atr {:02X?}", states[0].atr));
    }
}

fn transcript(provider: &Arc<Provider>, reader: &str) -> Vec<String> {
    let mut lines = Transcript { lines: Vec::new() };
    let (first, second) = (Context::establish(provider), Context::establish(provider));
    let (first, second) = (first.expect("a context"), second.expect("a context"));
    connecting(&mut lines, &first, reader);
    sharing(&mut lines, &first, &second, reader);
    transactions(&mut lines, &first, &second, reader);
    resets(&mut lines, &first, &second, reader);
    states(&mut lines, &first, reader);
    lines.lines
}

fn connecting(lines: &mut Transcript, context: &Context, reader: &str) {
    let shared = ShareMode::Shared;
    lines.connect("no such reader", context, "No Reader 00 00", shared, Protocols::ANY);
    lines.connect("no name", context, "", shared, Protocols::ANY);
    lines.connect("no protocol", context, reader, shared, Protocols::NONE);
    lines.connect("the wrong protocol", context, reader, shared, Protocols::T0);
    if let Some(card) = lines.connect("a card", context, reader, shared, Protocols::ANY) {
        lines.status("its status", &card);
        lines.send("a command", &card, SELECT);
        lines.send("a class nobody has", &card, &[0xE0, 0x20, 0x00, 0x80]);
        lines.note("the wrong protocol", &card.transmit_as(1, SELECT), |_| "answered".to_owned());
        lines.note("no attribute", &card.attribute(0x7654), |value| format!("{value:02X?}"));
        lines.done("a bad reconnection", card.reconnect(shared, Protocols::ANY, Disposition::Eject));
        lines.done("its end", card.end(Disposition::Leave));
        lines.done("its second end", card.end(Disposition::Leave));
    }
    // The protocol is not compared: pcsc-lite tells the one that an earlier connection chose.
    if let Ok(direct) = context.connect(reader, ShareMode::Direct, Protocols::NONE) {
        lines.done("a transaction with it", direct.begin_transaction());
        lines.done("its end", direct.end_transaction(Disposition::Leave));
    }
}

fn sharing(lines: &mut Transcript, first: &Context, second: &Context, reader: &str) {
    let any = Protocols::ANY;
    let Some(alone) = lines.connect("alone", first, reader, ShareMode::Exclusive, any) else { return };
    for share in [ShareMode::Shared, ShareMode::Exclusive, ShareMode::Direct] {
        lines.connect(&format!("{share:?} beside it"), second, reader, share, any);
    }
    lines.look("seen alone", second, reader, 0);
    lines.done("its transaction", alone.begin_transaction());
    lines.done("its end", alone.end_transaction(Disposition::Leave));
    // Going back to shared is not compared: pcsc-lite keeps the lock, and the next connection waits for ever.
    // Nor is going from shared to alone beside another connection: its library tries again for ever.
    drop(alone);
    let Some(shared) = lines.connect("shared", first, reader, ShareMode::Shared, any) else { return };
    let beside = lines.connect("beside it now", second, reader, ShareMode::Shared, any);
    lines.look("seen shared", second, reader, 0);
    lines.connect("alone beside both", second, reader, ShareMode::Exclusive, any);
    drop(beside);
    lines.done("the last one to alone", shared.reconnect(ShareMode::Exclusive, any, Disposition::Leave));
}

fn transactions(lines: &mut Transcript, first: &Context, second: &Context, reader: &str) {
    let shared = ShareMode::Shared;
    let Some(mine) = lines.connect("mine", first, reader, shared, Protocols::ANY) else { return };
    let Some(other) = lines.connect("another", second, reader, shared, Protocols::ANY) else { return };
    lines.done("no transaction to end", mine.end_transaction(Disposition::Leave));
    lines.done("begin", mine.begin_transaction());
    lines.done("begin again", mine.begin_transaction());
    lines.done("end of another's", other.end_transaction(Disposition::Leave));
    lines.done("reset at the end of another's", other.end_transaction(Disposition::Reset));
    lines.send("a command in it", &mine, SELECT);
    lines.done("end", mine.end_transaction(Disposition::Leave));
    let waited = thread::scope(|scope| {
        let waiter = scope.spawn(|| {
            let started = Instant::now();
            let answer = other.transmit(SELECT).map(|answer| status_word(&answer));
            (answer, started.elapsed() >= Duration::from_millis(100))
        });
        thread::sleep(Duration::from_millis(200));
        lines.done("end again", mine.end_transaction(Disposition::Leave));
        waiter.join().expect("no panic")
    });
    lines.note("a command that waited", &waited.0, |status| format!("{status:04X} waited {}", waited.1));
    lines.done("begin", mine.begin_transaction());
    let waited = thread::scope(|scope| {
        let waiter = scope.spawn(|| {
            let started = Instant::now();
            let card = second.connect(reader, shared, Protocols::ANY);
            (card.map(|card| card.protocol()), started.elapsed() >= Duration::from_millis(100))
        });
        thread::sleep(Duration::from_millis(200));
        lines.done("end", mine.end_transaction(Disposition::Leave));
        waiter.join().expect("no panic")
    });
    lines.note("a connection that waited", &waited.0, |protocol| format!("{protocol} waited {}", waited.1));
    lines.done("end once more", mine.end_transaction(Disposition::Leave));
}

fn resets(lines: &mut Transcript, first: &Context, second: &Context, reader: &str) {
    let (shared, any) = (ShareMode::Shared, Protocols::ANY);
    let Some(mine) = lines.connect("mine", first, reader, shared, any) else { return };
    let Some(other) = lines.connect("another", second, reader, shared, any) else { return };
    lines.send("select", &mine, SELECT);
    lines.send("verify", &mine, VERIFY);
    lines.send("verified", &other, IS_VERIFIED);
    lines.done("a reset", other.end(Disposition::Reset));
    lines.send("a command after it", &mine, SELECT);
    lines.status("the status after it", &mine);
    lines.done("a transaction after it", mine.begin_transaction());
    lines.note("an attribute after it", &mine.attribute(SCARD_ATTR_ATR_STRING), |_| "answered".to_owned());
    lines.done("a reconnection", mine.reconnect(shared, any, Disposition::Leave));
    lines.send("select", &mine, SELECT);
    lines.send("verified no longer", &mine, IS_VERIFIED);

    lines.done("begin", mine.begin_transaction());
    lines.done("end with a reset", mine.end_transaction(Disposition::Reset));
    lines.send("a command after it", &mine, SELECT);
    lines.done("a reconnection with a reset", mine.reconnect(shared, any, Disposition::Reset));
    lines.send("a command after it", &mine, SELECT);
    lines.done("begin", mine.begin_transaction());
    lines.done("a reset in it", mine.reconnect(shared, any, Disposition::Unpower));
    lines.send("a command after it", &mine, SELECT);
    lines.done("end", mine.end_transaction(Disposition::Leave));
    lines.done("the end with power off", mine.end(Disposition::Unpower));
    let again = lines.connect("after power off", first, reader, shared, any);
    if let Some(card) = again {
        lines.send("a command after it", &card, SELECT);
    }
}

fn states(lines: &mut Transcript, context: &Context, reader: &str) {
    const PRESENT: u32 = 0x20;
    const EMPTY: u32 = 0x10;
    const INUSE: u32 = 0x100;
    const IGNORE: u32 = 0x01;
    lines.look("unaware", context, reader, 0);
    lines.look("believed present", context, reader, PRESENT);
    lines.look("believed empty", context, reader, EMPTY);
    lines.look("believed in use", context, reader, PRESENT | INUSE);
    lines.look("ignored", context, reader, IGNORE);
    lines.look("believed unknown", context, reader, 4);
    lines.look("no such reader", context, "No Reader 00 00", 0);
    lines.done("no reader at all", context.status_change(Some(0), &mut []));
    lines.done("nothing to cancel", context.cancel_handle().cancel());
    let card = lines.connect("in use", context, reader, ShareMode::Shared, Protocols::ANY);
    lines.look("believed present, in use", context, reader, PRESENT);
    drop(card);
    lines.note("groups", &context.list_groups(), |groups| format!("{groups:?}"));
}
