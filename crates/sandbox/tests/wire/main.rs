//! The sandbox over a real socket, by a client that shares no code with it.
//!
//! Which tests show which part of how AWS behaves (modules of this file, where no crate is named):
//!
//! | part | shown by |
//! | --- | --- |
//! | STS: operations, parameters, identifiers | `sts`, `assume_role`, `temporary`, `presigned`; `ids` (unit tests) |
//! | STS: the order of a token's verification and its words | `sts`, `issuer`, `remote_issuer`, `simulated_exchange`; `exchange`'s tables |
//! | STS: other messages, encoded messages | `assume_role`, `temporary`, `authorization_message`; `exchange`'s tables |
//! | STS: what a session keeps | `sts`, `temporary`, `iam::recreated`; `session` (unit tests) |
//! | IAM: callers' operations, fields, paging | `iam::{roles, users, groups, policies, providers, instance_profiles, pages}` |
//! | IAM: error codes, words, quotas | `iam::{errors, in_the_way, groups}` |
//! | IAM: malformed policies | `policy`'s tables; `iam::errors` |
//! | IAM: Simulate* | `iam::{simulation, simulated_and_live}` |
//! | policies: documents, matching, operators, variables | `policy`'s tables and property tests |
//! | policies: context keys | `workload`, `assume_role`, `iam::permissions`, `not_here` |
//! | policies: decision over all layers, words of a denial | `workload`, `service_controls`, `events`; `policy`'s tables |
//! | S3: operations, uploads, checksums, public access | `s3` (unit tests), `workload`, `lifecycle` |
//! | SigV4: algorithm, errors, clocks, presigned | `sigv4` (AWS's suite), `signatures`, `presigned` |
//! | CloudTrail: records and LookupEvents | `trail` |
//! | services that are not here | `elsewhere`, `not_here` |

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the fixture is test code outside of test functions"
)]

mod assume_role;
mod authorization_message;
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
mod not_here;
mod presigned;
mod presigned_s3;
mod proxy;
mod remote_issuer;
mod service_controls;
mod signatures;
mod signatures_s3;
mod simulated_exchange;
mod state;
mod sts;
mod temporary;
mod trail;
mod workload;
