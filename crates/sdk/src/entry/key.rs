//! Which key of a container an operation is for, and what is known of it.

use cardmod_types::{ContainerIndex, ContainerKeys, KeyHalf, KeySpec};

use crate::live::Call;
use crate::memory::KeyShape;
use crate::module::{CardModule, Result};
use crate::status::Status;

/// The public keys of a container, remembered for the operations with the private ones.
pub(crate) fn container_keys<M: CardModule>(
    call: &mut Call<'_, M>,
    index: ContainerIndex,
) -> Result<ContainerKeys> {
    let keys = call.module.container_keys(&mut call.cx, index)?;
    if keys.signature.is_none() && keys.key_exchange.is_none() {
        return Err(Status::NoKeyContainer);
    }
    call.memory.learn_keys(index, &keys);
    Ok(keys)
}

/// The key of a half, if the container has it.
///
/// What was seen before is believed only while the host vouches that nobody else used the card, or where
/// `stale_will_do`: for a length that the operation itself will tell again.
fn shape<M: CardModule>(
    call: &mut Call<'_, M>,
    index: ContainerIndex,
    half: KeyHalf,
    stale_will_do: bool,
) -> Result<Option<KeyShape>> {
    if (stale_will_do || call.cx.continuity())
        && let Some(known) = call.memory.known_key(index, half)
    {
        return Ok(known);
    }
    container_keys(call, index)?;
    Ok(call.memory.known_key(index, half).flatten())
}

/// The key an operation names by container and key spec.
///
/// # Errors
/// [`Status::NoKeyContainer`] where the container lacks the key, [`Status::InvalidParameter`] where it
/// is one of another spec, [`Status::UnsupportedFeature`] where the card knows no such spec.
pub(crate) fn of_spec<M: CardModule>(
    call: &mut Call<'_, M>,
    index: ContainerIndex,
    spec: KeySpec,
    stale_will_do: bool,
) -> Result<KeyShape> {
    let found = shape(call, index, spec.half(), stale_will_do)?;
    let missing = match found {
        Some(key) if key.spec == spec => return Ok(key),
        Some(_) => Status::InvalidParameter,
        None => Status::NoKeyContainer,
    };
    call.module.key_sizes(&mut call.cx, spec)?;
    Err(missing)
}

/// The key exchange key of a container, of whatever kind.
pub(crate) fn for_exchange<M: CardModule>(call: &mut Call<'_, M>, index: ContainerIndex) -> Result<KeyShape> {
    shape(call, index, KeyHalf::KeyExchange, false)?.ok_or(Status::NoKeyContainer)
}
