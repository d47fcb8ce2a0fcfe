//! One card, several connections: transactions, resets, claims, processes that die.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "in tests a panic is a finding")]

mod common;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use cardmod_virtual::{CardFault, Disposition, PCSC_SERVICE, Reset, Share, Store, StoreError, VirtualCard};
use common::{SELECT, VERIFY, bench, bench_with, hex, send, unhex};

const READ_TRIES: &str = "00 CB 3F FF 04 5C 02 7F 71 00";

#[test]
fn connections_share_the_cards_state() {
    let mut bench = bench();
    let mut other = bench.store.open_card("test").unwrap();
    bench.send(SELECT);
    bench.send(VERIFY);
    assert_eq!(send(&mut other, "00 20 00 80"), "9000", "as through a resource manager");
    assert_eq!(send(&mut other, "00 DB A0 10 04 DF 30 01 77"), "9000");
    assert_eq!(bench.send("00 CB A0 10 04 5C 02 DF 30 00"), "DF3001779000");
    // Parts of a chain and waiting answers too: a foreign command ends them.
    assert_eq!(bench.send("10 DB A0 10 04 DF 30 01 78"), "9000");
    assert_eq!(send(&mut other, "00 20 00 80"), "9000");
    assert_eq!(bench.send("00 DB A0 10 04 DF 31 01 79"), "9000");
    assert_eq!(bench.send("00 CB A0 10 04 5C 02 DF 30 00"), "DF3001779000");
}

#[test]
fn a_card_nobody_uses_loses_power() {
    let bench = bench();
    let (store, mut card) = (bench.store, bench.card);
    send(&mut card, SELECT);
    send(&mut card, VERIFY);
    assert_eq!(store.status("test").unwrap().connections, 1);
    drop(card);
    assert_eq!(store.status("test").unwrap().connections, 0);
    let mut card = store.open_card("test").unwrap();
    assert_eq!(send(&mut card, "00 20 00 80"), "6D00");
}

#[test]
fn resets_are_told_to_the_others() {
    let mut bench = bench();
    let mut other = bench.store.open_card("test").unwrap();
    bench.send(SELECT);
    bench.send(VERIFY);
    other.reset(Reset::Warm).unwrap();
    let fault = bench.card.transmit(&unhex("00 20 00 80")).unwrap_err();
    assert!(matches!(fault, CardFault::WasReset { .. }), "{fault}");
    let again = bench.card.transmit(&unhex("00 20 00 80")).unwrap_err();
    assert!(matches!(again, CardFault::WasReset { .. }), "until it is acknowledged");
    assert!(bench.card.acknowledge().unwrap());
    assert!(!bench.card.acknowledge().unwrap());
    assert_eq!(bench.send(SELECT).len(), 44);
    assert_eq!(bench.send("00 20 00 80"), "63C3");
    let before = bench.card.status().unwrap();
    bench.card.reset(Reset::Cold).unwrap();
    assert_ne!(bench.card.status().unwrap().resets, before.resets);
    assert_eq!(bench.send(SELECT).len(), 44, "one's own reset is known");
}

#[test]
fn ejecting_and_inserting() {
    let mut bench = bench();
    let mut other = bench.store.open_card("test").unwrap();
    other.eject().unwrap();
    assert!(matches!(bench.card.transmit(&unhex(SELECT)), Err(CardFault::NotPresent { .. })));
    assert!(!bench.card.is_present().unwrap());
    assert!(!bench.store.status("test").unwrap().present);
    other.insert().unwrap();
    assert!(matches!(bench.card.transmit(&unhex(SELECT)), Err(CardFault::Removed { .. })));
    assert!(bench.card.acknowledge().unwrap());
    assert_eq!(bench.send(SELECT).len(), 44);
}

#[test]
fn transactions_exclude_the_others() {
    let mut bench = bench();
    let mut other = bench.store.open_card("test").unwrap();
    assert!(bench.card.try_begin().unwrap());
    assert!(bench.card.try_begin().unwrap(), "inside one's own");
    assert!(!other.try_begin().unwrap());
    assert!(matches!(other.transmit(&unhex(SELECT)), Err(CardFault::Leased { .. })));
    assert!(matches!(other.reset(Reset::Cold), Err(CardFault::Leased { .. })));
    assert!(matches!(other.begin(Duration::from_millis(5)), Err(CardFault::Timeout { .. })));
    assert!(matches!(other.end(Disposition::Leave), Err(CardFault::NoTransaction { .. })));
    let lease = other.lease().unwrap().unwrap();
    assert!(!lease.own && lease.start_ms > 0);
    bench.send(SELECT);
    bench.card.end(Disposition::Leave).unwrap();
    assert!(!other.try_begin().unwrap());
    bench.card.end(Disposition::Leave).unwrap();
    assert!(!bench.card.try_begin().unwrap(), "it is the turn of the one who waited");
    assert!(other.try_begin().unwrap());
    other.end(Disposition::Reset).unwrap();
    assert!(matches!(bench.card.transmit(&unhex(SELECT)), Err(CardFault::WasReset { .. })));
    // Dropping a connection inside its transaction resets as well.
    bench.card.acknowledge().unwrap();
    assert!(other.try_begin().unwrap());
    drop(other);
    assert!(matches!(bench.card.transmit(&unhex(SELECT)), Err(CardFault::WasReset { .. })));
}

#[test]
fn idle_transactions_can_be_broken() {
    let mut bench = bench();
    let mut other = bench.store.open_card("test").unwrap();
    bench.card.begin(Duration::ZERO).unwrap();
    assert!(!other.break_idle_lease(Duration::from_secs(5)).unwrap());
    std::thread::sleep(Duration::from_millis(20));
    assert!(!bench.card.break_idle_lease(Duration::from_millis(10)).unwrap(), "not one's own");
    assert!(other.break_idle_lease(Duration::from_millis(10)).unwrap());
    assert!(matches!(bench.card.end(Disposition::Leave), Err(CardFault::NoTransaction { .. })));
    assert!(matches!(bench.card.transmit(&unhex(SELECT)), Err(CardFault::WasReset { .. })));
}

#[test]
fn claims() {
    let mut bench = bench();
    let mut other = bench.store.open_card("test").unwrap();
    bench.card.claim(Share::Shared).unwrap();
    other.claim(Share::Shared).unwrap();
    assert_eq!(bench.card.status().unwrap().shared, 2);
    assert!(matches!(other.claim(Share::Exclusive), Err(CardFault::Exclusive { .. })));
    assert!(matches!(other.claim(Share::Plugged), Err(CardFault::Exclusive { .. })));
    bench.card.claim(Share::Observer).unwrap();
    other.claim(Share::Exclusive).unwrap();
    assert!(bench.card.status().unwrap().exclusive);
    assert!(matches!(bench.card.claim(Share::Shared), Err(CardFault::Exclusive { .. })));
    assert!(matches!(bench.card.transmit(&unhex(SELECT)), Err(CardFault::Exclusive { .. })));
    assert!(matches!(bench.store.erase("test"), Err(StoreError::InUse { .. })));
    other.claim(Share::Plugged).unwrap();
    let fault = bench.card.transmit(&unhex(SELECT)).unwrap_err();
    assert!(matches!(fault, CardFault::PluggedIn { .. }));
    assert!(fault.to_string().contains(&format!("plugged into {PCSC_SERVICE}")), "{fault}");
    drop(other);
    assert_eq!(bench.send(SELECT).len(), 44);
}

#[test]
fn erased_cards() {
    let mut bench = bench();
    bench.store.erase("test").unwrap();
    assert!(matches!(bench.card.transmit(&unhex(SELECT)), Err(CardFault::Erased { .. })));
    assert!(matches!(bench.store.open_card("test"), Err(StoreError::NoSuchCard { .. })));
    assert!(matches!(bench.store.erase("test"), Err(StoreError::NoSuchCard { .. })));
    bench.store.create("test", &common::profile()).unwrap();
    assert!(matches!(bench.card.transmit(&unhex(SELECT)), Err(CardFault::Erased { .. })), "not the new one");
    assert_eq!(send(&mut bench.store.open_card("test").unwrap(), SELECT).len(), 44);
}

/// As backups, indexers and virus scanners have it.
#[test]
fn a_card_is_erased_while_its_image_is_read() {
    let bench = bench();
    let reading = std::fs::File::open(bench.dir.path().join("test").join("card.image")).unwrap();
    bench.store.erase("test").unwrap();
    assert!(matches!(bench.store.open_card("test"), Err(StoreError::NoSuchCard { .. })));
    bench.store.create("test", &common::profile()).unwrap();
    assert_eq!(send(&mut bench.store.open_card("test").unwrap(), SELECT).len(), 44);
    // on Windows a removed file keeps its name for as long as somebody has it open
    let common::Bench { dir, store: _, card } = bench;
    drop((card, reading));
    let left = |entry: std::io::Result<std::fs::DirEntry>| {
        entry.unwrap().file_name().to_string_lossy().starts_with(".gone-")
    };
    assert!(!std::fs::read_dir(dir.path()).unwrap().any(left), "of the erased one nothing is left");
}

/// Whoever waits for a card's lock while the card is replaced does not work on the new one under the old lock.
#[test]
fn a_replaced_card_is_another_one() {
    let bench = bench();
    let path = bench.dir.path().join("test");
    let lock = std::fs::File::open(path.join("lock")).unwrap();
    lock.lock().unwrap();
    let store = bench.store.clone();
    let waiting = std::thread::spawn(move || store.open_card("test").map(drop));
    let store = bench.store.clone();
    let erasing = std::thread::spawn(move || store.erase("test"));
    std::thread::sleep(Duration::from_millis(200));
    common::take_away(&path);
    bench.store.create("test", &common::profile()).unwrap();
    drop(lock);
    let answer = waiting.join().unwrap();
    assert!(matches!(answer, Err(StoreError::Card(CardFault::Erased { .. }))), "{answer:?}");
    let answer = erasing.join().unwrap();
    assert!(matches!(answer, Err(StoreError::NoSuchCard { .. })), "{answer:?}");
    bench.store.open_card("test").unwrap();
}

#[test]
fn many_processes_count_together() {
    const PROCESSES: u32 = 4;
    const ROUNDS: u32 = 50;
    let mut bench = bench();
    bench.send(SELECT);
    bench.send(VERIFY);
    bench.send("00 DB A0 10 07 DF 30 04 00 00 00 00");
    let children: Vec<Child> = (0..PROCESSES).map(|_| child("count", bench.dir.path())).collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let total = PROCESSES * ROUNDS;
    assert_eq!(bench.send("00 CB A0 10 04 5C 02 DF 30 00"), format!("DF3004{total:08X}9000"));
}

/// Looking without the lock, while the run file is written all the time, never sees anything else.
#[test]
fn observers_see_whole_states() {
    let mut bench = bench();
    let store = bench.store.clone();
    let before = store.status("test").unwrap();
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let observer = scope.spawn(|| {
            let mut looks = 0;
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                let seen = store.status("test").unwrap();
                assert_eq!(
                    (seen.insertions, seen.resets, seen.present),
                    (before.insertions, before.resets, true)
                );
                looks += 1;
            }
            looks
        });
        bench.send(SELECT);
        for _ in 0..2000 {
            bench.send("10 DB A0 10 04 DF 30 01 77");
            bench.send("00 A4 00 0C 02 A0 10");
        }
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        assert!(observer.join().unwrap() > 0);
    });
}

#[test]
fn a_dead_owners_transaction_ends_with_a_reset() {
    let mut bench = bench();
    bench.send(SELECT);
    let mut child = child("hold", bench.dir.path());
    wait_for_output(&mut child);
    assert!(matches!(bench.card.transmit(&unhex(SELECT)), Err(CardFault::Leased { .. })));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(matches!(bench.card.transmit(&unhex(SELECT)), Err(CardFault::WasReset { .. })));
    bench.card.acknowledge().unwrap();
    bench.send(SELECT);
    assert_eq!(bench.send("00 20 00 80"), "63C3", "nothing of what it had proved is left");
    assert_eq!(bench.card.lease().unwrap(), None);
}

/// Kills a process inside PIN commands: the counter says what was answered, or one less.
#[test]
fn kills_never_gain_a_try() {
    const LIMIT: usize = 15;
    let bench = bench_with(|profile| profile.options.pin_tries = LIMIT as u8);
    let (store, dir) = (bench.store, bench.dir);
    drop(bench.card);
    for round in 0..60u64 {
        let mut child = child("guess", dir.path());
        let mut output = wait_for_output(&mut child);
        std::thread::sleep(Duration::from_micros(round * 7919 % 12_000));
        child.kill().unwrap();
        child.wait().unwrap();
        let mut answers = vec![b'r'];
        output.read_to_end(&mut answers).unwrap();
        let wrong = answers.iter().rev().take_while(|answer| **answer == b'w').count();
        let mut card = store.open_card("test").unwrap();
        send(&mut card, SELECT);
        let status = send(&mut card, READ_TRIES);
        let tries = usize::from(unhex(&status)[5]);
        let mut possible = vec![LIMIT - wrong, LIMIT - wrong - 1];
        if wrong == GUESSES {
            possible.push(LIMIT);
        }
        assert!(possible.contains(&tries), "round {round}: {tries} tries after {wrong} wrong ones");
        assert_eq!(send(&mut card, VERIFY), "9000");
    }
}

/// Kills a process that writes: a data object is the old or the new one, never a third.
#[test]
fn kills_leave_the_old_or_the_new_image() {
    let bench = bench();
    let (store, dir) = (bench.store, bench.dir);
    drop(bench.card);
    let mut last = 0;
    for round in 0..60u64 {
        let mut child = child("write", dir.path());
        wait_for_output(&mut child);
        std::thread::sleep(Duration::from_micros(round * 6337 % 9_000));
        child.kill().unwrap();
        child.wait().unwrap();
        let mut card = store.open_card("test").unwrap();
        send(&mut card, SELECT);
        let (object, sw) = common::exchange(&mut card, &unhex("00 CB A0 10 04 5C 02 DF 30 00"));
        assert_eq!((sw, object.len()), (0x9000, 5 + WRITTEN), "round {round}");
        let value = u32::from_be_bytes([object[5], object[6], object[7], object[8]]);
        let whole = object[5..].chunks(4).all(|chunk| chunk == value.to_be_bytes());
        assert!(whole && value >= last, "round {round}: {value} after {last}");
        last = value;
    }
    assert!(last > 0);
}

/// Wrong PINs before a right one.
const GUESSES: usize = 10;
/// Bytes of the object that is written again and again.
const WRITTEN: usize = 2000;

#[test]
fn a_process_that_stopped_with_the_cards_lock_holds_nobody_up_for_ever() {
    let mut bench = bench();
    bench.send(SELECT);
    let brief = bench.store.clone().with_patience(Duration::from_millis(20));
    let mut card = brief.open_card("test").unwrap();
    let mut other = child("lock", bench.store.dir());
    wait_for_output(&mut other);

    let fault = card.transmit(&unhex(SELECT)).unwrap_err();
    let CardFault::Busy { path, waited } = &fault else { panic!("{fault}") };
    assert_eq!((path.as_path(), *waited), (&*brief.dir().join("test/lock"), Duration::from_millis(20)));
    assert!(fault.to_string().ends_with("locked for more than 20 ms"), "{fault}");
    let busy = |error| matches!(error, StoreError::Card(CardFault::Busy { .. }));
    assert!(busy(brief.open_card("test").unwrap_err()));
    assert!(busy(brief.erase("test").unwrap_err()));
    drop(card);

    other.kill().unwrap();
    other.wait().unwrap();
    assert_eq!(bench.send("00 20 00 80"), "63C3", "nothing of it reached the card");
    assert_eq!(brief.status("test").unwrap().connections, 1, "who could not say goodbye is counted out");
    let mut card = brief.open_card("test").unwrap();
    assert_eq!(send(&mut card, "00 20 00 80"), "63C3");
}

/// The other process of the tests above: what it does stands in the environment.
#[test]
#[ignore = "started by the other tests"]
fn child_process() {
    let mode = std::env::var("CARDMOD_TEST_MODE").expect("started by another test");
    let store = Store::open(std::env::var_os("CARDMOD_TEST_STORE").expect("a store")).unwrap();
    if mode == "lock" {
        let lock = std::fs::File::open(store.dir().join("test/lock")).unwrap();
        lock.lock().unwrap();
        say("\nready\n");
        // As if stopped in the middle of a command, until it is killed.
        return std::thread::sleep(Duration::from_secs(60));
    }
    let mut card = store.open_card("test").unwrap();
    match mode.as_str() {
        "count" => count(&mut card),
        "hold" => {
            card.begin(Duration::from_secs(5)).unwrap();
            send(&mut card, SELECT);
            assert_eq!(send(&mut card, VERIFY), "9000");
            say("\nready\n");
            std::thread::sleep(Duration::from_secs(60));
        }
        "guess" => {
            send(&mut card, SELECT);
            say("\nready\n");
            loop {
                for _ in 0..GUESSES {
                    assert!(send(&mut card, "00 20 00 80 04 30 30 30 30").starts_with("63C"));
                    say("w");
                }
                assert_eq!(send(&mut card, VERIFY), "9000");
                say("r");
            }
        }
        "write" => write_on(&mut card),
        other => panic!("unknown mode {other}"),
    }
}

fn count(card: &mut VirtualCard) {
    for _ in 0..50 {
        card.begin(Duration::from_secs(60)).unwrap();
        let object = unhex(&send(card, "00 CB A0 10 04 5C 02 DF 30 00"));
        let value = u32::from_be_bytes([object[3], object[4], object[5], object[6]]) + 1;
        assert_eq!(send(card, &format!("00 DB A0 10 07 DF 30 04 {value:08X}")), "9000");
        card.end(Disposition::Leave).unwrap();
    }
}

fn write_on(card: &mut VirtualCard) {
    send(card, SELECT);
    send(card, VERIFY);
    let (old, sw) = common::exchange(card, &unhex("00 CB A0 10 04 5C 02 DF 30 00"));
    let mut value = if sw == 0x9000 { u32::from_be_bytes([old[5], old[6], old[7], old[8]]) } else { 0 };
    let mut announced = false;
    loop {
        value += 1;
        let mut object = unhex(&format!("DF 30 82 {WRITTEN:04X}"));
        object.extend(value.to_be_bytes().repeat(WRITTEN / 4));
        for part in common::chained([0x00, 0xDB, 0xA0, 0x10], &object, false) {
            assert_eq!(hex(&card.transmit(&part).unwrap()), "9000");
        }
        if !announced {
            say("\nready\n");
            announced = true;
        }
    }
}

fn say(text: &str) {
    let mut out = std::io::stdout();
    out.write_all(text.as_bytes()).unwrap();
    out.flush().unwrap();
}

fn child(mode: &str, store: &Path) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--ignored", "--exact", "child_process", "--nocapture"])
        .env("CARDMOD_TEST_MODE", mode)
        .env("CARDMOD_TEST_STORE", store)
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    // Among a thousand processes on a busy machine Wine fails to start one, and says so by this code.
    const ERROR_INTERNAL_ERROR: i32 = 1359;
    let mut started = command.spawn();
    for _ in 0..3 {
        match &started {
            Err(error) if cfg!(windows) && error.raw_os_error() == Some(ERROR_INTERNAL_ERROR) => {
                started = command.spawn();
            }
            _ => break,
        }
    }
    started.unwrap()
}

/// Waits until the child says that it is ready; what it says later can be read from the answer.
fn wait_for_output(child: &mut Child) -> BufReader<std::process::ChildStdout> {
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while line.trim() != "ready" {
        line.clear();
        assert_ne!(output.read_line(&mut line).unwrap(), 0, "the child ended early");
    }
    output
}
