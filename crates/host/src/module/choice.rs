//! What a host wants of a card, by whichever function the version agreed on has for it: properties
//! and the `Ex` functions where they exist, the functions of versions 4 and 5 otherwise.

use cardmod_sys::{
    CARD_DATA_VALUE_UNKNOWN, CARD_PIN_SILENT_CONTEXT, CCP_PIN_IDENTIFIER, CP_CARD_AUTHENTICATED_STATE,
    CP_CARD_CACHE_MODE, CP_CARD_CAPABILITIES, CP_CARD_FREE_SPACE, CP_CARD_GUID, CP_CARD_KEYSIZES,
    CP_CARD_LIST_PINS, CP_CARD_PIN_INFO, CP_CARD_READ_ONLY, CP_KEY_IMPORT_SUPPORT,
    CP_SUPPORTS_WIN_X509_ENROLLMENT, SCARD_E_UNSUPPORTED_FEATURE,
};
use cardmod_types::{
    CacheMode, Capabilities, CardId, ContainerIndex, FilePath, FreeSpace, KeySizes, KeySpec, Pin,
    PinCachePolicy, PinId, PinInfo, PinKind, PinPurpose, PinSet, PrivateKey,
};

use super::calls::{UnblockFlag, UserName};
use super::context::Context;
use super::function::{CallError, CallErrorKind, CardFunction};

/// The version a host writes into `PIN_INFO` before it asks.
const PIN_INFO_VERSION: u32 = 6;
/// Our own property: the number of the transaction that now runs. While it stays the same, nobody
/// else touched the card, and a module may rely on what it knows of it. A module that has no such
/// property refuses it, which is no error.
pub(super) const TRANSACTION_PROPERTY: &str = "Cardmod Transaction";
/// The property by which a module made with our SDK is told to forget what it remembers of the card's
/// content.
pub(super) const FORGET_PROPERTY: &str = "Cardmod Forget";
/// The property by which a module made with our SDK tells the tries left of a role (in the flags).
const TRIES_PROPERTY: &str = "Cardmod PIN Tries Left";

/// What a new key is made of.
#[derive(Clone, Copy)]
pub enum KeyMaterial<'a> {
    /// Generated on the card, with this length in bits for RSA.
    Generate(u32),
    /// Imported.
    Import(&'a PrivateKey),
}

impl Context {
    /// What the module can do.
    ///
    /// # Errors
    /// The module's code.
    pub fn capabilities(&mut self) -> Result<Capabilities, CallError> {
        if !self.has(CardFunction::GetProperty) {
            return self.query_capabilities();
        }
        match self.get_fixed_property::<12>(CP_CARD_CAPABILITIES, 1, 0) {
            Ok(bytes) => Ok(Capabilities {
                certificate_compression: word(&bytes, 1) != 0,
                key_generation: word(&bytes, 2) != 0,
            }),
            Err(error) if error.is_unknown_property() => self.query_capabilities(),
            Err(error) => Err(error),
        }
    }

    /// The room left on the card.
    ///
    /// # Errors
    /// The module's code.
    pub fn free_space(&mut self) -> Result<FreeSpace, CallError> {
        if !self.has(CardFunction::GetProperty) {
            return self.query_free_space();
        }
        match self.get_fixed_property::<16>(CP_CARD_FREE_SPACE, 1, 0) {
            Ok(bytes) => Ok(FreeSpace {
                bytes: FreeSpace::from_code(word(&bytes, 1)),
                containers: FreeSpace::from_code(word(&bytes, 2)),
                max_containers: FreeSpace::from_code(word(&bytes, 3)),
            }),
            Err(error) if error.is_unknown_property() => self.query_free_space(),
            Err(error) => Err(error),
        }
    }

    /// The sizes of keys of a spec, in bits; `None` for a spec the card has not.
    ///
    /// # Errors
    /// The module's code.
    pub fn key_sizes(&mut self, spec: KeySpec) -> Result<Option<KeySizes>, CallError> {
        let sizes = if self.has(CardFunction::GetProperty) {
            self.get_fixed_property::<20>(CP_CARD_KEYSIZES, 1, spec.code()).map(|bytes| KeySizes {
                minimum: word(&bytes, 1),
                default: word(&bytes, 2),
                maximum: word(&bytes, 3),
                increment: word(&bytes, 4),
            })
        } else {
            self.query_key_sizes(spec)
        };
        match sizes {
            Ok(sizes) => Ok(Some(sizes)),
            // Modules older than the elliptic specs know them not even by name.
            Err(error) if error.is_unknown_property() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The card's identity.
    ///
    /// # Errors
    /// The module's code, or an identity that is none.
    pub fn card_id(&mut self) -> Result<CardId, CallError> {
        if self.has(CardFunction::GetProperty) {
            match self.get_fixed_property::<16>(CP_CARD_GUID, 0, 0) {
                Ok(bytes) => return Ok(CardId(bytes)),
                Err(error) if error.is_unknown_property() => {}
                Err(error) => return Err(error),
            }
        }
        let file = self.read_file(&FilePath::cardid())?;
        CardId::parse(&file).map_err(|_| CallError::lie(CardFunction::ReadFile, "gave a cardid that is none"))
    }

    /// The card refuses to be written.
    ///
    /// # Errors
    /// The module's code.
    pub fn read_only(&mut self) -> Result<bool, CallError> {
        Ok(self.number(CP_CARD_READ_ONLY, 0)?.is_some_and(|value| value != 0))
    }

    /// How far a host may cache. Versions without the property cache by the counters.
    ///
    /// # Errors
    /// The module's code, or a mode that is none.
    pub fn cache_mode(&mut self) -> Result<CacheMode, CallError> {
        match self.number(CP_CARD_CACHE_MODE, 0)? {
            None => Ok(CacheMode::Global),
            Some(code) => CacheMode::try_from(code)
                .map_err(|_| CallError::lie(CardFunction::GetProperty, "gave a cache mode that is none")),
        }
    }

    /// Windows may enrol certificates; `None` where the card does not say.
    ///
    /// # Errors
    /// The module's code.
    pub fn supports_enrollment(&mut self) -> Result<Option<bool>, CallError> {
        Ok(self.number(CP_SUPPORTS_WIN_X509_ENROLLMENT, 0)?.map(|value| value != 0))
    }

    /// The ways of secure key injection, a bit mask; `None` where the card does not say.
    ///
    /// # Errors
    /// The module's code.
    pub fn key_import_support(&mut self) -> Result<Option<u32>, CallError> {
        self.number(CP_KEY_IMPORT_SUPPORT, 0)
    }

    /// The roles in use. Versions without the property know the user and the administrator.
    ///
    /// # Errors
    /// The module's code.
    pub fn pin_list(&mut self) -> Result<PinSet, CallError> {
        Ok(match self.number(CP_CARD_LIST_PINS, 0)? {
            Some(bits) => PinSet::from_bits(bits),
            None => PinSet::only(PinId::USER).union(PinSet::only(PinId::ADMIN)),
        })
    }

    /// The roles authenticated now; `None` where the card cannot tell.
    ///
    /// # Errors
    /// The module's code.
    pub fn authenticated(&mut self) -> Result<Option<PinSet>, CallError> {
        Ok(self.number(CP_CARD_AUTHENTICATED_STATE, 0)?.map(PinSet::from_bits))
    }

    /// A role's PIN.
    ///
    /// # Errors
    /// The module's code, or a description that is none.
    pub fn pin_info(&mut self, role: PinId) -> Result<PinInfo, CallError> {
        if !self.has(CardFunction::GetProperty) {
            return Ok(usual_pin(role));
        }
        let bytes = self.get_fixed_property::<36>(CP_CARD_PIN_INFO, PIN_INFO_VERSION, role.get())?;
        parse_pin_info(&bytes)
            .ok_or_else(|| CallError::lie(CardFunction::GetProperty, "described a PIN as none can be"))
    }

    /// The role that owns a container's keys.
    ///
    /// # Errors
    /// The module's code, or a role that is none.
    pub fn container_pin(&mut self, index: ContainerIndex) -> Result<PinId, CallError> {
        let function = CardFunction::GetContainerProperty;
        if !self.has(function) {
            return Ok(PinId::USER);
        }
        match self.get_container_property::<4>(index, CCP_PIN_IDENTIFIER) {
            Ok(bytes) => PinId::try_from(word(&bytes, 0))
                .map_err(|_| CallError::lie(function, "named a role that is none")),
            Err(error) if error.is_unsupported() => Ok(PinId::USER),
            Err(error) => Err(error),
        }
    }

    /// Verifies a PIN.
    ///
    /// # Errors
    /// The module's code, with the tries left.
    pub fn verify_pin(&mut self, role: PinId, pin: &Pin, silent: bool) -> Result<(), CallError> {
        if self.has(CardFunction::AuthenticateEx) {
            let flags = if silent { CARD_PIN_SILENT_CONTEXT } else { 0 };
            return self.authenticate_ex(role, flags, Some(pin)).map(drop);
        }
        match user_name(role) {
            Some(UserName::User) => self.authenticate_pin(UserName::User, pin),
            _ => Err(CallError::new(CardFunction::AuthenticateEx, CallErrorKind::Absent)),
        }
    }

    /// Changes a PIN by its old value, or by the PIN of another role that may.
    ///
    /// # Errors
    /// The module's code, with the tries left.
    pub fn change_pin(&mut self, by: PinId, old: &Pin, target: PinId, new: &Pin) -> Result<(), CallError> {
        if self.has(CardFunction::ChangeAuthenticatorEx) {
            let answer = self.change_authenticator_ex(by, old.as_bytes(), target, new.as_bytes());
            match answer {
                Err(error) if error.is_unsupported() && by == PinId::USER && target == by => {}
                answer => return answer,
            }
        }
        let absent = || CallError::new(CardFunction::ChangeAuthenticatorEx, CallErrorKind::Absent);
        let user = user_name(target).filter(|_| by == target).ok_or_else(absent)?;
        self.change_authenticator(user, old.as_bytes(), UnblockFlag::Pin, new.as_bytes(), 0)
    }

    /// Unblocks a PIN by another role's PIN; with no role named, by the PUK the card knows without
    /// naming it.
    ///
    /// # Errors
    /// The module's code, with the tries left.
    pub fn unblock_by_puk(
        &mut self,
        by: Option<PinId>,
        puk: &Pin,
        target: PinId,
        new: &Pin,
    ) -> Result<(), CallError> {
        if let Some(by) = by.filter(|_| self.has(CardFunction::ChangeAuthenticatorEx)) {
            return self.unblock_pin_ex(by, puk.as_bytes(), target, new.as_bytes());
        }
        let absent = || CallError::new(CardFunction::ChangeAuthenticatorEx, CallErrorKind::Absent);
        let user = user_name(target).ok_or_else(absent)?;
        self.unblock_pin(user, puk.as_bytes(), UnblockFlag::Pin, new, 0)
    }

    /// Unblocks a PIN by the administrator's answer to a challenge fetched before.
    ///
    /// # Errors
    /// The module's code, with the tries left.
    pub fn unblock_by_response(
        &mut self,
        response: &[u8],
        target: PinId,
        new: &Pin,
    ) -> Result<(), CallError> {
        if self.has(CardFunction::ChangeAuthenticatorEx) {
            return self.unblock_pin_ex(PinId::ADMIN, response, target, new.as_bytes());
        }
        let absent = || CallError::new(CardFunction::ChangeAuthenticatorEx, CallErrorKind::Absent);
        let user = user_name(target).ok_or_else(absent)?;
        self.unblock_pin(user, response, UnblockFlag::Response, new, 0)
    }

    /// A challenge for the administrator.
    ///
    /// # Errors
    /// The module's code.
    pub fn admin_challenge(&mut self) -> Result<Vec<u8>, CallError> {
        if self.has(CardFunction::GetChallengeEx) {
            return self.get_challenge_ex(PinId::ADMIN);
        }
        self.get_challenge()
    }

    /// Authenticates the administrator by the answer to the challenge fetched before.
    ///
    /// # Errors
    /// The module's code, with the tries left.
    pub fn admin_respond(&mut self, response: &[u8]) -> Result<(), CallError> {
        self.authenticate_challenge(response)
    }

    /// Replaces the administrator's key by the answer to the challenge fetched before.
    ///
    /// # Errors
    /// The module's code, with the tries left.
    pub fn change_admin_key(&mut self, response: &[u8], new: &[u8]) -> Result<(), CallError> {
        if self.has(CardFunction::ChangeAuthenticatorEx) {
            return self.change_authenticator_ex(PinId::ADMIN, response, PinId::ADMIN, new);
        }
        self.change_authenticator(UserName::Admin, response, UnblockFlag::Response, new, 0)
    }

    /// Takes the rights of every role of the set away.
    ///
    /// # Errors
    /// The module's code: the rights are not known to be gone, and the card must be reset.
    pub fn deauthenticate_roles(&mut self, roles: PinSet) -> Result<(), CallError> {
        if self.has(CardFunction::DeauthenticateEx) {
            return self.deauthenticate_ex(roles);
        }
        for role in roles.iter() {
            let user = user_name(role).ok_or_else(|| {
                CallError::new(CardFunction::Deauthenticate, CallErrorKind::Code(SCARD_E_UNSUPPORTED_FEATURE))
            })?;
            self.deauthenticate(user)?;
        }
        Ok(())
    }

    /// Makes a key of a container.
    ///
    /// # Errors
    /// The module's code.
    pub fn create_key(
        &mut self,
        index: ContainerIndex,
        spec: KeySpec,
        material: KeyMaterial<'_>,
        owner: PinId,
    ) -> Result<(), CallError> {
        match material {
            KeyMaterial::Generate(bits) if owner == PinId::USER => self.generate_key(index, spec, bits),
            KeyMaterial::Generate(bits) => self.generate_key_ex(index, spec, bits, owner),
            KeyMaterial::Import(key) if owner == PinId::USER => self.import_key(index, spec, key),
            KeyMaterial::Import(key) => self.import_key_ex(index, spec, key, owner),
        }
    }

    /// Tells a module that knows our property "Cardmod Transaction" which transaction runs: while the
    /// number stays the same, nobody else touched the card.
    ///
    /// # Errors
    /// The module's code; one that knows not the property refuses it.
    pub fn announce_transaction(&mut self, serial: u32) -> Result<(), CallError> {
        if !self.has(CardFunction::SetProperty) {
            return Err(CallError::new(CardFunction::SetProperty, CallErrorKind::Absent));
        }
        self.set_property(TRANSACTION_PROPERTY, Some(&serial.to_le_bytes()), 0)
    }

    /// Tells a module that knows our property "Cardmod Forget" that what it remembers of the card turned
    /// out not to be the card's; and forgets what the module kept with the host. Any other module reads
    /// the card again where it remembers nothing by itself.
    pub fn forget_content(&mut self) {
        self.clear_module_cache();
        self.forget_memory();
    }

    /// The same without what the module kept with the host.
    pub(crate) fn forget_memory(&mut self) {
        if self.has(CardFunction::SetProperty)
            && let Err(error) = self.set_property(FORGET_PROPERTY, Some(&1_u32.to_le_bytes()), 0)
        {
            tracing::debug!(%error, "the module is not told to forget");
        }
    }

    /// The tries left of a role's PIN, from a module that knows our property "Cardmod PIN Tries Left";
    /// `None` where the module or the card does not tell.
    ///
    /// # Errors
    /// The module's code.
    pub fn tries_left(&mut self, role: PinId) -> Result<Option<u32>, CallError> {
        if !self.has(CardFunction::GetProperty) {
            return Ok(None);
        }
        match self.get_property(TRIES_PROPERTY, 0, role.get()) {
            Ok(bytes) => {
                let tries = bytes.first_chunk::<4>().map(|bytes| u32::from_ne_bytes(*bytes));
                Ok(tries.filter(|tries| *tries != CARD_DATA_VALUE_UNKNOWN))
            }
            Err(error) if error.is_unknown_property() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// A DWORD property; `None` where the module has it not.
    pub(super) fn number(&mut self, name: &'static [u16], flags: u32) -> Result<Option<u32>, CallError> {
        if !self.has(CardFunction::GetProperty) {
            return Ok(None);
        }
        match self.get_fixed_property::<4>(name, 0, flags) {
            Ok(bytes) => Ok(Some(word(&bytes, 0))),
            Err(error) if error.is_unknown_property() => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// The n-th DWORD of a structure that is nothing but DWORDs.
fn word(bytes: &[u8], n: usize) -> u32 {
    let mut word = [0; 4];
    word.copy_from_slice(&bytes[n * 4..n * 4 + 4]);
    u32::from_ne_bytes(word)
}

/// `PIN_INFO` (specification 7.07, section 4.5.4): nine DWORDs, of which the fifth to the seventh are
/// the cache policy.
fn parse_pin_info(bytes: &[u8; 36]) -> Option<PinInfo> {
    Some(PinInfo {
        kind: PinKind::try_from(word(bytes, 1)).ok()?,
        purpose: PinPurpose::try_from(word(bytes, 2)).ok()?,
        change: PinSet::from_bits(word(bytes, 3)),
        unblock: PinSet::from_bits(word(bytes, 4)),
        cache: PinCachePolicy::from_codes(word(bytes, 6), word(bytes, 7)).ok()?,
        secure_entry: word(bytes, 8) & PinInfo::REQUIRE_SECURE_ENTRY != 0,
    })
}

/// What versions 4 and 5 of the interface take for granted.
fn usual_pin(role: PinId) -> PinInfo {
    let admin = role == PinId::ADMIN;
    PinInfo {
        kind: if admin { PinKind::ChallengeResponse } else { PinKind::AlphaNumeric },
        purpose: if admin { PinPurpose::Administrator } else { PinPurpose::PrimaryCard },
        change: PinSet::only(role),
        unblock: if admin { PinSet::NONE } else { PinSet::only(PinId::ADMIN) },
        cache: PinCachePolicy::Normal,
        secure_entry: false,
    }
}

/// A role's name in the functions of versions 4 and 5.
fn user_name(role: PinId) -> Option<UserName> {
    match role {
        PinId::USER => Some(UserName::User),
        PinId::ADMIN => Some(UserName::Admin),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pin_info(words: [u32; 9]) -> [u8; 36] {
        let mut bytes = [0; 36];
        for (chunk, word) in bytes.chunks_exact_mut(4).zip(words) {
            chunk.copy_from_slice(&word.to_ne_bytes());
        }
        bytes
    }

    #[test]
    fn a_pin_description_is_read() {
        let info = parse_pin_info(&pin_info([6, 0, 5, 0x02, 0x04, 6, 1, 30, 1])).expect("a user PIN");
        assert_eq!(info.kind, PinKind::AlphaNumeric);
        assert_eq!(info.purpose, PinPurpose::PrimaryCard);
        assert!(info.change.contains(PinId::USER) && info.unblock.contains(PinId::ADMIN));
        assert_eq!(info.cache, PinCachePolicy::Timed(30));
        assert!(info.secure_entry);
    }

    #[test]
    fn a_pin_description_with_unknown_codes_is_refused() {
        assert!(parse_pin_info(&pin_info([6, 9, 5, 2, 4, 6, 0, 0, 0])).is_none());
        assert!(parse_pin_info(&pin_info([6, 0, 99, 2, 4, 6, 0, 0, 0])).is_none());
        assert!(parse_pin_info(&pin_info([6, 0, 5, 2, 4, 6, 9, 0, 0])).is_none());
    }
}
