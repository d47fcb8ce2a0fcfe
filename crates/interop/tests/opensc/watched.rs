//! `cardmod info --watch` on a reader of pcscd.

use std::io::{BufRead as _, BufReader};
use std::process::Command;

use cardmod_interop::{Home, READER, World};

#[test]
fn a_card_in_a_reader_of_pcscd_comes_and_goes() {
    let home = Home::provisioned();
    let world = World::new();
    let words = ["cardmod", "info", "--watch", "--json", "--reader", READER];
    let mut program = world.start_at(&home, &words);
    let mut lines = BufReader::new(program.stdout.take().expect("its output is piped")).lines();
    let mut expect = |event: &str| {
        let line = lines.next().expect("another event").expect("text");
        assert!(line.contains(&format!("\"event\":\"{event}\"")), "{event}: {line}");
        line
    };
    expect("reader-added");
    expect("watching");
    let plug = world.plug(&home, "demo");
    assert!(expect("card-inserted").contains("\"name\":\"web\""), "the card is explained");
    drop(plug);
    expect("card-removed");
    // The program is a child of nsenter, which passes itself on: one process, one signal.
    let sent = Command::new("kill").args(["-s", "INT", &program.id().to_string()]).status();
    assert!(sent.expect("kill runs").success());
    assert_eq!(program.wait().expect("it ends").code(), Some(0));
}
