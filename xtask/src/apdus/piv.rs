//! PIV cards: cardmod's program, its PIV edge, OpenSC and ykcs11 in turn on the same card.

use cardmod_interop::traffic::Exchange;

use super::Count;
use super::bench::{Build, PIN};
use super::ours::Steps;
use super::strangers::{MODULES, NOT_INSTALLED, OPENSC, PYTHON, SESSION, has_binding, installed};
use super::table::render;
use super::wire::{Way, Wire};

const PROGRAM: &str = "cardmod";
const EDGE: &str = "cardmod's PIV edge";
const YKCS11: &str = "ykcs11";

const LIST: &str = "list four certificates, new process";
const LIST_WARM: &str = "list four certificates, new process, seen before";
const LIST_AGAIN: &str = "list again, same process";
const SIGN: &str = "sign with PIN, new process";
const SIGN_WARM: &str = "sign with PIN, new process, seen before";
const SIGN_PIN: &str = "sign with PIN, same process";
const SIGN_AGAIN: &str = "second signature, same session";
const DECRYPT: &str = "decrypt with PIN, new process";
const DECRYPT_WARM: &str = "decrypt with PIN, new process, seen before";
const ORDER: [&str; 9] =
    [LIST, LIST_WARM, LIST_AGAIN, SIGN, SIGN_WARM, SIGN_PIN, SIGN_AGAIN, DECRYPT, DECRYPT_WARM];

/// What a card has, and what the plan for the edge is.
struct Case {
    title: &'static str,
    way: Way,
    algorithm: &'static str,
    places: &'static [&'static str],
    plan: &'static [(&'static str, usize)],
}

const FOUR: &[&str] = &["9a", "9c", "9d", "9e"];

const CASES: [Case; 4] = [
    Case {
        title: "A PIV card with four P-256 keys, extended length APDUs, through cardmod's PC/SC library",
        way: Way::Library,
        algorithm: "p256",
        places: FOUR,
        plan: &[(LIST, 7), (LIST_AGAIN, 0), (SIGN, 3), (SIGN_PIN, 2), (SIGN_AGAIN, 1)],
    },
    Case {
        title: "A PIV card with four P-256 keys, through pcscd, whose reader carries short APDUs",
        way: Way::Pcscd,
        algorithm: "p256",
        places: FOUR,
        plan: &[(LIST, 15), (LIST_AGAIN, 0), (SIGN, 3), (SIGN_PIN, 2), (SIGN_AGAIN, 1)],
    },
    Case {
        title: "A PIV card with an RSA-2048 key, extended length APDUs, through cardmod's PC/SC library",
        way: Way::Library,
        algorithm: "rsa2048",
        places: &["9a"],
        plan: &[(SIGN, 3), (SIGN_PIN, 2), (SIGN_AGAIN, 1)],
    },
    Case {
        title: "A PIV card with an RSA-2048 key, through pcscd, whose reader carries short APDUs",
        way: Way::Pcscd,
        algorithm: "rsa2048",
        places: &["9a"],
        plan: &[(SIGN, 5), (SIGN_PIN, 4), (SIGN_AGAIN, 3)],
    },
];

/// The tables, in which the edge keeps to its plan.
pub(super) fn tables(build: &Build, markdown: bool) -> Result<String, String> {
    let mut tables = Vec::new();
    for case in &CASES {
        let wire = Wire::set_up(case.way, case.algorithm, case.places);
        let mut counts = ours(&wire, case)?;
        counts.extend(sessions_of_ours(&wire, build, case)?);
        for (through, module, list) in
            [(OPENSC, opensc(), OPENSC_LIST), (YKCS11, ykcs11(), "--list-objects --type cert")]
        {
            // ykcs11 talks to readers of its maker alone, which only pcscd's can be called
            if case.way == Way::Pcscd || through != YKCS11 {
                counts.extend(strangers(&wire, case, through, module.as_deref(), list)?);
            }
        }
        keeps_to_the_plan(case, &counts)?;
        tables.push(render(case.title, &ORDER, &counts, markdown));
    }
    Ok(tables.join("\n"))
}

impl Case {
    /// Whether the list is a row: of one certificate it would say little.
    const fn lists(&self) -> bool {
        self.places.len() > 1
    }

    fn is_rsa(&self) -> bool {
        self.algorithm == "rsa2048"
    }
}

/// The program, each time in a process of its own, with an empty cache and a filled one.
fn ours(wire: &Wire, case: &Case) -> Result<Vec<Count>, String> {
    let key = "--container 9a --pin-env PIN";
    let sign = format!("sign --in data --out signature {key}");
    let decrypt = format!("decrypt --in sealed --out opened {key}");
    let mut tasks = vec![(SIGN, SIGN_WARM, sign)];
    if case.lists() {
        tasks.insert(0, (LIST, LIST_WARM, "container list".to_owned()));
    }
    if case.is_rsa() {
        seal(wire);
        tasks.push((DECRYPT, DECRYPT_WARM, decrypt));
    }
    let mut counts = Vec::new();
    for (cold, warm, line) in tasks {
        wire.home().run("cache flush").success();
        for operation in [cold, warm] {
            let words: Vec<&str> =
                ["cardmod", "--reader", "{reader}"].into_iter().chain(line.split(' ')).collect();
            counts.push(Count { operation, through: PROGRAM, sent: Ok(wire.watched(&words)?.1) });
        }
    }
    Ok(counts)
}

/// Sessions of the host and of the edge alone.
fn sessions_of_ours(wire: &Wire, build: &Build, case: &Case) -> Result<Vec<Count>, String> {
    let program = build.example("piv_counts");
    let program = program.to_str().ok_or("a path that is no text")?;
    let mut counts = Vec::new();
    let host = [(LIST_AGAIN, "list again"), (SIGN_AGAIN, "sign again")];
    let edge = [
        (LIST, "list"),
        (LIST_AGAIN, "list again"),
        (SIGN, "sign"),
        (SIGN_PIN, "sign with PIN"),
        (SIGN_AGAIN, "sign again"),
    ];
    for (through, session, steps) in [(PROGRAM, "host", &host[..]), (EDGE, "edge", &edge[..])] {
        let (printed, sent) = wire.watched(&[program, session, "{reader}"])?;
        let taken = Steps::new(&printed, sent)?;
        for (operation, step) in steps {
            if case.lists() || ![LIST, LIST_AGAIN].contains(operation) {
                counts.push(Count { operation, through, sent: Ok(taken.step(step)?) });
            }
        }
    }
    Ok(counts)
}

/// OpenSC's own program for its list, which does less than its PKCS#11 module.
const OPENSC_LIST: &str = "pkcs15-tool --list-certificates";

/// A PKCS#11 module of others, in new processes and in a session.
fn strangers(
    wire: &Wire,
    case: &Case,
    through: &'static str,
    module: Option<&str>,
    list: &str,
) -> Result<Vec<Count>, String> {
    let mut counts = Vec::new();
    for (operation, line) in tasks(case, module.unwrap_or_default(), list) {
        let sent = match module {
            Some(_) if installed("pkcs11-tool", "--version") => {
                Ok(wire.watched(&line.split(' ').collect::<Vec<_>>())?.1)
            }
            _ => Err(NOT_INSTALLED),
        };
        counts.push(Count { operation, through, sent });
    }
    let steps = match module {
        Some(module) if has_binding() => Some(session(wire, case, module)?),
        _ => None,
    };
    for (operation, step) in [(LIST_AGAIN, "list again"), (SIGN_AGAIN, "sign again")] {
        if case.lists() || operation != LIST_AGAIN {
            let sent: Result<Vec<Exchange>, _> = match &steps {
                Some(steps) => Ok(steps.step(step)?),
                None => Err(NOT_INSTALLED),
            };
            counts.push(Count { operation, through, sent });
        }
    }
    Ok(counts)
}

/// What is done in new processes.
fn tasks(case: &Case, module: &str, list: &str) -> Vec<(&'static str, String)> {
    let program = format!("pkcs11-tool --module {module}");
    let key = format!("{program} --login --pin {PIN} --id 01 --output-file by-stranger");
    let mechanism = if case.is_rsa() { "SHA256-RSA-PKCS" } else { "ECDSA" };
    let input = if case.is_rsa() { "data" } else { "digest" };
    let mut tasks = vec![(SIGN, format!("{key} --sign --mechanism {mechanism} --input-file {input}"))];
    if case.lists() {
        let list = if list == OPENSC_LIST { list.to_owned() } else { format!("{program} {list}") };
        tasks.push((LIST, list));
    }
    if case.is_rsa() {
        tasks.push((DECRYPT, format!("{key} --decrypt --mechanism RSA-PKCS --input-file sealed")));
    }
    tasks
}

/// One session through PKCS#11.
fn session(wire: &Wire, case: &Case, module: &str) -> Result<Steps, String> {
    let mechanism = if case.is_rsa() { "SHA256_RSA_PKCS" } else { "ECDSA" };
    let number = case.places.len().to_string();
    let (printed, sent) = wire.watched(&[PYTHON, "-c", SESSION, module, &number, mechanism])?;
    Steps::new(&printed, sent)
}

/// Seals the data for the key.
fn seal(wire: &Wire) {
    let line = "openssl pkeyutl -encrypt -pubin -inkey 9a.pub -in data -out sealed";
    cardmod_interop::run(cardmod_interop::tool(line).current_dir(wire.home().folder())).success();
}

/// The counts of the edge are those of the plan.
fn keeps_to_the_plan(case: &Case, counts: &[Count]) -> Result<(), String> {
    for (operation, planned) in case.plan {
        let found = counts.iter().find(|count| count.through == EDGE && count.operation == *operation);
        let sent = found.and_then(|count| count.sent.as_ref().ok()).map(Vec::len);
        if sent != Some(*planned) {
            return Err(format!("{}: {operation}: {sent:?} APDUs, not {planned}", case.title));
        }
    }
    Ok(())
}

fn opensc() -> Option<String> {
    MODULES.iter().find(|path| std::path::Path::new(path).exists()).map(|&path| path.to_owned())
}

/// Yubico's module, beside the places of OpenSC's.
fn ykcs11() -> Option<String> {
    let places = MODULES.iter().map(|path| path.replace("opensc-pkcs11.so", "libykcs11.so"));
    places.into_iter().find(|path| std::path::Path::new(path).exists())
}
