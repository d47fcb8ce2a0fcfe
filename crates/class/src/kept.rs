//! What the module keeps with the host: where everything is on the card, and the public keys.
//!
//! The host ties what it keeps to the card's identity and counters. The counters an entry was made under
//! stand in it all the same: a host that is careless with that is not believed, and an entry made before
//! a change of our own is not used after it. While the counters were not read there is no cache: reading
//! them for this alone could cost more than it saves.

use cardmod_gids::{CardLayout, GidsCard, GidsError};
use cardmod_sdk::CardContext;
use cardmod_types::{CardCf, ContainerIndex, KeyHalf, PublicKey};

use crate::ClassModule;

/// The entry with file table and keymap.
const LAYOUT: &str = "gids-layout";

impl ClassModule {
    /// Works on the card with file table and keymap taken from the host's cache, where the host has them
    /// and this context has not; keeps them there where they had to be read.
    pub(crate) fn at_hand<T>(
        &mut self,
        cx: &mut CardContext<'_>,
        work: impl FnOnce(&mut GidsCard<'_>) -> Result<T, GidsError>,
    ) -> Result<T, GidsError> {
        if !self.card(cx).lacks_layout() {
            return work(&mut self.card(cx));
        }
        let counters = self.card(cx).counters_at_hand()?;
        if let Some(counters) = &counters
            && let Some(entry) = cx.cache().lookup(LAYOUT)
            && let Some(layout) = read_layout(&entry, counters)
        {
            self.state().restore_layout(layout);
        }
        let restored = !self.card(cx).lacks_layout();
        let result = work(&mut self.card(cx));
        if let (Some(counters), false, Some(layout)) = (counters, restored, self.state().layout()) {
            cx.cache().add(LAYOUT, &write_layout(&layout, &counters));
        }
        result
    }

    /// A container's public key from the host's cache.
    pub(crate) fn kept_key(
        &mut self,
        cx: &mut CardContext<'_>,
        index: ContainerIndex,
    ) -> Result<Option<(KeyHalf, PublicKey)>, GidsError> {
        let counters = self.card(cx).counters_at_hand()?;
        Ok(counters.and_then(|counters| read_key(&cx.cache().lookup(&key_tag(index))?, &counters)))
    }

    /// Keeps a container's public key with the host.
    pub(crate) fn keep_key(
        &mut self,
        cx: &mut CardContext<'_>,
        index: ContainerIndex,
        (half, key): (KeyHalf, &PublicKey),
    ) -> Result<(), GidsError> {
        if let Some(counters) = self.card(cx).counters_at_hand()? {
            cx.cache().add(&key_tag(index), &write_key(half, key, &counters));
        }
        Ok(())
    }

    /// A change of the container, or of what is where, makes the host forget what it kept.
    pub(crate) fn forget_kept(&mut self, cx: &mut CardContext<'_>, index: Option<ContainerIndex>) {
        cx.cache().delete(LAYOUT);
        if let Some(index) = index {
            cx.cache().delete(&key_tag(index));
        }
    }
}

fn key_tag(index: ContainerIndex) -> String {
    format!("gids-key-{:02x}", index.get())
}

/// Counters of containers and files, file table with its length, keymap.
fn write_layout(layout: &CardLayout, counters: &CardCf) -> Vec<u8> {
    let mut entry = counters.containers.to_be_bytes().to_vec();
    entry.extend(counters.files.to_be_bytes());
    entry.extend((layout.file_table.len() as u32).to_be_bytes());
    entry.extend(&layout.file_table);
    entry.extend(&layout.keymap);
    entry
}

fn read_layout(entry: &[u8], counters: &CardCf) -> Option<CardLayout> {
    let (containers, entry) = entry.split_first_chunk()?;
    let (files, entry) = entry.split_first_chunk()?;
    let (length, entry) = entry.split_first_chunk()?;
    let same = (counters.containers, counters.files)
        == (u16::from_be_bytes(*containers), u16::from_be_bytes(*files));
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    let (file_table, keymap) = entry.split_at_checked(length).filter(|_| same)?;
    Some(CardLayout { file_table: file_table.to_vec(), keymap: keymap.to_vec() })
}

/// Counter of containers, the half, the public key as `SubjectPublicKeyInfo`.
fn write_key(half: KeyHalf, key: &PublicKey, counters: &CardCf) -> Vec<u8> {
    let mut entry = counters.containers.to_be_bytes().to_vec();
    entry.push(match half {
        KeyHalf::Signature => 2,
        KeyHalf::KeyExchange => 1,
    });
    entry.extend(key.to_spki_der());
    entry
}

fn read_key(entry: &[u8], counters: &CardCf) -> Option<(KeyHalf, PublicKey)> {
    let (containers, entry) = entry.split_first_chunk()?;
    let (half, key) = match entry {
        [1, key @ ..] => (KeyHalf::KeyExchange, key),
        [2, key @ ..] => (KeyHalf::Signature, key),
        _ => return None,
    };
    let same = u16::from_be_bytes(*containers) == counters.containers;
    PublicKey::from_spki_der(key).ok().filter(|_| same).map(|key| (half, key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use cardmod_types::RsaPublicKey;

    fn counters(containers: u16, files: u16) -> CardCf {
        let mut counters = CardCf::new();
        (counters.containers, counters.files) = (containers, files);
        counters
    }

    #[test]
    fn keys_come_back_under_their_counter_and_foreign_entries_do_not() {
        let modulus = [&[0xC1][..], &[1; 127]].concat();
        let key = PublicKey::Rsa(RsaPublicKey::new(&modulus, 65_537).expect("key"));
        for half in [KeyHalf::Signature, KeyHalf::KeyExchange] {
            let entry = write_key(half, &key, &counters(7, 1));
            assert_eq!(read_key(&entry, &counters(7, 2)), Some((half, key.clone())));
            assert_eq!(read_key(&entry, &counters(8, 1)), None);
        }
        for entry in [&[][..], &[0, 7, 3, 0x30, 0][..], &[0, 7, 1][..], &[0, 7, 1, 0x30, 0x80][..]] {
            assert_eq!(read_key(entry, &counters(7, 1)), None);
        }
    }

    #[test]
    fn the_layout_comes_back_under_both_counters() {
        let layout = CardLayout { file_table: vec![1; 300], keymap: vec![2; 13] };
        let entry = write_layout(&layout, &counters(3, 4));
        assert_eq!(read_layout(&entry, &counters(3, 4)), Some(layout));
        assert_eq!(read_layout(&entry, &counters(3, 5)), None);
        assert_eq!(read_layout(&entry, &counters(2, 4)), None);
        assert_eq!(read_layout(&entry[..20], &counters(3, 4)), None);
        assert_eq!(read_layout(&[0, 3], &counters(3, 4)), None);
    }
}
