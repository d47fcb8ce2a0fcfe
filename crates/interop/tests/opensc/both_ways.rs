//! OpenSC and `cardmod` in turn on one card that is plugged into pcscd.

use cardmod_interop::{Home, READER, Table, World};

#[test]
fn each_side_sees_at_once_what_the_other_wrote() {
    let home = Home::new();
    home.run("card new both").success();
    let world = World::new();
    let _plug = world.plug(&home, "both");
    let in_the_world = |first: &[&str], line: &str| {
        let words: Vec<&str> = first.iter().copied().chain(line.split_whitespace()).collect();
        world.run_at(&home, &words)
    };
    Table {
        home: &home,
        ours: &|words| in_the_world(&["cardmod", "--reader", READER], words),
        theirs: &|words| in_the_world(&[], words),
    }
    .take_turns();
}
