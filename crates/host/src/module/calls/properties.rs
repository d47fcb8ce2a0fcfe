//! Card and container properties: bytes by name, and the known ones by type.

use cardmod_sys::{ERROR_INSUFFICIENT_BUFFER, SCARD_E_INSUFFICIENT_BUFFER};
use cardmod_types::ContainerIndex;
use zeroize::Zeroizing;

use super::{fits, view, wide};
use crate::module::choice::{FORGET_PROPERTY, TRANSACTION_PROPERTY};
use crate::module::context::Context;
use crate::module::function::{CallError, CardFunction};
use crate::module::layout::Wide;
use crate::module::own::{MANAGEMENT_KEY, PLACE};
use crate::module::table::Table;

/// The buffer for a property whose length is not known.
const USUAL_PROPERTY: usize = 256;
/// The longest property a host takes.
const LONGEST_PROPERTY: usize = 1024 * 1024;

/// Properties that say something of the context and change nothing of the card.
const OF_THE_CONTEXT: [&str; 6] =
    [TRANSACTION_PROPERTY, FORGET_PROPERTY, PLACE, MANAGEMENT_KEY, "Parent Window", "PIN Context String"];

impl Context {
    /// `CardGetProperty` (specification 7.07, section 4.5.4). `version` is written into the buffer
    /// first, which versioned structures demand; the others ignore it. `flags` selects a PIN, a key
    /// spec or an operation, where the property has one.
    ///
    /// # Errors
    /// The module's code for a property it has not, or an answer that cannot be.
    pub fn get_property(
        &mut self,
        name: &str,
        version: u32,
        flags: u32,
    ) -> Result<Zeroizing<Vec<u8>>, CallError> {
        let function = CardFunction::GetProperty;
        let units = wide(function, name)?;
        let name = view(function, &units)?;
        let table = &mut self.table;
        grow(function, version, USUAL_PROPERTY, |buffer, needed| {
            table.get_property(name, buffer, needed, flags)
        })
    }

    /// [`get_property`](Self::get_property) for a property of a known length: a structure or number.
    ///
    /// # Errors
    /// As there; also for an answer of another length.
    pub fn get_fixed_property<const N: usize>(
        &mut self,
        name: &'static [u16],
        version: u32,
        flags: u32,
    ) -> Result<[u8; N], CallError> {
        let function = CardFunction::GetProperty;
        let name = view(function, name)?;
        let table = &mut self.table;
        let bytes =
            grow(function, version, N, |buffer, needed| table.get_property(name, buffer, needed, flags))?;
        fixed(function, &bytes)
    }

    /// `CardSetProperty` (specification 7.07, section 4.5.5).
    ///
    /// # Errors
    /// The module's code.
    pub fn set_property(&mut self, name: &str, data: Option<&[u8]>, flags: u32) -> Result<(), CallError> {
        let function = CardFunction::SetProperty;
        data.map_or(Ok(()), |data| fits(function, data))?;
        self.touched.properties |= !OF_THE_CONTEXT.contains(&name);
        let units = wide(function, name)?;
        let name = view(function, &units)?;
        self.table.set_property(name, data, flags)
    }

    /// `CardGetContainerProperty` (specification 7.07, section 4.5.2) for a property of a known length.
    ///
    /// # Errors
    /// The module's code, or an answer of another length.
    pub fn get_container_property<const N: usize>(
        &mut self,
        index: ContainerIndex,
        name: &'static [u16],
    ) -> Result<[u8; N], CallError> {
        let function = CardFunction::GetContainerProperty;
        let name = view(function, name)?;
        let call = |table: &mut Table, name: Wide<'_>, buffer: &mut [u8], needed: &mut u32| {
            table.get_container_property(index.get(), name, buffer, needed)
        };
        let table = &mut self.table;
        let bytes = grow(function, 0, N, |buffer, needed| call(table, name, buffer, needed))?;
        fixed(function, &bytes)
    }

    /// `CardSetContainerProperty` (specification 7.07, section 4.5.3).
    ///
    /// # Errors
    /// The module's code.
    pub fn set_container_property(
        &mut self,
        index: ContainerIndex,
        name: &'static [u16],
        data: &[u8],
    ) -> Result<(), CallError> {
        let function = CardFunction::SetContainerProperty;
        fits(function, data)?;
        let name = view(function, name)?;
        self.touched.containers.push(index);
        self.table.set_container_property(index.get(), name, data)
    }
}

/// Asks with a buffer of the usual length, and once more with the length the module names.
pub(super) fn grow(
    function: CardFunction,
    version: u32,
    usual: usize,
    mut call: impl FnMut(&mut [u8], &mut u32) -> Result<(), CallError>,
) -> Result<Zeroizing<Vec<u8>>, CallError> {
    let mut length = usual;
    for last in [false, true] {
        let mut buffer = Zeroizing::new(vec![0; length]);
        for (byte, value) in buffer.iter_mut().zip(version.to_le_bytes()) {
            *byte = value;
        }
        let mut needed = 0;
        let answer = call(&mut buffer, &mut needed);
        let told = usize::try_from(needed).unwrap_or(usize::MAX);
        match answer {
            Ok(()) if told <= buffer.len() => {
                buffer.truncate(told);
                return Ok(buffer);
            }
            Ok(()) => return Err(CallError::lie(function, "told a length beyond the buffer it was given")),
            Err(error) if !last && is_too_small(&error) && told > length && told <= LONGEST_PROPERTY => {
                length = told;
            }
            Err(error) => return Err(error),
        }
    }
    Err(CallError::lie(function, "wants more than it said"))
}

fn is_too_small(error: &CallError) -> bool {
    error.is(ERROR_INSUFFICIENT_BUFFER) || error.is(SCARD_E_INSUFFICIENT_BUFFER)
}

fn fixed<const N: usize>(function: CardFunction, bytes: &[u8]) -> Result<[u8; N], CallError> {
    bytes.try_into().map_err(|_| CallError::lie(function, "gave a property of a wrong length"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_longer_property_is_asked_for_again() {
        let mut lengths = Vec::new();
        let bytes = grow(CardFunction::GetProperty, 1, 4, |buffer, needed| {
            lengths.push(buffer.len());
            *needed = 9;
            if buffer.len() < 9 {
                return Err(CallError::code_of(CardFunction::GetProperty, ERROR_INSUFFICIENT_BUFFER));
            }
            buffer.fill(7);
            Ok(())
        });
        assert_eq!(bytes.expect("nine bytes").as_slice(), [7; 9]);
        assert_eq!(lengths, [4, 9]);
    }

    #[test]
    fn lies_about_lengths_are_found() {
        let beyond = grow(CardFunction::GetProperty, 0, 4, |_, needed| {
            *needed = 5;
            Ok(())
        });
        assert!(beyond.is_err());
        let mut calls = 0;
        let endless = grow(CardFunction::GetProperty, 0, 4, |buffer, needed| {
            calls += 1;
            *needed = u32::try_from(buffer.len()).expect("small") + 1;
            Err(CallError::code_of(CardFunction::GetProperty, ERROR_INSUFFICIENT_BUFFER))
        });
        assert!(endless.is_err());
        assert_eq!(calls, 2);
        let huge = grow(CardFunction::GetProperty, 0, 4, |_, needed| {
            *needed = u32::MAX;
            Err(CallError::code_of(CardFunction::GetProperty, SCARD_E_INSUFFICIENT_BUFFER))
        });
        assert!(huge.is_err());
    }
}
