//! Running a program and looking at what came of it.

use std::process::{Command, Output};

/// What a finished run printed and how it ended.
#[derive(Debug)]
pub struct Ran {
    /// The exit code; -1 when a signal ended it.
    pub code: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

/// Runs a command to its end.
pub fn run(command: &mut Command) -> Ran {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().expect("the program can be started");
    let text = |bytes| String::from_utf8(bytes).expect("programs print UTF-8");
    Ran {
        code: status.code().unwrap_or(-1),
        out: text(stdout),
        err: text(stderr),
    }
}

impl Ran {
    /// Fails unless the run ended with `code` and printed each of `parts` on standard error.
    #[track_caller]
    pub fn refused(&self, code: i32, parts: &[&str]) {
        self.ended(code, &[]);
        for part in parts {
            assert!(self.err.contains(part), "missing {part:?} in {self:#?}");
        }
    }

    /// Fails unless the run ended with `code` and printed each of `parts` on either stream.
    #[track_caller]
    pub fn ended(&self, code: i32, parts: &[&str]) {
        assert_eq!(self.code, code, "{self:#?}");
        self.contains(parts);
    }

    /// Fails unless the run ended well and printed each of `parts` on either stream.
    #[track_caller]
    pub fn said(&self, parts: &[&str]) {
        self.ended(0, parts);
    }

    /// Fails unless the run failed, by whichever code is the program's own, and printed each of `parts` on either stream.
    #[track_caller]
    pub fn failed(&self, parts: &[&str]) {
        assert_ne!(self.code, 0, "{self:#?}");
        self.contains(parts);
    }

    #[track_caller]
    fn contains(&self, parts: &[&str]) {
        for part in parts {
            let there = self.out.contains(part) || self.err.contains(part);
            assert!(there, "missing {part:?} in {self:#?}");
        }
        assert!(!self.err.contains("panicked"), "{self:#?}");
    }

    /// Fails unless the run ended well; what it printed on standard output.
    #[track_caller]
    pub fn succeeded(&self) -> &str {
        assert_eq!(self.code, 0, "{self:#?}");
        &self.out
    }

    /// The document on standard output of a run that ended well.
    #[track_caller]
    pub fn succeeded_json(&self) -> serde_json::Value {
        self.succeeded();
        self.json()
    }

    /// The document on standard output, whatever the exit code.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        let document = serde_json::from_str(&self.out);
        assert!(document.is_ok(), "no JSON: {self:#?}");
        document.expect("it was just checked")
    }
}
