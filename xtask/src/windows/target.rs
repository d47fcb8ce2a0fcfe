//! The platforms of the leg and the places of their files.

use std::path::PathBuf;

/// A Windows that programs are linked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    X86_64,
    I686,
}

impl Target {
    pub(crate) const fn triple(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64-pc-windows-gnu",
            Self::I686 => "i686-pc-windows-gnu",
        }
    }

    /// The name of its folder under `target/windows`.
    pub(crate) const fn folder(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64",
            Self::I686 => "i686",
        }
    }

    /// What the names of mingw's tools begin with.
    pub(crate) const fn mingw(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64-w64-mingw32-",
            Self::I686 => "i686-w64-mingw32-",
        }
    }
}

/// `target/windows`: all that the leg makes in the workspace.
pub(crate) fn home() -> PathBuf {
    crate::workspace_root().join("target/windows")
}

/// Cargo's target folder.
pub(crate) fn build_folder() -> PathBuf {
    home().join("build")
}

/// The Wine prefix.
pub(crate) fn prefix() -> PathBuf {
    home().join("prefix")
}

/// What outlives `target`: the standard libraries, which depend on the compiler alone. In the user's cache
/// folder, or in `target/windows` where there is none.
pub(crate) fn cache() -> PathBuf {
    let absolute = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let of_user = absolute("XDG_CACHE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".cache")));
    of_user.map_or_else(|| home().join("cache"), |cache| cache.join("cardmod/windows"))
}
