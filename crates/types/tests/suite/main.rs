//! What cardmod-types promises, from outside: known answers, round trips, hostile input, and the
//! agreement with the `openssl` program.
#![allow(clippy::unwrap_used)] // helpers of tests are tests too

mod certificate;
mod container_map;
mod kdf;
mod keys;
#[cfg(unix)] // where the program is part of every system
mod openssl;
mod padding;
mod redact;
mod support;
