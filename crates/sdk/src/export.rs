//! The macro that makes a module loadable.

/// Exports `CardAcquireContext` for a [`CardModule`](crate::CardModule), once in a `cdylib` crate.
///
/// ```text
/// cardmod_sdk::export!(MyModule);
/// ```
///
/// It expands to that one function, which forwards to [`acquire`](crate::acquire). It may be used in a
/// crate that forbids unsafe code.
#[macro_export]
macro_rules! export {
    ($module:ty) => {
        /// Acquires a context for the host's `CARD_DATA` (Cardmod.h).
        ///
        /// # Safety
        /// As for `cardmod_sdk::acquire`.
        #[unsafe(no_mangle)]
        #[allow(non_snake_case)]
        pub unsafe extern "system" fn CardAcquireContext(
            card_data: *mut $crate::sys::CARD_DATA,
            flags: $crate::sys::DWORD,
        ) -> $crate::sys::DWORD {
            // SAFETY:
            // - the caller owes the same to both functions.
            unsafe { $crate::acquire::<$module>(card_data, flags) }
        }
    };
}
