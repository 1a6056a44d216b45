//! What a finished command line printed, and how it ended.

use std::process::{Command, Output};

use serde_json::Value;

#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

pub(crate) fn run(command: &mut Command) -> Ran {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().unwrap();
    Ran {
        code: status.code().unwrap_or(-1),
        out: String::from_utf8(stdout).unwrap(),
        err: String::from_utf8(stderr).unwrap(),
    }
}

impl Ran {
    #[track_caller]
    pub(crate) fn succeeded(&self) -> &str {
        assert_eq!(self.code, 0, "{self:#?}");
        &self.out
    }

    /// The JSON that it printed.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(self.succeeded()).unwrap()
    }

    /// Fails unless it succeeded and printed each of `parts`.
    #[track_caller]
    pub(crate) fn said(&self, parts: &[&str]) {
        self.succeeded();
        self.contains(parts);
    }

    /// Fails unless it ended with `code` and printed each of `parts`.
    #[track_caller]
    pub(crate) fn refused(&self, code: i32, parts: &[&str]) {
        assert_eq!(self.code, code, "{self:#?}");
        self.contains(parts);
    }

    /// Fails unless a program failed, by whichever code is its own, and printed each of `parts`.
    #[track_caller]
    pub(crate) fn failed(&self, parts: &[&str]) {
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
}
