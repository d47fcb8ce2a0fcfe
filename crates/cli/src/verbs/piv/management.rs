//! `cardmod piv management-key`: another management key, known to its owner or kept behind the PIN.

use std::path::PathBuf;

use cardmod_default::piv::edge::{ManagementAlgorithm, ManagementKey, TouchPolicy};
use cardmod_types::{Pin, SecretBytes};
use clap::{ArgGroup, Args};
use serde_json::json;
use zeroize::Zeroizing;

use super::PivDesk;
use super::authority::{Authority, AuthorityOptions, key_of, key_of_digits, random, verify};
use crate::data::{self, Sensitivity};
use crate::failure::Failure;
use crate::output::Output;
use crate::secrets::NewManagementKeyOptions;

/// `piv management-key`.
#[derive(Args, Debug)]
#[command(group = ArgGroup::new("new").required(true).args(
    ["generate", "to_default", "new-management-key-file", "new-management-key-env", "new-management-key-fd"]))]
pub(crate) struct ManagementKeyArgs {
    /// Make a random key; it is kept behind the PIN (--protect) or in a file (--out)
    #[arg(long)]
    generate: bool,
    /// Set the key everybody knows again
    #[arg(long, conflicts_with = "protect")]
    to_default: bool,
    #[command(flatten)]
    new: NewManagementKeyOptions,
    /// The new key's algorithm: 3des, aes128, aes192 or aes256 [default: that of the old key]
    #[arg(long = "new-algorithm", value_name = "ALGORITHM")]
    algorithm: Option<ManagementAlgorithm>,
    /// Keep the new key on the card, behind the PIN: whoever has the PIN may then write the card
    #[arg(long)]
    protect: bool,
    /// Write a random key into this file, in hexadecimal digits
    #[arg(long, value_name = "FILE", requires = "generate", conflicts_with = "protect")]
    out: Option<PathBuf>,
    /// When the card wants to be touched before the key is used: never, always or cached
    #[arg(long, value_name = "POLICY", default_value = "never")]
    touch: TouchPolicy,
    #[command(flatten)]
    authority: AuthorityOptions,
}

/// Runs the verb.
pub(super) fn run(args: &ManagementKeyArgs, mut desk: PivDesk, out: Output) -> Result<(), Failure> {
    if args.generate && !args.protect && args.out.is_none() {
        return Err(Failure::usage("a random management key has to be kept somewhere")
            .hint("--protect keeps it on the card behind the PIN, --out FILE in a file"));
    }
    if let Some(path) = args.out.as_ref().filter(|path| path.symlink_metadata().is_ok()) {
        // It may hold the only copy of the key that the card has until it takes the new one.
        return Err(Failure::failed("file-exists", format!("{} exists already", path.display()))
            .hint("a management key is never written over another file: name a new one"));
    }
    let authority = args.authority.resolve(&mut desk, out)?;
    let pin = args.pin(&mut desk, &authority)?;
    let key = args.new_key(&mut desk)?;
    if let Some(path) = &args.out {
        // A wrong old key leaves no file behind.
        desk.work(|card| authority.prove(card))?;
        // Before the card has it: a key that could not be kept would lock its owner out.
        let digits = Zeroizing::new(digits_of(&key) + "\n");
        data::write(path, digits.as_bytes(), Sensitivity::Secret)?;
    }
    let (protect, touch) = (args.protect, args.touch);
    desk.change(|card| {
        if let Some(pin) = &pin {
            verify(card, pin)?;
        }
        authority.prove(card)?;
        match protect {
            true => card.protect_management_key(&key, touch),
            false => card.expose_management_key(&key, touch),
        }
    })?;
    let algorithm = key.algorithm().map_or("", ManagementAlgorithm::label);
    let mut document = json!({"algorithm": algorithm, "protected": protect, "touch_policy": touch.label()});
    if let Some(path) = &args.out {
        document["out"] = json!(path.display().to_string());
    }
    out.done(&document, || {
        let place = if protect { "; it is on the card, behind the PIN" } else { "" };
        format!("the management key is replaced ({algorithm}){place}\n")
    })
}

impl ManagementKeyArgs {
    /// The PIN, where the copy behind it is read or written.
    fn pin(&self, desk: &mut PivDesk, authority: &Authority) -> Result<Option<Pin>, Failure> {
        if authority.pin().is_some() {
            return Ok(authority.pin().cloned());
        }
        let stored = desk.work(|card| Ok(card.admin_data()?.is_key_protected()))?;
        if self.protect || stored { self.authority.pin().map(Some) } else { Ok(None) }
    }

    fn new_key(&self, desk: &mut PivDesk) -> Result<ManagementKey, Failure> {
        let algorithm = match self.algorithm {
            Some(algorithm) => algorithm,
            None => desk.work(|card| card.management_algorithm())?.ok_or_else(|| {
                Failure::usage("the card does not tell the algorithm of its management key")
                    .hint("--new-algorithm names that of the new one")
            })?,
        };
        if let Some(source) = self.new.source() {
            let digits = source.read("new management key")?;
            return key_of_digits(&digits, Some(algorithm)).map_err(|failure| match self.algorithm {
                None => failure.hint("--new-algorithm names the new key's algorithm"),
                Some(_) => failure,
            });
        }
        let mut bytes = SecretBytes::zeroed(algorithm.key_len());
        if self.to_default {
            if bytes.len() != ManagementKey::DEFAULT.len() {
                return Err(Failure::usage("the key everybody knows has 24 bytes")
                    .hint("--new-algorithm 3des or aes192 has as many"));
            }
            bytes.as_mut_bytes().copy_from_slice(&ManagementKey::DEFAULT);
        } else {
            random(bytes.as_mut_bytes())?;
        }
        key_of(bytes, Some(algorithm))
    }
}

fn digits_of(key: &ManagementKey) -> String {
    // Room for the line's end too, so that nothing is left behind where the text grows.
    let mut digits = String::with_capacity(2 * key.as_bytes().len() + 1);
    for byte in key.as_bytes() {
        for half in [byte >> 4, byte & 0x0F] {
            digits.extend(char::from_digit(u32::from(half), 16));
        }
    }
    digits
}
