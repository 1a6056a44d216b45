//! Instance profiles, and how they keep a role from being deleted.

use super::create_role;
use crate::fixture::{ACCOUNT, Fixture};

#[test]
fn a_profile_holds_one_role_and_shows_it() {
    let fixture = Fixture::start();
    let admin = &fixture.admin;
    create_role(admin, "worker").ok();
    create_role(admin, "other").ok();
    let made = admin
        .iam(
            "CreateInstanceProfile",
            &[
                ("InstanceProfileName", "Nodes"),
                ("Path", "/app/"),
                ("Tags.member.1.Key", "Name"),
                ("Tags.member.1.Value", "c1"),
            ],
        )
        .ok();
    assert!(
        made.text("InstanceProfileId")
            .is_some_and(|id| id.starts_with("AIPARZPUZDIK") && id.len() == 21)
    );
    let pair = |role| [("InstanceProfileName", "nodes"), ("RoleName", role)];
    admin.iam("AddRoleToInstanceProfile", &pair("worker")).ok();
    let full = admin.iam("AddRoleToInstanceProfile", &pair("other"));
    assert_eq!(full.error(), (409, "LimitExceeded".to_owned()));
    assert_eq!(
        full.text("Message").as_deref(),
        Some("Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1")
    );

    let shown = admin
        .iam("GetInstanceProfile", &[("InstanceProfileName", "Nodes")])
        .ok();
    assert_eq!(
        shown.texts("Arn"),
        [
            format!("arn:aws:iam::{ACCOUNT}:instance-profile/app/Nodes"),
            format!("arn:aws:iam::{ACCOUNT}:role/worker")
        ]
    );
    assert_eq!(shown.texts("Value"), ["c1"]);
    for (action, parameters) in [
        ("ListInstanceProfilesForRole", vec![("RoleName", "Worker")]),
        ("ListInstanceProfiles", vec![("PathPrefix", "/app/")]),
    ] {
        let listed = admin.iam(action, &parameters).ok();
        assert_eq!(listed.texts("InstanceProfileName"), ["Nodes"], "{action}");
        assert_eq!(listed.texts("RoleName"), ["worker"], "{action}");
        assert!(listed.texts("Value").is_empty(), "{action}");
    }
    for (action, parameters) in [
        ("ListInstanceProfilesForRole", vec![("RoleName", "other")]),
        ("ListInstanceProfiles", vec![("PathPrefix", "/else/")]),
    ] {
        let listed = admin.iam(action, &parameters).ok();
        assert!(listed.texts("InstanceProfileName").is_empty(), "{action}");
    }
}

#[test]
fn role_and_profile_are_deleted_only_apart() {
    let fixture = Fixture::start();
    let admin = &fixture.admin;
    create_role(admin, "worker").ok();
    let profile = [("InstanceProfileName", "nodes")];
    let pair = [("InstanceProfileName", "nodes"), ("RoleName", "worker")];
    admin.iam("CreateInstanceProfile", &profile).ok();
    admin.iam("AddRoleToInstanceProfile", &pair).ok();
    for (action, parameters) in [
        ("DeleteRole", &[("RoleName", "worker")]),
        ("DeleteInstanceProfile", &profile),
    ] {
        let refused = admin.iam(action, parameters);
        assert_eq!(refused.error(), (409, "DeleteConflict".to_owned()));
        assert_eq!(
            refused.text("Message").as_deref(),
            Some("Cannot delete entity, must remove roles from instance profile first.")
        );
    }
    admin.iam("RemoveRoleFromInstanceProfile", &pair).ok();
    let again = admin.iam("RemoveRoleFromInstanceProfile", &pair);
    assert_eq!(again.error(), (404, "NoSuchEntity".to_owned()));
    admin.iam("DeleteRole", &[("RoleName", "worker")]).ok();
    admin.iam("DeleteInstanceProfile", &profile).ok();
    let gone = admin.iam("GetInstanceProfile", &profile);
    assert_eq!(gone.error(), (404, "NoSuchEntity".to_owned()));
    assert_eq!(
        gone.text("Message").as_deref(),
        Some("Instance Profile nodes cannot be found.")
    );
}
