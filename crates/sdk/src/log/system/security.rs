//! Who owns a file or folder on Windows, how many names it has, and folders that are made with rights of their own
//! instead of what the folder above passes on.

#![allow(unsafe_code)]

use core::ptr::{from_mut, null, null_mut};
use std::fs::File;
use std::io;
use std::os::windows::ffi::OsStrExt as _;
use std::os::windows::io::AsRawHandle as _;
use std::path::Path;

use windows_sys::Win32::Foundation::{CloseHandle, ERROR_SUCCESS, HANDLE, LocalFree};
use windows_sys::Win32::Security::Authorization::{
    ConvertStringSecurityDescriptorToSecurityDescriptorW, GetSecurityInfo, SDDL_REVISION_1, SE_FILE_OBJECT,
};
use windows_sys::Win32::Security::{
    EqualSid, GetTokenInformation, IsWellKnownSid, OWNER_SECURITY_INFORMATION, PSECURITY_DESCRIPTOR, PSID,
    SECURITY_ATTRIBUTES, SECURITY_MAX_SID_SIZE, TOKEN_QUERY, TOKEN_USER, TokenUser,
    WinBuiltinAdministratorsSid, WinLocalSystemSid,
};
use windows_sys::Win32::Storage::FileSystem::{
    BY_HANDLE_FILE_INFORMATION, CreateDirectoryW, GetFileInformationByHandle,
};
use windows_sys::Win32::System::Threading::{
    GetCurrentProcess, GetCurrentThread, OpenProcessToken, OpenThreadToken,
};

/// Room for a `TOKEN_USER` with the longest SID behind it, aligned as the structure is.
const USER_WORDS: usize = (size_of::<TOKEN_USER>() + SECURITY_MAX_SID_SIZE as usize).div_ceil(8);

/// Makes a folder whose owner and rights are those of a text in the security descriptor definition language.
///
/// # Errors
/// The system's, among them [`io::ErrorKind::AlreadyExists`].
pub(super) fn create_folder(path: &Path, sddl: &str) -> io::Result<()> {
    let descriptor = Descriptor::parse(sddl)?;
    let attributes = SECURITY_ATTRIBUTES {
        nLength: size_of::<SECURITY_ATTRIBUTES>() as u32,
        lpSecurityDescriptor: descriptor.0,
        bInheritHandle: 0,
    };
    let path: Vec<u16> = path.as_os_str().encode_wide().chain([0]).collect();
    // SAFETY:
    // - `path` ends with a NUL; it, the structure and the descriptor in it outlive the call.
    told(unsafe { CreateDirectoryW(path.as_ptr(), &raw const attributes) })
}

/// Whether what is open belongs to SYSTEM, to the administrators or to the user that this thread acts as. The
/// handle needs the right `READ_CONTROL`.
pub(super) fn is_trusted(file: &File) -> io::Result<bool> {
    let (mut owner, mut descriptor): (PSID, PSECURITY_DESCRIPTOR) = (null_mut(), null_mut());
    // SAFETY:
    // - the handle is open as long as `file` lives.
    // - `owner` and `descriptor` are written; the parts that are not asked for may be NULL.
    let code = unsafe {
        GetSecurityInfo(
            file.as_raw_handle(),
            SE_FILE_OBJECT,
            OWNER_SECURITY_INFORMATION,
            &raw mut owner,
            null_mut(),
            null_mut(),
            null_mut(),
            &raw mut descriptor,
        )
    };
    if code != ERROR_SUCCESS {
        return Err(io::Error::from_raw_os_error(code.cast_signed()));
    }
    // `owner` points into it.
    let _descriptor = Descriptor(descriptor);
    // A file system without owners (FAT) keeps nobody from anything.
    if owner.is_null() {
        return Ok(false);
    }
    for known in [WinLocalSystemSid, WinBuiltinAdministratorsSid] {
        // SAFETY:
        // - `owner` is a SID of the system's, alive as long as its descriptor.
        if unsafe { IsWellKnownSid(owner, known) } != 0 {
            return Ok(true);
        }
    }
    is_own(owner)
}

/// Whether a SID is that of the user that this thread acts as.
fn is_own(sid: PSID) -> io::Result<bool> {
    let token = Token::open()?;
    let mut buffer = [0_u64; USER_WORDS];
    let mut length = 0;
    // SAFETY:
    // - the token is open; `buffer` may be written for the length that is told; `length` is written.
    told(unsafe {
        GetTokenInformation(
            token.0,
            TokenUser,
            from_mut(&mut buffer).cast(),
            size_of_val(&buffer) as u32,
            &raw mut length,
        )
    })?;
    // SAFETY:
    // - the call wrote a `TOKEN_USER` at the buffer's beginning, which is aligned for it.
    let user = unsafe { buffer.as_ptr().cast::<TOKEN_USER>().read() };
    // SAFETY:
    // - both are valid SIDs: the caller's, and the one in the buffer, which is alive.
    Ok(unsafe { EqualSid(user.User.Sid, sid) } != 0)
}

/// How many names a file has.
pub(super) fn names(file: &File) -> io::Result<u32> {
    let mut found = BY_HANDLE_FILE_INFORMATION::default();
    // SAFETY:
    // - the handle is open as long as `file` lives; `found` is written.
    told(unsafe { GetFileInformationByHandle(file.as_raw_handle(), &raw mut found) })?;
    Ok(found.nNumberOfLinks)
}

/// A security descriptor that the system gave; freed when dropped.
struct Descriptor(PSECURITY_DESCRIPTOR);

impl Descriptor {
    fn parse(sddl: &str) -> io::Result<Self> {
        let text: Vec<u16> = sddl.encode_utf16().chain([0]).collect();
        let mut descriptor = null_mut();
        // SAFETY:
        // - `text` ends with a NUL and outlives the call; `descriptor` is written; its size is not asked for.
        let done = unsafe {
            ConvertStringSecurityDescriptorToSecurityDescriptorW(
                text.as_ptr(),
                SDDL_REVISION_1,
                &raw mut descriptor,
                null::<u32>().cast_mut(),
            )
        };
        told(done).map(|()| Self(descriptor))
    }
}

impl Drop for Descriptor {
    fn drop(&mut self) {
        // SAFETY:
        // - the system allocated it for its caller to free so, and nothing points into it any more.
        unsafe { LocalFree(self.0) };
    }
}

/// The token of the thread where it acts as another user, else the process's; closed when dropped.
struct Token(HANDLE);

impl Token {
    fn open() -> io::Result<Self> {
        let mut token = null_mut();
        // SAFETY:
        // - takes nothing; the answer stands for the running thread and needs no closing.
        let thread = unsafe { GetCurrentThread() };
        // SAFETY:
        // - the thread's handle is always good; `token` is written.
        if unsafe { OpenThreadToken(thread, TOKEN_QUERY, 1, &raw mut token) } != 0 {
            return Ok(Self(token));
        }
        // SAFETY:
        // - as for the thread.
        let process = unsafe { GetCurrentProcess() };
        // SAFETY:
        // - the process's handle is always good; `token` is written.
        told(unsafe { OpenProcessToken(process, TOKEN_QUERY, &raw mut token) }).map(|()| Self(token))
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        // SAFETY:
        // - the handle is this value's own.
        unsafe { CloseHandle(self.0) };
    }
}

fn told(done: i32) -> io::Result<()> {
    if done == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
