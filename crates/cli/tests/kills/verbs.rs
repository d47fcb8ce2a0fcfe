//! The verbs that are killed, and what each may leave behind.

use crate::place::Start;

/// A verb that writes.
#[derive(Debug)]
pub(crate) struct Verb {
    /// The command line.
    pub(crate) line: &'static str,
    /// What it begins with.
    pub(crate) start: Start,
    /// What it may change.
    pub(crate) changes: Changes,
    /// How it ends when nobody disturbs it: 0, or 5 with a wrong secret.
    pub(crate) exit: i32,
    /// The stable words of the errors that say that it was done already.
    pub(crate) done_words: &'static [&'static str],
    /// The roles whose tries it may spend, and whether the secret given is the right one.
    pub(crate) spends: &'static [(&'static str, bool)],
}

/// What a verb may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Changes {
    /// A container comes into being, by way of a record without key.
    Creates(&'static str),
    /// A container goes, by way of a record without key.
    Deletes(&'static str),
    /// A container's certificate.
    Certificate(&'static str),
    /// The place of a container's key, which goes or moves by several commands.
    Place(&'static str),
    /// Everything at once; before that, all tries.
    Reset,
    /// Which container is the default one.
    Default,
    /// A file.
    File(&'static str),
    /// The PIN: `NEW` in place of `PIN`.
    Pin,
    /// The administrator key: `NEWKEY` in place of `KEY`.
    AdminKey,
    /// A card of this name.
    Card(&'static str),
    /// Tries alone.
    Tries,
    /// The container map, from which all containers are listed.
    Map,
    /// Whether there is this directory.
    Directory(&'static str, bool),
    /// What the card is called by (`cardid`).
    Identifier,
    /// Whether the card is in its reader.
    Insertion,
}

const USER: (&str, bool) = ("user", true);

const fn card(line: &'static str, changes: Changes, done_words: &'static [&'static str]) -> Verb {
    Verb { line, start: Start::Card, changes, exit: 0, done_words, spends: &[USER] }
}

const fn wrong(line: &'static str, role: &'static [(&'static str, bool)]) -> Verb {
    Verb { line, start: Start::Card, changes: Changes::Tries, exit: 5, done_words: &[], spends: role }
}

const fn secret(
    line: &'static str,
    changes: Changes,
    done_words: &'static [&'static str],
    spends: &'static [(&'static str, bool)],
) -> Verb {
    Verb { line, start: Start::Card, changes, exit: 0, done_words, spends }
}

const fn beginning(
    start: Start,
    line: &'static str,
    changes: Changes,
    spends: &'static [(&'static str, bool)],
) -> Verb {
    Verb { line, start, changes, exit: 0, done_words: &[], spends }
}

/// All of them, of both kinds of card.
pub(crate) fn all() -> impl Iterator<Item = &'static Verb> {
    GIDS.iter().chain(crate::piv::VERBS)
}

/// Those of GIDS cards.
const GIDS: &[Verb] = &[
    card(
        "key generate --card demo --container new --algorithm p256 --pin-env PIN",
        Changes::Creates("new"),
        &["container-exists"],
    ),
    card(
        "key generate --card demo --container new --algorithm p384 --default --pin-env PIN",
        Changes::Creates("new"),
        &["container-exists"],
    ),
    card(
        "key generate --card demo --container new --algorithm rsa1024 --pin-env PIN",
        Changes::Creates("new"),
        &["container-exists"],
    ),
    card(
        "key import --card demo --container new --in p256.key --pin-env PIN",
        Changes::Creates("new"),
        &["container-exists"],
    ),
    card(
        "key import --card demo --container new --in rsa.key --default --pin-env PIN",
        Changes::Creates("new"),
        &["container-exists"],
    ),
    card(
        "cert import renewed.pem --card demo --container web --pin-env PIN",
        Changes::Certificate("web"),
        &[],
    ),
    card(
        "cert import bare.pem --card demo --container bare --pin-env PIN",
        Changes::Certificate("bare"),
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
    secret("pin change --card demo --pin-env PIN --new-pin-env NEW", Changes::Pin, &["wrong-pin"], &[USER]),
    secret(
        "pin unblock --card demo --puk-env PUK --new-pin-env NEW",
        Changes::Pin,
        &[],
        &[("PUK", true), USER],
    ),
    secret("pin unblock --card demo --admin-key-env KEY --new-pin-env NEW", Changes::Pin, &[], &[USER]),
    secret(
        "admin change --card demo --admin-key-env KEY --new-admin-key-env NEWKEY",
        Changes::AdminKey,
        &["wrong-pin"],
        &[],
    ),
    wrong("pin verify --card demo --pin-env WRONG", &[("user", false)]),
    wrong("pin change --card demo --pin-env WRONG --new-pin-env NEW", &[("user", false)]),
    wrong("pin unblock --card demo --puk-env WRONGPUK --new-pin-env NEW", &[("PUK", false)]),
    card("pin verify --card demo --pin-env PIN", Changes::Tries, &[]),
    card(
        "key import --card demo --container new --in chain.p12 --p12-password-env P12 --roots --pin-env PIN",
        Changes::Creates("new"),
        &["container-exists"],
    ),
    card(
        "cert import bundle.pem --roots --card demo --container web --pin-env PIN",
        Changes::Certificate("web"),
        &[],
    ),
    card("cert roots import other.pem --card demo --pin-env PIN", Changes::File("mscp/msroots"), &[]),
    card("cert roots delete --all --card demo --pin-env PIN", Changes::File("mscp/msroots"), &[]),
    card("file mkdir fresh --card demo --pin-env PIN", Changes::Directory("fresh", true), &["file-exists"]),
    card(
        "file rmdir spare --card demo --pin-env PIN",
        Changes::Directory("spare", false),
        &["directory-not-found"],
    ),
    beginning(Start::NoMap, "container rebuild --card demo --pin-env PIN", Changes::Map, &[USER]),
    beginning(
        Start::Card,
        "property set Card~Identifier 000102030405060708090a0b0c0d0e0f --card demo --admin-key-env KEY",
        Changes::Identifier,
        &[],
    ),
    beginning(Start::Card, "card eject demo", Changes::Insertion, &[]),
    beginning(Start::Ejected, "card insert demo", Changes::Insertion, &[]),
    beginning(Start::Cached, "cache flush", Changes::Tries, &[]),
    card("sign --card demo --container web --in data --out killed.sig --pin-env PIN", Changes::Tries, &[]),
    card("file write mscp/fresh --in more --card demo --pin-env PIN", Changes::File("mscp/fresh"), &[]),
    card("file write mscp/notes --in more --card demo --pin-env PIN", Changes::File("mscp/notes"), &[]),
    card(
        "file delete mscp/notes --card demo --pin-env PIN",
        Changes::File("mscp/notes"),
        &["file-not-found"],
    ),
    Verb {
        line: "card new other --new-pin-env PIN",
        start: Start::Card,
        changes: Changes::Card("other"),
        exit: 0,
        done_words: &["card-exists"],
        spends: &[],
    },
    Verb {
        line: "card new other --new-pin-env PIN",
        start: Start::Nothing,
        changes: Changes::Card("other"),
        exit: 0,
        done_words: &["card-exists"],
        spends: &[],
    },
    Verb {
        line: "card erase demo --yes",
        start: Start::Card,
        changes: Changes::Card("demo"),
        exit: 0,
        done_words: &["no-card"],
        spends: &[],
    },
    Verb {
        line: "key generate --container new --algorithm p256 --pin-env PIN",
        start: Start::Nothing,
        changes: Changes::Card("default"),
        exit: 0,
        done_words: &["container-exists"],
        spends: &[],
    },
];
