//! `cardmod piv attest`, `metadata`, `move` and `delete-key`.

use std::path::PathBuf;

use cardmod_default::piv::edge::{KeyReference, Slot};
use clap::Args;
use serde::Serialize;
use serde_json::json;

use super::PivDesk;
use super::authority::AuthorityOptions;
use super::view::{MetadataView, pem, purpose};
use crate::data::Sensitivity;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Delivery, Output, facts};

/// `piv attest`.
#[derive(Args, Debug)]
pub(crate) struct AttestArgs {
    /// The key's place: 9a, 9c, 9d, 9e, 82 to 95
    #[arg(value_name = "PLACE")]
    slot: Slot,
    /// Write the certificate of the attesting key (f9) too, behind it
    #[arg(long, conflicts_with = "der")]
    chain: bool,
    /// Write DER instead of PEM
    #[arg(long)]
    der: bool,
    /// Where to write it [default: standard output]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// `piv metadata`.
#[derive(Args, Debug)]
pub(crate) struct MetadataArgs {
    /// A key's place (9a, 9c, 9d, 9e, 82 to 95, f9), or pin, puk, management-key
    #[arg(value_name = "WHAT")]
    what: Reference,
}

/// `piv move`.
#[derive(Args, Debug)]
pub(crate) struct MoveArgs {
    /// Where the key is
    #[arg(value_name = "FROM")]
    from: Slot,
    /// Where it goes: a place without key and certificate
    #[arg(value_name = "TO")]
    to: Slot,
    #[command(flatten)]
    authority: AuthorityOptions,
}

/// `piv delete-key`.
#[derive(Args, Debug)]
pub(crate) struct DeleteArgs {
    /// The key's place
    #[arg(value_name = "PLACE")]
    slot: Slot,
    /// Yes, the attesting key (f9) is to be lost, which its maker alone can put there
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    authority: AuthorityOptions,
}

/// A key reference by its name or number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Reference(KeyReference);

impl std::str::FromStr for Reference {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.to_ascii_lowercase().as_str() {
            "pin" => Ok(Self(KeyReference::PIN)),
            "puk" => Ok(Self(KeyReference::PUK)),
            "management-key" | "9b" => Ok(Self(KeyReference::MANAGEMENT)),
            place => place.parse::<Slot>().map(|slot| Self(slot.reference())).map_err(
                |_| "a place (9a, 9c, 9d, 9e, 82 to 95, f9), pin, puk or management-key is expected",
            ),
        }
    }
}

#[derive(Serialize)]
struct MetadataDocument {
    reference: String,
    #[serde(flatten)]
    view: MetadataView,
}

/// Runs `piv attest`.
pub(super) fn attest(args: &AttestArgs, mut desk: PivDesk, out: Output) -> Result<(), Failure> {
    let (slot, chain) = (args.slot, args.chain);
    if slot == Slot::Attestation {
        return Err(Failure::usage("f9 is the key that vouches for the others, and not for itself")
            .hint("--chain at the attestation of another key gives its certificate"));
    }
    let (der, issuer) = desk
        .work(|card| {
            let der = card.attest(slot)?;
            let issuer = if chain { card.certificate(Slot::Attestation)? } else { None };
            Ok((der, issuer))
        })
        .map_err(|failure| match failure.code {
            "card-refused" => failure.hint("a card vouches only for keys that it made itself"),
            _ => failure,
        })?;
    let mut text = pem("CERTIFICATE", &der)?;
    match (chain, issuer) {
        (true, Some(issuer)) => text += &pem("CERTIFICATE", issuer.der())?,
        (true, None) => {
            return Err(Failure::failed("no-certificate", "the attesting key has no certificate"));
        }
        (false, _) => {}
    }
    let bytes = if args.der { der.as_slice() } else { text.as_bytes() };
    let delivery = Delivery { name: "certificate", bytes, text: !args.der, sensitivity: Sensitivity::Public };
    out.deliver(&delivery, args.out.as_deref(), json!({"slot": slot.label()}))
}

/// Runs `piv metadata`.
pub(super) fn metadata(args: &MetadataArgs, mut desk: PivDesk, out: Output) -> Result<(), Failure> {
    let Reference(reference) = args.what;
    let Some(metadata) = desk.work(|card| card.metadata(reference))? else {
        let text = match Slot::from_reference(reference) {
            Some(slot) => format!("there is no key in {slot} ({})", purpose(slot)),
            None => format!("the card knows nothing of {reference}"),
        };
        return Err(Failure::new(Exit::Failed, "no-key", text));
    };
    let view = if reference == KeyReference::MANAGEMENT {
        MetadataView::of_management(&metadata)
    } else {
        MetadataView::new(&metadata).with_public_key(&metadata)?
    };
    let document = MetadataDocument { reference: reference.to_string(), view };
    out.show(&document, || {
        let key = document.view.public_key.clone().unwrap_or_default();
        format!("{}{key}", facts(&document.view.rows()))
    })
}

/// Runs `piv move`.
pub(super) fn move_key(args: &MoveArgs, mut desk: PivDesk, out: Output) -> Result<(), Failure> {
    let (from, to) = (args.from, args.to);
    if from == Slot::Attestation || to == Slot::Attestation {
        return Err(Failure::usage(
            "the attesting key (f9) stays where it is, and no other key takes its place",
        ));
    }
    let authority = args.authority.resolve(&mut desk, out)?;
    let moved = desk.change(|card| {
        authority.prove(card)?;
        card.move_together(from, to)
    })?;
    let document = json!({"from": from.label(), "to": to.label(), "certificate": moved.certificate, "named": moved.named});
    let with = if moved.certificate { " with its certificate" } else { "" };
    out.done(&document, || format!("moved the key in {from} to {to}{with}\n"))
}

/// Runs `piv delete-key`.
pub(super) fn delete_key(args: &DeleteArgs, mut desk: PivDesk, out: Output) -> Result<(), Failure> {
    let slot = args.slot;
    if slot == Slot::Attestation && !args.yes {
        return Err(Failure::usage(
            "without its attesting key (f9) the card never again vouches for a key, and a reset does not bring it back",
        )
        .hint("--yes says that this is wanted"));
    }
    let authority = args.authority.resolve(&mut desk, out)?;
    let deleted = desk
        .change(|card| {
            authority.prove(card)?;
            card.delete_together(slot)
        })
        .map_err(|failure| match failure.code {
            "not-supported" => failure.hint(format!(
                "this card deletes no keys; a new key takes the old one's place: cardmod key generate \
                 --container {slot}"
            )),
            _ => failure,
        })?;
    let document =
        json!({"deleted": slot.label(), "certificate": deleted.certificate, "named": deleted.named});
    let with = if deleted.certificate { " and its certificate" } else { "" };
    out.done(&document, || format!("deleted the key in {slot}{with}\n"))
}
