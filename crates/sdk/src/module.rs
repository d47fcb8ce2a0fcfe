//! What a card module is: one core trait and the capabilities a card may have beyond it.
//!
//! A module author implements [`CardModule`] and, for each thing the card can do, one capability
//! trait, returned from the core trait as `Some`. What is not returned does not exist: the SDK then
//! publishes a stub with the right signature that answers `SCARD_E_UNSUPPORTED_FEATURE`, and says
//! so in the capabilities and properties too, so that a module cannot claim what it lacks.
//!
//! Everything here is safe and typed. Arguments arrive checked (Windows Smart Card Minidriver
//! Specification v7.07, sections 2 and 4); byte orders are the card's (big-endian RSA, `r‖s` for
//! ECDSA) and the SDK turns them into those of the interface.

use cardmod_types::{
    Capabilities, CardId, ContainerIndex, ContainerKeys, DirectoryAccess, DirectoryName, EcPublicKey,
    FileAccess, FileInfo, FileName, FilePath, FreeSpace, KeySizes, KeySpec, Pin, PinId, PinInfo, PinSet,
    PrivateKey, SecretBytes,
};

use crate::context::CardContext;
use crate::status::Status;

/// What an entry answers: a value, or the cause that becomes the caller's code.
pub type Result<T> = core::result::Result<T, Status>;

/// A card module: what every card has.
///
/// One value lives behind each `CARD_DATA` a host acquired; it is dropped by `CardDeleteContext`.
/// The SDK calls it under a lock, one entry at a time. `cx` gives the card (as APDUs) and the
/// host's services for the time of one call; nothing of it can be kept.
pub trait CardModule: Send + Sized + 'static {
    /// The lowest interface version a host may ask for (4 to 7).
    const MINIMUM_VERSION: u32 = 4;
    /// The version this module answers to a host that asks for it or more (4 to 7).
    const CURRENT_VERSION: u32 = 7;
    /// The module does RSA decryption: `false` publishes NULL in `pfnCardRSADecrypt`, which is how
    /// an ECC-only module says so.
    const RSA: bool = true;
    /// The module does key agreement: `false` publishes NULL in the three key agreement entries,
    /// which is how an RSA-only module says so.
    const ECC: bool = true;

    /// Recognises the card and makes the context's state (`CardAcquireContext`).
    ///
    /// # Errors
    /// [`Status::UnknownCard`] for a card that is not this module's.
    fn acquire(cx: &mut CardContext<'_>) -> Result<Self>;

    /// The host changed its handles, the card was reset, or the transaction was broken: whatever is
    /// known of the card's state (application selected, PIN verified, key chosen) no longer holds.
    /// Must not talk to the card.
    fn connection_lost(&mut self);

    /// What was remembered of the card's content (files, public keys) turned out not to be the card's (see
    /// [`FORGET_PROPERTY`](crate::FORGET_PROPERTY)): it is read again. Must not talk to the card. A module
    /// that remembers nothing of its own leaves this as it is; the host forgets what it keeps for it.
    fn forget_content(&mut self) {}

    /// The card's identity, also served as property "Card Identifier".
    fn card_id(&mut self, cx: &mut CardContext<'_>) -> Result<CardId>;

    /// The vendor's serial number (property "Card Serial Number"); `None` where the card has none.
    fn serial_number(&mut self, _cx: &mut CardContext<'_>) -> Result<Option<Vec<u8>>> {
        Ok(None)
    }

    /// `CardQueryCapabilities`, property "Capabilities". `certificate_compression` is true only for
    /// a module that compresses certificates by itself.
    fn capabilities(&mut self, cx: &mut CardContext<'_>) -> Result<Capabilities>;

    /// `CardQueryFreeSpace`, property "Free Space".
    fn free_space(&mut self, cx: &mut CardContext<'_>) -> Result<FreeSpace>;

    /// `CardQueryKeySizes`, property "Key Sizes".
    ///
    /// # Errors
    /// [`Status::UnsupportedFeature`] for a key spec the card has not.
    fn key_sizes(&mut self, cx: &mut CardContext<'_>, spec: KeySpec) -> Result<KeySizes>;

    /// No host may write (property "Read Only Mode").
    fn read_only(&mut self, _cx: &mut CardContext<'_>) -> Result<bool> {
        Ok(false)
    }

    /// Windows may enrol certificates (property "Supports Windows x.509 Enrollment").
    fn supports_enrollment(&mut self, cx: &mut CardContext<'_>) -> Result<bool> {
        Ok(!self.read_only(cx)?)
    }

    /// How the host may cache (property "Cache Mode").
    fn cache_mode(&mut self, _cx: &mut CardContext<'_>) -> Result<cardmod_types::CacheMode> {
        Ok(cardmod_types::CacheMode::Global)
    }

    /// The roles in use (property "PIN List").
    fn pin_list(&mut self, cx: &mut CardContext<'_>) -> Result<PinSet>;

    /// Whether a role is in use. Asked before each authentication and deauthentication: a module that has to
    /// ask the card for its list answers for the roles it always has without.
    fn has_role(&mut self, cx: &mut CardContext<'_>, id: PinId) -> Result<bool> {
        Ok(self.pin_list(cx)?.contains(id))
    }

    /// One role's description (property "PIN Information"); asked only for roles of `pin_list`.
    fn pin_info(&mut self, cx: &mut CardContext<'_>, id: PinId) -> Result<PinInfo>;

    /// The roles authenticated now (property "Authenticated State"); `None` where the card cannot tell.
    fn authenticated(&mut self, _cx: &mut CardContext<'_>) -> Result<Option<PinSet>> {
        Ok(None)
    }

    /// The tries left of a role's PIN, where the card tells without costing one (property
    /// [`TRIES_PROPERTY`](crate::TRIES_PROPERTY)); asked only for roles of `pin_list`.
    fn tries_left(&mut self, _cx: &mut CardContext<'_>, _id: PinId) -> Result<Option<u32>> {
        Ok(None)
    }

    /// The public keys of a container. Works unauthenticated.
    ///
    /// # Errors
    /// [`Status::NoKeyContainer`] where there is none.
    fn container_keys(&mut self, cx: &mut CardContext<'_>, index: ContainerIndex) -> Result<ContainerKeys>;

    /// The role that owns a container's keys (container property "PIN Identifier").
    fn container_pin(&mut self, cx: &mut CardContext<'_>, index: ContainerIndex) -> Result<PinId>;

    /// The container of the ECDH partner of an ECDSA key (container property "Associated ECDH Key").
    fn associated_ecdh(
        &mut self,
        _cx: &mut CardContext<'_>,
        _index: ContainerIndex,
    ) -> Result<Option<ContainerIndex>> {
        Ok(None)
    }

    /// A whole logical file.
    ///
    /// # Errors
    /// [`Status::DirectoryNotFound`], [`Status::FileNotFound`] (which hosts remember: never for
    /// anything else), [`Status::SecurityViolation`].
    fn read_file(&mut self, cx: &mut CardContext<'_>, path: &FilePath) -> Result<Vec<u8>>;

    /// Size and access condition of a file.
    fn file_info(&mut self, cx: &mut CardContext<'_>, path: &FilePath) -> Result<FileInfo>;

    /// The names of the files of a directory (`None`: the root), directories not among them.
    /// An empty directory is an empty list; the SDK makes the interface's answer of it.
    fn list_files(
        &mut self,
        cx: &mut CardContext<'_>,
        directory: Option<&DirectoryName>,
    ) -> Result<Vec<FileName>>;

    /// Verifies a PIN of alphanumeric type.
    ///
    /// # Errors
    /// [`Status::WrongPin`] with the tries left, [`Status::PinBlocked`]. A PIN whose length the card
    /// cannot accept is wrong without costing a try.
    fn verify_pin(&mut self, cx: &mut CardContext<'_>, id: PinId, pin: &Pin) -> Result<()>;

    /// Takes the rights of every role of the set away, or fails; the host then resets the card.
    fn deauthenticate(&mut self, cx: &mut CardContext<'_>, roles: PinSet) -> Result<()>;

    /// Signs.
    ///
    /// # Errors
    /// [`Status::NoKeyContainer`], [`Status::SecurityViolation`] when the role is not authenticated.
    fn sign(&mut self, cx: &mut CardContext<'_>, key: KeyRef, input: &SignatureInput<'_>) -> Result<Vec<u8>>;

    /// RSA decryption with a key of the card.
    fn rsa_decryption(&mut self) -> Option<&mut dyn RsaDecryption> {
        None
    }
    /// Elliptic curve Diffie-Hellman with a key of the card.
    fn key_agreement(&mut self) -> Option<&mut dyn KeyAgreement> {
        None
    }
    /// Generation, import and deletion of keys.
    fn container_creation(&mut self) -> Option<&mut dyn ContainerCreation> {
        None
    }
    /// Writing of files and directories.
    fn file_writing(&mut self) -> Option<&mut dyn FileWriting> {
        None
    }
    /// Change and unblocking of PINs.
    fn pin_administration(&mut self) -> Option<&mut dyn PinAdministration> {
        None
    }
    /// Challenge and response for the administrator's key.
    fn admin_authentication(&mut self) -> Option<&mut dyn AdminAuthentication> {
        None
    }
    /// PIN entry outside the host: a reader's keypad, a sensor (PIN type "external").
    fn secure_pin_entry(&mut self) -> Option<&mut dyn SecurePinEntry> {
        None
    }
    /// Setting of card and container properties.
    fn property_writing(&mut self) -> Option<&mut dyn PropertyWriting> {
        None
    }
    /// Secure key injection (interface version 7).
    fn key_injection(&mut self) -> Option<&mut dyn KeyInjection> {
        None
    }
    /// Card properties beyond the specification.
    fn own_properties(&mut self) -> Option<&mut dyn OwnProperties> {
        None
    }
}

/// A key of the card: container and key spec, the spec being that of an existing key when the
/// module is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyRef {
    /// The container.
    pub container: ContainerIndex,
    /// Which key of it.
    pub spec: KeySpec,
}

/// What is to be signed, after the SDK has read hash, padding and flags.
#[derive(Clone, Copy, Debug)]
pub enum SignatureInput<'a> {
    /// RSA PKCS#1 v1.5: the `DigestInfo` (or bare hash, where the caller wanted no OID), without
    /// padding. [`cardmod_types::padding::pkcs1_sign_block`] makes the full block for cards that
    /// only know raw RSA.
    Pkcs1(&'a [u8]),
    /// RSA: a complete block of the modulus' length (PSS, or padded by the caller).
    RawRsa(&'a [u8]),
    /// ECDSA: the hash, already cut to the curve's length. The answer is `r‖s`, fixed width.
    Ecdsa(&'a [u8]),
}

/// RSA decryption; without it `CardRSADecrypt` is unsupported.
pub trait RsaDecryption {
    /// The raw private-key operation: `ciphertext` and result have the modulus' length, big-endian.
    /// The SDK removes padding in constant time.
    fn decrypt_raw(
        &mut self,
        cx: &mut CardContext<'_>,
        key: KeyRef,
        ciphertext: &[u8],
    ) -> Result<SecretBytes>;
}

/// ECDH; without it the key agreement entries are unsupported.
pub trait KeyAgreement {
    /// The shared secret: the X coordinate, big-endian. The SDK keeps it, derives keys from it and
    /// wipes it.
    fn agree(&mut self, cx: &mut CardContext<'_>, key: KeyRef, peer: &EcPublicKey) -> Result<SecretBytes>;
}

/// What a new key is made of.
pub enum NewKey<'a> {
    /// Generated on the card, with this length in bits (for ECC the curve's).
    Generate {
        /// The key's length.
        bits: u32,
    },
    /// Imported; `spec` and kind of key agree.
    Import(&'a PrivateKey),
}

/// Keys made, imported and deleted; without it these entries are unsupported.
pub trait ContainerCreation {
    /// `false`: no generation on the card; the flag is refused before anything costly.
    fn can_generate(&self) -> bool {
        true
    }
    /// `false`: no import.
    fn can_import(&self) -> bool {
        true
    }
    /// Makes or replaces the key of `key.spec`; the container's other key is kept. Success
    /// guarantees a usable key. `owner` is never the administrator.
    ///
    /// # Errors
    /// [`Status::NoKeyContainer`] for an index beyond the card's range,
    /// [`Status::UnsupportedFeature`] for a key spec or size the card lacks,
    /// [`Status::SecurityViolation`].
    fn create_key(
        &mut self,
        cx: &mut CardContext<'_>,
        key: KeyRef,
        new: NewKey<'_>,
        owner: PinId,
    ) -> Result<()>;
    /// Deletes both keys of a container; a container that does not exist is no error.
    fn delete_container(&mut self, cx: &mut CardContext<'_>, index: ContainerIndex) -> Result<()>;
}

/// Files and directories written; without it these entries are unsupported.
pub trait FileWriting {
    /// Makes an empty file, for which `size` bytes will be wanted.
    fn create_file(
        &mut self,
        cx: &mut CardContext<'_>,
        path: &FilePath,
        size: u32,
        access: FileAccess,
    ) -> Result<()>;
    /// Replaces the content of an existing file.
    ///
    /// # Errors
    /// [`Status::WriteTooMany`] where there is no room.
    fn write_file(&mut self, cx: &mut CardContext<'_>, path: &FilePath, data: &[u8]) -> Result<()>;
    /// Deletes a file.
    fn delete_file(&mut self, cx: &mut CardContext<'_>, path: &FilePath) -> Result<()>;
    /// Makes a directory of the root.
    fn create_directory(
        &mut self,
        cx: &mut CardContext<'_>,
        name: &DirectoryName,
        access: DirectoryAccess,
    ) -> Result<()>;
    /// Deletes an empty directory.
    fn delete_directory(&mut self, cx: &mut CardContext<'_>, name: &DirectoryName) -> Result<()>;
}

/// What unblocks a PIN.
pub enum UnblockAuthority<'a> {
    /// Another role's secret, such as a PUK.
    Secret(PinId, &'a Pin),
    /// The administrator's answer to the challenge fetched before.
    Response(&'a [u8]),
}

/// PINs changed and unblocked; without it these entries are unsupported.
pub trait PinAdministration {
    /// Changes a PIN by the authority of `by` (normally the PIN itself, with its old value); the
    /// role is authenticated afterwards.
    ///
    /// # Errors
    /// [`Status::WrongPin`], [`Status::PinBlocked`]; [`Status::InvalidParameter`] for a new PIN
    /// against the card's policy, in which case nothing was consumed.
    fn change_pin(
        &mut self,
        cx: &mut CardContext<'_>,
        by: PinId,
        old: &Pin,
        target: PinId,
        new: &Pin,
    ) -> Result<()>;
    /// Sets a new PIN and its tries; target and authority are deauthenticated afterwards.
    /// `tries` is `None` to leave the limit as it is.
    fn unblock_pin(
        &mut self,
        cx: &mut CardContext<'_>,
        authority: UnblockAuthority<'_>,
        target: PinId,
        new: &Pin,
        tries: Option<u32>,
    ) -> Result<()>;
}

/// Challenge and response with the administrator's key; without it these entries are unsupported.
pub trait AdminAuthentication {
    /// A fresh challenge: one or more blocks of 8 bytes.
    fn challenge(&mut self, cx: &mut CardContext<'_>) -> Result<Vec<u8>>;
    /// Checks the answer to the challenge fetched before; a failure costs the challenge.
    fn authenticate(&mut self, cx: &mut CardContext<'_>, response: &[u8]) -> Result<()>;
    /// Replaces the administrator's key, by the answer to the challenge fetched before; the
    /// administrator is authenticated afterwards.
    fn change_key(&mut self, cx: &mut CardContext<'_>, response: &[u8], new_key: &SecretBytes) -> Result<()>;
    /// A fresh challenge for another role than the administrator whose kind is challenge and response.
    fn challenge_of(&mut self, _cx: &mut CardContext<'_>, _id: PinId) -> Result<Vec<u8>> {
        Err(Status::UnsupportedFeature)
    }
    /// Authenticates such a role by the answer to the challenge fetched before.
    fn authenticate_as(&mut self, _cx: &mut CardContext<'_>, _id: PinId, _response: &[u8]) -> Result<()> {
        Err(Status::UnsupportedFeature)
    }
}

/// PIN entry outside the host, and PINs that travel protected (session PINs).
pub trait SecurePinEntry {
    /// `true`: alphanumeric PINs too can be turned into session PINs; property "PIN Strength Verify"
    /// then says so.
    fn session_pins(&self) -> bool {
        false
    }
    /// Checks an alphanumeric PIN over a protected channel and answers a session PIN for it; the role is
    /// not authenticated by this (`CARD_AUTHENTICATE_GENERATE_SESSION_PIN`).
    ///
    /// # Errors
    /// [`Status::WrongPin`], [`Status::PinBlocked`].
    fn generate_session_pin(
        &mut self,
        _cx: &mut CardContext<'_>,
        _id: PinId,
        _pin: &Pin,
    ) -> Result<SecretBytes> {
        Err(Status::UnsupportedFeature)
    }
    /// Authenticates a role by a session PIN made before, perhaps by another process
    /// (`CARD_AUTHENTICATE_SESSION_PIN`). A wrong one costs no try of the PIN itself.
    ///
    /// # Errors
    /// [`Status::WrongPin`] without attempts.
    fn verify_session_pin(
        &mut self,
        _cx: &mut CardContext<'_>,
        _id: PinId,
        _session_pin: &SecretBytes,
    ) -> Result<()> {
        Err(Status::UnsupportedFeature)
    }
    /// `true`: a PIN of external type may come from the host too, as `data` of
    /// [`verify_external`](Self::verify_external); property "PIN Strength Verify" then says so.
    fn typed_pins(&self) -> bool {
        false
    }
    /// Has a PIN of external type changed where it is entered: the old one is collected, and the new one
    /// (`CardChangeAuthenticatorEx` without data). Whether the role is authenticated afterwards is the card's
    /// affair.
    ///
    /// # Errors
    /// [`Status::WrongPin`], [`Status::PinBlocked`]; [`Status::InvalidParameter`] for a new PIN that was not the
    /// same twice or is against the card's policy.
    fn change_external(&mut self, _cx: &mut CardContext<'_>, _id: PinId) -> Result<()> {
        Err(Status::UnsupportedFeature)
    }
    /// Collects and verifies a PIN; answers the session PIN. Where the host gave `data`, that is the PIN.
    fn verify_external(
        &mut self,
        cx: &mut CardContext<'_>,
        id: PinId,
        silent: bool,
        data: Option<&Pin>,
    ) -> Result<SecretBytes>;
}

/// Card and container properties that a host may set. Each defaults to unsupported.
pub trait PropertyWriting {
    /// Replaces the card's identity ("Card Identifier"); the administrator's right.
    fn set_card_id(&mut self, _cx: &mut CardContext<'_>, _id: &CardId) -> Result<()> {
        Err(Status::UnsupportedFeature)
    }
    /// "Read Only Mode"; the administrator's right.
    fn set_read_only(&mut self, _cx: &mut CardContext<'_>, _read_only: bool) -> Result<()> {
        Err(Status::UnsupportedFeature)
    }
    /// "Cache Mode"; the administrator's right.
    fn set_cache_mode(&mut self, _cx: &mut CardContext<'_>, _mode: cardmod_types::CacheMode) -> Result<()> {
        Err(Status::UnsupportedFeature)
    }
    /// "Supports Windows x.509 Enrollment"; the administrator's right.
    fn set_supports_enrollment(&mut self, _cx: &mut CardContext<'_>, _yes: bool) -> Result<()> {
        Err(Status::UnsupportedFeature)
    }
    /// "Card Serial Number"; the administrator's right.
    fn set_serial_number(&mut self, _cx: &mut CardContext<'_>, _serial: &[u8]) -> Result<()> {
        Err(Status::UnsupportedFeature)
    }
    /// "PIN Information"; the administrator's right.
    fn set_pin_info(&mut self, _cx: &mut CardContext<'_>, _id: PinId, _info: &PinInfo) -> Result<()> {
        Err(Status::UnsupportedFeature)
    }
    /// Container property "PIN Identifier".
    fn set_container_pin(
        &mut self,
        _cx: &mut CardContext<'_>,
        _index: ContainerIndex,
        _id: PinId,
    ) -> Result<()> {
        Err(Status::UnsupportedFeature)
    }
    /// Container property "Associated ECDH Key".
    fn set_associated_ecdh(
        &mut self,
        _cx: &mut CardContext<'_>,
        _index: ContainerIndex,
        _partner: ContainerIndex,
    ) -> Result<()> {
        Err(Status::UnsupportedFeature)
    }
}

/// Card properties of the module's own, beyond the specification (interface version 6 or more).
///
/// Only names that the SDK does not know by itself come here, the specification's and those of
/// [`TRANSACTION_PROPERTY`](crate::TRANSACTION_PROPERTY) and its like among the known; a module cannot take
/// one over. Names are compared as they are, case included. What the module does not know either is
/// answered by the SDK: `SCARD_E_INVALID_PARAMETER` to who reads, `SCARD_E_UNSUPPORTED_FEATURE` to who
/// writes. Rights are the module's to check.
pub trait OwnProperties {
    /// Whether the module has a property of this name. Must not talk to the card.
    fn has(&self, name: &str) -> bool;
    /// Reads a property, one that [`has`](Self::has) knows. `flags` are the caller's, unchecked.
    ///
    /// # Errors
    /// [`Status::UnsupportedFeature`] for a property that is only written.
    fn get(&mut self, cx: &mut CardContext<'_>, name: &str, flags: u32) -> Result<Vec<u8>>;
    /// Writes a property, one that [`has`](Self::has) knows. `value` has at most 64 KiB and is empty where the
    /// caller gave NULL; `flags` are the caller's, unchecked.
    ///
    /// # Errors
    /// [`Status::UnsupportedFeature`] for a property that is only read, [`Status::InvalidParameter`] for a
    /// value or flags that it does not take.
    fn set(&mut self, cx: &mut CardContext<'_>, name: &str, value: &[u8], flags: u32) -> Result<()>;
}

/// Secure key injection (specification, section 4.8). Announced by the trait; every operation a
/// module does not implement is honestly unsupported.
pub trait KeyInjection {
    /// The ways of establishing a session key the card knows (property "Key Import Support").
    fn import_support(&self) -> u32 {
        0
    }
}
