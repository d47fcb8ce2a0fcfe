//! A card module as far as memory goes: calls the callbacks, reads and writes blocks. This file has
//! unsafe code, and only tests use it: they pass pointers that the callbacks gave them wherever bytes
//! are read or written.
#![allow(unsafe_code)]

use super::Callbacks;

/// See the file's page.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Module(pub(crate) Callbacks);

// Each test crate uses its own part of this.
#[allow(dead_code)]
impl Module {
    pub(crate) fn alloc(self, size: usize) -> *mut u8 {
        // SAFETY:
        // * none is asked of the caller.
        unsafe { (self.0.alloc)(size) }.cast()
    }

    pub(crate) fn realloc(self, block: *mut u8, size: usize) -> *mut u8 {
        // SAFETY:
        // * the test uses a block from one thread at a time; other values are the heap's to refuse.
        unsafe { (self.0.realloc)(block.cast(), size) }.cast()
    }

    pub(crate) fn free(self, block: *mut u8) {
        // SAFETY:
        // * the test does not use the block from here on; other values are the heap's to refuse.
        unsafe { (self.0.free)(block.cast()) }
    }

    pub(crate) fn write(self, block: *mut u8, bytes: &[u8]) {
        // SAFETY:
        // * the test passes a block of at least so many bytes, or wants to die.
        unsafe { block.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) }
    }

    pub(crate) fn read(self, block: *const u8, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        // SAFETY:
        // * the test passes a block of at least so many bytes; or one that was freed in a plain heap, whose
        //   memory stays mapped; or it wants to die.
        unsafe { block.copy_to_nonoverlapping(bytes.as_mut_ptr(), len) };
        bytes
    }
}
