//! Algorithm references (tag 80) of GIDS 2.0, Tables 25 to 28.

use cardmod_crypto::KeyKind;

/// What a key is asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    /// RSA on a block the host padded.
    SignRaw,
    /// RSA with PKCS#1 v1.5 padding around the host's DigestInfo.
    SignPkcs1,
    /// ECDSA over the host's hash.
    SignEcdsa,
    /// RSA without looking at the padding.
    DecipherRaw,
    /// RSA, then PKCS#1 v1.5 padding removed.
    DecipherPkcs1,
    /// RSA, then OAEP (SHA-1, MGF1 with SHA-1, empty label) removed.
    DecipherOaep,
    /// ECDH, the project's extension of the confidentiality template.
    Agree,
}

/// Types of control reference templates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Template {
    /// A4, authentication.
    Authentication,
    /// B6, digital signature.
    Signature,
    /// B8, confidentiality.
    Confidentiality,
}

impl Template {
    /// The template with this tag.
    pub(crate) fn from_tag(tag: u8) -> Option<Template> {
        match tag {
            0xA4 => Some(Template::Authentication),
            0xB6 => Some(Template::Signature),
            0xB8 => Some(Template::Confidentiality),
            _ => None,
        }
    }

    /// Its tag.
    pub(crate) fn tag(self) -> u8 {
        match self {
            Template::Authentication => 0xA4,
            Template::Signature => 0xB6,
            Template::Confidentiality => 0xB8,
        }
    }
}

/// The asymmetric key that the low nibble of a reference names. P-192 and P-224 are not served.
pub(crate) fn key_kind(reference: u8) -> Option<KeyKind> {
    match reference & 0x0F {
        0x06 => Some(KeyKind::Rsa(1024)),
        0x07 => Some(KeyKind::Rsa(2048)),
        0x08 => Some(KeyKind::Rsa(3072)),
        0x09 => Some(KeyKind::Rsa(4096)),
        0x0C => Some(KeyKind::P256),
        0x0D => Some(KeyKind::P384),
        0x0E => Some(KeyKind::P521),
        _ => None,
    }
}

/// Bytes of the triple-DES key that the low nibble of a symmetric reference names.
pub(crate) fn symmetric_key_len(reference: u8) -> Option<usize> {
    match reference & 0x0F {
        0x01 => Some(16),
        0x02 => Some(24),
        _ => None,
    }
}

/// The operation a reference means inside a signature or confidentiality template.
pub(crate) fn operation(template: Template, reference: u8) -> Option<Operation> {
    let rsa = key_kind(reference)?.is_rsa();
    match (template, reference & 0xF0, rsa) {
        (Template::Signature, 0x10, true) => Some(Operation::SignRaw),
        (Template::Signature, 0x50, true) => Some(Operation::SignPkcs1),
        (Template::Signature, 0x10, false) => Some(Operation::SignEcdsa),
        (Template::Confidentiality, 0x00, true) => Some(Operation::DecipherRaw),
        (Template::Confidentiality, 0x40, true) => Some(Operation::DecipherPkcs1),
        (Template::Confidentiality, 0x80, true) => Some(Operation::DecipherOaep),
        (Template::Confidentiality, 0x00, false) => Some(Operation::Agree),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_references() {
        use Template::{Confidentiality, Signature};
        for (template, reference, expected) in [
            (Signature, 0x57, Operation::SignPkcs1),
            (Signature, 0x16, Operation::SignRaw),
            (Signature, 0x1D, Operation::SignEcdsa),
            (Confidentiality, 0x07, Operation::DecipherRaw),
            (Confidentiality, 0x49, Operation::DecipherPkcs1),
            (Confidentiality, 0x88, Operation::DecipherOaep),
            (Confidentiality, 0x0E, Operation::Agree),
        ] {
            assert_eq!(operation(template, reference), Some(expected), "{reference:02X}");
        }
        for (template, reference) in
            [(Signature, 0x07), (Signature, 0x5C), (Confidentiality, 0x57), (Signature, 0x1A)]
        {
            assert_eq!(operation(template, reference), None, "{reference:02X}");
        }
    }
}
