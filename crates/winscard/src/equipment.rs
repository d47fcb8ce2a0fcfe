//! What a virtual reader is like: how it speaks with its card, how much it carries, whether it has a keypad.
//!
//! Without a word it is a reader that carries everything. Programs and tests that want another one say so by
//! [`equip`](crate::equip), for one reader, or by the environment, for all of a process's:
//!
//! | Variable | Means |
//! |---|---|
//! | `CARDMOD_READER_PROTOCOL=t0` | the card says T=0 in its ATR, and commands follow the rules of T=0 |
//! | `CARDMOD_READER_DATA=N` | `dwMaxAPDUDataSize` N: longer command data is refused; `none`: not announced |
//! | `CARDMOD_KEYPAD_FILE=FILE` | the reader has a keypad; each entry takes a line of the file: digits, or `cancel`. At its end nobody types |
//!
//! What is none of these is as if it had not been set.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use cardmod_iso7816::{Atr, parse_command};
use zeroize::Zeroizing;

const PROTOCOL: &str = "CARDMOD_READER_PROTOCOL";
const DATA: &str = "CARDMOD_READER_DATA";
const KEYPAD: &str = "CARDMOD_KEYPAD_FILE";

/// `dwMaxAPDUDataSize` of a reader that carries everything.
const EVERYTHING: u32 = 65_536;
/// Most of a short APDU, as the property counts it.
const SHORT: u32 = 256;
/// Longest line of a keypad's file.
const MOST_DIGITS: usize = 64;

/// A virtual reader's properties.
#[derive(Clone)]
pub struct Equipment {
    /// The reader speaks T=0 with the card; else what the card's own ATR says, which is T=1.
    pub t0: bool,
    /// `dwMaxAPDUDataSize`; `None` for a reader that does not announce it, and so takes short APDUs alone.
    pub max_apdu_data: Option<u32>,
    /// The keypad, if it has one.
    pub keypad: Option<Keypad>,
}

/// A virtual reader's keypad.
#[derive(Clone)]
pub struct Keypad {
    /// It changes PINs too (`FEATURE_MODIFY_PIN_DIRECT`).
    pub modifies: bool,
    /// Who types.
    pub typist: Arc<dyn Typist>,
}

/// Who types at a virtual reader.
pub trait Typist: Send + Sync {
    /// What is typed when the reader asks. Called with no lock held; the card is its caller's meanwhile.
    fn type_in(&self, asked: Asked) -> Typed;
}

/// What a keypad asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// The PIN, or before a change the old one.
    Pin,
    /// The new PIN.
    NewPin,
    /// The new PIN once more.
    Repetition,
}

/// What is typed at a keypad.
pub enum Typed {
    /// These digits, and the confirmation key.
    Digits(Zeroizing<Vec<u8>>),
    /// The cancel key.
    Cancel,
    /// Nothing: the reader's time is over. A virtual reader does not wait for that.
    Nothing,
}

impl Default for Equipment {
    fn default() -> Self {
        Self { t0: false, max_apdu_data: Some(EVERYTHING), keypad: None }
    }
}

impl Equipment {
    /// As the environment says.
    #[must_use]
    pub fn from_environment() -> Self {
        let variable = |name| std::env::var(name).ok();
        let mut equipment = Self { t0: variable(PROTOCOL).as_deref() == Some("t0"), ..Self::default() };
        match variable(DATA).as_deref() {
            Some("none") => equipment.max_apdu_data = None,
            Some(number) => equipment.max_apdu_data = number.parse().ok().or(equipment.max_apdu_data),
            None => {}
        }
        equipment.keypad = std::env::var_os(KEYPAD).map(|path| Keypad {
            modifies: true,
            typist: Arc::new(FileTypist { path: path.into(), open: Mutex::default() }),
        });
        equipment
    }

    /// The card's ATR as this reader shows it: over T=0 it names no other protocol.
    pub(crate) fn atr(&self, card: Vec<u8>) -> Vec<u8> {
        match Atr::parse(&card) {
            Ok(atr) if self.t0 => {
                let count = u8::try_from(atr.historical.len()).unwrap_or(0) & 0x0F;
                [&[0x3B, count], &atr.historical[..usize::from(count)]].concat()
            }
            _ => card,
        }
    }

    /// Whether the reader carries a command. One that is no command at all is the card's to refuse.
    pub(crate) fn carries(&self, command: &[u8]) -> bool {
        let Ok(parsed) = parse_command(command) else { return true };
        let most = match self.max_apdu_data {
            None | Some(0) => SHORT,
            Some(size) => size,
        };
        let fits = u32::try_from(parsed.data.len()).is_ok_and(|length| length <= most);
        let takes_form = !parsed.extended || most > SHORT && !self.t0;
        let has_t0_form = !self.t0 || parsed.data.is_empty() || parsed.le.is_none();
        fits && takes_form && has_t0_form
    }
}

impl std::fmt::Debug for Equipment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let keypad = self.keypad.as_ref().map(|keypad| keypad.modifies);
        let Self { t0, max_apdu_data, .. } = self;
        write!(f, "Equipment(t0 {t0}, data {max_apdu_data:?}, keypad that modifies {keypad:?})")
    }
}

/// The readers of a process: what the environment says of all, and those that are otherwise.
#[derive(Default)]
pub(crate) struct Furnished {
    usual: OnceLock<Equipment>,
    readers: Mutex<HashMap<String, Equipment>>,
}

impl Furnished {
    pub(crate) fn new(readers: HashMap<String, Equipment>) -> Self {
        Self { usual: OnceLock::new(), readers: Mutex::new(readers) }
    }

    /// Those that are otherwise, unless they are being changed at this moment.
    pub(crate) fn try_all(&self) -> Option<HashMap<String, Equipment>> {
        self.readers.try_lock().ok().map(|readers| readers.clone())
    }

    pub(crate) fn set(&self, reader: &str, equipment: Option<Equipment>) {
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        match equipment {
            Some(equipment) => readers.insert(reader.to_owned(), equipment),
            None => readers.remove(reader),
        };
    }

    pub(crate) fn of(&self, reader: &str) -> Equipment {
        let readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        let usual = || self.usual.get_or_init(Equipment::from_environment).clone();
        readers.get(reader).cloned().unwrap_or_else(usual)
    }
}

/// Types the lines of a file, which may be a pipe.
struct FileTypist {
    path: PathBuf,
    open: Mutex<Option<File>>,
}

impl Typist for FileTypist {
    fn type_in(&self, _asked: Asked) -> Typed {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.is_none() {
            *open = File::open(&self.path).ok();
        }
        match open.as_mut().and_then(line) {
            Some(line) if line.as_slice() == b"cancel" => Typed::Cancel,
            Some(line) => Typed::Digits(line),
            None => Typed::Nothing,
        }
    }
}

/// The next line, byte by byte, so that nothing of it stays in a buffer; `None` at the end of the file.
fn line(file: &mut File) -> Option<Zeroizing<Vec<u8>>> {
    let mut line = Zeroizing::new(Vec::with_capacity(MOST_DIGITS));
    let mut byte = Zeroizing::new([0_u8]);
    loop {
        match file.read(&mut *byte) {
            Ok(1) if byte[0] == b'\n' => return Some(line),
            Ok(1) if byte[0] != b'\r' && line.len() < MOST_DIGITS => line.push(byte[0]),
            Ok(1) => {}
            _ => return (!line.is_empty()).then_some(line),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CARD: &[u8] = &[0x3B, 0x85, 0x81, 0x01, 0x80, 0x73, 0xC0, 0x01, 0xC0, 0xF7];

    #[test]
    fn the_atr_follows_the_protocol() {
        let usual = Equipment::default();
        assert_eq!(usual.atr(CARD.to_vec()), CARD);
        let atr = Equipment { t0: true, ..usual }.atr(CARD.to_vec());
        assert_eq!(atr, [0x3B, 0x05, 0x80, 0x73, 0xC0, 0x01, 0xC0]);
        assert_eq!(Atr::parse(&atr).map(|atr| atr.protocols), Ok(vec![0]));
    }

    #[test]
    fn a_reader_carries_what_it_says() {
        let short = [&[0x00, 0xDB, 0x3F, 0xFF, 200][..], &[7; 200]].concat();
        let case_4 = [&short[..], &[0]].concat();
        let extended = [0x00, 0xCB, 0x3F, 0xFF, 0, 0, 0];
        let carried = |equipment: &Equipment| {
            [&short[..], &case_4, &extended].map(|command| equipment.carries(command))
        };
        let usual = Equipment::default();
        assert_eq!(carried(&usual), [true, true, true]);
        for size in [None, Some(0), Some(256)] {
            let reader = Equipment { max_apdu_data: size, ..Equipment::default() };
            assert_eq!(carried(&reader), [true, true, false], "{size:?}");
        }
        assert_eq!(carried(&Equipment { max_apdu_data: Some(199), ..Equipment::default() }), [false; 3]);
        assert_eq!(carried(&Equipment { t0: true, ..Equipment::default() }), [true, false, false]);
        assert!(usual.carries(&[0x00]), "no command at all is the card's to refuse");
    }

    #[test]
    fn a_file_types_line_by_line() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("typed");
        std::fs::write(&path, "123456\r\ncancel\n\n99").expect("a file");
        let typist = FileTypist { path, open: Mutex::default() };
        let typed = || match typist.type_in(Asked::Pin) {
            Typed::Digits(digits) => String::from_utf8(digits.to_vec()).expect("digits"),
            Typed::Cancel => "C".to_owned(),
            Typed::Nothing => "-".to_owned(),
        };
        assert_eq!([typed(), typed(), typed(), typed(), typed()], ["123456", "C", "", "99", "-"]);
    }
}
