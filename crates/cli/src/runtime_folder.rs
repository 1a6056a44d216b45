//! The folder for what lives as long as a process of podpass does. Whoever finds it empty removes it.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use crate::failure::{Exit, Failure};

/// `$XDG_RUNTIME_DIR/podpass`, or a folder of this user below the temporary folder.
pub(crate) fn path() -> Result<PathBuf, Failure> {
    if let Some(runtime) = std::env::var_os("XDG_RUNTIME_DIR").filter(|value| !value.is_empty()) {
        return Ok(PathBuf::from(runtime).join("podpass"));
    }
    Ok(std::env::temp_dir().join(format!("podpass-{}", own_uid()?)))
}

/// Makes the folder where it is not there, mode 0700.
pub(crate) fn make() -> Result<PathBuf, Failure> {
    let folder = path()?;
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&folder)
        .map_err(|error| {
            Failure::failed(format!("cannot make `{}`", folder.display())).because(&error)
        })?;
    refuse_strangers(&folder)?;
    Ok(folder)
}

/// The temporary folder is everybody's: a folder that another user made there is not used.
pub(crate) fn refuse_strangers(folder: &Path) -> Result<(), Failure> {
    let found = fs::symlink_metadata(folder).map_err(|error| {
        Failure::failed(format!("cannot look at `{}`", folder.display())).because(&error)
    })?;
    if found.is_dir() && found.uid() == own_uid()? {
        return Ok(());
    }
    Err(Failure::new(
        Exit::Refused,
        format!("`{}` is not a folder of this user", folder.display()),
    )
    .help("set XDG_RUNTIME_DIR to a folder that only you can write"))
}

fn own_uid() -> Result<u32, Failure> {
    tempfile::tempfile()
        .and_then(|file| Ok(file.metadata()?.uid()))
        .map_err(|error| Failure::failed("cannot make a temporary file").because(&error))
}
