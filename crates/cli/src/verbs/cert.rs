//! `cardmod cert`: request, self-sign, import, export, delete, roots.

mod roots;

pub(crate) use roots::added_text;

use std::path::PathBuf;

use cardmod_host::x509::{self, ExtendedKeyUse, KeyUse, Profile, Subject};
use cardmod_host::{CardSession, Container, Error, KeyInfo, SignRequest};
use cardmod_types::{HashAlgorithm, KeyHalf, PublicKey, SignaturePadding};
use clap::{Args, Subcommand};
use serde_json::json;

use crate::args::{Global, Hash, KeyChoice};
use crate::data::{self, Sensitivity};
use crate::failure::Failure;
use crate::management::ManagementOptions;
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
    /// List, import, export or delete the card's root certificates
    #[command(subcommand)]
    Roots(roots::RootsVerb),
}

/// Whose certificate it is to be.
#[derive(Args, Debug)]
pub(crate) struct Holder {
    #[command(flatten)]
    key: KeyChoice,
    /// The holder's name (RFC 4514), such as CN=web,O=Example
    #[arg(long, value_name = "NAME")]
    subject: String,
    /// A further name: DNS:host, email:a@b, IP:address, URI:…, UPN:user@domain (logon to Windows); may
    /// be repeated
    #[arg(long = "san", value_name = "NAME")]
    alternative_names: Vec<String>,
    /// What the key does: digitalSignature, nonRepudiation, keyEncipherment, dataEncipherment,
    /// keyAgreement, keyCertSign, cRLSign, encipherOnly, decipherOnly; comma-separated or repeated
    /// [default: what suits the key]
    #[arg(long, value_name = "USAGE", value_delimiter = ',')]
    key_usage: Vec<KeyUse>,
    /// What it is done for: clientAuth, serverAuth, smartcardLogon, emailProtection, codeSigning, … or
    /// an object identifier; comma-separated or repeated
    #[arg(long, value_name = "PURPOSE", value_delimiter = ',')]
    extended_key_usage: Vec<ExtendedKeyUse>,
    /// The holder is a certificate authority
    #[arg(long = "ca")]
    authority: bool,
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
    #[command(flatten)]
    management: ManagementOptions,
}

/// `cert import`.
#[derive(Args, Debug)]
pub(crate) struct ImportArgs {
    #[command(flatten)]
    key: KeyChoice,
    /// The certificate, PEM or DER, or a bundle (PEM, PKCS#7) of which the one for the key is taken (`-`:
    /// standard input)
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Put the bundle's other certificates into the card's root store
    #[arg(long)]
    roots: bool,
    #[command(flatten)]
    pin: PinOptions,
    #[command(flatten)]
    management: ManagementOptions,
}

/// `cert export`.
#[derive(Args, Debug)]
pub(crate) struct ExportArgs {
    #[command(flatten)]
    key: KeyChoice,
    /// Write the certificates above it too, as far as the card's root store and --with have them (PEM;
    /// with --der a PKCS#7 bag)
    #[arg(long)]
    chain: bool,
    /// A file with certificates to build the chain from (PEM, DER, PKCS#7); may be repeated
    #[arg(long = "with", value_name = "FILE", requires = "chain")]
    others: Vec<PathBuf>,
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
    #[command(flatten)]
    management: ManagementOptions,
}

/// Runs the verb.
pub(crate) fn run(verb: &CertVerb, global: &Global, out: Output) -> Result<(), Failure> {
    match verb {
        CertVerb::Request(args) => request(args, global, out),
        CertVerb::SelfSign(args) => self_sign(args, global, out),
        CertVerb::Import(args) => import(args, global, out),
        CertVerb::Export(args) => export(args, global, out),
        CertVerb::Delete(args) => delete(args, global, out),
        CertVerb::Roots(verb) => roots::run(verb, global, out),
    }
}

fn request(args: &RequestArgs, global: &Global, out: Output) -> Result<(), Failure> {
    let holder = &args.holder;
    let mut pins = PinAnswer::new(&holder.pin);
    let desk = Desk::open(global, out)?.of_container(holder.key.container.as_ref());
    let der = desk.with_card(WithoutCard::Refuse, |session| {
        let key = session.read_key(holder.key.name(), holder.key.half())?;
        let sign = |digest: &[u8]| sign_digest(session, holder, &key, digest, &mut pins);
        Ok(x509::certificate_request(holder.profile(), &key.public, holder.hash.into(), sign)?)
    })?;
    args.target.deliver("certificate_request", "CERTIFICATE REQUEST", &der, out, json!({}))
}

fn self_sign(args: &SelfSignArgs, global: &Global, out: Output) -> Result<(), Failure> {
    let holder = &args.holder;
    let mut pins = PinAnswer::new(&holder.pin);
    let desk = Desk::open(global, out)?.with_management(&args.management)?;
    let desk = desk.of_container(holder.key.container.as_ref());
    let (name, der) = desk.with_card(WithoutCard::Refuse, |session| {
        let key = session.read_key(holder.key.name(), holder.key.half())?;
        let sign = |digest: &[u8]| sign_digest(session, holder, &key, digest, &mut pins);
        let der = x509::self_signed(holder.profile(), args.days, &key.public, holder.hash.into(), sign)?;
        if args.store {
            session.import_certificate(Some(&key.container), Some(key.half), &der, &mut pins)?;
        }
        Ok((key.container, der))
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
    key: &KeyInfo,
    digest: &[u8],
    pins: &mut PinAnswer,
) -> Result<Vec<u8>, Error> {
    let padding = match key.public {
        PublicKey::Rsa(_) => SignaturePadding::Pkcs1 { hash: Some(HashAlgorithm::from(holder.hash)) },
        PublicKey::Ec(_) => SignaturePadding::None,
    };
    let request = SignRequest { half: Some(key.half), padding, digest };
    session.sign_as(key, &request, pins)
}

fn import(args: &ImportArgs, global: &Global, out: Output) -> Result<(), Failure> {
    secrets::apart(args.pin.source(), &args.file)?;
    secrets::apart(args.management.source(), &args.file)?;
    let bundle = x509::parse_all(&data::read(&args.file)?)?;
    let mut pins = PinAnswer::new(&args.pin);
    let desk = Desk::open(global, out)?.with_management(&args.management)?;
    let desk = desk.of_container(args.key.container.as_ref());
    let (name, half, bytes, added) = desk.with_card(WithoutCard::Refuse, |session| {
        let container = session.container(args.key.name())?;
        let der = certificate_for(&container, args.key.half(), &bundle);
        let mut held = session.hold()?;
        let half = held.import_certificate(Some(&container.name), args.key.half(), der, &mut pins)?;
        let others: Vec<_> = bundle.iter().filter(|other| other.as_slice() != der).cloned().collect();
        let added = if args.roots { held.add_roots(&others, &mut pins)? } else { 0 };
        Ok((container.name, half, der.len(), added))
    })?;
    let facts = json!({"container": name, "purpose": purpose(half), "bytes": bytes, "roots_added": added});
    out.done(&facts, || {
        let roots = if args.roots { format!("; {}", roots::added_text(added)) } else { String::new() };
        format!("container {name} has its certificate{roots}\n")
    })
}

/// The certificate of a bundle that is for a key of the container; where none is, the first one, which the
/// host refuses with the reason.
fn certificate_for<'a>(container: &Container, half: Option<KeyHalf>, bundle: &'a [Vec<u8>]) -> &'a [u8] {
    let wanted = |key: &&cardmod_host::ContainerKey| half.is_none_or(|half| key.half == half);
    let fits = |der: &&Vec<u8>| {
        let mut keys = container.keys.iter().filter(wanted);
        keys.any(|key| x509::matches(der, &key.public).unwrap_or(false))
    };
    bundle.iter().find(fits).or(bundle.first()).map_or(&[], Vec::as_slice)
}

fn export(args: &ExportArgs, global: &Global, out: Output) -> Result<(), Failure> {
    let mut others = Vec::new();
    for file in &args.others {
        others.extend(x509::parse_all(&data::read(file)?)?);
    }
    let desk = Desk::open(global, out)?.of_container(args.key.container.as_ref());
    let (container, chain) = desk.in_one_transaction(|session| {
        let container = session.container(args.key.name())?;
        let (half, _) = certificate_of(&container, args.key.half())?;
        let chain = match args.chain {
            true => session.certificate_chain(Some(&container.name), Some(half), &others)?,
            false => Vec::new(),
        };
        Ok((container, chain))
    })?;
    let (half, der) = certificate_of(&container, args.key.half())?;
    let key = key_of(&container, Some(half))?;
    let mut facts = json!({
        "container": container.name,
        "purpose": purpose(half),
        "summary": CertificateView::new(der, key),
    });
    if !args.chain {
        return args.target.deliver("certificate", "CERTIFICATE", der, out, facts);
    }
    facts["certificates"] = json!(chain.len());
    if !roots::ends_in_root(&chain) {
        out.note("note: the chain is not complete: no root was found; --with names files to look in");
    }
    args.target.deliver_all("certificate", &chain, out, facts)
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
    let desk = Desk::open(global, out)?.with_management(&args.management)?;
    let desk = desk.of_container(args.key.container.as_ref());
    let name = desk.with_card(WithoutCard::Refuse, |session| {
        let name = session.container(args.key.name())?.name;
        session.delete_certificate(Some(&name), args.key.half(), &mut pins)?;
        Ok(name)
    })?;
    out.done(&json!({"container": name}), || format!("deleted the certificate of container {name}\n"))
}

impl Holder {
    fn profile(&self) -> Profile<'_> {
        Profile {
            subject: Subject { name: &self.subject, alternative_names: &self.alternative_names },
            key_usage: &self.key_usage,
            extended_key_usage: &self.extended_key_usage,
            authority: self.authority,
        }
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
        self.hand_over(name, bytes, out, facts)
    }

    /// Several certificates: PEM one after another, or a PKCS#7 bag.
    fn deliver_all(
        &self,
        name: &'static str,
        certificates: &[Vec<u8>],
        out: Output,
        facts: serde_json::Value,
    ) -> Result<(), Failure> {
        if self.der {
            return self.hand_over(name, &x509::to_pkcs7(certificates)?, out, facts);
        }
        let pem: Result<Vec<_>, _> =
            certificates.iter().map(|der| x509::to_pem("CERTIFICATE", der)).collect();
        self.hand_over(name, pem?.concat().as_bytes(), out, facts)
    }

    fn hand_over(
        &self,
        name: &'static str,
        bytes: &[u8],
        out: Output,
        facts: serde_json::Value,
    ) -> Result<(), Failure> {
        let delivery = Delivery { name, bytes, text: !self.der, sensitivity: Sensitivity::Public };
        out.deliver(&delivery, self.out.as_deref(), facts)
    }
}
