//! Secrets the user gives: from a file, an environment variable, a file descriptor or the
//! terminal. Never from the command line, where every process of the machine can read them.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use zeroize::{Zeroize as _, Zeroizing};

use crate::data;
use crate::failure::Failure;
use crate::terminal;

/// The longest line accepted as a secret.
const LONGEST: usize = 4096;

/// Set to anything, it makes readers' keypads as if they were not there.
const NO_KEYPAD: &str = "CARDMOD_NO_KEYPAD";

/// Where one secret comes from.
#[derive(Clone, Debug)]
pub(crate) enum SecretSource {
    /// The first line of a file.
    File(PathBuf),
    /// An environment variable.
    Environment(String),
    /// The next line of an open file descriptor.
    Descriptor(u32),
}

/// Declares the three options of one secret, for flattening into a verb's arguments.
macro_rules! secret_options {
    ($name:ident, $what:literal, $file:literal, $env:literal, $fd:literal) => {
        #[doc = concat!("Where ", $what, " comes from.")]
        #[derive(clap::Args, Clone, Debug, Default)]
        #[group(multiple = false)]
        pub(crate) struct $name {
            #[arg(long = $file, id = $file, value_name = "FILE", help_heading = "Secrets",
                          help = concat!("Read ", $what, " from the first line of a file"))]
            file: Option<PathBuf>,
            #[arg(long = $env, id = $env, value_name = "VARIABLE", help_heading = "Secrets",
                          help = concat!("Read ", $what, " from an environment variable"))]
            env: Option<String>,
            #[arg(long = $fd, id = $fd, value_name = "NUMBER", help_heading = "Secrets",
                          help = if cfg!(windows) {
                              concat!("Read ", $what, " from the next line of standard input (0)")
                          } else {
                              concat!("Read ", $what, " from the next line of an open file descriptor")
                          })]
            fd: Option<u32>,
        }

        impl $name {
            /// The source that was named, if any.
            pub(crate) fn source(&self) -> Option<SecretSource> {
                let file = self.file.clone().map(SecretSource::File);
                let env = self.env.clone().map(SecretSource::Environment);
                file.or(env).or(self.fd.map(SecretSource::Descriptor))
            }
        }
    };
}

secret_options!(PinFrom, "the PIN", "pin-file", "pin-env", "pin-fd");
secret_options!(NewPinOptions, "the new PIN", "new-pin-file", "new-pin-env", "new-pin-fd");
secret_options!(PukOptions, "the PUK", "puk-file", "puk-env", "puk-fd");
secret_options!(
    AdminKeyOptions,
    "the administrator key (48 hexadecimal digits)",
    "admin-key-file",
    "admin-key-env",
    "admin-key-fd"
);

secret_options!(
    ManagementKeyOptions,
    "the management key of a PIV card (hexadecimal digits)",
    "management-key-file",
    "management-key-env",
    "management-key-fd"
);

secret_options!(
    NewManagementKeyOptions,
    "the new management key of a PIV card (hexadecimal digits)",
    "new-management-key-file",
    "new-management-key-env",
    "new-management-key-fd"
);

secret_options!(GlobalPinOptions, "the global PIN", "global-pin-file", "global-pin-env", "global-pin-fd");

secret_options!(
    FilePasswordOptions,
    "the password of the PKCS#12 file",
    "p12-password-file",
    "p12-password-env",
    "p12-password-fd"
);

secret_options!(
    ManagementKeySource,
    "the management key (32, 48 or 64 hexadecimal digits)",
    "management-key-file",
    "management-key-env",
    "management-key-fd"
);

secret_options!(
    NewAdminKeyOptions,
    "the new administrator key (48 hexadecimal digits)",
    "new-admin-key-file",
    "new-admin-key-env",
    "new-admin-key-fd"
);

/// Where the PIN comes from, and where it is typed if from nowhere.
#[derive(clap::Args, Clone, Debug, Default)]
pub(crate) struct PinOptions {
    #[command(flatten)]
    from: PinFrom,
    #[arg(
        long,
        help_heading = "Secrets",
        help = "Ask for the PIN here even if the reader has a keypad [env: CARDMOD_NO_KEYPAD]"
    )]
    no_keypad: bool,
}

impl PinOptions {
    /// The source that was named, if any.
    pub(crate) fn source(&self) -> Option<SecretSource> {
        self.from.source()
    }

    /// A reader's keypad may take the PIN.
    pub(crate) fn keypad(&self) -> bool {
        let forbidden = std::env::var_os(NO_KEYPAD).is_some_and(|value| !value.is_empty());
        self.source().is_none() && !self.no_keypad && !forbidden
    }
}

impl SecretSource {
    /// Reads the secret. `what` names it in errors ("PIN").
    pub(crate) fn read(&self, what: &str) -> Result<Zeroizing<Vec<u8>>, Failure> {
        let secret = match self {
            Self::File(path) => File::open(path)
                .and_then(first_line)
                .map_err(|error| no_secret(what, &path.display().to_string(), &error.to_string()))
                .map_err(|failure| match data::is_standard(path) {
                    true => failure.hint("the option with -fd in place of -file reads standard input: 0"),
                    false => failure,
                })?,
            Self::Environment(name) => from_environment(what, name)?,
            Self::Descriptor(number) => from_descriptor(what, *number)?,
        };
        if secret.is_empty() {
            return Err(Failure::failed("secret", format!("the {what} read is empty")));
        }
        Ok(secret)
    }
}

/// Refuses a source of a secret that is not there, before anything is done without the secret. What is there
/// is not read: it may be a pipe.
///
/// # Errors
/// The variable is not set, or the file cannot be found.
pub(crate) fn at_hand(secret: Option<&SecretSource>, what: &str) -> Result<(), Failure> {
    match secret {
        Some(source @ SecretSource::Environment(_)) => source.read(what).map(drop),
        Some(SecretSource::File(path)) => path
            .metadata()
            .map(drop)
            .map_err(|error| no_secret(what, &path.display().to_string(), &error.to_string())),
        Some(SecretSource::Descriptor(_)) | None => Ok(()),
    }
}

/// Refuses to take a secret and an input both from standard input.
///
/// # Errors
/// A usage failure.
pub(crate) fn apart(secret: Option<SecretSource>, input: &Path) -> Result<(), Failure> {
    match secret {
        Some(SecretSource::Descriptor(0)) if data::is_standard(input) => {
            Err(Failure::usage("the input and a secret cannot both come from standard input")
                .hint("name a file, or another file descriptor"))
        }
        _ => Ok(()),
    }
}

/// Refuses to read a secret from the file descriptor that something else is read from.
///
/// # Errors
/// A usage failure.
pub(crate) fn apart_from(secret: Option<SecretSource>, descriptor: u32) -> Result<(), Failure> {
    match secret {
        Some(SecretSource::Descriptor(number)) if number == descriptor => {
            Err(Failure::usage("the response and a secret cannot both come from one file descriptor")
                .hint("name a file, or another file descriptor"))
        }
        _ => Ok(()),
    }
}

/// Asks for a secret on the terminal. `what` names it in errors, `option` is the one that gives it.
///
/// # Errors
/// There is no terminal to ask on, or the input ended before anything was typed.
pub(crate) fn prompt(text: &str, what: &str, option: &str) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let mut answer = terminal::ask(text).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => Failure::failed("pin-required", format!("no {what} was typed")),
        _ => unasked(what, option),
    })?;
    let secret = Zeroizing::new(answer.as_bytes().to_vec());
    answer.zeroize();
    Ok(secret)
}

/// Asks for a new secret twice.
///
/// # Errors
/// No terminal, or the two answers differ.
pub(crate) fn prompt_new(what: &str, option: &str) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let named = format!("new {what}");
    let first = prompt(&format!("New {what}: "), &named, option)?;
    let second = prompt(&format!("New {what} again: "), &named, option)?;
    if first == second {
        Ok(first)
    } else {
        Err(Failure::failed("secret", format!("the two entries of the new {what} differ")))
    }
}

/// The failure of a secret that is needed and cannot be asked for.
fn unasked(what: &str, option: &str) -> Failure {
    Failure::failed("pin-required", format!("the {what} is needed and there is no terminal to ask on"))
        .hint(format!("give --{option}-file, --{option}-env or --{option}-fd"))
}

fn from_environment(what: &str, name: &str) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let place = match is_variable_name(name) {
        true => format!("environment variable {name}"),
        // It may be the secret itself, which is not to be repeated.
        false => "the environment variable that was named".to_owned(),
    };
    // In the message: where a PIN is wanted, the hint is that of the operation.
    let unset = "it is not set, and the option takes the variable's name, not the secret";
    let value = std::env::var_os(name).ok_or_else(|| no_secret(what, &place, unset))?;
    let value = value.into_string().map_err(|_| no_secret(what, &place, "it is not UTF-8 text"))?;
    Ok(Zeroizing::new(value.into_bytes()))
}

/// The form of names that shells can set (POSIX, Base Definitions, section 8.1).
fn is_variable_name(name: &str) -> bool {
    let mut characters = name.chars();
    characters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && characters.all(|character| character.is_ascii_alphanumeric() || character == '_')
}

fn from_descriptor(what: &str, number: u32) -> Result<Zeroizing<Vec<u8>>, Failure> {
    open_descriptor(number).and_then(first_line).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => {
            Failure::failed("secret", format!("cannot read the {what}: file descriptor {number} is not open"))
        }
        _ => no_secret(what, &format!("file descriptor {number}"), &error.to_string()),
    })
}

fn no_secret(what: &str, place: &str, why: &str) -> Failure {
    Failure::failed("secret", format!("cannot read the {what} from {place}: {why}"))
}

/// The bytes up to the first line end. Read one by one, so that a second secret can follow on the
/// same pipe.
fn first_line(mut source: impl Read) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut line = Zeroizing::new(Vec::with_capacity(LONGEST));
    let mut byte = [0u8; 1];
    while source.read(&mut byte)? == 1 && byte[0] != b'\n' {
        if line.len() == LONGEST {
            return Err(io::Error::other(format!("its first line is longer than {LONGEST} bytes")));
        }
        line.push(byte[0]);
    }
    byte.zeroize();
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    Ok(line)
}

#[cfg(unix)]
pub(crate) fn open_descriptor(number: u32) -> io::Result<File> {
    // Where the descriptors are no links, what is not open answers so and is there all the same.
    let closed = |error: &io::Error| error.raw_os_error() == Some(rustix::io::Errno::BADF.raw_os_error());
    File::open(format!("/dev/fd/{number}")).map_err(|error| match closed(&error) {
        true => io::ErrorKind::NotFound.into(),
        false => error,
    })
}

/// Windows passes handles on to programs, and of them standard input alone under a number that everybody knows.
/// The handle is doubled, so that nothing is read ahead: a second secret may follow on the same pipe.
#[cfg(windows)]
pub(crate) fn open_descriptor(number: u32) -> io::Result<File> {
    use std::os::windows::io::AsHandle as _;
    if number != 0 {
        let text = "Windows has no file descriptors but 0, standard input";
        return Err(io::Error::new(io::ErrorKind::Unsupported, text));
    }
    Ok(io::stdin().as_handle().try_clone_to_owned()?.into())
}

#[cfg(not(any(unix, windows)))]
pub(crate) fn open_descriptor(_number: u32) -> io::Result<File> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "file descriptors cannot be named on this system"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_without_its_end() {
        assert_eq!(first_line(&b"123456\r\nmore"[..]).unwrap().as_slice(), b"123456");
        assert_eq!(first_line(&b"123456"[..]).unwrap().as_slice(), b"123456");
        assert!(first_line(&vec![b'1'; LONGEST + 1][..]).is_err());
    }

    #[test]
    fn two_secrets_on_one_pipe() {
        let mut pipe = &b"old\nnew\n"[..];
        assert_eq!(first_line(&mut pipe).unwrap().as_slice(), b"old");
        assert_eq!(first_line(&mut pipe).unwrap().as_slice(), b"new");
    }

    #[test]
    fn a_missing_variable_is_named_and_an_empty_file_refused() {
        let failure = SecretSource::Environment("CARDMOD_NOT_SET".into()).read("PIN").unwrap_err();
        assert!(failure.message.contains("CARDMOD_NOT_SET"));
        for secret in ["123456", "12-34", ""] {
            let failure = SecretSource::Environment(secret.into()).read("PIN").unwrap_err();
            assert!(failure.message.ends_with("takes the variable's name, not the secret"), "{failure:?}");
            assert!(secret.is_empty() || !failure.message.contains(secret), "{failure:?}");
        }
        let empty = tempfile::NamedTempFile::new().unwrap();
        let failure = SecretSource::File(empty.path().into()).read("PIN").unwrap_err();
        assert_eq!(failure.message, "the PIN read is empty");
    }
}
