//! A card as a program without host and module uses it: application, PIN and key chosen before, then the
//! one command of a signature.

use cardmod_default::testing::{self, TestCard};
use cardmod_host::types::{HashAlgorithm, SignaturePadding};
use cardmod_host::{Host, KeyAlgorithm, OpenOptions, SignRequest};
use cardmod_pcsc::{Card, Context, Protocols, Provider, ShareMode};

/// A SHA-256 hash.
pub(crate) const DIGEST: [u8; 32] = [0x5A; 32];
const SELECT: &[u8] = &[0x00, 0xA4, 0x04, 0x00, 0x09, 0xA0, 0, 0, 3, 0x97, 0x42, 0x54, 0x46, 0x59, 0x00];

/// What is signed with a key of this kind.
pub(crate) fn request(algorithm: KeyAlgorithm) -> SignRequest<'static> {
    let padding = match algorithm {
        KeyAlgorithm::Rsa(_) => SignaturePadding::Pkcs1 { hash: Some(HashAlgorithm::Sha256) },
        _ => SignaturePadding::None,
    };
    SignRequest { half: None, padding, digest: &DIGEST }
}

/// A host that asks for every PIN.
pub(crate) fn host(test: &TestCard) -> Host {
    Host::new(test.host().provider().clone()).without_pin_cache()
}

/// A virtual card with one key, in a transaction of its own.
pub(crate) struct Bare {
    card: Card,
    signature: Vec<u8>,
    _context: Context,
    _test: TestCard,
}

impl Bare {
    pub(crate) fn new(algorithm: KeyAlgorithm) -> Self {
        let test = testing::card();
        test.generate("key", algorithm);
        let commands = recorded(&test, algorithm);
        let context =
            Context::establish(&Provider::from_table(cardmod_winscard::table())).expect("a context");
        let card = context.connect(test.reader(), ShareMode::Shared, Protocols::ANY).expect("a connection");
        card.begin_transaction().expect("a transaction");
        let verify = [b"\x00\x20\x00\x80\x06", testing::PIN.as_bytes()].concat();
        let (signature, before) = commands.split_last().expect("a command");
        let before = before.iter().map(Vec::as_slice);
        for command in [SELECT, &verify].into_iter().chain(before) {
            let answer = card.transmit(command).expect("an answer");
            assert!(answer.ends_with(&[0x90, 0x00]), "{command:02X?}");
        }
        Self { card, signature: signature.clone(), _context: context, _test: test }
    }

    /// One signature.
    pub(crate) fn sign(&self) {
        let answer = self.card.transmit(&self.signature).expect("an answer");
        assert!(answer.ends_with(&[0x90, 0x00]), "no signature");
    }
}

/// The commands of one signature after the PIN, the choice of the key first, as the APDU log has them.
fn recorded(test: &TestCard, algorithm: KeyAlgorithm) -> Vec<Vec<u8>> {
    let log = test.home().join("apdus");
    let mut session =
        host(test).open(test.reader(), &test.module(), OpenOptions::default()).expect("a session");
    cardmod_winscard::set_apdu_log(Some(&log)).expect("a log");
    session.sign(None, &request(algorithm), &mut test.pin()).expect("a signature");
    cardmod_winscard::set_apdu_log(None).expect("no log");
    let lines = std::fs::read_to_string(&log).expect("the log");
    let commands = lines.lines().filter_map(|line| line.split("\"command\":\"").nth(1)?.split('"').next());
    let commands: Vec<_> =
        commands.filter(|hex| hex.starts_with("0022") || hex.starts_with("002A")).map(unhex).collect();
    assert!(!commands.is_empty(), "no signature in the log: {lines}");
    commands
}

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<_> = text.chars().map(|digit| digit.to_digit(16).expect("hexadecimal")).collect();
    digits.chunks_exact(2).map(|pair| u8::try_from(pair[0] << 4 | pair[1]).expect("a byte")).collect()
}
