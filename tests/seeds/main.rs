//! Documents 001, 003 and 004 end to end: a real kube-apiserver signs, the sandbox is AWS, and the pod's program is
//! the AWS CLI, boto3 or one on another of AWS's SDKs.
//!
//! A test named `seed_<document>_<row>_…` shows that row of the source documents' ledger; one named
//! `partly_<document>_<row>_…` shows what its comment says of the row, and not all of it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod control;
mod doc_001;
mod doc_001_annotations;
mod doc_001_config_file;
mod doc_003;
mod doc_003_chain;
mod doc_003_pod;
mod doc_004;
mod doc_004_permissions;
mod node_role;
mod requests;
mod sdks;
mod session_life;
mod stand;
mod unmodified;
