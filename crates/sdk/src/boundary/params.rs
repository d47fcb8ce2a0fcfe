//! The simple parameters of the entries: numbers, names, buffers in, values and blocks out.
//!
//! Each type is made from C's arguments by an `unsafe fn read`, whose promise covers the value's whole
//! life (one call); everything after that is safe. Outputs are cleared when they are read, so that no
//! path can leave them undefined.

use core::marker::PhantomData;
use core::ptr;

use cardmod_sys::CONTAINER_INFO;
use cardmod_types::{DirectoryName, FileName, FilePath, Pin};

use crate::boundary::host::{Host, HostBlock};
use crate::module::Result;
use crate::raw::{self, Plain, Scan, member};
use crate::status::Status;

/// Eight characters and the terminator.
const NAME_LIMIT: usize = 9;
/// More than any card takes in one piece, in bytes.
const LARGEST_CONTENT: u32 = 1 << 24;
/// More than the longest property, algorithm or user name, with its terminator.
const WIDE_LIMIT: usize = 64;

/// A number, taken as it is.
pub(crate) struct Number;

impl Number {
    /// # Safety
    /// None is needed; the form is that of all parameters.
    pub(super) unsafe fn read<T>(value: T) -> T {
        value
    }
}

/// A name of a file or directory.
pub(crate) struct Name(pub(super) Scan<u8>);

impl Name {
    /// # Safety
    /// `text` is NULL or a string readable up to its terminator or nine bytes.
    pub(super) unsafe fn read<T>(text: *mut T) -> Self {
        // SAFETY:
        // - the caller's promise.
        Self(unsafe { raw::terminated(text.cast_const().cast(), NAME_LIMIT) })
    }

    fn text(&self) -> Result<&[u8]> {
        match &self.0 {
            Scan::Text(text) => Ok(text),
            Scan::Null | Scan::TooLong => Err(Status::InvalidParameter),
        }
    }

    pub(crate) fn file(&self) -> Result<FileName> {
        FileName::parse(self.text()?).map_err(|_| Status::InvalidParameter)
    }

    pub(crate) fn directory(&self) -> Result<DirectoryName> {
        DirectoryName::parse(self.text()?).map_err(|_| Status::InvalidParameter)
    }

    /// NULL is the root.
    pub(crate) fn directory_or_root(&self) -> Result<Option<DirectoryName>> {
        if self.0 == Scan::Null { Ok(None) } else { self.directory().map(Some) }
    }

    pub(crate) fn path(directory: &Self, name: &Self) -> Result<FilePath> {
        Ok(FilePath { directory: directory.directory_or_root()?, name: name.file()? })
    }
}

/// A UTF-16 string: the name of a user, property, algorithm or function.
pub(crate) struct Wide(pub(super) Scan<u16>);

impl Wide {
    /// # Safety
    /// `text` is NULL or a string readable up to its terminator or 64 units.
    pub(super) unsafe fn read(text: *const u16) -> Self {
        // SAFETY:
        // - the caller's promise.
        Self(unsafe { raw::terminated(text, WIDE_LIMIT) })
    }

    /// The text.
    ///
    /// # Errors
    /// [`Status::InvalidParameter`] for NULL, no text at all, a text longer than any name, or no text in
    /// UTF-16.
    pub(crate) fn text(&self) -> Result<String> {
        self.optional()?.filter(|text| !text.is_empty()).ok_or(Status::InvalidParameter)
    }

    /// The text; `None` for NULL.
    pub(crate) fn optional(&self) -> Result<Option<String>> {
        match &self.0 {
            Scan::Null => Ok(None),
            Scan::Text(text) => String::from_utf16(text).map(Some).map_err(|_| Status::InvalidParameter),
            Scan::TooLong => Err(Status::InvalidParameter),
        }
    }
}

/// A counted buffer.
pub(crate) struct Bytes<'a> {
    pointer: *const u8,
    length: u32,
    life: PhantomData<&'a [u8]>,
}

impl<'a> Bytes<'a> {
    /// # Safety
    /// `pointer` is NULL or readable for `length` bytes while the call runs, unless `length` is more than
    /// the limit the entry passes to [`Bytes::at_most`].
    pub(super) unsafe fn read(pointer: *const u8, length: u32) -> Self {
        Self { pointer, length, life: PhantomData }
    }

    pub(crate) fn is_null(&self) -> bool {
        self.pointer.is_null()
    }

    /// As the caller counts them, whether they can be read or not.
    pub(super) fn len(&self) -> usize {
        self.length as usize
    }

    /// # Errors
    /// [`Status::InvalidParameter`] for NULL, `too_long` for more bytes than the limit, none of which are
    /// touched.
    pub(crate) fn at_most(&self, limit: u32, too_long: Status) -> Result<&'a [u8]> {
        if self.is_null() {
            return Err(Status::InvalidParameter);
        }
        if self.length > limit {
            return Err(too_long);
        }
        // SAFETY:
        // - not NULL and within the limit: readable by the promise of `read`.
        unsafe { raw::slice(self.pointer, self.length as usize) }.ok_or(too_long)
    }

    /// # Errors
    /// [`Status::InvalidParameter`] for NULL or more than a card could ever take.
    pub(crate) fn required(&self) -> Result<&'a [u8]> {
        self.at_most(LARGEST_CONTENT, Status::InvalidParameter)
    }

    /// A file's content.
    ///
    /// # Errors
    /// [`Status::InvalidParameter`] for NULL, [`Status::WriteTooMany`] for more than a card could ever take.
    pub(crate) fn file(&self) -> Result<&'a [u8]> {
        match self.length > LARGEST_CONTENT {
            true => Err(Status::WriteTooMany),
            false => self.required(),
        }
    }

    /// A PIN or PUK. More than 255 bytes are no card's PIN: wrong, and nothing is read.
    pub(crate) fn pin(&self) -> Result<Pin> {
        self.at_most(255, Status::WrongPin { attempts: None }).map(Pin::from)
    }
}

/// A value handed out, or nothing where the pointer is NULL.
pub(crate) struct Out<T: Plain>(*mut T);

impl<T: Plain + Default> Out<T> {
    /// # Safety
    /// `target` is NULL or writable while the call runs.
    pub(super) unsafe fn read(target: *mut T) -> Self {
        let out = Self(target);
        out.set(T::default());
        out
    }
}

impl<T: Plain> Out<T> {
    pub(super) fn is_null(&self) -> bool {
        self.0.is_null()
    }

    /// # Errors
    /// [`Status::InvalidParameter`] for NULL.
    pub(crate) fn required(&self) -> Result<()> {
        if self.0.is_null() { Err(Status::InvalidParameter) } else { Ok(()) }
    }

    pub(crate) fn set(&self, value: T) {
        if !self.0.is_null() {
            // SAFETY:
            // - not NULL: writable by the promise of `read`.
            unsafe { raw::write(self.0, value) };
        }
    }
}

/// A block of the host's memory handed out: pointer and length.
pub(crate) struct OutBlock {
    pointer: *mut *mut u8,
    length: Out<u32>,
}

impl OutBlock {
    /// # Safety
    /// Each pointer is NULL or writable while the call runs.
    pub(super) unsafe fn read<T>(pointer: *mut *mut T, length: *mut u32) -> Self {
        // SAFETY:
        // - the caller's promise.
        let block = Self { pointer: pointer.cast(), length: unsafe { Out::read(length) } };
        block.set_pointer(ptr::null_mut());
        block
    }

    /// # Errors
    /// [`Status::InvalidParameter`] where either pointer is NULL.
    pub(crate) fn required(&self) -> Result<()> {
        if self.pointer.is_null() { Err(Status::InvalidParameter) } else { self.length.required() }
    }

    /// Copies the bytes into the host's memory and hands them out; an empty answer is a block of one
    /// byte with length 0, so that no caller meets NULL on success.
    pub(crate) fn give(&self, host: &Host, bytes: &[u8]) -> Result<()> {
        self.required()?;
        let block = host.block(bytes)?;
        self.length.set(block.len());
        self.set_pointer(block.into_raw());
        Ok(())
    }

    fn set_pointer(&self, value: *mut u8) {
        if !self.pointer.is_null() {
            // SAFETY:
            // - not NULL: writable by the promise of `read`.
            unsafe { raw::write(self.pointer, value) };
        }
    }
}

/// A property's buffer: the caller's memory, its size, and where the length goes.
pub(crate) struct PropertyBuffer {
    pointer: *mut u8,
    size: u32,
    length: Out<u32>,
}

impl PropertyBuffer {
    /// # Safety
    /// `pointer` is NULL or readable and writable for `size` bytes, `length` is NULL or writable, while
    /// the call runs.
    pub(super) unsafe fn read(pointer: *mut u8, size: u32, length: *mut u32) -> Self {
        // SAFETY:
        // - the caller's promise.
        Self { pointer, size, length: unsafe { Out::read(length) } }
    }

    pub(super) fn is_null(&self) -> bool {
        self.pointer.is_null()
    }

    pub(super) fn size(&self) -> u32 {
        self.size
    }

    /// # Errors
    /// [`Status::InvalidParameter`] where either pointer is NULL: a size is asked for with a buffer that
    /// is too small.
    pub(crate) fn required(&self) -> Result<()> {
        if self.pointer.is_null() { Err(Status::InvalidParameter) } else { self.length.required() }
    }

    /// Tells the length and checks the buffer's, before anything is asked of the card.
    ///
    /// # Errors
    /// [`Status::BufferTooSmall`], the length having been told.
    pub(crate) fn reserve(&self, length: usize) -> Result<()> {
        let length = u32::try_from(length).map_err(|_| Status::Unexpected)?;
        if length > self.size {
            self.length.set(length);
            return Err(Status::BufferTooSmall);
        }
        Ok(())
    }

    /// The `dwVersion` the caller wrote into the buffer of a versioned structure.
    ///
    /// # Errors
    /// [`Status::BufferTooSmall`], or [`Status::RevisionMismatch`] for a version above `known`.
    pub(crate) fn version(&self, structure: usize, known: u32) -> Result<()> {
        self.reserve(structure.max(size_of::<u32>()))?;
        // SAFETY:
        // - at least four bytes: reserved above; readable by the promise of `read`.
        let version = unsafe { raw::read(self.pointer.cast::<u32>()) };
        if version > known { Err(Status::RevisionMismatch) } else { Ok(()) }
    }

    /// Copies a structure out that has gaps between its members; they are zero in the buffer, so that no
    /// byte of the SDK's own memory leaves with them.
    pub(crate) fn give_container_info(&self, info: &CONTAINER_INFO) -> Result<()> {
        self.give(&[0; size_of::<CONTAINER_INFO>()])?;
        let target = self.pointer.cast::<CONTAINER_INFO>();
        macro_rules! write {
            ($($field:ident)+) => {$(
                // SAFETY:
                // - a member of a structure that `give` has found room for.
                unsafe { raw::write(member!(target, CONTAINER_INFO, $field), info.$field) };
            )+};
        }
        write!(dwVersion dwReserved cbSigPublicKey pbSigPublicKey cbKeyExPublicKey pbKeyExPublicKey);
        Ok(())
    }

    /// Copies a structure without gaps out.
    pub(crate) fn give_structure<T: Plain>(&self, value: T) -> Result<()> {
        self.required()?;
        self.reserve(size_of::<T>())?;
        // SAFETY:
        // - not NULL and large enough: checked above; writable by the promise of `read`.
        unsafe { raw::write(self.pointer.cast::<T>(), value) };
        self.length.set(u32::try_from(size_of::<T>()).map_err(|_| Status::Unexpected)?);
        Ok(())
    }

    /// Copies the value out.
    pub(crate) fn give(&self, value: &[u8]) -> Result<()> {
        self.required()?;
        self.reserve(value.len())?;
        // SAFETY:
        // - not NULL and large enough: checked above; writable by the promise of `read`.
        unsafe { raw::copy_out(value, self.pointer) };
        self.length.set(u32::try_from(value.len()).map_err(|_| Status::Unexpected)?);
        Ok(())
    }
}

impl HostBlock {
    /// Pointer and length of a block handed out inside a structure; NULL and 0 for none.
    pub(crate) fn into_parts(block: Option<Self>) -> (*mut u8, u32) {
        block.map_or((ptr::null_mut(), 0), |block| {
            let length = block.len();
            (block.into_raw(), length)
        })
    }
}
