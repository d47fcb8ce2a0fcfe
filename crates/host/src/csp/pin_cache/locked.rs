//! Memory for one secret that the system does not swap out.

use std::fmt;

use region::LockGuard;
use zeroize::Zeroize as _;

/// No memory was locked.
#[derive(Debug, thiserror::Error)]
#[error("the system locks no memory for this program: {0}")]
pub struct NotLocked(region::Error);

/// A secret in pages of its own, locked into memory, and wiped when it goes.
///
/// Where the memory lies on the heap does not matter: the locked pages are wholly within this block,
/// so nobody else's data is locked or unlocked with it.
pub struct LockedSecret {
    /// Declared before the memory: it is unlocked before it is given back.
    guard: Option<LockGuard>,
    /// One page more than is used, of which the aligned part is locked. It never grows.
    memory: Vec<u8>,
    start: usize,
    length: usize,
}

impl LockedSecret {
    /// Copies a secret into locked memory.
    ///
    /// # Errors
    /// [`NotLocked`]: the system locks no more memory for this process (`RLIMIT_MEMLOCK`, working set).
    pub fn new(secret: &[u8]) -> Result<Self, NotLocked> {
        let page = region::page::size();
        let room = secret.len().div_ceil(page).max(1).saturating_mul(page);
        let memory = vec![0; room.saturating_add(page)];
        let start = memory.as_ptr().align_offset(page);
        let mut locked = Self { guard: None, memory, start, length: secret.len() };
        // LockedSecret before the secret is there, unlocked after it is wiped.
        locked.guard = Some(region::lock(locked.memory[start..].as_ptr(), room).map_err(NotLocked)?);
        locked.used().copy_from_slice(secret);
        Ok(locked)
    }

    /// The secret.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.memory[self.start..self.start + self.length]
    }

    fn used(&mut self) -> &mut [u8] {
        &mut self.memory[self.start..self.start + self.length]
    }
}

impl Drop for LockedSecret {
    fn drop(&mut self) {
        self.used().zeroize();
    }
}

impl fmt::Debug for LockedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LockedSecret({})", self.length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_of_all_lengths_are_kept_page_by_page() {
        let page = region::page::size();
        for length in [0, 1, 6, page, page + 1] {
            let secret: Vec<u8> = (0..length).map(|n| (n % 251) as u8).collect();
            let locked = LockedSecret::new(&secret).expect("a page may be locked");
            assert_eq!(locked.as_bytes(), secret);
            assert_eq!(locked.as_bytes().as_ptr().align_offset(page), 0, "a page of its own");
            assert_eq!(format!("{locked:?}"), format!("LockedSecret({length})"));
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_system_says_that_it_is_locked() {
        let locked = LockedSecret::new(b"123456").expect("a page may be locked");
        let address = locked.as_bytes().as_ptr() as usize;
        assert!(flags_at(address).contains(" lo"), "{}", flags_at(address));
        drop(locked);
    }

    /// The flags of the mapping that has this address.
    #[cfg(target_os = "linux")]
    fn flags_at(address: usize) -> String {
        let maps = std::fs::read_to_string("/proc/self/smaps").expect("the maps");
        let mut within = false;
        for line in maps.lines() {
            let range = line.split(' ').next().and_then(|range| range.split_once('-'));
            let range = range.and_then(|(from, to)| {
                usize::from_str_radix(from, 16).ok().zip(usize::from_str_radix(to, 16).ok())
            });
            if let Some((from, to)) = range {
                within = (from..to).contains(&address);
            } else if within && let Some(flags) = line.strip_prefix("VmFlags:") {
                return flags.to_owned();
            }
        }
        String::new()
    }
}
