//! CREATE, ACTIVATE, DELETE FILE, TERMINATE DF and the loading of the application's templates
//! (GIDS 2.0, "Life cycle", Tables 10 to 18).

use cardmod_iso7816::StatusWord;
use cardmod_iso7816::tlv::{Reader, Tag, single};

use super::objects::is_reserved;
use super::{Answer, Context, Reply, Request};
use crate::model::gids::access::AccessRules;
use crate::model::gids::algorithm::{Template, key_kind};
use crate::model::gids::crt::{self, ControlReference};
use crate::model::gids::file::{Content, ElementaryFile, FileState};
use crate::model::gids::persistent::{LifeCycle, Persistent};
use crate::model::gids::volatile::Volatile;
use crate::options::CardOptions;

const DESCRIPTOR: Tag = Tag::new(0x82);
const IDENTIFIER: Tag = Tag::new(0x83);
const LIFE_CYCLE: Tag = Tag::new(0x8A);
const ACCESS: Tag = Tag::new(0x8C);
const KEY_USES: Tag = Tag::new(0xA5);
const PARAMETERS: Tag = Tag::new(0x62);

/// Makes an EF from its file control parameters; it becomes the current one.
pub(super) fn create(context: &mut Context<'_>, request: &Request<'_>) -> Answer {
    let (id, file) = parse_parameters(request.data)?;
    if is_reserved(id) {
        return Err(StatusWord::WRONG_DATA.into());
    }
    if context.persistent.files.contains_key(&id) {
        return Err(StatusWord::FILE_EXISTS.into());
    }
    if let Content::Key { uses, .. } = &file.content {
        check_uses(context.options, context.persistent, uses)?;
    }
    context.commit(|persistent| {
        persistent.files.insert(id, file);
        Ok(())
    })?;
    context.volatile.current = Some(id);
    Reply::done()
}

/// Activates the current EF, or the application when no EF is current. Repeating it changes nothing.
pub(super) fn activate(context: &mut Context<'_>, _: &Request<'_>) -> Answer {
    match context.volatile.current {
        Some(id) => {
            let file = context.file(id)?;
            let state = match &file.content {
                Content::Key { key: None, .. } => FileState::Deactivated,
                _ => FileState::Activated,
            };
            if file.state != state {
                context.commit(|persistent| {
                    let file = persistent.files.get_mut(&id).ok_or(StatusWord::FILE_NOT_FOUND)?;
                    file.state = state;
                    Ok(())
                })?;
            }
        }
        None if context.persistent.life_cycle == LifeCycle::Initialisation => {
            context.commit(|persistent| {
                persistent.life_cycle = LifeCycle::Operational;
                Ok(())
            })?;
            context.volatile.drop_security();
        }
        None => {}
    }
    Reply::done()
}

/// Deletes the current EF and the key in it.
pub(super) fn delete(context: &mut Context<'_>, _: &Request<'_>) -> Answer {
    let id = context.volatile.current.ok_or(StatusWord::CONDITIONS_NOT_SATISFIED)?;
    context
        .commit(|persistent| persistent.files.remove(&id).map(|_| ()).ok_or(StatusWord::FILE_NOT_FOUND))?;
    context.volatile.forget_file(id);
    Reply::done()
}

/// Takes the application out of use for good.
pub(super) fn terminate(context: &mut Context<'_>, _: &Request<'_>) -> Answer {
    context.commit(|persistent| {
        persistent.life_cycle = LifeCycle::Terminated;
        Ok(())
    })?;
    *context.volatile = Volatile::default();
    Reply::done()
}

/// Creation state: application template 61, management data 64 and, last, the parameters 62, which
/// begin the initialisation state.
pub(super) fn load_templates(context: &mut Context<'_>, request: &Request<'_>) -> Answer {
    let template = single(request.data).map_err(|_| StatusWord::WRONG_DATA)?;
    let raw = template.raw.to_vec();
    match template.tag.get() {
        0x61 => context.commit(|persistent| {
            persistent.application_template = Some(raw);
            Ok(())
        })?,
        0x64 => context.commit(|persistent| {
            persistent.management_template = Some(raw);
            Ok(())
        })?,
        0x62 => {
            let fields = Reader::new(template.value);
            let is_application = fields.clone().find(DESCRIPTOR).is_ok_and(|value| value == Some(&[0x38]));
            let access = fields.find(ACCESS).ok().flatten().and_then(AccessRules::parse);
            let rules = access.filter(|_| is_application).ok_or(StatusWord::WRONG_DATA)?;
            context.commit(|persistent| {
                persistent.rules = rules;
                persistent.life_cycle = LifeCycle::Initialisation;
                Ok(())
            })?;
        }
        _ => return Err(StatusWord::WRONG_DATA.into()),
    }
    Reply::done()
}

/// Key EFs for containers: all but those of the administrator.
pub(in crate::card) fn container_count(persistent: &Persistent) -> usize {
    persistent.files.values().filter(|file| is_container(&file.content)).count()
}

fn is_container(content: &Content) -> bool {
    match content {
        Content::Key { uses, .. } => uses.iter().any(|entry| entry.template != Template::Authentication),
        Content::Objects(_) => false,
    }
}

fn parse_parameters(data: &[u8]) -> Result<(u16, ElementaryFile), StatusWord> {
    let parameters =
        single(data).ok().filter(|object| object.tag == PARAMETERS).ok_or(StatusWord::WRONG_DATA)?;
    let fields = Reader::new(parameters.value);
    let field = |tag| fields.clone().find(tag).map_err(|_| StatusWord::WRONG_DATA);
    // The state is the card's to say.
    if field(LIFE_CYCLE)?.is_some() {
        return Err(StatusWord::WRONG_DATA);
    }
    let id = match field(IDENTIFIER)? {
        Some([high, low]) => u16::from_be_bytes([*high, *low]),
        _ => return Err(StatusWord::WRONG_DATA),
    };
    let rules = field(ACCESS)?.and_then(AccessRules::parse).ok_or(StatusWord::WRONG_DATA)?;
    let content = match field(DESCRIPTOR)? {
        Some([0x39, ..]) => Content::Objects(Vec::new()),
        Some([0x18, ..]) => {
            let uses = field(KEY_USES)?.and_then(crt::parse_all).ok_or(StatusWord::WRONG_DATA)?;
            Content::Key { uses, key: None }
        }
        _ => return Err(StatusWord::FUNCTION_NOT_SUPPORTED),
    };
    Ok((id, ElementaryFile { state: FileState::Initialisation, rules, content }))
}

/// Whether the card takes another key file for these uses.
fn check_uses(
    options: &CardOptions,
    persistent: &Persistent,
    uses: &[ControlReference],
) -> Result<(), StatusWord> {
    let mut asymmetric = uses.iter().filter(|entry| entry.template != Template::Authentication).peekable();
    if asymmetric.peek().is_none() {
        return Ok(());
    }
    if !options.ec && asymmetric.any(|entry| key_kind(entry.algorithm).is_some_and(|kind| !kind.is_rsa())) {
        return Err(StatusWord::FUNCTION_NOT_SUPPORTED);
    }
    if container_count(persistent) >= usize::from(options.max_containers) {
        return Err(StatusWord::NOT_ENOUGH_MEMORY);
    }
    Ok(())
}
