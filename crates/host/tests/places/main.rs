//! Cards whose keys have places and that have no counters, through a card module made for this, whose record
//! says what reached the card: places, the management key, hints, and PINs for one use.

#[path = "../common/mod.rs"]
mod common;

mod card;
mod hints;
mod pins;
mod stale;
mod writing;

use std::path::Path;
use std::sync::{Arc, Mutex};

use cardmod_host::{
    CardSession, Container, DirectoryStore, FixedPin, KeyAlgorithm, KeySource, ManagementAlgorithm,
    ManagementKey, ModuleSource, NewContainer, OpenOptions, SignRequest, verify, x509,
};
use cardmod_types::{EcCurve, HashAlgorithm, KeyHalf, Pin, PublicKey, SecretBytes, SignaturePadding};

use card::State;

const P256: KeyAlgorithm = KeyAlgorithm::Ec(EcCurve::P256);

/// One card in its reader, and a place where programs remember what they saw of it.
struct Desk {
    name: String,
    reader: String,
    card: Arc<Mutex<State>>,
    cache: tempfile::TempDir,
}

impl Desk {
    fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            reader: common::card_of(name, &common::profile(name)),
            card: card::state(name),
            cache: tempfile::tempdir().expect("a folder"),
        }
    }

    /// A desk whose card has a key with a certificate in 9a and a key in 9d.
    fn with_keys(name: &str) -> Self {
        let desk = Self::new(name);
        desk.change(|card| {
            card.put(0, 1, Some(certificate(1, "one")));
            card.put(2, 2, None);
        });
        desk
    }

    /// A program of its own.
    fn open(&self) -> CardSession {
        self.open_with(OpenOptions::default())
    }

    /// A program that may write.
    fn open_to_write(&self) -> CardSession {
        self.open_with(OpenOptions { management_key: Some(management_key()), ..OpenOptions::default() })
    }

    fn open_with(&self, options: OpenOptions) -> CardSession {
        self.open_over(self.cache.path(), options)
    }

    fn open_over(&self, cache: &Path, options: OpenOptions) -> CardSession {
        let source = ModuleSource::BuiltIn { entry: cardmod_sdk::acquire::<card::Module>, name: "places" };
        let options = OpenOptions { card_name: self.name.clone(), ..options };
        let host = common::host().with_public_store(Arc::new(DirectoryStore::new(cache)));
        host.open(&self.reader, &source, options).expect("a session")
    }

    /// What reached the card since the last look.
    fn done(&self) -> Vec<String> {
        self.card.lock().expect("the card").done()
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.card.lock().expect("the card"));
    }
}

fn management_key() -> ManagementKey {
    let key = SecretBytes::from(&card::MANAGEMENT_KEY[..]);
    ManagementKey::new(Some(ManagementAlgorithm::TripleDes), key).expect("a key")
}

fn pin() -> FixedPin {
    FixedPin::new(Pin::from(card::PIN))
}

fn new(name: &str) -> NewContainer {
    NewContainer {
        name: name.to_owned(),
        key: KeySource::Generate(P256),
        half: KeyHalf::Signature,
        default: false,
    }
}

/// A certificate for the key of this seed, signed by it.
fn certificate(seed: u8, subject: &str) -> Vec<u8> {
    use p256::ecdsa::signature::hazmat::PrehashSigner as _;
    let sign = |digest: &[u8]| {
        let signature: p256::ecdsa::Signature =
            card::signing_key(seed).sign_prehash(digest).expect("a signature");
        Ok(signature.to_bytes().to_vec())
    };
    let name = format!("CN={subject}");
    let subject = x509::Subject { name: &name, alternative_names: &[] };
    x509::self_signed(&subject, 9, &card::public(seed), HashAlgorithm::Sha256, sign).expect("a certificate")
}

fn sign(session: &mut CardSession, name: &str) -> Vec<u8> {
    session.sign(Some(name), &SignRequest::ecdsa(&[9; 32]), &mut pin()).expect("a signature")
}

fn is_signed_by(signature: &[u8], key: &PublicKey) -> bool {
    verify::verify_signature(key, &SignaturePadding::None, &[9; 32], signature).is_ok()
}

/// Name, place and whether it is only remembered, of each container.
fn shown(containers: &[Container]) -> Vec<(&str, &str, bool)> {
    containers
        .iter()
        .map(|container| {
            (container.name.as_str(), container.place.as_deref().unwrap_or("-"), container.cached)
        })
        .collect()
}

/// The certificate of a container's only key.
fn certificate_of(container: &Container) -> Option<Vec<u8>> {
    container.keys.first().and_then(|key| key.certificate.clone())
}

#[test]
fn the_fake_signs_as_its_public_keys_say() {
    let desk = Desk::with_keys("fake");
    let mut session = desk.open();
    assert!(is_signed_by(&sign(&mut session, "9a"), &card::public(1)));
    common::close(session);
}
