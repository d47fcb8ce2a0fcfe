//! The virtual card in memory, with the commands it was sent counted.

use cardmod_iso7816::{CardChannel, Limits, TransportError};
use cardmod_virtual::{Card, CardFault, CardOptions, Random, Storage, SystemRandom};
use zeroize::Zeroizing;

/// Storage that keeps nothing: the card itself is the state.
pub(crate) struct Ports;

impl Storage for Ports {
    fn save(&mut self, _: &[u8]) -> Result<(), CardFault> {
        Ok(())
    }
}

impl Random for Ports {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), CardFault> {
        SystemRandom.fill(out)
    }
}

pub(crate) struct Virtual {
    pub(crate) card: Card,
    pub(crate) log: Vec<Vec<u8>>,
    pub(crate) extended: bool,
}

impl Virtual {
    /// A card without profile.
    pub(crate) fn blank(options: CardOptions) -> Self {
        Self { card: Card::blank(options, false), log: Vec::new(), extended: false }
    }

    pub(crate) fn commands(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.log).iter().map(|apdu| apdu[1]).collect()
    }
}

impl CardChannel for Virtual {
    fn transmit(&mut self, command: &[u8]) -> Result<Zeroizing<Vec<u8>>, TransportError> {
        self.log.push(command.to_vec());
        self.card.process(&mut Ports, command).map_err(|_| TransportError { code: 0x8010_0013 })
    }

    fn limits(&self) -> Limits {
        Limits { extended_length: self.extended, ..Limits::SHORT }
    }
}
