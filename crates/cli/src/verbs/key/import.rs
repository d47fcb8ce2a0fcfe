//! `cardmod key import`: from a key file, or with its certificate from a PKCS#12 file.

use std::path::PathBuf;

use cardmod_host::x509::{self, Pkcs12, Pkcs12Key};
use cardmod_host::{Error, KeySource};
use clap::Args;
use serde_json::json;

use super::{Place, create, key_made, shown};
use crate::args::Global;
use crate::data;
use crate::failure::Failure;
use crate::keyfile;
use crate::output::Output;
use crate::pins::PinAnswer;
use crate::report::{ContainerView, algorithm, purpose};
use crate::secrets::{self, FilePasswordOptions};
use crate::session::{Desk, WithoutCard};

/// `key import`.
#[derive(Args, Debug)]
pub(crate) struct ImportArgs {
    #[command(flatten)]
    place: Place,
    /// The private key: PKCS#8, PKCS#1 or SEC1, PEM or DER; or a PKCS#12 file (.p12, .pfx), whose
    /// certificate is stored beside the key (`-`: standard input)
    #[arg(long = "in", value_name = "FILE")]
    input: PathBuf,
    /// Of several keys in a PKCS#12 file the one with this name
    #[arg(long, value_name = "NAME")]
    p12_key: Option<String>,
    /// Put the other certificates of the PKCS#12 file's chain into the card's root store
    #[arg(long)]
    roots: bool,
    #[command(flatten)]
    password: FilePasswordOptions,
}

/// Runs the verb.
pub(super) fn run(args: &ImportArgs, global: &Global, out: Output) -> Result<(), Failure> {
    secrets::apart(args.place.pin.source(), &args.input)?;
    secrets::apart(args.place.management.source(), &args.input)?;
    secrets::apart(args.password.source(), &args.input)?;
    let file = data::read(&args.input)?;
    if x509::is_pkcs12(&file) {
        let archive = open(&file, &args.password)?;
        return import(archive, args, global, out);
    }
    if args.p12_key.is_some() || args.roots || args.password.source().is_some() {
        return Err(Failure::failed("bad-key-file", "the file is no PKCS#12 file, as the options say"));
    }
    let key = keyfile::private_key(&file)?;
    let what = format!("importing into {}", args.place.name());
    create(&args.place, KeySource::Import(key), &what, global, out)
}

/// The file's content. A file that needs no password is opened without asking.
fn open(file: &[u8], password: &FilePasswordOptions) -> Result<Pkcs12, Failure> {
    const WHAT: &str = "password of the PKCS#12 file";
    let secret = match password.source() {
        Some(source) => source.read(WHAT)?,
        None => match x509::read_pkcs12(file, "") {
            Err(Error::WrongFilePassword { .. }) => {
                secrets::prompt(&format!("{WHAT}: "), WHAT, "p12-password")?
            }
            opened => return Ok(opened?),
        },
    };
    let text = std::str::from_utf8(&secret)
        .map_err(|_| Failure::failed("secret", format!("the {WHAT} is not UTF-8 text")))?;
    Ok(x509::read_pkcs12(file, text)?)
}

fn import(archive: Pkcs12, args: &ImportArgs, global: &Global, out: Output) -> Result<(), Failure> {
    let at = chosen(&archive.keys, args.p12_key.as_deref())?;
    let chain = archive.chain_of(&archive.keys[at])?;
    let key = archive.keys.into_iter().nth(at).map(|key| key.key);
    let key = key.ok_or_else(|| Failure::failed("bad-key-file", "the PKCS#12 file has no private key"))?;
    let key = KeySource::Import(key);
    let (leaf, above) = chain.split_first().map_or((None, &[][..]), |(leaf, above)| (Some(leaf), above));
    let mut pins = PinAnswer::new(&args.place.pin);
    let desk = Desk::open(global, out)?.with_management(&args.place.management)?;
    let desk = desk.with_room(&args.place.container, args.place.kind(key.algorithm()), true);
    let (container, half, added) = desk.with_card(WithoutCard::CreateDefault, |session| {
        let mut held = session.hold()?;
        let wanted = args.place.wanted(&mut held, key)?;
        let half = wanted.half;
        let _progress = pins.progress(out, &format!("importing into {}", wanted.name));
        let name = args.place.make(&mut held, &wanted, &mut pins)?.name;
        if let Some(leaf) = leaf {
            held.import_certificate(Some(&name), None, leaf, &mut pins)
                .map_err(|error| without_certificate(&name, error))?;
        }
        let added = if args.roots { held.add_roots(above, &mut pins)? } else { 0 };
        Ok((held.container(Some(&name))?, half, added))
    })?;
    args.place.remark(&container, out);
    let made = key_made(&container, Some(half))?;
    let facts = json!({"container": ContainerView::from(&container), "roots_added": added});
    out.done(&facts, || {
        let certificate = if leaf.is_some() { "with its certificate" } else { "without a certificate" };
        let (name, algorithm) = (shown(&container), algorithm(&made.public));
        let roots =
            if args.roots { format!("; {}", crate::verbs::cert::added_text(added)) } else { String::new() };
        format!(
            "container {name} has a new {algorithm} key for {} {certificate}{roots}\n",
            purpose(made.half)
        )
    })
}

/// The key's place in the file: the only one, or the one named.
fn chosen(keys: &[Pkcs12Key], wanted: Option<&str>) -> Result<usize, Failure> {
    let failure = |text: String| Failure::failed("bad-key-file", text);
    let name = |key: &Pkcs12Key| key.name.clone().unwrap_or_else(|| "(no name)".to_owned());
    let named = || format!("it has: {}", keys.iter().map(name).collect::<Vec<_>>().join(", "));
    match (keys, wanted) {
        ([], _) => Err(failure("the PKCS#12 file has no private key".to_owned())),
        ([_], None) => Ok(0),
        (_, None) => Err(failure(format!("the PKCS#12 file has {} private keys: choose one", keys.len()))
            .hint(format!("--p12-key NAME; {}", named()))),
        (_, Some(wanted)) => keys
            .iter()
            .position(|key| key.name.as_deref() == Some(wanted))
            .ok_or_else(|| failure(format!("the PKCS#12 file has no key {wanted:?}")).hint(named())),
    }
}

/// The key is on the card, and its certificate is not.
fn without_certificate(container: &str, error: Error) -> Failure {
    let failure = Failure::from(error);
    let message =
        format!("the key is in container {container:?}, its certificate is not: {}", failure.message);
    Failure { message, ..failure }.hint("cardmod cert import puts a certificate beside its key")
}
