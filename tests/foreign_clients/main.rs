//! Programs nobody here wrote, the AWS CLI, boto3, s3cmd and rclone, against `podpass sandbox start`.
//!
//! `cargo xtask test` installs them. They see only an endpoint and, as a pod does, a role and a token file.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod aws_cli;
mod boto3;
mod config_file;
mod document_002;
mod groups;
mod requests;
mod s3_tools;
mod short_sessions;
mod simulation;
mod stand;
mod temporary;
mod trail;
