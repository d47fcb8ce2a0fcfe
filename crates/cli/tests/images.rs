//! What happens to the files of a virtual card: cut off, from the future, no room on the disk, left
//! by a process that was killed. Nothing is lost, and the reason is named.
#![forbid(unsafe_code)]

mod common;

use std::path::PathBuf;
use std::time::Duration;

use common::Home;

const SIGN: &str = "--card demo sign --container web --in data --out data.sig --pin-env PIN";

fn image(home: &Home) -> PathBuf {
    let cards = home.run("card list --json").succeeds().json();
    PathBuf::from(cards["cards"][0]["path"].as_str().expect("a path"))
}

#[test]
fn a_truncated_image_is_named_and_left_alone() {
    let home = Home::with_key("p256");
    let image = image(&home);
    let whole = std::fs::read(&image).unwrap();
    for length in [0, 20, 100, whole.len() - 1] {
        std::fs::write(&image, &whole[..length]).unwrap();
        let refused = home.run(&format!("{SIGN} --json")).exits(1).json();
        assert_eq!(refused["error"]["code"], "bad-image", "{length}: {refused}");
        assert_eq!(std::fs::read(&image).unwrap(), &whole[..length], "the image was touched");
    }
    home.run("card list").succeeds().says("demo");
    std::fs::write(&image, &whole).unwrap();
    home.run(SIGN).succeeds();
}

#[test]
fn an_image_of_a_newer_format_asks_for_an_update() {
    let home = Home::with_key("p256");
    let image = image(&home);
    let whole = std::fs::read(&image).unwrap();
    let mut newer = whole.clone();
    // The format's number: two bytes after the eight of the magic.
    newer[8..10].copy_from_slice(&999u16.to_be_bytes());
    std::fs::write(&image, &newer).unwrap();
    home.run(SIGN).exits(1).says("999").says("update");
    assert_eq!(std::fs::read(&image).unwrap(), newer, "the image was touched");
    std::fs::write(&image, &whole).unwrap();
    home.run(SIGN).succeeds();
}

#[test]
fn a_damaged_image_is_refused() {
    let home = Home::with_key("p256");
    let image = image(&home);
    let whole = std::fs::read(&image).unwrap();
    for at in [60, whole.len() / 2, whole.len() - 1] {
        let mut damaged = whole.clone();
        damaged[at] ^= 1;
        std::fs::write(&image, &damaged).unwrap();
        home.run(SIGN).exits(1).says("image");
    }
    std::fs::write(&image, &whole).unwrap();
    home.run(SIGN).succeeds();
}

/// The system refuses to write more than a kibibyte into a file, as a full disk does: the run file
/// fits, a new image does not.
#[cfg(target_os = "linux")]
#[test]
fn a_disk_without_room_loses_nothing() {
    let home = Home::with_key("rsa2048");
    home.generate("more", "rsa2048").succeeds();
    let before = std::fs::read(image(&home)).unwrap();
    let limited = |line: &str| home.shell(&format!("trap '' XFSZ; ulimit -f 2; \"$CARDMOD\" {line}"));
    limited("--card demo key generate --container third --algorithm rsa2048 --pin-env PIN")
        .exits(1)
        .says("not saved");
    assert_eq!(std::fs::read(image(&home)).unwrap(), before, "the image was touched");
    home.run("--card demo container list").succeeds().says("more").never_says("third");
    home.run(SIGN).succeeds();
}

#[test]
fn a_run_file_of_another_life_is_no_obstacle() {
    let home = Home::with_key("p256");
    let folder = image(&home).parent().expect("a folder").to_owned();
    let mut spoiled = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() && path.file_name().is_some_and(|name| name.to_string_lossy().contains("run")) {
            std::fs::write(&path, b"left behind").unwrap();
            spoiled += 1;
        }
    }
    assert!(spoiled > 0, "no run file in {}", folder.display());
    home.run(SIGN).succeeds();
}

#[test]
fn processes_killed_anywhere_leave_a_card_that_works() {
    let home = Home::with_key("p256");
    let once = std::time::Instant::now();
    home.run(SIGN).succeeds();
    let once = once.elapsed();
    for part in 0..20 {
        let line = if part % 2 == 0 {
            SIGN.to_owned()
        } else {
            format!("--card demo key generate --container k{part} --algorithm p256 --pin-env PIN")
        };
        let mut program = home.cardmod(&line);
        program.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
        let mut child = program.spawn().unwrap();
        std::thread::sleep(once.mul_f64(f64::from(part) / 20.0).max(Duration::from_millis(1)));
        // It may have ended by itself already.
        let _ = child.kill();
        child.wait().unwrap();
        // One kill costs one try at most, which the right PIN gives back: this works each time.
        home.run(SIGN).succeeds();
    }
    home.run("--card demo verify --container web --in data --signature data.sig").succeeds();
}

#[test]
fn several_processes_share_a_card() {
    let home = Home::with_key("p256");
    let signers: Vec<_> = (0..4)
        .map(|number| {
            let line = format!("--card demo sign --container web --in data --out sig{number} --pin-env PIN");
            home.cardmod(&line).spawn().unwrap()
        })
        .collect();
    for mut signer in signers {
        assert!(signer.wait().unwrap().success());
    }
    for number in 0..4 {
        home.run(&format!("--card demo verify --container web --in data --signature sig{number}")).succeeds();
    }
}

/// As where rights are missing, which root does not notice.
#[test]
fn files_that_cannot_be_opened_are_named() {
    let home = Home::with_card();
    let lock = image(&home).with_file_name("lock");
    std::fs::remove_file(&lock).ok();
    std::fs::create_dir(&lock).expect("a folder");
    for line in ["--card demo info", "info", "--card demo pin status", "key public"] {
        home.run(line).exits(1).says(&format!("cannot open {}", lock.display())).never_says("PC/SC");
    }
    // another card is none the worse for it, whichever file it is
    home.run("card new other").succeeds();
    std::fs::remove_dir(&lock).expect("the folder");
    let run = lock.with_file_name("run");
    std::fs::remove_file(&run).ok();
    std::fs::create_dir(&run).expect("a folder");
    home.run("--card demo info").exits(1).says(&run.display().to_string()).never_says("PC/SC");
    home.run("--card other container list").succeeds().says("no containers");
    let mut by_reader = home.cardmod("container list");
    by_reader.args(["--reader", "Cardmod Virtual Reader (other) 00 00"]);
    common::Outcome::of(&mut by_reader).succeeds().says("no containers");
}

/// A disk that is full, in a name space of its own: what a small file system has left is filled up. Needs root.
#[cfg(target_os = "linux")]
fn on_a_full_disk(home: &Home, line: &str) -> common::Outcome {
    const SCRIPT: &str = r#"
        set -e
        mkdir disk && mount -t tmpfs -o size=96k tmpfs disk && cp -a cards disk/ && export CARDMOD_HOME=$PWD/disk
        # what the run file and a new connection take stays free
        head -c 4096 /dev/zero > disk/kept
        head -c 1M /dev/zero > disk/filling 2> /dev/null || true
        rm disk/kept
        set +e
        "$CARDMOD" "$@"
        status=$?
        cp disk/cards/demo/card.image after.image
        rm disk/filling
        "$CARDMOD" --card demo sign --container web --in data --out data.sig --pin-env PIN || exit 99
        exit $status"#;
    let mut command = std::process::Command::new("unshare");
    command.args(["--mount", "--", "sh", "-c", SCRIPT, "sh"]).args(line.split_whitespace());
    command.env("CARDMOD", env!("CARGO_BIN_EXE_cardmod")).env("CARDMOD_CACHE_DIR", home.path("cache"));
    home.furnish(&mut command);
    common::Outcome::of(&mut command)
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_named_and_the_card_keeps_its_old_content() {
    let home = Home::with_key("rsa2048");
    home.generate("more", "rsa2048").succeeds();
    let before = std::fs::read(image(&home)).unwrap();
    let module = common::class_module();
    for module in [String::new(), format!("--module {}", module.display())] {
        let line = format!(
            "--json --card demo key generate --container third --algorithm rsa2048 --pin-env PIN {module}"
        );
        let refused = on_a_full_disk(&home, &line).exits(1);
        let error = &refused.json()["error"];
        assert_eq!(error["code"], "not-saved", "{refused}");
        assert!(error["message"].as_str().is_some_and(|text| text.contains("No space left")), "{refused}");
        assert!(error["hint"].as_str().is_some_and(|text| text.contains("make room")), "{refused}");
        let after = std::fs::read(home.path("after.image")).unwrap();
        assert_ne!(after.len(), 0);
        std::fs::remove_dir(home.path("disk")).unwrap();
    }
    assert_eq!(std::fs::read(image(&home)).unwrap(), before);
}

/// A folder that cannot be written, in a name space of its own. Needs root.
#[cfg(target_os = "linux")]
#[test]
fn a_read_only_folder_is_named() {
    const SCRIPT: &str =
        r#"mount --bind cards cards && mount -o remount,ro,bind cards && exec "$CARDMOD" "$@""#;
    let home = Home::with_key("p256");
    for line in ["--card demo info --json", "--card demo container delete web --pin-env PIN --json"] {
        let mut command = std::process::Command::new("unshare");
        command.args(["--mount", "--", "sh", "-c", SCRIPT, "sh"]).args(line.split_whitespace());
        command.env("CARDMOD", env!("CARGO_BIN_EXE_cardmod"));
        home.furnish(&mut command);
        let refused = common::Outcome::of(&mut command).exits(1);
        let error = &refused.json()["error"];
        assert!(error["message"].as_str().is_some_and(|text| text.contains("Read-only")), "{refused}");
        assert!(error["hint"].as_str().is_some_and(|text| text.contains("writable")), "{refused}");
    }
    home.run(SIGN).succeeds();
}
