//! What the virtual cards' crypto library needs for 32-bit Windows alone: it brings its C declarations in
//! Rust for 64-bit Windows, and has bindgen make them elsewhere.

use std::path::{Path, PathBuf};

use super::outcome::{Failure, Result, run};
use super::packages::NO_INSTALL;

/// cmake builds the library, libclang reads its headers.
pub(crate) const PACKAGES: &[&str] = &["cmake", "libclang-dev"];

/// The bindgen that is installed where there is none; Debian's is too old.
const VERSION: &str = "0.73.2";

/// Where Debian has the versions of LLVM, each with headers of the compiler that mingw's include.
const LLVM: &str = "/usr/lib";

/// Puts bindgen where `test.sh` puts its tools.
pub(crate) fn ensure() -> Result<()> {
    let tools = tools();
    if tools.join("bin/bindgen").is_file() {
        return Ok(());
    }
    if std::env::var_os(NO_INSTALL).is_some() {
        return Err(Failure::CannotBeTried(format!("not installed, and {NO_INSTALL} is set: bindgen")));
    }
    eprintln!("installing bindgen {VERSION}");
    let mut install = crate::cargo();
    install.args(["install", "--quiet", "--locked", "--version", VERSION, "--root"]).arg(&tools);
    install.arg("--target-dir").arg(crate::workspace_root().join("target/tools-build")).arg("bindgen-cli");
    run("installing bindgen", &mut install)
}

/// What the build needs in its environment to find them.
pub(crate) fn settings() -> Vec<(String, String)> {
    let inherited = std::env::var("PATH").unwrap_or_default();
    let mut settings = vec![("PATH".to_owned(), format!("{}:{inherited}", tools().join("bin").display()))];
    if let Ok(headers) = headers(Path::new(LLVM)) {
        settings.push(("BINDGEN_EXTRA_CLANG_ARGS".to_owned(), format!("-isystem {}", headers.display())));
    }
    settings
}

/// The folder of clang's own headers below `root`: `llvm-14/lib/clang/14.0.6/include`.
fn headers(root: &Path) -> Result<PathBuf> {
    let versions = folders(root)
        .into_iter()
        .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("llvm-")));
    versions
        .flat_map(|llvm| folders(&llvm.join("lib/clang")))
        .map(|clang| clang.join("include"))
        .find(|include| include.join("mm_malloc.h").is_file())
        .ok_or_else(|| Failure::Failed(format!("no headers of clang below {}", root.display())))
}

/// The folders in a folder, in the order of their names; none where it is not there.
fn folders(path: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
    let mut folders: Vec<_> = entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    folders.sort();
    folders
}

fn tools() -> PathBuf {
    crate::workspace_root().join("target/tools")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_headers_are_those_of_an_llvm_that_has_them() {
        let root = std::env::temp_dir().join(format!("cardmod-llvm-{}", std::process::id()));
        let include = root.join("llvm-16/lib/clang/16/include");
        std::fs::create_dir_all(root.join("llvm-14/lib/clang/14.0.6/include")).unwrap();
        std::fs::create_dir_all(&include).unwrap();
        assert!(headers(&root).is_err(), "no header is there yet");
        std::fs::write(include.join("mm_malloc.h"), "").unwrap();
        assert_eq!(headers(&root), Ok(include));
        std::fs::remove_dir_all(&root).unwrap();
    }
}
