//! What a certificate says, for people, and whether it is for a key.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use cardmod_types::PublicKey;
use der::{Decode as _, Encode as _};
use x509_cert::Certificate;

use crate::error::Error;

/// Seconds of a day.
const DAY: u64 = 86_400;

/// What a certificate says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Summary {
    /// The subject, in RFC 4514's form.
    pub subject: String,
    /// The issuer, in RFC 4514's form.
    pub issuer: String,
    /// The serial number, in lower-case hexadecimal.
    pub serial: String,
    /// The first moment it is valid, in RFC 3339's form.
    pub not_before: String,
    /// The last moment it is valid, in RFC 3339's form.
    pub not_after: String,
    /// The first moment it is valid, in seconds since 1970-01-01 UTC.
    pub starts: u64,
    /// The last moment it is valid, in seconds since 1970-01-01 UTC.
    pub ends: u64,
    /// The key it is for.
    pub public: PublicKey,
}

/// How a certificate stands in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validity {
    /// It begins to be valid in so many days, begun ones counted.
    NotYet(u64),
    /// It is valid, for so many whole days more.
    Valid(u64),
    /// It expired so many whole days ago.
    Expired(u64),
}

impl Validity {
    /// The days before its end from which on a certificate is said to expire soon.
    pub const SOON: u64 = 30;

    /// It is valid, and its end is near ([`SOON`](Self::SOON)).
    #[must_use]
    pub const fn ends_soon(self) -> bool {
        matches!(self, Self::Valid(days) if days < Self::SOON)
    }
}

impl fmt::Display for Validity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let days = |count: u64| if count == 1 { "1 day".to_owned() } else { format!("{count} days") };
        match *self {
            Self::NotYet(count) => write!(f, "not valid yet, begins in {}", days(count)),
            Self::Valid(0) => f.write_str("expires today"),
            Self::Valid(count) if self.ends_soon() => write!(f, "expires in {}", days(count)),
            Self::Valid(_) => f.write_str("valid"),
            Self::Expired(0) => f.write_str("expired today"),
            Self::Expired(count) => write!(f, "expired {} ago", days(count)),
        }
    }
}

impl Summary {
    /// How the certificate stands at a moment.
    #[must_use]
    pub fn validity_at(&self, moment: SystemTime) -> Validity {
        let now = moment.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        if now < self.starts {
            Validity::NotYet((self.starts - now).div_ceil(DAY))
        } else if now <= self.ends {
            Validity::Valid((self.ends - now) / DAY)
        } else {
            Validity::Expired((now - self.ends) / DAY)
        }
    }

    /// How the certificate stands now.
    #[must_use]
    pub fn validity(&self) -> Validity {
        self.validity_at(SystemTime::now())
    }
}

/// The subject's common name; `None` where there is none, or no certificate.
#[must_use]
pub fn common_name(der: &[u8]) -> Option<String> {
    let certificate = Certificate::from_der(der).ok()?;
    let name = certificate.tbs_certificate().subject().common_name().ok()??;
    Some(name.value().into_owned())
}

/// The subject in RFC 4514's form, of a certificate for whatever key; `None` for what is no certificate.
#[must_use]
pub fn subject(der: &[u8]) -> Option<String> {
    Some(Certificate::from_der(der).ok()?.tbs_certificate().subject().to_string())
}

/// Reads a certificate (DER).
///
/// # Errors
/// [`Error::BadCertificate`] for broken DER, data behind it, or a kind of key no card has.
pub fn summary(der: &[u8]) -> Result<Summary, Error> {
    let bad = |reason: String| Error::BadCertificate { reason };
    let certificate = Certificate::from_der(der).map_err(|error| bad(error.to_string()))?;
    let certificate = certificate.tbs_certificate();
    let spki = certificate.subject_public_key_info().to_der().map_err(|error| bad(error.to_string()))?;
    let public =
        PublicKey::from_spki_der(&spki).map_err(|error| bad(format!("its key cannot be used: {error}")))?;
    let validity = certificate.validity();
    Ok(Summary {
        subject: certificate.subject().to_string(),
        issuer: certificate.issuer().to_string(),
        serial: hex(certificate.serial_number().as_bytes()),
        not_before: validity.not_before.to_date_time().to_string(),
        not_after: validity.not_after.to_date_time().to_string(),
        starts: validity.not_before.to_unix_duration().as_secs(),
        ends: validity.not_after.to_unix_duration().as_secs(),
        public,
    })
}

/// The certificate of a file, as DER: PEM (the first one) or DER.
///
/// # Errors
/// [`Error::BadCertificate`] for what is neither.
pub fn parse(file: &[u8]) -> Result<Vec<u8>, Error> {
    const BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----";
    const END: &[u8] = b"-----END CERTIFICATE-----";
    let bad = |reason: String| Error::BadCertificate { reason };
    let find = |wanted: &[u8], from: usize| {
        file.get(from..)?.windows(wanted.len()).position(|window| window == wanted).map(|at| from + at)
    };
    let Some(begin) = find(BEGIN, 0) else {
        summary(file)?;
        return Ok(file.to_vec());
    };
    let end = find(END, begin).ok_or_else(|| bad("its PEM does not end".to_owned()))? + END.len();
    let pem = file.get(begin..end).unwrap_or_default();
    let (_, der) = der::pem::decode_vec(pem).map_err(|error| bad(format!("its PEM is broken: {error}")))?;
    summary(&der)?;
    Ok(der)
}

/// The certificate is for this key.
///
/// # Errors
/// [`Error::BadCertificate`].
pub fn matches(der: &[u8], public: &PublicKey) -> Result<bool, Error> {
    Ok(summary(der)?.public == *public)
}

/// DER as PEM, under a label such as `CERTIFICATE`, `CERTIFICATE REQUEST` or `PUBLIC KEY`.
///
/// # Errors
/// [`Error::BadInput`] for a label PEM does not have.
pub fn to_pem(label: &str, der: &[u8]) -> Result<String, Error> {
    der::pem::encode_string(label, der::pem::LineEnding::LF, der)
        .map_err(|error| Error::BadInput { what: format!("{label:?} cannot be written as PEM: {error}") })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn validity_is_told_in_days() {
        // The generator of P-256 as a public key.
        let spki = der::pem::decode_vec(
            b"-----BEGIN PUBLIC KEY-----\n\
              MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaxfR8uEsQkf4vOblY6RA8ncDfYEt\n\
              6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9Q==\n\
              -----END PUBLIC KEY-----\n",
        );
        let public = PublicKey::from_spki_der(&spki.expect("PEM").1).expect("a key");
        let (starts, ends) = (100 * DAY, 200 * DAY);
        let text = String::new;
        let summary = Summary {
            subject: text(),
            issuer: text(),
            serial: text(),
            not_before: text(),
            not_after: text(),
            starts,
            ends,
            public,
        };
        let at = |seconds| summary.validity_at(UNIX_EPOCH + Duration::from_secs(seconds));
        for (seconds, validity, words) in [
            (0, Validity::NotYet(100), "not valid yet, begins in 100 days"),
            (starts - 1, Validity::NotYet(1), "not valid yet, begins in 1 day"),
            (starts, Validity::Valid(100), "valid"),
            (ends - 29 * DAY, Validity::Valid(29), "expires in 29 days"),
            (ends, Validity::Valid(0), "expires today"),
            (ends + 1, Validity::Expired(0), "expired today"),
            (ends + DAY, Validity::Expired(1), "expired 1 day ago"),
        ] {
            assert_eq!(at(seconds), validity);
            assert_eq!(validity.to_string(), words);
        }
        assert!(!at(starts).ends_soon() && at(ends).ends_soon());
    }
}
