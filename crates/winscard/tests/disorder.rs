//! Calls in any order, with handles that live, are closed, or never were: every one is answered, and the card
//! works afterwards.

mod common;

use cardmod_pcsc::{
    Card, Context, Disposition, Protocols, SCARD_E_INVALID_HANDLE, SCARD_E_NO_SMARTCARD,
    SCARD_E_NOT_TRANSACTED, SCARD_E_SHARING_VIOLATION, SCARD_W_REMOVED_CARD, SCARD_W_RESET_CARD, ShareMode,
};
use common::{SELECT, connect, context, status_word, world};

/// What the calls below may answer besides success.
const EXPECTED: [u32; 6] = [
    SCARD_E_INVALID_HANDLE,
    SCARD_E_NO_SMARTCARD,
    SCARD_E_NOT_TRANSACTED,
    SCARD_E_SHARING_VIOLATION,
    SCARD_W_REMOVED_CARD,
    SCARD_W_RESET_CARD,
];

/// Numbers that look random and are the same each time (xorshift).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }
}

fn any_disposition(numbers: &mut Numbers) -> Disposition {
    [Disposition::Leave, Disposition::Leave, Disposition::Reset, Disposition::Unpower][numbers.below(4)]
}

/// One call. Only the first connection begins transactions, so that nobody waits for ever in one thread.
fn step(numbers: &mut Numbers, context: &Context, reader: &str, cards: &mut Vec<Card>, depth: &mut u32) {
    let mode = [ShareMode::Shared, ShareMode::Exclusive, ShareMode::Direct][numbers.below(3)];
    let pick = if *depth > 0 { 0 } else { numbers.below(cards.len().max(1)) };
    let card = cards.get(pick);
    let result = match (numbers.below(9), card) {
        (0, _) if *depth == 0 => context.connect(reader, mode, Protocols::ANY).map(|card| cards.push(card)),
        (1, Some(_)) if *depth == 0 => cards.swap_remove(pick).disconnect(any_disposition(numbers)),
        (2, Some(card)) => card.reconnect(mode, Protocols::ANY, any_disposition(numbers)),
        (3, Some(card)) if pick == 0 => card.begin_transaction().map(|()| *depth += 1),
        (4, Some(card)) => {
            let result = card.end_transaction(any_disposition(numbers));
            *depth = if result.is_ok() { depth.saturating_sub(1) } else { 0 };
            result
        }
        (5, Some(card)) => card.status().map(drop),
        (6, Some(card)) if card.protocol() != 0 => card.transmit(SELECT).map(drop),
        (7, Some(card)) => card.end(Disposition::Leave),
        (8, _) if numbers.below(8) == 0 => {
            let mut opened = world().store().open_card("disorder").expect("a card");
            opened.eject().expect("ejected");
            opened.insert().expect("inserted");
            Ok(())
        }
        _ => Ok(()),
    };
    if let Err(error) = result {
        assert!(EXPECTED.contains(&error.code), "{error}");
    }
    // What was closed or reset has lost its transaction.
    if cards.first().is_none_or(|card| card.status().is_err()) {
        if let Some(card) = cards.first() {
            let _ = card.end_transaction(Disposition::Leave);
        }
        *depth = 0;
    }
}

/// How many files this process has open, where the system tells.
fn open_files() -> Option<usize> {
    // Under Wine the folder can be seen too, with what Wine itself has open.
    cfg!(target_os = "linux").then(|| std::fs::read_dir("/proc/self/fd").ok().map(Iterator::count))?
}

#[test]
fn every_call_is_answered() {
    let reader = world().card("disorder");
    drop(connect(&context(), &reader));
    let before = open_files();
    for seed in (1..=20).map(|n: u64| n.wrapping_mul(0x9E37_79B9_7F4A_7C15)) {
        let mut numbers = Numbers(seed);
        let context = context();
        let (mut cards, mut depth) = (Vec::new(), 0);
        for _ in 0..150 {
            step(&mut numbers, &context, &reader, &mut cards, &mut depth);
        }
    }
    assert_eq!(open_files(), before, "every connection closed its files");
    let context = context();
    assert_eq!(status_word(&connect(&context, &reader).transmit(SELECT).expect("an answer")), 0x9000);
}
