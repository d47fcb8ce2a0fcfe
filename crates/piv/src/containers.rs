//! Key, certificate and name together: moved from slot to slot, or deleted.

use cardmod_types::ContainerName;

use crate::{ObjectTag, PivCard, PivError, Slot};

/// What became of a key and its certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Together {
    /// There was a certificate, and it went with the key.
    pub certificate: bool,
    /// The stored container map named the slot, and does so no more.
    pub named: bool,
}

impl PivCard<'_> {
    /// Moves a key to a slot that has neither key nor certificate; its certificate and its record in the
    /// stored container map go with it. The administrator must be authenticated.
    ///
    /// The certificate is copied first, so that a card without room for it, or without the command, is left
    /// as it was. What is broken off later leaves the certificate in both slots, or a name in the new one that
    /// waits for its key: the same move once more brings it to an end.
    ///
    /// # Errors
    ///
    /// [`PivError::Occupied`]; as [`move_key`](Self::move_key) and [`put_object`](Self::put_object).
    pub fn move_together(&mut self, from: Slot, to: Slot) -> Result<Together, PivError> {
        if from == to {
            return Err(PivError::InvalidInput("a key cannot be moved to where it is"));
        }
        let certificate = self.object(from.object())?.filter(|value| !value.is_empty());
        let there = self.occupancy(to)?;
        let begun = there.is_occupied();
        if begun && !self.is_begun(from, to, certificate.as_deref())? {
            return Err(PivError::Occupied(to));
        }
        if let Some(value) = certificate.as_deref().filter(|_| !begun) {
            self.note_retired(to, true)?;
            self.put_object(to.object(), value)?;
        }
        // The name before the key, by which alone a key without certificate could not be told from another.
        let named = self.rename_slot(from, Some(to))?;
        if there.key != Some(true)
            && let Err(error) = self.move_key(from, to)
        {
            self.take_back_move(from, to, named, certificate.is_some());
            return Err(error);
        }
        if certificate.is_some() {
            self.delete_certificate(from)?;
        }
        let named =
            named || begun && self.container_map()?.is_some_and(|stored| stored.map.by_slot(to).is_some());
        Ok(Together { certificate: certificate.is_some(), named })
    }

    /// After a refusal, which is the error to tell: what can be put back is.
    fn take_back_move(&mut self, from: Slot, to: Slot, named: bool, certificate: bool) {
        if named {
            let _ = self.rename_slot(to, Some(from));
        }
        if certificate {
            let _ = self.delete_certificate(to);
        }
    }

    /// Whether what is in a slot is this very move, broken off: the certificate is in both slots, the key in one.
    fn is_begun(&mut self, from: Slot, to: Slot, certificate: Option<&[u8]>) -> Result<bool, PivError> {
        if certificate.is_none() || self.object(to.object())?.as_deref() != certificate {
            return Ok(false);
        }
        let keys = [self.occupancy(from)?.key, self.occupancy(to)?.key];
        Ok(matches!(keys, [Some(true), Some(false)] | [Some(false), Some(true)]))
    }

    /// Deletes the key of a slot, its certificate and its record in the stored container map. The
    /// administrator must be authenticated. What a deletion that was broken off left is deleted too.
    ///
    /// # Errors
    ///
    /// As [`delete_key`](Self::delete_key), when nothing was changed; afterwards those of
    /// [`put_object`](Self::put_object).
    pub fn delete_together(&mut self, slot: Slot) -> Result<Together, PivError> {
        let deleted = self.delete_key(slot);
        let certificate = !self.is_empty(slot.object())?;
        let begun = matches!(deleted, Err(PivError::NoKey(_)));
        if !begun {
            deleted.clone()?;
        }
        if certificate {
            self.delete_certificate(slot)?;
        }
        let named = self.rename_slot(slot, None)?;
        if begun && !certificate && !named {
            deleted?;
        }
        Ok(Together { certificate, named })
    }

    /// Whether an object is missing or emptied.
    pub(crate) fn is_empty(&mut self, tag: ObjectTag) -> Result<bool, PivError> {
        Ok(self.object(tag)?.is_none_or(|value| value.is_empty()))
    }

    /// Lets the map's record of a slot name another one, or none. A container that is called after its slot
    /// goes on being called after it: else the name of an empty slot would mean a key elsewhere.
    fn rename_slot(&mut self, from: Slot, to: Option<Slot>) -> Result<bool, PivError> {
        let Some(stored) = self.container_map()? else { return Ok(false) };
        let mut map = stored.map;
        let Some((index, mut record)) = map.by_slot(from).map(|(index, record)| (index, *record)) else {
            return Ok(false);
        };
        match to {
            Some(to) => {
                record.set_slot(to);
                if record.name().is_some_and(|name| name.as_str().eq_ignore_ascii_case(&from.label()))
                    && let Ok(name) = ContainerName::parse(&to.label())
                    && map.by_name(&name).is_none()
                {
                    record.set_name(&name);
                }
                map.set(index, record)?;
            }
            None => map.clear(index),
        }
        self.put_object(stored.place, &map.encode())?;
        Ok(true)
    }
}
