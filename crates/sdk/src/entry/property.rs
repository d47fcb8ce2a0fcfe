//! Card properties by name (5.30, 5.31, 7.9).

use cardmod_sys::{
    CARD_CAPABILITIES, CARD_DATA_VALUE_UNKNOWN, CARD_FREE_SPACE_INFO, CARD_KEY_IMPORT_PLAIN_TEXT,
    CARD_KEY_SIZES, CARD_PIN_STRENGTH_PLAINTEXT, CARD_PIN_STRENGTH_SESSION_PIN, PIN_CACHE_POLICY, PIN_INFO,
};
use cardmod_types::{CacheMode, PinInfo, PinKind};

use crate::boundary::{Bytes, Host, PropertyBuffer, Wide};
use crate::entry::algorithms::Operation;
use crate::entry::query::{
    VERSION, ask_capabilities, ask_free_space, ask_key_sizes, capabilities_structure, free_space_structure,
    key_sizes_structure,
};
use crate::entry::{algorithms, key_spec, pin, property_set, reserved};
use crate::live::{CacheUse, Call, enter, enter_with, with_state};
use crate::module::{CardModule, Result};
use crate::status::Status;

/// A card property of this SDK's own, beyond the specification: a host vouches that nobody else has used
/// the card.
///
/// Write-only, 4 bytes (a native `u32`), flags 0, allowed to everyone, interface version 6 or more. A
/// module cannot see PC/SC transactions. A host that can writes a serial here which is not 0 and stays the
/// same for as long as one transaction lasts: right after each `SCardBeginTransaction` a new serial, and 0
/// where it stops vouching. Another value than the last one (or 0) makes the SDK call
/// [`CardModule::connection_lost`](crate::CardModule::connection_lost); the same value says that all the
/// module knows of the card still holds, so that it need not probe. Foreign hosts never write it, and
/// [`CardContext::continuity`](crate::CardContext::continuity) stays `false`.
pub const TRANSACTION_PROPERTY: &str = "Cardmod Transaction";

/// A card property of this SDK's own, beyond the specification: a host found that what it was told of the
/// card is not so, as after a card was changed without its freshness counters.
///
/// Write-only, 4 bytes (a native `u32` that is 1), flags 0, allowed to everyone, interface version 6 or
/// more. The SDK forgets the keys it has seen and calls
/// [`CardModule::forget_content`](crate::CardModule::forget_content). The transaction, and who is
/// authenticated in it, are not touched.
pub const FORGET_PROPERTY: &str = "Cardmod Forget";

/// A card property of this SDK's own, beyond the specification: the tries left of a role's PIN.
///
/// Read-only, 4 bytes (a native `u32`), the flags select the role, allowed to everyone, interface version 6
/// or more. `CARD_DATA_VALUE_UNKNOWN` where the card does not tell. Cardmod.h says the number only after a
/// failed attempt; a user wants to know before.
pub const TRIES_PROPERTY: &str = "Cardmod PIN Tries Left";

/// `PIN_INFO_CURRENT_VERSION` and `PIN_CACHE_POLICY_CURRENT_VERSION`.
const PIN_INFO_VERSION: u32 = 6;

/// The card properties this SDK knows by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Property {
    FreeSpace,
    Capabilities,
    KeySizes,
    ReadOnly,
    CacheMode,
    Enrollment,
    CardId,
    SerialNumber,
    PinInfo,
    PinList,
    Authenticated,
    PinStrengthVerify,
    PinStrengthChange,
    PinStrengthUnblock,
    ParentWindow,
    PinContext,
    KeyImportSupport,
    Algorithms,
    PaddingSchemes,
    ChainingModes,
    Transaction,
    Forget,
    TriesLeft,
}

impl Property {
    const NAMES: [(&'static str, Self); 23] = [
        ("Free Space", Self::FreeSpace),
        ("Capabilities", Self::Capabilities),
        ("Key Sizes", Self::KeySizes),
        ("Read Only Mode", Self::ReadOnly),
        ("Cache Mode", Self::CacheMode),
        ("Supports Windows x.509 Enrollment", Self::Enrollment),
        ("Card Identifier", Self::CardId),
        ("Card Serial Number", Self::SerialNumber),
        ("PIN Information", Self::PinInfo),
        ("PIN List", Self::PinList),
        ("Authenticated State", Self::Authenticated),
        ("PIN Strength Verify", Self::PinStrengthVerify),
        ("PIN Strength Change", Self::PinStrengthChange),
        ("PIN Strength Unblock", Self::PinStrengthUnblock),
        ("Parent Window", Self::ParentWindow),
        ("PIN Context String", Self::PinContext),
        ("Key Import Support", Self::KeyImportSupport),
        ("Algorithms", Self::Algorithms),
        ("Padding Schemes", Self::PaddingSchemes),
        ("Chaining Modes", Self::ChainingModes),
        (TRANSACTION_PROPERTY, Self::Transaction),
        (FORGET_PROPERTY, Self::Forget),
        (TRIES_PROPERTY, Self::TriesLeft),
    ];

    /// The property of this name in this version of the interface.
    pub(super) fn named(name: &str, version: u32) -> Option<Self> {
        let (_, property) = Self::NAMES.into_iter().find(|(known, _)| *known == name)?;
        let since_7 = matches!(
            property,
            Self::KeyImportSupport | Self::Algorithms | Self::PaddingSchemes | Self::ChainingModes
        );
        (!since_7 || version >= 7).then_some(property)
    }

    /// Whether the name is one of these in any version of the interface: no module takes it over.
    pub(super) fn is_known(name: &str) -> bool {
        Self::NAMES.into_iter().any(|(known, _)| known == name)
    }

    /// Write-only, or not to be used.
    fn is_never_read(self) -> bool {
        matches!(
            self,
            Self::ParentWindow
                | Self::PinContext
                | Self::Transaction
                | Self::Forget
                | Self::PinStrengthChange
                | Self::PinStrengthUnblock
        )
    }

    /// Checks the flags: 0, or what selects one of several values.
    fn check_selector(self, flags: u32) -> Result<()> {
        match self {
            Self::KeySizes => key_spec(flags).map(drop),
            Self::PinInfo
            | Self::PinStrengthVerify
            | Self::PinStrengthChange
            | Self::PinStrengthUnblock
            | Self::TriesLeft => property_set::role(flags).map(drop),
            Self::Algorithms | Self::PaddingSchemes => Operation::numbered(flags).map(drop),
            _ => reserved(flags),
        }
    }
}

pub(crate) fn get<M: CardModule>(host: &Host, name: Wide, buffer: PropertyBuffer, flags: u32) -> Result<()> {
    buffer.required()?;
    let name = name.text()?;
    let version = with_state::<M, _>(host, |state| Ok(state.facts.version))?;
    let Some(property) = Property::named(&name, version) else {
        return buffer.give(&enter::<M, _>(host, |call| own(call, &name, flags))?);
    };
    property.check_selector(flags)?;
    if property.is_never_read() {
        return Err(Status::UnsupportedFeature);
    }
    match property {
        Property::FreeSpace => {
            buffer.version(size_of::<CARD_FREE_SPACE_INFO>(), VERSION)?;
            buffer.give_structure(free_space_structure(enter::<M, _>(host, ask_free_space)?))
        }
        Property::Capabilities => {
            buffer.version(size_of::<CARD_CAPABILITIES>(), VERSION)?;
            buffer.give_structure(capabilities_structure(enter::<M, _>(host, ask_capabilities)?))
        }
        Property::KeySizes => {
            buffer.version(size_of::<CARD_KEY_SIZES>(), VERSION)?;
            let spec = key_spec(flags)?;
            buffer.give_structure(key_sizes_structure(enter::<M, _>(host, |call| ask_key_sizes(call, spec))?))
        }
        Property::PinInfo => {
            buffer.version(size_of::<PIN_INFO>(), PIN_INFO_VERSION)?;
            let id = property_set::role(flags)?;
            buffer.give_structure(pin_info_structure(&enter::<M, _>(host, |call| pin::describe(call, id))?))
        }
        Property::CardId => {
            buffer.reserve(16)?;
            let id = enter_with::<M, _>(host, CacheUse::Closed, |call| call.module.card_id(&mut call.cx))?;
            buffer.give(id.as_bytes())
        }
        Property::SerialNumber => {
            let serial = enter::<M, _>(host, |call| call.module.serial_number(&mut call.cx))?;
            buffer.give(&serial.ok_or(Status::UnsupportedFeature)?)
        }
        Property::Algorithms => {
            let operation = Operation::numbered(flags)?;
            buffer.give(&enter::<M, _>(host, |call| algorithms::names(call, operation))?)
        }
        // Of symmetric ciphers alone, and no module has one.
        Property::ChainingModes => {
            with_state::<M, _>(host, |_| Ok(()))?;
            buffer.give(&algorithms::multi_string(&[]))
        }
        _ => {
            buffer.reserve(size_of::<u32>())?;
            let value = |call: &mut Call<'_, M>| number(call, property, flags);
            buffer.give(&enter::<M, _>(host, value)?.to_ne_bytes())
        }
    }
}

/// A property beyond those the SDK knows: the module's own, or nobody's.
fn own<M: CardModule>(call: &mut Call<'_, M>, name: &str, flags: u32) -> Result<Vec<u8>> {
    let known = call.module.own_properties().filter(|own| !Property::is_known(name) && own.has(name));
    known.ok_or(Status::InvalidParameter)?.get(&mut call.cx, name, flags)
}

/// The properties that are one number.
fn number<M: CardModule>(call: &mut Call<'_, M>, property: Property, flags: u32) -> Result<u32> {
    match property {
        Property::ReadOnly => call.module.read_only(&mut call.cx).map(u32::from),
        Property::CacheMode => call.module.cache_mode(&mut call.cx).map(CacheMode::code),
        Property::Enrollment => {
            let read_only = call.module.read_only(&mut call.cx)?;
            Ok(u32::from(!read_only && call.module.supports_enrollment(&mut call.cx)?))
        }
        Property::PinList => Ok(call.module.pin_list(&mut call.cx)?.bits()),
        Property::Authenticated => {
            let state = call.module.authenticated(&mut call.cx)?;
            Ok(state.ok_or(Status::UnsupportedFeature)?.bits())
        }
        Property::PinStrengthVerify => pin_strength(call, flags),
        Property::KeyImportSupport => Ok(key_import_support(call.module)),
        Property::TriesLeft => tries_left(call, flags),
        Property::PaddingSchemes => algorithms::padding_schemes(call, Operation::numbered(flags)?),
        _ => Err(Status::UnsupportedFeature),
    }
}

/// How a PIN may be presented: in clear, as a session PIN, or both.
fn pin_strength<M: CardModule>(call: &mut Call<'_, M>, flags: u32) -> Result<u32> {
    let kind = pin::describe(call, property_set::role(flags)?)?.kind;
    let (session, typed) = call
        .module
        .secure_pin_entry()
        .map_or((false, false), |entry| (entry.session_pins(), entry.typed_pins()));
    Ok(match kind {
        PinKind::External if typed => CARD_PIN_STRENGTH_PLAINTEXT | CARD_PIN_STRENGTH_SESSION_PIN,
        PinKind::External => CARD_PIN_STRENGTH_SESSION_PIN,
        PinKind::AlphaNumeric if session => CARD_PIN_STRENGTH_PLAINTEXT | CARD_PIN_STRENGTH_SESSION_PIN,
        // Not looked at for empty and challenge types.
        _ => CARD_PIN_STRENGTH_PLAINTEXT,
    })
}

fn tries_left<M: CardModule>(call: &mut Call<'_, M>, flags: u32) -> Result<u32> {
    let id = property_set::role(flags)?;
    pin::describe(call, id)?;
    Ok(call.module.tries_left(&mut call.cx, id)?.unwrap_or(CARD_DATA_VALUE_UNKNOWN))
}

/// Keys in clear where the card imports any; beyond that what the injection trait says.
fn key_import_support(module: &mut impl CardModule) -> u32 {
    let plain = module.container_creation().is_some_and(|creation| creation.can_import());
    let injected = module.key_injection().map_or(0, |injection| injection.import_support());
    injected | if plain { CARD_KEY_IMPORT_PLAIN_TEXT } else { 0 }
}

fn pin_info_structure(info: &PinInfo) -> PIN_INFO {
    let (policy, seconds) = info.cache.codes();
    PIN_INFO {
        dwVersion: PIN_INFO_VERSION,
        PinType: info.kind.code(),
        PinPurpose: info.purpose.code(),
        dwChangePermission: info.change.bits(),
        dwUnblockPermission: info.unblock.bits(),
        PinCachePolicy: PIN_CACHE_POLICY {
            dwVersion: PIN_INFO_VERSION,
            PinCachePolicyType: policy,
            dwPinCachePolicyInfo: seconds,
        },
        dwFlags: info.flags(),
    }
}

pub(crate) fn set<M: CardModule>(host: &Host, name: Wide, value: Bytes<'_>, flags: u32) -> Result<()> {
    let name = name.text()?;
    property_set::set::<M>(host, &name, &value, flags)
}
