//! `SimulatePrincipalPolicy` and `SimulateCustomPolicy`.

use super::{create_role, user_with};
use crate::client::{Client, Reply};
use crate::fixture::{ACCOUNT, Fixture, OTHER_ACCOUNT};

/// The policy of the AWS CLI's own example, and the places that AWS names in it.
const AFTER: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"dynamodb:*","Resource":"*","Condition":{"DateGreaterThan":{"aws:CurrentTime":"2018-08-16T12:00:00Z"}}}}"#;
const TIME: &str = "aws:CurrentTime";

fn policy(statements: &str) -> String {
    format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#)
}

fn allow(actions: &str) -> String {
    policy(&format!(
        r#"{{"Effect":"Allow","Action":{actions},"Resource":"*"}}"#
    ))
}

fn custom(client: &Client, policies: &[&str], further: &[(&str, &str)]) -> Reply {
    let names: Vec<String> = (1..=policies.len())
        .map(|number| format!("PolicyInputList.member.{number}"))
        .collect();
    let policies = names
        .iter()
        .map(String::as_str)
        .zip(policies.iter().copied());
    let parameters: Vec<_> = policies.chain(further.iter().copied()).collect();
    client.iam("SimulateCustomPolicy", &parameters)
}

/// Action and decision of each result.
fn decisions(reply: &Reply) -> Vec<(String, String)> {
    let actions = reply.texts("EvalActionName");
    actions
        .into_iter()
        .zip(reply.texts("EvalDecision"))
        .collect()
}

#[test]
fn answers_the_examples_of_the_aws_cli_as_they_are_printed() {
    let fixture = Fixture::start();
    for (time, decision) in [
        ("2019-04-25T11:00:00Z", "allowed"),
        ("2014-04-25T11:00:00Z", "implicitDeny"),
    ] {
        let further = [
            ("ActionNames.member.1", "dynamodb:CreateBackup"),
            ("ContextEntries.member.1.ContextKeyName", TIME),
            ("ContextEntries.member.1.ContextKeyValues.member.1", time),
            ("ContextEntries.member.1.ContextKeyType", "date"),
        ];
        let reply = custom(&fixture.admin, &[AFTER], &further).ok();
        assert_eq!(
            decisions(&reply),
            [("dynamodb:CreateBackup".to_owned(), decision.to_owned())]
        );
        assert_eq!(reply.text("EvalResourceName").as_deref(), Some("*"));
        let places = "<MatchedStatements><member><SourcePolicyId>PolicyInputList.1</SourcePolicyId>\
            <SourcePolicyType>IAM Policy</SourcePolicyType>\
            <StartPosition><Line>1</Line><Column>38</Column></StartPosition>\
            <EndPosition><Line>1</Line><Column>167</Column></EndPosition></member></MatchedStatements>";
        assert_eq!(reply.body.contains(places), decision == "allowed");
        assert!(
            reply
                .body
                .contains("<MissingContextValues></MissingContextValues>")
        );
        assert!(!reply.body.contains("ResourceSpecificResults"));
        assert_eq!(reply.text("IsTruncated").as_deref(), Some("false"));
    }
}

#[test]
fn a_denial_names_the_statements_that_deny_and_missing_keys_are_listed() {
    let fixture = Fixture::start();
    let both = policy(
        r#"{"Effect":"Allow","Action":"s3:*","Resource":"*"},
{"Effect":"Deny","Action":"s3:Get*","Resource":"*"}"#,
    );
    let further = [("ActionNames.member.1", "s3:GetObject")];
    let reply = custom(&fixture.admin, &[&allow("\"s3:*\""), &both], &further).ok();
    assert_eq!(reply.text("EvalDecision").as_deref(), Some("explicitDeny"));
    assert_eq!(reply.texts("SourcePolicyId"), ["PolicyInputList.2"]);
    assert_eq!(reply.texts("Line"), ["2", "2"]);
    assert_eq!(reply.texts("Column"), ["2", "52"]);

    let conditional = policy(
        r#"{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/${aws:username}",
        "Condition":{"StringEquals":{"aws:RequestedRegion":"eu-west-1"},"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}},
        {"Effect":"Allow","Action":"s3:PutObject","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"true"}}}"#,
    );
    let given = [
        ("ActionNames.member.1", "s3:GetObject"),
        ("ContextEntries.member.1.ContextKeyName", "aws:SourceIp"),
        (
            "ContextEntries.member.1.ContextKeyValues.member.1",
            "10.1.2.3",
        ),
        ("ContextEntries.member.1.ContextKeyType", "ip"),
    ];
    let missing = "<MissingContextValues><member>aws:RequestedRegion</member><member>aws:username</member></MissingContextValues>";
    let reply = custom(&fixture.admin, &[&conditional], &given).ok();
    assert!(reply.body.contains(missing), "{}", reply.body);
    // With resources named, they stand beside each of them instead.
    let named: Vec<_> = given
        .iter()
        .copied()
        .chain([("ResourceArns.member.1", "arn:aws:s3:::b/k")])
        .collect();
    let reply = custom(&fixture.admin, &[&conditional], &named).ok();
    let (general, specific) = reply.body.split_once("<ResourceSpecificResults>").unwrap();
    assert!(general.contains("<MissingContextValues></MissingContextValues>"));
    assert!(specific.contains(missing), "{specific}");
    assert_eq!(
        reply.text("EvalResourceDecision").as_deref(),
        Some("implicitDeny")
    );
}

#[test]
fn types_of_context_keys_decide_what_they_match() {
    let fixture = Fixture::start();
    let when = |condition: &str| {
        policy(&format!(
            r#"{{"Effect":"Allow","Action":"s3:ListBucket","Resource":"*","Condition":{condition}}}"#
        ))
    };
    let equals = when(r#"{"StringEquals":{"s3:prefix":"a"}}"#);
    let any = when(r#"{"ForAnyValue:StringEquals":{"s3:prefix":"a"}}"#);
    let fewer = when(r#"{"NumericLessThan":{"s3:prefix":"10"}}"#);
    let secure = when(r#"{"Bool":{"s3:prefix":"true"}}"#);
    for (kind, values, policy, expected) in [
        ("string", vec!["a"], &equals, Ok("allowed")),
        ("string", vec!["b"], &equals, Ok("implicitDeny")),
        // A key of a list's type never matches without a quantifier.
        ("stringList", vec!["a"], &equals, Ok("implicitDeny")),
        ("stringList", vec!["b", "a"], &any, Ok("allowed")),
        ("numeric", vec!["9"], &fewer, Ok("allowed")),
        ("numeric", vec!["10"], &fewer, Ok("implicitDeny")),
        ("boolean", vec!["True"], &secure, Ok("allowed")),
        ("string", vec!["a", "b"], &equals, Err("InvalidInput")),
        ("text", vec!["a"], &equals, Err("ValidationError")),
    ] {
        let names: Vec<String> = (1..=values.len())
            .map(|number| format!("ContextEntries.member.1.ContextKeyValues.member.{number}"))
            .collect();
        let mut further = vec![
            ("ActionNames.member.1", "s3:ListBucket"),
            ("ContextEntries.member.1.ContextKeyName", "s3:prefix"),
            ("ContextEntries.member.1.ContextKeyType", kind),
        ];
        further.extend(names.iter().map(String::as_str).zip(values.clone()));
        let reply = custom(&fixture.admin, &[policy], &further);
        match expected {
            Ok(decision) => assert_eq!(
                reply.ok().text("EvalDecision").as_deref(),
                Some(decision),
                "{kind} {values:?}"
            ),
            Err(code) => assert_eq!(reply.error(), (400, code.to_owned()), "{kind} {values:?}"),
        }
    }
}

#[test]
fn a_page_is_a_number_of_actions_each_with_all_its_resources() {
    let fixture = Fixture::start();
    let all = [
        ("ActionNames.member.1", "s3:PutObject"),
        ("ActionNames.member.2", "s3:GetObject"),
        ("ActionNames.member.3", "s3:PutObject"),
        ("ResourceArns.member.1", "arn:aws:s3:::b/1"),
        ("ResourceArns.member.2", "arn:aws:s3:::b/2"),
    ];
    let policy = allow("\"s3:Get*\"");
    let page = |further: &[(&str, &str)]| {
        let parameters: Vec<_> = all.iter().chain(further).copied().collect();
        custom(&fixture.admin, &[&policy], &parameters)
    };
    let first = page(&[("MaxItems", "2")]).ok();
    let results = |reply: &Reply| -> Vec<String> {
        let general = reply.body.replace("<ResourceSpecificResults>", "\n");
        let names = decisions(reply);
        assert_eq!(general.matches("<EvalActionName>").count(), names.len());
        names
            .into_iter()
            .map(|(action, decision)| format!("{action} {decision}"))
            .collect()
    };
    assert_eq!(
        results(&first),
        [
            "s3:PutObject implicitDeny",
            "s3:PutObject implicitDeny",
            "s3:GetObject allowed",
            "s3:GetObject allowed"
        ]
    );
    assert_eq!(first.text("IsTruncated").as_deref(), Some("true"));
    let marker = first.text("Marker").unwrap();
    let last = page(&[("MaxItems", "5"), ("Marker", &marker)]).ok();
    assert_eq!(results(&last).len(), 2, "the third action again");
    assert_eq!(last.text("Marker"), None);
    let reply = custom(
        &fixture.admin,
        &[&policy],
        &[
            ("ActionNames.member.1", "s3:PutObject"),
            ("Marker", &marker),
        ],
    );
    assert_eq!(
        reply.error(),
        (400, "ValidationError".to_owned()),
        "the marker of another simulation"
    );
}

#[test]
fn a_boundary_limits_and_one_that_is_sent_stands_in_for_the_users_own() {
    let fixture = Fixture::start();
    let admin = &fixture.admin;
    user_with(&fixture, "u", r#""s3:*","ec2:*""#);
    let boundary = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess";
    let parameters = [("UserName", "u"), ("PermissionsBoundary", boundary)];
    admin.iam("PutUserPermissionsBoundary", &parameters).ok();
    let arn = format!("arn:aws:iam::{ACCOUNT}:user/u");
    let simulate = |further: &[(&str, &str)]| {
        let parameters: Vec<_> = [
            ("PolicySourceArn", arn.as_str()),
            ("ActionNames.member.1", "s3:GetObject"),
            ("ActionNames.member.2", "ec2:RunInstances"),
        ]
        .iter()
        .chain(further)
        .copied()
        .collect();
        let reply = admin.iam("SimulatePrincipalPolicy", &parameters).ok();
        let within = reply.texts("AllowedByPermissionsBoundary");
        let decisions = decisions(&reply).into_iter().map(|(_, decision)| decision);
        (decisions.collect::<Vec<_>>(), within, reply)
    };
    let (decisions, within, reply) = simulate(&[]);
    assert_eq!(decisions, ["allowed", "implicitDeny"]);
    assert_eq!(within, ["true", "false"]);
    assert_eq!(
        reply.texts("SourcePolicyId"),
        ["user_u_p", "AmazonS3ReadOnlyAccess", "user_u_p"]
    );
    assert_eq!(
        reply.texts("SourcePolicyType"),
        ["IAM Policy", "Permissions Boundary Policy", "IAM Policy"]
    );
    let ec2 = allow("\"ec2:*\"");
    let sent = ("PermissionsBoundaryPolicyInputList.member.1", ec2.as_str());
    let (decisions, within, reply) = simulate(&[sent]);
    assert_eq!(decisions, ["implicitDeny", "allowed"]);
    assert_eq!(within, ["false", "true"]);
    assert!(reply.body.contains("PermissionsBoundaryPolicyInputList.1"));
    let (_, within, _) = {
        admin
            .iam("DeleteUserPermissionsBoundary", &[("UserName", "u")])
            .ok();
        simulate(&[])
    };
    assert!(within.is_empty(), "no boundary, no detail");
}

#[test]
fn principals_are_users_with_their_groups_roles_and_groups() {
    let fixture = Fixture::start();
    let admin = &fixture.admin;
    user_with(&fixture, "u", r#""sqs:*""#);
    create_role(admin, "r").ok();
    admin.iam("CreateGroup", &[("GroupName", "g")]).ok();
    admin
        .iam("AddUserToGroup", &[("GroupName", "g"), ("UserName", "u")])
        .ok();
    for (action, name, actions) in [
        ("PutRolePolicy", ("RoleName", "r"), "\"sns:*\""),
        ("PutGroupPolicy", ("GroupName", "g"), "\"ec2:*\""),
    ] {
        let document = allow(actions);
        let parameters = [name, ("PolicyName", "p"), ("PolicyDocument", &document)];
        admin.iam(action, &parameters).ok();
    }
    for (resource, expected) in [
        ("user/u", vec!["user_u_p", "group_g_p"]),
        ("user/another/path/u", vec!["user_u_p", "group_g_p"]),
        ("group/g", vec!["group_g_p"]),
        // The trust policy, which permits sts:AssumeRoleWithWebIdentity, is no identity policy.
        ("role/r", vec!["role_r_p"]),
    ] {
        let arn = format!("arn:aws:iam::{ACCOUNT}:{resource}");
        let parameters = [
            ("PolicySourceArn", arn.as_str()),
            ("ActionNames.member.1", "sqs:SendMessage"),
            ("ActionNames.member.2", "sns:Publish"),
            ("ActionNames.member.3", "ec2:RunInstances"),
            ("ActionNames.member.4", "sts:AssumeRoleWithWebIdentity"),
        ];
        let reply = admin.iam("SimulatePrincipalPolicy", &parameters).ok();
        assert_eq!(reply.texts("SourcePolicyId"), expected, "{resource}");
    }
    for (arn, error) in [
        (
            format!("arn:aws:iam::{ACCOUNT}:user/absent"),
            "NoSuchEntity",
        ),
        (
            format!("arn:aws:iam::{OTHER_ACCOUNT}:user/u"),
            "NoSuchEntity",
        ),
        (format!("arn:aws:iam::{ACCOUNT}:root"), "InvalidInput"),
        (
            format!("arn:aws:sts::{ACCOUNT}:assumed-role/r/s"),
            "InvalidInput",
        ),
        ("not an ARN at all, really".to_owned(), "InvalidInput"),
    ] {
        let parameters = [
            ("PolicySourceArn", arn.as_str()),
            ("ActionNames.member.1", "s3:GetObject"),
        ];
        let reply = admin.iam("SimulatePrincipalPolicy", &parameters);
        assert_eq!(reply.error().1, error, "{arn}");
    }
}

#[test]
fn the_caller_is_known_as_far_as_iam_knows_it() {
    let fixture = Fixture::start();
    let admin = &fixture.admin;
    user_with(&fixture, "u", r#""sqs:*""#);
    user_with(&fixture, "bob", r#""sqs:*""#);
    let tags = [
        ("UserName", "u"),
        ("Tags.member.1.Key", "team"),
        ("Tags.member.1.Value", "red"),
    ];
    admin.iam("TagUser", &tags).ok();
    let own = |condition: &str| {
        policy(&format!(
            r#"{{"Effect":"Allow","Action":"s3:GetObject","Resource":"*","Condition":{{"StringEquals":{{{condition}}}}}}}"#
        ))
    };
    let source = format!("arn:aws:iam::{ACCOUNT}:user/u");
    let bob = format!("arn:aws:iam::{ACCOUNT}:user/bob");
    for (case, condition, caller, decision) in [
        ("own name", r#""aws:username":"u""#, None, "allowed"),
        (
            "own tag",
            r#""aws:PrincipalTag/team":"red""#,
            None,
            "allowed",
        ),
        (
            "another's name",
            r#""aws:username":"bob""#,
            Some(&bob),
            "allowed",
        ),
        (
            "no longer the source's",
            r#""aws:username":"u""#,
            Some(&bob),
            "implicitDeny",
        ),
        (
            "another's tag",
            r#""aws:PrincipalTag/team":"red""#,
            Some(&bob),
            "implicitDeny",
        ),
    ] {
        let document = own(condition);
        let mut parameters = vec![
            ("PolicySourceArn", source.as_str()),
            ("ActionNames.member.1", "s3:GetObject"),
            ("PolicyInputList.member.1", &document),
        ];
        parameters.extend(caller.map(|arn| ("CallerArn", arn.as_str())));
        let reply = admin.iam("SimulatePrincipalPolicy", &parameters).ok();
        assert_eq!(
            reply.text("EvalDecision").as_deref(),
            Some(decision),
            "{case}"
        );
    }
    // Nobody in particular has the id that AWS gives to its stand-in.
    let stub = own(r#""aws:userid":"STUB_PRINCIPAL_FOR_POLICY_SIMULATOR""#);
    let further = [("ActionNames.member.1", "s3:GetObject")];
    let reply = custom(admin, &[&stub], &further).ok();
    assert_eq!(reply.text("EvalDecision").as_deref(), Some("allowed"));
}

#[test]
fn a_resource_policy_counts_on_its_side_of_the_accounts() {
    let fixture = Fixture::start();
    let admin = &fixture.admin;
    let caller = format!("arn:aws:iam::{ACCOUNT}:user/bob");
    let owner = format!("arn:aws:iam::{OTHER_ACCOUNT}:root");
    let grant = |principal: &str, resource: &str| {
        policy(&format!(
            r#"{{"Effect":"Allow","Principal":{{"AWS":"{principal}"}},"Action":"s3:GetObject","Resource":"{resource}"}}"#
        ))
    };
    let (to_user, to_account) = (
        grant(&caller, "arn:aws:s3:::b/*"),
        grant(ACCOUNT, "arn:aws:s3:::b/*"),
    );
    let (permissions, nothing) = (allow("\"s3:*\""), allow("\"ec2:*\""));
    for (case, identity, resource_policy, foreign, decision, by_kind) in [
        (
            "the user by itself",
            &nothing,
            &to_user,
            false,
            "allowed",
            None,
        ),
        (
            "its account only",
            &nothing,
            &to_account,
            false,
            "implicitDeny",
            None,
        ),
        (
            "its account and its own",
            &permissions,
            &to_account,
            false,
            "allowed",
            None,
        ),
        (
            "across accounts by one side",
            &nothing,
            &to_user,
            true,
            "implicitDeny",
            Some(["implicitDeny", "allowed"]),
        ),
        (
            "across accounts by both",
            &permissions,
            &to_user,
            true,
            "allowed",
            Some(["allowed", "allowed"]),
        ),
    ] {
        let mut further = vec![
            ("ActionNames.member.1", "s3:GetObject"),
            ("ResourceArns.member.1", "arn:aws:s3:::b/k"),
            ("ResourcePolicy", resource_policy.as_str()),
            ("CallerArn", caller.as_str()),
        ];
        further.extend(foreign.then_some(("ResourceOwner", owner.as_str())));
        let reply = custom(admin, &[identity], &further).ok();
        assert_eq!(
            reply.text("EvalDecision").as_deref(),
            Some(decision),
            "{case}"
        );
        let details = reply.text("EvalDecisionDetails");
        let expected = by_kind.map(|[identity, resource]| {
            format!(
                "<entry><key>IAM Policy</key><value>{identity}</value></entry>\
                 <entry><key>Resource Policy</key><value>{resource}</value></entry>"
            )
        });
        assert_eq!(details, expected, "{case}");
        if decision == "allowed" {
            assert!(
                reply
                    .body
                    .contains("<SourcePolicyType>Resource Policy</SourcePolicyType>")
            );
        }
    }
    let general = grant(&caller, "*");
    for (case, further) in [
        (
            "a resource policy of everything",
            vec![("ResourcePolicy", general.as_str()), ("CallerArn", &caller)],
        ),
        (
            "nobody to grant to",
            vec![("ResourcePolicy", to_user.as_str())],
        ),
        (
            "an owner that is no ARN",
            vec![("ResourceOwner", OTHER_ACCOUNT)],
        ),
        (
            "a caller that is a role",
            vec![("CallerArn", "arn:aws:iam::123456789012:role/r")],
        ),
        (
            "an action with a wildcard",
            vec![("ActionNames.member.2", "s3:*")],
        ),
        ("no action", vec![("ActionNames.member.2", "GetObject")]),
        ("no ARN", vec![("ResourceArns.member.1", "b/k")]),
        ("no policy", vec![("PolicyInputList.member.2", "{}")]),
    ] {
        let parameters: Vec<_> = [("ActionNames.member.1", "s3:GetObject")]
            .into_iter()
            .chain(further)
            .collect();
        let reply = custom(admin, &[&permissions], &parameters);
        assert_eq!(
            reply.error(),
            (400, "InvalidInput".to_owned()),
            "{case}: {}",
            reply.body
        );
    }
}

#[test]
fn simulating_takes_a_permission_and_parameters() {
    let fixture = Fixture::start();
    let action = [("ActionNames.member.1", "s3:GetObject")];
    let none = custom(&fixture.admin, &[], &[action[0], ("PolicyInputList", "")]).ok();
    assert_eq!(none.text("EvalDecision").as_deref(), Some("implicitDeny"));
    for (action, parameters, breach) in [
        ("SimulateCustomPolicy", vec![action[0]], "'policyInputList'"),
        (
            "SimulatePrincipalPolicy",
            vec![action[0]],
            "'policySourceArn'",
        ),
        (
            "SimulateCustomPolicy",
            vec![("PolicyInputList", "")],
            "'actionNames'",
        ),
        (
            "SimulateCustomPolicy",
            vec![("PolicyInputList", ""), ("ActionNames.member.1", "s3")],
            "'actionNames.1.member'",
        ),
    ] {
        let reply = fixture.admin.iam(action, &parameters);
        assert_eq!(reply.error(), (400, "ValidationError".to_owned()));
        assert!(reply.message().contains(breach), "{}", reply.message());
    }
    let user = user_with(&fixture, "u", r#""iam:SimulateCustomPolicy""#);
    custom(&user, &[&allow("\"s3:*\"")], &action).ok();
    let arn = format!("arn:aws:iam::{ACCOUNT}:user/u");
    let reply = user.iam(
        "SimulatePrincipalPolicy",
        &[("PolicySourceArn", arn.as_str()), action[0]],
    );
    let expected = format!(
        "User: {arn} is not authorized to perform: iam:SimulatePrincipalPolicy on resource: {arn} because no \
         identity-based policy allows the iam:SimulatePrincipalPolicy action"
    );
    assert_eq!(reply.message(), expected);
}

#[test]
fn resource_handling_of_ec2_changes_nothing() {
    let fixture = Fixture::start();
    let ask = |option: &[(&str, &str)]| {
        let question = [("ActionNames.member.1", "ec2:RunInstances")];
        let further: Vec<_> = question.iter().chain(option).copied().collect();
        decisions(&custom(&fixture.admin, &[&allow(r#""ec2:*""#)], &further))
    };
    let expected = [("ec2:RunInstances".to_owned(), "allowed".to_owned())];
    assert_eq!(ask(&[]), expected);
    assert_eq!(ask(&[("ResourceHandlingOption", "EC2-VPC-EBS")]), expected);
}
