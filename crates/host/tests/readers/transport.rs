//! The usual jobs through readers that speak T=0, and through such as carry little: what comes of them is the
//! same, only the number of commands is not.

use cardmod_host::x509::{self, Subject};
use cardmod_host::{CardSession, DecryptRequest, KeyAlgorithm, KeySource, NewContainer, SignRequest, verify};
use cardmod_types::{DecryptPadding, HashAlgorithm, KeyHalf, PublicKey, SignaturePadding, padding};
use cardmod_winscard::{Equipment, equip};
use rsa::BoxedUint;

use crate::common;

/// What kind of card does the job.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Gids,
    Piv,
}

/// Makes an RSA key, writes a certificate for it, lists, reads, signs and decrypts, with a session for each
/// half, so that nothing is remembered. Answers how many commands each half took.
fn job(kind: Kind, name: &str, equipment: Equipment) -> (u64, u64) {
    let name = format!("{name}{kind:?}").to_lowercase();
    let (reader, container_name) = match kind {
        Kind::Gids => (common::card_of(&name, &common::profile(&name)), "key"),
        Kind::Piv => (common::piv_card_of(&name, &common::piv_profile(&name)), "9d"),
    };
    equip(&reader, Some(equipment));
    let mut session = common::open(&reader);
    let new = NewContainer {
        name: container_name.to_owned(),
        key: KeySource::Generate(KeyAlgorithm::Rsa(2048)),
        half: KeyHalf::KeyExchange,
        default: true,
    };
    let container = session.create_container(&new, &mut common::pin()).expect("a container");
    let public = container.key(None).expect("its key").public.clone();
    let certificate = certificate(&mut session, container_name, &public);
    session
        .import_certificate(Some(container_name), None, &certificate, &mut common::pin())
        .expect("imported");
    common::close(session);
    let written = common::apdus(&reader);

    let mut session = common::open(&reader);
    let containers = session.containers().expect("a list");
    let [container] = &containers[..] else { panic!("one container") };
    assert_eq!(container.key(None).expect("its key").certificate.as_ref(), Some(&certificate));
    use_key(&mut session, container_name, &public);
    common::close(session);
    (written, common::apdus(&reader) - written)
}

fn certificate(session: &mut CardSession, name: &str, public: &PublicKey) -> Vec<u8> {
    // Longer than any short command.
    let names: Vec<String> = (0..20).map(|number| format!("host{number}.long.name.example")).collect();
    let subject = Subject { name: "CN=web,O=Example", alternative_names: &names };
    let padding = SignaturePadding::Pkcs1 { hash: Some(HashAlgorithm::Sha256) };
    let sign = |digest: &[u8]| {
        let request = SignRequest { half: None, padding, digest };
        session.sign(Some(name), &request, &mut common::pin())
    };
    x509::self_signed(&subject, 30, public, HashAlgorithm::Sha256, sign).expect("a certificate")
}

fn use_key(session: &mut CardSession, name: &str, public: &PublicKey) {
    let padding = SignaturePadding::Pkcs1 { hash: Some(HashAlgorithm::Sha256) };
    let digest = [0x2B; 32];
    let request = SignRequest { half: None, padding: padding.clone(), digest: &digest };
    let signature = session.sign(Some(name), &request, &mut common::pin()).expect("a signature");
    verify::verify_signature(public, &padding, &digest, &signature).expect("it verifies");
    let sealed = encrypted(public, b"a secret");
    let request = DecryptRequest { half: None, padding: DecryptPadding::Pkcs1, ciphertext: &sealed };
    let opened = session.decrypt(Some(name), &request, &mut common::pin()).expect("the secret");
    assert_eq!(opened.as_bytes(), b"a secret");
}

fn encrypted(key: &PublicKey, message: &[u8]) -> Vec<u8> {
    let PublicKey::Rsa(key) = key else { panic!("an RSA key") };
    let length = key.modulus_len();
    let block =
        padding::pkcs1_encrypt_block(message, length, &mut |random| random.fill(0x55)).expect("a block");
    let modulus = BoxedUint::from_be_slice_vartime(key.modulus());
    let public =
        rsa::RsaPublicKey::new(modulus, BoxedUint::from(u64::from(key.exponent()))).expect("a public key");
    let number = rsa::hazmat::rsa_encrypt(&public, &BoxedUint::from_be_slice_vartime(block.as_bytes()));
    let bytes = number.expect("a ciphertext").to_be_bytes_trimmed_vartime();
    [vec![0; length - bytes.len()], bytes.to_vec()].concat()
}

fn reader(t0: bool, max_apdu_data: Option<u32>) -> Equipment {
    Equipment { t0, max_apdu_data, ..Equipment::default() }
}

/// Through readers of T=1.
fn goes_every_way(kind: Kind) {
    let (written_long, read_long) = job(kind, "extended", Equipment::default());
    let (written_short, read_short) = job(kind, "short", reader(false, None));
    assert_eq!(job(kind, "short256", reader(false, Some(256))), (written_short, read_short));
    assert!(written_short > written_long && read_short > read_long, "extended length saves commands");
    // Data of 240 bytes goes in parts of 100.
    let (written_narrow, read_narrow) = job(kind, "narrow", reader(false, Some(100)));
    assert!(written_narrow > written_short && read_narrow >= read_short);
    // Extended length, but not for everything: the certificate is read in parts.
    let (_, read_middling) = job(kind, "middling", reader(false, Some(300)));
    assert!((read_long..=read_short).contains(&read_middling), "{read_long} {read_middling} {read_short}");
}

#[test]
fn the_same_comes_of_every_way_to_a_gids_card() {
    goes_every_way(Kind::Gids);
}

#[test]
fn the_same_comes_of_every_way_to_a_piv_card() {
    goes_every_way(Kind::Piv);
}

fn goes_over_t0(kind: Kind) {
    let (written_short, read_short) = job(kind, "t1", reader(false, None));
    let (written, read) = job(kind, "t0", reader(true, None));
    assert!(written > written_short && read > read_short, "{written} and {read}");
    // A reader that could carry extended length changes nothing.
    assert_eq!(job(kind, "t0wide", reader(true, Some(65_536))), (written, read));
    let (written_narrow, _) = job(kind, "t0narrow", reader(true, Some(100)));
    assert!(written_narrow > written);
}

#[test]
fn over_t0_answers_are_fetched_with_their_own_command() {
    goes_over_t0(Kind::Gids);
}

#[test]
fn over_t0_answers_of_piv_cards_are_fetched_too() {
    goes_over_t0(Kind::Piv);
}
