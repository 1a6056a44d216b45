//! The private place of one local run, and the end of those whose run was killed.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use super::home;

/// A folder (0700) of one run, with its token and its home. It goes with this value.
///
/// The folder is locked for as long as its process lives. Each run that begins clears the folders that nobody locks any
/// more: those whose process was killed.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    _lock: File,
}

impl RunFolder {
    /// Makes a folder in `runtime`, a folder that only this user can write, and clears those of killed runs.
    ///
    /// `real_home` is the home whose entries the run sees, `config` its AWS config file. [`io::ErrorKind::NotFound`]
    /// means that `runtime` is gone, as it is when another run removes it as empty: it has to be made again.
    pub fn make(runtime: &Path, real_home: Option<&Path>, config: &str) -> io::Result<Self> {
        // One at a time, so that nobody takes a folder for a dead run's that is not locked yet.
        let turn = File::open(runtime)?;
        turn.lock()?;
        clear_dead_runs(runtime);
        let path = tempfile::Builder::new()
            .prefix(PREFIX)
            .permissions(Permissions::from_mode(0o700))
            .tempdir_in(runtime)?
            .keep();
        let lock = File::open(&path)?;
        lock.lock()?;
        let made = Self { path, _lock: lock };
        let real_home = real_home.map(std::path::absolute).transpose()?;
        if let Some(real) = &real_home {
            symlink(real, made.path.join(REAL_HOME))?;
        }
        home::furnish(&made.home(), real_home.as_deref(), config)?;
        Ok(made)
    }

    /// Writes another AWS config file than the one that the folder was made with.
    pub fn configure(&self, config: &str) -> io::Result<()> {
        fs::write(self.home().join(".aws").join("config"), config)
    }

    /// The home of the run.
    pub fn home(&self) -> PathBuf {
        self.path.join(HOME)
    }

    /// Where the folder with the token belongs; it does not exist yet.
    pub fn token_folder(&self) -> PathBuf {
        self.path.join(TOKENS)
    }

    /// Clears the folder, and moves into the real home what the run made in its own.
    ///
    /// Returns what could not be moved, none of which is podpass's; it stays where it is.
    pub fn close(self) -> Vec<PathBuf> {
        dismantle(&self.path)
    }
}

impl Drop for RunFolder {
    fn drop(&mut self) {
        dismantle(&self.path);
        if let Some(runtime) = self.path.parent() {
            // Goes only when it is empty.
            let _ = fs::remove_dir(runtime);
        }
    }
}

fn dismantle(folder: &Path) -> Vec<PathBuf> {
    let _ = fs::remove_dir_all(folder.join(TOKENS));
    let real = folder.join(REAL_HOME);
    let left = home::dismantle(&folder.join(HOME), fs::read_link(&real).ok().as_deref());
    if left.is_empty() {
        let _ = fs::remove_file(real);
        let _ = fs::remove_dir(folder);
    }
    left
}

fn clear_dead_runs(runtime: &Path) {
    for entry in fs::read_dir(runtime).into_iter().flatten().flatten() {
        let is_run = entry.file_name().to_string_lossy().starts_with(PREFIX);
        let lock = File::open(entry.path()).ok().filter(|_| is_run);
        if let Some(lock) = lock
            && lock.try_lock().is_ok()
        {
            dismantle(&entry.path());
        }
    }
}

const PREFIX: &str = "exec-";
const HOME: &str = "home";
/// A link that says which home the run's own stands for, so that another run can clear up after it.
const REAL_HOME: &str = "real-home";
const TOKENS: &str = "serviceaccount";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dead_runs_folder_is_cleared_and_a_live_ones_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let (runtime, real) = (folder.path().join("run"), folder.path().join("real"));
        for path in [&runtime, &real] {
            fs::create_dir(path).unwrap();
        }
        // What a killed run leaves: everything, unlocked.
        let dead = runtime.join("exec-0");
        fs::create_dir_all(dead.join("serviceaccount")).unwrap();
        fs::write(dead.join("serviceaccount/token"), "secret").unwrap();
        fs::create_dir_all(dead.join("home/.aws/cli/cache")).unwrap();
        fs::write(dead.join("home/.aws/cli/cache/x.json"), "secret").unwrap();
        fs::write(dead.join("home/result"), "result").unwrap();
        symlink(&real, dead.join("real-home")).unwrap();
        // And what is not a run's.
        fs::write(runtime.join("sandbox-1.json"), "{}").unwrap();

        let alive = RunFolder::make(&runtime, Some(&real), "").unwrap();
        assert!(!dead.exists());
        assert_eq!(fs::read_to_string(real.join("result")).unwrap(), "result");
        clear_dead_runs(&runtime);
        assert!(alive.home().join("result").exists());

        fs::write(alive.home().join("more"), "more").unwrap();
        assert!(alive.close().is_empty());
        assert_eq!(fs::read_to_string(real.join("more")).unwrap(), "more");
        let left: Vec<_> = fs::read_dir(&runtime).unwrap().flatten().collect();
        assert_eq!(left.len(), 1, "{left:?}");
    }

    #[test]
    fn a_home_is_optional_and_the_last_run_removes_the_runtime_folder() {
        let folder = tempfile::tempdir().unwrap();
        let runtime = folder.path().join("run");
        fs::create_dir(&runtime).unwrap();
        let run = RunFolder::make(&runtime, None, "").unwrap();
        assert!(run.home().join(".aws/config").exists());
        drop(run);
        assert!(!runtime.exists());
        let error = RunFolder::make(&runtime, None, "").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }
}
