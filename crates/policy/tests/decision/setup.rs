//! Callers, and policies as texts of one statement each.

use podpass_policy::{
    AccountId, Arn, Attached, Context, Decision, Document, DocumentKind, OidcProviderArn,
    Partition, Policies, Principal, Request, ResourceRule, RoleArn, decide,
};

pub(crate) const OWN: &str = "123456789012";
pub(crate) const OTHER: &str = "210987654321";
pub(crate) const BUCKET: &str = "arn:aws:s3:::b/k";
pub(crate) const ROLE: &str = "arn:aws:iam::123456789012:role/a/r";
pub(crate) const SESSION: &str = "arn:aws:sts::123456789012:assumed-role/r/s";
pub(crate) const USER: &str = "arn:aws:iam::123456789012:user/bob";
pub(crate) const ACCOUNT_ROOT: &str = "arn:aws:iam::123456789012:root";
pub(crate) const PROVIDER: &str = "arn:aws:iam::123456789012:oidc-provider/example.com";

pub(crate) const ALLOW: &str = r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#;
pub(crate) const DENY: &str = r#"{"Effect":"Deny","Action":"*","Resource":"*"}"#;
pub(crate) const NOTHING: &str = r#"{"Effect":"Allow","Action":"ec2:*","Resource":"*"}"#;

pub(crate) fn account(id: &str) -> AccountId {
    id.parse().expect("an account id")
}

pub(crate) fn user() -> Principal {
    Principal::User {
        arn: USER.parse().expect("an ARN"),
    }
}

pub(crate) fn root() -> Principal {
    Principal::Root {
        partition: Partition::Aws,
        account: account(OWN),
    }
}

pub(crate) fn session() -> Principal {
    let role: RoleArn = ROLE.parse().expect("a role");
    let session: Arn = SESSION.parse().expect("an ARN");
    Principal::RoleSession { role, session }
}

pub(crate) fn web_identity(provider: &str) -> Principal {
    Principal::WebIdentity {
        provider: provider.parse::<OidcProviderArn>().expect("a provider"),
    }
}

/// Policies as texts of one statement each.
#[derive(Clone, Copy, Default)]
pub(crate) struct Setup<'a> {
    pub(crate) identity: Option<&'a str>,
    pub(crate) resource: Option<&'a str>,
    pub(crate) boundary: Option<&'a str>,
    pub(crate) session: Option<&'a str>,
    pub(crate) owner: Option<&'a str>,
    pub(crate) rule: ResourceRule,
}

impl Setup<'_> {
    /// Decides an action that fits the rule: reading an object, or assuming a role.
    pub(crate) fn decide(self, principal: &Principal) -> Decision {
        let (action, kind) = match self.rule {
            ResourceRule::Ordinary => ("s3:GetObject", DocumentKind::Bucket),
            ResourceRule::Trust => match principal {
                Principal::WebIdentity { .. } => {
                    ("sts:AssumeRoleWithWebIdentity", DocumentKind::Trust)
                }
                _ => ("sts:AssumeRole", DocumentKind::Trust),
            },
        };
        let read = |statement: &str, kind| {
            Document::parse(
                &format!(r#"{{"Version":"2012-10-17","Statement":{statement}}}"#),
                kind,
            )
            .expect("a valid policy")
        };
        let identity = self
            .identity
            .map(|text| read(text, DocumentKind::Permissions));
        let resource = self.resource.map(|text| read(text, kind));
        let boundary = self
            .boundary
            .map(|text| read(text, DocumentKind::Permissions));
        let session = self.session.map(|text| read(text, DocumentKind::Session));
        let owner = account(self.owner.unwrap_or(OWN));
        let context = Context::new();
        let request = Request {
            principal,
            action,
            resource: BUCKET,
            context: &context,
        };
        let attach = |document| Attached {
            source: "policy",
            document,
        };
        let policies = Policies {
            identity: identity.as_ref().map(attach).into_iter().collect(),
            resource: resource.as_ref().map(attach),
            boundary: boundary.as_ref().map(attach),
            session: session.as_ref().map(|document| vec![attach(document)]),
            resource_account: Some(&owner),
            rule: self.rule,
            ..Policies::default()
        };
        decide(&request, &policies)
    }
}

/// An Allow statement of a bucket policy.
pub(crate) fn bucket(principal: &str) -> String {
    format!(r#"{{"Effect":"Allow","Principal":{principal},"Action":"s3:*","Resource":"*"}}"#)
}

/// An Allow statement of a trust policy.
pub(crate) fn trust(principal: &str) -> String {
    format!(r#"{{"Effect":"Allow","Principal":{principal},"Action":"sts:AssumeRole*"}}"#)
}

pub(crate) fn aws(principal: &str) -> String {
    format!(r#"{{"AWS":"{principal}"}}"#)
}
