//! The class module as a shared library, with the provider it shares with this program: the same
//! results as the built-in one gives.

#![cfg(any(target_os = "linux", windows))]

use cardmod_default::{Environment, EnvironmentOptions};
use cardmod_host::registry::RegistryPaths;
use cardmod_host::{
    Error, FixedPin, KeyAlgorithm, KeySource, LoadError, ModuleSource, NewContainer, OpenOptions,
    SignRequest, verify,
};
use cardmod_types::{CardId, EcCurve, KeyHalf, Pin, SecretBytes};
use cardmod_virtual::GidsProfile;

/// The library cargo builds beside the tests.
fn class_module() -> std::path::PathBuf {
    let program = std::env::current_exe().expect("this program");
    let directory = program.parent().expect("its directory");
    #[cfg(windows)]
    name_provider(directory);
    let library = directory.join(if cfg!(windows) { "cardmod_class.dll" } else { "libcardmod_class.so" });
    assert!(library.is_file(), "{} is built with the tests", library.display());
    library
}

/// Gives the provider that cargo builds the name under which modules look for it.
#[cfg(windows)]
fn name_provider(directory: &std::path::Path) {
    let (built, named) = (directory.join("cardmod_winscard.dll"), directory.join("winscard.dll"));
    let content = std::fs::read(&built).expect("built with the tests");
    // Another test program may have it loaded already.
    if std::fs::read(&named).ok().as_ref() != Some(&content) {
        let new = directory.join(format!("winscard.{}.new", std::process::id()));
        std::fs::write(&new, content).expect("a copy");
        std::fs::rename(new, named).expect("its name");
    }
}

// One test: a process has one provider.
#[test]
fn a_loaded_module_finds_the_shared_provider() {
    let directory = tempfile::tempdir().expect("a directory");
    let log = directory.path().join("apdus.jsonl");
    let options = EnvironmentOptions {
        store_dir: Some(directory.path().join("cards")),
        module: Some(class_module()),
        apdu_log: Some(log.clone()),
        ..EnvironmentOptions::default()
    };
    let environment = Environment::open(options.clone()).expect("an environment");
    let key = SecretBytes::from(&[0x31; 24][..]);
    let profile = GidsProfile::new(Pin::from("123456"), key, CardId([9; 16]));
    environment.store.create("outside", &profile).expect("a card");
    let reader = environment.reader_of("outside");
    assert_eq!(environment.card_of(&reader).as_deref(), Some("outside"));
    assert_eq!(environment.card_of("No Such Reader"), None);
    let open = |module: &ModuleSource| environment.host.open(&reader, module, OpenOptions::default());
    let mut session = open(&environment.module).expect("a session");
    let mut pin = FixedPin::new(Pin::from("123456"));
    for (name, algorithm) in [("web", KeyAlgorithm::Rsa(2048)), ("curve", KeyAlgorithm::Ec(EcCurve::P256))] {
        let key = KeySource::Generate(algorithm);
        let new = NewContainer { name: name.to_owned(), key, half: KeyHalf::Signature, default: false };
        let container = session.create_container(&new, &mut pin).expect("a container");
        let digest = [5; 32];
        let request = match algorithm {
            KeyAlgorithm::Rsa(_) => SignRequest::pkcs1(cardmod_types::HashAlgorithm::Sha256, &digest),
            _ => SignRequest::ecdsa(&digest),
        };
        let signature = session.sign(Some(name), &request, &mut pin).expect("a signature");
        let public = &container.key(None).expect("its key").public;
        verify::verify_signature(public, &request.padding, &digest, &signature).expect("a right signature");
    }
    let before = environment.apdu_count();
    assert!(before > 0);
    let mut held = session.hold().expect("a transaction");
    held.sign(Some("curve"), &SignRequest::ecdsa(&[5; 32]), &mut pin).expect("a signature");
    let first = environment.apdu_count();
    held.sign(Some("curve"), &SignRequest::ecdsa(&[5; 32]), &mut pin).expect("a signature");
    assert_eq!(environment.apdu_count() - first, 1, "the module believes in the unbroken transaction");
    drop(held);
    let ledger = session.close().expect("a clean end");
    assert_eq!((ledger.live_blocks, ledger.refused.total()), (0, 0));
    let lines = std::fs::read_to_string(&log).expect("the log");
    assert!(lines.lines().count() > 20);
    assert!(!lines.contains("313233343536"), "the PIN is not in the log");
    // A second environment of the same kind is the same; one of the other kind cannot be.
    Environment::open(options.clone()).expect("the same provider");
    let other = Environment::open(EnvironmentOptions {
        module: None,
        registry: Some(RegistryPaths::default()),
        ..options
    });
    assert!(other.is_err(), "a process has one provider");
    let missing = open(&ModuleSource::Path(directory.path().join("missing.so"))).map(drop);
    assert!(matches!(missing, Err(Error::ModuleLoad(LoadError::NotFound { .. }))), "{missing:?}");
}
