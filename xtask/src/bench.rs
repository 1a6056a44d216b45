//! Measures what `benches/` holds: times side by side in one run, and instructions under callgrind.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{cargo, debian, root, run, say, testcluster, tools};

/// One line that the program printed.
struct Timing {
    name: String,
    bound: Option<f64>,
    nanoseconds: f64,
    ratio: f64,
    low: f64,
    high: f64,
}

/// Builds and runs the comparison of the decisions, and fails if one of them takes longer than it may.
pub(crate) fn decisions() -> Result<(), String> {
    build(&["podpass-benches"])?;
    let program = program("decisions")?;
    let timings = measure(&program)?;
    let counts = count_instructions(&program, &timings)?;
    say(&table(&timings, &counts));
    let slow: Vec<&str> = timings
        .iter()
        .filter(|timing| timing.bound.is_some_and(|bound| timing.ratio > bound))
        .map(|timing| timing.name.as_str())
        .collect();
    if slow.is_empty() {
        Ok(())
    } else {
        Err(format!("over the bound: {}", slow.join(", ")))
    }
}

fn build(packages: &[&str]) -> Result<(), String> {
    let mut command = cargo(&["build", "--quiet", "--profile", "bench"]);
    for package in packages {
        command.args(["--package", package]);
    }
    run(command)
}

/// Builds the sandbox and the program that measures it, and runs that; fails if a bound is not kept.
pub(crate) fn sandbox() -> Result<(), String> {
    build(&["podpass-benches", "podpass"])?;
    run({
        let mut command = Command::new(program("sandbox")?);
        command
            .arg(program("podpass")?)
            .arg(debian::unpacked("wrk", &["wrk", "libluajit-5.1-2"])?)
            .arg(tools::environment("clients")?)
            .arg(tools::environment("moto")?);
        command
    })
}

/// Builds the webhook and the program that measures it, and runs that; fails if a bound is not kept.
pub(crate) fn webhook() -> Result<(), String> {
    let programs =
        testcluster::built()?.ok_or("the control plane cannot be built: Go is not installed")?;
    build(&["podpass-benches", "podpass"])?;
    run({
        let mut command = Command::new(program("webhook")?);
        command
            .arg(program("podpass")?)
            .arg(debian::unpacked("wrk", &["wrk", "libluajit-5.1-2"])?)
            .arg(programs);
        command
    })
}

fn program(name: &str) -> Result<PathBuf, String> {
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| root().join("target"), |path| root().join(path));
    let program = target.join("release").join(name);
    if program.exists() {
        Ok(program)
    } else {
        Err(format!("`{}` was not built", program.display()))
    }
}

fn measure(program: &Path) -> Result<Vec<Timing>, String> {
    let text = output(&mut Command::new(program))?.0;
    text.lines()
        .map(|line| {
            Timing::of_line(line).ok_or_else(|| format!("cannot read the measurement `{line}`"))
        })
        .collect()
}

/// Instructions of one run of each subject, `None` where valgrind is not installed.
///
/// The preparation is taken off by counting a run that does nothing else.
fn count_instructions(program: &Path, timings: &[Timing]) -> Result<Vec<Option<f64>>, String> {
    let installed = Command::new("valgrind")
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !installed {
        say("valgrind is not installed: instructions are not counted");
        return Ok(vec![None; timings.len()]);
    }
    let count = |name: &str, repetitions: u32| {
        let mut command = Command::new("valgrind");
        command
            .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
            .arg(program)
            .args(["run", name, &repetitions.to_string()]);
        let report = output(&mut command)?.1;
        collected(&report)
            .ok_or_else(|| format!("callgrind reported no count for `{name}`:\n{report}"))
    };
    timings
        .iter()
        .map(|timing| {
            let work = count(&timing.name, REPETITIONS)?;
            let preparation = count(&timing.name, 0)?;
            Ok(Some((work - preparation) / f64::from(REPETITIONS)))
        })
        .collect()
}

/// Finds the number in callgrind's `==1== Collected : 12345`.
fn collected(report: &str) -> Option<f64> {
    let (_, after) = report.split_once("Collected :")?;
    after.split_whitespace().next()?.parse().ok()
}

fn table(timings: &[Timing], counts: &[Option<f64>]) -> String {
    let base = counts.first().copied().flatten();
    let rows = timings
        .iter()
        .zip(counts)
        .map(|(timing, &count)| timing.row(count, base));
    let heading = "| subject | time | ratio | quartiles | bound | instructions | ratio |\n\
                   | --- | ---: | ---: | ---: | ---: | ---: | ---: |";
    std::iter::once(heading.to_owned())
        .chain(rows)
        .collect::<Vec<_>>()
        .join("\n")
}

fn output(command: &mut Command) -> Result<(String, String), String> {
    let program = command.get_program().to_owned();
    let shown = format!("{} {}", program.display(), super::shown_arguments(command));
    let output = command
        .output()
        .map_err(|error| format!("cannot run `{shown}`: {error}"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    if output.status.success() {
        Ok((out, err))
    } else {
        Err(format!("`{shown}` failed: {}\n{err}", output.status))
    }
}

impl Timing {
    fn of_line(line: &str) -> Option<Self> {
        let fields: Vec<&str> = line.split('\t').collect();
        let [name, bound, nanoseconds, ratio, low, high] = fields[..] else {
            return None;
        };
        Some(Self {
            name: name.to_owned(),
            bound: match bound {
                "-" => None,
                number => Some(number.parse().ok()?),
            },
            nanoseconds: nanoseconds.parse().ok()?,
            ratio: ratio.parse().ok()?,
            low: low.parse().ok()?,
            high: high.parse().ok()?,
        })
    }

    fn row(&self, count: Option<f64>, base: Option<f64>) -> String {
        let microseconds = self.nanoseconds / 1000.0;
        let bound = self
            .bound
            .map_or_else(|| "–".to_owned(), |bound| format!("{bound:.2}"));
        let (instructions, share) = match (count, base) {
            (Some(count), Some(base)) => (format!("{count:.0}"), format!("{:.3}", count / base)),
            _ => ("–".to_owned(), "–".to_owned()),
        };
        format!(
            "| {} | {microseconds:.1} µs | {:.3} | {:.3}–{:.3} | {bound} | {instructions} | {share} |",
            self.name, self.ratio, self.low, self.high
        )
    }
}

/// Enough to make what happens once, such as the growth of the heap, vanish.
const REPETITIONS: u32 = 200;
