//! What is wrong with the step that broke.

use podpass_cloud::{CallerIdentity, CloudError, ErrorKind, Session};
use podpass_cluster::ClusterError;
use podpass_diagnose::explain::{Explanation, Topic, explain};
use podpass_exchange::Denial;
use podpass_kinds::{Reason, ServiceAccountRef};
use podpass_policy::{OidcProviderArn, RoleArn};
use serde::Serialize;

use super::Claims;

/// What is wrong with a step, and what to do about it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Broken {
    /// The reason code, where there is only one that it can be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<Reason>,
    /// What is wrong; where AWS or the API server said it, in their words.
    pub message: String,
    /// What was compared, by name; an object in JSON.
    #[serde(serialize_with = "super::as_object")]
    pub compared: Vec<(&'static str, String)>,
    /// What can be behind it, the likeliest first, where that is more than one thing.
    pub causes: Vec<Cause>,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
    /// Who said so.
    #[serde(skip)]
    pub origin: Origin,
}

/// Something that can be behind it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Cause {
    /// The reason code, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<Reason>,
    /// The cause, as one clause.
    pub what: &'static str,
    /// What to look at, as one clause.
    pub look_at: &'static str,
}

/// Who said that the step is broken.
#[derive(Debug)]
pub enum Origin {
    /// It was found here.
    Here,
    /// The API server, or the way to it.
    Cluster(Box<ClusterError>),
    /// AWS, or the way to it.
    Cloud(Box<CloudError>),
}

impl Broken {
    pub(super) fn here(code: Option<Reason>, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            compared: Vec::new(),
            causes: Vec::new(),
            fix: code.map(|code| code.fix().to_owned()),
            origin: Origin::Here,
        }
    }

    pub(super) fn cluster(error: ClusterError) -> Self {
        let mut broken = Self::here(None, error.to_string()).fixed_by(error.hint());
        broken.origin = Origin::Cluster(Box::new(error));
        broken
    }

    fn cloud(error: CloudError) -> Self {
        let mut broken = Self::here(None, error.to_string()).fixed_by(error.hint());
        broken.origin = Origin::Cloud(Box::new(error));
        broken
    }

    pub(super) fn fixed_by(mut self, fix: impl Into<String>) -> Self {
        self.fix = Some(fix.into());
        self
    }

    pub(super) fn compared(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.compared.push((name, value.into()));
        self
    }
}

/// STS did not take the token for credentials.
pub(super) fn of_exchange(
    error: CloudError,
    role: &str,
    claims: &Claims,
    account: &ServiceAccountRef,
) -> Broken {
    if !is_answer(&error) {
        return Broken::cloud(error);
    }
    let explanation = explained(&error);
    let mut broken = Broken::cloud(error)
        .compared("role", role)
        .compared("iss", &claims.issuer)
        .compared("sub", &claims.subject)
        .compared("aud", &claims.audience)
        .compared("kid", &claims.kid);
    let Some(explanation) = explanation else {
        return broken;
    };
    broken.code = only_reason(&explanation);
    broken.fix = Some(fix(&explanation, role, claims, account));
    if broken.code.is_none() {
        broken.causes = causes(explanation);
    }
    broken
}

/// STS did not let the session take on the next role.
///
/// `judged` is what the role's trust policy says to that, where it is known.
pub(super) fn of_chain(
    error: CloudError,
    session: &Session,
    from: &str,
    role: &str,
    judged: Option<&Denial>,
) -> Broken {
    if !is_answer(&error) {
        return Broken::cloud(error);
    }
    let explanation = explained(&error);
    let mut broken = Broken::cloud(error).compared("role", role);
    let Some(judged) = judged else {
        broken = broken.compared("session", &session.assumed_role_arn);
        broken.causes = explanation.map(causes).unwrap_or_default();
        return broken.fixed_by(format!(
            "compare the session with Principal.AWS in the trust policy of {role}, or give that policy with `--trust FILE`; \
             and look whether a policy of {from} allows sts:AssumeRole on it"
        ));
    };
    if let Some(compared) = judged.trace.first_failure() {
        broken = broken
            .compared("expected", compared.expected.join(" or "))
            .compared("actual", compared.actual.as_deref().unwrap_or("(nothing)"));
    }
    broken.code = Some(judged.reason);
    broken.fixed_by(judged.reason.fix())
}

/// Whether AWS answered what was asked.
fn is_answer(error: &CloudError) -> bool {
    !matches!(
        error.kind,
        ErrorKind::Unreachable { .. } | ErrorKind::TimedOut { .. } | ErrorKind::Throttled
    )
}

/// What its answer means, where somebody knows.
fn explained(error: &CloudError) -> Option<Explanation> {
    explain(&format!(
        "{}: {}",
        error.code.as_deref().unwrap_or_default(),
        error.message
    ))
}

fn causes(explanation: Explanation) -> Vec<Cause> {
    let causes = explanation.causes.into_iter().map(|cause| Cause {
        code: cause.reason,
        what: cause.what,
        look_at: cause.look_at,
    });
    causes.collect()
}

/// The credentials do not work although STS gave them.
pub(super) fn of_session(error: CloudError, session: &Session) -> Broken {
    Broken::cloud(error).compared("session", &session.assumed_role_arn)
}

/// The credentials are another's than the role's.
pub(super) fn of_another_caller(identity: &CallerIdentity, session: &Session) -> Broken {
    Broken::here(None, "the credentials are not those of the session")
        .compared("expected", &session.assumed_role_arn)
        .compared("actual", &identity.arn)
        .fixed_by("look whether something stands between this machine and STS, such as `--endpoint-url` or a proxy")
}

/// The reason, where AWS's answer can have only one. That of a missing provider has three, of which two are no more
/// than the ways in which it can be missing.
fn only_reason(explanation: &Explanation) -> Option<Reason> {
    if explanation.topic == Topic::ProviderMissing {
        return Some(Reason::OidcProviderMissing);
    }
    let mut reasons = explanation.causes.iter().map(|cause| cause.reason);
    let first = reasons.next()??;
    reasons.all(|reason| reason == Some(first)).then_some(first)
}

/// What to do, with the values of this very exchange.
fn fix(
    explanation: &Explanation,
    role: &str,
    claims: &Claims,
    account: &ServiceAccountRef,
) -> String {
    let provider = provider_of(role, &claims.issuer);
    match explanation.topic {
        Topic::TrustDenied => {
            let name = role.rsplit('/').next().unwrap_or(role);
            format!(
                "AWS does not say which. Get the trust policy with `aws iam get-role --role-name {name} --query \
                 Role.AssumeRolePolicyDocument > trust.json`; `podpass simulate --issuer {} --subject {account} --audience \
                 {} --role-arn {role} --provider {provider}={} --trust trust.json` then names the line to change, and \
                 `podpass trust {account}` prints a policy that allows it",
                claims.issuer, claims.audience, claims.audience
            )
        }
        Topic::ProviderMissing => format!(
            "create the OIDC provider {provider} in the role's account, for exactly the issuer `{}`: `podpass aws \
             create-identity-provider` does it",
            claims.issuer
        ),
        Topic::AudienceWrong => format!(
            "add `{}` to the client IDs of {provider}, or annotate the service account with an audience that is listed",
            claims.audience
        ),
        Topic::KeyNotRetrieved => format!(
            "look whether `{}/.well-known/openid-configuration` can be read by everybody, and whether the JWKS that it names \
             has the key `{}`; `podpass aws create-identity-provider` publishes the cluster's keys again",
            claims.issuer, claims.kid
        ),
        _ => match only_reason(explanation) {
            Some(reason) => reason.fix().to_owned(),
            None => format!(
                "`podpass explain` tells more about it: {}",
                explanation.meaning
            ),
        },
    }
}

fn provider_of(role: &str, issuer: &str) -> String {
    let url = issuer.strip_prefix("https://").unwrap_or(issuer);
    let provider = role.parse().ok().and_then(|role: RoleArn| {
        OidcProviderArn::new(role.partition(), role.account().clone(), url).ok()
    });
    // An issuer that no provider can have is named as it is.
    provider.map_or_else(|| url.to_owned(), |provider| provider.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(code: &str, message: &str) -> Broken {
        let error = CloudError::new(
            ErrorKind::NotAuthorised,
            "sts:AssumeRoleWithWebIdentity",
            message,
        )
        .answered(Some(code), Some("ID"));
        let claims = Claims {
            issuer: "https://prod-oidc.s3.eu-west-1.amazonaws.com".to_owned(),
            subject: "system:serviceaccount:ns:sa".to_owned(),
            audience: "sts.amazonaws.com".to_owned(),
            kid: "the-kid".to_owned(),
        };
        let role = "arn:aws:iam::123456789012:role/path/app";
        of_exchange(error, role, &claims, &"ns/sa".parse().unwrap())
    }

    #[test]
    fn a_denial_says_what_aws_leaves_open_and_how_to_find_out() {
        let broken = refused(
            "AccessDenied",
            "Not authorized to perform sts:AssumeRoleWithWebIdentity",
        );
        assert_eq!(broken.code, None);
        let codes: Vec<_> = broken
            .causes
            .iter()
            .filter_map(|cause| cause.code)
            .collect();
        for reason in [
            Reason::RoleMissing,
            Reason::TrustSubMismatch,
            Reason::TrustAudMismatch,
        ] {
            assert!(codes.contains(&reason), "{codes:?}");
        }
        let fix = broken.fix.unwrap();
        for part in [
            "--role-name app ",
            "--issuer https://prod-oidc.s3.eu-west-1.amazonaws.com --subject ns/sa --audience sts.amazonaws.com",
            "--provider arn:aws:iam::123456789012:oidc-provider/prod-oidc.s3.eu-west-1.amazonaws.com=sts.amazonaws.com",
            "podpass trust ns/sa",
        ] {
            assert!(fix.contains(part), "missing {part:?} in {fix}");
        }
    }

    #[test]
    fn an_answer_with_one_reason_has_its_code() {
        // AWS's own words, spelled as it spells them.
        for (code, message, reason) in [
            (
                "InvalidIdentityToken",
                "No OpenIDConnect provider found in your account for https://prod-oidc.s3.eu-west-1.amazonaws.com",
                Reason::OidcProviderMissing,
            ),
            (
                "InvalidIdentityToken",
                "Incorrect token audience",
                Reason::AudienceNotInClientIds,
            ),
            (
                "InvalidIdentityToken",
                "Token signature invalid",
                Reason::TokenSignatureInvalid,
            ),
        ] {
            let broken = refused(code, message);
            assert_eq!(broken.code, Some(reason));
            assert!(
                broken.message.contains(message) && broken.message.contains("ID"),
                "{broken:?}"
            );
            assert_eq!(broken.causes, []);
        }
        let unfetched = refused(
            "InvalidIdentityToken",
            "Couldn't retrieve verification key from your identity provider, please reference \
             AssumeRoleWithWebIdentity documentation for requirements",
        );
        assert_eq!(unfetched.code, None);
        assert!(unfetched.fix.unwrap().contains("`the-kid`"));
        let codes: Vec<_> = unfetched
            .causes
            .iter()
            .filter_map(|cause| cause.code)
            .collect();
        assert!(codes.contains(&Reason::IssuerKeyMissing), "{codes:?}");
    }

    #[test]
    fn what_explains_itself_is_left_as_it_is() {
        let broken = refused("ValidationError", "something that nobody knows");
        assert!(broken.message.contains("something that nobody knows"));
        assert_eq!((broken.code, broken.causes.len()), (None, 0));
    }
}
