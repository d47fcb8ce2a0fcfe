//! Padding: round trips, and the constant-time removal against a plain one.

use cardmod_types::padding::{
    PaddingError, oaep_encode, oaep_unpad, pkcs1_encrypt_block, pkcs1_sign_block, pkcs1_unpad, pss_encode,
    pss_verify,
};
use cardmod_types::{HashAlgorithm, SecretBytes};
use proptest::prelude::*;

/// RFC 8017, section 7.2.2, step 3, as one would write it without an observer.
fn plain_unpad(block: &[u8]) -> Option<&[u8]> {
    let rest = block.strip_prefix(&[0, 2])?;
    let filling = rest.iter().position(|byte| *byte == 0)?;
    (filling >= 8).then(|| &rest[filling + 1..])
}

/// Blocks that are valid or nearly so.
fn blocks() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![1 => Just(0u8), 9 => any::<u8>()];
    let start = prop_oneof![9 => Just(vec![0, 2]), 1 => prop::collection::vec(any::<u8>(), 0..3)];
    (start, prop::collection::vec(byte, 0..300)).prop_map(|(start, rest)| [start, rest].concat())
}

proptest! {
    #[test]
    fn constant_time_and_plain_removal_agree(block in blocks()) {
        let expected = plain_unpad(&block).map(SecretBytes::from).ok_or(PaddingError::Decryption);
        prop_assert_eq!(pkcs1_unpad(&block), expected);
    }

    #[test]
    fn pkcs1_comes_back(
        message in prop::collection::vec(any::<u8>(), 0..200),
        room in 0usize..100,
        mut random in prop::collection::vec(1u8..=255, 32),
    ) {
        let mut fill = |bytes: &mut [u8]| {
            random.rotate_left(1);
            bytes.iter_mut().zip(&random).for_each(|(byte, with)| *byte = *with);
        };
        let len = message.len() + 11 + room;
        let block = pkcs1_encrypt_block(&message, len, &mut fill).unwrap();
        prop_assert_eq!(block.len(), len);
        prop_assert_eq!(pkcs1_unpad(block.as_bytes()).unwrap(), SecretBytes::from(&message[..]));
        let refused = pkcs1_encrypt_block(&message, message.len() + 10, &mut fill);
        prop_assert_eq!(refused, Err(PaddingError::TooLong { len: message.len(), block: message.len() + 10 }));
        let signed = pkcs1_sign_block(&message, len).unwrap();
        prop_assert_eq!(pkcs1_unpad(&signed), Err(PaddingError::Decryption), "block type 1 is no message");
    }

    #[test]
    fn oaep_comes_back(
        message in prop::collection::vec(any::<u8>(), 0..100),
        label in prop::collection::vec(any::<u8>(), 0..20),
        seed in any::<[u8; 20]>(),
        room in 0usize..60,
    ) {
        let len = message.len() + 42 + room;
        let block = oaep_encode(HashAlgorithm::Sha1, &label, &message, &seed, len).unwrap();
        let opened = oaep_unpad(HashAlgorithm::Sha1, &label, block.as_bytes()).unwrap();
        prop_assert_eq!(opened, SecretBytes::from(&message[..]));
        let other = oaep_unpad(HashAlgorithm::Sha256, &label, block.as_bytes());
        prop_assert_eq!(other, Err(PaddingError::Decryption));
    }

    #[test]
    fn hostile_blocks_are_refused(block in prop::collection::vec(any::<u8>(), 0..300)) {
        // By chance such a block is valid once in 2^160 at least.
        prop_assert_eq!(oaep_unpad(HashAlgorithm::Sha1, b"", &block), Err(PaddingError::Decryption));
        let digest = [7; 32];
        prop_assert!(!pss_verify(HashAlgorithm::Sha256, &digest, None, &block, 8 * block.len()));
    }

    #[test]
    fn pss_comes_back(
        digest in any::<[u8; 32]>(),
        salt in prop::collection::vec(any::<u8>(), 0..60),
        bits in 800usize..1200,
    ) {
        let block = pss_encode(HashAlgorithm::Sha256, &digest, &salt, bits).unwrap();
        prop_assert!(pss_verify(HashAlgorithm::Sha256, &digest, Some(salt.len()), &block, bits));
        let mut other = digest;
        other[0] ^= 1;
        prop_assert!(!pss_verify(HashAlgorithm::Sha256, &other, None, &block, bits));
    }
}
