//! The management key from a file that the environment names, for hosts that cannot be told otherwise.

use std::fs;
use std::io::Read;
use std::path::Path;

use cardmod_piv::ManagementKey;
use cardmod_types::SecretBytes;
use zeroize::Zeroizing;

/// Names the file.
const VARIABLE: &str = "CARDMOD_PIV_MANAGEMENT_KEY_FILE";
/// The word in it that stands for the key of fresh tokens.
const DEFAULT: &[u8] = b"default";
/// Longer than any key in hexadecimal, with blanks.
const MAX_LEN: u64 = 256;

/// The key of the file, if the environment names one. A file that cannot be used is told of in the log, and
/// taken as none.
pub(super) fn configured() -> Option<ManagementKey> {
    let path = std::env::var_os(VARIABLE).filter(|path| !path.is_empty())?;
    match read(Path::new(&path)) {
        Ok(key) => Some(key),
        Err(reason) => {
            tracing::error!(file = %Path::new(&path).display(), reason, "no management key from {VARIABLE}");
            None
        }
    }
}

/// Reads a key: hexadecimal digits, blanks allowed, or the word "default".
fn read(path: &Path) -> Result<ManagementKey, &'static str> {
    const UNOPENED: &str = "the file cannot be opened";
    // Asked first: to open a pipe is to wait for its other end.
    if !fs::metadata(path).map_err(|_| UNOPENED)?.is_file() {
        return Err("it is no file");
    }
    let file = fs::File::open(path).map_err(|_| UNOPENED)?;
    let metadata = file.metadata().map_err(|_| UNOPENED)?;
    if is_open_to_others(&metadata) {
        return Err("others than its owner may read the file");
    }
    let mut text = Zeroizing::new(Vec::with_capacity(MAX_LEN as usize + 1));
    file.take(MAX_LEN + 1).read_to_end(&mut text).map_err(|_| "the file cannot be read")?;
    parse(&text)
}

#[cfg(unix)]
fn is_open_to_others(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    metadata.mode() & 0o077 != 0
}

/// Who may read a file is not in its mode here.
#[cfg(not(unix))]
fn is_open_to_others(_metadata: &fs::Metadata) -> bool {
    false
}

fn parse(text: &[u8]) -> Result<ManagementKey, &'static str> {
    let text = text.trim_ascii();
    if text.eq_ignore_ascii_case(DEFAULT) {
        return Ok(ManagementKey::well_known());
    }
    const NO_KEY: &str = "it is no key of 16, 24 or 32 bytes in hexadecimal";
    let mut key = Zeroizing::new(Vec::with_capacity(MAX_LEN as usize));
    let mut high = None;
    for digit in text.iter().filter(|byte| !byte.is_ascii_whitespace()) {
        let value = char::from(*digit).to_digit(16).ok_or(NO_KEY)? as u8;
        match high.take() {
            None => high = Some(value),
            Some(high) => key.push(high << 4 | value),
        }
    }
    if high.is_some() {
        return Err(NO_KEY);
    }
    ManagementKey::new(SecretBytes::from(key.as_slice()), None).map_err(|_| NO_KEY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_or_the_word() {
        assert!(parse(b" default\n").unwrap().is_well_known());
        let key = parse(b"0102030405060708 0102030405060708\n0102030405060708\n").unwrap();
        assert!(key.is_well_known());
        assert_eq!(parse(&b"a5".repeat(32)).unwrap().as_bytes(), [0xA5; 32]);
        for wrong in [&b""[..], b"0102", &b"a".repeat(47), &b"zz".repeat(24), &b"00".repeat(25), &[0xFF; 48]]
        {
            assert!(parse(wrong).is_err(), "{wrong:02X?}");
        }
    }

    #[test]
    fn only_a_file_of_the_owner_alone_is_read() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key");
        assert_eq!(read(&path).err(), Some("the file cannot be opened"));
        assert!(read(directory.path()).is_err());
        fs::write(&path, "default").unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let allow = |mode| fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            allow(0o640);
            assert_eq!(read(&path).err(), Some("others than its owner may read the file"));
            allow(0o600);
        }
        assert!(read(&path).unwrap().is_well_known());
        fs::write(&path, vec![b'0'; 1000]).unwrap();
        assert!(read(&path).is_err());
    }
}
