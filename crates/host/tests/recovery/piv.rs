//! The operations of PIV cards: no counters tell of a change, the card is known by its CHUID alone, and who
//! has proved the management key owes a reset. Everything happens at every command here too.

use cardmod_host::types::{EcCurve, KeyHalf, Pin, PinId};
use cardmod_host::verify::verify_signature;
use cardmod_host::x509::{self, Subject};
use cardmod_host::{
    CardSession, Container, DecryptRequest, Error, KeyAlgorithm, KeySource, NewContainer, SignRequest,
};
use cardmod_types::{DecryptPadding, HashAlgorithm, SignaturePadding};

use crate::common::{PIN, pin};
use crate::operations::{self, Operation};

/// The place of new keys.
const NEW: &str = "82";

/// The keys that every card has.
pub(crate) fn enrol(session: &mut CardSession) {
    for place in ["9a", "9c"] {
        make(session, place, KeyAlgorithm::Ec(EcCurve::P256), KeyHalf::Signature).expect("a key");
    }
}

/// Of a card that nothing is known of: a list of what is remembered takes no command.
pub(crate) const LIST: Operation = Operation {
    cold: true,
    ..Operation::new("pivlist", |session| {
        let listed = session.containers()?;
        assert!(
            ["9a", "9c"].into_iter().all(|place| listed.iter().any(|one| is_in(one, place))),
            "{listed:?}"
        );
        Ok(())
    })
    .on_piv()
};
pub(crate) const SIGN: Operation =
    Operation::new("piv9a", sign).leaving(|session| is_signed(session, "9a")).on_piv();
pub(crate) const COLD_SIGN: Operation = Operation { name: "pivcold9a", cold: true, ..SIGN };
pub(crate) const SIGN_ALWAYS: Operation = Operation::new("piv9c", |session| sign_in(session, "9c"))
    .leaving(|session| is_signed(session, "9c"))
    .on_piv();
pub(crate) const DECRYPT: Operation = Operation::new("pivdecrypt", decrypt)
    .after(|session| {
        if !has(session, "9d") {
            make(session, "9d", KeyAlgorithm::Rsa(1024), KeyHalf::KeyExchange).expect("a key");
        }
    })
    .leaving(|session| operations::comes_again(session, decrypt))
    .on_piv();
pub(crate) const GENERATE: Operation = Operation::new("pivgenerate", |session| {
    make(session, NEW, KeyAlgorithm::Ec(EcCurve::P256), KeyHalf::Signature)
})
.after(without_new)
.leaving(is_made)
.once()
.on_piv();
pub(crate) const IMPORT: Operation = Operation::new("pivimport", |session| {
    let key = cardmod_types::EcPrivateKey::new(&[7; 32], operations::peer()).expect("a private key");
    create(session, NEW, KeySource::Import(cardmod_types::PrivateKey::Ec(key)), KeyHalf::Signature)
})
.after(without_new)
.leaving(is_made)
.once()
.on_piv();
pub(crate) const DELETE: Operation =
    Operation::new("pivdelete", |session| session.delete_container(NEW, &mut pin()))
        .after(|session| {
            if !has(session, NEW) {
                // A deletion that was broken off leaves a container without its key.
                without_new(session);
                make(session, NEW, KeyAlgorithm::Ec(EcCurve::P256), KeyHalf::Signature).expect("a key");
            }
        })
        .leaving(|session| assert!(!has(session, NEW)))
        .once()
        .on_piv();
pub(crate) const WRITE_CERTIFICATE: Operation = Operation::new("pivcertwrite", write_certificate)
    .after(without_certificate)
    .leaving(|session| assert_eq!(stored(session), Some(operations::made_certificate())))
    .on_piv();
pub(crate) const DELETE_CERTIFICATE: Operation =
    Operation::new("pivcertdelete", |session| session.delete_certificate(Some("9a"), None, &mut pin()))
        .after(|session| {
            without_certificate(session);
            write_certificate(session).expect("a certificate");
        })
        .leaving(|session| assert_eq!(stored(session), None))
        .once()
        .on_piv();
pub(crate) const VERIFY_PIN: Operation =
    Operation::new("pivverify", |session| session.verify_pin(PinId::USER, &Pin::from(PIN))).on_piv();
pub(crate) const CHANGE_PIN: Operation = Operation::new("pivchange", operations::change_pin)
    .after(operations::with_old_pin)
    .leaving(operations::has_new_pin)
    .once()
    .on_piv();
pub(crate) const UNBLOCK: Operation = Operation::new("pivpuk", operations::unblock_by_puk)
    .after(operations::with_old_pin)
    .leaving(operations::has_new_pin)
    .once()
    .on_piv();

fn is_in(container: &Container, place: &str) -> bool {
    container.place.as_deref() == Some(place) && !container.keys.is_empty()
}

fn has(session: &mut CardSession, place: &str) -> bool {
    session.containers().expect("a list").iter().any(|container| is_in(container, place))
}

fn make(session: &mut CardSession, place: &str, algorithm: KeyAlgorithm, half: KeyHalf) -> Result<(), Error> {
    create(session, place, KeySource::Generate(algorithm), half)
}

fn create(session: &mut CardSession, place: &str, key: KeySource, half: KeyHalf) -> Result<(), Error> {
    let new = NewContainer { name: place.to_owned(), key, half, default: false };
    let container = session.create_container(&new, &mut pin())?;
    assert!(is_in(&container, place), "{container:?}");
    Ok(())
}

/// Signs with the key in 9a.
pub(crate) fn sign(session: &mut CardSession) -> Result<(), Error> {
    sign_in(session, "9a")
}

fn sign_in(session: &mut CardSession, place: &str) -> Result<(), Error> {
    operations::LAST.set(session.sign(Some(place), &SignRequest::ecdsa(&[1; 32]), &mut pin())?);
    Ok(())
}

fn is_signed(session: &mut CardSession, place: &str) {
    let container = session.container(Some(place)).expect("the container");
    let signature = operations::LAST.take();
    verify_signature(&container.keys[0].public, &SignaturePadding::None, &[1; 32], &signature)
        .expect("the key's signature");
}

fn decrypt(session: &mut CardSession) -> Result<(), Error> {
    let ciphertext = [&[0][..], &[7; 127]].concat();
    let request = DecryptRequest { half: None, padding: DecryptPadding::None, ciphertext: &ciphertext };
    let plain = session.decrypt(Some("9d"), &request, &mut pin())?;
    assert_eq!(plain.len(), 128);
    operations::LAST.set(plain.as_bytes().to_vec());
    Ok(())
}

fn without_new(session: &mut CardSession) {
    match session.delete_container(NEW, &mut pin()) {
        Ok(()) | Err(Error::NoSuchContainer { .. }) => {}
        Err(error) => panic!("{error}"),
    }
}

fn is_made(session: &mut CardSession) {
    sign_in(session, NEW).expect("a signature");
    is_signed(session, NEW);
}

fn stored(session: &mut CardSession) -> Option<Vec<u8>> {
    session.container(Some("9a")).expect("the container").keys[0].certificate.clone()
}

fn without_certificate(session: &mut CardSession) {
    match session.delete_certificate(Some("9a"), None, &mut pin()) {
        Ok(()) | Err(Error::NoCertificate { .. }) => {}
        Err(error) => panic!("{error}"),
    }
    operations::keep_certificate(|| {
        let public = session.container(Some("9a")).expect("the container").keys[0].public.clone();
        let sign = |digest: &[u8]| session.sign(Some("9a"), &SignRequest::ecdsa(digest), &mut pin());
        let subject = Subject { name: "CN=recovery", alternative_names: &[] };
        x509::self_signed(&subject, 30, &public, HashAlgorithm::Sha256, sign).expect("a certificate")
    });
}

fn write_certificate(session: &mut CardSession) -> Result<(), Error> {
    session.import_certificate(Some("9a"), None, &operations::made_certificate(), &mut pin()).map(drop)
}
