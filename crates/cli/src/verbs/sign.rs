//! `cardmod sign`, and what `sign` and `verify` have in common.

use std::path::PathBuf;

use cardmod_host::{SignRequest, x509};
use cardmod_types::{HashAlgorithm, PublicKey, SignaturePadding};
use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use crate::args::{Global, Hash, KeyChoice};
use crate::data::{self, Sensitivity};
use crate::failure::Failure;
use crate::output::{Delivery, Output};
use crate::pins::PinAnswer;
use crate::report::algorithm;
use crate::secrets::{self, PinOptions};
use crate::session::Desk;

/// `sign`.
#[derive(Args, Debug)]
pub(crate) struct SignArgs {
    #[command(flatten)]
    key: KeyChoice,
    #[command(flatten)]
    scheme: Scheme,
    /// The data to sign (`-`: standard input); of several files each gets its signature
    #[arg(long = "in", value_name = "FILE", default_value = "-", num_args = 1..)]
    inputs: Vec<PathBuf>,
    /// Write the signature to this file instead of standard output; of several files the signatures go into
    /// this directory, each named after its file with .sig behind
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    pin: PinOptions,
}

/// How data become a signature.
#[derive(Args, Clone, Debug)]
pub(crate) struct Scheme {
    /// The hash algorithm
    #[arg(long, value_enum, default_value_t = Hash::Sha256)]
    hash: Hash,
    /// RSA padding; `none` takes the input as the whole padded block [default: pkcs1]
    #[arg(long, value_enum)]
    padding: Option<Padding>,
    /// PSS salt length in bytes [default: the hash's length]
    #[arg(long, value_name = "BYTES")]
    salt_length: Option<usize>,
    /// The input is the hash value, not the data
    #[arg(long)]
    digest: bool,
    /// ECDSA signatures as r‖s instead of DER
    #[arg(long)]
    raw: bool,
}

/// RSA signature paddings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Padding {
    /// PKCS#1 v1.5
    Pkcs1,
    /// PSS with MGF1 of the same hash
    Pss,
    /// None: the input is the block
    None,
}

/// Runs the verb.
pub(crate) fn run(args: &SignArgs, global: &Global, out: Output) -> Result<(), Failure> {
    let targets = args.targets()?;
    let mut digests = Vec::new();
    for input in &args.inputs {
        secrets::apart(args.pin.source(), input)?;
        digests.push(args.scheme.digest(&data::read(input)?)?);
    }
    let mut pins = PinAnswer::new(&args.pin);
    let desk = Desk::open(global, out)?.of_container(args.key.container.as_ref());
    let (key, signatures) = desk.in_one_transaction(|session| {
        let key = session.key(args.key.name(), args.key.half())?;
        let padding = args.scheme.padding(&key.public)?;
        let _progress = pins.progress(out, "signing");
        let mut signatures = Vec::new();
        for digest in &digests {
            // A key whose PIN is for one use asks for it each time.
            let request = SignRequest { half: args.key.half(), padding: padding.clone(), digest };
            signatures.push(session.sign(Some(&key.container), &request, &mut pins)?);
        }
        Ok((key, signatures))
    })?;
    let mut facts = args.scheme.facts(&key.public);
    facts["container"] = json!(key.container);
    let signatures: Result<Vec<_>, Failure> =
        signatures.into_iter().map(|signature| args.scheme.form(signature, &key.public)).collect();
    match (&signatures?[..], targets) {
        ([signature], None) => out.deliver(&delivery(signature), args.out.as_deref(), facts),
        (signatures, targets) => deliver_all(signatures, &targets.unwrap_or_default(), facts, out),
    }
}

fn delivery(signature: &[u8]) -> Delivery<'_> {
    Delivery { name: "signature", bytes: signature, text: false, sensitivity: Sensitivity::Public }
}

/// Writes each signature to its file.
fn deliver_all(
    signatures: &[Vec<u8>],
    targets: &[PathBuf],
    mut facts: Value,
    out: Output,
) -> Result<(), Failure> {
    for (signature, target) in signatures.iter().zip(targets) {
        data::write(target, signature, Sensitivity::Public)?;
    }
    facts["files"] = targets.iter().map(|target| json!(target.display().to_string())).collect();
    let count = signatures.len();
    out.done(&facts, || format!("wrote {count} signatures\n"))
}

impl SignArgs {
    /// Where the signatures of several files go; `None` for one, which is delivered like any result.
    fn targets(&self) -> Result<Option<Vec<PathBuf>>, Failure> {
        if self.inputs.len() < 2 {
            return Ok(None);
        }
        let directory = self.out.as_deref().filter(|directory| directory.is_dir()).ok_or_else(|| {
            Failure::usage("several files are to be signed, and --out names no directory for the signatures")
                .hint("--out DIRECTORY writes FILE.sig there for each FILE")
        })?;
        let mut targets = Vec::new();
        for input in &self.inputs {
            let named = input.file_name().filter(|_| !data::is_standard(input));
            let mut name = named.map(std::ffi::OsStr::to_owned).ok_or_else(|| {
                Failure::usage("of several inputs each is a file whose signature is named after it")
            })?;
            name.push(".sig");
            let target = directory.join(name);
            if targets.contains(&target) {
                return Err(Failure::usage("two of the files have one name, and so would their signatures"));
            }
            targets.push(target);
        }
        Ok(Some(targets))
    }
}

impl Scheme {
    /// The value to sign: the hash of the data, or the input itself where it is that already.
    pub(crate) fn digest(&self, data: &[u8]) -> Result<Vec<u8>, Failure> {
        if self.padding == Some(Padding::None) {
            return Ok(data.to_vec());
        }
        let hash = HashAlgorithm::from(self.hash);
        if !self.digest {
            return hash.digest(data).ok_or_else(|| Failure::usage("this hash cannot be computed here"));
        }
        if data.len() == hash.len() {
            return Ok(data.to_vec());
        }
        let (expected, length) = (hash.len(), data.len());
        Err(Failure::failed("bad-input", format!("the digest has {length} bytes, not {expected}"))
            .hint("--digest takes the hash value in binary"))
    }

    /// The padding for a key.
    pub(crate) fn padding(&self, key: &PublicKey) -> Result<SignaturePadding, Failure> {
        if let PublicKey::Ec(_) = key {
            return match (self.padding, self.salt_length) {
                (None, None) => Ok(SignaturePadding::None),
                _ => Err(Failure::usage(
                    "--padding and --salt-length are for RSA keys; this key signs with ECDSA",
                )),
            };
        }
        if self.raw {
            return Err(Failure::usage("--raw is for ECDSA; this key is an RSA key"));
        }
        let hash = HashAlgorithm::from(self.hash);
        match (self.padding.unwrap_or(Padding::Pkcs1), self.salt_length) {
            (Padding::Pss, salt) => {
                Ok(SignaturePadding::Pss { hash, salt_len: salt.unwrap_or_else(|| hash.len()) })
            }
            (_, Some(_)) => Err(Failure::usage("--salt-length is for --padding pss")),
            (Padding::Pkcs1, None) => Ok(SignaturePadding::Pkcs1 { hash: Some(hash) }),
            (Padding::None, None) => Ok(SignaturePadding::None),
        }
    }

    /// A signature of the card in the form that is wanted.
    fn form(&self, signature: Vec<u8>, key: &PublicKey) -> Result<Vec<u8>, Failure> {
        match key {
            PublicKey::Ec(_) if !self.raw => Ok(x509::ecdsa_to_der(&signature)?),
            _ => Ok(signature),
        }
    }

    /// ECDSA signatures are r‖s.
    pub(crate) const fn raw(&self) -> bool {
        self.raw
    }

    /// The scheme for a JSON document.
    pub(crate) fn facts(&self, key: &PublicKey) -> Value {
        let name = |value: &dyn ToString| value.to_string();
        let hash = self.hash.to_possible_value().map(|value| value.get_name().to_owned());
        let scheme = match (key, self.padding) {
            (PublicKey::Ec(_), _) => name(&if self.raw { "ecdsa-raw" } else { "ecdsa-der" }),
            (PublicKey::Rsa(_), Some(Padding::Pss)) => name(&"pss"),
            (PublicKey::Rsa(_), Some(Padding::None)) => name(&"none"),
            (PublicKey::Rsa(_), _) => name(&"pkcs1"),
        };
        json!({"algorithm": algorithm(key), "hash": hash, "scheme": scheme})
    }
}
