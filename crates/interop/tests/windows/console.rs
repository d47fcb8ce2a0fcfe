//! What is Windows' own between program and caller: standard input as a descriptor, words of advice.

use std::fs::File;

use crate::desk::Desk;

#[test]
#[ignore = "run by cargo xtask windows"]
fn secrets_come_from_standard_input_and_from_no_other_descriptor() {
    let desk = Desk::with_card();
    desk.write("pins", b"123456\r\n777777\r\n");
    let from_file = |line: &str| {
        let mut command = desk.wine_command(&line.split_whitespace().collect::<Vec<_>>());
        let pins = File::open(desk.path("pins")).expect("the file");
        desk.finish_reading(&mut command, pins.into())
    };
    from_file("pin verify --pin-fd 0").success();
    // Two secrets, one behind the other.
    from_file("pin change --pin-fd 0 --new-pin-fd 0").success();
    from_file("pin verify --pin-fd 0").exits_with(5);
    from_file("pin verify --pin-fd 3").exits_with(1).says("Windows has no file descriptors but 0");
}

#[test]
#[ignore = "run by cargo xtask windows"]
fn advice_is_for_windows() {
    let desk = Desk::with_card();
    desk.wine("card env demo").exits_with(7).says("winscard.dll").says("$env:CARDMOD_HOME = '");
    let mut doctor = desk.wine_command(&["doctor"]);
    let told = desk.finish(doctor.env_remove("CARDMOD_PCSC_SYSTEM")).says("✓");
    for word in ["systemctl", "pcscd", "apt install", "chmod", "/etc/"] {
        assert!(!told.stdout.contains(word) && !told.stderr.contains(word), "{word} in {told}");
    }
}
