//! What the tests of one run share, and how their servers learn that the run is over.

use std::fs::{self, DirBuilder, File};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A private folder with the FIFO `alive`, whose writing end this process holds.
///
/// Servers that tests share have the FIFO as their standard input. When this process ends, and be it killed, they read
/// its end and end too; no process id is remembered, so none can be mistaken.
#[derive(Debug)]
pub(crate) struct RunFolder {
    path: PathBuf,
    alive: Option<File>,
}

impl RunFolder {
    /// Makes the folder, mode 0700.
    pub(crate) fn make() -> Result<Self, String> {
        let path = std::env::temp_dir().join(format!("podpass-test-run-{}", std::process::id()));
        // Left by a process that had the same id.
        let _ = fs::remove_dir_all(&path);
        DirBuilder::new()
            .mode(0o700)
            .create(&path)
            .map_err(|error| format!("cannot make `{}`: {error}", path.display()))?;
        let fifo = path.join("alive");
        super::run({
            let mut command = Command::new("mkfifo");
            command.args(["-m", "0600"]).arg(&fifo);
            command
        })?;
        // For reading too: else the call would wait for a reader.
        let alive = File::options()
            .read(true)
            .write(true)
            .open(&fifo)
            .map_err(|error| format!("cannot open `{}`: {error}", fifo.display()))?;
        Ok(Self {
            path,
            alive: Some(alive),
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for RunFolder {
    fn drop(&mut self) {
        drop(self.alive.take());
        // The servers remove it too, at the same time; whoever comes last finds nothing.
        let _ = fs::remove_dir_all(&self.path);
    }
}
