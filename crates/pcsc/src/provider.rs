//! The process's one provider of PC/SC functions, found at run time.
//!
//! One of the three files with unsafe code (`table`, `provider`, `raw`).

#![allow(unsafe_code)]

use std::ffi::CStr;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use libloading::Library;

use crate::table::FunctionTable;

/// Name under which the system's library is found.
const SYSTEM_LIBRARY: &str = if cfg!(windows) { "winscard.dll" } else { "libpcsclite.so.1" };
/// Libraryloaderapi.h: the library comes from the system's own folder, wherever a program or its user stands.
#[cfg(windows)]
const LOAD_LIBRARY_SEARCH_SYSTEM32: u32 = 0x0000_0800;

static CURRENT: OnceLock<Arc<Provider>> = OnceLock::new();

/// The system's library while somebody uses it. Whoever asks may be a library that is to be unloaded itself, and
/// then nothing may be left loaded on its behalf.
static FOUND: Mutex<Weak<Provider>> = Mutex::new(Weak::new());

/// A set of PC/SC functions that stay callable as long as this value lives.
pub struct Provider {
    table: FunctionTable,
    origin: Origin,
}

enum Origin {
    /// A table of this program.
    Table,
    /// A library that stays loaded with the provider.
    Library { name: PathBuf, library: Library },
}

/// Why there is no provider.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// The library, or a function in it, is not there.
    #[error("cannot use {} as PC/SC library", library.display())]
    Load {
        /// File or name that was asked for.
        library: PathBuf,
        /// The loader's own words.
        #[source]
        source: libloading::Error,
    },
    /// The library is the one that asks.
    #[error("{} is this provider itself", .0.display())]
    Itself(PathBuf),
    /// The process already has another provider.
    #[error("this process already uses another PC/SC provider ({0})")]
    AlreadyInstalled(String),
}

impl Provider {
    /// A provider of this program's own functions.
    #[must_use]
    pub fn from_table(table: &'static FunctionTable) -> Arc<Self> {
        Arc::new(Self { table: *table, origin: Origin::Table })
    }

    /// Loads a library that has the functions of `libpcsclite.so.1` or `winscard.dll`.
    ///
    /// # Errors
    /// [`ProviderError::Load`] where the file cannot be loaded or lacks a function.
    pub fn load(path: &Path) -> Result<Arc<Self>, ProviderError> {
        // SAFETY:
        // - loading runs the library's initialisers: the caller chose a PC/SC library;
        // - nothing else is assumed of it before its symbols are found.
        Self::of_library(path, unsafe { Library::new(path) })
    }

    /// The functions of a library that was to be loaded.
    fn of_library(
        path: &Path,
        library: Result<Library, libloading::Error>,
    ) -> Result<Arc<Self>, ProviderError> {
        let failed = |source| ProviderError::Load { library: path.to_owned(), source };
        let library = library.map_err(failed)?;
        let table = FunctionTable::find(&library).map_err(failed)?;
        Ok(Arc::new(Self { table, origin: Origin::Library { name: path.to_owned(), library } }))
    }

    /// Loads a library by its full path beside one that exports the same names: its symbols are bound to
    /// itself, and a library that exports `marker` is refused, so that a provider never finds itself.
    ///
    /// # Errors
    /// [`ProviderError::Load`] as in [`Provider::load`]; [`ProviderError::Itself`] where the marker is found.
    pub fn load_foreign(path: &Path, marker: &CStr) -> Result<Arc<Self>, ProviderError> {
        let failed = |source| ProviderError::Load { library: path.to_owned(), source };
        let library = open_foreign(path).map_err(failed)?;
        // SAFETY:
        // - only the presence of the symbol is looked at;
        // - a pointer to nothing in particular may have any symbol's address.
        let found = unsafe { library.get::<*const ()>(marker.to_bytes_with_nul()) };
        if found.is_ok() {
            return Err(ProviderError::Itself(path.to_owned()));
        }
        Self::of_library(path, Ok(library))
    }

    /// Loads the system's library by its name; one already loaded under this name is the one that is found. On
    /// Windows nothing else is looked for but the one in the system's folder.
    ///
    /// # Errors
    /// [`ProviderError::Load`] where the system has none.
    pub fn system() -> Result<Arc<Self>, ProviderError> {
        Self::of_library(Path::new(SYSTEM_LIBRARY), open_system())
    }

    /// Makes this the provider of the process. The same one may be installed again.
    ///
    /// # Errors
    /// [`ProviderError::AlreadyInstalled`] where another one is in use.
    pub fn install(provider: Arc<Self>) -> Result<(), ProviderError> {
        let found = FOUND.lock().unwrap_or_else(PoisonError::into_inner).upgrade();
        if let Some(found) = found.filter(|found| !found.is_same(&provider)) {
            return Err(ProviderError::AlreadyInstalled(found.origin.to_string()));
        }
        let current = CURRENT.get_or_init(|| provider.clone());
        if Arc::ptr_eq(current, &provider) || current.is_same(&provider) {
            return Ok(());
        }
        Err(ProviderError::AlreadyInstalled(current.origin.to_string()))
    }

    /// The process's provider: the installed one, else the system's library, which stays as long as somebody
    /// has it.
    ///
    /// # Errors
    /// [`ProviderError::Load`] where none was installed and the system has none.
    pub fn current() -> Result<Arc<Self>, ProviderError> {
        if let Some(current) = CURRENT.get() {
            return Ok(current.clone());
        }
        let mut found = FOUND.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(system) = found.upgrade() {
            return Ok(system);
        }
        let system = Self::system()?;
        *found = Arc::downgrade(&system);
        Ok(system)
    }

    /// The functions; they must not be called after this provider is gone.
    #[must_use]
    pub fn table(&self) -> &FunctionTable {
        &self.table
    }

    /// The address of a function that is not in the table, for Windows' further ones; `None` where the library has
    /// none. Valid as long as this provider lives.
    #[must_use]
    pub fn address(&self, name: &CStr) -> Option<*const ()> {
        let Origin::Library { library, .. } = &self.origin else { return None };
        // SAFETY:
        // - only the symbol's address is taken;
        // - a pointer to nothing in particular may have any symbol's address.
        let found = unsafe { library.get::<*const ()>(name.to_bytes_with_nul()) };
        found.ok().map(|symbol| *symbol)
    }

    fn is_same(&self, other: &Self) -> bool {
        std::ptr::fn_addr_eq(self.table.Transmit, other.table.Transmit)
    }
}

impl Drop for Provider {
    /// Forgets the system's library with its last user; what else is remembered by then stays. Nobody is waited
    /// for: a thread that has the lock may have been ended with the process.
    fn drop(&mut self) {
        if let Ok(mut found) = FOUND.try_lock()
            && found.strong_count() == 0
        {
            *found = Weak::new();
        }
    }
}

#[cfg(not(windows))]
fn open_system() -> Result<Library, libloading::Error> {
    // SAFETY: loading runs the library's initialisers: it is the system's.
    unsafe { Library::new(SYSTEM_LIBRARY) }
}

/// What the program shares with its modules under this name, else the system's: a file that lies beside the program or
/// where its user stands is not looked for.
#[cfg(windows)]
fn open_system() -> Result<Library, libloading::Error> {
    use libloading::os::windows::Library as WindowsLibrary;
    let loaded = WindowsLibrary::open_already_loaded(SYSTEM_LIBRARY);
    // SAFETY: loading runs the library's initialisers: it is the system's.
    let found = loaded.or_else(|_| unsafe {
        WindowsLibrary::load_with_flags(SYSTEM_LIBRARY, LOAD_LIBRARY_SEARCH_SYSTEM32)
    });
    found.map(Library::from)
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn open_foreign(path: &Path) -> Result<Library, libloading::Error> {
    use libloading::os::unix::{Library as UnixLibrary, RTLD_LOCAL, RTLD_NOW};
    /// `<dlfcn.h>` of glibc: the library's own symbols go before those of the program.
    const RTLD_DEEPBIND: std::ffi::c_int = 0x8;
    // SAFETY: loading runs the library's initialisers: the caller chose a PC/SC library.
    unsafe { UnixLibrary::open(Some(path), RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND) }.map(Library::from)
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn open_foreign(path: &Path) -> Result<Library, libloading::Error> {
    // SAFETY: loading runs the library's initialisers: the caller chose a PC/SC library.
    unsafe { Library::new(path) }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Table => f.write_str("built in"),
            Self::Library { name, .. } => name.display().fmt(f),
        }
    }
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Provider({})", self.origin)
    }
}
