//! The operations of a session, each with the state it starts from.

use cardmod_host::types::{
    EcCurve, EcPublicKey, FileAccess, FilePath, KeyHalf, Pin, PinId, SecretBytes, kdf::Kdf,
};
use cardmod_host::verify::verify_signature;
use cardmod_host::x509::{self, Subject};
use cardmod_host::{
    AdminAuthority, CardSession, DecryptRequest, DeriveRequest, Error, FileAuthority, KeyAlgorithm,
    KeySource, NewContainer, SignRequest, UnblockWith,
};
use cardmod_types::{DecryptPadding, HashAlgorithm, PublicKey};

use crate::common::{ADMIN_KEY, PIN, PUK, pin};

/// Another PIN, for a while.
const NEW_PIN: &str = "654321";

/// An operation.
#[derive(Clone, Copy)]
pub(crate) struct Operation {
    /// A short name, also of its card.
    pub(crate) name: &'static str,
    /// Makes the state it starts from, whatever the state is.
    pub(crate) prepare: fn(&mut CardSession),
    pub(crate) run: fn(&mut CardSession) -> Result<(), Error>,
    /// Checks, in another session, that what it said to have done is done.
    pub(crate) done: Option<fn(&mut CardSession)>,
    /// It may be begun again after it changed something, since the same comes of it.
    pub(crate) repeatable: bool,
    /// The session knows nothing of its card before.
    pub(crate) cold: bool,
    /// It is one of PIV cards.
    pub(crate) piv: bool,
}

impl Operation {
    pub(crate) const fn new(name: &'static str, run: fn(&mut CardSession) -> Result<(), Error>) -> Self {
        Self { name, prepare: |_| {}, run, done: None, repeatable: true, cold: false, piv: false }
    }

    pub(crate) const fn after(self, prepare: fn(&mut CardSession)) -> Self {
        Self { prepare, ..self }
    }

    pub(crate) const fn leaving(self, done: fn(&mut CardSession)) -> Self {
        Self { done: Some(done), ..self }
    }

    pub(crate) const fn once(self) -> Self {
        Self { repeatable: false, ..self }
    }

    pub(crate) const fn on_piv(self) -> Self {
        Self { piv: true, ..self }
    }

    const fn cold(self) -> Self {
        Self { cold: true, ..self }
    }
}

pub(crate) const LIST: Operation = Operation::new("list", |session| {
    let containers = session.containers()?;
    assert!(containers.iter().any(|container| container.name == "key"));
    Ok(())
});
pub(crate) const DESCRIBE: Operation = Operation::new("describe", |session| session.describe().map(drop));
pub(crate) const READ_FILE: Operation = Operation::new("read", |session| {
    let map = session.read_file(&FilePath::cmapfile())?;
    assert!(!map.is_empty());
    Ok(())
});
pub(crate) const SIGN: Operation = Operation::new("sign", sign).leaving(is_signed);
pub(crate) const COLD_SIGN: Operation = Operation::new("coldsign", sign).leaving(is_signed).cold();
pub(crate) const DECRYPT: Operation =
    Operation::new("decrypt", decrypt).after(with_rsa).leaving(|session| comes_again(session, decrypt));
pub(crate) const DERIVE: Operation =
    Operation::new("derive", derive).after(with_agreement).leaving(|session| comes_again(session, derive));
pub(crate) const GENERATE: Operation =
    Operation::new("generate", generate).after(without_new).leaving(is_made).once();
pub(crate) const IMPORT: Operation =
    Operation::new("import", import).after(without_new).leaving(is_made).once();
pub(crate) const DELETE: Operation =
    Operation::new("delete", |session| session.delete_container("new", &mut pin()))
        .after(with_new)
        .leaving(|session| assert!(session.containers().expect("a list").iter().all(|one| one.name != "new")))
        .once();
pub(crate) const SET_DEFAULT: Operation =
    Operation::new("default", |session| session.set_default("new", &mut pin()))
        .after(with_new)
        .leaving(|session| assert!(session.container(Some("new")).expect("it").default));
pub(crate) const WRITE_CERTIFICATE: Operation = Operation::new("certwrite", write_certificate)
    .after(without_certificate)
    .leaving(|session| assert_eq!(stored_certificate(session), Some(made_certificate())));
pub(crate) const DELETE_CERTIFICATE: Operation =
    Operation::new("certdelete", |session| session.delete_certificate(Some("key"), None, &mut pin()))
        .after(with_certificate)
        .leaving(|session| assert_eq!(stored_certificate(session), None))
        .once();
pub(crate) const VERIFY_PIN: Operation =
    Operation::new("verify", |session| session.verify_pin(PinId::USER, &Pin::from(PIN)));
pub(crate) const CHANGE_PIN: Operation =
    Operation::new("change", change_pin).after(with_old_pin).leaving(has_new_pin).once();
pub(crate) const UNBLOCK_BY_PUK: Operation =
    Operation::new("puk", unblock_by_puk).after(with_old_pin).leaving(has_new_pin).once();
pub(crate) const UNBLOCK_BY_ADMIN: Operation =
    Operation::new("adminunblock", unblock_by_admin).after(with_old_pin).leaving(has_new_pin).once();
pub(crate) const ADMIN: Operation = Operation::new("admin", |session| {
    session.admin_authenticate(&mut AdminAuthority::Key(SecretBytes::from(&ADMIN_KEY[..])))
});
pub(crate) const CREATE_FILE: Operation = Operation::new("filecreate", create_file)
    .after(without_file)
    .leaving(|session| {
        session.file_info(&path()).expect("the file");
    })
    .once();
pub(crate) const WRITE_FILE: Operation =
    Operation::new("filewrite", write_file).after(with_file).leaving(has_content);
pub(crate) const DELETE_FILE: Operation =
    Operation::new("filedelete", |session| session.delete_file(&path(), FileAuthority::User, &mut pin()))
        .after(with_file)
        .leaving(|session| {
            let found = session.file_info(&path());
            assert!(matches!(found, Err(Error::FileNotFound { .. })), "{found:?}");
        })
        .once();

thread_local! {
    /// What the last use of a key answered.
    pub(crate) static LAST: std::cell::RefCell<Vec<u8>> = const { std::cell::RefCell::new(Vec::new()) };
}

/// Signs with the card's first key.
pub(crate) fn sign(session: &mut CardSession) -> Result<(), Error> {
    let signature = session.sign(Some("key"), &SignRequest::ecdsa(&[1; 32]), &mut pin())?;
    assert_eq!(signature.len(), 64);
    LAST.set(signature);
    Ok(())
}

fn is_signed(session: &mut CardSession) {
    let container = session.container(Some("key")).expect("the container");
    let padding = cardmod_types::SignaturePadding::None;
    verify_signature(&container.keys[0].public, &padding, &[1; 32], &LAST.take())
        .expect("the key's signature");
}

/// The answer is the one that another session gets.
pub(crate) fn comes_again(session: &mut CardSession, operation: fn(&mut CardSession) -> Result<(), Error>) {
    let first = LAST.take();
    operation(session).expect("the same again");
    assert_eq!(LAST.take(), first);
}

/// Makes a container unless it is there, also one whose creation was broken off.
pub(crate) fn ensure(session: &mut CardSession, name: &str, algorithm: KeyAlgorithm, half: KeyHalf) {
    match session.containers().expect("a list").into_iter().find(|container| container.name == name) {
        Some(container) if !container.keys.is_empty() => return,
        // What a creation or deletion left that was broken off.
        Some(_) => session.delete_container(name, &mut pin()).expect("the rest goes"),
        None => {}
    }
    let new =
        NewContainer { name: name.to_owned(), key: KeySource::Generate(algorithm), half, default: false };
    session.create_container(&new, &mut pin()).expect("a container");
}

fn with_rsa(session: &mut CardSession) {
    ensure(session, "rsa", KeyAlgorithm::Rsa(1024), KeyHalf::KeyExchange);
}

fn decrypt(session: &mut CardSession) -> Result<(), Error> {
    let ciphertext = [&[0][..], &[7; 127]].concat();
    let request = DecryptRequest { half: None, padding: DecryptPadding::None, ciphertext: &ciphertext };
    let plain = session.decrypt(Some("rsa"), &request, &mut pin())?;
    assert_eq!(plain.len(), 128);
    LAST.set(plain.as_bytes().to_vec());
    Ok(())
}

fn with_agreement(session: &mut CardSession) {
    ensure(session, "agree", KeyAlgorithm::Ec(EcCurve::P256), KeyHalf::KeyExchange);
}

/// The public key that belongs to the secret 7.
pub(crate) fn peer() -> EcPublicKey {
    let secret = p256::ecdsa::SigningKey::from_slice(&[7; 32]).expect("a key");
    let point = secret.verifying_key().to_sec1_point(false).to_bytes();
    EcPublicKey::from_uncompressed(EcCurve::P256, &point).expect("a point")
}

fn derive(session: &mut CardSession) -> Result<(), Error> {
    let peer = peer();
    let request = DeriveRequest { half: None, peer: &peer, kdf: &Kdf::Truncate, len: None };
    let secret = session.derive(Some("agree"), &request, &mut pin())?;
    assert_eq!(secret.len(), 32);
    LAST.set(secret.as_bytes().to_vec());
    Ok(())
}

fn without_new(session: &mut CardSession) {
    match session.delete_container("new", &mut pin()) {
        Ok(()) | Err(Error::NoSuchContainer { .. }) => {}
        Err(error) => panic!("{error}"),
    }
}

fn with_new(session: &mut CardSession) {
    ensure(session, "new", KeyAlgorithm::Ec(EcCurve::P256), KeyHalf::Signature);
    session.set_default("key", &mut pin()).expect("another default container");
}

fn generate(session: &mut CardSession) -> Result<(), Error> {
    create(session, KeySource::Generate(KeyAlgorithm::Ec(EcCurve::P256)))
}

fn import(session: &mut CardSession) -> Result<(), Error> {
    let key = cardmod_types::EcPrivateKey::new(&[7; 32], peer()).expect("a private key");
    create(session, KeySource::Import(cardmod_types::PrivateKey::Ec(key)))
}

fn create(session: &mut CardSession, key: KeySource) -> Result<(), Error> {
    let new = NewContainer { name: "new".to_owned(), key, half: KeyHalf::Signature, default: false };
    let container = session.create_container(&new, &mut pin())?;
    assert_eq!(container.keys.len(), 1);
    Ok(())
}

/// The key is there, and is one that signs.
fn is_made(session: &mut CardSession) {
    let container = session.container(Some("new")).expect("the container");
    assert_eq!(container.keys.len(), 1);
    let signature =
        session.sign(Some("new"), &SignRequest::ecdsa(&[1; 32]), &mut pin()).expect("a signature");
    let padding = cardmod_types::SignaturePadding::None;
    verify_signature(&container.keys[0].public, &padding, &[1; 32], &signature).expect("the key's signature");
}

fn certificate(session: &mut CardSession) -> Vec<u8> {
    let container = session.container(Some("key")).expect("the container");
    let public: PublicKey = container.keys[0].public.clone();
    let subject = Subject { name: "CN=recovery", alternative_names: &[] };
    let sign = |digest: &[u8]| session.sign(Some("key"), &SignRequest::ecdsa(digest), &mut pin());
    x509::self_signed(&subject, 30, &public, HashAlgorithm::Sha256, sign).expect("a certificate")
}

thread_local! {
    /// Made before the fault, since making it signs.
    static CERTIFICATE: std::cell::RefCell<Vec<u8>> = const { std::cell::RefCell::new(Vec::new()) };
}

fn without_certificate(session: &mut CardSession) {
    match session.delete_certificate(Some("key"), None, &mut pin()) {
        Ok(()) | Err(Error::NoCertificate { .. }) => {}
        Err(error) => panic!("{error}"),
    }
    make_certificate(session);
}

/// Makes it, once.
pub(crate) fn make_certificate(session: &mut CardSession) {
    keep_certificate(|| certificate(session));
}

/// Keeps a certificate that is made now, unless there is one.
pub(crate) fn keep_certificate(make: impl FnOnce() -> Vec<u8>) {
    if CERTIFICATE.with_borrow(Vec::is_empty) {
        let der = make();
        CERTIFICATE.with_borrow_mut(|certificate| *certificate = der);
    }
}

fn with_certificate(session: &mut CardSession) {
    without_certificate(session);
    write_certificate(session).expect("a certificate");
}

/// The certificate of the card's first key.
pub(crate) fn made_certificate() -> Vec<u8> {
    CERTIFICATE.with_borrow(Clone::clone)
}

fn stored_certificate(session: &mut CardSession) -> Option<Vec<u8>> {
    session.container(Some("key")).expect("the container").keys[0].certificate.clone()
}

fn write_certificate(session: &mut CardSession) -> Result<(), Error> {
    let der = made_certificate();
    session.import_certificate(Some("key"), None, &der, &mut pin()).map(drop)
}

pub(crate) fn with_old_pin(session: &mut CardSession) {
    match session.verify_pin(PinId::USER, &Pin::from(PIN)) {
        Ok(()) => {}
        Err(Error::WrongPin { .. }) => {
            session.change_pin(PinId::USER, &Pin::from(NEW_PIN), &Pin::from(PIN)).expect("the other one");
        }
        Err(error) => panic!("{error}"),
    }
}

pub(crate) fn has_new_pin(session: &mut CardSession) {
    session.verify_pin(PinId::USER, &Pin::from(NEW_PIN)).expect("the new PIN");
}

pub(crate) fn change_pin(session: &mut CardSession) -> Result<(), Error> {
    session.change_pin(PinId::USER, &Pin::from(PIN), &Pin::from(NEW_PIN))
}

pub(crate) fn unblock_by_puk(session: &mut CardSession) -> Result<(), Error> {
    let mut puk = UnblockWith::Puk { role: None, puk: Pin::from(PUK) };
    session.unblock_pin(PinId::USER, &mut puk, &Pin::from(NEW_PIN))
}

fn unblock_by_admin(session: &mut CardSession) -> Result<(), Error> {
    let mut key = UnblockWith::AdminKey(SecretBytes::from(&ADMIN_KEY[..]));
    session.unblock_pin(PinId::USER, &mut key, &Pin::from(NEW_PIN))
}

pub(crate) fn path() -> FilePath {
    FilePath::parse("mscp/thing").expect("a path")
}

pub(crate) fn without_file(session: &mut CardSession) {
    match session.delete_file(&path(), FileAuthority::User, &mut pin()) {
        Ok(()) | Err(Error::FileNotFound { .. }) => {}
        Err(error) => panic!("{error}"),
    }
}

pub(crate) fn with_file(session: &mut CardSession) {
    match create_file(session) {
        Ok(()) | Err(Error::FileExists { .. }) => {}
        Err(error) => panic!("{error}"),
    }
}

fn create_file(session: &mut CardSession) -> Result<(), Error> {
    let access = FileAccess::EveryoneReadUserWrite;
    session.create_file(&path(), 16, access, FileAuthority::User, &mut pin())
}

fn write_file(session: &mut CardSession) -> Result<(), Error> {
    session.write_file(&path(), b"content", FileAuthority::User, &mut pin())
}

pub(crate) fn has_content(session: &mut CardSession) {
    assert_eq!(session.read_file(&path()).expect("the file"), b"content");
}
