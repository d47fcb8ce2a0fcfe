//! A stripe: spans, free blocks and counts under one lock. A context has one in use as long as its
//! callbacks do not collide, and more when they do.

use std::ptr::NonNull;

use crate::account::{Account, Call};
use crate::arena::{Arena, Owner, Place};
use crate::checked::{self, Quarantine};
use crate::classes;
use crate::ledger::{IncidentKind, Ledger, LiveBlock};
use crate::span::{Block, Span, State};
use crate::{functions, ledger};

/// Where a stripe is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Home {
    pub(crate) arena: &'static Arena,
    pub(crate) slot: u8,
    pub(crate) stripe: u8,
}

/// A live block: the number of its span, and its number there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Spot {
    pub(crate) span: usize,
    pub(crate) number: usize,
}

/// A block that was just lent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lent {
    pub(crate) spot: Spot,
    pub(crate) address: NonNull<u8>,
}

/// A pointer that is not a live block, and who had allocated the block it once was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) kind: IncidentKind,
    pub(crate) allocated_in: Option<u8>,
}

/// See the module's page.
#[derive(Debug)]
pub(crate) struct Stripe {
    pub(crate) home: Home,
    /// Whether the slot has an owner now.
    pub(crate) open: bool,
    /// Whether blocks are laid against guard pages.
    pub(crate) checked: bool,
    pub(crate) account: Account,
    spans: Vec<Option<Span>>,
    /// The numbers in `spans` that are not in use.
    vacant: Vec<usize>,
    /// By class, the spans that have a free block; the last is used first.
    bins: Box<[Vec<usize>; classes::COUNT]>,
    quarantine: Quarantine,
    serial: u32,
}

impl Stripe {
    pub(crate) fn new(home: Home) -> Self {
        Self {
            home,
            open: false,
            checked: false,
            account: Account::default(),
            spans: Vec::new(),
            vacant: Vec::new(),
            bins: Box::new([const { Vec::new() }; classes::COUNT]),
            quarantine: Quarantine::default(),
            serial: 0,
        }
    }

    /// The live block at an address, or what is wrong with the address. Nothing there is touched.
    ///
    /// `place` is what the arena's table said of the address, maybe before this stripe was locked. It
    /// only says where to look: what counts is the span that is found, under the lock.
    #[inline(always)]
    pub(crate) fn find(&self, address: usize, place: Place, call: Call) -> Result<Spot, Refusal> {
        if let Place::Owned { owner, .. } = place
            && let Some(Some(span)) = self.spans.get(owner.span as usize)
            && let Some(number) = span.number(address)
        {
            let block = span.block(number);
            if block.state == State::Live {
                return Ok(Spot { span: owner.span as usize, number });
            }
            let kind = given_up(block.state == State::Moved, call);
            return Err(Refusal { kind, allocated_in: Some(block.function) });
        }
        Err(self.refuse_unknown(place, call))
    }

    #[cold]
    fn refuse_unknown(&self, place: Place, call: Call) -> Refusal {
        let kind = match place {
            // Blocks with a span of their own begin at its start; the inside was never lent. Checked
            // blocks begin where their length wants it, always at a multiple of 16.
            Place::Gone { slot, offset, moved } if slot == self.home.slot => {
                if offset == 0 || (self.checked && offset.is_multiple_of(16)) {
                    given_up(moved, call)
                } else {
                    IncidentKind::Stale
                }
            }
            _ => IncidentKind::Foreign,
        };
        Refusal { kind, allocated_in: None }
    }

    /// Lends a zeroed block and counts it.
    #[inline(always)]
    pub(crate) fn lend(&mut self, len: usize, function: u8) -> Option<Lent> {
        let serial = self.serial.wrapping_add(1);
        let lent = self.place(Block { len, serial, function, state: State::Live })?;
        self.serial = serial;
        self.account.lent(function, len);
        Some(lent)
    }

    #[inline(always)]
    fn place(&mut self, block: Block) -> Option<Lent> {
        if block.len > classes::LONGEST_SHARED || self.checked {
            return self.place_single(block);
        }
        let class = classes::of(block.len);
        let bin = &mut self.bins[class];
        let Some(&span) = bin.last() else { return self.place_in_new(class, block) };
        let found = self.spans[span].as_mut()?;
        let number = found.lend(block)?;
        if found.is_full() {
            bin.pop();
        }
        Some(Lent { spot: Spot { span, number }, address: found.address(number) })
    }

    #[cold]
    fn place_in_new(&mut self, class: usize, block: Block) -> Option<Lent> {
        let number = self.next_vacant();
        let run = self.home.arena.take(classes::span_units(class), self.owner(number)?)?;
        self.put(number, Span::shared(run, class));
        self.bins[class].push(number);
        self.place(block)
    }

    #[cold]
    fn place_single(&mut self, block: Block) -> Option<Lent> {
        if block.len > self.home.arena.longest() {
            return None;
        }
        let number = self.next_vacant();
        let owner = self.owner(number)?;
        let mut span = if self.checked {
            checked::span(self.home.arena, owner, block.len)?
        } else {
            let run = self.home.arena.take(classes::own_units(block.len)?, owner)?;
            let capacity = run.len();
            Span::single(run, 0, capacity)
        };
        let first = span.lend(block)?;
        let address = span.address(first);
        self.put(number, span);
        Some(Lent { spot: Spot { span: number, number: first }, address })
    }

    fn next_vacant(&self) -> usize {
        self.vacant.last().copied().unwrap_or(self.spans.len())
    }

    fn put(&mut self, number: usize, span: Span) {
        if number == self.spans.len() {
            self.spans.push(Some(span));
        } else {
            self.vacant.pop();
            self.spans[number] = Some(span);
        }
    }

    fn owner(&self, number: usize) -> Option<Owner> {
        let span = u32::try_from(number).ok().filter(|number| *number < 1 << 24)?;
        Some(Owner { slot: self.home.slot, stripe: self.home.stripe, span })
    }

    fn span(&self, spot: Spot) -> &Span {
        self.spans[spot.span].as_ref().expect("a spot is in a span")
    }

    fn span_mut(&mut self, spot: Spot) -> &mut Span {
        self.spans[spot.span].as_mut().expect("a spot is in a span")
    }

    /// The length of a live block.
    pub(crate) fn len(&self, spot: Spot) -> usize {
        self.span(spot).block(spot.number).len
    }

    /// A copy of the beginning of a live block.
    pub(crate) fn read(&self, spot: Spot, len: usize) -> zeroize::Zeroizing<Vec<u8>> {
        self.span(spot).read(spot.number, len)
    }

    /// Writes the beginning of a live block.
    pub(crate) fn write(&mut self, spot: Spot, bytes: &[u8]) {
        self.span_mut(spot).write(spot.number, bytes);
    }

    /// Takes a live block back, wiped, and counts it. `running`: the card function that runs.
    #[inline(always)]
    pub(crate) fn take_back(&mut self, spot: Spot, call: Call, running: u8) {
        let state = if call == Call::ReAlloc { State::Moved } else { State::Freed };
        let span = self.spans[spot.span].as_mut().expect("a spot is in a span");
        let block = span.block(spot.number);
        self.account.back(block.function, block.len);
        let Some(class) = span.class() else {
            return self.take_back_single(spot, state, call, running);
        };
        let was_full = span.is_full();
        span.take_back(spot.number, state);
        if was_full {
            self.bins[class].push(spot.span);
        }
    }

    #[cold]
    fn take_back_single(&mut self, spot: Spot, state: State, call: Call, running: u8) {
        if !self.checked {
            self.span_mut(spot).take_back(spot.number, state);
            self.give_span(spot.span, state == State::Moved);
            return;
        }
        let arena = self.home.arena;
        let span = self.span_mut(spot);
        let whole = checked::is_whole(span);
        let (len, function) = (span.run().len(), span.block(spot.number).function);
        span.take_back(spot.number, state);
        checked::close(arena, span);
        if !whole {
            self.account.incident(IncidentKind::Overrun, call, running, Some(function));
        }
        self.quarantine.put(spot.span, len);
        while let Some(oldest) = self.quarantine.overdue() {
            self.end_quarantine(oldest, call, running);
        }
    }

    fn end_quarantine(&mut self, number: usize, call: Call, running: u8) {
        let arena = self.home.arena;
        let Some(span) = self.spans[number].as_mut() else { return };
        let clean = checked::reopen(arena, span);
        let Block { function, state, .. } = *span.block(0);
        if !clean {
            self.account.incident(IncidentKind::WrittenAfterFree, call, running, Some(function));
        }
        self.give_span(number, state == State::Moved);
    }

    fn give_span(&mut self, number: usize, moved: bool) {
        if let Some(span) = self.spans[number].take() {
            self.vacant.push(number);
            self.home.arena.give(span.into_run(), self.home.slot, moved);
        }
    }

    /// Changes the length of a live block, in place where it can be; the block's new spot. `None`: no
    /// memory, and the block is as it was.
    pub(crate) fn resize(&mut self, spot: Spot, len: usize, must_move: bool, running: u8) -> Option<Lent> {
        let must_move = must_move || self.checked;
        let capacity = self.span(spot).capacity();
        let fits = len <= capacity && !must_move;
        // A long block that shrinks a lot is worth a move; a short one never is.
        let wasteful = capacity > classes::LONGEST_SHARED && len <= capacity / 4;
        if fits && !wasteful {
            return Some(self.resize_in_place(spot, len));
        }
        let moved = self.move_to(spot, len, running);
        if moved.is_none() && fits { Some(self.resize_in_place(spot, len)) } else { moved }
    }

    fn resize_in_place(&mut self, spot: Spot, len: usize) -> Lent {
        let before = *self.span(spot).block(spot.number);
        self.span_mut(spot).set_len(spot.number, len);
        self.account.back(before.function, before.len);
        self.account.lent(before.function, len);
        Lent { spot, address: self.span(spot).address(spot.number) }
    }

    fn move_to(&mut self, old: Spot, len: usize, running: u8) -> Option<Lent> {
        let before = *self.span(old).block(old.number);
        let lent = self.place(Block { len, ..before })?;
        let new = lent.spot;
        let kept = before.len.min(len);
        if new.span == old.span {
            self.span_mut(new).copy_within(new.number, old.number, kept);
        } else if let Ok([Some(to), Some(from)]) = self.spans.get_disjoint_mut([new.span, old.span]) {
            to.copy_from(new.number, from, old.number, kept);
        }
        self.take_back(old, Call::ReAlloc, running);
        self.account.lent(before.function, len);
        Some(lent)
    }

    /// Opens the stripe for a new owner.
    pub(crate) fn open(&mut self, checked: bool) {
        self.open = true;
        self.checked = checked;
        self.account = Account::default();
        self.serial = 0;
    }

    /// Ends the owner's memory: live blocks are wiped, every span goes back to the arena.
    pub(crate) fn close(&mut self) {
        self.open = false;
        while let Some(number) = self.quarantine.any() {
            self.end_quarantine(number, Call::Release, functions::NONE);
        }
        for number in 0..self.spans.len() {
            if let Some(span) = self.spans[number].as_mut() {
                span.wipe_live();
                if self.checked {
                    checked::unlock(self.home.arena, span);
                }
                self.give_span(number, true);
            }
        }
        self.spans = Vec::new();
        self.vacant = Vec::new();
        self.bins.iter_mut().for_each(|bin| *bin = Vec::new());
        self.account = Account::default();
    }

    /// Adds this stripe's part to a ledger.
    pub(crate) fn add_to(&self, ledger: &mut Ledger) {
        self.account.add_to(ledger);
        let live = self.spans.iter().flatten().flat_map(Span::live);
        let more = ledger::Ledger::LISTED.saturating_sub(ledger.live.len());
        ledger.live.extend(live.take(more).map(|block| LiveBlock {
            len: block.len,
            function: functions::name(block.function),
            serial: u64::from(block.serial),
        }));
    }
}

/// A block that is not lent any more: freed and freed again, or used after it was given up.
fn given_up(moved: bool, call: Call) -> IncidentKind {
    if moved || call != Call::Free { IncidentKind::Stale } else { IncidentKind::Double }
}
