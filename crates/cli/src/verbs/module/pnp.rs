//! `cardmod module pnp-id`: the plug and play id that Windows makes of an answer to reset.

use cardmod_host::install;
use cardmod_iso7816::Atr;
use clap::Args;
use serde_json::json;

use super::{AtrBytes, atr_of_card};
use crate::args::Global;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Output, hex};
use crate::session::Desk;

/// `module pnp-id`.
#[derive(Args, Debug)]
pub(crate) struct PnpIdArgs {
    /// The ATR in hexadecimal, blanks and colons allowed [default: that of the card]
    #[arg(long, value_name = "HEX")]
    atr: Option<AtrBytes>,
}

/// Runs the verb.
pub(super) fn run(args: &PnpIdArgs, global: &Global, out: Output) -> Result<(), Failure> {
    let atr = match &args.atr {
        Some(atr) => atr.0.clone(),
        None => atr_of_card(&Desk::open(global, out)?)?,
    };
    let parsed = parse(&atr)?;
    let id = pnp_id(&atr, &parsed)?;
    let document = json!({
        "atr": hex(&atr),
        "historical": hex(&parsed.historical),
        "pnp_id": id,
    });
    out.show(&document, || format!("{id}\n"))?;
    out.note(
        "note: a card with an id of its own (Windows' card framework, data object 7F68) goes by that first",
    );
    Ok(())
}

/// The parts of an answer to reset.
pub(super) fn parse(atr: &[u8]) -> Result<Atr, Failure> {
    Atr::parse(atr).map_err(|error| {
        Failure::new(Exit::Usage, "bad-atr", format!("{} is no answer to reset: {error}", hex(atr)))
            .hint("the whole ATR is wanted, as cardmod info shows it, before any mask")
    })
}

/// The id of its historical bytes.
pub(super) fn pnp_id(atr: &[u8], parsed: &Atr) -> Result<String, Failure> {
    install::pnp_id(&parsed.historical).ok_or_else(|| {
        let message = format!("the ATR {} has no historical bytes: Windows makes no id of it", hex(atr));
        Failure::failed("no-pnp-id", message)
            .hint("Windows knows such a card by the entry of the registry alone (cardmod module reg)")
    })
}
