//! A card module written in C: loaded, driven, and believed in nothing it says.

#![cfg(unix)]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use cardmod_heap::{BlockError, Mode};
use cardmod_host::module::{CallErrorKind, Connection, Context, KdfParameter, Module};
use cardmod_host::{CallError, LoadError, ModuleSource};
use cardmod_types::{
    ContainerIndex, DecryptPadding, DirectoryName, EcCurve, EcPublicKey, FileName, FilePath, HashAlgorithm,
    KeySpec, PublicKey, SignaturePadding, padding,
};

static BUILT: OnceLock<tempfile::TempDir> = OnceLock::new();

/// Compiles the fixture with these definitions.
fn build(name: &str, definitions: &[&str]) -> PathBuf {
    let directory = BUILT.get_or_init(|| tempfile::tempdir().expect("a directory")).path();
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let library = directory.join(format!("{name}.so"));
    let compiler = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
    let status = Command::new(compiler)
        .args(["-std=c11", "-Wall", "-Wextra", "-Werror", "-O1", "-shared", "-fPIC", "-I"])
        .arg(here.join("../sys/include"))
        .args(definitions)
        .arg("-o")
        .arg(&library)
        .arg(here.join("tests/fixtures/module.c"))
        .status()
        .expect("a C compiler");
    assert!(status.success(), "the fixture compiles");
    library
}

const ATR: [u8; 4] = [0x3B, 0x02, 0x14, 0x50];

fn connection() -> Connection<'static> {
    Connection { context: 1, card: 2, atr: &ATR, card_name: "C module" }
}

fn acquire(name: &str, definitions: &[&str], highest: u32) -> Result<Context, LoadError> {
    let module = Module::load(&ModuleSource::Path(build(name, definitions)))?;
    module.acquire(&connection(), highest, Mode::Plain)
}

fn file(name: &str) -> FilePath {
    FilePath::in_root(FileName::parse(name.as_bytes()).expect("a name"))
}

fn index(number: u8) -> ContainerIndex {
    ContainerIndex::new(number)
}

fn kind<T: std::fmt::Debug>(result: Result<T, CallError>) -> CallErrorKind {
    result.expect_err("a failure").kind
}

#[test]
fn memory_crosses_the_border_both_ways() {
    for mode in [Mode::Plain, Mode::Checked] {
        let module =
            Module::load(&ModuleSource::Path(build(&format!("good{mode:?}"), &[]))).expect("a module");
        let mut context = module.acquire(&connection(), 7, mode).expect("a context");
        assert_eq!(context.version(), 7);
        assert_eq!(context.read_file(&file("good")).expect("a file").as_slice(), b"hello");
        let grown = context.read_file(&file("grow")).expect("a file");
        assert_eq!(grown.len(), 4096);
        assert!(grown.iter().enumerate().all(|(at, byte)| *byte == at.to_le_bytes()[0]));
        assert_eq!(context.read_file(&file("cache")).expect("a file").as_slice(), b"cached");
        assert!(context.read_file(&file("empty")).expect("an empty file").is_empty());
        let ledger = context.ledger();
        assert_eq!(ledger.live_blocks, 1, "the module's own state alone");
        let read = ledger.by_function.iter().find(|by| by.function == "CardReadFile").expect("its account");
        assert!(read.reallocs >= 12 && read.allocs >= 3);
        let ledger = context.delete().expect("deleted");
        assert_eq!((ledger.live_blocks, ledger.refused.total()), (0, 0));
        assert_eq!(kind(context.read_file(&file("good"))), CallErrorKind::Absent, "nothing is left to call");
    }
}

#[test]
fn blocks_that_cannot_be_are_refused() {
    let mut context = acquire("blocks", &[], 7).expect("a context");
    assert!(matches!(kind(context.read_file(&file("null"))), CallErrorKind::Lie(_)));
    for foreign in ["static", "foreign"] {
        assert_eq!(
            kind(context.read_file(&file(foreign))),
            CallErrorKind::Block(BlockError::Foreign),
            "{foreign}"
        );
    }
    let stale = kind(context.read_file(&file("stale")));
    assert!(matches!(stale, CallErrorKind::Block(BlockError::Stale | BlockError::Foreign)), "{stale:?}");
    for long in ["longer", "huge"] {
        let error = kind(context.read_file(&file(long)));
        assert!(matches!(error, CallErrorKind::Block(BlockError::TooShort { .. })), "{long}: {error:?}");
    }
    assert_eq!(context.read_file(&file("double")).expect("all the same").as_slice(), b"hello");
    let ledger = context.ledger();
    assert!(ledger.refused.total() >= 2, "the second free and that of static memory: {:?}", ledger.refused);
    assert_eq!(context.read_file(&file("good")).expect("still working").as_slice(), b"hello");
    assert_eq!(context.read_file(&file("leak")).expect("a file").as_slice(), b"hello");
    let ledger = context.delete().expect("deleted");
    assert!(ledger.live_blocks >= 1, "what was left behind is in the account");
    assert!(ledger.live.iter().any(|block| block.len == 11 && block.function == "CardReadFile"));
}

#[test]
fn lists_and_properties_are_checked() {
    let mut context = acquire("lists", &[], 7).expect("a context");
    assert_eq!(context.enum_files(None).expect("two names").len(), 2);
    for directory in ["endless", "oneshort", "badname"] {
        let name = DirectoryName::parse(directory.as_bytes()).expect("a name");
        assert!(matches!(kind(context.enum_files(Some(&name))), CallErrorKind::Lie(_)), "{directory}");
    }
    assert_eq!(context.get_property("Long", 0, 0).expect("5000 bytes").as_slice(), [7; 5000]);
    assert!(matches!(kind(context.get_property("Beyond", 0, 0)), CallErrorKind::Lie(_)));
    assert!(context.get_property("Endless", 0, 0).is_err());
    assert!(context.get_property("None", 0, 0).expect_err("unknown").is_unsupported());
    assert!(matches!(kind(context.get_property("N\0ne", 0, 0)), CallErrorKind::Argument(_)));
    assert_eq!(context.delete().expect("deleted").live_blocks, 0);
}

#[test]
fn container_blobs_are_checked() {
    let mut context = acquire("containers", &[], 7).expect("a context");
    let keys = context.get_container_info(index(0)).expect("a key");
    assert!(matches!(keys.signature, Some(PublicKey::Ec(_))) && keys.key_exchange.is_none());
    assert!(matches!(kind(context.get_container_info(index(1))), CallErrorKind::Lie(_)));
    assert_eq!(kind(context.get_container_info(index(2))), CallErrorKind::Block(BlockError::Foreign));
    assert!(matches!(kind(context.get_container_info(index(3))), CallErrorKind::Lie(_)));
    assert_eq!(
        kind(context.get_container_info(index(9))),
        CallErrorKind::Code(cardmod_sys::SCARD_E_NO_KEY_CONTAINER)
    );
    assert_eq!(context.delete().expect("deleted").live_blocks, 0, "the good half of a bad pair is freed too");
}

#[test]
fn the_host_pads_and_unpads() {
    let mut context = acquire("padding", &[], 7).expect("a context");
    let digest = HashAlgorithm::Sha256.digest(b"message").expect("a hash");
    let spec = KeySpec::KeyExchange;
    let pkcs1 = SignaturePadding::Pkcs1 { hash: Some(HashAlgorithm::Sha256) };
    let mut block = context.sign_data(index(0), spec, &pkcs1, &digest).expect("a block").to_vec();
    block.reverse();
    let info = padding::digest_info(HashAlgorithm::Sha256, &digest).expect("a DigestInfo");
    assert_eq!(block, padding::pkcs1_sign_block(&info, 256).expect("a block"));
    let pss = SignaturePadding::Pss { hash: HashAlgorithm::Sha256, salt_len: 32 };
    let mut block = context.sign_data(index(0), spec, &pss, &digest).expect("a block").to_vec();
    block.reverse();
    assert!(padding::pss_verify(HashAlgorithm::Sha256, &digest, Some(32), &block, 2048));
    assert!(matches!(kind(context.sign_data(index(1), spec, &pkcs1, &digest)), CallErrorKind::Lie(_)));
    assert_eq!(
        kind(context.sign_data(index(2), spec, &pkcs1, &digest)),
        CallErrorKind::Block(BlockError::Foreign)
    );
    let sealed = padding::pkcs1_encrypt_block(b"secret", 256, &mut |random| random.fill(9)).expect("a block");
    let mut sealed = sealed.as_bytes().to_vec();
    sealed.reverse();
    let (plain, unpadded) =
        context.rsa_decrypt(index(3), spec, &DecryptPadding::Pkcs1, &sealed).expect("plain");
    assert!(unpadded);
    assert_eq!(plain.as_bytes(), b"terces", "little-endian like all of RSA at the border");
    for (liar, padding) in [(1, DecryptPadding::None), (2, DecryptPadding::None)] {
        assert!(matches!(
            kind(context.rsa_decrypt(index(liar), spec, &padding, &sealed)),
            CallErrorKind::Lie(_)
        ));
    }
    assert_eq!(context.delete().expect("deleted").live_blocks, 0);
}

#[test]
fn agreements_have_handles() {
    let mut context = acquire("agreements", &[], 7).expect("a context");
    let peer = EcPublicKey::new(EcCurve::P256, &[1; 32], &[2; 32]);
    let peer = peer.or_else(|_| {
        let key = p256::ecdsa::SigningKey::from_slice(&[7; 32]).expect("a key");
        EcPublicKey::from_uncompressed(EcCurve::P256, &key.verifying_key().to_sec1_point(false).to_bytes())
    });
    let peer = peer.expect("a point");
    let first = context.construct_dh_agreement(index(1), &peer).expect("an agreement");
    let second = context.construct_dh_agreement(index(2), &peer).expect("an agreement");
    assert_eq!((first.index(), second.index()), (41, 42));
    let key = context.derive_key(&first, "HANDLE", 0, &[KdfParameter::Secret(&second)], None).expect("a key");
    assert_eq!(key.as_bytes(), [42]);
    assert_eq!(context.derive_key(&first, "ALLOCATE", 0, &[], None).expect("a key").as_bytes(), b"key");
    assert_eq!(context.derive_key(&first, "ALLOCATE", 0, &[], Some(3)).expect("a key").as_bytes(), b"key");
    assert_eq!(context.derive_key(&first, "FILL", 0, &[], None).expect("a key").as_bytes(), b"filled");
    assert!(matches!(kind(context.derive_key(&first, "LIAR", 0, &[], None)), CallErrorKind::Lie(_)));
    context.destroy_dh_agreement(first).expect("destroyed");
    context.destroy_dh_agreement(second).expect("destroyed");
    assert_eq!(context.delete().expect("deleted").live_blocks, 0);
}

#[test]
fn versions_are_negotiated_downwards() {
    assert_eq!(acquire("downto5", &["-DHIGHEST=5"], 7).expect("a context").version(), 5);
    assert_eq!(acquire("asked6", &[], 6).expect("a context").version(), 6);
    assert_eq!(acquire("answers4", &["-DANSWER(asked)=4"], 7).expect("a context").version(), 4);
    let none = acquire("only9", &["-DLOWEST=9", "-DHIGHEST=9"], 7);
    assert!(matches!(none, Err(LoadError::NoCommonVersion { lowest: 4, highest: 7, .. })));
}

#[test]
fn old_versions_have_old_functions() {
    let mut context = acquire("version4", &["-DANSWER(asked)=4"], 7).expect("a context");
    assert_eq!(kind(context.get_property("Long", 0, 0)), CallErrorKind::Absent);
    let pss = SignaturePadding::Pss { hash: HashAlgorithm::Sha256, salt_len: 32 };
    assert_eq!(kind(context.sign_data(index(0), KeySpec::Signature, &pss, &[0; 32])), CallErrorKind::Absent);
    let digest = [7; 20];
    let sha1 = SignaturePadding::Pkcs1 { hash: Some(HashAlgorithm::Sha1) };
    let mut block =
        context.sign_data(index(0), KeySpec::Signature, &sha1, &digest).expect("a block").to_vec();
    block.reverse();
    let info = padding::digest_info(HashAlgorithm::Sha1, &digest).expect("a DigestInfo");
    assert_eq!(block, padding::pkcs1_sign_block(&info, 256).expect("a block"));
}

#[test]
fn what_is_no_module_is_told_apart() {
    let load =
        |path: &Path| Module::load(&ModuleSource::Path(path.to_owned())).map(drop).expect_err("refused");
    let missing = load(Path::new("/nowhere/module.so"));
    assert!(matches!(missing, LoadError::NotFound { .. }), "{missing}");
    let directory = tempfile::tempdir().expect("a directory");
    let folder = load(directory.path());
    assert!(folder.to_string().ends_with("is a folder, not a library"), "{folder}");
    let text = directory.path().join("text.so");
    std::fs::write(&text, "this is no library").expect("a file");
    let error = load(&text);
    assert!(matches!(error, LoadError::NotALibrary { .. }), "{error}");
    let error = load(&build("noentry", &["-DENTRY=SomethingElse"]));
    assert!(matches!(error, LoadError::NoEntry { .. }), "{error}");
}

#[test]
fn answers_of_acquire_are_checked() {
    let refused =
        |name: &str, definition: &str| acquire(name, &[definition], 7).map(drop).expect_err("refused");
    for (name, answered) in [("zero", 0), ("three", 3), ("eight", 8)] {
        let error = refused(name, &format!("-DANSWER(asked)={answered}"));
        assert!(
            matches!(error, LoadError::WrongVersion { asked: 7, answered: a, .. } if a == answered),
            "{error}"
        );
    }
    let LoadError::Holes { missing, version: 7, .. } = refused("holes", "-DHOLES") else { panic!("holes") };
    assert_eq!(missing, ["pfnCardReadFile", "pfnCardGetProperty"]);
    let error = refused("overwrites", "-DOVERWRITES");
    assert!(matches!(error, LoadError::HostMember { member: "hScard", .. }), "{error}");
    let error = refused("unknown", "-DREFUSES=CARDMOD_SCARD_E_UNKNOWN_CARD");
    assert!(error.to_string().contains("3B021450"), "{error}");
    let error = refused("busy", "-DREFUSES=CARDMOD_SCARD_E_NO_MEMORY");
    assert!(
        error.to_string().ends_with("CardAcquireContext answered SCARD_E_NO_MEMORY (0x80100006)"),
        "{error}"
    );
}

#[test]
fn what_was_acquired_and_refused_is_deleted() {
    let directory = tempfile::tempdir().expect("a directory");
    for (name, definition) in
        [("late8", "-DANSWER(asked)=8"), ("late3", "-DANSWER(asked)=3"), ("lateholes", "-DHOLES")]
    {
        let trace = directory.path().join(name);
        let traced = format!("-DTRACE=\"{}\"", trace.display());
        acquire(name, &[definition, &traced], 7).map(drop).expect_err("refused");
        assert_eq!(
            std::fs::read(&trace).expect("a trace"),
            b"d",
            "{name}: CardDeleteContext was called once"
        );
    }
    let trace = directory.path().join("refuses");
    let traced = format!("-DTRACE=\"{}\"", trace.display());
    acquire("laterefuses", &["-DREFUSES=CARDMOD_SCARD_E_NO_MEMORY", &traced], 7)
        .map(drop)
        .expect_err("refused");
    assert!(!trace.exists(), "nothing was acquired, so nothing is deleted");
}

#[test]
fn running_out_of_memory_is_an_error_and_no_leak() {
    let module = Module::load(&ModuleSource::Path(build("nomemory", &[]))).expect("a module");
    let mut seen = 0;
    for nth in 1..=14 {
        let mode = Mode::Faulty(cardmod_heap::FaultPlan::fail_at(nth));
        match module.acquire(&connection(), 7, mode) {
            Ok(mut context) => {
                seen += u32::from(context.read_file(&file("grow")).is_err());
                assert_eq!(context.delete().expect("deleted").live_blocks, 0, "failure {nth}");
            }
            Err(error) => {
                assert!(matches!(error, LoadError::Refused { code: cardmod_sys::SCARD_E_NO_MEMORY, .. }));
                seen += 1;
            }
        }
    }
    assert_eq!(seen, 14, "each failure shows");
}
