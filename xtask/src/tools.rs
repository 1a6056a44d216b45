//! What the machine has, and Python environments with pinned contents, kept in a cache outside the clone.

use std::collections::hash_map::DefaultHasher;
use std::ffi::OsStr;
use std::fs;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The folder of the environment `name`, made on first use from `requirements-<name>.txt`.
///
/// A changed requirements file means a new folder, so that an old clone and a new one share a cache.
pub(crate) fn environment(name: &str) -> Result<PathBuf, String> {
    let requirements =
        Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("requirements-{name}.txt"));
    let pinned = fs::read_to_string(&requirements)
        .map_err(|error| format!("cannot read `{}`: {error}", requirements.display()))?;
    let mut hasher = DefaultHasher::new();
    pinned.hash(&mut hasher);
    let folder = super::cache::folder()?.join(format!("{name}-{:016x}", hasher.finish()));
    let complete = folder.join(".complete");
    if complete.exists() {
        return Ok(folder);
    }
    super::say(&format!("installing {name} into the cache (once)"));
    // A half-made environment of an interrupted run is made again; `--clear` empties it.
    run(Command::new("python3")
        .args(["-m", "venv", "--clear"])
        .arg(&folder))?;
    run(Command::new(folder.join("bin/pip"))
        .args([
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--requirement",
        ])
        .arg(&requirements))?;
    fs::write(&complete, "")
        .map_err(|error| format!("cannot write `{}`: {error}", complete.display()))?;
    Ok(folder)
}

/// Where a program is found in the folders of a `PATH`.
pub(crate) fn tool(name: &str, path: &OsStr) -> Option<PathBuf> {
    std::env::split_paths(path)
        .map(|folder| folder.join(name))
        .find(|program| program.is_file())
}

/// Builds a package of the Go module in `module`, with what its `go.sum` names.
pub(crate) fn go_build(
    module: &Path,
    package: &str,
    output: &Path,
    link_flags: &str,
) -> Result<(), String> {
    let mut command = Command::new("go");
    command
        .args(["build", "-trimpath", "-buildvcs=false", "-ldflags"])
        .arg(link_flags)
        .arg("-o")
        .arg(output)
        .arg(package)
        .env("CGO_ENABLED", "0")
        .env("GOWORK", "off")
        .current_dir(module);
    super::run(command)
}

fn run(command: &mut Command) -> Result<(), String> {
    let shown = format!(
        "{} {}",
        command.get_program().display(),
        super::shown_arguments(command)
    );
    let status = command.status().map_err(|error| {
        format!("cannot run `{shown}`: {error}\nPython 3 with venv and pip is needed for the tests")
    })?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("`{shown}` failed: {status}"))
    }
}
