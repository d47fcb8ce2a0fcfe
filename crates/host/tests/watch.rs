//! Watching readers: what a watch reports, in which order, and how it ends.

mod common;

use std::sync::mpsc;
use std::time::Duration;

use cardmod_host::{ReaderEvent, Watch, Watched};

/// Waits for the events of one reader; those of other tests' readers are left out.
fn of(watch: &mut Watch, reader: &str) -> Vec<ReaderEvent> {
    loop {
        let Watched::Events(mut events) = watch.next(None).expect("the readers can be watched") else {
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

#[test]
fn a_card_comes_goes_comes_again_and_is_erased() {
    let mut watch = common::host().watch().expect("a watch");
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
    let reader = common::card_of("there", &common::profile("there"));
    let mut watch = common::host().watch().expect("a watch");
    let Ok(Watched::Events(events)) = watch.next(None) else { panic!("the first look is at once") };
    let mine: Vec<_> = events.iter().filter(|event| name(event) == reader).collect();
    assert!(matches!(mine[..], [ReaderEvent::ReaderAdded(_), ReaderEvent::CardInserted(_)]), "{mine:?}");
}

#[test]
fn a_wait_is_stopped_from_another_thread_and_stays_so() {
    let mut watch = common::host().watch().expect("a watch");
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
