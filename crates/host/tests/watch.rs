//! Watching readers: what a watch reports, in which order, and how it ends.

mod common;

use std::cell::Cell;
use std::sync::{LazyLock, mpsc};
use std::time::Duration;

use cardmod_host::{ReaderEvent, Watch, Watched};
use cardmod_pcsc::{
    CHAR, DWORD, FunctionTable, LONG, SCARD_E_SERVICE_STOPPED, SCARD_E_UNKNOWN_READER, SCARD_READERSTATE,
    SCARDCONTEXT, code_to_native,
};

/// Waits for the events of one reader; those of other tests' readers are left out.
fn of(watch: &mut Watch, reader: &str) -> Vec<ReaderEvent> {
    of_within(watch, reader, None)
}

fn of_within(watch: &mut Watch, reader: &str, time: impl Into<Option<Duration>>) -> Vec<ReaderEvent> {
    let time = time.into();
    loop {
        let Watched::Events(mut events) = watch.next(time).expect("the readers can be watched") else {
            panic!("no time was set and nobody stops this watch");
        };
        events.retain(|event| name(event) == reader);
        if !events.is_empty() {
            return events;
        }
    }
}

fn name(event: &ReaderEvent) -> &str {
    match event {
        ReaderEvent::ReaderAdded(info) | ReaderEvent::CardInserted(info) => &info.name,
        ReaderEvent::ReaderRemoved { reader } | ReaderEvent::CardRemoved { reader } => reader,
        _ => "",
    }
}

thread_local! {
    /// What a list of readers, and a wait for one, answer on this thread, after so many that go well.
    static FAULTS: Cell<[Option<(u32, u32)>; 2]> = const { Cell::new([None; 2]) };
}

/// The code a function answers without doing anything, once.
fn fault(function: usize) -> Option<LONG> {
    let mut faults = FAULTS.get();
    let planned = faults[function].take();
    faults[function] = planned.and_then(|(good, code)| Some((good.checked_sub(1)?, code)));
    FAULTS.set(faults);
    planned.filter(|(good, _)| *good == 0).map(|(_, code)| code_to_native(code))
}

unsafe extern "system" fn list_readers(
    context: SCARDCONTEXT,
    groups: *const CHAR,
    readers: *mut CHAR,
    length: *mut DWORD,
) -> LONG {
    // SAFETY:
    // - the arguments are the caller's
    fault(0).unwrap_or_else(|| unsafe {
        (cardmod_winscard::table().ListReaders)(context, groups, readers, length)
    })
}

unsafe extern "system" fn get_status_change(
    context: SCARDCONTEXT,
    timeout: DWORD,
    states: *mut SCARD_READERSTATE,
    count: DWORD,
) -> LONG {
    // SAFETY:
    // - the arguments are the caller's
    fault(1).unwrap_or_else(|| unsafe {
        (cardmod_winscard::table().GetStatusChange)(context, timeout, states, count)
    })
}

fn interpose() {
    static TABLE: LazyLock<FunctionTable> = LazyLock::new(|| FunctionTable {
        ListReaders: list_readers,
        GetStatusChange: get_status_change,
        ..*cardmod_winscard::table()
    });
    common::interpose(&TABLE);
}

/// A watch by the functions that fail when they are told to.
fn watch() -> Watch {
    interpose();
    common::host().watch().expect("a watch")
}

#[test]
fn no_failure_of_the_service_loses_an_event() {
    let mut watch = watch();
    let reader = common::card_of("failing", &common::profile("failing"));
    of(&mut watch, &reader);
    FAULTS.set([Some((0, SCARD_E_SERVICE_STOPPED)), None]);
    common::store().open_card("failing").expect("the card").eject().expect("it comes out");
    assert_eq!(of(&mut watch, &reader), [ReaderEvent::CardRemoved { reader: reader.clone() }]);
    assert_eq!(FAULTS.get(), [None; 2]);
    for good in 0..3 {
        common::store().open_card("failing").expect("the card").insert().expect("it goes in");
        while !matches!(of(&mut watch, &reader).last(), Some(ReaderEvent::CardInserted(_))) {}
        FAULTS.set([None, Some((good, SCARD_E_UNKNOWN_READER))]);
        common::store().erase("failing").expect("nobody uses it");
        let mut gone = Vec::new();
        while gone.last() != Some(&ReaderEvent::ReaderRemoved { reader: reader.clone() }) {
            gone.extend(of_within(&mut watch, &reader, Duration::MAX));
        }
        assert_eq!(gone[0], ReaderEvent::CardRemoved { reader: reader.clone() }, "{good}");
        FAULTS.set([None; 2]);
        common::card_of("failing", &common::profile("failing"));
        common::store().open_card("failing").expect("the card").eject().expect("it comes out");
    }
}

#[test]
fn a_card_comes_goes_comes_again_and_is_erased() {
    let mut watch = watch();
    assert!(matches!(watch.next(Some(Duration::ZERO)), Ok(Watched::Events(_))), "the first look is at once");
    let reader = common::card_of("watched", &common::profile("watched"));
    let events = of(&mut watch, &reader);
    let [ReaderEvent::ReaderAdded(_), ReaderEvent::CardInserted(card)] = events.as_slice() else {
        panic!("{events:?}");
    };
    assert!(card.present && !card.atr.is_empty(), "{card:?}");

    let mut inside = common::store().open_card("watched").expect("the card");
    inside.eject().expect("it comes out");
    assert_eq!(of(&mut watch, &reader), [ReaderEvent::CardRemoved { reader: reader.clone() }]);
    inside.insert().expect("it goes in");
    let events = of(&mut watch, &reader);
    assert!(matches!(events.as_slice(), [ReaderEvent::CardInserted(_)]), "{events:?}");
    // Out and in while nobody looks.
    inside.eject().expect("it comes out");
    inside.insert().expect("it goes in");
    let events = of(&mut watch, &reader);
    assert!(
        matches!(events.as_slice(), [ReaderEvent::CardRemoved { .. }, ReaderEvent::CardInserted(_)]),
        "{events:?}"
    );
    drop(inside);
    common::store().erase("watched").expect("nobody uses it");
    let mut events = of(&mut watch, &reader);
    while events.len() < 2 {
        events.extend(of(&mut watch, &reader));
    }
    let removed = ReaderEvent::CardRemoved { reader: reader.clone() };
    assert_eq!(events, [removed, ReaderEvent::ReaderRemoved { reader }]);
}

#[test]
fn what_is_there_already_is_reported_first() {
    interpose();
    let reader = common::card_of("there", &common::profile("there"));
    let mut watch = watch();
    let Ok(Watched::Events(events)) = watch.next(None) else { panic!("the first look is at once") };
    let mine: Vec<_> = events.iter().filter(|event| name(event) == reader).collect();
    assert!(matches!(mine[..], [ReaderEvent::ReaderAdded(_), ReaderEvent::CardInserted(_)]), "{mine:?}");
}

#[test]
fn a_wait_is_stopped_from_another_thread_and_stays_so() {
    let mut watch = watch();
    let stopper = watch.stopper();
    let (about_to_wait, ready) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        about_to_wait.send(()).expect("the test listens");
        while !matches!(watch.next(None).expect("a wait"), Watched::Stopped) {}
        watch
    });
    ready.recv().expect("the thread waits");
    stopper.stop();
    let mut watch = thread.join().expect("the wait ended");
    assert_eq!(watch.next(None).expect("no wait"), Watched::Stopped);
    stopper.stop();
}
