//! MANAGE SECURITY ENVIRONMENT, SET (GIDS 2.0, same title).

use cardmod_iso7816::StatusWord;
use cardmod_iso7816::tlv::{Reader, Tag};

use super::keys::{check_right, key_file, reference};
use super::{Answer, Context, Reply, Request};
use crate::model::gids::access::Right;
use crate::model::gids::algorithm::{Template, key_kind, operation};
use crate::model::gids::file::{Content, Material};
use crate::model::gids::volatile::Environment;

const ALGORITHM: Tag = Tag::new(0x80);

/// Chooses a private key and an algorithm for signing (B6) or deciphering and key agreement (B8).
/// The access condition of using a key is the one checked here.
pub(super) fn choose_key(context: &mut Context<'_>, request: &Request<'_>) -> Answer {
    let template = Template::from_tag(request.p2).ok_or(StatusWord::INCORRECT_P1_P2)?;
    let Some([algorithm]) = Reader::new(request.data).find(ALGORITHM).map_err(|_| StatusWord::WRONG_DATA)?
    else {
        return Err(StatusWord::WRONG_DATA.into());
    };
    let file = key_file(context, reference(request.data)?)?;
    check_right(context, file, Right::USE_KEY)?;
    let Content::Key { uses, key } = &context.file(file)?.content else {
        return Err(StatusWord::REFERENCED_DATA_NOT_FOUND.into());
    };
    let listed = uses.iter().any(|entry| entry.template == template && entry.algorithm == *algorithm);
    if !listed || operation(template, *algorithm).is_none() {
        return Err(StatusWord::WRONG_DATA.into());
    }
    let stored = key.as_ref().ok_or(StatusWord::CONDITIONS_NOT_SATISFIED)?;
    let fits = match &stored.material {
        Material::Asymmetric { kind, .. } => key_kind(*algorithm) == Some(*kind),
        Material::Symmetric(_) => false,
    };
    if !fits {
        return Err(StatusWord::WRONG_DATA.into());
    }
    let chosen = Some(Environment { file, key_id: stored.id, algorithm: *algorithm });
    match template {
        Template::Signature => context.volatile.signature = chosen,
        _ => context.volatile.confidentiality = chosen,
    }
    Reply::done()
}

/// Chooses the administrator's key for GENERAL AUTHENTICATE.
pub(super) fn choose_authentication(context: &mut Context<'_>, request: &Request<'_>) -> Answer {
    let file = key_file(context, reference(request.data)?)?;
    check_right(context, file, Right::USE_KEY)?;
    let Content::Key { uses, key } = &context.file(file)?.content else {
        return Err(StatusWord::REFERENCED_DATA_NOT_FOUND.into());
    };
    let entry = uses.iter().find(|entry| entry.template == Template::Authentication);
    let entry = entry.ok_or(StatusWord::WRONG_DATA)?;
    match Reader::new(request.data).find(ALGORITHM).map_err(|_| StatusWord::WRONG_DATA)? {
        None => {}
        Some([algorithm]) if *algorithm == entry.algorithm => {}
        Some(_) => return Err(StatusWord::WRONG_DATA.into()),
    }
    if key.is_none() {
        return Err(StatusWord::CONDITIONS_NOT_SATISFIED.into());
    }
    context.volatile.authentication = Some(file);
    context.volatile.challenge = None;
    Reply::done()
}
