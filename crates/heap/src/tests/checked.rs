//! Checked blocks. That a touch beyond them kills is shown in `tests/guard.rs`.

use super::{FaultPlan, Mode, lent};

#[test]
fn a_checked_block_ends_at_a_page() {
    let (_heap, module) = lent(Mode::Checked);
    let page = crate::pages::page_size();
    for size in [1, 16, 100, 4096, 5000] {
        let block = module.alloc(size);
        assert!((block.addr() + size.next_multiple_of(16)).is_multiple_of(page), "{size}");
    }
}

#[test]
fn an_overrun_within_the_page_is_found() {
    for (size, at) in [(1usize, 1isize), (17, 17), (100, -1), (32, -5)] {
        let (heap, module) = lent(Mode::Checked);
        let _function = heap.enter("CardReadFile");
        let block = module.alloc(size);
        module.write(block.wrapping_offset(at), &[0]);
        module.free(block);
        let ledger = heap.ledger();
        assert_eq!((ledger.damaged.overrun, ledger.live_blocks), (1, 0), "{size} {at}");
        assert_eq!(ledger.incidents[0].allocated_in, Some("CardReadFile"));
        assert!(!ledger.is_clean());
    }
}

#[test]
fn a_checked_block_always_moves_and_stays_out_of_reuse() {
    let (heap, module) = lent(Mode::Checked);
    let first = module.alloc(20);
    let second = module.realloc(first, 20);
    assert_ne!(first, second);
    module.free(second);
    let later: Vec<_> = (0..50).map(|_| module.alloc(20)).collect();
    assert!(!later.contains(&first) && !later.contains(&second));
    module.free(first);
    module.free(second);
    let refused = heap.ledger().refused;
    assert_eq!((refused.stale, refused.double), (1, 1));
}

#[test]
fn quarantine_ends() {
    let (heap, module) = lent(Mode::Checked);
    let first = module.alloc(20);
    module.free(first);
    let rounds = if cfg!(miri) { 20 } else { 3000 };
    for _ in 0..rounds {
        let block = module.alloc(20);
        module.write(block, b"secret");
        module.free(block);
    }
    let ledger = heap.ledger();
    assert_eq!((ledger.live_blocks, ledger.failed, ledger.damaged.total()), (0, 0, 0));
}

#[test]
fn a_plan_can_be_checked() {
    let plan = FaultPlan { checked: true, ..FaultPlan::fail_at(2) };
    let (heap, module) = lent(Mode::Faulty(plan));
    let block = module.alloc(1);
    module.write(block.wrapping_add(1), &[0]);
    assert!(module.realloc(block, 5).is_null());
    module.free(block);
    assert_eq!((heap.ledger().damaged.overrun, heap.ledger().failed), (1, 1));
}

/// Only where nothing protects pages can a module write to a freed block and live.
#[cfg(miri)]
#[test]
fn a_write_after_free_is_found_at_the_end_of_quarantine() {
    let (heap, module) = lent(Mode::Checked);
    let block = module.alloc(20);
    module.free(block);
    module.write(block, b"late");
    for _ in 0..20 {
        module.free(module.alloc(20));
    }
    assert_eq!(heap.ledger().damaged.written_after_free, 1);
}
