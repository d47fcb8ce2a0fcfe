//! A file for `regedit` and `reg import`: the entries of Windows' registry, or their removal.

use std::fmt::Write as _;

use super::{CardKind, InstallError, Providers, SMART_CARDS, SMART_CARDS_32, check_kinds, listed};

/// Entries for `regedit`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegFile {
    /// The kinds of cards.
    pub kinds: Vec<CardKind>,
    /// The module: an absolute path, or the name of a file in the system folder.
    pub module: String,
    /// The providers to be registered.
    pub providers: Providers,
    /// For this user alone, whose entries this program reads and Windows does not.
    pub user: bool,
    /// For 32-bit programs too, which find their own file of the same name in `SysWOW64`.
    pub with_32_bit: bool,
    /// The entries are taken out.
    pub remove: bool,
}

impl RegFile {
    /// The file's text, with lines ended as Windows ends them.
    ///
    /// # Errors
    /// [`InstallError`].
    pub fn text(&self) -> Result<String, InstallError> {
        check_kinds(&self.kinds)?;
        let texts = [Some(&self.module), self.providers.crypto.as_ref(), self.providers.key_storage.as_ref()];
        for text in texts.into_iter().flatten() {
            if text.trim().is_empty() || text.contains(char::is_control) {
                return Err(InstallError::Text { text: text.clone() });
            }
        }
        let root = if self.user { "HKEY_CURRENT_USER" } else { "HKEY_LOCAL_MACHINE" };
        let views = [SMART_CARDS, SMART_CARDS_32];
        // A user's entries are the same for both.
        let views = &views[..1 + usize::from(self.with_32_bit && !self.user)];
        let mut text = String::from("Windows Registry Editor Version 5.00\n");
        for view in views {
            for kind in &self.kinds {
                let key = format!(r"{root}\{view}\{}", kind.name);
                if self.remove {
                    let _ = write!(text, "\n[-{key}]\n");
                } else {
                    let _ = write!(text, "\n[{key}]\n");
                    self.values(kind, &mut text);
                }
            }
        }
        text.push('\n');
        Ok(text.replace('\n', "\r\n"))
    }

    fn values(&self, kind: &CardKind, text: &mut String) {
        let _ = writeln!(text, "\"ATR\"=hex:{}", listed(&kind.atr));
        let _ = writeln!(text, "\"ATRMask\"=hex:{}", listed(&kind.mask));
        let named = [
            ("Crypto Provider", self.providers.crypto.as_ref()),
            ("Smart Card Key Storage Provider", self.providers.key_storage.as_ref()),
            ("80000001", Some(&self.module)),
        ];
        for (name, value) in named {
            if let Some(value) = value {
                let escaped = value.replace('\\', r"\\").replace('"', "\\\"");
                let _ = writeln!(text, "\"{name}\"=\"{escaped}\"");
            }
        }
    }
}

/// A text as Windows' own tools write it: UTF-16LE with a byte order mark.
#[must_use]
pub fn utf16_file(text: &str) -> Vec<u8> {
    std::iter::once(0xFEFF).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> RegFile {
        RegFile {
            kinds: vec![CardKind { name: "Käse [1]".to_owned(), atr: vec![0x3B, 0], mask: vec![0xFF, 0] }],
            module: r#"C:\cards\x "1".dll"#.to_owned(),
            providers: Providers { key_storage: None, ..Providers::default() },
            user: false,
            with_32_bit: false,
            remove: false,
        }
    }

    #[test]
    fn the_whole_file() {
        let expected = "Windows Registry Editor Version 5.00\r\n\r\n\
             [HKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\Cryptography\\Calais\\SmartCards\\Käse [1]]\r\n\
             \"ATR\"=hex:3b,00\r\n\"ATRMask\"=hex:ff,00\r\n\
             \"Crypto Provider\"=\"Microsoft Base Smart Card Crypto Provider\"\r\n\
             \"80000001\"=\"C:\\\\cards\\\\x \\\"1\\\".dll\"\r\n\r\n";
        assert_eq!(example().text().unwrap(), expected);
        let bytes = utf16_file("ä\n");
        assert_eq!(bytes, [0xFF, 0xFE, 0xE4, 0, 0x0A, 0]);
    }

    #[test]
    fn whose_and_how() {
        let both = RegFile { with_32_bit: true, ..example() }.text().unwrap();
        assert_eq!((both.matches("\"80000001\"").count(), both.matches("WOW6432Node").count()), (2, 1));
        let user = RegFile { user: true, with_32_bit: true, ..example() }.text().unwrap();
        assert!(user.contains("[HKEY_CURRENT_USER\\SOFTWARE\\") && !user.contains("WOW"), "{user}");
        let gone = RegFile { remove: true, ..example() }.text().unwrap();
        assert!(gone.contains("\r\n[-HKEY_LOCAL_MACHINE\\") && !gone.contains("ATR"), "{gone}");
    }

    #[test]
    fn what_cannot_be_registered_is_refused() {
        let kind = |name: &str| CardKind { name: name.to_owned(), atr: vec![0x3B, 1], mask: vec![0xFF; 2] };
        let of = |kinds: Vec<CardKind>| RegFile { kinds, ..example() }.text();
        assert!(of(vec![]).is_err() && of(vec![kind("")]).is_err() && of(vec![kind(r"a\b")]).is_err());
        assert!(of(vec![kind("a"), kind("A")]).is_err(), "keys differ by more than case");
        assert!(of(vec![CardKind { mask: vec![0xFF], ..kind("a") }]).is_err());
        assert!(RegFile { module: "a\nb".to_owned(), ..example() }.text().is_err());
    }
}
