//! Windows: a process that ends stops its other threads first, wherever they are, and a library is told when
//! it comes and goes.
//!
//! The notices come through the image's thread-local storage directory, as they do to Rust's own runtime, so
//! that a module exports no `DllMain`. The directory's callbacks are called in the order of their sections'
//! names: ours after the runtime's (`.CRT$XLB`), which takes one more index as the library goes.

#![allow(unsafe_code)]

use core::ffi::c_void;
use core::hint::black_box;

use windows_sys::Win32::System::LibraryLoader::GetModuleHandleW;
use windows_sys::Win32::System::SystemServices::{DLL_PROCESS_ATTACH, DLL_PROCESS_DETACH};
use windows_sys::Win32::System::Threading::GetCurrentThreadId;

type Callback = unsafe extern "system" fn(*mut c_void, u32, *mut c_void);

#[used]
#[unsafe(link_section = ".CRT$XLY")]
static CALLBACK: Callback = on_notice;

#[link(name = "ntdll")]
unsafe extern "system" {
    safe fn RtlDllShutdownInProgress() -> u8;
}

/// Makes the linker keep the callback.
pub(crate) fn keep() {
    black_box(&CALLBACK);
}

/// A number no other living thread has; never 0.
pub(crate) fn thread_token() -> usize {
    // SAFETY:
    // - the function has no arguments and no conditions.
    unsafe { GetCurrentThreadId() as usize }
}

/// Whether every other thread of the process was ended where it stood: the process is on its way out, and
/// the libraries are being told.
pub(crate) fn threads_are_gone() -> bool {
    RtlDllShutdownInProgress() != 0
}

/// Called by the loader, under its lock. The third argument tells a library's entry point whether the process
/// ends; callbacks are not told.
unsafe extern "system" fn on_notice(image: *mut c_void, reason: u32, _reserved: *mut c_void) {
    match reason {
        DLL_PROCESS_ATTACH => arrive(is_library(image)),
        // With the process everything goes by itself, and a host may still ask to delete a context.
        DLL_PROCESS_DETACH if is_library(image) && !threads_are_gone() => leave(),
        _ => {}
    }
}

/// Whether the image is none of the process's own, which is never unmapped.
fn is_library(image: *mut c_void) -> bool {
    // SAFETY:
    // - NULL asks for the program's image; its reference count is not touched.
    image != unsafe { GetModuleHandleW(core::ptr::null()) }
}

/// The image is mapped; nothing of it has run yet.
fn arrive(library: bool) {
    #[cfg(all(target_env = "gnu", not(target_abi = "llvm")))]
    super::windows_gnu::arrive(library);
    #[cfg(not(all(target_env = "gnu", not(target_abi = "llvm"))))]
    let _ = library;
}

/// The image goes, and the process stays.
fn leave() {
    crate::live::abandon_all();
    crate::panics::remove_hook();
    #[cfg(all(target_env = "gnu", not(target_abi = "llvm")))]
    super::windows_gnu::leave();
}
