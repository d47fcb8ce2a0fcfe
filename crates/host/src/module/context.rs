//! A loaded card module, and one context of it between `CardAcquireContext` and
//! `CardDeleteContext`.

use std::path::Path;
use std::sync::Arc;

use cardmod_heap::{Heap, Ledger, Mode};
use cardmod_sys::{CARD_DATA, ERROR_REVISION_MISMATCH, SCARD_E_UNKNOWN_CARD};
use zeroize::Zeroizing;

use super::cache::Touched;
use super::entries;
use super::function::{CallError, CallErrorKind, CardFunction};
use super::layout::wide_units;
use super::shared::Shared;
use super::source::{LoadError, ModuleSource};
use super::table::{Block, Entry, Footprint, Lent, Table};

/// The lowest version of the interface that exists.
pub const LOWEST_VERSION: u32 = 4;
/// The highest version of the interface this host drives.
pub const HIGHEST_VERSION: u32 = 7;
/// The largest block a module may answer. The largest real ones are files of some ten kilobytes.
const LARGEST_BLOCK: u32 = 16 * 1024 * 1024;

/// A card module, loaded.
#[derive(Clone)]
pub struct Module {
    entry: Entry,
    name: String,
    identity: String,
}

/// The connection a context works on.
#[derive(Clone, Debug)]
pub struct Connection<'a> {
    /// `SCARDCONTEXT`.
    pub context: usize,
    /// `SCARDHANDLE`, with a transaction begun.
    pub card: usize,
    /// The card's answer to reset.
    pub atr: &'a [u8],
    /// The card's name.
    pub card_name: &'a str,
}

impl Module {
    /// Loads a card module.
    ///
    /// Before a shared library is loaded, the process's PC/SC provider must be one the library will
    /// find too; see [`cardmod_pcsc::Provider`].
    ///
    /// # Errors
    /// [`LoadError`] for a file that cannot be read, is no library, or exports no
    /// `CardAcquireContext`.
    pub fn load(source: &ModuleSource) -> Result<Self, LoadError> {
        match source {
            ModuleSource::BuiltIn { entry, name } => {
                let identity = format!("{name} {}", env!("CARGO_PKG_VERSION"));
                Ok(Self { entry: Entry::built_in(*entry), name: (*name).to_owned(), identity })
            }
            ModuleSource::Path(path) => {
                Ok(Self { entry: Entry::load(path)?, name: shown(path), identity: identity_of(path) })
            }
        }
    }

    /// The module's name, for people.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The module's name and what tells this build of it from another: what one build kept is not shown to
    /// another.
    pub(crate) fn identity(&self) -> &str {
        &self.identity
    }

    /// Acquires a context, asking for `highest` and, where the module refuses that version, for each
    /// lower one (specification 7.07, section 2.5).
    ///
    /// # Errors
    /// [`LoadError`]: the module refuses, knows the card not, answers a version that cannot be, or
    /// leaves holes in its function table. What it acquired is then deleted.
    pub fn acquire(
        &self,
        connection: &Connection<'_>,
        highest: u32,
        heap: Mode,
    ) -> Result<Context, LoadError> {
        let highest = highest.clamp(LOWEST_VERSION, HIGHEST_VERSION);
        let shared = Arc::new(Shared::new(Heap::new(heap)));
        for asked in (LOWEST_VERSION..=highest).rev() {
            let lent = lend(connection);
            match Table::acquire(self.entry.clone(), lent, Arc::clone(&shared), asked) {
                Ok(table) => return self.accept(table, connection, asked),
                Err(ERROR_REVISION_MISMATCH) => {}
                Err(SCARD_E_UNKNOWN_CARD) => {
                    return Err(LoadError::UnknownCard {
                        module: self.name.clone(),
                        atr: hex(connection.atr),
                    });
                }
                Err(code) => return Err(LoadError::Refused { module: self.name.clone(), code }),
            }
        }
        Err(LoadError::NoCommonVersion { module: self.name.clone(), lowest: LOWEST_VERSION, highest })
    }

    /// Looks at what the module answered before anything of it is used.
    fn accept(&self, table: Table, connection: &Connection<'_>, asked: u32) -> Result<Context, LoadError> {
        let module = || self.name.clone();
        let version = table.version();
        if !(LOWEST_VERSION..=asked).contains(&version) {
            return Err(LoadError::WrongVersion { module: module(), asked, answered: version });
        }
        let missing = entries::holes(&table.empty_entries(), entries::key_agreement_entries(version));
        if !missing.is_empty() {
            return Err(LoadError::Holes { module: module(), version, missing });
        }
        let data = table.read();
        if let Some(member) = overwritten(&data, connection) {
            return Err(LoadError::HostMember { module: module(), member });
        }
        let structures = entries::StructureVersions::of(version);
        Ok(Context { table, structures, module: self.name.clone(), touched: Touched::default() })
    }
}

/// What a module is lent for one context.
fn lend(connection: &Connection<'_>) -> Lent {
    // A reader's or card's name never has a NUL; one that did would end there.
    let name = connection.card_name.split('\0').next().unwrap_or_default();
    Lent {
        context: connection.context,
        card: connection.card,
        atr: connection.atr.into(),
        name: wide_units(name).unwrap_or_else(|| vec![0]).into(),
        flags: 0,
    }
}

/// A member of the host that is no longer what the host wrote.
fn overwritten(data: &CARD_DATA, connection: &Connection<'_>) -> Option<&'static str> {
    if data.hSCardCtx != connection.context {
        return Some("hSCardCtx");
    }
    if data.hScard != connection.card {
        return Some("hScard");
    }
    if usize::try_from(data.cbAtr).ok() != Some(connection.atr.len()) {
        return Some("cbAtr");
    }
    let callbacks = [
        (data.pfnCspAlloc.is_none(), "pfnCspAlloc"),
        (data.pfnCspReAlloc.is_none(), "pfnCspReAlloc"),
        (data.pfnCspFree.is_none(), "pfnCspFree"),
        (data.pbAtr.is_null(), "pbAtr"),
        (data.pwszCardName.is_null(), "pwszCardName"),
    ];
    callbacks.into_iter().find_map(|(lost, member)| lost.then_some(member))
}

fn shown(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

/// A module's file with its size and age: another build has others.
fn identity_of(path: &Path) -> String {
    let metadata = path.metadata().ok();
    let size = metadata.as_ref().map_or(0, std::fs::Metadata::len);
    let modified = metadata.and_then(|metadata| metadata.modified().ok());
    let age = modified.and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok()).unwrap_or_default();
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    format!("{} {size} {}", path.display(), age.as_nanos())
}

/// Bytes in hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02X}");
        text
    })
}

/// One context of a card module: one card, one `CARD_DATA`, its own memory.
///
/// Every function of `Cardmod.h` has one method here. The caller holds a PC/SC transaction on the
/// connection for each call. Dropping the context deletes it.
pub struct Context {
    pub(super) table: Table,
    pub(super) structures: entries::StructureVersions,
    module: String,
    /// What was written; see [`take_touched`](Self::take_touched).
    pub(super) touched: Touched,
}

impl Context {
    /// The version of the interface both sides agreed on (4 to 7).
    #[must_use]
    pub fn version(&self) -> u32 {
        self.table.version()
    }

    /// The module's name, for people.
    #[must_use]
    pub fn module(&self) -> &str {
        &self.module
    }

    /// The module has this function in the version agreed on.
    #[must_use]
    pub fn has(&self, function: CardFunction) -> bool {
        entries::has(self.table.functions(), function)
    }

    /// Tells the module new handles, which it reads at its next call.
    pub fn set_handles(&mut self, context: usize, card: usize) {
        self.table.set_handles(context, card);
        self.interrupted();
    }

    /// The account of the memory lent to the module.
    #[must_use]
    pub fn ledger(&self) -> Ledger {
        self.table.shared().heap().ledger()
    }

    /// What the calls so far may have left on the card.
    pub(crate) fn footprint(&self) -> Footprint {
        self.table.footprint()
    }

    /// What was changed since makes no difference.
    pub(crate) fn forgive_changes(&mut self, since: Footprint) {
        self.table.forgive_changes(since);
    }

    /// Calls `CardDeleteContext` and tells what is left of the memory lent: a module that frees what
    /// it allocated leaves no live block. Every later call answers [`CallErrorKind::Absent`].
    ///
    /// # Errors
    /// The module's code; the context is gone in any case.
    pub fn delete(&mut self) -> Result<Ledger, CallError> {
        self.table.delete()?;
        Ok(self.ledger())
    }

    /// Copies a block the module answered and frees it.
    pub(super) fn take(
        &self,
        function: CardFunction,
        block: &Block,
    ) -> Result<Zeroizing<Vec<u8>>, CallError> {
        if block.pointer.is_null() {
            return match block.length {
                0 => Ok(Zeroizing::default()),
                _ => Err(CallError::lie(function, "gave NULL for a block that is not empty")),
            };
        }
        let sensible = usize::try_from(block.length.min(LARGEST_BLOCK)).unwrap_or(0);
        let taken = self.table.shared().heap().take(block.pointer, sensible);
        let taken = taken.map_err(|error| CallError::new(function, CallErrorKind::Block(error)))?;
        if block.length > LARGEST_BLOCK {
            return Err(CallError::lie(function, "gave a block larger than any"));
        }
        Ok(taken)
    }
}
