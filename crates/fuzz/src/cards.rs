//! The virtual card against its users: any APDU, any stored state.

use std::sync::OnceLock;

use cardmod_types::Pin;
use cardmod_virtual::{Card, CardOptions, PivProfile};

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
        name: "virtual_piv",
        shows: "any commands to a virtual PIV card",
        run: piv_commands,
        seeds: piv_seeds,
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
    command(Card::blank(CardOptions::default(), false), data);
}

fn piv_commands(data: &[u8]) {
    command(Card::load(piv_card()).expect("a state just made"), data);
}

/// A PIV card as it is new; its identity differs from process to process, and nothing here depends on it.
pub(crate) fn piv_card() -> &'static [u8] {
    static STATE: OnceLock<Vec<u8>> = OnceLock::new();
    STATE.get_or_init(|| {
        let profile = PivProfile::new(Pin::new(b"123456".to_vec()), Pin::new(b"12345678".to_vec()));
        Card::piv(&profile).expect("a sound profile").persistent_state().to_vec()
    })
}

fn command(mut card: Card, data: &[u8]) {
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
    let create = vec![0x00, 0xE0, 0x00, 0x00, 0x02, 0x62, 0x00];
    vec![framed(&[select, pin, create])]
}

fn piv_seeds() -> Vec<Vec<u8>> {
    let select = b"\x00\xA4\x04\x00\x05\xA0\x00\x00\x03\x08".to_vec();
    let witness = b"\x00\x87\x03\x9B\x04\x7C\x02\x80\x00\x00".to_vec();
    let verify = b"\x00\x20\x00\x80\x08123456\xFF\xFF".to_vec();
    let read = b"\x00\xCB\x3F\xFF\x05\x5C\x03\x5F\xC1\x02\x00".to_vec();
    let generate = b"\x00\x47\x00\x9A\x05\xAC\x03\x80\x01\x11\x00".to_vec();
    let sign = [&b"\x00\x87\x11\x9A\x26\x7C\x24\x82\x00\x81\x20"[..], &[0x5A; 32], &[0]].concat();
    let metadata = b"\x00\xF7\x00\x80\x00".to_vec();
    vec![
        framed(&[select.clone(), verify, read, sign]),
        framed(&[select.clone(), witness, generate]),
        framed(&[select, metadata, b"\x00\xFD\x00\x00\x00".to_vec(), b"\x00\xFB\x00\x00".to_vec()]),
    ]
}

fn framed(commands: &[Vec<u8>]) -> Vec<u8> {
    let frame = |command: &Vec<u8>| [&[u8::try_from(command.len()).unwrap_or(0)][..], command].concat();
    commands.iter().flat_map(frame).collect()
}
