//! The GIDS application: its table and its handlers, one file for each group of commands.

mod admin;
mod environment;
mod files;
mod keys;
mod objects;
mod operations;
mod pins;
mod put_key;
mod select;
pub(super) mod table;

use cardmod_iso7816::{CommandRef, StatusWord};

use super::context::{Answer, Reply, Request, Stop};
use super::dispatch::{Applet, Command};
use crate::model::gids::Persistent;
use crate::model::gids::file::ElementaryFile;
use crate::model::gids::persistent::AID;

pub(super) use files::container_count;

/// The card as a handler sees it.
type Context<'a> = super::context::Context<'a, Persistent>;

impl Applet for Persistent {
    fn is_named(name: &[u8]) -> bool {
        AID.starts_with(name)
    }

    fn find(
        &self,
        command: &CommandRef<'_>,
        selected: bool,
    ) -> Result<&'static dyn Command<Self>, StatusWord> {
        table::find(command, selected, self.life_cycle).map(|row| -> &'static dyn Command<Self> { row })
    }
}

impl Context<'_> {
    /// The file with this identifier.
    fn file(&self, id: u16) -> Result<&ElementaryFile, StatusWord> {
        self.persistent.files.get(&id).ok_or(StatusWord::FILE_NOT_FOUND)
    }
}
