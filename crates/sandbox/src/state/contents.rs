//! The files with the bytes of objects and parts. Each is written once, before the change that refers to it, and removed
//! after the change that no longer does; what a killed process left over is removed at the next start.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::PathBuf;

use bytes::Bytes;

use super::content::{Content, Digest};
use super::error::{StateError, failed};
use super::folder::{Durability, write_whole};

/// The contents on disk, and how many rows refer to each.
#[derive(Debug)]
pub(super) struct Contents {
    folder: PathBuf,
    references: BTreeMap<Digest, usize>,
}

impl Contents {
    /// The contents in a folder, to none of which a row refers yet.
    pub(super) fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            references: BTreeMap::new(),
        }
    }

    /// Reads the content that a row refers to.
    pub(super) fn load(&mut self, digest: Digest) -> Result<Content, StateError> {
        let path = self.path_of(digest);
        let bytes = fs::read(&path).map_err(failed("read", &path))?;
        let content = Content::from(Bytes::from(bytes));
        if content.digest() != digest {
            return Err(StateError::Damaged {
                path,
                place: format!("{} bytes", content.len()),
                problem: "they do not have the SHA-256 that the file is named by".to_owned(),
            });
        }
        *self.references.entry(digest).or_default() += 1;
        Ok(content)
    }

    /// Writes a content unless it is there.
    pub(super) fn write(&self, content: &Content) -> Result<(), (PathBuf, io::Error)> {
        let digest = content.digest();
        if self.references.contains_key(&digest) {
            return Ok(());
        }
        let path = self.path_of(digest);
        write_whole(&path, content.bytes(), Durability::Process)
            .map(drop)
            .map_err(|error| (path, error))
    }

    /// Counts references after a change: `held` are more, `released` fewer. What none refers to is removed.
    pub(super) fn count(
        &mut self,
        held: impl IntoIterator<Item = Digest>,
        released: impl IntoIterator<Item = Digest>,
    ) {
        for digest in held {
            *self.references.entry(digest).or_default() += 1;
        }
        for digest in released {
            if let Some(count) = self.references.get_mut(&digest) {
                *count -= 1;
                if *count == 0 {
                    self.references.remove(&digest);
                    self.discard(digest);
                }
            }
        }
    }

    /// Removes a content that was written for a change that was not made, unless it is another's too.
    pub(super) fn withdraw(&self, digest: Digest) {
        if !self.references.contains_key(&digest) {
            self.discard(digest);
        }
    }

    /// Starts anew: these are referred to, and nothing else.
    pub(super) fn restart(&mut self, held: impl IntoIterator<Item = Digest>) {
        let old = std::mem::take(&mut self.references);
        self.count(held, []);
        for digest in old.into_keys() {
            self.withdraw(digest);
        }
    }

    /// Removes every file to which no row refers.
    pub(super) fn sweep(&self) -> Result<(), StateError> {
        let entries = fs::read_dir(&self.folder).map_err(failed("read", &self.folder))?;
        for entry in entries {
            let entry = entry.map_err(failed("read", &self.folder))?;
            let name = entry.file_name();
            let digest: Option<Digest> = name.to_str().and_then(|name| name.parse().ok());
            if !digest.is_some_and(|digest| self.references.contains_key(&digest)) {
                fs::remove_file(entry.path()).map_err(failed("remove", entry.path()))?;
            }
        }
        Ok(())
    }

    fn path_of(&self, digest: Digest) -> PathBuf {
        self.folder.join(digest.to_string())
    }

    /// A file that cannot be removed does no harm, and the next start tries again.
    fn discard(&self, digest: Digest) {
        let path = self.path_of(digest);
        if let Err(error) = fs::remove_file(&path)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(path = %path.display(), %error, "Cannot remove a content");
        }
    }
}
