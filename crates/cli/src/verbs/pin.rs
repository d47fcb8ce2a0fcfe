//! `cardmod pin`: status, verify, change, unblock.

use cardmod_host::UnblockWith;
use cardmod_types::{Pin, PinId, PinKind, SecretBytes};
use clap::{Args, Subcommand, ValueEnum};
use serde::Serialize;
use serde_json::json;

use crate::args::{Global, decode_hex};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;
use crate::pins::PinAnswer;
use crate::report::{PinView, pin_table};
use crate::secrets::{self, AdminKeyOptions, NewPinOptions, PinOptions, PukOptions};
use crate::session::{Desk, WithoutCard};

/// What to do with PINs.
#[derive(Debug, Subcommand)]
pub(crate) enum PinVerb {
    /// Show the card's PINs and how many tries each has left; costs none
    Status,
    /// Check a PIN; a wrong one costs a try
    Verify(VerifyArgs),
    /// Change a PIN
    Change(ChangeArgs),
    /// Set a new PIN with the PUK or the administrator key
    Unblock(UnblockArgs),
}

/// Whose PIN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Role {
    /// The card's user
    User,
    /// The administrator
    Admin,
}

/// `pin verify`.
#[derive(Args, Debug)]
pub(crate) struct VerifyArgs {
    /// Whose PIN
    #[arg(long, value_enum, default_value_t = Role::User)]
    role: Role,
    #[command(flatten)]
    pin: PinOptions,
}

/// `pin change`.
#[derive(Args, Debug)]
pub(crate) struct ChangeArgs {
    /// Whose PIN
    #[arg(long, value_enum, default_value_t = Role::User)]
    role: Role,
    #[command(flatten)]
    pin: PinOptions,
    #[command(flatten)]
    new_pin: NewPinOptions,
}

/// `pin unblock`.
#[derive(Args, Debug)]
pub(crate) struct UnblockArgs {
    #[command(flatten)]
    puk: PukOptions,
    #[command(flatten)]
    admin_key: AdminKeyOptions,
    #[command(flatten)]
    new_pin: NewPinOptions,
}

#[derive(Serialize)]
struct StatusDocument {
    pins: Vec<PinView>,
}

/// Runs the verb.
pub(crate) fn run(verb: &PinVerb, global: &Global, out: Output) -> Result<(), Failure> {
    let desk = Desk::open(global, out)?;
    match verb {
        PinVerb::Status => status(&desk, out),
        PinVerb::Verify(args) => verify(args, &desk, out),
        PinVerb::Change(args) => change(args, &desk, out),
        PinVerb::Unblock(args) => unblock(args, &desk, out),
    }
}

fn status(desk: &Desk, out: Output) -> Result<(), Failure> {
    let card = desk.with_card(WithoutCard::Refuse, |session| Ok(session.describe()?))?;
    let document = StatusDocument { pins: card.pins.iter().map(PinView::from).collect() };
    out.show(&document, || pin_table(&document.pins))
}

fn verify(args: &VerifyArgs, desk: &Desk, out: Output) -> Result<(), Failure> {
    let role = PinId::from(args.role);
    // The card is looked for before the PIN is asked for.
    desk.choose(WithoutCard::Refuse)?;
    no_key(desk, role, "cardmod admin verify checks it")?;
    let pin = PinAnswer::read(&args.pin, role)?;
    desk.with_card(WithoutCard::Refuse, |session| Ok(session.verify_pin(role, &pin)?))?;
    out.done(&json!({"verified": true}), || "the PIN is right\n".into())
}

fn change(args: &ChangeArgs, desk: &Desk, out: Output) -> Result<(), Failure> {
    let role = PinId::from(args.role);
    desk.choose(WithoutCard::Refuse)?;
    no_key(desk, role, "cardmod admin change replaces it")?;
    let old = PinAnswer::read(&args.pin, role)?;
    let new = new_pin(&args.new_pin)?;
    desk.with_card(WithoutCard::Refuse, |session| Ok(session.change_pin(role, &old, &new)?))?;
    out.done(&json!({"changed": true}), || "the PIN is changed\n".into())
}

/// Refuses a role that has a key instead of a PIN, before anything is asked for.
fn no_key(desk: &Desk, role: PinId, instead: &str) -> Result<(), Failure> {
    if role != PinId::ADMIN {
        return Ok(());
    }
    let card = desk.with_card(WithoutCard::Refuse, |session| Ok(session.describe()?))?;
    if card.pins.iter().any(|pin| pin.id == role && pin.info.kind == PinKind::ChallengeResponse) {
        let what = "the administrator of this card has a key, not a PIN";
        return Err(Failure::new(Exit::NotSupported, "not-supported", what).hint(instead));
    }
    Ok(())
}

fn unblock(args: &UnblockArgs, desk: &Desk, out: Output) -> Result<(), Failure> {
    desk.choose(WithoutCard::Refuse)?;
    let mut with = authority(args)?;
    let new = new_pin(&args.new_pin)?;
    desk.with_card(WithoutCard::Refuse, |session| Ok(session.unblock_pin(PinId::USER, &mut with, &new)?))?;
    out.done(&json!({"unblocked": true}), || "the PIN is set and unblocked\n".into())
}

/// The PUK or the administrator key, whichever the options name; asked for as PUK else.
fn authority(args: &UnblockArgs) -> Result<UnblockWith<'static>, Failure> {
    match (args.puk.source(), args.admin_key.source()) {
        (Some(_), Some(_)) => Err(Failure::usage("a PUK and an administrator key are too much: give one")),
        (None, Some(source)) => Ok(UnblockWith::AdminKey(admin_key(&source.read("administrator key")?)?)),
        (Some(source), None) => {
            Ok(UnblockWith::Puk { role: None, puk: Pin::new(source.read("PUK")?.to_vec()) })
        }
        (None, None) => {
            let puk = secrets::prompt("PUK: ", "PUK", "puk")?;
            Ok(UnblockWith::Puk { role: None, puk: Pin::new(puk.to_vec()) })
        }
    }
}

/// An administrator key: 24 bytes, given as hexadecimal digits.
pub(crate) fn admin_key(text: &[u8]) -> Result<SecretBytes, Failure> {
    decode_hex(text.trim_ascii()).filter(|key| key.len() == 24).map(SecretBytes::new).ok_or_else(|| {
        Failure::failed("secret", "the administrator key is not of 48 hexadecimal digits")
            .hint("it is a three-key Triple DES key: 24 bytes")
    })
}

/// A new PIN: from its option, or asked for twice.
pub(crate) fn new_pin(options: &NewPinOptions) -> Result<Pin, Failure> {
    let pin = match options.source() {
        Some(source) => source.read("new PIN")?,
        None => secrets::prompt_new("PIN", "new-pin")?,
    };
    Ok(Pin::new(pin.to_vec()))
}

impl From<Role> for PinId {
    fn from(role: Role) -> Self {
        match role {
            Role::User => Self::USER,
            Role::Admin => Self::ADMIN,
        }
    }
}
