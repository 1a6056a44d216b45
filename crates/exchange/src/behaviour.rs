//! Where AWS was seen to behave in more than one way.

use std::time::Duration;

/// How STS behaves where it was seen to behave in more than one way. The default is the more telling, more lenient way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Behaviour {
    /// The words for an audience that the OIDC provider does not list.
    pub audience_answer: AudienceAnswer,
    /// How long after its `iat` a token is too old, whatever its `exp` says. `None`, the default, asks for no age.
    ///
    /// In 2019 STS refused tokens of 153 938 and of 441 398 seconds so, and most accept longer ones. Where the bound lies
    /// is not known: [`Behaviour::OLD_TOKEN`] is one that would have refused both.
    pub oldest_token: Option<Duration>,
}

/// AWS's words for an audience that the OIDC provider does not list; the code is `InvalidIdentityToken` in both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AudienceAnswer {
    /// "Incorrect token audience", seen until June 2026.
    #[default]
    Specific,
    /// "The web identity token provided could not be validated. …", seen in September 2026.
    General,
}

impl Behaviour {
    /// A day, the age to give as [`Behaviour::oldest_token`] where a client's handling of old tokens is to be tested.
    pub const OLD_TOKEN: Duration = Duration::from_hours(24);
}

impl AudienceAnswer {
    pub(crate) fn message(self) -> &'static str {
        match self {
            Self::Specific => "Incorrect token audience",
            Self::General => {
                "The web identity token provided could not be validated. See the AssumeRoleWithWebIdentity documentation \
                 for requirements."
            }
        }
    }
}
