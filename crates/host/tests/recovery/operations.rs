//! The operations of a session, each with the state it starts from.

use cardmod_host::types::{
    EcCurve, EcPublicKey, FileAccess, FilePath, KeyHalf, Pin, PinId, SecretBytes, kdf::Kdf,
};
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
    /// It may be begun again after it changed something, since the same comes of it.
    pub(crate) repeatable: bool,
    /// The session knows nothing of its card before.
    pub(crate) cold: bool,
}

impl Operation {
    const fn new(name: &'static str, run: fn(&mut CardSession) -> Result<(), Error>) -> Self {
        Self { name, prepare: |_| {}, run, repeatable: true, cold: false }
    }

    const fn after(self, prepare: fn(&mut CardSession)) -> Self {
        Self { prepare, ..self }
    }

    const fn once(self) -> Self {
        Self { repeatable: false, ..self }
    }

    const fn cold(self) -> Self {
        Self { cold: true, ..self }
    }
}

pub(crate) const LIST: Operation = Operation::new("list", |session| session.containers().map(drop));
pub(crate) const DESCRIBE: Operation = Operation::new("describe", |session| session.describe().map(drop));
pub(crate) const READ_FILE: Operation =
    Operation::new("read", |session| session.read_file(&FilePath::cmapfile()).map(drop));
pub(crate) const SIGN: Operation = Operation::new("sign", sign);
pub(crate) const COLD_SIGN: Operation = Operation::new("coldsign", sign).cold();
pub(crate) const DECRYPT: Operation = Operation::new("decrypt", decrypt).after(with_rsa);
pub(crate) const DERIVE: Operation = Operation::new("derive", derive).after(with_agreement);
pub(crate) const GENERATE: Operation = Operation::new("generate", generate).after(without_new).once();
pub(crate) const IMPORT: Operation = Operation::new("import", import).after(without_new).once();
pub(crate) const DELETE: Operation =
    Operation::new("delete", |session| session.delete_container("new", &mut pin())).after(with_new).once();
pub(crate) const SET_DEFAULT: Operation =
    Operation::new("default", |session| session.set_default("new", &mut pin())).after(with_new);
pub(crate) const WRITE_CERTIFICATE: Operation =
    Operation::new("certwrite", write_certificate).after(without_certificate);
pub(crate) const DELETE_CERTIFICATE: Operation =
    Operation::new("certdelete", |session| session.delete_certificate(Some("key"), None, &mut pin()))
        .after(with_certificate)
        .once();
pub(crate) const VERIFY_PIN: Operation =
    Operation::new("verify", |session| session.verify_pin(PinId::USER, &Pin::from(PIN)));
pub(crate) const CHANGE_PIN: Operation = Operation::new("change", change_pin).after(with_old_pin).once();
pub(crate) const UNBLOCK_BY_PUK: Operation = Operation::new("puk", unblock_by_puk).after(with_old_pin).once();
pub(crate) const UNBLOCK_BY_ADMIN: Operation =
    Operation::new("adminunblock", unblock_by_admin).after(with_old_pin).once();
pub(crate) const ADMIN: Operation = Operation::new("admin", |session| {
    session.admin_authenticate(&mut AdminAuthority::Key(SecretBytes::from(&ADMIN_KEY[..])))
});
pub(crate) const CREATE_FILE: Operation =
    Operation::new("filecreate", create_file).after(without_file).once();
pub(crate) const WRITE_FILE: Operation = Operation::new("filewrite", write_file).after(with_file);
pub(crate) const DELETE_FILE: Operation =
    Operation::new("filedelete", |session| session.delete_file(&path(), FileAuthority::User, &mut pin()))
        .after(with_file)
        .once();

/// Signs with the card's first key.
pub(crate) fn sign(session: &mut CardSession) -> Result<(), Error> {
    let signature = session.sign(Some("key"), &SignRequest::ecdsa(&[1; 32]), &mut pin())?;
    assert_eq!(signature.len(), 64);
    Ok(())
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
    Ok(())
}

fn with_agreement(session: &mut CardSession) {
    ensure(session, "agree", KeyAlgorithm::Ec(EcCurve::P256), KeyHalf::KeyExchange);
}

/// The public key that belongs to the secret 7.
fn peer() -> EcPublicKey {
    let secret = p256::ecdsa::SigningKey::from_slice(&[7; 32]).expect("a key");
    let point = secret.verifying_key().to_sec1_point(false).to_bytes();
    EcPublicKey::from_uncompressed(EcCurve::P256, &point).expect("a point")
}

fn derive(session: &mut CardSession) -> Result<(), Error> {
    let peer = peer();
    let request = DeriveRequest { half: None, peer: &peer, kdf: &Kdf::Truncate, len: None };
    let secret = session.derive(Some("agree"), &request, &mut pin())?;
    assert_eq!(secret.len(), 32);
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
    if CERTIFICATE.with_borrow(Vec::is_empty) {
        let der = certificate(session);
        CERTIFICATE.with_borrow_mut(|certificate| *certificate = der);
    }
}

fn with_certificate(session: &mut CardSession) {
    without_certificate(session);
    write_certificate(session).expect("a certificate");
}

fn write_certificate(session: &mut CardSession) -> Result<(), Error> {
    let der = CERTIFICATE.with_borrow(Clone::clone);
    session.import_certificate(Some("key"), None, &der, &mut pin()).map(drop)
}

fn with_old_pin(session: &mut CardSession) {
    match session.verify_pin(PinId::USER, &Pin::from(PIN)) {
        Ok(()) => {}
        Err(Error::WrongPin { .. }) => {
            session.change_pin(PinId::USER, &Pin::from(NEW_PIN), &Pin::from(PIN)).expect("the other one");
        }
        Err(error) => panic!("{error}"),
    }
}

fn change_pin(session: &mut CardSession) -> Result<(), Error> {
    session.change_pin(PinId::USER, &Pin::from(PIN), &Pin::from(NEW_PIN))
}

fn unblock_by_puk(session: &mut CardSession) -> Result<(), Error> {
    let mut puk = UnblockWith::Puk { role: None, puk: Pin::from(PUK) };
    session.unblock_pin(PinId::USER, &mut puk, &Pin::from(NEW_PIN))
}

fn unblock_by_admin(session: &mut CardSession) -> Result<(), Error> {
    let mut key = UnblockWith::AdminKey(SecretBytes::from(&ADMIN_KEY[..]));
    session.unblock_pin(PinId::USER, &mut key, &Pin::from(NEW_PIN))
}

fn path() -> FilePath {
    FilePath::parse("mscp/thing").expect("a path")
}

fn without_file(session: &mut CardSession) {
    match session.delete_file(&path(), FileAuthority::User, &mut pin()) {
        Ok(()) | Err(Error::FileNotFound { .. }) => {}
        Err(error) => panic!("{error}"),
    }
}

fn with_file(session: &mut CardSession) {
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
