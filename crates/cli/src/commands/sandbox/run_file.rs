//! The run file: how other commands find a running sandbox. Mode 0600, removed when the sandbox stops.

use std::fs;
use std::io::{self, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use podpass_sandbox::Secret;
use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::{files, runtime_folder};

/// Loopback answers at once or not at all.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// A running sandbox, as `sandbox start -o json` prints it.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RunningSandbox {
    pub(crate) endpoint: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) proxy: Option<RunningProxy>,
    /// The URL of the node's metadata.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) imds: Option<String>,
    pub(crate) accounts: Vec<RunningAccount>,
    pub(crate) pid: u32,
}

/// The proxy front, and where the certificate of its authority is.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RunningProxy {
    pub(crate) url: String,
    pub(crate) ca_file: String,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RunningAccount {
    pub(crate) id: String,
    pub(crate) access_key_id: String,
    pub(crate) secret_access_key: String,
}

/// What a run file holds.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Entry {
    #[serde(flatten)]
    pub(crate) running: RunningSandbox,
    /// The bearer of the sandbox's control calls, which stands nowhere else.
    pub(crate) control_token: String,
}

/// The file of a sandbox of this process; it is removed with this value.
#[derive(Debug)]
pub(crate) struct RunFile(PathBuf);

impl RunFile {
    pub(crate) fn write(sandbox: &RunningSandbox, control_token: &Secret) -> Result<Self, Failure> {
        let folder = runtime_folder::make()?;
        let port = sandbox.endpoint.rsplit(':').next().unwrap_or_default();
        let path = folder.join(format!("sandbox-{port}.json"));
        let entry = Entry {
            running: sandbox.clone(),
            control_token: control_token.expose().to_owned(),
        };
        let text = serde_json::to_vec(&entry)
            .map_err(|error| Failure::failed("cannot write the run file").because(&error))?;
        files::write_atomically(&path, &text, 0o600)?;
        Ok(Self(path))
    }
}

impl Drop for RunFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
        if let Some(folder) = self.0.parent() {
            // Goes only when no other sandbox has its file there.
            let _ = fs::remove_dir(folder);
        }
    }
}

/// The running sandbox, or the one at `endpoint`. Files of sandboxes that were killed are removed.
pub(crate) fn find(endpoint: Option<&str>) -> Result<Entry, Failure> {
    let folder = runtime_folder::path()?;
    let mut running = Vec::new();
    for path in run_files(&folder)? {
        let Some(sandbox) = read(&path) else { continue };
        if answers(&sandbox.running.endpoint) {
            running.push(sandbox);
        } else {
            let _ = fs::remove_file(&path);
        }
    }
    if let Some(endpoint) = endpoint {
        running
            .retain(|sandbox: &Entry| sandbox.running.endpoint == endpoint.trim_end_matches('/'));
    }
    match running.as_slice() {
        [one] => Ok(one.clone()),
        [] => Err(Failure::failed(match endpoint {
            Some(endpoint) => format!("no sandbox of this user runs at {endpoint}"),
            None => "no sandbox of this user is running".to_owned(),
        })
        .help("start one with `podpass sandbox start`")),
        several => {
            let endpoints: Vec<&str> = several
                .iter()
                .map(|sandbox| sandbox.running.endpoint.as_str())
                .collect();
            Err(Failure::usage("several sandboxes are running")
                .detail("running", endpoints.join(", "))
                .help("name one with `--endpoint`"))
        }
    }
}

fn run_files(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => {
            return Err(
                Failure::failed(format!("cannot list `{}`", folder.display())).because(&error),
            );
        }
    };
    runtime_folder::refuse_strangers(folder)?;
    let mut paths: Vec<PathBuf> = entries
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter(|path| {
            let stem = path
                .file_stem()
                .map(|stem| stem.to_string_lossy().into_owned());
            stem.is_some_and(|stem| stem.starts_with("sandbox-"))
                && path
                    .extension()
                    .is_some_and(|extension| extension == "json")
        })
        .collect();
    paths.sort();
    Ok(paths)
}

fn read(path: &Path) -> Option<Entry> {
    serde_json::from_str(&fs::read_to_string(path).ok()?).ok()
}

fn answers(endpoint: &str) -> bool {
    endpoint
        .strip_prefix("http://")
        .and_then(|address| address.parse::<SocketAddr>().ok())
        .is_some_and(|address| {
            TcpStream::connect_timeout(&address, CONNECT_TIMEOUT)
                .and_then(|mut s| s.flush())
                .is_ok()
        })
}
