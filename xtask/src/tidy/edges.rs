//! Which crate may not depend on which: the walls of the house, on normal dependencies.
//!
//! `ARCHITECTURE.md` says why. Development dependencies may cross, for tests.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::DependencyKind;

use super::Report;
use super::tree::Tree;

/// A crate, and the crates of the workspace it must not reach, not even through others.
const NEVER_REACHES: &[(&str, &[&str])] = &[
    ("cardmod-gids", &["cardmod-sys", "cardmod-sdk", "cardmod-host", "cardmod-pcsc"]),
    ("cardmod-piv", &["cardmod-sys", "cardmod-sdk", "cardmod-host", "cardmod-pcsc"]),
    ("cardmod-virtual", &["cardmod-host", "cardmod-sdk", "cardmod-gids", "cardmod-piv"]),
    ("cardmod-sdk", &["cardmod-host"]),
    ("cardmod-host", &["cardmod-sdk", "cardmod-class", "cardmod-virtual", "cardmod-winscard"]),
];

/// A crate, and the only crates of the workspace it may reach.
const ONLY_REACHES: &[(&str, &[&str])] = &[
    ("cardmod-sys", &[]),
    ("cardmod-types", &[]),
    ("cardmod-iso7816", &[]),
    ("cardmod-crypto", &[]),
    ("cardmod-heap", &["cardmod-types"]),
    ("xtask", &["cardmod-interop"]),
];

/// A crate that only these may name as their dependency: one crate joins the halves. The program
/// names the readers too, to plug a virtual card into another resource manager; the fuzz targets drive the
/// module without a host.
const ONLY_NAMED_BY: &[(&str, &[&str])] = &[
    ("cardmod-class", &["cardmod-default", "cardmod-fuzz"]),
    ("cardmod-winscard", &["cardmod-default", "cardmod-cli"]),
];

/// Crates without any normal dependency, of the workspace or not.
const WITHOUT_DEPENDENCIES: &[&str] = &["cardmod-sys"];

pub(super) fn check(tree: &Tree, report: &mut Report) {
    let graph = Graph::of(tree);
    for found in graph.forbidden() {
        let path = graph.manifests.get(&found.from).map_or("Cargo.toml", String::as_str);
        let line = tree.file(path).map_or(1, |file| file.line_of(&found.first_step));
        report.violation(path, line, found.what);
    }
}

/// The normal dependencies of the workspace's crates.
#[derive(Default)]
struct Graph {
    /// Crate to crates of the workspace.
    inside: BTreeMap<String, BTreeSet<String>>,
    /// Crate to crates from elsewhere.
    outside: BTreeMap<String, BTreeSet<String>>,
    manifests: BTreeMap<String, String>,
}

struct Forbidden {
    from: String,
    /// The direct dependency to blame.
    first_step: String,
    what: String,
}

impl Graph {
    fn of(tree: &Tree) -> Self {
        let packages = &tree.metadata().packages;
        let members: BTreeSet<&str> = packages.iter().map(|package| package.name.as_str()).collect();
        let mut graph = Self::default();
        for package in packages {
            let name = package.name.to_string();
            graph.manifests.insert(name.clone(), tree.relative(&package.manifest_path));
            let normal = package.dependencies.iter().filter(|edge| edge.kind == DependencyKind::Normal);
            let (inside, outside) =
                normal.map(|edge| edge.name.clone()).partition(|name| members.contains(name.as_str()));
            graph.inside.insert(name.clone(), inside);
            graph.outside.insert(name, outside);
        }
        graph
    }

    fn forbidden(&self) -> Vec<Forbidden> {
        let mut found = Vec::new();
        for (from, edges) in &self.inside {
            for (to, path) in self.reached_from(from) {
                let never = rule(NEVER_REACHES, from).is_some_and(|list| list.contains(&to.as_str()));
                let beyond = rule(ONLY_REACHES, from).is_some_and(|list| !list.contains(&to.as_str()));
                if never || beyond {
                    let what = format!("{from} must not depend on {to} ({})", path.join(" → "));
                    found.push(Forbidden { from: from.clone(), first_step: path[1].clone(), what });
                }
            }
            for to in edges {
                if rule(ONLY_NAMED_BY, to).is_some_and(|list| !list.contains(&from.as_str())) {
                    let what = format!("{from} must not name {to}; cardmod-default joins the halves");
                    found.push(Forbidden { from: from.clone(), first_step: to.clone(), what });
                }
            }
            if WITHOUT_DEPENDENCIES.contains(&from.as_str()) {
                for to in self.outside.get(from).into_iter().flatten() {
                    let what = format!("{from} must have no dependency, and has {to}");
                    found.push(Forbidden { from: from.clone(), first_step: to.clone(), what });
                }
            }
        }
        found
    }

    /// Every crate that another one reaches, with a shortest way to it.
    fn reached_from(&self, start: &str) -> BTreeMap<String, Vec<String>> {
        let mut reached: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut frontier = vec![vec![start.to_owned()]];
        while !frontier.is_empty() {
            let mut next = Vec::new();
            for path in frontier {
                let edges = path.last().and_then(|end| self.inside.get(end));
                for to in edges.into_iter().flatten() {
                    if !reached.contains_key(to) {
                        let longer = [&path[..], std::slice::from_ref(to)].concat();
                        reached.insert(to.clone(), longer.clone());
                        next.push(longer);
                    }
                }
            }
            frontier = next;
        }
        reached
    }
}

fn rule(rules: &'static [(&str, &[&str])], of: &str) -> Option<&'static [&'static str]> {
    rules.iter().find(|(name, _)| *name == of).map(|(_, list)| *list)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(edges: &[(&str, &[&str])]) -> Vec<String> {
        let names = |list: &[&str]| list.iter().map(|name| format!("cardmod-{name}")).collect();
        let inside = edges.iter().map(|(from, to)| (format!("cardmod-{from}"), names(to))).collect();
        let graph = Graph { inside, ..Graph::default() };
        graph.forbidden().into_iter().map(|found| found.what).collect()
    }

    #[test]
    fn a_way_around_is_found() {
        let edges: &[(&str, &[&str])] =
            &[("host", &["pcsc", "heap"]), ("pcsc", &["iso7816", "sdk"]), ("heap", &["types"])];
        assert_eq!(
            found(edges),
            ["cardmod-host must not depend on cardmod-sdk (cardmod-host → cardmod-pcsc → cardmod-sdk)"]
        );
    }

    #[test]
    fn crates_at_the_bottom_reach_nothing_else() {
        let edges: &[(&str, &[&str])] = &[("heap", &["types", "sys"]), ("types", &["iso7816"])];
        assert_eq!(found(edges).len(), 3, "heap → sys, heap → iso7816, types → iso7816");
    }

    #[test]
    fn only_default_joins_the_halves() {
        let allowed: &[(&str, &[&str])] =
            &[("default", &["host", "class", "winscard"]), ("cli", &["default"])];
        assert!(found(allowed).is_empty());
        let refused = found(&[("cli", &["class"])]);
        assert_eq!(refused, ["cardmod-cli must not name cardmod-class; cardmod-default joins the halves"]);
    }

    #[test]
    fn sys_has_no_dependency_at_all() {
        let of = |name: &str| BTreeMap::from([("cardmod-sys".to_owned(), BTreeSet::from([name.to_owned()]))]);
        let inside = BTreeMap::from([("cardmod-sys".to_owned(), BTreeSet::new())]);
        let graph = Graph { inside, outside: of("libc"), ..Graph::default() };
        assert_eq!(graph.forbidden()[0].what, "cardmod-sys must have no dependency, and has libc");
    }
}
