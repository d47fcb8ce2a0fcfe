//! How a heap behaves: as in production, as a checker of modules, or as one that fails on purpose.

/// How the memory of one context behaves; chosen when its [`Heap`](crate::Heap) is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mode {
    /// Production: every pointer is checked before it is touched, every block is zeroed when lent and
    /// wiped when given back.
    #[default]
    Plain,
    /// Plain, and each block lies against a page that cannot be touched, is poisoned and kept out of
    /// reuse for a while after it was freed, and always moves when it is reallocated. A module
    /// that writes past a block's end, or uses it after freeing it, dies at that very instruction.
    Checked,
    /// For tests of modules: memory runs out when the plan says so.
    Faulty(FaultPlan),
}

/// When a [`Mode::Faulty`] heap fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FaultPlan {
    /// The call that is answered with NULL, counted from 1 over `PFN_CSP_ALLOC` and
    /// `PFN_CSP_REALLOC` together. `None`: none fails.
    pub fail_at: Option<u64>,
    /// Every call after `fail_at` fails as well, as when memory is really used up.
    pub and_after: bool,
    /// Every `PFN_CSP_REALLOC` moves the block, even where it could grow or shrink in place.
    pub always_move: bool,
    /// The blocks are those of [`Mode::Checked`].
    pub checked: bool,
}

impl FaultPlan {
    /// The `n`-th allocating call fails, counted from 1; no other does.
    #[must_use]
    pub fn fail_at(n: u64) -> Self {
        Self { fail_at: Some(n), ..Self::default() }
    }

    /// Whether the `n`-th allocating call fails.
    #[must_use]
    pub fn fails(&self, n: u64) -> bool {
        match self.fail_at {
            Some(at) if self.and_after => n >= at,
            Some(at) => n == at,
            None => false,
        }
    }
}
