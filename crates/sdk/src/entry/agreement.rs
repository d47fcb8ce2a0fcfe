//! Key agreement: construct, derive, destroy (5.34 to 5.36).

use cardmod_sys::{CARD_BUFFER_SIZE_ONLY, CARD_RETURN_KEY_HANDLE, KDF_USE_SECRET_AS_HMAC_KEY_FLAG};
use cardmod_types::{ContainerIndex, EcPublicKey, KeyHalf, PublicKey};

use crate::boundary::{AgreementInfo, DeriveInfo, Host};
use crate::entry::kdf::Derivation;
use crate::entry::{key, offered, reserved};
use crate::live::{Call, enter, with_state};
use crate::module::{CardModule, KeyRef, Result};
use crate::status::Status;

/// Header of an ECC key blob: magic and length of a coordinate.
const ECC_HEADER_LEN: usize = 8;

pub(crate) fn construct<M: CardModule>(host: &Host, info: AgreementInfo) -> Result<()> {
    let fields = info.get()?;
    let peer = info.peer()?;
    reserved(fields.dwFlags)?;
    let peer = peer_key(peer)?;
    let container = ContainerIndex::new(fields.bContainerIndex);
    let index = enter::<M, _>(host, |call| agree(call, container, &peer))?;
    info.set_index(index)
}

fn agree<M: CardModule>(call: &mut Call<'_, M>, container: ContainerIndex, peer: &EcPublicKey) -> Result<u8> {
    if call.memory.agreements.is_full() {
        return Err(Status::NoMemory);
    }
    let shape = key::for_exchange(call, container)?;
    if shape.spec.curve() != Some(peer.curve()) {
        return Err(Status::InvalidParameter);
    }
    let key = KeyRef { container, spec: shape.spec };
    let secret = offered(call.module.key_agreement())?.agree(&mut call.cx, key, peer)?;
    if secret.len() != peer.curve().coordinate_len() {
        tracing::error!(length = secret.len(), "a shared secret has the length of a coordinate");
        return Err(Status::Unexpected);
    }
    call.memory.agreements.add(secret)
}

/// The peer's blob: an ECDH public key of exactly its length.
fn peer_key(blob: &[u8]) -> Result<EcPublicKey> {
    match PublicKey::from_blob(blob) {
        Ok((PublicKey::Ec(key), KeyHalf::KeyExchange))
            if blob.len() == ECC_HEADER_LEN + 2 * key.curve().coordinate_len() =>
        {
            Ok(key)
        }
        _ => Err(Status::InvalidParameter),
    }
}

pub(crate) fn derive<M: CardModule>(host: &Host, info: DeriveInfo) -> Result<()> {
    let (version, fields) = info.get()?;
    let (flags, index) = (fields.dwFlags, fields.bSecretAgreementIndex);
    let known = KDF_USE_SECRET_AS_HMAC_KEY_FLAG | CARD_BUFFER_SIZE_ONLY | CARD_RETURN_KEY_HANDLE;
    if flags & !known != 0 {
        return Err(Status::InvalidParameter);
    }
    if flags & CARD_RETURN_KEY_HANDLE != 0 {
        // A handle to a symmetric key on the card: version 2 can ask, no module of this SDK has one.
        return Err(if version < 2 { Status::InvalidParameter } else { Status::UnsupportedFeature });
    }
    let secret_as_key = flags & KDF_USE_SECRET_AS_HMAC_KEY_FLAG != 0;
    let derivation = Derivation::parse(&info.kdf()?, secret_as_key, info.parameters()?)?;
    let others =
        derivation.other_agreements(host, with_state::<M, _>(host, |state| Ok(state.facts.version))?)?;
    let buffer = info.buffer()?;
    let size_only = flags & CARD_BUFFER_SIZE_ONLY != 0;
    let key = with_state::<M, _>(host, |state| {
        let agreements = &state.memory.agreements;
        let secret = agreements.get(index)?;
        let others = others.iter().map(|other| agreements.get(*other)).collect::<Result<Vec<_>>>()?;
        derivation.derive(secret, &others, buffer.filter(|_| !size_only))
    })?;
    if size_only { info.set_length(key.len()) } else { info.give(host, key.as_bytes()) }
}

pub(crate) fn destroy<M: CardModule>(host: &Host, index: u8, flags: u32) -> Result<()> {
    reserved(flags)?;
    with_state::<M, _>(host, |state| state.memory.agreements.remove(index))
}
