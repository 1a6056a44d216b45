//! IAM: what the calls return, what they refuse, and in which words.

mod errors;
mod instance_profiles;
mod pages;
mod permissions;
mod policies;
mod providers;
mod roles;
mod users;

use crate::client::{Client, Reply};
use crate::fixture::trust_policy;

const POLICY: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}"#;

fn create_role(admin: &Client, name: &str) -> Reply {
    let trust = trust_policy("system:serviceaccount:default:reader");
    admin.iam(
        "CreateRole",
        &[("RoleName", name), ("AssumeRolePolicyDocument", &trust)],
    )
}
