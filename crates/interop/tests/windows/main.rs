//! The Windows programs, run under Wine by a test that runs on Linux: what they make is judged by Linux'
//! OpenSSL, and what they say compared with what the Linux program says.
//!
//! The programs are those of `CARDMOD_WINDOWS_DIR`, run through `CARDMOD_WINE` in the prefix that `WINEPREFIX`
//! names; `cargo xtask windows` builds them and sets all three. Without them the tests fail.
#![forbid(unsafe_code)]

mod abi;
mod c_host;
mod cards;
mod console;
mod desk;
mod gids;
mod log;
mod modules;
mod names;
mod openssl;
mod outputs;
mod paths;
mod pe;
mod piv;
mod registration;
mod sharing;
mod transcript;
