//! The source documents end to end: a real kube-apiserver signs, the sandbox is AWS, and the pod's program is the AWS
//! CLI or boto3.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod doc_000;
mod doc_002;
mod stand;
mod steps_000;
