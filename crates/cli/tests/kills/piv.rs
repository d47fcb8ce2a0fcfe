//! The verbs that are killed at work on a PIV card, and what such a card can be asked besides.

use cardmod_types::SecretBytes;
use cardmod_types::admin::challenge_response;
use cardmod_virtual::Store;

use crate::place::{Place, Start};
use crate::verbs::{Changes, Verb};

/// One PIN under two roles: 9C is asked for it each time.
const PIN: &[(&str, bool)] = &[("user", true), ("signing", true)];
const WRONG_PIN: &[(&str, bool)] = &[("user", false), ("signing", false)];
const PUK_AND_PIN: &[(&str, bool)] = &[("PUK", true), ("user", true), ("signing", true)];

const fn card(line: &'static str, changes: Changes, done_words: &'static [&'static str]) -> Verb {
    Verb { line, start: Start::Piv, changes, exit: 0, done_words, spends: PIN }
}

const fn wrong(line: &'static str, spends: &'static [(&'static str, bool)]) -> Verb {
    Verb { line, start: Start::Piv, changes: Changes::Tries, exit: 5, done_words: &[], spends }
}

const fn secret(line: &'static str, changes: Changes, spends: &'static [(&'static str, bool)]) -> Verb {
    Verb { line, start: Start::Piv, changes, exit: 0, done_words: &["wrong-pin"], spends }
}

const fn administered(line: &'static str, changes: Changes, done_words: &'static [&'static str]) -> Verb {
    Verb { line, start: Start::Piv, changes, exit: 0, done_words, spends: &[] }
}

/// All of them, but for `piv init`: it gives a card an identity, and on one that has it does nothing.
pub(crate) const VERBS: &[Verb] = &[
    card(
        "key generate --card demo --container new --algorithm p256 --pin-env PIN",
        Changes::Creates("new"),
        &["container-exists"],
    ),
    card(
        "key generate --card demo --container 9c --name new --algorithm p384 --default --pin-env PIN",
        Changes::Creates("new"),
        &["container-exists", "place-occupied"],
    ),
    card(
        "key import --card demo --container new --in rsa.key --pin-env PIN",
        Changes::Creates("new"),
        &["container-exists"],
    ),
    card(
        "key import --card demo --container new --in chain.p12 --p12-password-env P12 --pin-env PIN",
        Changes::Creates("new"),
        &["container-exists"],
    ),
    card(
        "cert import renewed.pem --card demo --container web --pin-env PIN",
        Changes::Certificate("web"),
        &[],
    ),
    card(
        "cert self-sign --subject CN=bare --store --card demo --container bare --pin-env PIN",
        Changes::Certificate("bare"),
        &[],
    ),
    card(
        "cert delete --card demo --container web --pin-env PIN",
        Changes::Certificate("web"),
        &["no-certificate"],
    ),
    card("container delete web --card demo --pin-env PIN", Changes::Deletes("web"), &["no-such-container"]),
    card("container delete bare --card demo --pin-env PIN", Changes::Deletes("bare"), &["no-such-container"]),
    card("container default bare --card demo --pin-env PIN", Changes::Default, &[]),
    card("sign --card demo --container web --in data --out killed.sig --pin-env PIN", Changes::Tries, &[]),
    card("pin verify --card demo --pin-env PIN", Changes::Tries, &[]),
    secret("pin change --card demo --pin-env PIN --new-pin-env NEW", Changes::Pin, PIN),
    secret("pin unblock --card demo --puk-env PUK --new-pin-env NEW", Changes::Pin, PUK_AND_PIN),
    wrong("pin verify --card demo --pin-env WRONG", WRONG_PIN),
    wrong("pin change --card demo --pin-env WRONG --new-pin-env NEW", WRONG_PIN),
    wrong("pin unblock --card demo --puk-env WRONGPUK --new-pin-env NEW", &[("PUK", false)]),
    Verb {
        line: "piv management-key --card demo --management-key-env MANAGEMENT --new-management-key-env NEWKEY",
        start: Start::Piv,
        changes: Changes::AdminKey,
        exit: 0,
        done_words: &["wrong-management-key"],
        spends: &[],
    },
    Verb {
        line: "piv retries --card demo --pin-tries 5 --puk-tries 5 --yes --management-key-env MANAGEMENT --pin-env PIN",
        start: Start::Piv,
        changes: Changes::Tries,
        exit: 0,
        done_words: &[],
        spends: PUK_AND_PIN,
    },
    administered(
        "piv delete-key 9a --card demo --management-key-env MANAGEMENT",
        Changes::Place("web"),
        &["no-key"],
    ),
    administered(
        "piv move 9a 82 --card demo --management-key-env MANAGEMENT",
        Changes::Place("web"),
        &["occupied"],
    ),
    administered("piv reset --card demo --yes", Changes::Reset, &[]),
    Verb {
        line: "card new other --type piv --new-pin-env PIN",
        start: Start::Piv,
        changes: Changes::Card("other"),
        exit: 0,
        done_words: &["card-exists"],
        spends: &[],
    },
    Verb {
        line: "card erase demo --yes",
        start: Start::Piv,
        changes: Changes::Card("demo"),
        exit: 0,
        done_words: &["no-card"],
        spends: &[],
    },
];

const SELECT: &[u8] = &[0x00, 0xA4, 0x04, 0x00, 0x05, 0xA0, 0x00, 0x00, 0x03, 0x08, 0x00];
const CHALLENGE: &[u8] = &[0x00, 0x87, 0x03, 0x9B, 0x04, 0x7C, 0x02, 0x81, 0x00, 0x00];

/// Whether this triple-DES key is the card's management key: it answers a challenge of the card.
pub(crate) fn is_management_key(place: &Place, card: &str, key: &str) -> bool {
    let digits = |at: usize| u8::from_str_radix(&key[at..at + 2], 16).expect("hexadecimal digits");
    let key: Vec<u8> = (0..key.len()).step_by(2).map(digits).collect();
    let store = Store::open(place.path("cards")).expect("a store");
    let mut card = store.open_card(card).expect("a card");
    let mut send = |command: &[u8]| card.transmit(command).expect("an answer").to_vec();
    assert!(send(SELECT).ends_with(&[0x90, 0x00]));
    let challenge = send(CHALLENGE);
    let challenge = challenge.get(4..12).unwrap_or_else(|| panic!("no challenge: {challenge:02x?}"));
    let answer = challenge_response(&SecretBytes::from(key.as_slice()), challenge).expect("a block");
    let header = [0x00, 0x87, 0x03, 0x9B, 0x0C, 0x7C, 0x0A, 0x82, 0x08];
    send(&[&header[..], &answer].concat()) == [0x90, 0x00]
}
