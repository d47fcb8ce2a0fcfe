//! The wall: every function a host calls, with C's signature, generic over the module type.
//!
//! Each entry is one row of a table: its C parameters, the type that reads each of them, and the safe
//! function in [`crate::entry`] that does the work. The macro writes the same few lines for all of them:
//! clear the outputs, read the arguments, call, answer the code. The same row also gives the stub that a
//! module without the capability publishes.

#![allow(unsafe_code)]

mod acquire;
mod callbacks;
mod host;
mod key_material;
mod params;
mod shown;
mod structures;

pub use acquire::acquire;
pub(crate) use host::{CardHandles, Host, HostBlock};
pub(crate) use key_material::{AgreementInfo, DeriveInfo, KeyBlob, Parameter};
pub(crate) use params::{Bytes, Name, Out, OutBlock, PropertyBuffer, Wide};
pub(crate) use structures::{DecryptInfo, PaddingInfo, Present, SigningInfo, Versioned};

use cardmod_sys::{
    BYTE, CARD_CAPABILITIES, CARD_DATA, CARD_DERIVE_KEY, CARD_DH_AGREEMENT_INFO, CARD_ENCRYPTED_DATA,
    CARD_FILE_INFO, CARD_FREE_SPACE_INFO, CARD_KEY_HANDLE, CARD_KEY_SIZES, CARD_RSA_DECRYPT_INFO,
    CARD_SIGNING_INFO, CONTAINER_INFO, DWORD, LPCWSTR, LPSTR, LPVOID, LPWSTR, PIN_ID, PIN_SET,
};

use crate::boundary::params::Number;
use crate::entry::{agreement, container, file, injection, pin, property, query, rsa};
use crate::module::{CardModule, Result};
use crate::panics::fence;
use crate::status::Status;

/// What the log names beside each call.
fn handles_of(host: &Result<Host>) -> Option<CardHandles> {
    host.as_ref().ok().map(|host| host.handles)
}

type Block = *mut *mut u8;
type Length = *mut DWORD;

macro_rules! entries {
    ($($(#[$doc:meta])* $name:ident => $chapter:ident::$function:ident {
        $($parameter:ident: $reader:ident($($argument:ident: $c:ty),+)),* $(,)?
    })+) => {
        $(
            $(#[$doc])*
            ///
            /// # Safety
            /// What Cardmod.h asks of the caller: every pointer NULL or valid for its use, the structure
            /// one that `CardAcquireContext` filled.
            pub(crate) unsafe extern "system" fn $name<M: CardModule>(
                data: *mut CARD_DATA,
                $($($argument: $c),+),*
            ) -> DWORD {
                fence(stringify!($name), |logged| {
                    // SAFETY:
                    // - NULL, or what CardAcquireContext filled, for the time of this call: the caller.
                    let host = unsafe { Host::read(data) };
                    $(
                        // SAFETY:
                        // - NULL, or valid for its use in this entry for the time of this call: the caller.
                        let $parameter = unsafe { $reader::read($($argument),+) };
                    )*
                    logged.arguments(handles_of(&host), &[$((stringify!($parameter), &$parameter)),*]);
                    let host = host?;
                    let result = $chapter::$function::<M>(&host, $($parameter),*);
                    logged.answered(host.answered());
                    result
                })
            }
        )+

        /// The same signatures for what a module lacks: outputs cleared, `SCARD_E_UNSUPPORTED_FEATURE`.
        #[allow(dead_code, reason = "what every module has needs no stub")]
        pub(crate) mod unsupported {
            use super::*;

            $(
                $(#[$doc])*
                ///
                /// # Safety
                /// As for the entry of the same name.
                pub(crate) unsafe extern "system" fn $name(
                    data: *mut CARD_DATA,
                    $($($argument: $c),+),*
                ) -> DWORD {
                    fence(stringify!($name), |logged| {
                        $(
                            // SAFETY:
                            // - NULL, or valid for its use in this entry: the caller.
                            let $parameter = unsafe { $reader::read($($argument),+) };
                        )*
                        // SAFETY:
                        // - NULL, or what CardAcquireContext filled, for the time of this call: the caller.
                        let host = unsafe { Host::read(data) };
                        logged.arguments(handles_of(&host), &[$((stringify!($parameter), &$parameter)),*]);
                        Err(if data.is_null() { Status::InvalidParameter } else { Status::UnsupportedFeature })
                    })
                }
            )+
        }
    };
}

entries! {
    /// `CardDeleteContext` (5.2).
    card_delete_context => query::delete_context {}
    /// `CardQueryCapabilities` (5.3).
    card_query_capabilities => query::capabilities {
        info: Versioned(capabilities: *mut CARD_CAPABILITIES),
    }
    /// `CardQueryFreeSpace` (5.4).
    card_query_free_space => query::free_space {
        flags: Number(dw_flags: DWORD), info: Versioned(space: *mut CARD_FREE_SPACE_INFO),
    }
    /// `CardQueryKeySizes` (5.5).
    card_query_key_sizes => query::key_sizes {
        spec: Number(key_spec: DWORD), flags: Number(dw_flags: DWORD),
        info: Versioned(sizes: *mut CARD_KEY_SIZES),
    }
    /// `CardCreateContainer` (5.6).
    card_create_container => container::create {
        index: Number(container_index: BYTE), flags: Number(dw_flags: DWORD),
        spec: Number(key_spec: DWORD), bits: Number(key_size: DWORD), blob: KeyBlob(key_data: *mut BYTE),
    }
    /// `CardCreateContainerEx` (5.7).
    card_create_container_ex => container::create_ex {
        index: Number(container_index: BYTE), flags: Number(dw_flags: DWORD),
        spec: Number(key_spec: DWORD), bits: Number(key_size: DWORD), blob: KeyBlob(key_data: *mut BYTE),
        owner: Number(pin_id: PIN_ID),
    }
    /// `CardDeleteContainer` (5.8).
    card_delete_container => container::delete {
        index: Number(container_index: BYTE), reserved: Number(dw_reserved: DWORD),
    }
    /// `CardGetContainerInfo` (5.9).
    card_get_container_info => container::info {
        index: Number(container_index: BYTE), flags: Number(dw_flags: DWORD),
        info: Versioned(container_info: *mut CONTAINER_INFO),
    }
    /// `CardAuthenticatePin` (5.10).
    card_authenticate_pin => pin::authenticate_pin {
        user: Wide(user_id: LPWSTR), pin: Bytes(pb_pin: *mut BYTE, cb_pin: DWORD),
        attempts: Out(attempts_remaining: *mut DWORD),
    }
    /// `CardAuthenticateEx` (5.11).
    card_authenticate_ex => pin::authenticate_ex {
        id: Number(pin_id: PIN_ID), flags: Number(dw_flags: DWORD),
        pin: Bytes(pb_pin: *mut BYTE, cb_pin: DWORD), session: OutBlock(pb_session: Block, cb_session: Length),
        attempts: Out(attempts_remaining: *mut DWORD),
    }
    /// `CardGetChallenge` (5.12).
    card_get_challenge => pin::get_challenge {
        challenge: OutBlock(pb_challenge: Block, cb_challenge: Length),
    }
    /// `CardGetChallengeEx` (5.13).
    card_get_challenge_ex => pin::get_challenge_ex {
        id: Number(pin_id: PIN_ID), challenge: OutBlock(pb_challenge: Block, cb_challenge: Length),
        flags: Number(dw_flags: DWORD),
    }
    /// `CardAuthenticateChallenge` (5.14).
    card_authenticate_challenge => pin::authenticate_challenge {
        response: Bytes(pb_response: *mut BYTE, cb_response: DWORD),
        attempts: Out(attempts_remaining: *mut DWORD),
    }
    /// `CardUnblockPin` (5.15).
    card_unblock_pin => pin::unblock_pin {
        user: Wide(user_id: LPWSTR), authority: Bytes(pb_authentication: *mut BYTE, cb_authentication: DWORD),
        new: Bytes(pb_new_pin: *mut BYTE, cb_new_pin: DWORD), retry: Number(retry_count: DWORD),
        flags: Number(dw_flags: DWORD),
    }
    /// `CardChangeAuthenticator` (5.16).
    card_change_authenticator => pin::change_authenticator {
        user: Wide(user_id: LPWSTR), current: Bytes(pb_current: *mut BYTE, cb_current: DWORD),
        new: Bytes(pb_new: *mut BYTE, cb_new: DWORD), retry: Number(retry_count: DWORD),
        flags: Number(dw_flags: DWORD), attempts: Out(attempts_remaining: *mut DWORD),
    }
    /// `CardChangeAuthenticatorEx` (5.17).
    card_change_authenticator_ex => pin::change_authenticator_ex {
        flags: Number(dw_flags: DWORD), by: Number(authenticating_id: PIN_ID),
        authority: Bytes(pb_authenticating: *mut BYTE, cb_authenticating: DWORD),
        target: Number(target_id: PIN_ID), new: Bytes(pb_target: *mut BYTE, cb_target: DWORD),
        retry: Number(retry_count: DWORD), attempts: Out(attempts_remaining: *mut DWORD),
    }
    /// `CardDeauthenticate` (5.18).
    card_deauthenticate => pin::deauthenticate {
        user: Wide(user_id: LPWSTR), flags: Number(dw_flags: DWORD),
    }
    /// `CardDeauthenticateEx` (5.19).
    card_deauthenticate_ex => pin::deauthenticate_ex {
        roles: Number(pin_set: PIN_SET), flags: Number(dw_flags: DWORD),
    }
    /// `CardCreateDirectory` (5.20).
    card_create_directory => file::create_directory {
        name: Name(directory_name: LPSTR), access: Number(access_condition: DWORD),
    }
    /// `CardDeleteDirectory` (5.21).
    card_delete_directory => file::delete_directory { name: Name(directory_name: LPSTR) }
    /// `CardCreateFile` (5.22).
    card_create_file => file::create {
        directory: Name(directory_name: LPSTR), name: Name(file_name: LPSTR),
        size: Number(initial_size: DWORD), access: Number(access_condition: DWORD),
    }
    /// `CardReadFile` (5.23).
    card_read_file => file::read {
        directory: Name(directory_name: LPSTR), name: Name(file_name: LPSTR), flags: Number(dw_flags: DWORD),
        content: OutBlock(pb_data: Block, cb_data: Length),
    }
    /// `CardWriteFile` (5.24).
    card_write_file => file::write {
        directory: Name(directory_name: LPSTR), name: Name(file_name: LPSTR), flags: Number(dw_flags: DWORD),
        content: Bytes(pb_data: *mut BYTE, cb_data: DWORD),
    }
    /// `CardDeleteFile` (5.25).
    card_delete_file => file::delete {
        directory: Name(directory_name: LPSTR), name: Name(file_name: LPSTR), flags: Number(dw_flags: DWORD),
    }
    /// `CardEnumFiles` (5.26).
    card_enum_files => file::list {
        directory: Name(directory_name: LPSTR), names: OutBlock(file_names: *mut LPSTR, cb_names: Length),
        flags: Number(dw_flags: DWORD),
    }
    /// `CardGetFileInfo` (5.27).
    card_get_file_info => file::info {
        directory: Name(directory_name: LPSTR), name: Name(file_name: LPSTR),
        info: Versioned(file_info: *mut CARD_FILE_INFO),
    }
    /// `CardGetContainerProperty` (5.28).
    card_get_container_property => container::get_property {
        index: Number(container_index: BYTE), name: Wide(property: LPCWSTR),
        buffer: PropertyBuffer(pb_data: *mut BYTE, cb_data: DWORD, data_len: Length),
        flags: Number(dw_flags: DWORD),
    }
    /// `CardSetContainerProperty` (5.29).
    card_set_container_property => container::set_property {
        index: Number(container_index: BYTE), name: Wide(property: LPCWSTR),
        value: Bytes(pb_data: *mut BYTE, cb_data: DWORD), flags: Number(dw_flags: DWORD),
    }
    /// `CardGetProperty` (5.30).
    card_get_property => property::get {
        name: Wide(property: LPCWSTR),
        buffer: PropertyBuffer(pb_data: *mut BYTE, cb_data: DWORD, data_len: Length),
        flags: Number(dw_flags: DWORD),
    }
    /// `CardSetProperty` (5.31).
    card_set_property => property::set {
        name: Wide(property: LPCWSTR), value: Bytes(pb_data: *mut BYTE, cb_data: DWORD),
        flags: Number(dw_flags: DWORD),
    }
    /// `CardSignData` (5.32).
    card_sign_data => rsa::sign_data { info: SigningInfo(signing_info: *mut CARD_SIGNING_INFO) }
    /// `CardRSADecrypt` (5.33).
    card_rsa_decrypt => rsa::decrypt { info: DecryptInfo(decrypt_info: *mut CARD_RSA_DECRYPT_INFO) }
    /// `CardConstructDHAgreement` (5.34).
    card_construct_dh_agreement => agreement::construct {
        info: AgreementInfo(agreement_info: *mut CARD_DH_AGREEMENT_INFO),
    }
    /// `CardDeriveKey` (5.35).
    card_derive_key => agreement::derive { info: DeriveInfo(derive_info: *mut CARD_DERIVE_KEY) }
    /// `CardDestroyDHAgreement` (5.36).
    card_destroy_dh_agreement => agreement::destroy {
        index: Number(agreement_index: BYTE), flags: Number(dw_flags: DWORD),
    }
    /// `MDImportSessionKey` (5.37).
    md_import_session_key => injection::md_import_session_key {
        blob_type: Wide(blob_type_name: LPCWSTR), algorithm: Wide(algorithm_name: LPCWSTR),
        key: Out(key_handle: *mut CARD_KEY_HANDLE), input: Bytes(pb_input: *mut BYTE, cb_input: DWORD),
    }
    /// `MDEncryptData` (5.38).
    md_encrypt_data => injection::md_encrypt_data {
        key: Number(key_handle: CARD_KEY_HANDLE), function: Wide(secure_function: LPCWSTR),
        input: Bytes(pb_input: *mut BYTE, cb_input: DWORD), flags: Number(dw_flags: DWORD),
        output: OutBlock(encrypted: *mut *mut CARD_ENCRYPTED_DATA, encrypted_count: Length),
    }
    /// `CardImportSessionKey` (5.39).
    card_import_session_key => injection::import_session_key {
        index: Number(container_index: BYTE), padding: Present(padding_info: LPVOID),
        blob_type: Wide(blob_type_name: LPCWSTR), algorithm: Wide(algorithm_name: LPCWSTR),
        key: Out(key_handle: *mut CARD_KEY_HANDLE), input: Bytes(pb_input: *mut BYTE, cb_input: DWORD),
        flags: Number(dw_flags: DWORD),
    }
    /// `CardGetSharedKeyHandle` (5.40).
    card_get_shared_key_handle => injection::get_shared_key_handle {
        input: Bytes(pb_input: *mut BYTE, cb_input: DWORD), output: OutBlock(pb_output: Block, cb_output: Length),
        key: Out(key_handle: *mut CARD_KEY_HANDLE),
    }
    /// `CardGetAlgorithmProperty` (5.41).
    card_get_algorithm_property => injection::get_algorithm_property {
        algorithm: Wide(algorithm_name: LPCWSTR), name: Wide(property: LPCWSTR),
        buffer: PropertyBuffer(pb_data: *mut BYTE, cb_data: DWORD, data_len: Length),
        flags: Number(dw_flags: DWORD),
    }
    /// `CardGetKeyProperty` (5.42).
    card_get_key_property => injection::get_key_property {
        key: Number(key_handle: CARD_KEY_HANDLE), name: Wide(property: LPCWSTR),
        buffer: PropertyBuffer(pb_data: *mut BYTE, cb_data: DWORD, data_len: Length),
        flags: Number(dw_flags: DWORD),
    }
    /// `CardSetKeyProperty` (5.43).
    card_set_key_property => injection::set_key_property {
        key: Number(key_handle: CARD_KEY_HANDLE), name: Wide(property: LPCWSTR),
        value: Bytes(pb_input: *mut BYTE, cb_input: DWORD), flags: Number(dw_flags: DWORD),
    }
    /// `CardDestroyKey` (5.44).
    card_destroy_key => injection::destroy_key { key: Number(key_handle: CARD_KEY_HANDLE) }
    /// `CardProcessEncryptedData` (5.45).
    card_process_encrypted_data => injection::process_encrypted_data {
        key: Number(key_handle: CARD_KEY_HANDLE), function: Wide(secure_function: LPCWSTR),
        encrypted: Present(encrypted_data: *mut CARD_ENCRYPTED_DATA), count: Number(encrypted_count: DWORD),
        output: PropertyBuffer(pb_output: *mut BYTE, cb_output: DWORD, output_len: Length),
        flags: Number(dw_flags: DWORD),
    }
}
