//! `cardmod info --watch`: waits for cards, tells what comes and goes, and explains each card that is
//! there; with `--json` one document a line for each event.

use std::time::{Duration, Instant, SystemTime};

use cardmod_host::{ReaderEvent, ReaderInfo, WatchStop, Watched};
use clap::Args;
use serde::Serialize;

use super::document::Document;
use super::{explain, proofs, text};
use crate::exit::Exit;
use crate::failure::{Failure, FailureBody};
use crate::output::{Output, hex, indent};
use crate::secrets::PinOptions;
use crate::session::Desk;

/// The exit code of a program that a second Ctrl-C ended.
const INTERRUPTED: i32 = 130;

/// How long, and for how many cards.
#[derive(Args, Debug)]
pub(super) struct WatchArgs {
    /// Wait for cards and explain each that is there or inserted, until ended (Ctrl-C)
    #[arg(long)]
    pub(super) watch: bool,
    /// End after this many cards were explained
    #[arg(long, requires = "watch", value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    count: Option<u32>,
    /// End after this many seconds; with --count, a failure where fewer cards came
    #[arg(long, requires = "watch", value_name = "SECONDS")]
    timeout: Option<u32>,
}

/// One event, as the JSON line has it.
#[derive(Serialize)]
struct EventView<'a> {
    event: &'static str,
    /// When it was seen, UTC.
    time: String,
    /// It was so when the watch began.
    initial: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    reader: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    virtual_card: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    atr: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    info: Option<Document>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<FailureBody<'a>>,
}

/// What a run of the watch knows.
struct Watcher<'a> {
    desk: &'a Desk,
    pin: &'a PinOptions,
    out: Output,
    /// The readers that were named at the beginning are being told.
    initial: bool,
    /// How many cards were explained.
    cards: u32,
    /// The cards that refused the PIN: their tries are not spent on it again.
    refused: Vec<String>,
}

/// Watches until a signal, the time or the number of cards ends it.
pub(super) fn run(args: &WatchArgs, pin: &PinOptions, desk: &Desk, out: Output) -> Result<(), Failure> {
    let deadline = args.timeout.map(|seconds| Instant::now() + Duration::from_secs(seconds.into()));
    let mut watch = desk.environment.host.watch()?;
    end_by_signal(watch.stopper())?;
    let mut watcher = Watcher { desk, pin, out, initial: true, cards: 0, refused: Vec::new() };
    loop {
        let remaining = deadline.map(|at| at.saturating_duration_since(Instant::now()));
        match watch.next(remaining)? {
            Watched::Events(events) => {
                for event in events.iter().filter(|event| desk.wants(reader_of(event))) {
                    watcher.tell(event)?;
                    if args.count == Some(watcher.cards) {
                        return Ok(());
                    }
                }
            }
            Watched::Stopped => return Ok(()),
            Watched::TimedOut => return in_time(args, watcher.cards),
        }
        if watcher.initial {
            watcher.ready()?;
            watcher.initial = false;
        }
    }
}

/// The first signal ends the wait and whatever card is worked on is finished; a second ends the program.
fn end_by_signal(stop: WatchStop) -> Result<(), Failure> {
    let mut signals = 0;
    let handler = move || {
        signals += 1;
        if signals > 1 {
            std::process::exit(INTERRUPTED);
        }
        stop.stop();
    };
    ctrlc::set_handler(handler)
        .map_err(|error| Failure::failed("signals", format!("signals cannot be listened to: {error}")))
}

fn in_time(args: &WatchArgs, cards: u32) -> Result<(), Failure> {
    match args.count {
        Some(wanted) => {
            let message = format!("only {cards} of {wanted} cards came in the time given");
            Err(Failure::new(Exit::NoCard, "timeout", message))
        }
        None => Ok(()),
    }
}

fn reader_of(event: &ReaderEvent) -> &str {
    match event {
        ReaderEvent::ReaderAdded(info) | ReaderEvent::CardInserted(info) => &info.name,
        ReaderEvent::ReaderRemoved { reader } | ReaderEvent::CardRemoved { reader } => reader,
        _ => "",
    }
}

impl Watcher<'_> {
    fn tell(&mut self, event: &ReaderEvent) -> Result<(), Failure> {
        if matches!(event, ReaderEvent::CardRemoved { .. } | ReaderEvent::ReaderRemoved { .. }) {
            self.desk.environment.host.pin_cache().forget_reader(reader_of(event));
        }
        match event {
            ReaderEvent::ReaderAdded(info) => self.plain("reader-added", "reader", &info.name),
            ReaderEvent::ReaderRemoved { reader } => self.plain("reader-removed", "reader gone:", reader),
            ReaderEvent::CardRemoved { reader } => self.plain("card-removed", "card removed from", reader),
            ReaderEvent::CardInserted(info) => self.card(info),
            _ => Ok(()),
        }
    }

    /// Everything that was there is told.
    fn ready(&self) -> Result<(), Failure> {
        let event = self.event("watching");
        self.out.line(&event, String::new)?;
        self.out.note("waiting for cards; Ctrl-C ends it");
        Ok(())
    }

    fn plain(&self, event: &'static str, words: &str, reader: &str) -> Result<(), Failure> {
        let view = EventView {
            reader: Some(reader),
            virtual_card: self.desk.environment.card_of(reader),
            ..self.event(event)
        };
        if self.out.quiet() {
            return Ok(());
        }
        self.out.line(&view, || format!("{}  {words} {reader}\n", view.time))
    }

    /// A card is there: what it is, and whether its keys work.
    fn card(&mut self, info: &ReaderInfo) -> Result<(), Failure> {
        let mut told = None;
        let worked = self.desk.with_reader(&info.name, |session| {
            let (document, containers) = explain(session, std::slice::from_ref(info), self.desk)?;
            let id = document.card.id.clone();
            let document = told.insert(document);
            let refused = id.is_some_and(|id| self.refused.contains(&id));
            if self.pin.source().is_some() && !refused {
                document.proofs = Some(proofs::proofs(session, &containers, self.pin, self.out)?);
            }
            Ok(())
        });
        let failure = worked.err();
        if let (Some(failure), Some(id)) = (&failure, told.as_ref().and_then(|told| told.card.id.clone()))
            && matches!(failure.exit, Exit::WrongPin | Exit::PinBlocked)
        {
            self.refused.push(id);
        }
        self.cards += 1;
        let view = EventView {
            reader: Some(&info.name),
            virtual_card: self.desk.environment.card_of(&info.name),
            atr: Some(hex(&info.atr)),
            info: told,
            error: failure.as_ref().map(Failure::body),
            ..self.event("card-inserted")
        };
        self.out.line(&view, || {
            let mut words = format!("{}  card in {}\n", view.time, info.name);
            if let Some(document) = &view.info {
                words.push_str(&indent(&text::text(document)));
            }
            if let Some(failure) = &failure {
                words.push_str(&indent(&failure.text()));
            }
            words
        })
    }

    fn event(&self, event: &'static str) -> EventView<'static> {
        EventView {
            event,
            time: now(),
            initial: self.initial,
            reader: None,
            virtual_card: None,
            atr: None,
            info: None,
            error: None,
        }
    }
}

/// The time in RFC 3339, UTC.
fn now() -> String {
    // Before 1970 and after 9999 there is no such text; a clock that is that wrong tells nothing anyway.
    der::DateTime::from_system_time(SystemTime::now()).map(|time| time.to_string()).unwrap_or_default()
}
