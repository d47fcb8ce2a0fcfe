//! What a task costs in APDUs through host and class module, column by column: discovery (PIV, which comes first
//! and is not there, then GIDS), identity and freshness, the work itself (reading, PIN, key), and taking the rights
//! away. `cargo xtask apdus` shows the same columns.

mod common;

use std::path::Path;
use std::sync::{Arc, OnceLock};

use cardmod_host::{
    CardSession, DirectoryStore, KeyAlgorithm, KeySource, NewContainer, OpenOptions, SignRequest, x509,
};
use cardmod_interop::traffic;
use cardmod_types::{EcCurve, HashAlgorithm, KeyHalf};
use cardmod_virtual::CardOptions;

/// Discovery; identity and freshness; reading, PIN, key; deauthentication.
type Columns = [usize; 6];

/// A card whose exchanges are logged.
struct Counted {
    reader: String,
    log: &'static Path,
}

/// A program of its own, as far as cards and cache are concerned.
struct Program<'a> {
    card: &'a Counted,
    session: CardSession,
    /// Where in the card's exchanges it began.
    start: usize,
}

impl Counted {
    fn new(name: &str, extended_length: bool) -> Self {
        static LOG: OnceLock<tempfile::NamedTempFile> = OnceLock::new();
        let log = LOG.get_or_init(|| {
            let file = tempfile::NamedTempFile::new().expect("a file");
            cardmod_winscard::set_apdu_log(Some(file.path())).expect("the log");
            file
        });
        let mut profile = common::profile(name);
        profile.options = CardOptions { extended_length, ..profile.options };
        Self { reader: common::card_of(name, &profile), log: log.path() }
    }

    fn lines(&self) -> Vec<String> {
        let log = std::fs::read_to_string(self.log).expect("the log");
        let own = format!(r#""reader":"{}""#, self.reader);
        log.lines().filter(|line| line.contains(&own)).map(str::to_owned).collect()
    }

    fn program(&self, cache: &Path) -> Program<'_> {
        let start = self.lines().len();
        let host = common::host().with_public_store(Arc::new(DirectoryStore::new(cache)));
        let session = host.open(&self.reader, &common::class_module(), OpenOptions::default());
        Program { card: self, session: session.expect("a session"), start }
    }

    /// What a program does that does nothing but `work`, from its start to its end.
    fn whole(&self, cache: &Path, work: impl FnOnce(&mut CardSession)) -> Columns {
        let mut program = self.program(cache);
        work(&mut program.session);
        let start = program.start;
        common::close(program.session);
        self.columns(start, 0)
    }

    /// What was sent by the program that began at `start`, without its first exchanges.
    fn columns(&self, start: usize, without: usize) -> Columns {
        let sent = traffic::parse(&self.lines()[start..].join("\n")).expect("exchanges");
        traffic::columns(&sent[without..])
    }
}

impl Program<'_> {
    /// What this work sends.
    fn step(&mut self, work: impl FnOnce(&mut CardSession)) -> Columns {
        let before = self.card.lines().len();
        work(&mut self.session);
        self.card.columns(self.start, before - self.start)
    }
}

fn make(session: &mut CardSession, name: &str, algorithm: KeyAlgorithm) {
    let key = KeySource::Generate(algorithm);
    let new = NewContainer { name: name.into(), key, half: KeyHalf::Signature, default: false };
    let made = session.create_container(&new, &mut common::pin()).expect("a container");
    let public = made.key(None).expect("its key").public.clone();
    let subject = format!("CN={name}");
    let subject = x509::Subject { name: &subject, alternative_names: &[] };
    let sign = |digest: &[u8]| session.sign(Some(name), &request(algorithm, digest), &mut common::pin());
    let certificate = x509::self_signed(&subject, 9, &public, HashAlgorithm::Sha256, sign).expect("signed");
    session.import_certificate(Some(name), None, &certificate, &mut common::pin()).expect("stored");
}

fn request(algorithm: KeyAlgorithm, digest: &[u8]) -> SignRequest<'_> {
    match algorithm {
        KeyAlgorithm::Rsa(_) => SignRequest::pkcs1(HashAlgorithm::Sha256, digest),
        _ => SignRequest::ecdsa(digest),
    }
}

fn list(certificates: usize) -> impl Fn(&mut CardSession) {
    move |session| {
        let containers = session.containers().expect("containers");
        let certified =
            |container: &&cardmod_host::Container| container.keys.iter().any(|key| key.certificate.is_some());
        assert_eq!(containers.iter().filter(certified).count(), certificates);
    }
}

fn sign(session: &mut CardSession) {
    let request = SignRequest::pkcs1(HashAlgorithm::Sha256, &[9; 32]);
    session.sign(Some("one"), &request, &mut common::pin()).expect("a signature");
}

/// A card with two RSA-2048 keys and certificates, each task by a new program without and with what an earlier
/// one remembered, then by one program again.
fn two_certificates(card: &Counted, cold_list: Columns, cold_sign: Columns, cold_key: Columns) {
    let cache = tempfile::tempdir().expect("a folder");
    let mut first = card.program(cache.path());
    for name in ["one", "two"] {
        make(&mut first.session, name, KeyAlgorithm::Rsa(2048));
    }
    common::close(first.session);

    for (task, work, cold, warm) in [
        ("list", &list(2) as &dyn Fn(&mut CardSession), cold_list, [2, 2, 0, 0, 0, 0]),
        ("sign", &sign, cold_sign, [2, 2, 0, 1, 2, 2]),
        (
            "public key",
            &|session| drop(session.key(Some("one"), None).expect("a key")),
            cold_key,
            [2, 2, 0, 0, 0, 0],
        ),
    ] {
        let cache = tempfile::tempdir().expect("a folder");
        assert_eq!(card.whole(cache.path(), work), cold, "{task}, a card never seen");
        assert_eq!(card.whole(cache.path(), work), warm, "{task}, a card seen by an earlier program");
    }

    let mut program = card.program(cache.path());
    program.step(list(2));
    program.step(sign);
    assert_eq!(program.step(list(2)), [0, 1, 0, 0, 0, 0], "in another transaction the counters");
    assert_eq!(program.step(sign), [0, 1, 0, 1, 2, 2], "and PIN, key, signature, and the end");
    let mut held = program.session.hold().expect("a transaction");
    list(2)(&mut held);
    let before = card.lines().len();
    list(2)(&mut held);
    assert_eq!(card.lines().len(), before, "in the same transaction nothing");
    sign(&mut held);
    let before = card.lines().len();
    sign(&mut held);
    assert_eq!(
        card.columns(program.start, before - program.start),
        [0, 0, 0, 0, 1, 0],
        "the signature alone"
    );
    drop(held);
    assert_eq!(card.columns(program.start, before + 1 - program.start), [0, 0, 0, 0, 0, 2], "the end");
    common::close(program.session);
}

#[test]
fn with_extended_length() {
    // Table and keymap, the certificates' file, and each public key; before the PIN, what the card says of PINs.
    let card = Counted::new("extended", true);
    two_certificates(&card, [2, 2, 4, 0, 0, 0], [2, 2, 4, 1, 2, 2], [2, 2, 3, 0, 0, 0]);
}

#[test]
fn with_short_length() {
    // The same by parts of 256 bytes; who needs the key alone does not read a certificate.
    let card = Counted::new("short", false);
    two_certificates(&card, [2, 2, 12, 0, 0, 0], [2, 2, 5, 1, 2, 2], [2, 2, 4, 0, 0, 0]);
}

#[test]
fn with_more_and_more_containers() {
    let card = Counted::new("growing", true);
    let cache = tempfile::tempdir().expect("a folder");
    let mut made = 0;
    // Up to five certificates their file is read at once. From six on the container map and one certificate
    // come alone, the second brings all the others.
    for (containers, extra) in [(1, 0), (5, 0), (6, 2), (12, 2)] {
        let mut maker = card.program(cache.path());
        for number in made..containers {
            make(&mut maker.session, &number.to_string(), KeyAlgorithm::Ec(EcCurve::P256));
        }
        made = containers;
        common::close(maker.session);
        let cold = tempfile::tempdir().expect("a folder");
        assert_eq!(
            card.whole(cold.path(), list(containers)),
            [2, 2, 2 + containers + extra, 0, 0, 0],
            "{containers} containers"
        );
    }
}
