//! A home of its own for each test, with the ambient configuration set to traps.

use std::ffi::OsStr;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A listener that nothing may connect to.
#[derive(Debug)]
pub struct Trap(TcpListener);

impl Trap {
    /// Opens a trap on a free loopback port.
    pub fn set() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        listener
            .set_nonblocking(true)
            .expect("a listener can be made non-blocking");
        Self(listener)
    }

    /// Where the trap listens, as a URL.
    pub fn url(&self) -> String {
        let address = self
            .0
            .local_addr()
            .expect("a bound listener has an address");
        format!("http://{address}")
    }

    /// Fails when anything has connected.
    pub fn assert_untouched(&self) {
        let caught = self.0.accept();
        assert!(
            caught.is_err(),
            "something that must build its configuration from nothing connected to the trap: {caught:?}"
        );
    }
}

/// A temporary home, temporary folder and runtime folder.
#[derive(Debug)]
pub struct Home {
    folder: tempfile::TempDir,
}

impl Home {
    /// Makes an empty one.
    #[expect(clippy::new_without_default, reason = "it makes folders on disk")]
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        for name in ["home", "tmp", "run", "work"] {
            fs::create_dir(folder.path().join(name)).expect("a folder can be made");
        }
        Self { folder }
    }

    /// A path in the working folder.
    pub fn path(&self, relative: &str) -> PathBuf {
        self.folder.path().join("work").join(relative)
    }

    /// Writes a file into the working folder and returns its path.
    pub fn write(&self, relative: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(relative);
        fs::create_dir_all(path.parent().expect("a file has a folder"))
            .expect("a folder can be made");
        fs::write(&path, content).expect("a file can be written");
        path
    }

    /// A command that sees only this home: no variable of the caller but `PATH`.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.folder.path().join("home"))
            .env("TMPDIR", self.folder.path().join("tmp"))
            .env("XDG_RUNTIME_DIR", self.folder.path().join("run"))
            .env("LC_ALL", "C.UTF-8")
            .current_dir(self.folder.path().join("work"));
        command
    }

    /// The same, with every ambient setting of AWS, Kubernetes and proxies leading into `trap` or to garbage.
    pub fn trapped(&self, program: impl AsRef<OsStr>, trap: &Trap) -> Command {
        let garbage = self.folder.path().join("garbage");
        fs::write(&garbage, "\u{0}this is no configuration [").expect("a file can be written");
        let mut command = self.command(program);
        for variable in [
            "AWS_ENDPOINT_URL",
            "AWS_ENDPOINT_URL_S3",
            "AWS_ENDPOINT_URL_STS",
            "AWS_ENDPOINT_URL_IAM",
            "AWS_EC2_METADATA_SERVICE_ENDPOINT",
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
            "HTTP_PROXY",
            "HTTPS_PROXY",
            "ALL_PROXY",
            "http_proxy",
            "https_proxy",
            "all_proxy",
        ] {
            command.env(variable, trap.url());
        }
        for variable in [
            "AWS_CONFIG_FILE",
            "AWS_SHARED_CREDENTIALS_FILE",
            "AWS_WEB_IDENTITY_TOKEN_FILE",
            "KUBECONFIG",
        ] {
            command.env(variable, &garbage);
        }
        command
            .env("AWS_PROFILE", "trap")
            .env("AWS_REGION", "trap-region-1")
            .env("AWS_DEFAULT_REGION", "trap-region-1")
            .env("AWS_ACCESS_KEY_ID", "AKIATRAPTRAPTRAPTRAP")
            .env("AWS_SECRET_ACCESS_KEY", "trap")
            .env("AWS_SESSION_TOKEN", "trap")
            .env("AWS_ROLE_ARN", "arn:aws:iam::999999999999:role/trap");
        command
    }

    /// Fails when anything was left in the home, the temporary folder or the runtime folder.
    pub fn assert_nothing_left(&self) {
        for name in ["home", "tmp", "run"] {
            let left = files_below(&self.folder.path().join(name));
            assert!(left.is_empty(), "left behind in {name}: {left:?}");
        }
    }
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder can be listed") {
        let path = entry.expect("a folder can be listed").path();
        if path.is_dir() {
            found.extend(files_below(&path));
        } else {
            found.push(path);
        }
    }
    found
}
