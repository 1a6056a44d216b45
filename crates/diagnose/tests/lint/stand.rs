//! Reading fixtures and looking at what lint says.

use std::fs;
use std::path::{Path, PathBuf};

use podpass_diagnose::Finding;
use podpass_diagnose::lint::{Report, Source, lint};

pub(crate) fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lint/fixtures")
}

pub(crate) fn fixture(name: &str) -> String {
    fs::read_to_string(fixtures().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The names of the files of a folder, in lexical order.
pub(crate) fn files_in(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.file_type().unwrap().is_file())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

pub(crate) fn lint_text(name: &str, text: &str) -> Report {
    lint(&[Source { name, text }])
}

/// A finding as the table writes it: `CODE line:column`.
pub(crate) fn written(finding: &Finding) -> String {
    let position = finding.position.unwrap();
    format!("{} {}:{}", finding.code, position.line, position.column)
}
