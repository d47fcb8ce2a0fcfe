//! A value where a type belongs.

cardmod_sdk::export!(42);

fn main() {}
