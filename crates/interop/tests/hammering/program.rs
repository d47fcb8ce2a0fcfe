//! The loop of `cardmod` runs.

use std::time::{Duration, Instant};

use cardmod_interop::{Home, Outcome};

/// Runs the program until the time is over; how many runs were done. A run that found the card busy says so.
pub(crate) fn work(home: &Home, reader: &str, time: Duration, run: &impl Fn(&[&str]) -> Outcome) -> u64 {
    let started = Instant::now();
    let mut runs = 0;
    let mut done = |line: &str| {
        loop {
            let words: Vec<&str> = ["--reader", reader].into_iter().chain(line.split_whitespace()).collect();
            let outcome = run(&words);
            if outcome.status == Some(1) && outcome.stdout.contains("\"reader-busy\"") {
                assert!(started.elapsed() < time + Duration::from_secs(30), "busy for ever\n{outcome}");
                continue;
            }
            runs += 1;
            return outcome.success();
        }
    };
    let mut round = 0;
    while started.elapsed() < time {
        round += 1;
        let name = format!("tmp-p{round}");
        let on_key = format!("--container {name} --pin-env PIN --json");
        done("info --json").says("shared");
        done(&format!("key generate --algorithm p256 {on_key}"));
        done(&format!("cert self-sign --subject CN={name} --store {on_key}"));
        done(&format!("sign --in data --out program.sig {on_key}"));
        done(&format!("verify --container {name} --in data --signature program.sig --json"));
        done(&format!("cert export --container {name} --out program.pem --json"));
        let exported = std::fs::read_to_string(home.file("program.pem")).expect("the certificate");
        assert!(exported.contains("BEGIN CERTIFICATE"), "{exported}");
        done("sign --container shared --in data --out shared.sig --pin-env PIN --json");
        done("verify --container shared --in data --signature shared.sig --json");
        done("pin verify --pin-env PIN --json");
        done(&format!("container delete {name} --pin-env PIN --json"));
        assert!(
            !done("container list --json").stdout.contains(&format!("\"{name}\"")),
            "{name} is still there"
        );
    }
    runs
}
