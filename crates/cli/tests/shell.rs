//! Completions that shells take, and manual pages that `man` takes.
#![forbid(unsafe_code)]

mod common;

use std::process::Command;

use common::{Home, Outcome};

#[test]
#[cfg_attr(windows, ignore = "bash judges it")]
fn bash_completes_verbs_and_options() {
    let home = Home::new();
    home.run("completions bash --out cardmod.bash").succeeds();
    home.tool("bash -n cardmod.bash").succeeds();
    let completed = |words: &str, at: usize| {
        let script = format!(
            "source ./cardmod.bash; complete -p cardmod; COMP_WORDS=({words}); COMP_CWORD={at}; \
             _cardmod cardmod \"${{COMP_WORDS[{at}]}}\" \"${{COMP_WORDS[{at}-1]}}\"; echo \"${{COMPREPLY[@]}}\""
        );
        Outcome::of(Command::new("bash").args(["-c", &script]).current_dir(home.folder())).succeeds().text()
    };
    let verbs = completed("cardmod inf", 1);
    assert!(verbs.contains("-F _cardmod") && verbs.trim_end().ends_with("info"), "{verbs}");
    assert!(completed("cardmod card ne", 2).trim_end().ends_with("new"));
    assert!(completed("cardmod info --wat", 2).trim_end().ends_with("--watch"));
    assert!(completed("cardmod sign --hash sha", 3).contains("sha256"));
}

#[test]
fn every_shell_has_its_script() {
    let home = Home::new();
    for (shell, words) in [
        ("bash", "complete -F _cardmod"),
        ("zsh", "#compdef cardmod"),
        ("fish", "complete -c cardmod"),
        ("powershell", "Register-ArgumentCompleter"),
        ("elvish", "edit:completion:arg-completer[cardmod]"),
    ] {
        home.run(&format!("completions {shell}")).succeeds().says(words).says("doctor");
        let document = home.run(&format!("completions {shell} --json")).succeeds().json();
        assert_eq!(document["shell"], shell);
        assert!(document["script"].as_str().is_some_and(|script| script.contains(words)));
    }
    home.run("completions tcsh").exits(2);
}

#[test]
#[cfg_attr(windows, ignore = "mandoc judges it")]
fn every_verb_has_a_page_that_man_takes() {
    let home = Home::new();
    let document = home.run("man --out pages --json").succeeds().json();
    let pages: Vec<&str> =
        document["pages"].as_array().expect("pages").iter().filter_map(|page| page.as_str()).collect();
    for wanted in ["cardmod.1", "cardmod-info.1", "cardmod-card-new.1", "cardmod-doctor.1", "cardmod-try.1"] {
        assert!(pages.contains(&wanted), "no {wanted} in {pages:?}");
    }
    for page in &pages {
        let file = format!("pages/{page}");
        // An error of the language is one; clap_mangen's superfluous blank lines are not.
        home.tool(&format!("mandoc -T lint -W error {file}")).succeeds();
        let name = page.trim_end_matches(".1");
        let text = home.tool(&format!("mandoc -T ascii {file}")).succeeds().text();
        let plain = plain(&text);
        assert!(plain.contains(&format!("{name} - ")) && plain.contains("SYNOPSIS"), "{plain}");
    }
    let main = plain(&home.tool("mandoc -T ascii pages/cardmod.1").succeeds().text());
    assert!(
        main.contains("wrong PIN, PUK, administrator or management key"),
        "the exit codes are told: {main}"
    );
    assert_eq!(home.run("man").succeeds().stdout, home.read("pages/cardmod.1"));
    home.write("file", b"");
    home.run("man --out file/pages").exits(1).says("cannot write file/pages");
}

/// Text without the overstruck letters that bold and underlined ones are made of.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    for letter in text.chars() {
        match letter {
            '\u{8}' => drop(plain.pop()),
            other => plain.push(other),
        }
    }
    plain
}
