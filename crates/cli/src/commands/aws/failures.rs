//! From the errors of the libraries to what the user reads and the exit code says.

use std::path::Path;

use podpass_cloud::CloudError;
use podpass_kinds::{ReadError, Reason};
use podpass_provision::{DocumentPlace, NameError, Refusal, RequestError, RoleError, Step};
use podpass_token::KeyError;

use crate::failure::{Exit, Failure};

pub(crate) fn name(error: &NameError) -> Failure {
    let failure = Failure::usage(error.to_string());
    match error {
        NameError::Region { .. } => {
            failure.help("give the region of the bucket, such as `--region eu-west-1`")
        }
        _ => failure.help(
            "choose a `--name` of lower-case letters, digits and hyphens, such as `my-cluster-1`",
        ),
    }
}

pub(crate) fn key(path: &Path, error: &KeyError) -> Failure {
    Failure::usage(format!("cannot use `{}`", path.display()))
        .because(error)
        .help(error.fix())
}

pub(crate) fn read(error: &ReadError) -> Failure {
    Failure::input(error.reason(), error.to_string()).help(error.fix())
}

pub(crate) fn request(error: &RequestError) -> Failure {
    let mut failure = Failure::input(error.reason(), error.to_string()).help(error.hint());
    if let RequestError::NothingToDo { skipped, .. } = error {
        for document in skipped {
            failure = failure.detail("skipped", document.to_string());
        }
    }
    failure
}

pub(crate) fn role(error: &RoleError, place: &DocumentPlace) -> Failure {
    Failure::usage(error.to_string())
        .detail("request", place.to_string())
        .help("split the CredentialsRequest, or shorten what it asks for")
}

pub(crate) fn refusal(refusal: &Refusal) -> Failure {
    let mut failure = match refusal.reason() {
        Some(reason) => Failure::denied(reason, refusal.to_string()),
        None => Failure::failed(refusal.to_string()),
    };
    failure.exit = Exit::Refused;
    failure.help(refusal.hint())
}

/// A step that failed; a bucket name that somebody else took in the meantime is a refusal.
pub(crate) fn step(step: &Step, error: &CloudError) -> Failure {
    if error.code.as_deref() == Some("BucketAlreadyExists") {
        let mut failure = Failure::denied(
            Reason::BucketNameTaken,
            format!("{} belongs to another account", step.resource()),
        );
        failure.exit = Exit::Refused;
        return failure.because(error);
    }
    if error.code.as_deref() == Some("PreconditionFailed") {
        return Failure::failed(format!(
            "{} was changed by another run since it was looked at",
            step.resource()
        ))
        .because(error)
        .help(error.hint());
    }
    Failure::cloud(error).detail("while", step.describe())
}
