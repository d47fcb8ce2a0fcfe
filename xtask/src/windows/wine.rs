//! Wine: the prefix that programs run in, and the server that stays up while they do.
//!
//! The prefix is the leg's own (`target/windows/prefix`); nobody's `~/.wine` is touched.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::limited;
use super::outcome::{Failure, Result, output};
use super::target::{self, Target};

/// Runs 64-bit programs, with no look at what the user's PATH says.
pub(crate) const WINE: &str = "/usr/lib/wine/wine64";
const SERVER: &str = "/usr/lib/wine/wineserver";

const SHIM: &str = include_str!("bcryptprimitives.c");

/// A new prefix takes 11 s on a quiet machine.
const BOOT_LIMIT: Duration = Duration::from_secs(300);
const SHORT: Duration = Duration::from_secs(120);

/// The settings under which every program of the leg runs, for our own commands and for tests.
pub(crate) fn settings() -> Vec<(&'static str, PathBuf)> {
    vec![
        ("WINEPREFIX", target::prefix()),
        ("WINEDEBUG", "-all".into()),
        // the virtual readers' winscard.dll beside a program, not Wine's, most of whose functions are missing
        ("WINEDLLOVERRIDES", "winscard=n,b".into()),
        ("RUST_BACKTRACE", "0".into()),
        ("CARDMOD_WINE", WINE.into()),
        ("CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUNNER", WINE.into()),
    ]
}

/// A program under Wine.
pub(crate) fn program(path: &Path) -> Command {
    let mut command = Command::new(WINE);
    command.arg(path).envs(settings()).env_remove("DISPLAY");
    command
}

/// Makes the prefix where there is none, or one of another Wine or another shim.
pub(crate) fn ensure_prefix() -> Result<()> {
    let prefix = target::prefix();
    let stamp = format!("{}\n{SHIM}", super::packages::version("libwine")?);
    let mark = prefix.join("cardmod-ready");
    if fs::read_to_string(&mark).is_ok_and(|found| found == stamp) {
        return Ok(());
    }
    if prefix.exists() {
        end_server();
        fs::remove_dir_all(&prefix).map_err(|cause| Failure::of("the old Wine prefix", cause))?;
    }
    fs::create_dir_all(&prefix).map_err(|cause| Failure::of("the Wine prefix", cause))?;
    boot(BOOT_LIMIT)?;
    install_shim(&prefix)?;
    switch_debugger_off()?;
    end_server();
    fs::write(&mark, stamp).map_err(|cause| Failure::of("the Wine prefix", cause))
}

fn boot(limit: Duration) -> Result<()> {
    let mut boot = program(Path::new("wineboot"));
    boot.arg("--init");
    // no .NET, no browser, no menu entries in the user's desktop
    boot.env("WINEDLLOVERRIDES", "mscoree=d;mshtml=d;winemenubuilder.exe=d");
    limited::succeed("wineboot", &mut boot, limit).map(drop)
}

/// Rust's standard library imports ProcessPrng; without this DLL every program ends with status 53.
fn install_shim(prefix: &Path) -> Result<()> {
    let source = prefix.join("bcryptprimitives.c");
    fs::write(&source, SHIM).map_err(|cause| Failure::of("bcryptprimitives.c", cause))?;
    let mut compiler = Command::new(format!("{}gcc", Target::X86_64.mingw()));
    compiler.args(["-O2", "-s", "-shared", "-o"]);
    compiler.arg(prefix.join("drive_c/windows/system32/bcryptprimitives.dll"));
    compiler.arg(&source).arg("-ladvapi32");
    output("compiling bcryptprimitives.dll", &mut compiler).map(drop)
}

/// With a debugger, a crashed program can end with status 0, and so pass.
fn switch_debugger_off() -> Result<()> {
    const KEY: &str = r"HKLM\Software\Microsoft\Windows NT\CurrentVersion\AeDebug";
    let mut registry = program(Path::new("reg"));
    registry.args(["add", KEY, "/v", "Debugger", "/t", "REG_SZ", "/d", "", "/f"]);
    limited::succeed("switching Wine's crash debugger off", &mut registry, SHORT).map(drop)
}

/// Wine's server, which otherwise comes and goes with every program; ended when dropped.
pub(crate) struct Server(());

impl Server {
    /// Starts it, instead of one that an interrupted run left. Its output goes nowhere: it would hold a
    /// caller's pipe open for ever.
    pub(crate) fn start() -> Result<Self> {
        end_server();
        let mut server = server("-p");
        let status = server.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
        let status = status.map_err(|cause| Failure::of("wineserver", cause))?;
        if !status.success() {
            return Err(Failure::Failed(format!("wineserver does not start: {status}")));
        }
        let guard = Self(());
        // the services a first program would wait for
        limited::succeed("wineboot", &mut program(Path::new("wineboot")), SHORT)?;
        Ok(guard)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        end_server();
    }
}

fn server(argument: &str) -> Command {
    let mut command = Command::new(SERVER);
    command.arg(argument).env("WINEPREFIX", target::prefix());
    command
}

/// Ends the prefix's server and all that runs in it, and waits for that.
fn end_server() {
    for argument in ["-k", "-w"] {
        // it fails where none runs, which is what is wanted
        let _ = server(argument).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    }
}
