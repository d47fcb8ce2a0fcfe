//! `cardmod container` through the program: damaged maps shown and rebuilt.

mod common;

use common::Home;

#[test]
fn a_lost_map_is_rebuilt_through_the_program() {
    let home = Home::with_key("p256");
    home.generate("mail", "p256").succeeds();
    home.run("--card demo file read mscp/cmapfile --out map").succeeds();
    let mut map = home.read("map");
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
