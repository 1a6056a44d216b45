//! What an admission costs the webhook, beside the same HTTPS stack with a constant answer; and its memory with many
//! service accounts on a real kube-apiserver.
//!
//! `cargo xtask bench webhook` installs what this program needs and runs it: `webhook PODPASS WRK PROGRAMS`, the binary, and
//! the folders of wrk's packages and of the control plane's programs. `webhook bare CERTIFICATE KEY` is the floor.

#[path = "webhook/bare.rs"]
mod bare;
#[path = "webhook/cluster.rs"]
mod cluster;
mod measure;
#[path = "webhook/review.rs"]
mod review;
#[path = "webhook/subject.rs"]
mod subject;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use cluster::Cluster;
use measure::table::{Row, mebi, micro, print};
use measure::wrk::{Post, Wrk};
use podpass_testkit::TestAuthority;
use subject::Webhook;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let result = match arguments.as_slice() {
        [bare, certificate, key] if bare == Path::new("bare") => {
            bare::serve(certificate, key).await.map(|()| true)
        }
        [podpass, wrk, programs] => run(podpass, wrk, programs).await,
        _ => Err("usage: webhook PODPASS WRK PROGRAMS".to_owned()),
    };
    measure::ended(result)
}

/// Measures, prints the table, and says whether every bound is kept.
async fn run(podpass: &Path, wrk: &Path, programs: &Path) -> Result<bool, String> {
    let home = tempfile::tempdir().map_err(|error| format!("no temporary folder: {error}"))?;
    let home = home.path();
    let (certificate, key) = TestAuthority::new().issue(&["localhost"]);
    for (name, text) in [("tls.crt", certificate), ("tls.key", key)] {
        std::fs::write(home.join(name), text).map_err(|error| error.to_string())?;
    }
    let mut cluster = Cluster::start(programs, &home.join("kubeconfig")).await;
    cluster.add_pair().await?;
    let load = |account: &str| {
        let body = format!("{}\n", review::of(account));
        Wrk::new(wrk, home, account, MUTATE, &body)
    };
    let (mutated, unmatched) = (load("app")?, load("plain")?);

    let webhook = Webhook::start(podpass, home)?;
    let (floor, floor_url) = subject::bare(home)?;
    let idle = webhook.process.memory()?;
    let floor_before = mutated.run(&floor, &floor_url, SECONDS)?.each();
    let of_mutated = mutated.run(&webhook.process, &webhook.url, SECONDS)?.each();
    let reads = webhook.reads()?;
    let of_unmatched = unmatched
        .run(&webhook.process, &webhook.url, SECONDS)?
        .each();
    let reads = webhook.reads()? - reads;
    let bare = (floor_before + mutated.run(&floor, &floor_url, SECONDS)?.each()) / 2;
    let loaded = webhook.process.memory()?;
    drop((webhook, floor));

    let mut sizes = Vec::new();
    for number in [HALF, 2 * HALF] {
        cluster.grow_to(number).await?;
        let webhook = Webhook::start(podpass, home)?;
        let cpu = webhook.process.cpu()?;
        std::thread::sleep(IDLE);
        let busy = webhook.process.cpu()?.saturating_sub(cpu);
        sizes.push((webhook.process.memory()?, cpu, busy));
    }
    let [(half, half_cpu, half_busy), (full, full_cpu, _)] = sizes[..] else {
        return Err("two sizes were measured".to_owned());
    };

    let ratio = |one: Duration| one.as_secs_f64() / bare.as_secs_f64();
    let memory = |kibi: u64| format!("{:.1} MiB", mebi(kibi));
    let growth = mebi(full - half) / mebi(half.saturating_sub(idle).max(1));
    let rows = [
        Row::of("constant answer, same stack", micro(bare), 1.0, None),
        Row::of(
            "mutated",
            micro(of_mutated),
            ratio(of_mutated),
            Some((3.0, "× constant")),
        ),
        Row::of(
            "unmatched",
            micro(of_unmatched),
            ratio(of_unmatched),
            Some((1.6, "× constant")),
        ),
        #[expect(clippy::cast_precision_loss, reason = "a small number")]
        Row::of(
            "API reads while unmatched",
            reads.to_string(),
            reads as f64,
            Some((0.0, "reads")),
        ),
        Row::of("memory, idle, 2 accounts", memory(idle), mebi(idle), None),
        Row::of("memory after the load", memory(loaded), mebi(loaded), None),
        Row::of(
            "memory, 50 000 annotated accounts",
            memory(half),
            mebi(half),
            Some((32.0, "MiB")),
        ),
        Row::of("memory, 100 000", memory(full), mebi(full), None),
        Row::of(
            "second 50 000 over the first",
            String::new(),
            growth,
            Some((1.5, "× the first")),
        ),
        Row::of(
            "CPU to sync 50 000",
            seconds(half_cpu),
            half_cpu.as_secs_f64(),
            None,
        ),
        Row::of(
            "CPU to sync 100 000",
            seconds(full_cpu),
            full_cpu.as_secs_f64(),
            None,
        ),
        Row::of(
            "CPU of an idle minute, 50 000",
            seconds(half_busy),
            half_busy.as_secs_f64(),
            Some((0.02, "s")),
        ),
    ];
    print(&rows).map_err(|error| format!("cannot print: {error}"))?;
    Ok(rows.iter().all(Row::is_kept))
}

fn seconds(time: Duration) -> String {
    format!("{:.2} s", time.as_secs_f64())
}

/// Prints a line at once.
fn say(line: &str) -> Result<(), String> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")
        .and_then(|()| out.flush())
        .map_err(|error| format!("cannot print: {error}"))
}

const MUTATE: Post = Post {
    path: "/mutate?timeout=10s",
    content_type: "application/json",
};
const SECONDS: u32 = 8;
const HALF: usize = 50_000;
const IDLE: Duration = Duration::from_mins(1);
