//! What keeps a state on disk: each change before anybody is told of it.

use std::path::Path;

use super::changes::{self, Changes, Kept};
use super::contents::Contents;
use super::error::{NotKept, StateError, failed};
use super::folder::{CONTENTS, StateFolder};
use super::log::Log;

/// Keeps changes in a folder.
#[derive(Debug)]
pub(crate) struct Keeper {
    folder: StateFolder,
    /// `None` until the first state is kept.
    log: Option<Log>,
    pub(super) contents: Contents,
    is_worth_compacting: bool,
}

impl Keeper {
    /// Takes a folder and reads the rows that are in it.
    pub(super) fn open(path: &Path) -> Result<(Self, Kept), StateError> {
        let folder = StateFolder::open(path)?;
        let contents = Contents::new(folder.file(CONTENTS));
        let opened = Log::open(&folder.file(LOG))?;
        let mut keeper = Self {
            folder,
            log: None,
            contents,
            is_worth_compacting: false,
        };
        let Some((log, logged)) = opened else {
            return Ok((keeper, Kept::new()));
        };
        if logged.dropped > 0 {
            tracing::warn!(
                path = %log.path().display(),
                bytes = logged.dropped,
                "Dropped the beginning of a change that was never acknowledged"
            );
        }
        let kept = changes::replay(&logged.changes)
            .map_err(|(line, error)| keeper.damaged(format!("line {line}"), error.to_string()))?;
        keeper.is_worth_compacting = logged.changes.len() > 2 * kept.len() + SMALL;
        keeper.log = Some(log);
        Ok((keeper, kept))
    }

    pub(super) fn folder(&self) -> &StateFolder {
        &self.folder
    }

    /// The log has something in it that was not written so.
    pub(super) fn damaged(&self, place: String, problem: String) -> StateError {
        StateError::Damaged {
            path: self.folder.file(LOG),
            place,
            problem,
        }
    }

    /// Whether a folder was taken that has no state yet.
    pub(super) fn is_new(&self) -> bool {
        self.log.is_none()
    }

    /// Keeps a change: all of it, or nothing.
    pub(super) fn keep(&mut self, changes: &Changes) -> Result<(), NotKept> {
        let Some(log) = self.log.as_mut().filter(|_| !changes.is_empty()) else {
            return Ok(());
        };
        let digests = || changes.held.iter().map(super::Content::digest);
        let kept = changes
            .held
            .iter()
            .try_for_each(|content| self.contents.write(content))
            .and_then(|()| {
                log.append(&changes.as_one())
                    .map_err(|error| (log.path().to_owned(), error))
            });
        if let Err((path, source)) = kept {
            digests().for_each(|digest| self.contents.withdraw(digest));
            return Err(NotKept { path, source });
        }
        self.contents
            .count(digests(), changes.released.iter().copied());
        Ok(())
    }

    /// Keeps a whole state in the place of what was kept before.
    pub(super) fn replace(&mut self, whole: &Changes) -> Result<(), NotKept> {
        let path = self.folder.file(LOG);
        let log = Log::replace(&path, &whole.one_by_one());
        self.log = Some(log.map_err(|source| NotKept { path, source })?);
        self.contents
            .restart(whole.held.iter().map(super::Content::digest));
        Ok(())
    }

    /// Whether the log has much that is superfluous.
    pub(super) fn is_long(&self) -> bool {
        self.is_worth_compacting || self.log.as_ref().is_some_and(Log::is_long)
    }

    /// Writes the log anew, shorter. When that fails, the longer one stays, which is as good.
    pub(super) fn compact(&mut self, whole: &Changes) {
        let path = self.folder.file(LOG);
        self.is_worth_compacting = false;
        match Log::replace(&path, &whole.one_by_one()) {
            Ok(log) => self.log = Some(log),
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "Cannot write a shorter log");
                if let Some(log) = &mut self.log {
                    log.accept_length();
                }
            }
        }
    }

    /// Removes what nothing refers to any more.
    pub(super) fn sweep(&self) -> Result<(), StateError> {
        self.contents.sweep()
    }
}

impl From<NotKept> for StateError {
    fn from(NotKept { path, source }: NotKept) -> Self {
        failed("write", path)(source)
    }
}

const LOG: &str = "log";
/// Lines; a log of so few more than there are rows is not worth writing anew.
const SMALL: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn row(key: &str, value: &str) -> Changes {
        let mut changes = Changes::default();
        changes.put(&[key], &value);
        changes
    }

    fn length(path: &Path) -> u64 {
        std::fs::metadata(path.join(LOG)).unwrap().len()
    }

    #[test]
    fn a_log_of_superseded_changes_is_written_anew() {
        let folder = tempfile::tempdir().unwrap();
        let (mut keeper, kept) = Keeper::open(folder.path()).unwrap();
        assert!(kept.is_empty() && keeper.is_new());
        keeper.replace(&row("other", "stays")).unwrap();
        let large = "x".repeat(512 * 1024);
        let mut turns = 0;
        while !keeper.is_long() {
            keeper.keep(&row("same", &large)).unwrap();
            turns += 1;
        }
        assert!(
            turns > 7 && length(folder.path()) > 4 * 1024 * 1024,
            "{turns}"
        );
        let mut whole = row("other", "stays");
        whole.put(&["same"], &"last");
        keeper.compact(&whole);
        assert!(!keeper.is_long() && length(folder.path()) < 200);
        keeper.keep(&row("more", "too")).unwrap();
        let mut gone = Changes::default();
        gone.delete(&["other"]);
        keeper.keep(&gone).unwrap();
        drop(keeper);

        let (_, kept) = Keeper::open(folder.path()).unwrap();
        let kept: Vec<(String, String)> = kept
            .into_iter()
            .map(|(key, value)| (key.concat(), value.as_str().unwrap().to_owned()))
            .collect();
        let expected = [("more", "too"), ("same", "last")];
        assert_eq!(
            kept,
            expected.map(|(key, value)| (key.to_owned(), value.to_owned()))
        );
    }

    #[test]
    fn a_log_that_cannot_be_written_anew_stays_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let (mut keeper, _) = Keeper::open(folder.path()).unwrap();
        keeper.replace(&row("one", "1")).unwrap();
        // A folder in the place of the new log, before it has its name.
        std::fs::create_dir_all(folder.path().join("log.unfinished/x")).unwrap();
        keeper.compact(&row("one", "1"));
        assert!(keeper.replace(&row("two", "2")).is_err());
        keeper.keep(&row("three", "3")).unwrap();
        drop(keeper);
        std::fs::remove_dir_all(folder.path().join("log.unfinished")).unwrap();
        let (_, kept) = Keeper::open(folder.path()).unwrap();
        let keys: Vec<String> = kept.into_keys().map(|key| key.concat()).collect();
        assert_eq!(keys, ["one", "three"]);
    }
}
