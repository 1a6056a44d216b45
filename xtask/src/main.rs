//! `cargo xtask`: what developers and CI run. It installs what the tests need and calls cargo.
//!
//! No dependency but the standard library, so that it compiles in a second.

mod bench;
mod cache;
mod debian;
mod helm;
mod run_folder;
mod sdk_clients;
mod testcluster;
mod tools;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use run_folder::RunFolder;

const USAGE: &str = "\
usage: cargo xtask <command>

commands:
  test [--fast] [FILTER…]   install what the tests need and run them; --fast leaves out the foreign clients, and the
                            control plane where it was not built before
  check                     formatting, lints and dependency rules
  bench decisions           times and instructions of the pure decisions, against one RSA verification
  bench webhook             what an admission costs the webhook, and its memory with 100 000 service accounts
  bench sandbox             what an exchange costs the sandbox, beside moto (Debian: wrk comes from its packages)
";

/// What `--fast` leaves out: the tests that take foreign clients, those with a control plane of their own each (`look`,
/// `install`), and those of the webhook that make hundreds of pods or wait for its leases, certificates and time-outs.
const FOREIGN_OR_SLOW: &str = "binary(foreign_clients) | binary(seeds) | binary(documents) | binary(look) | binary(install) \
     | (binary_id(podpass::webhook) & test(/^(restarts|controller)::|_applied_together_|_api_server_is_gone$/))";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match words.as_slice() {
        ["test", rest @ ..] => test(rest),
        ["check"] => check(),
        ["bench", "decisions"] => bench::decisions(),
        ["bench", "sandbox"] => bench::sandbox(),
        ["bench", "webhook"] => bench::webhook(),
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
    let path = prepend_path(&tools::environment("tools")?)?;
    let nextest = |arguments: &[&str]| {
        let mut command = cargo(&["nextest", "run", "--workspace"]);
        command.args(arguments).env("PATH", &path);
        command
    };
    run(nextest(&["--no-run"]))?;
    if filters.is_empty() {
        run(cargo(&["test", "--workspace", "--doc", "--quiet"]))?;
    }
    let control_plane = if fast {
        testcluster::cached()?
    } else {
        testcluster::built()?
    };
    let helm = if fast {
        helm::cached()?
    } else {
        helm::built()?
    };
    let mut tests = nextest(&["--no-fail-fast"]);
    if fast {
        let mut left_out = FOREIGN_OR_SLOW.to_owned();
        if control_plane.is_none() {
            say("--fast leaves out the control plane: it was not built yet");
            left_out.push_str(
                " | binary(control_plane) | binary(access) | binary_id(podpass::webhook)",
            );
        }
        tests.args(["-E", &format!("not ({left_out})")]);
    } else {
        tests
            .env("PODPASS_TEST_CLIENTS", tools::environment("clients")?)
            .env("PODPASS_TEST_SDKS", sdk_clients::built()?)
            .env("PODPASS_TEST_MOTO", tools::environment("moto")?);
        if let Some(folder) = debian::clients()? {
            tests.env("PODPASS_TEST_DEBIAN", folder);
        }
    }
    let run_folder = RunFolder::make()?;
    tests.env("PODPASS_TEST_RUN", run_folder.path());
    if let Some(program) = helm {
        tests.env("PODPASS_TEST_HELM", program);
    }
    if let Some(programs) = control_plane {
        tests.env("PODPASS_TEST_CLUSTER", programs);
    }
    set_traps(&mut tests);
    tests.args(&filters);
    run(tests)
}

/// Points every ambient setting of AWS, Kubernetes and proxies at nothing: a test that reads one fails.
fn set_traps(tests: &mut Command) {
    // The discard port: nothing listens there, so a connection is refused at once.
    let nowhere = "http://127.0.0.1:9";
    for variable in [
        "AWS_ENDPOINT_URL",
        "AWS_ENDPOINT_URL_S3",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "http_proxy",
        "https_proxy",
        "all_proxy",
    ] {
        tests.env(variable, nowhere);
    }
    for (variable, value) in [
        ("AWS_PROFILE", "trap"),
        ("AWS_REGION", "trap-region-1"),
        ("AWS_ACCESS_KEY_ID", "AKIATRAPTRAPTRAPTRAP"),
        ("AWS_SECRET_ACCESS_KEY", "trap"),
        ("AWS_CONFIG_FILE", "/nonexistent/aws/config"),
        ("KUBECONFIG", "/nonexistent/kubeconfig"),
    ] {
        tests.env(variable, value);
    }
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
