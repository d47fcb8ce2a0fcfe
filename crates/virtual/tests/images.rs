//! Images: what they give away, what is found wrong with them, old ones, full disks.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "in tests a panic is a finding")]

mod common;

use std::path::{Path, PathBuf};

use cardmod_virtual::{
    CardFault, CardKind, CardOptions, ImageError, PivFlavour, Random, Storage, Store, StoreError, VirtualCard,
};
use common::{SELECT, VERIFY, bench, bench_with, hex, send, unhex};

const IMAGE: &str = "test/card.image";
const WRONG: &str = "00 20 00 80 04 30 30 30 30";
/// Cards of each format, made when it was the newest: the GIDS card `old` with a P-256 key, PIN 12345678.
const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures");

/// Why the image cannot be opened.
fn cause(store: &Store) -> ImageError {
    match store.open_card("test") {
        Err(StoreError::Card(CardFault::Image { cause, path })) => {
            assert!(path.ends_with(IMAGE));
            cause
        }
        other => panic!("{other:?}"),
    }
}

/// The store of a bench whose connection is closed, and the image's bytes.
fn image() -> (tempfile::TempDir, Store, Vec<u8>) {
    let bench = bench();
    let bytes = std::fs::read(bench.dir.path().join(IMAGE)).unwrap();
    (bench.dir, bench.store, bytes)
}

#[test]
fn wrong_images_are_told_apart() {
    let (dir, store, good) = image();
    let path = dir.path().join(IMAGE);
    let with = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        cause(&store)
    };
    for len in [0, 5, 9, 60, good.len() - 1] {
        assert!(
            matches!(with(&good[..len]), ImageError::Truncated { found, .. } if found == len as u64),
            "{len}"
        );
    }
    assert_eq!(with(b"something else entirely"), ImageError::NotAnImage);
    let mut newer = good.clone();
    newer[9] = 99;
    assert_eq!(with(&newer), ImageError::Newer { found: 99, newest: 2 });
    assert_eq!(with(&newer[..10]), ImageError::Newer { found: 99, newest: 2 }, "whatever follows");
    let entries = store.cards().unwrap();
    assert_eq!((entries[0].name.as_str(), entries[0].kind), ("test", CardKind::Unreadable));
    for position in [10, 12, 20, 40, 50, 60, 90, good.len() - 1] {
        let mut damaged = good.clone();
        damaged[position] ^= 0x10;
        let cause = with(&damaged);
        assert!(
            matches!(cause, ImageError::Damaged | ImageError::Truncated { .. }),
            "byte {position}: {cause}"
        );
    }
    assert_eq!(with(&[&good[..], &[0]].concat()), ImageError::Damaged);
    std::fs::write(&path, &good).unwrap();
    assert_eq!(send(&mut store.open_card("test").unwrap(), SELECT).len(), 44);
    assert_eq!(store.cards().unwrap()[0].kind, CardKind::Gids);
}

#[test]
fn an_image_alone_gives_nothing_away() {
    let (dir, _, good) = image();
    for secret in [common::PIN, &common::ADMIN_KEY[..], &[7; 16], b"mscp"] {
        assert!(!good.windows(secret.len()).any(|window| window == secret));
    }
    // Moved into another store it does not open.
    let elsewhere = bench();
    std::fs::copy(dir.path().join(IMAGE), elsewhere.dir.path().join(IMAGE)).unwrap();
    drop(elsewhere.card);
    assert_eq!(cause(&elsewhere.store), ImageError::ForeignSecret);
    std::fs::remove_file(elsewhere.dir.path().join("device.secret")).unwrap();
    assert_eq!(cause(&elsewhere.store), ImageError::ForeignSecret);
    std::fs::write(elsewhere.dir.path().join("device.secret"), b"short").unwrap();
    set_mode(&elsewhere.dir.path().join("device.secret"), 0o600);
    assert!(matches!(elsewhere.store.open_card("test"), Err(StoreError::SecretDamaged { .. })));
}

/// What lies in the run file between two parts of a command is sealed too.
#[test]
fn the_run_file_gives_nothing_away() {
    let mut bench = bench();
    bench.send(SELECT);
    assert_eq!(bench.send("10 20 00 80 07 31 32 33 34 35 36 37"), "9000");
    let run = std::fs::read(bench.dir.path().join("test/run")).unwrap();
    assert!(!run.windows(7).any(|window| window == b"1234567"));
    assert_eq!(bench.send("00 20 00 80 01 38"), "9000");
}

/// Permission bits are Unix'.
#[cfg(unix)]
#[test]
fn files_are_their_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let bench = bench();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    for file in ["device.secret", IMAGE, "test/run", "test/lock"] {
        assert_eq!(mode(&bench.dir.path().join(file)), 0o600, "{file}");
    }
    assert_eq!(mode(&bench.dir.path().join("test")), 0o700);
    set_mode(&bench.dir.path().join("device.secret"), 0o640);
    assert!(matches!(bench.store.open_card("test"), Err(StoreError::SecretExposed { mode: 0o640, .. })));
}

#[test]
fn a_damaged_run_file_is_a_power_cut() {
    let mut bench = bench();
    bench.send(SELECT);
    bench.send(VERIFY);
    let run = bench.dir.path().join("test/run");
    for content in [&b""[..], b"garbage", &[0xFF; 500]] {
        std::fs::write(&run, content).unwrap();
        assert!(matches!(bench.card.transmit(&unhex(SELECT)), Err(CardFault::WasReset { .. })));
        bench.card.acknowledge().unwrap();
        assert_eq!(bench.send("00 20 00 80"), "6D00");
        bench.send(SELECT);
        bench.send(VERIFY);
    }
}

/// What another connection wrote before the run file was lost is not overlooked, lost tries above all.
#[test]
fn a_damaged_run_file_gives_no_try_back() {
    let mut bench = bench();
    let mut other = bench.store.open_card("test").unwrap();
    bench.send(SELECT);
    assert_eq!(send(&mut other, WRONG), "63C2");
    std::fs::write(bench.dir.path().join("test/run"), b"garbage").unwrap();
    assert!(matches!(bench.card.transmit(&unhex(SELECT)), Err(CardFault::WasReset { .. })));
    bench.card.acknowledge().unwrap();
    bench.send(SELECT);
    assert_eq!(bench.send(WRONG), "63C1");
}

/// A connection whose run file was taken away from under it never writes an old image over a new one.
#[test]
fn a_removed_run_file_gives_no_try_back() {
    let mut bench = bench();
    bench.send(SELECT);
    let run = bench.dir.path().join("test/run");
    std::fs::rename(&run, run.with_file_name("taken")).unwrap();
    let mut other = bench.store.open_card("test").unwrap();
    send(&mut other, SELECT);
    assert_eq!(send(&mut other, WRONG), "63C2");
    assert!(matches!(bench.card.transmit(&unhex(WRONG)), Err(CardFault::NotSaved { .. })));
    assert_eq!(bench.send(WRONG), "63C1");
}

/// Answers that wait are kept in the run file, however long they are.
#[test]
fn a_whole_large_file_is_read() {
    let mut bench = bench_with(|profile| profile.options.capacity = 4 * 1024 * 1024);
    bench.send(SELECT);
    bench.send(VERIFY);
    let value = vec![0x55; 60_000];
    for number in 0..20 {
        let mut data = vec![0xDF, 0x40 + number, 0x82];
        data.extend((value.len() as u16).to_be_bytes());
        data.extend(&value);
        let mut put = vec![0x00, 0xDB, 0xA0, 0x10, 0x00];
        put.extend((data.len() as u16).to_be_bytes());
        put.extend(&data);
        bench.data(&put);
    }
    let get = [0x00, 0xCB, 0xA0, 0x10, 0x00, 0x00, 0x02, 0x5C, 0x00, 0x00, 0x00];
    let first = bench.card.transmit(&get).unwrap();
    assert_eq!(first.len(), 65_538);
    let second = bench.card.transmit(&[0x00, 0xC0, 0x00, 0x00, 0x00]).unwrap();
    assert_eq!(second.len(), 258);
}

/// A store of its own with a fixture's cards.
fn fixture(format: &str, cards: &[&str]) -> (tempfile::TempDir, Store, PathBuf) {
    let (dir, from) = (tempfile::tempdir().unwrap(), Path::new(FIXTURES).join(format));
    let mut files = vec!["device.secret".to_owned()];
    for card in cards {
        std::fs::create_dir(dir.path().join(card)).unwrap();
        files.push(format!("{card}/card.image"));
    }
    for file in files {
        std::fs::copy(from.join(&file), dir.path().join(&file)).unwrap();
        set_mode(&dir.path().join(file), 0o600);
    }
    let store = Store::open(dir.path()).unwrap();
    (dir, store, from)
}

fn format_of(dir: &tempfile::TempDir, card: &str) -> u16 {
    let image = std::fs::read(dir.path().join(card).join("card.image")).unwrap();
    u16::from_be_bytes([image[8], image[9]])
}

/// That the card `old` is what the fixture was made as.
fn check_gids(card: &mut VirtualCard, from: &Path) {
    send(card, SELECT);
    let public = send(card, "00 CB 3F FF 0A 70 08 84 01 81 A5 03 7F 49 80 00");
    assert_eq!(public, std::fs::read_to_string(from.join("public-key.txt")).unwrap().trim());
    assert_eq!(send(card, VERIFY), "9000");
    assert_eq!(send(card, "00 22 41 B6 06 80 01 1C 84 01 81"), "9000");
    let signature = send(card, &format!("00 2A 9E 9A 20 {} 00", hex(&[0x3C; 32])));
    check_signature(&unhex(&public)[5..70], &unhex(&signature));
    assert_eq!(send(card, "00 CB A0 13 04 5C 02 DF 30 00"), "DF300400112233 9000".replace(' ', ""));
}

/// A signature with its status word, by the key with this point, over 32 bytes 3C.
fn check_signature(point: &[u8], response: &[u8]) {
    let verifier = p256::ecdsa::VerifyingKey::from_sec1_bytes(point).unwrap();
    let signature = p256::ecdsa::Signature::from_der(&response[..response.len() - 2]).unwrap();
    p256::ecdsa::signature::hazmat::PrehashVerifier::verify_prehash(&verifier, &[0x3C; 32], &signature)
        .unwrap();
}

#[test]
fn images_of_format_1_open_and_are_brought_forward() {
    let (dir, store, from) = fixture("format-1", &["old"]);
    assert_eq!(store.cards().unwrap()[0].kind, CardKind::Gids);
    let mut card = store.open_card("old").unwrap();
    assert_eq!(format_of(&dir, "old"), 1, "looking changes nothing");
    check_gids(&mut card, &from);
    drop(card);
    // The PIN's counter was written, and with it the whole card.
    assert_eq!(format_of(&dir, "old"), 2);
    check_gids(&mut store.open_card("old").unwrap(), &from);
    assert_eq!(store.cards().unwrap()[0].kind, CardKind::Gids);
}

/// Format 1 knew GIDS cards alone: another kind byte is damage.
#[test]
fn an_image_of_format_1_holds_no_piv_card() {
    let (dir, store, _) = fixture("format-1", &["old"]);
    let path = dir.path().join("old/card.image");
    for kind in [0, 2, 3, 4] {
        let mut image = std::fs::read(&path).unwrap();
        image[10] = kind;
        std::fs::write(&path, image).unwrap();
        assert_eq!(store.cards().unwrap()[0].kind, CardKind::Unreadable, "{kind}");
        let opened = store.open_card("old");
        assert!(
            matches!(opened, Err(StoreError::Card(CardFault::Image { cause: ImageError::Damaged, .. }))),
            "{kind}: {opened:?}"
        );
    }
}

#[test]
fn images_of_format_2_open() {
    let (_dir, store, from) = fixture("format-2", &["old", "piv", "both"]);
    let kinds: Vec<_> = store.cards().unwrap().into_iter().map(|card| card.kind).collect();
    assert_eq!(kinds, [CardKind::Dual, CardKind::Gids, CardKind::Piv]);
    check_gids(&mut store.open_card("old").unwrap(), &from);
    for name in ["piv", "both"] {
        let mut card = store.open_card(name).unwrap();
        assert!(send(&mut card, common::piv::SELECT).ends_with("9000"));
        assert_eq!(send(&mut card, "00 CB 3F FF 05 5C 03 5F C1 05 00"), "5305700111FE009000");
        assert_eq!(send(&mut card, common::piv::VERIFY), "9000");
        let sign = format!("00 87 11 9A 26 7C 24 82 00 81 20 {} 00", hex(&[0x3C; 32]));
        let answer = unhex(&send(&mut card, &sign));
        let public = std::fs::read_to_string(from.join(format!("{name}-public-key.txt"))).unwrap();
        check_signature(&unhex(public.trim())[5..70], &answer[4..]);
    }
    assert_eq!(send(&mut store.open_card("piv").unwrap(), "00 20 00 80"), "6D00");
}

/// Makes the fixture of the newest format; run it once when the format is raised.
#[test]
#[ignore = "writes a fixture for a new image format"]
fn make_fixture() {
    let into = std::env::var_os("CARDMOD_FIXTURE_DIR").expect("the directory to write to");
    let store = Store::open(&into).unwrap();
    store.create("old", &common::profile()).unwrap();
    let mut card = store.open_card("old").unwrap();
    send(&mut card, SELECT);
    send(&mut card, VERIFY);
    let file = "00E00000 28 6226 820118 8302B081 8C058F10101000 A516 B809 80010C 830181 950140 B609 80011C 830181 950140";
    assert_eq!(send(&mut card, file), "9000");
    assert_eq!(send(&mut card, "00 44 00 00"), "9000");
    let public = send(&mut card, "00 47 00 00 08 AC 06 80 01 0C 83 01 81 00");
    assert_eq!(send(&mut card, "00 DB A0 13 07 DF 30 04 00 11 22 33"), "9000");
    std::fs::write(Path::new(&into).join("public-key.txt"), public + "\n").unwrap();
    let profile = common::piv::profile(PivFlavour::YubiKey);
    store.create_piv("piv", &profile).unwrap();
    store.create_dual("both", &common::profile(), &profile).unwrap();
    for name in ["piv", "both"] {
        let card = store.open_card(name).unwrap();
        let mut bench = common::Bench { dir: tempfile::tempdir().unwrap(), store: store.clone(), card };
        assert!(bench.send(common::piv::SELECT).ends_with("9000"));
        common::piv::administrate(&mut bench);
        let public = bench.send("00 47 00 9A 05 AC 03 80 01 11 00");
        bench.run("00 DB 3F FF 0C 5C 03 5F C1 05 53 05 70 01 11 FE 00 => 9000");
        let file = Path::new(&into).join(format!("{name}-public-key.txt"));
        std::fs::write(file, public + "\n").unwrap();
    }
}

/// Storage whose disk is full from the n-th save on.
struct Full(u32);

impl Storage for Full {
    fn save(&mut self, _: &[u8]) -> Result<(), CardFault> {
        if self.0 == 0 {
            let cause = std::io::Error::from(std::io::ErrorKind::StorageFull);
            return Err(CardFault::NotSaved { path: "full".into(), cause });
        }
        self.0 -= 1;
        Ok(())
    }
}

impl Random for Full {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), CardFault> {
        cardmod_virtual::SystemRandom.fill(out)
    }
}

#[test]
fn what_cannot_be_saved_did_not_happen() {
    let mut card = cardmod_virtual::Card::blank(CardOptions::default(), false);
    let mut ports = Full(3);
    let mut send = |command: &str| card.process(&mut ports, &unhex(command)).map(|response| hex(&response));
    assert_eq!(send(SELECT).unwrap().len(), 44);
    assert_eq!(send("00 24 01 80 08 31 32 33 34 35 36 37 38").unwrap(), "9000");
    assert_eq!(send("00 20 00 80 04 30 30 30 30").unwrap(), "63C2");
    // The right PIN: the lost try is saved, giving it back is not. The PIN does not count as verified.
    assert!(matches!(send(VERIFY), Err(CardFault::NotSaved { .. })));
    assert_eq!(send("00 20 00 80").unwrap(), "63C1");
    let create = "00 E0 00 00 0E 62 0C 82 01 39 83 02 A0 00 8C 03 03 30 00";
    assert!(matches!(send(create), Err(CardFault::NotSaved { .. })));
    assert_eq!(send("00 A4 00 0C 02 A0 00").unwrap(), "6A82");
}

/// A file size limit, which a Unix shell sets, stands for a full disk: the image is not replaced, and the card goes
/// on.
#[cfg(unix)]
#[test]
fn a_full_disk_keeps_the_old_image() {
    let bench = bench();
    drop(bench.card);
    let script = "trap '' XFSZ; ulimit -f 8; exec \"$0\" --ignored --exact full_disk --nocapture";
    let output = std::process::Command::new("sh")
        .args(["-c", script])
        .arg(std::env::current_exe().unwrap())
        .env("CARDMOD_TEST_STORE", bench.dir.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut card = bench.store.open_card("test").unwrap();
    send(&mut card, SELECT);
    assert_eq!(send(&mut card, "00 CB A0 10 04 5C 02 DF 30 00"), "DF3001559000");
    assert_eq!(send(&mut card, "00 CB A0 10 04 5C 02 DF 31 00"), "6A88");
}

/// Runs with files limited to 4096 bytes.
#[test]
#[ignore = "started by the test above"]
fn full_disk() {
    let store = Store::open(std::env::var_os("CARDMOD_TEST_STORE").expect("a store")).unwrap();
    let mut card = store.open_card("test").unwrap();
    send(&mut card, SELECT);
    send(&mut card, VERIFY);
    assert_eq!(send(&mut card, "00 DB A0 10 04 DF 30 01 55"), "9000");
    let mut big = unhex("00 DB A0 10 00 13 8D DF 31 82 13 88");
    big.extend([0x5A; 5000]);
    let fault = card.transmit(&big).unwrap_err();
    assert!(matches!(fault, CardFault::NotSaved { .. }), "{fault}");
    assert_eq!(send(&mut card, "00 CB A0 10 04 5C 02 DF 30 00"), "DF3001559000");
    assert_eq!(send(&mut card, "00 DB A0 10 04 DF 30 01 55"), "9000", "small changes still fit");
}

#[test]
fn stores_and_names() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path().join("deep/cards")).unwrap();
    assert_eq!(store.cards().unwrap(), []);
    assert!(matches!(store.open_card("none"), Err(StoreError::NoSuchCard { .. })));
    for bad in ["", ".", "..", "a/b", "a b", "device.secret", "ä", &"x".repeat(33)] {
        assert!(matches!(store.create(bad, &common::profile()), Err(StoreError::BadName { .. })), "{bad}");
    }
    let made = store.create("b", &common::profile()).unwrap();
    assert!(made.path.is_file());
    store.create("a", &common::profile()).unwrap();
    assert!(matches!(store.create("a", &common::profile()), Err(StoreError::Exists { .. })));
    let names: Vec<String> = store.cards().unwrap().into_iter().map(|entry| entry.name).collect();
    assert_eq!(names, ["a", "b"]);
    let mut profile = common::profile();
    profile.pin = cardmod_types::Pin::from("123");
    assert!(matches!(store.create("c", &profile), Err(StoreError::Profile(_))));
    let mut profile = common::profile();
    profile.admin_key = cardmod_types::SecretBytes::from(&[1; 16]);
    assert!(matches!(store.create("c", &profile), Err(StoreError::Profile(_))));
    let mut profile = common::profile();
    profile.options.pin_tries = 16;
    assert!(matches!(store.create("c", &profile), Err(StoreError::Profile(_))));
    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    assert!(Store::open(&file).is_err());
}

fn set_mode(path: &Path, mode: u32) {
    #[cfg(unix)]
    std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
    #[cfg(not(unix))]
    let _ = (path, mode);
}
