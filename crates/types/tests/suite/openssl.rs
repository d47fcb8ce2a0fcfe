//! Padding, keys and key derivation as the `openssl` program sees them.

use std::path::Path;

use cardmod_types::kdf::{Kdf, TlsProtocol};
use cardmod_types::padding::{
    digest_info, oaep_encode, oaep_unpad, pkcs1_encrypt_block, pkcs1_sign_block, pkcs1_unpad, pss_encode,
    pss_verify,
};
use cardmod_types::{HashAlgorithm, SecretBytes};

use crate::support::{data_path, hex, openssl};

const MESSAGE: &[u8] = b"what is to be signed";
const HASHES: [(HashAlgorithm, &str); 4] = [
    (HashAlgorithm::Sha1, "sha1"),
    (HashAlgorithm::Sha256, "sha256"),
    (HashAlgorithm::Sha384, "sha384"),
    (HashAlgorithm::Md5, "md5"),
];

/// `openssl pkeyutl` with the 1024-bit fixture and these options.
fn pkeyutl(operation: &str, options: &[&str], input: &[u8]) -> Vec<u8> {
    let key = data_path("rsa1024.pkcs8.der");
    let mut args = vec!["pkeyutl", operation, "-keyform", "DER", "-inkey", key.to_str().unwrap()];
    options.iter().for_each(|option| args.extend(["-pkeyopt", option]));
    openssl(args, input)
}

/// The private operation of a card.
fn raw_private(block: &[u8]) -> Vec<u8> {
    pkeyutl("-decrypt", &["rsa_padding_mode:none"], block)
}

/// The public operation.
fn raw_public(block: &[u8]) -> Vec<u8> {
    pkeyutl("-encrypt", &["rsa_padding_mode:none"], block)
}

fn verify(signature: &[u8], digest: &str, options: &[&str]) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("signature");
    std::fs::write(&path, signature).unwrap();
    let key = data_path("rsa1024.spki.der");
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let mut args: Vec<String> = ["dgst", digest, "-keyform", "DER", "-verify"].map(Into::into).to_vec();
    args.extend([text(&key), "-signature".to_owned(), text(&path)]);
    options.iter().for_each(|option| args.extend(["-sigopt".to_owned(), (*option).to_owned()]));
    let shown = openssl(args, MESSAGE);
    assert_eq!(String::from_utf8_lossy(&shown).trim(), "Verified OK");
}

#[test]
fn pkcs1_signatures_verify() {
    for (hash, name) in HASHES {
        let info = digest_info(hash, &hash.digest(MESSAGE).unwrap()).unwrap();
        let block = pkcs1_sign_block(&info, 128).unwrap();
        verify(&raw_private(&block), &format!("-{name}"), &[]);
    }
}

#[test]
fn pss_signatures_verify_both_ways() {
    for (hash, name) in HASHES {
        let digest = hash.digest(MESSAGE).unwrap();
        for salt_len in [0, hash.len()] {
            let block = pss_encode(hash, &digest, &vec![0x5A; salt_len], 1024).unwrap();
            let salt = format!("rsa_pss_saltlen:{salt_len}");
            verify(&raw_private(&block), &format!("-{name}"), &["rsa_padding_mode:pss", &salt]);

            let options = ["rsa_padding_mode:pss", &salt, &format!("digest:{name}")];
            let opened = raw_public(&pkeyutl("-sign", &options, &digest));
            assert!(pss_verify(hash, &digest, Some(salt_len), &opened, 1024), "{name} {salt_len}");
            assert!(!pss_verify(hash, &digest, Some(salt_len + 1), &opened, 1024));
            let other = hash.digest(b"something else").unwrap();
            assert!(!pss_verify(hash, &other, Some(salt_len), &opened, 1024));
        }
    }
}

#[test]
fn pkcs1_encryption_opens_both_ways() {
    let sealed = pkeyutl("-encrypt", &["rsa_padding_mode:pkcs1"], MESSAGE);
    assert_eq!(pkcs1_unpad(&raw_private(&sealed)).unwrap().as_bytes(), MESSAGE);

    let mut n = 0u8;
    let mut counting = |bytes: &mut [u8]| {
        for byte in bytes {
            *byte = n;
            n = n.wrapping_add(1);
        }
    };
    let block = pkcs1_encrypt_block(MESSAGE, 128, &mut counting).unwrap();
    let opened = pkeyutl("-decrypt", &["rsa_padding_mode:pkcs1"], &raw_public(block.as_bytes()));
    assert_eq!(opened, MESSAGE);
}

#[test]
fn oaep_opens_both_ways() {
    for (hash, name) in [(HashAlgorithm::Sha1, "sha1"), (HashAlgorithm::Sha256, "sha256")] {
        for (label, label_hex) in [(&b""[..], None), (b"a label", Some("rsa_oaep_label:61206c6162656c"))] {
            let digest = format!("rsa_oaep_md:{name}");
            let mut options = vec!["rsa_padding_mode:oaep", digest.as_str()];
            options.extend(label_hex);
            let sealed = pkeyutl("-encrypt", &options, MESSAGE);
            let message = oaep_unpad(hash, label, &raw_private(&sealed)).unwrap();
            assert_eq!(message.as_bytes(), MESSAGE);

            let block = oaep_encode(hash, label, MESSAGE, &vec![0x33; hash.len()], 128).unwrap();
            assert_eq!(pkeyutl("-decrypt", &options, &raw_public(block.as_bytes())), MESSAGE);
        }
    }
}

#[test]
fn tls_prf_is_the_same() {
    let (secret, seed) = ("0f".repeat(33), "a5".repeat(64));
    for (protocol, hash, digest) in [
        (TlsProtocol::Tls10, None, "MD5-SHA1"),
        (TlsProtocol::Tls12, None, "SHA256"),
        (TlsProtocol::Tls12, Some(HashAlgorithm::Sha384), "SHA384"),
    ] {
        let kdf = Kdf::TlsPrf { label: b"master secret".to_vec(), seed: hex(&seed), protocol, hash };
        let key = kdf.derive(&SecretBytes::new(hex(&secret)), None).unwrap();
        let options = [
            format!("digest:{digest}"),
            format!("hexsecret:{secret}"),
            "seed:master secret".to_owned(),
            format!("hexseed:{seed}"),
        ];
        let mut args = vec!["kdf", "-binary", "-keylen", "48"];
        options.iter().for_each(|option| args.extend(["-kdfopt", option]));
        args.push("TLS1-PRF");
        assert_eq!(key.as_bytes(), openssl(args, b""), "{digest}");
    }
}

#[test]
fn single_step_kdf_is_the_same() {
    let kdf = Kdf::Sp800_56aConcat {
        hash: HashAlgorithm::Sha384,
        algorithm_id: vec![1],
        party_u: vec![2, 2],
        party_v: vec![3],
        supp_pub: vec![4],
        supp_priv: SecretBytes::from(&[5]),
    };
    let key = kdf.derive(&SecretBytes::from(&[9; 48]), Some(120)).unwrap();
    let secret = format!("hexkey:{}", "09".repeat(48));
    let args = ["kdf", "-binary", "-keylen", "120", "-kdfopt", "digest:SHA384", "-kdfopt", &secret];
    let args = args.into_iter().chain(["-kdfopt", "hexinfo:010202030405", "SSKDF"]);
    assert_eq!(key.as_bytes(), openssl(args, b""));
}
