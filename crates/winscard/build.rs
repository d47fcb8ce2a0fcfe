//! Gives the library the name under which programs look for pcsc-lite.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libpcsclite.so.1");
        // Programs load and unload PC/SC libraries at will, while the crypto library inside this one has
        // thread-exit handlers; code that a thread may still run must not be unmapped.
        println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
    }
}
