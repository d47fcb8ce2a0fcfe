//! `ARCHITECTURE.md` names every crate and justifies every dependency.

use toml::Table;

use super::Report;
use super::manifests::workspace_dependencies;
use super::tree::Tree;

const PAGE: &str = "ARCHITECTURE.md";
/// The heading under which dependencies are justified.
const DEPENDENCIES: &str = "## Dependencies";

pub(super) fn check(tree: &Tree, report: &mut Report) {
    let Some(page) = tree.file(PAGE) else {
        report.violation(PAGE, 1, "is missing");
        return;
    };
    for package in &tree.metadata().packages {
        let folder = tree.relative(package.manifest_path.parent().unwrap_or(&package.manifest_path));
        if !page.text.contains(&format!("`{folder}`")) {
            report.violation(PAGE, 1, format!("does not mention the crate `{folder}`"));
        }
    }
    let manifest = tree.file("Cargo.toml").and_then(|file| file.text.parse::<Table>().ok());
    let line = page.line_of(DEPENDENCIES);
    let section = section(&page.text, DEPENDENCIES);
    for name in manifest.iter().flat_map(workspace_dependencies) {
        let own = tree.metadata().packages.iter().any(|package| package.name.as_str() == name);
        if !own && !section.contains(&format!("`{name}`")) {
            report.violation(PAGE, line, format!("does not say what the dependency `{name}` is for"));
        }
    }
}

/// The text from a heading to the next one of its level.
fn section<'a>(page: &'a str, heading: &str) -> &'a str {
    let Some((_, rest)) = page.split_once(heading) else { return "" };
    rest.find("\n## ").map_or(rest, |end| &rest[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_ends_at_the_next_heading() {
        let page = "# A\n## Dependencies\n`x`\n### sub\n`y`\n## Other\n`z`\n";
        let text = section(page, DEPENDENCIES);
        assert!(text.contains("`x`") && text.contains("`y`") && !text.contains("`z`"));
        assert_eq!(section("# A\n", DEPENDENCIES), "");
    }
}
