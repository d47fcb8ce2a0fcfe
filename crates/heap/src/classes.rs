//! The size classes: which capacity a length gets. Four steps to a doubling, so at most a fifth of a
//! block is unused beyond 128 bytes.

use crate::arena::UNIT;

/// The longest block that shares a span with others.
pub(crate) const LONGEST_SHARED: usize = 32 * 1024;

/// The classes up to [`LONGEST_SHARED`].
pub(crate) const COUNT: usize = 8 + 4 * 8;

/// The class of a length from 1 to [`LONGEST_SHARED`].
#[inline]
pub(crate) fn of(len: usize) -> usize {
    if len <= 128 {
        return len.saturating_sub(1) / 16;
    }
    let last = len - 1;
    let exponent = last.ilog2() as usize;
    8 + (exponent - 7) * 4 + ((last >> (exponent - 2)) & 3)
}

/// The capacity of a class in bytes, a multiple of 16.
#[inline]
pub(crate) fn capacity(class: usize) -> usize {
    if class < 8 {
        return (class + 1) * 16;
    }
    let (doubling, step) = ((class - 8) / 4, (class - 8) % 4);
    (5 + step) << (doubling + 5)
}

/// The units of a span of a class.
pub(crate) fn span_units(class: usize) -> u32 {
    if capacity(class) <= 8 * 1024 { 1 } else { 4 }
}

/// The units for a block that has a span of its own; `None` for a length that cannot be.
pub(crate) fn own_units(len: usize) -> Option<u32> {
    let units = u32::try_from(len.div_ceil(UNIT).max(1)).ok()?;
    if units <= 4 {
        return Some(units);
    }
    let step = 1u32 << (units.ilog2() - 2);
    units.checked_next_multiple_of(step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_gets_the_smallest_class_that_holds_it() {
        let mut before = 0;
        for class in 0..COUNT {
            let capacity = capacity(class);
            assert!(capacity > before && capacity.is_multiple_of(16), "class {class}: {capacity}");
            assert_eq!(of(before + 1), class);
            assert_eq!(of(capacity), class);
            assert!(span_units(class) as usize * UNIT / capacity >= 8);
            before = capacity;
        }
        assert_eq!(before, LONGEST_SHARED);
    }

    #[test]
    fn a_long_block_wastes_at_most_a_quarter() {
        for len in [1, UNIT, UNIT + 1, 5 * UNIT, 1 << 20, (1 << 20) + 1, 100 << 20] {
            let units = own_units(len).expect("units") as usize;
            assert!(units * UNIT >= len);
            assert!(len <= 4 * UNIT || units * UNIT <= len + len / 4 + UNIT, "{len}: {units}");
        }
        #[cfg(target_pointer_width = "64")]
        assert_eq!(own_units(usize::MAX), None);
    }
}
