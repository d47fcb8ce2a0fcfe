//! `cardmod piv reset`, `retries` and `init`: what is done to a card as a whole.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cardmod_default::piv::edge::Identity;
use clap::Args;
use der::DateTime;
use serde_json::json;

use super::PivDesk;
use super::authority::{AuthorityOptions, random, verify};
use crate::failure::Failure;
use crate::output::{Output, hex};

/// How long a new CHUID is good for, in days: ten years.
const CHUID_DAYS: u64 = 3652;

/// `piv reset`.
#[derive(Args, Debug)]
pub(crate) struct ResetArgs {
    /// Yes, every key, certificate and PIN of the card's PIV application is to be lost
    #[arg(long)]
    yes: bool,
}

/// `piv retries`.
#[derive(Args, Debug)]
pub(crate) struct RetriesArgs {
    /// How many tries the PIN has
    #[arg(long = "pin-tries", value_name = "NUMBER", value_parser = clap::value_parser!(u8).range(1..))]
    pin_tries: u8,
    /// How many tries the PUK has
    #[arg(long = "puk-tries", value_name = "NUMBER", value_parser = clap::value_parser!(u8).range(1..))]
    puk_tries: u8,
    /// Yes, PIN and PUK are to become those of a fresh card (123456 and 12345678)
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    authority: AuthorityOptions,
}

/// `piv init`.
#[derive(Args, Debug)]
pub(crate) struct InitArgs {
    /// When the CHUID expires, as YYYYMMDD [default: in ten years]
    #[arg(long, value_name = "DATE")]
    expires: Option<String>,
    #[command(flatten)]
    authority: AuthorityOptions,
}

/// Runs `piv reset`.
pub(super) fn reset(args: &ResetArgs, mut desk: PivDesk, out: Output) -> Result<(), Failure> {
    if !args.yes {
        let text = format!("the reset of the card in {:?} destroys every key on it", desk.reader());
        return Err(Failure::usage(text).hint("--yes says that this is wanted"));
    }
    desk.change(|card| card.block_and_reset())?;
    out.done(&json!({"reset": true}), || {
        "the card is as it was made: no keys, PIN 123456, PUK 12345678, the management key everybody knows\n"
            .into()
    })
}

/// Runs `piv retries`.
pub(super) fn retries(args: &RetriesArgs, mut desk: PivDesk, out: Output) -> Result<(), Failure> {
    if !args.yes {
        let text = "with the number of tries PIN and PUK change too: they become 123456 and 12345678";
        return Err(Failure::usage(text).hint("--yes says that this is wanted"));
    }
    let authority = args.authority.resolve(&mut desk, out)?;
    let asked = match authority.pin() {
        Some(pin) => pin.clone(),
        None => args.authority.pin()?,
    };
    let (pin, puk) = (args.pin_tries, args.puk_tries);
    desk.change(|card| {
        verify(card, &asked)?;
        authority.prove(card)?;
        card.set_retries(pin, puk)
    })?;
    out.done(&json!({"pin_tries": pin, "puk_tries": puk}), || {
        format!(
            "the PIN has {pin} tries and is 123456, the PUK has {puk} tries and is 12345678: change both\n"
        )
    })
}

/// Runs `piv init`.
pub(super) fn init(args: &InitArgs, mut desk: PivDesk, out: Output) -> Result<(), Failure> {
    let expires = match &args.expires {
        Some(text) => {
            text.as_bytes().try_into().map_err(|_| Failure::usage("--expires is a date YYYYMMDD"))?
        }
        None => date_in(CHUID_DAYS),
    };
    let mut identity = Identity { guid: [0; 16], card_number: [0; 14], expires };
    random(&mut identity.guid)?;
    random(&mut identity.card_number)?;
    // A date that is none is found before the card is asked anything.
    identity.chuid().map_err(|error| Failure::usage(error.to_string()))?;
    let authority = args.authority.resolve(&mut desk, out)?;
    let made = desk.change(|card| {
        authority.prove(card)?;
        card.initialise(&identity)
    })?;
    let guid = made.chuid.then(|| hex(&identity.uuid()));
    let document = json!({"chuid": made.chuid, "ccc": made.ccc, "guid": guid});
    out.done(&document, || match (guid, made.ccc) {
        (None, false) => "the card has both objects already: nothing is changed\n".to_owned(),
        (None, true) => "wrote the CCC; the CHUID was there\n".to_owned(),
        (Some(guid), ccc) => {
            let both = if ccc { " and the CCC" } else { "" };
            format!("wrote the CHUID{both}; the card's GUID is {guid}\n")
        }
    })
}

/// The date so many days from today, as eight digits. A clock beyond the year 9999 is taken for its end.
fn date_in(days: u64) -> [u8; 8] {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let then = now + Duration::from_secs(days * 86_400);
    let date = DateTime::from_unix_duration(then).unwrap_or(DateTime::INFINITY);
    let mut text = [b'0'; 8];
    text.copy_from_slice(format!("{:04}{:02}{:02}", date.year(), date.month(), date.day()).as_bytes());
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_chuid_expires_on_a_date() {
        let identity = Identity { guid: [0; 16], card_number: [0; 14], expires: date_in(CHUID_DAYS) };
        assert!(identity.chuid().is_ok());
        assert_eq!(date_in(10_000_000), *b"99991231");
    }
}
