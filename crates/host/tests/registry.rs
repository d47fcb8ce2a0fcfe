//! The module registry: files in their order, matches, errors with file and line, writing.

use std::path::{Path, PathBuf};

use cardmod_host::registry::{
    NewEntry, Place, RegisterError, RegisteredModule, Registry, RegistryPaths, Scope, register, unregister,
};

const EXAMPLE: &str = r#"
# two cards of one maker
[[card]]
name = "Example card"
atr  = "3B 8D 00 31"
mask = "FF FF 00 FF"
module = "/usr/lib/example/module.so"
crypto-provider = "Microsoft Base Smart Card Crypto Provider"

[[card]] # the old one
name = "Old example card"
atr = "3b:00:11"
module = "old/module.so"
"#;

fn write(directory: &Path, name: &str, text: &str) {
    std::fs::create_dir_all(directory).expect("a directory");
    std::fs::write(directory.join(name), text).expect("a file");
}

fn entry(name: &str, atr: &str, module: &str) -> String {
    format!("[[card]]\nname = {name:?}\natr = {atr:?}\nmodule = {module:?}\n")
}

/// Places in a directory of the test's own.
fn paths(root: &Path) -> RegistryPaths {
    let (user, system) = (Some(root.join("user")), Some(root.join("system")));
    RegistryPaths { user, system, ..RegistryPaths::default() }
}

/// The line that a place names.
fn line_of(place: &Place) -> Option<usize> {
    match place {
        Place::File { line, .. } => *line,
        Place::Key(_) => None,
    }
}

/// A file without a line.
fn file(file: PathBuf) -> Place {
    Place::File { file, line: None }
}

#[test]
fn entries_are_read_and_matched_under_their_mask() {
    let root = tempfile::tempdir().expect("a directory");
    write(&root.path().join("system"), "example.toml", EXAMPLE);
    write(&root.path().join("system"), "read.me", "this is no registry file");
    let registry = Registry::load(&paths(root.path()));
    assert_eq!(registry.problems(), []);
    let [first, second] = registry.entries() else { panic!("{registry:?}") };
    assert_eq!((first.name.as_str(), line_of(&first.origin.place)), ("Example card", Some(4)));
    assert_eq!(first.atr, [0x3B, 0x8D, 0x00, 0x31]);
    assert_eq!(first.crypto_provider.as_deref(), Some("Microsoft Base Smart Card Crypto Provider"));
    assert_eq!(second.mask, [0xFF; 3]);
    let beside = root.path().join("system/old/module.so");
    assert_eq!(second.module, RegisteredModule::Library(beside), "relative to its file");
    let found = |atr: &[u8]| registry.find(atr).map(|entry| entry.name.as_str());
    assert_eq!(found(&[0x3B, 0x8D, 0x77, 0x31]), Some("Example card"), "the third byte does not count");
    assert_eq!(found(&[0x3B, 0x8D, 0x77, 0x30]), None);
    assert_eq!(found(&[0x3B, 0x8D, 0x77]), None, "another length");
    assert_eq!(found(&[0x3B, 0x00, 0x11]), Some("Old example card"));
    assert_eq!(found(&[]), None);
}

#[test]
fn the_environment_goes_before_the_user_before_the_system() {
    let root = tempfile::tempdir().expect("a directory");
    let named = root.path().join("named.toml");
    std::fs::write(&named, entry("named", "3b 01", "class")).expect("a file");
    write(&root.path().join("user"), "b.toml", &entry("user b", "3b 01", "/b.so"));
    write(&root.path().join("user"), "a.toml", &entry("user a", "3b 01", "/a.so"));
    write(&root.path().join("system"), "a.toml", &entry("system", "3b 01", "/s.so"));
    let mut paths = paths(root.path());
    let names = |paths: &RegistryPaths| {
        let registry = Registry::load(paths);
        let found = registry.matches(&[0x3B, 0x01]).expect("a match");
        let others = found.others.iter().map(|entry| entry.name.clone());
        std::iter::once(found.entry.name.clone()).chain(others).collect::<Vec<_>>()
    };
    assert_eq!(names(&paths), ["user a", "user b", "system"]);
    paths.environment = Some(named);
    assert_eq!(names(&paths), ["named", "user a", "user b", "system"]);
    let registry = Registry::load(&paths);
    let first = registry.find(&[0x3B, 0x01]).expect("a match");
    assert_eq!((&first.module, first.origin.scope), (&RegisteredModule::Class, Scope::Environment));
    // What was named must be there; what is standard need not.
    let gone = RegistryPaths { environment: Some(root.path().join("gone")), ..RegistryPaths::default() };
    let registry = Registry::load(&gone);
    assert!(registry.entries().is_empty());
    assert!(registry.problems()[0].to_string().contains("gone: it cannot be read"), "{registry:?}");
}

#[test]
fn a_file_that_is_wrong_says_where_and_the_others_count() {
    let wrong = [
        ("[[card]\n", 1, ""),
        ("\n[[card]]\nname = \"x\"\natr = \"3B 8\"\nmodule = \"/m.so\"\n", 4, "odd"),
        ("[[card]]\nname = \"x\"\natr = \"3B 80\"\nmask = \"FF\"\nmodule = \"/m.so\"\n", 4, "equal"),
        ("[[card]]\nname = \"x\"\natr = \"3B 81\"\nmask = \"FF F0\"\nmodule = \"/m\"\n", 3, "never matches"),
        ("[[card]]\nname = \"x\"\natr = \"3B 81\"\nmodul = \"/m\"\n", 4, "modul"),
        ("[[card]]\nname = \"x\"\natr = \"3B 81\"\n", 1, "module"),
        ("[[card]]\nname = \" \"\natr = \"3B 81\"\nmodule = \"/m\"\n", 2, "the name is empty"),
        ("[[card]]\nname = \"x\"\natr = \"3B 81\"\nmodule = \"C:\\cards\\x.dll\"\n", 4, "in single quotes"),
        ("[[card]]\nname = \"x\"\natr = \"3B 81\"\nmodule = \"C:\\users\\x.dll\"\n", 4, "in single quotes"),
        ("[[card]]\nname = \"x\"\natr = 12\nmodule = \"/m\"\n", 3, "string"),
    ];
    for (text, line, words) in wrong {
        let root = tempfile::tempdir().expect("a directory");
        write(&root.path().join("user"), "bad.toml", text);
        write(&root.path().join("user"), "good.toml", &entry("good", "3b 01", "/g.so"));
        let registry = Registry::load(&paths(root.path()));
        assert_eq!(registry.entries().len(), 1, "{text}");
        let [problem] = registry.problems() else { panic!("{text}: {registry:?}") };
        assert_eq!(line_of(&problem.place), Some(line), "{text}: {problem}");
        let told = problem.to_string();
        assert!(told.contains(&format!("bad.toml:{line}: ")) && told.contains(words), "{told}");
        assert!(!told.contains('\n'), "{told}");
    }
}

#[cfg(unix)]
#[test]
fn a_file_that_everybody_may_write_is_not_used() {
    use std::os::unix::fs::PermissionsExt as _;
    let root = tempfile::tempdir().expect("a directory");
    write(&root.path().join("user"), "open.toml", EXAMPLE);
    let mode = std::fs::Permissions::from_mode(0o666);
    std::fs::set_permissions(root.path().join("user/open.toml"), mode).expect("its owner");
    let registry = Registry::load(&paths(root.path()));
    assert!(registry.entries().is_empty());
    assert!(registry.problems()[0].reason.contains("everybody may write it"), "{registry:?}");
}

#[cfg(unix)]
#[test]
fn a_file_where_everybody_may_put_one_is_not_used() {
    use std::os::unix::fs::PermissionsExt as _;
    let root = tempfile::tempdir().expect("a directory");
    write(&root.path().join("user"), "card.toml", EXAMPLE);
    let rights = |mode| {
        let mode = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(root.path().join("user"), mode).expect("its owner");
        Registry::load(&paths(root.path()))
    };
    let open = rights(0o777);
    assert!(open.entries().is_empty());
    assert!(open.problems()[0].reason.contains("its directory"), "{open:?}");
    // As in /tmp, where nobody can replace the file of another.
    assert!(!rights(0o1777).entries().is_empty());
}

fn new(name: &str) -> NewEntry {
    NewEntry {
        name: name.to_owned(),
        atr: vec![0x3B, 0x01],
        mask: vec![0xFF, 0xFF],
        module: RegisteredModule::Library(
            // Absolute on either system.
            if cfg!(windows) { r"C:\lib\x 'y'.dll" } else { "/usr/lib/x \"y\".so" }.into(),
        ),
        crypto_provider: None,
        key_storage_provider: Some("Microsoft Smart Card Key Storage Provider".to_owned()),
        replace: false,
    }
}

#[test]
fn what_is_registered_is_found_and_taken_out_again() {
    let root = tempfile::tempdir().expect("a directory");
    let paths = paths(root.path());
    let written = register(&paths, Scope::User, &new("My card, #1")).expect("it is written");
    assert_eq!(written, file(root.path().join("user/my-card-1.toml")));
    let registry = Registry::load(&paths);
    let found = registry.find(&[0x3B, 0x01]).expect("the entry");
    assert_eq!(found.module, new("").module);
    assert_eq!(found.key_storage_provider, new("").key_storage_provider);
    let taken = register(&paths, Scope::User, &new("My card, #1")).expect_err("the name is taken");
    assert!(matches!(taken, RegisterError::Exists { .. }), "{taken}");
    // Another name that makes the same file name gets another file.
    let other = register(&paths, Scope::User, &new("my card #1")).expect("it is written");
    assert_eq!(other, file(root.path().join("user/my-card-1-2.toml")));
    let better = NewEntry { atr: vec![0x3B, 0x02], replace: true, ..new("My card, #1") };
    register(&paths, Scope::User, &better).expect("it is replaced");
    assert_eq!(Registry::load(&paths).find(&[0x3B, 0x02]).expect("the entry").name, "My card, #1");
    assert!(unregister(&paths, Scope::User, "My card, #1").expect("it is there").file_removed);
    let gone = unregister(&paths, Scope::User, "My card, #1").expect_err("it is gone");
    assert!(matches!(gone, RegisterError::Unknown { .. }), "{gone}");
    assert!(unregister(&paths, Scope::System, "my card #1").is_err(), "another place");
    let bad = register(&paths, Scope::User, &NewEntry { mask: vec![0xFF], ..new("x") });
    assert!(matches!(bad, Err(RegisterError::BadPattern(_))));
    let unnamed = register(&paths, Scope::User, &new("a\nb"));
    assert!(matches!(unnamed, Err(RegisterError::BadName)));
    let nowhere = register(&RegistryPaths::default(), Scope::System, &new("x"));
    assert!(matches!(nowhere, Err(RegisterError::NoPlace(Scope::System))));
}

#[test]
fn what_cannot_replace_an_entry_leaves_it() {
    let root = tempfile::tempdir().expect("a directory");
    let paths = paths(root.path());
    let old = entry("Card", "3b 01", "/m.so");
    write(&root.path().join("user"), "old.toml", &old);
    // In the place of the file that would become the new entry's.
    let blocked = root.path().join(format!("user/card.new-{}", std::process::id()));
    std::fs::create_dir(blocked).expect("a directory");
    let better = NewEntry { atr: vec![0x3B, 0x02], replace: true, ..new("Card") };
    register(&paths, Scope::User, &better).expect_err("its file cannot be made");
    assert_eq!(std::fs::read_to_string(root.path().join("user/old.toml")).ok(), Some(old));
}

#[test]
fn a_file_with_several_cards_keeps_the_others_and_their_comments() {
    let root = tempfile::tempdir().expect("a directory");
    let paths = paths(root.path());
    write(&root.path().join("user"), "two.toml", EXAMPLE);
    let out = unregister(&paths, Scope::User, "Example card").expect("it is there");
    assert!(!out.file_removed);
    let text = std::fs::read_to_string(root.path().join("user/two.toml")).expect("the file");
    assert!(text.contains("[[card]] # the old one") && !text.contains("Example card\""), "{text}");
    let registry = Registry::load(&paths);
    assert_eq!(registry.entries().len(), 1);
    assert_eq!(registry.problems(), []);
}
