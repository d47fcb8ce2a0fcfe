//! Private keys ready for use.

use std::collections::HashMap;
use std::sync::Arc;

use cardmod_crypto::PrivateKey;

use super::context::Stop;

/// Prepared keys by the random name of the stored key, whichever application has it. A key that was
/// replaced has another name, so nothing here can be stale.
#[derive(Default)]
pub(super) struct KeyCache(HashMap<u64, Arc<PrivateKey>>);

impl KeyCache {
    /// The prepared form of the key with this name, made by `prepare` if it is not there.
    pub(super) fn get(
        &mut self,
        id: u64,
        prepare: impl FnOnce() -> Result<PrivateKey, Stop>,
    ) -> Result<Arc<PrivateKey>, Stop> {
        if let Some(key) = self.0.get(&id) {
            return Ok(Arc::clone(key));
        }
        let key = Arc::new(prepare()?);
        self.insert(id, Arc::clone(&key));
        Ok(key)
    }

    /// Keeps a key that was just made.
    pub(super) fn insert(&mut self, id: u64, key: Arc<PrivateKey>) {
        // More than any card holds: what else is in there was deleted or replaced.
        if self.0.len() >= 64 {
            self.0.clear();
        }
        self.0.insert(id, key);
    }
}
