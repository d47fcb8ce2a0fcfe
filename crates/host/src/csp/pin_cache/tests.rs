//! What is kept, for whom and for how long.

use std::sync::Mutex;

use super::*;
use crate::clock::ManualClock;

/// A clock that is set by hand.
#[derive(Clone)]
struct Hand(Arc<Mutex<Moment>>);

impl Hand {
    fn new() -> Self {
        let start = Moment { running: Duration::from_secs(1), wall: Duration::from_secs(1_000_000) };
        Self(Arc::new(Mutex::new(start)))
    }

    fn pass(&self, running: u64, wall: u64) {
        let mut now = self.0.lock().expect("the clock");
        now.running += Duration::from_secs(running);
        now.wall += Duration::from_secs(wall);
    }
}

impl PinClock for Hand {
    fn now(&self) -> Moment {
        *self.0.lock().expect("the clock")
    }
}

const USER: PinId = PinId::USER;

fn card() -> CardState {
    CardState { id: Some(CardId([0; 16])), atr: vec![0x3B, 0x80], insertion: 3, pins: Some(7) }
}

fn pin() -> Kept {
    Kept::Pin(Pin::from("123456"))
}

/// A cache with one PIN, and its clock.
fn filled(policy: PinCachePolicy) -> (PinCache, Hand) {
    let clock = Hand::new();
    let cache = PinCache::with_clock(clock.clone());
    cache.keep("R", USER, card(), &pin(), policy);
    (cache, clock)
}

#[test]
fn a_pin_is_found_for_its_card_role_and_reader_alone() {
    let (cache, clock) = filled(PinCachePolicy::Normal);
    clock.pass(1_000_000, 1_000_000);
    assert_eq!(cache.find("R", USER, &card()), Some(pin()));
    assert_eq!(cache.find("R", PinId::ADMIN, &card()), None);
    assert_eq!(cache.find("another reader, a card with the same identity", USER, &card()), None);
    assert_eq!(cache.len(), 1, "asking for others forgets nothing");
}

#[test]
fn whatever_differs_about_the_card_wipes_it() {
    let others = [
        CardState { id: Some(CardId([1; 16])), ..card() },
        CardState { id: None, ..card() },
        CardState { atr: vec![0x3B, 0x81], ..card() },
        CardState { insertion: 5, ..card() },
        CardState { pins: Some(8), ..card() },
        CardState { pins: None, ..card() },
    ];
    for other in others {
        let (cache, _) = filled(PinCachePolicy::Normal);
        assert_eq!(cache.find("R", USER, &other), None, "{other:?}");
        assert!(cache.is_empty());
        assert_eq!(cache.find("R", USER, &card()), None, "it does not come back");
    }
}

#[test]
fn policies_are_kept() {
    for policy in [PinCachePolicy::None, PinCachePolicy::AlwaysPrompt] {
        let (cache, _) = filled(policy);
        assert!(cache.is_empty(), "{policy:?}");
    }
    let (cache, clock) = filled(PinCachePolicy::Timed(30));
    clock.pass(29, 29);
    assert_eq!(cache.find("R", USER, &card()), Some(pin()), "looking does not prolong it");
    clock.pass(1, 1);
    assert_eq!(cache.find("R", USER, &card()), None);
    assert!(cache.is_empty());
}

#[test]
fn a_machine_that_slept_forgets() {
    let (cache, clock) = filled(PinCachePolicy::Normal);
    clock.pass(5, 3_600);
    assert_eq!(cache.find("R", USER, &card()), None);
}

#[test]
fn a_stricter_policy_forgets_what_was_kept() {
    let (cache, _) = filled(PinCachePolicy::Normal);
    cache.keep("R", USER, card(), &pin(), PinCachePolicy::AlwaysPrompt);
    assert!(cache.is_empty());
}

#[test]
fn pins_are_forgotten_by_role_reader_and_removal() {
    let fill = || {
        let cache = PinCache::default();
        for (reader, role) in [("R", 1), ("R", 3), ("S", 1)] {
            let role = PinId::try_from(role).expect("a role");
            cache.keep(reader, role, card(), &pin(), PinCachePolicy::Normal);
        }
        cache
    };
    let cache = fill();
    cache.forget("R", USER);
    assert_eq!(cache.len(), 2);
    cache.forget_reader("R");
    assert_eq!(cache.len(), 1);
    cache.forget_all();
    assert!(cache.is_empty());

    let cache = fill();
    cache.forget_changed("R", 7);
    assert_eq!(cache.len(), 3);
    cache.forget_changed("R", 8);
    assert_eq!(cache.len(), 1, "S was not changed");

    let cache = fill();
    cache.forget_removed(|reader| (reader == "R").then_some(3));
    assert_eq!(cache.len(), 2, "S is empty");
    cache.forget_removed(|_| Some(5));
    assert!(cache.is_empty(), "out and in again");
}

#[test]
fn session_pins_come_back_as_such() {
    let cache = PinCache::default();
    let session = Kept::SessionPin(SecretBytes::from(b"session"));
    cache.keep("R", USER, card(), &session, PinCachePolicy::Normal);
    assert_eq!(cache.find("R", USER, &card()), Some(session));
}

#[test]
fn there_is_a_limit() {
    let cache = PinCache::default();
    for n in 0..MOST_ENTRIES + 5 {
        cache.keep(&format!("reader {n}"), USER, card(), &pin(), PinCachePolicy::Normal);
    }
    assert_eq!(cache.len(), MOST_ENTRIES);
}

#[test]
fn a_cache_that_is_off_keeps_nothing_and_none_shows_a_pin() {
    let cache = PinCache::off();
    cache.keep("R", USER, card(), &pin(), PinCachePolicy::Normal);
    assert!(cache.is_empty());
    assert_eq!(format!("{cache:?}"), "PinCache(off)");
    let (cache, _) = filled(PinCachePolicy::Normal);
    assert_eq!(format!("{:?} {cache:?}", pin()), "Pin(Pin(6)) PinCache(1)");
}

#[test]
fn the_timer_wipes_in_time_without_a_look() {
    let (cache, clock) = filled(PinCachePolicy::Timed(30));
    let moved = ManualClock::new();
    let timer = Timer::new(moved.clone());
    cache.expire_by(&timer, PinCachePolicy::Timed(30));
    clock.pass(30, 30);
    moved.advance(Duration::from_secs(30));
    let inner = cache.inner.as_ref().expect("it is on");
    // The thread of the timer does it, or would never: this waits for it.
    while !inner.entries().is_empty() {
        std::thread::yield_now();
    }
}
