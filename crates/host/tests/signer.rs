//! A key of a card through the traits of the `signature` crate.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, mpsc};

use cardmod_default::testing::{self, TestCard};
use cardmod_host::signer::{AnySignature, CardCurve, CardKey, EcdsaSigner, card_error};
use cardmod_host::types::kdf::Kdf;
use cardmod_host::types::{
    DecryptPadding, EcCurve, FilePath, HashAlgorithm, KeyHalf, Pin, PinId, PublicKey, SecretBytes,
};
use cardmod_host::{
    Card, Error, FileAuthority, FixedPin, Host, KeyAlgorithm, KeySource, NewContainer, NoPin, OpenOptions,
    PinRequest, PinSource, PinSourceError,
};
use sha2::{Digest as _, Sha256, Sha384, Sha512};
use signature::hazmat::{PrehashSigner as _, PrehashVerifier as _};
use signature::{DigestSigner as _, Keypair as _, MultipartSigner as _, Signer as _, Verifier as _};

const MESSAGE: &[u8] = b"the message to be signed";

/// A card with one key, and the key.
fn key(algorithm: KeyAlgorithm) -> (TestCard, CardKey) {
    let test = testing::card();
    test.generate("key", algorithm);
    let key = test.open().signer(Some("key"), None, test.pin()).expect("a key");
    (test, key)
}

/// Signs in every way and checks with the public half.
macro_rules! signs_on {
    ($test:ident, $curve:ident, $nist:ident, $bits:ident, $hash:ident) => {
        #[test]
        fn $test() {
            use $curve::ecdsa::{DerSignature, Signature};
            let (_test, key) = key(KeyAlgorithm::Ec(EcCurve::$bits));
            let signer: EcdsaSigner<$curve::$nist> = key.ecdsa().expect("the key's curve");
            assert_eq!(<$curve::$nist as CardCurve>::CURVE, EcCurve::$bits);
            let public = signer.verifying_key();
            let fixed: Signature = signer.try_sign(MESSAGE).expect("a signature");
            public.verify(MESSAGE, &fixed).expect("it is right");
            public.verify(b"another message", &fixed).expect_err("of this message alone");
            let der: DerSignature = signer.try_sign(MESSAGE).expect("a signature");
            public.verify(MESSAGE, &der).expect("it is right");
            let parts: Signature = signer.try_multipart_sign(&[&MESSAGE[..4], &MESSAGE[4..]]).expect("parts");
            public.verify(MESSAGE, &parts).expect("it is right");
            let digest: Signature = signer
                .try_sign_digest(|digest: &mut $hash| {
                    sha2::Digest::update(digest, MESSAGE);
                    Ok(())
                })
                .expect("a signature");
            public.verify(MESSAGE, &digest).expect("it is right");
            // A hash longer than the curve counts with its first bits.
            for hash in [Sha256::digest(MESSAGE).to_vec(), Sha512::digest(MESSAGE).to_vec()] {
                if hash.len() * 2 >= EcCurve::$bits.coordinate_len() {
                    let made: Signature = signer.sign_prehash(&hash).expect("a signature");
                    public.verify_prehash(&hash, &made).expect("it is right");
                }
            }
        }
    };
}

signs_on!(p256_keys_sign, p256, NistP256, P256, Sha256);
signs_on!(p384_keys_sign, p384, NistP384, P384, Sha384);
signs_on!(p521_keys_sign, p521, NistP521, P521, Sha512);

#[test]
fn rsa_keys_sign_in_both_schemes() {
    let (_test, key) = key(KeyAlgorithm::Rsa(2048));
    let signer = key.rsa_pkcs1::<Sha256>().expect("an RSA key");
    let made = signer.try_sign(MESSAGE).expect("a signature");
    signer.verifying_key().verify(MESSAGE, &made).expect("it is right");
    signer.verifying_key().verify(b"another", &made).expect_err("of this message alone");
    let signer = key.rsa_pss::<Sha384>().expect("an RSA key");
    let made = signer.try_sign(MESSAGE).expect("a signature");
    signer.verifying_key().verify(MESSAGE, &made).expect("it is right");
    let made = signer.sign_prehash(&Sha384::digest(MESSAGE)).expect("a signature");
    signer.verifying_key().verify(MESSAGE, &made).expect("it is right");
    let error = signer.sign_prehash(&[0; 32]).expect_err("a hash of another length");
    assert!(matches!(card_error(&error), Some(Error::BadInput { .. })), "{error:?}");
}

#[test]
fn a_signer_of_another_kind_says_what_the_key_is() {
    let (test, key) = key(KeyAlgorithm::Ec(EcCurve::P256));
    let error = key.ecdsa::<p384::NistP384>().expect_err("another curve");
    let told = format!("the key of container \"key\" on the card in {:?} is p256, not p384", test.reader());
    assert_eq!(error.to_string(), told);
    let error = key.rsa_pkcs1::<Sha256>().expect_err("no RSA key");
    assert!(matches!(&error, Error::WrongKeyKind { found, .. } if found == "p256"), "{error}");
    assert!(key.oaep_decryptor(HashAlgorithm::Sha256).is_err());
    let none = test.open().signer(Some("other"), None, NoPin).map(drop);
    assert!(matches!(none, Err(Error::NoSuchContainer { .. })), "{none:?}");
    let half = test.open().signer(Some("key"), Some(KeyHalf::KeyExchange), NoPin).map(drop);
    assert!(matches!(half, Err(Error::NoSuchKey { .. })), "{half:?}");
}

#[test]
fn errors_of_the_card_are_found_in_those_of_the_trait() {
    let test = testing::card();
    test.generate("key", KeyAlgorithm::Ec(EcCurve::P256));
    let sign = |pins: FixedPin| {
        let key = test.open().signer(None, None, pins).expect("a key");
        let made: Result<p256::ecdsa::Signature, _> =
            key.ecdsa::<p256::NistP256>().expect("its curve").try_sign(MESSAGE);
        made
    };
    let error = sign(FixedPin::new(Pin::from("654321"))).expect_err("a wrong PIN");
    let Some(Error::WrongPin { tries_left, .. }) = card_error(&error) else { panic!("{error:?}") };
    assert_eq!(*tries_left, Some(2), "one try, not two");
    let wrapped = std::io::Error::other(error);
    assert!(card_error(&wrapped).is_some(), "the cause of another error");
    let silent = test.open().signer(None, None, NoPin).expect("a key");
    let made: Result<AnySignature, _> = silent.any_signer().try_sign(MESSAGE);
    let error = made.expect_err("no PIN");
    assert!(matches!(card_error(&error), Some(Error::PinRequired { .. })), "{error:?}");
    sign(test.pin()).expect("the right one");
}

/// Uses the card from another thread while it is asked.
struct Busy {
    card: Card,
    asked: Arc<AtomicU32>,
}

impl PinSource for Busy {
    fn pin(&mut self, request: &PinRequest<'_>) -> Result<Pin, PinSourceError> {
        assert_eq!(request.container, Some("key"));
        self.asked.fetch_add(1, Ordering::SeqCst);
        let card = self.card.clone();
        let (sender, listed) = mpsc::channel();
        std::thread::spawn(move || sender.send(card.lock().containers().map(|found| found.len())));
        // A deadlock is told, not waited for.
        let listed = listed.recv_timeout(std::time::Duration::from_secs(20));
        assert_eq!(listed.expect("the card is free while a user is asked"), Ok(1));
        Ok(Pin::from(testing::PIN))
    }
}

#[test]
fn the_card_is_free_while_a_user_is_asked() {
    let test = testing::card();
    test.generate("key", KeyAlgorithm::Ec(EcCurve::P256));
    let (card, asked) = (test.open(), Arc::new(AtomicU32::new(0)));
    let key = card.signer(None, None, Busy { card: card.clone(), asked: Arc::clone(&asked) }).expect("a key");
    let _made: p256::ecdsa::Signature =
        key.ecdsa::<p256::NistP256>().expect("its curve").try_sign(MESSAGE).expect("a signature");
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

/// A person who mistypes.
struct Clumsy(Vec<&'static str>);

impl PinSource for Clumsy {
    fn pin(&mut self, request: &PinRequest<'_>) -> Result<Pin, PinSourceError> {
        let wrong = matches!(request.last_error, Some(Error::WrongPin { .. }));
        assert_eq!((wrong, request.tries_left.is_some()), (request.attempt > 1, request.attempt > 1));
        if self.0.is_empty() { Err(PinSourceError::Cancelled) } else { Ok(Pin::from(self.0.remove(0))) }
    }

    fn asks_again(&self) -> bool {
        true
    }
}

#[test]
fn a_person_may_type_again_and_a_known_wrong_pin_is_not_sent_twice() {
    let test = testing::card();
    test.generate("key", KeyAlgorithm::Ec(EcCurve::P256));
    let sign = |typed: &[&'static str]| {
        let key = test.open().signer(None, None, Clumsy(typed.to_vec())).expect("a key");
        key.any_signer().try_sign(MESSAGE)
    };
    let _made: AnySignature = sign(&["111111", testing::PIN]).expect("the second was right");
    test.host().forget_pins();
    let error = sign(&["222222", "222222", testing::PIN]).expect_err("the same again");
    let Some(Error::WrongPin { tries_left, .. }) = card_error(&error) else { panic!("{error:?}") };
    assert_eq!(*tries_left, Some(2), "one try, not two");
    let error = sign(&["333333"]).expect_err("given up after a wrong one");
    let Some(Error::WrongPin { tries_left, .. }) = card_error(&error) else { panic!("{error:?}") };
    assert_eq!(*tries_left, Some(1), "whoever gives up is told what is left");
    let error = sign(&[]).expect_err("cancelled");
    assert!(matches!(card_error(&error), Some(Error::PinSource(PinSourceError::Cancelled))), "{error:?}");
}

/// A person who has not heard that his PIN was changed.
struct Forgetful(Vec<&'static str>);

impl PinSource for Forgetful {
    fn pin(&mut self, _request: &PinRequest<'_>) -> Result<Pin, PinSourceError> {
        if self.0.is_empty() { Err(PinSourceError::Cancelled) } else { Ok(Pin::from(self.0.remove(0))) }
    }

    fn asks_again(&self) -> bool {
        true
    }
}

#[test]
fn a_kept_pin_that_is_wrong_now_is_not_sent_again_when_it_is_typed() {
    let test = testing::card();
    test.generate("key", KeyAlgorithm::Ec(EcCurve::P256));
    let sign = |typed: &[&'static str]| {
        let key = test.open().signer(None, None, Forgetful(typed.to_vec())).expect("a key");
        key.any_signer().try_sign(MESSAGE)
    };
    let _kept: AnySignature = sign(&[testing::PIN]).expect("it is right, and kept");
    // Another program changes the PIN, and brings the counters back to where they were.
    let stranger = Host::new(Arc::clone(test.host().provider()));
    let mut stranger =
        stranger.open(test.reader(), &test.module(), OpenOptions::default()).expect("a session");
    let counters = stranger.read_file(&FilePath::cardcf()).expect("the counters");
    stranger.change_pin(PinId::USER, &Pin::from(testing::PIN), &Pin::from("another")).expect("changed");
    let mut another = FixedPin::new(Pin::from("another"));
    stranger
        .write_file(&FilePath::cardcf(), &counters, FileAuthority::User, &mut another)
        .expect("the old counters");
    let error = sign(&[testing::PIN, "another"]).expect_err("the same again");
    let Some(Error::WrongPin { tries_left, .. }) = card_error(&error) else { panic!("{error:?}") };
    assert_eq!(*tries_left, Some(2), "one try, not two");
    let _right: AnySignature = sign(&["another"]).expect("the new one");
}

#[test]
fn the_second_signature_is_one_command() {
    let (test, key) = key(KeyAlgorithm::Ec(EcCurve::P256));
    let sent = || cardmod_winscard::counters().readers.get(test.reader()).copied().unwrap_or(0);
    let _: AnySignature = key.any_signer().try_sign(MESSAGE).expect("a signature");
    let first = sent();
    let _: AnySignature = key.any_signer().try_sign(MESSAGE).expect("a signature");
    assert_eq!(sent() - first, 1);
}

#[test]
fn threads_share_a_key() {
    let (_test, key) = key(KeyAlgorithm::Ec(EcCurve::P256));
    let signer = key.ecdsa::<p256::NistP256>().expect("its curve");
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4_u8)
            .map(|number| {
                let signer = signer.clone();
                scope.spawn(move || {
                    for round in 0..10_u8 {
                        let message = [number, round];
                        let made: p256::ecdsa::Signature = signer.try_sign(&message).expect("a signature");
                        signer.verifying_key().verify(&message, &made).expect("it is right");
                    }
                })
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().expect("a thread"));
    });
}

#[test]
fn another_key_under_the_same_name_is_not_used() {
    let (test, key) = key(KeyAlgorithm::Ec(EcCurve::P256));
    let signer = key.ecdsa::<p256::NistP256>().expect("its curve");
    // by another program: a session that this one knows nothing of
    test.session().delete_container("key", &mut test.pin()).expect("deleted");
    test.generate("key", KeyAlgorithm::Ec(EcCurve::P256));
    let made: Result<p256::ecdsa::Signature, _> = signer.try_sign(MESSAGE);
    let error = made.expect_err("another key");
    assert!(matches!(card_error(&error), Some(Error::KeyChanged { .. })), "{error:?}");
}

#[test]
fn rsa_keys_decrypt() {
    use rsa::traits::{Decryptor as _, EncryptingKeypair as _, RandomizedEncryptor as _};
    let (_test, key) = key(KeyAlgorithm::Rsa(2048));
    let decryptor = key.oaep_decryptor(HashAlgorithm::Sha256).expect("an RSA key");
    let sealing = rsa::oaep::EncryptingKey::<Sha256>::new(decryptor.encrypting_key());
    let mut random = rsa::rand_core::UnwrapErr(getrandom::SysRng);
    let mut ciphertext = sealing.encrypt_with_rng(&mut random, MESSAGE).expect("sealed");
    assert_eq!(decryptor.open(&ciphertext).expect("opened").as_bytes(), MESSAGE);
    assert_eq!(decryptor.decrypt(&ciphertext), Ok(MESSAGE.to_vec()));
    ciphertext[200] ^= 1;
    assert!(matches!(decryptor.open(&ciphertext), Err(Error::DecryptionFailed { .. })));
    assert_eq!(decryptor.decrypt(&ciphertext), Err(rsa::Error::Decryption));
    let short = key.decrypt(DecryptPadding::Pkcs1, &ciphertext[1..]);
    assert!(matches!(short, Err(Error::BadInput { .. })), "{short:?}");
}

#[test]
fn both_sides_agree_on_one_secret() {
    let test = testing::card();
    let card = test.open();
    for name in ["here", "there"] {
        let key = KeySource::Generate(KeyAlgorithm::Ec(EcCurve::P384));
        let half = KeyHalf::KeyExchange;
        let new = NewContainer { name: name.to_owned(), key, half, default: false };
        card.lock().create_container(&new, &mut test.pin()).expect("a container");
    }
    let key = |name| card.signer(Some(name), None, test.pin()).expect("a key");
    let (here, there) = (key("here"), key("there"));
    let point = |key: &CardKey| match key.public() {
        PublicKey::Ec(point) => point.clone(),
        PublicKey::Rsa(_) => panic!("an elliptic key"),
    };
    let nothing = || SecretBytes::from(&[][..]);
    let kdf = Kdf::Hash { hash: HashAlgorithm::Sha256, prepend: nothing(), append: nothing() };
    let one = here.derive(&point(&there), &kdf, None).expect("a secret");
    let other = there.derive(&point(&here), &kdf, None).expect("a secret");
    assert_eq!(one.as_bytes(), other.as_bytes());
    assert_eq!(one.len(), 32);
}

#[test]
fn keys_and_signers_may_go_anywhere() {
    fn check<T: Send + Sync + Clone + std::fmt::Debug + 'static>() {}
    check::<CardKey>();
    check::<EcdsaSigner<p256::NistP256>>();
    check::<cardmod_host::signer::RsaPkcs1Signer<Sha256>>();
    check::<cardmod_host::signer::RsaPssSigner<Sha512>>();
    check::<cardmod_host::signer::RsaDecryptor>();
    check::<cardmod_host::signer::AnySigner>();
    let (_test, key) = key(KeyAlgorithm::Ec(EcCurve::P256));
    assert!(!format!("{key:?}").contains(testing::PIN));
}
