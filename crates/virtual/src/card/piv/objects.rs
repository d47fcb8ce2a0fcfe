//! GET DATA and PUT DATA (SP 800-73 part 2, 3.1.2 and 3.3.1).

use cardmod_iso7816::StatusWord;
use cardmod_iso7816::tlv::{Tag, Tlv, Writer, single};
use zeroize::Zeroizing;

use super::{Answer, Context, Reply, Request};
use crate::model::piv::object;

const TAG_LIST: Tag = Tag::new(0x5C);
const DATA: Tag = Tag::new(0x53);

/// One whole object.
pub(super) fn get(context: &mut Context<'_>, request: &Request<'_>) -> Answer {
    let list = single(request.data).ok().filter(|list| list.tag == TAG_LIST).ok_or(StatusWord::WRONG_DATA)?;
    let (tag, rest) = Tag::read(list.value).ok_or(StatusWord::WRONG_DATA)?;
    if !rest.is_empty() {
        // A list of two names no object.
        return Err(StatusWord::FILE_NOT_FOUND.into());
    }
    let tag = tag.get();
    let card = &*context.persistent;
    if !object::exists(tag, card.flavour) {
        return Err(StatusWord::FILE_NOT_FOUND.into());
    }
    if object::needs_pin(tag) && !context.pin_verified() {
        return Err(StatusWord::SECURITY_STATUS_NOT_SATISFIED.into());
    }
    if tag == object::DISCOVERY {
        return Reply::with(card.discovery());
    }
    let value = card.objects.get(&tag).ok_or(StatusWord::FILE_NOT_FOUND)?;
    if object::is_bare(tag) {
        return Reply::with(value.clone());
    }
    Reply::with(Writer::new().object(DATA, value).finish())
}

/// Replaces one object; an empty one is removed.
pub(super) fn put(context: &mut Context<'_>, request: &Request<'_>) -> Answer {
    let flavour = context.persistent.flavour;
    let (tag, value) = addressed(request.data)?;
    if !object::exists(tag, flavour) {
        return Err(StatusWord::WRONG_DATA.into());
    }
    if tag == object::DISCOVERY {
        // It says what the card is; saying the same again does no harm, anything else would be a lie.
        let same = value == context.persistent.discovery();
        return if same { Reply::done() } else { Err(StatusWord::WRONG_DATA.into()) };
    }
    if value.len() > object::capacity(tag, flavour) {
        return Err(StatusWord::NOT_ENOUGH_MEMORY.into());
    }
    let value = Zeroizing::new(value.to_vec());
    context.commit(|card| {
        if value.is_empty() {
            card.objects.remove(&tag);
        } else {
            card.objects.insert(tag, value);
        }
        Ok(())
    })?;
    Reply::done()
}

/// Tag and value: `5C L tag 53 L value`, or the whole object for those that stand on their own. An empty
/// value removes: `7F61 00` as well as `53 00`.
fn addressed(data: &[u8]) -> Result<(u32, &[u8]), StatusWord> {
    if let Ok(Tlv { tag, value, raw }) = single(data)
        && object::is_bare(tag.get())
    {
        return Ok((tag.get(), if value.is_empty() { &[] } else { raw }));
    }
    let mut fields = cardmod_iso7816::tlv::Reader::new(data);
    let mut field = |tag| {
        let found = fields.read().ok().flatten().filter(|field| field.tag == tag);
        found.map(|field| field.value).ok_or(StatusWord::WRONG_DATA)
    };
    let (list, value) = (field(TAG_LIST)?, field(DATA)?);
    let nothing_more = fields.read().is_ok_and(|more| more.is_none());
    let (tag, rest) = Tag::read(list).ok_or(StatusWord::WRONG_DATA)?;
    if !rest.is_empty() || !nothing_more || object::is_bare(tag.get()) {
        return Err(StatusWord::WRONG_DATA);
    }
    Ok((tag.get(), value))
}
