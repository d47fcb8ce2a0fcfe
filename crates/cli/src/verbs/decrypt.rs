//! `cardmod decrypt`.

use std::path::PathBuf;

use cardmod_host::DecryptRequest;
use cardmod_types::DecryptPadding;
use clap::{Args, ValueEnum};
use serde_json::json;

use crate::args::{Global, Hash, HexBytes, KeyChoice};
use crate::data::{self, Sensitivity};
use crate::failure::Failure;
use crate::output::{Delivery, Output};
use crate::pins::PinAnswer;
use crate::secrets::{self, PinOptions};
use crate::session::{Desk, WithoutCard};

/// `decrypt`.
#[derive(Args, Debug)]
pub(crate) struct DecryptArgs {
    #[command(flatten)]
    key: KeyChoice,
    /// RSA padding of the sealed data
    #[arg(long, value_enum, default_value_t = Padding::Pkcs1)]
    padding: Padding,
    /// OAEP's hash, for the label and for MGF1
    #[arg(long, value_enum, default_value_t = Hash::Sha1)]
    oaep_hash: Hash,
    /// OAEP's label, in hexadecimal
    #[arg(long, value_name = "HEX", default_value = "")]
    oaep_label: HexBytes,
    /// The sealed data (`-`: standard input)
    #[arg(long = "in", value_name = "FILE", default_value = "-")]
    input: PathBuf,
    /// Write what was sealed to this file instead of standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    pin: PinOptions,
}

/// RSA encryption paddings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Padding {
    /// PKCS#1 v1.5
    Pkcs1,
    /// OAEP
    Oaep,
    /// None: the whole block
    None,
}

/// Runs the verb.
pub(crate) fn run(args: &DecryptArgs, global: &Global, out: Output) -> Result<(), Failure> {
    secrets::apart(args.pin.source(), &args.input)?;
    let ciphertext = data::read(&args.input)?;
    let padding = match args.padding {
        Padding::Pkcs1 => DecryptPadding::Pkcs1,
        Padding::None => DecryptPadding::None,
        Padding::Oaep => {
            DecryptPadding::Oaep { hash: args.oaep_hash.into(), label: args.oaep_label.0.clone() }
        }
    };
    let request = DecryptRequest { half: args.key.half(), padding, ciphertext: &ciphertext };
    let mut pins = PinAnswer::new(&args.pin);
    let desk = Desk::open(global, out)?.of_container(args.key.container.as_ref());
    let opened = desk.with_card(WithoutCard::Refuse, |session| {
        let _progress = pins.progress(out, "decrypting");
        Ok(session.decrypt(args.key.name(), &request, &mut pins)?)
    })?;
    let delivery =
        Delivery { name: "data", bytes: opened.as_bytes(), text: false, sensitivity: Sensitivity::Secret };
    out.deliver(&delivery, args.out.as_deref(), json!({"bytes": opened.as_bytes().len()}))
}
