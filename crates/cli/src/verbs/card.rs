//! `cardmod card`: virtual cards.

mod env;
mod new;
mod plug;

use std::io::{self, IsTerminal as _};

use cardmod_virtual::{CardEntry, CardKind, CardStatus, StoreError};
use clap::{Args, Subcommand};
use serde::Serialize;
use serde_json::json;

use crate::args::Global;
use crate::failure::Failure;
use crate::output::{Output, table};
use crate::session::Desk;

pub(crate) use self::new::create_standard;

/// What to do with virtual cards.
#[derive(Debug, Subcommand)]
pub(crate) enum CardVerb {
    /// Make a virtual card and show its secrets, once
    New(Box<new::NewArgs>),
    /// List the virtual cards
    List,
    /// Erase a virtual card with every key on it
    Erase(EraseArgs),
    /// Take a virtual card out of its reader, as if by hand
    Eject(PlaceArgs),
    /// Put a virtual card back into its reader
    Insert(PlaceArgs),
    /// Put a virtual card into a reader of pcscd (vsmartcard's vpcd), until ended
    Plug(plug::PlugArgs),
    /// Print the shell lines under which any PC/SC program finds the virtual cards, without a daemon
    Env(env::EnvArgs),
}

/// `card erase`.
#[derive(Args, Debug)]
pub(crate) struct EraseArgs {
    /// The card
    #[arg(value_name = "NAME")]
    name: String,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
}

/// `card eject`, `card insert`.
#[derive(Args, Debug)]
pub(crate) struct PlaceArgs {
    /// The card
    #[arg(value_name = "NAME")]
    name: String,
}

#[derive(Serialize)]
struct ListDocument {
    cards: Vec<CardView>,
}

#[derive(Serialize)]
struct CardView {
    name: String,
    kind: &'static str,
    reader: String,
    /// `reader`, `ejected`, `pcscd`; none where the image cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<&'static str>,
    path: String,
}

/// Runs the verb.
pub(crate) fn run(verb: &CardVerb, global: &Global, out: Output) -> Result<(), Failure> {
    let desk = Desk::open(global, out)?;
    match verb {
        CardVerb::New(args) => new::run(args, &desk, out),
        CardVerb::List => list(&desk, out),
        CardVerb::Erase(args) => erase(args, &desk, out),
        CardVerb::Eject(args) => {
            desk.environment.store.open_card(&args.name)?.eject().map_err(StoreError::from)?;
            out.done(&json!({"ejected": args.name}), || format!("ejected virtual card {}\n", args.name))
        }
        CardVerb::Insert(args) => {
            desk.environment.store.open_card(&args.name)?.insert().map_err(StoreError::from)?;
            out.done(&json!({"inserted": args.name}), || format!("inserted virtual card {}\n", args.name))
        }
        CardVerb::Plug(args) => plug::run(args, &desk, out),
        CardVerb::Env(args) => env::run(args, &desk, out),
    }
}

fn list(desk: &Desk, out: Output) -> Result<(), Failure> {
    let view = |entry: CardEntry| CardView {
        reader: desk.environment.reader_of(&entry.name),
        kind: kind(entry.kind),
        place: desk.environment.store.status(&entry.name).ok().as_ref().map(place),
        path: entry.path.display().to_string(),
        name: entry.name,
    };
    let cards = desk.environment.store.cards()?.into_iter().map(view).collect();
    let document = ListDocument { cards };
    out.show(&document, || {
        if document.cards.is_empty() {
            return "no virtual cards; cardmod card new NAME makes one\n".into();
        }
        let row = |card: &CardView| {
            let place = card.place.unwrap_or("-").to_owned();
            [card.name.clone(), card.kind.to_owned(), place, card.path.clone()]
        };
        table(["card", "kind", "in", "image"], document.cards.iter().map(row).collect())
    })
}

/// Where a card is.
fn place(status: &CardStatus) -> &'static str {
    match (status.plugged, status.present) {
        (true, _) => "pcscd",
        (false, true) => "reader",
        (false, false) => "ejected",
    }
}

fn kind(kind: CardKind) -> &'static str {
    match kind {
        CardKind::Gids => "GIDS",
        CardKind::Piv => "PIV",
        CardKind::Dual => "GIDS and PIV",
        CardKind::Unreadable => "unreadable",
        _ => "unknown",
    }
}

/// Nobody's keys are lost by a slip: a person is asked, a script says `--yes`.
fn erase(args: &EraseArgs, desk: &Desk, out: Output) -> Result<(), Failure> {
    let name = &args.name;
    let known = desk.environment.store.cards()?.iter().any(|card| &card.name == name);
    if known && !args.yes && !confirmed(name)? {
        return Err(Failure::failed("not-confirmed", format!("virtual card {name:?} is kept")));
    }
    desk.environment.store.erase(name)?;
    out.done(&json!({"erased": name}), || format!("erased virtual card {name}\n"))
}

fn confirmed(name: &str) -> Result<bool, Failure> {
    if !io::stdin().is_terminal() {
        return Err(Failure::usage(
            "card erase asks before it destroys keys, and there is no terminal to ask on",
        )
        .hint("--yes says it beforehand"));
    }
    let mut answer = String::new();
    Output::new(false, false).note(&format!("Erase virtual card {name:?} and every key on it? [y/N]"));
    io::stdin()
        .read_line(&mut answer)
        .map_err(|error| Failure::failed("file", format!("cannot read the answer: {error}")))?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
