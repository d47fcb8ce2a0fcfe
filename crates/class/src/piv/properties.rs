//! Properties of the module's own (the names are the SDK's): the slots, where a new key goes, the management
//! key, and hints.

use cardmod_piv::Slot;
use cardmod_sdk::{
    CardContext, HINTS_PROPERTY, MANAGEMENT_KEY_PROPERTY, NAMES_PROPERTY, OwnProperties, PLACE_PROPERTY,
    PLACES_PROPERTY, Result, Status,
};

use super::PivModule;
use super::view;

/// Public data of the card may be kept as labelled hints: there is no counter that would tell of a change.
const HINTS: u32 = 1;

impl OwnProperties for PivModule {
    fn has(&self, name: &str) -> bool {
        [PLACES_PROPERTY, NAMES_PROPERTY, PLACE_PROPERTY, MANAGEMENT_KEY_PROPERTY, HINTS_PROPERTY]
            .contains(&name)
    }

    fn get(&mut self, cx: &mut CardContext<'_>, name: &str, flags: u32) -> Result<Vec<u8>> {
        no_selector(flags)?;
        match name {
            PLACES_PROPERTY => Ok(self.card_map(cx)?.places.labels().into_bytes()),
            NAMES_PROPERTY => self.names(cx),
            HINTS_PROPERTY => {
                self.trust.asked();
                Ok(HINTS.to_ne_bytes().to_vec())
            }
            // Written, never told.
            _ => Err(Status::UnsupportedFeature),
        }
    }

    fn set(&mut self, _cx: &mut CardContext<'_>, name: &str, value: &[u8], flags: u32) -> Result<()> {
        match name {
            PLACE_PROPERTY => {
                no_selector(flags)?;
                self.place = wanted_place(value)?;
                Ok(())
            }
            MANAGEMENT_KEY_PROPERTY => {
                no_selector(flags)?;
                self.access.give(value)
            }
            _ => Err(Status::UnsupportedFeature),
        }
    }
}

impl PivModule {
    /// The names that the containers of all indexes have, or would have, a NUL between two.
    fn names(&mut self, cx: &mut CardContext<'_>) -> Result<Vec<u8>> {
        let id = self.identity(cx)?;
        let seen = self.card_map(cx)?;
        let named = |(index, slot)| view::name(&seen.map, id, index, slot).as_str().to_owned();
        let names: Vec<String> = seen.places.iter().map(named).collect();
        Ok(names.join("\0").into_bytes())
    }
}

fn no_selector(flags: u32) -> Result<()> {
    if flags == 0 { Ok(()) } else { Err(Status::InvalidParameter) }
}

/// The slot of a label; none for an empty one. The attestation key is no container.
fn wanted_place(label: &[u8]) -> Result<Option<Slot>> {
    if label.is_empty() {
        return Ok(None);
    }
    let slot = str::from_utf8(label).ok().and_then(|label| label.parse().ok());
    match slot {
        Some(Slot::Attestation) | None => Err(Status::InvalidParameter),
        Some(slot) => Ok(Some(slot)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_slots_of_the_cardholder() {
        assert_eq!(wanted_place(b"9c"), Ok(Some(Slot::Signature)));
        assert_eq!(wanted_place(b"9C"), Ok(Some(Slot::Signature)));
        assert_eq!(wanted_place(b""), Ok(None));
        for label in [&b"f9"[..], b"9b", b"81", b"9a\0", b"9", &[0xFF, 0xFE], b"authentication"] {
            assert_eq!(wanted_place(label), Err(Status::InvalidParameter), "{label:02X?}");
        }
    }
}
