//! Recorded traffic, and whether a PIN went out in it while nobody knew to whom.

use cardmod_iso7816::{CardChannel, Limits, TransportError};
use zeroize::Zeroizing;

/// What happened to a card, in order.
#[derive(Debug)]
pub(crate) enum Event {
    /// A command and its answer.
    Exchange(Vec<u8>, Vec<u8>),
    /// Another program, or another card, may have come between.
    Break,
}

/// Whether a PIN went out without a SELECT of PIV, or the read of an object of PIV, since the last break, or
/// since the channel failed.
pub(crate) fn sends_a_pin_in_doubt(traffic: &[Event]) -> bool {
    let mut is_proven = false;
    traffic.iter().any(|event| {
        let Event::Exchange(command, answer) = event else {
            is_proven = false;
            return false;
        };
        let is_served = matches!(answer[..], [.., 0x90, 0x00] | [.., 0x61, _]);
        match command[..] {
            [_, 0xA4, ..] => {
                is_proven = is_served && command.windows(5).any(|aid| aid == &cardmod_piv::AID[..5])
            }
            [_, 0xCB, ..] => is_proven |= is_served && matches!(answer[0], 0x53 | 0x7E),
            // With data: an empty VERIFY tells nobody anything.
            [_, 0x20 | 0x24 | 0x2C, _, _, length, ..] if length > 0 => return !is_proven,
            _ => {}
        }
        false
    })
}

/// Notes the traffic of a card that may fail between any two commands.
pub(crate) struct Recorder<C> {
    pub(crate) card: C,
    pub(crate) traffic: Vec<Event>,
}

impl<C: CardChannel> CardChannel for Recorder<C> {
    fn transmit(&mut self, command: &[u8]) -> Result<Zeroizing<Vec<u8>>, TransportError> {
        let outcome = self.card.transmit(command);
        self.traffic.push(match &outcome {
            Ok(answer) => Event::Exchange(command.to_vec(), answer.to_vec()),
            Err(_) => Event::Break,
        });
        outcome
    }

    fn limits(&self) -> Limits {
        self.card.limits()
    }
}
