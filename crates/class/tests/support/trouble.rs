//! What may go wrong at a card, and jobs that have it happen at each of their commands.

#![allow(dead_code, reason = "each test program uses its part")]

use super::piv::{PivCardOf, Trouble};

/// What cards answer, rightly or not, and what none should.
const STATUSES: [u16; 30] = [
    0x9000, 0x6100, 0x61FF, 0x6200, 0x6281, 0x6283, 0x6285, 0x6300, 0x63C0, 0x63C2, 0x6400, 0x6581, 0x6700,
    0x6881, 0x6882, 0x6900, 0x6982, 0x6983, 0x6984, 0x6985, 0x6986, 0x6999, 0x6A80, 0x6A81, 0x6A82, 0x6A84,
    0x6A86, 0x6A88, 0x6C10, 0x6D00,
];
const ANSWERS: [&[u8]; 9] = [
    &[],
    &[0x90],
    &[0x53, 0x90, 0x00],
    &[0x53, 0x84, 0xFF, 0xFF, 0xFF, 0xFF, 0x90, 0x00],
    &[0x53, 0x00, 0x90, 0x00],
    &[0x7C, 0x02, 0x82, 0x00, 0x90, 0x00],
    &[0x53, 0x02, 0x70, 0x7F, 0x90, 0x00],
    &[0xFF; 64],
    &[0x7F, 0x49, 0x02, 0x86, 0x00, 0x90, 0x00],
];
const LOSSES: [u32; 3] = [0x8010_0068, 0x8010_0069, 0x8010_002F];

pub(crate) fn every_trouble() -> impl Iterator<Item = Trouble> {
    let statuses = STATUSES.into_iter().chain([0x6E00, 0x6F00, 0xFFFF, 0x0000]).map(Trouble::Status);
    statuses.chain(ANSWERS.map(Trouble::Bytes)).chain(LOSSES.map(Trouble::Lost))
}

impl Trouble {
    /// The card says that it did what it did not do: for want of anybody else to ask it is believed.
    pub(crate) fn is_lie(self) -> bool {
        matches!(self, Trouble::Status(0x9000 | 0x6100..=0x62FF))
    }

    /// The card says that it has no such thing. About the stored map this is believed, and a new one written:
    /// keys that only the old one named are still there, and not shown.
    pub(crate) fn denies(self) -> bool {
        const EMPTY: &[u8] = &[0x53, 0x00, 0x90, 0x00];
        let status = matches!(self, Trouble::Status(0x9000 | 0x6A80..=0x6A82 | 0x6A86 | 0x6A88));
        status || self == Trouble::Bytes(EMPTY)
    }
}

/// Runs a job with every trouble at every one of its commands.
pub(crate) fn disturb(card: &PivCardOf, job: impl Fn(&PivCardOf, Option<Trouble>)) {
    card.reset();
    card.commands();
    job(card, None);
    let steps = card.commands().len();
    assert!(steps > 1);
    for at in 0..steps {
        for trouble in every_trouble() {
            for count in [1, 3] {
                card.reset();
                card.trouble(at, count, trouble);
                job(card, Some(trouble));
            }
        }
    }
    card.reset();
}
