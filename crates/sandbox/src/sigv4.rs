//! Signature Version 4: reading a request's signature, recomputing it from the secret, and AWS's words when they
//! differ.

mod authorization;
mod canonical;
mod chain;
mod error;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod presigned;
mod verify;

pub(crate) use authorization::{Authorization, Scope};
pub(crate) use canonical::decode_once;
pub(crate) use error::SignatureError;
pub(crate) use presigned::{is_hoisted_header, is_presigned};
pub(crate) use verify::{Expected, SignedRequest};

/// How a service treats the request it is about to verify.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// S3: the path is signed as it is, errors are S3's, clocks may differ by fifteen minutes.
    S3,
    /// STS and IAM: the path is normalised and encoded again, clocks may differ by five minutes.
    Query,
    /// Services that speak JSON: as the Query protocol, with other names for the errors.
    Json,
    /// EC2: as the Query protocol, with words of its own for the errors; clocks may differ by fifteen minutes.
    Ec2,
}

#[cfg(test)]
mod tests;
