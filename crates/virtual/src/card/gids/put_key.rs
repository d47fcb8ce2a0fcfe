//! PUT KEY: import and erasure of keys (GIDS 2.0, "PUT KEY").

use cardmod_crypto::{CryptoError, KeyKind, PrivateKey};
use cardmod_iso7816::StatusWord;
use cardmod_iso7816::tlv::{Reader, Tag, single};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::admin::check_value;
use super::keys::{check_kind, check_right, key_file, reference, store, store_material};
use super::{Answer, Context, Reply};
use crate::model::gids::access::Right;
use crate::model::gids::algorithm::{Template, key_kind, symmetric_key_len};
use crate::model::gids::file::{Content, FileState, Material};

const DEFINITION: Tag = Tag::new(0xA5);
const TYPE: Tag = Tag::new(0x83);
const TRANSPORT_KEY: Tag = Tag::new(0x84);
const VALUE: Tag = Tag::new(0x87);
const CHECK_VALUE: Tag = Tag::new(0x88);
/// The check value of the specification's sample key. OpenSC's gids-tool sends it with every key, so it
/// says nothing; any other value is checked.
const SAMPLE_CHECK_VALUE: [u8; 3] = [0xB0, 0x73, 0xDC];

/// Imports the key in the request template's value, or erases the one there is.
pub(super) fn put(context: &mut Context<'_>, template: &[u8]) -> Answer {
    let file = key_file(context, reference(template)?)?;
    check_right(context, file, Right::PUT_KEY)?;
    let field = |fields: &[u8], tag| -> Result<Option<Vec<u8>>, StatusWord> {
        let found = Reader::new(fields).find(tag).map_err(|_| StatusWord::WRONG_DATA)?;
        Ok(found.map(<[u8]>::to_vec))
    };
    let definition = Zeroizing::new(field(template, DEFINITION)?.ok_or(StatusWord::WRONG_DATA)?);
    if definition.is_empty() {
        return erase(context, file);
    }
    if !matches!(field(&definition, TRANSPORT_KEY)?.as_deref(), None | Some([0])) {
        return Err(StatusWord::FUNCTION_NOT_SUPPORTED.into());
    }
    let value = Zeroizing::new(field(&definition, VALUE)?.ok_or(StatusWord::WRONG_DATA)?);
    let symmetric = symmetric_len(context, file)?;
    match (field(&definition, TYPE)?.as_deref(), symmetric) {
        (None | Some([1]), Some(len)) => {
            put_symmetric(context, file, len, value, field(&definition, CHECK_VALUE)?.as_deref())
        }
        (Some([2]), None) => put_private(context, file, PrivateKey::from_pkcs1_der(&value)),
        (Some([3]), None) => {
            let kind = curve(context, file)?;
            put_private(context, file, ec_key(kind, &value))
        }
        (None, None) => match curve(context, file) {
            Ok(kind) => put_private(context, file, ec_key(kind, &value)),
            Err(_) => put_private(context, file, PrivateKey::from_pkcs1_der(&value)),
        },
        _ => Err(StatusWord::WRONG_DATA.into()),
    }
}

fn erase(context: &mut Context<'_>, file: u16) -> Answer {
    context.commit(|persistent| {
        let entry = persistent.files.get_mut(&file).ok_or(StatusWord::FILE_NOT_FOUND)?;
        let Content::Key { key, .. } = &mut entry.content else { return Err(StatusWord::FILE_NOT_FOUND) };
        *key = None;
        if entry.state == FileState::Activated {
            entry.state = FileState::Deactivated;
        }
        Ok(())
    })?;
    let current = context.volatile.current;
    context.volatile.forget_file(file);
    context.volatile.current = current;
    Reply::done()
}

fn put_symmetric(
    context: &mut Context<'_>,
    file: u16,
    len: usize,
    key: Zeroizing<Vec<u8>>,
    stated: Option<&[u8]>,
) -> Answer {
    let computed = check_value(&key).filter(|_| key.len() == len).ok_or(StatusWord::WRONG_DATA)?;
    let right = |stated: &[u8]| stated == SAMPLE_CHECK_VALUE || bool::from(computed.as_slice().ct_eq(stated));
    if !stated.is_none_or(right) {
        return Err(StatusWord::WRONG_DATA.into());
    }
    store_material(context, file, Material::Symmetric(key))?;
    // Who proved to know the old key knows nothing of this one.
    context.volatile.challenge = None;
    Reply::done()
}

fn put_private(context: &mut Context<'_>, file: u16, key: Result<PrivateKey, CryptoError>) -> Answer {
    let key = key.map_err(|_| StatusWord::WRONG_DATA)?;
    check_kind(context, file, key.kind())?;
    store(context, file, key)?;
    Reply::done()
}

/// SEQUENCE { 1, OCTET STRING scalar, OCTET STRING point }.
fn ec_key(kind: KeyKind, value: &[u8]) -> Result<PrivateKey, CryptoError> {
    let sequence = single(value).ok().filter(|object| object.tag.get() == 0x30).ok_or(CryptoError::BadKey)?;
    let mut fields = sequence.children();
    let mut field = |tag| {
        let object = fields.read().ok().flatten().filter(|object| object.tag.get() == tag);
        object.map(|object| object.value).ok_or(CryptoError::BadKey)
    };
    let (version, scalar, point) = (field(0x02)?, field(0x04)?, field(0x04)?);
    if version != [1] {
        return Err(CryptoError::BadKey);
    }
    PrivateKey::from_ec(kind, scalar, Some(point))
}

/// The curve the file was made for.
fn curve(context: &Context<'_>, file: u16) -> Result<KeyKind, StatusWord> {
    let Content::Key { uses, .. } = &context.file(file)?.content else {
        return Err(StatusWord::FILE_NOT_FOUND);
    };
    let mut kinds = uses.iter().filter_map(|entry| key_kind(entry.algorithm));
    kinds.find(|kind| !kind.is_rsa()).ok_or(StatusWord::WRONG_DATA)
}

/// The key's length, if the file is made for a symmetric one.
fn symmetric_len(context: &Context<'_>, file: u16) -> Result<Option<usize>, StatusWord> {
    let Content::Key { uses, .. } = &context.file(file)?.content else {
        return Err(StatusWord::FILE_NOT_FOUND);
    };
    let entry = uses.iter().find(|entry| entry.template == Template::Authentication);
    match entry {
        None => Ok(None),
        Some(entry) => symmetric_key_len(entry.algorithm).map(Some).ok_or(StatusWord::FUNCTION_NOT_SUPPORTED),
    }
}
