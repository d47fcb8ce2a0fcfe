//! The buffer for responses: as long as the command allows, reused, wiped after each response.

use zeroize::{Zeroize, Zeroizing};

use crate::codes::MAX_RESPONSE_LEN;
use crate::error::PcscError;

/// Room for the response to a short command: 256 bytes and the status word, with room to spare for readers
/// that answer more than was asked for.
const SHORT_ROOM: usize = 1024;

#[derive(Default)]
pub(crate) struct ResponseBuffer {
    bytes: Vec<u8>,
}

impl ResponseBuffer {
    /// Lets `transmit` write a response, answers a copy and wipes what was written.
    pub(crate) fn exchange(
        &mut self,
        command: &[u8],
        transmit: impl FnOnce(&mut [u8]) -> Result<usize, PcscError>,
    ) -> Result<Zeroizing<Vec<u8>>, PcscError> {
        let room = if is_extended(command) { MAX_RESPONSE_LEN } else { SHORT_ROOM };
        if self.bytes.len() < room {
            self.bytes.resize(room, 0);
        }
        let length = match transmit(&mut self.bytes[..room]) {
            Ok(length) => length,
            Err(error) => {
                self.bytes[..room].zeroize();
                return Err(error);
            }
        };
        let response = Zeroizing::new(self.bytes[..length].to_vec());
        self.bytes[..length].zeroize();
        Ok(response)
    }
}

/// Does the command have an extended length field (ISO 7816-4 5.2: a zero byte, then more)?
fn is_extended(command: &[u8]) -> bool {
    command.len() >= 7 && command[4] == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_follows_the_command_and_nothing_stays() {
        let mut buffer = ResponseBuffer::default();
        for (command, room) in
            [(&[0, 0xB0, 0, 0, 0][..], SHORT_ROOM), (&[0, 0xB0, 0, 0, 0, 0, 0], MAX_RESPONSE_LEN)]
        {
            let response = buffer.exchange(command, |bytes| {
                assert_eq!(bytes.len(), room);
                bytes[..2].copy_from_slice(&[0x90, 0x00]);
                Ok(2)
            });
            assert_eq!(**response.as_ref().expect("a response"), [0x90, 0x00]);
            assert!(buffer.bytes.iter().all(|byte| *byte == 0));
        }
    }
}
