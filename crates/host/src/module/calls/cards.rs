//! What a card can do: `CardQueryCapabilities`, `CardQueryFreeSpace`, `CardQueryKeySizes`.

use cardmod_sys::CARD_DATA_VALUE_UNKNOWN;
use cardmod_types::{Capabilities, FreeSpace, KeySizes, KeySpec};

use crate::module::context::Context;
use crate::module::function::CallError;
use crate::module::layout;

impl Context {
    /// `CardQueryCapabilities` (specification 7.07, section 4.4.1).
    ///
    /// # Errors
    /// The module's code.
    pub fn query_capabilities(&mut self) -> Result<Capabilities, CallError> {
        let mut info = layout::Capabilities::new();
        self.table.query_capabilities(&mut info)?;
        Ok(Capabilities {
            certificate_compression: info.0.fCertificateCompression != 0,
            key_generation: info.0.fKeyGen != 0,
        })
    }

    /// `CardQueryFreeSpace` (specification 7.07, section 4.4.2).
    ///
    /// # Errors
    /// The module's code.
    pub fn query_free_space(&mut self) -> Result<FreeSpace, CallError> {
        let mut info = layout::FreeSpace::new();
        self.table.query_free_space(&mut info)?;
        Ok(FreeSpace {
            bytes: known(info.0.dwBytesAvailable),
            containers: known(info.0.dwKeyContainersAvailable),
            max_containers: known(info.0.dwMaxKeyContainers),
        })
    }

    /// `CardQueryKeySizes` (specification 7.07, section 4.4.3), in bits.
    ///
    /// # Errors
    /// The module's code: `SCARD_E_UNSUPPORTED_FEATURE` for a key spec the card has not.
    pub fn query_key_sizes(&mut self, spec: KeySpec) -> Result<KeySizes, CallError> {
        let mut info = layout::KeySizes::new();
        self.table.query_key_sizes(spec.code(), &mut info)?;
        Ok(KeySizes {
            minimum: info.0.dwMinimumBitlen,
            default: info.0.dwDefaultBitlen,
            maximum: info.0.dwMaximumBitlen,
            increment: info.0.dwIncrementalBitlen,
        })
    }
}

/// A quantity, where the module knows it.
fn known(value: u32) -> Option<u32> {
    (value != CARD_DATA_VALUE_UNKNOWN).then_some(value)
}
