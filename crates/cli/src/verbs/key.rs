//! `cardmod key`: generate, import, public.

mod import;

use std::path::PathBuf;

use cardmod_host::{
    BadContainerSpec, CardSession, Container, ContainerKey, ContainerSpec, KeyAlgorithm, KeySource,
    NewContainer, usual_half,
};
use cardmod_types::{KeyHalf, PublicKey};
use clap::{Args, Subcommand};
use serde_json::json;

use crate::args::{Global, KeyChoice, Purpose};
use crate::data::Sensitivity;
use crate::failure::Failure;
use crate::keyfile;
use crate::management::ManagementOptions;
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
    /// The container's name, at most 39 characters, or on a PIV card the place of the key, such as 9a;
    /// \\.\READER\NAME puts it onto the card in that reader
    #[arg(long, value_name = "NAME", value_parser = named)]
    container: ContainerSpec,
    /// The container's name where --container is a place of the card [default: the place]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// What the key is for [default: exchange for RSA, sign for elliptic curves; in a place of a PIV card what
    /// that is for]
    #[arg(long, value_enum)]
    purpose: Option<Purpose>,
    /// Make it the default container
    #[arg(long)]
    default: bool,
    #[command(flatten)]
    pin: PinOptions,
    #[command(flatten)]
    management: ManagementOptions,
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
            create(&args.place, KeySource::Generate(args.algorithm), &what, global, out)
        }
        KeyVerb::Import(args) => import::run(args, global, out),
        KeyVerb::Public(args) => public(args, global, out),
    }
}

fn create(place: &Place, key: KeySource, what: &str, global: &Global, out: Output) -> Result<(), Failure> {
    let mut pins = PinAnswer::new(&place.pin);
    let imported = matches!(key, KeySource::Import(_));
    let desk = Desk::open(global, out)?.with_management(&place.management)?;
    let desk = desk.with_room(&place.container, place.kind(key.algorithm()), imported);
    let (container, half) = desk.with_card(WithoutCard::CreateDefault, |session| {
        let mut held = session.hold()?;
        let wanted = place.wanted(&mut held, key)?;
        let _progress = pins.progress(out, what);
        Ok((place.make(&mut held, &wanted, &mut pins)?, wanted.half))
    })?;
    place.remark(&container, out);
    let key = key_made(&container, Some(half))?;
    out.done(&json!({"container": ContainerView::from(&container)}), || {
        let (name, algorithm) = (shown(&container), algorithm(&key.public));
        format!("container {name} has a new {algorithm} key for {}\n", purpose(key.half))
    })
}

/// The key that was made for this half; on a card whose places have one key, which says itself what it is for,
/// that one.
fn key_made(container: &Container, half: Option<KeyHalf>) -> Result<&ContainerKey, Failure> {
    let made = container.key(half).or_else(|| container.key(None).filter(|_| container.place.is_some()));
    made.ok_or_else(|| no_key(container, half))
}

/// The container's name, with its place where that is something else.
fn shown(container: &Container) -> String {
    match &container.place {
        Some(place) if *place != container.name => format!("{} ({place})", container.name),
        _ => container.name.clone(),
    }
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

    /// The kind of key, and the half it goes to on a card that has such a place.
    fn kind(&self, algorithm: KeyAlgorithm) -> (KeyAlgorithm, KeyHalf) {
        let usual = || usual_half(Some(self.name()), algorithm);
        (algorithm, self.purpose.map_or_else(usual, KeyHalf::from))
    }

    /// The container to be made on this card.
    fn wanted(&self, session: &mut CardSession, key: KeySource) -> Result<NewContainer, Failure> {
        let algorithm = key.algorithm();
        let is_place =
            session.place_labels()?.iter().any(|(_, label)| label.eq_ignore_ascii_case(self.name()));
        let half = match self.purpose {
            Some(purpose) => purpose.into(),
            None => usual_half(Some(self.name()).filter(|_| is_place), algorithm),
        };
        let name = self.name.as_deref().unwrap_or(self.name()).to_owned();
        Ok(NewContainer { name, key, half, default: self.default })
    }

    /// Makes it.
    fn make(
        &self,
        session: &mut CardSession,
        wanted: &NewContainer,
        pins: &mut PinAnswer,
    ) -> Result<Container, Failure> {
        Ok(match &self.name {
            Some(_) => session.create_container_in(self.name(), wanted, pins)?,
            None => session.create_container(wanted, pins)?,
        })
    }

    /// Says where the container has another name than it was to have.
    fn remark(&self, container: &Container, out: Output) {
        let wanted = self.name.as_deref().unwrap_or(self.name());
        let found_by_place = self.name.is_none() && container.place.is_some();
        if container.name != wanted && !found_by_place {
            let name = &container.name;
            out.note(&format!("note: the card does not keep the name {wanted:?}: its container is {name:?}"));
        }
    }
}

fn public(args: &PublicArgs, global: &Global, out: Output) -> Result<(), Failure> {
    let desk = Desk::open(global, out)?.of_container(args.key.container.as_ref());
    // The certificate, which a container has too, is not wanted.
    let find = |session: &mut CardSession| Ok(session.read_key(args.key.name(), args.key.half())?);
    let key = desk.with_card(WithoutCard::Refuse, find)?;
    let pem = keyfile::public_pem(&key.public)?;
    let delivery =
        Delivery { name: "public_key", bytes: pem.as_bytes(), text: true, sensitivity: Sensitivity::Public };
    let facts = json!({"container": key.container, "algorithm": algorithm(&key.public)});
    out.deliver(&delivery, args.out.as_deref(), facts)
}

/// The public key of a container's half, or of the half it has.
pub(crate) fn key_of(container: &Container, half: Option<KeyHalf>) -> Result<&PublicKey, Failure> {
    container.key(half).map(|key| &key.public).ok_or_else(|| no_key(container, half))
}

fn no_key(container: &Container, half: Option<KeyHalf>) -> Failure {
    let which = half.map_or("", |half| match half {
        KeyHalf::Signature => "signature ",
        KeyHalf::KeyExchange => "exchange ",
    });
    let failure = Failure::failed("no-such-key", format!("container {:?} has no {which}key", container.name));
    if container.keys.is_empty() { failure.hint(NO_KEY_HINT) } else { failure }
}
