//! Ports of a card without files.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses its part")]

use cardmod_virtual::{CardFault, Random, Storage};

/// Storage that keeps what it was last given; counting randomness.
#[derive(Default)]
pub struct Memory {
    pub state: Option<Vec<u8>>,
    count: u8,
}

impl Storage for Memory {
    fn save(&mut self, state: &[u8]) -> Result<(), CardFault> {
        self.state = Some(state.to_vec());
        Ok(())
    }
}

impl Random for Memory {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), CardFault> {
        for byte in out {
            self.count = self.count.wrapping_add(1);
            *byte = self.count;
        }
        Ok(())
    }
}
