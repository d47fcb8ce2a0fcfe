//! How many commands the host costs a card, by what they are for.

mod common;

use cardmod_host::{KeyAlgorithm, KeySource, NewContainer, SignRequest};
use cardmod_types::{HashAlgorithm, KeyHalf};

/// The commands in the log, as instruction and parameters.
fn commands(log: &std::path::Path) -> Vec<String> {
    let lines = std::fs::read_to_string(log).expect("the log");
    let commands = lines.lines().filter_map(|line| line.split("\"command\":\"").nth(1)?.split('"').next());
    commands.map(|hex| hex.chars().take(60).collect()).collect()
}

// One test: the log is the process's.
#[test]
fn signatures_cost_few_commands() {
    let reader = common::card_of("counted", &common::profile("counted"));
    let mut session = common::open(&reader);
    let key = KeySource::Generate(KeyAlgorithm::Rsa(2048));
    let new = NewContainer { name: "key".to_owned(), key, half: KeyHalf::KeyExchange, default: false };
    session.create_container(&new, &mut common::pin()).expect("a container");
    common::close(session);

    let log = tempfile::NamedTempFile::new().expect("a file");
    cardmod_winscard::set_apdu_log(Some(log.path())).expect("a log");
    let digest = [1; 32];
    let request = SignRequest::pkcs1(HashAlgorithm::Sha256, &digest);
    let mut session = common::open(&reader);
    let opened = commands(log.path()).len();
    session.sign(None, &request, &mut common::pin()).expect("a signature");
    let cold = commands(log.path()).len();
    session.sign(None, &request, &mut common::pin()).expect("a signature");
    let warm = commands(log.path()).len();
    let all = commands(log.path());
    // Opening selects an application, PIV before GIDS, and nothing else.
    assert_eq!(opened, 2, "{all:#?}");
    // Of the host: cardid, cardcf before and after the PIN was asked for, and the two of the
    // deauthentication. Of the card edge, once: file table, container map, public key, roles. Then PIN, key, signature.
    assert!(cold - opened <= 5 + 4 + 3, "{:#?}", &all[opened..cold]);
    // Nothing that the counters vouch for is read again.
    assert!(warm - cold <= 2 + 3 + 2, "{:#?}", &all[cold..warm]);
    // Between the PIN and the end of the rights is nothing but key and signature.
    let verified = all.iter().position(|command| command.starts_with("00200080")).expect("a PIN");
    assert!(all[verified + 1].starts_with("0022") && all[verified + 2].starts_with("002A"), "{all:#?}");
    assert!(all[verified + 3].starts_with("00200082"), "{all:#?}");
    common::close(session);
}
