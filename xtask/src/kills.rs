//! `cargo xtask kills [TRIALS]`: the long form of the test that kills `cardmod` at any moment (see
//! `crates/cli/tests/kills/`). A seed of its own each time, printed; `CARDMOD_KILL_SEED` repeats one.

/// Trials when no number is given.
const TRIALS: &str = "5000";

/// Runs the verb.
pub(crate) fn run(arguments: &[String]) -> Result<(), String> {
    let trials = match arguments {
        [] => TRIALS,
        [number] if number.parse::<usize>().is_ok_and(|number| number > 0) => number,
        _ => return Err("the only argument is a number of trials".to_owned()),
    };
    let mut test = crate::cargo();
    test.args(["test", "--package", "cardmod-cli", "--test", "kills", "--", "--nocapture"]);
    let status = test.env("CARDMOD_KILLS", trials).status().map_err(|error| error.to_string())?;
    if status.success() { Ok(()) } else { Err(format!("the test ended with {status}")) }
}
