//! Managed policies and their versions.

use super::POLICY;
use crate::fixture::{ACCOUNT, Fixture};

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
