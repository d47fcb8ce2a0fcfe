//! Certificates and descriptions, on a virtual GIDS card.

mod common;

use cardmod_host::x509::{self, Subject};
use cardmod_host::{
    CardSession, Error, Host, KeyAlgorithm, KeySource, NewContainer, NoPin, OpenOptions, SignRequest, verify,
};
use cardmod_types::{CardId, EcCurve, FilePath, HashAlgorithm, KeyHalf, PinId, PublicKey, SignaturePadding};

fn with_key(name: &str, algorithm: KeyAlgorithm) -> (CardSession, PublicKey) {
    let mut session = common::session(name);
    let public = add_key(&mut session, "key", algorithm);
    (session, public)
}

fn add_key(session: &mut CardSession, name: &str, algorithm: KeyAlgorithm) -> PublicKey {
    let key = KeySource::Generate(algorithm);
    let new = NewContainer { name: name.to_owned(), key, half: KeyHalf::Signature, default: false };
    let container = session.create_container(&new, &mut common::pin()).expect("a container");
    container.key(None).expect("its key").public.clone()
}

/// Signs a certificate's hash with the card's key.
fn signer<'a>(
    session: &'a mut CardSession,
    public: &PublicKey,
    hash: HashAlgorithm,
) -> impl FnOnce(&[u8]) -> Result<Vec<u8>, Error> + use<'a> {
    let padding = match public {
        PublicKey::Rsa(_) => SignaturePadding::Pkcs1 { hash: Some(hash) },
        PublicKey::Ec(_) => SignaturePadding::None,
    };
    move |digest| session.sign(Some("key"), &SignRequest { half: None, padding, digest }, &mut common::pin())
}

fn self_signed(session: &mut CardSession, public: &PublicKey, hash: HashAlgorithm) -> Vec<u8> {
    let names = ["web.example".to_owned(), "who@web.example".to_owned()];
    let subject = Subject { name: "CN=web,O=Example", alternative_names: &names };
    x509::self_signed(&subject, 30, public, hash, signer(session, public, hash)).expect("a certificate")
}

/// What openssl says, if there is one: an opinion from outside.
fn openssl(arguments: &[&str], input: &[u8]) -> Option<String> {
    use std::io::Write as _;
    use std::process::{Command, Stdio};
    let mut child = Command::new("openssl")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .ok()?;
    child.stdin.take()?.write_all(input).ok()?;
    let output = child.wait_with_output().ok()?;
    let text =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    Some(text)
}

#[test]
fn certificates_are_made_written_read_and_deleted() {
    let kinds = [
        ("certrsa", KeyAlgorithm::Rsa(2048), HashAlgorithm::Sha256),
        ("certp256", KeyAlgorithm::Ec(EcCurve::P256), HashAlgorithm::Sha256),
        ("certp384", KeyAlgorithm::Ec(EcCurve::P384), HashAlgorithm::Sha384),
        ("certp521", KeyAlgorithm::Ec(EcCurve::P521), HashAlgorithm::Sha512),
    ];
    for (name, algorithm, hash) in kinds {
        let (mut session, public) = with_key(name, algorithm);
        let der = self_signed(&mut session, &public, hash);
        let summary = x509::summary(&der).expect("a certificate");
        assert_eq!((summary.subject.as_str(), &summary.subject), ("CN=web,O=Example", &summary.issuer));
        assert_eq!(summary.public, public);
        assert_eq!(summary.serial.len(), 32);
        assert_eq!(summary.serial, summary.serial.to_lowercase());
        let pem = x509::to_pem("CERTIFICATE", &der).expect("PEM");
        assert_eq!(x509::parse(pem.as_bytes()).expect("the same"), der);
        if let Some(text) = openssl(&["x509", "-noout", "-text"], pem.as_bytes()) {
            assert!(text.contains("DNS:web.example") && text.contains("email:who@web.example"), "{text}");
        }
        let half = session.import_certificate(Some("key"), None, &der, &mut common::pin()).expect("written");
        assert_eq!(half, KeyHalf::Signature);
        let read = session.container(Some("key")).expect("the container").keys[0].certificate.clone();
        assert_eq!(read.as_deref(), Some(der.as_slice()), "compressed on the card, the same when read");
        let file = session.read_file(&FilePath::certificate(half, cardmod_types::ContainerIndex::new(0)));
        assert!(cardmod_types::certificate::is_compressed(&file.expect("the file")));
        session.import_certificate(None, Some(half), &der, &mut common::pin()).expect("replaced");
        session.delete_certificate(None, None, &mut common::pin()).expect("deleted");
        let none = session.delete_certificate(None, None, &mut common::pin());
        assert!(matches!(none, Err(Error::NoCertificate { .. })), "{none:?}");
        session.import_certificate(Some("key"), None, &der, &mut common::pin()).expect("written again");
        session.delete_container("key", &mut common::pin()).expect("deleted");
        let gone = session.read_file(&FilePath::certificate(half, cardmod_types::ContainerIndex::new(0)));
        assert!(matches!(gone, Err(Error::FileNotFound { .. })), "the certificate goes with its container");
        common::close(session);
    }
}

#[test]
fn requests_are_signed_by_the_key() {
    let (mut session, public) = with_key("request", KeyAlgorithm::Ec(EcCurve::P384));
    let hash = HashAlgorithm::Sha384;
    let subject = Subject { name: "CN=web,O=Example,C=DE", alternative_names: &["IP:192.0.2.1".to_owned()] };
    let der = x509::certificate_request(&subject, &public, hash, signer(&mut session, &public, hash))
        .expect("a request");
    use der::{Decode as _, Encode as _};
    let request = x509_cert::request::CertReq::from_der(&der).expect("a request");
    assert_eq!(request.info.subject.to_string(), subject.name);
    let digest = hash.digest(&request.info.to_der().expect("its body")).expect("a hash");
    let raw = x509::ecdsa_from_der(request.signature.raw_bytes(), EcCurve::P384).expect("a signature");
    verify::verify_signature(&public, &SignaturePadding::None, &digest, &raw).expect("the key's signature");
    let pem = x509::to_pem("CERTIFICATE REQUEST", &der).expect("PEM");
    if let Some(text) = openssl(&["req", "-noout", "-verify"], pem.as_bytes()) {
        assert!(text.contains("verify OK"), "{text}");
    }
    let sha1 =
        x509::certificate_request(&subject, &public, HashAlgorithm::Sha1, |_| panic!("nothing is signed"));
    assert!(matches!(sha1, Err(Error::BadInput { .. })), "{sha1:?}");
    common::close(session);
}

#[test]
fn certificates_that_do_not_fit_are_refused() {
    let (mut session, public) = with_key("misfit", KeyAlgorithm::Ec(EcCurve::P256));
    let der = self_signed(&mut session, &public, HashAlgorithm::Sha256);
    add_key(&mut session, "other", KeyAlgorithm::Ec(EcCurve::P256));
    // No PIN is asked for: each of these is refused earlier.
    let mut import = |name, half, der: &[u8]| {
        session.import_certificate(Some(name), half, der, &mut NoPin).expect_err("refused")
    };
    assert!(matches!(import("other", None, &der), Error::CertificateMismatch { .. }));
    assert!(matches!(import("key", Some(KeyHalf::KeyExchange), &der), Error::NoSuchKey { .. }));
    assert!(matches!(import("nobody", None, &der), Error::NoSuchContainer { .. }));
    assert!(matches!(import("key", None, &der[..der.len() - 1]), Error::BadCertificate { .. }));
    assert!(matches!(import("key", None, b"no certificate"), Error::BadCertificate { .. }));
    assert!(matches!(import("key", None, &[]), Error::BadCertificate { .. }));
    let huge = vec![0x30; 65_536];
    assert!(matches!(
        import("key", None, &huge),
        Error::CertificateTooLarge { length: 65_536, limit: 65_535 }
    ));
    common::close(session);
}

#[test]
fn a_certificate_without_room_leaves_nothing() {
    let mut profile = common::profile("tight");
    profile.options.capacity = 4096;
    let mut session = common::open(&common::card_of("tight", &profile));
    let public = add_key(&mut session, "key", KeyAlgorithm::Ec(EcCurve::P256));
    // Names that do not compress make a certificate larger than the card.
    let names: Vec<_> = (0_u32..400)
        .map(|n| {
            format!(
                "{:08x}{:08x}.example",
                n.wrapping_mul(0x9E37_79B9),
                n.wrapping_mul(0x85EB_CA6B) ^ 0x5bd1_e995
            )
        })
        .collect();
    let subject = Subject { name: "CN=web", alternative_names: &names };
    let hash = HashAlgorithm::Sha256;
    let der = x509::self_signed(&subject, 30, &public, hash, signer(&mut session, &public, hash))
        .expect("a certificate");
    assert!(der.len() > 8192);
    let full = session.import_certificate(Some("key"), None, &der, &mut common::pin());
    assert!(matches!(full, Err(Error::CardFull { .. })), "{full:?}");
    let container = session.container(Some("key")).expect("the container");
    assert_eq!((container.keys[0].certificate.as_deref(), container.problem), (None, None));
    common::close(session);
}

#[test]
fn a_damaged_certificate_is_said_and_can_be_deleted() {
    let (mut session, public) = with_key("damaged", KeyAlgorithm::Ec(EcCurve::P256));
    let der = self_signed(&mut session, &public, HashAlgorithm::Sha256);
    session.import_certificate(Some("key"), None, &der, &mut common::pin()).expect("written");
    let path = FilePath::certificate(KeyHalf::Signature, cardmod_types::ContainerIndex::new(0));
    let user = cardmod_host::FileAuthority::User;
    session.write_file(&path, &[1, 0, 0xFF, 0xFF, 0x78], user, &mut common::pin()).expect("overwritten");
    let listed = session.containers().expect("the list");
    assert!(listed[0].problem.as_deref().is_some_and(|what| what.contains("mscp/ksc00")), "{listed:?}");
    assert_eq!(listed[0].keys.len(), 1, "the key is still there");
    session.delete_certificate(Some("key"), None, &mut common::pin()).expect("deleted");
    assert_eq!(session.containers().expect("the list")[0].problem, None);
    common::close(session);
}

#[test]
fn a_card_describes_itself() {
    let mut session = common::session("described");
    let card = session.describe().expect("a description");
    assert_eq!(card.reader, "Cardmod Virtual Reader (described) 00 00");
    assert_eq!(card.interface_version, 7);
    let profile = common::profile("described");
    assert_eq!(card.card_id, Some(CardId(*profile.card_id.as_bytes())));
    assert!(card.cardcf.is_some() && !card.read_only && !card.atr.is_empty());
    assert!(card.capabilities.is_some_and(|can| can.key_generation));
    assert!(card.key_sizes.len() >= 8, "RSA and three curves, for both halves: {:?}", card.key_sizes);
    let roles: Vec<_> = card.pins.iter().map(|pin| pin.id).collect();
    assert!(roles.contains(&PinId::USER) && roles.contains(&PinId::ADMIN));
    common::close(session);
}

#[test]
fn every_version_of_the_interface_works() {
    let reader = common::card_of("versions", &common::profile("versions"));
    for version in 4..=7 {
        let options = OpenOptions { max_version: version, ..OpenOptions::default() };
        let mut session = common::host().open(&reader, &common::class_module(), options).expect("a session");
        assert_eq!(session.interface_version(), version);
        let name = format!("version{version}");
        let key = KeySource::Generate(KeyAlgorithm::Rsa(1024));
        let new = NewContainer { name: name.clone(), key, half: KeyHalf::KeyExchange, default: false };
        let container = session.create_container(&new, &mut common::pin()).expect("a container");
        let digest = [3; 32];
        let request = SignRequest::pkcs1(HashAlgorithm::Sha256, &digest);
        let signature = session.sign(Some(&name), &request, &mut common::pin()).expect("a signature");
        let public = &container.key(None).expect("its key").public;
        verify::verify_signature(public, &request.padding, &digest, &signature).expect("a right signature");
        session.change_pin(PinId::USER, &common::PIN.into(), &"other1".into()).expect("changed");
        session.change_pin(PinId::USER, &"other1".into(), &common::PIN.into()).expect("changed back");
        session.describe().expect("a description");
        common::close(session);
    }
}

#[test]
fn readers_are_listed_and_missing_ones_refused() {
    let reader = common::card_of("listed", &common::profile("listed"));
    let host: Host = common::host();
    let readers = host.readers().expect("the readers");
    let found = readers.iter().find(|found| found.name == reader).expect("the card's reader");
    assert!(found.present && !found.exclusive && !found.atr.is_empty());
    let missing = host.open("No Such Reader", &common::class_module(), OpenOptions::default());
    assert!(matches!(missing.map(drop), Err(Error::UnknownReader { .. })));
}
