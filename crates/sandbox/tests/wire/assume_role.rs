//! AssumeRole: both sides are asked, and tags count.

use crate::fixture::{ACCOUNT, Fixture, OTHER_ACCOUNT};

#[test]
fn assume_role_asks_both_sides() {
    let fixture = Fixture::start();
    let trust = |principal: &str| {
        format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"{principal}"}},"Action":"sts:AssumeRole"}}]}}"#
        )
    };
    let create = |name: &str, principal: &str| {
        let document = trust(principal);
        fixture
            .admin
            .iam(
                "CreateRole",
                &[("RoleName", name), ("AssumeRolePolicyDocument", &document)],
            )
            .ok();
    };
    create("own", &format!("arn:aws:iam::{ACCOUNT}:root"));
    create("foreign", OTHER_ACCOUNT);
    let assume = |client: &crate::client::Client, name: &str| {
        let arn = format!("arn:aws:iam::{ACCOUNT}:role/{name}");
        client.sts(
            "AssumeRole",
            &[("RoleArn", &arn), ("RoleSessionName", "hop")],
        )
    };
    let session = fixture.client_of(&assume(&fixture.admin, "own").ok());
    let identity = session.sts("GetCallerIdentity", &[]).ok();
    assert_eq!(
        identity.text("Arn"),
        Some(format!("arn:aws:sts::{ACCOUNT}:assumed-role/own/hop"))
    );
    assume(&fixture.other_admin(), "foreign").ok();

    for (case, client, name, who) in [
        (
            "not trusted",
            fixture.admin.clone(),
            "foreign",
            format!("arn:aws:iam::{ACCOUNT}:user/admin"),
        ),
        (
            "not trusted across accounts",
            fixture.other_admin(),
            "own",
            format!("arn:aws:iam::{OTHER_ACCOUNT}:user/admin"),
        ),
        (
            "no permission of its own",
            session,
            "own",
            format!("arn:aws:sts::{ACCOUNT}:assumed-role/own/hop"),
        ),
        (
            "missing role",
            fixture.admin.clone(),
            "absent",
            format!("arn:aws:iam::{ACCOUNT}:user/admin"),
        ),
    ] {
        let reply = assume(&client, name);
        assert_eq!(
            reply.error(),
            (403, "AccessDenied".to_owned()),
            "{case}: {}",
            reply.body
        );
        let expected = format!(
            "User: {who} is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::{ACCOUNT}:role/{name}"
        );
        assert_eq!(reply.message(), expected, "{case}");
    }
}

#[test]
fn transitive_tags_stay_through_role_chaining() {
    let fixture = Fixture::start();
    let trust = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"{ACCOUNT}"}},"Action":["sts:AssumeRole","sts:TagSession"]}}]}}"#
    );
    let permissions = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["sts:AssumeRole","sts:TagSession"],"Resource":"*"},{"Effect":"Allow","Action":"iam:ListUsers","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalTag/team":"a"}}},{"Effect":"Allow","Action":"iam:ListRoles","Resource":"*","Condition":{"Null":{"aws:PrincipalTag/passing":"true"}}}]}"#;
    for name in ["one", "two"] {
        let parameters = [
            ("RoleName", name),
            ("AssumeRolePolicyDocument", trust.as_str()),
        ];
        fixture.admin.iam("CreateRole", &parameters).ok();
        let parameters = [
            ("RoleName", name),
            ("PolicyName", "p"),
            ("PolicyDocument", permissions),
        ];
        fixture.admin.iam("PutRolePolicy", &parameters).ok();
    }
    let arn = |name: &str| format!("arn:aws:iam::{ACCOUNT}:role/{name}");
    let (one, two) = (arn("one"), arn("two"));
    let tags = [
        ("RoleArn", one.as_str()),
        ("RoleSessionName", "hop"),
        ("Tags.member.1.Key", "team"),
        ("Tags.member.1.Value", "a"),
        ("Tags.member.2.Key", "passing"),
        ("Tags.member.2.Value", "x"),
        ("TransitiveTagKeys.member.1", "team"),
    ];
    let first = fixture.client_of(&fixture.admin.sts("AssumeRole", &tags).ok());
    let next = [("RoleArn", two.as_str()), ("RoleSessionName", "hop")];
    let second = fixture.client_of(&first.sts("AssumeRole", &next).ok());
    second.iam("ListUsers", &[]).ok();
    second.iam("ListRoles", &[]).ok();
    let third = fixture.client_of(&second.sts("AssumeRole", &next).ok());
    third.iam("ListUsers", &[]).ok();

    let other_value = [
        next[0],
        next[1],
        ("Tags.member.1.Key", "Team"),
        ("Tags.member.1.Value", "b"),
    ];
    let reply = first.sts("AssumeRole", &other_value);
    assert_eq!(reply.error(), (400, "ValidationError".to_owned()));
}

#[test]
fn conditions_see_the_tags_of_the_role() {
    let fixture = Fixture::start();
    let trust = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"{ACCOUNT}"}},"Action":"sts:AssumeRole"}}]}}"#
    );
    for (name, stage) in [("safe", "test"), ("guarded", "production")] {
        let parameters = [
            ("RoleName", name),
            ("AssumeRolePolicyDocument", trust.as_str()),
            ("Tags.member.1.Key", "stage"),
            ("Tags.member.1.Value", stage),
        ];
        fixture.admin.iam("CreateRole", &parameters).ok();
    }
    let deny = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"sts:AssumeRole","Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/stage":"production"}}}]}"#;
    let parameters = [
        ("UserName", "admin"),
        ("PolicyName", "guard"),
        ("PolicyDocument", deny),
    ];
    fixture.admin.iam("PutUserPolicy", &parameters).ok();
    for (name, status) in [("safe", 200), ("guarded", 403)] {
        let arn = format!("arn:aws:iam::{ACCOUNT}:role/{name}");
        let parameters = [("RoleArn", arn.as_str()), ("RoleSessionName", "hop")];
        let reply = fixture.admin.sts("AssumeRole", &parameters);
        assert_eq!(reply.status, status, "{name}: {}", reply.body);
    }
}
