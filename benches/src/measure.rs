//! What several benchmarks share: child processes, wrk, the table, and how a program ends.

pub(crate) mod process;
pub(crate) mod table;
pub(crate) mod wrk;

use std::io::Write as _;
use std::process::ExitCode;

/// Success where every bound is kept; a mistake is told on standard error.
pub(crate) fn ended(result: Result<bool, String>) -> ExitCode {
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(message) => {
            let _ = writeln!(std::io::stderr(), "{message}");
            ExitCode::FAILURE
        }
    }
}
