//! Whether a file is still the one that was read.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// What tells a changed file from the same: device, inode, size in bytes, and time of modification in nanoseconds since
/// 1970. A file that is not there has a stamp too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FileStamp([i128; 4]);

impl FileStamp {
    /// Of the file at a path, through symbolic links.
    pub fn of(path: &Path) -> Self {
        fs::metadata(path)
            .as_ref()
            .map(Self::from)
            .unwrap_or_default()
    }
}

impl From<&Metadata> for FileStamp {
    fn from(it: &Metadata) -> Self {
        let modified = i128::from(it.mtime()) * 1_000_000_000 + i128::from(it.mtime_nsec());
        Self([it.dev().into(), it.ino().into(), it.size().into(), modified])
    }
}
