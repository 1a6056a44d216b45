//! IAM: what the calls return, what they refuse, and in which words.

use podpass_sandbox::Outcome;

use crate::client::{Client, Keys};
use crate::fixture::{ACCOUNT, Fixture, PROVIDER_ARN, trust_policy};

/// An action, its parameters, status and code of the answer, and its message.
type Refused<'a> = (&'a str, Vec<(&'a str, &'a str)>, (u16, &'a str), &'a str);

const POLICY: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}"#;

fn create_role(admin: &Client, name: &str) -> crate::client::Reply {
    let trust = trust_policy("system:serviceaccount:default:reader");
    admin.iam(
        "CreateRole",
        &[("RoleName", name), ("AssumeRolePolicyDocument", &trust)],
    )
}

#[test]
fn a_role_comes_back_as_it_was_made() {
    let fixture = Fixture::start();
    let trust = trust_policy("system:serviceaccount:default:reader");
    let parameters = [
        ("RoleName", "Reader"),
        ("Path", "/app/"),
        ("AssumeRolePolicyDocument", trust.as_str()),
        ("Description", "reads & <waits>"),
        ("MaxSessionDuration", "7200"),
        ("Tags.member.1.Key", "Name"),
        ("Tags.member.1.Value", "c1"),
    ];
    let created = fixture.admin.iam("CreateRole", &parameters).ok();
    for reply in [
        created,
        fixture.admin.iam("GetRole", &[("RoleName", "reader")]).ok(),
    ] {
        assert_eq!(reply.text("RoleName").as_deref(), Some("Reader"));
        assert_eq!(
            reply.text("Arn"),
            Some(format!("arn:aws:iam::{ACCOUNT}:role/app/Reader"))
        );
        assert_eq!(
            reply.text("Description").as_deref(),
            Some("reads & <waits>")
        );
        assert_eq!(reply.text("MaxSessionDuration").as_deref(), Some("7200"));
        assert_eq!(
            reply.text("AssumeRolePolicyDocument"),
            Some(crate::client::encode(&trust))
        );
        assert_eq!(
            (reply.text("Key").as_deref(), reply.text("Value").as_deref()),
            (Some("Name"), Some("c1"))
        );
        assert!(
            reply
                .text("RoleId")
                .is_some_and(|id| id.starts_with("AROARZPUZDIK") && id.len() == 21)
        );
        assert!(
            reply
                .text("CreateDate")
                .is_some_and(|date| date.len() == 20 && date.ends_with('Z'))
        );
    }
    let listed = fixture.admin.iam("ListRoles", &[]).ok();
    assert_eq!(listed.texts("RoleName"), ["Reader"]);
    assert!(listed.texts("Tags").is_empty());
}

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
fn access_keys_work_until_they_are_inactive_or_gone() {
    let fixture = Fixture::start();
    let admin = &fixture.admin;
    admin.iam("CreateUser", &[("UserName", "u")]).ok();
    let create = || admin.iam("CreateAccessKey", &[("UserName", "u")]);
    let created = create().ok();
    let id = created.text("AccessKeyId").unwrap();
    let keys = Keys {
        id: id.clone(),
        secret: created.text("SecretAccessKey").unwrap(),
        token: None,
    };
    let user = admin.with_keys(keys);
    let identity = user.sts("GetCallerIdentity", &[]).ok();
    assert_eq!(
        identity.text("Arn"),
        Some(format!("arn:aws:iam::{ACCOUNT}:user/u"))
    );
    assert_eq!(
        user.iam("GetUser", &[]).error(),
        (403, "AccessDenied".to_owned())
    );
    admin.iam("PutUserPolicy", &[("UserName", "u"), ("PolicyName", "self"), ("PolicyDocument",
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:GetUser","Resource":"arn:aws:iam::*:user/${aws:username}"}]}"#)]).ok();
    assert_eq!(
        user.iam("GetUser", &[]).ok().text("UserName").as_deref(),
        Some("u")
    );
    assert_eq!(user.iam("GetUser", &[("UserName", "admin")]).status, 403);

    create().ok();
    assert_eq!(
        create().message(),
        "Cannot exceed quota for AccessKeysPerUser: 2"
    );
    assert_eq!(
        admin
            .iam("ListAccessKeys", &[("UserName", "u")])
            .ok()
            .texts("AccessKeyId")
            .len(),
        2
    );
    let update = |status: &str| {
        admin
            .iam(
                "UpdateAccessKey",
                &[("UserName", "u"), ("AccessKeyId", &id), ("Status", status)],
            )
            .ok();
    };
    update("Inactive");
    assert_eq!(
        user.sts("GetCallerIdentity", &[]).error(),
        (403, "InvalidClientTokenId".to_owned())
    );
    assert_eq!(
        user.s3("GET", "/", "").error(),
        (403, "InvalidAccessKeyId".to_owned())
    );
    update("Active");
    user.sts("GetCallerIdentity", &[]).ok();
    admin
        .iam(
            "DeleteAccessKey",
            &[("UserName", "u"), ("AccessKeyId", &id)],
        )
        .ok();
    assert_eq!(
        user.sts("GetCallerIdentity", &[]).error(),
        (403, "InvalidClientTokenId".to_owned())
    );
}

#[test]
fn providers_keep_what_aws_keeps() {
    let fixture = Fixture::start();
    let admin = &fixture.admin;
    let thumbprint = "A9D53002E97E00E043244F3D170D6F4C414104FD";
    let created = admin
        .iam(
            "CreateOpenIDConnectProvider",
            &[
                ("Url", "https://Issuer.example/Path/"),
                ("ClientIDList.member.1", "openshift"),
                ("ClientIDList.member.2", "sts.amazonaws.com"),
                ("ClientIDList.member.3", "openshift"),
                ("ThumbprintList.member.1", thumbprint),
                ("Tags.member.1.Key", "key"),
                ("Tags.member.1.Value", "1"),
            ],
        )
        .ok();
    let arn = created.text("OpenIDConnectProviderArn").unwrap();
    assert_eq!(
        arn,
        format!("arn:aws:iam::{ACCOUNT}:oidc-provider/Issuer.example/Path/")
    );
    admin
        .iam(
            "TagOpenIDConnectProvider",
            &[
                ("OpenIDConnectProviderArn", &arn),
                ("Tags.member.1.Key", "Key"),
                ("Tags.member.1.Value", "2"),
            ],
        )
        .ok();
    for (action, client_id) in [
        ("AddClientIDToOpenIDConnectProvider", "openshift"),
        ("AddClientIDToOpenIDConnectProvider", "third"),
        (
            "RemoveClientIDFromOpenIDConnectProvider",
            "sts.amazonaws.com",
        ),
        ("RemoveClientIDFromOpenIDConnectProvider", "never-there"),
    ] {
        admin
            .iam(
                action,
                &[("OpenIDConnectProviderArn", &arn), ("ClientID", client_id)],
            )
            .ok();
    }
    let read = admin
        .iam(
            "GetOpenIDConnectProvider",
            &[("OpenIDConnectProviderArn", &arn)],
        )
        .ok();
    assert_eq!(read.text("Url").as_deref(), Some("Issuer.example/Path/"));
    let lower = thumbprint.to_lowercase();
    assert!(
        read.body.contains(
            "<ClientIDList><member>openshift</member><member>third</member></ClientIDList>"
        ),
        "{}",
        read.body
    );
    assert!(
        read.body.contains(&format!(
            "<ThumbprintList><member>{lower}</member></ThumbprintList>"
        )),
        "{}",
        read.body
    );
    assert_eq!(read.texts("Key"), ["key", "Key"]);
    let listed = admin.iam("ListOpenIDConnectProviders", &[]).ok();
    assert_eq!(listed.texts("Arn"), [arn.as_str()]);
    admin
        .iam(
            "UntagOpenIDConnectProvider",
            &[
                ("OpenIDConnectProviderArn", &arn),
                ("TagKeys.member.1", "key"),
            ],
        )
        .ok();
    let tags = admin
        .iam(
            "ListOpenIDConnectProviderTags",
            &[("OpenIDConnectProviderArn", &arn)],
        )
        .ok();
    assert_eq!(tags.texts("Key"), ["Key"]);
    admin
        .iam(
            "DeleteOpenIDConnectProvider",
            &[("OpenIDConnectProviderArn", &arn)],
        )
        .ok();
    assert!(
        admin
            .iam("ListOpenIDConnectProviders", &[])
            .ok()
            .texts("Arn")
            .is_empty()
    );
}

#[test]
fn lists_come_in_pages() {
    let fixture = Fixture::start();
    let admin = &fixture.admin;
    for number in 0..7 {
        create_role(admin, &format!("r{number}")).ok();
    }
    let (mut names, mut marker) = (Vec::new(), None::<String>);
    for size in ["3", "2", "5"] {
        let mut parameters = vec![("MaxItems", size)];
        if let Some(marker) = &marker {
            parameters.push(("Marker", marker));
        }
        let page = admin.iam("ListRoles", &parameters).ok();
        names.extend(page.texts("RoleName"));
        marker = page.text("Marker");
        assert_eq!(
            page.text("IsTruncated").as_deref(),
            Some(if marker.is_some() { "true" } else { "false" })
        );
    }
    assert_eq!(names, ["r0", "r1", "r2", "r3", "r4", "r5", "r6"]);
    assert_eq!(marker, None);

    let first = admin
        .iam("ListRoles", &[("MaxItems", "1")])
        .ok()
        .text("Marker")
        .unwrap();
    for (case, client, parameters) in [
        (
            "another filter",
            admin.clone(),
            vec![("Marker", first.as_str()), ("PathPrefix", "/a/")],
        ),
        (
            "another account",
            fixture.other_admin(),
            vec![("Marker", first.as_str())],
        ),
        ("invented", admin.clone(), vec![("Marker", "abc")]),
    ] {
        let reply = client.iam("ListRoles", &parameters);
        assert_eq!(
            reply.error(),
            (400, "ValidationError".to_owned()),
            "{case}: {}",
            reply.body
        );
    }
}

#[test]
fn policies_come_back_with_their_versions() {
    let fixture = Fixture::start();
    let admin = &fixture.admin;
    let created = admin
        .iam(
            "CreatePolicy",
            &[
                ("PolicyName", "p"),
                ("Path", "/a/"),
                ("PolicyDocument", POLICY),
                ("Description", "d"),
            ],
        )
        .ok();
    let arn = created.text("Arn").unwrap();
    assert_eq!(arn, format!("arn:aws:iam::{ACCOUNT}:policy/a/p"));
    let read = admin.iam("GetPolicy", &[("PolicyArn", &arn)]).ok();
    assert_eq!(
        (
            read.text("DefaultVersionId").as_deref(),
            read.text("Description").as_deref()
        ),
        (Some("v1"), Some("d"))
    );
    let version = admin
        .iam(
            "GetPolicyVersion",
            &[("PolicyArn", &arn), ("VersionId", "v1")],
        )
        .ok();
    assert_eq!(
        version.text("Document"),
        Some(crate::client::encode(POLICY))
    );
    let local = admin.iam("ListPolicies", &[("Scope", "Local")]).ok();
    assert_eq!(local.texts("PolicyName"), ["p"]);
    let all = admin.iam("ListPolicies", &[]).ok();
    assert_eq!(
        all.texts("PolicyName"),
        ["p", "AdministratorAccess", "AmazonS3ReadOnlyAccess"]
    );
    let aws = "arn:aws:iam::aws:policy/AdministratorAccess";
    assert_eq!(
        admin
            .iam("GetPolicy", &[("PolicyArn", aws)])
            .ok()
            .text("PolicyName")
            .as_deref(),
        Some("AdministratorAccess")
    );
    admin
        .iam(
            "GetPolicyVersion",
            &[("PolicyArn", aws), ("VersionId", "v1")],
        )
        .ok();
    admin.iam("DeletePolicy", &[("PolicyArn", &arn)]).ok();
    assert_eq!(admin.iam("GetPolicy", &[("PolicyArn", &arn)]).status, 404);
}

#[test]
fn users_and_their_policies_round_trip() {
    let fixture = Fixture::start();
    let admin = &fixture.admin;
    admin
        .iam("CreateUser", &[("UserName", "u"), ("Path", "/ops/")])
        .ok();
    admin
        .iam(
            "PutUserPolicy",
            &[
                ("UserName", "u"),
                ("PolicyName", "p"),
                ("PolicyDocument", POLICY),
            ],
        )
        .ok();
    assert_eq!(
        admin
            .iam("ListUserPolicies", &[("UserName", "u")])
            .ok()
            .body
            .matches("<member>p</member>")
            .count(),
        1
    );
    let read = admin
        .iam("GetUserPolicy", &[("UserName", "u"), ("PolicyName", "P")])
        .ok();
    assert_eq!(
        (
            read.text("UserName").as_deref(),
            read.text("PolicyName").as_deref()
        ),
        (Some("u"), Some("p"))
    );
    let aws = "arn:aws:iam::aws:policy/AdministratorAccess";
    admin
        .iam("AttachUserPolicy", &[("UserName", "u"), ("PolicyArn", aws)])
        .ok();
    assert_eq!(
        admin
            .iam("ListAttachedUserPolicies", &[("UserName", "u")])
            .ok()
            .texts("PolicyName"),
        ["AdministratorAccess"]
    );
    assert_eq!(
        admin.iam("DeleteUser", &[("UserName", "u")]).message(),
        "Cannot delete entity, must detach all policies first."
    );
    admin
        .iam("DetachUserPolicy", &[("UserName", "u"), ("PolicyArn", aws)])
        .ok();
    admin
        .iam(
            "DeleteUserPolicy",
            &[("UserName", "u"), ("PolicyName", "p")],
        )
        .ok();
    admin.iam("DeleteUser", &[("UserName", "u")]).ok();
    assert_eq!(
        admin.iam("ListUsers", &[]).ok().texts("UserName"),
        ["admin"]
    );
}
