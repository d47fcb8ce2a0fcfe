//! `cardmod key`: generate, import, public.

mod import;

use std::path::PathBuf;

use cardmod_host::{
    BadContainerSpec, CardSession, Container, ContainerSpec, KeyAlgorithm, KeySource, NewContainer,
};
use cardmod_types::{KeyHalf, PublicKey};
use clap::{Args, Subcommand};
use serde_json::json;

use crate::args::{Global, KeyChoice, Purpose};
use crate::data::Sensitivity;
use crate::failure::Failure;
use crate::keyfile;
use crate::mapping::NO_KEY_HINT;
use crate::output::{Delivery, Output};
use crate::pins::PinAnswer;
use crate::report::{ContainerView, algorithm, purpose};
use crate::secrets::PinOptions;
use crate::session::{Desk, WithoutCard};

/// What to do with keys.
#[derive(Debug, Subcommand)]
pub(crate) enum KeyVerb {
    /// Generate a key on the card, in a new container or in the free half of one
    Generate(GenerateArgs),
    /// Put a private key onto the card, from a key file or, with its certificate, from a PKCS#12 file
    Import(import::ImportArgs),
    /// Write a public key (SubjectPublicKeyInfo, PEM)
    Public(PublicArgs),
}

/// Where the new key goes.
#[derive(Args, Debug)]
pub(crate) struct Place {
    /// The container's name, at most 39 characters; \\.\READER\NAME puts it onto the card in that reader
    #[arg(long, value_name = "NAME", value_parser = named)]
    container: ContainerSpec,
    /// What the key is for [default: exchange for RSA, sign for elliptic curves]
    #[arg(long, value_enum)]
    purpose: Option<Purpose>,
    /// Make it the default container
    #[arg(long)]
    default: bool,
    #[command(flatten)]
    pin: PinOptions,
}

/// `key generate`.
#[derive(Args, Debug)]
pub(crate) struct GenerateArgs {
    #[command(flatten)]
    place: Place,
    /// rsa1024, rsa2048, rsa3072, rsa4096, p256, p384 or p521
    #[arg(long, value_name = "ALGORITHM")]
    algorithm: KeyAlgorithm,
}

/// `key public`.
#[derive(Args, Debug)]
pub(crate) struct PublicArgs {
    #[command(flatten)]
    key: KeyChoice,
    /// Write to this file instead of standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Runs the verb.
pub(crate) fn run(verb: &KeyVerb, global: &Global, out: Output) -> Result<(), Failure> {
    match verb {
        KeyVerb::Generate(args) => {
            let what = format!("generating {} in {}", args.algorithm, args.place.name());
            let elliptic = matches!(args.algorithm, KeyAlgorithm::Ec(_));
            let source = KeySource::Generate(args.algorithm);
            create(&args.place, source, elliptic, &what, global, out)
        }
        KeyVerb::Import(args) => import::run(args, global, out),
        KeyVerb::Public(args) => public(args, global, out),
    }
}

fn create(
    place: &Place,
    key: KeySource,
    elliptic: bool,
    what: &str,
    global: &Global,
    out: Output,
) -> Result<(), Failure> {
    let half = place.half(elliptic);
    let wanted = NewContainer { name: place.name().to_owned(), key, half, default: place.default };
    let mut pins = PinAnswer::new(&place.pin);
    let imported = matches!(wanted.key, KeySource::Import(_));
    let kind = (wanted.key.algorithm(), half);
    let desk = Desk::open(global, out)?.with_room(&place.container, kind, imported);
    let container = desk.with_card(WithoutCard::CreateDefault, |session| {
        let _progress = pins.progress(out, what);
        Ok(session.create_container(&wanted, &mut pins)?)
    })?;
    let public = key_of(&container, Some(half))?;
    out.done(&json!({"container": ContainerView::from(&container)}), || {
        let (name, algorithm) = (&container.name, algorithm(public));
        format!("container {name} has a new {algorithm} key for {}\n", purpose(half))
    })
}

/// A container's specification that has a name.
fn named(text: &str) -> Result<ContainerSpec, String> {
    let spec: ContainerSpec = text.parse().map_err(|error: BadContainerSpec| error.reason)?;
    if spec.container().is_none() {
        return Err("container name is empty".to_owned());
    }
    Ok(spec)
}

impl Place {
    /// The container's name.
    fn name(&self) -> &str {
        self.container.container().unwrap_or_default()
    }

    /// The half the key goes to.
    fn half(&self, elliptic: bool) -> KeyHalf {
        let standard = if elliptic { KeyHalf::Signature } else { KeyHalf::KeyExchange };
        self.purpose.map_or(standard, KeyHalf::from)
    }
}

fn public(args: &PublicArgs, global: &Global, out: Output) -> Result<(), Failure> {
    let desk = Desk::open(global, out)?.of_container(args.key.container.as_ref());
    // The certificate, which a container has too, is not wanted.
    let find = |session: &mut CardSession| Ok(session.key(args.key.name(), args.key.half())?);
    let key = desk.with_card(WithoutCard::Refuse, find)?;
    let pem = keyfile::public_pem(&key.public)?;
    let delivery =
        Delivery { name: "public_key", bytes: pem.as_bytes(), text: true, sensitivity: Sensitivity::Public };
    let facts = json!({"container": key.container, "algorithm": algorithm(&key.public)});
    out.deliver(&delivery, args.out.as_deref(), facts)
}

/// The public key of a container's half, or of the half it has.
pub(crate) fn key_of(container: &Container, half: Option<KeyHalf>) -> Result<&PublicKey, Failure> {
    container.key(half).map(|key| &key.public).ok_or_else(|| {
        let which = half.map_or("", |half| match half {
            KeyHalf::Signature => "signature ",
            KeyHalf::KeyExchange => "exchange ",
        });
        let failure =
            Failure::failed("no-such-key", format!("container {:?} has no {which}key", container.name));
        if container.keys.is_empty() { failure.hint(NO_KEY_HINT) } else { failure }
    })
}
