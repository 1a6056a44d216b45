//! The terminal: data on stdout, everything else on stderr, colour only where a person reads.

use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};

use serde::Serialize;

use crate::failure::Failure;

/// Whether to colour. `NO_COLOR` and anything but a terminal mean no.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Paint {
    /// ANSI colours.
    Colour,
    /// Plain text.
    Plain,
}

impl Paint {
    pub(crate) fn for_stdout() -> Self {
        Self::for_terminal(io::stdout().is_terminal())
    }

    pub(crate) fn for_stderr() -> Self {
        Self::for_terminal(io::stderr().is_terminal())
    }

    fn for_terminal(terminal: bool) -> Self {
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        if terminal && !refused {
            Self::Colour
        } else {
            Self::Plain
        }
    }

    pub(crate) fn error(self, text: &str) -> String {
        self.wrap("1;31", text)
    }

    pub(crate) fn help(self, text: &str) -> String {
        self.wrap("1;36", text)
    }

    pub(crate) fn good(self, text: &str) -> String {
        self.wrap("32", text)
    }

    pub(crate) fn strong(self, text: &str) -> String {
        self.wrap("1", text)
    }

    pub(crate) fn faint(self, text: &str) -> String {
        self.wrap("2", text)
    }

    fn wrap(self, code: &str, text: &str) -> String {
        match self {
            Self::Colour => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
            Self::Plain => text.to_owned(),
        }
    }
}

/// Writes data to stdout. A reader that has gone away (`| head`) ends the process quietly, as it does elsewhere.
pub(crate) fn data(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(Failure::failed("cannot write to standard output").because(&error)),
    }
}

/// Writes one line of data to stdout.
pub(crate) fn line(text: &str) -> Result<(), Failure> {
    data(&format!("{text}\n"))
}

/// Writes `value` as indented JSON with a final newline.
pub(crate) fn json(value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value)
        .map_err(|error| Failure::failed("cannot print the result as JSON").because(&error))?;
    line(&text)
}

/// Lines that set variables in a POSIX shell.
pub(crate) fn shell_exports<'a>(variables: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut text = String::new();
    for (name, value) in variables {
        let _ = writeln!(text, "export {name}={}", shell_word(value));
    }
    text
}

/// Lines that set variables in PowerShell.
pub(crate) fn powershell_exports<'a>(
    variables: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> String {
    let mut text = String::new();
    for (name, value) in variables {
        // Between single quotes only a single quote is special, and doubled it stands for itself.
        let _ = writeln!(text, "$Env:{name} = '{}'", value.replace('\'', "''"));
    }
    text
}

/// Quotes a value for a POSIX shell, unless it needs none.
fn shell_word(value: &str) -> String {
    let plain =
        |character: char| character.is_ascii_alphanumeric() || "-_./:@%+=,".contains(character);
    if !value.is_empty() && value.chars().all(plain) {
        return value.to_owned();
    }
    format!("'{}'", value.replace('\'', r"'\''"))
}

/// A text on one line: claims and policies are somebody else's words and must not write lines of their own.
pub(crate) fn printable(text: &str) -> String {
    text.chars().fold(String::new(), |mut shown, character| {
        if character.is_control() {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
        shown
    })
}

/// Tells the user something beside the data; a closed stderr is no reason to fail.
pub(crate) fn note(text: &str) {
    error_text(&format!("{text}\n"));
}

pub(crate) fn error_text(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powershell_takes_values_between_single_quotes() {
        let text = powershell_exports([("A", "b+/="), ("C", "it's $HOME")]);
        assert_eq!(text, "$Env:A = 'b+/='\n$Env:C = 'it''s $HOME'\n");
    }

    #[test]
    fn quotes_what_a_shell_would_read() {
        assert_eq!(shell_word("http://127.0.0.1:4566"), "http://127.0.0.1:4566");
        assert_eq!(shell_word("it's $HOME"), r"'it'\''s $HOME'");
        assert_eq!(shell_word(""), "''");
    }
}
