//! The virtual card against its users: any APDU, any stored state.

use cardmod_virtual::{Card, CardOptions};

use crate::Target;
use crate::source::Source;
use crate::tamper::Ports;

pub(crate) const TARGETS: &[Target] = &[
    Target {
        name: "virtual_card",
        shows: "any commands to a virtual card",
        run: commands,
        seeds,
        mutations: 4000,
    },
    Target {
        name: "virtual_state",
        shows: "any stored state",
        run: |data| drop(Card::load(data)),
        seeds: || vec![Card::blank(CardOptions::default(), false).persistent_state().to_vec()],
        mutations: 2000,
    },
];

/// Length, command, length, command …
fn commands(data: &[u8]) {
    let mut card = Card::blank(CardOptions::default(), false);
    let mut ports = Ports::default();
    let mut source = Source::new(data);
    while !source.is_empty() {
        let len = usize::from(source.byte());
        let command = source.bytes(len);
        let Ok(answer) = card.process(&mut ports, command) else { panic!("the host of a test never fails") };
        assert!(answer.len() >= 2, "a status word, always");
    }
}

fn seeds() -> Vec<Vec<u8>> {
    let select = [&[0x00, 0xA4, 0x04, 0x00, 0x09][..], &cardmod_gids::AID].concat();
    let pin = b"\x00\x24\x01\x80\x06123456".to_vec();
    let create = [&[0x00, 0xE0, 0x00, 0x00][..], &[0x02, 0x62, 0x00]].concat();
    let frame = |command: &Vec<u8>| [&[u8::try_from(command.len()).unwrap_or(0)][..], command].concat();
    vec![[select, pin, create].iter().flat_map(frame).collect()]
}
