//! What is checked: the files that git knows or would add, and the workspace as cargo sees it.

use std::path::Path;
use std::process::Command;

use cargo_metadata::camino::Utf8Path;
use cargo_metadata::{Metadata, MetadataCommand};

/// A text file of the repository.
pub(super) struct SourceFile {
    /// Path from the workspace's folder, with slashes.
    pub(super) path: String,
    /// Content.
    pub(super) text: String,
}

impl SourceFile {
    pub(super) fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// The file's lines with their numbers, from 1.
    pub(super) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        (1..).zip(self.text.lines())
    }

    /// The number of the first line that contains the text, or 1.
    pub(super) fn line_of(&self, needle: &str) -> usize {
        self.lines().find(|(_, line)| line.contains(needle)).map_or(1, |(number, _)| number)
    }
}

/// The repository.
pub(super) struct Tree {
    files: Vec<SourceFile>,
    metadata: Metadata,
}

impl Tree {
    /// Reads every text file, and the workspace's description.
    pub(super) fn load(root: &Path) -> Result<Self, String> {
        let mut files = Vec::new();
        for path in repository_paths(root)? {
            match std::fs::read(root.join(&path)) {
                // What is not text (a key, a picture) has no lines to check.
                Ok(bytes) => {
                    files.extend(String::from_utf8(bytes).ok().map(|text| SourceFile { path, text }))
                }
                // Deleted, and the deletion is not committed yet.
                Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => {}
                Err(cause) => return Err(format!("cannot read {path}: {cause}")),
            }
        }
        let metadata = MetadataCommand::new()
            .manifest_path(root.join("Cargo.toml"))
            .no_deps()
            .exec()
            .map_err(|cause| format!("cargo metadata: {cause}"))?;
        Ok(Self { files, metadata })
    }

    pub(super) fn files(&self) -> &[SourceFile] {
        &self.files
    }

    pub(super) fn rust_files(&self) -> impl Iterator<Item = &SourceFile> {
        self.files.iter().filter(|file| file.is_rust())
    }

    pub(super) fn file(&self, path: &str) -> Option<&SourceFile> {
        self.files.iter().find(|file| file.path == path)
    }

    pub(super) const fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// A path of cargo's as the files here are named; the workspace's own folder is ".".
    pub(super) fn relative(&self, path: &Utf8Path) -> String {
        match path.strip_prefix(&self.metadata.workspace_root) {
            Ok(inside) if inside.as_str().is_empty() => ".".to_owned(),
            Ok(inside) => inside.as_str().replace('\\', "/"),
            Err(_) => path.to_string(),
        }
    }
}

/// The paths git tracks, and those it would track.
fn repository_paths(root: &Path) -> Result<Vec<String>, String> {
    let output = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .output()
        .map_err(|cause| format!("git: {cause}"))?;
    if !output.status.success() {
        return Err(format!("git ls-files: {}", String::from_utf8_lossy(&output.stderr).trim()));
    }
    let list = String::from_utf8(output.stdout).map_err(|_| "a path is not UTF-8".to_owned())?;
    let mut paths: Vec<String> =
        list.split('\0').filter(|path| !path.is_empty()).map(str::to_owned).collect();
    paths.sort();
    paths.dedup();
    Ok(paths)
}
