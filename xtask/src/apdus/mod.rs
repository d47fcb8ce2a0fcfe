//! `cargo xtask apdus`: how many APDUs a task costs, cardmod beside OpenSC and ykcs11, on the same virtual card in
//! the same run. `--markdown` prints the tables as Markdown, `--update` writes them into `docs/benchmarks.md`.
//!
//! On GIDS cards OpenSC reaches the card through cardmod's PC/SC library in place of pcsc-lite's, so both are counted
//! by the same log; on PIV cards (`piv`) everybody goes through pcscd, and the card itself is where it is counted.
//! The counts that must hold are asserted, in the same columns, in the tests of `crates/host` (`columns`), those of
//! the edges in `crates/gids` and `crates/piv` (`economy`); those of the PIV edge also here, through pcscd.

mod bench;
mod docs;
mod ours;
mod piv;
mod strangers;
mod table;
mod wire;

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
    operation: &'static str,
    through: &'static str,
    sent: Result<Vec<Exchange>, &'static str>,
}

/// Where the tables go.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Output {
    People,
    Markdown,
    Docs,
}

/// Runs the verb.
pub(crate) fn run(arguments: &[String]) -> Result<(), String> {
    let output = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => Output::People,
        ["--markdown"] => Output::Markdown,
        ["--update"] => Output::Docs,
        _ => return Err("the options are --markdown and --update".to_owned()),
    };
    let (gids, piv) = make(output != Output::People)?;
    match (output, piv) {
        (Output::Docs, Ok(piv)) => docs::update(&[("gids", &gids), ("piv", &piv)])?,
        (Output::Docs, Err(reason)) => return Err(reason),
        (_, Ok(piv)) => println!("{gids}\n{piv}"),
        (_, Err(reason)) => println!("{gids}\nno PIV cards: {reason}\n"),
    }
    println!("{}", strangers::version());
    Ok(())
}

/// Prints every table; answers why a part could not be counted here, where that is so.
pub(crate) fn check() -> Result<Option<String>, String> {
    let (gids, piv) = make(false)?;
    println!("{gids}");
    Ok(match piv {
        Ok(piv) => {
            println!("{piv}");
            None
        }
        Err(reason) => Some(format!("PIV cards were not counted: {reason}")),
    })
}

/// The tables of GIDS cards, and those of PIV cards or why there are none.
fn make(markdown: bool) -> Result<(String, Result<String, String>), String> {
    let build = Build::make()?;
    let gids = gids_tables(&build, markdown)?;
    let piv = match wire::impossible() {
        None => Ok(piv::tables(&build, markdown)?),
        Some(reason) => Err(reason),
    };
    Ok((gids, piv))
}

/// The tables of GIDS cards.
fn gids_tables(build: &Build, markdown: bool) -> Result<String, String> {
    let order: Vec<_> = OPERATIONS.iter().map(|operation| operation.name()).collect();
    let mut tables = Vec::new();
    for (title, options) in [
        ("A GIDS card with extended length APDUs", &[][..]),
        ("A GIDS card with short APDUs only", &["--no-extended-length"][..]),
    ] {
        let bench = Bench::set_up(build, options)?;
        let mut counts = ours::count(&bench)?;
        counts.extend(strangers::count(&bench)?);
        tables.push(table::render(title, &order, &counts, markdown));
    }
    Ok(tables.join("\n"))
}
