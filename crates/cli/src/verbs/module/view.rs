//! The module registry as documents and tables show it.

use std::fmt;

use cardmod_host::registry::{CardEntry, Origin, Place, RegisteredModule, Registry, RegistryProblem, Scope};
use serde::Serialize;

use crate::output::hex;

/// What serves a card that nothing is registered for.
pub(crate) const CLASS_MODULE: &str = "built-in class module";

/// An entry of the registry.
#[derive(Serialize)]
pub(crate) struct EntryView<'a> {
    pub(super) name: &'a str,
    pub(super) atr: String,
    pub(super) mask: String,
    pub(super) module: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    crypto_provider: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_storage_provider: Option<&'a str>,
    pub(super) scope: &'static str,
    #[serde(flatten)]
    pub(super) place: PlaceView,
}

/// A part of the registry that is not used.
#[derive(Serialize)]
pub(crate) struct ProblemView {
    #[serde(flatten)]
    place: PlaceView,
    problem: String,
}

/// Where it is: in a file, or in Windows' registry.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum PlaceView {
    File { file: String, line: Option<usize> },
    Key { key: String },
}

impl From<&Place> for PlaceView {
    fn from(place: &Place) -> Self {
        match place {
            Place::File { file, line } => Self::File { file: file.display().to_string(), line: *line },
            Place::Key(key) => Self::Key { key: key.clone() },
        }
    }
}

impl fmt::Display for PlaceView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { file, line: Some(line) } => write!(f, "{file}:{line}"),
            Self::File { file, line: None } => f.write_str(file),
            Self::Key { key } => f.write_str(key),
        }
    }
}

impl<'a> From<&'a CardEntry> for EntryView<'a> {
    fn from(entry: &'a CardEntry) -> Self {
        Self {
            name: &entry.name,
            atr: hex(&entry.atr),
            mask: hex(&entry.mask),
            module: module_name(&entry.module),
            crypto_provider: entry.crypto_provider.as_deref(),
            key_storage_provider: entry.key_storage_provider.as_deref(),
            scope: entry.origin.scope.word(),
            place: PlaceView::from(&entry.origin.place),
        }
    }
}

/// The parts that are not used, for the JSON documents.
pub(crate) fn problems(registry: &Registry) -> Vec<ProblemView> {
    let view = |problem: &RegistryProblem| ProblemView {
        place: PlaceView::from(&problem.place),
        problem: problem.reason.clone(),
    };
    registry.problems().iter().map(view).collect()
}

/// What people are told of a part that is not used.
pub(crate) fn problem_note(problem: &RegistryProblem) -> String {
    format!("note: {} is not used: {problem}", kind_of(&problem.place))
}

fn kind_of(place: &Place) -> &'static str {
    match place {
        Place::File { .. } => "a file of the module registry",
        Place::Key(_) => "an entry of Windows' registry",
    }
}

/// The module as tables name it.
pub(super) fn module_name(module: &RegisteredModule) -> String {
    match module {
        RegisteredModule::Class => CLASS_MODULE.to_owned(),
        RegisteredModule::Library(path) => path.display().to_string(),
    }
}

/// How an entry is taken out: by a command, or in the file that the environment names.
pub(crate) fn taken_out(name: &str, origin: &Origin) -> String {
    match (origin.scope, &origin.place) {
        (Scope::User, _) => format!("cardmod module unregister {name:?} takes it out"),
        (Scope::System, _) => format!("cardmod module unregister {name:?} --system takes it out"),
        (_, Place::File { file, .. }) => {
            format!("take it out of {}, which CARDMOD_CARDS names", file.display())
        }
        (_, Place::Key(key)) => format!("take {key} away"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_not_called_a_file() {
        assert_eq!(kind_of(&Place::Key("HKEY_CURRENT_USER".to_owned())), "an entry of Windows' registry");
        let file = Place::File { file: "a.toml".into(), line: Some(3) };
        assert_eq!(kind_of(&file), "a file of the module registry");
    }

    #[test]
    fn the_way_out_is_that_of_the_scope() {
        let way = |scope| {
            let place = Place::File { file: "x.toml".into(), line: Some(3) };
            taken_out("A card", &Origin { scope, place })
        };
        assert_eq!(way(Scope::User), "cardmod module unregister \"A card\" takes it out");
        assert_eq!(way(Scope::System), "cardmod module unregister \"A card\" --system takes it out");
        assert_eq!(way(Scope::Environment), "take it out of x.toml, which CARDMOD_CARDS names");
    }
}
