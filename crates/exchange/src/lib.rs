//! The decision of `AssumeRoleWithWebIdentity` and `AssumeRole`, and of `GetSessionToken` and `GetFederationToken`: AWS's
//! steps in AWS's order, with AWS's answers, and a trace that says what was compared with what.
//!
//! The crate does no I/O. The exchange of a token is a chain of types, because between the steps the caller has to
//! fetch something that only the step before makes known:
//!
//! 1. [`present`] checks the parameters and decodes the token; its role and issuer are known then.
//! 2. [`Presented::at`] finds the OIDC provider and checks times and audience; the issuer may be asked for its keys.
//! 3. [`Registered::verify`] checks the signature.
//! 4. [`Verified::authorise`] asks the trust policy and grants the session.
//!
//! [`Registered::suppose_signed`] leads aside: to a [`Rehearsal`], which says what would be granted if the signature were
//! the issuer's, and from which there is no way to a [`Grant`].
//!
//! [`assume_role_with_web_identity`] does all of it where everything is at hand.

mod assume_role;
mod behaviour;
mod constraint;
mod context;
mod denial;
mod grant;
mod issuer;
mod model;
mod parameters;
mod session_policy;
mod session_tags;
mod temporary;
mod trace;
mod trust;
mod web_identity;

pub use assume_role::{AssumeRoleRequest, Caller, assume_role};
pub use behaviour::{AudienceAnswer, Behaviour};
pub use denial::Denial;
pub use grant::{Grant, WebIdentityGrant};
pub use issuer::{IssuerFailure, IssuerFailureKind};
pub use model::{OidcProvider, Role};
pub use session_tags::SessionTag;
pub use temporary::{
    FederationGrant, FederationTokenRequest, SessionTokenRequest, federation_token, session_token,
};
pub use trace::{Comparison, Outcome, Step, StepName, Trace};
pub use web_identity::{
    Presented, Registered, Rehearsal, Supposed, Verified, WebIdentityRequest,
    assume_role_with_web_identity, present,
};
