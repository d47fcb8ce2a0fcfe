//! The repository speaks of the project alone: no paths of a machine, no hosts of package registries.

use super::Report;
use super::tree::Tree;

/// Folders that are somebody's. Written in two parts, so that this file does not contain them.
const MACHINE_PATHS: &[&str] = &[concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/ho", "me/")];

/// Hosts that packages come from, or mirrors of them.
const REGISTRY_HOSTS: &[&str] = &[
    concat!("index.crates", ".io"),
    concat!("static.crates", ".io"),
    concat!("//crates", ".io"),
    concat!("pypi", ".org"),
    concat!("pythonhosted", ".org"),
    concat!("registry.npmjs", ".org"),
    concat!("proxy.golang", ".org"),
    concat!("deb.debian", ".org"),
    concat!("arti", "factory"),
];

pub(super) fn check(tree: &Tree, report: &mut Report) {
    for file in tree.files() {
        for (number, line) in file.lines() {
            if let Some(path) = MACHINE_PATHS.iter().find(|path| names_folder(line, path)) {
                report.violation(&file.path, number, format!("names the folder {path} of some machine"));
            }
            if let Some(host) = REGISTRY_HOSTS.iter().find(|host| line.contains(**host)) {
                report.violation(&file.path, number, format!("names the package host {host}"));
            }
        }
    }
}

/// Whether the line names a folder of the root, and not one of the same name deeper down.
fn names_folder(line: &str, folder: &str) -> bool {
    line.match_indices(folder).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        before.is_none_or(|c| !c.is_alphanumeric() && !"._-/$}".contains(c))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_the_root_are_told_from_deeper_ones() {
        let folder = MACHINE_PATHS[0];
        assert!(names_folder(&format!("see {folder}x"), folder));
        assert!(names_folder(&format!("\"{folder}x\""), folder));
        assert!(!names_folder(&format!("frame{folder}x"), folder));
        assert!(!names_folder(&format!("target{folder}x"), folder));
    }
}
