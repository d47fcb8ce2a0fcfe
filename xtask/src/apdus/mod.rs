//! `cargo xtask apdus`: how many APDUs a task costs, cardmod beside OpenSC, on the same virtual card in
//! the same run. `--markdown` prints the tables for `docs/benchmarks.md`.
//!
//! OpenSC reaches the card through cardmod's PC/SC library in place of pcsc-lite's, so both are counted
//! by the same log. The counts that must hold are asserted, in the same columns, in the tests of `crates/host`
//! (`columns`), those of the edge in `crates/gids` (`economy`).

mod bench;
mod ours;
mod strangers;
mod table;

pub(crate) use bench::done;
use bench::{Bench, Build};
use cardmod_interop::traffic::Exchange;

/// What is counted, in the order of the table. The values are the names of the rows.
const OPERATIONS: [Operation; 9] = [
    Operation::List,
    Operation::ListWarm,
    Operation::ListAgain,
    Operation::ListHeld,
    Operation::Sign,
    Operation::SignWarm,
    Operation::SignAgain,
    Operation::Decrypt,
    Operation::DecryptWarm,
];

/// A task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operation {
    List,
    ListWarm,
    ListAgain,
    ListHeld,
    Sign,
    SignWarm,
    SignAgain,
    Decrypt,
    DecryptWarm,
}

impl Operation {
    const fn name(self) -> &'static str {
        match self {
            Self::List => "list two certificates, new process",
            Self::ListWarm => "list two certificates, new process, seen before",
            Self::ListAgain => "list again, same process",
            Self::ListHeld => "list again, same transaction",
            Self::Sign => "sign with PIN, new process",
            Self::SignWarm => "sign with PIN, new process, seen before",
            Self::SignAgain => "second signature, same session",
            Self::Decrypt => "decrypt with PIN, new process",
            Self::DecryptWarm => "decrypt with PIN, new process, seen before",
        }
    }
}

/// What one program sent for one task; an error says why there is nothing.
struct Count {
    operation: Operation,
    through: &'static str,
    sent: Result<Vec<Exchange>, &'static str>,
}

/// Runs the verb.
pub(crate) fn run(arguments: &[String]) -> Result<(), String> {
    let markdown = match arguments {
        [] => false,
        [option] if option == "--markdown" => true,
        _ => return Err("the only option is --markdown".to_owned()),
    };
    let build = Build::make()?;
    for (title, options) in [
        ("A card with extended length APDUs", &[][..]),
        ("A card with short APDUs only", &["--no-extended-length"][..]),
    ] {
        let bench = Bench::set_up(&build, options)?;
        let mut counts = ours::count(&bench)?;
        counts.extend(strangers::count(&bench)?);
        println!("{}", table::render(title, &counts, markdown));
    }
    println!("{}", strangers::version());
    Ok(())
}
