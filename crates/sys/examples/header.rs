//! Prints the C header of the interface.
#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, reason = "it is what the program does")]

fn main() {
    let mut text = String::new();
    cardmod_sys::header::write(&mut text).expect("a string takes everything");
    print!("{text}");
}
