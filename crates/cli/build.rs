//! Gives the program its version resource on Windows.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=build.rs");
    if is_linked_for_windows() {
        let mut resource = winresource::WindowsResource::new();
        resource.set("ProductName", "cardmod");
        resource.set("CompanyName", "The cardmod authors");
        resource.set("LegalCopyright", "The cardmod authors. MIT OR Apache-2.0");
        resource.set("OriginalFilename", "cardmod.exe");
        resource.set("FileDescription", "cardmod: smart cards through Cardmod.h");
        resource.set_language(0x0409);
        resource.compile_for("cardmod")?;
    }
    Ok(())
}

/// Whether a resource can be compiled: with mingw's tools from anywhere, with Microsoft's only where they are.
fn is_linked_for_windows() -> bool {
    let target = |what: &str| std::env::var(format!("CARGO_CFG_TARGET_{what}")).unwrap_or_default();
    target("OS") == "windows" && (target("ENV") == "gnu" || cfg!(windows))
}
