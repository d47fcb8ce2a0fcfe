//! What a module keeps with the host (`pfnCspCacheAddFile` and its two sisters), and what changed under
//! the host's own cache through this context.
//!
//! The entries are tied to the card's identity and counters by the session that runs the context: it
//! closes the cache until it has read both, and clears it where they differ. An entry made while a role
//! was authenticated may be of something only that role can read: it goes when a role is
//! deauthenticated, and is never handed to a store.

use std::collections::HashMap;
use std::sync::MutexGuard;

use cardmod_types::{ContainerIndex, FilePath, PinId, PinSet};
use zeroize::Zeroizing;

use super::context::Context;

/// The most bytes a module may keep. A module that wants more is told no and works without: the cache
/// is a help, never a store.
const LIMIT: usize = 4 * 1024 * 1024;

/// The module's entries, by tag.
#[derive(Default)]
pub(crate) struct ModuleCache {
    entries: HashMap<Vec<u16>, Entry>,
    bytes: usize,
    /// A session says when the cache is open; without one it always is.
    managed: bool,
    /// The session has found that the entries are the card's, in the running transaction.
    settled: bool,
    /// The roles that may be authenticated.
    roles: PinSet,
    /// Something changed that a store does not have yet.
    changed: bool,
    /// Entries went because a role did.
    lost: bool,
}

struct Entry {
    data: Zeroizing<Vec<u8>>,
    privileged: bool,
}

impl ModuleCache {
    fn is_open(&self) -> bool {
        !self.managed || self.settled
    }

    /// Adds or replaces an entry; `false` where there is no room. While the cache is closed nothing is
    /// kept, which is no failure.
    pub(super) fn add(&mut self, tag: Vec<u16>, data: Zeroizing<Vec<u8>>) -> bool {
        self.remove(&tag);
        if !self.is_open() {
            return true;
        }
        if self.bytes.saturating_add(data.len()) > LIMIT {
            return false;
        }
        let privileged = !self.roles.is_empty();
        self.bytes += data.len();
        self.changed |= !privileged;
        self.entries.insert(tag, Entry { data, privileged });
        true
    }

    pub(super) fn get(&self, tag: &[u16]) -> Option<&[u8]> {
        self.entries.get(tag).filter(|_| self.is_open()).map(|entry| entry.data.as_slice())
    }

    /// Removes an entry; `false` where there is none.
    pub(super) fn remove(&mut self, tag: &[u16]) -> bool {
        let Some(removed) = self.entries.remove(tag) else { return false };
        self.bytes -= removed.data.len();
        self.changed |= !removed.privileged;
        true
    }

    /// Forgets every entry.
    pub(crate) fn clear(&mut self) {
        self.changed |= !self.entries.is_empty();
        self.entries.clear();
        self.bytes = 0;
    }

    /// From now on a session decides; what was stored before belongs to no counters.
    pub(crate) fn manage(&mut self) {
        self.managed = true;
        self.clear();
        self.changed = false;
    }

    /// The entries are those of the card that is there.
    pub(crate) fn settle(&mut self) {
        self.settled = true;
    }

    /// Nothing is answered or kept until it is settled again.
    pub(crate) fn close(&mut self) {
        self.settled = false;
    }

    /// The entries anybody could have made, for a store.
    pub(crate) fn public_entries(&self) -> impl Iterator<Item = (String, &[u8])> {
        let public = self.entries.iter().filter(|(_, entry)| !entry.privileged);
        public.filter_map(|(tag, entry)| Some((String::from_utf16(tag).ok()?, entry.data.as_slice())))
    }

    /// Takes an entry from a store, unless the module has made one of this tag meanwhile.
    pub(crate) fn restore(&mut self, tag: &str, data: &[u8]) {
        let tag: Vec<u16> = tag.encode_utf16().collect();
        let fits = self.bytes.saturating_add(data.len()) <= LIMIT;
        if fits && !self.entries.contains_key(&tag) {
            self.bytes += data.len();
            self.entries.insert(tag, Entry { data: Zeroizing::new(data.to_vec()), privileged: false });
        }
    }

    /// Whether something changed since this was last asked.
    pub(crate) fn take_changed(&mut self) -> bool {
        core::mem::take(&mut self.changed)
    }

    /// Whether entries went because a role did, since this was last asked.
    pub(crate) fn take_lost(&mut self) -> bool {
        core::mem::take(&mut self.lost)
    }

    fn authenticating(&mut self, role: PinId) {
        self.roles.insert(role);
    }

    fn deauthenticated(&mut self, roles: PinSet) {
        self.roles = self.roles.difference(roles);
        let before = self.entries.len();
        self.entries.retain(|_, entry| !entry.privileged);
        self.lost |= self.entries.len() != before;
        self.bytes = self.entries.values().map(|entry| entry.data.len()).sum();
    }
}

/// What was written through a context, or at least tried, since it was last asked.
#[derive(Debug, Default)]
pub(crate) struct Touched {
    pub(crate) files: Vec<FilePath>,
    pub(crate) containers: Vec<ContainerIndex>,
    /// A property of the card was set.
    pub(crate) properties: bool,
}

impl Touched {
    pub(crate) fn is_empty(&self) -> bool {
        self.files.is_empty() && self.containers.is_empty() && !self.properties
    }
}

impl Context {
    /// Forgets what the module put into its own cache.
    pub fn clear_module_cache(&mut self) {
        self.module_cache().clear();
    }

    pub(crate) fn module_cache(&self) -> MutexGuard<'_, ModuleCache> {
        self.table.shared().cache()
    }

    /// A role is about to be authenticated, or may be afterwards.
    pub(super) fn authenticating(&mut self, role: PinId) {
        self.module_cache().authenticating(role);
    }

    /// These roles are authenticated no longer.
    pub(super) fn deauthenticated(&mut self, roles: PinSet) {
        self.module_cache().deauthenticated(roles);
    }

    /// Another transaction or connection: nobody is authenticated, and what the module kept has to be
    /// found to be this card's first.
    pub(super) fn interrupted(&mut self) {
        let mut cache = self.module_cache();
        let everybody = cache.roles;
        cache.deauthenticated(everybody);
        cache.close();
    }

    /// This file was written by the cache itself.
    pub(crate) fn take_touched_file(&mut self, path: &FilePath) {
        self.touched.files.retain(|touched| touched != path);
    }

    /// What was written since this was last asked.
    pub(crate) fn take_touched(&mut self) -> Touched {
        core::mem::take(&mut self.touched)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(cache: &mut ModuleCache, tag: &str, data: &[u8]) -> bool {
        cache.add(tag.encode_utf16().collect(), Zeroizing::new(data.to_vec()))
    }

    fn get(cache: &ModuleCache, tag: &str) -> Option<Vec<u8>> {
        cache.get(&tag.encode_utf16().collect::<Vec<_>>()).map(<[u8]>::to_vec)
    }

    #[test]
    fn a_managed_cache_answers_only_when_settled() {
        let mut cache = ModuleCache::default();
        assert!(add(&mut cache, "a", b"1"));
        assert_eq!(get(&cache, "a").as_deref(), Some(&b"1"[..]), "without a session it is open");
        cache.manage();
        assert!(add(&mut cache, "a", b"2"), "keeping nothing is no failure");
        cache.settle();
        assert_eq!(get(&cache, "a"), None, "neither from before nor while it was closed");
        assert!(add(&mut cache, "a", b"3"));
        cache.close();
        assert_eq!(get(&cache, "a"), None);
        cache.settle();
        assert_eq!(get(&cache, "a").as_deref(), Some(&b"3"[..]));
    }

    #[test]
    fn what_was_made_under_a_role_goes_with_it_and_into_no_store() {
        let mut cache = ModuleCache::default();
        add(&mut cache, "public", b"1");
        cache.authenticating(PinId::USER);
        cache.authenticating(PinId::ADMIN);
        add(&mut cache, "private", b"2");
        assert_eq!(cache.public_entries().map(|(tag, _)| tag).collect::<Vec<_>>(), ["public"]);
        cache.deauthenticated(PinSet::only(PinId::USER));
        assert_eq!((get(&cache, "private"), cache.bytes), (None, 1));
        add(&mut cache, "of the administrator", b"3");
        assert_eq!(cache.public_entries().count(), 1, "one role is still there");
        cache.deauthenticated(PinSet::only(PinId::ADMIN));
        add(&mut cache, "of everybody", b"4");
        assert_eq!(cache.public_entries().count(), 2);
    }

    #[test]
    fn there_is_an_end_to_it() {
        let mut cache = ModuleCache::default();
        assert!(add(&mut cache, "a", &vec![0; LIMIT]));
        assert!(!add(&mut cache, "b", &[0]));
        assert!(add(&mut cache, "a", &[0]), "a replacement makes room");
        assert!(add(&mut cache, "b", &vec![0; LIMIT - 1]));
        cache.restore("c", &[0]);
        assert_eq!(get(&cache, "c"), None);
        assert!(cache.take_changed() && !cache.take_changed());
    }
}
