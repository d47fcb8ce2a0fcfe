//! GET DATA and PUT DATA (GIDS 2.0, "GET DATA", "PUT DATA", "MF content", "CHV status").

use cardmod_iso7816::StatusWord;
use cardmod_iso7816::tlv::{Reader, Tag, Tlv, Writer, single};
use zeroize::Zeroizing;

use super::{Answer, Context, Reply, Request, Stop};
use super::{keys, put_key, select};
use crate::model::gids::access::Right;
use crate::model::gids::file::Content;
use crate::model::reference::Reference;
use crate::options::{Behaviour, CardOptions};

const TAG_LIST: Tag = Tag::new(0x5C);
/// Outer tags of a key template: what the specification prints (A3) and what everybody sends (70).
const KEY_TEMPLATES: [Tag; 2] = [Tag::new(0x70), Tag::new(0xA3)];

/// What a tag list asks for.
enum Query {
    /// `5C 00`: all data objects.
    All,
    /// `5C 01 5C`: their tags.
    Tags,
    One(Tag),
}

type Objects = [(Tag, Zeroizing<Vec<u8>>)];

/// EF.ATR (2F01) and EF.DIR (2F00), which belong to the card and not to the application.
pub(super) fn get_card_level(context: &mut Context<'_>, request: &Request<'_>) -> Answer {
    let content = if request.p1p2() == 0x2F00 {
        select::application_template(context)
    } else {
        ef_atr(context.options)
    };
    match query(request.data)? {
        Query::All => Reply::with(content),
        Query::Tags => {
            let tags: Vec<u8> =
                Reader::new(&content).flatten().flat_map(|object| object.tag.bytes()).collect();
            Reply::with(Writer::new().object(TAG_LIST, &tags).finish())
        }
        Query::One(tag) => {
            let found = Reader::new(&content).flatten().find(|object| object.tag == tag);
            Reply::with(found.ok_or(StatusWord::REFERENCED_DATA_NOT_FOUND)?.raw.to_vec())
        }
    }
}

/// P1P2 3FFF: PIN status, public keys, and any object by its tag alone. All objects of the
/// application in one answer are not offered, as on every card seen.
pub(super) fn get_application(context: &mut Context<'_>, request: &Request<'_>) -> Answer {
    let object = single(request.data).map_err(|_| StatusWord::WRONG_DATA)?;
    if KEY_TEMPLATES.contains(&object.tag) {
        return keys::public_key(context, object.value);
    }
    let Query::One(tag) = query(request.data)? else {
        return Err(StatusWord::REFERENCE_DATA_NOT_USABLE.into());
    };
    match tag.get() {
        0x7F71 | 0x7F72 => reference_status(tag, context.persistent.pin.as_ref()),
        0x7F73 => reference_status(tag, context.persistent.puk.as_ref()),
        _ => find_by_tag(context, tag),
    }
}

/// The data objects of one file.
pub(super) fn get(context: &mut Context<'_>, request: &Request<'_>) -> Answer {
    let id = addressed(context, request)?;
    let file = context.file(id)?;
    let Content::Objects(objects) = &file.content else {
        return Err(StatusWord::new(0x6981).into());
    };
    let readable = context.persistent.file_allows(file, Right::GET_DATA, context.volatile.status);
    let query = query(request.data)?;
    let bulk = !matches!(query, Query::One(_));
    if bulk && !context.options.bulk_read {
        return Err(StatusWord::REFERENCED_DATA_NOT_FOUND.into());
    }
    let data = match query {
        Query::One(tag) => one(objects, tag).ok_or(StatusWord::REFERENCED_DATA_NOT_FOUND)?,
        Query::All => {
            objects.iter().fold(Writer::new(), |out, (tag, value)| out.object(*tag, value)).finish()
        }
        Query::Tags => {
            let tags: Vec<u8> = objects.iter().flat_map(|(tag, _)| tag.bytes()).collect();
            Writer::new().object(TAG_LIST, &tags).finish()
        }
    };
    if !readable {
        return Err(StatusWord::SECURITY_STATUS_NOT_SATISFIED.into());
    }
    context.volatile.current = Some(id);
    Reply::with(data)
}

/// One or, in a chain, several data objects for one file; all of them or none.
pub(super) fn put(context: &mut Context<'_>, request: &Request<'_>) -> Answer {
    let id = addressed(context, request)?;
    if is_reserved(id) {
        return Err(StatusWord::INCORRECT_P1_P2.into());
    }
    put_into(context, id, request.data)?;
    context.volatile.current = Some(id);
    Reply::done()
}

/// P1P2 3FFF: a key, or an object whose tag is unique in the application.
pub(super) fn put_application(context: &mut Context<'_>, request: &Request<'_>) -> Answer {
    let object = single(request.data).map_err(|_| StatusWord::WRONG_DATA)?;
    if KEY_TEMPLATES.contains(&object.tag) {
        return put_key::put(context, object.value);
    }
    let mut holders = context.persistent.files.iter().filter(|(_, file)| match &file.content {
        Content::Objects(objects) => objects.iter().any(|(tag, _)| *tag == object.tag),
        Content::Key { .. } => false,
    });
    let id = match (holders.next(), holders.next()) {
        (Some((id, _)), None) => *id,
        _ => return Err(StatusWord::REFERENCED_DATA_NOT_FOUND.into()),
    };
    put_into(context, id, request.data)?;
    Reply::done()
}

/// Identifiers that name no EF of the application.
pub(super) fn is_reserved(id: u16) -> bool {
    matches!(id, 0x0000 | 0x2F00 | 0x2F01 | 0x3F00 | 0x3FFF | 0xFFFF)
}

/// The file P1P2 names; 0000 is the current one.
fn addressed(context: &Context<'_>, request: &Request<'_>) -> Result<u16, StatusWord> {
    match request.p1p2() {
        0 => context.volatile.current.ok_or(StatusWord::FILE_NOT_FOUND),
        id => Ok(id),
    }
}

fn query(data: &[u8]) -> Result<Query, StatusWord> {
    let list = single(data).ok().filter(|object| object.tag == TAG_LIST).ok_or(StatusWord::WRONG_DATA)?;
    match Tag::read(list.value) {
        None if list.value.is_empty() => Ok(Query::All),
        Some((tag, [])) if tag == TAG_LIST => Ok(Query::Tags),
        Some((tag, [])) => Ok(Query::One(tag)),
        _ => Err(StatusWord::WRONG_DATA),
    }
}

fn one(objects: &Objects, tag: Tag) -> Option<Zeroizing<Vec<u8>>> {
    let (tag, value) = objects.iter().find(|(found, _)| *found == tag)?;
    Some(Writer::new().object(*tag, value).finish())
}

fn find_by_tag(context: &Context<'_>, tag: Tag) -> Answer {
    let mut denied = false;
    for file in context.persistent.files.values() {
        let Content::Objects(objects) = &file.content else { continue };
        if let Some(data) = one(objects, tag) {
            if context.persistent.file_allows(file, Right::GET_DATA, context.volatile.status) {
                return Reply::with(data);
            }
            denied = true;
        }
    }
    Err(Stop::Status(if denied {
        StatusWord::SECURITY_STATUS_NOT_SATISFIED
    } else {
        StatusWord::REFERENCED_DATA_NOT_FOUND
    }))
}

/// Tries left (97) and the limit (93).
fn reference_status(tag: Tag, reference: Option<&Reference>) -> Answer {
    let reference = reference.ok_or(StatusWord::REFERENCED_DATA_NOT_FOUND)?;
    let status = Writer::new().template(tag, |status| {
        status.object(Tag::new(0x97), &[reference.tries]).object(Tag::new(0x93), &[reference.limit])
    });
    Reply::with(status.finish())
}

/// Card service data, card capabilities, pre-issuing text.
fn ef_atr(options: &CardOptions) -> Zeroizing<Vec<u8>> {
    // b8: command chaining; b7: extended length.
    let lengths = if options.extended_length { 0xC0 } else { 0x80 };
    Writer::new()
        .object(Tag::new(0x43), &[0xF4])
        .object(Tag::new(0x47), &[0x08, 0x01, lengths])
        .object(Tag::new(0x46), crate::atr::NAME)
        .finish()
}

fn put_into(context: &mut Context<'_>, id: u16, data: &[u8]) -> Result<(), Stop> {
    let file = context.file(id)?;
    if !matches!(file.content, Content::Objects(_)) {
        return Err(StatusWord::new(0x6981).into());
    }
    if !context.persistent.file_allows(file, Right::PUT_DATA, context.volatile.status) {
        return Err(StatusWord::SECURITY_STATUS_NOT_SATISFIED.into());
    }
    let new: Vec<Tlv<'_>> =
        Reader::new(data).collect::<Result<_, _>>().map_err(|_| StatusWord::INCONSISTENT_TLV)?;
    if new.iter().any(|object| object.tag == TAG_LIST || object.tag.get() == 0) {
        return Err(StatusWord::WRONG_DATA.into());
    }
    let behaviour = context.options.behaviour;
    context.commit(|persistent| {
        let file = persistent.files.get_mut(&id).ok_or(StatusWord::FILE_NOT_FOUND)?;
        let Content::Objects(objects) = &mut file.content else { return Err(StatusWord::new(0x6981)) };
        for object in &new {
            place(objects, object, behaviour);
        }
        Ok(())
    })
}

/// Creates, replaces or (with an empty value) deletes one object.
fn place(objects: &mut Vec<(Tag, Zeroizing<Vec<u8>>)>, object: &Tlv<'_>, behaviour: Behaviour) {
    let index = objects.iter().position(|(tag, _)| *tag == object.tag);
    match index {
        None => objects.push((object.tag, Zeroizing::new(object.value.to_vec()))),
        Some(index) => {
            let empties_first = behaviour == Behaviour::Applet && !objects[index].1.is_empty();
            if object.value.is_empty() && !empties_first {
                objects.remove(index);
            } else {
                objects[index].1 = Zeroizing::new(object.value.to_vec());
            }
        }
    }
}
