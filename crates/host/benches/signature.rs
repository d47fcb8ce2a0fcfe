//! What host and module add to a signature above card and crypto: the same P-256 signature in a held
//! transaction, once through the host, once as the bare APDU the module sends for it.
//!
//! The difference of the two is the overhead; the target is 20 µs.

use cardmod_host::{
    CardSession, FixedPin, Host, KeyAlgorithm, KeySource, ModuleSource, NewContainer, NoPin, OpenOptions,
    SignRequest,
};
use cardmod_pcsc::{Card, Context, Disposition, Protocols, Provider, ShareMode};
use cardmod_types::{CardId, EcCurve, KeyHalf, Pin, SecretBytes};
use cardmod_virtual::{GidsProfile, Store};
use criterion::{Criterion, criterion_group, criterion_main};

const DIGEST: [u8; 32] = [0x5A; 32];

/// A card with one P-256 key, and its session.
fn opened() -> (tempfile::TempDir, CardSession) {
    let directory = tempfile::tempdir().expect("a directory");
    let store = Store::open(directory.path()).expect("a store");
    cardmod_winscard::set_store_dir(Some(directory.path()));
    let provider = Provider::from_table(cardmod_winscard::table());
    Provider::install(provider.clone()).expect("one provider");
    let admin_key = SecretBytes::from(&b"cardmod admin key 24 by."[..]);
    let profile = GidsProfile::new(Pin::from("123456"), admin_key, CardId([7; 16]));
    store.create("bench", &profile).expect("a card");
    let module = ModuleSource::BuiltIn { entry: cardmod_class::CardAcquireContext, name: "class module" };
    let reader = cardmod_winscard::reader_name("bench");
    let mut session = Host::new(provider).open(&reader, &module, OpenOptions::default()).expect("a session");
    let new = NewContainer {
        name: "key".to_owned(),
        key: KeySource::Generate(KeyAlgorithm::Ec(EcCurve::P256)),
        half: KeyHalf::Signature,
        default: true,
    };
    session.create_container(&new, &mut FixedPin::new(Pin::from("123456"))).expect("a key");
    (directory, session)
}

/// The card as a program without host and module uses it: application, PIN and key chosen before.
fn bare(reader: &str) -> (Context, Card) {
    let context = Context::establish(&Provider::from_table(cardmod_winscard::table())).expect("a context");
    let card = context.connect(reader, ShareMode::Shared, Protocols::ANY).expect("a connection");
    card.begin_transaction().expect("a transaction");
    let send = |command: &[u8]| {
        let answer = card.transmit(command).expect("an answer");
        assert_eq!(answer[answer.len() - 2..], [0x90, 0x00], "{command:02X?}");
    };
    send(&[0x00, 0xA4, 0x04, 0x00, 0x09, 0xA0, 0, 0, 3, 0x97, 0x42, 0x54, 0x46, 0x59, 0x00]);
    send(b"\x00\x20\x00\x80\x06123456");
    (context, card)
}

fn signature(c: &mut Criterion) {
    let (_directory, mut session) = opened();
    let reader = session.reader().to_owned();
    let request = SignRequest::ecdsa(&DIGEST);
    let mut group = c.benchmark_group("P-256 signature in a held transaction");
    {
        let mut held = session.hold().expect("a transaction");
        held.sign(None, &request, &mut FixedPin::new(Pin::from("123456"))).expect("a signature");
        group.bench_function("through host and module", |b| {
            b.iter(|| held.sign(None, &request, &mut NoPin).expect("a signature"));
        });
    }
    let command = recorded(&mut session, &request);
    let (_context, card) = bare(&reader);
    for set_up in &command[..command.len() - 1] {
        card.transmit(set_up).expect("an answer");
    }
    let last = command.last().expect("a command");
    group.bench_function("the bare APDU", |b| b.iter(|| card.transmit(last).expect("an answer")));
    group.finish();
    card.end_transaction(Disposition::Leave).expect("ended");
}

/// The commands of one signature after the PIN, key selection first, as the APDU log has them.
fn recorded(session: &mut CardSession, request: &SignRequest<'_>) -> Vec<Vec<u8>> {
    let log = tempfile::NamedTempFile::new().expect("a file");
    cardmod_winscard::set_apdu_log(Some(log.path())).expect("a log");
    session.sign(None, request, &mut FixedPin::new(Pin::from("123456"))).expect("a signature");
    cardmod_winscard::set_apdu_log(None).expect("no log");
    let lines = std::fs::read_to_string(log.path()).expect("the log");
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

criterion_group!(benches, signature);
criterion_main!(benches);
