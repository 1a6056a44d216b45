//! The sandbox over a real socket, by a client that shares no code with it.

mod client;
mod fixture;
mod iam;
mod issuer;
mod lifecycle;
mod signatures;
mod sts;
mod workload;
