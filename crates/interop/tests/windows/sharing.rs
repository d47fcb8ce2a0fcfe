//! Several Windows programs at one card, and programs that are ended in the middle: every signature is right,
//! and nothing is lost.

use std::process::Child;

use crate::desk::{Desk, program, tries_left, windows};

/// How many files each of the programs signs.
const FILES: usize = 8;

#[test]
#[ignore = "run by cargo xtask windows"]
fn several_programs_sign_with_one_card() {
    let desk = Desk::with_key();
    let names: Vec<String> = (0..FILES).map(|number| format!("data{number}")).collect();
    for name in &names {
        desk.write(name, format!("what stands in {name}").as_bytes());
    }
    let module = windows(&program("cardmod_class.dll"));
    let options = [String::new(), String::new(), format!("--module {module}")];
    std::thread::scope(|scope| {
        for (number, options) in options.iter().enumerate() {
            let (desk, names) = (&desk, names.join(" "));
            std::fs::create_dir(desk.path(&format!("out{number}"))).expect("a folder");
            scope.spawn(move || {
                let line =
                    format!("{options} --card demo sign --container web --in {names} --out out{number}");
                desk.wine(&format!("{line} --pin-env PIN")).success();
            });
        }
    });
    for (number, name) in (0..options.len()).flat_map(|number| names.iter().map(move |name| (number, name))) {
        desk.openssl_verifies("web.pub.pem", &format!("out{number}/{name}.sig"), name, "");
    }
    // Nobody is left who holds the card.
    desk.wine("card erase demo --yes").success();
}

/// Each run is ended after another APDU of its own, by way of the log it writes.
#[test]
#[ignore = "run by cargo xtask windows"]
fn a_program_that_is_ended_loses_nothing() {
    let desk = Desk::with_key();
    let sign = "--card demo sign --container web --in data --out data.sig --pin-env PIN";
    let generate = "--card demo key generate --container more --algorithm p256 --pin-env PIN";
    for after in [1, 4, 7, 10] {
        for line in [sign, generate] {
            let log = desk.path("log");
            drop(std::fs::remove_file(&log));
            let program = desk.spawn(&format!("{line} --apdu-log log"));
            end_after(program, || std::fs::read(&log).map_or(0, |log| count(&log)) >= after);
            // At most one try is gone, which the right PIN gives back.
            desk.wine(sign).success();
            desk.openssl_verifies("web.pub.pem", "data.sig", "data", "");
        }
        // The key is there or not, and its name can be used again.
        desk.wine("--card demo container list").success().says("web");
        let gone = desk.wine("--card demo container delete more --pin-env PIN");
        assert!(matches!(gone.status, Some(0 | 1)), "{gone}");
        desk.wine(generate).success();
        desk.wine("--card demo container delete more --pin-env PIN").success();
    }
    assert_eq!(tries_left(&desk.wine("--card demo pin status --json").success()), 3);
}

/// Waits until it is time, and ends the program as the task manager would. It may have ended before.
fn end_after(mut program: Child, is_time: impl Fn() -> bool) {
    while program.try_wait().expect("its state").is_none() && !is_time() {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    drop(program.kill());
    program.wait().expect("it ends");
}

fn count(log: &[u8]) -> usize {
    log.iter().filter(|byte| **byte == b'\n').count()
}
