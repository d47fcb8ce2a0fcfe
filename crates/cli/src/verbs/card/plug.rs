//! `cardmod card plug`: a virtual card in a reader of pcscd, for programs that insist on it.

use std::sync::atomic::AtomicBool;

use cardmod_winscard::{PlugError, VPCD_ADDRESS, plug};
use clap::Args;
use serde_json::json;

use crate::failure::Failure;
use crate::mapping::told;
use crate::output::Output;
use crate::session::Desk;

/// `card plug`.
#[derive(Args, Debug)]
pub(crate) struct PlugArgs {
    /// The card
    #[arg(value_name = "NAME")]
    name: String,
    /// Where vsmartcard's vpcd driver listens
    #[arg(long, value_name = "HOST:PORT", default_value = VPCD_ADDRESS)]
    address: String,
}

/// Runs the verb: until the driver ends the connection, or the program is ended. A card whose
/// program was killed is unplugged by that.
pub(super) fn run(args: &PlugArgs, desk: &Desk, out: Output) -> Result<(), Failure> {
    let card = desk.environment.store.open_card(&args.name)?;
    let mut shown = Ok(());
    let document = json!({"plugged": args.name, "address": args.address});
    let ready = || {
        shown = out.show(&document, || format!("plugged {} into vpcd at {}\n", args.name, args.address));
    };
    plug(card, &args.address, &AtomicBool::new(false), ready).map_err(failure)?;
    shown?;
    out.note(&format!("vpcd ended the connection; {} is unplugged", args.name));
    Ok(())
}

fn failure(error: PlugError) -> Failure {
    match error {
        PlugError::Card(fault) => cardmod_virtual::StoreError::from(fault).into(),
        error @ PlugError::Connect { .. } => Failure::failed("vpcd-unreachable", told(&error))
            .hint(if cfg!(windows) {
                "start what listens there: a pcscd with vsmartcard's vpcd driver on a Linux machine, or vsmartcard's \
                 driver for Windows"
            } else {
                "start pcscd with vsmartcard's vpcd driver (Debian: vsmartcard-vpcd)"
            }),
        error => Failure::failed("vpcd", told(&error)),
    }
}
