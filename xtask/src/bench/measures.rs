//! The measures of `crates/host/benches/measures`, as tables.

use std::path::PathBuf;

use serde_json::Value;

use super::table::{grouped, table, time};
use super::{figure, peer};

/// What one measure printed.
fn measure(name: &str) -> Result<Vec<Value>, String> {
    let mut command = crate::cargo();
    command.args(["bench", "--quiet", "-p", "cardmod-host", "--bench", "measures", "--", name]);
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        return Err(format!(
            "{command:?}: {}\n{text}{}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        ));
    }
    let read = |line: &str| serde_json::from_str(line).map_err(|error| format!("{line:?}: {error}"));
    text.lines().filter(|line| line.starts_with('{')).map(read).collect()
}

fn number(value: &Value) -> Result<f64, String> {
    value.as_f64().ok_or_else(|| format!("{value} is no number"))
}

fn word(value: &Value) -> Result<String, String> {
    value.as_str().map(str::to_owned).ok_or_else(|| format!("{value} is no text"))
}

/// A difference and the bounds around it.
fn difference(value: &Value) -> Result<String, String> {
    let [low, middle, high] = [0, 1, 2].map(|place| number(&value[place]));
    Ok(format!("{} ({} to {})", time(middle?), time(low?), time(high?)))
}

pub(super) fn overhead() -> Result<String, String> {
    let mut text = String::new();
    for found in measure("overhead")? {
        let rows = [
            ("through host and module", &found["host"]),
            ("as one bare APDU", &found["bare"]),
            ("in the crypto library", &found["library"]),
        ];
        let mut cells: Vec<_> = rows
            .iter()
            .map(|(name, value)| Ok(vec![(*name).to_owned(), time(number(value)?)]))
            .collect::<Result<_, String>>()?;
        for (name, value) in [
            ("host and module, above the bare APDU", &found["host above bare"]),
            ("the same with `CardKey` and its lock", &found["signer above bare"]),
            ("PC/SC library and virtual card, above the crypto library", &found["bare above library"]),
            ("two bare APDUs that are the same, one above the other", &found["control"]),
        ] {
            cells.push(vec![name.to_owned(), difference(value)?]);
        }
        let head = format!("{}, {} in turns", word(&found["algorithm"])?, grouped(number(&found["rounds"])?));
        text.push_str(&table(&[&head, "median"], &cells));
        text.push('\n');
    }
    Ok(text)
}

pub(super) fn throughput() -> Result<String, String> {
    let own = measure("throughput")?;
    let peers = peer::softhsm()?;
    let mut rows = Vec::new();
    for found in own {
        let algorithm = word(&found["algorithm"])?;
        let library = number(&found["library"])?;
        let softhsm = peers.iter().find(|peer| peer.algorithm == algorithm).map(|peer| peer.rate);
        let mut row = vec![algorithm];
        for rate in [Some(library), Some(number(&found["card"])?), Some(number(&found["host"])?), softhsm] {
            let rate = rate.map(|rate| format!("{} ({:.2})", grouped(rate), rate / library));
            row.push(rate.unwrap_or_else(|| "not installed".to_owned()));
        }
        rows.push(row);
    }
    Ok(table(&["a second, one thread", "crypto library", "virtual card, APDU", "host", "SoftHSM2"], &rows))
}

pub(super) fn growth(picture: Option<&PathBuf>) -> Result<String, String> {
    let (containers, contexts) = (measure("containers")?, measure("contexts")?);
    if let Some(path) = picture {
        let svg = figure::growth(&containers, &contexts)?;
        std::fs::write(path, svg).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    let mut rows = Vec::new();
    for found in &containers {
        let mut row = vec![number(&found["containers"])?.to_string()];
        for name in ["list cold", "list warm", "sign cold"] {
            let [took, sent] = [0, 1].map(|place| number(&found[name][place]));
            row.push(format!("{} / {}", time(took?), sent?));
        }
        row.push(time(number(&found["sign again"])?));
        rows.push(row);
    }
    let head = ["containers", "list, new session", "list again", "sign, new session", "sign again"];
    let mut text = format!("{}\n", table(&head, &rows));
    let mut rows = Vec::new();
    for found in &contexts {
        let cells = ["open", "sign", "sign again"].map(|name| number(&found[name]).map(time));
        let mut row = vec![number(&found["contexts"])?.to_string()];
        for cell in cells {
            row.push(cell?);
        }
        rows.push(row);
    }
    text.push_str(&table(&["contexts", "open one more", "sign, PIN and all", "sign again"], &rows));
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_show_their_bounds() {
        let value = serde_json::json!([1.5, 2.0, 2.25]);
        assert_eq!(difference(&value).unwrap(), "2.00 µs (1.50 µs to 2.25 µs)");
        assert!(difference(&serde_json::json!(["a"])).is_err());
    }
}
