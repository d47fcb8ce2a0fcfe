//! The keypad of a virtual reader: reads the structures of PC/SC 2 part 10 (2.5), has digits typed, and makes
//! the command of them. It is as strict as a reader may be: what it cannot do to the letter it refuses.

use cardmod_pcsc::{FORMAT_ASCII, MODIFY_HEADER, VERIFY_HEADER};
use zeroize::Zeroizing;

use crate::equipment::{Asked, Keypad, Typed};

/// Where the data field of a short command begins.
const DATA: usize = 5;

/// What a reader answers by itself (2.5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refusal {
    Timeout = 0x6400,
    Cancelled = 0x6401,
    Mismatch = 0x6402,
    Length = 0x6403,
    Structure = 0x6B80,
}

/// What the structures have in common, and what only a change has.
struct Form<'a> {
    block: usize,
    maximum: usize,
    minimum: usize,
    /// bInsertionOffsetOld, bInsertionOffsetNew, bConfirmPIN.
    change: Option<(usize, usize, u8)>,
    command: &'a [u8],
}

/// Carries out `FEATURE_VERIFY_PIN_DIRECT`: the answer of the card, or the reader's own.
pub(crate) fn verify(
    keypad: &Keypad,
    structure: &[u8],
    send: impl FnOnce(&[u8]) -> Result<Zeroizing<Vec<u8>>, u32>,
) -> Result<Vec<u8>, u32> {
    let made = Form::of_verify(structure).and_then(|form| {
        let pin = form.typed(keypad, Asked::Pin)?;
        form.with_pin(&pin)
    });
    answered(made, send)
}

/// Carries out `FEATURE_MODIFY_PIN_DIRECT`.
pub(crate) fn modify(
    keypad: &Keypad,
    structure: &[u8],
    send: impl FnOnce(&[u8]) -> Result<Zeroizing<Vec<u8>>, u32>,
) -> Result<Vec<u8>, u32> {
    let made = Form::of_modify(structure).and_then(|form| form.changed(keypad));
    answered(made, send)
}

fn answered(
    made: Result<Zeroizing<Vec<u8>>, Refusal>,
    send: impl FnOnce(&[u8]) -> Result<Zeroizing<Vec<u8>>, u32>,
) -> Result<Vec<u8>, u32> {
    match made {
        Ok(command) => send(&command).map(|answer| answer.to_vec()),
        Err(refusal) => Ok((refusal as u16).to_be_bytes().to_vec()),
    }
}

impl<'a> Form<'a> {
    fn of_verify(bytes: &'a [u8]) -> Result<Self, Refusal> {
        let (header, command) = bytes.split_first_chunk::<VERIFY_HEADER>().ok_or(Refusal::Structure)?;
        let [_, _, format, block, length_format, maximum, minimum, ..] = *header;
        Self::checked([format, block, length_format], [maximum, minimum], None, &header[15..], command)
    }

    fn of_modify(bytes: &'a [u8]) -> Result<Self, Refusal> {
        let (header, command) = bytes.split_first_chunk::<MODIFY_HEADER>().ok_or(Refusal::Structure)?;
        let [_, _, format, block, length_format, old, new, maximum, minimum, confirm, ..] = *header;
        let change = Some((usize::from(old), usize::from(new), confirm));
        Self::checked([format, block, length_format], [maximum, minimum], change, &header[20..], command)
    }

    fn checked(
        [format, block, length_format]: [u8; 3],
        [maximum, minimum]: [u8; 2],
        change: Option<(usize, usize, u8)>,
        length: &[u8],
        command: &'a [u8],
    ) -> Result<Self, Refusal> {
        let told = length.iter().rev().fold(0_usize, |sum, byte| sum << 8 | usize::from(*byte));
        let block = usize::from(block);
        let fields = command.len().checked_sub(DATA).ok_or(Refusal::Structure)?;
        let last = change.map_or(0, |(old, new, _)| old.max(new));
        // A PIN without a block is put behind the header; where a second one would begin nobody knows.
        let fits = if block == 0 { fields == 0 && change.is_none() } else { last + block <= fields };
        let sound = told == command.len()
            && usize::from(command[DATA - 1]) == fields
            && format == FORMAT_ASCII
            && length_format == 0
            && block <= 0x0F
            && fits
            && minimum <= maximum
            && (block == 0 || usize::from(maximum) <= block);
        let form = Self { block, maximum: maximum.into(), minimum: minimum.into(), change, command };
        if sound { Ok(form) } else { Err(Refusal::Structure) }
    }

    /// Digits of the right number, as somebody types them.
    fn typed(&self, keypad: &Keypad, asked: Asked) -> Result<Zeroizing<Vec<u8>>, Refusal> {
        let digits = match keypad.typist.type_in(asked) {
            Typed::Digits(digits) => digits,
            Typed::Cancel => return Err(Refusal::Cancelled),
            Typed::Nothing => return Err(Refusal::Timeout),
        };
        let fits = (self.minimum..=self.maximum).contains(&digits.len());
        if fits && digits.iter().all(u8::is_ascii_digit) { Ok(digits) } else { Err(Refusal::Length) }
    }

    fn with_pin(&self, pin: &[u8]) -> Result<Zeroizing<Vec<u8>>, Refusal> {
        if self.block > 0 {
            return Ok(self.with_blocks(&[(0, pin)]));
        }
        let length = u8::try_from(pin.len()).map_err(|_| Refusal::Length)?;
        let mut command = Zeroizing::new(Vec::with_capacity(DATA + pin.len()));
        command.extend_from_slice(&self.command[..DATA - 1]);
        command.push(length);
        command.extend_from_slice(pin);
        Ok(command)
    }

    fn changed(&self, keypad: &Keypad) -> Result<Zeroizing<Vec<u8>>, Refusal> {
        let (old_at, new_at, confirm) = self.change.ok_or(Refusal::Structure)?;
        let old = if confirm & 2 != 0 { Some(self.typed(keypad, Asked::Pin)?) } else { None };
        let new = self.typed(keypad, Asked::NewPin)?;
        if confirm & 1 != 0 && self.typed(keypad, Asked::Repetition)? != new {
            return Err(Refusal::Mismatch);
        }
        let old = old.as_ref().map(|old| (old_at, old.as_slice()));
        let blocks: Vec<_> = old.into_iter().chain([(new_at, new.as_slice())]).collect();
        Ok(self.with_blocks(&blocks))
    }

    /// The command with PINs over its filling.
    fn with_blocks(&self, blocks: &[(usize, &[u8])]) -> Zeroizing<Vec<u8>> {
        let mut command = Zeroizing::new(self.command.to_vec());
        for (at, pin) in blocks {
            command[DATA + at..][..pin.len()].copy_from_slice(pin);
        }
        command
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use cardmod_iso7816::{EntryRequest, SecretForm};
    use cardmod_pcsc::{ReaderFeatures, modify_structure, verify_structure};

    use super::*;
    use crate::equipment::Typist;

    /// Types what it was given, one after the other: digits, or `C` for the cancel key.
    struct Script(Mutex<Vec<&'static str>>);

    impl Typist for Script {
        fn type_in(&self, _asked: Asked) -> Typed {
            match self.0.lock().expect("the script").pop() {
                Some("C") => Typed::Cancel,
                Some(digits) => Typed::Digits(digits.as_bytes().to_vec().into()),
                None => Typed::Nothing,
            }
        }
    }

    fn keypad(typed: &[&'static str]) -> Keypad {
        let script = Script(Mutex::new(typed.iter().rev().copied().collect()));
        Keypad { modifies: true, typist: Arc::new(script) }
    }

    fn request(form: SecretForm) -> EntryRequest {
        EntryRequest { header: [0x00, 0x20, 0x00, 0x80], form, timeout: None }
    }

    const PIV: SecretForm = SecretForm::padded(6, 8, 8, 0xFF);

    /// What a keypad sends for an entry, or its own answer.
    fn sent(typed: &[&'static str], form: SecretForm) -> Result<Vec<u8>, u16> {
        let structure = verify_structure(&request(form), &ReaderFeatures::default()).expect("a structure");
        run(|send| verify(&keypad(typed), &structure, send))
    }

    fn changed(typed: &[&'static str]) -> Result<Vec<u8>, u16> {
        let structure = modify_structure(&request(PIV), &ReaderFeatures::default()).expect("a structure");
        run(|send| modify(&keypad(typed), &structure, send))
    }

    type Send<'a> = Box<dyn FnOnce(&[u8]) -> Result<Zeroizing<Vec<u8>>, u32> + 'a>;

    fn run(keypad: impl FnOnce(Send<'_>) -> Result<Vec<u8>, u32>) -> Result<Vec<u8>, u16> {
        let mut command = None;
        let answer = keypad(Box::new(|sent| {
            command = Some(sent.to_vec());
            Ok(Zeroizing::new(vec![0x90, 0x00]))
        }));
        let answer = answer.expect("an answer");
        command.ok_or_else(|| u16::from_be_bytes([answer[0], answer[1]]))
    }

    #[test]
    fn digits_come_where_the_structure_says() {
        let piv = sent(&["123456"], PIV).unwrap();
        assert_eq!(piv, [&[0x00, 0x20, 0x00, 0x80, 8][..], b"123456", &[0xFF, 0xFF]].concat());
        let gids = sent(&["1234567"], SecretForm::variable(4, 15)).unwrap();
        assert_eq!(gids, [&[0x00, 0x20, 0x00, 0x80, 7][..], b"1234567"].concat());
        let change = changed(&["123456", "87654321", "87654321"]).unwrap();
        let expected = [&[0x00, 0x20, 0x00, 0x80, 16][..], b"123456", &[0xFF, 0xFF], b"87654321"].concat();
        assert_eq!(change, expected);
    }

    #[test]
    fn what_is_not_typed_well_does_not_reach_the_card() {
        assert_eq!(sent(&["C"], PIV), Err(0x6401));
        assert_eq!(sent(&[], PIV), Err(0x6400));
        for digits in ["12345", "123456789", "12345A"] {
            assert_eq!(sent(&[digits], PIV), Err(0x6403), "{digits}");
        }
        assert_eq!(changed(&["123456", "654321", "654322"]), Err(0x6402));
        assert_eq!(changed(&["123456", "654321", "C"]), Err(0x6401));
    }

    #[test]
    fn a_structure_that_is_none_is_refused() {
        let good = verify_structure(&request(PIV), &ReaderFeatures::default()).expect("a structure");
        for length in 0..good.len() {
            let cut = &good[..length];
            assert_eq!(run(|send| verify(&keypad(&["123456"]), cut, send)), Err(0x6B80), "{length} bytes");
        }
        // Format, block, length format, least and most digits, length of the command, Lc.
        for (at, value) in [(2, 0x81), (3, 4), (3, 0), (4, 1), (5, 9), (6, 9), (15, 12), (23, 7)] {
            let mut bad = good.clone();
            bad[at] = value;
            assert_eq!(run(|send| verify(&keypad(&["123456"]), &bad, send)), Err(0x6B80), "{at}: {value}");
        }
    }
}
