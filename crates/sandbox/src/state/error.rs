//! What can be wrong with a state folder, and with writing to it.

use std::io;
use std::path::PathBuf;

use podpass_policy::AccountId;

/// Why a state folder is not used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// The path is something else than a folder.
    #[error("`{path}` is not a folder, and a state is kept in one")]
    NotFolder {
        /// The path as given.
        path: PathBuf,
    },
    /// A file or folder of it cannot be read or written.
    #[error("cannot {attempt} `{path}`")]
    Io {
        /// What was tried, such as `read`.
        attempt: &'static str,
        /// What it was tried with.
        path: PathBuf,
        /// The operating system's answer.
        #[source]
        source: io::Error,
    },
    /// Another sandbox runs on it.
    #[error("the state `{path}` is in use by another sandbox{}", of_process(*pid))]
    InUse {
        /// The folder.
        path: PathBuf,
        /// The other's process, when it can be told.
        pid: Option<u32>,
    },
    /// The folder has files, and none says that they are a state.
    #[error("`{path}` holds other files, such as `{found}`, and no state of a sandbox")]
    Foreign {
        /// The folder.
        path: PathBuf,
        /// One of the files.
        found: String,
    },
    /// A newer podpass has written it.
    #[error("the state `{path}` has format {found}; this podpass reads format {known}")]
    Newer {
        /// The folder.
        path: PathBuf,
        /// The format that it says it has.
        found: u32,
        /// The newest format that is read here.
        known: u32,
    },
    /// Something in it is not what was written.
    #[error("the state is damaged: `{path}`, {place}: {problem}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where in it.
        place: String,
        /// What is wrong there.
        problem: String,
    },
    /// An account of it has another administrator's key than the settings give.
    #[error(
        "account {account} of the state `{path}` has the administrator's key `{kept}`, not the given `{given}`"
    )]
    OtherAdminKey {
        /// The folder.
        path: PathBuf,
        /// The account.
        account: AccountId,
        /// The access key id in the state.
        kept: String,
        /// The access key id in the settings.
        given: String,
    },
}

/// A change was not kept, and so it was not made.
#[derive(Debug, thiserror::Error)]
#[error("the change was not made, because it cannot be kept: cannot write `{path}`: {source}")]
pub(crate) struct NotKept {
    /// The file.
    pub(crate) path: PathBuf,
    /// The operating system's answer.
    pub(crate) source: io::Error,
}

impl StateError {
    /// What to do about it.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::NotFolder { .. } | Self::Foreign { .. } => {
                "name a new or an empty folder, or one that a sandbox has made"
            }
            Self::Io { .. } => {
                "give this user a folder that it may read and write, on a disk that has room"
            }
            Self::InUse { .. } => "stop the other sandbox, or name another folder",
            Self::Newer { .. } => "start the podpass that wrote it, or name another folder",
            Self::Damaged { .. } => {
                "put the folder back from a copy, or name another one; what is left in it stays as it is"
            }
            Self::OtherAdminKey { .. } => {
                "leave the key out, give the one of the state, or name another folder"
            }
        }
    }
}

/// For `map_err`: the file and what was tried with it.
pub(super) fn failed(
    attempt: &'static str,
    path: impl Into<PathBuf>,
) -> impl FnOnce(io::Error) -> StateError {
    let path = path.into();
    move |source| StateError::Io {
        attempt,
        path,
        source,
    }
}

fn of_process(pid: Option<u32>) -> String {
    pid.map_or_else(String::new, |pid| format!(", process {pid}"))
}
