//! `cardmod admin`: the administrator's key, proved by challenge and response.

use cardmod_host::AdminAuthority;
use cardmod_types::SecretBytes;
use clap::{Args, Subcommand};
use serde_json::json;

use crate::args::Global;
use crate::failure::Failure;
use crate::output::Output;
use crate::secrets::{self, AdminKeyOptions, NewAdminKeyOptions, SecretSource};
use crate::session::{Desk, WithoutCard};
use crate::verbs::pin::admin_key;

/// What to do as administrator.
#[derive(Debug, Subcommand)]
pub(crate) enum AdminVerb {
    /// Check the administrator key
    Verify(VerifyArgs),
    /// Replace the administrator key
    Change(ChangeArgs),
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

/// Runs the verb.
pub(crate) fn run(verb: &AdminVerb, global: &Global, out: Output) -> Result<(), Failure> {
    let desk = Desk::open(global, out)?;
    // The card is looked for before a key is asked for.
    desk.choose(WithoutCard::Refuse)?;
    match verb {
        AdminVerb::Verify(args) => verify(args, &desk, out),
        AdminVerb::Change(args) => change(args, &desk, out),
    }
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

/// A key from its option, or from the terminal.
fn key(source: Option<SecretSource>, what: &str, option: &str) -> Result<SecretBytes, Failure> {
    match source {
        Some(source) => admin_key(&source.read(what)?),
        None => admin_key(&secrets::prompt(&format!("{what}, 48 hexadecimal digits: "), what, option)?),
    }
}
