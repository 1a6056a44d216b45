//! The running sandbox to command, and how a command of it fails.

use podpass_sandbox::{ControlClient, ControlError, Secret};

use super::run_file;
use crate::failure::{Exit, Failure};

/// The sandbox that runs, or the one at `endpoint`.
pub(crate) fn of_running(endpoint: Option<&str>) -> Result<ControlClient, Failure> {
    let sandbox = run_file::find(endpoint)?;
    ControlClient::new(
        &sandbox.running.endpoint,
        Secret::new(sandbox.control_token),
    )
    .map_err(|error| failure(&error))
}

/// How a command of the sandbox fails.
pub(crate) fn failure(error: &ControlError) -> Failure {
    match error {
        ControlError::Conflict { message } => Failure::new(Exit::Refused, message),
        ControlError::TimedOut { .. } => Failure::new(Exit::TimedOut, error.to_string()),
        ControlError::NotAuthorised { .. } => Failure::new(Exit::NotAuthorised, error.to_string())
            .help("stop that sandbox and start it again, so that it writes its run file"),
        _ => {
            let failure = Failure::failed(error.to_string());
            match std::error::Error::source(error) {
                Some(source) => failure.because(source),
                None => failure,
            }
        }
    }
}
