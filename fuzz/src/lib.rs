//! What the fuzz targets do with their input: plain functions that panic when a promise is broken.
//!
//! `Cargo.toml` says how to run them. A test of `podpass-testkit` takes in this file by `#[path]` and replays `seeds/`.

pub mod inject;
pub mod policy;
pub mod sandbox;
pub mod token;

use podpass_sandbox::fuzzing;

/// What a target does with an input.
pub type Target = fn(&[u8]);

/// Every target, by the name that its file in `targets/` and its folder in `seeds/` have.
pub const TARGETS: [(&str, Target); 13] = [
    ("annotations", inject::annotations),
    ("aws_chunked", fuzzing::aws_chunked),
    ("connect", sandbox::connect),
    ("container_credentials", inject::container_credentials),
    ("form", fuzzing::form),
    ("jwks", token::jwks),
    ("jwt", token::jwt),
    ("pod", inject::pod),
    ("policy", policy::document),
    ("review", podpass_webhook::fuzzing::review),
    ("role_map", inject::role_map),
    ("s3_xml", fuzzing::s3_xml),
    ("sigv4", fuzzing::sigv4),
];
