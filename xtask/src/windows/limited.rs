//! Commands that end: a program under Wine that hangs fails its step instead of holding it up.

use std::fs::File;
use std::io::{Read, Seek};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use super::outcome::{Failure, Result};

/// How often a running program is looked at. The shortest ones take some 40 ms.
const GLANCE: Duration = Duration::from_millis(20);

/// How a program ended, and what it wrote.
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs `command`, killing it after `limit`. Output goes to files: a pipe would stay open for as long as
/// the Wine server lives that a program may start.
pub(crate) fn run(what: &str, command: &mut Command, limit: Duration) -> Result<Ended> {
    let failed = |cause: std::io::Error| Failure::of(what, cause);
    let (mut stdout, mut stderr) =
        (tempfile::tempfile().map_err(failed)?, tempfile::tempfile().map_err(failed)?);
    command.stdin(Stdio::null());
    command.stdout(stdout.try_clone().map_err(failed)?).stderr(stderr.try_clone().map_err(failed)?);
    let mut child = command.spawn().map_err(failed)?;
    let status = wait(&mut child, limit).map_err(failed)?;
    let (stdout, stderr) = (text(&mut stdout).map_err(failed)?, text(&mut stderr).map_err(failed)?);
    match status {
        Some(status) => Ok(Ended { status, stdout, stderr }),
        None => {
            Err(Failure::Failed(format!("{what}: not ended after {} s\n{stdout}{stderr}", limit.as_secs())))
        }
    }
}

/// The same for a program that must end with success.
pub(crate) fn succeed(what: &str, command: &mut Command, limit: Duration) -> Result<String> {
    let ended = run(what, command, limit)?;
    if ended.status.success() {
        return Ok(ended.stdout);
    }
    Err(Failure::Failed(format!("{what}: {}\n{}{}", ended.status, ended.stdout, ended.stderr)))
}

/// None where it had to be killed.
fn wait(child: &mut Child, limit: Duration) -> std::io::Result<Option<ExitStatus>> {
    let started = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if started.elapsed() >= limit {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        std::thread::sleep(GLANCE);
    }
}

fn text(file: &mut File) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn what_hangs_is_killed_and_told() {
        let hangs = run("it", &mut shell("echo begun; exec sleep 600"), Duration::from_millis(300));
        let Err(Failure::Failed(why)) = hangs.map(|ended| ended.stdout) else { panic!("it ended") };
        assert!(why.starts_with("it: not ended") && why.contains("begun"), "{why}");
    }

    #[test]
    fn a_status_other_than_0_fails() {
        let minute = Duration::from_secs(60);
        assert_eq!(succeed("it", &mut shell("echo done"), minute), Ok("done\n".to_owned()));
        let Err(Failure::Failed(why)) = succeed("it", &mut shell("echo no >&2; exit 4"), minute) else {
            panic!("it passed")
        };
        assert_eq!(why, "it: exit status: 4\nno\n");
    }
}
