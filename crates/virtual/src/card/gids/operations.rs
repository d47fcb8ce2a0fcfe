//! PERFORM SECURITY OPERATION with a private key (GIDS 2.0, "PSO").

use std::sync::Arc;

use cardmod_crypto::{CryptoError, KeyKind, PrivateKey};
use cardmod_iso7816::StatusWord;
use cardmod_types::HashAlgorithm;
use cardmod_types::padding::{oaep_unpad, pkcs1_sign_block, pkcs1_unpad};

use super::keys::{check_right, prepared};
use super::{Answer, Context, Reply, Request, Stop};
use crate::fault::CardFault;
use crate::model::gids::access::Right;
use crate::model::gids::algorithm::{Operation, Template, operation};
use crate::model::gids::file::Content;
use crate::model::gids::volatile::Environment;

/// A chosen key, ready, and what is to be done with it.
struct Job {
    key: Arc<PrivateKey>,
    operation: Operation,
}

/// 9E 9A: the signature over a block, a DigestInfo or a hash.
pub(super) fn sign(context: &mut Context<'_>, request: &Request<'_>) -> Answer {
    let chosen = context.volatile.signature.ok_or(StatusWord::CONDITIONS_NOT_SATISFIED)?;
    let job = prepare(context, Template::Signature, chosen)?;
    match job.operation {
        Operation::SignPkcs1 => {
            let block = pkcs1_sign_block(request.data, job.key.kind().block_len());
            let block = block.map_err(|_| StatusWord::WRONG_DATA)?;
            Reply::with(job.key.rsa_raw(&block).map_err(refusal)?)
        }
        Operation::SignRaw => Reply::with(job.key.rsa_raw(request.data).map_err(refusal)?),
        Operation::SignEcdsa => Reply::with(job.key.ecdsa_sign(request.data).map_err(refusal)?),
        _ => Err(StatusWord::CONDITIONS_NOT_SATISFIED.into()),
    }
}

/// 80 86: the plaintext of a cryptogram, or the shared secret with a peer's point.
pub(super) fn decipher(context: &mut Context<'_>, request: &Request<'_>) -> Answer {
    let chosen = context.volatile.confidentiality.ok_or(StatusWord::CONDITIONS_NOT_SATISFIED)?;
    let job = prepare(context, Template::Confidentiality, chosen)?;
    if job.operation == Operation::Agree {
        return Reply::with(job.key.ecdh(request.data).map_err(refusal)?);
    }
    let cryptogram = without_indicator(request.data, job.key.kind());
    let block = job.key.rsa_raw(cryptogram).map_err(refusal)?;
    let plain = match job.operation {
        Operation::DecipherRaw => return Reply::with(block),
        Operation::DecipherOaep => oaep_unpad(HashAlgorithm::Sha1, &[], &block),
        _ => pkcs1_unpad(&block),
    };
    Reply::with(plain.map_err(|_| StatusWord::WRONG_DATA)?.into_zeroizing())
}

/// Checks that the chosen key is still there and may be used, and counts the use.
fn prepare(context: &mut Context<'_>, template: Template, chosen: Environment) -> Result<Job, Stop> {
    let operation = operation(template, chosen.algorithm).ok_or(StatusWord::CONDITIONS_NOT_SATISFIED)?;
    // The condition stands on the choice of the key; asking again costs nothing and holds whatever
    // happened to the security status since.
    check_right(context, chosen.file, Right::USE_KEY)?;
    let file = context.persistent.files.get(&chosen.file).map(|file| &file.content);
    let Some(Content::Key { uses, key: Some(stored) }) = file else {
        return Err(StatusWord::CONDITIONS_NOT_SATISFIED.into());
    };
    if stored.id != chosen.key_id {
        return Err(StatusWord::CONDITIONS_NOT_SATISFIED.into());
    }
    let listed = uses.iter().find(|entry| entry.template == template && entry.algorithm == chosen.algorithm);
    let limit = listed.map_or(0, |entry| entry.uses_per_pin);
    let key = prepared(context.prepared, stored)?;
    if limit > 0 {
        let count = context.volatile.uses.entry(chosen.file).or_default();
        if !context.volatile.status.user || *count >= limit {
            return Err(StatusWord::SECURITY_STATUS_NOT_SATISFIED.into());
        }
        *count += 1;
    }
    Ok(Job { key, operation })
}

/// The specification puts a padding indicator before the cryptogram, practice does not: both are taken.
fn without_indicator(data: &[u8], kind: KeyKind) -> &[u8] {
    match data {
        [0x00 | 0x81, cryptogram @ ..] if cryptogram.len() == kind.block_len() => cryptogram,
        _ => data,
    }
}

/// What the host sent wrong is a status word; what the library failed at is a fault.
fn refusal(error: CryptoError) -> Stop {
    match error {
        CryptoError::BadInput | CryptoError::BadPoint | CryptoError::BadKey => StatusWord::WRONG_DATA.into(),
        other => CardFault::Crypto(other).into(),
    }
}
