//! What IAM refuses, and in which words.

use podpass_sandbox::Outcome;

use super::{POLICY, create_role};
use crate::fixture::{ACCOUNT, Fixture, PROVIDER_ARN, trust_policy};

/// An action, its parameters, status and code of the answer, and its message.
type Refused<'a> = (&'a str, Vec<(&'a str, &'a str)>, (u16, &'a str), &'a str);

#[test]
fn errors_have_aws_codes_and_words() {
    let fixture = Fixture::start();
    let admin = &fixture.admin;
    create_role(admin, "r").ok();
    admin.iam("CreateUser", &[("UserName", "u")]).ok();
    admin
        .iam(
            "PutRolePolicy",
            &[
                ("RoleName", "r"),
                ("PolicyName", "p"),
                ("PolicyDocument", POLICY),
            ],
        )
        .ok();
    fixture.make_provider();
    let absent_policy = format!("arn:aws:iam::{ACCOUNT}:policy/absent");
    let absent_provider = format!("arn:aws:iam::{ACCOUNT}:oidc-provider/absent.example");
    let trust = trust_policy("s");
    let bad_principal = trust
        .replace(PROVIDER_ARN, "x")
        .replace("Federated", "AWS")
        .replace("\"x\"", &format!("\"arn:aws:iam::{ACCOUNT}:user/absent\""));
    let cases: Vec<Refused<'_>> = vec![
        (
            "GetRole",
            vec![("RoleName", "absent")],
            (404, "NoSuchEntity"),
            "The role with name absent cannot be found.",
        ),
        (
            "GetUser",
            vec![("UserName", "absent")],
            (404, "NoSuchEntity"),
            "The user with name absent cannot be found.",
        ),
        (
            "GetRolePolicy",
            vec![("RoleName", "r"), ("PolicyName", "x")],
            (404, "NoSuchEntity"),
            "The role policy with name x cannot be found.",
        ),
        (
            "DeleteUserPolicy",
            vec![("UserName", "u"), ("PolicyName", "x")],
            (404, "NoSuchEntity"),
            "The user policy with name x cannot be found.",
        ),
        (
            "GetPolicy",
            vec![("PolicyArn", &absent_policy)],
            (404, "NoSuchEntity"),
            "Policy arn:aws:iam::123456789012:policy/absent was not found.",
        ),
        (
            "AttachRolePolicy",
            vec![("RoleName", "r"), ("PolicyArn", &absent_policy)],
            (404, "NoSuchEntity"),
            "Policy arn:aws:iam::123456789012:policy/absent does not exist or is not attachable.",
        ),
        (
            "DetachRolePolicy",
            vec![("RoleName", "r"), ("PolicyArn", &absent_policy)],
            (404, "NoSuchEntity"),
            "Policy arn:aws:iam::123456789012:policy/absent was not found.",
        ),
        (
            "DeleteAccessKey",
            vec![("UserName", "u"), ("AccessKeyId", "AKIAX")],
            (404, "NoSuchEntity"),
            "The Access Key with id AKIAX cannot be found",
        ),
        (
            "GetOpenIDConnectProvider",
            vec![("OpenIDConnectProviderArn", &absent_provider)],
            (404, "NoSuchEntity"),
            "OpenIDConnect Provider not found for arn arn:aws:iam::123456789012:oidc-provider/absent.example",
        ),
        (
            "DeleteOpenIDConnectProvider",
            vec![("OpenIDConnectProviderArn", &absent_provider)],
            (404, "NoSuchEntity"),
            "OpenId connect Provider arn:aws:iam::123456789012:oidc-provider/absent.example cannot be found.",
        ),
        (
            "CreateRole",
            vec![("RoleName", "R"), ("AssumeRolePolicyDocument", &trust)],
            (409, "EntityAlreadyExists"),
            "Role with name R already exists.",
        ),
        (
            "CreateUser",
            vec![("UserName", "U")],
            (409, "EntityAlreadyExists"),
            "User with name U already exists.",
        ),
        (
            "CreateOpenIDConnectProvider",
            vec![("Url", "https://c1-oidc.s3.eu-west-1.amazonaws.com:443")],
            (409, "EntityAlreadyExists"),
            "Provider with url https://c1-oidc.s3.eu-west-1.amazonaws.com already exists.",
        ),
        (
            "CreateOpenIDConnectProvider",
            vec![("Url", "http://a.example")],
            (400, "InvalidInput"),
            "Invalid Open ID Connect Provider URL",
        ),
        (
            "CreateOpenIDConnectProvider",
            vec![("Url", "https://a.example/?x")],
            (400, "InvalidInput"),
            "Unknown",
        ),
        (
            "UpdateOpenIDConnectProviderThumbprint",
            vec![
                ("OpenIDConnectProviderArn", PROVIDER_ARN),
                ("ThumbprintList", ""),
            ],
            (400, "InvalidInput"),
            "Thumbprint list must contain at least one entry.",
        ),
        (
            "DeleteRole",
            vec![("RoleName", "r")],
            (409, "DeleteConflict"),
            "Cannot delete entity, must delete policies first.",
        ),
        (
            "DeleteUser",
            vec![("UserName", "admin")],
            (409, "DeleteConflict"),
            "Cannot delete entity, must delete access keys first.",
        ),
        (
            "CreateRole",
            vec![("RoleName", "x"), ("AssumeRolePolicyDocument", "{")],
            (400, "MalformedPolicyDocument"),
            "This policy contains invalid Json",
        ),
        (
            "CreateRole",
            vec![
                ("RoleName", "x"),
                ("AssumeRolePolicyDocument", &bad_principal),
            ],
            (400, "MalformedPolicyDocument"),
            "Invalid principal in policy: \"AWS\":\"arn:aws:iam::123456789012:user/absent\"",
        ),
        (
            "PutRolePolicy",
            vec![
                ("RoleName", "r"),
                ("PolicyName", "q"),
                ("PolicyDocument", "{"),
            ],
            (400, "MalformedPolicyDocument"),
            "Syntax errors in policy.",
        ),
        (
            "CreateRole",
            vec![("RoleName", "a b"), ("AssumeRolePolicyDocument", &trust)],
            (400, "ValidationError"),
            r"1 validation error detected: Value at 'roleName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w+=,.@-]+",
        ),
        (
            "CreateRole",
            vec![
                ("RoleName", "x"),
                ("AssumeRolePolicyDocument", &trust),
                ("MaxSessionDuration", "1"),
            ],
            (400, "ParamValidation"),
            "The specified value for MaxSessionDuration is invalid, it must be at least 3600.",
        ),
        (
            "CreateRole",
            vec![
                ("RoleName", "x"),
                ("AssumeRolePolicyDocument", &trust),
                ("MaxSessionDuration", "43201"),
            ],
            (400, "ValidationError"),
            "1 validation error detected: Value '43201' at 'maxSessionDuration' failed to satisfy constraint: Member must have value less than or equal to 43200",
        ),
        (
            "TagRole",
            vec![
                ("RoleName", "r"),
                ("Tags.member.1.Key", "a"),
                ("Tags.member.1.Value", "1"),
                ("Tags.member.2.Key", "A"),
                ("Tags.member.2.Value", "2"),
            ],
            (400, "InvalidInput"),
            "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
        ),
        (
            "UpdateAccessKey",
            vec![
                ("UserName", "u"),
                ("AccessKeyId", "AKIAX"),
                ("Status", "Expired"),
            ],
            (400, "InvalidInput"),
            "Status must be Active or Inactive.",
        ),
        (
            "NoSuchAction",
            vec![],
            (400, "InvalidAction"),
            "Could not find operation NoSuchAction for version 2010-05-08",
        ),
    ];
    for (action, parameters, (status, code), message) in cases {
        let reply = admin.iam(action, &parameters);
        assert_eq!(
            reply.error(),
            (status, code.to_owned()),
            "{action}: {}",
            reply.body
        );
        assert_eq!(reply.message(), message, "{action}");
        assert!(
            matches!(fixture.event(&reply).outcome, Outcome::Failed { .. }),
            "{action}"
        );
    }
}

#[test]
fn quotas_hold() {
    let fixture = Fixture::start();
    let admin = &fixture.admin;
    create_role(admin, "r").ok();
    let wide = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::{}"}}]}}"#,
        "b".repeat(10_240)
    );
    let reply = admin.iam(
        "PutRolePolicy",
        &[
            ("RoleName", "r"),
            ("PolicyName", "p"),
            ("PolicyDocument", &wide),
        ],
    );
    assert_eq!(
        reply.message(),
        "Maximum policy size of 10240 bytes exceeded for role r"
    );
    let reply = admin.iam(
        "CreatePolicy",
        &[("PolicyName", "p"), ("PolicyDocument", &wide)],
    );
    assert_eq!(reply.message(), "Cannot exceed quota for PolicySize: 6144");
    let long = trust_policy(&"s".repeat(2048));
    let reply = admin.iam(
        "CreateRole",
        &[("RoleName", "x"), ("AssumeRolePolicyDocument", &long)],
    );
    assert_eq!(
        reply.message(),
        "Cannot exceed quota for ACLSizePerRole: 2048"
    );
    for number in 0..11 {
        let name = format!("p{number}");
        let created = admin
            .iam(
                "CreatePolicy",
                &[("PolicyName", &name), ("PolicyDocument", POLICY)],
            )
            .ok();
        let arn = created.text("Arn").unwrap();
        let reply = admin.iam(
            "AttachRolePolicy",
            &[("RoleName", "r"), ("PolicyArn", &arn)],
        );
        if number < 10 {
            reply.ok();
        } else {
            assert_eq!(reply.error(), (409, "LimitExceeded".to_owned()));
            assert_eq!(
                reply.message(),
                "Cannot exceed quota for PoliciesPerRole: 10"
            );
        }
    }
    let arn = format!("arn:aws:iam::{ACCOUNT}:policy/p0");
    for version in 2..=5 {
        let reply = admin
            .iam(
                "CreatePolicyVersion",
                &[("PolicyArn", &arn), ("PolicyDocument", POLICY)],
            )
            .ok();
        assert_eq!(reply.text("VersionId"), Some(format!("v{version}")));
    }
    let reply = admin.iam(
        "CreatePolicyVersion",
        &[("PolicyArn", &arn), ("PolicyDocument", POLICY)],
    );
    assert!(
        reply
            .message()
            .starts_with("A managed policy can have up to 5 versions.")
    );
    admin
        .iam(
            "DeletePolicyVersion",
            &[("PolicyArn", &arn), ("VersionId", "v5")],
        )
        .ok();
    let reply = admin
        .iam(
            "CreatePolicyVersion",
            &[("PolicyArn", &arn), ("PolicyDocument", POLICY)],
        )
        .ok();
    assert_eq!(
        reply.text("VersionId").as_deref(),
        Some("v6"),
        "a number is not given twice"
    );
    let reply = admin.iam(
        "DeletePolicyVersion",
        &[("PolicyArn", &arn), ("VersionId", "v1")],
    );
    assert_eq!(
        reply.message(),
        "Cannot delete the default version of a policy."
    );
}

#[test]
fn lists_that_must_be_sent_are_not_taken_for_empty() {
    let fixture = Fixture::start();
    let admin = &fixture.admin;
    create_role(admin, "r").ok();
    fixture.make_provider();
    for (action, parameter, list) in [
        ("TagRole", ("RoleName", "r"), "tags"),
        ("UntagRole", ("RoleName", "r"), "tagKeys"),
        (
            "UpdateOpenIDConnectProviderThumbprint",
            ("OpenIDConnectProviderArn", PROVIDER_ARN),
            "thumbprintList",
        ),
    ] {
        let reply = admin.iam(action, &[parameter]);
        assert_eq!(
            reply.error(),
            (400, "ValidationError".to_owned()),
            "{action}"
        );
        let expected = format!(
            "1 validation error detected: Value null at '{list}' failed to satisfy constraint: Member must not be null"
        );
        assert_eq!(reply.message(), expected, "{action}");
    }
    admin
        .iam("TagRole", &[("RoleName", "r"), ("Tags", "")])
        .ok();
}

#[test]
fn every_breach_is_reported_at_once() {
    let fixture = Fixture::start();
    for (action, names) in [
        ("CreatePolicyVersion", ["policyArn", "policyDocument"]),
        ("GetPolicyVersion", ["policyArn", "versionId"]),
        (
            "AddClientIDToOpenIDConnectProvider",
            ["openIDConnectProviderArn", "clientID"],
        ),
        (
            "UpdateOpenIDConnectProviderThumbprint",
            ["openIDConnectProviderArn", "thumbprintList"],
        ),
        ("PutRolePolicy", ["roleName", "policyName"]),
    ] {
        let reply = fixture.admin.iam(action, &[]);
        assert_eq!(
            reply.error(),
            (400, "ValidationError".to_owned()),
            "{action}"
        );
        for name in names {
            let breach = format!("Value null at '{name}' failed");
            assert!(
                reply.message().contains(&breach),
                "{action}: {}",
                reply.message()
            );
        }
    }
}
