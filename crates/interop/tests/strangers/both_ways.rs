//! OpenSC and `cardmod` in turn on one virtual card, by what `cardmod card env` prints.

use cardmod_interop::{Home, Table, run};

#[test]
fn each_side_sees_at_once_what_the_other_wrote() {
    let home = Home::new();
    home.run("card new both").success();
    Table {
        home: &home,
        ours: &|words| home.run(&format!("--card both {words}")),
        theirs: &|words| run(&mut home.stranger("both", words)),
    }
    .take_turns();
}
