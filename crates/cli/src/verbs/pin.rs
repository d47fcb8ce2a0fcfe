//! `cardmod pin`: status, verify, change, unblock.

use std::str::FromStr;

use cardmod_host::{CardSession, Error, UnblockWith};
use cardmod_types::{Pin, PinId, PinKind, PinPurpose, SecretBytes};
use clap::{Args, Subcommand};
use serde::Serialize;
use serde_json::json;

use crate::args::{Global, decode_hex};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;
use crate::pins::{PinAnswer, at_the_reader, role_name};
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

/// A role, as a user names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// By name or number.
    Id(PinId),
    /// The role whose PIN is for unblocking alone, whichever that is on the card.
    Puk,
}

impl Role {
    /// The role of the card.
    pub(crate) fn on(self, desk: &Desk) -> Result<PinId, Failure> {
        let id = match self {
            Self::Id(id) => return Ok(id),
            Self::Puk => {
                let card = desk.with_card(WithoutCard::Refuse, |session| Ok(session.describe()?))?;
                card.pins.iter().find(|pin| pin.info.purpose == PinPurpose::UnblockOnly).map(|pin| pin.id)
            }
        };
        id.ok_or_else(|| Failure::failed("no-such-role", "the card has no PUK that it tells of"))
    }
}

impl FromStr for Role {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.eq_ignore_ascii_case("puk") {
            return Ok(Self::Puk);
        }
        let number = match text.to_ascii_lowercase().as_str() {
            "user" => PinId::USER.get(),
            "admin" => PinId::ADMIN.get(),
            number => number.parse().unwrap_or(0),
        };
        // Everyone, role 0, has no PIN.
        let id = PinId::try_from(number).ok().filter(|id| *id != PinId::EVERYONE);
        id.map(Self::Id).ok_or("a role is user, admin, puk, or a number from 1 to 7")
    }
}

/// `pin verify`.
#[derive(Args, Debug)]
pub(crate) struct VerifyArgs {
    /// Whose PIN: user, admin, puk, or the number of a role; pin status lists them
    #[arg(long, value_name = "ROLE", default_value = "user")]
    role: Role,
    #[command(flatten)]
    pin: PinOptions,
}

/// `pin change`.
#[derive(Args, Debug)]
pub(crate) struct ChangeArgs {
    /// Whose PIN: user, admin, puk, or the number of a role; pin status lists them
    #[arg(long, value_name = "ROLE", default_value = "user")]
    role: Role,
    /// Whose PIN is given for it, where another role may change this one [default: the same]
    #[arg(long, value_name = "ROLE")]
    by: Option<Role>,
    #[command(flatten)]
    pin: PinOptions,
    #[command(flatten)]
    new_pin: NewPinOptions,
}

/// `pin unblock`.
#[derive(Args, Debug)]
pub(crate) struct UnblockArgs {
    /// Whose PIN: user, admin, puk, or the number of a role; pin status lists them
    #[arg(long, value_name = "ROLE", default_value = "user")]
    role: Role,
    /// Whose PUK or PIN is given for it [default: the one the card names]
    #[arg(long, value_name = "ROLE")]
    by: Option<Role>,
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
    // The card is looked for before the PIN is asked for.
    desk.choose(WithoutCard::Refuse)?;
    let role = args.role.on(desk)?;
    no_key(desk, role, "cardmod admin verify checks it")?;
    if args.pin.keypad() && at_reader(desk, role, CardSession::verify_pin_at_reader)? {
        return out.done(&json!({"verified": true}), || "the PIN is right\n".into());
    }
    let pin = PinAnswer::read(&args.pin, role)?;
    // Moved: it is wiped before anything is told.
    desk.with_card(WithoutCard::Refuse, move |session| Ok(session.verify_pin(role, &pin)?))?;
    out.done(&json!({"verified": true}), || "the PIN is right\n".into())
}

fn change(args: &ChangeArgs, desk: &Desk, out: Output) -> Result<(), Failure> {
    desk.choose(WithoutCard::Refuse)?;
    let role = args.role.on(desk)?;
    let by = args.by.map_or(Ok(role), |by| by.on(desk))?;
    no_key(desk, role, "cardmod admin change replaces it")?;
    if by == role && args.pin.keypad() && args.new_pin.source().is_none() {
        match at_reader(desk, role, CardSession::change_pin_at_reader) {
            Ok(true) => return out.done(&json!({"changed": true}), || args.changed()),
            // A card whose form of the change no reader can fill in.
            Ok(false) | Err(Failure { exit: Exit::NotSupported, .. }) => {}
            Err(failure) => return Err(failure),
        }
    }
    let old = PinAnswer::read(&args.pin, by)?;
    let new = new_pin(&args.new_pin)?;
    desk.with_card(WithoutCard::Refuse, move |session| Ok(session.change_pin_by(by, &old, role, &new)?))?;
    out.done(&json!({"changed": true}), || args.changed())
}

impl ChangeArgs {
    fn changed(&self) -> String {
        let what = if self.role == Role::Puk { "PUK" } else { "PIN" };
        format!("the {what} is changed\n")
    }
}

/// Does something with a PIN that is entered at the reader; `false` where this one is not.
fn at_reader(
    desk: &Desk,
    role: PinId,
    work: impl FnOnce(&mut CardSession, PinId) -> Result<(), Error>,
) -> Result<bool, Failure> {
    desk.with_card(WithoutCard::Refuse, |session| {
        if !session.reader_features().verifies_pins() {
            return Ok(false);
        }
        let pins = session.describe()?.pins;
        if !pins.iter().any(|pin| pin.id == role && pin.info.kind == PinKind::External) {
            return Ok(false);
        }
        at_the_reader(&format!("{} (card in {}): ", role_name(role), session.reader()));
        work(session, role)?;
        Ok(true)
    })
}

/// Refuses a role that has a key instead of a PIN, before anything is asked for.
fn no_key(desk: &Desk, role: PinId, instead: &str) -> Result<(), Failure> {
    if role == PinId::USER {
        return Ok(());
    }
    let card = desk.with_card(WithoutCard::Refuse, |session| Ok(session.describe()?))?;
    if card.pins.iter().any(|pin| pin.id == role && pin.info.kind == PinKind::ChallengeResponse) {
        let what = match role {
            PinId::ADMIN => "the administrator of this card has a key, not a PIN".to_owned(),
            role => format!("{role} of this card has a key, not a PIN"),
        };
        let failure = Failure::new(Exit::NotSupported, "not-supported", what);
        return Err(if role == PinId::ADMIN { failure.hint(instead) } else { failure });
    }
    Ok(())
}

fn unblock(args: &UnblockArgs, desk: &Desk, out: Output) -> Result<(), Failure> {
    desk.choose(WithoutCard::Refuse)?;
    let role = args.role.on(desk)?;
    let mut with = authority(args, desk)?;
    let new = new_pin(&args.new_pin)?;
    desk.with_card(WithoutCard::Refuse, move |session| Ok(session.unblock_pin(role, &mut with, &new)?))?;
    out.done(&json!({"unblocked": true}), || "the PIN is set and unblocked\n".into())
}

/// The PUK or the administrator key, whichever the options name; asked for as PUK else.
fn authority(args: &UnblockArgs, desk: &Desk) -> Result<UnblockWith<'static>, Failure> {
    let by = args.by.map(|by| by.on(desk)).transpose()?;
    match (args.puk.source(), args.admin_key.source()) {
        (Some(_), Some(_)) => Err(Failure::usage("a PUK and an administrator key are too much: give one")),
        (None, Some(source)) => Ok(UnblockWith::AdminKey(admin_key(&source.read("administrator key")?)?)),
        (Some(source), None) => Ok(UnblockWith::Puk { role: by, puk: Pin::from(source.read("PUK")?) }),
        (None, None) => {
            let puk = secrets::prompt("PUK: ", "PUK", "puk")?;
            Ok(UnblockWith::Puk { role: by, puk: Pin::from(puk) })
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
    Ok(Pin::from(pin))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_have_names_and_numbers() {
        for (text, number) in [("user", 1), ("Admin", 2), ("2", 2), ("7", 7)] {
            assert_eq!(text.parse(), Ok(Role::Id(PinId::try_from(number).unwrap())));
        }
        assert_eq!("PUK".parse(), Ok(Role::Puk));
        for text in ["0", "8", "", "-1", "everyone"] {
            assert!(text.parse::<Role>().is_err(), "{text}");
        }
    }
}
