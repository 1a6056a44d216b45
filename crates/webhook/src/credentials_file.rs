//! The file that says which service accounts get container credentials (EKS Pod Identity).

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use podpass_inject::ContainerCredentials;
use podpass_runtime::FileStamp;

use crate::causes::with_causes;

/// The file, and what it said when it was read last.
///
/// Each question looks, through symbolic links, whether the file is still the one that was read: one that was changed,
/// replaced or swapped by the kubelet counts for the very next pod, and nothing watches or polls in between.
#[derive(Debug)]
pub(crate) struct CredentialsFile {
    path: PathBuf,
    read: Mutex<LastRead>,
}

#[derive(Debug, Default)]
struct LastRead {
    stamp: FileStamp,
    credentials: Arc<ContainerCredentials>,
    /// Whether the file as it is now could not be used.
    failed: bool,
}

impl CredentialsFile {
    /// Reads the file. Its folder has to be there, the file itself need not be.
    pub(crate) fn open(path: &Path) -> Result<Self, String> {
        if !path.is_absolute() {
            return Err(format!(
                "`{}` is no absolute path; `--watch-container-credentials-config` needs one",
                path.display()
            ));
        }
        let folder = path.parent().unwrap_or(path);
        if !folder.is_dir() {
            return Err(format!(
                "the folder `{}` of `--watch-container-credentials-config` does not exist",
                folder.display()
            ));
        }
        let file = Self {
            path: path.to_owned(),
            read: Mutex::default(),
        };
        file.current();
        Ok(file)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, LastRead> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the file says now; what it said before while it cannot be used.
    pub(crate) fn current(&self) -> Arc<ContainerCredentials> {
        let metadata = fs::metadata(&self.path).ok();
        let stamp = metadata.as_ref().map(FileStamp::from).unwrap_or_default();
        let mut last = self.lock();
        if stamp == last.stamp && !last.failed {
            return Arc::clone(&last.credentials);
        }
        let is_new = stamp != last.stamp;
        let read = match &metadata {
            None => Ok(ContainerCredentials::default()),
            // Whoever writes in place empties the file first.
            Some(it) if it.len() == 0 && is_young(it) => Err("it is being written".to_owned()),
            Some(_) => read(&self.path),
        };
        last.stamp = stamp;
        last.failed = read.is_err();
        match read {
            Ok(credentials) => {
                last.credentials = Arc::new(credentials);
                tracing::debug!(path = %self.path.display(), "Container credentials file read");
            }
            Err(error) if is_new => {
                let path = self.path.display();
                tracing::warn!(%path, error, "Container credentials file not used; what it said before stays");
            }
            Err(_) => {}
        }
        Arc::clone(&last.credentials)
    }
}

fn read(path: &Path) -> Result<ContainerCredentials, String> {
    let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
    ContainerCredentials::parse(&text).map_err(|error| with_causes(&error))
}

fn is_young(metadata: &fs::Metadata) -> bool {
    let modified = metadata.modified().ok();
    let age = modified.and_then(|time| SystemTime::now().duration_since(time).ok());
    // A clock that was set back makes a file look as if it came from the future.
    age.is_none_or(|age| age < WRITING)
}

/// How long an empty file is taken for one that is being written.
const WRITING: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn identities(name: &str) -> String {
        format!(r#"{{"identities":[{{"namespace":"ns","serviceAccount":"{name}"}}]}}"#)
    }

    #[test]
    fn a_change_counts_for_the_next_question() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.json");
        let file = CredentialsFile::open(&path).unwrap();
        assert!(!file.current().contains("ns", "a"));
        fs::write(&path, identities("a")).unwrap();
        assert!(file.current().contains("ns", "a"));
        // Emptied in place and written anew: nobody is lost in between.
        fs::write(&path, "").unwrap();
        assert!(!file.current().contains("ns", "b"));
        assert!(file.current().contains("ns", "a"));
        fs::write(&path, identities("b")).unwrap();
        assert!(file.current().contains("ns", "b"));
        assert!(!file.current().contains("ns", "a"));
        // Garbage keeps what there was, until it is whole.
        fs::write(&path, "{").unwrap();
        assert!(!file.current().contains("ns", "c"));
        assert!(file.current().contains("ns", "b"));
        fs::write(&path, identities("c")).unwrap();
        assert!(file.current().contains("ns", "c"));
        fs::remove_file(&path).unwrap();
        assert!(!file.current().contains("ns", "d"));
        assert!(!file.current().contains("ns", "c"));
    }

    #[test]
    fn the_kubelets_swap_of_a_link_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        for version in ["1", "2"] {
            let folder = folder.path().join(version);
            fs::create_dir(&folder).unwrap();
            fs::write(folder.join("config.json"), identities(version)).unwrap();
        }
        let data = folder.path().join("..data");
        symlink("1", &data).unwrap();
        let path = folder.path().join("config.json");
        symlink("..data/config.json", &path).unwrap();
        let file = CredentialsFile::open(&path).unwrap();
        assert!(file.current().contains("ns", "1"));
        let next = folder.path().join("..next");
        symlink("2", &next).unwrap();
        fs::rename(&next, &data).unwrap();
        assert!(file.current().contains("ns", "2"));
    }

    #[test]
    fn a_folder_that_is_not_there_is_told_at_start() {
        let error = CredentialsFile::open(Path::new("/no/such/folder/config.json")).unwrap_err();
        assert!(error.contains("`/no/such/folder`"), "{error}");
        let error = CredentialsFile::open(Path::new("config.json")).unwrap_err();
        assert!(error.contains("absolute"), "{error}");
    }
}
