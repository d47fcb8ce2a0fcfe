//! The registry of Windows: entries in their order, mistakes by key, writing whole or not at all.
//!
//! Only Windows has one. Each test has a key of its own below `HKEY_CURRENT_USER`.
#![cfg(windows)]

use cardmod_host::registry::{
    CalaisKey, NewEntry, Place, RegisterError, RegisteredModule, Registry, RegistryPaths, RegistryView,
    Scope, register, unregister,
};
use windows_registry::{CURRENT_USER, Key, Type};

/// A key of the test's own, which goes with it.
struct Own(String);

impl Own {
    fn new(test: &str) -> Self {
        let path = format!(r"Software\cardmod\Tests\{test}-{}", std::process::id());
        CURRENT_USER.create(&path).expect("a key");
        Self(path)
    }

    fn paths(&self) -> RegistryPaths {
        RegistryPaths {
            user_key: Some(CalaisKey::in_place_of(Scope::User, &self.0)),
            system_key: Some(CalaisKey::in_place_of(Scope::System, &self.0)),
            ..RegistryPaths::default()
        }
    }

    fn card(&self, scope: &str, name: &str) -> Key {
        CURRENT_USER.create(format!(r"{}\{scope}\{name}", self.0)).expect("a key")
    }

    /// An entry with the values of a good one.
    fn good(&self, scope: &str, name: &str, atr: &[u8]) -> Key {
        let key = self.card(scope, name);
        key.set_bytes("ATR", Type::Bytes, atr).expect("a value");
        key.set_bytes("ATRMask", Type::Bytes, &vec![0xFF; atr.len()]).expect("a value");
        key.set_string("80000001", r"C:\cards\good.dll").expect("a value");
        key
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        CURRENT_USER.remove_tree(&self.0).expect("the test's own key");
    }
}

fn new(name: &str) -> NewEntry {
    NewEntry {
        name: name.to_owned(),
        atr: vec![0x3B, 0x01],
        mask: vec![0xFF, 0xFF],
        module: RegisteredModule::Library(r"C:\cards\ü x.dll".into()),
        crypto_provider: Some("Microsoft Base Smart Card Crypto Provider".to_owned()),
        key_storage_provider: Some("Microsoft Smart Card Key Storage Provider".to_owned()),
        replace: false,
    }
}

#[test]
fn what_is_registered_is_what_windows_reads() {
    let own = Own::new("written");
    let place = register(&own.paths(), Scope::User, &new("Käse #1")).expect("it is written");
    assert_eq!(place, Place::Key(format!(r"HKEY_CURRENT_USER\{}\User\Käse #1", own.0)));
    let key = own.card("User", "Käse #1");
    assert_eq!(key.get_type("ATR").expect("a value"), Type::Bytes);
    assert_eq!(key.get_value("ATR").expect("bytes").to_vec(), [0x3B, 0x01]);
    assert_eq!(key.get_value("ATRMask").expect("bytes").to_vec(), [0xFF, 0xFF]);
    assert_eq!(key.get_type("80000001").expect("a value"), Type::String);
    assert_eq!(key.get_string("80000001").expect("a text"), r"C:\cards\ü x.dll");
    let provider = key.get_string("Crypto Provider").expect("a text");
    assert_eq!(provider, "Microsoft Base Smart Card Crypto Provider");
    assert_eq!(key.values().expect("values").count(), 5);
    let registry = Registry::load(&own.paths());
    let found = registry.find(&[0x3B, 0x01]).expect("the entry");
    assert_eq!((found.name.as_str(), &found.origin.place), ("Käse #1", &place));
    assert_eq!(found.module, new("").module);
    assert_eq!(registry.problems(), []);
}

#[test]
fn names_are_taken_replaced_and_taken_out() {
    let own = Own::new("names");
    let paths = own.paths();
    register(&paths, Scope::System, &new("Card")).expect("it is written");
    let taken = register(&paths, Scope::System, &new("CARD")).expect_err("names differ by more than case");
    assert!(matches!(taken, RegisterError::Exists { .. }), "{taken}");
    own.card("System", "Card").set_string("80000100", "a prompt of the old module").expect("a value");
    let better = NewEntry { atr: vec![0x3B, 0x02], crypto_provider: None, replace: true, ..new("Card") };
    register(&paths, Scope::System, &better).expect("it is replaced");
    let names: Vec<_> = own.card("System", "Card").values().expect("values").map(|(name, _)| name).collect();
    assert_eq!(names.len(), 5, "what is not the entry's stays, its provider goes: {names:?}");
    assert!(names.iter().any(|name| name == "80000100"), "{names:?}");
    assert!(Registry::load(&paths).find(&[0x3B, 0x02]).is_some());
    let nested = register(&paths, Scope::System, &new(r"a\b")).expect_err("a backslash");
    assert!(matches!(nested, RegisterError::BackslashInName), "{nested}");
    let gone = unregister(&paths, Scope::System, "card").expect("it is there");
    assert!(matches!(&gone.place, Place::Key(key) if key.ends_with(r"\System\card")), "{gone:?}");
    assert!(Registry::load(&paths).entries().is_empty());
    let unknown = unregister(&paths, Scope::System, "card").expect_err("it is gone");
    assert!(matches!(unknown, RegisterError::Unknown { .. }), "{unknown}");
}

/// The key of a card that a provider of its own serves, and that of Windows' class driver for PIV.
#[test]
fn keys_of_no_card_module_are_left_alone() {
    let own = Own::new("foreign");
    let vendor = own.good("System", "Vendor", &[0x3B, 0x05]);
    vendor.remove_value("80000001").expect("it was there");
    vendor.set_string("Crypto Provider", "A maker's provider").expect("a value");
    let class = own.card("System", "Identity Device (NIST SP 800-73 [PIV])");
    // No bytes of an array that is there: Wine looks at the address of none.
    class.set_bytes("ATR", Type::Bytes, &[0][..0]).expect("a value");
    class.set_bytes("ATRMask", Type::Bytes, &[0][..0]).expect("a value");
    class.set_string("80000001", "msclmd.dll").expect("a value");
    let registry = Registry::load(&own.paths());
    assert_eq!((registry.entries(), registry.problems()), (&[][..], &[][..]));
    for (key, name, values) in [(&vendor, "vendor", 3), (&class, "Identity Device (NIST SP 800-73 [PIV])", 3)]
    {
        for replace in [false, true] {
            let refused = register(&own.paths(), Scope::System, &NewEntry { replace, ..new(name) });
            assert!(matches!(&refused, Err(RegisterError::NoModule { .. })), "{refused:?}");
        }
        let refused = unregister(&own.paths(), Scope::System, name).expect_err("it is none of ours");
        assert!(refused.to_string().contains("left alone"), "{refused}");
        assert_eq!(key.values().expect("the key is there").count(), values, "{name}");
    }
    // One that is meant for a module, and broken, can be taken out.
    own.good("System", "broken", &[0x3B]);
    unregister(&own.paths(), Scope::System, "broken").expect("it is an entry");
}

#[test]
fn a_name_with_a_nul_takes_nothing_out() {
    let own = Own::new("nul");
    own.good("User", "a", &[0x3B, 0x01]);
    for name in ["\0x", "a\0", "", "a\\", "\\", "."] {
        let refused = unregister(&own.paths(), Scope::User, name).expect_err(name);
        assert!(matches!(refused, RegisterError::Unknown { .. } | RegisterError::BadName), "{refused}");
        assert_eq!(Registry::load(&own.paths()).entries().len(), 1, "{name:?}");
    }
}

#[test]
fn one_scope_has_a_name_once_in_keys_and_files() {
    let own = Own::new("once");
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("x.toml");
    let toml = "[[card]]\nname = 'Card'\natr = '3b 01'\nmodule = 'class'\n";
    std::fs::write(&file, toml).expect("a file");
    let paths = RegistryPaths { user: Some(directory.path().to_owned()), ..own.paths() };
    let taken = register(&paths, Scope::User, &new("Card")).expect_err("a file has it");
    assert!(matches!(&taken, RegisterError::Exists { place: Place::File { .. }, .. }), "{taken:?}");
    // What cannot be written costs the old entry nothing.
    let nowhere =
        NewEntry { module: RegisteredModule::Library(r"..\x.dll".into()), replace: true, ..new("Card") };
    register(&paths, Scope::User, &nowhere).expect_err("no module");
    assert_eq!(std::fs::read_to_string(&file).expect("it is there again"), toml);
    let place = register(&paths, Scope::User, &NewEntry { replace: true, ..new("Card") });
    assert!(matches!(place, Ok(Place::Key(_))), "{place:?}");
    assert!(!file.exists(), "the key is in its place");
    assert_eq!(Registry::load(&paths).entries().len(), 1);
}

#[test]
fn the_first_key_by_name_wins_and_the_user_before_the_system() {
    let own = Own::new("order");
    own.good("System", "a", &[0x3B, 0x01]);
    own.good("User", "Z", &[0x3B, 0x01]);
    own.good("User", "b", &[0x3B, 0x01]);
    let directory = tempfile::tempdir().expect("a directory");
    let toml = "[[card]]\nname = 'file'\natr = '3b 01'\nmodule = 'class'\n";
    std::fs::write(directory.path().join("x.toml"), toml).expect("a file");
    let user = Some(directory.path().to_owned());
    let environment = Some(directory.path().join("x.toml"));
    let registry = Registry::load(&RegistryPaths { user, environment, ..own.paths() });
    let names: Vec<_> = registry.entries().iter().map(|entry| entry.name.as_str()).collect();
    assert_eq!(names, ["file", "b", "Z", "file", "a"]);
    let found = registry.matches(&[0x3B, 0x01]).expect("a match");
    assert_eq!((found.entry.name.as_str(), found.others.len()), ("file", 4));
}

#[test]
fn a_bad_key_is_named_and_the_others_count() {
    let own = Own::new("bad");
    own.good("System", "good", &[0x3B, 0x01]);
    let broken = |name: &str| own.good("System", name, &[0x3B, 0x02]);
    broken("no module").remove_value("80000001").expect("it was there");
    broken("number").set_u32("80000001", 7).expect("a value");
    broken("lengths").set_bytes("ATRMask", Type::Bytes, &[0xFF]).expect("a value");
    broken("bits").set_bytes("ATRMask", Type::Bytes, &[0xFF, 0x00]).expect("a value");
    broken("text").set_string("ATR", "3B 02").expect("a value");
    broken("half").set_bytes("80000001", Type::Bytes, &[0x00, 0xD8, 0, 0]).expect("a value");
    broken("no text").set_bytes("80000001", Type::String, &[0x00, 0xD8, 0, 0]).expect("a value");
    broken("long").set_bytes("ATR", Type::Bytes, &[0; 34]).expect("a value");
    own.card("System", "empty");
    let registry = Registry::load(&own.paths());
    assert_eq!(registry.entries().len(), 1, "{registry:?}");
    let told: Vec<_> = registry.problems().iter().map(ToString::to_string).collect();
    let expected = [
        ("bits", "byte 1"),
        ("empty", "no value \"80000001\""),
        ("half", "is binary"),
        ("lengths", "must be equal"),
        ("long", "2 to 33"),
        ("no module", "no value \"80000001\""),
        ("no text", "no text in UTF-16"),
        ("number", "REG_DWORD"),
        ("text", "is a text"),
    ];
    assert_eq!(told.len(), expected.len(), "{told:#?}");
    for (told, (name, words)) in told.iter().zip(expected) {
        assert!(told.contains(&format!(r"\System\{name}: ")) && told.contains(words), "{told}");
    }
}

#[test]
fn bare_names_are_files_of_the_system_folder() {
    let own = Own::new("bare");
    own.good("User", "a", &[0x3B, 0x01]).set_string("80000001", "example.dll").expect("a value");
    own.good("User", "b", &[0x3B, 0x02])
        .set_expand_string("80000001", r"%SystemRoot%\cards\x.dll")
        .expect("a value");
    own.good("User", "c", &[0x3B, 0x03]).set_string("80000001", "msclmd.dll").expect("a value");
    // A text with its NUL, and after it what was in the writer's buffer.
    let rubbish = [b'd', 0, 0, 0, 0x00, 0xD8, 0, 0];
    own.good("User", "d", &[0x3B, 0x04]).set_bytes("80000001", Type::String, &rubbish).expect("a value");
    let registry = Registry::load(&own.paths());
    let module = |atr: &[u8]| registry.find(atr).expect("an entry").module.to_string().to_lowercase();
    assert_eq!(module(&[0x3B, 0x01]), r"c:\windows\system32\example.dll");
    assert_eq!(module(&[0x3B, 0x02]), r"c:\windows\cards\x.dll");
    assert_eq!(module(&[0x3B, 0x04]), r"c:\windows\system32\d");
    assert_eq!(module(&[0x3B, 0x03]), "class", "Windows' class driver has its part");
}

#[test]
fn a_class_entry_is_windows_class_driver_for_windows() {
    let own = Own::new("class");
    let class = NewEntry { module: RegisteredModule::Class, ..new("mine") };
    register(&own.paths(), Scope::User, &class).expect("it is written");
    assert_eq!(own.card("User", "mine").get_string("80000001").expect("a text"), "msclmd.dll");
    let registry = Registry::load(&own.paths());
    assert_eq!(registry.find(&[0x3B, 0x01]).expect("an entry").module, RegisteredModule::Class);
    assert!(!registry.has_libraries());
}

#[test]
fn the_32_bit_node_is_another_place() {
    let system =
        RegistryPaths { system_key: Some(CalaisKey::system(RegistryView::Own)), ..Default::default() };
    let wow64 = system.for_32_bit_programs().expect("Windows has one").system_key.expect("it is named");
    assert_eq!(wow64.view, RegistryView::Programs32);
    assert!(wow64.to_string().contains(r"SOFTWARE\WOW6432Node\Microsoft"), "{wow64}");
    // What is written for one is not seen by the other.
    let own = Own::new("wow64");
    let for_32 = own.paths().for_32_bit_programs().expect("Windows has one");
    register(&for_32, Scope::System, &new("old")).expect("it is written");
    assert!(Registry::load(&own.paths()).entries().is_empty());
    assert_eq!(Registry::load(&for_32).entries().len(), 1);
    // Nor is what programs of either width have taken out in the place of what 32-bit ones have not.
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("x.toml");
    std::fs::write(&file, "[[card]]\nname = 'all'\natr = '3b 01'\nmodule = 'class'\n").expect("a file");
    let both = RegistryPaths { system: Some(directory.path().to_owned()), ..own.paths() };
    let for_32 = both.for_32_bit_programs().expect("Windows has one");
    let unknown = unregister(&for_32, Scope::System, "all").expect_err("it is not theirs");
    assert!(matches!(unknown, RegisterError::Unknown { .. }), "{unknown}");
    assert!(file.exists());
    assert!(unregister(&both, Scope::System, "all").expect("it is there").file_removed);
}
