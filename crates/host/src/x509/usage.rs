//! What a certified key may be used for: the names people write, as the extensions of RFC 5280.

use std::str::FromStr;

use der::asn1::ObjectIdentifier;
use der::flagset::FlagSet;
use x509_cert::ext::pkix::{ExtendedKeyUsage, KeyUsage, KeyUsages};

use super::names::Subject;
use crate::error::Error;

/// What a certificate is to say, beside the key: to whom it belongs and what it is for.
#[derive(Clone, Copy, Debug)]
pub struct Profile<'a> {
    /// Who it is for.
    pub subject: Subject<'a>,
    /// What the key does (RFC 5280, section 4.2.1.3). Empty takes what suits the key: digital signature,
    /// for RSA key encipherment too, for an authority the signing of certificates and revocation lists.
    pub key_usage: &'a [KeyUse],
    /// What it is done for (RFC 5280, section 4.2.1.12). Empty leaves the extension out.
    pub extended_key_usage: &'a [ExtendedKeyUse],
    /// It certifies others (basic constraint `CA`).
    pub authority: bool,
}

impl<'a> From<&Subject<'a>> for Profile<'a> {
    fn from(subject: &Subject<'a>) -> Self {
        Self { subject: *subject, key_usage: &[], extended_key_usage: &[], authority: false }
    }
}

impl<'a> From<&Self> for Profile<'a> {
    fn from(profile: &Self) -> Self {
        *profile
    }
}

impl Profile<'_> {
    /// The key usage extension; `rsa` for a key that also takes part in key transport.
    pub(super) fn usage(&self, rsa: bool) -> Result<KeyUsage, Error> {
        let bad = |what: &str| Err(Error::BadInput { what: what.to_owned() });
        let mut bits = FlagSet::<KeyUsages>::default();
        self.key_usage.iter().for_each(|usage| bits |= usage.0);
        if self.key_usage.is_empty() {
            bits |= KeyUsages::DigitalSignature;
            if self.authority {
                bits |= KeyUsages::KeyCertSign | KeyUsages::CRLSign;
            } else if rsa {
                bits |= KeyUsages::KeyEncipherment;
            }
        }
        if bits.contains(KeyUsages::KeyCertSign) && !self.authority {
            return bad("key usage keyCertSign is for certificate authorities alone");
        }
        let half = bits.contains(KeyUsages::EncipherOnly) || bits.contains(KeyUsages::DecipherOnly);
        if half && !bits.contains(KeyUsages::KeyAgreement) {
            return bad("key usages encipherOnly and decipherOnly mean nothing without keyAgreement");
        }
        Ok(KeyUsage(bits))
    }

    /// The extended key usage extension; `None` where nothing was asked for.
    pub(super) fn extended_usage(&self) -> Option<ExtendedKeyUsage> {
        let mut usages: Vec<ObjectIdentifier> = Vec::new();
        for usage in self.extended_key_usage {
            if !usages.contains(&usage.0) {
                usages.push(usage.0);
            }
        }
        (!usages.is_empty()).then_some(ExtendedKeyUsage(usages))
    }
}

/// One bit of the key usage extension, read from the name RFC 5280 gives it, in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyUse(KeyUsages);

/// The names of the bits; the last one is what newer editions call the second.
const KEY_USES: [(&str, KeyUsages); 10] = [
    ("digitalSignature", KeyUsages::DigitalSignature),
    ("nonRepudiation", KeyUsages::NonRepudiation),
    ("keyEncipherment", KeyUsages::KeyEncipherment),
    ("dataEncipherment", KeyUsages::DataEncipherment),
    ("keyAgreement", KeyUsages::KeyAgreement),
    ("keyCertSign", KeyUsages::KeyCertSign),
    ("cRLSign", KeyUsages::CRLSign),
    ("encipherOnly", KeyUsages::EncipherOnly),
    ("decipherOnly", KeyUsages::DecipherOnly),
    ("contentCommitment", KeyUsages::NonRepudiation),
];

impl FromStr for KeyUse {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let found = KEY_USES.iter().find(|(name, _)| name.eq_ignore_ascii_case(text.trim()));
        found.map(|(_, usage)| Self(*usage)).ok_or_else(|| {
            let known = KEY_USES.map(|(name, _)| name).join(", ");
            Error::BadInput { what: format!("{text:?} is no key usage: known are {known}") }
        })
    }
}

/// A purpose of the extended key usage extension: a known name in any case, or an object identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExtendedKeyUse(ObjectIdentifier);

/// The purposes with the names that openssl and Windows' documentation give them.
const EXTENDED_KEY_USES: [(&str, &str); 13] = [
    ("serverAuth", "1.3.6.1.5.5.7.3.1"),
    ("clientAuth", "1.3.6.1.5.5.7.3.2"),
    ("codeSigning", "1.3.6.1.5.5.7.3.3"),
    ("emailProtection", "1.3.6.1.5.5.7.3.4"),
    ("timeStamping", "1.3.6.1.5.5.7.3.8"),
    ("OCSPSigning", "1.3.6.1.5.5.7.3.9"),
    ("ipsecIKE", "1.3.6.1.5.5.7.3.17"),
    ("documentSigning", "1.3.6.1.5.5.7.3.36"),
    // Logon to Windows, and by PKINIT (RFC 4556) to other Kerberos realms.
    ("smartcardLogon", "1.3.6.1.4.1.311.20.2.2"),
    ("pkinitClientAuth", "1.3.6.1.5.2.3.4"),
    ("msEFS", "1.3.6.1.4.1.311.10.3.4"),
    ("anyExtendedKeyUsage", "2.5.29.37.0"),
    ("msSmartcardLogin", "1.3.6.1.4.1.311.20.2.2"),
];

impl FromStr for ExtendedKeyUse {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let text = text.trim();
        let found = EXTENDED_KEY_USES.iter().find(|(name, _)| name.eq_ignore_ascii_case(text));
        ObjectIdentifier::new(found.map_or(text, |(_, oid)| oid)).map(Self).map_err(|_| {
            let known = EXTENDED_KEY_USES.map(|(name, _)| name).join(", ");
            Error::BadInput {
                what: format!(
                    "{text:?} is no extended key usage: known are {known}, or an object identifier"
                ),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUBJECT: Subject<'_> = Subject { name: "CN=web", alternative_names: &[] };

    #[test]
    fn names_and_identifiers_are_read() {
        for (name, _) in KEY_USES {
            assert_eq!(name.parse::<KeyUse>(), name.to_uppercase().parse::<KeyUse>());
        }
        for (name, oid) in EXTENDED_KEY_USES {
            assert_eq!(name.to_lowercase().parse::<ExtendedKeyUse>(), oid.parse::<ExtendedKeyUse>());
        }
        assert!("1.2.3.4".parse::<ExtendedKeyUse>().is_ok());
        for bad in ["", "sign", "1", "1.2.", "9.9.9", "digitalSignature"] {
            let refused = bad.parse::<ExtendedKeyUse>().expect_err(bad).to_string();
            assert!(refused.contains("smartcardLogon"), "{refused}");
        }
        let refused = "sign".parse::<KeyUse>().expect_err("no usage").to_string();
        assert!(refused.starts_with("\"sign\" is no key usage: known are digitalSignature"), "{refused}");
    }

    #[test]
    fn usages_must_make_sense() {
        let key_usage = |names: &[&str]| -> Vec<KeyUse> {
            names.iter().map(|name| name.parse().expect("a usage")).collect()
        };
        let usage = |names: &[&str], authority| {
            let key_usage = key_usage(names);
            Profile { key_usage: &key_usage, authority, ..Profile::from(&SUBJECT) }.usage(true)
        };
        assert!(usage(&[], false).is_ok_and(|usage| usage.key_encipherment() && usage.digital_signature()));
        assert!(usage(&[], true).is_ok_and(|usage| usage.key_cert_sign() && !usage.key_encipherment()));
        assert!(usage(&["keyCertSign"], true).is_ok_and(|usage| !usage.digital_signature()));
        assert!(matches!(usage(&["keyCertSign"], false), Err(Error::BadInput { .. })));
        assert!(matches!(usage(&["encipherOnly"], false), Err(Error::BadInput { .. })));
        assert!(usage(&["encipherOnly", "keyAgreement"], false).is_ok());
    }

    #[test]
    fn a_purpose_is_said_once() {
        let logon = "smartcardLogon".parse().expect("a purpose");
        let twice = [logon, logon];
        let profile = Profile { extended_key_usage: &twice, ..Profile::from(&SUBJECT) };
        assert_eq!(profile.extended_usage().expect("an extension").0.len(), 1);
        assert!(Profile::from(&SUBJECT).extended_usage().is_none());
    }
}
