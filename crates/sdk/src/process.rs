//! The process around a module: what a thread is known by, whether the other threads are gone, and what is
//! given back when the library is unmapped.
//!
//! Windows may unmap a card module while its host lives on, thousands of times in one process, and may ask it
//! to delete a context after every other thread was ended where it stood. So nothing here has a destructor,
//! a lock is not waited for whose holder cannot come back, and what Rust's runtime takes from the process
//! is returned (`windows.rs`).

#[cfg(not(windows))]
mod elsewhere;
#[cfg(any(test, all(windows, target_env = "gnu", not(target_abi = "llvm"))))]
mod indices;
#[cfg(not(all(windows, target_env = "gnu", not(target_abi = "llvm"))))]
mod native;
#[cfg(windows)]
mod windows;
#[cfg(all(windows, target_env = "gnu", not(target_abi = "llvm")))]
mod windows_gnu;

use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

#[cfg(not(windows))]
pub(crate) use elsewhere::{keep, thread_token, threads_are_gone};
#[cfg(not(all(windows, target_env = "gnu", not(target_abi = "llvm"))))]
pub(crate) use native::{depth, set_depth};
#[cfg(windows)]
pub(crate) use windows::{keep, thread_token, threads_are_gone};
#[cfg(all(windows, target_env = "gnu", not(target_abi = "llvm")))]
pub(crate) use windows_gnu::{depth, set_depth};

/// Waits for a lock; `None` where the thread that holds it was ended with the process and will never give
/// it back.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
    match mutex.try_lock() {
        Ok(guard) => Some(guard),
        Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
        Err(TryLockError::WouldBlock) if threads_are_gone() => None,
        Err(TryLockError::WouldBlock) => Some(mutex.lock().unwrap_or_else(PoisonError::into_inner)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_have_different_tokens() {
        let here = thread_token();
        assert_ne!(here, 0, "which means nobody");
        assert_eq!(here, thread_token());
        assert_ne!(here, std::thread::spawn(thread_token).join().unwrap());
    }

    #[test]
    fn each_thread_has_a_depth_of_its_own() {
        keep();
        set_depth(3);
        assert_eq!(std::thread::spawn(depth).join().unwrap(), 0);
        assert_eq!(depth(), 3);
        set_depth(0);
    }

    #[test]
    fn a_lock_that_somebody_will_give_back_is_waited_for() {
        let mutex = Mutex::new(1);
        std::thread::scope(|scope| {
            let mut held = lock(&mutex).unwrap();
            let waiting = scope.spawn(|| *lock(&mutex).unwrap());
            *held = 2;
            drop(held);
            assert_eq!(waiting.join().unwrap(), 2);
        });
        let broken = std::panic::catch_unwind(|| {
            let _held = lock(&mutex);
            panic!("while it is held");
        });
        assert!(broken.is_err());
        assert_eq!(*lock(&mutex).unwrap(), 2, "a panic leaves the value");
    }
}
