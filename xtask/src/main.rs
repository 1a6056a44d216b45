//! `cargo xtask`: what developers and CI run. It installs what the tests need and calls cargo.
//!
//! No dependency but the standard library, so that it compiles in a second.

mod tools;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Instant;

const USAGE: &str = "\
usage: cargo xtask <command>

commands:
  test [--fast] [FILTER…]   install what the tests need and run them; --fast leaves out the foreign clients
  check                     formatting, lints and dependency rules
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match words.as_slice() {
        ["test", rest @ ..] => test(rest),
        ["check"] => check(),
        _ => Err(USAGE.to_owned()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            say(&message);
            ExitCode::FAILURE
        }
    }
}

/// Doctests first, then everything under nextest, whose summary is the last thing printed.
fn test(words: &[&str]) -> Result<(), String> {
    let fast = words.contains(&"--fast");
    let filters: Vec<&&str> = words.iter().filter(|word| **word != "--fast").collect();
    if let Some(unknown) = filters.iter().find(|word| word.starts_with('-')) {
        return Err(format!("unknown option `{unknown}`\n\n{USAGE}"));
    }
    let started = Instant::now();
    let tools = tools::environment("tools")?;
    let mut nextest = cargo(&["nextest", "run", "--workspace", "--no-fail-fast"]);
    nextest
        .env("PATH", prepend_path(&tools)?)
        .env("INSTA_UPDATE", "no");
    if fast {
        nextest.args([
            "--ignore-default-filter",
            "-E",
            "not binary(foreign_clients)",
        ]);
    } else {
        nextest.env("PODPASS_TEST_CLIENTS", tools::environment("clients")?);
        // The README's first command is a test too: the demo must be on the path that a newcomer takes.
    }
    if filters.is_empty() {
        run(cargo(&["test", "--workspace", "--doc", "--quiet"]))?;
    }
    nextest.args(&filters);
    let result = run(nextest);
    // On stderr before nextest's own last line would be lost in its output, so only a failure is said after it.
    if result.is_err() {
        say(&format!(
            "tests failed after {} s",
            started.elapsed().as_secs()
        ));
    }
    result
}

fn check() -> Result<(), String> {
    run(cargo(&["fmt", "--all", "--check"]))?;
    run(cargo(&[
        "clippy",
        "--workspace",
        "--all-targets",
        "--quiet",
        "--",
        "-D",
        "warnings",
    ]))?;
    let mut deny = cargo(&[
        "deny",
        "--log-level",
        "error",
        "check",
        "bans",
        "licenses",
        "sources",
    ]);
    deny.env("PATH", prepend_path(&tools::environment("tools")?)?);
    run(deny)
}

fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(root());
    command
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn prepend_path(environment: &Path) -> Result<OsString, String> {
    let rest = std::env::var_os("PATH").unwrap_or_default();
    let all = std::iter::once(environment.join("bin")).chain(std::env::split_paths(&rest));
    std::env::join_paths(all).map_err(|error| format!("PATH cannot be extended: {error}"))
}

fn run(mut command: Command) -> Result<(), String> {
    let shown = format!(
        "{} {}",
        command.get_program().display(),
        shown_arguments(&command)
    );
    let status = command
        .status()
        .map_err(|error| format!("cannot run `{shown}`: {error}"))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("`{shown}` failed: {status}"))
    }
}

fn shown_arguments(command: &Command) -> String {
    command
        .get_args()
        .map(|argument| argument.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}

fn say(text: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "{text}");
}
