//! IAM: what the calls return, what they refuse, and in which words.

mod errors;
mod groups;
mod in_the_way;
mod instance_profiles;
mod pages;
mod permissions;
mod policies;
mod providers;
mod recreated;
mod roles;
pub(crate) mod simulated_and_live;
mod simulation;
mod users;

use crate::client::{Client, Keys, Reply};
use crate::fixture::{Fixture, trust_policy};

const POLICY: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}"#;

fn create_role(admin: &Client, name: &str) -> Reply {
    let trust = trust_policy("system:serviceaccount:default:reader");
    admin.iam(
        "CreateRole",
        &[("RoleName", name), ("AssumeRolePolicyDocument", &trust)],
    )
}

/// A user that may do these actions on everything.
pub(crate) fn user_with(fixture: &Fixture, name: &str, actions: &str) -> Client {
    let admin = &fixture.admin;
    let policy = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":[{actions}],"Resource":"*"}}]}}"#
    );
    admin.iam("CreateUser", &[("UserName", name)]).ok();
    let parameters = [
        ("UserName", name),
        ("PolicyName", "p"),
        ("PolicyDocument", policy.as_str()),
    ];
    admin.iam("PutUserPolicy", &parameters).ok();
    let key = admin.iam("CreateAccessKey", &[("UserName", name)]).ok();
    admin.with_keys(Keys {
        id: key.text("AccessKeyId").unwrap(),
        secret: key.text("SecretAccessKey").unwrap(),
        token: None,
    })
}
