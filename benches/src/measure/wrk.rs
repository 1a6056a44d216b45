//! wrk against a server, and what each answer cost it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::process::Process;

/// What a run of wrk came to.
pub(crate) struct Load {
    pub(crate) requests: u32,
    pub(crate) cpu: Duration,
}

impl Load {
    /// Server CPU for one answer.
    pub(crate) fn each(&self) -> Duration {
        self.cpu / self.requests
    }
}

/// How wrk is started.
pub(crate) struct Wrk {
    /// The folder that its Debian packages were unpacked to.
    packages: PathBuf,
    script: PathBuf,
    bodies: PathBuf,
    post: Post,
}

/// Where bodies are posted, and as what.
#[derive(Clone, Copy)]
pub(crate) struct Post {
    pub(crate) path: &'static str,
    pub(crate) content_type: &'static str,
}

impl Wrk {
    /// Writes script and request bodies, one a line, to `home`.
    pub(crate) fn new(
        packages: &Path,
        home: &Path,
        name: &str,
        post: Post,
        bodies: &str,
    ) -> Result<Self, String> {
        let places = [format!("{name}.lua"), format!("{name}.bodies")];
        let [script_file, bodies_file] = places.map(|place| home.join(place));
        let written = fs::write(&script_file, include_str!("wrk.lua"))
            .and_then(|()| fs::write(&bodies_file, bodies));
        written.map_err(|error| format!("cannot write to `{}`: {error}", home.display()))?;
        Ok(Self {
            packages: packages.to_owned(),
            script: script_file,
            bodies: bodies_file,
            post,
        })
    }

    /// Sends the bodies for some seconds; fails when an answer is anything but a success.
    pub(crate) fn run(&self, server: &Process, url: &str, seconds: u32) -> Result<Load, String> {
        let before = server.cpu()?;
        let output = Command::new(self.packages.join("usr/bin/wrk"))
            .env_clear()
            .env("LD_LIBRARY_PATH", self.libraries())
            .args(["--threads", "1", "--connections", "8"])
            .args(["--duration", &format!("{seconds}s")])
            .args(["--timeout", "30s"])
            .arg("--script")
            .arg(&self.script)
            .arg(url)
            .arg("--")
            .arg(&self.bodies)
            .args([self.post.path, self.post.content_type])
            .output()
            .map_err(|error| format!("cannot start wrk: {error}"))?;
        let cpu = server.cpu()?.saturating_sub(before);
        let said = String::from_utf8_lossy(&output.stdout);
        if !output.status.success() || said.contains("Non-2xx") || said.contains("Socket errors") {
            let wrong = String::from_utf8_lossy(&output.stderr);
            return Err(format!("wrk against {url}:\n{said}{wrong}"));
        }
        let requests = said
            .lines()
            .find_map(|line| line.trim().split_once(" requests in "))
            .and_then(|(count, _)| count.parse().ok())
            .filter(|count| *count > 0);
        let requests = requests.ok_or_else(|| format!("wrk counts no requests:\n{said}"))?;
        Ok(Load { requests, cpu })
    }

    fn libraries(&self) -> PathBuf {
        let all = self.packages.join("usr/lib");
        let triplet = format!("{}-linux-gnu", std::env::consts::ARCH);
        all.join(triplet)
    }
}
