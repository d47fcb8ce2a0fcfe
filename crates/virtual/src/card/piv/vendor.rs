//! What a YubiKey has beyond SP 800-73: version, serial number, metadata, management key, tries, reset
//! (Yubico, "PIV extensions" and APDU pages of its SDK).

use cardmod_iso7816::StatusWord;
use cardmod_iso7816::tlv::{Tag, Writer};
use zeroize::Zeroizing;

use super::authenticate::MANAGEMENT_KEY;
use super::{Answer, Context, Reply, Request};
use crate::fault::CardFault;
use crate::model::piv::key::{Slot, TouchPolicy};
use crate::model::piv::persistent::ManagementKey;
use crate::model::piv::secret::{DEFAULT_PIN, DEFAULT_PUK, Secret, Use, padded};
use crate::model::piv::volatile::Volatile;
use crate::model::piv::{ManagementAlgorithm, PivFlavour};

/// The algorithm that metadata gives PIN and PUK.
const NO_ALGORITHM: u8 = 0xFF;

/// Major, minor, patch.
pub(super) fn version(context: &mut Context<'_>, _: &Request<'_>) -> Answer {
    Reply::with(context.persistent.firmware.to_vec())
}

/// Four bytes.
pub(super) fn serial(context: &mut Context<'_>, _: &Request<'_>) -> Answer {
    Reply::with(context.persistent.serial.to_be_bytes().to_vec())
}

/// What is known about the PIN, the PUK, the management key or a key.
pub(super) fn metadata(context: &mut Context<'_>, request: &Request<'_>) -> Answer {
    let card = &*context.persistent;
    let fields = match request.p2 {
        0x80 => secret_metadata(&card.pin, Use::Pin, DEFAULT_PIN),
        0x81 => secret_metadata(&card.puk, Use::Puk, DEFAULT_PUK),
        MANAGEMENT_KEY => Writer::new()
            .object(Tag::new(0x01), &[card.management.algorithm.id()])
            .object(Tag::new(0x02), &[0x00, card.management.touch as u8])
            .object(Tag::new(0x05), &[u8::from(card.management.is_default())]),
        reference => {
            let slot = Slot::of(reference, card.flavour);
            let key = slot.and_then(|slot| card.keys.get(&slot));
            let key = key.ok_or(StatusWord::REFERENCED_DATA_NOT_FOUND)?;
            Writer::new()
                .object(Tag::new(0x01), &[key.algorithm.id()])
                .object(Tag::new(0x02), &[key.policies.pin as u8, key.policies.touch as u8])
                .object(Tag::new(0x03), &[key.origin as u8])
                .object(Tag::new(0x04), &key.public)
        }
    };
    Reply::with(fields.finish())
}

fn secret_metadata(secret: &Secret, what: Use, default: &[u8]) -> Writer {
    let known = padded(PivFlavour::YubiKey, what, default).is_some_and(|value| secret.matches(&value));
    Writer::new()
        .object(Tag::new(0x01), &[NO_ALGORITHM])
        .object(Tag::new(0x05), &[u8::from(known)])
        .object(Tag::new(0x06), &[secret.limit, secret.tries])
}

/// Algorithm, 9B, length, key. Who proved to know the old key stays the administrator.
pub(super) fn set_management_key(context: &mut Context<'_>, request: &Request<'_>) -> Answer {
    let touch = match request.p2 {
        0xFF => TouchPolicy::Never,
        0xFE => TouchPolicy::Always,
        _ => TouchPolicy::Cached,
    };
    let [id, MANAGEMENT_KEY, len, value @ ..] = request.data else {
        return Err(StatusWord::WRONG_DATA.into());
    };
    // Of the two identifiers of triple-DES the vendor's commands have 03 alone.
    let algorithm = ManagementAlgorithm::from_id(*id).filter(|algorithm| algorithm.id() == *id);
    let algorithm = algorithm.ok_or(StatusWord::WRONG_DATA)?;
    if usize::from(*len) != value.len() || value.len() != algorithm.key_len() {
        return Err(StatusWord::WRONG_DATA.into());
    }
    let key = ManagementKey { algorithm, value: Zeroizing::new(value.to_vec()), touch };
    context.commit(|card| {
        card.management = key;
        Ok(())
    })?;
    context.volatile.challenge = None;
    Reply::done()
}

/// P1 tries of the PIN, P2 tries of the PUK; both get their default values.
pub(super) fn set_tries(context: &mut Context<'_>, request: &Request<'_>) -> Answer {
    if request.p1 == 0 || request.p2 == 0 {
        return Err(StatusWord::INCORRECT_P1_P2.into());
    }
    let fresh = |what, value, tries| -> Result<Secret, CardFault> {
        let value = padded(PivFlavour::YubiKey, what, value);
        Ok(Secret::new(value.ok_or(CardFault::Inconsistent("a default value no PIN can have"))?, tries))
    };
    let pin = fresh(Use::Pin, DEFAULT_PIN, request.p1)?;
    let puk = fresh(Use::Puk, DEFAULT_PUK, request.p2)?;
    context.commit(|card| {
        (card.pin, card.puk) = (pin, puk);
        Ok(())
    })?;
    context.volatile.pin = false;
    Reply::done()
}

/// The application as it left the factory, once PIN and PUK are both blocked.
pub(super) fn reset(context: &mut Context<'_>, _: &Request<'_>) -> Answer {
    if context.persistent.pin.tries > 0 || context.persistent.puk.tries > 0 {
        return Err(StatusWord::CONDITIONS_NOT_SATISFIED.into());
    }
    let fresh = context.persistent.factory()?;
    context.commit(|card| {
        *card = fresh;
        Ok(())
    })?;
    *context.volatile = Volatile::default();
    Reply::done()
}
