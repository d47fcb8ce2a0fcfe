//! `cardmod card env`: the environment in which any PC/SC program finds the virtual cards.

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;
use crate::session::Desk;

/// The folder with the library, beside the store's.
const FOLDER: &str = "pcsc";
/// The name under which programs look for pcsc-lite.
const NAME: &str = "libpcsclite.so.1";

/// `card env`.
#[derive(Args, Debug)]
pub(crate) struct EnvArgs {
    /// The card
    #[arg(value_name = "NAME")]
    name: String,
}

#[derive(Serialize)]
struct Document {
    card: String,
    reader: String,
    library: PathBuf,
    environment: Variables,
}

/// The variables by their names.
#[derive(Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
struct Variables {
    cardmod_home: String,
    ld_library_path: String,
}

/// Runs the verb.
pub(super) fn run(args: &EnvArgs, desk: &Desk, out: Output) -> Result<(), Failure> {
    if !cfg!(target_os = "linux") {
        let message = "programs of this system cannot be given another PC/SC library by their environment";
        let failure = Failure::new(Exit::NotSupported, "not-supported", message);
        return Err(if cfg!(windows) { failure.hint(beside_the_program(desk)) } else { failure });
    }
    let store = &desk.environment.store;
    store.status(&args.name)?;
    let library = cardmod_default::shared_library()?;
    let home = store.dir().parent().unwrap_or(store.dir());
    let home = std::path::absolute(home).map_err(|error| Failure::file("find", home, error))?;
    let folder = home.join(FOLDER);
    link(&library, &folder)?;
    let document = Document {
        card: args.name.clone(),
        reader: desk.environment.reader_of(&args.name),
        environment: Variables { cardmod_home: text(&home)?, ld_library_path: text(&folder)? },
        library,
    };
    out.show(&document, || lines(&document.environment))
}

/// How it is done on Windows, where a program looks for its libraries in its own folder first.
fn beside_the_program(desk: &Desk) -> String {
    let store = &desk.environment.store;
    let home = store.dir().parent().unwrap_or(store.dir()).display();
    format!(
        "copy cardmod's winscard.dll into the folder of the program that is to see the virtual cards; \
         in cmd: set \"CARDMOD_HOME={home}\"; in PowerShell: $env:CARDMOD_HOME = '{home}'"
    )
}

/// Makes the folder, and in it the name that leads to the library. Programs may be looking meanwhile, so
/// an old name is replaced, not removed first.
fn link(library: &Path, folder: &Path) -> Result<(), Failure> {
    let name = folder.join(NAME);
    let made = std::fs::create_dir_all(folder).and_then(|()| {
        if std::fs::read_link(&name).is_ok_and(|target| target == library) {
            return Ok(());
        }
        let fresh = tempfile::Builder::new().make_in(folder, |path| symlink(library, path))?;
        fresh.into_temp_path().persist(&name).map_err(|error| error.error)
    });
    made.map_err(|error| Failure::file("make", &name, error))
}

#[cfg(unix)]
fn symlink(library: &Path, name: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(library, name)
}

#[cfg(not(unix))]
fn symlink(_: &Path, _: &Path) -> std::io::Result<()> {
    Err(std::io::ErrorKind::Unsupported.into())
}

fn text(path: &Path) -> Result<String, Failure> {
    let text = path.to_str().filter(|text| !text.contains(':'));
    let text =
        text.ok_or_else(|| Failure::failed("file", format!("{path:?} cannot be in LD_LIBRARY_PATH")))?;
    Ok(text.to_owned())
}

/// What a shell evaluates. Other libraries are found where they were found before.
fn lines(variables: &Variables) -> String {
    let Variables { cardmod_home, ld_library_path } = variables;
    format!(
        "export CARDMOD_HOME={}\nexport LD_LIBRARY_PATH={}${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}}\n",
        quoted(cardmod_home),
        quoted(ld_library_path)
    )
}

/// One word to a shell, whatever is in it.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_the_path_it_is_one_word() {
        let variables = Variables { cardmod_home: "/a b".into(), ld_library_path: "/it's/$x".into() };
        assert_eq!(
            lines(&variables),
            "export CARDMOD_HOME='/a b'\n\
             export LD_LIBRARY_PATH='/it'\\''s/$x'${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}\n"
        );
    }

    #[test]
    fn a_path_that_would_be_two_is_refused() {
        let message = text(Path::new("/a:b")).unwrap_err().message;
        assert!(message.contains("/a:b"), "{message}");
        assert_eq!(text(Path::new("/a")).unwrap(), "/a");
    }

    #[cfg(unix)]
    #[test]
    fn the_name_leads_to_the_library_of_the_last_run() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("pcsc");
        for library in ["/one", "/one", "/two"] {
            link(Path::new(library), &folder).unwrap();
            assert_eq!(std::fs::read_link(folder.join(NAME)).unwrap(), Path::new(library));
        }
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1, "nothing else is left");
    }
}
