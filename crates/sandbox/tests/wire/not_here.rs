//! What AWS has and the sandbox does not, and how it says so.

use podpass_kinds::Reason;
use podpass_sandbox::{Change, Issuer, Outcome};
use podpass_token::Jwks;
use serde_json::json;

use crate::elsewhere::worker;
use crate::fixture::{ACCOUNT, Fixture, KEY, claims};

#[test]
fn operations_that_are_not_here_are_unknown() {
    let fixture = Fixture::start();
    for action in [
        "AssumeRoot",
        "AssumeRoleWithSAML",
        "GetWebIdentityToken",
        "GetDelegatedAccessToken",
    ] {
        let reply = fixture.admin.sts(action, &[]);
        assert_eq!(reply.error(), (400, "InvalidAction".to_owned()), "{action}");
        let expected = format!("Could not find operation {action} for version 2011-06-15");
        assert_eq!(reply.message(), expected);
    }
    for action in [
        "CreateSAMLProvider",
        "CreateVirtualMFADevice",
        "CreateLoginProfile",
        "UploadServerCertificate",
        "CreateAccountAlias",
        "UpdateAccountPasswordPolicy",
        "CreateServiceLinkedRole",
        "GetAccountSummary",
    ] {
        let reply = fixture.admin.iam(action, &[]);
        assert_eq!(reply.error(), (400, "InvalidAction".to_owned()), "{action}");
        let expected = format!("Could not find operation {action} for version 2010-05-08");
        assert_eq!(reply.message(), expected);
    }
}

#[test]
fn shared_issuers_have_neither_rules_nor_keys_of_their_own() {
    const HOST: &str = "token.actions.githubusercontent.com";
    let fixture = Fixture::start();
    let admin = &fixture.admin;
    let url = format!("https://{HOST}");
    let jwks = Jwks::of(&[KEY.public().clone()]).to_json();
    let issuer = Issuer::new(&url, &jwks).unwrap();
    assert_eq!(fixture.sandbox.add_issuer(issuer).unwrap(), Change::Created);
    let provider = [
        ("Url", url.as_str()),
        ("ClientIDList.member.1", "sts.amazonaws.com"),
    ];
    admin.iam("CreateOpenIDConnectProvider", &provider).ok();
    let now = claims();
    let token = KEY.sign(
        &json!({ "alg": "RS256", "kid": KEY.kid() }).to_string(),
        &json!({
            "iss": url, "sub": "repo:acme/shop:ref:refs/heads/main", "aud": "sts.amazonaws.com",
            "iat": now.issued_at, "exp": now.expires_at, "repository": "acme/shop",
        })
        .to_string(),
    );
    for (role, condition, reason) in [
        ("open", String::new(), None),
        (
            "by-claim",
            format!(r#""StringEquals":{{"{HOST}:repository":"acme/shop"}}"#),
            Some(Reason::TrustConditionMismatch),
        ),
    ] {
        let trust = format!(
            r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Principal":{{"Federated":"arn:aws:iam::{ACCOUNT}:oidc-provider/{HOST}"}},"Action":"sts:AssumeRoleWithWebIdentity","Condition":{{{condition}}}}}}}"#
        );
        // IAM of AWS takes none of the two: a condition on `sub` is missing.
        let parameters = [("RoleName", role), ("AssumeRolePolicyDocument", &trust)];
        let arn = admin.iam("CreateRole", &parameters).ok().text("Arn");
        let parameters = [
            ("RoleArn", arn.as_deref().unwrap()),
            ("RoleSessionName", "ci"),
            ("WebIdentityToken", token.expose()),
        ];
        let client = admin.anonymous();
        let reply = client.sts("AssumeRoleWithWebIdentity", &parameters);
        let refused = match fixture.event(&reply).outcome {
            Outcome::Allowed => None,
            Outcome::Denied { reason, .. } => reason,
            other @ Outcome::Failed { .. } => panic!("{other:?}"),
        };
        assert_eq!(refused, reason, "{role}");
    }
}

#[test]
fn keys_of_what_is_not_here_are_absent() {
    for key in [
        "aws:PrincipalOrgID",
        "aws:SourceVpc",
        "aws:SourceVpce",
        "aws:SourceOrgID",
        "aws:CalledVia",
        "aws:MultiFactorAuthAge",
    ] {
        let policy = format!(
            r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Action":"iam:ListRoles","Resource":"*","Condition":{{"Null":{{"{key}":"true"}}}}}}}}"#
        );
        let fixture = Fixture::start();
        worker(&fixture, &policy).iam("ListRoles", &[]).ok();
    }
}
