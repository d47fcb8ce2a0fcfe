//! Compressed certificate files: round trips and hostile input.

use cardmod_types::certificate::{CertificateError, compress, expand, is_compressed};
use proptest::prelude::*;

use crate::support::hex;

#[test]
fn file_of_another_encoder_expands() {
    let file = hex("01000500 78DA33606662640500010E003C");
    assert_eq!(expand(&file).unwrap(), hex("3003020105"));
    assert!(is_compressed(&file));
}

#[test]
fn stream_with_a_wrong_checksum_is_refused() {
    let mut file = compress(&[0x30; 100]).unwrap();
    *file.last_mut().unwrap() ^= 1;
    assert_eq!(expand(&file), Err(CertificateError::Damaged));
}

proptest! {
    #[test]
    fn what_was_compressed_expands(der in prop::collection::vec(any::<u8>(), 0..4000)) {
        prop_assert_eq!(expand(&compress(&der).unwrap()).unwrap(), der);
    }

    #[test]
    fn hostile_files_expand_to_their_announced_length_or_not_at_all(
        len in any::<u16>(),
        stream in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let file = [&[1, 0][..], &len.to_le_bytes(), &stream].concat();
        if let Ok(der) = expand(&file) {
            prop_assert_eq!(der.len(), usize::from(len));
        }
    }
}
