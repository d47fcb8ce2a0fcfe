//! Containers through the program: damaged maps shown and rebuilt, containers found among several cards.

mod common;

use common::Home;

#[test]
fn a_lost_map_is_rebuilt_through_the_program() {
    let home = Home::with_key("p256");
    home.generate("mail", "p256").succeeds();
    home.run("--card demo file read mscp/cmapfile --out map").succeeds();
    let mut map = home.read("map");
    map[80] = 1;
    home.write("broken", &map);
    home.run("--card demo file write mscp/cmapfile --in broken --pin-env PIN").succeeds();
    home.run("--card demo container list").succeeds().says("no default container");
    home.run("--card demo info").succeeds().says("no default container");
    map[80] = 3;
    map[86..88].fill(0);
    home.write("broken", &map);
    home.run("--card demo file write mscp/cmapfile --in broken --pin-env PIN").succeeds();
    let list = home.run("--card demo container list").succeeds();
    list.says("(no name)").says("container name is empty").says("cardmod container rebuild --dry-run");
    let list = home.run("--card demo --json container list").succeeds().json();
    assert_eq!(list["containers"][1]["name"], "");
    assert_eq!(list["containers"][1]["keys"][0]["algorithm"], "p256");
    let dry = home.run("--card demo container rebuild --dry-run").succeeds();
    dry.says("nothing was written").says("repair").says("its record is damaged: container name is empty");
    home.run("--card demo file read mscp/cmapfile --out same").succeeds();
    assert_eq!(home.read("same"), home.read("broken"));
    // Without the PIN nothing happens; with a wrong one neither.
    home.run("--card demo container rebuild --pin-env WRONG").exits(5);
    home.run("--card demo file read mscp/cmapfile --out same").succeeds();
    assert_eq!(home.read("same"), home.read("broken"));
    let done = home.run("--card demo --json container rebuild --backup old --pin-env PIN").succeeds().json();
    assert_eq!((&done["written"], &done["containers"][1]["action"]), (&true.into(), &"repair".into()));
    assert_eq!(home.read("old"), home.read("broken"));
    let name = done["containers"][1]["name"].as_str().expect("a name").to_owned();
    home.run(&format!("--card demo sign --container {name} --in data --out sig --pin-env PIN")).succeeds();
    home.run("--card demo container rebuild").succeeds().says("nothing to write");
}

/// Two cards: `demo` with container `web`, `other` with `mail`; both are the default ones.
fn two_cards() -> Home {
    let home = Home::with_key("p256");
    home.run("card new other").succeeds();
    home.run("--card other key generate --container mail --algorithm p256 --pin-env PIN").succeeds();
    home
}

fn reader(card: &str) -> String {
    format!("Cardmod Virtual Reader ({card}) 00 00")
}

/// The program with one more word that has blanks in it.
fn with_container(home: &Home, line: &str, container: &str) -> common::Outcome {
    common::Outcome::of(home.cardmod(line).args(["--container", container]))
}

#[test]
fn a_container_is_found_among_the_cards() {
    let home = two_cards();
    home.run("sign --container mail --in data --out sig --pin-env PIN").succeeds().says(&reader("other"));
    home.run("verify --container mail --in data --signature sig").succeeds();
    home.run("sign --container nobody --in data --out sig --pin-env PIN")
        .exits(1)
        .says("no card fits for container \"nobody\"")
        .says("no container \"nobody\" on the card in \"Cardmod Virtual Reader (demo)");
    // Where both have it, one must be named.
    home.run("--card other key generate --container web --algorithm p256 --pin-env PIN").succeeds();
    home.run("sign --container web --in data --out sig --pin-env PIN")
        .exits(2)
        .says("several cards fit")
        .says("--card demo or --card other");
    home.run("--json container delete web --pin-env PIN").exits(2).says("several-cards");
    home.run("--card other container list").succeeds().says("web");
}

#[test]
fn the_four_forms_name_a_container() {
    let home = two_cards();
    let public = |container: &str| with_container(&home, "--json key public", container);
    for (container, name) in [
        (format!(r"\\.\{}\web", reader("demo")), "web"),
        (format!(r"\\.\{}\mail", reader("other")), "mail"),
        (format!(r"\\.\{}\", reader("other")), "mail"),
        (r"\\.\(demo)\".to_owned(), "web"),
        ("mail".to_owned(), "mail"),
    ] {
        assert_eq!(public(&container).succeeds().json()["container"], name, "{container}");
    }
    // Both cards have a default container.
    public("").exits(2).says("several-cards");
    home.run("--card other container delete mail --pin-env PIN").succeeds();
    assert_eq!(public("").succeeds().json()["container"], "web");
    public(&format!(r"\\.\{}\", reader("other"))).exits(1).says("no-default-container");
    public(r"\\.\Nowhere\web").exits(3).says("unknown-reader");
    public(r"\\.\demo").exits(2).says("a backslash is missing");
    with_container(&home, "--json --card other key public", &format!(r"\\.\{}\web", reader("demo")))
        .exits(2)
        .says("and --card or --reader another");
}

#[test]
fn a_new_key_goes_to_the_card_with_room() {
    let home = two_cards();
    let generate = "key generate --algorithm p256 --pin-env PIN";
    home.run(&format!("{generate} --container new")).exits(2).says("--card demo or --card other");
    with_container(&home, generate, &format!(r"\\.\{}\new", reader("other"))).succeeds();
    home.run("--card other container list").succeeds().says("new");
    with_container(&home, generate, &format!(r"\\.\{}\", reader("other"))).exits(2).says("is empty");
    home.run("card new old --no-ec").succeeds();
    home.run("card erase other --yes").succeeds();
    home.run(&format!("{generate} --container new")).succeeds().says(&reader("demo"));
}
