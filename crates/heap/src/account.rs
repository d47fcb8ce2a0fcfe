//! The counts behind a ledger, kept by each stripe under its lock.

use crate::functions;
use crate::ledger::{Damaged, FunctionUse, Incident, IncidentKind, Ledger, Refused};

/// A callback, or the host's own way to a block; see [`Incident::call`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    Alloc,
    ReAlloc,
    Free,
    Take,
    Release,
}

impl Call {
    fn name(self) -> &'static str {
        match self {
            Self::Alloc => "PFN_CSP_ALLOC",
            Self::ReAlloc => "PFN_CSP_REALLOC",
            Self::Free => "PFN_CSP_FREE",
            Self::Take => "the host, taking an answer,",
            Self::Release => "the host, releasing an answer,",
        }
    }
}

/// The counts of one card function.
#[derive(Clone, Copy, Debug, Default)]
struct Use {
    allocs: u64,
    reallocs: u64,
    frees: u64,
    live_blocks: u64,
    live_bytes: u64,
}

/// See the module's page.
#[derive(Debug, Default)]
pub(crate) struct Account {
    /// Empty until the first call.
    uses: Vec<Use>,
    live_bytes: u64,
    peak_bytes: u64,
    failed: u64,
    refused: Refused,
    damaged: Damaged,
    incidents: Vec<Incident>,
}

impl Account {
    #[inline(always)]
    fn of(&mut self, function: u8) -> &mut Use {
        let at = usize::from(function);
        if at >= self.uses.len() {
            self.grow(at);
        }
        &mut self.uses[at]
    }

    #[cold]
    fn grow(&mut self, at: usize) {
        self.uses.resize(functions::LIMIT.max(at + 1), Use::default());
    }

    #[inline(always)]
    pub(crate) fn called(&mut self, call: Call, function: u8) {
        let uses = self.of(function);
        match call {
            Call::Alloc => uses.allocs += 1,
            Call::ReAlloc => uses.reallocs += 1,
            Call::Free => uses.frees += 1,
            Call::Take | Call::Release => {}
        }
    }

    #[inline(always)]
    pub(crate) fn lent(&mut self, function: u8, len: usize) {
        let uses = self.of(function);
        uses.live_blocks += 1;
        uses.live_bytes += len as u64;
        self.live_bytes += len as u64;
        self.peak_bytes = self.peak_bytes.max(self.live_bytes);
    }

    #[inline(always)]
    pub(crate) fn back(&mut self, function: u8, len: usize) {
        let uses = self.of(function);
        uses.live_blocks -= 1;
        uses.live_bytes -= len as u64;
        self.live_bytes -= len as u64;
    }

    pub(crate) fn failed(&mut self) {
        self.failed += 1;
    }

    /// Counts a refusal or damage; `allocated_in` is the function that asked for the block, if known.
    pub(crate) fn incident(
        &mut self,
        kind: IncidentKind,
        call: Call,
        function: u8,
        allocated_in: Option<u8>,
    ) {
        *match kind {
            IncidentKind::Foreign => &mut self.refused.foreign,
            IncidentKind::Double => &mut self.refused.double,
            IncidentKind::Stale => &mut self.refused.stale,
            IncidentKind::Overrun => &mut self.damaged.overrun,
            IncidentKind::WrittenAfterFree => &mut self.damaged.written_after_free,
        } += 1;
        if self.incidents.len() < Ledger::LISTED {
            let allocated_in = allocated_in.map(functions::name);
            let function = functions::name(function);
            self.incidents.push(Incident { kind, call: call.name(), function, allocated_in });
        }
    }

    /// Adds these counts to a ledger.
    pub(crate) fn add_to(&self, ledger: &mut Ledger) {
        ledger.peak_bytes += self.peak_bytes;
        ledger.failed += self.failed;
        ledger.refused.foreign += self.refused.foreign;
        ledger.refused.double += self.refused.double;
        ledger.refused.stale += self.refused.stale;
        ledger.damaged.overrun += self.damaged.overrun;
        ledger.damaged.written_after_free += self.damaged.written_after_free;
        let more = Ledger::LISTED - ledger.incidents.len();
        ledger.incidents.extend(self.incidents.iter().take(more));
        for (number, uses) in (0u8..).zip(&self.uses) {
            ledger.allocs += uses.allocs;
            ledger.reallocs += uses.reallocs;
            ledger.frees += uses.frees;
            ledger.live_blocks += uses.live_blocks;
            ledger.live_bytes += uses.live_bytes;
            uses.add_to(number, &mut ledger.by_function);
        }
        ledger.calls = ledger.allocs + ledger.reallocs + ledger.frees;
    }
}

impl Use {
    fn add_to(&self, number: u8, list: &mut Vec<FunctionUse>) {
        if self.allocs + self.reallocs + self.frees + self.live_blocks == 0 {
            return;
        }
        let function = functions::name(number);
        let at = list.iter().position(|known| known.function == function).unwrap_or_else(|| {
            list.push(FunctionUse { function, ..FunctionUse::default() });
            list.len() - 1
        });
        let sum = &mut list[at];
        sum.allocs += self.allocs;
        sum.reallocs += self.reallocs;
        sum.frees += self.frees;
        sum.live_blocks += self.live_blocks;
        sum.live_bytes += self.live_bytes;
    }
}
