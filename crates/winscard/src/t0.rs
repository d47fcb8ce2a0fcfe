//! The rules of T=0 between a reader and a card that speaks APDUs (ISO 7816-3, 12.2).
//!
//! What a card has to answer to a command with data waits for GET RESPONSE (`61xx`), and a wrong Le is told
//! (`6Cxx`). A command is carried out once: what it gave waits for its repetition with the right Le.

use cardmod_iso7816::{StatusWord, parse_command};
use zeroize::Zeroizing;

const GET_RESPONSE: u8 = 0xC0;

/// What waits in the card.
#[derive(Default)]
pub(crate) struct T0 {
    /// The header that fetches it by a right Le; `None` for GET RESPONSE of any class.
    header: Option<[u8; 4]>,
    data: Zeroizing<Vec<u8>>,
    end: Option<StatusWord>,
}

impl T0 {
    /// Sends a command that has the form of T=0; `card` takes APDUs.
    pub(crate) fn transmit<E>(
        &mut self,
        command: &[u8],
        card: impl FnOnce(&[u8]) -> Result<Zeroizing<Vec<u8>>, E>,
    ) -> Result<Zeroizing<Vec<u8>>, E> {
        let Ok(parsed) = parse_command(command) else { return card(command) };
        let header = [parsed.cla, parsed.ins, parsed.p1, parsed.p2];
        if let (Some(le), true) = (parsed.le, self.waits_for(header)) {
            return Ok(self.fetch(le));
        }
        *self = Self::default();
        match parsed.le {
            Some(le) => {
                self.keep(Some(header), &card(command)?);
                Ok(self.fetch(le))
            }
            // A part of a command has no answer, and the card is not asked for one.
            None if parsed.data.is_empty() || parsed.is_chained() => card(command),
            None => {
                let whole = Zeroizing::new([command, &[0]].concat());
                let answer = card(&whole)?;
                if answer.len() <= 2 {
                    return Ok(answer);
                }
                self.keep(None, &answer);
                Ok(Zeroizing::new(StatusWord::more(self.data.len()).to_bytes().to_vec()))
            }
        }
    }

    fn waits_for(&self, header: [u8; 4]) -> bool {
        self.end.is_some() && self.header.map_or(header[1] == GET_RESPONSE, |known| known == header)
    }

    fn keep(&mut self, header: Option<[u8; 4]>, answer: &[u8]) {
        let (data, end) = answer.split_last_chunk::<2>().unwrap_or((answer, &[0x6F, 0x00]));
        *self = Self {
            header,
            data: Zeroizing::new(data.to_vec()),
            end: Some(StatusWord::new(u16::from_be_bytes(*end))),
        };
    }

    /// As much of what waits as was asked for.
    fn fetch(&mut self, le: usize) -> Zeroizing<Vec<u8>> {
        let end = self.end.unwrap_or(StatusWord::NO_DIAGNOSIS);
        let length = self.data.len();
        if length > 0 && le > length {
            let length = u8::try_from(length).unwrap_or(0);
            return Zeroizing::new(StatusWord::wrong_le(length).to_bytes().to_vec());
        }
        let (now, later) = self.data.split_at(le.min(length));
        let mut answer = Zeroizing::new(now.to_vec());
        let later = Zeroizing::new(later.to_vec());
        if later.is_empty() {
            answer.extend_from_slice(&end.to_bytes());
            *self = Self::default();
        } else {
            answer.extend_from_slice(&StatusWord::more(later.len()).to_bytes());
            *self = Self { header: None, data: later, end: Some(end) };
        }
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sends a command to a card that answers so, and expects to get it so.
    fn answers(t0: &mut T0, command: &[u8], expected: &[u8], answer: &[u8]) -> Zeroizing<Vec<u8>> {
        let card = |sent: &[u8]| {
            assert_eq!(sent, expected);
            Ok::<_, ()>(Zeroizing::new(answer.to_vec()))
        };
        t0.transmit(command, card).expect("an answer")
    }

    /// A command that does not reach the card.
    fn waits(t0: &mut T0, command: &[u8]) -> Zeroizing<Vec<u8>> {
        t0.transmit(command, |_| Err::<Zeroizing<Vec<u8>>, _>("it reached the card")).expect("it waits")
    }

    #[test]
    fn the_answer_to_data_waits_for_get_response() {
        let mut t0 = T0::default();
        let (get, got) = ([0, 0xCB, 0x3F, 0xFF, 2, 0x5C, 0], [0, 0xCB, 0x3F, 0xFF, 2, 0x5C, 0, 0]);
        assert_eq!(*answers(&mut t0, &get, &got, &[1, 2, 3, 0x90, 0]), [0x61, 3]);
        assert_eq!(*waits(&mut t0, &[0, 0xC0, 0, 0, 0]), [0x6C, 3], "too much was asked for");
        assert_eq!(*waits(&mut t0, &[0, 0xC0, 0, 0, 2]), [1, 2, 0x61, 1]);
        assert_eq!(*waits(&mut t0, &[0, 0xC0, 0, 0, 1]), [3, 0x90, 0]);
        // What the card itself still has is asked of the card.
        assert_eq!(*answers(&mut t0, &get, &got, &[7, 0x61, 9]), [0x61, 1]);
        assert_eq!(*waits(&mut t0, &[0, 0xC0, 0, 0, 1]), [7, 0x61, 9]);
        let rest = [0, 0xC0, 0, 0, 9];
        assert_eq!(answers(&mut t0, &rest, &rest, &[8; 11])[..9], [8; 9]);
    }

    #[test]
    fn a_wrong_length_is_told_and_the_command_not_carried_out_twice() {
        let mut t0 = T0::default();
        let challenge = |le| [0, 0x84, 0, 0, le];
        assert_eq!(*answers(&mut t0, &challenge(0), &challenge(0), &[1, 2, 0x90, 0]), [0x6C, 2]);
        assert_eq!(*waits(&mut t0, &challenge(2)), [1, 2, 0x90, 0]);
        assert_eq!(*answers(&mut t0, &challenge(2), &challenge(2), &[3, 4, 0x90, 0]), [3, 4, 0x90, 0]);
        assert_eq!(*answers(&mut t0, &challenge(8), &challenge(8), &[0x69, 0x85]), [0x69, 0x85]);
    }

    #[test]
    fn another_command_ends_the_wait() {
        let mut t0 = T0::default();
        let (get, got) = ([0, 0xCB, 0x3F, 0xFF, 2, 0x5C, 0], [0, 0xCB, 0x3F, 0xFF, 2, 0x5C, 0, 0]);
        assert_eq!(*answers(&mut t0, &get, &got, &[1, 0x90, 0]), [0x61, 1]);
        let status = [0, 0x20, 0, 0x80];
        assert_eq!(*answers(&mut t0, &status, &status, &[0x63, 0xC3]), [0x63, 0xC3]);
        let response = [0, 0xC0, 0, 0, 1];
        assert_eq!(*answers(&mut t0, &response, &response, &[0x69, 0x85]), [0x69, 0x85]);
        let part = [0x10, 0xDB, 0x3F, 0xFF, 1, 9];
        assert_eq!(*answers(&mut t0, &part, &part, &[0x90, 0]), [0x90, 0], "no Le is added to a part");
    }
}
