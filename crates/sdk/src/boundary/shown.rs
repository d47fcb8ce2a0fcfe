//! How the arguments of the entries stand in the log: numbers, names and lengths; no buffer is looked into.

use core::fmt::Write as _;

use cardmod_types::redact;

use crate::boundary::key_material::{AgreementInfo, DeriveInfo, KeyBlob};
use crate::boundary::params::{Bytes, Name, Out, OutBlock, PropertyBuffer, Wide};
use crate::boundary::structures::{DecryptInfo, Present, SigningInfo, Versioned};
use crate::context::Facts;
use crate::log::shown::{Shown, length, name};
use crate::raw::{Plain, Scan};

const NULL: &str = "NULL";

impl Shown for Name {
    fn show(&self, _: &str, text: &mut String) {
        match &self.0 {
            Scan::Null => text.push_str(NULL),
            Scan::Text(value) => name(&String::from_utf8_lossy(value), text),
            Scan::TooLong => text.push_str("<too long>"),
        }
    }
}

impl Shown for Wide {
    fn show(&self, _: &str, text: &mut String) {
        match &self.0 {
            Scan::Null => text.push_str(NULL),
            Scan::Text(value) => name(&String::from_utf16_lossy(value), text),
            Scan::TooLong => text.push_str("<too long>"),
        }
    }
}

impl Shown for Bytes<'_> {
    fn show(&self, parameter: &str, text: &mut String) {
        length(parameter, self.is_null(), self.len(), text);
    }
}

impl<T: Plain> Shown for Out<T> {
    fn show(&self, _: &str, text: &mut String) {
        text.push_str(if self.is_null() { NULL } else { "out" });
    }
}

impl Shown for OutBlock {
    fn show(&self, _: &str, text: &mut String) {
        text.push_str(if self.required().is_err() { NULL } else { "out" });
    }
}

impl Shown for PropertyBuffer {
    fn show(&self, _: &str, text: &mut String) {
        let _ = write!(text, "{} for {} bytes", if self.is_null() { NULL } else { "out" }, self.size());
    }
}

impl<T: Plain> Shown for Versioned<T> {
    fn show(&self, _: &str, text: &mut String) {
        match self.version() {
            Some(version) => {
                let _ = write!(text, "version {version}");
            }
            None => text.push_str(NULL),
        }
    }
}

impl Shown for Present {
    fn show(&self, _: &str, text: &mut String) {
        text.push_str(if self.required().is_err() { NULL } else { "given" });
    }
}

impl Shown for KeyBlob {
    fn show(&self, _: &str, text: &mut String) {
        text.push_str(if self.is_null() { NULL } else { "<key>" });
    }
}

impl Shown for SigningInfo {
    fn show(&self, _: &str, text: &mut String) {
        let Ok((version, info)) = self.get() else { return text.push_str(NULL) };
        let (index, spec, flags) = (info.bContainerIndex, info.dwKeySpec, info.dwSigningFlags);
        let (hash, data, padding) = (info.aiHashAlg, info.cbData, info.dwPaddingType);
        let _ = write!(
            text,
            "version {version}, container {index}, key spec {spec}, flags 0x{flags:X}, hash 0x{hash:X}, \
             data <{data} bytes>, padding {padding}"
        );
    }
}

impl Shown for DecryptInfo {
    fn show(&self, _: &str, text: &mut String) {
        let Ok((version, info)) = self.get() else { return text.push_str(NULL) };
        let (index, spec, data, padding) =
            (info.bContainerIndex, info.dwKeySpec, info.cbData, info.dwPaddingType);
        let _ = write!(
            text,
            "version {version}, container {index}, key spec {spec}, data <{data} bytes>, padding {padding}"
        );
    }
}

impl Shown for AgreementInfo {
    fn show(&self, _: &str, text: &mut String) {
        let Ok(info) = self.get() else { return text.push_str("NULL or of another version") };
        let (index, flags, peer) = (info.bContainerIndex, info.dwFlags, info.dwPublicKey);
        let _ = write!(text, "container {index}, flags 0x{flags:X}, peer <{peer} bytes>");
    }
}

impl Shown for DeriveInfo {
    fn show(&self, _: &str, text: &mut String) {
        let Ok((version, info)) = self.get() else { return text.push_str("NULL or of another version") };
        let (index, flags, room) = (info.bSecretAgreementIndex, info.dwFlags, info.cbDerivedKey);
        let _ = write!(text, "version {version}, agreement {index}, flags 0x{flags:X}, room {room}, kdf ");
        match self.kdf() {
            Ok(kdf) => name(&kdf, text),
            Err(_) => text.push_str(NULL),
        }
    }
}

/// The card that a host wants served, by what it says of it.
impl Shown for Facts {
    fn show(&self, _: &str, text: &mut String) {
        name(&self.card_name, text);
        let _ = write!(text, ", version={}, atr={}", self.version, redact::hex(&self.atr));
    }
}
