//! `cardmod log show`: the file that was written last, and with `--follow` what comes to it.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Duration;

use cardmod_sdk::log::{self, Settings};
use clap::Args;
use serde::Serialize;

use crate::failure::Failure;
use crate::output::Output;

/// How long it takes at most until a new line is shown.
const PAUSE: Duration = Duration::from_millis(200);

/// Options of `log show`.
#[derive(Args, Debug)]
pub(crate) struct ShowArgs {
    /// Go on with what is written from now on, also to newer files, until Ctrl-C
    #[arg(long)]
    follow: bool,
}

#[derive(Serialize)]
struct ShowDocument {
    file: String,
    lines: Vec<String>,
}

/// One line of a log that is followed.
#[derive(Serialize)]
struct LineDocument<'a> {
    file: &'a str,
    line: &'a str,
}

pub(super) fn run(args: &ShowArgs, out: Output) -> Result<(), Failure> {
    let folder = Settings::read().folder.ok_or_else(nothing)?;
    if args.follow {
        return follow(&folder, out);
    }
    let path = newest(&folder).ok_or_else(nothing)?;
    let mut reader = Reader::new(path);
    let lines = reader.lines(true)?;
    let document = ShowDocument { file: reader.name(), lines };
    out.show(&document, || document.lines.iter().map(|line| format!("{line}\n")).collect())
}

fn nothing() -> Failure {
    Failure::failed("no-log", "no card module has written a log file")
        .hint("`cardmod log on` lets them, `cardmod log status` tells where")
}

/// A folder that is missing has no files yet.
fn newest(folder: &Path) -> Option<PathBuf> {
    log::files(folder)
        .unwrap_or_default()
        .into_iter()
        .find(|path| path.extension().is_some_and(|end| end == "log"))
}

/// Prints what there is, then what comes; ends with the program, or when nobody reads any more.
fn follow(folder: &Path, out: Output) -> Result<(), Failure> {
    let mut reader: Option<Reader> = None;
    loop {
        // What came to a file before there was a newer one is shown before that.
        let newest = newest(folder);
        if let Some(reader) = &mut reader {
            reader.show(out)?;
        }
        if let Some(path) = newest
            && reader.as_ref().is_none_or(|reader| reader.path != path)
        {
            out.note(&format!("==> {}", path.display()));
            reader.insert(Reader::new(path)).show(out)?;
        }
        std::thread::sleep(PAUSE);
    }
}

/// A file that grows, and begins again when it was long enough.
struct Reader {
    path: PathBuf,
    at: u64,
    /// A line whose end has not come yet.
    begun: Vec<u8>,
}

impl Reader {
    fn new(path: PathBuf) -> Self {
        Self { path, at: 0, begun: Vec::new() }
    }

    /// Prints the lines since the last time.
    fn show(&mut self, out: Output) -> Result<(), Failure> {
        let file = self.name();
        for line in self.lines(false)? {
            out.line(&LineDocument { file: &file, line: &line }, || format!("{line}\n"))?;
        }
        Ok(())
    }

    fn name(&self) -> String {
        self.path.display().to_string()
    }

    /// The lines since the last time; with `rest` also one without end.
    fn lines(&mut self, rest: bool) -> Result<Vec<String>, Failure> {
        let bytes = self.read().map_err(|error| Failure::file("read", &self.path, error))?;
        self.begun.extend(bytes);
        let whole = match self.begun.iter().rposition(|byte| *byte == b'\n') {
            _ if rest => self.begun.len(),
            Some(end) => end + 1,
            None => 0,
        };
        let lines: Vec<u8> = self.begun.drain(..whole).collect();
        Ok(String::from_utf8_lossy(&lines).lines().map(str::to_owned).collect())
    }

    fn read(&mut self) -> std::io::Result<Vec<u8>> {
        let mut file = File::open(&self.path)?;
        if file.metadata()?.len() < self.at {
            (self.at, self.begun) = (0, Vec::new());
        }
        file.seek(SeekFrom::Start(self.at))?;
        let mut bytes = Vec::new();
        self.at += file.read_to_end(&mut bytes)? as u64;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_line_by_line_and_again_after_its_beginning() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cardmod-a-1.log");
        let mut reader = Reader::new(path.clone());
        let mut after = |text: &str| {
            std::fs::write(&path, text).unwrap();
            reader.lines(false).unwrap()
        };
        assert_eq!(after("one\ntw"), ["one"]);
        assert_eq!(after("one\ntwo\nthree"), ["two"]);
        assert_eq!(after("new\n"), ["new"], "a shorter file is another one");
        assert_eq!(newest(folder.path()), Some(path.clone()));
        std::fs::rename(&path, folder.path().join("cardmod-a-1.log.1")).unwrap();
        assert_eq!(newest(folder.path()), None, "what is older is not shown");
    }
}
