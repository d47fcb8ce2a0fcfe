//! `cardmod cert`: request, self-sign, import, export, delete.

use std::path::PathBuf;

use cardmod_host::x509::{self, Subject};
use cardmod_host::{CardSession, Container, Error, SignRequest};
use cardmod_types::{HashAlgorithm, KeyHalf, PublicKey, SignaturePadding};
use clap::{Args, Subcommand};
use serde_json::json;

use crate::args::{Global, Hash, KeyChoice};
use crate::data::{self, Sensitivity};
use crate::failure::Failure;
use crate::output::{Delivery, Output};
use crate::pins::PinAnswer;
use crate::report::{CertificateView, purpose};
use crate::secrets::{self, PinOptions};
use crate::session::{Desk, WithoutCard};
use crate::verbs::key::key_of;

/// What to do with certificates.
#[derive(Debug, Subcommand)]
pub(crate) enum CertVerb {
    /// Write a certificate request (PKCS#10) for a container's key
    Request(RequestArgs),
    /// Write a certificate that a container's key signs itself
    SelfSign(SelfSignArgs),
    /// Put a certificate beside its key
    Import(ImportArgs),
    /// Write a container's certificate
    Export(ExportArgs),
    /// Delete a container's certificate; the key stays
    Delete(DeleteArgs),
}

/// Whose certificate it is to be.
#[derive(Args, Debug)]
pub(crate) struct Holder {
    #[command(flatten)]
    key: KeyChoice,
    /// The holder's name (RFC 4514), such as CN=web,O=Example
    #[arg(long, value_name = "NAME")]
    subject: String,
    /// A further name: DNS:host, email:a@b, IP:address, URI:…; may be repeated
    #[arg(long = "san", value_name = "NAME")]
    alternative_names: Vec<String>,
    /// The hash algorithm of the signature
    #[arg(long, value_enum, default_value_t = Hash::Sha256)]
    hash: Hash,
    #[command(flatten)]
    pin: PinOptions,
}

/// Where the result goes.
#[derive(Args, Debug)]
pub(crate) struct Target {
    /// Write to this file instead of standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Write DER instead of PEM
    #[arg(long)]
    der: bool,
}

/// `cert request`.
#[derive(Args, Debug)]
pub(crate) struct RequestArgs {
    #[command(flatten)]
    holder: Holder,
    #[command(flatten)]
    target: Target,
}

/// `cert self-sign`.
#[derive(Args, Debug)]
pub(crate) struct SelfSignArgs {
    #[command(flatten)]
    holder: Holder,
    #[command(flatten)]
    target: Target,
    /// How long it is valid
    #[arg(long, value_name = "DAYS", default_value_t = 365)]
    days: u32,
    /// Put it onto the card too
    #[arg(long)]
    store: bool,
}

/// `cert import`.
#[derive(Args, Debug)]
pub(crate) struct ImportArgs {
    #[command(flatten)]
    key: KeyChoice,
    /// The certificate, PEM or DER (`-`: standard input)
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    pin: PinOptions,
}

/// `cert export`.
#[derive(Args, Debug)]
pub(crate) struct ExportArgs {
    #[command(flatten)]
    key: KeyChoice,
    #[command(flatten)]
    target: Target,
}

/// `cert delete`.
#[derive(Args, Debug)]
pub(crate) struct DeleteArgs {
    #[command(flatten)]
    key: KeyChoice,
    #[command(flatten)]
    pin: PinOptions,
}

/// Runs the verb.
pub(crate) fn run(verb: &CertVerb, global: &Global, out: Output) -> Result<(), Failure> {
    match verb {
        CertVerb::Request(args) => request(args, global, out),
        CertVerb::SelfSign(args) => self_sign(args, global, out),
        CertVerb::Import(args) => import(args, global, out),
        CertVerb::Export(args) => export(args, global, out),
        CertVerb::Delete(args) => delete(args, global, out),
    }
}

fn request(args: &RequestArgs, global: &Global, out: Output) -> Result<(), Failure> {
    let holder = &args.holder;
    let mut pins = PinAnswer::new(&holder.pin);
    let desk = Desk::open(global, out)?;
    let der = desk.with_card(WithoutCard::Refuse, |session| {
        let container = session.container(holder.key.name())?;
        let key = key_of(&container, holder.key.half())?;
        let sign = |digest: &[u8]| sign_digest(session, holder, &container, key, digest, &mut pins);
        Ok(x509::certificate_request(&holder.subject(), key, holder.hash.into(), sign)?)
    })?;
    args.target.deliver("certificate_request", "CERTIFICATE REQUEST", &der, out, json!({}))
}

fn self_sign(args: &SelfSignArgs, global: &Global, out: Output) -> Result<(), Failure> {
    let holder = &args.holder;
    let mut pins = PinAnswer::new(&holder.pin);
    let desk = Desk::open(global, out)?;
    let (name, der) = desk.with_card(WithoutCard::Refuse, |session| {
        let container = session.container(holder.key.name())?;
        let key = key_of(&container, holder.key.half())?;
        let sign = |digest: &[u8]| sign_digest(session, holder, &container, key, digest, &mut pins);
        let der = x509::self_signed(&holder.subject(), args.days, key, holder.hash.into(), sign)?;
        if args.store {
            session.import_certificate(Some(&container.name), holder.key.half(), &der, &mut pins)?;
        }
        Ok((container.name, der))
    })?;
    let facts = json!({"container": name, "stored": args.store, "bytes": der.len()});
    if args.store && args.target.out.is_none() && !out.json() {
        return out.done(&facts, || format!("container {name} has its certificate\n"));
    }
    args.target.deliver("certificate", "CERTIFICATE", &der, out, facts)
}

/// Signs the digest of a request or a certificate: PKCS#1 v1.5 for RSA, ECDSA else.
fn sign_digest(
    session: &mut CardSession,
    holder: &Holder,
    container: &Container,
    key: &PublicKey,
    digest: &[u8],
    pins: &mut PinAnswer,
) -> Result<Vec<u8>, Error> {
    let padding = match key {
        PublicKey::Rsa(_) => SignaturePadding::Pkcs1 { hash: Some(HashAlgorithm::from(holder.hash)) },
        PublicKey::Ec(_) => SignaturePadding::None,
    };
    let request = SignRequest { half: holder.key.half(), padding, digest };
    session.sign(Some(&container.name), &request, pins)
}

fn import(args: &ImportArgs, global: &Global, out: Output) -> Result<(), Failure> {
    secrets::apart(args.pin.source(), &args.file)?;
    let der = x509::parse(&data::read(&args.file)?)?;
    let mut pins = PinAnswer::new(&args.pin);
    let desk = Desk::open(global, out)?;
    let (name, half) = desk.with_card(WithoutCard::Refuse, |session| {
        let name = session.container(args.key.name())?.name;
        let half = session.import_certificate(Some(&name), args.key.half(), &der, &mut pins)?;
        Ok((name, half))
    })?;
    let facts = json!({"container": name, "purpose": purpose(half), "bytes": der.len()});
    out.done(&facts, || format!("container {name} has its certificate\n"))
}

fn export(args: &ExportArgs, global: &Global, out: Output) -> Result<(), Failure> {
    let desk = Desk::open(global, out)?;
    let container = desk.with_card(WithoutCard::Refuse, |session| Ok(session.container(args.key.name())?))?;
    let (half, der) = certificate_of(&container, args.key.half())?;
    let key = key_of(&container, Some(half))?;
    let facts = json!({
        "container": container.name,
        "purpose": purpose(half),
        "summary": CertificateView::new(der, key),
    });
    args.target.deliver("certificate", "CERTIFICATE", der, out, facts)
}

/// The certificate of the named half, or of the half that has one.
fn certificate_of(container: &Container, half: Option<KeyHalf>) -> Result<(KeyHalf, &[u8]), Failure> {
    let wanted = |key: &&cardmod_host::ContainerKey| half.is_none_or(|half| key.half == half);
    let mut found =
        container.keys.iter().filter(wanted).filter_map(|key| Some((key.half, key.certificate.as_deref()?)));
    found.next().ok_or_else(|| {
        Failure::failed("no-certificate", format!("container {:?} has no certificate", container.name))
            .hint("cardmod cert import or cardmod cert self-sign --store puts one there")
    })
}

fn delete(args: &DeleteArgs, global: &Global, out: Output) -> Result<(), Failure> {
    let mut pins = PinAnswer::new(&args.pin);
    let desk = Desk::open(global, out)?;
    let name = desk.with_card(WithoutCard::Refuse, |session| {
        let name = session.container(args.key.name())?.name;
        session.delete_certificate(Some(&name), args.key.half(), &mut pins)?;
        Ok(name)
    })?;
    out.done(&json!({"container": name}), || format!("deleted the certificate of container {name}\n"))
}

impl Holder {
    fn subject(&self) -> Subject<'_> {
        Subject { name: &self.subject, alternative_names: &self.alternative_names }
    }
}

impl Target {
    fn deliver(
        &self,
        name: &'static str,
        label: &str,
        der: &[u8],
        out: Output,
        facts: serde_json::Value,
    ) -> Result<(), Failure> {
        let pem;
        let bytes = if self.der {
            der
        } else {
            pem = x509::to_pem(label, der)?;
            pem.as_bytes()
        };
        let delivery = Delivery { name, bytes, text: !self.der, sensitivity: Sensitivity::Public };
        out.deliver(&delivery, self.out.as_deref(), facts)
    }
}
