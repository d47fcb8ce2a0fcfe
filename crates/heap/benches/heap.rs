//! The callbacks against the system's allocator, in the same run: blocks that are zeroed, wiped and
//! given back, and one that grows. The system's side is calloc, a wipe, free. With `single` as its argument:
//! the pairs of a process that never had a second thread.
#![allow(clippy::print_stdout, reason = "it is what the program is for")]

use std::ffi::c_void;
use std::hint::black_box;
use std::sync::Barrier;
use std::time::{Duration, Instant};

use cardmod_heap::{Callbacks, Heap, Mode};
use criterion::{BenchmarkId, Criterion, criterion_group};

const SIZES: [usize; 8] = [16, 64, 256, 512, 1024, 2048, 4096, 16384];
const THREADS: [usize; 4] = [1, 2, 4, 8];
const LARGEST: usize = 1 << 20;

/// One of the two allocators.
#[derive(Clone, Copy)]
enum Side {
    Cardmod(Callbacks),
    System,
}

impl Side {
    fn name(self) -> &'static str {
        match self {
            Self::Cardmod(_) => "cardmod",
            Self::System => "system",
        }
    }

    /// A block that is zeroed, touched, wiped and given back.
    fn pair(self, size: usize) {
        let block = self.alloc(size);
        touch(block);
        self.free(block, size);
    }

    fn alloc(self, size: usize) -> *mut c_void {
        match self {
            // SAFETY:
            // * none is asked of the caller.
            Self::Cardmod(callbacks) => unsafe { (callbacks.alloc)(size) },
            // SAFETY:
            // * none is asked of the caller.
            Self::System => unsafe { libc::calloc(1, size) },
        }
    }

    fn free(self, block: *mut c_void, size: usize) {
        match self {
            // SAFETY:
            // * the block is ours and not used any more.
            Self::Cardmod(callbacks) => unsafe { (callbacks.free)(block) },
            Self::System => {
                wipe(block, 0, size);
                // SAFETY:
                // * the block is from calloc and not used any more.
                unsafe { libc::free(block) };
            }
        }
    }

    /// The same for a block that grows from 1 byte to 1 MiB, by a half each time.
    fn growth(self) {
        let (mut size, mut block) = (1, self.alloc(1));
        while size < LARGEST {
            let next = (size + size / 2 + 1).min(LARGEST);
            block = self.grow(block, size, next);
            touch(block);
            size = next;
        }
        self.free(block, size);
    }

    /// The system's side keeps the promise as one must there: a new block, a copy, a wipe.
    fn grow(self, block: *mut c_void, from: usize, to: usize) -> *mut c_void {
        match self {
            // SAFETY:
            // * the block is ours; only the answer is used from here on.
            Self::Cardmod(callbacks) => unsafe { (callbacks.realloc)(block, to) },
            Self::System => {
                let new = self.alloc(to);
                assert!(!new.is_null() && !block.is_null(), "out of memory");
                // SAFETY:
                // * both blocks have at least `from` bytes and do not overlap.
                unsafe { new.cast::<u8>().copy_from_nonoverlapping(block.cast(), from) };
                self.free(block, from);
                new
            }
        }
    }
}

fn touch(block: *mut c_void) {
    assert!(!block.is_null(), "out of memory");
    // SAFETY:
    // * the block has at least one byte.
    unsafe { block.cast::<u8>().write(1) };
    black_box(block);
}

fn wipe(block: *mut c_void, from: usize, size: usize) {
    // SAFETY:
    // * the block has `size` bytes; `from` is at most that.
    let start = unsafe { block.cast::<u8>().add(from) };
    // SAFETY:
    // * as above.
    unsafe { start.write_bytes(0, size - from) };
    black_box(start);
}

/// Starting the threads must not weigh in where few rounds are asked for.
const LEAST_ROUNDS: u64 = 20_000;

/// The time in which every one of the threads does the work so many times.
fn on_threads(threads: usize, times: u64, work: impl Fn() + Sync) -> Duration {
    let rounds = times.max(LEAST_ROUNDS);
    let start = Barrier::new(threads);
    let turn = || {
        start.wait();
        let begun = Instant::now();
        (0..rounds).for_each(|_| work());
        (begun, Instant::now())
    };
    let turns: Vec<_> = std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(turn)).collect();
        running.into_iter().map(|thread| thread.join().expect("a thread that ends")).collect()
    });
    // From the first that began to the last that ended, whenever the system let them run.
    let begun = turns.iter().map(|(begun, _)| *begun).min();
    let ended = turns.iter().map(|(_, ended)| *ended).max();
    let elapsed = ended.zip(begun).map_or(Duration::ZERO, |(ended, begun)| ended - begun);
    elapsed.mul_f64(times as f64 / rounds as f64)
}

fn pairs(criterion: &mut Criterion) {
    let heap = Heap::new(Mode::Plain);
    for threads in THREADS {
        let mut group = criterion.benchmark_group(format!("pair/{threads} threads"));
        for size in SIZES {
            for side in [Side::System, Side::Cardmod(heap.callbacks())] {
                group.bench_function(BenchmarkId::new(side.name(), size), |bencher| {
                    bencher.iter_custom(|times| on_threads(threads, times, || side.pair(black_box(size))));
                });
            }
        }
    }
}

fn growth(criterion: &mut Criterion) {
    let heap = Heap::new(Mode::Plain);
    let mut group = criterion.benchmark_group("growth to 1 MiB");
    for side in [Side::System, Side::Cardmod(heap.callbacks())] {
        group.bench_function(side.name(), |bencher| bencher.iter(|| side.growth()));
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(100))
        .measurement_time(Duration::from_millis(300));
    targets = pairs, growth
}

/// Pairs in a process that never had a second thread: for it the system's allocator spares its atomic
/// operations. Both sides take turns.
fn single() {
    const TURNS: usize = 401;
    const PAIRS: usize = 2_000;
    let heap = Heap::new(Mode::Plain);
    let sides = [Side::System, Side::Cardmod(heap.callbacks())];
    for size in SIZES {
        let mut times: [Vec<Duration>; 2] = Default::default();
        for turn in 0..TURNS {
            for which in [turn % 2, (turn + 1) % 2] {
                let begun = Instant::now();
                (0..PAIRS).for_each(|_| sides[which].pair(black_box(size)));
                times[which].push(begun.elapsed());
            }
        }
        let [system, cardmod] = times.map(|mut times| {
            times.sort();
            times[TURNS / 2].as_nanos() as f64 / PAIRS as f64
        });
        println!("{size} B: system {system:.1} ns, cardmod {cardmod:.1} ns, ratio {:.2}", cardmod / system);
    }
}

fn main() {
    if std::env::args().any(|argument| argument == "single") {
        // Before criterion, which may start threads.
        return single();
    }
    benches();
    Criterion::default().configure_from_args().final_summary();
}
