//! The output directory: keys, manifests and dry-run files.

use std::fs::DirBuilder;
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt;
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
