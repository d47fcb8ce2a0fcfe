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
    /// The data to sign (`-`: standard input)
    #[arg(long = "in", value_name = "FILE", default_value = "-")]
    input: PathBuf,
    /// Write the signature to this file instead of standard output
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
    secrets::apart(args.pin.source(), &args.input)?;
    let data = data::read(&args.input)?;
    let digest = args.scheme.digest(&data)?;
    let mut pins = PinAnswer::new(&args.pin);
    let desk = Desk::open(global, out)?.of_container(args.key.container.as_ref());
    let (key, signature) = desk.in_one_transaction(|session| {
        let key = session.key(args.key.name(), args.key.half())?;
        let padding = args.scheme.padding(&key.public)?;
        let request = SignRequest { half: args.key.half(), padding, digest: &digest };
        let _progress = pins.progress(out, "signing");
        let signature = session.sign(Some(&key.container), &request, &mut pins)?;
        Ok((key, signature))
    })?;
    let public = &key.public;
    let signature = match public {
        PublicKey::Ec(_) if !args.scheme.raw => x509::ecdsa_to_der(&signature)?,
        _ => signature,
    };
    let delivery =
        Delivery { name: "signature", bytes: &signature, text: false, sensitivity: Sensitivity::Public };
    let mut facts = args.scheme.facts(public);
    facts["container"] = json!(key.container);
    out.deliver(&delivery, args.out.as_deref(), facts)
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
