//! The files that are looked at.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::failure::Failure;
use crate::files;

/// A file with its content.
pub(super) struct Input {
    /// As findings name it.
    pub(super) name: String,
    /// `None` for standard input.
    pub(super) path: Option<PathBuf>,
    pub(super) text: String,
}

/// Reads the files, and of directories those that lint may know, in lexical order. A file that is named twice is read
/// once.
pub(super) fn read(paths: &[PathBuf]) -> Result<Vec<Input>, Failure> {
    let mut inputs = Vec::new();
    let mut seen = BTreeSet::new();
    for path in paths {
        let from_stdin = path.as_os_str() == "-";
        let found = if !from_stdin && path.is_dir() {
            let mut found = Vec::new();
            search(path, &mut found)?;
            if found.is_empty() {
                return Err(nothing_in(path));
            }
            found
        } else {
            vec![path.clone()]
        };
        for path in found {
            if seen.insert(path.clone()) {
                inputs.push(Input {
                    name: path.display().to_string(),
                    text: files::read_text(&path)?,
                    path: (!from_stdin).then_some(path),
                });
            }
        }
    }
    Ok(inputs)
}

/// Collects the files of a directory. Hidden entries are left out, and links to directories are not followed.
fn search(directory: &Path, found: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let failed = |error: &std::io::Error| {
        Failure::usage(format!("cannot read `{}`", directory.display())).because(error)
    };
    let entries = fs::read_dir(directory).map_err(|error| failed(&error))?;
    let mut entries: Vec<fs::DirEntry> = entries
        .collect::<Result<_, _>>()
        .map_err(|error| failed(&error))?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        let kind = entry.file_type().map_err(|error| failed(&error))?;
        if kind.is_dir() {
            search(&path, found)?;
        } else if is_candidate(&path) && path.is_file() {
            found.push(path);
        }
    }
    Ok(())
}

fn is_candidate(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let extension = path.extension().unwrap_or_default().to_string_lossy();
    EXTENSIONS.contains(&extension.to_lowercase().as_str()) || NAMES.contains(&name.as_ref())
}

fn nothing_in(directory: &Path) -> Failure {
    Failure::usage(format!(
        "`{}` holds no file to look at",
        directory.display()
    ))
    .detail(
        "expected",
        format!("files that end in .{}", EXTENSIONS.join(", .")),
    )
    .help("name the files themselves; they may have any name")
}

const EXTENSIONS: &[&str] = &[
    "cfg", "conf", "ini", "json", "pem", "private", "pub", "public", "yaml", "yml",
];

/// The AWS CLI's files have no extension.
const NAMES: &[&str] = &["config", "credentials"];
