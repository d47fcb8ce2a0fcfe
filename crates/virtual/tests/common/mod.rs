//! What the tests of the virtual card share: sample values, hexadecimal scripts, a card in a fresh store.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses its part")]

use cardmod_types::{CardId, Pin, SecretBytes};
use cardmod_virtual::{BlankProfile, CardOptions, GidsProfile, Store, VirtualCard};
use tempfile::TempDir;

pub mod memory;
pub mod piv;

pub const PIN: &[u8] = b"12345678";
pub const ADMIN_KEY: [u8; 24] = [1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8];
pub const SELECT: &str = "00 A4 04 00 09 A0 00 00 03 97 42 54 46 59 00";
pub const VERIFY: &str = "00 20 00 80 08 31 32 33 34 35 36 37 38";

/// A card in a store of its own.
pub struct Bench {
    pub dir: TempDir,
    pub store: Store,
    pub card: VirtualCard,
}

pub fn profile() -> GidsProfile {
    GidsProfile::new(Pin::from(PIN), SecretBytes::from(&ADMIN_KEY), CardId([7; 16].map(|b: u8| b)))
}

pub fn bench() -> Bench {
    bench_with(|_| ())
}

pub fn bench_with(change: impl FnOnce(&mut GidsProfile)) -> Bench {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let mut profile = profile();
    change(&mut profile);
    store.create("test", &profile).unwrap();
    let card = store.open_card("test").unwrap();
    Bench { dir, store, card }
}

pub fn blank(options: CardOptions, bare: bool) -> Bench {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    store.create_blank("test", &BlankProfile { options, bare }).unwrap();
    let card = store.open_card("test").unwrap();
    Bench { dir, store, card }
}

impl Bench {
    /// Sends a command in hexadecimal and answers the response in upper-case hexadecimal.
    pub fn send(&mut self, command: &str) -> String {
        send(&mut self.card, command)
    }

    /// Sends a command, following 61xx; answers the data, and fails unless the end is 9000.
    pub fn data(&mut self, command: &[u8]) -> Vec<u8> {
        let (data, sw) = exchange(&mut self.card, command);
        assert_eq!(sw, 0x9000, "{}", hex(command));
        data
    }

    /// Like [`Bench::data`] for any status word.
    pub fn exchange(&mut self, command: &[u8]) -> (Vec<u8>, u16) {
        exchange(&mut self.card, command)
    }

    /// Runs a script of lines `command => response`; `#` begins a comment, `*` in a response stands for
    /// anything from there to the end, and `>` alone resets the card.
    pub fn run(&mut self, script: &str) {
        for line in script.lines() {
            let line = line.split('#').next().unwrap_or_default().trim();
            if line == "reset" {
                self.card.reset(cardmod_virtual::Reset::Cold).unwrap();
            } else if !line.is_empty() {
                let (command, expected) = line.split_once("=>").unwrap_or_else(|| panic!("no => in {line}"));
                let expected: String = expected.split_whitespace().collect();
                let response = self.send(command);
                match expected.strip_suffix('*') {
                    Some(start) => assert!(response.starts_with(start), "{line}\n got {response}"),
                    None => assert_eq!(response, expected, "{line}"),
                }
            }
        }
    }
}

pub fn send(card: &mut VirtualCard, command: &str) -> String {
    hex(&card.transmit(&unhex(command)).unwrap())
}

pub fn exchange(card: &mut VirtualCard, command: &[u8]) -> (Vec<u8>, u16) {
    let mut response = card.transmit(command).unwrap().to_vec();
    let mut data = Vec::new();
    loop {
        let sw = u16::from_be_bytes([response[response.len() - 2], response[response.len() - 1]]);
        data.extend_from_slice(&response[..response.len() - 2]);
        if sw >> 8 != 0x61 {
            return (data, sw);
        }
        response = card.transmit(&[0x00, 0xC0, 0x00, 0x00, sw as u8]).unwrap().to_vec();
    }
}

/// A command as short APDUs: parts of 240 bytes with the chaining bit.
pub fn chained(header: [u8; 4], data: &[u8], le: bool) -> Vec<Vec<u8>> {
    let chunks: Vec<&[u8]> = data.chunks(240).collect();
    let mut apdus = Vec::new();
    for (index, chunk) in chunks.iter().enumerate() {
        let last = index + 1 == chunks.len();
        let mut apdu = vec![header[0] | if last { 0 } else { 0x10 }, header[1], header[2], header[3]];
        apdu.push(chunk.len() as u8);
        apdu.extend_from_slice(chunk);
        if last && le {
            apdu.push(0);
        }
        apdus.push(apdu);
    }
    apdus
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

pub fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let pair = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(pair).collect()
}

/// Removes a card's directory from under those who have it open, as Windows too lets a program do: what is open gets
/// another name first.
pub fn take_away(directory: &std::path::Path) {
    let aside = tempfile::tempdir_in(directory.parent().unwrap()).unwrap();
    let mut folders = vec![directory.to_owned()];
    let mut count = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            } else {
                std::fs::rename(entry.path(), aside.path().join(count.to_string())).unwrap();
                count += 1;
            }
        }
    }
    std::fs::remove_dir_all(directory).unwrap();
    // What is open there may stay.
    let _ = aside.keep();
}
