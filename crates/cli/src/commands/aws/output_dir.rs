//! The output directory: keys, manifests and dry-run files.

use std::fs::{DirBuilder, Permissions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use podpass_provision::manifests::Manifest;

use crate::failure::Failure;
use crate::files::write_atomically;

/// An output directory that exists.
pub(crate) struct OutputDir(PathBuf);

impl OutputDir {
    /// Makes the directory when it is missing; its parent has to exist, as ccoctl demands.
    pub(crate) fn ensure(path: &Path) -> Result<Self, Failure> {
        ensure(path)?;
        Ok(Self(path.to_owned()))
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// A sub-directory, made when missing.
    pub(crate) fn ensure_folder(&self, name: &str) -> Result<PathBuf, Failure> {
        let path = self.0.join(name);
        ensure(&path)?;
        Ok(path)
    }

    /// Writes a manifest into `manifests/`, for its owner's eyes only.
    pub(crate) fn write_manifest(&self, manifest: &Manifest) -> Result<PathBuf, Failure> {
        let path = self.ensure_folder(MANIFESTS)?.join(&manifest.file_name);
        write_atomically(&path, manifest.content.as_bytes(), 0o600)?;
        Ok(path)
    }

    /// Writes a file that anyone may read.
    pub(crate) fn write_public(&self, name: &str, content: &str) -> Result<PathBuf, Failure> {
        let path = self.path(name);
        write_atomically(&path, content.as_bytes(), 0o644)?;
        Ok(path)
    }
}

/// Writes a whole file where there is none; `false` when there is one, which stays as it is.
pub(crate) fn write_new(path: &Path, content: &[u8], mode: u32) -> Result<bool, Failure> {
    let failed = |error: &std::io::Error| {
        Failure::failed(format!("cannot write `{}`", path.display())).because(error)
    };
    let folder = path.parent().unwrap_or(path);
    let mut file = tempfile::Builder::new()
        .prefix(".podpass-")
        .permissions(Permissions::from_mode(mode))
        .tempfile_in(folder)
        .map_err(|error| failed(&error))?;
    file.write_all(content).map_err(|error| failed(&error))?;
    file.as_file().sync_all().map_err(|error| failed(&error))?;
    match file.persist_noclobber(path) {
        Ok(_) => Ok(true),
        Err(error) if error.error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(failed(&error.error)),
    }
}

fn ensure(path: &Path) -> Result<(), Failure> {
    if path.is_dir() {
        return Ok(());
    }
    match DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        Err(error) => {
            let shown = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
            let failure = Failure::usage(format!(
                "failed to create target directory at {}",
                shown.display()
            ))
            .because(&error);
            Err(match error.kind() {
                ErrorKind::NotFound => failure
                    .help("make its parent directory first, or choose another `--output-dir`"),
                _ => failure.help("choose another `--output-dir`"),
            })
        }
    }
}

/// Where manifests go.
pub(crate) const MANIFESTS: &str = "manifests";

/// Where the installer looks for the signing key.
pub(crate) const TLS: &str = "tls";
