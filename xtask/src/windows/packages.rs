//! Debian's packages: the compiler with the sources of its standard library, mingw's linker and C
//! library, and Wine.

use std::process::{Command, Output, Stdio};

use super::outcome::{Failure, Result, output};

/// Compiles for 64-bit Windows. `nasm` is for aws-lc, the virtual cards' private keys.
pub(crate) const COMPILER: &[&str] =
    &["rustc-web", "cargo-web", "rust-web-src", "gcc", "gcc-mingw-w64-x86-64-win32", "nasm"];
/// The compiler, and what goes with it.
const OF_ONE_VERSION: [&str; 3] = ["rustc-web", "cargo-web", "rust-web-src"];
/// Links for 32-bit Windows.
pub(crate) const MINGW_32: &[&str] = &["gcc-mingw-w64-i686-win32"];
/// Runs 64-bit programs.
pub(crate) const WINE: &[&str] = &["wine64"];
/// Clippy of the compiler above.
pub(crate) const CLIPPY: &[&str] = &["rust-web-clippy"];

/// A variable that forbids installing anything (`./test.sh --no-install`).
pub(crate) const NO_INSTALL: &str = "CARDMOD_NO_INSTALL";

/// What apt says where it cannot reach its servers.
const NO_NETWORK: &[&str] = &[
    "Temporary failure resolving",
    "Could not resolve",
    "Could not connect",
    "Unable to connect",
    "Connection failed",
    "Connection timed out",
    "Network is unreachable",
];

/// Installs those of `packages` that are missing.
pub(crate) fn ensure(packages: &[&str]) -> Result<()> {
    is_debian_on_x86_64()?;
    let missing: Vec<&str> = packages.iter().copied().filter(|package| !is_usable(package)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let list = missing.join(" ");
    if std::env::var_os(NO_INSTALL).is_some() {
        return Err(Failure::CannotBeTried(format!("not installed, and {NO_INSTALL} is set: {list}")));
    }
    let rights = Rights::of_this_process().ok_or_else(|| {
        Failure::CannotBeTried(format!("installing {list} needs root, or sudo without a password"))
    })?;
    eprintln!("installing {list}");
    let lists = rights.apt(&["update", "-q"]).output().map_err(|cause| Failure::of("apt-get", cause))?;
    are_offered(&missing, &everything_said(&lists))?;
    // not one package of the user's may go: rustc-web would push out Debian's older rustc
    let mut install = rights.apt(&["install", "-y", "-q", "--no-install-recommends", "--no-remove"]);
    let done = install.args(&missing).output().map_err(|cause| Failure::of("apt-get", cause))?;
    if done.status.success() { Ok(()) } else { Err(refusal(&list, &everything_said(&done))) }
}

/// The version of an installed package.
pub(crate) fn version(package: &str) -> Result<String> {
    let mut query = Command::new("dpkg-query");
    output("dpkg-query", query.args(["--show", "--showformat=${Version}", package]))
}

fn is_debian_on_x86_64() -> Result<()> {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        return Err(Failure::CannotBeTried("it needs Linux on x86-64".to_owned()));
    }
    for tool in ["dpkg-query", "apt-get", "apt-cache"] {
        let version =
            Command::new(tool).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        if !version.is_ok_and(|status| status.success()) {
            return Err(Failure::CannotBeTried(format!(
                "it needs Debian's packages, and there is no {tool}"
            )));
        }
    }
    Ok(())
}

/// It is installed; the compiler, its cargo and its library's sources in one version that the workspace takes.
fn is_usable(package: &str) -> bool {
    if !is_installed(package) {
        return false;
    }
    if !OF_ONE_VERSION.contains(&package) {
        return true;
    }
    let compiler = version(OF_ONE_VERSION[0]).unwrap_or_default();
    super::toolchain::is_new_enough(&compiler) && version(package).is_ok_and(|version| version == compiler)
}

fn is_installed(package: &str) -> bool {
    let mut query = Command::new("dpkg-query");
    let state = query.args(["--show", "--showformat=${db:Status-Status}", package]).output();
    state.is_ok_and(|state| state.stdout == b"installed")
}

/// Every package is to be had, the compiler in a version that the workspace takes.
fn are_offered(missing: &[&str], said_by_update: &str) -> Result<()> {
    for package in missing {
        let policy = output("apt-cache", Command::new("apt-cache").args(["policy", package]))?;
        let Some(version) = candidate(&policy) else {
            let because = if is_about_network(said_by_update) { "no network" } else { "not this Debian" };
            return Err(Failure::CannotBeTried(format!(
                "there is no package {package} to be had ({because})"
            )));
        };
        if *package == "rustc-web" && !super::toolchain::is_new_enough(version) {
            return Err(Failure::CannotBeTried(format!(
                "the package rustc-web is of version {version}, too old"
            )));
        }
    }
    Ok(())
}

/// The version that would be installed, from what `apt-cache policy` says.
fn candidate(policy: &str) -> Option<&str> {
    let line = policy.lines().find_map(|line| line.trim().strip_prefix("Candidate:"))?;
    Some(line.trim()).filter(|version| *version != "(none)")
}

fn is_about_network(said: &str) -> bool {
    NO_NETWORK.iter().any(|words| said.contains(words))
}

/// Why nothing was installed. What is the machine's way of being is no fault of the code.
fn refusal(list: &str, said: &str) -> Failure {
    if is_about_network(said) {
        Failure::CannotBeTried(format!("{list} cannot be downloaded: no network"))
    } else if said.contains("need to be removed but remove is disabled") {
        Failure::CannotBeTried(format!("installing {list} would remove other packages"))
    } else {
        let lines: Vec<&str> = said.lines().collect();
        let last = lines[lines.len().saturating_sub(15)..].join("\n");
        Failure::Failed(format!("installing {list} failed:\n{last}"))
    }
}

fn everything_said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// How this process may install packages.
enum Rights {
    Root,
    Sudo,
}

impl Rights {
    fn of_this_process() -> Option<Self> {
        if output("id", Command::new("id").arg("-u")).is_ok_and(|user| user.trim() == "0") {
            return Some(Self::Root);
        }
        output("sudo", Command::new("sudo").args(["-n", "true"])).ok().map(|_| Self::Sudo)
    }

    /// apt-get, waiting for another one, asking nothing, speaking English.
    fn apt(&self, arguments: &[&str]) -> Command {
        let mut command = match self {
            Self::Root => Command::new("env"),
            Self::Sudo => {
                let mut sudo = Command::new("sudo");
                sudo.args(["-n", "env"]);
                sudo
            }
        };
        command.args(["DEBIAN_FRONTEND=noninteractive", "LC_ALL=C", "apt-get"]);
        command.args(["-o", "DPkg::Lock::Timeout=600", "-o", "Acquire::Retries=2"]);
        command.args(arguments).stdin(Stdio::null());
        command
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_candidate_is_read_from_the_policy() {
        let policy =
            "rustc-web:\n  Installed: (none)\n  Candidate: 1.96.0+dfsg1-1~deb12u2\n  Version table:\n";
        assert_eq!(candidate(policy), Some("1.96.0+dfsg1-1~deb12u2"));
        assert_eq!(candidate("x:\n  Installed: (none)\n  Candidate: (none)\n"), None);
        assert_eq!(candidate(""), None);
    }

    #[test]
    fn a_machine_without_network_is_told_from_a_failure() {
        let offline = "Err:1 http://deb.example bookworm/main\n  Temporary failure resolving 'deb.example'";
        assert!(
            matches!(refusal("wine64", offline), Failure::CannotBeTried(why) if why.contains("no network"))
        );
        let broken = "dpkg: error processing archive wine64.deb (--unpack):\n corrupt file";
        assert!(matches!(refusal("wine64", broken), Failure::Failed(why) if why.contains("corrupt file")));
        let other = "E: Packages need to be removed but remove is disabled.";
        assert!(matches!(refusal("rustc-web", other), Failure::CannotBeTried(_)));
    }
}
