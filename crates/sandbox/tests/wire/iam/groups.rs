//! Groups: what they hold, who is in them, and what follows from it; and users under another name.

use super::{POLICY, create_role, user_with};
use crate::fixture::{ACCOUNT, Fixture};

const AWS_POLICY: &str = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess";

#[test]
fn groups_and_their_policies_round_trip() {
    let fixture = Fixture::start();
    let admin = &fixture.admin;
    let created = admin
        .iam("CreateGroup", &[("GroupName", "Ops"), ("Path", "/a/b/")])
        .ok();
    assert_eq!(
        created.text("Arn"),
        Some(format!("arn:aws:iam::{ACCOUNT}:group/a/b/Ops"))
    );
    assert!(
        created
            .text("GroupId")
            .is_some_and(|id| id.starts_with("AGPARZPUZDIK") && id.len() == 21)
    );
    let group = ("GroupName", "ops");
    let read = admin.iam("GetGroup", &[group]).ok();
    for element in ["GroupName", "GroupId", "Arn", "Path", "CreateDate"] {
        assert_eq!(read.text(element), created.text(element), "{element}");
    }
    assert!(read.body.contains("<Users></Users>"), "{}", read.body);
    admin.iam("CreateGroup", &[("GroupName", "dev")]).ok();
    let names =
        |parameters: &[(&str, &str)]| admin.iam("ListGroups", parameters).ok().texts("GroupName");
    assert_eq!(names(&[]), ["dev", "Ops"]);
    assert_eq!(names(&[("PathPrefix", "/a/")]), ["Ops"]);
    let first = admin.iam("ListGroups", &[("MaxItems", "1")]).ok();
    let marker = first.text("Marker").unwrap();
    assert_eq!(names(&[("Marker", &marker)]), ["Ops"]);

    let inline = [group, ("PolicyName", "p"), ("PolicyDocument", POLICY)];
    admin.iam("PutGroupPolicy", &inline).ok();
    let read = admin.iam("GetGroupPolicy", &inline[..2]).ok();
    assert_eq!(read.text("GroupName").as_deref(), Some("Ops"));
    let document = read.text("PolicyDocument").unwrap();
    assert!(document.starts_with("%7B%22Version%22"), "{document}");
    let listed = admin.iam("ListGroupPolicies", &[group]).ok();
    assert!(listed.body.contains("<member>p</member>"));
    let attachment = [group, ("PolicyArn", AWS_POLICY)];
    admin.iam("AttachGroupPolicy", &attachment).ok();
    let listed = admin.iam("ListAttachedGroupPolicies", &[group]).ok();
    assert_eq!(listed.texts("PolicyArn"), [AWS_POLICY]);
    let policy = admin.iam("GetPolicy", &[("PolicyArn", AWS_POLICY)]).ok();
    assert_eq!(policy.text("AttachmentCount").as_deref(), Some("1"));
    admin.iam("DetachGroupPolicy", &attachment).ok();
    admin.iam("DeleteGroupPolicy", &inline[..2]).ok();

    let renaming = [group, ("NewGroupName", "operators"), ("NewPath", "/")];
    admin.iam("UpdateGroup", &renaming).ok();
    assert_eq!(admin.iam("GetGroup", &[group]).status, 404);
    let read = admin.iam("GetGroup", &[("GroupName", "operators")]).ok();
    assert_eq!(read.text("GroupId"), created.text("GroupId"));
    assert_eq!(
        read.text("Arn"),
        Some(format!("arn:aws:iam::{ACCOUNT}:group/operators"))
    );
    admin.iam("DeleteGroup", &[("GroupName", "operators")]).ok();
    assert_eq!(names(&[]), ["dev"]);
}

#[test]
fn members_are_listed_from_both_ends_and_in_pages() {
    let fixture = Fixture::start();
    let admin = &fixture.admin;
    for group in ["a", "b", "c"] {
        admin.iam("CreateGroup", &[("GroupName", group)]).ok();
    }
    for user in ["u1", "u2", "u3"] {
        admin.iam("CreateUser", &[("UserName", user)]).ok();
        let pair = [("GroupName", "a"), ("UserName", user)];
        admin.iam("AddUserToGroup", &pair).ok();
        // Twice is once.
        admin.iam("AddUserToGroup", &pair).ok();
    }
    admin
        .iam("AddUserToGroup", &[("GroupName", "C"), ("UserName", "U1")])
        .ok();
    let (mut users, mut marker) = (Vec::new(), None::<String>);
    loop {
        let mut parameters = vec![("GroupName", "a"), ("MaxItems", "2")];
        parameters.extend(marker.as_deref().map(|marker| ("Marker", marker)));
        let page = admin.iam("GetGroup", &parameters).ok();
        users.push(page.texts("UserName").len());
        marker = page.text("Marker");
        if marker.is_none() {
            break;
        }
    }
    assert_eq!(users, [2, 1]);
    let groups = |user: &str| {
        let reply = admin.iam("ListGroupsForUser", &[("UserName", user)]).ok();
        reply.texts("GroupName")
    };
    assert_eq!(groups("u1"), ["a", "c"]);
    assert_eq!(groups("u2"), ["a"]);
    let renaming = [("GroupName", "a"), ("NewGroupName", "z")];
    admin.iam("UpdateGroup", &renaming).ok();
    assert_eq!(groups("u1"), ["c", "z"]);
    let pair = [("GroupName", "z"), ("UserName", "u1")];
    admin.iam("RemoveUserFromGroup", &pair).ok();
    assert_eq!(groups("u1"), ["c"]);
}

#[test]
fn a_groups_policies_count_for_its_users_while_they_are_in_it() {
    let fixture = Fixture::start();
    let admin = &fixture.admin;
    let user = user_with(&fixture, "u", r#""iam:GetUser""#);
    admin.iam("CreateGroup", &[("GroupName", "g")]).ok();
    let pair = [("GroupName", "g"), ("UserName", "u")];
    let status = || user.s3("GET", "/", "").status;
    assert_eq!(status(), 403);
    admin.iam("AddUserToGroup", &pair).ok();
    assert_eq!(status(), 403, "an empty group");
    let attachment = [("GroupName", "g"), ("PolicyArn", AWS_POLICY)];
    admin.iam("AttachGroupPolicy", &attachment).ok();
    assert_eq!(status(), 200, "by a managed policy");
    let deny = POLICY.replace("Allow", "Deny");
    let inline = [
        ("GroupName", "g"),
        ("PolicyName", "p"),
        ("PolicyDocument", deny.as_str()),
    ];
    admin.iam("PutGroupPolicy", &inline).ok();
    let reply = user.s3("GET", "/", "");
    assert!(
        reply
            .message()
            .contains("with an explicit deny in an identity-based policy"),
        "{}",
        reply.message()
    );
    let sources: Vec<String> = fixture
        .event(&reply)
        .policy
        .into_iter()
        .map(|policy| policy.source)
        .collect();
    assert_eq!(
        sources,
        [
            "inline policy p of user u".to_owned(),
            "inline policy p of group g".to_owned(),
            format!("managed policy {AWS_POLICY}"),
        ]
    );
    admin.iam("DeleteGroupPolicy", &inline[..2]).ok();
    assert_eq!(status(), 200);
    admin.iam("RemoveUserFromGroup", &pair).ok();
    assert_eq!(status(), 403, "no longer in the group");
}

#[test]
fn quotas_and_conflicts_have_aws_words() {
    let fixture = Fixture::start();
    let admin = &fixture.admin;
    admin.iam("CreateUser", &[("UserName", "u")]).ok();
    for number in 0..11 {
        admin
            .iam("CreateGroup", &[("GroupName", &format!("g{number}"))])
            .ok();
    }
    let pair = [("GroupName", "g10"), ("UserName", "u")];
    for number in 0..10 {
        let group = format!("g{number}");
        let pair = [("GroupName", group.as_str()), ("UserName", "u")];
        admin.iam("AddUserToGroup", &pair).ok();
    }
    let long = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::{}"}}]}}"#,
        "b".repeat(5120)
    );
    let inline = [
        ("GroupName", "g0"),
        ("PolicyName", "p"),
        ("PolicyDocument", long.as_str()),
    ];
    let conflict = (409, "DeleteConflict");
    let missing = (404, "NoSuchEntity");
    let quota = (409, "LimitExceeded");
    let users_first = "Cannot delete entity, must remove users from group first.";
    let group = [("GroupName", "g10")];
    let check =
        |action: &str, parameters: &[(&str, &str)], (status, code): (u16, &str), message: &str| {
            let reply = admin.iam(action, parameters);
            assert_eq!(
                (reply.error(), reply.message().as_str()),
                ((status, code.to_owned()), message),
                "{action}"
            );
        };
    check(
        "AddUserToGroup",
        &pair,
        quota,
        "Cannot exceed quota for GroupsPerUser: 10",
    );
    check(
        "PutGroupPolicy",
        &inline,
        quota,
        "Maximum policy size of 5120 bytes exceeded for group g0",
    );
    check("DeleteGroup", &inline[..1], conflict, users_first);
    check("DeleteUser", &pair[1..], conflict, users_first);
    check(
        "CreateGroup",
        &[("GroupName", "G10")],
        (409, "EntityAlreadyExists"),
        "Group with name G10 already exists.",
    );
    check(
        "UpdateGroup",
        &[("GroupName", "g10"), ("NewGroupName", "G1")],
        (409, "EntityAlreadyExists"),
        "Group with name G1 already exists.",
    );
    for action in ["GetGroup", "DeleteGroup", "ListGroupPolicies"] {
        check(
            action,
            &[("GroupName", "absent")],
            missing,
            "The group with name absent cannot be found.",
        );
    }
    check(
        "AddUserToGroup",
        &[("GroupName", "g10"), ("UserName", "absent")],
        missing,
        "The user with name absent cannot be found.",
    );
    check(
        "GetGroupPolicy",
        &[("GroupName", "g10"), ("PolicyName", "absent")],
        missing,
        "The group policy with name absent cannot be found.",
    );
    let attachment = [group[0], ("PolicyArn", AWS_POLICY)];
    admin.iam("AttachGroupPolicy", &attachment).ok();
    check(
        "DeleteGroup",
        &group,
        conflict,
        "Cannot delete entity, must detach all policies first.",
    );
    admin.iam("DetachGroupPolicy", &attachment).ok();
    let inline = [group[0], ("PolicyName", "p"), ("PolicyDocument", POLICY)];
    admin.iam("PutGroupPolicy", &inline).ok();
    check(
        "DeleteGroup",
        &group,
        conflict,
        "Cannot delete entity, must delete policies first.",
    );
    for number in 0..11 {
        let name = format!("policy{number}");
        let parameters = [("PolicyName", name.as_str()), ("PolicyDocument", POLICY)];
        let arn = admin
            .iam("CreatePolicy", &parameters)
            .ok()
            .text("Arn")
            .unwrap();
        let attachment = [group[0], ("PolicyArn", arn.as_str())];
        if number < 10 {
            admin.iam("AttachGroupPolicy", &attachment).ok();
        } else {
            check(
                "AttachGroupPolicy",
                &attachment,
                quota,
                "Cannot exceed quota for PoliciesPerGroup: 10",
            );
        }
    }
    check(
        "DeletePolicy",
        &[(
            "PolicyArn",
            &format!("arn:aws:iam::{ACCOUNT}:policy/policy0"),
        )],
        conflict,
        "Cannot delete a policy attached to entities.",
    );
    for number in 11..300 {
        admin
            .iam("CreateGroup", &[("GroupName", &format!("g{number}"))])
            .ok();
    }
    check(
        "CreateGroup",
        &[("GroupName", "one-more")],
        quota,
        "Cannot exceed quota for GroupsPerAccount: 300",
    );
}

#[test]
fn a_renamed_user_keeps_all_it_has_and_policies_follow_it() {
    let fixture = Fixture::start();
    let admin = &fixture.admin;
    let user = user_with(&fixture, "old", r#""s3:ListAllMyBuckets""#);
    admin.iam("CreateGroup", &[("GroupName", "g")]).ok();
    let pair = [("GroupName", "g"), ("UserName", "old")];
    admin.iam("AddUserToGroup", &pair).ok();
    let trust = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"arn:aws:iam::{ACCOUNT}:user/old"}},"Action":"sts:AssumeRole"}}]}}"#
    );
    let role = [
        ("RoleName", "r"),
        ("AssumeRolePolicyDocument", trust.as_str()),
    ];
    admin.iam("CreateRole", &role).ok();
    let id = admin.iam("GetUser", &pair[1..]).ok().text("UserId");

    let renaming = [
        ("UserName", "old"),
        ("NewUserName", "new"),
        ("NewPath", "/team/"),
    ];
    let reply = admin.iam("UpdateUser", &renaming).ok();
    assert!(!reply.body.contains("Result"), "{}", reply.body);
    let arn = format!("arn:aws:iam::{ACCOUNT}:user/team/new");
    let read = admin.iam("GetUser", &[("UserName", "new")]).ok();
    assert_eq!(
        (read.text("Arn"), read.text("UserId")),
        (Some(arn.clone()), id)
    );
    assert_eq!(admin.iam("GetUser", &[("UserName", "old")]).status, 404);
    let identity = user.sts("GetCallerIdentity", &[]).ok();
    assert_eq!(identity.text("Arn"), Some(arn));
    user.s3("GET", "/", "").ok();
    let groups = admin.iam("ListGroupsForUser", &[("UserName", "new")]).ok();
    assert_eq!(groups.texts("GroupName"), ["g"]);
    let role_arn = format!("arn:aws:iam::{ACCOUNT}:role/r");
    let hop = [("RoleArn", role_arn.as_str()), ("RoleSessionName", "hop")];
    user.sts("AssumeRole", &hop).ok();
    let trust = admin.iam("GetRole", &[("RoleName", "r")]).ok();
    let trust = trust.text("AssumeRolePolicyDocument").unwrap();
    assert!(trust.contains("user%2Fteam%2Fnew"), "{trust}");
    // Whoever has the old name now is somebody else.
    let stranger = user_with(&fixture, "old", r#""s3:ListAllMyBuckets""#);
    assert_eq!(stranger.sts("AssumeRole", &hop).status, 403);
    let reply = admin.iam("UpdateUser", &renaming[..2]);
    assert_eq!(reply.error(), (409, "EntityAlreadyExists".to_owned()));
}

#[test]
fn renaming_takes_the_permission_on_both_names() {
    let fixture = Fixture::start();
    let admin = &fixture.admin;
    user_with(&fixture, "mine", r#""iam:GetUser""#);
    let user = user_with(&fixture, "renamer", r#""iam:GetUser""#);
    let policy = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":["iam:UpdateUser","iam:UpdateGroup"],"Resource":["arn:aws:iam::{ACCOUNT}:*/mine*"]}}]}}"#
    );
    let parameters = [
        ("UserName", "renamer"),
        ("PolicyName", "rename"),
        ("PolicyDocument", policy.as_str()),
    ];
    admin.iam("PutUserPolicy", &parameters).ok();
    admin.iam("CreateGroup", &[("GroupName", "mine")]).ok();
    for (kind, action) in [("User", "UpdateUser"), ("Group", "UpdateGroup")] {
        let (name, new_name) = (format!("{kind}Name"), format!("New{kind}Name"));
        let rename = |to: &str| user.iam(action, &[(&name, "mine"), (&new_name, to)]);
        let reply = rename("yours");
        assert_eq!(reply.error(), (403, "AccessDenied".to_owned()), "{action}");
        let resource = format!(":{}/yours because", kind.to_lowercase());
        assert!(reply.message().contains(&resource), "{}", reply.message());
        rename("mine-2").ok();
    }
}

#[test]
fn a_policy_names_who_has_it() {
    let fixture = Fixture::start();
    let admin = &fixture.admin;
    create_role(admin, "r").ok();
    admin
        .iam("CreateUser", &[("UserName", "u"), ("Path", "/team/")])
        .ok();
    admin.iam("CreateGroup", &[("GroupName", "g")]).ok();
    let policy = ("PolicyArn", AWS_POLICY);
    admin
        .iam("AttachRolePolicy", &[("RoleName", "r"), policy])
        .ok();
    admin
        .iam("AttachGroupPolicy", &[("GroupName", "g"), policy])
        .ok();
    let boundary = [("UserName", "u"), ("PermissionsBoundary", AWS_POLICY)];
    admin.iam("PutUserPermissionsBoundary", &boundary).ok();
    let entities = |further: &[(&str, &str)]| {
        let parameters: Vec<_> = [policy].iter().chain(further).copied().collect();
        let reply = admin.iam("ListEntitiesForPolicy", &parameters).ok();
        ["GroupName", "RoleName", "UserName"].map(|name| reply.texts(name).concat())
    };
    for (further, expected) in [
        (vec![], ["g", "r", "u"]),
        (vec![("EntityFilter", "Role")], ["", "r", ""]),
        (vec![("PathPrefix", "/team/")], ["", "", "u"]),
        (
            vec![("PolicyUsageFilter", "PermissionsBoundary")],
            ["", "", "u"],
        ),
        (
            vec![("PolicyUsageFilter", "PermissionsPolicy")],
            ["g", "r", ""],
        ),
        (vec![("MaxItems", "2")], ["g", "r", ""]),
    ] {
        assert_eq!(entities(&further), expected, "{further:?}");
    }
    let first = admin
        .iam("ListEntitiesForPolicy", &[policy, ("MaxItems", "2")])
        .ok();
    let marker = first.text("Marker").unwrap();
    assert_eq!(entities(&[("Marker", &marker)]), ["", "", "u"]);
    let absent = format!("arn:aws:iam::{ACCOUNT}:policy/absent");
    let reply = admin.iam("ListEntitiesForPolicy", &[("PolicyArn", &absent)]);
    assert_eq!(reply.error(), (404, "NoSuchEntity".to_owned()));
}
