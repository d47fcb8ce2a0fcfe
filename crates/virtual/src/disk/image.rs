//! The image file: a header anyone can read and the sealed persistent state.
//!
//! | Offset | Bytes | Field |
//! |---|---|---|
//! | 0 | 8 | `cardmodI` |
//! | 8 | 2 | format, big-endian |
//! | 10 | 1 | kind of card: 1 GIDS, 2 PIV, 3 both (formats from 2 on; 1 before) |
//! | 11 | 1 | 0 |
//! | 12 | 4 | length of the sealed state, big-endian |
//! | 16 | 16 | salt of the image's key |
//! | 32 | 12 | nonce |
//! | 44 | 8 | stamp: random, new with every replacement |
//! | 52 | 32 | SHA-256 of the fields before it and the sealed state |
//! | 84 | | the state, AES-256-GCM, the fields before the checksum as associated data |

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use cardmod_crypto::SealKey;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::files;
use super::secret::DeviceSecret;
use crate::fault::{CardFault, ImageError};
use crate::ports::{Random, SystemRandom};

/// The newest format, the one that is written.
pub(crate) const FORMAT: u16 = 2;
/// The applications on a card, as the kind byte says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ImageKind {
    /// GIDS alone.
    Gids = 1,
    /// PIV alone.
    Piv = 2,
    /// Both.
    Dual = 3,
}

const MAGIC: &[u8; 8] = b"cardmodI";
const FIELDS_LEN: usize = 52;
const HEADER_LEN: usize = FIELDS_LEN + 32;
/// More than any card's capacity with everything around it.
const MAX_SEALED: u64 = 64 * 1024 * 1024;

/// What the header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) format: u16,
    pub(crate) kind: ImageKind,
    sealed_len: u64,
    pub(crate) salt: [u8; 16],
    nonce: [u8; 12],
    pub(crate) stamp: u64,
}

/// An image's place and key.
pub(crate) struct ImageFile {
    path: PathBuf,
    kind: ImageKind,
    salt: [u8; 16],
    key: SealKey,
}

/// A whole image that was read.
pub(crate) struct Loaded {
    pub(crate) header: Header,
    pub(crate) state: Zeroizing<Vec<u8>>,
}

impl ImageFile {
    /// An image to be written for the first time.
    pub(crate) fn create(
        path: PathBuf,
        kind: ImageKind,
        secret: &DeviceSecret,
    ) -> Result<ImageFile, CardFault> {
        let mut salt = [0; 16];
        SystemRandom.fill(&mut salt)?;
        Ok(ImageFile { path, kind, salt, key: secret.image_key(&salt)? })
    }

    /// An existing image and its content.
    pub(crate) fn open(path: PathBuf, secret: &DeviceSecret) -> Result<(ImageFile, Loaded), CardFault> {
        let Header { kind, salt, .. } = read_header(&path)?;
        let image = ImageFile { key: secret.image_key(&salt)?, kind, path, salt };
        let loaded = image.load()?;
        Ok((image, loaded))
    }

    /// The key, which also seals what lies beside the image.
    pub(crate) fn key(&self) -> &SealKey {
        &self.key
    }

    /// Where the image is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The stamp of the image that is on the disk now.
    pub(crate) fn stamp(&self) -> Result<u64, CardFault> {
        read_header(&self.path).map(|header| header.stamp)
    }

    /// Reads and checks the whole image.
    pub(crate) fn load(&self) -> Result<Loaded, CardFault> {
        let bytes = std::fs::read(&self.path).map_err(|cause| files::fault("read", &self.path, cause))?;
        let bad = |cause| CardFault::Image { path: self.path.clone(), cause };
        let header = parse_header(&bytes).map_err(bad)?;
        let expected = HEADER_LEN as u64 + header.sealed_len;
        let found = bytes.len() as u64;
        if found < expected {
            return Err(bad(ImageError::Truncated { expected, found }));
        }
        let (fields, rest) = bytes.split_at(FIELDS_LEN);
        let (checksum, sealed) = rest.split_at(32);
        let same_card = header.salt == self.salt && header.kind == self.kind;
        if found > expected || checksum != checksum_of(fields, sealed) || !same_card {
            return Err(bad(ImageError::Damaged));
        }
        let state =
            self.key.open(&header.nonce, fields, sealed).map_err(|_| bad(ImageError::ForeignSecret))?;
        Ok(Loaded { header, state })
    }

    /// Replaces the image. Bytes of `state` are sealed before they reach the disk.
    pub(crate) fn save(&self, state: &[u8], stamp: u64) -> Result<(), CardFault> {
        let mut nonce = [0; 12];
        SystemRandom.fill(&mut nonce)?;
        let sealed_len = state.len() + cardmod_crypto::sealed_overhead();
        let sealed_len =
            u32::try_from(sealed_len).map_err(|_| CardFault::Inconsistent("a state over 4 GiB"))?;
        let mut image = Vec::with_capacity(HEADER_LEN + sealed_len as usize);
        image.extend_from_slice(MAGIC);
        image.extend_from_slice(&FORMAT.to_be_bytes());
        image.extend_from_slice(&[self.kind as u8, 0]);
        image.extend_from_slice(&sealed_len.to_be_bytes());
        image.extend_from_slice(&self.salt);
        image.extend_from_slice(&nonce);
        image.extend_from_slice(&stamp.to_be_bytes());
        let sealed = self.key.seal(&nonce, &image, state).map_err(CardFault::Crypto)?;
        let checksum = checksum_of(&image, &sealed);
        image.extend_from_slice(&checksum);
        image.extend_from_slice(&sealed);
        files::replace(&self.path, &image)
            .map_err(|cause| CardFault::NotSaved { path: self.path.clone(), cause })
    }
}

/// Reads what an image says about itself without its secret.
pub(crate) fn read_header(path: &Path) -> Result<Header, CardFault> {
    let mut start = Vec::with_capacity(HEADER_LEN);
    let file = File::open(path).map_err(|cause| files::fault("open", path, cause))?;
    let read = file.take(HEADER_LEN as u64).read_to_end(&mut start);
    read.map_err(|cause| files::fault("read", path, cause))?;
    parse_header(&start).map_err(|cause| CardFault::Image { path: path.to_path_buf(), cause })
}

fn parse_header(bytes: &[u8]) -> Result<Header, ImageError> {
    let cut_off = ImageError::Truncated { expected: HEADER_LEN as u64, found: bytes.len() as u64 };
    // An empty or short file that begins like an image is a cut-off one; anything else never was one.
    let known = bytes.len().min(MAGIC.len());
    if bytes[..known] != MAGIC[..known] {
        return Err(ImageError::NotAnImage);
    }
    let field = |at: usize, len: usize| bytes.get(at..at + len).ok_or(cut_off);
    let format = u16::from_be_bytes(fixed(field(8, 2)?));
    if format > FORMAT {
        return Err(ImageError::Newer { found: format, newest: FORMAT });
    }
    if bytes.len() < HEADER_LEN {
        return Err(cut_off);
    }
    let kind = match (format, bytes[10]) {
        (1.., 1) => ImageKind::Gids,
        (2.., 2) => ImageKind::Piv,
        (2.., 3) => ImageKind::Dual,
        _ => return Err(ImageError::Damaged),
    };
    let header = Header {
        format,
        kind,
        sealed_len: u64::from(u32::from_be_bytes(fixed(field(12, 4)?))),
        salt: fixed(field(16, 16)?),
        nonce: fixed(field(32, 12)?),
        stamp: u64::from_be_bytes(fixed(field(44, 8)?)),
    };
    if header.sealed_len <= MAX_SEALED { Ok(header) } else { Err(ImageError::Damaged) }
}

/// A slice of known length as an array.
fn fixed<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(bytes);
    out
}

fn checksum_of(fields: &[u8], sealed: &[u8]) -> [u8; 32] {
    Sha256::new().chain_update(fields).chain_update(sealed).finalize().into()
}
