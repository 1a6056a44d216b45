//! Users, their access keys and their policies.

use super::POLICY;
use crate::client::Keys;
use crate::fixture::{ACCOUNT, Fixture};

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
