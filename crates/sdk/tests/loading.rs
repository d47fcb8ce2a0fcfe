//! The example as a host sees it: a shared object that is loaded, called, and unloaded for good.

#![cfg(not(miri))]
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod common;

use std::path::PathBuf;
use std::process::Command;

use cardmod_sdk::Status;
use cardmod_sdk::sys::{CARD_DATA, DWORD};
use libloading::Library;

use common::{Host, Out, call, name, refused};

type Acquire = unsafe extern "system" fn(*mut CARD_DATA, DWORD) -> DWORD;

fn file_name(example: &str) -> String {
    format!("{}{example}{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX)
}

/// An example's library, built by the same cargo that builds this test.
fn library_path(example: &str) -> PathBuf {
    let mut folder = std::env::current_exe().unwrap();
    folder.pop();
    folder.pop();
    let path = folder.join("examples").join(file_name(example));
    if !path.exists() {
        build(example);
    }
    path
}

#[cfg(not(windows))]
fn build(example: &str) {
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--package", "cardmod-sdk", "--example", example])
        .status()
        .unwrap();
    assert!(built.success());
}

/// What was built on another system finds no compiler here.
#[cfg(windows)]
fn build(example: &str) {
    panic!("{example} is not built: cargo build --package cardmod-sdk --examples, for this target");
}

fn load(example: &str) -> Library {
    // SAFETY:
    // - the examples have no initialisers beyond the standard library's.
    unsafe { Library::new(library_path(example)) }.unwrap()
}

fn acquire(library: &Library, host: &mut Host) -> u32 {
    // SAFETY:
    // - the exported function's type.
    let acquire = unsafe { library.get::<Acquire>(b"CardAcquireContext\0") }.unwrap();
    // SAFETY:
    // - a filled structure.
    unsafe { acquire(host.pointer(), 0) }
}

#[test]
fn the_example_serves_its_files() {
    let library = load("hello_module");
    let mut host = Host::prepared(7);
    assert_eq!(acquire(&library, &mut host), 0);
    let null = std::ptr::null_mut();
    let mut out = Out::garbage();
    let (pointer, length) = (&raw mut out.pointer, &raw mut out.length);
    assert_eq!(call!(host, pfnCardReadFile, null, name("cardid").as_mut_ptr(), 0, pointer, length), 0);
    assert_eq!(out.take(), b"hello, card 0001");
    let mut out = Out::garbage();
    assert_eq!(
        call!(
            host,
            pfnCardEnumFiles,
            name("mscp").as_mut_ptr(),
            (&raw mut out.pointer).cast(),
            &raw mut out.length,
            0
        ),
        0
    );
    assert_eq!(out.take(), b"cmapfile\0\0");
    refused!(call!(host, pfnCardDeleteContainer, 0, 0), Status::UnsupportedFeature);
    refused!(call!(host, pfnCardDeauthenticateEx, 2, 0), Status::UnsupportedFeature);
    assert_eq!(host.delete(), 0);
    let mut other = Host::prepared(7);
    let mut atr = *b"\x3B\x85\x80\x01WORLD";
    other.data().pbAtr = atr.as_mut_ptr();
    refused!(acquire(&library, &mut other), Status::UnknownCard);
}

/// Whether an example is mapped into this process.
#[cfg(target_os = "linux")]
fn is_mapped(example: &str) -> bool {
    std::fs::read_to_string("/proc/self/maps").unwrap().contains(example)
}

/// Whether an example is mapped into this process.
#[cfg(windows)]
fn is_mapped(example: &str) -> bool {
    libloading::os::windows::Library::open_already_loaded(file_name(example)).is_ok()
}

/// Set in a process that runs a single test.
#[cfg(any(target_os = "linux", windows))]
const CHILD: &str = "CARDMOD_SDK_UNLOAD_CHILD";

/// Runs a test of this file in a process of its own, where no other test keeps a library loaded; answers
/// whether this is that process.
#[cfg(any(target_os = "linux", windows))]
fn in_own_process(test: &str) -> bool {
    if std::env::var_os(CHILD).is_some() {
        return true;
    }
    let program = std::env::current_exe().unwrap();
    let child = Command::new(program)
        .args(["--exact", test, "--nocapture"])
        .env(CHILD, "1")
        .env_remove("CARDMOD_LOG")
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&child.stderr);
    assert!(child.status.success(), "{}: {errors}", child.status);
    assert!(!errors.contains("panicked"), "the default hook was not used: {errors}");
    false
}

/// Loads, calls and unloads on a thread that then ends, many times: a destructor left behind in the
/// thread would crash, a pinned library would stay mapped, and what it keeps of the process's things (on
/// Windows 1088 indices of thread-local storage) would run out.
#[cfg(any(target_os = "linux", windows))]
#[test]
fn the_example_unloads_for_good() {
    if !in_own_process("the_example_unloads_for_good") {
        return;
    }
    for _ in 0..1000 {
        let once = || {
            let library = load("hello_module");
            let mut host = Host::prepared(7);
            assert_eq!(acquire(&library, &mut host), 0);
            refused!(call!(host, pfnCardDeleteContainer, 0, 0), Status::UnsupportedFeature);
            assert_eq!(host.delete(), 0);
            host.data().pfnCardDeleteContext = None;
        };
        std::thread::spawn(once).join().unwrap();
        assert!(!is_mapped("hello_module"), "unloaded");
    }
}

#[cfg(any(target_os = "linux", windows))]
#[test]
fn a_module_that_panicked_unloads_too() {
    if !in_own_process("a_module_that_panicked_unloads_too") {
        return;
    }
    // More than there are indices of thread-local storage; where only the words are looked at, a few.
    let rounds = if std::env::var_os("CARDMOD_LOG").is_some() { 20 } else { 1200 };
    for _ in 0..rounds {
        let once = || {
            let library = load("panicking_module");
            let mut host = Host::prepared(7);
            assert_eq!(acquire(&library, &mut host), 0);
            let (mut file, mut out, null) = (name("cardid"), Out::garbage(), std::ptr::null_mut());
            for _ in 0..2 {
                let (pointer, length) = (&raw mut out.pointer, &raw mut out.length);
                refused!(
                    call!(host, pfnCardReadFile, null, file.as_mut_ptr(), 0, pointer, length),
                    Status::Unexpected
                );
            }
            assert_eq!(host.delete(), 0);
            host.data().pfnCardDeleteContext = None;
        };
        std::thread::spawn(once).join().unwrap();
        assert!(!is_mapped("panicking_module"), "unloaded");
    }
}

#[cfg(any(target_os = "linux", windows))]
#[test]
fn a_module_that_panicked_says_so_where_a_log_is_wanted_and_unloads_too() {
    let run = |filter: &str| {
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "a_module_that_panicked_unloads_too", "--nocapture"])
            .env(CHILD, "1")
            .env("CARDMOD_LOG", filter)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", output.status);
        String::from_utf8(output.stderr).unwrap()
    };
    let told = run("error");
    let line = told.lines().find(|line| line.starts_with("card module panicked: ")).unwrap();
    assert!(line.starts_with("card module panicked: cannot read cardid at "), "{line}");
    assert!(line.contains("panicking_module.rs:"), "{line}");
    assert_eq!(run("off"), "");
}

/// The log leaves nothing in a library that goes: it is unmapped as without, and no file stays open.
#[cfg(target_os = "linux")]
#[test]
fn a_module_that_logs_unloads_too() {
    let folder = std::env::temp_dir().join(format!("cardmod-logging-unload-{}", std::process::id()));
    std::fs::create_dir(&folder).unwrap();
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "the_example_unloads_for_good", "--nocapture"])
        .env(CHILD, "1")
        .env_remove("CARDMOD_LOG")
        .env("CARDMOD_MODULE_LOG_LEVEL", "3")
        .env("CARDMOD_MODULE_LOG_DIR", &folder)
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    let files = cardmod_sdk::log::files(&folder).unwrap();
    let log = std::fs::read_to_string(&files[0]).unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    assert!(output.status.success(), "{}: {errors}", output.status);
    assert_eq!(files.len(), 1, "each load goes on with the file of the one before");
    assert_eq!(log.matches("< CardDeleteContext() = 0x00000000").count(), 1000);
}
