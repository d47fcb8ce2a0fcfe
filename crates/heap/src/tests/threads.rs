//! The callbacks from several threads.

use std::sync::atomic::AtomicPtr;
use std::sync::mpsc;

use super::{Mode, lent};

const ROUNDS: usize = if cfg!(miri) { 30 } else { 20_000 };

#[test]
fn threads_share_a_heap() {
    let (heap, module) = lent(Mode::Plain);
    std::thread::scope(|scope| {
        for thread in 0..8usize {
            scope.spawn(move || {
                let mark = thread as u8 + 1;
                let mut kept = Vec::new();
                for round in 0..ROUNDS {
                    let size = (round * 37 + thread * 11) % 600;
                    let block = module.alloc(size);
                    assert_eq!(module.read(block, size), vec![0; size]);
                    module.write(block, &vec![mark; size]);
                    kept.push((block, size));
                    if kept.len() > 8 {
                        let (block, size) = kept.swap_remove(round % kept.len());
                        let block = module.realloc(block, size / 2);
                        assert_eq!(module.read(block, size / 2), vec![mark; size / 2]);
                        module.free(block);
                    }
                }
                kept.into_iter().for_each(|(block, _)| module.free(block));
            });
        }
    });
    let ledger = heap.ledger();
    assert!(ledger.is_clean(), "{ledger:?}");
    assert_eq!(ledger.allocs, 8 * ROUNDS as u64);
    assert_eq!(ledger.allocs, ledger.frees);
    assert!(ledger.peak_bytes >= 8 * 8 * 100 && ledger.failed == 0);
}

#[test]
fn a_block_is_freed_by_another_thread_and_once() {
    let (heap, module) = lent(Mode::Plain);
    // An atomic pointer is one that may be sent.
    let (send, receive) = mpsc::channel::<AtomicPtr<u8>>();
    let blocks: Vec<*mut u8> = (0..ROUNDS).map(|_| module.alloc(64)).collect();
    std::thread::scope(|scope| {
        scope.spawn(move || receive.into_iter().for_each(|block| module.free(block.into_inner())));
        for block in blocks {
            send.send(AtomicPtr::new(block)).expect("a receiver");
            module.free(block);
        }
        drop(send);
    });
    let ledger = heap.ledger();
    assert_eq!((ledger.live_blocks, ledger.frees), (0, 2 * ROUNDS as u64));
    assert_eq!(ledger.refused.double, ROUNDS as u64);
}
