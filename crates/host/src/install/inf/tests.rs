//! The INF taken apart again: sections, what they point at, and what is refused.

use std::collections::BTreeMap;

use super::*;

fn package() -> Package {
    let kind = |name: &str, last| CardKind {
        name: name.to_owned(),
        atr: vec![0x3B, 0x01, last],
        mask: vec![0xFF, 0xFF, 0xFF],
    };
    let file = |processor, name: &str| PackageFile { processor, name: name.to_owned() };
    Package {
        maker: "Example".to_owned(),
        kinds: vec![kind("A card", 1), kind("Another, [2]", 2)],
        hardware_ids: vec![r"SCFILTER\CID_01".to_owned(), r"SCFILTER\CID_02".to_owned()],
        installed_as: "example.dll".to_owned(),
        files: vec![
            file(Processor::X86_64, "example.dll"),
            file(Processor::X86, "example 32.dll"),
            file(Processor::Arm64, "examplearm64.dll"),
        ],
        catalog: "example.cat".to_owned(),
        providers: Providers::default(),
        date: DriverDate { year: 2026, month: 2, day: 3 },
        version: DriverVersion([1, 2, 3, 65535]),
    }
}

/// The lines of each section.
fn sections_of(inf: &str) -> BTreeMap<String, Vec<String>> {
    let mut sections: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut current = String::new();
    assert_eq!(inf.matches('\n').count(), inf.matches("\r\n").count(), "lines end as Windows ends them");
    for line in inf.lines().filter(|line| !line.is_empty() && !line.starts_with(';')) {
        match line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            Some(name) => {
                current = name.to_lowercase();
                let known = sections.insert(current.clone(), Vec::new());
                assert!(known.is_none(), "[{name}] is there twice");
            }
            None => sections.get_mut(&current).expect("a section first").push(line.to_owned()),
        }
    }
    sections
}

#[test]
fn every_section_that_is_named_is_there() {
    let inf = package().inf().unwrap();
    let sections = sections_of(&inf);
    let models = sections["manufacturer"][0].split_once("=Module,").expect("a manufacturer").1;
    assert_eq!(models, "NTamd64,NTamd64.6.1,NTx86,NTx86.6.1,NTarm64");
    for model in models.split(',') {
        let ids = &sections[&format!("module.{}", model.to_lowercase())];
        assert_eq!(ids.len(), 2, "{model}");
        let install = ids[0].split_once('=').expect("a model").1.split(',').next().expect("a section");
        let lines = &sections[&format!("{}.nt", install.to_lowercase())];
        let later = model.ends_with("6.1") || model == "NTarm64";
        assert_eq!(lines.contains(&"Needs=UmPass".to_owned()), later, "{model}: {lines:?}");
        assert_eq!(sections.contains_key(&format!("{}.nt.services", install.to_lowercase())), later);
    }
    for name in ["amd64", "x86", "arm64"] {
        for what in ["install", "uninstall"] {
            let lines = &sections[&format!("default{what}.nt{name}")];
            for line in lines.iter().filter(|line| !line.starts_with("Legacy")) {
                for named in line.split_once('=').expect("a directive").1.split(',') {
                    assert!(sections.contains_key(&named.to_lowercase()), "{line}");
                }
            }
        }
    }
    let strings: Vec<&str> =
        sections["strings"].iter().map(|line| line.split_once('=').expect("a string").0).collect();
    for (at, _) in inf.match_indices('%').step_by(2) {
        let name = inf[at + 1..].split('%').next().expect("a name");
        assert!(strings.contains(&name), "%{name}%");
    }
}

#[test]
fn files_go_where_each_width_looks() {
    let inf = package().inf().unwrap();
    let sections = sections_of(&inf);
    assert_eq!(sections["amd64_copyfiles"], ["example.dll"]);
    assert_eq!(sections["wow64_copyfiles"], ["example.dll,\"example 32.dll\""]);
    assert_eq!(sections["arm64_copyfiles"], ["example.dll,examplearm64.dll"]);
    assert_eq!(
        sections["destinationdirs"],
        [
            "amd64_CopyFiles=10,system32",
            "x86_CopyFiles=10,system32",
            "arm64_CopyFiles=10,system32",
            "wow64_CopyFiles=10,syswow64"
        ]
    );
    assert_eq!(sections["sourcedisksfiles"], ["example.dll=1", "\"example 32.dll\"=1", "examplearm64.dll=1"]);
    assert_eq!(sections["addregwow64"].len(), 10);
    for platform in ["amd64", "arm64"] {
        let copied = format!("CopyFiles={platform}_CopyFiles,wow64_CopyFiles");
        let deleted = format!("DelFiles={platform}_CopyFiles,wow64_CopyFiles");
        for section in [format!("{platform}_61_install.nt"), format!("defaultinstall.nt{platform}")] {
            let lines = &sections[&section];
            assert_eq!(lines[..2], [copied.as_str(), "AddReg=AddReg,AddRegWOW64"], "{section}");
        }
        let removal = &sections[&format!("defaultuninstall.nt{platform}")];
        assert_eq!(removal[1..], [deleted.as_str(), "DelReg=DelReg,DelRegWOW64"], "{platform}");
    }
    assert_eq!(sections["x86_install.nt"], ["CopyFiles=x86_CopyFiles", "AddReg=AddReg"]);
    let arm = Package { files: package().files.split_off(1), ..package() }.inf().unwrap();
    let arm = sections_of(&arm);
    assert_eq!(arm["wow64_copyfiles"], ["example.dll,\"example 32.dll\""], "without a file for amd64");
    assert!(arm["strings"].iter().any(|line| line.starts_with("Card2WOW64=")), "{:?}", arm["strings"]);
    let alone = Package { files: vec![package().files.remove(0)], ..package() }.inf().unwrap();
    assert!(!alone.to_lowercase().contains("wow64") && !alone.contains("x86"), "{alone}");
}

#[test]
fn the_values_are_those_of_the_registry() {
    let sections = sections_of(&package().inf().unwrap());
    assert_eq!(
        sections["addreg"][5..],
        [
            "HKLM,%Card2%,\"ATR\",0x00000001,3b,01,02",
            "HKLM,%Card2%,\"ATRMask\",0x00000001,ff,ff,ff",
            "HKLM,%Card2%,\"Crypto Provider\",0x00000000,\"Microsoft Base Smart Card Crypto Provider\"",
            "HKLM,%Card2%,\"Smart Card Key Storage Provider\",0x00000000,\
             \"Microsoft Smart Card Key Storage Provider\"",
            "HKLM,%Card2%,\"80000001\",0x00000000,%Module%",
        ]
    );
    assert!(sections["strings"].contains(
        &"Card2=\"SOFTWARE\\Microsoft\\Cryptography\\Calais\\SmartCards\\Another, [2]\"".to_owned()
    ));
    let version = &sections["version"];
    assert!(version.contains(&"DriverVer=02/03/2026,1.2.3.65535".to_owned()), "{version:?}");
    assert!(version.contains(&"ClassGuid={990A2BD7-E738-46c7-B26F-1CF8FB9F1391}".to_owned()));
    assert!(version.contains(&"CatalogFile=example.cat".to_owned()));
    assert_eq!(package().inf().unwrap(), package().inf().unwrap(), "the same each time");
}

#[test]
fn what_cannot_stand_in_an_inf_is_refused() {
    let kind = |name: &str| vec![CardKind { name: name.to_owned(), ..package().kinds.remove(0) }];
    let file = |processor, name: &str| PackageFile { processor, name: name.to_owned() };
    let bad = [
        Package { kinds: kind("100 %"), ..package() },
        Package { kinds: kind("a \"b\""), ..package() },
        Package { kinds: kind(r"a\b"), ..package() },
        Package { kinds: vec![], ..package() },
        Package { hardware_ids: vec![], ..package() },
        Package { hardware_ids: vec![r"USB\VID_1".to_owned()], ..package() },
        Package { files: vec![], ..package() },
        Package { installed_as: r"x\y.dll".to_owned(), ..package() },
        Package { installed_as: "MSCLMD.dll".to_owned(), ..package() },
        Package { maker: " ".to_owned(), ..package() },
        Package { files: vec![file(Processor::X86, "a.dll"), file(Processor::X86_64, "A.DLL")], ..package() },
        Package { files: vec![file(Processor::X86, "a.dll"), file(Processor::X86, "b.dll")], ..package() },
    ];
    for package in bad {
        assert!(package.inf().is_err(), "{package:?}");
    }
}

#[test]
fn versions() {
    let of = |text: &str| text.parse::<DriverVersion>();
    assert_eq!(of("1.2"), Ok(DriverVersion([1, 2, 0, 0])));
    assert_eq!(of("1.2.3.65535"), Ok(DriverVersion([1, 2, 3, 65535])));
    for bad in ["", "1.", "1.2.3.4.5", "1.65536", "1.+2", "a"] {
        assert!(of(bad).is_err(), "{bad}");
    }
}
