//! GENERATE ASYMMETRIC KEY PAIR and GET PUBLIC KEY (GIDS 2.0, same titles).

use std::sync::Arc;

use cardmod_crypto::{CryptoError, KeyKind, PrivateKey};
use cardmod_iso7816::StatusWord;
use cardmod_iso7816::tlv::{Reader, Tag, Writer, single};
use zeroize::Zeroizing;

use super::{Answer, Context, Reply, Request, Stop};
use crate::card::cache::KeyCache;
use crate::fault::CardFault;
use crate::model::gids::access::Right;
use crate::model::gids::algorithm::{Template, key_kind};
use crate::model::gids::crt::ControlReference;
use crate::model::gids::file::{Content, FileState, Material, StoredKey};

const PUBLIC_KEY: Tag = Tag::new(0x7F49);
const KEY_REFERENCES: [Tag; 2] = [Tag::new(0x83), Tag::new(0x84)];

/// Makes a key in its key EF and answers the public half.
pub(super) fn generate(context: &mut Context<'_>, request: &Request<'_>) -> Answer {
    let template =
        single(request.data).ok().filter(|object| object.tag.get() == 0xAC).ok_or(StatusWord::WRONG_DATA)?;
    let [algorithm] = Reader::new(template.value).find(Tag::new(0x80)).ok().flatten().unwrap_or_default()
    else {
        return Err(StatusWord::WRONG_DATA.into());
    };
    let file = key_file(context, reference(template.value)?)?;
    let kind = key_kind(*algorithm).ok_or(StatusWord::FUNCTION_NOT_SUPPORTED)?;
    check_right(context, file, Right::GENERATE)?;
    check_kind(context, file, kind)?;
    let key = PrivateKey::generate(kind).map_err(CardFault::Crypto)?;
    let public = store(context, file, key)?;
    Reply::with(public)
}

/// The public key template of the key that `84` names in the request template's value.
pub(super) fn public_key(context: &mut Context<'_>, template: &[u8]) -> Answer {
    let file = key_file(context, reference(template)?)?;
    let entry = context.file(file)?;
    let Content::Key { key: Some(StoredKey { material: Material::Asymmetric { public, .. }, .. }), .. } =
        &entry.content
    else {
        return Err(StatusWord::REFERENCED_DATA_NOT_FOUND.into());
    };
    if !context.persistent.file_allows(entry, Right::GET_PUBLIC_KEY, context.volatile.status) {
        return Err(StatusWord::SECURITY_STATUS_NOT_SATISFIED.into());
    }
    Reply::with(public.clone())
}

/// Stores a new private key, activates its file, and answers the public key template.
pub(super) fn store(context: &mut Context<'_>, file: u16, key: PrivateKey) -> Result<Vec<u8>, Stop> {
    let public = public_template(&key)?;
    let der = key.to_der().map_err(CardFault::Crypto)?;
    let material = Material::Asymmetric { kind: key.kind(), der, public: public.clone() };
    let id = store_material(context, file, material)?;
    context.prepared.insert(id, Arc::new(key));
    Ok(public)
}

/// Stores key material of any kind under a new name.
pub(super) fn store_material(context: &mut Context<'_>, file: u16, material: Material) -> Result<u64, Stop> {
    let id = u64::from_be_bytes(context.random()?);
    context.commit(|persistent| {
        let entry = persistent.files.get_mut(&file).ok_or(StatusWord::FILE_NOT_FOUND)?;
        let Content::Key { key, .. } = &mut entry.content else { return Err(StatusWord::FILE_NOT_FOUND) };
        *key = Some(StoredKey { id, material });
        if entry.state == FileState::Deactivated {
            entry.state = FileState::Activated;
        }
        Ok(())
    })?;
    let current = context.volatile.current;
    context.volatile.forget_file(file);
    context.volatile.current = current;
    Ok(id)
}

/// The key EF of a key reference.
pub(super) fn key_file(context: &Context<'_>, reference: u8) -> Result<u16, StatusWord> {
    context.persistent.key_file_id(reference).ok_or(StatusWord::REFERENCED_DATA_NOT_FOUND)
}

/// The key reference (83 or 84) among the first objects of a template. What follows it may be a header
/// list, which is no well-formed object, so reading stops there.
pub(super) fn reference(template: &[u8]) -> Result<u8, StatusWord> {
    let found = Reader::new(template).flatten().find(|object| KEY_REFERENCES.contains(&object.tag));
    match found.map(|object| object.value) {
        Some([reference]) => Ok(*reference),
        _ => Err(StatusWord::WRONG_DATA),
    }
}

/// Refuses what the file's access rules do not grant.
pub(super) fn check_right(context: &Context<'_>, file: u16, right: Right) -> Result<(), StatusWord> {
    let allowed = context.persistent.file_allows(context.file(file)?, right, context.volatile.status);
    if allowed { Ok(()) } else { Err(StatusWord::SECURITY_STATUS_NOT_SATISFIED) }
}

/// Refuses a key of another kind than the file was made for.
pub(super) fn check_kind(context: &Context<'_>, file: u16, kind: KeyKind) -> Result<(), StatusWord> {
    let Content::Key { uses, .. } = &context.file(file)?.content else {
        return Err(StatusWord::FILE_NOT_FOUND);
    };
    let fits = |entry: &ControlReference| {
        entry.template != Template::Authentication && key_kind(entry.algorithm) == Some(kind)
    };
    if uses.iter().any(fits) { Ok(()) } else { Err(StatusWord::WRONG_DATA) }
}

/// A stored private key, ready for use.
pub(super) fn prepared(cache: &mut KeyCache, stored: &StoredKey) -> Result<Arc<PrivateKey>, Stop> {
    let Material::Asymmetric { kind, der, .. } = &stored.material else {
        return Err(StatusWord::REFERENCED_DATA_NOT_FOUND.into());
    };
    cache.get(stored.id, || PrivateKey::from_der(*kind, der).map_err(|error| CardFault::Crypto(error).into()))
}

/// 7F49 with modulus (81) and exponent (82), or with the point (86).
fn public_template(key: &PrivateKey) -> Result<Vec<u8>, Stop> {
    let fault = |error: CryptoError| Stop::Fault(CardFault::Crypto(error));
    let fields = if key.kind().is_rsa() {
        let (modulus, exponent) = key.rsa_public().map_err(fault)?;
        Writer::new().object(Tag::new(0x81), modulus).object(Tag::new(0x82), exponent)
    } else {
        Writer::new().object(Tag::new(0x86), key.ec_point().map_err(fault)?)
    };
    let fields: Zeroizing<Vec<u8>> = fields.finish();
    Ok(Writer::new().object(PUBLIC_KEY, &fields).finish().to_vec())
}
