//! A PIN that was given to `cardmod` for a card in another process is, after its use, nowhere in the
//! program's memory but in the locked cache, and after the card is gone nowhere at all.
#![forbid(unsafe_code)]

mod piv;
mod search;

use std::fs::File;
use std::io::{BufRead, BufReader, Lines, PipeReader, Write as _};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use cardmod_interop::{Home, READER, World, cardmod_program, run, tool};

use search::search;

/// Distinctive, and as long as a card takes it.
const PIN: &str = "hQ7kVw9ZtR3mX5";

/// Another one, to change to.
const OTHER: &str = "bY4nLc8PwS2dJ6";
/// The PUK.
const PUK: &str = "gT5xMf1KzD9rB";

/// A home with a card `demo` that has this PIN and two keys.
fn home() -> Home {
    let home = Home::new();
    std::fs::write(home.file("pin"), PIN).expect("a file");
    std::fs::write(home.file("puk"), PUK).expect("a file");
    home.run("card new demo --new-pin-file pin --puk-file puk").success();
    for (name, algorithm) in [("sign", "p256"), ("seal", "rsa2048")] {
        let line =
            format!("key generate --card demo --pin-file pin --container {name} --algorithm {algorithm}");
        home.run(&line).success();
    }
    std::fs::write(home.file("data"), b"data").expect("a file");
    home
}

/// A program at work, ended when dropped.
struct Running {
    program: Child,
    lines: Option<Lines<BufReader<ChildStdout>>>,
}

impl Running {
    fn of(mut program: Child) -> Self {
        let lines = program.stdout.take().map(|output| BufReader::new(output).lines());
        Self { program, lines }
    }

    /// Starts a program and gives it the PIN on its standard input.
    fn with_pin(mut command: Command) -> Self {
        let mut program = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("cardmod");
        let mut input = program.stdin.take().expect("its input is piped");
        input.write_all(format!("{PIN}\n").as_bytes()).expect("the PIN");
        Self::of(program)
    }

    /// The next line that contains `text`.
    #[track_caller]
    fn says(&mut self, text: &str) -> String {
        for line in self.lines.as_mut().expect("its output is piped").by_ref() {
            let line = line.expect("a line");
            if line.contains(text) {
                return line;
            }
        }
        panic!("it ended without saying {text:?}");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _gone_already = self.program.kill();
        let _reaped = self.program.wait();
    }
}

/// How much a pipe holds before its writer waits (pipe(7)).
const PIPE: usize = 65_536;

/// How long a program may take to come to its end.
const PATIENCE: Duration = Duration::from_secs(60);

/// A program that is done, but for its last words, which nobody takes.
struct Stuck {
    running: Running,
    _unread: PipeReader,
}

impl Stuck {
    /// Starts a program with this input and waits until it has something to say.
    fn at_its_end(mut command: Command, input: &str) -> Self {
        let (unread, mut output) = std::io::pipe().expect("a pipe");
        output.write_all(&[b'.'; PIPE]).expect("as much as a pipe holds");
        let mut program = command.stdin(Stdio::piped()).stdout(output).spawn().expect("cardmod");
        program.stdin.take().expect("its input is piped").write_all(input.as_bytes()).expect("the PIN");
        let stuck = Self { running: Running::of(program), _unread: unread };
        wait_until_stuck(stuck.pid());
        stuck
    }

    fn pid(&self) -> u32 {
        self.running.program.id()
    }
}

#[test]
fn no_verb_leaves_a_pin_behind() {
    let home = home();
    let world = World::new();
    let _plug = world.plug(&home, "demo");
    let (pin, both) = (format!("{PIN}\n"), format!("{PIN}\n{OTHER}\n"));
    let verbs: [(&str, &str); 5] = [
        ("pin verify --pin-fd 0", &pin),
        ("sign --container sign --in data --out - --pin-fd 0", &pin),
        ("cert request --container sign --subject CN=x --out - --pin-fd 0", &pin),
        ("pin change --pin-fd 0 --new-pin-fd 0", &both),
        ("pin unblock --puk-file puk --new-pin-fd 0", &pin),
    ];
    for (verb, input) in verbs {
        let words: Vec<&str> = ["cardmod", "--reader", READER].into_iter().chain(verb.split(' ')).collect();
        let stuck = Stuck::at_its_end(world.command_at(&home, &words), input);
        for secret in [PIN, OTHER, PUK] {
            let found = search(stuck.pid(), secret);
            let left: Vec<_> = found.into_iter().filter(|found| !found.locked).collect();
            assert!(left.is_empty(), "cardmod {verb} left a secret behind: {left:#?}");
        }
    }
}

/// Of a card that was made, the image has the secrets, sealed, and the program nothing any more.
#[test]
fn a_new_card_leaves_its_secrets_to_its_image() {
    const PIV_PIN: &str = "hQ7kVw9Z";
    const PIV_PUK: &str = "gT5xMf1K";
    const KEY: &str = "pW6rEj2NvU8aCq4XhS1yLd7B";
    let key: String = KEY.bytes().map(|byte| format!("{byte:02x}")).collect();
    for (kind, options, secrets) in [
        ("gids", "--admin-key-fd 0", [PIV_PIN, PIV_PUK, KEY]),
        ("piv", "--management-key-fd 0 --protect-management-key", [PIV_PIN, PIV_PUK, KEY]),
    ] {
        let home = Home::new();
        let mut command = Command::new(cardmod_program());
        let line = format!("--json card new made --type {kind} --new-pin-fd 0 --puk-fd 0 {options}");
        command.args(line.split(' '));
        home.furnish(&mut command);
        let stuck = Stuck::at_its_end(command, &format!("{PIV_PIN}\n{PIV_PUK}\n{key}\n"));
        for secret in secrets {
            let left = search(stuck.pid(), secret);
            assert!(left.is_empty(), "card new --type {kind} left a secret behind: {left:#?}");
        }
    }
}

#[test]
fn a_typed_pin_is_not_left_behind() {
    let home = home();
    let world = World::new();
    let _plug = world.plug(&home, "demo");
    // Its output goes to a pipe that is full, its prompt to the terminal that script(1) makes.
    run(tool("mkfifo told").current_dir(home.folder())).success();
    let mut told = File::options().read(true).write(true).open(home.file("told")).expect("the pipe");
    told.write_all(&[b'.'; PIPE]).expect("as much as a pipe holds");
    let line = format!("exec {} --reader '{READER}' pin verify > told", cardmod_program().display());
    let mut command = world.command_at(&home, &["script", "-qec", &line, "/dev/null"]);
    command.stdin(Stdio::piped()).stdout(Stdio::null());
    let mut terminal = Running::of(command.spawn().expect("script"));
    let typist = terminal.program.stdin.as_mut().expect("its input is piped");
    typist.write_all(format!("{PIN}\n").as_bytes()).expect("the PIN");
    let pid = child_of(terminal.program.id());
    wait_until_stuck(pid);
    let (locked, left): (Vec<_>, Vec<_>) = search(pid, PIN).into_iter().partition(|found| found.locked);
    assert!(!locked.is_empty(), "it was verified, and is kept");
    assert!(left.is_empty(), "the typed PIN was left behind: {left:#?}");
}

/// The program that another one runs.
fn child_of(pid: u32) -> u32 {
    let path = format!("/proc/{pid}/task/{pid}/children");
    let deadline = Instant::now() + PATIENCE;
    loop {
        let children = std::fs::read_to_string(&path).expect("a process");
        if let Some(child) = children.split_whitespace().next() {
            return child.parse().expect("a number");
        }
        assert!(Instant::now() < deadline, "it runs nothing");
        std::thread::sleep(Duration::from_millis(5)); // between two looks, not instead of one
    }
}

/// Waits until a program has something to say, and nobody listens.
fn wait_until_stuck(pid: u32) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let waits_for = std::fs::read_to_string(format!("/proc/{pid}/wchan")).expect("a process");
        if waits_for.contains("pipe_write") {
            return;
        }
        assert!(Instant::now() < deadline, "it waits for {waits_for}");
        std::thread::sleep(Duration::from_millis(5)); // between two looks, not instead of one
    }
}

#[test]
fn an_environment_variable_stays_in_memory() {
    // Why a descriptor or a file is better; and that the search finds what lies about.
    let home = home();
    let world = World::new();
    let _plug = world.plug(&home, "demo");
    let words = ["cardmod", "--reader", READER, "pin", "verify", "--pin-env", "SECRET"];
    let mut command = world.command_at(&home, &words);
    command.env("SECRET", PIN);
    let stuck = Stuck::at_its_end(command, "");
    let found = search(stuck.pid(), PIN);
    assert!(found.iter().any(|found| !found.locked), "{found:#?}");
}

#[test]
fn a_pin_is_in_the_locked_cache_alone_and_goes_with_its_card() {
    let home = home();
    let world = World::new();
    let plug = world.plug(&home, "demo");
    let words = ["cardmod", "--reader", READER, "--json", "info", "--watch", "--pin-fd", "0"];
    let mut watch = Running::with_pin(world.command_at(&home, &words));
    let told = watch.says("card-inserted");
    assert!(told.contains("\"signs\":true") && !told.contains("\"signs\":false"), "{told}");
    watch.says("watching");

    let found = search(watch.program.id(), PIN);
    let (locked, elsewhere): (Vec<_>, Vec<_>) = found.into_iter().partition(|found| found.locked);
    assert!(!locked.is_empty(), "the PIN is kept, and the search would find it");
    assert!(elsewhere.is_empty(), "the PIN was left behind: {elsewhere:#?}");

    drop(plug);
    watch.says("card-removed");
    let found = search(watch.program.id(), PIN);
    assert!(found.is_empty(), "the PIN outlived its card: {found:#?}");
}
