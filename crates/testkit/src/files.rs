//! Files with secrets.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// Replaces the file at once, mode 0600: nobody reads half of it.
pub(crate) fn write_private(path: &Path, content: &[u8]) {
    let draft = path.with_added_extension("draft");
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&draft)
        .and_then(|mut file| file.write_all(content))
        .and_then(|()| fs::rename(&draft, path))
        .expect("a private file can be written");
}
