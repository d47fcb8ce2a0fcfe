//! Medians, of times and of differences, and how sure they are.

use std::time::Instant;

/// The time of one call, in nanoseconds.
pub(crate) fn time(work: impl FnOnce()) -> f64 {
    let begun = Instant::now();
    work();
    begun.elapsed().as_nanos() as f64
}

/// The middle one.
pub(crate) fn median(values: &[f64]) -> f64 {
    sorted(values)[values.len() / 2]
}

/// The median of the differences of what was measured in turns, with the bounds that hold it in 95 of 100
/// cases. They are order statistics (the binomial distribution's normal approximation), so outliers do not
/// move them.
pub(crate) fn difference(of: &[f64], above: &[f64]) -> [f64; 3] {
    let differences: Vec<f64> = of.iter().zip(above).map(|(one, other)| one - other).collect();
    let sorted = sorted(&differences);
    let (count, middle) = (sorted.len() as f64, sorted.len() / 2);
    let reach = (1.96 * count.sqrt() / 2.0).ceil() as usize;
    [sorted[middle.saturating_sub(reach)], sorted[middle], sorted[(middle + reach).min(sorted.len() - 1)]]
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

/// Nanoseconds as microseconds, to a hundredth.
pub(crate) fn microseconds(nanoseconds: f64) -> f64 {
    (nanoseconds / 10.0).round() / 100.0
}
