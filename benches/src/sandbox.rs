//! What an exchange of a token costs the sandbox, beside the bare verification of its signature and beside moto.
//!
//! `cargo xtask bench sandbox` installs what this program needs and runs it:
//! `sandbox PODPASS WRK CLIENTS MOTO`, the binary, and the folders of wrk's packages and of two Python environments.

mod measure;
#[path = "sandbox/server.rs"]
mod server;
#[path = "sandbox/tokens.rs"]
mod tokens;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

use measure::process::isolated;
use measure::table::{Row, mebi, micro, millis, print};
use measure::wrk::{Post, Wrk};
use server::Server;
use tokens::{ISSUER, Tokens};

fn main() -> ExitCode {
    let paths: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let result = match paths.as_slice() {
        [podpass, wrk, clients, moto] => {
            Bench::new(podpass, wrk, clients, moto).and_then(|bench| bench.run())
        }
        _ => Err("usage: sandbox PODPASS WRK CLIENTS MOTO".to_owned()),
    };
    measure::ended(result)
}

struct Bench<'a> {
    podpass: &'a Path,
    clients: &'a Path,
    moto: &'a Path,
    home: tempfile::TempDir,
    tokens: Tokens,
    wrk: Wrk,
}

impl<'a> Bench<'a> {
    fn new(
        podpass: &'a Path,
        wrk: &Path,
        clients: &'a Path,
        moto: &'a Path,
    ) -> Result<Self, String> {
        let home = tempfile::tempdir().map_err(|error| format!("no temporary folder: {error}"))?;
        let tokens = Tokens::mint(TOKENS)?;
        let wrk = Wrk::new(wrk, home.path(), "exchange", EXCHANGE, &tokens.bodies())?;
        Ok(Self {
            podpass,
            clients,
            moto,
            home,
            tokens,
            wrk,
        })
    }

    /// Measures, prints the table, and says whether every bound is kept.
    fn run(&self) -> Result<bool, String> {
        // Of several starts the middle one: the first reads the binary from disk.
        let mut starts = Vec::new();
        for _ in 0..STARTS {
            let server = Server::sandbox(self.podpass, self.home.path(), 1)?;
            starts.push((server.ready, server.memory()?));
        }
        starts.sort_unstable();
        let (ready, idle) = starts[STARTS / 2];

        let before = self.tokens.bare_verification()?;
        let small = Server::sandbox(self.podpass, self.home.path(), 1)?;
        self.fill(&small, 1, 1)?;
        let of_sandbox = small.load(&self.wrk, SECONDS)?.each();
        drop(small);
        let large = Server::sandbox(self.podpass, self.home.path(), 10)?;
        self.fill(&large, 1_000, 100)?;
        let of_large = large.load(&self.wrk, SECONDS)?.each();
        drop(large);
        let moto = Server::moto(self.moto, self.home.path())?;
        let of_moto = moto.load(&self.wrk, SECONDS)?.each();
        let (moto_ready, moto_idle) = (moto.ready, moto.memory()?);
        drop(moto);
        let bare = (before + self.tokens.bare_verification()?) / 2;

        let ratio = |one: Duration, other: Duration| one.as_secs_f64() / other.as_secs_f64();
        let rows = [
            Row::of("bare RSA-2048 verification", micro(bare), 1.0, None),
            Row::of(
                "exchange",
                micro(of_sandbox),
                ratio(of_sandbox, bare),
                Some((4.0, "× bare")),
            ),
            Row::of(
                "exchange, 10 accounts with 1000 roles and 100 providers each",
                micro(of_large),
                ratio(of_large, of_sandbox),
                Some((1.2, "× exchange")),
            ),
            Row::of(
                "moto's answer to the same",
                micro(of_moto),
                ratio(of_moto, bare),
                None,
            ),
            Row::of(
                "exchange over moto's",
                String::new(),
                ratio(of_sandbox, of_moto),
                Some((1.0 / 35.0, "× moto")),
            ),
            Row::of(
                "start to first connection",
                format!(
                    "{:.0} ms (moto {:.0} ms)",
                    millis(ready),
                    millis(moto_ready)
                ),
                millis(ready),
                Some((100.0, "ms")),
            ),
            Row::of(
                "memory, idle",
                format!("{:.1} MiB (moto {:.1} MiB)", mebi(idle), mebi(moto_idle)),
                mebi(idle),
                Some((20.0, "MiB")),
            ),
        ];
        print(&rows).map_err(|error| format!("cannot print: {error}"))?;
        Ok(rows.iter().all(Row::is_kept))
    }

    /// Hands the keys over, and makes provider and role in each account, and so many in all.
    fn fill(&self, server: &Server, roles: usize, providers: usize) -> Result<(), String> {
        let home = self.home.path();
        let jwks = home.join("jwks.json");
        let script = home.join("fill.py");
        let written = std::fs::write(&jwks, &self.tokens.jwks)
            .and_then(|()| std::fs::write(&script, include_str!("sandbox/fill.py")));
        written.map_err(|error| format!("cannot write to `{}`: {error}", home.display()))?;
        let mut add = isolated(self.podpass, home);
        add.args(["sandbox", "add-issuer", "--issuer", ISSUER, "--jwks"])
            .arg(&jwks)
            .args(["--endpoint", &server.endpoint]);
        ended(&mut add)?;
        let mut fill = isolated(&self.clients.join("bin/python"), home);
        fill.arg(&script)
            .arg(server.started.to_string())
            .args([roles.to_string(), providers.to_string()]);
        ended(&mut fill)
    }
}

fn ended(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|error| {
        format!(
            "cannot start `{}`: {error}",
            command.get_program().display()
        )
    })?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!(
        "`{}` failed: {}",
        command.get_program().display(),
        String::from_utf8_lossy(&output.stderr)
    ))
}

const EXCHANGE: Post = Post {
    path: "/",
    content_type: "application/x-www-form-urlencoded; charset=utf-8",
};
const TOKENS: usize = 2_000;
const STARTS: usize = 5;
const SECONDS: u32 = 8;
