//! `delete` over the wire: what goes, what stays, and what a killed run leaves to the next.

use futures::StreamExt;
use podpass_provision::{Deletion, DeletionPlan, RoleName, Tags};

use super::*;
use crate::commands::aws::delete;
use crate::failure::Failure;

fn deletion() -> Deletion {
    Deletion::of("demo".parse().unwrap(), region())
}

fn owned() -> Tags {
    Tags::ownership(&"demo".parse().unwrap())
}

fn tag(key: &str, value: &str) -> Tags {
    [(key.to_owned(), value.to_owned())].into_iter().collect()
}

impl Stand {
    /// The identity provider of `demo`.
    async fn make_cluster(&self) {
        let desired = provider_with(&key());
        self.make_provider(&self.administrator(), &desired).await;
    }

    /// A role with these tags, which trusts the administrator.
    async fn make_role(&self, name: &str, tags: Tags) {
        let role: RoleName = name.parse().unwrap();
        let create = Step::CreateRole {
            role,
            trust_policy: TRUST_IN_ADMIN.to_owned(),
            description: "made by a test".to_owned(),
            boundary: None,
            tags,
        };
        self.administrator().apply(&create).await.unwrap();
    }

    async fn plan_deletion(&self, connection: &Connection) -> DeletionPlan {
        Box::pin(delete::plan(connection, &deletion()))
            .await
            .unwrap()
    }

    async fn delete_as(&self, connection: &Connection) -> Result<(), Failure> {
        let planned = self.plan_deletion(connection).await;
        delete::apply(connection, &planned, AT_A_TIME, &self.report).await
    }

    async fn delete(&self) -> Result<(), Failure> {
        self.delete_as(&self.administrator()).await
    }
}

#[tokio::test]
async fn a_deletion_that_was_killed_anywhere_is_finished_by_the_next() {
    let prepare = async || {
        let stand = Stand::new().await;
        stand.make_cluster().await;
        stand.make_role("demo-a", owned()).await;
        let inline = Step::PutRolePolicy {
            role: "demo-a".parse().unwrap(),
            policy_name: "demo-a".to_owned(),
            document: CCOCTL_PERMISSIONS.to_owned(),
        };
        let administrator = stand.administrator();
        administrator.apply(&inline).await.unwrap();
        administrator
            .attach_role_policy("demo-a", "arn:aws:iam::aws:policy/AdministratorAccess")
            .await
            .unwrap();
        administrator
            .create_instance_profile("nodes", "demo-a")
            .await
            .unwrap();
        stand
    };
    let steps = {
        let stand = prepare().await;
        stand.plan_deletion(&stand.administrator()).await.plan.steps
    };
    let actions: Vec<&str> = steps.iter().map(Step::action).collect();
    assert_eq!(
        actions,
        [
            "s3:DeleteObject",
            "s3:DeleteObject",
            "s3:DeleteBucket",
            "iam:RemoveRoleFromInstanceProfile",
            "iam:DetachRolePolicy",
            "iam:DeleteRolePolicy",
            "iam:DeleteRole",
            "iam:DeleteOpenIDConnectProvider",
        ]
    );
    for taken in 0..=steps.len() {
        let stand = prepare().await;
        let administrator = stand.administrator();
        for step in &steps[..taken] {
            administrator.apply(step).await.unwrap();
            // What is gone can be deleted again.
            administrator.apply(step).await.unwrap();
        }
        stand.delete().await.unwrap();
        let rest = stand.plan_deletion(&administrator).await;
        assert_eq!(rest, DeletionPlan::default(), "after {taken} steps");
        stand.sandbox.stop().await;
    }
}

#[tokio::test]
async fn lists_are_read_to_their_last_page() {
    let stand = Stand::new().await;
    let administrator = stand.administrator();
    stand.make_cluster().await;
    // IAM lists a hundred roles at a time, S3 a thousand objects.
    futures::stream::iter(0..120)
        .for_each_concurrent(AT_A_TIME, async |number| {
            stand.make_role(&format!("demo-{number}"), owned()).await;
        })
        .await;
    // They come before keys.json, which so stands on the second page.
    futures::stream::iter(0..1_000)
        .for_each_concurrent(AT_A_TIME, async |number| {
            let key = format!("a/{number}");
            let put = administrator.put_object("demo-oidc", &key, b"");
            put.await.unwrap();
        })
        .await;
    let planned = stand.plan_deletion(&administrator).await;
    let roles = planned
        .plan
        .steps
        .iter()
        .filter(|step| step.action() == "iam:DeleteRole");
    assert_eq!(roles.count(), 120);
    let keys = Step::DeleteObject {
        bucket: deletion().bucket.unwrap(),
        key: JWKS_KEY.to_owned(),
    };
    assert!(planned.plan.steps.contains(&keys), "{}", planned.plan);
    // The thousand objects, and the bucket that holds them.
    assert_eq!(planned.left().count(), 1_001);
}

#[tokio::test]
async fn tags_are_asked_only_of_roles_whose_names_start_alike() {
    let stand = Stand::new().await;
    for (name, tags) in [
        ("demo-a", owned()),
        ("demo-b", Tags::default()),
        // Somebody tagged it by hand; every role of ours has the other beginning.
        ("other-demo-a", owned()),
        ("demolition", owned()),
    ] {
        stand.make_role(name, tags).await;
    }
    let before = stand.sandbox.events().len();
    let planned = stand.plan_deletion(&stand.administrator()).await;
    let events = stand.sandbox.events();
    let mut asked: Vec<&str> = events[before..]
        .iter()
        .filter(|event| event.action == "GetRole")
        .filter_map(|event| event.resource.as_deref()?.rsplit('/').next())
        .collect();
    asked.sort_unstable();
    assert_eq!(asked, ["demo-a", "demo-b"]);
    assert_eq!(planned.plan.steps.len(), 1, "{planned}");
    // What a role holds is nobody's business unless it goes.
    let listed = events[before..]
        .iter()
        .filter(|event| event.action == "ListRolePolicies");
    assert_eq!(listed.count(), 1);
}

#[tokio::test]
async fn every_provider_with_the_tag_goes_and_no_other() {
    let stand = Stand::new().await;
    let administrator = stand.administrator();
    stand.make_cluster().await;
    for (issuer, tags) in [
        ("https://second.example/demo", owned()),
        ("https://third.example", owned()),
        ("https://theirs.example", Tags::default()),
        (
            "https://shared.example",
            tag("openshift.io/cloud-credential-operator/demo", "shared"),
        ),
    ] {
        let arn = administrator
            .create_oidc_provider(issuer, &["openshift"])
            .await
            .unwrap();
        if !tags.is_empty() {
            let provider = arn.parse().unwrap();
            let tag = Step::TagOidcProvider { provider, tags };
            administrator.apply(&tag).await.unwrap();
        }
    }
    let failure = stand.delete().await.unwrap_err();
    assert_eq!(failure.exit, Exit::PartlyFailed, "{failure}");
    assert!(failure.message().starts_with("1 resource"), "{failure}");
    assert!(
        failure.to_string().contains("oidc-provider/shared.example"),
        "{failure}"
    );
    for (issuer, stays) in [
        ("demo-oidc.s3.eu-west-1.amazonaws.com", false),
        ("second.example/demo", false),
        ("third.example", false),
        ("theirs.example", true),
        ("shared.example", true),
    ] {
        let arn = format!("arn:aws:iam::123456789012:oidc-provider/{issuer}");
        let found = administrator.oidc_provider(&arn.parse().unwrap()).await;
        assert_eq!(found.unwrap().is_some(), stays, "{issuer}");
    }
}

#[tokio::test]
async fn what_came_after_the_plan_keeps_the_bucket_and_is_told() {
    let stand = Stand::new().await;
    let administrator = stand.administrator();
    stand.make_cluster().await;
    stand.make_role("demo-a", owned()).await;
    let planned = stand.plan_deletion(&administrator).await;
    administrator
        .put_object("demo-oidc", "late", b"x")
        .await
        .unwrap();
    let failure = delete::apply(&administrator, &planned, AT_A_TIME, &stand.report)
        .await
        .unwrap_err();
    assert_eq!(failure.exit, Exit::PartlyFailed, "{failure}");
    for part in ["bucket/demo-oidc", "BucketNotEmpty", "versions"] {
        assert!(failure.to_string().contains(part), "{part}: {failure}");
    }
    // The rest went all the same.
    let rest = stand.plan_deletion(&administrator).await;
    assert!(rest.plan.is_empty(), "{rest}");
    assert_eq!(rest.left().count(), 2, "{rest}");
}

#[tokio::test]
async fn ccoctls_documented_permissions_are_enough_to_delete() {
    let stand = Stand::new().await;
    let installer = stand.installer(CCOCTL_DELETION).await;
    stand.make_cluster().await;
    stand.make_role("demo-a", owned()).await;
    let planned = stand.plan_deletion(&installer).await;
    let notes = planned.plan.notes.join("\n");
    for action in [
        "iam:ListAttachedRolePolicies",
        "iam:ListInstanceProfilesForRole",
    ] {
        assert!(notes.contains(action), "{notes}");
    }
    stand.delete_as(&installer).await.unwrap();
    let rest = stand.plan_deletion(&stand.administrator()).await;
    assert_eq!(rest, DeletionPlan::default());
}

#[tokio::test]
async fn what_the_caller_may_not_delete_is_left_and_named_with_the_action() {
    let stand = Stand::new().await;
    let installer = stand
        .installer(
            &CCOCTL_DELETION
                .replace(r#""iam:DeleteRole","#, "")
                .replace(r#""s3:DeleteObject","#, ""),
        )
        .await;
    stand.make_cluster().await;
    stand.make_role("demo-a", owned()).await;
    let failure = stand.delete_as(&installer).await.unwrap_err();
    assert_eq!(failure.exit, Exit::PartlyFailed, "{failure}");
    let told = failure.to_string();
    for part in [
        "4 resources of the cluster are left",
        "role/demo-a: iam:DeleteRole failed: AccessDenied",
        "object/demo-oidc/keys.json: s3:DeleteObject failed: AccessDenied",
        "bucket/demo-oidc: it holds objects that stay",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    // Only the provider went.
    stand.delete().await.unwrap();
    let rest = stand.plan_deletion(&stand.administrator()).await;
    assert_eq!(rest, DeletionPlan::default());
}

#[tokio::test]
async fn a_bucket_in_another_region_refuses_the_deletion_of_all() {
    let stand = Stand::new().await;
    stand.make_cluster().await;
    stand.make_role("demo-a", owned()).await;
    let account = &stand.sandbox.accounts()[0];
    let credentials =
        Credentials::long_term(&account.access_key_id, account.secret_access_key.expose());
    let elsewhere: Region = "eu-central-1".parse().unwrap();
    let connection =
        Connection::isolated(&stand.sandbox.endpoint(), &elsewhere, Some(&credentials));
    let deletion = Deletion::of("demo".parse().unwrap(), elsewhere);
    let refused = Box::pin(delete::plan(&connection, &deletion))
        .await
        .unwrap_err();
    assert_eq!(refused.exit, Exit::Refused, "{refused}");
    for part in ["eu-west-1", "eu-central-1", "--region"] {
        assert!(refused.to_string().contains(part), "{refused}");
    }
}

/// OpenShift's documentation of what the caller of ccoctl needs to delete, without CloudFront.
const CCOCTL_DELETION: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Resource":"*","Action":[
    "iam:DeleteOpenIDConnectProvider","iam:DeleteRole","iam:DeleteRolePolicy","iam:GetOpenIDConnectProvider",
    "iam:GetRole","iam:GetUser","iam:ListOpenIDConnectProviders","iam:ListRolePolicies","iam:ListRoles",
    "s3:DeleteBucket","s3:DeleteObject","s3:GetBucketTagging","s3:GetObjectTagging","s3:ListBucket"]}}"#;
