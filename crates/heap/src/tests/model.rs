//! Any sequence of calls, right and wrong, against a model that is a list of vectors.

use std::collections::HashSet;

use proptest::prelude::*;

use super::{FaultPlan, Heap, Mode, lent};
use crate::tests::module::Module;

/// A call of the module or the host. A `usize` picks a block, modulo how many there are.
#[derive(Clone, Debug)]
enum Op {
    Alloc(usize),
    ReAlloc(usize, usize),
    Free(usize),
    Write(usize, u8),
    Take(usize, usize),
    Release(usize),
    Give(Vec<u8>),
    FreeInside(usize, usize),
    FreeGone(usize),
    ReAllocGone(usize, usize),
    FreeForeign,
}

fn size() -> impl Strategy<Value = usize> {
    let large: usize = if cfg!(miri) { 5_001 } else { 300_000 };
    prop_oneof![6 => 0..300usize, 3 => 300..5_000usize, 1 => 5_000..=large]
}

fn op() -> impl Strategy<Value = Op> {
    let pick = any::<usize>;
    prop_oneof![
        6 => size().prop_map(Op::Alloc),
        5 => (pick(), size()).prop_map(|(block, size)| Op::ReAlloc(block, size)),
        4 => pick().prop_map(Op::Free),
        4 => (pick(), 1..=255u8).prop_map(|(block, value)| Op::Write(block, value)),
        2 => (pick(), 0..400usize).prop_map(|(block, len)| Op::Take(block, len)),
        1 => pick().prop_map(Op::Release),
        2 => proptest::collection::vec(any::<u8>(), 0..100).prop_map(Op::Give),
        1 => (pick(), 1..400usize).prop_map(|(block, by)| Op::FreeInside(block, by)),
        2 => pick().prop_map(Op::FreeGone),
        1 => (pick(), size()).prop_map(|(block, size)| Op::ReAllocGone(block, size)),
        1 => Just(Op::FreeForeign),
    ]
}

/// What the heap ought to be.
#[derive(Default)]
struct Model {
    live: Vec<(*mut u8, Vec<u8>)>,
    gone: HashSet<*mut u8>,
    peak: usize,
    refused: u64,
    calls: u64,
}

impl Model {
    fn bytes(&self) -> usize {
        self.live.iter().map(|(_, content)| content.len()).sum()
    }

    fn add(&mut self, block: *mut u8, content: Vec<u8>) {
        assert!(!block.is_null() && block.addr().is_multiple_of(16));
        self.gone.remove(&block);
        self.live.push((block, content));
        self.peak = self.peak.max(self.bytes());
    }

    fn pick(&self, pick: usize) -> Option<usize> {
        pick.checked_rem(self.live.len())
    }

    fn remove(&mut self, pick: usize) -> Option<(*mut u8, Vec<u8>)> {
        let (block, content) = self.live.swap_remove(self.pick(pick)?);
        self.gone.insert(block);
        Some((block, content))
    }

    fn pick_gone(&self, pick: usize) -> Option<*mut u8> {
        let nth = pick.checked_rem(self.gone.len())?;
        self.gone.iter().nth(nth).copied()
    }

    fn check(&self, heap: &Heap, module: Module) {
        let mut ranges: Vec<_> = Vec::new();
        for (block, content) in &self.live {
            assert_eq!(&module.read(*block, content.len()), content);
            ranges.push((block.addr(), block.addr() + content.len().max(1)));
        }
        ranges.sort_unstable();
        assert!(ranges.windows(2).all(|pair| pair[0].1 <= pair[1].0), "blocks overlap");
        let ledger = heap.ledger();
        assert_eq!(ledger.live_blocks, self.live.len() as u64);
        assert_eq!(ledger.live_bytes, self.bytes() as u64);
        assert_eq!(ledger.peak_bytes, self.peak as u64);
        assert_eq!(ledger.refused.total(), self.refused);
        assert_eq!(ledger.calls, self.calls);
        assert_eq!((ledger.damaged.total(), ledger.live.len()), (0, self.live.len().min(64)));
    }

    fn run(&mut self, op: &Op, heap: &Heap, module: Module) {
        match *op {
            Op::Alloc(size) => {
                self.calls += 1;
                self.add(module.alloc(size), vec![0; size]);
            }
            Op::ReAlloc(pick, size) => self.realloc(pick, size, module),
            Op::Free(pick) => {
                let block = self.remove(pick).map(|(block, _)| block).unwrap_or_default();
                self.calls += 1;
                module.free(block);
            }
            Op::Write(pick, value) => {
                if let Some(at) = self.pick(pick) {
                    let (block, content) = &mut self.live[at];
                    content.fill(value);
                    module.write(*block, content);
                }
            }
            Op::Take(pick, len) => self.take(pick, len, heap),
            Op::Release(pick) => {
                let block = self.remove(pick).map(|(block, _)| block).unwrap_or_default();
                assert_eq!(heap.release(block), Ok(()));
            }
            Op::Give(ref bytes) => self.add(heap.give(bytes).expect("memory").as_ptr(), bytes.clone()),
            _ => self.run_wrong(op, module),
        }
    }

    fn realloc(&mut self, pick: usize, size: usize, module: Module) {
        let (old, mut content) = self.remove(pick).unwrap_or_default();
        self.calls += 1;
        let new = module.realloc(old, size);
        content.resize(size, 0);
        self.add(new, content);
    }

    fn take(&mut self, pick: usize, len: usize, heap: &Heap) {
        let Some(at) = self.pick(pick) else { return };
        if len > self.live[at].1.len() {
            assert!(heap.take(self.live[at].0, len).is_err());
            return;
        }
        let (block, content) = self.remove(pick).expect("picked");
        assert_eq!(heap.take(block, len).expect("a block").as_slice(), &content[..len]);
    }

    fn run_wrong(&mut self, op: &Op, module: Module) {
        let mut on_stack = 0x55u8;
        let wrong = match *op {
            Op::FreeInside(pick, by) => self.pick(pick).map(|at| self.live[at].0.wrapping_add(by)),
            Op::FreeGone(pick) | Op::ReAllocGone(pick, _) => self.pick_gone(pick),
            _ => Some(&raw mut on_stack),
        };
        // The inside of one block may be the beginning of the next.
        let Some(wrong) = wrong.filter(|wrong| self.live.iter().all(|(block, _)| block != wrong)) else {
            return;
        };
        self.calls += 1;
        self.refused += 1;
        match *op {
            Op::ReAllocGone(_, size) => assert!(module.realloc(wrong, size).is_null()),
            _ => module.free(wrong),
        }
        assert_eq!(on_stack, 0x55);
    }
}

fn follow(mode: Mode, ops: &[Op]) {
    let (heap, module) = lent(mode);
    let mut model = Model::default();
    for op in ops {
        model.run(op, &heap, module);
        model.check(&heap, module);
    }
    while let Some((block, _)) = model.remove(0) {
        model.calls += 1;
        module.free(block);
    }
    model.check(&heap, module);
}

fn cases(number: u32) -> ProptestConfig {
    let cases = if cfg!(miri) { 2 } else { number };
    // Miri has no files to remember failures in.
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

const LONGEST: usize = if cfg!(miri) { 30 } else { 120 };

proptest! {
    #![proptest_config(cases(100))]

    #[test]
    fn plain_is_as_the_model(ops in proptest::collection::vec(op(), 0..LONGEST)) {
        follow(Mode::Plain, &ops);
    }
}

proptest! {
    #![proptest_config(cases(25))]

    #[test]
    fn checked_is_as_the_model(ops in proptest::collection::vec(op(), 0..LONGEST)) {
        follow(Mode::Checked, &ops);
    }

    #[test]
    fn moving_is_as_the_model(ops in proptest::collection::vec(op(), 0..LONGEST)) {
        follow(Mode::Faulty(FaultPlan { always_move: true, ..FaultPlan::default() }), &ops);
    }
}
