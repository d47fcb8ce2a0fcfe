//! The slots: who owns which triple of callbacks, and how a call finds the stripe that answers it.

use std::cell::Cell;
use std::collections::VecDeque;
use std::ptr::{NonNull, null_mut};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{LazyLock, Mutex, MutexGuard, OnceLock, PoisonError};

use zeroize::Zeroizing;

use crate::account::Call;
use crate::arena::{Arena, Guard, Lock, Place, arena};
use crate::callbacks::{OVERFLOW, POOL};
use crate::functions;
use crate::heap::{BlockError, Entered};
use crate::ledger::{IncidentKind, Ledger};
use crate::mode::{FaultPlan, Mode};
use crate::stripe::{Home, Lent, Refusal, Spot, Stripe};

/// How many stripes a slot has.
const STRIPES: u8 = 8;

/// So many collisions of callbacks spread a slot's calls over all its stripes.
const COLLISIONS: u32 = 32;

/// The slots in use, now or before. A slot is never taken down: a late call finds it closed.
static SLOTS: [OnceLock<Slot>; POOL + 1] = [const { OnceLock::new() }; POOL + 1];

/// The slots without an owner. The one that has been idle longest is taken next, so that late calls
/// rarely meet a new owner.
static IDLE: LazyLock<Mutex<VecDeque<usize>>> = LazyLock::new(|| Mutex::new((0..POOL).collect()));

/// How many heaps share the overflow.
static SHARERS: Mutex<usize> = Mutex::new(0);

/// See [`late_calls`].
static LATE: AtomicU64 = AtomicU64::new(0);

static THREADS: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// This thread's number plus one; zero while it has none.
    static THREAD: Cell<usize> = const { Cell::new(0) };
}

/// What belongs to one triple of callbacks.
#[derive(Debug)]
struct Slot {
    index: usize,
    arena: &'static Arena,
    stripes: Box<[Lock<Stripe>; STRIPES as usize]>,
    /// The card function that runs.
    function: AtomicU8,
    /// The calls are spread over the stripes.
    spread: AtomicBool,
    collisions: AtomicU32,
    /// Which owner this is; a guard of an earlier one changes nothing.
    term: AtomicU64,
    faulty: AtomicBool,
    /// The allocating calls so far, while faulty.
    attempts: AtomicU64,
    mode: Mutex<Mode>,
}

/// The right to a slot's callbacks.
#[derive(Debug)]
pub(crate) struct Lease {
    slot: usize,
}

impl Lease {
    pub(crate) fn take(mode: Mode) -> Self {
        let idle = locked(&IDLE).pop_front();
        if let Some(slot) = idle {
            open(slot, mode);
            return Self { slot };
        }
        let mut sharers = locked(&SHARERS);
        if *sharers == 0 {
            open(OVERFLOW, Mode::Plain);
        }
        *sharers += 1;
        Self { slot: OVERFLOW }
    }

    pub(crate) fn slot(&self) -> usize {
        self.slot
    }

    fn get(&self) -> Option<&'static Slot> {
        SLOTS[self.slot].get()
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if self.slot != OVERFLOW {
            close(self.slot);
            locked(&IDLE).push_back(self.slot);
            return;
        }
        let mut sharers = locked(&SHARERS);
        *sharers -= 1;
        if *sharers == 0 {
            close(OVERFLOW);
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn open(index: usize, mode: Mode) {
    // Without an arena there is no slot, and every callback answers NULL.
    let Some(arena) = arena() else { return };
    let slot = SLOTS[index].get_or_init(|| {
        let home = |stripe| Home { arena, slot: index as u8, stripe };
        let stripes = std::array::from_fn(|stripe| Lock::new(Stripe::new(home(stripe as u8))));
        Slot::new(index, arena, Box::new(stripes))
    });
    let plan = plan(mode);
    let checked = mode == Mode::Checked || plan.is_some_and(|plan| plan.checked);
    slot.term.fetch_add(1, Ordering::Relaxed);
    slot.function.store(functions::NONE, Ordering::Relaxed);
    slot.spread.store(false, Ordering::Relaxed);
    slot.collisions.store(0, Ordering::Relaxed);
    slot.attempts.store(0, Ordering::Relaxed);
    slot.faulty.store(plan.is_some(), Ordering::Relaxed);
    *locked(&slot.mode) = mode;
    slot.stripes.iter().for_each(|stripe| stripe.lock().open(checked));
}

fn close(index: usize) {
    if let Some(slot) = SLOTS[index].get() {
        slot.stripes.iter().for_each(|stripe| stripe.lock().close());
    }
}

fn plan(mode: Mode) -> Option<FaultPlan> {
    match mode {
        Mode::Faulty(plan) => Some(plan),
        Mode::Plain | Mode::Checked => None,
    }
}

impl Slot {
    fn new(index: usize, arena: &'static Arena, stripes: Box<[Lock<Stripe>; STRIPES as usize]>) -> Self {
        Self {
            index,
            arena,
            stripes,
            function: AtomicU8::new(functions::NONE),
            spread: AtomicBool::new(false),
            collisions: AtomicU32::new(0),
            term: AtomicU64::new(0),
            faulty: AtomicBool::new(false),
            attempts: AtomicU64::new(0),
            mode: Mutex::default(),
        }
    }

    /// The stripe that lends to this thread.
    #[inline(always)]
    fn stripe(&self) -> Guard<'_, Stripe> {
        if self.spread.load(Ordering::Relaxed) {
            return self.stripes[thread_number() % usize::from(STRIPES)].lock();
        }
        self.stripes[0].try_lock().unwrap_or_else(|| self.collide())
    }

    #[cold]
    fn collide(&self) -> Guard<'_, Stripe> {
        if self.collisions.fetch_add(1, Ordering::Relaxed) >= COLLISIONS {
            self.spread.store(true, Ordering::Relaxed);
        }
        self.stripes[0].lock()
    }

    /// What the table says of an address, and the stripe that knows it; or the first stripe, which
    /// will refuse it.
    #[inline(always)]
    fn stripe_of(&self, address: usize) -> (Guard<'_, Stripe>, Place) {
        match self.arena.find(address) {
            place @ Place::Owned { owner, .. } if usize::from(owner.slot) == self.index => {
                (self.stripes[usize::from(owner.stripe % STRIPES)].lock(), place)
            }
            // Another context's block: that it is one is none of this context's business.
            Place::Owned { .. } => (self.stripes[0].lock(), Place::Nowhere),
            place => (self.stripes[0].lock(), place),
        }
    }

    #[inline(always)]
    fn running(&self) -> u8 {
        self.function.load(Ordering::Relaxed)
    }

    /// Whether the plan wants this allocating call to fail.
    #[inline(always)]
    fn fails(&self) -> bool {
        self.faulty.load(Ordering::Relaxed) && self.plan_fails()
    }

    #[cold]
    fn plan_fails(&self) -> bool {
        let nth = self.attempts.fetch_add(1, Ordering::Relaxed) + 1;
        plan(*locked(&self.mode)).is_some_and(|plan| plan.fails(nth))
    }

    #[cold]
    fn must_move(&self) -> bool {
        plan(*locked(&self.mode)).is_some_and(|plan| plan.always_move)
    }

    #[inline(always)]
    fn lend(&self, stripe: &mut Stripe, size: usize) -> *mut u8 {
        let lent = if self.fails() { None } else { stripe.lend(size, self.running()) };
        answer(stripe, lent)
    }
}

fn thread_number() -> usize {
    THREAD.with(|number| {
        if number.get() == 0 {
            number.set(THREADS.fetch_add(1, Ordering::Relaxed) + 1);
        }
        number.get()
    })
}

#[inline(always)]
fn answer(stripe: &mut Stripe, lent: Option<Lent>) -> *mut u8 {
    match lent {
        Some(lent) => lent.address.as_ptr(),
        None => {
            stripe.account.failed();
            null_mut()
        }
    }
}

#[cold]
fn late<T>(answer: T) -> T {
    LATE.fetch_add(1, Ordering::Relaxed);
    answer
}

/// `PFN_CSP_ALLOC`.
pub(crate) fn alloc(slot: usize, size: usize) -> *mut u8 {
    let Some(slot) = SLOTS[slot].get() else { return late(null_mut()) };
    let mut stripe = slot.stripe();
    if !stripe.open {
        return late(null_mut());
    }
    stripe.account.called(Call::Alloc, slot.running());
    slot.lend(&mut stripe, size)
}

/// `PFN_CSP_REALLOC`.
pub(crate) fn realloc(slot: usize, block: *mut u8, size: usize) -> *mut u8 {
    let Some(slot) = SLOTS[slot].get() else { return late(null_mut()) };
    let (mut stripe, place) =
        if block.is_null() { (slot.stripe(), Place::Nowhere) } else { slot.stripe_of(block.addr()) };
    if !stripe.open {
        return late(null_mut());
    }
    let running = slot.running();
    stripe.account.called(Call::ReAlloc, running);
    if block.is_null() {
        return slot.lend(&mut stripe, size);
    }
    match stripe.find(block.addr(), place, Call::ReAlloc) {
        Ok(spot) => {
            let must_move = slot.faulty.load(Ordering::Relaxed) && slot.must_move();
            let lent = if slot.fails() { None } else { stripe.resize(spot, size, must_move, running) };
            answer(&mut stripe, lent)
        }
        Err(refusal) => {
            refuse(&mut stripe, refusal, Call::ReAlloc, running);
            answer(&mut stripe, None)
        }
    }
}

/// `PFN_CSP_FREE`.
pub(crate) fn free(slot: usize, block: *mut u8) {
    let Some(slot) = SLOTS[slot].get() else { return late(()) };
    let (mut stripe, place) = slot.stripe_of(block.addr());
    if !stripe.open {
        return late(());
    }
    let running = slot.running();
    stripe.account.called(Call::Free, running);
    if block.is_null() {
        return;
    }
    match stripe.find(block.addr(), place, Call::Free) {
        Ok(spot) => stripe.take_back(spot, Call::Free, running),
        Err(refusal) => refuse(&mut stripe, refusal, Call::Free, running),
    }
}

#[cold]
fn refuse(stripe: &mut Stripe, refusal: Refusal, call: Call, running: u8) {
    stripe.account.incident(refusal.kind, call, running, refusal.allocated_in);
}

/// See [`Heap::take`](crate::Heap::take).
pub(crate) fn take(lease: &Lease, block: *mut u8, len: usize) -> Result<Zeroizing<Vec<u8>>, BlockError> {
    if block.is_null() {
        return Err(BlockError::Null { len });
    }
    let slot = lease.get().ok_or(BlockError::Foreign)?;
    let (mut stripe, spot) = find(slot, block, Call::Take)?;
    let have = stripe.len(spot);
    if have < len {
        return Err(BlockError::TooShort { have, wanted: len });
    }
    let copy = stripe.read(spot, len);
    stripe.take_back(spot, Call::Take, slot.running());
    Ok(copy)
}

/// See [`Heap::release`](crate::Heap::release).
pub(crate) fn release(lease: &Lease, block: *mut u8) -> Result<(), BlockError> {
    let slot = lease.get().ok_or(BlockError::Foreign)?;
    let (mut stripe, spot) = find(slot, block, Call::Release)?;
    stripe.take_back(spot, Call::Release, slot.running());
    Ok(())
}

fn find(
    slot: &'static Slot,
    block: *mut u8,
    call: Call,
) -> Result<(Guard<'static, Stripe>, Spot), BlockError> {
    let (mut stripe, place) = slot.stripe_of(block.addr());
    match stripe.find(block.addr(), place, call) {
        Ok(spot) => Ok((stripe, spot)),
        Err(refusal) => {
            refuse(&mut stripe, refusal, call, slot.running());
            Err(match refusal.kind {
                IncidentKind::Foreign => BlockError::Foreign,
                _ => BlockError::Stale,
            })
        }
    }
}

/// See [`Heap::give`](crate::Heap::give).
pub(crate) fn give(lease: &Lease, bytes: &[u8]) -> Option<NonNull<u8>> {
    let slot = lease.get()?;
    let mut stripe = slot.stripe();
    let lent = stripe.lend(bytes.len(), slot.running())?;
    stripe.write(lent.spot, bytes);
    Some(lent.address)
}

/// See [`Heap::ledger`](crate::Heap::ledger).
pub(crate) fn ledger(lease: &Lease) -> Ledger {
    let mut ledger = Ledger { shared_overflow: lease.slot == OVERFLOW, ..Ledger::default() };
    if let Some(slot) = lease.get() {
        ledger.mode = *locked(&slot.mode);
        slot.stripes.iter().for_each(|stripe| stripe.lock().add_to(&mut ledger));
    }
    ledger
}

/// See [`Heap::enter`](crate::Heap::enter).
pub(crate) fn enter(lease: &Lease, function: &'static str) -> Entered {
    let number = functions::number(function);
    let (term, previous) = lease.get().map_or((0, functions::NONE), |slot| {
        (slot.term.load(Ordering::Relaxed), slot.function.swap(number, Ordering::Relaxed))
    });
    Entered { slot: lease.slot, term, previous }
}

/// Ends what [`enter`] began.
pub(crate) fn leave(entered: &Entered) {
    if let Some(slot) = SLOTS[entered.slot].get()
        && slot.term.load(Ordering::Relaxed) == entered.term
    {
        slot.function.store(entered.previous, Ordering::Relaxed);
    }
}

/// See [`crate::late_calls`].
pub(crate) fn late_calls() -> u64 {
    LATE.load(Ordering::Relaxed)
}
