//! A card that a test made in its own process is there for the programs it starts.

use std::process::Command;

use cardmod_default::testing;
use cardmod_host::KeyAlgorithm;
use cardmod_types::EcCurve;

#[test]
fn a_program_started_by_a_test_uses_the_test_s_card() {
    let test = testing::card();
    test.generate("web", KeyAlgorithm::Ec(EcCurve::P256));
    let cardmod = |words: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cardmod"));
        command.args(["--card", test.name()]).args(words).current_dir(test.home());
        command.env("CARDMOD_HOME", test.home()).env("CARDMOD_PCSC_SYSTEM", "none").env("PIN", testing::PIN);
        let output = command.output().expect("the program");
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    };
    assert!(cardmod(&["container", "list"]).contains("web"));
    let key = ["key", "generate", "--container", "other", "--algorithm", "p256", "--pin-env", "PIN"];
    cardmod(&key);
    let found = test.session().containers().expect("a list");
    assert_eq!(found.iter().map(|found| found.name.as_str()).collect::<Vec<_>>(), ["web", "other"]);
}
