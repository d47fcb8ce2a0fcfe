//! GENERATE ASYMMETRIC KEY PAIR (SP 800-73 part 2, 3.3.2) and YubiKey's import, moving and erasure of keys.

use std::sync::Arc;

use cardmod_crypto::{KeyKind, PrivateKey};
use cardmod_iso7816::StatusWord;
use cardmod_iso7816::tlv::{Reader, Tag, Writer, single};

use super::{Answer, Context, Reply, Request, Stop};
use crate::card::cache::KeyCache;
use crate::fault::CardFault;
use crate::model::piv::PivFlavour;
use crate::model::piv::key::{Algorithm, Origin, PinPolicy, Policies, Slot, StoredKey, TouchPolicy};

const REQUEST: Tag = Tag::new(0xAC);
const ALGORITHM: Tag = Tag::new(0x80);
const EXPONENT: Tag = Tag::new(0x81);
const PIN_POLICY: Tag = Tag::new(0xAA);
const TOUCH_POLICY: Tag = Tag::new(0xAB);
const PUBLIC_KEY: Tag = Tag::new(0x7F49);
/// The only public exponent the card makes and takes: 65537.
const F4: [u8; 3] = [1, 0, 1];
/// MOVE KEY to here erases.
const NOWHERE: u8 = 0xFF;

/// Makes a key in the slot P2 and answers the public half.
pub(super) fn generate(context: &mut Context<'_>, request: &Request<'_>) -> Answer {
    let slot = slot(context, request.p2)?;
    let flavour = context.persistent.flavour;
    let template =
        single(request.data).ok().filter(|object| object.tag == REQUEST).ok_or(StatusWord::WRONG_DATA)?;
    let mut algorithm = None;
    let mut wishes = Wishes::default();
    for field in template.children() {
        let field = field.map_err(|_| StatusWord::WRONG_DATA)?;
        match (field.tag, field.value) {
            (ALGORITHM, [id]) => algorithm = Algorithm::from_id(*id, flavour),
            (EXPONENT, exponent) if exponent.ends_with(&F4) && is_padded(exponent) => {}
            (tag, value) => wishes.take(flavour, tag, value)?,
        }
    }
    let algorithm = algorithm.ok_or(StatusWord::WRONG_DATA)?;
    attests(slot, algorithm)?;
    let key = PrivateKey::generate(algorithm.kind()).map_err(CardFault::Crypto)?;
    let fields = store(context, slot, key, algorithm, Origin::Generated, wishes.policies(slot))?;
    Reply::with(Writer::new().object(PUBLIC_KEY, &fields).finish())
}

/// Takes the key of algorithm P1 into the slot P2.
pub(super) fn import(context: &mut Context<'_>, request: &Request<'_>) -> Answer {
    let slot = slot(context, request.p2)?;
    let flavour = context.persistent.flavour;
    let algorithm = Algorithm::from_id(request.p1, flavour).ok_or(StatusWord::INCORRECT_P1_P2)?;
    attests(slot, algorithm)?;
    let mut parts: [&[u8]; 8] = [&[]; 8];
    let mut wishes = Wishes::default();
    for field in Reader::new(request.data) {
        let field = field.map_err(|_| StatusWord::WRONG_DATA)?;
        match usize::try_from(field.tag.get()) {
            Ok(number @ 1..=8) => parts[number - 1] = field.value,
            _ => wishes.take(flavour, field.tag, field.value)?,
        }
    }
    let key = private_key(algorithm.kind(), parts)?;
    store(context, slot, key, algorithm, Origin::Imported, wishes.policies(slot))?;
    Reply::done()
}

/// Moves the key of slot P2 to the slot P1, which must be free; to nowhere, FF, erases it.
pub(super) fn relocate(context: &mut Context<'_>, request: &Request<'_>) -> Answer {
    let source = slot(context, request.p2)?;
    if !context.persistent.keys.contains_key(&source) {
        return Err(StatusWord::REFERENCED_DATA_NOT_FOUND.into());
    }
    let target = match request.p1 {
        NOWHERE => None,
        reference => Some(slot(context, reference)?),
    };
    if target.is_some() && (target == Some(Slot::ATTESTATION) || source == Slot::ATTESTATION) {
        // What attests stays where it is.
        return Err(StatusWord::INCORRECT_P1_P2.into());
    }
    if target.is_some_and(|target| context.persistent.keys.contains_key(&target)) {
        return Err(StatusWord::CONDITIONS_NOT_SATISFIED.into());
    }
    context.commit(|card| {
        if let (Some(key), Some(target)) = (card.keys.remove(&source), target) {
            card.keys.insert(target, key);
        }
        Ok(())
    })?;
    Reply::done()
}

/// The slot with this reference.
pub(super) fn slot(context: &Context<'_>, reference: u8) -> Result<Slot, StatusWord> {
    Slot::of(reference, context.persistent.flavour).ok_or(StatusWord::INCORRECT_P1_P2)
}

/// The prepared form of a stored key.
pub(super) fn prepared(cache: &mut KeyCache, stored: &StoredKey) -> Result<Arc<PrivateKey>, Stop> {
    cache.get(stored.id, || {
        Ok(PrivateKey::from_der(stored.algorithm.kind(), &stored.der).map_err(CardFault::Crypto)?)
    })
}

/// Stores a private key under a new name, in place of the one there was, and answers the fields of its
/// public key template.
fn store(
    context: &mut Context<'_>,
    slot: Slot,
    key: PrivateKey,
    algorithm: Algorithm,
    origin: Origin,
    policies: Policies,
) -> Result<Vec<u8>, Stop> {
    let public = public_fields(&key)?;
    let der = key.to_der().map_err(CardFault::Crypto)?;
    let id = u64::from_be_bytes(context.random()?);
    let stored = StoredKey { id, algorithm, origin, policies, der, public: public.clone() };
    context.commit(|card| {
        card.keys.insert(slot, stored);
        Ok(())
    })?;
    context.prepared.insert(id, Arc::new(key));
    Ok(public)
}

/// Modulus (81) and exponent (82), or the point (86).
pub(super) fn public_fields(key: &PrivateKey) -> Result<Vec<u8>, Stop> {
    let fields = if key.kind().is_rsa() {
        let (modulus, exponent) = key.rsa_public().map_err(CardFault::Crypto)?;
        Writer::new().object(Tag::new(0x81), modulus).object(Tag::new(0x82), exponent)
    } else {
        Writer::new().object(Tag::new(0x86), key.ec_point().map_err(CardFault::Crypto)?)
    };
    Ok(fields.finish().to_vec())
}

/// The key of the numbers in the fields 01 to 08: primes, CRT exponents and coefficient, or one of the
/// private values of NIST's curves, Ed25519 and X25519.
fn private_key(kind: KeyKind, parts: [&[u8]; 8]) -> Result<PrivateKey, StatusWord> {
    let [p, q, dp, dq, qinv, scalar, seed, private] = parts;
    let own = match kind {
        KeyKind::Rsa(_) => 0..5,
        KeyKind::Ed25519 => 6..7,
        KeyKind::X25519 => 7..8,
        _ => 5..6,
    };
    let foreign = parts.iter().enumerate().any(|(index, part)| !part.is_empty() && !own.contains(&index));
    if foreign {
        return Err(StatusWord::WRONG_DATA);
    }
    let key = match kind {
        KeyKind::Rsa(_) => PrivateKey::from_rsa_primes(p, q, dp, dq, qinv),
        KeyKind::Ed25519 => PrivateKey::from_private_bytes(kind, seed),
        KeyKind::X25519 => PrivateKey::from_private_bytes(kind, private),
        _ if scalar.len() != kind.block_len() => return Err(StatusWord::WRONG_DATA),
        _ => PrivateKey::from_ec(kind, scalar, None),
    };
    key.ok().filter(|key| key.kind() == kind).ok_or(StatusWord::WRONG_DATA)
}

/// The attestation key signs certificates, so it must be able to.
fn attests(slot: Slot, algorithm: Algorithm) -> Result<(), StatusWord> {
    let fits = slot != Slot::ATTESTATION || algorithm != Algorithm::X25519;
    if fits { Ok(()) } else { Err(StatusWord::WRONG_DATA) }
}

/// Nothing but zeros before the exponent's three bytes.
fn is_padded(exponent: &[u8]) -> bool {
    exponent.iter().rev().skip(F4.len()).all(|byte| *byte == 0)
}

/// Policies as the host asked for them.
#[derive(Default)]
struct Wishes {
    pin: Option<PinPolicy>,
    touch: Option<TouchPolicy>,
}

impl Wishes {
    /// Takes a field if it is a policy of a YubiKey; 00 is the default.
    fn take(&mut self, flavour: PivFlavour, tag: Tag, value: &[u8]) -> Result<(), StatusWord> {
        match (tag, value) {
            (PIN_POLICY | TOUCH_POLICY, [0]) if flavour.is_yubikey() => {}
            (PIN_POLICY, [byte]) if flavour.is_yubikey() => {
                self.pin = Some(PinPolicy::from_byte(*byte).ok_or(StatusWord::WRONG_DATA)?);
            }
            (TOUCH_POLICY, [byte]) if flavour.is_yubikey() => {
                self.touch = Some(TouchPolicy::from_byte(*byte).ok_or(StatusWord::WRONG_DATA)?);
            }
            _ => return Err(StatusWord::WRONG_DATA),
        }
        Ok(())
    }

    fn policies(&self, slot: Slot) -> Policies {
        Policies {
            pin: self.pin.unwrap_or(slot.default_pin_policy()),
            touch: self.touch.unwrap_or(TouchPolicy::Never),
        }
    }
}
