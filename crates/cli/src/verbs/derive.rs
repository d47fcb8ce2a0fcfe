//! `cardmod derive`: ECDH with a key of the card, and a key derivation function on what comes out.

use std::path::PathBuf;

use cardmod_host::DeriveRequest;
use cardmod_types::kdf::Kdf;
use cardmod_types::{EcPublicKey, PublicKey, SecretBytes};
use clap::{Args, ValueEnum};
use serde_json::json;

use crate::args::{Global, Hash, HexBytes, KeyChoice};
use crate::data::{self, Sensitivity};
use crate::failure::Failure;
use crate::keyfile;
use crate::output::{Delivery, Output};
use crate::pins::PinAnswer;
use crate::secrets::{self, PinOptions};
use crate::session::{Desk, WithoutCard};

/// `derive`.
#[derive(Args, Debug)]
pub(crate) struct DeriveArgs {
    #[command(flatten)]
    key: KeyChoice,
    /// The other party's public key or certificate, PEM or DER
    #[arg(long, value_name = "FILE")]
    peer: PathBuf,
    /// How the agreed secret becomes the key
    #[arg(long, value_enum, default_value_t = Function::Raw)]
    kdf: Function,
    /// The hash of the function
    #[arg(long, value_enum, default_value_t = Hash::Sha256)]
    hash: Hash,
    /// How many bytes are wanted [default: all the function gives]
    #[arg(long, value_name = "BYTES")]
    length: Option<usize>,
    /// hash, hmac: bytes before the secret, in hexadecimal
    #[arg(long, value_name = "HEX", default_value = "")]
    prepend: HexBytes,
    /// hash, hmac: bytes after the secret, in hexadecimal
    #[arg(long, value_name = "HEX", default_value = "")]
    append: HexBytes,
    /// concat: the algorithm's identifier, in hexadecimal
    #[arg(long, value_name = "HEX", default_value = "")]
    algorithm_id: HexBytes,
    /// concat: the first party's information, in hexadecimal
    #[arg(long, value_name = "HEX", default_value = "")]
    party_u: HexBytes,
    /// concat: the second party's information, in hexadecimal
    #[arg(long, value_name = "HEX", default_value = "")]
    party_v: HexBytes,
    /// hkdf: the salt, in hexadecimal
    #[arg(long, value_name = "HEX", default_value = "")]
    salt: HexBytes,
    /// hkdf: the context, in hexadecimal
    #[arg(long, value_name = "HEX", default_value = "")]
    info: HexBytes,
    /// Write the key to this file instead of standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    pin: PinOptions,
}

/// Key derivation functions, by CNG's meaning of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Function {
    /// The secret itself: the point's X, big-endian, as openssl pkeyutl -derive writes it
    Raw,
    /// The secret itself in the byte order of CNG (`TRUNCATE`): little-endian
    Truncate,
    /// A hash over prepend, secret, append (`HASH`)
    Hash,
    /// An HMAC keyed with the secret (`HMAC`)
    Hmac,
    /// The concatenation KDF of SP 800-56A (`SP800_56A_CONCAT`)
    Concat,
    /// HKDF (RFC 5869)
    Hkdf,
}

/// Runs the verb.
pub(crate) fn run(args: &DeriveArgs, global: &Global, out: Output) -> Result<(), Failure> {
    secrets::apart(args.pin.source(), &args.peer)?;
    let peer = peer(args)?;
    let kdf = args.function();
    let request = DeriveRequest { half: args.key.half(), peer: &peer, kdf: &kdf, len: args.host_length() };
    let mut pins = PinAnswer::new(&args.pin);
    let desk = Desk::open(global, out)?.of_container(args.key.container.as_ref());
    let derived = desk.with_card(WithoutCard::Refuse, |session| {
        let _progress = pins.progress(out, "agreeing");
        Ok(session.derive(args.key.name(), &request, &mut pins)?)
    })?;
    let derived = args.finish(derived)?;
    let delivery =
        Delivery { name: "secret", bytes: derived.as_bytes(), text: false, sensitivity: Sensitivity::Secret };
    out.deliver(&delivery, args.out.as_deref(), json!({"bytes": derived.len()}))
}

fn peer(args: &DeriveArgs) -> Result<EcPublicKey, Failure> {
    match keyfile::public_key(&data::read(&args.peer)?)? {
        PublicKey::Ec(key) => Ok(key),
        PublicKey::Rsa(_) => {
            Err(Failure::failed("bad-key", "the peer's key is an RSA key; ECDH takes an elliptic curve key"))
        }
    }
}

impl DeriveArgs {
    fn function(&self) -> Kdf {
        let hash = self.hash.into();
        match self.kdf {
            Function::Raw | Function::Truncate => Kdf::Truncate,
            Function::Hash => {
                Kdf::Hash { hash, prepend: self.prepend.secret(), append: self.append.secret() }
            }
            Function::Hmac => {
                Kdf::Hmac { hash, key: None, prepend: self.prepend.secret(), append: self.append.secret() }
            }
            Function::Concat => Kdf::Sp800_56aConcat {
                hash,
                algorithm_id: self.algorithm_id.0.clone(),
                party_u: self.party_u.0.clone(),
                party_v: self.party_v.0.clone(),
                supp_pub: Vec::new(),
                supp_priv: SecretBytes::new(Vec::new()),
            },
            Function::Hkdf => Kdf::Hkdf { hash, salt: self.salt.0.clone(), info: self.info.0.clone() },
        }
    }

    /// What is asked of the host: a raw secret is cut here, at its other end.
    fn host_length(&self) -> Option<usize> {
        if self.kdf == Function::Raw { None } else { self.length }
    }

    /// Turns CNG's byte order around where the secret itself was asked for.
    fn finish(&self, derived: SecretBytes) -> Result<SecretBytes, Failure> {
        if self.kdf != Function::Raw {
            return Ok(derived);
        }
        let mut bytes = derived.into_zeroizing();
        bytes.reverse();
        let length = self.length.unwrap_or(bytes.len());
        if length > bytes.len() {
            let have = bytes.len();
            return Err(Failure::failed(
                "bad-input",
                format!("the secret has {have} bytes, {length} were asked for"),
            ));
        }
        Ok(SecretBytes::new(bytes[..length].to_vec()))
    }
}
