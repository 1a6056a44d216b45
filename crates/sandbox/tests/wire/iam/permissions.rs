//! Permissions that a call needs besides the one of its own name.

use super::{POLICY, user_with};
use crate::fixture::{ACCOUNT, Fixture, trust_policy};

#[test]
fn tags_at_creation_take_the_permission_to_tag() {
    let fixture = Fixture::start();
    let creator = user_with(&fixture, "creator", r#""iam:Create*""#);
    let tagger = user_with(&fixture, "tagger", r#""iam:Create*","iam:Tag*""#);
    let trust = trust_policy("s");
    let tag = [("Tags.member.1.Key", "k"), ("Tags.member.1.Value", "v")];
    for (action, parameters, tagging, resource) in [
        (
            "CreateRole",
            vec![
                ("RoleName", "new"),
                ("AssumeRolePolicyDocument", trust.as_str()),
            ],
            "iam:TagRole",
            "role/new",
        ),
        (
            "CreateUser",
            vec![("UserName", "new")],
            "iam:TagUser",
            "user/new",
        ),
        (
            "CreatePolicy",
            vec![("PolicyName", "new"), ("PolicyDocument", POLICY)],
            "iam:TagPolicy",
            "policy/new",
        ),
        (
            "CreateInstanceProfile",
            vec![("InstanceProfileName", "new")],
            "iam:TagInstanceProfile",
            "instance-profile/new",
        ),
        (
            "CreateOpenIDConnectProvider",
            vec![("Url", "https://new.example")],
            "iam:TagOpenIDConnectProvider",
            "oidc-provider/new.example",
        ),
    ] {
        let tagged: Vec<_> = parameters.iter().copied().chain(tag).collect();
        let reply = creator.iam(action, &tagged);
        assert_eq!(reply.error(), (403, "AccessDenied".to_owned()), "{action}");
        let expected = format!(
            "User: arn:aws:iam::{ACCOUNT}:user/creator is not authorized to perform: {tagging} on resource: \
             arn:aws:iam::{ACCOUNT}:{resource} because no identity-based policy allows the {tagging} action"
        );
        assert_eq!(reply.message(), expected, "{action}");
        tagger.iam(action, &tagged).ok();
        let untagged: Vec<_> = parameters
            .iter()
            .map(|(name, value)| {
                let other = value.replace("new", "other");
                (
                    *name,
                    if other == *value {
                        (*value).to_owned()
                    } else {
                        other
                    },
                )
            })
            .collect();
        let untagged: Vec<(&str, &str)> = untagged
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        creator.iam(action, &untagged).ok();
    }
}

#[test]
fn a_role_goes_into_a_profile_only_by_who_may_pass_it() {
    let fixture = Fixture::start();
    let admin = &fixture.admin;
    super::create_role(admin, "worker").ok();
    let pair = [("InstanceProfileName", "nodes"), ("RoleName", "worker")];
    admin.iam("CreateInstanceProfile", &pair[..1]).ok();
    let adder = user_with(&fixture, "adder", r#""iam:AddRoleToInstanceProfile""#);
    let reply = adder.iam("AddRoleToInstanceProfile", &pair);
    assert_eq!(reply.error(), (403, "AccessDenied".to_owned()));
    let expected = format!(
        "is not authorized to perform: iam:PassRole on resource: arn:aws:iam::{ACCOUNT}:role/worker"
    );
    assert!(reply.message().contains(&expected), "{}", reply.message());
    let passer = user_with(
        &fixture,
        "passer",
        r#""iam:AddRoleToInstanceProfile","iam:PassRole""#,
    );
    passer.iam("AddRoleToInstanceProfile", &pair).ok();
}
