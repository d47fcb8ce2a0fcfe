//! One line: time (UTC), process and thread, the host's handles, text.

use core::fmt::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::boundary::CardHandles;
use crate::log::system;

/// Appends a line, with its end.
pub(super) fn push(lines: &mut String, handles: CardHandles, text: &str) {
    push_time(lines, SystemTime::now());
    let (process, thread) = (std::process::id(), system::thread_id());
    let CardHandles { context, card } = handles;
    // Writing to a string does not fail.
    let _ = writeln!(lines, " {process}:{thread} ctx={context:x} card={card:x} {text}");
}

/// RFC 3339 with microseconds.
fn push_time(line: &mut String, time: SystemTime) {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let (days, second) = (since.as_secs() / 86_400, since.as_secs() % 86_400);
    let (year, month, day) = civil(days);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    let micros = since.subsec_micros();
    let _ = write!(line, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}Z");
}

/// Year, month and day of a number of days since 1970-01-01, in the Gregorian calendar. Years begin in March
/// here, so that the leap day is the last of its year.
const fn civil(days: u64) -> (u64, u64, u64) {
    const ERA: u64 = 146_097; // days of 400 years
    let days = days + 719_468; // since 0000-03-01
    let (era, day) = (days / ERA, days % ERA);
    let year = (day - day / 1460 + day / 36_524 - day / (ERA - 1)) / 365;
    let day_of_year = day - (365 * year + year / 4 - year / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = era * 400 + year + (month <= 2) as u64;
    (year, month, day_of_year - (153 * shifted + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn times_are_those_of_the_calendar() {
        for (seconds, expected) in [
            (0, "1970-01-01T00:00:00.000000Z"),
            (951_782_399, "2000-02-28T23:59:59.000000Z"),
            (951_782_400, "2000-02-29T00:00:00.000000Z"),
            (951_868_800, "2000-03-01T00:00:00.000000Z"),
            (1_704_067_199, "2023-12-31T23:59:59.000000Z"),
            (4_107_542_400, "2100-03-01T00:00:00.000000Z"),
        ] {
            let mut line = String::new();
            push_time(&mut line, UNIX_EPOCH + Duration::from_secs(seconds));
            assert_eq!(line, expected);
        }
    }

    #[test]
    fn a_line_names_process_thread_and_handles() {
        let mut line = String::new();
        push(&mut line, CardHandles { context: 0x1A, card: 0x2B }, "text");
        let own = format!("Z {}:{} ctx=1a card=2b text\n", std::process::id(), system::thread_id());
        assert!(line.ends_with(&own), "{line}");
        assert_eq!(line.len(), "1970-01-01T00:00:00.000000".len() + own.len());
    }
}
