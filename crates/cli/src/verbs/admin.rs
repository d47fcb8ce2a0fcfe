//! `cardmod admin`: the administrator's key, proved by challenge and response; and the help desk: the
//! challenge goes to an administrator elsewhere, and the response comes back.

mod helper;

use cardmod_host::{AdminAuthority, UnblockWith};
use cardmod_types::{SecretBytes, admin};
use clap::{Args, Subcommand};
use serde_json::json;

use crate::args::Global;
use crate::failure::Failure;
use crate::output::{Output, hex};
use crate::secrets::{self, AdminKeyOptions, NewAdminKeyOptions, NewPinOptions, SecretSource};
use crate::session::{Desk, WithoutCard};
use crate::verbs::pin::{Role, admin_key, new_pin};

use helper::{Helper, digits, spelled};

/// What to do as administrator.
#[derive(Debug, Subcommand)]
pub(crate) enum AdminVerb {
    /// Check the administrator key
    Verify(VerifyArgs),
    /// Replace the administrator key
    Change(ChangeArgs),
    /// Show a challenge of the card, wait for the administrator's response, and tell whether it is right
    Challenge(ChallengeArgs),
    /// Compute the response to a challenge with the administrator key; needs no card
    Respond(RespondArgs),
    /// Set a new PIN: shows a challenge and waits for the response of an administrator elsewhere
    Unblock(UnblockArgs),
}

/// `admin verify`.
#[derive(Args, Debug)]
pub(crate) struct VerifyArgs {
    #[command(flatten)]
    admin_key: AdminKeyOptions,
}

/// `admin change`.
#[derive(Args, Debug)]
pub(crate) struct ChangeArgs {
    #[command(flatten)]
    admin_key: AdminKeyOptions,
    #[command(flatten)]
    new_admin_key: NewAdminKeyOptions,
}

/// `admin challenge`.
#[derive(Args, Debug)]
pub(crate) struct ChallengeArgs {
    #[command(flatten)]
    response: ResponseArgs,
}

/// `admin respond`.
#[derive(Args, Debug)]
pub(crate) struct RespondArgs {
    /// The challenge in hexadecimal, as admin challenge or admin unblock shows it; blanks and hyphens do
    /// not matter
    #[arg(long, value_name = "HEX")]
    challenge: String,
    #[command(flatten)]
    admin_key: AdminKeyOptions,
}

/// `admin unblock`.
#[derive(Args, Debug)]
pub(crate) struct UnblockArgs {
    /// Whose PIN: user, or the number of a role
    #[arg(long, value_name = "ROLE", default_value = "user")]
    role: Role,
    #[command(flatten)]
    new_pin: NewPinOptions,
    #[command(flatten)]
    response: ResponseArgs,
}

/// Where the response comes from.
#[derive(Args, Debug)]
struct ResponseArgs {
    /// Read the response from this open file descriptor instead of standard input
    #[arg(long, value_name = "NUMBER")]
    response_fd: Option<u32>,
}

/// Runs the verb.
pub(crate) fn run(verb: &AdminVerb, global: &Global, out: Output) -> Result<(), Failure> {
    if let AdminVerb::Respond(args) = verb {
        return respond(args, out);
    }
    let desk = Desk::open(global, out)?;
    // The card is looked for before a key is asked for.
    desk.choose(WithoutCard::Refuse)?;
    match verb {
        AdminVerb::Verify(args) => verify(args, &desk, out),
        AdminVerb::Change(args) => change(args, &desk, out),
        AdminVerb::Challenge(args) => in_lines(challenge(args, &desk, out), out),
        AdminVerb::Unblock(args) => in_lines(unblock(args, &desk, out), out),
        AdminVerb::Respond(_) => Ok(()),
    }
}

/// With `--json` each step of a conversation is one line, and so is its failure.
fn in_lines(worked: Result<(), Failure>, out: Output) -> Result<(), Failure> {
    worked.map_err(|failure| out.failure_line(failure))
}

fn verify(args: &VerifyArgs, desk: &Desk, out: Output) -> Result<(), Failure> {
    let key = key(args.admin_key.source(), "administrator key", "admin-key")?;
    desk.with_card(WithoutCard::Refuse, |session| {
        let mut held = session.hold()?;
        Ok(held.admin_authenticate(&mut AdminAuthority::Key(key))?)
    })?;
    out.done(&json!({"verified": true}), || "the administrator key is right\n".into())
}

fn change(args: &ChangeArgs, desk: &Desk, out: Output) -> Result<(), Failure> {
    let old = key(args.admin_key.source(), "administrator key", "admin-key")?;
    let new = key(args.new_admin_key.source(), "new administrator key", "new-admin-key")?;
    desk.with_card(WithoutCard::Refuse, |session| {
        Ok(session.change_admin_key(&mut AdminAuthority::Key(old), &new)?)
    })?;
    out.done(&json!({"changed": true}), || "the administrator key is changed\n".into())
}

fn challenge(args: &ChallengeArgs, desk: &Desk, out: Output) -> Result<(), Failure> {
    let mut helper = Helper::new(&args.response, out)?;
    let worked = desk.with_card(WithoutCard::Refuse, |session| {
        let mut respond = |challenge: &[u8]| helper.respond(challenge);
        Ok(session.admin_authenticate(&mut AdminAuthority::Response(&mut respond))?)
    });
    helper.ended(worked)?;
    out.line(&json!({"verified": true}), || "the response is right\n".into())
}

fn unblock(args: &UnblockArgs, desk: &Desk, out: Output) -> Result<(), Failure> {
    let role = args.role.on(desk)?;
    let mut helper = Helper::new(&args.response, out)?;
    secrets::apart_from(args.new_pin.source(), args.response.response_fd.unwrap_or(0))?;
    // Asked for first: nobody waits for the new PIN while the card waits for the response.
    let new = new_pin(&args.new_pin)?;
    let worked = desk.with_card(WithoutCard::Refuse, move |session| {
        let mut respond = |challenge: &[u8]| helper.respond(challenge);
        let unblocked = session.unblock_pin(role, &mut UnblockWith::Response(&mut respond), &new);
        Ok((unblocked, helper))
    });
    let (unblocked, helper) = worked?;
    helper.ended(unblocked.map_err(Failure::from))?;
    out.line(&json!({"unblocked": true}), || "the PIN is set and unblocked\n".into())
}

/// The administrator's side: key and challenge, no card.
fn respond(args: &RespondArgs, out: Output) -> Result<(), Failure> {
    let bad = || Failure::usage(format!("{:?} is no challenge: 16 hexadecimal digits are", args.challenge));
    let challenge = digits(&args.challenge).filter(|bytes| !bytes.is_empty()).ok_or_else(bad)?;
    if challenge.len() % admin::BLOCK_LEN != 0 {
        return Err(bad());
    }
    let key = key(args.admin_key.source(), "administrator key", "admin-key")?;
    let response = admin::challenge_response(&key, &challenge)
        .map_err(|error| Failure::failed("bad-input", error.to_string()))?;
    let document = json!({"challenge": hex(&challenge), "response": hex(&response)});
    out.show(&document, || format!("{}\n", spelled(&response)))
}

/// A key from its option, or from the terminal.
fn key(source: Option<SecretSource>, what: &str, option: &str) -> Result<SecretBytes, Failure> {
    match source {
        Some(source) => admin_key(&source.read(what)?),
        None => admin_key(&secrets::prompt(&format!("{what}, 48 hexadecimal digits: "), what, option)?),
    }
}
