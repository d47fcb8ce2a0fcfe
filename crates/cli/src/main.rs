//! The `cardmod` program.
fn main() {}
