//! `podpass completion`: what a shell needs to complete command lines, and the answers to what it asks then.
//!
//! The script calls the binary at each Tab (`PODPASS_COMPLETE=SHELL podpass -- WORD…`), so candidates can be names from
//! the cluster. kubectl asks its plugins in a protocol of its own (KEP-2379).

mod live;

use std::ffi::OsString;
use std::fmt::Write as _;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use clap_complete::CompletionCandidate;
use clap_complete::env::{Bash, EnvCompleter, Fish, Powershell, Zsh};

use self::live::Line;
use crate::called_as::CalledAs;
use crate::failure::Failure;
use crate::output;

#[derive(Debug, Args)]
#[command(after_help = HOW)]
pub(crate) struct CompletionArgs {
    /// The shell.
    #[arg(value_enum, value_name = "SHELL")]
    shell: Shell,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Shell {
    Bash,
    Zsh,
    Fish,
    Powershell,
}

// === impl Shell ===

impl Shell {
    fn engine(self) -> &'static dyn EnvCompleter {
        match self {
            Self::Bash => &Bash,
            Self::Zsh => &Zsh,
            Self::Fish => &Fish,
            Self::Powershell => &Powershell,
        }
    }
}

/// Prints the script.
pub(crate) fn run(arguments: &CompletionArgs) -> Result<ExitCode, Failure> {
    if arguments.shell == Shell::Bash {
        output::data(BASH)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut script = Vec::new();
    arguments
        .shell
        .engine()
        .write_registration(VARIABLE, NAME, NAME, NAME, &mut script)
        .map_err(|error| Failure::failed("cannot make the script").because(&error))?;
    output::data(&String::from_utf8_lossy(&script))?;
    Ok(ExitCode::SUCCESS)
}

/// The shell that asks for candidates, when that is what the binary is called for.
pub(crate) fn asking_shell(arguments: &[OsString]) -> Option<&'static dyn EnvCompleter> {
    let variable = std::env::var(VARIABLE).ok()?;
    let shell = Shell::from_str(&variable, false).ok()?;
    // A variable that was exported by mistake must not change what a command does.
    (arguments.get(1)? == "--").then(|| shell.engine())
}

/// Answers a shell: candidates, or nothing at all.
pub(crate) fn answer(shell: &dyn EnvCompleter, arguments: &[OsString]) -> ExitCode {
    live::silence();
    let words: Vec<OsString> = arguments.iter().skip(2).cloned().collect();
    if words.is_empty() {
        return ExitCode::SUCCESS;
    }
    let mut command = Line::of(&words).complete(CalledAs::Podpass.command());
    let folder = std::env::current_dir().ok();
    let mut answer = Vec::new();
    let written = shell.write_complete(&mut command, words, folder.as_deref(), &mut answer);
    if written.is_ok() {
        let _ = output::data(&String::from_utf8_lossy(&answer));
    }
    ExitCode::SUCCESS
}

/// Answers kubectl, which passes the words after the plugin's name and takes one candidate a line and a directive last.
pub(crate) fn answer_kubectl(called_as: CalledAs, arguments: Vec<OsString>) -> ExitCode {
    live::silence();
    let mut words = arguments;
    if words.len() < 2 {
        words.push(OsString::new());
    }
    let last = words.len() - 1;
    let mut command = Line::of(&words).complete(called_as.command());
    let folder = std::env::current_dir().ok();
    let candidates = clap_complete::engine::complete(&mut command, words, last, folder.as_deref());
    let _ = output::data(&cobra(&candidates.unwrap_or_default()));
    ExitCode::SUCCESS
}

/// Candidates in cobra's form: `value`, or `value<Tab>description`, then `:` and the sum of the directives.
fn cobra(candidates: &[CompletionCandidate]) -> String {
    let mut text = String::new();
    let mut goes_on = !candidates.is_empty();
    for candidate in candidates {
        let value = candidate.get_value().to_string_lossy();
        goes_on &= value.ends_with(['/', '=']);
        text.push_str(&value);
        let help = candidate.get_help().map(ToString::to_string);
        if let Some(first) = help.as_deref().and_then(|help| help.lines().next()) {
            text.push('\t');
            text.push_str(first);
        }
        text.push('\n');
    }
    let directive = NO_FILES + if goes_on { NO_SPACE } else { 0 };
    let _ = writeln!(text, ":{directive}");
    text
}

const HOW: &str = "\
In the shell's start-up file:
  bash        source <(podpass completion bash)
  zsh         source <(podpass completion zsh)          # after compinit
  fish        podpass completion fish | source
  powershell  podpass completion powershell | Out-String | Invoke-Expression

kubectl's own completion completes `kubectl podpass` once a link `kubectl_complete-podpass` to podpass is on the PATH.";
/// Names the shell that asks. A name of our own: `COMPLETE` would be every program's.
const VARIABLE: &str = "PODPASS_COMPLETE";
const NAME: &str = "podpass";
/// Our own: clap_complete's does not know that bash splits `--context=a:b` into five words.
const BASH: &str = include_str!("completion/podpass.bash");
/// cobra's ShellCompDirectiveNoSpace: the word is not finished.
const NO_SPACE: u8 = 2;
/// cobra's ShellCompDirectiveNoFileComp: files are among the candidates where they may be.
const NO_FILES: u8 = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unfinished_words_get_no_space_from_kubectl() {
        let of = |values: &[&str]| {
            let candidates: Vec<CompletionCandidate> =
                values.iter().map(|value| (*value).into()).collect();
            cobra(&candidates)
        };
        assert_eq!(of(&[]), ":4\n");
        assert_eq!(of(&["a/", "b/"]), "a/\nb/\n:6\n");
        assert_eq!(of(&["a/", "b"]), "a/\nb\n:4\n");
    }
}
