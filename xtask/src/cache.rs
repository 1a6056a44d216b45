//! Where what the tests need is kept: outside the clone, so that clones share it.

use std::fs;
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
