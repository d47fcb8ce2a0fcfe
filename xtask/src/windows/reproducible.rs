//! Whether what people install depends on the folder it is built in.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::artefacts;
use super::build::{Builder, Profile};
use super::outcome::{Failure, Result, output};
use super::target;

/// Builds the workspace's files once more from nothing, in a copy elsewhere, and compares the results.
pub(crate) fn check(builder: &Builder) -> Result<()> {
    let failed = |cause| Failure::of("the copy of the workspace", cause);
    let elsewhere = tempfile::Builder::new().prefix("cardmod-elsewhere-").tempdir().map_err(failed)?;
    let copy = elsewhere.path().join("a folder with a longer name");
    copy_sources(&builder.workspace, &copy)?;
    let again =
        Builder { workspace: copy.clone(), folder: elsewhere.path().join("build"), ..builder.clone() };
    again.artefacts(Profile::Release)?;
    let folder = elsewhere.path().join("made");
    artefacts::gather(&again, Profile::Release, &folder)?;
    let here = target::home().join(builder.target.folder());
    let different = artefacts::different(&here, &folder)?;
    if different.is_empty() {
        println!("built in another folder, the files have the same bytes");
        return Ok(());
    }
    let kept = target::home().join("different");
    for name in &different {
        // for who wants to see where they differ; the failure is told without it too
        let _ = fs::create_dir_all(&kept).and_then(|()| fs::copy(folder.join(name), kept.join(name)));
    }
    Err(Failure::Failed(format!(
        "other bytes in another folder: {} (kept in {})",
        different.join(", "),
        kept.display()
    )))
}

/// What git knows of, as it stands in the workspace now.
fn copy_sources(from: &Path, to: &Path) -> Result<()> {
    let mut git = Command::new("git");
    git.current_dir(from).args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
    let list = output("git ls-files", &mut git)?;
    for name in list.split_terminator('\0') {
        let (source, place): (PathBuf, PathBuf) = (from.join(name), to.join(name));
        let folder = place.parent().unwrap_or(to);
        fs::create_dir_all(folder).map_err(|cause| Failure::of(name, cause))?;
        // a file removed but not yet committed is listed and not there
        if source.is_file() {
            fs::copy(&source, &place).map_err(|cause| Failure::of(name, cause))?;
        }
    }
    Ok(())
}
