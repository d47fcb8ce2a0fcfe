//! `cardmod piv generate` and `import`: keys with the policies and of the algorithms that tokens have beyond the
//! module interface.

use std::path::{Path, PathBuf};

use cardmod_default::piv::edge::{
    Enrolled, ImportKey, KeyAlgorithm, KeyOf, Occupancy, PinPolicy, Policies, Slot, SlotKey, TouchPolicy,
};
use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::PivDesk;
use super::authority::AuthorityOptions;
use super::view::{pem, purpose};
use crate::data::{self, Sensitivity};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::keyfile::{self, Key25519};
use crate::output::{Delivery, Output};
use crate::secrets;

/// `piv generate`.
#[derive(Args, Debug)]
pub(crate) struct GenerateArgs {
    #[command(flatten)]
    target: Target,
    /// What kind of key
    #[arg(long, value_enum, ignore_case = true)]
    algorithm: Algorithm,
    /// Where to write the public key, PEM [default: standard output]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// `piv import`.
#[derive(Args, Debug)]
pub(crate) struct ImportArgs {
    #[command(flatten)]
    target: Target,
    /// The private key: PKCS#8, PKCS#1 or SEC1, PEM or DER (`-`: standard input)
    #[arg(value_name = "KEYFILE")]
    file: PathBuf,
}

/// Where a new key goes, and when it may be used.
#[derive(Args, Debug)]
struct Target {
    /// The key's place: 9a, 9c, 9d, 9e, 82 to 95
    #[arg(value_name = "PLACE")]
    slot: Slot,
    /// When the card wants the PIN: default, never, once, always, match-once or match-always
    #[arg(long, value_name = "POLICY")]
    pin_policy: Option<PinPolicy>,
    /// When the card wants to be touched: default, never, always or cached
    #[arg(long, value_name = "POLICY")]
    touch_policy: Option<TouchPolicy>,
    /// Yes, what is in the place may be lost: a key, with its certificate
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    authority: AuthorityOptions,
}

/// The kinds of keys there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Algorithm {
    /// RSA, 1024 bits: too short for anything new
    Rsa1024,
    /// RSA, 2048 bits
    Rsa2048,
    /// RSA, 3072 bits
    Rsa3072,
    /// RSA, 4096 bits
    Rsa4096,
    /// NIST P-256
    P256,
    /// NIST P-384
    P384,
    /// Ed25519: signatures
    Ed25519,
    /// X25519: key agreement
    X25519,
}

impl From<Algorithm> for KeyAlgorithm {
    fn from(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Rsa1024 => Self::Rsa1024,
            Algorithm::Rsa2048 => Self::Rsa2048,
            Algorithm::Rsa3072 => Self::Rsa3072,
            Algorithm::Rsa4096 => Self::Rsa4096,
            Algorithm::P256 => Self::P256,
            Algorithm::P384 => Self::P384,
            Algorithm::Ed25519 => Self::Ed25519,
            Algorithm::X25519 => Self::X25519,
        }
    }
}

/// Runs `piv generate`.
pub(super) fn generate(args: &GenerateArgs, desk: PivDesk, out: Output) -> Result<(), Failure> {
    let slot = args.target.slot;
    if let Some(path) = &args.out {
        require_directory(path)?;
    }
    let algorithm = KeyAlgorithm::from(args.algorithm);
    let made = args.target.enrol(desk, &KeyOf::Generate(algorithm), out)?;
    let public = made.public.as_ref().map(|public| pem("PUBLIC KEY", &public.to_spki_der())).transpose()?;
    // The edge answers with the key that the card told when it made it.
    let public = public.ok_or_else(|| Failure::failed("bad-card-data", "the card told no public key"))?;
    out.note(&format!("{slot} has a new {algorithm} key{}", ending(&made)));
    args.target.remark(&made, out);
    let delivery = Delivery {
        name: "public_key",
        bytes: public.as_bytes(),
        text: true,
        sensitivity: Sensitivity::Public,
    };
    out.deliver(&delivery, args.out.as_deref(), document(slot, algorithm, &made)).map_err(|failure| {
        let hint = format!("the key is made all the same: cardmod piv metadata {slot} shows it");
        failure.hint(hint)
    })
}

/// Runs `piv import`.
pub(super) fn import(args: &ImportArgs, desk: PivDesk, out: Output) -> Result<(), Failure> {
    let slot = args.target.slot;
    secrets::apart(args.target.authority.pin.source(), &args.file)?;
    secrets::apart(args.target.authority.management_source(), &args.file)?;
    let file = data::read(&args.file)?;
    let (rest, plain);
    let (key, public) = match keyfile::curve_25519(&file)? {
        Some(found) => {
            rest = found;
            let key = match &rest {
                Key25519::Ed25519(key) => ImportKey::Ed25519(key),
                Key25519::X25519(key) => ImportKey::X25519(key),
            };
            (key, None)
        }
        None => {
            plain = keyfile::private_key(&file)?;
            (ImportKey::from(&plain), Some(SlotKey::from(plain.public())))
        }
    };
    let algorithm = key.algorithm().map_err(|error| Failure::usage(format!("cards have no {error}")))?;
    let made = args.target.enrol(desk, &KeyOf::Import { key, public }, out)?;
    args.target.remark(&made, out);
    out.done(&document(slot, algorithm, &made), || {
        format!("{slot} has the {algorithm} key of the file{}\n", ending(&made))
    })
}

impl Target {
    /// Puts the key there, if nothing is lost by it, or may be.
    fn enrol(&self, mut desk: PivDesk, new: &KeyOf<'_>, out: Output) -> Result<Enrolled, Failure> {
        let (slot, yes) = (self.slot, self.yes);
        if slot == Slot::Attestation {
            return Err(Failure::usage("the attesting key (f9) stays, and no other key takes its place"));
        }
        let policies = Policies { pin: self.pin_policy, touch: self.touch_policy };
        // Nobody is asked for a secret in vain.
        if !yes {
            let occupancy = desk.work(|card| card.occupancy(slot))?;
            refuse(slot, occupancy)?;
        }
        let authority = self.authority.resolve(&mut desk, out)?;
        let outcome = desk.change(|card| {
            let occupancy = if yes { None } else { Some(card.occupancy(slot)?) };
            if let Some(occupancy) = occupancy.filter(|occupancy| !occupancy.is_free()) {
                return Ok(Err(occupancy));
            }
            authority.prove(card)?;
            card.enrol(slot, new, policies).map(Ok)
        });
        match outcome {
            Ok(Ok(made)) => Ok(made),
            Ok(Err(occupancy)) => refuse(slot, occupancy).and(Err(Failure::failed("occupied", "in use"))),
            Err(failure) if failure.code == "not-supported" && policies.any() => Err(failure.hint(
                "without --pin-policy and --touch-policy the card may take the key, as its place has it",
            )),
            Err(failure) => Err(failure),
        }
    }

    /// Says where the card did not do as it was told, or does not tell.
    fn remark(&self, made: &Enrolled, out: Output) {
        let told = made.metadata.as_ref();
        let pin = told.and_then(|metadata| metadata.pin_policy);
        let touch = told.and_then(|metadata| metadata.touch_policy);
        let silent =
            self.pin_policy.is_some() && pin.is_none() || self.touch_policy.is_some() && touch.is_none();
        if silent {
            out.note("note: the card does not tell whether it took the policies");
        }
        if let (Some(wanted), Some(pin)) = (self.pin_policy, pin)
            && wanted != pin
            && wanted != PinPolicy::Default
        {
            out.note(&format!("note: the key's PIN policy is {pin}, not {wanted}"));
        }
        if let (Some(wanted), Some(touch)) = (self.touch_policy, touch)
            && wanted != touch
            && wanted != TouchPolicy::Default
        {
            out.note(&format!("note: the key's touch policy is {touch}, not {wanted}"));
        }
    }
}

/// Refuses a place in which something is, or may be.
fn refuse(slot: Slot, occupancy: Occupancy) -> Result<(), Failure> {
    let text = match (occupancy.key, occupancy.certificate) {
        (Some(false), false) => return Ok(()),
        (Some(true), true) => "has a key and a certificate",
        (Some(true), false) => "has a key",
        (_, true) => "has a certificate",
        (None, false) => "may have a key: the card does not tell",
    };
    let text = format!("{slot} ({}) {text}", purpose(slot));
    Err(Failure::new(Exit::Failed, "occupied", text)
        .hint("--yes puts the new key there all the same; what was there is lost"))
}

/// A file is not to fail after the key was made, for want of its directory.
fn require_directory(path: &Path) -> Result<(), Failure> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    match parent {
        Some(parent) if !data::is_standard(path) && !parent.is_dir() => {
            Err(Failure::file("write", path, "there is no such directory"))
        }
        _ => Ok(()),
    }
}

/// What went with the key before.
const fn ending(made: &Enrolled) -> &'static str {
    if made.certificate { "; the certificate that was there is deleted" } else { "" }
}

fn document(slot: Slot, algorithm: KeyAlgorithm, made: &Enrolled) -> Value {
    let mut document = json!({
        "slot": slot.label(),
        "algorithm": algorithm.to_string(),
        "named": made.named,
        "certificate_deleted": made.certificate,
    });
    let told = made.metadata.as_ref();
    if let Some(policy) = told.and_then(|metadata| metadata.pin_policy) {
        document["pin_policy"] = json!(policy.label());
    }
    if let Some(policy) = told.and_then(|metadata| metadata.touch_policy) {
        document["touch_policy"] = json!(policy.label());
    }
    document
}
