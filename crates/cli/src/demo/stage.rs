//! How the demo looks: numbered steps, each with its place on the path, the manual command and what came of it.

use podpass_exchange::Comparison;
use podpass_provision::Outcome;

use crate::failure::Failure;
use crate::output::{self, Paint};

/// The stations from a signing key to an object in a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Station {
    Key,
    Issuer,
    Provider,
    Role,
    Pod,
    Token,
    Sts,
    S3,
}

impl Station {
    const ALL: [(Self, &'static str); 8] = [
        (Self::Key, "key"),
        (Self::Issuer, "issuer"),
        (Self::Provider, "provider"),
        (Self::Role, "role"),
        (Self::Pod, "pod"),
        (Self::Token, "token"),
        (Self::Sts, "STS"),
        (Self::S3, "S3"),
    ];
}

/// Prints a scenario to stdout.
#[derive(Debug)]
pub(crate) struct Stage {
    paint: Paint,
    step: usize,
}

/// The widest label, so that the values of a step stand in one column.
const LABEL_WIDTH: usize = 10;

impl Stage {
    pub(crate) fn new() -> Self {
        Self {
            paint: Paint::for_stdout(),
            step: 0,
        }
    }

    /// Opens a scenario: its title and a few lines of what is about to happen.
    pub(crate) fn open(&mut self, title: &str, lines: &[&str]) -> Result<(), Failure> {
        self.step = 0;
        output::line(&format!("\n{}", self.paint.strong(&format!("━━ {title}"))))?;
        lines.iter().try_for_each(|line| output::line(line))
    }

    /// Begins a step at a station of the path.
    pub(crate) fn step(&mut self, station: Station, title: &str) -> Result<(), Failure> {
        self.step += 1;
        let path: Vec<String> = Station::ALL
            .iter()
            .map(|(each, name)| {
                if *each == station {
                    self.paint.good(&format!("[{name}]"))
                } else {
                    self.paint.faint(name)
                }
            })
            .collect();
        let title = self.paint.strong(&format!("{:>2}  {title}", self.step));
        output::line(&format!("\n{title}\n    {}", path.join(" → ")))
    }

    /// The command that the source document has the reader type.
    pub(crate) fn by_hand(&self, command: &str) -> Result<(), Failure> {
        self.row("by hand", Paint::faint, command)
    }

    /// The same with podpass.
    pub(crate) fn podpass(&self, command: &str) -> Result<(), Failure> {
        self.row("podpass", Paint::strong, command)
    }

    /// What exists now that did not before.
    pub(crate) fn created(&self, what: &str) -> Result<(), Failure> {
        self.row("created", Paint::good, what)
    }

    /// What was answered or can be seen.
    pub(crate) fn shows(&self, what: &str) -> Result<(), Failure> {
        self.row("shows", Paint::good, what)
    }

    /// What AWS answered to something that must be refused.
    pub(crate) fn refused(&self, what: &str) -> Result<(), Failure> {
        self.row("refused", Paint::error, what)
    }

    /// Why, in podpass's words.
    pub(crate) fn because(&self, what: &str) -> Result<(), Failure> {
        self.row("because", Paint::help, what)
    }

    /// What became of a resource: `created`, `configured` or `unchanged`.
    pub(crate) fn became(&self, outcome: Outcome, what: &str) -> Result<(), Failure> {
        self.row(&outcome.to_string(), Paint::good, what)
    }

    /// What was compared, expected and found.
    pub(crate) fn compared(&self, comparison: &Comparison) -> Result<(), Failure> {
        let place = comparison.position.map_or_else(String::new, |position| {
            format!(", line {} column {}", position.line, position.column)
        });
        self.row(
            "compared",
            Paint::help,
            &format!("{}{place}", comparison.what),
        )?;
        if comparison.expected.is_empty() {
            self.row("expected", Paint::help, "(nothing is listed)")?;
        }
        for expected in &comparison.expected {
            self.row("expected", Paint::help, expected)?;
        }
        self.row(
            "actual",
            Paint::help,
            comparison.actual.as_deref().unwrap_or("(absent)"),
        )
    }

    /// What to change.
    pub(crate) fn fix(&self, what: &str) -> Result<(), Failure> {
        self.row("fix", Paint::help, what)
    }

    fn row(
        &self,
        label: &str,
        style: fn(Paint, &str) -> String,
        value: &str,
    ) -> Result<(), Failure> {
        let label = style(self.paint, &format!("{label:<LABEL_WIDTH$}"));
        let mut lines = value.lines();
        output::line(&format!(
            "    {label}  {}",
            lines.next().unwrap_or_default()
        ))?;
        let indent = " ".repeat(4 + LABEL_WIDTH + 2);
        lines.try_for_each(|line| output::line(format!("{indent}{line}").trim_end()))
    }
}
