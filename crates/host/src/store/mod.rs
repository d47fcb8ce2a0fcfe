//! Where a host keeps what everybody may read of a card between two runs of a program.
//!
//! A store knows keys and bytes, no cards: what the bytes say, to which card and counters they belong
//! and whether they are damaged is decided by whoever reads them (`csp/cache`). So a store may forget
//! anything at any time, and never fails: what it cannot do is a miss, told as a debug event.

mod directory;
#[cfg_attr(unix, path = "folder_unix.rs")]
#[cfg_attr(not(unix), path = "folder_plain.rs")]
mod folder;

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

pub use directory::DirectoryStore;

/// A store of public data, shared by any number of processes.
///
/// Only what everybody may read of a card is ever handed to it: no PIN, no file that wants one, nothing
/// a card module stored while somebody was authenticated.
pub trait PublicStore: Send + Sync {
    /// The value of a key; `None` where there is none, or none that can be trusted.
    fn load(&self, key: &str) -> Option<Vec<u8>>;

    /// Replaces the value of a key, whole or not at all. A failure loses the value.
    ///
    /// A key is made of lower-case hexadecimal digits and hyphens, up to 64 of them.
    fn save(&self, key: &str, value: &[u8]);

    /// Forgets a key; `true` where there was something to forget.
    fn remove(&self, key: &str) -> bool;

    /// Every key, the one saved last first.
    fn list(&self) -> Vec<String>;

    /// A number that changes whenever the key's value does; `None` where there is no value. It lets a
    /// session see in one cheap call that nothing is new.
    fn stamp(&self, key: &str) -> Option<u64> {
        self.load(key).map(|value| {
            let mut hasher = DefaultHasher::new();
            value.hash(&mut hasher);
            hasher.finish()
        })
    }
}

/// Whether a store may be asked for this key.
fn is_key(key: &str) -> bool {
    let allowed = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b'-');
    (1..=64).contains(&key.len()) && key.bytes().all(allowed)
}
