//! The PC/SC functions as a table of pointers, and its loading from a library.
//!
//! One of the three files with unsafe code (`table`, `provider`, `raw`).

#![allow(unsafe_code)]
#![allow(non_snake_case)]

use std::ffi::c_void;

use libloading::Library;

use crate::native::{
    CHAR, CardIdentifier, DWORD, LONG, SCARD_IO_REQUEST, SCARD_READERSTATE, SCARDCONTEXT, SCARDHANDLE,
};

/// The symbol of a function; where there are two, the second is Windows' `W` form.
#[cfg(not(windows))]
macro_rules! symbol {
    ($symbol:literal $($wide:literal)?) => {
        $symbol
    };
}

/// The symbol of a function; where there are two, the second is Windows' `W` form.
#[cfg(windows)]
macro_rules! symbol {
    ($symbol:literal) => {
        $symbol
    };
    ($symbol:literal $wide:literal) => {
        $wide
    };
}

macro_rules! function_table {
    (
        required { $($name:ident [$($symbol:literal)*]: fn($($argument:ty),* $(,)?);)* }
        optional { $($option:ident [$($option_symbol:literal)*]: fn($($option_argument:ty),* $(,)?);)* }
    ) => {
        /// The PC/SC functions with this platform's types (pcsc-lite's, or Windows' `W` forms).
        ///
        /// Who makes a table by hand answers for it: every function follows the contract of its namesake in
        /// Winscard.h or winscard.h and never unwinds.
        #[repr(C)]
        #[derive(Clone, Copy)]
        pub struct FunctionTable {
            $(#[doc = concat!("`", symbol!($($symbol)*), "`")] pub $name: unsafe extern "system" fn($($argument),*) -> LONG,)*
            $(#[doc = concat!("`", symbol!($($option_symbol)*), "`; `None` where the library has none")]
              pub $option: Option<unsafe extern "system" fn($($option_argument),*) -> LONG>,)*
        }

        impl FunctionTable {
            /// Finds every function in a loaded library; the error names the first that is missing.
            pub(crate) fn find(library: &Library) -> Result<Self, libloading::Error> {
                Ok(Self {
                    $($name: {
                        // SAFETY:
                        // - the symbol is a PC/SC function by its name; its type is the one winscard.h gives it
                        //   (this macro's list is that header's);
                        // - the caller keeps the library loaded as long as the pointer is used (`Provider`).
                        let symbol = unsafe {
                            library.get::<unsafe extern "system" fn($($argument),*) -> LONG>(
                                concat!(symbol!($($symbol)*), "\0").as_bytes(),
                            )
                        };
                        *symbol?
                    },)*
                    $($option: {
                        // SAFETY: as above; absence is an answer.
                        let symbol = unsafe {
                            library.get::<unsafe extern "system" fn($($option_argument),*) -> LONG>(
                                concat!(symbol!($($option_symbol)*), "\0").as_bytes(),
                            )
                        };
                        symbol.ok().map(|found| *found)
                    },)*
                })
            }
        }
    };
}

function_table! {
    required {
        EstablishContext ["SCardEstablishContext"]:
            fn(DWORD, *const c_void, *const c_void, *mut SCARDCONTEXT);
        ReleaseContext ["SCardReleaseContext"]: fn(SCARDCONTEXT);
        IsValidContext ["SCardIsValidContext"]: fn(SCARDCONTEXT);
        ListReaderGroups ["SCardListReaderGroups" "SCardListReaderGroupsW"]:
            fn(SCARDCONTEXT, *mut CHAR, *mut DWORD);
        ListReaders ["SCardListReaders" "SCardListReadersW"]:
            fn(SCARDCONTEXT, *const CHAR, *mut CHAR, *mut DWORD);
        FreeMemory ["SCardFreeMemory"]: fn(SCARDCONTEXT, *const c_void);
        GetStatusChange ["SCardGetStatusChange" "SCardGetStatusChangeW"]:
            fn(SCARDCONTEXT, DWORD, *mut SCARD_READERSTATE, DWORD);
        Cancel ["SCardCancel"]: fn(SCARDCONTEXT);
        Connect ["SCardConnect" "SCardConnectW"]:
            fn(SCARDCONTEXT, *const CHAR, DWORD, DWORD, *mut SCARDHANDLE, *mut DWORD);
        Reconnect ["SCardReconnect"]: fn(SCARDHANDLE, DWORD, DWORD, DWORD, *mut DWORD);
        Disconnect ["SCardDisconnect"]: fn(SCARDHANDLE, DWORD);
        BeginTransaction ["SCardBeginTransaction"]: fn(SCARDHANDLE);
        EndTransaction ["SCardEndTransaction"]: fn(SCARDHANDLE, DWORD);
        Status ["SCardStatus" "SCardStatusW"]:
            fn(SCARDHANDLE, *mut CHAR, *mut DWORD, *mut DWORD, *mut DWORD, *mut u8, *mut DWORD);
        Transmit ["SCardTransmit"]:
            fn(
                SCARDHANDLE,
                *const SCARD_IO_REQUEST,
                *const u8,
                DWORD,
                *mut SCARD_IO_REQUEST,
                *mut u8,
                *mut DWORD,
            );
        Control ["SCardControl"]:
            fn(SCARDHANDLE, DWORD, *const c_void, DWORD, *mut c_void, DWORD, *mut DWORD);
        GetAttrib ["SCardGetAttrib"]: fn(SCARDHANDLE, DWORD, *mut u8, *mut DWORD);
        SetAttrib ["SCardSetAttrib"]: fn(SCARDHANDLE, DWORD, *const u8, DWORD);
    }
    optional {
        ReadCache ["SCardReadCacheA" "SCardReadCacheW"]:
            fn(SCARDCONTEXT, *const CardIdentifier, DWORD, *const CHAR, *mut u8, *mut DWORD);
        WriteCache ["SCardWriteCacheA" "SCardWriteCacheW"]:
            fn(SCARDCONTEXT, *const CardIdentifier, DWORD, *const CHAR, *const u8, DWORD);
    }
}
