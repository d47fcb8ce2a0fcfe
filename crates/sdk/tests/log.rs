//! The module's log: what a line says, what each level has, and that nothing depends on it.

#![cfg(not(miri))]
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod common;

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use cardmod_sdk::log::{Level, Settings, files};
use cardmod_sdk::testing::fix_log_settings;

use common::module::{Full, reset_script, script};
use common::{Host, Out, call, name, wide};

/// The settings are the process's.
fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What is logged at a level while something runs; the machine's settings hold again afterwards.
fn logged(level: Level, run: impl FnOnce()) -> String {
    let folder = tempfile::tempdir().unwrap();
    fix_log_settings(Some(Settings::in_folder(level, folder.path())));
    run();
    let text = content(folder.path());
    fix_log_settings(Some(Settings::in_folder(Level::Off, folder.path())));
    text
}

fn content(folder: &Path) -> String {
    let files = files(folder).unwrap();
    assert!(files.len() <= 1, "one file of a process");
    files.first().map(|file| std::fs::read_to_string(file).unwrap()).unwrap_or_default()
}

/// Acquire, a file that is there, one that is not, delete.
fn session() {
    reset_script();
    let mut host = Host::new::<Full>();
    for file in ["cardid", "missing"] {
        let (mut file, mut out) = (name(file), Out::garbage());
        let null = std::ptr::null_mut();
        let (pointer, length) = (&raw mut out.pointer, &raw mut out.length);
        if call!(host, pfnCardReadFile, null, file.as_mut_ptr(), 0, pointer, length) == 0 {
            out.take();
        }
    }
    assert_eq!(host.delete(), 0);
    host.data().pfnCardDeleteContext = None;
}

/// The texts of the lines, without what stands before them.
fn texts(log: &str) -> Vec<&str> {
    log.lines().skip(1).map(|line| line.splitn(5, ' ').last().unwrap()).collect()
}

#[test]
fn a_line_has_time_process_thread_handles_call_code_and_duration() {
    let _alone = alone();
    let log = logged(Level::Calls, session);
    let line = log.lines().find(|line| line.contains("missing")).unwrap();
    let parts: Vec<&str> = line.splitn(5, ' ').collect();
    let [time, who, context, card, text] = parts[..] else { panic!("{line}") };
    assert!(time.len() == 27 && time.starts_with("20") && time.ends_with('Z'), "{line}");
    let (process, thread) = who.split_once(':').unwrap();
    assert_eq!(process.parse::<u32>().unwrap(), std::process::id());
    assert!(thread.parse::<u64>().unwrap() > 0);
    assert_eq!((context, card), ("ctx=1", "card=1"));
    let (call, rest) = text.split_once(" = ").unwrap();
    assert_eq!(call, r#"< CardReadFile(directory=NULL, name="missing", flags=0x0, content=out)"#);
    let (result, duration) = rest.rsplit_once(", ").unwrap();
    assert_eq!(result, "0x80100024 SCARD_E_FILE_NOT_FOUND (the file does not exist)");
    assert!(duration.strip_suffix(" ms").unwrap().parse::<f64>().unwrap() >= 0.0, "{line}");
}

#[test]
fn levels_are_errors_calls_and_calls_with_their_beginning() {
    let _alone = alone();
    assert_eq!(logged(Level::Off, session), "");
    let errors = logged(Level::Errors, session);
    assert_eq!(texts(&errors).len(), 1, "{errors}");
    let calls = logged(Level::Calls, session);
    let names: Vec<&str> = texts(&calls).iter().map(|text| text.split('(').next().unwrap()).collect();
    assert_eq!(names, ["< CardAcquireContext", "< CardReadFile", "< CardReadFile", "< CardDeleteContext"]);
    let card = r#"flags=0x0, card="Test Card", version=7, atr=3B85800148454C4C4F"#;
    assert!(texts(&calls)[0].contains(card), "{calls}");
    assert!(texts(&calls)[1].contains("= 0x00000000, 16 bytes, "), "{calls}");
    let all = logged(Level::Apdus, session);
    let names: Vec<&str> = texts(&all).iter().map(|text| text.split('(').next().unwrap()).collect();
    let twice = ["CardAcquireContext", "CardReadFile", "CardReadFile", "CardDeleteContext"];
    let expected: Vec<String> =
        twice.iter().flat_map(|name| [format!("> {name}"), format!("< {name}")]).collect();
    assert_eq!(names, expected);
}

#[test]
fn a_panic_is_told_with_its_place() {
    let _alone = alone();
    let log = logged(Level::Errors, || {
        reset_script();
        let mut host = Host::new::<Full>();
        script(|script| script.panic_in = Some("read_file"));
        let (mut file, mut out) = (name("cardid"), Out::garbage());
        let null = std::ptr::null_mut();
        let (pointer, length) = (&raw mut out.pointer, &raw mut out.length);
        assert_ne!(call!(host, pfnCardReadFile, null, file.as_mut_ptr(), 0, pointer, length), 0);
    });
    let lines = texts(&log);
    assert!(lines[0].starts_with("panic at "), "{log}");
    assert!(lines[0].contains("module.rs:"), "{log}");
    assert!(
        lines[1].contains("CardReadFile") && lines[1].contains("= 0x8010001F SCARD_E_UNEXPECTED"),
        "{log}"
    );
}

#[test]
fn a_call_without_structure_is_told_without_handles() {
    let _alone = alone();
    let log = logged(Level::Errors, || {
        // SAFETY:
        // - NULL is allowed.
        let code = unsafe { cardmod_sdk::acquire::<Full>(std::ptr::null_mut(), 0) };
        assert_eq!(code, 0x8010_0004);
    });
    assert!(
        log.contains(" ctx=0 card=0 < CardAcquireContext() = 0x80100004 SCARD_E_INVALID_PARAMETER"),
        "{log}"
    );
}

#[test]
fn what_cannot_be_written_is_counted_and_changes_nothing() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing");
    fix_log_settings(Some(Settings::in_folder(Level::Calls, &missing)));
    reset_script();
    let mut host = Host::new::<Full>();
    session();
    std::fs::create_dir(&missing).unwrap();
    assert_eq!(call!(host, pfnCardDeauthenticateEx, 2, 0), 0);
    let log = content(&missing);
    assert_eq!(texts(&log)[0], "5 lines could not be written", "{log}");
    assert!(texts(&log)[1].starts_with("< CardDeauthenticateEx(roles=0x2, flags=0x0) = 0x00000000"), "{log}");
    fix_log_settings(Some(Settings::in_folder(Level::Off, folder.path())));
}

#[test]
fn arguments_are_numbers_names_and_lengths() {
    let _alone = alone();
    let log = logged(Level::Calls, || {
        reset_script();
        let mut host = Host::new::<Full>();
        let (user, mut pin, mut left) = (wide("user"), *b"13579135", 0);
        let (user, pin) = (user.as_ptr().cast_mut(), pin.as_mut_ptr());
        let _ = call!(host, pfnCardAuthenticatePin, user, pin, 8, &raw mut left);
        let (property, mut value) = (wide("line\nend"), [0x42u8; 5]);
        let _ = call!(host, pfnCardSetProperty, property.as_ptr(), value.as_mut_ptr(), 5, 0);
        let _ = call!(host, pfnCardCreateContainer, 3, 1, 1, 2048, std::ptr::null_mut());
    });
    let all = texts(&log).join("\n");
    assert!(all.contains(r#"CardAuthenticatePin(user="user", pin=<given>, attempts=out) = "#), "{log}");
    assert!(all.contains(r#"CardSetProperty(name="line\nend", value=<5 bytes>, flags=0x0) = "#), "{log}");
    let create = "CardCreateContainer(index=3, flags=0x1, spec=0x1, bits=2048, blob=NULL) = ";
    assert!(all.contains(create), "{log}");
    assert!(!log.contains("13579135") && !log.contains("3133353739"), "{log}");
}
