//! Where what the tests need is kept: outside the clone, so that clones share it.

use std::fs::{self, File};
use std::hash::Hash;
use std::io;
use std::path::{Path, PathBuf};

/// `$XDG_CACHE_HOME/podpass`, by default `~/.cache/podpass`. It can be deleted at any time.
pub(crate) fn folder() -> Result<PathBuf, String> {
    let base = std::env::var_os("XDG_CACHE_HOME")
        .filter(|value| !value.is_empty())
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache")))
        .ok_or("neither XDG_CACHE_HOME nor HOME is set: there is no place for a cache")?;
    let folder = base.join("podpass");
    fs::create_dir_all(&folder)
        .map_err(|error| format!("cannot make `{}`: {error}", folder.display()))?;
    Ok(folder)
}

/// Fills `folder` once. `fill` gets an empty folder beside it, which is renamed when it is whole.
///
/// Under a lock, so that two runs do not do it twice; `said` is printed when there is something to do.
pub(crate) fn once(
    folder: &Path,
    said: &str,
    fill: impl FnOnce(&Path) -> Result<(), String>,
) -> Result<(), String> {
    if folder.exists() {
        return Ok(());
    }
    let parent = folder.parent().expect("a folder of the cache has a parent");
    let in_cache = |error: io::Error| format!("cannot write to `{}`: {error}", parent.display());
    fs::create_dir_all(parent).map_err(in_cache)?;
    let lock = File::create(parent.join("lock")).map_err(in_cache)?;
    lock.lock().map_err(in_cache)?;
    if folder.exists() {
        return Ok(());
    }
    super::say(said);
    let draft = parent.join("draft");
    if draft.exists() {
        fs::remove_dir_all(&draft).map_err(in_cache)?;
    }
    fs::create_dir(&draft).map_err(in_cache)?;
    fill(&draft)?;
    fs::rename(&draft, folder).map_err(in_cache)
}

/// Adds the names and contents of files of the clone to a digest.
pub(crate) fn digest(
    hasher: &mut impl std::hash::Hasher,
    folder: &Path,
    files: &[PathBuf],
) -> Result<(), String> {
    for file in files {
        file.hash(hasher);
        read(&folder.join(file))?.hash(hasher);
    }
    Ok(())
}

/// The text of a file of the clone.
pub(crate) fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("cannot read `{}`: {error}", path.display()))
}
