//! Systems that end no thread before the process, and whose libraries leave nothing behind that matters.

/// A number no other living thread has; never 0.
pub(crate) fn thread_token() -> usize {
    super::native::token()
}

/// Whether every other thread of the process was ended where it stood.
pub(crate) fn threads_are_gone() -> bool {
    false
}

/// Nothing has to be linked for its own sake.
pub(crate) fn keep() {}
