//! How a command fails: one exit code, one message that names what was compared, where, and the fix.

use std::fmt::{self, Write as _};
use std::process::ExitCode;

use podpass_cloud::{CloudError, ErrorKind};
use podpass_cluster::ClusterError;
use podpass_kinds::Reason;

use crate::output::Paint;

/// The exit codes of `podpass`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Findings, differences or a denial; also an operation that failed for no more special reason.
    Failed = 1,
    /// The command line or an input file is wrong.
    Usage = 2,
    /// No credentials, or not authorised.
    NotAuthorised = 3,
    /// Refused for safety: something is not ours, or would be exposed.
    Refused = 4,
    /// An endpoint did not answer in time.
    TimedOut = 5,
    /// Some of it was done.
    PartlyFailed = 6,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// An error as the user reads it.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    code: Option<&'static str>,
    message: String,
    details: Vec<(&'static str, String)>,
    causes: Vec<String>,
    help: Option<String>,
}

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            exit,
            code: None,
            message: message.into(),
            details: Vec::new(),
            causes: Vec::new(),
            help: None,
        }
    }

    /// The command line or an input file is wrong.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// The operation failed.
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self::new(Exit::Failed, message)
    }

    /// A denial with its reason code; the hint comes from the code unless [`Failure::help`] replaces it.
    pub(crate) fn denied(reason: Reason, message: impl Into<String>) -> Self {
        let mut failure = Self::new(Exit::Failed, message);
        failure.code = Some(reason.code());
        failure.help = Some(reason.fix().to_owned());
        failure
    }

    /// An input file is wrong, for a reason that has a code.
    pub(crate) fn input(reason: Reason, message: impl Into<String>) -> Self {
        let mut failure = Self::denied(reason, message);
        failure.exit = Exit::Usage;
        failure
    }

    /// A call to the cloud failed.
    pub(crate) fn cloud(error: &CloudError) -> Self {
        let exit = match error.kind {
            ErrorKind::NotAuthorised | ErrorKind::NoCredentials => Exit::NotAuthorised,
            ErrorKind::NoRegion | ErrorKind::InvalidEndpoint => Exit::Usage,
            ErrorKind::TimedOut { .. } => Exit::TimedOut,
            _ => Exit::Failed,
        };
        let mut failure = Self::new(exit, error.to_string()).help(error.hint());
        if let Some(source) = std::error::Error::source(error) {
            failure = failure.because(source);
        }
        match &error.kind {
            ErrorKind::Unreachable { endpoint } | ErrorKind::TimedOut { endpoint } => {
                failure.detail("endpoint", endpoint)
            }
            _ => failure,
        }
    }

    /// A request to a cluster failed.
    pub(crate) fn cluster(error: &ClusterError) -> Self {
        use podpass_cluster::ErrorKind;
        let exit = match error.kind() {
            ErrorKind::NotAuthenticated | ErrorKind::Forbidden { .. } => Exit::NotAuthorised,
            ErrorKind::Configuration => Exit::Usage,
            ErrorKind::TimedOut => Exit::TimedOut,
            ErrorKind::Conflict => Exit::Refused,
            _ => Exit::Failed,
        };
        let failure = Self::new(exit, error.to_string()).help(error.hint());
        match std::error::Error::source(error) {
            Some(source) => failure.because(source),
            None => failure,
        }
    }

    /// Gives it a reason code.
    pub(crate) fn code(mut self, reason: Reason) -> Self {
        self.code = Some(reason.code());
        self
    }

    /// Adds a line `= label value`, for what was compared and where.
    pub(crate) fn detail(mut self, label: &'static str, value: impl Into<String>) -> Self {
        self.details.push((label, value.into()));
        self
    }

    /// Adds the chain of causes of `error`, without the text that is already said.
    pub(crate) fn because(mut self, error: &dyn std::error::Error) -> Self {
        let mut next = Some(error);
        while let Some(cause) = next {
            let text = cause.to_string();
            if self.causes.last().is_none_or(|last| !last.contains(&text)) {
                self.causes.push(text);
            }
            next = cause.source();
        }
        self
    }

    /// Says what to do about it.
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The message without code, causes and help.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// The causes from the outermost to the innermost.
    pub(crate) fn causes(&self) -> &[String] {
        &self.causes
    }

    /// Writes the error to stderr.
    pub(crate) fn print(&self) {
        crate::output::error_text(&self.render(Paint::for_stderr()));
    }

    fn render(&self, paint: Paint) -> String {
        let head = self
            .code
            .map_or_else(|| "error".to_owned(), |code| format!("error[{code}]"));
        let mut text = format!("{}: {}\n", paint.error(&head), self.message);
        for cause in &self.causes {
            let _ = writeln!(text, "caused by: {cause}");
        }
        let width = self
            .details
            .iter()
            .map(|(label, _)| label.len())
            .max()
            .unwrap_or(0);
        for (label, value) in &self.details {
            let _ = writeln!(text, "  = {label:<width$} {value}");
        }
        if let Some(help) = &self.help {
            let _ = writeln!(text, "  = {}: {help}", paint.help("help"));
        }
        text
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.render(Paint::Plain).trim_end())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_code_comparison_and_fix() {
        let failure = Failure::denied(
            Reason::TrustSubMismatch,
            "the trust policy does not name this service account",
        )
        .detail("expected", "system:serviceaccount:a:b")
        .detail("actual", "system:serviceaccount:a:c")
        .help("add the subject to the trust policy");
        assert_eq!(
            failure.to_string(),
            "error[TRUST_SUB_MISMATCH]: the trust policy does not name this service account\n  \
             = expected system:serviceaccount:a:b\n  = actual   system:serviceaccount:a:c\n  \
             = help: add the subject to the trust policy"
        );
        assert_eq!(failure.exit, Exit::Failed);
    }

    #[test]
    fn a_cause_that_repeats_its_parent_is_said_once() {
        let inner = std::io::Error::other("disk full");
        let failure = Failure::failed("cannot write `a`").because(&inner);
        assert_eq!(failure.causes(), ["disk full"]);
    }
}
