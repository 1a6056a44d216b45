//! The sandbox over a real socket, by a client that shares no code with it.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the fixture is test code outside of test functions"
)]

mod assume_role;
mod child;
mod client;
mod control;
mod elsewhere;
mod events;
mod faults;
mod fixture;
mod https_issuer;
mod iam;
mod issuer;
mod lifecycle;
mod load;
mod metadata;
mod presigned;
mod presigned_s3;
mod proxy;
mod remote_issuer;
mod service_controls;
mod signatures;
mod state;
mod sts;
mod temporary;
mod trail;
mod workload;
