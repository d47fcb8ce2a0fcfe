//! The run file: what lives until the card loses power, and who uses the card.
//!
//! Read and written in place under the card's lock, never synced: after a power cut nobody is
//! connected, and the first who connects finds the card freshly powered. What the card itself remembers
//! between APDUs (security status, half-received commands, answers that wait) is sealed with the
//! image's key.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};

use sha2::{Digest as _, Sha256};

use crate::model::codec::{Decoder, Encoder, Malformed};

const MAGIC: &[u8; 8] = b"cardmodR";
/// Magic, sequence, length, checksum.
const PREFIX_LEN: usize = 8 + 8 + 4 + 8;
/// An answer that waits may hold all of the largest card.
const MAX_BODY: usize = 20 * 1024 * 1024;

/// How a connection holds the card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Share {
    /// Connected without claiming anything; such a connection hinders nobody.
    #[default]
    Observer,
    /// Others may use the card too.
    Shared,
    /// Nobody else may.
    Exclusive,
    /// The card is served to pcscd and may be used through it alone.
    Plugged,
}

/// A transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LeaseRecord {
    pub(crate) owner: u64,
    pub(crate) start_ms: u64,
    pub(crate) last_ms: u64,
}

/// A connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ClientRecord {
    pub(crate) id: u64,
    pub(crate) share: Share,
}

/// The content of a run file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Run {
    /// Changes with every write; who saw it last need not read further.
    pub(crate) sequence: u64,
    /// Stamp of the image in force; another one in memory is out of date.
    pub(crate) image_stamp: u64,
    pub(crate) insertions: u32,
    pub(crate) resets: u32,
    pub(crate) ejected: bool,
    pub(crate) erased: bool,
    pub(crate) lease: Option<LeaseRecord>,
    /// Who waits for the lease, and when it last said so.
    pub(crate) waiter: Option<(u64, u64)>,
    pub(crate) clients: Vec<ClientRecord>,
    /// Nonce and sealed session; empty for a card that was just powered.
    pub(crate) session: Vec<u8>,
}

/// What the file said.
pub(crate) enum Found {
    /// Nothing new since the sequence the reader knows.
    Unchanged,
    Run(Box<Run>),
    /// No run file, or one a kill left half written.
    Unusable,
}

/// Reads the file unless its sequence is the known one.
pub(crate) fn read(file: &mut File, known: Option<u64>) -> io::Result<Found> {
    let mut prefix = [0; PREFIX_LEN];
    file.seek(SeekFrom::Start(0))?;
    match file.read_exact(&mut prefix) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(Found::Unusable),
        other => other?,
    }
    let mut fields = Decoder::new(&prefix);
    let Ok((magic, sequence, len, checksum)) = read_prefix(&mut fields) else { return Ok(Found::Unusable) };
    if magic != *MAGIC || len > MAX_BODY {
        return Ok(Found::Unusable);
    }
    if known == Some(sequence) {
        return Ok(Found::Unchanged);
    }
    let mut body = vec![0; len];
    match file.read_exact(&mut body) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(Found::Unusable),
        other => other?,
    }
    if checksum != checksum_of(sequence, &body) {
        return Ok(Found::Unusable);
    }
    Ok(match Run::decode(sequence, &body) {
        Ok(run) => Found::Run(Box::new(run)),
        Err(Malformed) => Found::Unusable,
    })
}

/// Writes the file with the next sequence.
pub(crate) fn write(file: &mut File, run: &mut Run) -> io::Result<()> {
    run.sequence = run.sequence.wrapping_add(1);
    let body = run.encode();
    let mut out = Encoder::default();
    out.raw(MAGIC);
    out.quad(run.sequence);
    out.long(u32::try_from(body.len()).unwrap_or(u32::MAX));
    out.raw(&checksum_of(run.sequence, &body));
    out.raw(&body);
    file.seek(SeekFrom::Start(0))?;
    file.write_all(&out.finish())
}

fn read_prefix(fields: &mut Decoder<'_>) -> Result<([u8; 8], u64, usize, [u8; 8]), Malformed> {
    let (magic, sequence, len, checksum) = (fields.array()?, fields.quad()?, fields.long()?, fields.array()?);
    Ok((magic, sequence, usize::try_from(len).map_err(|_| Malformed)?, checksum))
}

fn checksum_of(sequence: u64, body: &[u8]) -> [u8; 8] {
    let digest = Sha256::new().chain_update(sequence.to_be_bytes()).chain_update(body).finalize();
    let mut short = [0; 8];
    short.copy_from_slice(&digest[..8]);
    short
}

impl Run {
    fn encode(&self) -> Vec<u8> {
        let mut out = Encoder::default();
        out.quad(self.image_stamp);
        out.long(self.insertions);
        out.long(self.resets);
        out.flag(self.ejected);
        out.flag(self.erased);
        out.option(self.lease.as_ref(), |out, lease| {
            out.quad(lease.owner);
            out.quad(lease.start_ms);
            out.quad(lease.last_ms);
        });
        out.option(self.waiter.as_ref(), |out, (client, seen)| {
            out.quad(*client);
            out.quad(*seen);
        });
        out.long(u32::try_from(self.clients.len()).unwrap_or(u32::MAX));
        for client in &self.clients {
            out.quad(client.id);
            out.byte(client.share as u8);
        }
        out.bytes(&self.session);
        out.finish().to_vec()
    }

    fn decode(sequence: u64, body: &[u8]) -> Result<Run, Malformed> {
        let read = &mut Decoder::new(body);
        let (image_stamp, insertions, resets) = (read.quad()?, read.long()?, read.long()?);
        let (ejected, erased) = (read.flag()?, read.flag()?);
        let lease = read.option(|read| {
            Ok(LeaseRecord { owner: read.quad()?, start_ms: read.quad()?, last_ms: read.quad()? })
        })?;
        let waiter = read.option(|read| Ok((read.quad()?, read.quad()?)))?;
        let count = read.long()?;
        let client = |_| Ok(ClientRecord { id: read.quad()?, share: Share::from_code(read.byte()?)? });
        let clients = (0..count).map(client).collect::<Result<_, _>>()?;
        let session = read.bytes()?.to_vec();
        Ok(Run {
            sequence,
            image_stamp,
            insertions,
            resets,
            ejected,
            erased,
            lease,
            waiter,
            clients,
            session,
        })
    }
}

impl Share {
    fn from_code(code: u8) -> Result<Share, Malformed> {
        match code {
            0 => Ok(Share::Observer),
            1 => Ok(Share::Shared),
            2 => Ok(Share::Exclusive),
            3 => Ok(Share::Plugged),
            _ => Err(Malformed),
        }
    }
}
