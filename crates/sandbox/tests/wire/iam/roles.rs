//! Roles: what comes back, and what deleting one leaves behind.

use super::create_role;
use crate::client::Keys;
use crate::fixture::{ACCOUNT, Fixture, trust_policy};

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
fn a_principal_made_again_does_not_regain_trust() {
    let fixture = Fixture::start();
    let admin = &fixture.admin;
    let trust = |principal: &str| {
        format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"{principal}"}},"Action":"sts:AssumeRole"}}]}}"#
        )
    };
    let user_arn = format!("arn:aws:iam::{ACCOUNT}:user/u");
    let make_user = || {
        let id = admin
            .iam("CreateUser", &[("UserName", "u")])
            .ok()
            .text("UserId");
        let key = admin.iam("CreateAccessKey", &[("UserName", "u")]).ok();
        let client = admin.with_keys(Keys {
            id: key.text("AccessKeyId").unwrap(),
            secret: key.text("SecretAccessKey").unwrap(),
            token: None,
        });
        (id.unwrap(), client)
    };
    let (first_id, first) = make_user();
    let trusts_user = trust(&user_arn);
    for client in [admin, &fixture.other_admin()] {
        let parameters = [
            ("RoleName", "target"),
            ("AssumeRolePolicyDocument", trusts_user.as_str()),
        ];
        client.iam("CreateRole", &parameters).ok();
    }
    let location = "<CreateBucketConfiguration><LocationConstraint>eu-west-1</LocationConstraint></CreateBucketConfiguration>";
    admin.s3("PUT", "/kept", location).ok();
    let bucket_policy = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":["{user_arn}","{ACCOUNT}"]}},"Action":"s3:PutObject","Resource":"arn:aws:s3:::kept/*"}}]}}"#
    );
    admin.s3("PUT", "/kept?policy", &bucket_policy).ok();
    let target = format!("arn:aws:iam::{ACCOUNT}:role/target");
    let parameters = [("RoleArn", target.as_str()), ("RoleSessionName", "hop")];
    first.sts("AssumeRole", &parameters).ok();
    first.s3("PUT", "/kept/k", "x").ok();

    let key_id = first.keys.as_ref().unwrap().id.as_str();
    let key = [("UserName", "u"), ("AccessKeyId", key_id)];
    admin.iam("DeleteAccessKey", &key).ok();
    admin.iam("DeleteUser", &[("UserName", "u")]).ok();
    let (_, second) = make_user();

    let reply = second.sts("AssumeRole", &parameters);
    assert_eq!(reply.error(), (403, "AccessDenied".to_owned()));
    let reply = second.s3("PUT", "/kept/k", "x");
    assert_eq!(reply.error(), (403, "AccessDenied".to_owned()));
    for client in [admin, &fixture.other_admin()] {
        let role = client.iam("GetRole", &[("RoleName", "target")]).ok();
        let document = role.text("AssumeRolePolicyDocument").unwrap();
        assert!(document.contains(&first_id), "{document}");
        assert!(!document.contains("user%2Fu"), "{document}");
    }
    let policy = admin.s3("GET", "/kept?policy", "").ok().body;
    assert!(
        policy.contains(&format!(r#"["{first_id}","{ACCOUNT}"]"#)),
        "{policy}"
    );
}

/// IAM User Guide, "IAM and AWS STS quotas": 1000 roles in an account.
#[test]
fn an_account_has_room_for_a_thousand_roles() {
    let fixture = Fixture::start();
    let admin = &fixture.admin;
    std::thread::scope(|scope| {
        for hundreds in 0..10 {
            scope.spawn(move || {
                for number in 0..100 {
                    create_role(admin, &format!("r{hundreds}-{number}")).ok();
                }
            });
        }
    });
    let full = create_role(admin, "one-more");
    assert_eq!(full.error(), (409, "LimitExceeded".to_owned()));
    assert_eq!(
        full.message(),
        "Cannot exceed quota for RolesPerAccount: 1000"
    );
    let gone = [("RoleName", "R3-7")];
    admin.iam("DeleteRole", &gone).ok();
    create_role(admin, "one-more").ok();
}
