//! The library stays loaded until the process ends, as `-z nodelete` has it on Linux.
//!
//! Threads that used a card have handlers of the crypto library that run when they end, and code that may still run
//! must not be unmapped. And Rust's runtime for `*-pc-windows-gnu` takes one of the process's 1088 indices of
//! thread-local storage for each load and gives none back: a program that loads this library for each card and
//! unloads it would be ended by it. So the library is pinned as soon as it is mapped, used or not.
//!
//! The notice comes through the image's thread-local storage directory, as to Rust's own runtime, so that nothing but
//! winscard.h's functions is exported.
//!
//! One of the files with unsafe code.

#![allow(unsafe_code)]

use std::ffi::c_void;
use std::hint::black_box;
use std::ptr::{null, null_mut};

use windows_sys::Win32::System::LibraryLoader::{
    GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS, GET_MODULE_HANDLE_EX_FLAG_PIN, GetModuleHandleExW,
    GetModuleHandleW,
};
use windows_sys::Win32::System::SystemServices::DLL_PROCESS_ATTACH;

type Callback = unsafe extern "system" fn(*mut c_void, u32, *mut c_void);

#[used]
#[unsafe(link_section = ".CRT$XLY")]
static CALLBACK: Callback = on_notice;

/// Makes the linker keep the callback.
pub(crate) fn keep() {
    black_box(&CALLBACK);
}

/// Called by the loader, under its lock.
unsafe extern "system" fn on_notice(image: *mut c_void, reason: u32, _reserved: *mut c_void) {
    // SAFETY: NULL asks for the program's image, which is never unmapped; its reference count is not touched.
    if reason != DLL_PROCESS_ATTACH || image == unsafe { GetModuleHandleW(null()) } {
        return;
    }
    let mut module = null_mut();
    let flags = GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_PIN;
    // SAFETY:
    // - with this flag the second argument is an address within a loaded module, which an image's beginning is
    // - the place lives; the loader's lock may be held
    // A failure leaves things as they are for any library.
    unsafe { GetModuleHandleExW(flags, image.cast(), &raw mut module) };
}
