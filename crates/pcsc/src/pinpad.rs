//! PIN entry at the reader: `PIN_VERIFY_STRUCTURE`, `PIN_MODIFY_STRUCTURE` and what comes back (PC/SC 2
//! part 10, 2.5).

use std::time::Duration;

use cardmod_iso7816::{EntryRequest, PinEntry, PinEntryError, SecretForm, StatusWord, TransportError};

use crate::codes::{
    FEATURE_GET_KEY_PRESSED, FEATURE_MODIFY_PIN_DIRECT, FEATURE_MODIFY_PIN_FINISH, FEATURE_MODIFY_PIN_START,
    FEATURE_VERIFY_PIN_DIRECT, FEATURE_VERIFY_PIN_FINISH, FEATURE_VERIFY_PIN_START, SCARD_E_CANCELLED,
    SCARD_E_TIMEOUT, SCARD_E_UNSUPPORTED_FEATURE, SCARD_W_CANCELLED_BY_USER,
};
use crate::error::PcscError;
use crate::features::ReaderFeatures;

/// `bmFormatString`: positions in bytes, the PIN at the beginning of the data, left justified, ASCII.
pub const FORMAT_ASCII: u8 = 0x82;
/// `bEntryValidationCondition`: the validation key was pressed.
pub const VALIDATION_KEY: u8 = 0x02;
/// Length of a `PIN_VERIFY_STRUCTURE` before its command.
pub const VERIFY_HEADER: usize = 19;
/// Length of a `PIN_MODIFY_STRUCTURE` before its command.
pub const MODIFY_HEADER: usize = 24;

/// How long a reader waits for a key where nobody says otherwise.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Pause between two questions for the key pressed, of a reader that has to be asked.
const KEY_PAUSE: Duration = Duration::from_millis(100);
/// `wLangId`: English (United States).
const LANGUAGE: u16 = 0x0409;
/// The display shows no message.
const NO_MESSAGE: u8 = 0x00;
/// Keys that end an entry: confirmation, cancellation, the end of the time, an abortion (2.5.6).
const LAST_KEYS: [u8; 4] = [0x0D, 0x1B, 0x0E, 0x40];
/// Most blocks whose length the structure can say.
const MOST_BLOCK: u8 = 15;

/// A `PIN_VERIFY_STRUCTURE` (2.5.2); `None` where the form cannot be said in one.
#[must_use]
pub fn verify_structure(request: &EntryRequest, features: &ReaderFeatures) -> Option<Vec<u8>> {
    let mut bytes = beginning(request, features)?;
    bytes.extend(digits(request.form, features)?.to_le_bytes());
    bytes.push(validation(features));
    bytes.push(if has_display(features) { 1 } else { NO_MESSAGE });
    bytes.extend(LANGUAGE.to_le_bytes());
    // bMsgIndex: the reader's first message, "enter PIN".
    bytes.push(0);
    ending(bytes, &request.command(1)?)
}

/// A `PIN_MODIFY_STRUCTURE` (2.5.3) for an old secret and a new one behind it, the new one typed twice. `None`
/// where the form cannot be said in one: without padding nobody can say where the new secret begins.
#[must_use]
pub fn modify_structure(request: &EntryRequest, features: &ReaderFeatures) -> Option<Vec<u8>> {
    let (length, _) = request.form.padding?;
    let mut bytes = beginning(request, features)?;
    // bInsertionOffsetOld, bInsertionOffsetNew.
    bytes.extend([0, length]);
    bytes.extend(digits(request.form, features)?.to_le_bytes());
    // bConfirmPIN: the old one is typed, and the new one twice.
    bytes.push(0x03);
    bytes.push(validation(features));
    bytes.push(if has_display(features) { 3 } else { NO_MESSAGE });
    bytes.extend(LANGUAGE.to_le_bytes());
    // bMsgIndex1 to 3: "enter PIN", "enter new PIN", "repeat new PIN".
    bytes.extend([0, 1, 2]);
    ending(bytes, &request.command(2)?)
}

/// bTimeOut, bTimeOut2, bmFormatString, bmPINBlockString, bmPINLengthFormat.
fn beginning(request: &EntryRequest, features: &ReaderFeatures) -> Option<Vec<u8>> {
    let seconds = request.timeout.unwrap_or(TIMEOUT).as_secs();
    let seconds = u8::try_from(seconds).unwrap_or(u8::MAX).max(1);
    let block = request.form.padding.map_or(0, |(length, _)| length);
    if block > MOST_BLOCK {
        return None;
    }
    digits(request.form, features)?;
    let mut bytes = Vec::with_capacity(64);
    bytes.extend([seconds, seconds, FORMAT_ASCII, block, 0]);
    Some(bytes)
}

/// bTeoPrologue, ulDataLength, abData.
fn ending(mut bytes: Vec<u8>, command: &[u8]) -> Option<Vec<u8>> {
    bytes.extend([0; 3]);
    bytes.extend(u32::try_from(command.len()).ok()?.to_le_bytes());
    bytes.extend(command);
    Some(bytes)
}

/// `wPINMaxExtraDigit`: fewest and most digits, within the reader's own limits; `None` where nothing is left.
fn digits(form: SecretForm, features: &ReaderFeatures) -> Option<u16> {
    let minimum = form.minimum.max(features.min_pin.unwrap_or(0));
    let maximum = form.maximum.min(features.max_pin.unwrap_or(u8::MAX));
    (minimum <= maximum && maximum > 0).then(|| u16::from_be_bytes([minimum, maximum]))
}

/// The validation key, where the reader has one.
fn validation(features: &ReaderFeatures) -> u8 {
    match features.entry_validation {
        Some(offered) if offered & VALIDATION_KEY == 0 && offered != 0 => offered,
        _ => VALIDATION_KEY,
    }
}

fn has_display(features: &ReaderFeatures) -> bool {
    features.display.is_some_and(|layout| layout != 0)
}

/// The keypad of a reader, for the time of an entry.
pub(crate) struct Pinpad<F> {
    features: ReaderFeatures,
    control: F,
}

/// The features of one kind of entry.
struct Ways {
    direct: u32,
    start: u32,
    finish: u32,
}

const VERIFY: Ways = Ways {
    direct: FEATURE_VERIFY_PIN_DIRECT,
    start: FEATURE_VERIFY_PIN_START,
    finish: FEATURE_VERIFY_PIN_FINISH,
};
const MODIFY: Ways = Ways {
    direct: FEATURE_MODIFY_PIN_DIRECT,
    start: FEATURE_MODIFY_PIN_START,
    finish: FEATURE_MODIFY_PIN_FINISH,
};

impl<F: Fn(u32, &[u8]) -> Result<Vec<u8>, PcscError>> Pinpad<F> {
    pub(crate) fn new(features: ReaderFeatures, control: F) -> Self {
        Self { features, control }
    }

    fn enter(&self, ways: &Ways, structure: Option<Vec<u8>>) -> Result<StatusWord, PinEntryError> {
        let structure = structure.ok_or(PinEntryError::Unsupported)?;
        let answer = match self.features.code(ways.direct) {
            Some(code) => (self.control)(code, &structure),
            None => self.in_two_halves(ways, &structure),
        };
        judged(&answer.map_err(refused)?)
    }

    /// The reader takes keys after START; FINISH has it send the command.
    fn in_two_halves(&self, ways: &Ways, structure: &[u8]) -> Result<Vec<u8>, PcscError> {
        let missing = PcscError::new(SCARD_E_UNSUPPORTED_FEATURE, "SCardControl");
        let code = |feature| self.features.code(feature).ok_or(missing);
        let (start, finish) = (code(ways.start)?, code(ways.finish)?);
        (self.control)(start, structure)?;
        if let Some(keys) = self.features.code(FEATURE_GET_KEY_PRESSED) {
            // The reader itself ends the wait by its time-out, which it tells as a key.
            while !(self.control)(keys, &[])?.first().is_some_and(|key| LAST_KEYS.contains(key)) {
                std::thread::sleep(KEY_PAUSE);
            }
        }
        (self.control)(finish, &[])
    }
}

impl<F: Fn(u32, &[u8]) -> Result<Vec<u8>, PcscError>> PinEntry for Pinpad<F> {
    fn verifies(&self, form: SecretForm) -> bool {
        let request = EntryRequest { header: [0; 4], form, timeout: None };
        self.features.verifies_pins() && verify_structure(&request, &self.features).is_some()
    }

    fn modifies(&self, form: SecretForm) -> bool {
        let request = EntryRequest { header: [0; 4], form, timeout: None };
        self.features.modifies_pins() && modify_structure(&request, &self.features).is_some()
    }

    fn verify(&mut self, request: &EntryRequest) -> Result<StatusWord, PinEntryError> {
        self.enter(&VERIFY, verify_structure(request, &self.features))
    }

    fn modify(&mut self, request: &EntryRequest) -> Result<StatusWord, PinEntryError> {
        self.enter(&MODIFY, modify_structure(request, &self.features))
    }
}

/// What the reader's answer means: its own words (2.5.2), else the card's status word.
fn judged(answer: &[u8]) -> Result<StatusWord, PinEntryError> {
    let [.., high, low] = *answer else { return Err(PinEntryError::Malformed) };
    match u16::from_be_bytes([high, low]) {
        0x6400 => Err(PinEntryError::Timeout),
        0x6401 => Err(PinEntryError::Cancelled),
        0x6402 => Err(PinEntryError::Mismatch),
        0x6403 => Err(PinEntryError::Length),
        0x6B80 => Err(PinEntryError::Unsupported),
        status => Ok(StatusWord::new(status)),
    }
}

/// What a failed SCardControl means: drivers tell some ends of an entry so.
fn refused(error: PcscError) -> PinEntryError {
    match error.code {
        SCARD_E_TIMEOUT => PinEntryError::Timeout,
        SCARD_E_CANCELLED | SCARD_W_CANCELLED_BY_USER => PinEntryError::Cancelled,
        SCARD_E_UNSUPPORTED_FEATURE => PinEntryError::Unsupported,
        _ => PinEntryError::Transport(TransportError::from(error)),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    const PIV: EntryRequest = EntryRequest {
        header: [0x00, 0x20, 0x00, 0x80],
        form: SecretForm::padded(6, 8, 8, 0xFF),
        timeout: None,
    };
    const GIDS: EntryRequest =
        EntryRequest { form: SecretForm::variable(4, 15), timeout: Some(Duration::from_secs(300)), ..PIV };

    #[test]
    fn a_verify_structure_byte_for_byte() {
        let plain = ReaderFeatures::default();
        let mut expected = vec![30, 30, 0x82, 0x08, 0x00, 8, 6, 0x02, 0x00, 0x09, 0x04, 0x00, 0, 0, 0];
        expected.extend([13, 0, 0, 0, 0x00, 0x20, 0x00, 0x80, 8]);
        expected.extend([0xFF; 8]);
        assert_eq!(verify_structure(&PIV, &plain).unwrap(), expected);
        assert_eq!(expected.len(), VERIFY_HEADER + 13);

        let gids = verify_structure(&GIDS, &plain).unwrap();
        assert_eq!(gids[..7], [255, 255, 0x82, 0x00, 0x00, 15, 4], "no block; a long time is cut");
        assert_eq!(gids[15..], [5, 0, 0, 0, 0x00, 0x20, 0x00, 0x80, 0]);
    }

    #[test]
    fn a_modify_structure_byte_for_byte() {
        let change = EntryRequest { header: [0x00, 0x24, 0x00, 0x80], ..PIV };
        let display = ReaderFeatures { display: Some(0x0210), ..ReaderFeatures::default() };
        let mut expected = vec![30, 30, 0x82, 0x08, 0x00, 0, 8, 8, 6, 0x03, 0x02, 0x03, 0x09, 0x04, 0, 1, 2];
        expected.extend([0, 0, 0, 21, 0, 0, 0, 0x00, 0x24, 0x00, 0x80, 16]);
        expected.extend([0xFF; 16]);
        assert_eq!(modify_structure(&change, &display).unwrap(), expected);
        assert_eq!(expected.len(), MODIFY_HEADER + 21);
        assert_eq!(modify_structure(&GIDS, &display), None, "nobody can say where the new one begins");
    }

    #[test]
    fn the_readers_limits_are_kept() {
        let narrow = ReaderFeatures { min_pin: Some(5), max_pin: Some(7), ..ReaderFeatures::default() };
        assert_eq!(verify_structure(&PIV, &narrow).unwrap()[5..7], [7, 6]);
        assert_eq!(verify_structure(&GIDS, &narrow).unwrap()[5..7], [7, 5]);
        let small = ReaderFeatures { max_pin: Some(4), ..ReaderFeatures::default() };
        assert_eq!(verify_structure(&PIV, &small), None, "it takes four digits, the card six");
        let wide = EntryRequest { form: SecretForm::padded(1, 16, 16, 0), ..PIV };
        assert_eq!(verify_structure(&wide, &ReaderFeatures::default()), None);
        let by_length = ReaderFeatures { entry_validation: Some(1), ..ReaderFeatures::default() };
        assert_eq!(verify_structure(&PIV, &by_length).unwrap()[7], 1, "it has no validation key");
    }

    #[test]
    fn every_answer_has_its_meaning() {
        let said = |answer: &[u8]| judged(answer);
        assert_eq!(said(&[0x90, 0x00]), Ok(StatusWord::OK));
        assert_eq!(said(&[0x63, 0xC2]), Ok(StatusWord::tries(2)));
        assert_eq!(said(&[0x69, 0x83]), Ok(StatusWord::AUTHENTICATION_BLOCKED));
        assert_eq!(said(&[0x64, 0x00]), Err(PinEntryError::Timeout));
        assert_eq!(said(&[0x64, 0x01]), Err(PinEntryError::Cancelled));
        assert_eq!(said(&[0x64, 0x02]), Err(PinEntryError::Mismatch));
        assert_eq!(said(&[0x64, 0x03]), Err(PinEntryError::Length));
        assert_eq!(said(&[0x6B, 0x80]), Err(PinEntryError::Unsupported));
        assert_eq!(said(&[0x90]), Err(PinEntryError::Malformed));
        let failed = |code| refused(PcscError::new(code, "SCardControl"));
        assert_eq!(failed(SCARD_E_TIMEOUT), PinEntryError::Timeout);
        assert_eq!(failed(SCARD_W_CANCELLED_BY_USER), PinEntryError::Cancelled);
        let removed = TransportError { code: crate::SCARD_W_REMOVED_CARD };
        assert_eq!(failed(removed.code), PinEntryError::Transport(removed));
    }

    #[test]
    fn an_old_reader_is_asked_in_two_halves() {
        let list = [(1, 0x11), (2, 0x12), (5, 0x15)];
        let bytes: Vec<u8> = list.iter().flat_map(|(tag, code)| [*tag, 4, 0, 0, 0, *code]).collect();
        let features = ReaderFeatures::ask(|code, _| match code {
            code if code == crate::control_code(3400) => Ok(bytes.clone()),
            _ => Err(PcscError::new(SCARD_E_UNSUPPORTED_FEATURE, "SCardControl")),
        });
        let asked = RefCell::new(Vec::new());
        let keys = RefCell::new(vec![0x0D, 0x2B]);
        let mut pinpad = Pinpad::new(features, |code, input: &[u8]| {
            asked.borrow_mut().push((code, input.len()));
            Ok(match code {
                0x15 => vec![keys.borrow_mut().pop().expect("a key")],
                0x12 => vec![0x90, 0x00],
                _ => Vec::new(),
            })
        });
        assert!(pinpad.verifies(PIV.form) && !pinpad.modifies(PIV.form));
        assert_eq!(pinpad.verify(&PIV), Ok(StatusWord::OK));
        assert_eq!(pinpad.modify(&PIV), Err(PinEntryError::Unsupported));
        assert_eq!(*asked.borrow(), [(0x11, 32), (0x15, 0), (0x15, 0), (0x12, 0)]);
    }
}
