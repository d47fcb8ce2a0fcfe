//! Secure key injection (5.37 to 5.45): the arguments are checked, the operations are unsupported.
//!
//! These are the entries of a module that offers [`KeyInjection`](crate::KeyInjection); without it the
//! stubs stand in the table. The trait has no operations yet, so after the checks every entry says
//! honestly what it cannot do.

use crate::boundary::{Bytes, Host, Out, OutBlock, Present, PropertyBuffer, Wide};
use crate::entry::reserved;
use crate::live::with_state;
use crate::module::{CardModule, Result};
use crate::status::Status;

const BLOCK_PADDING: u32 = cardmod_sys::CARD_BLOCK_PADDING;
const IMPORT_PADDINGS: [u32; 3] =
    [cardmod_sys::CARD_PADDING_NONE, cardmod_sys::CARD_PADDING_PKCS1, cardmod_sys::CARD_PADDING_OAEP];

pub(crate) fn md_import_session_key<M: CardModule>(
    host: &Host,
    blob_type: Wide,
    algorithm: Wide,
    key: Out<usize>,
    input: Bytes<'_>,
) -> Result<()> {
    key.required()?;
    input.required()?;
    key_data_blob(&blob_type)?;
    known_algorithm(&algorithm)?;
    unsupported::<M>(host)
}

pub(crate) fn md_encrypt_data<M: CardModule>(
    host: &Host,
    _key: usize,
    function: Wide,
    input: Bytes<'_>,
    flags: u32,
    output: OutBlock,
) -> Result<()> {
    output.required()?;
    input.required()?;
    block_padding(flags)?;
    secure_function(&function)?;
    unsupported::<M>(host)
}

#[expect(clippy::too_many_arguments, reason = "the interface's own parameters")]
pub(crate) fn import_session_key<M: CardModule>(
    host: &Host,
    _index: u8,
    padding: Present,
    blob_type: Wide,
    algorithm: Wide,
    key: Out<usize>,
    input: Bytes<'_>,
    flags: u32,
) -> Result<()> {
    key.required()?;
    input.required()?;
    if !IMPORT_PADDINGS.contains(&flags) {
        return Err(Status::InvalidParameter);
    }
    if flags == cardmod_sys::CARD_PADDING_OAEP {
        padding.required()?;
    }
    key_data_blob(&blob_type)?;
    known_algorithm(&algorithm)?;
    unsupported::<M>(host)
}

pub(crate) fn get_shared_key_handle<M: CardModule>(
    host: &Host,
    _input: Bytes<'_>,
    _output: OutBlock,
    key: Out<usize>,
) -> Result<()> {
    key.required()?;
    unsupported::<M>(host)
}

pub(crate) fn get_algorithm_property<M: CardModule>(
    host: &Host,
    algorithm: Wide,
    name: Wide,
    buffer: PropertyBuffer,
    flags: u32,
) -> Result<()> {
    buffer.required()?;
    reserved(flags)?;
    known_algorithm(&algorithm)?;
    one_of(&name, &["Key Sizes"])?;
    unsupported::<M>(host)
}

pub(crate) fn get_key_property<M: CardModule>(
    host: &Host,
    _key: usize,
    name: Wide,
    buffer: PropertyBuffer,
    flags: u32,
) -> Result<()> {
    buffer.required()?;
    reserved(flags)?;
    one_of(&name, &["BlockLength"])?;
    unsupported::<M>(host)
}

pub(crate) fn set_key_property<M: CardModule>(
    host: &Host,
    _key: usize,
    name: Wide,
    value: Bytes<'_>,
    flags: u32,
) -> Result<()> {
    value.required()?;
    reserved(flags)?;
    one_of(&name, &["ChainingMode", "IV"])?;
    unsupported::<M>(host)
}

/// No key was ever handed out, so every handle is invalid (5.44).
pub(crate) fn destroy_key<M: CardModule>(host: &Host, _key: usize) -> Result<()> {
    with_state::<M, ()>(host, |_| Err(Status::InvalidHandle))
}

pub(crate) fn process_encrypted_data<M: CardModule>(
    host: &Host,
    _key: usize,
    function: Wide,
    encrypted: Present,
    count: u32,
    _output: PropertyBuffer,
    flags: u32,
) -> Result<()> {
    encrypted.required()?;
    if count == 0 {
        return Err(Status::InvalidParameter);
    }
    block_padding(flags)?;
    secure_function(&function)?;
    unsupported::<M>(host)
}

fn unsupported<M: CardModule>(host: &Host) -> Result<()> {
    with_state::<M, ()>(host, |_| Err(Status::UnsupportedFeature))
}

fn block_padding(flags: u32) -> Result<()> {
    if flags == 0 || flags == BLOCK_PADDING { Ok(()) } else { Err(Status::InvalidParameter) }
}

fn key_data_blob(name: &Wide) -> Result<()> {
    one_of(name, &["KeyDataBlob"])
}

fn known_algorithm(name: &Wide) -> Result<()> {
    one_of(name, &["3DES_112", "3DES", "AES"])
}

fn secure_function(name: &Wide) -> Result<()> {
    one_of(name, &["Import Key Pair", "Change Authenticator", "Authenticate"])
}

fn one_of(name: &Wide, known: &[&str]) -> Result<()> {
    if known.contains(&name.text()?.as_str()) { Ok(()) } else { Err(Status::InvalidParameter) }
}
