//! `cardmod log show`: the file that was written last, and with `--follow` what comes to it.

use std::fs::File;
use std::io::{self, ErrorKind, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Duration;

use cardmod_sdk::log::{Level, Settings};
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
    let settings = Settings::read();
    let folder = settings.folder.ok_or_else(nothing)?;
    if settings.level == Level::Off {
        out.note("note: the log is off, nothing is written; `cardmod log on` switches it on");
    }
    if args.follow {
        return follow(&folder, out);
    }
    let path = newest(&folder)?.ok_or_else(nothing)?;
    let mut reader = Reader::new(path);
    let lines = reader.lines(true)?;
    let document = ShowDocument { file: reader.name(), lines };
    out.show(&document, || document.lines.iter().map(|line| format!("{line}\n")).collect())
}

fn nothing() -> Failure {
    Failure::failed("no-log", "no card module has written a log file")
        .hint("`cardmod log on` lets them, `cardmod log status` tells where")
}

/// The file that was written last; a folder that is missing has no files yet.
fn newest(folder: &Path) -> Result<Option<PathBuf>, Failure> {
    let found = super::files(folder).map_err(|problem| Failure::failed("file", problem))?;
    Ok(found.into_iter().find(|path| path.extension().is_some_and(|end| end == "log")))
}

/// Prints what there is, then what comes; ends with the program, or when nobody reads any more.
fn follow(folder: &Path, out: Output) -> Result<(), Failure> {
    let mut reader: Option<Reader> = None;
    loop {
        // What came to a file before there was a newer one is shown before that.
        let newest = newest(folder)?;
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

/// A file that grows, and gives its name to another when it was long enough.
struct Reader {
    path: PathBuf,
    /// The file as it was opened last. Held, it is read to its end also after its name went to another.
    file: Option<Held>,
    /// A line whose end has not come yet.
    begun: Vec<u8>,
}

struct Held {
    file: File,
    at: u64,
}

impl Reader {
    fn new(path: PathBuf) -> Self {
        Self { path, file: None, begun: Vec::new() }
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
        self.read().map_err(|error| Failure::file("read", &self.path, error))?;
        let whole = match self.begun.iter().rposition(|byte| *byte == b'\n') {
            _ if rest => self.begun.len(),
            Some(end) => end + 1,
            None => 0,
        };
        let lines: Vec<u8> = self.begun.drain(..whole).collect();
        Ok(String::from_utf8_lossy(&lines).lines().map(str::to_owned).collect())
    }

    /// Reads on, in the file that has the name now after all of the one that had it before. That nothing has the
    /// name is so between the two.
    fn read(&mut self) -> io::Result<()> {
        let now = match File::open(&self.path) {
            Ok(file) => Some(file),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        if let Some(held) = &mut self.file {
            held.read(&mut self.begun)?;
        }
        let Some(now) = now else { return Ok(()) };
        let other = match &self.file {
            Some(held) => !is_same(&held.file, &now)?,
            None => true,
        };
        if other {
            // Nothing more comes to a line of a file that is full.
            if self.begun.last().is_some_and(|byte| *byte != b'\n') {
                self.begun.push(b'\n');
            }
            self.file.insert(Held { file: now, at: 0 }).read(&mut self.begun)?;
        }
        Ok(())
    }
}

impl Held {
    fn read(&mut self, into: &mut Vec<u8>) -> io::Result<()> {
        if self.file.metadata()?.len() < self.at {
            // Somebody emptied it.
            self.at = 0;
            into.clear();
        }
        self.file.seek(SeekFrom::Start(self.at))?;
        self.at += self.file.read_to_end(into)? as u64;
        Ok(())
    }
}

/// Whether both are the same file, whatever it is called by now.
fn is_same(one: &File, other: &File) -> io::Result<bool> {
    let of = |file: &File| file.try_clone().and_then(same_file::Handle::from_file);
    Ok(of(one)? == of(other)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(path: &Path, text: &str) {
        let mut file = File::options().create(true).append(true).open(path).unwrap();
        std::io::Write::write_all(&mut file, text.as_bytes()).unwrap();
    }

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
        assert_eq!(after("new\n"), ["new"], "an emptied file begins again");
        assert_eq!(newest(folder.path()).unwrap(), Some(path.clone()));
        std::fs::rename(&path, folder.path().join("cardmod-a-1.log.1")).unwrap();
        assert_eq!(newest(folder.path()).unwrap(), None, "what is older is not shown");
    }

    #[test]
    fn no_line_is_lost_where_one_file_gives_its_name_to_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cardmod-a-1.log");
        let mut reader = Reader::new(path.clone());
        write(&path, "one\n");
        assert_eq!(reader.lines(false).unwrap(), ["one"]);
        write(&path, "two\n");
        std::fs::rename(&path, folder.path().join("cardmod-a-1.log.1")).unwrap();
        assert_eq!(reader.lines(false).unwrap(), ["two"], "between the two nothing has the name");
        write(&folder.path().join("cardmod-a-1.log.1"), "three\n");
        write(&path, "a longer first line of the next file\nfour\n");
        let expected = ["three", "a longer first line of the next file", "four"];
        assert_eq!(reader.lines(false).unwrap(), expected);
        std::fs::remove_file(&path).unwrap();
        assert_eq!(reader.lines(false).unwrap(), Vec::<String>::new());
        write(&path, "five\n");
        assert_eq!(reader.lines(false).unwrap(), ["five"]);
    }

    #[test]
    fn a_folder_that_cannot_be_read_is_told_and_a_missing_one_is_empty() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(newest(&folder.path().join("missing")).unwrap(), None);
        let file = folder.path().join("file");
        write(&file, "");
        newest(&file).unwrap_err();
    }
}
