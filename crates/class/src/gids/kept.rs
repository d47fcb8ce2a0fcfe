//! What the module keeps with the host: where everything is on the card, the public keys, and whether
//! there is a PUK.
//!
//! The host ties what it keeps to the card's identity and counters. The counters an entry was made under
//! stand in it all the same: a host that is careless with that is not believed, and an entry made before
//! a change of our own is not used after it. While the counters were not read there is no cache: reading
//! them for this alone could cost more than it saves.

use cardmod_gids::{CardLayout, GidsCard, GidsError};
use cardmod_sdk::CardContext;
use cardmod_types::{CardCf, ContainerIndex, KeyHalf, PublicKey};

use super::module::GidsModule;

/// The entry with file table and keymap.
const LAYOUT: &str = "gids-layout";
/// The entry that says whether the card has a PUK: one byte.
const PUK: &str = "gids-puk";

impl GidsModule {
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

    /// Keeps file table and keymap with the host where they are known and the host has them not, such as
    /// after a role lost its rights, and what was kept under them went.
    pub(crate) fn keep_layout(&mut self, cx: &mut CardContext<'_>, counters: &CardCf) {
        if let Some(layout) = self.state().layout()
            && cx.cache().lookup(LAYOUT).and_then(|entry| read_layout(&entry, counters)).is_none()
        {
            cx.cache().add(LAYOUT, &write_layout(&layout, counters));
        }
    }

    /// Whether the card has a PUK, from the host's cache where this context has not found out.
    pub(crate) fn recall_puk(&mut self, cx: &mut CardContext<'_>) {
        if self.state().known_puk().is_none()
            && let Some(entry) = cx.cache().lookup(PUK)
            && let [kept @ (0 | 1)] = entry[..]
        {
            self.state().restore_puk(kept == 1);
        }
    }

    /// Keeps it with the host.
    pub(crate) fn keep_puk(&mut self, cx: &mut CardContext<'_>) {
        if let Some(has_puk) = self.state().known_puk()
            && cx.cache().lookup(PUK).is_none()
        {
            cx.cache().add(PUK, &[u8::from(has_puk)]);
        }
    }

    /// A container's public key from the host's cache.
    pub(crate) fn kept_key(
        &mut self,
        cx: &mut CardContext<'_>,
        index: ContainerIndex,
        counters: &CardCf,
    ) -> Option<(KeyHalf, PublicKey)> {
        read_key(&cx.cache().lookup(&key_tag(index))?, counters)
    }

    /// Keeps a container's public key with the host.
    pub(crate) fn keep_key(
        &mut self,
        cx: &mut CardContext<'_>,
        index: ContainerIndex,
        (half, key): (KeyHalf, &PublicKey),
        counters: &CardCf,
    ) {
        cx.cache().add(&key_tag(index), &write_key(half, key, counters));
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
