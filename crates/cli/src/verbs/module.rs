//! `cardmod module`: which card module serves which card.

mod install;
mod pnp;
mod register;
pub(crate) mod view;

use cardmod_host::registry::{MAX_ATR_LEN, Registry, RegistryPaths, Scope};
use clap::{Args, Subcommand};
use serde::Serialize;

use crate::args::{Global, HexBytes};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Output, facts, hex, table};
use crate::session::{Desk, WithoutCard};

use self::view::{CLASS_MODULE, EntryView, ProblemView, module_name, problem_note, problems};

/// What to do with the module registry.
#[derive(Debug, Subcommand)]
pub(crate) enum ModuleVerb {
    /// List the registered cards and modules, in the order in which they are tried
    List(ListArgs),
    /// Show which module serves a card, by its answer to reset (ATR), and by which rule
    Match(MatchArgs),
    /// Register a card module for a kind of card
    Register(register::RegisterArgs),
    /// Take an entry out of the registry
    Unregister(register::UnregisterArgs),
    /// Write the INF of a driver package that installs a card module on Windows
    Inf(install::InfArgs),
    /// Write a file for Windows' regedit that registers a card module
    Reg(install::RegArgs),
    /// Show the plug and play id that Windows makes of a card's ATR
    PnpId(pnp::PnpIdArgs),
}

/// `module list`.
#[derive(Args, Debug)]
pub(crate) struct ListArgs {
    /// What 32-bit programs have of Windows' registry
    #[arg(long)]
    wow64: bool,
}

/// `module match`.
#[derive(Args, Debug)]
pub(crate) struct MatchArgs {
    /// The ATR in hexadecimal, blanks and colons allowed [default: that of the card]
    #[arg(long, value_name = "HEX")]
    atr: Option<AtrBytes>,
    /// Among the entries that 32-bit programs of a 64-bit Windows have
    #[arg(long)]
    wow64: bool,
}

/// An ATR, or its mask, on the command line.
pub(crate) type AtrBytes = HexBytes;

#[derive(Serialize)]
struct ListDocument<'a> {
    cards: Vec<EntryView<'a>>,
    /// What serves every other card.
    otherwise: &'static str,
    problems: Vec<ProblemView>,
}

#[derive(Serialize)]
struct MatchDocument<'a> {
    atr: String,
    module: String,
    rule: &'static str,
    entry: Option<EntryView<'a>>,
    others: Vec<EntryView<'a>>,
    problems: Vec<ProblemView>,
}

/// Runs the verb.
pub(crate) fn run(verb: &ModuleVerb, global: &Global, out: Output) -> Result<(), Failure> {
    match verb {
        ModuleVerb::List(args) => list(args, out),
        ModuleVerb::Match(args) => find(args, global, out),
        ModuleVerb::Register(args) => register::register(args, global, out),
        ModuleVerb::Unregister(args) => register::unregister(args, out),
        ModuleVerb::Inf(args) => install::inf(args, global, out),
        ModuleVerb::Reg(args) => install::reg(args, global, out),
        ModuleVerb::PnpId(args) => pnp::run(args, global, out),
    }
}

fn list(args: &ListArgs, out: Output) -> Result<(), Failure> {
    let registry = Registry::load(&paths(args.wow64)?);
    let document = ListDocument {
        cards: registry.entries().iter().map(EntryView::from).collect(),
        otherwise: CLASS_MODULE,
        problems: problems(&registry),
    };
    tell_problems(&registry, out);
    out.show(&document, || {
        let mut rows: Vec<_> = document.cards.iter().map(row).collect();
        rows.push(["any other".into(), "-".into(), CLASS_MODULE.into(), "-".into(), "-".into()]);
        table(["card", "ATR", "module", "of", "place"], rows)
    })
}

fn row(entry: &EntryView<'_>) -> [String; 5] {
    [
        entry.name.to_owned(),
        atr_cell(entry),
        entry.module.clone(),
        entry.scope.to_owned(),
        entry.place.to_string(),
    ]
}

/// The ATR, and the mask where it leaves something out.
fn atr_cell(entry: &EntryView<'_>) -> String {
    if entry.mask.chars().all(|digit| digit == 'f') {
        return entry.atr.clone();
    }
    format!("{} / {}", entry.atr, entry.mask)
}

fn find(args: &MatchArgs, global: &Global, out: Output) -> Result<(), Failure> {
    let registry = Registry::load(&paths(args.wow64)?);
    let atr = match &args.atr {
        Some(atr) if !(2..=MAX_ATR_LEN).contains(&atr.0.len()) => {
            let told = format!("an ATR has 2 to {MAX_ATR_LEN} bytes, not {}", atr.0.len());
            return Err(Failure::new(Exit::Usage, "bad-atr", told)
                .hint("the whole ATR is wanted, as cardmod info shows it"));
        }
        Some(atr) => atr.0.clone(),
        None => atr_of_card(&Desk::open(global, out)?)?,
    };
    let found = registry.matches(&atr);
    let entry = found.as_ref().map(|found| found.entry);
    let document = MatchDocument {
        atr: hex(&atr),
        module: entry.map_or_else(|| CLASS_MODULE.to_owned(), |entry| module_name(&entry.module)),
        rule: if entry.is_some() { "registered" } else { "class" },
        entry: entry.map(EntryView::from),
        others: found.iter().flat_map(|found| &found.others).map(|entry| EntryView::from(*entry)).collect(),
        problems: problems(&registry),
    };
    tell_problems(&registry, out);
    out.show(&document, || {
        let mut rows = vec![("ATR", document.atr.clone()), ("module", document.module.clone())];
        rows.push(match &document.entry {
            Some(entry) => ("rule", format!("registered as {:?} ({})", entry.name, entry.place)),
            None => ("rule", "no entry of the registry matches".to_owned()),
        });
        for other in &document.others {
            let told = format!("{:?} too ({}): {}", other.name, other.place, other.module);
            rows.push(("would match", told));
        }
        facts(&rows)
    })
}

/// The ATR of the card that the options name, or of the one there is.
fn atr_of_card(desk: &Desk) -> Result<Vec<u8>, Failure> {
    let reader = desk.choose(WithoutCard::Refuse)?;
    let found = desk.readers()?.into_iter().find(|info| info.name == reader && info.present);
    match found {
        Some(info) => Ok(info.atr),
        None => Err(cardmod_host::Error::NoCard { reader }.into()),
    }
}

fn tell_problems(registry: &Registry, out: Output) {
    for problem in registry.problems() {
        out.note(&problem_note(problem));
    }
}

/// Whose entries `--system` means.
const fn scope(system: bool) -> Scope {
    if system { Scope::System } else { Scope::User }
}

/// Where the registry is, for programs of this width or for 32-bit ones.
fn paths(wow64: bool) -> Result<RegistryPaths, Failure> {
    let paths = RegistryPaths::standard();
    if !wow64 {
        return Ok(paths);
    }
    paths.for_32_bit_programs().ok_or_else(|| {
        Failure::usage("--wow64 means a part of Windows' registry, and this system has none")
            .hint("leave it away")
    })
}
