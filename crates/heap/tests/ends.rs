//! The ends of a heap and of the pool. One test alone, since both concern the whole process.

use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, Ordering};

use cardmod_heap::{Callbacks, Heap, Ledger, Mode, late_calls};

#[path = "../src/tests/module.rs"]
mod module;
use module::Module;

const POOL: usize = 128;

#[test]
fn pool_and_heaps_end_well() {
    late_calls_are_refused();
    a_heap_ends_while_it_is_called();
    the_pool_overflows_and_recovers();
}

fn late_calls_are_refused() {
    let heap = Heap::new(Mode::Plain);
    let module = Module(heap.callbacks());
    let block = module.alloc(10);
    drop(heap);
    let before = late_calls();
    assert!(module.alloc(1).is_null());
    assert!(module.realloc(null_mut(), 1).is_null());
    assert!(module.realloc(block, 1).is_null());
    module.free(block);
    assert_eq!(late_calls(), before + 4);
}

fn a_heap_ends_while_it_is_called() {
    let heap = Heap::new(Mode::Plain);
    let module = Module(heap.callbacks());
    let before = late_calls();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let block = module.alloc(100);
                    module.free(module.realloc(block, 300));
                }
            });
        }
        while heap.ledger().calls < 1000 {
            std::thread::yield_now();
        }
        drop(heap);
        while late_calls() < before + 1000 {
            std::thread::yield_now();
        }
        stop.store(true, Ordering::Relaxed);
    });
    assert!(module.alloc(1).is_null());
}

fn the_pool_overflows_and_recovers() {
    let mut heaps: Vec<Heap> = (0..POOL).map(|_| Heap::new(Mode::Plain)).collect();
    let mut entries: Vec<usize> = heaps.iter().map(|heap| heap.callbacks().alloc as usize).collect();
    entries.sort_unstable();
    entries.dedup();
    assert_eq!(entries.len(), POOL, "every heap has callbacks of its own");
    assert!(heaps.iter().all(|heap| !heap.ledger().shared_overflow));

    let (first, second) = (Heap::new(Mode::Checked), Heap::new(Mode::Plain));
    let modules = [&first, &second].map(|heap| Module(heap.callbacks()));
    let block = modules[0].alloc(7);
    modules[1].free(modules[1].alloc(9));
    for heap in [&first, &second] {
        let Ledger { shared_overflow, mode, live_blocks, allocs, .. } = heap.ledger();
        assert_eq!((shared_overflow, mode, live_blocks, allocs), (true, Mode::Plain, 1, 2));
    }
    drop(first);
    assert_eq!(second.ledger().live_blocks, 1, "the overflow lives as long as one shares it");
    assert_eq!(second.take(block, 7).expect("a block").as_slice(), [0; 7]);
    drop(second);
    let before = late_calls();
    assert!(modules[0].alloc(1).is_null());
    assert_eq!(late_calls(), before + 1);

    heaps.pop();
    let again = Heap::new(Mode::Checked);
    let ledger = again.ledger();
    assert_eq!((ledger.shared_overflow, ledger.mode), (false, Mode::Checked));
    assert_eq!(ledger.calls, 0, "a slot begins with a clean ledger");
}
