//! The rules of the three callbacks, one by one, and the ledger's numbers.

use std::ptr::null_mut;

use super::{FaultPlan, Mode, lent};
use crate::{BlockError, Heap, IncidentKind, OutOfMemory};

const SIZES: [usize; 12] = [1, 15, 16, 17, 86, 128, 129, 1000, 4096, 8193, 32 * 1024, LARGE];

/// Has a span of its own.
const LARGE: usize = if cfg!(miri) { 33_000 } else { 100_000 };

#[test]
fn blocks_are_aligned_zeroed_and_apart() {
    for mode in [Mode::Plain, Mode::Checked] {
        let (heap, module) = lent(mode);
        for round in 0..2 {
            let blocks: Vec<_> = SIZES.iter().map(|size| (*size, module.alloc(*size))).collect();
            for (size, block) in &blocks {
                assert!(!block.is_null() && block.addr().is_multiple_of(16), "{mode:?} {size} {block:?}");
                assert_eq!(module.read(*block, *size), vec![0; *size], "{mode:?} {size} round {round}");
                module.write(*block, &vec![0xAA; *size]);
            }
            blocks.iter().for_each(|(_, block)| module.free(*block));
        }
        assert!(heap.ledger().is_clean(), "{:?}", heap.ledger());
    }
}

#[test]
fn nothing_is_a_block_too() {
    for mode in [Mode::Plain, Mode::Checked] {
        let (heap, module) = lent(mode);
        let (first, second) = (module.alloc(0), module.alloc(0));
        assert!(!first.is_null() && !second.is_null() && first != second);
        assert_eq!((heap.ledger().live_blocks, heap.ledger().live_bytes), (2, 0));
        module.free(first);
        module.free(second);
        module.free(null_mut());
        let ledger = heap.ledger();
        assert!(ledger.is_clean());
        assert_eq!((ledger.calls, ledger.allocs, ledger.frees), (5, 2, 3));
    }
}

#[test]
fn too_much_is_null_and_harms_nothing() {
    for mode in [Mode::Plain, Mode::Checked] {
        let (heap, module) = lent(mode);
        let block = module.alloc(3);
        module.write(block, b"abc");
        for size in [usize::MAX, usize::MAX - 15, usize::MAX / 2, isize::MAX as usize] {
            assert!(module.alloc(size).is_null());
            assert!(module.realloc(block, size).is_null());
            assert!(module.realloc(null_mut(), size).is_null());
        }
        assert_eq!(module.read(block, 3), b"abc");
        let ledger = heap.ledger();
        assert_eq!((ledger.failed, ledger.live_blocks, ledger.live_bytes), (12, 1, 3));
        assert_eq!(ledger.refused.total(), 0);
        module.free(block);
        assert!(heap.ledger().is_clean());
    }
}

#[test]
fn realloc_keeps_what_fits() {
    for mode in [Mode::Plain, Mode::Checked, moving()] {
        let (heap, module) = lent(mode);
        let mut block = module.realloc(null_mut(), 5);
        module.write(block, b"12345");
        let mut kept = b"12345".to_vec();
        for size in [6, 16, 17, 40, 3, 0, 7, 5000, 33_000, 2 * LARGE, 2 * LARGE + 5000, 100, 2, LARGE] {
            block = module.realloc(block, size);
            kept.resize(size, 0);
            assert!(block.addr().is_multiple_of(16));
            assert_eq!(module.read(block, size), kept, "{mode:?} {size}");
            kept = b"one two three four five ".repeat(size / 24 + 1);
            kept.truncate(size);
            module.write(block, &kept);
        }
        let ledger = heap.ledger();
        assert_eq!(
            (ledger.live_blocks, ledger.live_bytes, ledger.peak_bytes),
            (1, LARGE as u64, 2 * LARGE as u64 + 5000)
        );
        module.free(block);
        assert!(heap.ledger().is_clean());
    }
}

fn moving() -> Mode {
    Mode::Faulty(FaultPlan { always_move: true, ..FaultPlan::default() })
}

#[test]
fn a_block_grows_in_place_within_its_class() {
    let (_heap, module) = lent(Mode::Plain);
    let block = module.alloc(129);
    assert_eq!(module.realloc(block, 160), block);
    assert_eq!(module.realloc(block, 0), block);
    assert_ne!(module.realloc(block, 161), block);
    let (_heap, module) = lent(moving());
    let block = module.alloc(129);
    assert_ne!(module.realloc(block, 160), block);
}

#[test]
fn what_is_given_up_is_wiped() {
    let (_heap, module) = lent(Mode::Plain);
    for size in SIZES {
        let block = module.alloc(size);
        module.write(block, &vec![0x55; size]);
        module.free(block);
        assert_eq!(module.read(block, size), vec![0; size], "freed {size}");

        let block = module.alloc(size);
        module.write(block, &vec![0x55; size]);
        let cut = module.realloc(block, size / 2);
        assert_eq!(module.read(cut, size / 2), vec![0x55; size / 2]);
        let beyond = module.read(block, size).split_off(size / 2);
        assert_eq!(beyond, vec![0; size - size / 2], "cut off {size}");

        let moved = module.realloc(cut, size * 4 + 64);
        assert_ne!(moved, cut);
        assert_eq!(module.read(cut, size / 2), vec![0; size / 2], "abandoned {size}");
        module.free(moved);
    }
}

#[test]
fn the_end_of_a_heap_wipes_what_was_leaked() {
    let (heap, module) = lent(Mode::Plain);
    let blocks = [100, 20_000, 50_000].map(|size| (size, module.alloc(size)));
    for (size, block) in blocks {
        module.write(block, &vec![0x77; size]);
    }
    drop(heap);
    for (size, block) in blocks {
        assert_eq!(module.read(block, size), vec![0; size], "{size}");
    }
}

#[test]
fn pointers_are_refused_by_kind() {
    let (heap, module) = lent(Mode::Plain);
    let (_other, stranger) = lent(Mode::Plain);
    let mut own = [0u8; 64];
    let block = module.alloc(100);
    let large = module.alloc(LARGE);
    let of_another = stranger.alloc(100);
    let foreign = [
        own.as_mut_ptr(),
        std::ptr::without_provenance_mut(16),
        std::ptr::without_provenance_mut(usize::MAX),
        block.wrapping_add(1),
        block.wrapping_add(16),
        block.wrapping_add(112),
        large.wrapping_add(16),
        of_another,
    ];
    for pointer in foreign {
        module.free(pointer);
        assert!(module.realloc(pointer, 8).is_null());
        assert_eq!(heap.take(pointer, 1).map(|_| ()), Err(BlockError::Foreign));
    }
    assert_eq!(heap.ledger().refused.foreign, 3 * foreign.len() as u64);
    assert_eq!(heap.ledger().live_blocks, 2);

    module.free(block);
    module.free(large);
    for pointer in [block, large] {
        module.free(pointer);
        assert!(module.realloc(pointer, 8).is_null());
        assert_eq!(heap.release(pointer), Err(BlockError::Stale));
    }
    let refused = heap.ledger().refused;
    assert_eq!((refused.double, refused.stale), (2, 4));

    let (old, old_large) = (module.alloc(300), module.alloc(LARGE));
    module.realloc(old, 3000);
    module.realloc(old_large, 4 * LARGE);
    module.free(old);
    module.free(old_large);
    let refused = heap.ledger().refused;
    assert_eq!((refused.double, refused.stale), (2, 6));
    assert_eq!(own, [0; 64]);
}

#[test]
fn incidents_name_functions() {
    let (heap, module) = lent(Mode::Plain);
    let block = {
        let _outer = heap.enter("CardReadFile");
        let _inner = heap.enter("CardGetProperty");
        module.alloc(10)
    };
    let _function = heap.enter("CardDeleteContext");
    module.free(block);
    module.free(block);
    let incidents = heap.ledger().incidents;
    assert_eq!(incidents.len(), 1);
    assert_eq!(incidents[0].kind, IncidentKind::Double);
    let told = "PFN_CSP_FREE got a block that was freed before in CardDeleteContext \
                (allocated in CardGetProperty)";
    assert_eq!(incidents[0].to_string(), told);
}

#[test]
fn the_ledger_counts_by_function() {
    let (heap, module) = lent(Mode::Plain);
    let first = module.alloc(1);
    let read = heap.enter("CardReadFile");
    let leaked = module.alloc(1000);
    let sign = heap.enter("CardSignData");
    let grown = module.realloc(module.alloc(10), 20);
    module.free(first);
    drop(sign);
    module.free(module.alloc(5));
    drop(read);
    module.free(grown);

    let ledger = heap.ledger();
    assert_eq!((ledger.calls, ledger.allocs, ledger.reallocs, ledger.frees), (8, 4, 1, 3));
    assert_eq!((ledger.live_blocks, ledger.live_bytes, ledger.peak_bytes), (1, 1000, 1025));
    let by = |name: &str| *ledger.by_function.iter().find(|line| line.function == name).expect("a line");
    let read = by("CardReadFile");
    assert_eq!((read.allocs, read.reallocs, read.frees), (2, 0, 1));
    assert_eq!((read.live_blocks, read.live_bytes), (1, 1000));
    let sign = by("CardSignData");
    assert_eq!((sign.allocs, sign.reallocs, sign.frees, sign.live_blocks), (1, 1, 1, 0));
    assert_eq!((by("").allocs, by("").frees), (1, 1));
    assert_eq!(ledger.live.len(), 1);
    let leak = ledger.live[0];
    assert_eq!((leak.len, leak.function, leak.serial), (1000, "CardReadFile", 2));
    assert!(!ledger.is_clean());
    module.free(leaked);
    assert!(heap.ledger().is_clean());
}

#[test]
fn answers_are_taken_and_given() {
    let (heap, module) = lent(Mode::Plain);
    let block = module.alloc(5);
    module.write(block, b"hello");
    assert_eq!(heap.take(block, 6).err(), Some(BlockError::TooShort { have: 5, wanted: 6 }));
    assert_eq!(heap.take(block, 4).expect("a block").as_slice(), b"hell");
    assert_eq!(heap.take(block, 4).err(), Some(BlockError::Stale));
    assert_eq!(heap.take(null_mut(), 0).expect("nothing").len(), 0);
    assert_eq!(heap.take(null_mut(), 1).err(), Some(BlockError::Null { len: 1 }));
    assert_eq!(heap.release(null_mut()), Ok(()));

    let given = heap.give(b"world").expect("memory");
    assert_eq!(module.read(given.as_ptr(), 5), b"world");
    assert_eq!(heap.ledger().live_blocks, 1);
    module.free(given.as_ptr());
    let given = heap.give(b"").expect("memory");
    assert_eq!(heap.release(given.as_ptr()), Ok(()));
    assert_eq!(heap.ledger().live_blocks, 0);
    assert_eq!(heap.ledger().calls, 2);
    assert_eq!(OutOfMemory.to_string(), "no memory is left for a card module's block");
}

#[test]
fn a_plan_fails_the_call_it_names() {
    let heap = Heap::new(Mode::Faulty(FaultPlan::fail_at(3)));
    let module = super::Module(heap.callbacks());
    let first = module.alloc(4);
    module.write(first, b"keep");
    assert!(!module.alloc(4).is_null());
    assert!(module.realloc(first, 400).is_null());
    assert_eq!(module.read(first, 4), b"keep");
    assert!(!module.realloc(first, 400).is_null());
    assert_eq!((heap.ledger().failed, heap.ledger().live_blocks), (1, 2));

    let plan = FaultPlan { and_after: true, ..FaultPlan::fail_at(2) };
    let (heap, module) = lent(Mode::Faulty(plan));
    let block = module.alloc(1);
    assert!(module.alloc(1).is_null() && module.realloc(block, 2).is_null());
    assert!(heap.give(b"the host's own").is_ok());
    assert_eq!(heap.ledger().failed, 2);
}

#[test]
fn a_guard_that_outlives_its_heap_does_no_harm() {
    let (heap, _) = lent(Mode::Plain);
    let guard = heap.enter("CardReadFile");
    drop(heap);
    let (heap, module) = lent(Mode::Plain);
    let _running = heap.enter("CardSignData");
    drop(guard);
    module.alloc(1);
    assert_eq!(heap.ledger().live[0].function, "CardSignData");
}
