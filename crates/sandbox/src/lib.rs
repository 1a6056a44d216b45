//! An embedded AWS on loopback that really verifies.
//!
//! It answers STS, IAM and the part of S3 that issuers and workloads need, over AWS's own wire protocols: every
//! signed call has its Signature Version 4 checked, every call is authorised by the same evaluator that the rest of
//! podpass uses, web identity tokens are verified against the keys their issuer publishes, and every denial carries
//! the comparison that failed. No token, signature or verdict is cached.
//!
//! [`Sandbox::start`] gives a [`Running`] server; it stops when that value is stopped or dropped.

mod authorization_message;
mod authorize;
mod aws_chunked;
mod call;
mod caller;
mod clock;
mod connections;
mod control;
mod credentials;
mod elsewhere;
mod escape;
mod event;
mod faults;
mod front;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod gateway;
mod host;
mod iam;
mod ids;
mod issuers;
mod json;
mod metadata;
mod port;
mod query;
mod random;
mod received;
mod renaming;
mod route;
mod s3;
mod server;
mod service_controls;
mod session;
mod session_limits;
mod settings;
mod sigv4;
mod state;
mod storage;
mod sts;
mod trail;
mod words;

pub use clock::{Clock, ClockSetting};
pub use control::{ControlClient, ControlError};
pub use event::{
    Cause, Event, EventId, EventSummary, EventTold, EventsPage, Outcome, ParseEventIdError,
    StatementPlace, Verdict,
};
pub use faults::{
    Fault, FaultError, FaultId, FaultKind, FaultShown, FaultState, ParseFaultIdError,
    ParseFaultKindError,
};
pub use front::{AuthorityFailure, Tunnel, TunnelRefusal};
pub use issuers::{
    AddIssuerError, Authorities, AuthoritiesError, Change, HostedIssuer, Issuer, IssuerError,
    RemoteIssuers,
};
pub use metadata::{NodeRole, NodeSettings, ParseNodeRoleError};
pub use server::{Account, Proxy, Running, Sandbox, StartError};
pub use settings::{AccountSettings, AdminKey, AdminKeyError, Secret, ServiceControl, Settings};
pub use state::StateError;
