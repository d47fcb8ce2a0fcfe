//! `cardmod cert roots`: the card's root certificates (file mscp/msroots).

use std::path::PathBuf;

use cardmod_host::x509;
use cardmod_types::HashAlgorithm;
use clap::{Args, Subcommand};
use serde::Serialize;
use serde_json::json;

use super::Target;
use crate::args::Global;
use crate::data;
use crate::failure::Failure;
use crate::management::ManagementOptions;
use crate::output::{Output, hex, table};
use crate::pins::PinAnswer;
use crate::secrets::{self, PinOptions};
use crate::session::{Desk, WithoutCard};

/// The shortest beginning of a fingerprint that names a certificate.
const SHORTEST: usize = 8;

/// What to do with root certificates.
#[derive(Debug, Subcommand)]
pub(crate) enum RootsVerb {
    /// List them
    List,
    /// Add the certificates of a file
    Import(ImportArgs),
    /// Write them all
    Export(ExportArgs),
    /// Delete one, or all
    Delete(DeleteArgs),
}

/// `cert roots import`.
#[derive(Args, Debug)]
pub(crate) struct ImportArgs {
    /// The certificates: PEM (any number), DER or PKCS#7 (`-`: standard input)
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Delete what is there before
    #[arg(long)]
    replace: bool,
    #[command(flatten)]
    pin: PinOptions,
    #[command(flatten)]
    management: ManagementOptions,
}

/// `cert roots export`.
#[derive(Args, Debug)]
pub(crate) struct ExportArgs {
    #[command(flatten)]
    target: Target,
}

/// `cert roots delete`.
#[derive(Args, Debug)]
pub(crate) struct DeleteArgs {
    /// The SHA-256 fingerprint, or its first digits, as the list shows it
    #[arg(value_name = "FINGERPRINT", required_unless_present = "all")]
    fingerprint: Option<String>,
    /// All of them
    #[arg(long, conflicts_with = "fingerprint")]
    all: bool,
    #[command(flatten)]
    pin: PinOptions,
    #[command(flatten)]
    management: ManagementOptions,
}

#[derive(Serialize)]
struct ListDocument {
    roots: Vec<RootView>,
}

#[derive(Serialize)]
struct RootView {
    subject: String,
    issuer: String,
    not_after: String,
    validity: String,
    sha256: String,
    bytes: usize,
}

/// Runs the verb.
pub(super) fn run(verb: &RootsVerb, global: &Global, out: Output) -> Result<(), Failure> {
    match verb {
        RootsVerb::List => list(global, out),
        RootsVerb::Import(args) => import(args, global, out),
        RootsVerb::Export(args) => export(args, global, out),
        RootsVerb::Delete(args) => delete(args, global, out),
    }
}

fn list(global: &Global, out: Output) -> Result<(), Failure> {
    let desk = Desk::open(global, out)?;
    let roots = desk.with_card(WithoutCard::Refuse, |session| Ok(session.roots()?))?;
    let document = ListDocument { roots: roots.iter().map(|der| RootView::new(der)).collect() };
    out.show(&document, || {
        if document.roots.is_empty() {
            return "no root certificates\n".to_owned();
        }
        let row = |root: &RootView| {
            [
                root.subject.clone(),
                root.not_after.clone(),
                root.validity.clone(),
                root.sha256[..16].to_owned(),
            ]
        };
        table(["subject", "until", "validity", "sha256"], document.roots.iter().map(row).collect())
    })
}

fn import(args: &ImportArgs, global: &Global, out: Output) -> Result<(), Failure> {
    secrets::apart(args.pin.source(), &args.file)?;
    secrets::apart(args.management.source(), &args.file)?;
    let certificates = x509::parse_all(&data::read(&args.file)?)?;
    let mut pins = PinAnswer::new(&args.pin);
    let desk = Desk::open(global, out)?.with_management(&args.management)?;
    let added = desk.with_card(WithoutCard::Refuse, |session| {
        if args.replace {
            session.write_roots(&certificates, &mut pins)?;
            return Ok(certificates.len());
        }
        Ok(session.add_roots(&certificates, &mut pins)?)
    })?;
    out.done(&json!({"roots_added": added}), || format!("{}\n", added_text(added)))
}

fn export(args: &ExportArgs, global: &Global, out: Output) -> Result<(), Failure> {
    let desk = Desk::open(global, out)?;
    let roots = desk.with_card(WithoutCard::Refuse, |session| Ok(session.roots()?))?;
    let facts = json!({"certificates": roots.len()});
    args.target.deliver_all("roots", &roots, out, facts)
}

fn delete(args: &DeleteArgs, global: &Global, out: Output) -> Result<(), Failure> {
    let mut pins = PinAnswer::new(&args.pin);
    let desk = Desk::open(global, out)?.with_management(&args.management)?;
    let deleted = desk.with_card(WithoutCard::Refuse, |session| {
        let roots = session.roots()?;
        let Some(wanted) = args.fingerprint.as_deref() else {
            if !roots.is_empty() {
                session.write_roots(&[], &mut pins)?;
            }
            return Ok(roots.len());
        };
        session.remove_root(named(&roots, wanted)?, &mut pins)?;
        Ok(1)
    })?;
    out.done(&json!({"deleted": deleted}), || format!("{deleted} root certificates deleted\n"))
}

/// The certificate whose fingerprint begins so.
fn named<'a>(roots: &'a [Vec<u8>], wanted: &str) -> Result<&'a [u8], Failure> {
    let digits = wanted.replace([':', ' '], "").to_ascii_lowercase();
    if digits.len() < SHORTEST || digits.contains(|c: char| !c.is_ascii_hexdigit()) {
        return Err(Failure::usage(format!(
            "{wanted:?} is no fingerprint: at least {SHORTEST} hexadecimal digits are expected"
        )));
    }
    let found: Vec<_> = roots.iter().filter(|der| fingerprint(der).starts_with(&digits)).collect();
    match found.as_slice() {
        [one] => Ok(one),
        [] => Err(Failure::failed("no-such-root", format!("no root certificate has fingerprint {wanted}"))
            .hint("cardmod cert roots list shows them")),
        _ => Err(Failure::failed("no-such-root", format!("several fingerprints begin with {wanted}"))),
    }
}

fn fingerprint(der: &[u8]) -> String {
    HashAlgorithm::Sha256.digest(der).map_or_else(String::new, |digest| hex(&digest))
}

impl RootView {
    fn new(der: &[u8]) -> Self {
        let summary = x509::summary(der);
        let text = |pick: fn(&x509::Summary) -> String| summary.as_ref().map_or_else(|_| String::new(), pick);
        Self {
            subject: summary
                .as_ref()
                .map_or_else(|error| format!("unreadable: {error}"), |s| s.subject.clone()),
            issuer: text(|summary| summary.issuer.clone()),
            not_after: text(|summary| summary.not_after.clone()),
            validity: text(|summary| summary.validity().to_string()),
            sha256: fingerprint(der),
            bytes: der.len(),
        }
    }
}

/// The last certificate of a chain is its own issuer.
pub(super) fn ends_in_root(chain: &[Vec<u8>]) -> bool {
    let last = chain.last().and_then(|der| x509::summary(der).ok());
    last.is_some_and(|summary| summary.subject == summary.issuer)
}

/// How many certificates were added.
pub(crate) fn added_text(added: usize) -> String {
    match added {
        0 => "the root certificates were there already".to_owned(),
        1 => "1 root certificate added".to_owned(),
        more => format!("{more} root certificates added"),
    }
}
