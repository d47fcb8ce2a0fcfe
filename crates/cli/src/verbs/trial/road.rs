//! The steps of `cardmod try`. Each checks what it shows; nothing is taken on trust.

use cardmod_default::{Environment, EnvironmentOptions};
use cardmod_host::registry::RegistryPaths;
use cardmod_host::verify::verify_signature;
use cardmod_host::x509::{self, Subject};
use cardmod_host::{
    CardSession, Container, DecryptRequest, DeriveRequest, Error, FixedPin, KeyAlgorithm, KeySource,
    NewContainer, OpenOptions, SignRequest,
};
use cardmod_types::kdf::Kdf;
use cardmod_types::{
    DecryptPadding, EcCurve, HashAlgorithm, KeyHalf, Pin, PinId, PublicKey, SecretBytes, SignaturePadding,
};
use cardmod_virtual::{GidsProfile, StoreError, SystemRandom};

use super::board::{Board, LedgerView};
use super::seal::seal;
use crate::args::Global;
use crate::failure::Failure;
use crate::output::Output;

const CARD: &str = "try";
const PIN: &[u8] = b"123456";
const WRONG_PIN: &[u8] = b"000000";
const HASH: HashAlgorithm = HashAlgorithm::Sha256;
const MESSAGE: &[u8] = b"the data to be signed";
const SECRET: &[u8] = b"the data to be sealed";

/// What a step answers: a value for the steps after it, and a line for people.
type Step<T> = Result<(T, String), Failure>;

/// Goes the whole road; the ledger at its end, which is empty.
pub(super) fn travel(board: &mut Board, global: &Global, _out: Output) -> Result<LedgerView, Failure> {
    let folder = tempfile::tempdir()
        .map_err(|error| Failure::failed("file", format!("cannot make a temporary folder: {error}")))?;
    let environment = Environment::open(EnvironmentOptions {
        store_dir: Some(folder.path().to_owned()),
        module: global.module.clone(),
        // What is registered is for other cards than the one made here.
        registry: Some(RegistryPaths::default()),
        apdu_log: global.apdu_log.clone(),
        cache_dir: None,
    })?;
    let apdus = || environment.apdu_count();

    board.step("provision a GIDS card", apdus, || provision(&environment))?;
    let mut session = board.step("acquire and negotiate", apdus, || acquire(&environment))?;
    let card = &mut session;
    let rsa = board.step("generate an RSA key", apdus, || {
        generate(card, "rsa", KeyAlgorithm::Rsa(2048), KeyHalf::KeyExchange)
    })?;
    let p256 = KeyAlgorithm::Ec(EcCurve::P256);
    let ec = board
        .step("generate a P-256 key that signs", apdus, || generate(card, "ec", p256, KeyHalf::Signature))?;
    let ours = board.step("generate a P-256 key that agrees", apdus, || {
        generate(card, "alice", p256, KeyHalf::KeyExchange)
    })?;
    let theirs =
        board.step("and its partner", apdus, || generate(card, "bob", p256, KeyHalf::KeyExchange))?;
    board.step("make a certificate and store it", apdus, || certify(card, &rsa))?;
    board.step("read container and certificate", apdus, || read_back(card, &rsa))?;
    for (what, container, padding) in signatures(&rsa, &ec) {
        let signature = board.step(what, apdus, || sign(card, container, &padding))?;
        board.step("verify it", apdus, || verify(container, &padding, &signature))?;
    }
    for (what, padding) in sealings() {
        board.step(what, apdus, || decrypt(card, &rsa, &padding))?;
    }
    board.step("agree on a secret (ECDH)", apdus, || agree(card, &ours, &theirs))?;
    board.step("refuse a wrong PIN", apdus, || refuse_wrong_pin(card))?;
    board.step("accept the right one", apdus, || accept_pin(card))?;
    board.step("delete a container", apdus, || delete(card))?;
    board.step("close; the memory ledger", apdus, || close(session))
}

fn provision(environment: &Environment) -> Step<()> {
    let profile =
        GidsProfile::generate(Pin::new(PIN.to_vec()), &mut SystemRandom).map_err(StoreError::from)?;
    environment.store.create(CARD, &profile)?;
    Ok(((), "PIN, PUK, administrator key, empty container map".into()))
}

fn acquire(environment: &Environment) -> Step<CardSession> {
    let options = OpenOptions { rule: environment.module_rule(), ..OpenOptions::default() };
    let session = environment.host.open(&environment.reader_of(CARD), &environment.module, options)?;
    let said = format!("{}, version {} of the interface", environment.module, session.interface_version());
    Ok((session, said))
}

fn generate(card: &mut CardSession, name: &str, algorithm: KeyAlgorithm, half: KeyHalf) -> Step<Container> {
    let wanted =
        NewContainer { name: name.into(), key: KeySource::Generate(algorithm), half, default: false };
    let container = card.create_container(&wanted, &mut pin())?;
    let bits = public(&container)?.bits();
    Ok((container, format!("container {name:?}, {bits} bits")))
}

fn certify(card: &mut CardSession, container: &Container) -> Step<()> {
    let padding = SignaturePadding::Pkcs1 { hash: Some(HASH) };
    let subject = Subject { name: "CN=cardmod try", alternative_names: &[] };
    let sign = |digest: &[u8]| {
        let request = SignRequest { half: None, padding: padding.clone(), digest };
        card.sign(Some(&container.name), &request, &mut pin())
    };
    let der = x509::self_signed(&subject, 1, public(container)?, HASH, sign)?;
    card.import_certificate(Some(&container.name), None, &der, &mut pin())?;
    Ok(((), format!("self-signed, {} bytes", der.len())))
}

fn read_back(card: &mut CardSession, container: &Container) -> Step<()> {
    let read = card.container(Some(&container.name))?;
    let der = read.key(None).and_then(|key| key.certificate.as_deref());
    let summary = x509::summary(der.ok_or_else(|| wrong("the certificate is not there"))?)?;
    check(summary.public == *public(container)?, "the certificate is for another key")?;
    Ok(((), format!("{}, for the container's key", summary.subject)))
}

fn signatures<'a>(
    rsa: &'a Container,
    ec: &'a Container,
) -> [(&'static str, &'a Container, SignaturePadding); 3] {
    [
        ("sign: RSA, PKCS#1 v1.5", rsa, SignaturePadding::Pkcs1 { hash: Some(HASH) }),
        ("sign: RSA, PSS", rsa, SignaturePadding::Pss { hash: HASH, salt_len: HASH.len() }),
        ("sign: ECDSA", ec, SignaturePadding::None),
    ]
}

fn sign(card: &mut CardSession, container: &Container, padding: &SignaturePadding) -> Step<Vec<u8>> {
    let digest = digest(MESSAGE)?;
    let request = SignRequest { half: None, padding: padding.clone(), digest: &digest };
    let signature = card.sign(Some(&container.name), &request, &mut pin())?;
    let said = format!("{} bytes over SHA-256", signature.len());
    Ok((signature, said))
}

fn verify(container: &Container, padding: &SignaturePadding, signature: &[u8]) -> Step<()> {
    let key = public(container)?;
    verify_signature(key, padding, &digest(MESSAGE)?, signature)?;
    let other = verify_signature(key, padding, &digest(b"other data")?, signature);
    check(matches!(other, Err(Error::SignatureWrong)), "the signature holds for other data too")?;
    Ok(((), "right, and wrong for other data".into()))
}

fn sealings() -> [(&'static str, DecryptPadding); 2] {
    [
        ("decrypt: RSA, PKCS#1 v1.5", DecryptPadding::Pkcs1),
        ("decrypt: RSA, OAEP", DecryptPadding::Oaep { hash: HASH, label: Vec::new() }),
    ]
}

fn decrypt(card: &mut CardSession, container: &Container, padding: &DecryptPadding) -> Step<()> {
    let PublicKey::Rsa(key) = public(container)? else {
        return Err(wrong("the key is no RSA key"));
    };
    let sealed = seal(key, padding, SECRET)?;
    let request = DecryptRequest { half: None, padding: padding.clone(), ciphertext: &sealed };
    let opened = card.decrypt(Some(&container.name), &request, &mut pin())?;
    check(opened.as_bytes() == SECRET, "something else came out")?;
    Ok(((), format!("{} bytes sealed, {} opened", sealed.len(), opened.len())))
}

fn agree(card: &mut CardSession, ours: &Container, theirs: &Container) -> Step<()> {
    let one = derive(card, ours, theirs)?;
    let other = derive(card, theirs, ours)?;
    check(one == other, "the two sides derived different secrets")?;
    Ok(((), format!("both sides derived the same {} bytes", one.len())))
}

fn derive(card: &mut CardSession, own: &Container, peer: &Container) -> Result<SecretBytes, Failure> {
    let PublicKey::Ec(peer) = public(peer)? else {
        return Err(wrong("the key is no elliptic curve key"));
    };
    let kdf =
        Kdf::Hash { hash: HASH, prepend: SecretBytes::new(Vec::new()), append: SecretBytes::new(Vec::new()) };
    let request = DeriveRequest { half: Some(KeyHalf::KeyExchange), peer, kdf: &kdf, len: None };
    Ok(card.derive(Some(&own.name), &request, &mut pin())?)
}

fn refuse_wrong_pin(card: &mut CardSession) -> Step<()> {
    match card.verify_pin(PinId::USER, &Pin::new(WRONG_PIN.to_vec())) {
        Err(Error::WrongPin { tries_left: Some(tries), .. }) => {
            Ok(((), format!("refused, {tries} tries left")))
        }
        Err(error) => Err(error.into()),
        Ok(()) => Err(wrong("a wrong PIN was accepted")),
    }
}

fn accept_pin(card: &mut CardSession) -> Step<()> {
    card.verify_pin(PinId::USER, &Pin::new(PIN.to_vec()))?;
    Ok(((), "accepted, the tries are restored".into()))
}

fn delete(card: &mut CardSession) -> Step<()> {
    card.delete_container("bob", &mut pin())?;
    let left = card.containers()?;
    check(left.iter().all(|container| container.name != "bob"), "the container is still there")?;
    Ok(((), format!("{} containers left", left.len())))
}

fn close(session: CardSession) -> Step<LedgerView> {
    let ledger = session.close()?;
    let view = LedgerView {
        calls: ledger.calls,
        live_blocks: ledger.live_blocks,
        live_bytes: ledger.live_bytes,
        peak_bytes: ledger.peak_bytes,
        refused: ledger.refused.total(),
    };
    check(view.live_blocks == 0, "the card module left memory behind")?;
    check(view.refused == 0, "the card module handed over pointers that were not its own")?;
    let said = format!("{} calls, peak {} bytes, 0 blocks left", view.calls, view.peak_bytes);
    Ok((view, said))
}

fn pin() -> FixedPin {
    FixedPin::new(Pin::new(PIN.to_vec()))
}

fn public(container: &Container) -> Result<&PublicKey, Failure> {
    crate::verbs::key::key_of(container, None)
}

fn digest(data: &[u8]) -> Result<Vec<u8>, Failure> {
    HASH.digest(data).ok_or_else(|| wrong("SHA-256 is missing"))
}

fn check(holds: bool, otherwise: &str) -> Result<(), Failure> {
    if holds { Ok(()) } else { Err(wrong(otherwise)) }
}

fn wrong(what: &str) -> Failure {
    Failure::failed("try", what)
}
