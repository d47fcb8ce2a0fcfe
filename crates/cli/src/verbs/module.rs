//! `cardmod module`: which card module serves which card.

mod register;

use cardmod_host::registry::{CardEntry, RegisteredModule, Registry, RegistryPaths, Scope};
use clap::{Args, Subcommand};
use serde::Serialize;

use crate::args::{Global, HexBytes};
use crate::failure::Failure;
use crate::output::{Output, facts, hex, table};
use crate::session::{Desk, WithoutCard};

/// What to do with the module registry.
#[derive(Debug, Subcommand)]
pub(crate) enum ModuleVerb {
    /// List the registered cards and modules, in the order in which they are tried
    List,
    /// Show which module serves a card, by its answer to reset (ATR), and by which rule
    Match(MatchArgs),
    /// Register a card module for a kind of card
    Register(register::RegisterArgs),
    /// Take an entry out of the registry
    Unregister(register::UnregisterArgs),
}

/// `module match`.
#[derive(Args, Debug)]
pub(crate) struct MatchArgs {
    /// The ATR in hexadecimal, blanks and colons allowed [default: that of the card]
    #[arg(long, value_name = "HEX")]
    atr: Option<AtrBytes>,
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

/// An entry of the registry.
#[derive(Serialize)]
pub(crate) struct EntryView<'a> {
    name: &'a str,
    atr: String,
    mask: String,
    module: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    crypto_provider: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_storage_provider: Option<&'a str>,
    scope: &'static str,
    file: String,
    line: usize,
}

/// A file of the registry that is not used.
#[derive(Serialize)]
pub(crate) struct ProblemView {
    file: String,
    line: Option<usize>,
    problem: String,
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

/// What serves a card that nothing is registered for.
const CLASS_MODULE: &str = "built-in class module";

/// Runs the verb.
pub(crate) fn run(verb: &ModuleVerb, global: &Global, out: Output) -> Result<(), Failure> {
    match verb {
        ModuleVerb::List => list(out),
        ModuleVerb::Match(args) => find(args, global, out),
        ModuleVerb::Register(args) => register::register(args, global, out),
        ModuleVerb::Unregister(args) => register::unregister(args, out),
    }
}

fn list(out: Output) -> Result<(), Failure> {
    let registry = Registry::load(&RegistryPaths::standard());
    let document = ListDocument {
        cards: registry.entries().iter().map(EntryView::from).collect(),
        otherwise: CLASS_MODULE,
        problems: problems(&registry),
    };
    tell_problems(&registry, out);
    out.show(&document, || {
        let mut rows: Vec<_> = document.cards.iter().map(row).collect();
        rows.push(["any other".into(), "-".into(), CLASS_MODULE.into(), "-".into(), "-".into()]);
        table(["card", "ATR", "module", "of", "file"], rows)
    })
}

fn row(entry: &EntryView<'_>) -> [String; 5] {
    [
        entry.name.to_owned(),
        atr_cell(entry),
        entry.module.clone(),
        entry.scope.to_owned(),
        format!("{}:{}", entry.file, entry.line),
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
    let registry = Registry::load(&RegistryPaths::standard());
    let atr = match &args.atr {
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
            Some(entry) => {
                ("rule", format!("registered as {:?} ({}:{})", entry.name, entry.file, entry.line))
            }
            None => ("rule", "no entry of the registry matches".to_owned()),
        });
        for other in &document.others {
            let told = format!("{:?} too ({}:{}): {}", other.name, other.file, other.line, other.module);
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
        out.note(&format!("note: a file of the module registry is not used: {problem}"));
    }
}

/// The files that are not used, for the JSON documents.
pub(crate) fn problems(registry: &Registry) -> Vec<ProblemView> {
    let view = |problem: &cardmod_host::registry::RegistryProblem| ProblemView {
        file: problem.file.display().to_string(),
        line: problem.line,
        problem: problem.reason.clone(),
    };
    registry.problems().iter().map(view).collect()
}

impl<'a> From<&'a CardEntry> for EntryView<'a> {
    fn from(entry: &'a CardEntry) -> Self {
        Self {
            name: &entry.name,
            atr: hex(&entry.atr),
            mask: hex(&entry.mask),
            module: module_name(&entry.module),
            crypto_provider: entry.crypto_provider.as_deref(),
            key_storage_provider: entry.key_storage_provider.as_deref(),
            scope: entry.origin.scope.word(),
            file: entry.origin.file.display().to_string(),
            line: entry.origin.line,
        }
    }
}

fn module_name(module: &RegisteredModule) -> String {
    match module {
        RegisteredModule::Class => CLASS_MODULE.to_owned(),
        RegisteredModule::Library(path) => path.display().to_string(),
    }
}

/// Whose entries `--system` means.
const fn scope(system: bool) -> Scope {
    if system { Scope::System } else { Scope::User }
}
