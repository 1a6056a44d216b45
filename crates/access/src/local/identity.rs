//! What a program outside the cluster needs to be a service account.

use podpass_cluster::TokenRequest;
use podpass_inject::{Identity, Injection, Pod, Settings, chain_roles, inject};
use podpass_kinds::{Reason, ServiceAccountView, annotations};
use podpass_policy::RoleArn;
use serde_json::{Value, json};
use thiserror::Error;

use crate::injected::InjectionRules;

/// What the caller says over the service account's annotations.
#[derive(Clone, Debug, Default)]
pub struct IdentityChoice {
    /// The role, instead of the annotated one.
    pub role_arn: Option<RoleArn>,
    /// The token's audience, instead of the annotated one.
    pub audience: Option<String>,
    /// The region for SDKs; it wins over the caller's environment.
    pub region: Option<String>,
    /// Variables that are set already and that a container's own `env` would protect from the injection.
    pub own_variables: Vec<String>,
}

/// A service account as a program outside the cluster is it: the role, the token to ask for, and the variables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalIdentity {
    /// The role that the token is exchanged for.
    pub role_arn: RoleArn,
    /// The roles that are taken on after it, one after the other.
    pub chain: Vec<RoleArn>,
    /// What the token is asked for.
    pub token_request: TokenRequest,
    /// The variables of a container with this identity, in the order of the injection.
    pub variables: Vec<(String, String)>,
}

/// A service account that a program cannot be.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// Nothing names a role.
    #[error("{0}")]
    NoRole(String),
    /// What is to be taken on after the role is not the ARN of one.
    #[error("{0}")]
    BadChain(String),
    /// What names the role is not the ARN of one.
    #[error(
        "the annotation `{annotation}` of service account `{namespace}/{name}` is not the ARN of an IAM role"
    )]
    BadRoleArn {
        /// The annotation's name.
        annotation: String,
        /// Its value.
        value: String,
        /// The account's namespace.
        namespace: String,
        /// The account's name.
        name: String,
    },
}

impl IdentityError {
    /// The reason code.
    pub fn reason(&self) -> Reason {
        match self {
            Self::NoRole(_) => Reason::NoRoleAnnotation,
            Self::BadChain(_) => Reason::ChainInvalid,
            Self::BadRoleArn { .. } => Reason::BadRoleArn,
        }
    }
}

impl LocalIdentity {
    /// Asks the injection what a bare pod of the account would get. Its token folder is the settings' `token_mount_path`.
    ///
    /// So that pods and local runs cannot differ, nothing about roles, audiences, lifetimes and variables is decided
    /// here.
    pub fn of(
        account: &ServiceAccountView,
        choice: &IdentityChoice,
        rules: &InjectionRules,
    ) -> Result<Self, IdentityError> {
        let settings = &rules.settings;
        let prefix = &settings.annotation_prefix;
        let mut account = account.clone();
        let mut annotate = |suffix, value: &str| {
            let name = annotations::name(prefix, suffix);
            account.annotations.insert(name, value.to_owned());
        };
        if let Some(role_arn) = &choice.role_arn {
            annotate(annotations::ROLE_ARN, role_arn.as_str());
        }
        if let Some(audience) = &choice.audience {
            annotate(annotations::AUDIENCE, audience);
        }
        if choice.role_arn.is_some() {
            // Whoever names a role wants that one.
            account.annotations.remove(annotations::ASSUME_ROLE_CHAIN);
        }
        // The caller says what a local run's sessions are called, where it is, and what it talks to; and there is only one
        // program to inject into.
        account.annotations.remove(annotations::SESSION_NAME);
        for suffix in [annotations::REGION, annotations::INCLUDE_CONTAINERS] {
            account
                .annotations
                .remove(&annotations::name(prefix, suffix));
        }
        let settings = Settings {
            default_region: choice.region.clone(),
            endpoint_url: None,
            ..settings.clone()
        };
        let own =
            |name: &&String| choice.region.is_none() || !REGION_VARIABLES.contains(&name.as_str());
        let variables = choice.own_variables.iter().filter(own);
        let env: Vec<Value> = variables.map(|name| json!({"name": name})).collect();
        let pod = json!({"spec": {"containers": [{"name": "local", "env": env}]}});
        let identity = Identity {
            assignments: Some(&rules.assignments),
            ..Identity::from(&account)
        };
        let injection = inject(&Pod::from(&pod), identity, &settings);
        for note in injection.notes() {
            match note.reason {
                Reason::BadRoleArn => return Err(bad_role_arn(&account, prefix)),
                Reason::ChainInvalid => return Err(IdentityError::BadChain(note.message.clone())),
                _ => {}
            }
        }
        let Injection::Patched(patch) = injection else {
            let notes = injection.notes().iter();
            let why: Vec<&str> = notes.map(|note| note.message.as_str()).collect();
            return Err(IdentityError::NoRole(why.join("; ")));
        };
        let injected = patch
            .apply(&pod)
            .unwrap_or_else(|error| unreachable!("the patch was made for this pod: {error}"));
        let variables = variables_of(&injected);
        let role_arn = variables.iter().find(|(name, _)| name == "AWS_ROLE_ARN");
        let config = injected["metadata"]["annotations"][annotations::AWS_CONFIG].as_str();
        let roles: Vec<&str> = match role_arn {
            Some((_, role)) => vec![role],
            None => chain_roles(config.unwrap_or_default()),
        };
        let roles: Result<Vec<RoleArn>, _> = roles.into_iter().map(str::parse).collect();
        let mut roles = roles
            .map_err(|_| bad_role_arn(&account, prefix))?
            .into_iter();
        Ok(Self {
            role_arn: roles.next().ok_or_else(|| bad_role_arn(&account, prefix))?,
            chain: roles.collect(),
            token_request: token_request(&account, &injected),
            variables,
        })
    }
}

fn bad_role_arn(account: &ServiceAccountView, prefix: &str) -> IdentityError {
    let value = account.annotation(prefix, annotations::ROLE_ARN);
    IdentityError::BadRoleArn {
        annotation: annotations::name(prefix, annotations::ROLE_ARN),
        value: value.unwrap_or_default().to_owned(),
        namespace: account.namespace.clone(),
        name: account.name.clone(),
    }
}

fn variables_of(pod: &Value) -> Vec<(String, String)> {
    let env = pod
        .pointer("/spec/containers/0/env")
        .and_then(Value::as_array);
    let text = |variable: &Value, member: &str| variable[member].as_str().map(str::to_owned);
    env.into_iter()
        .flatten()
        // The caller's own variables have no value here.
        .filter_map(|variable| Some((text(variable, "name")?, text(variable, "value")?)))
        .collect()
}

fn token_request(account: &ServiceAccountView, pod: &Value) -> TokenRequest {
    let source = pod.pointer("/spec/volumes/0/projected/sources/0/serviceAccountToken");
    let audience = source.and_then(|source| source["audience"].as_str());
    TokenRequest {
        namespace: account.namespace.clone(),
        service_account: account.name.clone(),
        audiences: audience.map(str::to_owned).into_iter().collect(),
        expiration_seconds: source.and_then(|source| source["expirationSeconds"].as_i64()),
        pod: None,
    }
}

/// The variables that SDKs and the AWS CLI read the region from.
pub(crate) const REGION_VARIABLES: [&str; 2] = ["AWS_REGION", "AWS_DEFAULT_REGION"];

#[cfg(test)]
mod tests {
    use super::*;

    const ROLE: &str = "arn:aws:iam::123456789012:role/app";

    fn account(annotations: &[(&str, &str)]) -> ServiceAccountView {
        let full = |(suffix, value): &(&str, &str)| {
            (
                annotations::name("eks.amazonaws.com", suffix),
                (*value).to_owned(),
            )
        };
        ServiceAccountView {
            namespace: "ns".to_owned(),
            name: "sa".to_owned(),
            annotations: annotations.iter().map(full).collect(),
            ..ServiceAccountView::default()
        }
    }

    fn rules() -> InjectionRules {
        InjectionRules {
            settings: Settings {
                token_mount_path: "/private/tokens".to_owned(),
                ..Settings::default()
            },
            ..InjectionRules::default()
        }
    }

    fn variables(identity: &LocalIdentity) -> Vec<(&str, &str)> {
        let all = identity.variables.iter();
        all.map(|(name, value)| (name.as_str(), value.as_str()))
            .collect()
    }

    #[test]
    fn annotations_decide_as_they_do_for_a_pod() {
        let account = account(&[
            ("role-arn", ROLE),
            ("audience", "openshift"),
            ("token-expiration", "7200"),
            ("sts-regional-endpoints", "true"),
        ]);
        let choice = IdentityChoice::default();
        let identity = LocalIdentity::of(&account, &choice, &rules()).unwrap();
        assert_eq!(identity.role_arn.as_str(), ROLE);
        assert_eq!(identity.token_request.audiences, ["openshift"]);
        assert_eq!(identity.token_request.expiration_seconds, Some(7200));
        let expected = [
            ("AWS_STS_REGIONAL_ENDPOINTS", "regional"),
            ("AWS_ROLE_ARN", ROLE),
            ("AWS_WEB_IDENTITY_TOKEN_FILE", "/private/tokens/token"),
        ];
        assert_eq!(variables(&identity), expected);
    }

    #[test]
    fn the_caller_wins_over_annotations() {
        let account = account(&[("role-arn", "nonsense"), ("audience", "openshift")]);
        let choice = IdentityChoice {
            role_arn: Some(ROLE.parse().unwrap()),
            audience: Some("other".to_owned()),
            ..IdentityChoice::default()
        };
        let identity = LocalIdentity::of(&account, &choice, &rules()).unwrap();
        assert_eq!(identity.role_arn.as_str(), ROLE);
        assert_eq!(identity.token_request.audiences, ["other"]);
        // An empty audience leaves the choice to the API server, as it does in the annotation.
        let choice = IdentityChoice {
            audience: Some(String::new()),
            ..choice
        };
        let identity = LocalIdentity::of(&account, &choice, &rules()).unwrap();
        assert!(identity.token_request.audiences.is_empty());
    }

    #[test]
    fn a_region_of_the_environment_stays_unless_one_is_asked_for() {
        let account = account(&[("role-arn", ROLE)]);
        let mut choice = IdentityChoice {
            own_variables: vec!["AWS_REGION".to_owned()],
            ..IdentityChoice::default()
        };
        let named = |identity: &LocalIdentity| {
            let mut names = identity.variables.iter();
            names.any(|(name, value)| name == "AWS_REGION" && value == "eu-west-1")
        };
        let identity = LocalIdentity::of(&account, &choice, &rules()).unwrap();
        assert!(!named(&identity));
        choice.region = Some("eu-west-1".to_owned());
        let identity = LocalIdentity::of(&account, &choice, &rules()).unwrap();
        assert!(named(&identity));
        let mut names = identity.variables.iter();
        assert!(names.any(|(name, _)| name == "AWS_DEFAULT_REGION"));
    }

    /// A local program is one container, wherever the caller is.
    #[test]
    fn what_is_about_pods_only_does_not_count() {
        let account = account(&[
            ("role-arn", ROLE),
            ("region", "us-east-2"),
            ("include-containers", "app"),
        ]);
        let mut rules = rules();
        rules.settings.endpoint_url = Some("http://sandbox.podpass.svc".parse().unwrap());
        let mut choice = IdentityChoice::default();
        let identity = LocalIdentity::of(&account, &choice, &rules).unwrap();
        let names: Vec<&str> = variables(&identity).iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE"]);
        choice.region = Some("eu-west-1".to_owned());
        let identity = LocalIdentity::of(&account, &choice, &rules).unwrap();
        assert!(variables(&identity).contains(&("AWS_REGION", "eu-west-1")));
    }

    #[test]
    fn an_account_without_a_usable_role_is_refused() {
        let choice = IdentityChoice::default();
        let error = LocalIdentity::of(&account(&[]), &choice, &rules()).unwrap_err();
        assert_eq!(error.reason(), Reason::NoRoleAnnotation);
        let told = error.to_string();
        assert!(
            told.contains("`ns/sa`") && told.contains("`eks.amazonaws.com/role-arn`"),
            "{told}"
        );
        for value in [
            "app",
            "arn:aws:iam::1234567890:role/app",
            " arn:aws:iam::123456789012:role/app",
        ] {
            let account = account(&[("role-arn", value)]);
            let error = LocalIdentity::of(&account, &choice, &rules()).unwrap_err();
            assert_eq!(error.reason(), Reason::BadRoleArn, "{value}");
            let named =
                matches!(&error, IdentityError::BadRoleArn { value: own, .. } if own == value);
            assert!(named, "{error:?}");
        }
    }
}
