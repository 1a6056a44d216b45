//! podpass: short-lived cloud permissions for Kubernetes service accounts.
//!
//! One binary with several personalities: the name it is called by decides whose command lines it takes.

mod args;
mod called_as;
mod ccoctl;
mod cluster_args;
mod commands;
mod consent;
mod demo;
mod duration;
mod failure;
mod files;
mod format;
mod given;
mod identity_args;
mod output;
mod runtime_folder;
mod table;
mod webhook;
mod webhook_rules;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::FromArgMatches;

use crate::args::{Cli, Command};
use crate::called_as::CalledAs;
use crate::failure::Failure;

/// What `-o json` documents of our own carry.
pub(crate) const API_VERSION: &str = "podpass.dev/v1alpha1";

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let called_as = CalledAs::of(arguments.first().map(OsString::as_os_str));
    match called_as {
        CalledAs::Ccoctl => ccoctl::run(arguments),
        CalledAs::Webhook(name) => webhook::run_as_peer(name, arguments),
        CalledAs::Podpass if arguments.get(1).is_some_and(|word| word == "webhook") => {
            webhook::run_as_podpass(arguments.into_iter().skip(1).collect())
        }
        CalledAs::PluginCompletion(_) => commands::completion::answer_kubectl(called_as, arguments),
        CalledAs::Podpass | CalledAs::Plugin(_) => {
            match commands::completion::asking_shell(&arguments) {
                Some(shell) => commands::completion::answer(shell, &arguments),
                None => podpass(called_as, arguments),
            }
        }
    }
}

fn podpass(called_as: CalledAs, arguments: Vec<OsString>) -> ExitCode {
    let matches = called_as.command().try_get_matches_from(arguments);
    let cli = match matches.and_then(|matches| Cli::from_arg_matches(&matches)) {
        Ok(cli) => cli,
        Err(error) => {
            // clap says itself whether this was `--help` (0, stdout) or a mistake (2, stderr).
            let code = u8::try_from(error.exit_code()).unwrap_or(2);
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    start_logging(cli.verbose);
    match run(cli.command) {
        Ok(code) => code,
        Err(failure) => {
            failure.print();
            failure.exit.into()
        }
    }
}

fn run(command: Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Sandbox(arguments) => commands::sandbox::run(arguments),
        Command::Aws(arguments) => commands::aws::run(arguments),
        Command::Token(arguments) => commands::token::run(arguments),
        Command::Status(arguments) => block_on(commands::status::run(*arguments)),
        Command::Get(arguments) => block_on(commands::get::run(*arguments)),
        Command::Verify(arguments) => block_on(commands::verify::run(*arguments)),
        Command::Bind(arguments) => block_on(commands::bind::run(*arguments)),
        Command::Unbind(arguments) => block_on(commands::bind::unbind(*arguments)),
        Command::Trust(arguments) => block_on(commands::trust::run(&arguments)),
        Command::Exec(arguments) => block_on(commands::exec::run(&arguments)),
        Command::CredentialProcess(arguments) => {
            block_on(commands::credential_process::run(&arguments))
        }
        Command::Install(arguments) => commands::install::run(arguments),
        Command::Uninstall(arguments) => commands::uninstall::run(arguments),
        Command::Inject(arguments) => commands::inject::run(&arguments),
        Command::Webhook(arguments) => Ok(webhook::run(&arguments)),
        Command::Simulate(arguments) => commands::simulate::run(&arguments),
        Command::Preflight(arguments) => commands::preflight::run(&arguments),
        Command::Lint(arguments) => commands::lint::run(&arguments),
        Command::Explain(arguments) => commands::explain::run(&arguments),
        Command::Completion(arguments) => commands::completion::run(&arguments),
        Command::Man(arguments) => commands::man::run(&arguments),
        Command::Version(arguments) => block_on(commands::version::run(&arguments)),
    }
}

/// Runs a future on a runtime of its own; a command is one future.
pub(crate) fn block_on<T>(future: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::failed("cannot start the asynchronous runtime").because(&error))?
        .block_on(future)
}

/// Logs go to stderr; `-v` more, `-vv` most. Ambient filters are not read, so that two machines say the same.
fn start_logging(verbose: u8) {
    let filter = match verbose {
        0 => "error,kube_client=off",
        1 => "warn,podpass=info",
        2 => "info,podpass=debug",
        _ => "debug",
    };
    let _ = tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::new(filter))
        .with_writer(std::io::stderr)
        .with_ansi(output::Paint::for_stderr() == output::Paint::Colour)
        .try_init();
}
