//! Card modules: loading one, agreeing on a version of the interface, and calling it.
//!
//! [`Module::load`] takes a shared library or a module compiled in; [`Module::acquire`] makes a
//! [`Context`] for one card, which has one typed method for each function of `Cardmod.h`. Built-in
//! modules are driven through the same C table as libraries.
//!
//! A module is trusted to be code for this interface, and no further: the lengths, versions, blocks
//! and lists it answers are checked before use, and an answer that cannot be is a [`CallError`].

mod cache;
mod callbacks;
mod calls;
mod choice;
mod context;
mod entries;
mod function;
mod image;
mod layout;
mod own;
mod pad;
mod pin_entry;
mod shared;
mod source;
mod table;

pub use calls::{
    Agreement, KdfParameter, OaepParameters, SessionKeyPadding, SharedKey, UnblockFlag, UserName,
};
pub use choice::KeyMaterial;
pub(crate) use context::hex;
pub use context::{Connection, Context, HIGHEST_VERSION, LOWEST_VERSION, Module};
pub use function::{CallError, CallErrorKind, CardFunction, code_text};
pub use image::{EntryExport, Image, Machine, Processor, Signature, System};
pub(crate) use own::{Names, Places};
pub use pin_entry::PinStrength;
pub(crate) use source::whole_path;
pub use source::{LoadError, ModuleSource};
pub use table::BuiltInEntry;
pub(crate) use table::Footprint;
