//! The calls into a card module: its entry point and its function table, one function for each
//! entry, with arguments whose types say what the C interface demands of them.
//!
//! This is one of the two files of the crate with unsafe code. What it relies on is stated once,
//! here: a caller who loads a module trusts it to be a card module, that is, to have at each entry
//! a function of the type `Cardmod.h` gives it, which reads what it is lent, writes only where the
//! interface lets it, and keeps no pointer beyond the call except the `CARD_DATA` and what hangs on
//! it. What a module *answers* is not trusted anywhere.
#![allow(unsafe_code)]

use std::ffi::CStr;
use std::path::Path;
use std::ptr::{self, NonNull};
use std::sync::Arc;

use cardmod_sys::{CARD_DATA, PFN_CARD_ACQUIRE_CONTEXT, PFN_CARD_DELETE_CONTEXT, version};
use libloading::Library;

use super::callbacks;
use super::function::{CallError, CallErrorKind, CardFunction};
use super::image::check_machine;
use super::layout::{
    AgreementInfo, Capabilities, ContainerInfo, DecryptInfo, DeriveInfo, EncryptedParts, FileInfo, FreeSpace,
    KeySizes, PaddingInfo, SigningInfo, Wide,
};
use super::shared::Shared;
use super::source::{LoadError, whole_path};
use crate::error::Fault;

/// The type of a built-in module's `CardAcquireContext`.
pub type BuiltInEntry = unsafe extern "system" fn(*mut CARD_DATA, u32) -> u32;

/// A module's `CardAcquireContext`, with the library that holds it.
#[derive(Clone)]
pub(super) struct Entry {
    call: BuiltInEntry,
    /// Keeps the code mapped as long as an entry of it can be called.
    _library: Option<Arc<Library>>,
}

impl Entry {
    /// The entry of a module compiled into this program.
    pub(super) fn built_in(call: BuiltInEntry) -> Self {
        Self { call, _library: None }
    }

    /// Loads a library and finds its entry.
    pub(super) fn load(path: &Path) -> Result<Self, LoadError> {
        let shown = || path.display().to_string();
        // An absolute path: a bare name would start the loader's search through the system.
        let absolute = whole_path(path)?;
        check_machine(&absolute)?;
        let not_a_library =
            |error: libloading::Error| LoadError::NotALibrary { path: shown(), reason: loader_text(&error) };
        let library = open_library(&absolute).map_err(not_a_library)?;
        // SAFETY:
        // - the symbol's type is that of `CardAcquireContext` in Cardmod.h; the caller, who named the
        //   file as a card module, vouches for it
        let symbol = unsafe { library.get::<PFN_CARD_ACQUIRE_CONTEXT>(b"CardAcquireContext\0") };
        let call =
            symbol.ok().and_then(|symbol| *symbol).ok_or_else(|| LoadError::NoEntry { path: shown() })?;
        Ok(Self { call, _library: Some(Arc::new(library)) })
    }
}

/// Loads a library with every symbol resolved at once, so that a missing one is an error here and
/// not the end of the process later.
fn open_library(path: &Path) -> Result<Library, libloading::Error> {
    #[cfg(unix)]
    {
        use libloading::os::unix::{Library as Native, RTLD_LOCAL, RTLD_NOW};
        // SAFETY:
        // - loading runs the library's initialisers; the caller vouches for the file by naming it
        unsafe { Native::open(Some(path), RTLD_NOW | RTLD_LOCAL) }.map(Library::from)
    }
    #[cfg(windows)]
    {
        use libloading::os::windows::{
            LOAD_LIBRARY_SEARCH_DEFAULT_DIRS, LOAD_LIBRARY_SEARCH_DLL_LOAD_DIR, Library as Native,
        };
        // What the library needs is looked for beside it, beside this program and in the system's folder, and
        // never in the current folder or in PATH, into which others may put files. A library of that name
        // that is loaded already comes before all.
        let places = LOAD_LIBRARY_SEARCH_DLL_LOAD_DIR | LOAD_LIBRARY_SEARCH_DEFAULT_DIRS;
        // SAFETY:
        // - loading runs the library's initialisers; the caller vouches for the file by naming it
        unsafe { Native::load_with_flags(path, places) }.map(Library::from)
    }
}

/// What the loader says, which `libloading` keeps in the error's source.
fn loader_text(error: &libloading::Error) -> String {
    std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string)
}

/// What a context is acquired with.
pub(super) struct Lent {
    /// `SCARDCONTEXT`.
    pub(super) context: usize,
    /// `SCARDHANDLE`.
    pub(super) card: usize,
    /// The answer to reset. Lent for the life of the context.
    pub(super) atr: Box<[u8]>,
    /// The card's name, with its NUL. Lent for the life of the context.
    pub(super) name: Box<[u16]>,
    /// `CardAcquireContext`'s flags.
    pub(super) flags: u32,
}

/// A block a module answered: an address and a length to be proved before use.
pub(super) struct Block {
    pub(super) pointer: *mut u8,
    pub(super) length: u32,
}

impl Block {
    pub(super) const EMPTY: Self = Self { pointer: ptr::null_mut(), length: 0 };
}

/// One `CARD_DATA` between acquire and delete, with what it lends.
pub(super) struct Table {
    /// The structure the module sees. Allocated by `Box`, owned here, only reached by pointer, since
    /// the module reaches it too.
    data: NonNull<CARD_DATA>,
    /// The module's functions: a copy, in which what lies beyond the answered version is empty.
    functions: CARD_DATA,
    /// What ends the context. It is kept apart, since a module whose answer is refused ends too.
    delete: PFN_CARD_DELETE_CONTEXT,
    shared: Arc<Shared>,
    _lent: Lent,
    _entry: Entry,
    acquired: bool,
    footprint: Footprint,
}

/// What the calls so far may have left on the card.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Footprint {
    /// The calls of functions that change what the card keeps.
    pub(crate) changes: u64,
    /// The secrets sent whose answer was lost.
    pub(crate) unanswered: u64,
}

// SAFETY:
// - `data` is owned by this value alone; the module reaches it during calls, which need `&mut self`
// - the pointers in `functions` are code and the host's own callbacks, bound to no thread
// - Cardmod.h demands of modules that any thread may call them (specification 7.07, section 2.3.1)
unsafe impl Send for Table {}

impl Table {
    /// Calls `CardAcquireContext` and takes over the function table.
    ///
    /// The code of a refusal is in the error. Whether the answer is good enough is for the caller
    /// to say.
    pub(super) fn acquire(entry: Entry, lent: Lent, shared: Arc<Shared>, asked: u32) -> Result<Self, u32> {
        let mut card = CARD_DATA::zeroed();
        card.dwVersion = asked;
        card.pbAtr = lent.atr.as_ptr().cast_mut();
        card.cbAtr = u32::try_from(lent.atr.len()).unwrap_or(u32::MAX);
        card.pwszCardName = lent.name.as_ptr().cast_mut();
        card.hSCardCtx = lent.context;
        card.hScard = lent.card;
        callbacks::lend(&mut card, &shared);
        let data = NonNull::from(Box::leak(Box::new(card)));
        let mut table = Self {
            data,
            functions: card,
            delete: None,
            shared,
            _lent: lent,
            _entry: entry,
            acquired: false,
            footprint: Footprint::default(),
        };
        let (call, flags) = (table._entry.call, table._lent.flags);
        let running = table.shared.enter(CardFunction::AcquireContext, data.as_ptr() as usize);
        // SAFETY:
        // - `call` is a card module's entry (this file's first comment)
        // - `data` is a live, full-size CARD_DATA whose host members are set and outlive the context
        let code = unsafe { call(data.as_ptr(), flags) };
        drop(running);
        if code != cardmod_sys::SCARD_S_SUCCESS {
            return Err(code);
        }
        table.acquired = true;
        let answered = table.read();
        table.delete = answered.pfnCardDeleteContext;
        table.functions = cut_to_version(&answered);
        Ok(table)
    }

    /// The structure as it is now.
    pub(super) fn read(&self) -> CARD_DATA {
        // SAFETY:
        // - `data` is live until drop, and nobody writes it outside of calls, which need `&mut self`
        unsafe { self.data.as_ptr().read() }
    }

    /// The version the module answered.
    pub(super) fn version(&self) -> u32 {
        self.functions.dwVersion
    }

    /// The module's functions; empty entries do not exist.
    pub(super) fn functions(&self) -> &CARD_DATA {
        &self.functions
    }

    /// The functions of the answered version that the module left NULL.
    pub(super) fn empty_entries(&self) -> Vec<&'static str> {
        version::members(self.version())
            .filter(|member| member.set_by == version::SetBy::Module && member.ty.starts_with("PFN_"))
            .filter(|member| self.is_null(member.offset))
            .map(|member| member.name)
            .collect()
    }

    /// The pointer-sized member at this offset is NULL.
    fn is_null(&self, offset: usize) -> bool {
        let bytes = (&raw const self.functions).cast::<u8>();
        debug_assert!(offset + size_of::<usize>() <= size_of::<CARD_DATA>());
        // SAFETY:
        // - the offset is that of a pointer member (cardmod_sys::version), within the structure
        // - a function pointer or NULL is read as bytes of a number, which every pattern is
        unsafe { bytes.wrapping_add(offset).cast::<usize>().read_unaligned() == 0 }
    }

    /// What the callbacks see of this context.
    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// What the calls so far may have left on the card.
    pub(super) fn footprint(&self) -> Footprint {
        self.footprint
    }

    /// What was changed since makes no difference.
    pub(super) fn forgive_changes(&mut self, since: Footprint) {
        self.footprint.changes = since.changes;
    }

    /// Keeps account of a call.
    fn note(&mut self, function: CardFunction, code: u32) {
        let lost = Fault::of_code(code).is_some();
        self.footprint.changes += u64::from(function.changes_card());
        self.footprint.unanswered += u64::from(lost && function.sends_secret());
    }

    /// Writes new handles for the module to read at its next call.
    pub(super) fn set_handles(&mut self, context: usize, card: usize) {
        let mut data = self.read();
        if (data.hSCardCtx, data.hScard) == (context, card) {
            return;
        }
        data.hSCardCtx = context;
        data.hScard = card;
        // SAFETY:
        // - `data` is live until drop, and no call is running, since this needs `&mut self`
        // - what is written is what was read a moment ago, but for the two handles
        unsafe { self.data.as_ptr().write(data) };
    }

    /// Calls `CardDeleteContext`; a second time it does nothing.
    pub(super) fn delete(&mut self) -> Result<(), CallError> {
        if !core::mem::take(&mut self.acquired) {
            return Ok(());
        }
        // What was deleted has no functions any more.
        self.functions = CARD_DATA::zeroed();
        let Some(function) = self.delete.take() else {
            return Err(CallError::new(CardFunction::DeleteContext, CallErrorKind::Absent));
        };
        let _running = self.shared.enter(CardFunction::DeleteContext, self.data.as_ptr() as usize);
        // SAFETY:
        // - the entry is a card module's CardDeleteContext (this file's first comment)
        // - `data` is live, and was acquired and not yet deleted
        let code = unsafe { function(self.data.as_ptr()) };
        answer(CardFunction::DeleteContext, code)
    }
}

impl Drop for Table {
    fn drop(&mut self) {
        if let Err(error) = self.delete() {
            tracing::warn!(%error, "a card module's context was not deleted cleanly");
        }
        // SAFETY:
        // - `data` came from a `Box` in `acquire`, and is given back once, here
        // - the module was told that the context ends, so it no longer looks at it
        drop(unsafe { Box::from_raw(self.data.as_ptr()) });
    }
}

/// The table with what lies beyond its version's prefix emptied, so that nothing else need compare
/// versions. A version nobody knows leaves no function at all.
fn cut_to_version(card: &CARD_DATA) -> CARD_DATA {
    let known = version::size_of_card_data(card.dwVersion).unwrap_or(0).min(size_of::<CARD_DATA>());
    let mut cut = CARD_DATA::zeroed();
    // SAFETY:
    // - both are CARD_DATA values, and `known` is at most their size
    // - every byte pattern of the prefix comes from a CARD_DATA, and all zero is a CARD_DATA too, so
    //   a cut at a member's border leaves a CARD_DATA
    unsafe { ptr::copy_nonoverlapping((&raw const *card).cast::<u8>(), (&raw mut cut).cast::<u8>(), known) };
    cut.dwVersion = card.dwVersion;
    cut
}

/// Success, or the code as an error.
fn answer(function: CardFunction, code: u32) -> Result<(), CallError> {
    match code {
        cardmod_sys::SCARD_S_SUCCESS => Ok(()),
        code => Err(CallError::code_of(function, code)),
    }
}

/// A narrow string, or NULL.
fn text(string: Option<&CStr>) -> cardmod_sys::LPSTR {
    string.map_or(ptr::null_mut(), |string| string.as_ptr().cast_mut().cast())
}

/// A length for C. A slice beyond 4 GiB is told shorter than it is, never longer.
fn len(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX)
}

/// An input for C, whose functions take it as a pointer to mutable bytes and only read it.
fn input(bytes: &[u8]) -> *mut u8 {
    bytes.as_ptr().cast_mut()
}

/// An input, or NULL.
fn optional(bytes: Option<&[u8]>) -> *mut u8 {
    bytes.map_or(ptr::null_mut(), input)
}

macro_rules! calls {
    ($($(#[$doc:meta])* fn $name:ident($($arg:ident: $ty:ty),* $(,)?)
        = $slot:ident[$function:ident]($($raw:expr),* $(,)?);)+) => {
        impl Table {
            $($(#[$doc])*
            #[allow(clippy::too_many_arguments, reason = "as many as the function of Cardmod.h has")]
            pub(super) fn $name(&mut self, $($arg: $ty),*) -> Result<(), CallError> {
                let Some(function) = self.functions.$slot else {
                    return Err(CallError::new(CardFunction::$function, CallErrorKind::Absent));
                };
                let data = self.data.as_ptr();
                let running = self.shared.enter(CardFunction::$function, data as usize);
                // SAFETY:
                // - the entry is a card module's function of this type (this file's first comment), and
                //   belongs to the version the module answered
                // - `data` is this context's live structure, and `&mut self` keeps other calls away
                // - the arguments' types guarantee live memory of the lengths passed with them for the
                //   time of the call, NUL-terminated strings, and structures whose inner pointers live
                //   as long as they do
                let code = unsafe { function(data, $($raw),*) };
                drop(running);
                self.note(CardFunction::$function, code);
                answer(CardFunction::$function, code)
            })+
        }
    };
}

calls! {
    fn query_capabilities(info: &mut Capabilities) = pfnCardQueryCapabilities[QueryCapabilities](info.raw());
    fn query_free_space(info: &mut FreeSpace) = pfnCardQueryFreeSpace[QueryFreeSpace](0, info.raw());
    fn query_key_sizes(spec: u32, info: &mut KeySizes) = pfnCardQueryKeySizes[QueryKeySizes](spec, 0, info.raw());

    fn create_container(index: u8, flags: u32, spec: u32, bits: u32, key: Option<&[u8]>)
        = pfnCardCreateContainer[CreateContainer](index, flags, spec, bits, optional(key));
    fn create_container_ex(index: u8, flags: u32, spec: u32, bits: u32, key: Option<&[u8]>, owner: u32)
        = pfnCardCreateContainerEx[CreateContainerEx](index, flags, spec, bits, optional(key), owner);
    fn delete_container(index: u8) = pfnCardDeleteContainer[DeleteContainer](index, 0);
    fn get_container_info(index: u8, info: &mut ContainerInfo)
        = pfnCardGetContainerInfo[GetContainerInfo](index, 0, info.raw());

    fn authenticate_pin(user: Wide<'_>, pin: &[u8], attempts: &mut u32)
        = pfnCardAuthenticatePin[AuthenticatePin](user.raw(), input(pin), len(pin), attempts);
    fn authenticate_ex(role: u32, flags: u32, pin: Option<&[u8]>, session: &mut Block, attempts: &mut u32)
        = pfnCardAuthenticateEx[AuthenticateEx](
            role, flags, optional(pin), pin.map_or(0, len),
            &raw mut session.pointer, &raw mut session.length, attempts
        );
    fn get_challenge(challenge: &mut Block)
        = pfnCardGetChallenge[GetChallenge](&raw mut challenge.pointer, &raw mut challenge.length);
    fn get_challenge_ex(role: u32, challenge: &mut Block)
        = pfnCardGetChallengeEx[GetChallengeEx](role, &raw mut challenge.pointer, &raw mut challenge.length, 0);
    fn authenticate_challenge(response: &[u8], attempts: &mut u32)
        = pfnCardAuthenticateChallenge[AuthenticateChallenge](input(response), len(response), attempts);
    fn unblock_pin(user: Wide<'_>, authority: &[u8], pin: &[u8], tries: u32, flags: u32)
        = pfnCardUnblockPin[UnblockPin](
            user.raw(), input(authority), len(authority), input(pin), len(pin), tries, flags
        );
    fn change_authenticator(
        user: Wide<'_>, current: &[u8], new: &[u8], tries: u32, flags: u32, attempts: &mut u32,
    ) = pfnCardChangeAuthenticator[ChangeAuthenticator](
            user.raw(), input(current), len(current), input(new), len(new), tries, flags, attempts
        );
    fn change_authenticator_ex(
        flags: u32, by: u32, authority: Option<&[u8]>, target: u32, new: Option<&[u8]>, tries: u32,
        attempts: &mut u32,
    ) = pfnCardChangeAuthenticatorEx[ChangeAuthenticatorEx](
            flags, by, optional(authority), authority.map_or(0, len), target, optional(new),
            new.map_or(0, len), tries, attempts
        );
    fn deauthenticate(user: Wide<'_>) = pfnCardDeauthenticate[Deauthenticate](user.raw(), 0);
    fn deauthenticate_ex(roles: u32) = pfnCardDeauthenticateEx[DeauthenticateEx](roles, 0);

    fn create_directory(name: &CStr, access: u32)
        = pfnCardCreateDirectory[CreateDirectory](text(Some(name)), access);
    fn delete_directory(name: &CStr) = pfnCardDeleteDirectory[DeleteDirectory](text(Some(name)));
    fn create_file(directory: Option<&CStr>, name: &CStr, size: u32, access: u32)
        = pfnCardCreateFile[CreateFile](text(directory), text(Some(name)), size, access);
    fn read_file(directory: Option<&CStr>, name: &CStr, content: &mut Block)
        = pfnCardReadFile[ReadFile](
            text(directory), text(Some(name)), 0, &raw mut content.pointer, &raw mut content.length
        );
    fn write_file(directory: Option<&CStr>, name: &CStr, content: &[u8])
        = pfnCardWriteFile[WriteFile](text(directory), text(Some(name)), 0, input(content), len(content));
    fn delete_file(directory: Option<&CStr>, name: &CStr)
        = pfnCardDeleteFile[DeleteFile](text(directory), text(Some(name)), 0);
    fn enum_files(directory: Option<&CStr>, names: &mut Block)
        = pfnCardEnumFiles[EnumFiles](
            text(directory), (&raw mut names.pointer).cast(), &raw mut names.length, 0
        );
    fn get_file_info(directory: Option<&CStr>, name: &CStr, info: &mut FileInfo)
        = pfnCardGetFileInfo[GetFileInfo](text(directory), text(Some(name)), info.raw());

    fn sign_data(info: &mut SigningInfo<'_>) = pfnCardSignData[SignData](info.raw());
    fn rsa_decrypt(info: &mut DecryptInfo<'_>) = pfnCardRSADecrypt[RsaDecrypt](info.raw());
    fn construct_dh_agreement(info: &mut AgreementInfo<'_>)
        = pfnCardConstructDHAgreement[ConstructDhAgreement](info.raw());
    fn derive_key(info: &mut DeriveInfo<'_>) = pfnCardDeriveKey[DeriveKey](info.raw());
    fn destroy_dh_agreement(index: u8) = pfnCardDestroyDHAgreement[DestroyDhAgreement](index, 0);

    fn get_property(name: Wide<'_>, buffer: &mut [u8], needed: &mut u32, flags: u32)
        = pfnCardGetProperty[GetProperty](name.raw(), buffer.as_mut_ptr(), len(buffer), needed, flags);
    fn set_property(name: Wide<'_>, data: Option<&[u8]>, flags: u32)
        = pfnCardSetProperty[SetProperty](name.raw(), optional(data), data.map_or(0, len), flags);
    fn get_container_property(index: u8, name: Wide<'_>, buffer: &mut [u8], needed: &mut u32)
        = pfnCardGetContainerProperty[GetContainerProperty](
            index, name.raw(), buffer.as_mut_ptr(), len(buffer), needed, 0
        );
    fn set_container_property(index: u8, name: Wide<'_>, data: &[u8])
        = pfnCardSetContainerProperty[SetContainerProperty](index, name.raw(), input(data), len(data), 0);

    fn md_import_session_key(blob_type: Wide<'_>, algorithm: Wide<'_>, key: &mut usize, blob: &[u8])
        = pfnMDImportSessionKey[ImportSessionKeyIntoModule](
            blob_type.raw(), algorithm.raw(), key, input(blob), len(blob)
        );
    fn md_encrypt_data(
        key: usize, function_name: Wide<'_>, data: &[u8], flags: u32, parts: &mut Block,
    ) = pfnMDEncryptData[EncryptData](
            key, function_name.raw(), input(data), len(data), flags,
            (&raw mut parts.pointer).cast(), &raw mut parts.length
        );
    fn import_session_key(
        index: u8, padding: &mut PaddingInfo<'_>, blob_type: Wide<'_>,
        algorithm: Wide<'_>, key: &mut usize, blob: &[u8], flags: u32,
    ) = pfnCardImportSessionKey[ImportSessionKey](
            index, padding.raw(), blob_type.raw(), algorithm.raw(), key, input(blob), len(blob), flags
        );
    fn get_shared_key_handle(data: Option<&[u8]>, output: &mut Block, key: &mut usize)
        = pfnCardGetSharedKeyHandle[GetSharedKeyHandle](
            optional(data), data.map_or(0, len), &raw mut output.pointer, &raw mut output.length, key
        );
    fn get_algorithm_property(algorithm: Wide<'_>, name: Wide<'_>, buffer: &mut [u8], needed: &mut u32)
        = pfnCardGetAlgorithmProperty[GetAlgorithmProperty](
            algorithm.raw(), name.raw(), buffer.as_mut_ptr(), len(buffer), needed, 0
        );
    fn get_key_property(key: usize, name: Wide<'_>, buffer: &mut [u8], needed: &mut u32)
        = pfnCardGetKeyProperty[GetKeyProperty](key, name.raw(), buffer.as_mut_ptr(), len(buffer), needed, 0);
    fn set_key_property(key: usize, name: Wide<'_>, data: &[u8])
        = pfnCardSetKeyProperty[SetKeyProperty](key, name.raw(), input(data), len(data), 0);
    fn destroy_key(key: usize) = pfnCardDestroyKey[DestroyKey](key);
    fn process_encrypted_data(
        key: usize, function_name: Wide<'_>, parts: &mut EncryptedParts<'_>, output: Option<&mut [u8]>,
        needed: &mut u32, flags: u32,
    ) = pfnCardProcessEncryptedData[ProcessEncryptedData](
            key, function_name.raw(), parts.raw(), parts.count(),
            output.as_ref().map_or(ptr::null_mut(), |output| output.as_ptr().cast_mut()),
            output.as_ref().map_or(0, |output| len(output)), needed, flags
        );
}
