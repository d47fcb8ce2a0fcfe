//! cardmod's side: the program for what a new process does, the example `counts` for what one session
//! does, through the host and through the GIDS edge alone.

use super::bench::{Bench, CARD, CONTAINER, done};
use super::{Count, Operation};
use cardmod_interop::traffic::Exchange;

const PROGRAM: &str = "cardmod";
const EDGE: &str = "cardmod's GIDS edge";

/// Counts every operation.
pub(super) fn count(bench: &Bench<'_>) -> Result<Vec<Count>, String> {
    let mut counts = Vec::new();
    let key = ["--container", CONTAINER, "--pin-env", "PIN"];
    for (operation, warm, verb, more) in [
        (Operation::List, Operation::ListWarm, &["container", "list"][..], &[][..]),
        (Operation::Sign, Operation::SignWarm, &["sign", "--in", "data", "--out", "signature"], &key),
        (Operation::Decrypt, Operation::DecryptWarm, &["decrypt", "--in", "sealed", "--out", "opened"], &key),
    ] {
        done(&mut bench.cardmod(&["cache", "flush"]))?;
        for operation in [operation, warm] {
            let (_, sent) = bench.watched(bench.cardmod(&[&["--card", CARD], verb, more].concat()))?;
            counts.push(Count { operation: operation.name(), through: PROGRAM, sent: Ok(sent) });
        }
    }
    let host = Steps::of(bench, "host")?;
    for (operation, step) in [
        (Operation::ListAgain, "list again"),
        (Operation::ListHeld, "list held"),
        (Operation::SignAgain, "sign again"),
    ] {
        counts.push(Count { operation: operation.name(), through: PROGRAM, sent: Ok(host.step(step)?) });
    }
    let edge = Steps::of(bench, "edge")?;
    for (operation, step) in [
        (Operation::List, "list"),
        (Operation::ListAgain, "list again"),
        (Operation::Sign, "sign"),
        (Operation::SignAgain, "sign again"),
    ] {
        counts.push(Count { operation: operation.name(), through: EDGE, sent: Ok(edge.step(step)?) });
    }
    Ok(counts)
}

/// The steps of one process that prints the name of each step and how many APDUs it had sent then.
pub(super) struct Steps {
    ends: Vec<(String, usize)>,
    sent: Vec<Exchange>,
}

impl Steps {
    fn of(bench: &Bench<'_>, through: &str) -> Result<Self, String> {
        let (printed, sent) = bench.watched(bench.session(&[through, CARD]))?;
        Self::new(&printed, sent)
    }

    /// Joins what the process printed with what it sent.
    pub(super) fn new(printed: &str, sent: Vec<Exchange>) -> Result<Self, String> {
        let parsed = |line: &str| {
            let (step, count) = line.rsplit_once(' ')?;
            Some((step.to_owned(), count.parse().ok()?))
        };
        let ends: Option<Vec<_>> = printed.lines().map(parsed).collect();
        let ends = ends.ok_or_else(|| format!("not a list of steps:\n{printed}"))?;
        Ok(Self { ends, sent })
    }

    /// What a step sent.
    pub(super) fn step(&self, name: &str) -> Result<Vec<Exchange>, String> {
        let place = self.ends.iter().position(|(step, _)| step == name);
        let place = place.ok_or_else(|| format!("there is no step {name}"))?;
        let start = place.checked_sub(1).map_or(0, |before| self.ends[before].1);
        let sent = self.sent.get(start..self.ends[place].1);
        sent.map(<[_]>::to_vec).ok_or_else(|| format!("step {name} is not in the log"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cardmod_interop::traffic::{Kind, parse};

    #[test]
    fn steps_are_cut_out_of_what_was_sent() {
        let log = [r#"{"command":"00A40400"}"#, r#"{"command":"00A4040009A0000003974254465900"}"#];
        let log = [&log[..], &[r#"{"command":"00200080"}"#, r#"{"command":"002241B6"}"#]].concat().join("\n");
        let steps = Steps::new("open 1\nlist 2\nPIN 3\nsign again 4\n", parse(&log).unwrap()).unwrap();
        assert_eq!(steps.step("list").unwrap().len(), 1);
        let signature = steps.step("sign again").unwrap();
        assert_eq!(signature.iter().map(|sent| sent.kind).collect::<Vec<_>>(), [Kind::Key]);
        assert_eq!(steps.step("open").unwrap().len(), 1);
        let longer = Steps::new("list 1\n", Vec::new()).unwrap();
        assert!(longer.step("list").is_err());
        assert!(steps.step("other").is_err());
        assert!(Steps::new("no number", Vec::new()).is_err());
    }
}
