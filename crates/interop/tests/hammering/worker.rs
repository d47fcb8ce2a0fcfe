//! A process that works on the card by the library, checks every result, and counts.

use std::process::Command;
use std::time::{Duration, Instant};

use cardmod_default::{Environment, EnvironmentOptions};
use cardmod_host::x509::{self, Subject};
use cardmod_host::{
    CardSession, Error, FileAuthority, FixedPin, KeyAlgorithm, KeySource, NewContainer, NoPin, OpenOptions,
    SignRequest, verify::verify_signature,
};
use cardmod_interop::Home;
use cardmod_types::{EcCurve, FileAccess, FilePath, HashAlgorithm, KeyHalf, Pin, PinId, PublicKey};
use serde_json::json;

/// Marks the report in a process' output.
pub(crate) const NAME: &str = "hammered: ";
/// Longest a card may be busy before that is no clean "busy" any more.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a process is to do.
pub(crate) struct Order {
    /// Begins the names of what it makes.
    pub(crate) name: String,
    pub(crate) reader: String,
    pub(crate) time: Duration,
}

impl Order {
    pub(crate) fn arguments(&self) -> [&'static str; 4] {
        ["--exact", "worker_process", "--ignored", "--nocapture"]
    }

    pub(crate) fn furnish(&self, home: &Home, command: &mut Command) {
        command
            .env("CARDMOD_HAMMER_NAME", &self.name)
            .env("CARDMOD_HAMMER_READER", &self.reader)
            .env("CARDMOD_HAMMER_MILLISECONDS", self.time.as_millis().to_string())
            .env("CARDMOD_CACHE_DIR", home.file("cache"));
    }

    pub(crate) fn from_environment() -> Self {
        let value = |name: &str| std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set"));
        let milliseconds = value("CARDMOD_HAMMER_MILLISECONDS").parse().expect("a number");
        Self {
            name: value("CARDMOD_HAMMER_NAME"),
            reader: value("CARDMOD_HAMMER_READER"),
            time: Duration::from_millis(milliseconds),
        }
    }
}

/// The work of one process, and what it has made so far.
struct Worker<'a> {
    session: CardSession,
    order: &'a Order,
    shared: Option<PublicKey>,
    key: Option<PublicKey>,
    certificate: Option<Vec<u8>>,
    round: u64,
    counts: Counts,
}

#[derive(Default)]
struct Counts {
    transactions: u64,
    signatures: u64,
    busy: u64,
    longest: Duration,
}

/// Works until the time is over; panics at the first wrong thing.
pub(crate) fn work(order: &Order) {
    let mut environment = Environment::open(EnvironmentOptions::default()).expect("an environment");
    // A kept PIN would hide a login that is lost.
    environment.host = environment.host.without_pin_cache();
    let session = environment.open_card(&order.reader, OpenOptions::default()).expect("the card");
    let (started, counts) = (Instant::now(), Counts::default());
    let mut worker = Worker { session, order, shared: None, key: None, certificate: None, round: 0, counts };
    worker.prepare();
    while started.elapsed() < order.time {
        worker.round();
        // Now and then as a program that comes anew.
        if worker.round.is_multiple_of(16) {
            let session = environment.open_card(&order.reader, OpenOptions::default());
            std::mem::replace(&mut worker.session, session.expect("the card")).close().expect("closed");
        }
    }
    worker.report();
}

impl Worker<'_> {
    /// Does one thing, again while the card is busy; any other error is the end.
    #[track_caller]
    fn done<T>(&mut self, what: &str, mut thing: impl FnMut(&mut CardSession) -> Result<T, Error>) -> T {
        let started = Instant::now();
        loop {
            match thing(&mut self.session) {
                Ok(value) => {
                    self.counts.transactions += 1;
                    self.counts.longest = self.counts.longest.max(started.elapsed());
                    return value;
                }
                Err(Error::ReaderBusy { .. }) if started.elapsed() < PATIENCE => self.counts.busy += 1,
                Err(error) => panic!("{what}, round {}: {error} ({error:?})", self.round),
            }
        }
    }

    fn name(&self) -> String {
        format!("{}-key", self.order.name)
    }

    fn prepare(&mut self) {
        let name = self.name();
        self.shared = Some(self.public("shared"));
        let new = new_container(&name);
        let made = self.done("make a container", |session| session.create_container(&new, &mut pin()));
        self.key = made.key(None).map(|key| key.public.clone());
        assert!(self.key.is_some(), "a container without its key");
    }

    fn round(&mut self) {
        self.round += 1;
        self.sign("shared");
        let name = self.name();
        self.sign(&name);
        self.list();
        self.login_holds_within_a_transaction_and_ends_with_it();
        match self.round % 4 {
            0 => self.change_certificate(),
            1 => self.make_and_delete(),
            2 => self.write_and_read(),
            _ => {
                let user = Pin::new(b"123456".to_vec());
                self.done("verify the PIN", |session| session.verify_pin(PinId::USER, &user));
                let card = self.done("describe the card", CardSession::describe);
                let tries = card.pins.iter().find(|pin| pin.id == PinId::USER).and_then(|pin| pin.tries_left);
                assert!(tries.is_none_or(|tries| tries == 5), "a try was lost: {tries:?}");
            }
        }
    }

    fn public(&mut self, name: &str) -> PublicKey {
        let container = self.done("look at a container", |session| session.container(Some(name)));
        container.key(None).expect("its key").public.clone()
    }

    fn expected(&self, name: &str) -> PublicKey {
        let key = if name == "shared" { &self.shared } else { &self.key };
        key.clone().expect("a key that is known")
    }

    fn digest(&self) -> [u8; 32] {
        let mut digest = [self.order.name.as_bytes()[0]; 32];
        digest[..8].copy_from_slice(&self.round.to_be_bytes());
        digest
    }

    fn sign(&mut self, name: &str) {
        let digest = self.digest();
        let request = SignRequest::ecdsa(&digest);
        let signature = self.done("sign", |session| session.sign(Some(name), &request, &mut pin()));
        self.check(name, &request, &signature);
    }

    fn check(&mut self, name: &str, request: &SignRequest<'_>, signature: &[u8]) {
        let verified = verify_signature(&self.expected(name), &request.padding, request.digest, signature);
        verified.unwrap_or_else(|error| panic!("a wrong signature by {name}, round {}: {error}", self.round));
        self.counts.signatures += 1;
    }

    fn list(&mut self) {
        let listed = self.done("list the containers", CardSession::containers);
        for name in ["shared".to_owned(), self.name()] {
            let container = listed.iter().find(|container| container.name == name);
            let container = container.unwrap_or_else(|| panic!("{name} is not listed, round {}", self.round));
            let key =
                container.key(None).unwrap_or_else(|| panic!("{name} has no key, round {}", self.round));
            assert_eq!(key.public, self.expected(&name), "the key of {name}");
        }
        let tmp = format!("tmp-{}", self.order.name);
        assert!(listed.iter().all(|container| !container.name.starts_with(&tmp)), "{listed:?}");
        let defaults = listed.iter().filter(|container| container.default).count();
        assert_eq!(defaults, 1, "default containers, round {}", self.round);
    }

    /// Whoever logged in stays so as long as his transaction, whatever others do; and not longer.
    fn login_holds_within_a_transaction_and_ends_with_it(&mut self) {
        let (name, digest) = (self.name(), self.digest());
        let request = SignRequest::ecdsa(&digest);
        let signatures = self.done("sign three times in a transaction", |session| {
            let mut held = session.hold()?;
            let first = held.sign(Some(&name), &request, &mut pin())?;
            let second = held.sign(Some(&name), &request, &mut NoPin)?;
            let third = held.sign(Some("shared"), &request, &mut NoPin)?;
            Ok([(name.as_str(), first), (name.as_str(), second), ("shared", third)])
        });
        for (container, signature) in &signatures {
            self.check(container, &request, signature);
        }
        let refused = self.done("sign without PIN", |session| {
            match session.sign(Some("shared"), &request, &mut NoPin) {
                Err(busy @ Error::ReaderBusy { .. }) => Err(busy),
                other => Ok(other),
            }
        });
        let refused = refused.expect_err("a signature without PIN, outside of the transaction");
        assert!(matches!(refused, Error::PinRequired { .. }), "{refused:?}");
    }

    fn change_certificate(&mut self) {
        let name = self.name();
        if let Some(expected) = self.certificate.take() {
            let container = self.done("read a certificate", |session| session.container(Some(&name)));
            let found = container.key(None).and_then(|key| key.certificate.clone());
            assert_eq!(found, Some(expected), "the certificate of {name}, round {}", self.round);
        }
        let key = self.expected(&name);
        let subject = format!("CN={name}-{}", self.round);
        let der = self.done("make and import a certificate", |session| {
            let sign = |digest: &[u8]| session.sign(Some(&name), &SignRequest::ecdsa(digest), &mut pin());
            let holder = Subject { name: &subject, alternative_names: &[] };
            let der = x509::self_signed(&holder, 9, &key, HashAlgorithm::Sha256, sign)?;
            session.import_certificate(Some(&name), Some(KeyHalf::Signature), &der, &mut pin())?;
            Ok(der)
        });
        self.certificate = Some(der);
    }

    fn make_and_delete(&mut self) {
        let name = format!("tmp-{}{}", self.order.name, self.round);
        let new = new_container(&name);
        let made = self.done("make a container", |session| session.create_container(&new, &mut pin()));
        let public = made.key(None).expect("its key").public.clone();
        assert_eq!(self.public(&name), public, "the key of {name}");
        self.done("delete a container", |session| session.delete_container(&name, &mut pin()));
        let gone = self.done("look for a container", |session| match session.container(Some(&name)) {
            Err(busy @ Error::ReaderBusy { .. }) => Err(busy),
            other => Ok(other.map(drop)),
        });
        assert!(matches!(gone, Err(Error::NoSuchContainer { .. })), "{gone:?}");
    }

    fn write_and_read(&mut self) {
        let path: FilePath = FilePath::parse(&format!("mscp/{}file", self.order.name)).expect("a path");
        let content = vec![self.round as u8; 700];
        let size = u32::try_from(content.len()).expect("small");
        self.done("write a file", |session| {
            match session.file_info(&path) {
                Err(Error::FileNotFound { .. }) => {
                    let access = FileAccess::EveryoneReadUserWrite;
                    session.create_file(&path, size, access, FileAuthority::User, &mut pin())?;
                }
                other => drop(other?),
            }
            session.write_file(&path, &content, FileAuthority::User, &mut pin())
        });
        let read = self.done("read a file", |session| session.read_file(&path));
        assert_eq!(read, content, "round {}", self.round);
    }

    #[allow(clippy::print_stdout, reason = "its output is a pipe to the test")]
    fn report(mut self) {
        self.list();
        let Counts { transactions, signatures, busy, longest } = self.counts;
        self.session.close().expect("closed");
        let report = json!({"name": self.order.name, "rounds": self.round, "transactions": transactions,
            "signatures": signatures, "busy": busy, "longest_ms": longest.as_millis() as u64});
        println!("{NAME}{report}");
    }
}

fn pin() -> FixedPin {
    FixedPin::new(Pin::new(b"123456".to_vec()))
}

fn new_container(name: &str) -> NewContainer {
    let key = KeySource::Generate(KeyAlgorithm::Ec(EcCurve::P256));
    NewContainer { name: name.to_owned(), key, half: KeyHalf::Signature, default: false }
}
