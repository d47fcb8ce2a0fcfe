//! The directory in which public data outlives a program: what it trusts, and what it never does.
#![forbid(unsafe_code)]
#![cfg(unix)]

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;
use std::time::{Duration, SystemTime};

use cardmod_host::{DirectoryStore, PublicStore as _};

const KEY: &str = "00112233-aa";

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).expect("metadata").mode() & 0o777
}

fn only_file(folder: &Path) -> std::path::PathBuf {
    let files: Vec<_> =
        fs::read_dir(folder).expect("a folder").map(|file| file.expect("a file").path()).collect();
    assert_eq!(files.len(), 1, "{files:?}");
    files.into_iter().next().expect("one file")
}

#[test]
fn a_value_comes_back_from_files_of_the_user_alone() {
    let home = tempfile::tempdir().expect("a folder");
    let folder = home.path().join("not/yet/there");
    let store = DirectoryStore::new(&folder);
    assert_eq!(store.load(KEY), None);
    assert_eq!(store.stamp(KEY), None);
    assert!(store.list().is_empty() && !store.remove(KEY));
    assert!(!folder.exists(), "nothing is made before something is saved");

    store.save(KEY, b"one");
    let first = store.stamp(KEY).expect("a stamp");
    assert_eq!(store.stamp(KEY), Some(first));
    assert_eq!(store.load(KEY).as_deref(), Some(&b"one"[..]));
    assert_eq!((mode(&folder), mode(&only_file(&folder))), (0o700, 0o600));

    store.save(KEY, b"two!");
    assert_ne!(store.stamp(KEY), Some(first));
    let other = DirectoryStore::new(&folder);
    assert_eq!(other.load(KEY).as_deref(), Some(&b"two!"[..]), "another program sees it");
    assert_eq!(other.list(), [KEY]);
    assert!(other.remove(KEY));
    assert_eq!((store.load(KEY), store.stamp(KEY)), (None, None));
}

#[test]
fn keys_are_no_paths() {
    let home = tempfile::tempdir().expect("a folder");
    let store = DirectoryStore::new(home.path().join("cache"));
    for key in ["", "../up", "A0", "with space", &"0".repeat(65)] {
        store.save(key, b"value");
        assert_eq!(store.load(key), None, "{key:?}");
    }
    assert!(!home.path().join("cache").exists());
}

#[test]
fn what_others_may_write_is_not_believed() {
    let home = tempfile::tempdir().expect("a folder");
    let folder = home.path().join("cache");
    let store = DirectoryStore::new(&folder);
    store.save(KEY, b"value");
    let file = only_file(&folder);
    for wrong in [0o620, 0o602] {
        fs::set_permissions(&file, Permissions::from_mode(wrong)).expect("mode");
        assert_eq!(store.load(KEY), None, "file {wrong:o}");
    }
    fs::set_permissions(&file, Permissions::from_mode(0o600)).expect("mode");
    for wrong in [0o770, 0o707, 0o1777] {
        fs::set_permissions(&folder, Permissions::from_mode(wrong)).expect("mode");
        assert_eq!(store.load(KEY), None, "directory {wrong:o}");
        assert_eq!(store.stamp(KEY), None);
        store.save(KEY, b"changed");
        assert!(store.list().is_empty() && !store.remove(KEY));
    }
    fs::set_permissions(&folder, Permissions::from_mode(0o755)).expect("mode");
    assert_eq!(store.load(KEY).as_deref(), Some(&b"value"[..]), "and nothing was written to it");
}

#[test]
fn links_and_pipes_are_not_followed() {
    let home = tempfile::tempdir().expect("a folder");
    let folder = home.path().join("cache");
    let store = DirectoryStore::new(&folder);
    store.save(KEY, b"value");
    let file = only_file(&folder);
    let elsewhere = home.path().join("elsewhere");
    fs::rename(&file, &elsewhere).expect("moved");
    symlink(&elsewhere, &file).expect("a link");
    assert_eq!(store.load(KEY), None, "a link in place of the file");
    store.save(KEY, b"new");
    assert_eq!(store.load(KEY).as_deref(), Some(&b"new"[..]), "the link is replaced");
    assert_eq!(fs::read(&elsewhere).expect("the target"), b"value", "and its target is untouched");

    fs::remove_file(&file).expect("removed");
    let made = std::process::Command::new("mkfifo").arg(&file).status().expect("mkfifo runs");
    assert!(made.success());
    assert_eq!(store.load(KEY), None, "a pipe holds nobody up");

    let link = home.path().join("link");
    symlink(&folder, &link).expect("a link");
    let through = DirectoryStore::new(&link);
    through.save(KEY, b"value");
    assert_eq!(through.load(KEY), None, "a link in place of the directory");
    let on_a_file = DirectoryStore::new(&elsewhere);
    on_a_file.save(KEY, b"value");
    assert_eq!(on_a_file.load(KEY), None);
}

#[test]
fn a_directory_of_another_user_is_refused() {
    let home = tempfile::tempdir().expect("a folder");
    let folder = home.path().join("cache");
    let store = DirectoryStore::new(&folder);
    store.save(KEY, b"value");
    // Only root may give a file away; the others own nothing foreign to try it with but the root folder.
    if std::os::unix::fs::chown(&folder, Some(4711), None).is_ok() {
        assert_eq!(store.load(KEY), None);
    } else {
        let foreign = DirectoryStore::new("/");
        foreign.save(KEY, b"value");
        assert_eq!(foreign.load(KEY), None);
    }
}

#[test]
fn the_oldest_go_when_there_is_no_room() {
    let home = tempfile::tempdir().expect("a folder");
    let folder = home.path().join("cache");
    let store = DirectoryStore::new(&folder).with_limit(250);
    let past = |seconds| SystemTime::now() - Duration::from_secs(seconds);
    let aged = |key: &str, seconds| {
        let file =
            fs::File::options().write(true).open(folder.join(format!("{key}.cache"))).expect("its file");
        file.set_modified(past(seconds)).expect("its age");
    };
    store.save("01", &[1; 100]);
    aged("01", 100);
    store.save("02", &[2; 100]);
    aged("02", 200);
    fs::write(folder.join(".0123"), b"half").expect("what a killed process left");
    let left = fs::File::options().write(true).open(folder.join(".0123")).expect("open");
    left.set_modified(past(2 * 60 * 60)).expect("its age");
    store.save("03", &[3; 100]);
    assert_eq!(store.list(), ["03", "01"], "the one saved longest ago went");
    assert!(!folder.join(".0123").exists());
    store.save("04", &[4; 600]);
    assert_eq!(store.list(), ["04"], "the newest stays, however large");
    store.save("05", &[5; 100]);
    store.save("05", &vec![5; 2 * 1024 * 1024]);
    assert_eq!(
        store.load("05"),
        None,
        "beyond any sense, and what it was to replace is not the value either"
    );
}

#[test]
fn writers_at_the_same_time_leave_a_whole_value() {
    let home = tempfile::tempdir().expect("a folder");
    let folder = home.path().join("cache");
    std::thread::scope(|threads| {
        for byte in 0..4_u8 {
            let folder = &folder;
            threads.spawn(move || {
                let store = DirectoryStore::new(folder);
                for _ in 0..50 {
                    store.save(KEY, &[byte; 5000]);
                    let read = store.load(KEY).expect("there is always a value");
                    assert!(read.len() == 5000 && read.iter().all(|other| *other == read[0]));
                }
            });
        }
    });
    assert_eq!(fs::read_dir(&folder).expect("a folder").count(), 1, "no half-written file stays");
}
