//! The lock of a stripe: one atomic operation to take, none to give back. A stripe's lock is held for
//! tens of nanoseconds and nearly never fought for, and the callbacks' time is mostly locks: the
//! standard one costs a second atomic operation and a look at the thread's panics.
//! While the process has one thread, as the C library says, not even one is needed.
//! This file has unsafe code: the cell behind the lock, and the C library's flag.
#![allow(unsafe_code)]

use std::cell::UnsafeCell;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU8, Ordering};
use std::time::Duration;

/// A value behind a lock; on lines of its own, so that neighbours do not slow each other down.
#[repr(align(128))]
#[derive(Debug)]
pub(crate) struct Lock<T> {
    held: AtomicBool,
    value: UnsafeCell<T>,
}

// SAFETY:
// * the value is reached through a guard alone, and there is one guard at a time, so sharing the lock
//   only sends the value from thread to thread; a guard that is shared shares the value.
unsafe impl<T: Send + Sync> Sync for Lock<T> {}

impl<T> Lock<T> {
    pub(crate) fn new(value: T) -> Self {
        Self { held: AtomicBool::new(false), value: UnsafeCell::new(value) }
    }

    /// The value, if nobody has it now.
    #[inline(always)]
    pub(crate) fn try_lock(&self) -> Option<Guard<'_, T>> {
        let free = if alone() {
            // Nobody can come between the two. A thread that this one starts sees all it did before.
            let free = !self.held.load(Ordering::Relaxed);
            if free {
                self.held.store(true, Ordering::Relaxed);
            }
            free
        } else {
            self.held.compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed).is_ok()
        };
        // Not `then_some`: a guard made and dropped gives the lock back, whoever has it.
        free.then(|| Guard { lock: self })
    }

    /// The value, once nobody else has it.
    #[inline(always)]
    pub(crate) fn lock(&self) -> Guard<'_, T> {
        self.try_lock().unwrap_or_else(|| self.wait())
    }

    #[cold]
    fn wait(&self) -> Guard<'_, T> {
        let mut turns = 0u32;
        loop {
            // Its holder is at work, or the system took the processor away from it.
            match turns {
                0..64 => std::hint::spin_loop(),
                64..1024 => std::thread::yield_now(),
                _ => std::thread::sleep(Duration::from_micros(50)),
            }
            turns = turns.saturating_add(1);
            if !self.held.load(Ordering::Relaxed)
                && let Some(guard) = self.try_lock()
            {
                return guard;
            }
        }
    }
}

/// The right to the value; see [`Lock`].
#[derive(Debug)]
pub(crate) struct Guard<'a, T> {
    lock: &'a Lock<T>,
}

impl<T> Deref for Guard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY:
        // * this guard is the only one: `try_lock` makes one only when it turns `held` from false to
        //   true, and only `drop` turns it back.
        unsafe { &*self.lock.value.get() }
    }
}

impl<T> DerefMut for Guard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY:
        // * as in `deref`, and `self` is borrowed exclusively.
        unsafe { &mut *self.lock.value.get() }
    }
}

impl<T> Drop for Guard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.lock.held.store(false, Ordering::Release);
    }
}

/// Where the C library says whether the process has one thread; a flag of our own that says no, until
/// [`find_flag`] has found it.
static FLAG: AtomicPtr<AtomicU8> = AtomicPtr::new((&raw const NOT_ALONE).cast_mut());
static NOT_ALONE: AtomicU8 = AtomicU8::new(0);

#[inline(always)]
fn alone() -> bool {
    let flag = FLAG.load(Ordering::Relaxed);
    // SAFETY:
    // * `FLAG` points at `NOT_ALONE` or at the C library's flag, one byte that is never taken down; only
    //   the C library writes it, and only while there is one thread.
    let flag = unsafe { &*flag };
    flag.load(Ordering::Relaxed) != 0
}

/// Looks for the C library's flag: `__libc_single_threaded` of glibc 2.32 and later, made for exactly
/// this use (GNU C Library manual, "Detecting Single-Threaded Processes").
#[cfg(all(target_os = "linux", target_env = "gnu", not(miri)))]
pub(super) fn find_flag() {
    // SAFETY:
    // * both arguments are what the function wants: a pseudo handle and a C string.
    let flag = unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"__libc_single_threaded".as_ptr()) };
    if !flag.is_null() {
        FLAG.store(flag.cast(), Ordering::Relaxed);
    }
}

/// Nowhere else is there such a flag.
#[cfg(not(all(target_os = "linux", target_env = "gnu", not(miri))))]
pub(super) fn find_flag() {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time() {
        let lock = Lock::new(0u32);
        let rounds = if cfg!(miri) { 50 } else { 20_000 };
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..rounds {
                        let mut value = lock.lock();
                        let before = *value;
                        std::hint::spin_loop();
                        *value = before + 1;
                    }
                });
            }
        });
        assert_eq!(*lock.lock(), 4 * rounds);
        let held = lock.lock();
        assert!(lock.try_lock().is_none());
        drop(held);
        assert!(lock.try_lock().is_some());
    }
}
