//! Card properties written (5.31, and the matrix of 7.10).

use cardmod_sys::PIN_INFO;
use cardmod_types::{CacheMode, CardId, PinCachePolicy, PinId, PinInfo, PinKind, PinPurpose, PinSet};

use crate::boundary::{Bytes, Host};
use crate::entry::property::Property;
use crate::entry::{offered, reserved};
use crate::live::{Call, enter, with_state};
use crate::module::{CardModule, PropertyWriting, Result};
use crate::status::Status;

/// Longer than any text a dialog shows.
const MAX_CONTEXT_STRING: u32 = 4096;

/// Longer than any value a module's own property has.
const MAX_OWN_VALUE: u32 = 1 << 16;

pub(super) fn set<M: CardModule>(host: &Host, name: &str, value: &Bytes<'_>, flags: u32) -> Result<()> {
    let version = with_state::<M, _>(host, |state| Ok(state.facts.version))?;
    let Some(property) = Property::named(name, version) else {
        return enter::<M, _>(host, |call| set_own(call, name, value, flags));
    };
    if !property.is_writable() {
        return Err(Status::UnsupportedFeature);
    }
    if property != Property::PinContext {
        value.required()?;
    }
    if !matches!(property, Property::PinInfo | Property::PinStrengthVerify) {
        reserved(flags)?;
    }
    match property {
        Property::Transaction => {
            let serial = number(value)?;
            with_state::<M, _>(host, |state| {
                state.vouch(serial);
                Ok(())
            })
        }
        Property::Forget => {
            if number(value)? != 1 {
                return Err(Status::InvalidParameter);
            }
            with_state::<M, _>(host, |state| {
                state.forget_content();
                Ok(())
            })
        }
        Property::ParentWindow => {
            let window = window(value)?;
            with_state::<M, _>(host, |state| {
                state.facts.parent_window = window;
                Ok(())
            })
        }
        Property::PinContext => {
            let text = context_string(value)?;
            with_state::<M, _>(host, |state| {
                state.facts.pin_context = text;
                Ok(())
            })
        }
        _ => set_as_admin::<M>(host, property, value, flags),
    }
}

/// A property beyond those the SDK knows: the module's own, or nobody's, which is said before anything else
/// is looked at.
fn set_own<M: CardModule>(call: &mut Call<'_, M>, name: &str, value: &Bytes<'_>, flags: u32) -> Result<()> {
    let known = call.module.own_properties().filter(|own| !Property::is_known(name) && own.has(name));
    let own = known.ok_or(Status::UnsupportedFeature)?;
    let value = if value.is_null() { &[] } else { value.at_most(MAX_OWN_VALUE, Status::InvalidParameter)? };
    own.set(&mut call.cx, name, value, flags)
}

impl Property {
    /// Whether the specification lets anybody write it. How a PIN may be presented is the administrator's
    /// by one source and nobody's by another (14); the administrator is told that it is not supported.
    fn is_writable(self) -> bool {
        matches!(
            self,
            Self::Transaction
                | Self::Forget
                | Self::ParentWindow
                | Self::PinContext
                | Self::ReadOnly
                | Self::CacheMode
                | Self::Enrollment
                | Self::CardId
                | Self::SerialNumber
                | Self::PinInfo
                | Self::PinStrengthVerify
        )
    }
}

/// The group that only the administrator may write. Not supported is said first, then the form of the
/// value is checked, then the caller's rights: by the SDK where the card tells who is authenticated, and
/// by the module in any case.
fn set_as_admin<M: CardModule>(host: &Host, property: Property, value: &Bytes<'_>, flags: u32) -> Result<()> {
    enter::<M, _>(host, |call| {
        offered(call.module.property_writing())?;
        let value = AdminValue::parse(property, value.required()?, flags)?;
        if let AdminValue::Pin(id, _) | AdminValue::PinStrength(id) = &value {
            super::pin::describe(call, *id)?;
        }
        if let Some(roles) = call.module.authenticated(&mut call.cx)?
            && !roles.contains(PinId::ADMIN)
        {
            return Err(Status::SecurityViolation);
        }
        write(call, &value)
    })
}

/// A value of the administrator's group, read.
enum AdminValue<'a> {
    ReadOnly(bool),
    CacheMode(CacheMode),
    Enrollment(bool),
    CardId(CardId),
    Serial(&'a [u8]),
    Pin(PinId, PinInfo),
    PinStrength(PinId),
}

impl<'a> AdminValue<'a> {
    fn parse(property: Property, value: &'a [u8], flags: u32) -> Result<Self> {
        match property {
            Property::ReadOnly => boolean(value).map(Self::ReadOnly),
            Property::Enrollment => boolean(value).map(Self::Enrollment),
            Property::CacheMode => {
                CacheMode::try_from(word(value)?).map(Self::CacheMode).map_err(|_| Status::InvalidParameter)
            }
            Property::CardId => CardId::parse(value).map(Self::CardId).map_err(|_| Status::InvalidParameter),
            Property::SerialNumber if value.is_empty() => Err(Status::InvalidParameter),
            Property::SerialNumber => Ok(Self::Serial(value)),
            Property::PinInfo => Ok(Self::Pin(role(flags)?, pin_info(value)?)),
            Property::PinStrengthVerify => {
                word(value)?;
                role(flags).map(Self::PinStrength)
            }
            _ => Err(Status::UnsupportedFeature),
        }
    }
}

fn write<M: CardModule>(call: &mut Call<'_, M>, value: &AdminValue<'_>) -> Result<()> {
    let cx = &mut call.cx;
    let writing: &mut dyn PropertyWriting = offered(call.module.property_writing())?;
    match value {
        AdminValue::ReadOnly(read_only) => writing.set_read_only(cx, *read_only),
        AdminValue::CacheMode(mode) => writing.set_cache_mode(cx, *mode),
        AdminValue::Enrollment(yes) => writing.set_supports_enrollment(cx, *yes),
        AdminValue::CardId(id) => writing.set_card_id(cx, id),
        AdminValue::Serial(serial) => writing.set_serial_number(cx, serial),
        AdminValue::Pin(id, info) => writing.set_pin_info(cx, *id, info),
        AdminValue::PinStrength(_) => Err(Status::UnsupportedFeature),
    }
}

/// A role of the interface, other than everyone; whether the card has it is another question.
pub(super) fn role(id: u32) -> Result<PinId> {
    match PinId::try_from(id) {
        Ok(id) if id != PinId::EVERYONE => Ok(id),
        _ => Err(Status::InvalidParameter),
    }
}

fn number(value: &Bytes<'_>) -> Result<u32> {
    word(value.required()?)
}

fn word(value: &[u8]) -> Result<u32> {
    value.try_into().map(u32::from_ne_bytes).map_err(|_| Status::InvalidParameter)
}

fn boolean(value: &[u8]) -> Result<bool> {
    match word(value)? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(Status::InvalidParameter),
    }
}

/// A window handle: of a pointer's size, or a number of four bytes.
fn window(value: &Bytes<'_>) -> Result<usize> {
    let value = value.required()?;
    if let Ok(bytes) = value.try_into() {
        return Ok(usize::from_ne_bytes(bytes));
    }
    usize::try_from(word(value)?).map_err(|_| Status::InvalidParameter)
}

/// UTF-16 with or without a terminator; NULL clears.
fn context_string(value: &Bytes<'_>) -> Result<Option<String>> {
    if value.is_null() {
        return Ok(None);
    }
    let bytes = value.at_most(MAX_CONTEXT_STRING, Status::InvalidParameter)?;
    let (units, rest) = bytes.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(Status::InvalidParameter);
    }
    let units: Vec<u16> =
        units.iter().map(|unit| u16::from_ne_bytes(*unit)).take_while(|unit| *unit != 0).collect();
    String::from_utf16(&units).map(Some).map_err(|_| Status::InvalidParameter)
}

/// Reads a `PIN_INFO` written by a host.
fn pin_info(value: &[u8]) -> Result<PinInfo> {
    const WORDS: usize = size_of::<PIN_INFO>() / 4;
    let (words, rest) = value.as_chunks::<4>();
    let words: Vec<u32> = words.iter().map(|word| u32::from_ne_bytes(*word)).collect();
    let [version, kind, purpose, change, unblock, _policy_version, policy, seconds, flags] = words[..] else {
        return Err(Status::InvalidParameter);
    };
    const { assert!(WORDS == 9) };
    if !rest.is_empty() {
        return Err(Status::InvalidParameter);
    }
    if version > 6 {
        return Err(Status::RevisionMismatch);
    }
    if flags & !PinInfo::REQUIRE_SECURE_ENTRY != 0 || (change | unblock) > 0xFF {
        return Err(Status::InvalidParameter);
    }
    Ok(PinInfo {
        kind: PinKind::try_from(kind).map_err(|_| Status::InvalidParameter)?,
        purpose: PinPurpose::try_from(purpose).map_err(|_| Status::InvalidParameter)?,
        change: PinSet::from_bits(change),
        unblock: PinSet::from_bits(unblock),
        cache: PinCachePolicy::from_codes(policy, seconds).map_err(|_| Status::InvalidParameter)?,
        secure_entry: flags != 0,
    })
}
