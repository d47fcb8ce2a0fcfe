//! Every target with its seeds, with what was found before, and with mutations of both: the same in every run.

use std::fs;
use std::path::{Path, PathBuf};

use cardmod_fuzz::{Target, targets};

#[test]
fn nothing_is_found_with_the_corpus_and_its_mutations() {
    for target in targets() {
        let corpus = corpus(&target);
        assert!(!corpus.is_empty(), "{} has something to begin with", target.name);
        for input in &corpus {
            (target.run)(input);
        }
        let mut random = Random(0x9E37_79B9_7F4A_7C15);
        for _ in 0..target.mutations {
            let mut input = corpus[random.below(corpus.len())].clone();
            for _ in 0..=random.below(4) {
                mutate(&mut input, &mut random);
            }
            run_naming_the_input(&target, &input);
        }
    }
}

#[test]
fn every_folder_of_finds_has_its_target() {
    for entry in fs::read_dir(folder()).expect("the folder of finds").flatten() {
        let name = entry.file_name().into_string().expect("a plain name");
        assert!(cardmod_fuzz::find(&name).is_some() || name == "README.md", "{name} is no target");
    }
}

/// The seeds to a folder, for libFuzzer: `CARDMOD_FUZZ_SEEDS` names it.
#[test]
#[ignore = "called by cargo xtask fuzz"]
fn seeds_are_written_where_they_are_wanted() {
    let to = PathBuf::from(std::env::var_os("CARDMOD_FUZZ_SEEDS").expect("CARDMOD_FUZZ_SEEDS is set"));
    for target in targets() {
        let folder = to.join(target.name);
        fs::create_dir_all(&folder).expect("a folder");
        for (number, seed) in (target.seeds)().iter().enumerate() {
            fs::write(folder.join(format!("seed-{number}")), seed).expect("a file");
        }
        assert!(folder.join("seed-0").exists());
    }
}

/// Seeds and finds.
fn corpus(target: &Target) -> Vec<Vec<u8>> {
    let mut corpus = (target.seeds)();
    if let Ok(found) = fs::read_dir(folder().join(target.name)) {
        let mut paths: Vec<PathBuf> = found.flatten().map(|entry| entry.path()).collect();
        paths.sort();
        corpus.extend(paths.iter().map(|path| fs::read(path).expect("a find")));
    }
    corpus
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus")
}

/// A panic is told with the bytes that lead to it, ready for `corpus/`.
fn run_naming_the_input(target: &Target, input: &[u8]) {
    let found = std::panic::catch_unwind(|| (target.run)(input));
    if found.is_err() {
        let hex: String = input.iter().map(|byte| format!("{byte:02x}")).collect();
        panic!("{} is broken by {hex}", target.name);
    }
}

/// One small change of the kinds that find things: a bit, a byte, a length, a cut, a repetition.
fn mutate(input: &mut Vec<u8>, random: &mut Random) {
    const TELLING: [u8; 9] = [0x00, 0x01, 0x7F, 0x80, 0x81, 0x82, 0x84, 0xFE, 0xFF];
    let at = random.below(input.len() + 1);
    match random.below(6) {
        0 if at < input.len() => input[at] ^= 1 << random.below(8),
        1 if at < input.len() => input[at] = TELLING[random.below(TELLING.len())],
        2 if at < input.len() => input[at] = random.below(16) as u8,
        3 => input.truncate(at),
        4 => input.insert(at, random.below(256) as u8),
        _ => {
            let copy = input[..at.min(64)].to_vec();
            input.splice(at..at, copy);
            input.truncate(1 << 13);
        }
    }
}

/// A xorshift generator: quick, and the same everywhere.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit.max(1) as u64) as usize
    }
}
