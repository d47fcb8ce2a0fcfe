//! The account of the thread-local storage indices that a library holds, and gives back as it goes.

use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// More than any module takes; what does not fit stays taken.
const MOST: usize = 64;

pub(super) struct Indices {
    /// The indices held, one more each; 0 is an empty place.
    held: [AtomicU32; MOST],
    /// An index may be the library's without being held here.
    others: AtomicBool,
    closed: AtomicBool,
}

impl Indices {
    pub(super) const fn new() -> Self {
        let held = [const { AtomicU32::new(0) }; MOST];
        Self { held, others: AtomicBool::new(false), closed: AtomicBool::new(false) }
    }

    /// The library has got this index.
    pub(super) fn add(&self, index: u32) {
        if !index.checked_add(1).is_some_and(|noted| self.exchange(0, noted)) {
            self.miss();
        }
    }

    /// The library may have indices that it was not seen to get.
    pub(super) fn miss(&self) {
        self.others.store(true, Ordering::Relaxed);
    }

    /// The library gives this index back: whether the system is to be told. One that is not the library's any more
    /// may be somebody else's by now.
    pub(super) fn remove(&self, index: u32) -> bool {
        index.checked_add(1).is_some_and(|noted| self.exchange(noted, 0))
            || self.others.load(Ordering::Relaxed) && !self.closed.load(Ordering::Relaxed)
    }

    /// The library goes: what it holds is given back now, and nothing later.
    pub(super) fn close(&self, free: impl Fn(u32)) {
        self.closed.store(true, Ordering::Relaxed);
        for place in &self.held {
            if let Some(index) = place.swap(0, Ordering::Relaxed).checked_sub(1) {
                free(index);
            }
        }
    }

    /// Finds a place with one value and puts another there.
    fn exchange(&self, from: u32, to: u32) -> bool {
        let swap = |place: &AtomicU32| {
            place.compare_exchange(from, to, Ordering::Relaxed, Ordering::Relaxed).is_ok()
        };
        self.held.iter().any(swap)
    }
}

#[cfg(test)]
mod tests {
    use core::cell::RefCell;

    use super::*;

    fn closed(indices: &Indices) -> Vec<u32> {
        let freed = RefCell::new(Vec::new());
        indices.close(|index| freed.borrow_mut().push(index));
        freed.into_inner()
    }

    #[test]
    fn an_index_is_given_back_once() {
        let indices = Indices::new();
        indices.add(0);
        indices.add(7);
        indices.add(9);
        assert!(indices.remove(7));
        assert!(!indices.remove(7), "it may be another library's by now");
        assert!(!indices.remove(8), "it never was this library's");
        assert!(!indices.remove(u32::MAX), "which is none");
        assert_eq!(closed(&indices), [0, 9]);
        assert!(!indices.remove(0) && !indices.remove(9), "after the end all are given back");
        assert_eq!(closed(&indices), []);
    }

    #[test]
    fn what_does_not_fit_is_the_systems_to_judge_until_the_end() {
        let indices = Indices::new();
        let most = u32::try_from(MOST).unwrap();
        (0..most).for_each(|index| indices.add(index));
        assert!(!indices.remove(most), "all that there are fit");
        indices.add(most);
        assert!(indices.remove(most));
        assert_eq!(closed(&indices).len(), MOST);
        assert!(!indices.remove(most), "nothing is given back after the end");
    }
}
