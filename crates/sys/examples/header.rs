//! Prints the C header of the interface.
#![forbid(unsafe_code)]

fn main() {
    let mut text = String::new();
    cardmod_sys::header::write(&mut text).expect("a string takes everything");
    print!("{text}");
}
