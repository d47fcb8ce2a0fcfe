//! Who a certificate is for: the subject and its alternative names, read from text.

use std::net::IpAddr;
use std::str::FromStr as _;

use der::asn1::{Any, Ia5String, ObjectIdentifier, Utf8StringRef};
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::{GeneralName, OtherName};
use x509_cert::name::Name;

use crate::error::Error;

/// The user principal name of Windows as an `otherName`.
const USER_PRINCIPAL_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.20.2.3");

/// Who a certificate is for.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The distinguished name in RFC 4514's form: `CN=web,O=Example,C=DE`.
    pub name: &'a str,
    /// Alternative names: `DNS:host`, `email:who@where`, `IP:192.0.2.1`, `URI:…`, and `UPN:who@domain`,
    /// the user principal name that logon to Windows looks for. Without a kind, one with an `@` is an
    /// e-mail address, another a host.
    pub alternative_names: &'a [String],
}

impl Subject<'_> {
    /// The distinguished name.
    pub(super) fn distinguished_name(&self) -> Result<Name, Error> {
        let bad = |reason: &str| Error::BadInput {
            what: format!("{:?} is no subject, which looks like CN=web,O=Example: {reason}", self.name),
        };
        // Old forms (RFC 2253) quote whole values; read by the rules of today the marks would be part of them.
        if unescaped_quote(self.name) {
            return Err(bad("a quotation mark is written \\\", and values are not quoted"));
        }
        // What the parser says of a text it does not take helps nobody.
        let name = Name::from_str(self.name).map_err(|_| match self.name.contains('=') {
            true => bad("one of its attributes is unknown or its value not allowed"),
            false => bad("it has no attribute such as CN="),
        })?;
        if name.iter().any(|attribute| attribute.value.value().is_empty()) {
            return Err(bad("one of its attributes has no value"));
        }
        Ok(name)
    }

    /// The alternative names; `None` where there is none.
    pub(super) fn alternatives(&self) -> Result<Option<SubjectAltName>, Error> {
        let names: Vec<_> =
            self.alternative_names.iter().map(|name| general_name(name)).collect::<Result<_, _>>()?;
        Ok((!names.is_empty()).then_some(SubjectAltName(names)))
    }
}

fn general_name(text: &str) -> Result<GeneralName, Error> {
    let bad = |reason: &str| Error::BadInput { what: format!("{text:?} is no alternative name: {reason}") };
    let ascii = |value: &str| match value {
        "" => Err(bad("it is empty")),
        value => Ia5String::new(value).map_err(|_| bad("it has characters beyond ASCII")),
    };
    let host = |value: &str| match is_host(value) {
        true => ascii(value).map(GeneralName::DnsName),
        false if value.is_ascii() && !value.is_empty() => {
            Err(bad("a host name has letters, digits, hyphens and dots"))
        }
        false => ascii(value).map(GeneralName::DnsName),
    };
    let email = |value: &str| match value.rsplit_once('@') {
        Some((who, domain)) if !who.is_empty() && is_host(domain) && is_one_word(who) => {
            ascii(value).map(GeneralName::Rfc822Name)
        }
        _ => Err(bad("an e-mail address looks like who@where, in ASCII")),
    };
    let Some((kind, value)) = text.split_once(':') else {
        return if text.contains('@') { email(text) } else { host(text) };
    };
    match kind.to_ascii_lowercase().as_str() {
        "dns" => host(value),
        "email" => email(value),
        "uri" => match value.split_once(':') {
            Some((scheme, rest)) if !scheme.is_empty() && !rest.is_empty() && is_one_word(value) => {
                ascii(value).map(GeneralName::UniformResourceIdentifier)
            }
            _ => Err(bad("a URI looks like https://web.example/")),
        },
        "upn" => match value.split_once('@') {
            Some((who, domain)) if !who.is_empty() && !domain.is_empty() && !domain.contains('@') => {
                principal(value).map_err(|_| bad("it cannot be written"))
            }
            _ => Err(bad("a user principal name looks like who@domain")),
        },
        "ip" => value.parse::<IpAddr>().map(GeneralName::from).map_err(|_| bad("that is no IP address")),
        _ => Err(bad("known kinds are DNS, email, IP, URI and UPN")),
    }
}

/// A host name as certificates have it: labels between dots, with a wildcard or an underscore where they are used.
fn is_host(text: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'*');
    text.split('.').all(|label| !label.is_empty() && label.bytes().all(letter))
}

/// Nothing in it is blank or a control character.
fn is_one_word(text: &str) -> bool {
    !text.chars().any(|character| character.is_whitespace() || character.is_control())
}

/// A quotation mark with no backslash before it.
fn unescaped_quote(name: &str) -> bool {
    let mut escaped = false;
    name.chars().any(|character| {
        let found = character == '"' && !escaped;
        escaped = character == '\\' && !escaped;
        found
    })
}

/// A user principal name: UTF-8 text in an `otherName`.
fn principal(name: &str) -> der::Result<GeneralName> {
    let value = Any::encode_from(&Utf8StringRef::new(name)?)?;
    Ok(GeneralName::OtherName(OtherName { type_id: USER_PRINCIPAL_NAME, value }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_told_apart() {
        assert!(matches!(general_name("DNS:web.example"), Ok(GeneralName::DnsName(_))));
        assert!(matches!(general_name("web.example"), Ok(GeneralName::DnsName(_))));
        assert!(matches!(general_name("who@web.example"), Ok(GeneralName::Rfc822Name(_))));
        assert!(matches!(general_name("IP:192.0.2.7"), Ok(GeneralName::IpAddress(_))));
        assert!(matches!(general_name("IP:2001:db8::7"), Ok(GeneralName::IpAddress(_))));
        assert!(matches!(
            general_name("URI:https://web.example/"),
            Ok(GeneralName::UniformResourceIdentifier(_))
        ));
        assert!(matches!(general_name("UPN:wer@web.example"), Ok(GeneralName::OtherName(_))));
        assert!(matches!(general_name("DNS:*.web.example"), Ok(GeneralName::DnsName(_))));
        for bad in
            ["DNS:a b", "DNS:a..b", "DNS:a/b", "email:who", "email:a b@c", "email:@c", "URI:web", "URI:x: y"]
        {
            assert!(general_name(bad).is_err(), "{bad:?}");
        }
        for bad in ["", "DNS:", "IP:web", "tel:112", "DNS:wéb", "UPN:", "UPN:who", "UPN:@x", "UPN:a@b@c"] {
            assert!(general_name(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn subjects_are_read() {
        let subject = |name| Subject { name, alternative_names: &[] }.distinguished_name();
        assert_eq!(subject("CN=web,O=Example").expect("a name").to_string(), "CN=web,O=Example");
        assert!(subject(r#"CN=a\"b"#).is_ok());
        for (bad, reason) in [
            ("", "it has no attribute such as CN="),
            ("web", "it has no attribute such as CN="),
            ("CN", "it has no attribute such as CN="),
            ("XX=web", "one of its attributes is unknown or its value not allowed"),
            ("CN=", "one of its attributes has no value"),
            ("CN=web,O=\"a b\"", "a quotation mark is written \\\", and values are not quoted"),
            ("CN=web,O=", "one of its attributes has no value"),
        ] {
            let refused = subject(bad).expect_err("no subject").to_string();
            assert_eq!(
                refused,
                format!("{bad:?} is no subject, which looks like CN=web,O=Example: {reason}")
            );
        }
    }
}
