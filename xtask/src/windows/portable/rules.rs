//! What must be true of our portable executables, and what is told where it is not.

use std::collections::BTreeSet;

use object::pe;

use super::Facts;
use crate::windows::target::Target;

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Program,
    Library,
}

/// What one of our files must be like.
#[derive(Debug, Clone)]
pub(crate) struct Expected {
    pub(crate) target: Target,
    pub(crate) kind: Kind,
    /// The names it offers, no more and no fewer.
    pub(crate) exports: BTreeSet<String>,
    /// The libraries it needs, no more and no fewer.
    pub(crate) libraries: BTreeSet<String>,
    /// The workspace's version, for the version resource.
    pub(crate) version: String,
    /// OriginalFilename of the version resource.
    pub(crate) file_name: String,
}

/// Everything that is wrong with a file.
pub(crate) fn complaints(facts: &Facts, expected: &Expected) -> Vec<String> {
    let mut found = Vec::new();
    kind(facts, expected, &mut found);
    defences(facts, expected.target, &mut found);
    exports(&facts.exports, &expected.exports, &mut found);
    imports(facts, expected, &mut found);
    if !facts.delayed.is_empty() {
        found.push(format!("libraries are loaded late: {:?}", facts.delayed));
    }
    sections(facts, &mut found);
    if facts.timestamp != 0 {
        found.push(format!("the time of linking is in it: {}", facts.timestamp));
    }
    version(facts, expected, &mut found);
    found
}

fn kind(facts: &Facts, expected: &Expected, found: &mut Vec<String>) {
    let machine = match expected.target {
        Target::X86_64 => pe::IMAGE_FILE_MACHINE_AMD64,
        Target::I686 => pe::IMAGE_FILE_MACHINE_I386,
    };
    if facts.machine != machine {
        found.push(format!("it is for machine {:#06x}, not {machine:#06x}", facts.machine));
    }
    let is_library = facts.characteristics.contains(pe::IMAGE_FILE_DLL);
    if is_library != (expected.kind == Kind::Library) {
        found.push(format!("it is {} library", if is_library { "a" } else { "no" }));
    }
    if facts.subsystem != pe::IMAGE_SUBSYSTEM_WINDOWS_CUI && expected.kind == Kind::Program {
        found.push(format!("its subsystem is {}, not the console", facts.subsystem));
    }
}

/// Address space layout randomisation and memory that is not executable.
fn defences(facts: &Facts, target: Target, found: &mut Vec<String>) {
    let mut flags = vec![
        ("DYNAMIC_BASE", pe::IMAGE_DLLCHARACTERISTICS_DYNAMIC_BASE),
        ("NX_COMPAT", pe::IMAGE_DLLCHARACTERISTICS_NX_COMPAT),
    ];
    if target == Target::X86_64 {
        flags.push(("HIGH_ENTROPY_VA", pe::IMAGE_DLLCHARACTERISTICS_HIGH_ENTROPY_VA));
        if !facts.characteristics.contains(pe::IMAGE_FILE_LARGE_ADDRESS_AWARE) {
            found.push("LARGE_ADDRESS_AWARE is not set".to_owned());
        }
    }
    for (name, flag) in flags {
        if !facts.dll_characteristics.contains(flag) {
            found.push(format!("{name} is not set"));
        }
    }
    // without them nothing can be loaded elsewhere, whatever the flags say
    if facts.relocations == 0 || facts.characteristics.contains(pe::IMAGE_FILE_RELOCS_STRIPPED) {
        found.push("it has no relocations".to_owned());
    }
}

fn sections(facts: &Facts, found: &mut Vec<String>) {
    for (name, flags) in &facts.sections {
        let writable = flags.contains(pe::IMAGE_SCN_MEM_WRITE);
        if writable && flags.contains(pe::IMAGE_SCN_MEM_SHARED) {
            found.push(format!("section {name} is writable and shared by all processes"));
        }
        if writable && flags.contains(pe::IMAGE_SCN_MEM_EXECUTE) {
            found.push(format!("section {name} is writable and executable"));
        }
    }
}

fn version(facts: &Facts, expected: &Expected, found: &mut Vec<String>) {
    let Some(version) = &facts.version else {
        found.push("it has no version resource".to_owned());
        return;
    };
    let numbers: Vec<u16> = expected.version.split('.').filter_map(|part| part.parse().ok()).collect();
    if version.file[..3] != numbers[..] || version.product[..3] != numbers[..] {
        found.push(format!("its version is {:?} of {:?}", version.file, version.product));
    }
    let fixed = [
        ("FileVersion", expected.version.as_str()),
        ("ProductVersion", expected.version.as_str()),
        ("ProductName", "cardmod"),
        ("OriginalFilename", expected.file_name.as_str()),
    ];
    for (name, value) in fixed {
        let said = version.strings.get(name).map(String::as_str);
        if said != Some(value) {
            found.push(format!("{name} is {said:?}, not {value:?}"));
        }
    }
    for name in ["FileDescription", "CompanyName", "LegalCopyright"] {
        if version.strings.get(name).is_none_or(String::is_empty) {
            found.push(format!("{name} is missing"));
        }
    }
}

fn exports(has: &BTreeSet<String>, wanted: &BTreeSet<String>, found: &mut Vec<String>) {
    found.extend(has.difference(wanted).map(|name| format!("unexpected export {name}")));
    found.extend(wanted.difference(has).map(|name| format!("missing export {name}")));
}

fn imports(facts: &Facts, expected: &Expected, found: &mut Vec<String>) {
    let has: BTreeSet<String> = facts.imports.keys().cloned().collect();
    found.extend(has.difference(&expected.libraries).map(|name| format!("unexpected import of {name}")));
    found.extend(expected.libraries.difference(&has).map(|name| format!("missing import of {name}")));
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::windows::portable::version::Version;

    fn names(of: &[&str]) -> BTreeSet<String> {
        of.iter().map(|name| (*name).to_owned()).collect()
    }

    fn expected() -> Expected {
        Expected {
            target: Target::X86_64,
            kind: Kind::Library,
            exports: names(&["CardAcquireContext"]),
            libraries: names(&["kernel32.dll"]),
            version: "1.2.3".to_owned(),
            file_name: "card.dll".to_owned(),
        }
    }

    fn good() -> Facts {
        let strings = [
            ("FileVersion", "1.2.3"),
            ("ProductVersion", "1.2.3"),
            ("ProductName", "cardmod"),
            ("OriginalFilename", "card.dll"),
            ("FileDescription", "a module"),
            ("CompanyName", "somebody"),
            ("LegalCopyright", "somebody"),
        ];
        let strings = strings.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let numbers = [1, 2, 3, 0];
        Facts {
            machine: pe::IMAGE_FILE_MACHINE_AMD64,
            timestamp: 0,
            characteristics: pe::IMAGE_FILE_DLL | pe::IMAGE_FILE_LARGE_ADDRESS_AWARE,
            dll_characteristics: pe::IMAGE_DLLCHARACTERISTICS_DYNAMIC_BASE
                | pe::IMAGE_DLLCHARACTERISTICS_NX_COMPAT
                | pe::IMAGE_DLLCHARACTERISTICS_HIGH_ENTROPY_VA,
            subsystem: pe::IMAGE_SUBSYSTEM_WINDOWS_CUI,
            exports: names(&["CardAcquireContext"]),
            imports: BTreeMap::from([("kernel32.dll".to_owned(), names(&["Sleep"]))]),
            delayed: BTreeSet::new(),
            sections: vec![(".data".to_owned(), pe::IMAGE_SCN_MEM_READ | pe::IMAGE_SCN_MEM_WRITE)],
            relocations: 7,
            version: Some(Version { file: numbers, product: numbers, strings: strings.into() }),
        }
    }

    /// The one complaint about a file that was good but for `spoil`.
    fn complaint(spoil: impl FnOnce(&mut Facts)) -> String {
        let mut facts = good();
        spoil(&mut facts);
        let found = complaints(&facts, &expected());
        assert_eq!(found.len(), 1, "{found:?}");
        found.into_iter().next().unwrap_or_default()
    }

    #[test]
    fn a_good_file_is_not_complained_of() {
        assert_eq!(complaints(&good(), &expected()), Vec::<String>::new());
    }

    #[test]
    fn names_too_many_and_too_few() {
        let more = complaint(|facts| _ = facts.exports.insert("CardAcquireContext@8".to_owned()));
        assert_eq!(more, "unexpected export CardAcquireContext@8");
        assert_eq!(complaint(|facts| facts.exports.clear()), "missing export CardAcquireContext");
        let shown = complaint(|facts| drop(facts.imports.insert("user32.dll".to_owned(), BTreeSet::new())));
        assert_eq!(shown, "unexpected import of user32.dll");
        assert_eq!(complaint(|facts| facts.imports.clear()), "missing import of kernel32.dll");
        let late = complaint(|facts| _ = facts.delayed.insert("shell32.dll".to_owned()));
        assert!(late.contains("shell32.dll"), "{late}");
    }

    #[test]
    fn each_defence_is_missed() {
        for flag in [
            pe::IMAGE_DLLCHARACTERISTICS_DYNAMIC_BASE,
            pe::IMAGE_DLLCHARACTERISTICS_NX_COMPAT,
            pe::IMAGE_DLLCHARACTERISTICS_HIGH_ENTROPY_VA,
        ] {
            let said = complaint(|facts| {
                facts.dll_characteristics = pe::DllFlags(facts.dll_characteristics.0 & !flag.0);
            });
            assert!(said.ends_with("is not set"), "{said}");
        }
        assert_eq!(complaint(|facts| facts.relocations = 0), "it has no relocations");
    }

    #[test]
    fn sections_that_others_could_write() {
        let shared = complaint(|facts| facts.sections[0].1 |= pe::IMAGE_SCN_MEM_SHARED);
        assert_eq!(shared, "section .data is writable and shared by all processes");
        let executable = complaint(|facts| facts.sections[0].1 |= pe::IMAGE_SCN_MEM_EXECUTE);
        assert_eq!(executable, "section .data is writable and executable");
    }

    #[test]
    fn what_it_says_of_itself() {
        assert_eq!(complaint(|facts| facts.version = None), "it has no version resource");
        let other = complaint(|facts| {
            facts.version.as_mut().unwrap().strings.insert("OriginalFilename".to_owned(), "b.dll".to_owned());
        });
        assert!(other.contains("b.dll"), "{other}");
        let old = complaint(|facts| facts.version.as_mut().unwrap().file = [1, 2, 2, 0]);
        assert!(old.contains("[1, 2, 2, 0]"), "{old}");
        assert!(complaint(|facts| facts.timestamp = 1_700_000_000).contains("1700000000"));
        let machine = complaint(|facts| facts.machine = pe::IMAGE_FILE_MACHINE_I386);
        assert_eq!(machine, "it is for machine 0x014c, not 0x8664");
    }
}
