//! `cardmod` killed with SIGKILL at any moment of any verb that writes: the card and its container map stay
//! consistent, tries are never gained and at most one is lost, and the next run works.
//!
//! Every trial begins with a copy of the same card, kills one verb (or two in a row), looks at what is left
//! through fresh runs of the program, runs the verb again and looks once more. Every verb is killed at least once.
//! An ordinary run takes some two minutes on two cores that have nothing else to do. The moment is chosen in three
//! ways: at a system call that changes the disk (`strace` injects the signal there), after an APDU (whose line
//! in the APDU log is awaited), and at a fraction of the time that the verb takes.
//!
//! | Variable | Means |
//! |---|---|
//! | `CARDMOD_KILLS` | how many trials, instead of [`TRIALS`] |
//! | `CARDMOD_KILL_SEED` | the seed of the moments; printed by every run |
//! | `CARDMOD_KILL_TRIAL` | this trial of the seed alone |
#![forbid(unsafe_code)]
#![cfg(target_os = "linux")]
#![allow(clippy::print_stderr, reason = "the seed and what was hit belong into the test's output")]

#[path = "../common/mod.rs"]
mod common;
mod piv;
mod place;
mod random;
mod rules;
mod state;
mod verbs;
mod weapon;

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use place::Template;
use random::Random;
use state::State;
use verbs::Verb;
use weapon::{Measured, Way, Weapons};

/// Trials of an ordinary run: four a verb, of 39 on GIDS cards and 24 on PIV cards. The verbs take turns, and with
/// each turn the way is the next one: all of them meet where there are at least three trials a verb. More are for
/// `cargo xtask kills`.
const TRIALS: usize = 253;
/// A verb that chance let end every time gets this many trials more.
const MORE_TRIALS: u64 = 12;
/// At least this share of the kills must have hit a program that was not done: 0.8 do, on a machine with many times
/// more work than cores 0.7. That the kills strike at all is asked for here; that each verb is struck, by itself.
const SHARE_OF_HITS: f64 = 0.5;
/// At least this share must have hit one at its work, before it printed its result: 0.65 do, or 0.56.
const SHARE_IN_THE_MIDDLE: f64 = 0.35;

#[test]
fn a_killed_program_leaves_a_whole_card_and_the_next_run_works() {
    let seed = number("CARDMOD_KILL_SEED").unwrap_or_else(now);
    let trials = number("CARDMOD_KILLS").map_or(TRIALS, |count| count as usize);
    eprintln!("the seed of these kills: CARDMOD_KILL_SEED={seed}");
    let (weapons, template) = (Weapons::tried(), Template::new());
    let only = number("CARDMOD_KILL_TRIAL");
    let chosen: Vec<u64> =
        (0..trials as u64).filter(|trial| only.is_none_or(|only| only == *trial)).collect();
    let verbs: Vec<&'static Verb> = verbs::all().collect();
    let all = verbs.len() as u64;
    let is_met = |index: usize| chosen.iter().any(|trial| *trial as usize % verbs.len() == index);
    let met = |(index, verb): (usize, &&'static Verb)| {
        is_met(index).then(|| Subject::new(verb, &template, &weapons))
    };
    let subjects: Vec<Option<Subject>> = verbs.iter().enumerate().map(met).collect();
    let (next, failed, counts) = (AtomicUsize::new(0), Mutex::new(Vec::new()), Counts::default());
    let run = |trial: u64| {
        let what = format!("CARDMOD_KILL_SEED={seed} CARDMOD_KILL_TRIAL={trial}");
        let one = || one_trial(&subjects, &template, &weapons, (seed, trial), &what, &counts);
        // One failure tells less than all of them.
        if catch_unwind(AssertUnwindSafe(one)).is_err() {
            failed.lock().expect("no panic").push(what);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(trial) = chosen.get(next.fetch_add(1, Ordering::Relaxed)) {
                    run(*trial);
                }
            });
        }
    });
    if chosen.len() >= verbs.len() * 3 {
        for (index, verb) in verbs.iter().enumerate() {
            let more = (1..=MORE_TRIALS)
                .map(|turn| trials as u64 / all + turn)
                .map(|turn| turn * all + index as u64);
            more.take_while(|_| !counts.has_killed(verb)).for_each(run);
        }
    }
    let failed = failed.into_inner().expect("no panic");
    assert!(failed.is_empty(), "{} of {} trials failed:\n{}", failed.len(), chosen.len(), failed.join("\n"));
    counts.judge(chosen.len());
}

/// A verb, how long it takes, and what it comes to when nobody disturbs it.
struct Subject {
    verb: &'static Verb,
    before: State,
    done: State,
    measured: Measured,
}

impl Subject {
    fn new(verb: &'static Verb, template: &Template, weapons: &Weapons) -> Self {
        let place = template.place(verb.start);
        let before = State::of(&place, "before the verb");
        let measured = weapons.measure(verb, template);
        place.run(verb.line).exits(verb.exit);
        let done = State::of(&place, "after the verb");
        Self { verb, before, done, measured }
    }
}

fn one_trial(
    subjects: &[Option<Subject>],
    template: &Template,
    weapons: &Weapons,
    (seed, trial): (u64, u64),
    what: &str,
    counts: &Counts,
) {
    let (mut random, verbs, ways) = (Random::new(seed, trial), subjects.len() as u64, weapons.ways());
    let subject = subjects[(trial % verbs) as usize].as_ref().expect("a verb that is met was looked at");
    let turn = seed.wrapping_add(trial % verbs).wrapping_add(trial / verbs);
    let way = ways[(turn % ways.len() as u64) as usize];
    let place = template.place(subject.verb.start);
    let mut story = format!("{what}: {}", subject.verb.line);
    let mut before = subject.before.clone();
    // Now and then the run after a kill is killed as well.
    let kills = if random.below(4) == 0 { 2 } else { 1 };
    for _ in 0..kills {
        let blow = weapons.strike(&place, subject.verb, way, &subject.measured, &mut random);
        counts.note(way, subject.verb, &blow);
        story = format!("{story}, {blow}");
        let (killed, after) = (!blow.ended, State::of(&place, &story));
        let again = rules::after_a_kill(subject.verb, &before, &subject.done, &after, &place, &story);
        if !killed || !again {
            break;
        }
        before = after;
    }
    rules::next_run(subject.verb, &subject.done, &place, &mut random, &story);
}

/// What the kills hit, by way.
#[derive(Default)]
struct Counts {
    kills: [AtomicUsize; 3],
    hits: [AtomicUsize; 3],
    middle: [AtomicUsize; 3],
    /// The verbs that were killed while they ran, by command line and start.
    killed: Mutex<BTreeSet<String>>,
}

impl Counts {
    fn note(&self, way: Way, verb: &Verb, blow: &weapon::Blow) {
        if !blow.ended {
            self.killed.lock().expect("no panic").insert(told(verb));
        }
        let add = |counter: &[AtomicUsize; 3], is: bool| {
            counter[way as usize].fetch_add(usize::from(is), Ordering::Relaxed);
        };
        add(&self.kills, true);
        add(&self.hits, !blow.ended);
        add(&self.middle, !blow.ended && blow.at_work);
    }

    fn has_killed(&self, verb: &Verb) -> bool {
        self.killed.lock().expect("no panic").contains(&told(verb))
    }

    /// Kills of programs that were done already prove nothing.
    fn judge(&self, trials: usize) {
        let sum = |counter: &[AtomicUsize; 3]| -> usize {
            counter.iter().map(|count| count.load(Ordering::Relaxed)).sum()
        };
        eprintln!(
            "kills by system call, APDU, time: {:?}; not done: {:?}; in the middle: {:?}",
            self.kills, self.hits, self.middle
        );
        let (kills, hits, middle) = (sum(&self.kills), sum(&self.hits), sum(&self.middle));
        let never: Vec<_> = verbs::all().filter(|verb| !self.has_killed(verb)).map(told).collect();
        assert!(
            trials < verbs::all().count() * 3 || never.is_empty(),
            "never killed while running: {never:?}"
        );
        if trials < verbs::all().count() * 3 {
            return; // trials that were asked for by number: too few for a share
        }
        let share = |part: usize| part as f64 / kills as f64;
        assert!(share(hits) >= SHARE_OF_HITS, "{hits} of {kills} kills hit a program that was not done");
        assert!(share(middle) >= SHARE_IN_THE_MIDDLE, "{middle} of {kills} kills hit one at its work");
    }
}

/// A verb by command line and start.
fn told(verb: &Verb) -> String {
    format!("{} ({:?})", verb.line, verb.start)
}

fn number(variable: &str) -> Option<u64> {
    let value = std::env::var(variable).ok()?;
    Some(value.parse().unwrap_or_else(|_| panic!("{variable} is no number: {value}")))
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock").as_nanos() as u64
}
