//! Certificate files: plain DER, or compressed as the Base CSP does.
//!
//! The compressed form is in no specification; all software that reads such cards agrees on it:
//! `01 00`, the DER's length as a little-endian 16-bit number, and the DER as a zlib stream
//! (RFC 1950).

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use thiserror::Error;

/// How a compressed file begins.
const MARK: [u8; 2] = [1, 0];
/// Mark and length.
const HEADER_LEN: usize = 4;
/// What DER of a certificate begins with: `SEQUENCE`.
const DER_SEQUENCE: u8 = 0x30;

/// Why a certificate file cannot be made or read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CertificateError {
    /// Longer than the compressed form can say.
    #[error("certificate of {0} bytes is longer than 65535 bytes")]
    TooLong(usize),
    /// Neither DER nor the compressed form.
    #[error("certificate file is neither DER nor compressed DER")]
    Unrecognised,
    /// The zlib stream is broken.
    #[error("compressed certificate is damaged")]
    Damaged,
    /// The zlib stream holds more or less than the file says.
    #[error("compressed certificate does not have the {0} bytes it announces")]
    Length(usize),
}

/// The most bytes a certificate has in a file.
pub const MAX_LEN: usize = u16::MAX as usize;

/// Makes the compressed file of a certificate.
///
/// # Errors
/// [`CertificateError::TooLong`].
pub fn compress(der: &[u8]) -> Result<Vec<u8>, CertificateError> {
    let len = u16::try_from(der.len()).map_err(|_| CertificateError::TooLong(der.len()))?;
    let mut file = MARK.to_vec();
    file.extend(len.to_le_bytes());
    let mut encoder = ZlibEncoder::new(file, Compression::best());
    // Writing to memory does not fail; an error would be the encoder's own.
    encoder.write_all(der).and_then(|()| encoder.finish()).map_err(|_| CertificateError::Damaged)
}

/// The certificate of a file, compressed or plain. A plain one is answered as it is.
///
/// # Errors
/// [`CertificateError`]; no more than the announced length is ever expanded.
pub fn expand(file: &[u8]) -> Result<Vec<u8>, CertificateError> {
    if !is_compressed(file) {
        return match file.first() {
            Some(&DER_SEQUENCE) if file.len() <= MAX_LEN => Ok(file.to_vec()),
            Some(&DER_SEQUENCE) => Err(CertificateError::TooLong(file.len())),
            _ => Err(CertificateError::Unrecognised),
        };
    }
    let Some((&[_, _, low, high], stream)) = file.split_first_chunk::<HEADER_LEN>() else {
        return Err(CertificateError::Damaged);
    };
    let len = usize::from(u16::from_le_bytes([low, high]));
    let mut der = Vec::with_capacity(len);
    let mut decoder = ZlibDecoder::new(stream).take(len as u64 + 1);
    decoder.read_to_end(&mut der).map_err(|_| CertificateError::Damaged)?;
    if der.len() == len { Ok(der) } else { Err(CertificateError::Length(len)) }
}

/// Whether a file is in the compressed form.
#[must_use]
pub fn is_compressed(file: &[u8]) -> bool {
    file.starts_with(&MARK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_is_mark_and_length() {
        let file = compress(b"\x30\x03\x02\x01\x05").unwrap();
        assert_eq!(file[..5], [1, 0, 5, 0, 0x78]);
    }

    #[test]
    fn length_is_checked_against_the_stream() {
        let mut file = compress(&[0x30; 300]).unwrap();
        for (len, error) in [(299u16, CertificateError::Length(299)), (301, CertificateError::Length(301))] {
            file[2..4].copy_from_slice(&len.to_le_bytes());
            assert_eq!(expand(&file), Err(error));
        }
    }

    #[test]
    fn a_bomb_is_not_expanded() {
        let mut file = compress(&[0x30; 60_000]).unwrap();
        file[2..4].copy_from_slice(&10u16.to_le_bytes());
        assert_eq!(expand(&file), Err(CertificateError::Length(10)));
    }

    #[test]
    fn plain_der_passes_and_the_rest_is_refused() {
        assert_eq!(expand(b"\x30\x00").unwrap(), b"\x30\x00");
        assert_eq!(expand(b""), Err(CertificateError::Unrecognised));
        assert_eq!(expand(b"\x02\x00\x01"), Err(CertificateError::Unrecognised));
        assert_eq!(expand(b"\x01\x00\x05"), Err(CertificateError::Damaged));
        assert_eq!(expand(b"\x01\x00\x05\x00\x78\xDA\xFF\xFF"), Err(CertificateError::Damaged));
        assert_eq!(expand(&vec![0x30; 65_536]), Err(CertificateError::TooLong(65_536)));
        assert_eq!(compress(&vec![0x30; 65_536]), Err(CertificateError::TooLong(65_536)));
    }
}
