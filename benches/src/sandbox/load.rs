//! wrk against a server, and what each answer cost it.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use podpass_token::Token;

use super::server::Server;

/// What a run of wrk came to.
pub(crate) struct Load {
    pub(crate) requests: u32,
    pub(crate) cpu: Duration,
}

impl Load {
    /// Server CPU for one exchange.
    pub(crate) fn each(&self) -> Duration {
        self.cpu / self.requests
    }
}

/// How wrk is started.
pub(crate) struct Wrk {
    /// The folder that its Debian packages were unpacked to.
    packages: std::path::PathBuf,
    script: std::path::PathBuf,
    bodies: std::path::PathBuf,
}

impl Wrk {
    /// Writes script and request bodies to `home`; one body for each token.
    pub(crate) fn new(packages: &Path, home: &Path, tokens: &[Token]) -> Result<Self, String> {
        let script = home.join("wrk.lua");
        let bodies = home.join("bodies");
        let body = |token: &Token| {
            // A token in compact form needs no escapes.
            format!(
                "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fbench\
                 &RoleSessionName=bench&WebIdentityToken={}\n",
                token.expose()
            )
        };
        let written = fs::write(&script, include_str!("wrk.lua"))
            .and_then(|()| fs::write(&bodies, tokens.iter().map(body).collect::<String>()));
        written.map_err(|error| format!("cannot write to `{}`: {error}", home.display()))?;
        Ok(Self {
            packages: packages.to_owned(),
            script,
            bodies,
        })
    }

    /// Sends tokens for some seconds; fails when an answer is anything but a success.
    pub(crate) fn run(&self, server: &Server, seconds: u32) -> Result<Load, String> {
        let before = server.cpu()?;
        let output = Command::new(self.packages.join("usr/bin/wrk"))
            .env_clear()
            .env("LD_LIBRARY_PATH", self.libraries())
            .args(["--threads", "1", "--connections", "8"])
            .args(["--duration", &format!("{seconds}s")])
            .args(["--timeout", "30s"])
            .arg("--script")
            .arg(&self.script)
            .arg(&server.endpoint)
            .arg("--")
            .arg(&self.bodies)
            .output()
            .map_err(|error| format!("cannot start wrk: {error}"))?;
        let cpu = server.cpu()?.saturating_sub(before);
        let said = String::from_utf8_lossy(&output.stdout);
        if !output.status.success() || said.contains("Non-2xx") || said.contains("Socket errors") {
            let wrong = String::from_utf8_lossy(&output.stderr);
            return Err(format!("wrk against {}:\n{said}{wrong}", server.endpoint));
        }
        let requests = said
            .lines()
            .find_map(|line| line.trim().split_once(" requests in "))
            .and_then(|(count, _)| count.parse().ok())
            .filter(|count| *count > 0);
        let requests = requests.ok_or_else(|| format!("wrk counts no requests:\n{said}"))?;
        Ok(Load { requests, cpu })
    }

    fn libraries(&self) -> std::path::PathBuf {
        let all = self.packages.join("usr/lib");
        let triplet = format!("{}-linux-gnu", std::env::consts::ARCH);
        all.join(triplet)
    }
}
