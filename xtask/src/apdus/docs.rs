//! The tables in `docs/benchmarks.md`: what stands between two comments is replaced.

use std::path::Path;

/// The document.
const PAGE: &str = "docs/benchmarks.md";

/// Replaces what stands between the comments of these names.
pub(super) fn update(tables: &[(&str, &str)]) -> Result<(), String> {
    let path = crate::workspace_root().join(PAGE);
    let failed = |path: &Path, error: std::io::Error| format!("{}: {error}", path.display());
    let mut page = std::fs::read_to_string(&path).map_err(|error| failed(&path, error))?;
    for (name, text) in tables {
        page = replaced(&page, name, text)?;
    }
    std::fs::write(&path, page).map_err(|error| failed(&path, error))
}

/// The page with another text between two comments.
fn replaced(page: &str, name: &str, text: &str) -> Result<String, String> {
    let (begin, end) = (format!("<!-- apdus {name} -->\n"), format!("<!-- end of apdus {name} -->\n"));
    let place = page.split_once(&begin).and_then(|(before, rest)| Some((before, rest.split_once(&end)?.1)));
    let (before, after) = place.ok_or_else(|| format!("{PAGE} has no place for the tables of {name}"))?;
    Ok(format!("{before}{begin}\n{}\n\n{end}{after}", text.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_between_the_comments_is_replaced_and_nothing_else() {
        let page = "before\n<!-- apdus x -->\nold\n<!-- end of apdus x -->\nafter\n";
        let once = replaced(page, "x", "new\n").unwrap();
        assert_eq!(once, "before\n<!-- apdus x -->\n\nnew\n\n<!-- end of apdus x -->\nafter\n");
        assert_eq!(replaced(&once, "x", "new").unwrap(), once, "again it changes nothing");
        assert!(replaced(page, "y", "new").is_err());
    }
}
