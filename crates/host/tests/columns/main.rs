//! What a task costs in APDUs through host and class module, column by column: discovery, identity and freshness,
//! the work itself (reading, PIN, key), and taking the rights away. `cargo xtask apdus` shows the same columns.

#[path = "../common/mod.rs"]
mod common;

mod gids;
mod order;
mod piv;

use std::path::Path;
use std::sync::{Arc, OnceLock};

use cardmod_host::{CardSession, DirectoryStore, KeyAlgorithm, ManagementKey, OpenOptions, SignRequest};
use cardmod_interop::traffic;
use cardmod_types::HashAlgorithm;
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
    /// The GIDS card, new.
    fn gids(name: &str, extended_length: bool) -> Self {
        let mut profile = common::profile(name);
        profile.options = CardOptions { extended_length, ..profile.options };
        Self::of(|| common::card_of(name, &profile))
    }

    /// The card that `make` makes, once the exchanges are logged.
    fn of(make: impl FnOnce() -> String) -> Self {
        static LOG: OnceLock<tempfile::NamedTempFile> = OnceLock::new();
        let log = LOG.get_or_init(|| {
            let file = tempfile::NamedTempFile::new().expect("a file");
            cardmod_winscard::set_apdu_log(Some(file.path())).expect("the log");
            file
        });
        Self { reader: make(), log: log.path() }
    }

    fn lines(&self) -> Vec<String> {
        let log = std::fs::read_to_string(self.log).expect("the log");
        let own = format!(r#""reader":"{}""#, self.reader);
        log.lines().filter(|line| line.contains(&own)).map(str::to_owned).collect()
    }

    fn program(&self, cache: &Path) -> Program<'_> {
        self.program_with(cache, OpenOptions::default())
    }

    /// A program that has the management key of fresh PIV cards.
    fn writer(&self, cache: &Path) -> Program<'_> {
        let management_key = Some(ManagementKey::well_known());
        self.program_with(cache, OpenOptions { management_key, ..OpenOptions::default() })
    }

    fn program_with(&self, cache: &Path, options: OpenOptions) -> Program<'_> {
        let start = self.lines().len();
        let host = common::host().with_public_store(Arc::new(DirectoryStore::new(cache)));
        let session = host.open(&self.reader, &common::class_module(), options);
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

fn request(algorithm: KeyAlgorithm, digest: &[u8]) -> SignRequest<'_> {
    match algorithm {
        KeyAlgorithm::Rsa(_) => SignRequest::pkcs1(HashAlgorithm::Sha256, digest),
        _ => SignRequest::ecdsa(digest),
    }
}
