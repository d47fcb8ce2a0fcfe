//! The same of a PIV card: PIN, PUK and management key.

use cardmod_interop::{Home, READER, World};

use super::{Stuck, search};

/// As long as PIV takes them.
const PIN: &str = "hQ7kVw9Z";
const OTHER: &str = "bY4nLc8P";
const PUK: &str = "gT5xMf1K";
/// A management key whose bytes are text.
const MANAGEMENT_KEY: &str = "cV8nRq2LtY6wKx4ZpJ9sDf3G";

/// The management key as people write it.
fn digits() -> String {
    MANAGEMENT_KEY.bytes().map(|byte| format!("{byte:02X}")).collect()
}

/// A home with a PIV card `demo` that has these secrets, and a key in 9a and in 9c.
fn home() -> Home {
    let home = Home::new();
    for (file, text) in [("pin", PIN), ("puk", PUK), ("key", &digits()), ("data", "data")] {
        std::fs::write(home.file(file), text).expect("a file");
    }
    let secrets = "--new-pin-file pin --puk-file puk --management-key-file key";
    home.run(&format!("card new demo --type piv {secrets}")).success();
    for place in ["9a", "9c"] {
        let key = format!("--container {place} --algorithm p256 --pin-file pin --management-key-file key");
        home.run(&format!("key generate --card demo {key}")).success();
    }
    home
}

#[test]
fn no_verb_leaves_a_secret_of_a_piv_card_behind() {
    let home = home();
    let world = World::new();
    let _plug = world.plug(&home, "demo");
    let (pin, both) = (format!("{PIN}\n"), format!("{PIN}\n{OTHER}\n"));
    let verbs: [(&str, &str); 7] = [
        ("pin verify --pin-fd 0", &pin),
        ("sign --container 9c --in data --out - --pin-fd 0", &pin),
        ("cert request --container 9a --subject CN=x --out - --pin-fd 0", &pin),
        ("key generate --container 9e --algorithm p256 --pin-fd 0 --management-key-file key", &pin),
        ("pin change --pin-fd 0 --new-pin-fd 0", &both),
        ("pin unblock --puk-file puk --new-pin-fd 0", &pin),
        ("piv management-key --to-default --management-key-file key", ""),
    ];
    for (verb, input) in verbs {
        let words: Vec<&str> = ["cardmod", "--reader", READER].into_iter().chain(verb.split(' ')).collect();
        let stuck = Stuck::at_its_end(world.command_at(&home, &words), input);
        for secret in [PIN, OTHER, PUK, MANAGEMENT_KEY, &digits()] {
            // what was given the key is still at work, and has it for the next change
            if secret == MANAGEMENT_KEY && verb.contains("--management-key-file") {
                assert!(!search(stuck.pid(), secret).is_empty(), "the search would find it");
                continue;
            }
            let found = search(stuck.pid(), secret);
            let left: Vec<_> = found.into_iter().filter(|found| !found.locked).collect();
            assert!(left.is_empty(), "cardmod {verb} left a secret behind: {left:#?}");
        }
    }
}
