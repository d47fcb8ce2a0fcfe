//! Checked blocks: each lies in a run of its own, its end against a page that cannot be touched, and
//! stays out of reach for a while after it was freed.
//!
//! ```text
//! | cannot be touched … | canary … block | canary, up to 15 bytes | a page that cannot be touched |
//! ```

use std::collections::VecDeque;

use crate::arena::{Arena, Owner, UNIT};
use crate::classes;
use crate::pages::page_size;
use crate::span::Span;

/// What lies around a block. Not a value that an off-by-one error writes: no NUL, no space.
const CANARY: u8 = 0xC5;

/// What a freed block is full of.
const POISON: u8 = 0xDD;

/// As many freed blocks wait, and as many bytes of addresses.
const LONGEST_QUEUE: usize = if cfg!(miri) { 8 } else { 256 };
const MOST_BYTES: usize = LONGEST_QUEUE * 4 * UNIT;

/// Makes the span of one checked block.
pub(crate) fn span(arena: &Arena, owner: Owner, len: usize) -> Option<Span> {
    let page = page_size();
    let capacity = len.max(1).checked_next_multiple_of(16)?;
    let data = capacity.checked_next_multiple_of(page)?;
    let mut run = arena.take(classes::own_units(data.checked_add(2 * page)?)?, owner)?;
    let end = run.len() - page;
    let begin = end - data;
    run.fill(begin, data - capacity, CANARY);
    run.fill(end - capacity, capacity, 0);
    // The last bytes up to the page: `lend` zeroes the block itself, up to its length.
    run.fill(end - capacity + len, capacity - len, CANARY);
    let guarded = arena.protect(&mut run, 0, begin) && arena.protect(&mut run, end, page);
    if !guarded {
        arena.unprotect(&mut run);
        arena.give(run, owner.slot, false);
        return None;
    }
    Some(Span::single(run, end - capacity, capacity))
}

/// Whether the canaries around the span's block live.
pub(crate) fn is_whole(span: &Span) -> bool {
    let (begin, start, len) = (begin(span), span.start(), span.block(0).len);
    span.run().is_filled(begin, start - begin, CANARY)
        && span.run().is_filled(start + len, span.capacity() - len, CANARY)
}

/// Poisons the span's freed block and puts it out of reach.
pub(crate) fn close(arena: &Arena, span: &mut Span) {
    let begin = begin(span);
    let end = span.start() + span.capacity();
    span.run_mut().fill(begin, end - begin, POISON);
    // Where the system refuses, the poison still tells at the end of the quarantine.
    arena.protect(span.run_mut(), begin, end - begin);
}

/// Makes a freed block's run ordinary memory again; whether nobody wrote to it meanwhile.
pub(crate) fn reopen(arena: &Arena, span: &mut Span) -> bool {
    if !arena.unprotect(span.run_mut()) {
        return true;
    }
    let begin = begin(span);
    let end = span.start() + span.capacity();
    let clean = span.run().is_filled(begin, end - begin, POISON);
    span.run_mut().fill(begin, end - begin, 0);
    clean
}

/// Makes a live block's run ordinary memory again.
pub(crate) fn unlock(arena: &Arena, span: &mut Span) {
    arena.unprotect(span.run_mut());
}

/// The first byte that can be touched.
fn begin(span: &Span) -> usize {
    let end = span.start() + span.capacity();
    end - span.capacity().next_multiple_of(page_size())
}

/// The freed blocks that wait, oldest first, by the number of their span.
#[derive(Debug, Default)]
pub(crate) struct Quarantine {
    waiting: VecDeque<(usize, usize)>,
    bytes: usize,
}

impl Quarantine {
    pub(crate) fn put(&mut self, span: usize, bytes: usize) {
        self.waiting.push_back((span, bytes));
        self.bytes += bytes;
    }

    /// Takes the oldest out, if there are too many.
    pub(crate) fn overdue(&mut self) -> Option<usize> {
        let too_many = self.waiting.len() > LONGEST_QUEUE || self.bytes > MOST_BYTES;
        if too_many { self.any() } else { None }
    }

    /// Takes the oldest out.
    pub(crate) fn any(&mut self) -> Option<usize> {
        let (span, bytes) = self.waiting.pop_front()?;
        self.bytes -= bytes;
        Some(span)
    }
}
