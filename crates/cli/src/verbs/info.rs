//! `cardmod info`: the card as `certutil -scinfo` explains it, and which module serves it by which
//! rule; with a PIN, a proof that each signing key works; with `--watch`, each card that is inserted.

mod document;
mod proofs;
mod text;
mod watch;

use cardmod_host::{CardSession, Container, ReaderInfo};
use clap::Args;

use self::document::{CardView, Document, ModuleView, ReaderView};
use self::watch::WatchArgs;
use crate::args::Global;
use crate::failure::Failure;
use crate::output::Output;
use crate::report::{ContainerView, PinView};
use crate::secrets::{self, PinOptions};
use crate::session::Desk;

/// `info`.
#[derive(Args, Debug)]
pub(crate) struct InfoArgs {
    #[command(flatten)]
    pin: PinOptions,
    #[command(flatten)]
    watch: WatchArgs,
}

/// Runs the verb.
pub(crate) fn run(args: &InfoArgs, global: &Global, out: Output) -> Result<(), Failure> {
    let desk = Desk::open(global, out)?;
    secrets::at_hand(args.pin.source().as_ref(), "PIN")?;
    if args.watch.watch {
        return watch::run(&args.watch, &args.pin, &desk, out);
    }
    let readers = desk.readers()?;
    let document = desk.in_one_transaction(|session| {
        let (mut document, containers) = explain(session, &readers, &desk)?;
        if args.pin.source().is_some() {
            document.proofs = Some(proofs::proofs(session, &containers, &args.pin, out)?);
        }
        Ok(document)
    })?;
    out.show(&document, || text::text(&document))
}

/// Everything of one card that needs no PIN, and its containers.
fn explain(
    session: &mut CardSession,
    readers: &[ReaderInfo],
    desk: &Desk,
) -> Result<(Document, Vec<Container>), Failure> {
    let card = session.describe()?;
    let containers = session.containers()?;
    let document = Document {
        readers: readers.iter().map(|reader| ReaderView::new(reader, desk)).collect(),
        module: ModuleView {
            name: card.module.clone(),
            chosen_by: card.module_rule.clone(),
            interface_version: card.interface_version,
        },
        pins: card.pins.iter().map(PinView::from).collect(),
        card: CardView::from(card),
        containers: containers.iter().map(ContainerView::from).collect(),
        proofs: None,
    };
    Ok((document, containers))
}
