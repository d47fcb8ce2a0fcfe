//! A card's storage and randomness on disk, and the sealing of its session.

use std::fs::File;
use std::path::Path;

use zeroize::Zeroizing;

use crate::disk::files;
use crate::disk::image::ImageFile;
use crate::disk::run::{self, Run};
use crate::fault::CardFault;
use crate::ports::{Random, Storage, SystemRandom};

/// The image and what it takes to replace it.
pub(super) struct Disk {
    pub(super) image: ImageFile,
    /// Stamp of the image whose content is in memory.
    pub(super) stamp: u64,
}

/// Storage and randomness of a card on disk.
pub(super) struct DiskPorts<'a> {
    pub(super) disk: &'a mut Disk,
    pub(super) run_file: &'a mut File,
    pub(super) run_path: &'a Path,
    pub(super) run: &'a mut Run,
    pub(super) written: &'a mut Run,
}

impl Storage for DiskPorts<'_> {
    fn save(&mut self, state: &[u8]) -> Result<(), CardFault> {
        self.check_succession()?;
        let stamp = random_id()?;
        // Announced first: should this process die in between, nobody trusts what he has in memory.
        self.run.image_stamp = stamp;
        self.announce()?;
        // After a failure the announcement stands: the image may have been replaced all the same, so
        // everyone reads it again.
        self.disk.image.save(state, stamp)?;
        self.disk.stamp = stamp;
        Ok(())
    }
}

impl DiskPorts<'_> {
    /// Only the image that is in memory is replaced. The run file tells of every other one, but it can be
    /// removed, or put back from a copy; a lost try must not come back with it.
    fn check_succession(&mut self) -> Result<(), CardFault> {
        let there = self.disk.image.stamp()?;
        if there == self.disk.stamp {
            return Ok(());
        }
        // Read before the next command.
        self.run.image_stamp = there;
        let cause = std::io::Error::other("the image was replaced by another process");
        Err(CardFault::NotSaved { path: self.disk.image.path().to_path_buf(), cause })
    }

    fn announce(&mut self) -> Result<(), CardFault> {
        write_run(self.run_file, self.run_path, self.run)?;
        *self.written = self.run.clone();
        Ok(())
    }
}

impl Random for DiskPorts<'_> {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), CardFault> {
        SystemRandom.fill(out)
    }
}

pub(super) fn write_run(file: &mut File, path: &Path, run: &mut Run) -> Result<(), CardFault> {
    run::write(file, run).map_err(|cause| files::fault("write", path, cause))
}

pub(super) fn seal_session(key: &cardmod_crypto::SealKey, plain: &[u8]) -> Result<Vec<u8>, CardFault> {
    let mut nonce = [0; 12];
    SystemRandom.fill(&mut nonce)?;
    let mut out = nonce.to_vec();
    out.extend(key.seal(&nonce, SESSION, plain).map_err(CardFault::Crypto)?);
    Ok(out)
}

pub(super) fn open_session(key: &cardmod_crypto::SealKey, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (nonce, sealed) = sealed.split_first_chunk()?;
    key.open(nonce, SESSION, sealed).ok()
}

/// Associated data that tells a session from an image.
const SESSION: &[u8] = b"session";

pub(super) fn random_id() -> Result<u64, CardFault> {
    let mut bytes = [0; 8];
    SystemRandom.fill(&mut bytes)?;
    Ok(u64::from_be_bytes(bytes))
}
