//! Tables in Markdown.

/// A table: the first column to the left, the others, which are numbers, to the right.
pub(super) fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let mut text = line(&head.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>());
    text.push_str(&format!("|---|{}\n", "--:|".repeat(head.len().saturating_sub(1))));
    rows.iter().for_each(|row| text.push_str(&line(row)));
    text
}

/// Microseconds, with as many digits as say something.
pub(super) fn time(microseconds: f64) -> String {
    match microseconds.abs() {
        small if small < 10.0 => format!("{microseconds:.2} µs"),
        small if small < 1000.0 => format!("{microseconds:.1} µs"),
        _ => format!("{:.2} ms", microseconds / 1000.0),
    }
}

/// A whole number in groups of three.
pub(super) fn grouped(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_markdown() {
        let rows = [vec!["a".to_owned(), "1".to_owned()]];
        assert_eq!(table(&["name", "n"], &rows), "| name | n |\n|---|--:|\n| a | 1 |\n");
    }

    #[test]
    fn numbers_are_readable() {
        assert_eq!(
            [time(1.234), time(-0.5), time(45.67), time(12_345.0)],
            ["1.23 µs", "-0.50 µs", "45.7 µs", "12.35 ms"]
        );
        assert_eq!([grouped(7.0), grouped(1234.4), grouped(1_000_000.0)], ["7", "1,234", "1,000,000"]);
    }
}
