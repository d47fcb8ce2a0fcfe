//! ECDSA signatures in their two forms: `r‖s` of fixed width, as cards and Windows have them, and
//! DER, as certificates and OpenSSL have them (RFC 3279, section 2.2.3).

use cardmod_types::EcCurve;
use der::asn1::UintRef;
use der::{Decode as _, Encode as _, Sequence};

use crate::error::Error;

#[derive(Sequence)]
struct Signature<'a> {
    r: UintRef<'a>,
    s: UintRef<'a>,
}

/// `r‖s` as DER.
///
/// # Errors
/// [`Error::BadInput`] for an odd number of bytes, or none.
pub fn ecdsa_to_der(signature: &[u8]) -> Result<Vec<u8>, Error> {
    if signature.is_empty() || !signature.len().is_multiple_of(2) {
        return Err(Error::BadInput { what: "an ECDSA signature has two halves of one length".to_owned() });
    }
    let (r, s) = signature.split_at(signature.len() / 2);
    let encode =
        || -> der::Result<Vec<u8>> { Signature { r: UintRef::new(r)?, s: UintRef::new(s)? }.to_der() };
    encode()
        .map_err(|error| Error::BadInput { what: format!("the ECDSA signature cannot be written: {error}") })
}

/// DER as `r‖s` of the curve's width.
///
/// # Errors
/// [`Error::BadInput`] for what is no such signature, or none of this curve.
pub fn ecdsa_from_der(der: &[u8], curve: EcCurve) -> Result<Vec<u8>, Error> {
    let bad = |what: String| Error::BadInput { what: format!("this is no ECDSA signature: {what}") };
    let signature = Signature::from_der(der).map_err(|error| bad(error.to_string()))?;
    let width = curve.coordinate_len();
    let mut raw = vec![0; 2 * width];
    for (half, number) in raw.chunks_exact_mut(width).zip([signature.r, signature.s]) {
        let number = number.as_bytes();
        let at = width.checked_sub(number.len());
        let at = at.ok_or_else(|| bad(format!("its numbers are too long for P-{}", curve.bits())))?;
        half[at..].copy_from_slice(number);
    }
    Ok(raw)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_one() {
        for curve in EcCurve::ALL {
            let width = curve.coordinate_len();
            let mut raw = vec![0; 2 * width];
            raw[1] = 0x80;
            raw[width] = 0xFF;
            raw[2 * width - 1] = 7;
            let der = ecdsa_to_der(&raw).expect("a signature");
            assert_eq!(ecdsa_from_der(&der, curve).expect("the same"), raw);
        }
    }

    #[test]
    fn a_leading_zero_keeps_numbers_positive() {
        assert_eq!(ecdsa_to_der(&[0x80, 0x01]).expect("short"), [0x30, 7, 2, 2, 0, 0x80, 2, 1, 1]);
    }

    #[test]
    fn what_is_no_signature_is_refused() {
        assert!(ecdsa_to_der(&[]).is_err());
        assert!(ecdsa_to_der(&[1, 2, 3]).is_err());
        assert!(ecdsa_from_der(&[0x30, 0], EcCurve::P256).is_err());
        let long = ecdsa_to_der(&[0x7F; 132]).expect("a P-521 signature");
        assert!(ecdsa_from_der(&long, EcCurve::P256).is_err());
    }
}
