//! The entries of a function table: which must be there, which may be absent, and what the answered
//! version means for the structures. Nothing else in the crate compares versions.

use cardmod_sys::CARD_DATA;

use super::function::CardFunction;

/// Entries a module may leave NULL by itself: the host resets the card instead.
const OPTIONAL: &[&str] = &["pfnCardDeauthenticate"];
/// NULL in a module without RSA decryption.
const RSA: &[&str] = &["pfnCardRSADecrypt"];
/// NULL, all of them, in a module without key agreement.
const KEY_AGREEMENT: &[&str] =
    &["pfnCardConstructDHAgreement", "pfnCardDeriveKey", "pfnCardDestroyDHAgreement"];

/// The entries that are NULL and must not be, out of those that are NULL in the answered version.
/// `key_agreement_entries` is how many of that group the version has.
pub(super) fn holes(empty: &[&'static str], key_agreement_entries: usize) -> Vec<&'static str> {
    let agreement_missing = empty.iter().filter(|name| KEY_AGREEMENT.contains(name)).count();
    let no_agreement_at_all = agreement_missing == key_agreement_entries;
    empty
        .iter()
        .copied()
        .filter(|name| !OPTIONAL.contains(name) && !RSA.contains(name))
        .filter(|name| !(no_agreement_at_all && KEY_AGREEMENT.contains(name)))
        .collect()
}

/// How many of the key agreement entries a version has.
pub(super) fn key_agreement_entries(version: u32) -> usize {
    cardmod_sys::version::members(version).filter(|member| KEY_AGREEMENT.contains(&member.name)).count()
}

/// The versions of the structures a host sends to a module of a version of the interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct StructureVersions {
    /// `CARD_SIGNING_INFO`: with version 2 come padding descriptions, and with them PSS.
    pub(super) signing: u32,
    /// `CARD_RSA_DECRYPT_INFO`: with version 2 the module removes padding.
    pub(super) decrypt: u32,
    /// `CARD_DERIVE_KEY`: with version 2 come key handles.
    pub(super) derive: u32,
}

impl StructureVersions {
    /// Those of a version of the interface (specification 7.07, sections 2.5 and 4.7.1).
    pub(super) fn of(version: u32) -> Self {
        match version {
            ..=4 => Self { signing: 1, decrypt: 1, derive: 1 },
            5 | 6 => Self { signing: 2, decrypt: 1, derive: 1 },
            7.. => Self { signing: 2, decrypt: 2, derive: 2 },
        }
    }
}

macro_rules! slots {
    ($($function:ident = $slot:ident),+ $(,)?) => {
        /// The function is there.
        pub(super) fn has(functions: &CARD_DATA, function: CardFunction) -> bool {
            match function {
                // An export, not an entry: a context exists only because it is there.
                CardFunction::AcquireContext => true,
                $(CardFunction::$function => functions.$slot.is_some(),)+
            }
        }
    };
}

slots! {
    DeleteContext = pfnCardDeleteContext,
    QueryCapabilities = pfnCardQueryCapabilities,
    DeleteContainer = pfnCardDeleteContainer,
    CreateContainer = pfnCardCreateContainer,
    GetContainerInfo = pfnCardGetContainerInfo,
    AuthenticatePin = pfnCardAuthenticatePin,
    GetChallenge = pfnCardGetChallenge,
    AuthenticateChallenge = pfnCardAuthenticateChallenge,
    UnblockPin = pfnCardUnblockPin,
    ChangeAuthenticator = pfnCardChangeAuthenticator,
    Deauthenticate = pfnCardDeauthenticate,
    CreateDirectory = pfnCardCreateDirectory,
    DeleteDirectory = pfnCardDeleteDirectory,
    CreateFile = pfnCardCreateFile,
    ReadFile = pfnCardReadFile,
    WriteFile = pfnCardWriteFile,
    DeleteFile = pfnCardDeleteFile,
    EnumFiles = pfnCardEnumFiles,
    GetFileInfo = pfnCardGetFileInfo,
    QueryFreeSpace = pfnCardQueryFreeSpace,
    QueryKeySizes = pfnCardQueryKeySizes,
    SignData = pfnCardSignData,
    RsaDecrypt = pfnCardRSADecrypt,
    ConstructDhAgreement = pfnCardConstructDHAgreement,
    DeriveKey = pfnCardDeriveKey,
    DestroyDhAgreement = pfnCardDestroyDHAgreement,
    GetChallengeEx = pfnCardGetChallengeEx,
    AuthenticateEx = pfnCardAuthenticateEx,
    ChangeAuthenticatorEx = pfnCardChangeAuthenticatorEx,
    DeauthenticateEx = pfnCardDeauthenticateEx,
    GetContainerProperty = pfnCardGetContainerProperty,
    SetContainerProperty = pfnCardSetContainerProperty,
    GetProperty = pfnCardGetProperty,
    SetProperty = pfnCardSetProperty,
    ImportSessionKeyIntoModule = pfnMDImportSessionKey,
    EncryptData = pfnMDEncryptData,
    ImportSessionKey = pfnCardImportSessionKey,
    GetSharedKeyHandle = pfnCardGetSharedKeyHandle,
    GetAlgorithmProperty = pfnCardGetAlgorithmProperty,
    GetKeyProperty = pfnCardGetKeyProperty,
    SetKeyProperty = pfnCardSetKeyProperty,
    DestroyKey = pfnCardDestroyKey,
    ProcessEncryptedData = pfnCardProcessEncryptedData,
    CreateContainerEx = pfnCardCreateContainerEx,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_specification_lets_be_null_is_no_hole() {
        let all_of_them = key_agreement_entries(7);
        assert_eq!(all_of_them, 3);
        assert_eq!(key_agreement_entries(4), 1);
        let ecc_only = ["pfnCardDeauthenticate", "pfnCardRSADecrypt"];
        assert!(holes(&ecc_only, all_of_them).is_empty());
        assert!(holes(KEY_AGREEMENT, all_of_them).is_empty());
        assert!(holes(&["pfnCardConstructDHAgreement"], 1).is_empty());
    }

    #[test]
    fn everything_else_is_a_hole() {
        assert_eq!(holes(&["pfnCardReadFile", "pfnCardDeauthenticate"], 3), ["pfnCardReadFile"]);
        assert_eq!(holes(&["pfnCardDeriveKey"], 3), ["pfnCardDeriveKey"]);
    }

    #[test]
    fn structures_follow_the_version() {
        assert_eq!(StructureVersions::of(4), StructureVersions { signing: 1, decrypt: 1, derive: 1 });
        assert_eq!(StructureVersions::of(6), StructureVersions { signing: 2, decrypt: 1, derive: 1 });
        assert_eq!(StructureVersions::of(7), StructureVersions { signing: 2, decrypt: 2, derive: 2 });
    }
}
