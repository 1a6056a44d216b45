//! One change to what a decision depends on, small enough to be made by hand.

use std::fmt;

use podpass_exchange::OidcProvider;
use podpass_policy::{OidcProviderArn, PolicyError, Position};
use podpass_token::Jwt;
use serde::Serialize;
use serde_json::Value;

use super::claims::supposed_token;
use super::spans::offset_of;
use super::{Bearer, Keys, Scenario, TrustPolicy};

/// A change to the trust policy, the OIDC provider, the token, the published keys or the call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", tag = "where")]
pub enum Edit {
    /// A text of the trust policy's file is replaced.
    TrustPolicy(TextEdit),
    /// An OIDC provider is created.
    #[serde(rename_all = "camelCase")]
    CreateProvider {
        /// Its ARN; the URL is the part behind `oidc-provider/`.
        arn: String,
        /// Its client ids.
        client_ids: Vec<String>,
    },
    /// A client id is added to an OIDC provider.
    #[serde(rename_all = "camelCase")]
    AddClientId {
        /// The provider.
        arn: String,
        /// The client id.
        client_id: String,
    },
    /// The token gets another claim; the issuer has to issue it so.
    TokenClaim {
        /// The claim's name.
        claim: String,
        /// Its value.
        value: Value,
    },
    /// The public key that belongs to the token is published.
    PublishKey {
        /// The key's id, if the token names one.
        kid: Option<String>,
    },
    /// A parameter of the call is changed, or left out.
    Parameter {
        /// The parameter's name on the wire.
        name: &'static str,
        /// Its new value; `None` leaves it out.
        value: Option<String>,
    },
}

/// A piece of a text and what to write in its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TextEdit {
    /// Where the piece starts.
    pub position: Position,
    /// The piece, exactly; empty where something is only inserted.
    pub old: String,
    /// What to write there.
    pub new: String,
    /// What that does, as one imperative clause.
    pub what: String,
}

/// Why an edit does not fit what it is applied to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EditFailure {
    /// The text at the place is another one.
    #[error("the text at {0} is not the one to be replaced")]
    TextDiffers(Position),
    /// The edited text is no trust policy.
    #[error("the edited text is not a trust policy")]
    NotAPolicy(#[source] PolicyError),
    /// The token has no claims that could be changed.
    #[error("the token cannot be decoded")]
    NoClaims,
    /// There is no such OIDC provider.
    #[error("there is no OIDC provider `{0}`")]
    NoProvider(String),
    /// The ARN is not one of an OIDC provider.
    #[error("`{0}` is not the ARN of an OIDC provider")]
    NotAProvider(String),
    /// The parameter cannot have the value.
    #[error("the parameter {0} cannot be changed so")]
    NoParameter(&'static str),
}

// === impl Edit ===

impl Edit {
    /// Returns the scenario with the change made.
    ///
    /// A changed token is one that the issuer would have to issue: its signature is supposed to be right.
    pub fn apply(&self, scenario: &Scenario) -> Result<Scenario, EditFailure> {
        let mut changed = scenario.clone();
        match self {
            Self::TrustPolicy(edit) => {
                let text = edit.apply(scenario.trust.text())?;
                changed.trust = TrustPolicy::read(scenario.trust.name.clone(), text)
                    .map_err(EditFailure::NotAPolicy)?;
            }
            Self::CreateProvider { arn, client_ids } => {
                let parsed: OidcProviderArn = arn
                    .parse()
                    .map_err(|_| EditFailure::NotAProvider(arn.clone()))?;
                changed.providers.push(OidcProvider {
                    arn: parsed,
                    client_ids: client_ids.clone(),
                });
            }
            Self::AddClientId { arn, client_id } => {
                let provider = changed
                    .providers
                    .iter_mut()
                    .find(|provider| provider.arn.as_str() == arn)
                    .ok_or_else(|| EditFailure::NoProvider(arn.clone()))?;
                provider.client_ids.push(client_id.clone());
            }
            Self::TokenClaim { claim, value } => {
                let jwt =
                    Jwt::decode(&scenario.request.token).map_err(|_| EditFailure::NoClaims)?;
                let mut claims = jwt.claims().clone();
                claims.insert(claim.clone(), value.clone());
                changed.request.token = supposed_token(&claims);
                changed.keys = Keys::Unknown;
                changed.bearer = Bearer::Described;
            }
            Self::PublishKey { .. } => changed.keys = Keys::Unknown,
            Self::Parameter { name, value } => match (*name, value) {
                ("ProviderId", None) => changed.request.provider_id = None,
                ("DurationSeconds", Some(seconds)) => {
                    let seconds = seconds.parse();
                    let seconds = seconds.map_err(|_| EditFailure::NoParameter(name))?;
                    changed.request.duration_seconds = Some(seconds);
                }
                _ => return Err(EditFailure::NoParameter(name)),
            },
        }
        Ok(changed)
    }

    /// Returns the place in the trust policy's text, if that is what changes.
    pub fn position(&self) -> Option<Position> {
        match self {
            Self::TrustPolicy(edit) => Some(edit.position),
            _ => None,
        }
    }

    /// How much is written and removed, in characters: what makes one edit smaller than another.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::TrustPolicy(edit) => edit.size(),
            Self::CreateProvider { arn, .. } => arn.chars().count(),
            Self::AddClientId { client_id, .. } => client_id.chars().count(),
            Self::TokenClaim { value, .. } => value.to_string().chars().count(),
            Self::PublishKey { .. } | Self::Parameter { .. } => 1,
        }
    }
}

impl fmt::Display for Edit {
    /// Says the change as one imperative clause, without its place.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TrustPolicy(edit) => f.write_str(&edit.what),
            Self::CreateProvider { arn, client_ids } => write!(
                f,
                "create the OIDC provider {arn} with the client ids {}",
                client_ids.join(", ")
            ),
            Self::AddClientId { arn, client_id } => {
                write!(f, "add the client id `{client_id}` to the OIDC provider {arn}")
            }
            Self::TokenClaim { claim, value } => match claim.as_str() {
                "exp" | "iat" | "nbf" => {
                    write!(f, "use a fresh token: one whose `{claim}` is {value}")
                }
                _ => write!(f, "request the token so that its `{claim}` is {value}"),
            },
            Self::PublishKey { kid: Some(kid) } => write!(
                f,
                "publish in the issuer's JWKS, under the kid `{kid}`, the public key that made the signature"
            ),
            Self::PublishKey { kid: None } => f.write_str(
                "publish in the issuer's JWKS, as its only key, the public key that made the signature",
            ),
            Self::Parameter { name, value: Some(value) } => {
                write!(f, "call with the parameter {name} = {value}")
            }
            Self::Parameter { name, value: None } => write!(f, "leave the parameter {name} out"),
        }
    }
}

// === impl TextEdit ===

impl TextEdit {
    /// Returns the text with the piece replaced.
    pub fn apply(&self, text: &str) -> Result<String, EditFailure> {
        let differs = || EditFailure::TextDiffers(self.position);
        let start = offset_of(text, self.position).ok_or_else(differs)?;
        let end = start + self.old.len();
        if text.get(start..end) != Some(self.old.as_str()) {
            return Err(differs());
        }
        let mut edited = text.to_owned();
        edited.replace_range(start..end, &self.new);
        Ok(edited)
    }

    /// Counts the characters between what both texts begin with and what both end with.
    fn size(&self) -> usize {
        let same = |pair: &(char, char)| pair.0 == pair.1;
        let head = self
            .old
            .chars()
            .zip(self.new.chars())
            .take_while(same)
            .count();
        let (old, new) = (self.old.chars().count(), self.new.chars().count());
        let tail = self
            .old
            .chars()
            .rev()
            .zip(self.new.chars().rev())
            .take_while(same)
            .count();
        old.max(new) - (head + tail).min(old.min(new))
    }
}
