//! Fuzz targets: every parser of bytes that come from a card, a file or another program, and cards that
//! tamper with their answers against the whole class module.
//!
//! A target is a function of bytes that must return: a panic, an endless loop or a broken promise is a find.
//! The same functions run in two ways: `cargo test -p cardmod-fuzz` replays the seeds, the finds kept in
//! `corpus/` and some thousands of mutations of them on any toolchain; `cargo xtask fuzz` hands them to
//! libFuzzer (`libfuzzer/`), for as long as one likes.
//!
//! Who calls it: its own tests and `libfuzzer/fuzz_targets/any.rs`.
//!
//! Invariants: a target keeps nothing from one run to the next and depends on its bytes alone, so that a
//! find is found again.
#![forbid(unsafe_code)]

mod cards;
mod exchange;
mod module;
mod parsers;
mod piv;
mod source;
mod tamper;

/// A fuzz target.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name, also of its folder in `corpus/`.
    pub name: &'static str,
    /// What it shows while nothing is found.
    pub shows: &'static str,
    /// The target.
    pub run: fn(&[u8]),
    /// Well-formed inputs to begin with.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// How dear a run is: mutations tried by the ordinary tests.
    pub mutations: u32,
}

/// Every target.
#[must_use]
pub fn targets() -> Vec<Target> {
    [parsers::TARGETS, piv::TARGETS, exchange::TARGETS, module::TARGETS, cards::TARGETS].concat()
}

/// The target of this name.
#[must_use]
pub fn find(name: &str) -> Option<Target> {
    targets().into_iter().find(|target| target.name == name)
}
