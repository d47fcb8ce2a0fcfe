//! A file for `regedit` and `reg import`: the entries of Windows' registry, or their removal.

use std::fmt::Write as _;

use super::place::check_value;
use super::{
    CardKind, InstallError, Providers, SMART_CARDS, SMART_CARDS_32, check_kinds, is_absolute, listed,
};

/// Entries for `regedit`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegFile {
    /// The kinds of cards.
    pub kinds: Vec<CardKind>,
    /// The module: an absolute path, or the name of a file in the system folder ([`registered_as`]).
    ///
    /// [`registered_as`]: super::registered_as
    pub module: String,
    /// The module for 32-bit programs of a 64-bit Windows, where they get an entry; a name alone is a file of
    /// their own system folder, `SysWOW64`.
    pub module_32: Option<String>,
    /// The providers to be registered.
    pub providers: Providers,
    /// For this user alone, whose entries this program reads and Windows does not.
    pub user: bool,
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
        let texts = [self.providers.crypto.as_ref(), self.providers.key_storage.as_ref()];
        for text in texts.into_iter().flatten().chain(self.modules().map(|(_, module)| module)) {
            if text.trim().is_empty() || text.contains(char::is_control) {
                return Err(InstallError::Text { text: text.clone() });
            }
        }
        self.check_modules()?;
        let root = if self.user { "HKEY_CURRENT_USER" } else { "HKEY_LOCAL_MACHINE" };
        let mut text = String::from("Windows Registry Editor Version 5.00\n");
        for (view, module) in self.modules() {
            for kind in &self.kinds {
                let key = format!(r"{root}\{view}\{}", kind.name);
                if self.remove {
                    let _ = write!(text, "\n[-{key}]\n");
                } else {
                    let _ = write!(text, "\n[{key}]\n");
                    self.values(kind, module, &mut text);
                }
            }
        }
        text.push('\n');
        Ok(text.replace('\n', "\r\n"))
    }

    /// The keys with the module of each. A user's entries are the same for both widths.
    fn modules(&self) -> impl Iterator<Item = (&'static str, &String)> {
        let of_32 = self.module_32.as_ref().filter(|_| !self.user).map(|module| (SMART_CARDS_32, module));
        std::iter::once((SMART_CARDS, &self.module)).chain(of_32)
    }

    /// Entries that are taken out may have named anything.
    fn check_modules(&self) -> Result<(), InstallError> {
        if self.remove {
            return Ok(());
        }
        self.modules().try_for_each(|(_, module)| check_value(module))?;
        let mut modules = self.modules().map(|(_, module)| module);
        match (modules.next(), modules.next()) {
            // A name alone is a file of its own in either system folder.
            (Some(one), Some(other)) if is_absolute(one) && one.eq_ignore_ascii_case(other) => {
                Err(InstallError::OneForBoth { path: one.clone() })
            }
            _ => Ok(()),
        }
    }

    fn values(&self, kind: &CardKind, module: &String, text: &mut String) {
        let _ = writeln!(text, "\"ATR\"=hex:{}", listed(&kind.atr));
        let _ = writeln!(text, "\"ATRMask\"=hex:{}", listed(&kind.mask));
        let named = [
            ("Crypto Provider", self.providers.crypto.as_ref()),
            ("Smart Card Key Storage Provider", self.providers.key_storage.as_ref()),
            ("80000001", Some(module)),
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
            module_32: None,
            providers: Providers { key_storage: None, ..Providers::default() },
            user: false,
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
        let bare = || "x.dll".to_owned();
        let both = RegFile { module: bare(), module_32: Some(bare()), ..example() };
        let text = both.text().unwrap();
        assert_eq!((text.matches("\"80000001\"").count(), text.matches("WOW6432Node").count()), (2, 1));
        let user = RegFile { user: true, ..both }.text().unwrap();
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
        for module in ["a\nb", r".\a.dll", r"..\..\a.dll", "C:a.dll", r"\a.dll", " "] {
            assert!(RegFile { module: module.to_owned(), ..example() }.text().is_err(), "{module:?}");
        }
    }

    #[test]
    fn each_width_has_a_file_of_its_own() {
        let of = |one: &str, other: &str| RegFile {
            module: one.to_owned(),
            module_32: Some(other.to_owned()),
            ..example()
        };
        let text = of(r"C:\x\64.dll", r"C:\x\32.dll").text().unwrap();
        let (own, wow) = text.split_once("WOW6432Node").unwrap();
        assert!(own.contains(r"x\\64.dll") && wow.contains(r"x\\32.dll"), "{text}");
        let same = of(r"C:\x\a.dll", r"c:\X\A.dll");
        assert!(matches!(same.text(), Err(InstallError::OneForBoth { .. })));
        assert!(RegFile { remove: true, ..same }.text().is_ok());
        assert!(of("a.dll", r"..\a.dll").text().is_err());
    }
}
