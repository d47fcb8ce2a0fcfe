//! `cardmod verify`.

use std::path::PathBuf;

use cardmod_host::{verify::verify_signature, x509};
use cardmod_types::PublicKey;
use clap::Args;
use serde_json::json;

use crate::args::{Global, KeyChoice};
use crate::data;
use crate::failure::Failure;
use crate::keyfile;
use crate::output::Output;
use crate::session::{Desk, WithoutCard};
use crate::verbs::sign::Scheme;

/// `verify`.
#[derive(Args, Debug)]
pub(crate) struct VerifyArgs {
    #[command(flatten)]
    key: KeyChoice,
    /// Verify with this public key or certificate instead of a container's key
    #[arg(long, value_name = "FILE", conflicts_with_all = ["container", "purpose"])]
    public: Option<PathBuf>,
    #[command(flatten)]
    scheme: Scheme,
    /// The data that was signed (`-`: standard input)
    #[arg(long = "in", value_name = "FILE", default_value = "-")]
    input: PathBuf,
    /// The signature (`-`: standard input)
    #[arg(long, value_name = "FILE")]
    signature: PathBuf,
}

/// Runs the verb.
pub(crate) fn run(args: &VerifyArgs, global: &Global, out: Output) -> Result<(), Failure> {
    if data::is_standard(&args.input) && data::is_standard(&args.signature) {
        return Err(Failure::usage("the data and the signature cannot both come from standard input")
            .hint("name the data with --in, or the signature's file"));
    }
    let data = data::read(&args.input)?;
    let signature = data::read(&args.signature)?;
    let digest = args.scheme.digest(&data)?;
    let key = public_key(args, global, out)?;
    let padding = args.scheme.padding(&key)?;
    let plain = match &key {
        // A signature that is no DER at all is as wrong as one over other data.
        PublicKey::Ec(ec) if !args.scheme.raw() => {
            x509::ecdsa_from_der(&signature, ec.curve()).map_err(|_| cardmod_host::Error::SignatureWrong)?
        }
        _ => signature.to_vec(),
    };
    verify_signature(&key, &padding, &digest, &plain)?;
    let mut facts = args.scheme.facts(&key);
    facts["verified"] = json!(true);
    out.done(&facts, || "the signature is right\n".into())
}

fn public_key(args: &VerifyArgs, global: &Global, out: Output) -> Result<PublicKey, Failure> {
    if let Some(path) = &args.public {
        return keyfile::public_key(&data::read(path)?);
    }
    let desk = Desk::open(global, out)?.of_container(args.key.container.as_ref());
    desk.with_card(WithoutCard::Refuse, |session| {
        Ok(session.read_key(args.key.name(), args.key.half())?.public)
    })
}
