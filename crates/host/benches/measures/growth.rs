//! How costs grow: with the containers on a card, and with the cards that a process has open.

use cardmod_default::testing::{self, TestCard};
use cardmod_host::types::{EcCurve, HashAlgorithm};
use cardmod_host::x509::{self, Subject};
use cardmod_host::{CardSession, Host, KeyAlgorithm, NoPin, OpenOptions, SignRequest};
use serde_json::json;

use crate::bare::{host, request};
use crate::statistics::{median, microseconds, time};

const P256: KeyAlgorithm = KeyAlgorithm::Ec(EcCurve::P256);
const CONTAINERS: [usize; 7] = [1, 5, 10, 15, 20, 25, 30];
const CONTEXTS: [usize; 7] = [1, 2, 4, 8, 16, 32, 64];
/// How often what is slow is repeated, and what is fast.
const FEW: usize = 25;
const MANY: usize = 2_000;

/// Prints what lists and signatures cost with more and more containers, each with a P-256 key and a
/// certificate.
pub(crate) fn containers() {
    let test = testing::card();
    let host = host(&test);
    let mut made = 0;
    for count in CONTAINERS {
        while made < count {
            add_container(&test, made);
            made += 1;
        }
        let last = format!("container {}", count - 1);
        let name = Some(last.as_str());
        let request = request(P256);
        let list_cold =
            few(&test, || assert_eq!(open(&host, &test).containers().expect("a list").len(), count));
        let mut session = open(&host, &test);
        session.containers().expect("a list");
        let list_warm = few(&test, || assert_eq!(session.containers().expect("a list").len(), count));
        let sign_cold = few(&test, || {
            let mut session = open(&host, &test);
            let mut held = session.hold().expect("a transaction");
            held.sign(name, &request, &mut test.pin()).expect("a signature");
        });
        let mut held = session.hold().expect("a transaction");
        held.sign(name, &request, &mut test.pin()).expect("a signature");
        let repeat = repeated(&mut held, name, &request);
        println!(
            "{}",
            json!({
                "containers": count,
                "list cold": list_cold, "list warm": list_warm, "sign cold": sign_cold, "sign again": repeat,
            })
        );
    }
}

/// Prints what a signature costs while more and more contexts of the module are open: in a held
/// transaction, and round all of them, each with its own transaction and PIN.
pub(crate) fn contexts() {
    let test = testing::card();
    test.generate("key", P256);
    let host = host(&test);
    let request = request(P256);
    let mut sessions: Vec<CardSession> = Vec::new();
    for count in CONTEXTS {
        let mut opening = Vec::new();
        while sessions.len() < count {
            opening.push(time(|| sessions.push(open(&host, &test))));
        }
        let mut round = Vec::new();
        for _ in 0..FEW.div_ceil(count).max(3) {
            for session in &mut sessions {
                round.push(time(|| {
                    session.sign(None, &request, &mut test.pin()).expect("a signature");
                }));
            }
        }
        let mut held = sessions[0].hold().expect("a transaction");
        held.sign(None, &request, &mut test.pin()).expect("a signature");
        let repeat = repeated(&mut held, None, &request);
        drop(held);
        println!(
            "{}",
            json!({
                "contexts": count,
                "open": microseconds(median(&opening)),
                "sign": microseconds(median(&round)),
                "sign again": repeat,
            })
        );
    }
}

fn open(host: &Host, test: &TestCard) -> CardSession {
    host.open(test.reader(), &test.module(), OpenOptions::default()).expect("a session")
}

/// The median time in microseconds, and the APDUs of one time.
fn few(test: &TestCard, mut work: impl FnMut()) -> [f64; 2] {
    let sent = || cardmod_winscard::counters().readers.get(test.reader()).copied().unwrap_or(0);
    let before = sent();
    let times: Vec<f64> = (0..FEW).map(|_| time(&mut work)).collect();
    [microseconds(median(&times)), (sent() - before) as f64 / FEW as f64]
}

/// The median time of a signature that is one command.
fn repeated(session: &mut CardSession, name: Option<&str>, request: &SignRequest<'_>) -> f64 {
    let times: Vec<f64> = (0..MANY)
        .map(|_| time(|| drop(session.sign(name, request, &mut NoPin).expect("a signature"))))
        .collect();
    microseconds(median(&times))
}

fn add_container(test: &TestCard, number: usize) {
    let name = format!("container {number}");
    let container = test.generate(&name, P256);
    let public = &container.key(None).expect("its key").public;
    let mut session = test.session();
    let subject = Subject { name: &format!("CN={name}"), alternative_names: &[] };
    let certificate = x509::self_signed(&subject, 90, public, HashAlgorithm::Sha256, |digest| {
        session.sign(Some(&name), &SignRequest::ecdsa(digest), &mut test.pin())
    });
    let certificate = certificate.expect("a certificate");
    session.import_certificate(Some(&name), None, &certificate, &mut test.pin()).expect("imported");
}
