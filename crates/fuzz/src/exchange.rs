//! One command against a card that answers what it likes: chaining, GET RESPONSE, wrong Le.

use cardmod_iso7816::{CardChannel, Command, Le, Limits, Session, TransportError};
use zeroize::Zeroizing;

use crate::Target;
use crate::source::Source;

/// More than any exchange needs: 64 KiB in parts of 64 bytes, with every one repeated for its length, and the
/// parts of the command.
const MOST_COMMANDS: usize = 4096;

pub(crate) const TARGETS: &[Target] = &[Target {
    name: "exchange",
    shows: "61xx and 6Cxx without end, answers too short and too long",
    run,
    seeds,
    mutations: 10_000,
}];

/// Answers from the input, over and over.
struct Talker<'a> {
    input: &'a [u8],
    source: Source<'a>,
    limits: Limits,
    commands: usize,
}

impl CardChannel for Talker<'_> {
    fn transmit(&mut self, _: &[u8]) -> Result<Zeroizing<Vec<u8>>, TransportError> {
        self.commands += 1;
        assert!(self.commands <= MOST_COMMANDS, "an exchange without end");
        if self.source.is_empty() {
            self.source = Source::new(self.input);
        }
        let shape = self.source.byte();
        if shape == 0xFF {
            return Err(TransportError { code: 0x8010_0069 });
        }
        let mut answer = self.source.bytes(usize::from(shape >> 2)).to_vec();
        match shape & 3 {
            0 => answer.extend([0x90, 0x00]),
            1 => answer.extend([0x61, self.source.byte()]),
            2 => answer.extend([0x6C, self.source.byte()]),
            _ => answer.extend(self.source.bytes(2)),
        }
        Ok(Zeroizing::new(answer))
    }

    fn limits(&self) -> Limits {
        self.limits
    }
}

fn run(data: &[u8]) {
    let mut source = Source::new(data);
    let setting = source.byte();
    let len = usize::from(source.word() % 1200);
    let limits = match setting & 3 {
        0 => Limits::SHORT,
        1 => Limits::EXTENDED,
        _ => Limits { t0: true, ..Limits::SHORT },
    };
    let le = match setting >> 2 & 3 {
        0 => None,
        1 => Some(Le::Short),
        2 => Some(Le::All),
        _ => Some(Le::Bytes(u32::from(setting))),
    };
    let input = source.rest();
    let mut command = Command::new(0x00, 0x87, 0x07, 0x9A).data(&vec![0x5A; len]);
    if let Some(le) = le {
        command = command.le(le);
    }
    let mut talker = Talker { input, source: Source::new(input), limits, commands: 0 };
    drop(Session::with_part_size(&mut talker, usize::from(setting)).send(&command));
}

fn seeds() -> Vec<Vec<u8>> {
    vec![
        vec![0x04, 0x00, 0x05, 0x11, 1, 2, 3, 4, 0x08, 0x08, 9, 9],
        vec![0x00, 0x01, 0x10, 0x00, 0x00, 0x01, 0x10],
        // One byte at a time, for ever.
        vec![0x04, 0x00, 0x05, 0x05, 0xAA, 0x01],
        // "Wrong length" for ever.
        vec![0x04, 0x00, 0x05, 0x02, 0x10],
    ]
}
