//! The table: a row for each task and program, the total first, then what the commands were for.

use super::Count;
use cardmod_interop::traffic::{Kind, columns};

/// The counts as text, in the order of the tasks: aligned for people, or as Markdown.
pub(super) fn render(title: &str, order: &[&str], counts: &[Count], markdown: bool) -> String {
    let mut rows = vec![header()];
    for operation in order {
        rows.extend(counts.iter().filter(|count| count.operation == *operation).map(row));
    }
    if markdown {
        format!("#### {title}\n\n{}", in_markdown(&rows))
    } else {
        format!("{title}\n\n{}", aligned(&rows))
    }
}

fn header() -> Vec<String> {
    let kinds = Kind::ALL.iter().map(|kind| kind.title());
    ["task", "through", "APDUs", "bytes"].into_iter().chain(kinds).map(str::to_owned).collect()
}

fn row(count: &Count) -> Vec<String> {
    let mut cells = vec![count.operation.to_owned(), count.through.to_owned()];
    match &count.sent {
        Err(reason) => {
            cells.extend([(*reason).to_owned(), String::new()]);
            cells.extend(Kind::ALL.map(|_| String::new()));
        }
        Ok(sent) => {
            cells.push(sent.len().to_string());
            cells.push(sent.iter().map(|exchange| exchange.bytes).sum::<usize>().to_string());
            cells.extend(columns(sent).map(|count| count.to_string()));
        }
    }
    cells
}

fn in_markdown(rows: &[Vec<String>]) -> String {
    let mut lines: Vec<String> = rows.iter().map(|cells| format!("| {} |\n", cells.join(" | "))).collect();
    let columns = rows.first().map_or(0, Vec::len);
    lines.insert(1, format!("|---|---|{}\n", "--:|".repeat(columns.saturating_sub(2))));
    lines.concat()
}

fn aligned(rows: &[Vec<String>]) -> String {
    let columns = rows.first().map_or(0, Vec::len);
    let width = |column: usize| rows.iter().map(|cells| cells[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |cells: &Vec<String>| {
        let padded: Vec<String> =
            cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        padded.join("  ").trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use cardmod_interop::traffic::Exchange;

    const SIGN: &str = "sign with PIN, new process";
    const LIST: &str = "list two certificates, new process";
    const ORDER: [&str; 2] = [LIST, SIGN];

    fn counts() -> [Count; 2] {
        let sent =
            vec![Exchange { kind: Kind::Discovery, bytes: 14 }, Exchange { kind: Kind::Key, bytes: 300 }];
        [
            Count { operation: SIGN, through: "other", sent: Err("not installed") },
            Count { operation: LIST, through: "ours", sent: Ok(sent) },
        ]
    }

    #[test]
    fn rows_come_in_the_order_of_the_tasks() {
        let text = render("A card", &ORDER, &counts(), true);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "#### A card");
        assert_eq!(lines[3], "|---|---|--:|--:|--:|--:|--:|--:|--:|--:|");
        assert_eq!(
            lines[4],
            "| list two certificates, new process | ours | 2 | 314 | 1 | 0 | 0 | 0 | 1 | 0 |"
        );
        assert_eq!(lines[5], "| sign with PIN, new process | other | not installed |  |  |  |  |  |  |  |");
    }

    #[test]
    fn people_get_columns() {
        let text = render("A card", &ORDER, &counts(), false);
        assert!(text.lines().all(|line| !line.ends_with(' ')), "{text}");
        assert!(text.contains("process  ours     2              314    1          0"), "{text}");
    }
}
