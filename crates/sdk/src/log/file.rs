//! The file of a process: `cardmod-<program>-<pid>.log` in the folder of the settings, and `….log.1` when it
//! grew too long.
//!
//! The folder may be one that others write to as well. So a file is either made here, where nothing was, or is
//! one that this user made: a name that is taken by anything else is passed over for the next (`…-2.log`).

use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::{fs, process};

use super::settings::Settings;
use super::system;

/// Names that are tried where others' files are in the way.
const NAMES: u32 = 9;
/// Longest name of a program that goes into the file's.
const LONGEST_PROGRAM: usize = 40;

/// Where lines go.
pub(super) struct Sink {
    folder: PathBuf,
    /// The folder is the user's own and made when it is missing.
    make_folder: bool,
    limit: u64,
    /// What stands at the top of each file.
    header: String,
    /// The process this file is of: a child that was forked off has one of its own.
    pid: u32,
    path: Option<PathBuf>,
}

impl Sink {
    pub(super) fn new(folder: &Path, settings: &Settings) -> Self {
        Self {
            folder: folder.to_owned(),
            make_folder: settings.make_folder,
            limit: u64::from(settings.max_size) * 1024,
            header: header(settings),
            pid: process::id(),
            path: None,
        }
    }

    /// Appends whole lines.
    ///
    /// # Errors
    /// The file cannot be made or written; nothing of the lines is in it, or the disk is full.
    pub(super) fn append(&mut self, lines: &str) -> io::Result<()> {
        let mut file = self.open(lines.len() as u64)?;
        // At once: appended so, the lines of two modules in one process do not mix.
        file.write_all(lines.as_bytes())
    }

    fn open(&mut self, coming: u64) -> io::Result<fs::File> {
        if self.pid != process::id() {
            (self.pid, self.path) = (process::id(), None);
        }
        if let Some(path) = &self.path {
            match system::append_to(path) {
                Ok(file) => {
                    if let Some(file) = self.with_room(path, file, coming)? {
                        return Ok(file);
                    }
                }
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        self.begin(coming)
    }

    /// The file if there is room for what comes; `None` if it became the older of two.
    ///
    /// # Errors
    /// The file is full and cannot be renamed.
    fn with_room(&self, path: &Path, file: fs::File, coming: u64) -> io::Result<Option<fs::File>> {
        let length = file.metadata()?.len().saturating_add(coming);
        if length <= self.limit {
            return Ok(Some(file));
        }
        // The older of the two goes; renaming touches the name alone, wherever a link there leads.
        match fs::rename(path, rotated(path)) {
            Ok(()) => Ok(None),
            // A viewer on Windows may hold it to its name. It may go on to twice its length until the viewer ends.
            Err(_) if length <= self.limit.saturating_mul(2) => Ok(Some(file)),
            Err(error) => Err(error),
        }
    }

    /// Makes a file, or goes on with one that this user has made in a process of the same number (or this one,
    /// before the library was unloaded and loaded again).
    fn begin(&mut self, coming: u64) -> io::Result<fs::File> {
        self.path = None;
        let _held = system::Folder::ready(&self.folder, self.make_folder)?;
        for number in 1..=NAMES {
            let path = self.folder.join(name(&program(), self.pid, number));
            if let Some(file) = self.at(&path, coming)? {
                self.path = Some(path);
                return Ok(file);
            }
        }
        Err(ErrorKind::AlreadyExists.into())
    }

    /// The file of a name; `None` if that is taken by anything else.
    fn at(&self, path: &Path, coming: u64) -> io::Result<Option<fs::File>> {
        match system::create(path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            made => return self.headed(made?).map(Some),
        }
        let Ok(found) = system::append_to(path) else { return Ok(None) };
        match self.with_room(path, found, coming)? {
            None => self.headed(system::create(path)?).map(Some),
            file => Ok(file),
        }
    }

    fn headed(&self, mut file: fs::File) -> io::Result<fs::File> {
        file.write_all(self.header.as_bytes())?;
        Ok(file)
    }
}

fn header(settings: &Settings) -> String {
    let program = std::env::current_exe().unwrap_or_default();
    // Not `escape_debug`, which doubles what stands between the folders of Windows.
    let program = program.display().to_string().replace(char::is_control, "?");
    format!(
        "# cardmod {} in {program}, level {}: time (UTC), process:thread, hSCardCtx and hScard, call or APDU\n",
        env!("CARGO_PKG_VERSION"),
        settings.level.number()
    )
}

/// The program's name, with nothing in it that a file name could not have everywhere.
fn program() -> String {
    let path = std::env::current_exe().unwrap_or_default();
    let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let safe =
        |letter: char| if letter.is_ascii_alphanumeric() || "-_".contains(letter) { letter } else { '_' };
    let name: String = name.chars().map(safe).take(LONGEST_PROGRAM).collect();
    if name.is_empty() { "program".to_owned() } else { name }
}

fn name(program: &str, pid: u32, number: u32) -> String {
    match number {
        1 => format!("cardmod-{program}-{pid}.log"),
        _ => format!("cardmod-{program}-{pid}-{number}.log"),
    }
}

fn rotated(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".1");
    name.into()
}

// Miri knows neither the locks nor the flags of files; no memory is at stake.
#[cfg(test)]
#[cfg(not(miri))]
mod tests {
    use super::*;
    use crate::log::settings::{Level, Settings};

    /// A sink in an empty folder, with the least size.
    fn sink() -> (tempfile::TempDir, Sink) {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings { max_size: 16, ..Settings::in_folder(Level::Calls, folder.path()) };
        let sink = Sink::new(folder.path(), &settings);
        (folder, sink)
    }

    fn own(folder: &Path, number: u32) -> PathBuf {
        folder.join(name(&program(), process::id(), number))
    }

    #[test]
    fn a_file_begins_with_a_header_and_goes_on() {
        let (folder, mut first) = sink();
        first.append("one\n").unwrap();
        first.append("two\n").unwrap();
        let mut second = Sink {
            path: None,
            ..Sink::new(folder.path(), &Settings::in_folder(Level::Calls, folder.path()))
        };
        second.append("three\n").unwrap();
        let text = fs::read_to_string(own(folder.path(), 1)).unwrap();
        assert!(text.starts_with("# cardmod "), "{text}");
        let lines: Vec<&str> = text.lines().skip(1).collect();
        assert_eq!(lines, ["one", "two", "three"]);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_that_is_full_becomes_the_older_of_two() {
        let (folder, mut sink) = sink();
        let line = "x".repeat(1023) + "\n";
        for _ in 0..40 {
            sink.append(&line).unwrap();
        }
        let file = own(folder.path(), 1);
        let (new, old) = (fs::metadata(&file).unwrap().len(), fs::metadata(rotated(&file)).unwrap().len());
        assert!(new <= 16 * 1024 && old <= 16 * 1024 && old > 15 * 1024, "{new} {old}");
        assert!(fs::read_to_string(&file).unwrap().starts_with("# cardmod "), "each file explains itself");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    /// As many sessions of one line leave as much as one of many lines.
    #[test]
    fn a_new_sink_looks_at_the_length_of_what_is_there() {
        let (folder, sink) = sink();
        let line = "x".repeat(149) + "\n";
        for _ in 0..2000 {
            let settings = Settings { max_size: 16, ..Settings::in_folder(Level::Calls, folder.path()) };
            Sink::new(&sink.folder, &settings).append(&line).unwrap();
        }
        let file = own(folder.path(), 1);
        let (new, old) = (fs::metadata(&file).unwrap().len(), fs::metadata(rotated(&file)).unwrap().len());
        assert!(new <= 16 * 1024 && old <= 16 * 1024 && old > 15 * 1024, "{new} {old}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    /// What is in the way of the older name, as a viewer on Windows is in the way of renaming.
    #[test]
    fn a_file_that_cannot_be_renamed_goes_on_to_twice_its_length() {
        let (folder, mut sink) = sink();
        let file = own(folder.path(), 1);
        fs::create_dir_all(rotated(&file).join("in the way")).unwrap();
        let line = "x".repeat(1023) + "\n";
        for _ in 0..31 {
            sink.append(&line).unwrap();
        }
        sink.append(&line).unwrap_err();
        let full = fs::metadata(&file).unwrap().len();
        assert!(full > 31 * 1024 && full <= 32 * 1024, "{full}");
        fs::remove_dir_all(rotated(&file)).unwrap();
        sink.append(&line).unwrap();
        assert_eq!(fs::metadata(rotated(&file)).unwrap().len(), full);
        assert!(fs::metadata(&file).unwrap().len() < 2048);
    }

    /// A viewer that shares the file, but not its name.
    #[cfg(windows)]
    #[test]
    fn a_viewer_does_not_end_the_log() {
        use std::os::windows::fs::OpenOptionsExt as _;
        let (folder, mut sink) = sink();
        let file = own(folder.path(), 1);
        let line = "x".repeat(1023) + "\n";
        sink.append(&line).unwrap();
        let viewer = fs::OpenOptions::new().read(true).share_mode(3).open(&file).unwrap();
        for _ in 0..20 {
            sink.append(&line).unwrap();
        }
        assert!(!rotated(&file).exists());
        drop(viewer);
        sink.append(&line).unwrap();
        assert!(fs::metadata(rotated(&file)).unwrap().len() > 20 * 1024);
    }

    /// A file with two names, and where the system makes such, a folder that is a link.
    #[cfg(windows)]
    #[test]
    fn links_are_passed_over_on_windows() {
        let (folder, mut sink) = sink();
        fs::write(folder.path().join("victim"), "").unwrap();
        fs::hard_link(folder.path().join("victim"), own(folder.path(), 1)).unwrap();
        sink.append("x\n").unwrap();
        assert_eq!(fs::metadata(folder.path().join("victim")).unwrap().len(), 0);
        assert!(own(folder.path(), 2).is_file());
    }

    #[cfg(windows)]
    #[test]
    fn the_first_line_has_the_programs_path_as_it_is() {
        let header = header(&Settings::in_folder(Level::Calls, Path::new("C:\\")));
        let program = std::env::current_exe().unwrap().display().to_string();
        assert!(header.contains(&format!(" in {program}, level 2")), "{header}");
    }

    #[test]
    fn a_missing_folder_is_an_error_and_is_not_made() {
        let (folder, mut sink) = sink();
        sink.folder = folder.path().join("missing");
        assert_eq!(sink.append("x\n").unwrap_err().kind(), ErrorKind::NotFound);
        assert!(!sink.folder.exists());
        fs::create_dir(&sink.folder).unwrap();
        sink.append("x\n").unwrap();
    }

    #[test]
    fn a_file_that_was_removed_is_made_again() {
        let (folder, mut sink) = sink();
        sink.append("one\n").unwrap();
        fs::remove_file(own(folder.path(), 1)).unwrap();
        sink.append("two\n").unwrap();
        assert!(fs::read_to_string(own(folder.path(), 1)).unwrap().ends_with("\ntwo\n"));
    }

    #[test]
    fn a_folder_at_the_name_is_passed_over() {
        let (folder, mut sink) = sink();
        fs::create_dir(own(folder.path(), 1)).unwrap();
        sink.append("x\n").unwrap();
        assert!(own(folder.path(), 2).is_file());
    }

    /// Links, pipes and files of others are what Unix knows and who writes to a shared folder can put there.
    #[cfg(unix)]
    #[test]
    fn traps_are_passed_over_and_never_written_to() {
        use std::os::unix::fs::{PermissionsExt as _, symlink};
        let (folder, mut sink) = sink();
        let at = |number| own(folder.path(), number);
        fs::write(folder.path().join("victim"), "").unwrap();
        symlink(folder.path().join("victim"), at(1)).unwrap();
        symlink(folder.path().join("not there"), at(2)).unwrap();
        fs::hard_link(folder.path().join("victim"), at(3)).unwrap();
        let made = process::Command::new("mkfifo").arg(at(4)).status().unwrap();
        assert!(made.success());
        fs::write(at(5), "readable by others").unwrap();
        fs::set_permissions(at(5), fs::Permissions::from_mode(0o644)).unwrap();
        sink.append("x\n").unwrap();
        assert!(fs::read_to_string(at(6)).unwrap().ends_with("\nx\n"));
        assert_eq!(fs::metadata(at(6)).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(folder.path().join("victim")).unwrap().len(), 0);
        assert!(!folder.path().join("not there").exists());
        assert_eq!(fs::read_to_string(at(5)).unwrap(), "readable by others");
        for number in 7..=NAMES {
            symlink("/", at(number)).unwrap();
        }
        fs::remove_file(at(6)).unwrap();
        symlink("/", at(6)).unwrap();
        sink.append("x\n").unwrap_err();
        sink.path = None;
        assert_eq!(sink.append("x\n").unwrap_err().kind(), ErrorKind::AlreadyExists);
    }

    #[test]
    fn names_are_safe_everywhere() {
        assert_eq!(name("lsass", 716, 1), "cardmod-lsass-716.log");
        assert_eq!(name("lsass", 716, 2), "cardmod-lsass-716-2.log");
        assert!(program().bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
    }
}
