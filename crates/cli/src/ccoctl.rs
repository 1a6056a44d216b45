//! The personality `ccoctl`: OpenShift's command lines, texts and exit codes (0 and 1), on podpass's engine.
//!
//! Its traps are not imitated: an empty directory, a foreign kind or a file without a key is an error here, never a
//! silent success or a panic.

mod commands;
mod elsewhere;
mod flags;
mod help;

use std::ffi::OsString;
use std::process::ExitCode;

use crate::failure::Failure;
use crate::output;

use self::commands::Leaf;
use self::elsewhere::Elsewhere;

/// Runs a command line of ccoctl's; the first argument is the name it was called by.
pub(crate) fn run(arguments: Vec<OsString>) -> ExitCode {
    let arguments: Vec<String> = arguments
        .into_iter()
        .skip(1)
        .map(|argument| argument.to_string_lossy().into_owned())
        .collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match words.as_slice() {
        [] | ["help" | "--help" | "-h"] => output::data(&help::root()),
        ["help", "aws"] | ["aws"] | ["aws", "--help" | "-h" | "help"] => output::data(&help::aws()),
        ["help", "aws", name] | ["aws", "help", name] => match Leaf::named(name) {
            Some(leaf) => output::data(&help::leaf(leaf)),
            None => output::data(&help::aws()),
        },
        ["help", "help" | "--help" | "-h", ..] => output::data(&help::help()),
        ["help", word, rest @ ..] => {
            if let Some(cloud) = Elsewhere::named(word) {
                return finish(output::data(&cloud.help(rest.first().copied())));
            }
            output::note(&format!(
                "Unknown help topic [`{word}`]\n{}",
                help::root_usage()
            ));
            return ExitCode::SUCCESS;
        }
        ["aws", flag, ..] if flag.starts_with('-') => {
            return unknown_flag(flag, &help::aws_usage());
        }
        ["aws", name, rest @ ..] => return aws(name, rest),
        [word, rest @ ..] => {
            return Elsewhere::named(word).map_or_else(|| unknown(word), |it| it.run(rest));
        }
    };
    finish(result)
}

/// A line as Go's standard logger writes it.
pub(crate) fn timestamped(line: &str) -> String {
    format!(
        "{} {line}",
        jiff::Zoned::now().strftime("%Y/%m/%d %H:%M:%S")
    )
}

fn aws(name: &str, arguments: &[&str]) -> ExitCode {
    let Some(leaf) = Leaf::named(name) else {
        // The peer answers any other word under `aws` with the help and success.
        return finish(output::data(&help::aws()));
    };
    let flags = match flags::parse(leaf.flags(), arguments) {
        Ok(flags::Parsed::Help) => return finish(output::data(&help::leaf(leaf))),
        Ok(flags::Parsed::Flags(flags)) => flags,
        Err(mistake) => {
            output::note(&format!("Error: {mistake}\n{}", help::usage(leaf)));
            output::note(&timestamped(&mistake));
            return ExitCode::FAILURE;
        }
    };
    finish(leaf.run(&flags))
}

fn unknown(word: &str) -> ExitCode {
    if word.starts_with('-') {
        return unknown_flag(word, &help::root_usage());
    }
    let mistake = format!("unknown command \"{word}\" for \"ccoctl\"");
    output::note(&format!("Error: {mistake}\nRun 'ccoctl --help' for usage."));
    output::note(&timestamped(&mistake));
    ExitCode::FAILURE
}

fn unknown_flag(word: &str, usage: &str) -> ExitCode {
    let mistake = match word.strip_prefix("--") {
        Some(name) => format!("unknown flag: --{}", name.split('=').next().unwrap_or(name)),
        None => format!(
            "unknown shorthand flag: '{}' in {word}",
            word.chars().nth(1).unwrap_or('-')
        ),
    };
    output::note(&format!("Error: {mistake}\n{usage}"));
    output::note(&timestamped(&mistake));
    ExitCode::FAILURE
}

/// Whatever went wrong, the exit code is 1; the message is one log line, and what helps follows in others.
fn finish(result: Result<(), Failure>) -> ExitCode {
    let Err(failure) = result else {
        return ExitCode::SUCCESS;
    };
    let mut line = failure.message().to_owned();
    for cause in failure.causes() {
        line.push_str(": ");
        line.push_str(cause);
    }
    output::note(&timestamped(&line));
    let rendered = failure.to_string();
    for detail in rendered
        .lines()
        .filter_map(|line| line.strip_prefix("  = "))
    {
        output::note(&timestamped(detail));
    }
    ExitCode::FAILURE
}

#[cfg(test)]
mod tests;
