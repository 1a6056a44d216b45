//! What IAM does not make because it exists, and does not delete because something is in the way.

use super::{POLICY, create_role};
use crate::fixture::{ACCOUNT, Fixture};

type Refused<'a> = (&'a str, Vec<(&'a str, &'a str)>, (u16, &'a str), &'a str);

/// The words are those of AWS.
#[test]
fn what_exists_and_what_is_in_the_way_is_named() {
    let fixture = Fixture::start();
    let admin = &fixture.admin;
    create_role(admin, "r").ok();
    let policy = [("PolicyName", "p"), ("PolicyDocument", POLICY)];
    let arn = admin.iam("CreatePolicy", &policy).ok().text("Arn").unwrap();
    let policy_arn = ("PolicyArn", arn.as_str());
    let next = [policy_arn, ("PolicyDocument", POLICY)];
    admin.iam("CreatePolicyVersion", &next).ok();
    let profile = ("InstanceProfileName", "i");
    admin.iam("CreateInstanceProfile", &[profile]).ok();
    let thumbprint = "a".repeat(40);
    let thumbprints: Vec<String> = (1..=6)
        .map(|number| format!("ThumbprintList.member.{number}"))
        .collect();
    let mut six: Vec<(&str, &str)> = thumbprints
        .iter()
        .map(|name| (name.as_str(), thumbprint.as_str()))
        .collect();
    six.push(("Url", "https://six.example"));
    let cases: Vec<Refused<'_>> = vec![
        (
            "CreatePolicy",
            policy.to_vec(),
            (409, "EntityAlreadyExists"),
            "A policy called p already exists. Duplicate names are not allowed.",
        ),
        (
            "CreateInstanceProfile",
            vec![profile],
            (409, "EntityAlreadyExists"),
            "Instance Profile i already exists.",
        ),
        (
            "GetInstanceProfile",
            vec![("InstanceProfileName", "absent")],
            (404, "NoSuchEntity"),
            "Instance Profile absent cannot be found.",
        ),
        (
            "DeletePolicy",
            vec![policy_arn],
            (409, "DeleteConflict"),
            "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. \
             The default version is deleted with the policy.",
        ),
        (
            "DeletePolicyVersion",
            vec![policy_arn, ("VersionId", "v1")],
            (409, "DeleteConflict"),
            "Cannot delete the default version of a policy.",
        ),
        (
            "CreateOpenIDConnectProvider",
            six,
            (400, "InvalidInput"),
            "Thumbprint list must contain fewer than 5 entries.",
        ),
    ];
    for (action, parameters, (status, code), message) in cases {
        let reply = admin.iam(action, &parameters);
        assert_eq!(reply.error(), (status, code.to_owned()), "{action}");
        assert_eq!(reply.message(), message, "{action}");
    }
    let version = [policy_arn, ("VersionId", "v2")];
    admin.iam("DeletePolicyVersion", &version).ok();
    let attached = [("RoleName", "r"), policy_arn];
    admin.iam("AttachRolePolicy", &attached).ok();
    for (action, parameter, message) in [
        (
            "DeletePolicy",
            policy_arn,
            "Cannot delete a policy attached to entities.",
        ),
        (
            "DeleteRole",
            ("RoleName", "r"),
            "Cannot delete entity, must detach all policies first.",
        ),
    ] {
        let reply = admin.iam(action, &[parameter]);
        assert_eq!(reply.error(), (409, "DeleteConflict".to_owned()));
        assert_eq!(reply.message(), message);
    }
    assert_eq!(arn, format!("arn:aws:iam::{ACCOUNT}:policy/p"));
}
