//! How `CARD_DATA` grew from version 4 to version 7, said once.
//!
//! `CARD_DATA` carries no size; its `dwVersion` is the only clue to how much of it a caller has
//! allocated. A module must not touch anything beyond the version that was asked for, and fills
//! exactly the prefix of the version it answers.

use crate::card_data::MEMBERS;

/// The lowest version of the interface.
pub const LOWEST: u32 = crate::CARD_DATA_VERSION_FOUR;
/// The highest version of the interface.
pub const HIGHEST: u32 = crate::CARD_DATA_VERSION_SEVEN;

/// Who writes a member of `CARD_DATA`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetBy {
    /// The host, before `CardAcquireContext` (handles and cache callbacks later too).
    Host,
    /// The module, during `CardAcquireContext`.
    Module,
    /// Nobody; NULL.
    Reserved,
}

/// A member of `CARD_DATA`.
#[derive(Clone, Copy, Debug)]
pub struct Member {
    /// Its name.
    pub name: &'static str,
    /// Its type as spelled in the header.
    pub ty: &'static str,
    /// The version that brought it.
    pub since: u32,
    /// Who writes it.
    pub set_by: SetBy,
    /// Where it begins, in bytes on this target.
    pub offset: usize,
    /// Its size, in bytes on this target.
    pub size: usize,
}

/// The members of a version's `CARD_DATA`, in order.
pub fn members(version: u32) -> impl Iterator<Item = &'static Member> {
    MEMBERS.iter().filter(move |member| member.since <= version)
}

/// The bytes of a version's `CARD_DATA`, all members included; `None` for a version the interface
/// does not have.
///
/// ```
/// # #[cfg(target_pointer_width = "64")] {
/// use cardmod_sys::version::size_of_card_data;
/// assert_eq!([4, 5, 6, 7, 8].map(size_of_card_data), [Some(328), Some(352), Some(416), Some(504), None]);
/// # }
/// ```
#[must_use]
pub const fn size_of_card_data(version: u32) -> Option<usize> {
    if version < LOWEST || version > HIGHEST {
        return None;
    }
    let mut end = 0;
    let mut at = 0;
    while at < MEMBERS.len() {
        let member = &MEMBERS[at];
        if member.since <= version {
            end = member.offset + member.size;
        }
        at += 1;
    }
    Some(end)
}
