//! GENERAL AUTHENTICATE (SP 800-73 part 2, 3.2.4): signatures, decryption and key agreement with the keys
//! of the slots; what concerns the management key is in `admin.rs`.

use std::sync::Arc;

use cardmod_crypto::{CryptoError, PrivateKey};
use cardmod_iso7816::StatusWord;
use cardmod_iso7816::tlv::{Tag, Writer, single};
use zeroize::Zeroizing;

use super::{Answer, Context, Reply, Request, Stop, admin, keys};
use crate::fault::CardFault;
use crate::model::piv::PivFlavour;
use crate::model::piv::key::{Algorithm, PinPolicy, Slot, StoredKey};
use crate::model::piv::volatile::Immediacy;

const DYNAMIC: Tag = Tag::new(0x7C);
/// Witness, challenge, response, exponentiation.
pub(super) const WITNESS: Tag = Tag::new(0x80);
pub(super) const CHALLENGE: Tag = Tag::new(0x81);
pub(super) const RESPONSE: Tag = Tag::new(0x82);
const EXPONENTIATION: Tag = Tag::new(0x85);

/// The reference of the management key.
pub(super) const MANAGEMENT_KEY: u8 = 0x9B;

/// What a dynamic authentication template holds.
#[derive(Default)]
pub(super) struct Fields<'a> {
    pub(super) witness: Option<&'a [u8]>,
    pub(super) challenge: Option<&'a [u8]>,
    pub(super) response: Option<&'a [u8]>,
    pub(super) exponentiation: Option<&'a [u8]>,
}

/// Tells the management key from the others.
pub(super) fn general_authenticate(context: &mut Context<'_>, request: &Request<'_>) -> Answer {
    if request.p2 == MANAGEMENT_KEY {
        return admin::authenticate(context, request);
    }
    let (key, algorithm, slot) = usable_key(context, request)?;
    let fields = fields(request.data)?;
    let standard = context.persistent.flavour == PivFlavour::Standard;
    // The host asks for the response by an empty one.
    let result = match fields {
        Fields { witness: None, challenge: Some(input), response: Some([]), exponentiation: None } => {
            sign(&key, algorithm, input, standard)
        }
        Fields { witness: None, challenge: None, response: Some([]), exponentiation: Some(peer) }
            if slot.agrees() || !standard =>
        {
            agree(&key, algorithm, peer)
        }
        _ => return Err(StatusWord::WRONG_DATA.into()),
    };
    Reply::with(dynamic(RESPONSE, &result.map_err(refusal)?))
}

/// The key of the slot P2 with the algorithm P1, if its conditions of use are satisfied.
fn usable_key(
    context: &mut Context<'_>,
    request: &Request<'_>,
) -> Result<(Arc<PrivateKey>, Algorithm, Slot), Stop> {
    let flavour = context.persistent.flavour;
    let slot = keys::slot(context, request.p2)?;
    let verified = context.pin_verified();
    let stored = context.persistent.keys.get(&slot).ok_or(match flavour {
        PivFlavour::Standard => StatusWord::INCORRECT_P1_P2,
        PivFlavour::YubiKey => StatusWord::REFERENCED_DATA_NOT_FOUND,
    })?;
    if stored.algorithm.id() != request.p1 {
        return Err(StatusWord::INCORRECT_P1_P2.into());
    }
    if !may_use(stored, verified, context.volatile.immediacy) {
        return Err(StatusWord::SECURITY_STATUS_NOT_SATISFIED.into());
    }
    Ok((keys::prepared(context.prepared, stored)?, stored.algorithm, slot))
}

/// The policy of the PIN; touching is always done in time.
fn may_use(key: &StoredKey, verified: bool, immediacy: Immediacy) -> bool {
    match key.policies.pin {
        PinPolicy::Never => true,
        PinPolicy::Once => verified,
        PinPolicy::Always => verified && immediacy == Immediacy::Now,
    }
}

/// A signature or a decryption: a whole RSA block, a hash as long as the curve, a message for Ed25519. Shorter
/// hashes are only as good as their length; tokens take them (ykman signs so with P-384 and SHA-256), the standard
/// does not know them.
fn sign(
    key: &PrivateKey,
    algorithm: Algorithm,
    input: &[u8],
    standard: bool,
) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
    let whole = key.kind().block_len();
    match algorithm {
        Algorithm::Rsa1024 | Algorithm::Rsa2048 | Algorithm::Rsa3072 | Algorithm::Rsa4096 => {
            key.rsa_raw(input)
        }
        Algorithm::P256 | Algorithm::P384 if input.len() > whole || (standard && input.len() < whole) => {
            Err(CryptoError::BadInput)
        }
        Algorithm::P256 | Algorithm::P384 => key.ecdsa_sign(input).map(Zeroizing::new),
        Algorithm::Ed25519 => key.eddsa_sign(input).map(|signature| Zeroizing::new(signature.to_vec())),
        Algorithm::X25519 => Err(CryptoError::WrongKind),
    }
}

/// The shared secret with a peer's public point.
fn agree(key: &PrivateKey, algorithm: Algorithm, peer: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
    if algorithm == Algorithm::X25519 { key.x25519(peer) } else { key.ecdh(peer) }
}

/// The fields of a template 7C, each at most once.
pub(super) fn fields(data: &[u8]) -> Result<Fields<'_>, StatusWord> {
    let template = single(data).ok().filter(|object| object.tag == DYNAMIC).ok_or(StatusWord::WRONG_DATA)?;
    let mut fields = Fields::default();
    for field in template.children() {
        let field = field.map_err(|_| StatusWord::WRONG_DATA)?;
        let place = match field.tag {
            WITNESS => &mut fields.witness,
            CHALLENGE => &mut fields.challenge,
            RESPONSE => &mut fields.response,
            EXPONENTIATION => &mut fields.exponentiation,
            _ => return Err(StatusWord::WRONG_DATA),
        };
        if place.replace(field.value).is_some() {
            return Err(StatusWord::WRONG_DATA);
        }
    }
    Ok(fields)
}

/// A template 7C with one field.
pub(super) fn dynamic(tag: Tag, value: &[u8]) -> Zeroizing<Vec<u8>> {
    Writer::new().template(DYNAMIC, |template| template.object(tag, value)).finish()
}

/// What the host sent wrong is a status word; what the library failed at is a fault.
fn refusal(error: CryptoError) -> Stop {
    match error {
        CryptoError::BadInput | CryptoError::BadPoint | CryptoError::BadKey | CryptoError::WrongKind => {
            StatusWord::WRONG_DATA.into()
        }
        other => CardFault::Crypto(other).into(),
    }
}
