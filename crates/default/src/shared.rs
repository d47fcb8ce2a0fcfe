//! The PC/SC provider as a shared library: found beside the program, loaded once, and reached by its
//! further functions.
//!
//! The one file of the crate with unsafe code.
#![allow(unsafe_code)]

use std::ffi::{CString, OsStr, c_char};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cardmod_pcsc::{LONG, Provider};
use cardmod_winscard::{Fault, FaultKind};
use libloading::Library;

use crate::environment::EnvironmentError;

/// The library's file. Card modules on Windows find it by this name alone; elsewhere its name is inside it.
const FILE: &str = if cfg!(windows) {
    "winscard.dll"
} else if cfg!(target_os = "macos") {
    "libcardmod_winscard.dylib"
} else {
    "libcardmod_winscard.so"
};

/// Folders in which cargo puts programs, one below its libraries: those of tests, and examples.
const BELOW_LIBRARIES: &[&str] = &["deps", "examples"];
/// What cargo has in the folder of what it builds.
const BUILD_MARK: &str = ".fingerprint";

type SetPath = unsafe extern "system" fn(*const c_char) -> LONG;
type Count = unsafe extern "system" fn() -> u64;
type LastFault = unsafe extern "system" fn(*const c_char, *mut u32, *mut c_char, u32) -> LONG;

/// Bytes for the text of a fault, with its NUL.
const FAULT_TEXT: usize = 4096;

/// The shared provider's further functions. They stay callable as long as this value lives.
pub(crate) struct SharedProvider {
    path: PathBuf,
    set_apdu_log: SetPath,
    set_store_dir: SetPath,
    apdu_count: Count,
    last_fault: LastFault,
    _library: Library,
}

impl SharedProvider {
    /// Finds and loads the library.
    pub(crate) fn load() -> Result<(Arc<Provider>, Self), EnvironmentError> {
        let path = shared_library()?;
        let provider = Provider::load(&path)?;
        let bad = |error: libloading::Error| EnvironmentError::BadSharedProvider {
            path: path.display().to_string(),
            reason: error.to_string(),
        };
        // SAFETY:
        // - the library is loaded already (the provider holds it), so no initialiser runs
        let library = unsafe { Library::new(&path) }.map_err(bad)?;
        // SAFETY:
        // - the type is that of the function in cardmod-winscard, whose library this is
        let set_apdu_log = *unsafe { library.get::<SetPath>(b"CardmodSetApduLog\0") }.map_err(bad)?;
        // SAFETY:
        // - the type is that of the function in cardmod-winscard, whose library this is
        let set_store_dir = *unsafe { library.get::<SetPath>(b"CardmodSetStoreDir\0") }.map_err(bad)?;
        // SAFETY:
        // - the type is that of the function in cardmod-winscard, whose library this is
        let apdu_count = *unsafe { library.get::<Count>(b"CardmodApduCount\0") }.map_err(bad)?;
        // SAFETY:
        // - the type is that of the function in cardmod-winscard, whose library this is
        let last_fault = *unsafe { library.get::<LastFault>(b"CardmodLastFault\0") }.map_err(bad)?;
        Ok((provider, Self { path, set_apdu_log, set_store_dir, apdu_count, last_fault, _library: library }))
    }

    /// Writes every APDU to this file from now on.
    pub(crate) fn set_apdu_log(&self, path: &Path) -> Result<(), EnvironmentError> {
        self.set(self.set_apdu_log, path)
            .map_err(|reason| EnvironmentError::ApduLog { path: path.display().to_string(), reason })
    }

    /// Serves the virtual cards of this directory from now on.
    pub(crate) fn set_store_dir(&self, path: &Path) -> Result<(), EnvironmentError> {
        self.set(self.set_store_dir, path).map_err(|reason| EnvironmentError::BadSharedProvider {
            path: self.path.display().to_string(),
            reason,
        })
    }

    fn set(&self, function: SetPath, path: &Path) -> Result<(), String> {
        let text = path.to_str().ok_or("the path is no text")?;
        let text = CString::new(text).map_err(|_| "the path has a NUL within")?;
        // SAFETY:
        // - the function is the library's (see `load`), which `self` keeps loaded
        // - it reads the string during the call
        match unsafe { function(text.as_ptr()) } {
            0 => Ok(()),
            code => Err(format!("the library answered 0x{code:X}")),
        }
    }

    /// Why the virtual card in a reader failed last.
    pub(crate) fn last_fault(&self, reader: &str) -> Option<Fault> {
        let reader = CString::new(reader).ok()?;
        let (mut kind, mut text) = (0, vec![0u8; FAULT_TEXT]);
        let length = u32::try_from(text.len()).ok()?;
        // SAFETY:
        // - the function is the library's (see `load`), which `self` keeps loaded
        // - it reads the name, and writes the number and at most `length` bytes, during the call
        let code = unsafe { (self.last_fault)(reader.as_ptr(), &mut kind, text.as_mut_ptr().cast(), length) };
        if code != 0 {
            return None;
        }
        let end = text.iter().position(|byte| *byte == 0)?;
        let text = String::from_utf8_lossy(&text[..end]).into_owned();
        FaultKind::from_code(kind).map(|kind| Fault { kind, text })
    }

    /// How many APDUs the library has sent.
    pub(crate) fn apdu_count(&self) -> u64 {
        // SAFETY:
        // - the function is the library's (see `load`), which `self` keeps loaded
        unsafe { (self.apdu_count)() }
    }
}

/// The PC/SC library that this program shares with card modules and other programs, found beside the
/// program. Where a program looks for `libpcsclite.so.1`, it serves it the virtual cards.
///
/// # Errors
/// [`EnvironmentError::NoSharedProvider`].
pub fn shared_library() -> Result<PathBuf, EnvironmentError> {
    let program = std::env::current_exe().unwrap_or_default();
    let folder = program.parent().unwrap_or(Path::new("."));
    let places = places(folder);
    let found = places.iter().find_map(|place| resolved(&place.join(FILE)).filter(|path| path.is_file()));
    found.ok_or_else(|| EnvironmentError::NoSharedProvider {
        file: FILE,
        program: program.file_name().unwrap_or(OsStr::new("the program")).to_string_lossy().into_owned(),
        searched: places.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", "),
        in_build: folder.ancestors().take(2).any(|folder| folder.join(BUILD_MARK).is_dir()),
    })
}

/// Where the library may be, seen from the program's folder. On Windows that is this folder: those above it, up to
/// a drive's root, may be everybody's to write to.
fn places(folder: &Path) -> Vec<PathBuf> {
    let mut places = vec![folder.to_path_buf()];
    let Some(above) = folder.parent() else { return places };
    if folder.file_name().is_some_and(|name| BELOW_LIBRARIES.iter().any(|below| name == *below)) {
        places.push(above.to_path_buf());
    }
    if !cfg!(windows) {
        places.extend([folder.join("deps"), above.join("lib").join("cardmod"), above.join("lib")]);
    }
    places
}

/// The path without what leads back and forth. Windows' own form of such a path is one that loaders and people do
/// not expect, and under Wine there is none for long ones.
fn resolved(path: &Path) -> Option<PathBuf> {
    if cfg!(windows) { std::path::absolute(path).ok() } else { path.canonicalize().ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_above_the_program_is_searched_only_where_cargo_builds() {
        let root = Path::new(if cfg!(windows) { r"C:\" } else { "/" });
        let above = |folder: &str| places(&root.join(folder)).contains(&root.to_path_buf());
        assert!(!above("cardmod") && !above("bin"));
        assert!(above("deps") && above("examples"));
        assert_eq!(places(&root.join("cardmod"))[0], root.join("cardmod"), "the program's own comes first");
    }

    #[test]
    #[cfg(windows)]
    fn an_installed_program_looks_in_its_own_folder_alone() {
        for folder in [r"C:\bin", r"C:\", r"C:\Program Files\cardmod", r"\\server\share\tools"] {
            assert_eq!(places(Path::new(folder)), [PathBuf::from(folder)]);
        }
    }
}
