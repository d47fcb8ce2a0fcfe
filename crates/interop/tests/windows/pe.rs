//! Small files in the format of Windows' programs, made by the test: as much of one as the loader looks at
//! before it refuses it.

/// Windows on 32-bit x86 (`IMAGE_FILE_MACHINE_I386`).
pub(crate) const I386: u16 = 0x014C;
/// Windows on ARM64 (`IMAGE_FILE_MACHINE_ARM64`).
pub(crate) const ARM64: u16 = 0xAA64;

/// The headers of a library for this machine, without a section (PE Format, "COFF File Header" and "Optional
/// Header").
pub(crate) fn library(machine: u16) -> Vec<u8> {
    let wide = machine != I386;
    let optional_len: u16 = if wide { 0xF0 } else { 0xE0 };
    let mut file = vec![0; 0x80];
    file[..2].copy_from_slice(b"MZ");
    file[0x3C] = 0x80;
    file.extend_from_slice(b"PE\0\0");
    file.extend_from_slice(&machine.to_le_bytes());
    // no section, no time, no symbols
    file.extend_from_slice(&[0; 14]);
    file.extend_from_slice(&optional_len.to_le_bytes());
    // executable image, large addresses or a 32-bit machine, library
    let kind: u16 = if wide { 0x2022 } else { 0x2102 };
    file.extend_from_slice(&kind.to_le_bytes());
    file.extend_from_slice(&optional(wide, optional_len));
    file.resize(0x1000, 0);
    file
}

fn optional(wide: bool, len: u16) -> Vec<u8> {
    let mut header = vec![0; usize::from(len)];
    let mut put = |at: usize, bytes: &[u8]| header[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, &(if wide { 0x20B_u16 } else { 0x10B }).to_le_bytes());
    if wide {
        put(24, &0x1_8000_0000_u64.to_le_bytes());
    } else {
        put(28, &0x1000_0000_u32.to_le_bytes());
    }
    // alignment in memory and file, version of the system and of the subsystem, sizes of image and headers
    put(32, &0x1000_u32.to_le_bytes());
    put(36, &0x200_u32.to_le_bytes());
    put(40, &6_u16.to_le_bytes());
    put(48, &6_u16.to_le_bytes());
    put(56, &0x1000_u32.to_le_bytes());
    put(60, &0x200_u32.to_le_bytes());
    // console, and sixteen data directories
    put(68, &3_u16.to_le_bytes());
    put(if wide { 108 } else { 92 }, &16_u32.to_le_bytes());
    header
}
