//! The folder of a state: who may use it, which format it has, and its files.
//!
//! ```text
//! DIR/           0700
//!   format       0600  `podpass sandbox state 1`
//!   lock         0600  locked while a sandbox runs; holds its process id
//!   log          0600  every row, as a log of changes (see `log`)
//!   session.key  0600  what seals session tokens
//!   contents/    0700  the bytes of objects and parts, by their SHA-256
//! ```
//!
//! Other parts of a sandbox that keep a file of their own, such as a key, use [`StateFolder::keep_secret`].

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::error::{StateError, failed};

/// A state folder that this process alone uses, until this value is dropped.
#[derive(Debug)]
pub(crate) struct StateFolder {
    path: PathBuf,
    /// Locked as long as it is open; the kernel opens it also for who was killed.
    _lock: File,
}

impl StateFolder {
    /// Takes a folder; a new or empty one becomes a state without anything in it.
    pub(crate) fn open(path: &Path) -> Result<Self, StateError> {
        if path.exists() && !path.is_dir() {
            return Err(StateError::NotFolder { path: path.into() });
        }
        make_folder(path, true)?;
        // Looked at before anything is written, so that nobody else's folder gets a file of ours.
        let is_new = is_new(path)?;
        let lock = lock(path)?;
        let folder = Self {
            path: path.into(),
            _lock: lock,
        };
        if is_new && !folder.file(FORMAT).exists() {
            folder.replace(FORMAT, format!("{FORMAT_WORDS}{KNOWN}\n").as_bytes())?;
        }
        folder.check_format()?;
        make_folder(&folder.file(CONTENTS), false)?;
        Ok(folder)
    }

    /// The folder itself.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Where the file of that name is.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Reads a secret of the sandbox, or makes it with `make` and keeps it.
    pub(crate) fn keep_secret(
        &self,
        name: &str,
        make: impl FnOnce() -> Vec<u8>,
    ) -> Result<Zeroizing<Vec<u8>>, StateError> {
        let path = self.file(name);
        match fs::read(&path) {
            Ok(kept) => Ok(Zeroizing::new(kept)),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let made = Zeroizing::new(make());
                self.replace(name, &made)?;
                Ok(made)
            }
            Err(error) => Err(failed("read", path)(error)),
        }
    }

    /// Writes a whole file or nothing.
    fn replace(&self, name: &str, content: &[u8]) -> Result<(), StateError> {
        let path = self.file(name);
        write_whole(&path, content, Durability::Power)
            .map(drop)
            .map_err(failed("write", path))
    }

    fn check_format(&self) -> Result<(), StateError> {
        let path = self.file(FORMAT);
        let text = fs::read_to_string(&path).map_err(failed("read", &path))?;
        let version = text.trim_end().strip_prefix(FORMAT_WORDS);
        let found: u32 = version
            .and_then(|version| version.parse().ok())
            .ok_or_else(|| StateError::Damaged {
                path,
                place: "line 1".to_owned(),
                problem: format!("`{FORMAT_WORDS}{KNOWN}` is expected"),
            })?;
        if found == KNOWN {
            return Ok(());
        }
        Err(StateError::Newer {
            path: self.path.clone(),
            found,
            known: KNOWN,
        })
    }
}

/// How much a file that was written outlives.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Durability {
    /// The end of this process, however it comes.
    Process,
    /// The end of the machine's power, too.
    Power,
}

/// Writes a file that only its owner may read, under another name first, so that nobody sees half of it. It stays open.
pub(super) fn write_whole(path: &Path, content: &[u8], durability: Durability) -> io::Result<File> {
    let unfinished = unfinished(path);
    let write = || -> io::Result<File> {
        let mut file = private().create(true).truncate(true).open(&unfinished)?;
        file.write_all(content)?;
        if durability == Durability::Power {
            file.sync_all()?;
        }
        fs::rename(&unfinished, path)?;
        // The file is in its place now, so this may not fail: only a power cut would tell.
        if durability == Durability::Power
            && let Err(error) = sync_folder_of(path)
        {
            tracing::warn!(path = %path.display(), %error, "Cannot flush the folder of a file");
        }
        Ok(file)
    };
    let written = write();
    if written.is_err() {
        // What cannot be removed either is removed at the next start.
        let _ = fs::remove_file(&unfinished);
    }
    written
}

/// The name of a file that is being written.
pub(super) fn unfinished(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(UNFINISHED);
    name.into()
}

/// Opens files for writing that only their owner may read.
pub(super) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).mode(0o600);
    options
}

/// Makes sure that a new name of a file is there after a power cut.
fn sync_folder_of(path: &Path) -> io::Result<()> {
    path.parent()
        .map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

fn make_folder(path: &Path, with_parents: bool) -> Result<(), StateError> {
    match DirBuilder::new()
        .mode(0o700)
        .recursive(with_parents)
        .create(path)
    {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            Err(failed("make the folder", path)(error))
        }
        _ => Ok(()),
    }
}

/// Whether the folder has nothing in it yet but what a start makes that was killed at once.
fn is_new(path: &Path) -> Result<bool, StateError> {
    let mut other = None;
    for entry in fs::read_dir(path).map_err(failed("read", path))? {
        let name = entry.map_err(failed("read", path))?.file_name();
        let name = name.to_string_lossy().into_owned();
        if name == FORMAT {
            return Ok(false);
        }
        if name != LOCK && name != format!("{FORMAT}{UNFINISHED}") {
            other = Some(name);
        }
    }
    match other {
        None => Ok(true),
        Some(found) => Err(StateError::Foreign {
            path: path.into(),
            found,
        }),
    }
}

fn lock(folder: &Path) -> Result<File, StateError> {
    let path = folder.join(LOCK);
    let mut file = private()
        .read(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(failed("write", &path))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut text = String::new();
            let read = file.read_to_string(&mut text);
            return Err(StateError::InUse {
                path: folder.into(),
                pid: read.ok().and_then(|_| text.trim().parse().ok()),
            });
        }
        Err(TryLockError::Error(error)) => return Err(failed("lock", path)(error)),
    }
    let say = |file: &mut File| {
        file.set_len(0)?;
        file.write_all(std::process::id().to_string().as_bytes())
    };
    say(&mut file).map_err(failed("write", path))?;
    Ok(file)
}

const FORMAT: &str = "format";
const LOCK: &str = "lock";
pub(super) const CONTENTS: &str = "contents";
const UNFINISHED: &str = ".unfinished";
const FORMAT_WORDS: &str = "podpass sandbox state ";
/// The one format there is.
const KNOWN: u32 = 1;
