//! What `cardmod try` shows: a line for each step while it happens, and the sum at the end.

use std::time::{Duration, Instant};

use serde::Serialize;

use crate::failure::Failure;
use crate::output::{Output, write_stdout};

/// The steps so far.
pub(super) struct Board {
    out: Output,
    started: Instant,
    steps: Vec<StepView>,
}

/// A finished step.
#[derive(Serialize)]
struct StepView {
    step: &'static str,
    result: String,
    apdus: u64,
    milliseconds: f64,
}

/// The memory ledger, when everything is closed.
#[derive(Serialize)]
pub(super) struct LedgerView {
    /// Calls of the three callbacks.
    pub(super) calls: u64,
    /// Blocks still live: must be none.
    pub(super) live_blocks: u64,
    /// Bytes still live.
    pub(super) live_bytes: u64,
    /// The most bytes that were live at a time.
    pub(super) peak_bytes: u64,
    /// Pointers the callbacks refused: must be none.
    pub(super) refused: u64,
}

#[derive(Serialize)]
struct Document<'a> {
    result: &'static str,
    steps: &'a [StepView],
    apdus: u64,
    milliseconds: f64,
    ledger: &'a LedgerView,
}

impl Board {
    /// An empty board.
    pub(super) fn new(out: Output) -> Self {
        Self { out, started: Instant::now(), steps: Vec::new() }
    }

    /// Does a step and shows it. `apdus` counts the APDUs so far; the step answers what to show.
    pub(super) fn step<T>(
        &mut self,
        step: &'static str,
        apdus: impl Fn() -> u64,
        work: impl FnOnce() -> Result<(T, String), Failure>,
    ) -> Result<T, Failure> {
        if self.steps.is_empty() {
            let heading = "A virtual GIDS card, driven through Cardmod.h by a card module";
            let columns = format!("     {:<34} {:>5} {:>9}", "step", "APDUs", "time");
            self.line(&format!("{heading}\n\n{columns}\n"))?;
        }
        let number = self.steps.len() + 1;
        self.line(&format!("{number:3}  {step:<34}"))?;
        let (before, started) = (apdus(), Instant::now());
        let result = work();
        let (apdus, took) = (apdus() - before, started.elapsed());
        let (value, result) = match result {
            Ok(done) => done,
            Err(failure) => {
                self.line(" FAILED\n")?;
                return Err(failure);
            }
        };
        self.line(&format!(" {:>5} {:>9}  {result}\n", count(apdus), duration(took)))?;
        self.steps.push(StepView { step, result, apdus, milliseconds: milliseconds(took) });
        Ok(value)
    }

    /// Shows the sum.
    pub(super) fn finish(self, ledger: &LedgerView) -> Result<(), Failure> {
        let (apdus, took) = (self.steps.iter().map(|step| step.apdus).sum(), self.started.elapsed());
        let document =
            Document { result: "ok", steps: &self.steps, apdus, milliseconds: milliseconds(took), ledger };
        self.out.show(&document, || {
            let steps = document.steps.len();
            format!("\nEverything works: {steps} steps, {apdus} APDUs, {}.\n", duration(took).trim())
        })
    }

    /// Says that the run ended early.
    pub(super) fn broken_off(&self) -> Result<(), Failure> {
        let done = self.steps.len();
        self.line(&format!("\nBroken off after {done} steps.\n"))
    }

    fn line(&self, text: &str) -> Result<(), Failure> {
        if self.out.json() { Ok(()) } else { write_stdout(text.as_bytes()) }
    }
}

/// A number of APDUs; a step that needs none shows a dash.
fn count(apdus: u64) -> String {
    match apdus {
        0 => "-".into(),
        apdus => apdus.to_string(),
    }
}

fn duration(time: Duration) -> String {
    if time < Duration::from_secs(1) {
        format!("{:.1} ms", milliseconds(time))
    } else {
        format!("{:.1} s", time.as_secs_f64())
    }
}

fn milliseconds(time: Duration) -> f64 {
    // Whole tenths: a document with more digits claims what no clock here knows.
    (time.as_secs_f64() * 10_000.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_unit_a_person_reads() {
        assert_eq!(duration(Duration::from_micros(1_234)), "1.2 ms");
        assert_eq!(duration(Duration::from_millis(2_500)), "2.5 s");
    }

    #[test]
    fn a_failed_step_is_no_step_done() {
        let mut board = Board::new(Output::new(true, true));
        let failed: Result<(), Failure> = board.step("one", || 0, || Err(Failure::failed("test", "no")));
        assert!(failed.is_err());
        assert!(board.steps.is_empty());
    }
}
