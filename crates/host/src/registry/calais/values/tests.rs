//! Which values make an entry, and which are told as mistakes.

use super::super::super::entry::{Place, Scope};
use super::*;

fn folders() -> Folders {
    Folders { system: PathBuf::from("SYS32") }
}

fn worded(text: &str) -> Option<Value> {
    Some(Value::Text(text.to_owned()))
}

fn good() -> Values {
    Values {
        atr: Some(Value::Bytes(vec![0x3B, 0x01, 0x00])),
        mask: Some(Value::Bytes(vec![0xFF, 0xFF, 0x00])),
        module: worded("example.dll"),
        crypto_provider: worded(BASE_PROVIDER),
        key_storage_provider: None,
    }
}

fn read(values: &Values) -> Result<Option<CardEntry>, String> {
    let origin = Origin { scope: Scope::System, place: Place::Key("KEY".to_owned()) };
    entry("A card".to_owned(), values, &folders(), origin)
}

#[test]
fn a_good_entry() {
    let found = read(&good()).unwrap().expect("an entry");
    assert_eq!((found.name.as_str(), found.origin.to_string().as_str()), ("A card", "KEY"));
    assert!(found.matches(&[0x3B, 0x01, 0x77]) && !found.matches(&[0x3B, 0x02, 0x77]));
    assert_eq!(found.module, RegisteredModule::Library(PathBuf::from("SYS32").join("example.dll")));
    assert_eq!(found.crypto_provider.as_deref(), Some(BASE_PROVIDER));
    let unmasked = Values { mask: None, ..good() };
    assert_eq!(read(&unmasked).unwrap().expect("an entry").mask, [0xFF; 3]);
}

#[test]
fn mistakes_are_told_in_words() {
    let number = || Some(Value::Other("a number (REG_DWORD)".to_owned()));
    let wrong: [(Values, &str); 12] = [
        (Values { module: None, ..good() }, "no value \"80000001\""),
        (Values { module: number(), ..good() }, "\"80000001\" is a number (REG_DWORD), and is to be a text"),
        (Values { module: Some(Value::Bytes(vec![1])), ..good() }, "\"80000001\" is binary"),
        (Values { module: worded(" "), ..good() }, "empty"),
        (Values { atr: None, ..good() }, "no value \"ATR\""),
        (Values { atr: Some(Value::Bytes(vec![])), ..good() }, "no value \"ATR\""),
        (Values { mask: Some(Value::Bytes(vec![])), ..good() }, "\"ATRMask\": the lengths"),
        (Values { atr: worded("3B"), ..good() }, "\"ATR\" is a text, and is to be binary"),
        (Values { mask: number(), ..good() }, "\"ATRMask\" is a number"),
        (Values { mask: Some(Value::Bytes(vec![0xFF])), ..good() }, "\"ATRMask\": the lengths"),
        (Values { atr: Some(Value::Bytes(vec![0x3B, 1, 1])), ..good() }, "\"ATR\": byte 2"),
        (Values { crypto_provider: number(), ..good() }, "\"Crypto Provider\" is a number"),
    ];
    for (values, words) in wrong {
        let told = read(&values).expect_err(words);
        assert!(told.contains(words), "{told}");
    }
}

#[test]
fn what_is_not_for_a_host_of_card_modules_is_left_out() {
    let own_provider = Values { module: None, crypto_provider: worded("A maker's provider"), ..good() };
    assert_eq!(read(&own_provider), Ok(None));
    let class = Values { module: worded("msclmd.dll"), atr: None, mask: None, ..good() };
    assert_eq!(read(&class), Ok(None), "the class driver's own names have no ATR");
    let empty = || Some(Value::Bytes(Vec::new()));
    let class = Values { atr: empty(), mask: empty(), ..class };
    assert_eq!(read(&class), Ok(None), "nor one of no bytes");
}

#[test]
fn texts_end_at_the_first_nul() {
    let bytes = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
    let of = |text: &str| text_of(&bytes(text));
    for written in ["ä.dll", "ä.dll\0", "ä.dll\0\0", "ä.dll\0rubbish"] {
        assert_eq!(of(written).as_deref(), Some("ä.dll"), "{written:?}");
    }
    assert_eq!(of(""), Some(String::new()));
    let after = [bytes("x\0"), vec![0x00, 0xD8, 7]].concat();
    assert_eq!(text_of(&after).as_deref(), Some("x"), "what follows need be no text");
    assert_eq!(text_of(&[0x00, 0xD8, 0, 0]), None, "half a pair");
    assert_eq!(text_of(b"odd"), None);
}

#[test]
fn modules_by_the_rules_of_windows() {
    let module = |text: &str| module_of(text, &folders());
    let library = |path: &str| Ok(RegisteredModule::Library(PathBuf::from(path)));
    for class in ["msclmd.dll", "MSCLMD.DLL", r"C:\Windows\System32\msclmd.dll", "msclmd64.dll"] {
        assert_eq!(module(class), Ok(RegisteredModule::Class), "{class}");
    }
    for path in [r"C:\cards\ä b.dll", "c:/cards/x.dll", r"\\server\share\x.dll", r"\\?\C:\x.dll"] {
        assert_eq!(module(path), library(path), "{path}");
    }
    let below = PathBuf::from("SYS32").join(r"cards\x.dll");
    assert_eq!(module(r"cards\x.dll"), Ok(RegisteredModule::Library(below)));
    for path in [r"..\x.dll", r".\x.dll", r"\x.dll", "C:x.dll", r"a\..\..\x.dll", r"a\\x.dll", r"C:\"] {
        assert!(module(path).is_err(), "{path}");
    }
}

#[test]
fn variables_are_replaced() {
    let of = |text: &str| expanded(text, |name| (name == "ROOT").then(|| r"C:\W".to_owned()));
    assert_eq!(of(r"%ROOT%\x.dll"), Ok(r"C:\W\x.dll".to_owned()));
    assert_eq!(of("plain"), Ok("plain".to_owned()));
    assert_eq!(of("50%"), Ok("50%".to_owned()));
    assert_eq!(of("a%%b"), Ok("a%%b".to_owned()));
    assert!(of("%NONE%").unwrap_err().contains("NONE"));
}

#[test]
fn the_module_is_written_last() {
    let new = NewEntry {
        name: "x".to_owned(),
        atr: vec![0x3B, 0x01],
        mask: vec![0xFF, 0xFF],
        module: RegisteredModule::Class,
        crypto_provider: Some(BASE_PROVIDER.to_owned()),
        key_storage_provider: None,
        replace: false,
    };
    let names = |new: &NewEntry| {
        let values = written(new, &folders()).expect("it can be written");
        values.into_iter().map(|(name, _)| name).collect::<Vec<_>>()
    };
    assert_eq!(names(&new), [ATR, MASK, CRYPTO_PROVIDER, MODULE]);
    let nowhere = NewEntry { module: RegisteredModule::Library(r"..\x.dll".into()), ..new };
    assert!(written(&nowhere, &folders()).is_err(), "what could not be read is not written");
}
