//! How a part of the leg can end without success.

use std::fmt;
use std::process::Command;

/// Why a part of the leg did not succeed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    /// This machine lacks what the leg stands on: another system, no root, no network. Not a fault
    /// of the code under test.
    CannotBeTried(String),
    /// Something was tried and went wrong.
    Failed(String),
}

pub(crate) type Result<T> = std::result::Result<T, Failure>;

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CannotBeTried(why) => write!(formatter, "cannot be tried on this machine: {why}"),
            Self::Failed(why) => formatter.write_str(why),
        }
    }
}

impl Failure {
    /// A failure with the text of its cause.
    pub(crate) fn of(what: &str, cause: impl fmt::Display) -> Self {
        Self::Failed(format!("{what}: {cause}"))
    }
}

/// Two parts that ran beside each other: a real failure says more than that one could not be tried.
pub(crate) fn both(one: Result<()>, other: Result<()>) -> Result<()> {
    match (one, other) {
        (Err(Failure::CannotBeTried(_)), Err(failed @ Failure::Failed(_))) => Err(failed),
        (Err(failure), _) | (Ok(()), Err(failure)) => Err(failure),
        (Ok(()), Ok(())) => Ok(()),
    }
}

/// Runs a command whose output the reader sees.
pub(crate) fn run(what: &str, command: &mut Command) -> Result<()> {
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Failure::Failed(format!("{what}: {status}"))),
        Err(cause) => Err(Failure::of(what, cause)),
    }
}

/// What a command writes to standard output; its complaint where it fails.
pub(crate) fn output(what: &str, command: &mut Command) -> Result<String> {
    let output = command.output().map_err(|cause| Failure::of(what, cause))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let complaint = String::from_utf8_lossy(&output.stderr);
    Err(Failure::Failed(format!("{what}: {}\n{}", output.status, complaint.trim_end())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_failures_the_real_one_is_told() {
        let skipped = || Err(Failure::CannotBeTried("no network".to_owned()));
        let failed = || Err(Failure::Failed("does not link".to_owned()));
        assert_eq!(both(skipped(), failed()), failed());
        assert_eq!(both(failed(), skipped()), failed());
        assert_eq!(both(skipped(), Ok(())), skipped());
        assert_eq!(both(Ok(()), failed()), failed());
        assert_eq!(both(Ok(()), Ok(())), Ok(()));
    }

    #[test]
    fn a_complaint_is_passed_on() {
        let mut command = Command::new("sh");
        let failure =
            output("the shell", command.args(["-c", "echo no such thing >&2; exit 3"])).unwrap_err();
        assert_eq!(failure, Failure::Failed("the shell: exit status: 3\nno such thing".to_owned()));
    }
}
