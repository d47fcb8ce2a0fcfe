//! The files of a card.
//!
//! A card is a directory of the store: `card.image` (everything persistent, sealed), `run` (what lives
//! until the card loses power, and who uses it), `lock` (held for every APDU) and `clients/` (one locked
//! file for each connection: whose lock is gone, is gone). The store's `device.secret` seals all images.

pub(crate) mod clients;
pub(crate) mod files;
pub(crate) mod image;
pub(crate) mod lock;
pub(crate) mod run;
pub(crate) mod secret;
#[cfg_attr(windows, path = "disk/windows.rs")]
#[cfg_attr(not(windows), path = "disk/unix.rs")]
pub(crate) mod system;

use std::path::{Path, PathBuf};

/// Where a card's files are.
#[derive(Debug, Clone)]
pub(crate) struct CardPaths(PathBuf);

impl CardPaths {
    pub(crate) fn new(directory: PathBuf) -> CardPaths {
        CardPaths(directory)
    }

    pub(crate) fn directory(&self) -> &Path {
        &self.0
    }

    pub(crate) fn image(&self) -> PathBuf {
        self.0.join("card.image")
    }

    pub(crate) fn run(&self) -> PathBuf {
        self.0.join("run")
    }

    pub(crate) fn lock(&self) -> PathBuf {
        self.0.join("lock")
    }

    pub(crate) fn clients(&self) -> PathBuf {
        self.0.join("clients")
    }
}
