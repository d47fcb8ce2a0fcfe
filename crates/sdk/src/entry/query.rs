//! Context and card as a whole: delete, capabilities, free space, key sizes (5.2 to 5.5).

use cardmod_sys::{CARD_CAPABILITIES, CARD_FREE_SPACE_INFO, CARD_KEY_SIZES};
use cardmod_types::{Capabilities, FreeSpace, KeySizes, KeySpec};

use crate::boundary::{Host, Versioned};
use crate::entry::{key_spec, reserved};
use crate::live::{self, Call, enter};
use crate::module::{CardModule, Result};

/// The one version of these structures.
pub(crate) const VERSION: u32 = 1;

/// Never talks to the card and never waits: it may come without transaction, with the card gone, while
/// another call runs, and twice.
#[expect(clippy::extra_unused_type_parameters, reason = "the form of all entries")]
pub(crate) fn delete_context<M: CardModule>(host: &Host) -> Result<()> {
    live::delete(host);
    Ok(())
}

pub(crate) fn capabilities<M: CardModule>(host: &Host, info: Versioned<CARD_CAPABILITIES>) -> Result<()> {
    info.required()?;
    info.check(VERSION)?;
    info.set(capabilities_structure(enter::<M, _>(host, ask_capabilities)?));
    Ok(())
}

pub(crate) fn free_space<M: CardModule>(
    host: &Host,
    flags: u32,
    info: Versioned<CARD_FREE_SPACE_INFO>,
) -> Result<()> {
    info.required()?;
    reserved(flags)?;
    info.check(VERSION)?;
    info.set(free_space_structure(enter::<M, _>(host, ask_free_space)?));
    Ok(())
}

pub(crate) fn key_sizes<M: CardModule>(
    host: &Host,
    spec: u32,
    flags: u32,
    info: Versioned<CARD_KEY_SIZES>,
) -> Result<()> {
    info.required()?;
    reserved(flags)?;
    info.check(VERSION)?;
    let spec = key_spec(spec)?;
    info.set(key_sizes_structure(enter::<M, _>(host, |call| ask_key_sizes(call, spec))?));
    Ok(())
}

/// The module's word, less what its capabilities and the card's state do not bear out.
pub(crate) fn ask_capabilities<M: CardModule>(call: &mut Call<'_, M>) -> Result<Capabilities> {
    let said = call.module.capabilities(&mut call.cx)?;
    let generates = call.module.container_creation().is_some_and(|creation| creation.can_generate());
    Ok(Capabilities { key_generation: said.key_generation && generates, ..said })
}

/// A read-only card has no room, whatever it says.
pub(crate) fn ask_free_space<M: CardModule>(call: &mut Call<'_, M>) -> Result<FreeSpace> {
    let said = call.module.free_space(&mut call.cx)?;
    if call.module.read_only(&mut call.cx)? {
        return Ok(FreeSpace { bytes: Some(0), containers: Some(0), ..said });
    }
    Ok(said)
}

/// The module's word on a key spec.
pub(crate) fn ask_key_sizes<M: CardModule>(call: &mut Call<'_, M>, spec: KeySpec) -> Result<KeySizes> {
    call.module.key_sizes(&mut call.cx, spec)
}

pub(crate) fn capabilities_structure(capabilities: Capabilities) -> CARD_CAPABILITIES {
    CARD_CAPABILITIES {
        dwVersion: VERSION,
        fCertificateCompression: capabilities.certificate_compression.into(),
        fKeyGen: capabilities.key_generation.into(),
    }
}

pub(crate) fn free_space_structure(space: FreeSpace) -> CARD_FREE_SPACE_INFO {
    CARD_FREE_SPACE_INFO {
        dwVersion: VERSION,
        dwBytesAvailable: FreeSpace::code(space.bytes),
        dwKeyContainersAvailable: FreeSpace::code(space.containers),
        dwMaxKeyContainers: FreeSpace::code(space.max_containers),
    }
}

pub(crate) fn key_sizes_structure(sizes: KeySizes) -> CARD_KEY_SIZES {
    CARD_KEY_SIZES {
        dwVersion: VERSION,
        dwMinimumBitlen: sizes.minimum,
        dwDefaultBitlen: sizes.default,
        dwMaximumBitlen: sizes.maximum,
        // 5.5: an ECC key has one size and step 1.
        dwIncrementalBitlen: if sizes.minimum == sizes.maximum { 1 } else { sizes.increment },
    }
}
