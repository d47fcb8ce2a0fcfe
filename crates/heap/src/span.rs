//! A span: a run cut into blocks of one capacity, and beside it, out of any module's reach, what is
//! known of each block.

use std::ptr::NonNull;

use crate::arena::Run;
use crate::classes;

const INVERSE: u64 = 1 << 40;

/// What a block is now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Lent to the module.
    Live,
    /// Given back by `PFN_CSP_FREE` or the host.
    Freed,
    /// Given up by `PFN_CSP_REALLOC` for another block.
    Moved,
}

/// What is known of a block that was lent at least once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Block {
    /// Its length as asked for, in bytes.
    pub(crate) len: usize,
    /// Which block of the context it is.
    pub(crate) serial: u32,
    /// The number of the card function that asked for it.
    pub(crate) function: u8,
    /// Whether it is lent.
    pub(crate) state: State,
}

/// See the module's page.
#[derive(Debug)]
pub(crate) struct Span {
    run: Run,
    /// The class of the blocks; `None` where the span is one block.
    class: Option<usize>,
    /// Where the first block begins.
    start: usize,
    /// The capacity of a block.
    capacity: usize,
    /// 2⁴⁰ divided by the capacity, rounded up: a division by it is a multiplication.
    inverse: u64,
    /// How many blocks there is room for.
    room: usize,
    /// The blocks lent so far, and their numbers where they are free again.
    blocks: Vec<Block>,
    free: Vec<u16>,
    live: usize,
}

impl Span {
    /// A span of many blocks of one class.
    pub(crate) fn shared(run: Run, class: usize) -> Self {
        let capacity = classes::capacity(class);
        let room = run.len() / capacity;
        let (blocks, free) = (Vec::new(), Vec::new());
        let inverse = INVERSE.div_ceil(capacity as u64);
        Self { run, class: Some(class), start: 0, capacity, inverse, room, blocks, free, live: 0 }
    }

    /// A span that is one block of `capacity` bytes from `start` on.
    pub(crate) fn single(run: Run, start: usize, capacity: usize) -> Self {
        let (blocks, free) = (Vec::new(), Vec::new());
        Self { run, class: None, start, capacity, inverse: 0, room: 1, blocks, free, live: 0 }
    }

    pub(crate) fn class(&self) -> Option<usize> {
        self.class
    }

    pub(crate) fn capacity(&self) -> usize {
        self.capacity
    }

    pub(crate) fn start(&self) -> usize {
        self.start
    }

    pub(crate) fn run(&self) -> &Run {
        &self.run
    }

    pub(crate) fn run_mut(&mut self) -> &mut Run {
        &mut self.run
    }

    pub(crate) fn into_run(self) -> Run {
        self.run
    }

    /// Whether every block is lent.
    #[inline(always)]
    pub(crate) fn is_full(&self) -> bool {
        self.free.is_empty() && self.blocks.len() == self.room
    }

    /// The live blocks.
    pub(crate) fn live(&self) -> impl Iterator<Item = &Block> {
        let some = if self.live == 0 { &[][..] } else { &self.blocks };
        some.iter().filter(|block| block.state == State::Live)
    }

    /// The block that begins at an address.
    #[inline(always)]
    pub(crate) fn number(&self, address: usize) -> Option<usize> {
        let from_first = self.run.offset_of(address)?.checked_sub(self.start)?;
        // Exact while offset × capacity < 2⁴⁰: shared spans have at most 256 KiB, blocks 32 KiB. A
        // block with a span of its own has an inverse of 0 and so the number 0.
        let number = ((from_first as u64 * self.inverse) >> 40) as usize;
        (number * self.capacity == from_first && number < self.blocks.len()).then_some(number)
    }

    #[inline(always)]
    pub(crate) fn block(&self, number: usize) -> &Block {
        &self.blocks[number]
    }

    /// Lends a block, zeroed; `None` when all are lent.
    #[inline(always)]
    pub(crate) fn lend(&mut self, block: Block) -> Option<usize> {
        let number = match self.free.pop() {
            Some(number) => {
                // Field by field: as a whole it would be put together in memory and read back first.
                let known = &mut self.blocks[usize::from(number)];
                known.len = block.len;
                known.serial = block.serial;
                known.function = block.function;
                known.state = State::Live;
                usize::from(number)
            }
            None if self.blocks.len() < self.room => {
                self.blocks.push(block);
                self.blocks.len() - 1
            }
            None => return None,
        };
        self.live += 1;
        // Shared blocks are zeroed although they were wiped: a module may have written to one that
        // was not its own any more.
        if self.class.is_some() {
            self.run.zero(self.offset(number), block.len);
        } else if !self.run.came_zero() {
            // To the byte: behind a checked block is its canary.
            self.run.fill(self.offset(number), block.len, 0);
        }
        Some(number)
    }

    #[inline(always)]
    fn offset(&self, number: usize) -> usize {
        self.start + number * self.capacity
    }

    /// The address of a block.
    #[inline(always)]
    pub(crate) fn address(&self, number: usize) -> NonNull<u8> {
        self.run.at(self.offset(number), self.capacity)
    }

    /// Wipes a block to its capacity and takes it back. It can be lent again if the span is shared.
    #[inline(always)]
    pub(crate) fn take_back(&mut self, number: usize, state: State) {
        self.run.zero(self.offset(number), self.capacity);
        self.blocks[number].state = state;
        self.live -= 1;
        if self.class.is_some() {
            // A span has at most 65536 / 16 blocks.
            self.free.push(number as u16);
        }
    }

    /// Wipes every live block, for the end of a context.
    pub(crate) fn wipe_live(&mut self) {
        for number in 0..self.blocks.len() {
            if self.blocks[number].state == State::Live {
                self.run.fill(self.offset(number), self.capacity, 0);
            }
        }
    }

    /// Changes a block's length inside its capacity: what is cut off is wiped, what is new is zero.
    pub(crate) fn set_len(&mut self, number: usize, len: usize) {
        let before = self.blocks[number].len;
        let (least, most) = (before.min(len), before.max(len));
        self.run.fill(self.offset(number) + least, most - least, 0);
        self.blocks[number].len = len;
    }

    /// Writes the beginning of a block.
    pub(crate) fn write(&mut self, number: usize, bytes: &[u8]) {
        assert!(bytes.len() <= self.capacity, "more bytes than a block holds");
        self.run.write(self.offset(number), bytes);
    }

    /// A copy of the beginning of a block.
    pub(crate) fn read(&self, number: usize, len: usize) -> zeroize::Zeroizing<Vec<u8>> {
        self.run.read(self.offset(number), len)
    }

    /// Copies the beginning of one block to another of this span.
    pub(crate) fn copy_within(&mut self, to: usize, from: usize, len: usize) {
        self.run.copy_within(self.offset(to), self.offset(from), len);
    }

    /// Copies the beginning of a block of another span to one of this.
    pub(crate) fn copy_from(&mut self, to: usize, other: &Span, from: usize, len: usize) {
        self.run.copy_from(self.offset(to), &other.run, other.offset(from), len);
    }
}
