//! SELECT (GIDS 2.0, "SELECT"; Tables 7 to 10).

use cardmod_iso7816::StatusWord;
use cardmod_iso7816::tlv::{Tag, Writer};
use zeroize::Zeroizing;

use super::{Answer, Context, Reply, Request};
use crate::model::gids::crt;
use crate::model::gids::file::{Content, ElementaryFile};
use crate::model::gids::persistent::{AID, APPLICATION, LifeCycle, Persistent};
use crate::options::Behaviour;

/// P2, b2: the next occurrence. Names and identifiers are unique, so there is none.
const NEXT: u8 = 0x02;

/// By AID, whole or cut at the right.
pub(super) fn by_name(context: &mut Context<'_>, request: &Request<'_>) -> Answer {
    if request.data.is_empty() {
        return Err(StatusWord::INCONSISTENT_P1_P2.into());
    }
    if !AID.starts_with(request.data) || request.p2 & NEXT != 0 {
        return Err(StatusWord::FILE_NOT_FOUND.into());
    }
    if context.options.behaviour == Behaviour::Applet {
        context.volatile.drop_security();
    }
    context.selected = true;
    context.volatile.current = None;
    application(context, request.p2)
}

/// By file identifier: an EF, the current EF (0000) or the application (3FFF). The application can be
/// selected so even right after a reset, since no other has an identifier.
pub(super) fn by_identifier(context: &mut Context<'_>, request: &Request<'_>) -> Answer {
    let id = match request.data {
        [high, low] => u16::from_be_bytes([*high, *low]),
        [] => return Err(StatusWord::INCONSISTENT_P1_P2.into()),
        _ => return Err(StatusWord::WRONG_DATA.into()),
    };
    if request.p2 & NEXT != 0 {
        return Err(StatusWord::FILE_NOT_FOUND.into());
    }
    if id == APPLICATION {
        context.selected = true;
        context.volatile.current = None;
        return application(context, request.p2);
    }
    let current = context.volatile.current.filter(|_| context.selected);
    let id = if id == 0 { current.ok_or(StatusWord::FILE_NOT_FOUND)? } else { id };
    if !context.selected {
        return Err(StatusWord::FILE_NOT_FOUND.into());
    }
    let file = context.file(id)?;
    let data = match form(request.p2) {
        Form::ControlInformation | Form::ControlParameters => file_parameters(id, file),
        Form::ManagementData => Writer::new().object(Tag::new(0x64), &[]).finish(),
        Form::Nothing => Zeroizing::default(),
    };
    context.volatile.current = Some(id);
    Reply::with(data)
}

/// The application template (61), as SELECT and EF.DIR give it.
pub(super) fn application_template(context: &Context<'_>) -> Zeroizing<Vec<u8>> {
    if let Some(loaded) = &context.persistent.application_template {
        return Zeroizing::new(loaded.clone());
    }
    // b8 mutual and b7 external authentication with the admin key, b6 key agreement on curves.
    let capabilities = if context.options.ec { 0xE0 } else { 0xC0 };
    Writer::new()
        .template(Tag::new(0x61), |template| {
            template
                .object(Tag::new(0x4F), &AID)
                .template(Tag::new(0x73), |objects| objects.object(Tag::new(0x40), &[capabilities]))
        })
        .finish()
}

/// What P2 asks to be returned.
enum Form {
    ControlInformation,
    ControlParameters,
    ManagementData,
    Nothing,
}

fn form(p2: u8) -> Form {
    match p2 & 0x0C {
        0x00 => Form::ControlInformation,
        0x04 => Form::ControlParameters,
        0x08 => Form::ManagementData,
        _ => Form::Nothing,
    }
}

fn application(context: &Context<'_>, p2: u8) -> Answer {
    let persistent = &*context.persistent;
    let data = match form(p2) {
        Form::ControlInformation => application_template(context),
        Form::ControlParameters => application_parameters(persistent),
        Form::ManagementData => management_data(persistent),
        Form::Nothing => Zeroizing::default(),
    };
    let terminated = persistent.life_cycle == LifeCycle::Terminated;
    Ok(Reply { data, status: if terminated { StatusWord::FILE_TERMINATED } else { StatusWord::OK } })
}

fn application_parameters(persistent: &Persistent) -> Zeroizing<Vec<u8>> {
    Writer::new()
        .template(Tag::new(0x62), |parameters| {
            parameters
                .object(Tag::new(0x82), &[0x38])
                .object(Tag::new(0x84), &AID)
                .object(Tag::new(0x8A), &[persistent.life_cycle as u8])
                .object(Tag::new(0x8C), persistent.rules.as_bytes())
        })
        .finish()
}

/// PIN policy (application PIN, here also named as the global one) and the interface.
fn management_data(persistent: &Persistent) -> Zeroizing<Vec<u8>> {
    if let Some(loaded) = &persistent.management_template {
        return Zeroizing::new(loaded.clone());
    }
    Writer::new()
        .template(Tag::new(0x64), |data| {
            data.object(Tag::new(0x5F2F), &[0x60]).object(Tag::new(0x7F65), &[0x80, 0x00])
        })
        .finish()
}

fn file_parameters(id: u16, file: &ElementaryFile) -> Zeroizing<Vec<u8>> {
    Writer::new()
        .template(Tag::new(0x62), |parameters| {
            let descriptor = if matches!(file.content, Content::Key { .. }) { 0x18 } else { 0x39 };
            let parameters = parameters
                .object(Tag::new(0x82), &[descriptor])
                .object(Tag::new(0x83), &id.to_be_bytes())
                .object(Tag::new(0x8A), &[file.state as u8])
                .object(Tag::new(0x8C), file.rules.as_bytes());
            match &file.content {
                Content::Key { uses, .. } => parameters.object(Tag::new(0xA5), &crt::encode_all(uses)),
                Content::Objects(_) => parameters,
            }
        })
        .finish()
}
