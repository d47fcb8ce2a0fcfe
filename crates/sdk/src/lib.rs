//! Write a Windows smart card minidriver (card module) in safe Rust.
