//! Containers: making, deleting and describing keys, and their properties (5.6 to 5.9, 5.28, 5.29).

use cardmod_sys::CONTAINER_INFO;
use cardmod_types::{ContainerIndex, ContainerKeys, KeyHalf, KeySpec, PinId, PublicKey};

use crate::boundary::{Bytes, Host, HostBlock, KeyBlob, PropertyBuffer, Versioned, Wide};
use crate::entry::key::container_keys;
use crate::entry::query::{VERSION, ask_key_sizes};
use crate::entry::{key_spec, offered, pin, reserved, writable};
use crate::live::{Call, enter, with_state};
use crate::module::{CardModule, KeyRef, NewKey, Result};
use crate::status::Status;

const KEY_GEN: u32 = cardmod_sys::CARD_CREATE_CONTAINER_KEY_GEN;
const KEY_IMPORT: u32 = cardmod_sys::CARD_CREATE_CONTAINER_KEY_IMPORT;

pub(crate) fn create<M: CardModule>(
    host: &Host,
    index: u8,
    flags: u32,
    spec: u32,
    bits: u32,
    blob: KeyBlob,
) -> Result<()> {
    make::<M>(host, index, flags, spec, bits, &blob, PinId::USER.get())
}

pub(crate) fn create_ex<M: CardModule>(
    host: &Host,
    index: u8,
    flags: u32,
    spec: u32,
    bits: u32,
    blob: KeyBlob,
    owner: u32,
) -> Result<()> {
    make::<M>(host, index, flags, spec, bits, &blob, owner)
}

fn make<M: CardModule>(
    host: &Host,
    index: u8,
    flags: u32,
    spec: u32,
    bits: u32,
    blob: &KeyBlob,
    owner: u32,
) -> Result<()> {
    if flags != KEY_GEN && flags != KEY_IMPORT {
        return Err(Status::InvalidParameter);
    }
    let spec = key_spec(spec)?;
    let owner = PinId::try_from(owner).map_err(|_| Status::InvalidParameter)?;
    let index = ContainerIndex::new(index);
    enter::<M, _>(host, |call| {
        writable(call)?;
        creation_possible(call, flags)?;
        let sizes = ask_key_sizes(call, spec)?;
        check_owner(call, owner)?;
        let imported = if flags == KEY_IMPORT { Some(imported_key(blob, spec)?) } else { None };
        let new = match &imported {
            Some(key) => {
                if !sizes.contains(key.bits()) {
                    return Err(Status::UnsupportedFeature);
                }
                NewKey::Import(key)
            }
            None => NewKey::Generate { bits: generated_bits(spec, bits, sizes.contains(bits))? },
        };
        // Whatever comes of it, what was known of the container's keys may be wrong from now on.
        call.memory.forget_keys(index);
        let creation = offered(call.module.container_creation())?;
        creation.create_key(&mut call.cx, KeyRef { container: index, spec }, new, owner)
    })
}

fn creation_possible<M: CardModule>(call: &mut Call<'_, M>, flags: u32) -> Result<()> {
    let creation = offered(call.module.container_creation())?;
    let possible = if flags == KEY_GEN { creation.can_generate() } else { creation.can_import() };
    if possible { Ok(()) } else { Err(Status::UnsupportedFeature) }
}

/// 5.7: the administrator never owns a key, and the role must be one of the card's.
fn check_owner<M: CardModule>(call: &mut Call<'_, M>, owner: PinId) -> Result<()> {
    if owner == PinId::ADMIN {
        return Err(Status::SecurityViolation);
    }
    if owner == PinId::EVERYONE || (owner != PinId::USER && !pin::exists(call, owner)?) {
        return Err(Status::InvalidParameter);
    }
    Ok(())
}

/// The key of an import blob, which must be one of the spec named beside it.
fn imported_key(blob: &KeyBlob, spec: KeySpec) -> Result<cardmod_types::PrivateKey> {
    let (key, half) = blob.key()?;
    if key.spec(half) == spec { Ok(key) } else { Err(Status::InvalidParameter) }
}

/// The length of a key to generate. For ECC the curve's, whatever correct value the caller gives: 0 by
/// the specification, or the curve's own.
fn generated_bits(spec: KeySpec, bits: u32, known_size: bool) -> Result<u32> {
    match spec.curve() {
        Some(curve) if bits == 0 || bits == curve.bits() => Ok(curve.bits()),
        None if known_size => Ok(bits),
        _ => Err(Status::InvalidParameter),
    }
}

pub(crate) fn delete<M: CardModule>(host: &Host, index: u8, zero: u32) -> Result<()> {
    reserved(zero)?;
    let index = ContainerIndex::new(index);
    enter::<M, _>(host, |call| {
        writable(call)?;
        call.memory.forget_keys(index);
        match offered(call.module.container_creation())?.delete_container(&mut call.cx, index) {
            // 5.8: what does not exist is deleted.
            Err(Status::NoKeyContainer) => Ok(()),
            other => other,
        }
    })
}

pub(crate) fn info<M: CardModule>(
    host: &Host,
    index: u8,
    flags: u32,
    info: Versioned<CONTAINER_INFO>,
) -> Result<()> {
    info.required()?;
    reserved(flags)?;
    info.check(VERSION)?;
    info.set(ContainerBlobs::default().hand_out());
    let keys = enter::<M, _>(host, |call| container_keys(call, ContainerIndex::new(index)))?;
    info.set(ContainerBlobs::new(host, &keys)?.hand_out());
    Ok(())
}

/// Both public key blobs in the host's memory, given back unless they are handed out.
#[derive(Default)]
struct ContainerBlobs {
    signature: Option<HostBlock>,
    key_exchange: Option<HostBlock>,
}

impl ContainerBlobs {
    fn new(host: &Host, keys: &ContainerKeys) -> Result<Self> {
        let blob = |half, key: &Option<PublicKey>| {
            key.as_ref().map(|key| host.block(&key.to_blob(key.spec(half)))).transpose()
        };
        Ok(Self {
            signature: blob(KeyHalf::Signature, &keys.signature)?,
            key_exchange: blob(KeyHalf::KeyExchange, &keys.key_exchange)?,
        })
    }

    fn hand_out(self) -> CONTAINER_INFO {
        let (signature, signature_len) = HostBlock::into_parts(self.signature);
        let (key_exchange, key_exchange_len) = HostBlock::into_parts(self.key_exchange);
        CONTAINER_INFO {
            dwVersion: VERSION,
            dwReserved: 0,
            cbSigPublicKey: signature_len,
            pbSigPublicKey: signature,
            cbKeyExPublicKey: key_exchange_len,
            pbKeyExPublicKey: key_exchange,
        }
    }
}

/// The properties of a container.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ContainerProperty {
    Info,
    Pin,
    AssociatedEcdh,
}

impl ContainerProperty {
    /// # Errors
    /// [`Status::InvalidParameter`] for a name this version of the interface does not have.
    fn named(name: &Wide, version: u32) -> Result<Self> {
        match name.text()?.as_str() {
            "Container Info" => Ok(Self::Info),
            "PIN Identifier" => Ok(Self::Pin),
            "Associated ECDH Key" if version >= 7 => Ok(Self::AssociatedEcdh),
            _ => Err(Status::InvalidParameter),
        }
    }
}

pub(crate) fn get_property<M: CardModule>(
    host: &Host,
    index: u8,
    name: Wide,
    buffer: PropertyBuffer,
    flags: u32,
) -> Result<()> {
    buffer.required()?;
    reserved(flags)?;
    let index = ContainerIndex::new(index);
    let version = with_state::<M, _>(host, |state| Ok(state.facts.version))?;
    match ContainerProperty::named(&name, version)? {
        ContainerProperty::Info => {
            buffer.version(size_of::<CONTAINER_INFO>(), VERSION)?;
            let keys = enter::<M, _>(host, |call| container_keys(call, index))?;
            buffer.give_container_info(&ContainerBlobs::new(host, &keys)?.hand_out())
        }
        ContainerProperty::Pin => {
            buffer.reserve(size_of::<u32>())?;
            let id = enter::<M, _>(host, |call| call.module.container_pin(&mut call.cx, index))?;
            buffer.give(&id.get().to_ne_bytes())
        }
        ContainerProperty::AssociatedEcdh => {
            buffer.reserve(1)?;
            let partner = enter::<M, _>(host, |call| {
                container_keys(call, index)?;
                call.module.associated_ecdh(&mut call.cx, index)
            })?;
            buffer.give(&[partner.ok_or(Status::UnsupportedFeature)?.get()])
        }
    }
}

pub(crate) fn set_property<M: CardModule>(
    host: &Host,
    index: u8,
    name: Wide,
    value: Bytes<'_>,
    flags: u32,
) -> Result<()> {
    let value = value.required()?;
    reserved(flags)?;
    let index = ContainerIndex::new(index);
    enter::<M, _>(host, |call| {
        let property = ContainerProperty::named(&name, call.cx.version())?;
        writable(call)?;
        match property {
            ContainerProperty::Info => Err(Status::UnsupportedFeature),
            ContainerProperty::Pin => {
                let id = value.try_into().map(u32::from_ne_bytes).map_err(|_| Status::InvalidParameter)?;
                let id = PinId::try_from(id).map_err(|_| Status::InvalidParameter)?;
                container_keys(call, index)?;
                check_owner(call, id)?;
                offered(call.module.property_writing())?.set_container_pin(&mut call.cx, index, id)
            }
            ContainerProperty::AssociatedEcdh => {
                let partner = ContainerIndex::new(index_value(value)?);
                container_keys(call, index)?;
                offered(call.module.property_writing())?.set_associated_ecdh(&mut call.cx, index, partner)
            }
        }
    })
}

/// A container index as a byte, or as a number in which it fits.
fn index_value(value: &[u8]) -> Result<u8> {
    match value {
        [index] => Ok(*index),
        _ => value
            .try_into()
            .ok()
            .and_then(|bytes| u8::try_from(u32::from_ne_bytes(bytes)).ok())
            .ok_or(Status::InvalidParameter),
    }
}
