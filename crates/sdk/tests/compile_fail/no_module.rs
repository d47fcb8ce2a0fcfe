//! A type that implements nothing.

struct NotAModule;

cardmod_sdk::export!(NotAModule);

fn main() {}
