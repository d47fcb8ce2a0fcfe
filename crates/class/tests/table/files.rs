//! The file entries of the table, with Rust's types.

use std::ptr::null_mut;

use cardmod_sdk::sys::CARD_FILE_INFO;

use super::calls::Outcome;
use super::{Host, call, outcome};

fn name(text: &str) -> Vec<u8> {
    text.bytes().chain([0]).collect()
}

/// NULL for the root.
fn pointer(directory: &mut [u8]) -> *mut u8 {
    if directory == [0] { null_mut() } else { directory.as_mut_ptr() }
}

impl Host {
    pub fn create_file(&mut self, directory: &str, file: &str, access: u32) -> Outcome<()> {
        let (mut directory, mut file) = (name(directory), name(file));
        let (directory, file) = (pointer(&mut directory).cast(), file.as_mut_ptr().cast());
        outcome(call!(self, pfnCardCreateFile, directory, file, 4, access))
    }

    pub fn write(&mut self, directory: &str, file: &str, data: &[u8]) -> Outcome<()> {
        let (mut directory, mut file, mut data) = (name(directory), name(file), data.to_vec());
        let (directory, file) = (pointer(&mut directory).cast(), file.as_mut_ptr().cast());
        let length = data.len() as u32;
        outcome(call!(self, pfnCardWriteFile, directory, file, 0, data.as_mut_ptr(), length))
    }

    pub fn delete_file(&mut self, directory: &str, file: &str) -> Outcome<()> {
        let (mut directory, mut file) = (name(directory), name(file));
        let (directory, file) = (pointer(&mut directory).cast(), file.as_mut_ptr().cast());
        outcome(call!(self, pfnCardDeleteFile, directory, file, 0))
    }

    pub fn info(&mut self, directory: &str, file: &str) -> Outcome<(u32, u32)> {
        let (mut directory, mut file) = (name(directory), name(file));
        let (directory, file) = (pointer(&mut directory).cast(), file.as_mut_ptr().cast());
        let mut info = CARD_FILE_INFO { dwVersion: 1, cbFileSize: 9, AccessCondition: 9 };
        outcome(call!(self, pfnCardGetFileInfo, directory, file, &raw mut info))?;
        Ok((info.cbFileSize, info.AccessCondition))
    }

    pub fn create_directory(&mut self, directory: &str, access: u32) -> Outcome<()> {
        let mut directory = name(directory);
        outcome(call!(self, pfnCardCreateDirectory, directory.as_mut_ptr().cast(), access))
    }

    pub fn delete_directory(&mut self, directory: &str) -> Outcome<()> {
        let mut directory = name(directory);
        outcome(call!(self, pfnCardDeleteDirectory, directory.as_mut_ptr().cast()))
    }

    pub fn list(&mut self, directory: Option<&str>) -> Outcome<String> {
        let mut directory = directory.map(name);
        let directory = directory.as_mut().map_or(null_mut(), |text| text.as_mut_ptr()).cast();
        let (mut pointer, mut length) = (null_mut(), 0);
        outcome(call!(self, pfnCardEnumFiles, directory, &raw mut pointer, &raw mut length, 0))?;
        Ok(String::from_utf8(self.take(pointer.cast(), length)).expect("names"))
    }
}
