//! What a new process costs that explains a card: `cardmod info` with an empty cache and with a filled one,
//! beside OpenSC's programs on the same virtual card. The programs take turns.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use tempfile::TempDir;

use super::table::{table, time};
use crate::apdus::done;

const TURNS: usize = 15;
const CARD: &str = "measured";
const PIN: &str = "123456";
/// What the times are compared with.
const PEER: &str = "pkcs15-tool --dump";

/// A home with a card that has two RSA-2048 keys with certificates.
struct Home {
    programs: PathBuf,
    folder: TempDir,
}

/// A program with its arguments.
struct Run {
    name: &'static str,
    words: Vec<&'static str>,
    /// The cache is emptied before.
    cold: bool,
}

pub(super) fn run() -> Result<String, String> {
    let mut build = crate::cargo();
    build.args(["build", "--quiet", "--release", "-p", "cardmod-cli", "-p", "cardmod-class"]);
    done(build.args(["-p", "cardmod-winscard"]))?;
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let home = Home { programs: super::target()?.join("release"), folder };
    home.furnish()?;
    let info = || vec!["cardmod", "info", "--card", CARD];
    let runs = [
        Run { name: "`cardmod info`, empty cache", words: info(), cold: true },
        Run { name: "`cardmod info`, filled cache", words: info(), cold: false },
        Run { name: "`opensc-tool --name`", words: vec!["opensc-tool", "--name"], cold: false },
        Run { name: "`pkcs15-tool --dump`", words: PEER.split(' ').collect(), cold: false },
        Run {
            name: "`pkcs11-tool --list-objects`",
            words: vec!["pkcs11-tool", "--list-objects"],
            cold: false,
        },
    ];
    let runs: Vec<_> = runs.into_iter().filter(|run| run.cold || installed(run.words[0])).collect();
    let mut measured = vec![(Vec::new(), 0); runs.len()];
    for _ in 0..TURNS {
        for (run, (times, sent)) in runs.iter().zip(&mut measured) {
            let (took, apdus) = home.measure(run)?;
            times.push(took);
            *sent = apdus;
        }
    }
    let medians: Vec<f64> = measured.iter_mut().map(|(times, _)| median(times)).collect();
    let peer = runs.iter().position(|run| run.words.join(" ") == PEER).map(|place| medians[place]);
    let rows: Vec<_> = runs
        .iter()
        .zip(medians.iter().zip(&measured))
        .map(|(run, (took, (_, sent)))| {
            let ratio = peer.map_or_else(|| "-".to_owned(), |peer| format!("{:.2}", took / peer));
            vec![run.name.to_owned(), sent.to_string(), time(*took), ratio]
        })
        .collect();
    Ok(table(&["a new process", "APDUs", "median", "ratio to `pkcs15-tool --dump`"], &rows))
}

impl Home {
    fn furnish(&self) -> Result<(), String> {
        let library = self.programs.join("libcardmod_winscard.so");
        let named = self.folder.path().join("pcsc/libpcsclite.so.1");
        let copied = std::fs::create_dir_all(self.folder.path().join("pcsc"));
        let copied = copied.and_then(|()| std::fs::copy(&library, &named));
        copied.map_err(|error| format!("{}: {error}", named.display()))?;
        done(&mut self.command(&["cardmod", "card", "new", CARD]))?;
        for container in ["one", "two"] {
            let key = ["--card", CARD, "--pin-env", "PIN", "--container", container];
            let subject = format!("CN={container}");
            let steps: [&[&str]; 3] = [
                &["key", "generate", "--algorithm", "rsa2048"],
                &["cert", "self-sign", "--subject", &subject, "--out", "new.pem"],
                &["cert", "import", "new.pem"],
            ];
            for step in steps {
                done(&mut self.command(&[&["cardmod"], step, &key].concat()))?;
            }
        }
        Ok(())
    }

    /// The time of one run in microseconds, and how many APDUs it sent. They are counted in another run,
    /// since the log takes time.
    fn measure(&self, run: &Run) -> Result<(f64, usize), String> {
        let log = self.folder.path().join("apdus");
        self.prepare(run)?;
        done(self.command(&run.words).env("CARDMOD_APDU_LOG", &log))?;
        let sent = std::fs::read_to_string(&log).map_err(|error| format!("{}: {error}", run.name))?;
        std::fs::remove_file(&log).map_err(|error| error.to_string())?;
        self.prepare(run)?;
        let begun = Instant::now();
        done(&mut self.command(&run.words))?;
        Ok((begun.elapsed().as_nanos() as f64 / 1000.0, sent.lines().count()))
    }

    fn prepare(&self, run: &Run) -> Result<(), String> {
        let cache = self.folder.path().join("cache");
        match std::fs::remove_dir_all(&cache) {
            Err(error) if run.cold && error.kind() != std::io::ErrorKind::NotFound => {
                Err(format!("{}: {error}", cache.display()))
            }
            _ if run.cold => Ok(()),
            // Filled again by the program itself.
            _ => done(&mut self.command(&["cardmod", "info", "--card", CARD])).map(drop),
        }
    }

    fn command(&self, words: &[&str]) -> Command {
        let (program, arguments) = words.split_first().unwrap_or((&"true", &[]));
        let program = match *program {
            "cardmod" => self.programs.join("cardmod"),
            other => Path::new(other).to_owned(),
        };
        let folder = self.folder.path();
        let mut command = Command::new(program);
        command.args(arguments).current_dir(folder).env("CARDMOD_HOME", folder).env("PIN", PIN);
        command.env("CARDMOD_CACHE_DIR", folder.join("cache")).env("LD_LIBRARY_PATH", folder.join("pcsc"));
        command
    }
}

fn installed(program: &str) -> bool {
    program == "cardmod" || Command::new(program).arg("--version").output().is_ok()
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_one_is_taken() {
        assert_eq!(median(&mut [9.0, 1.0, 5.0]), 5.0);
    }
}
