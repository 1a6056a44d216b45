//! Deleting, and running dry.

use podpass_cloud::Apply;
use podpass_provision::{Step, Tags};

use super::{REQUEST, Stand, under_both_names};
use crate::stand::{PODPASS, as_administrator, run};

const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"123456789012"},"Action":"sts:AssumeRole"}]}"#;

/// `delete` always ends with 0, shows nothing before it deletes, takes any value of the tag for its own, and leaves roles
/// that hold managed policies.
#[test]
fn ccoctl_trap_09_delete_owns_up_to_what_is_left() {
    under_both_names(|stand| {
        stand.home.write("requests/app.yaml", REQUEST);
        stand.create_all(&[]).succeeded();
        as_administrator(&stand.sandbox, async |administrator| {
            administrator
                .attach_role_policy(
                    "prod-app-creds",
                    "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess",
                )
                .await
                .unwrap();
            let shared = Step::CreateRole {
                role: "prod-shared".parse().unwrap(),
                trust_policy: TRUST.to_owned(),
                description: "used by several clusters".to_owned(),
                boundary: None,
                tags: shared_tag(),
            };
            administrator.apply(&shared).await.unwrap();
        });
        let plan = || {
            let mut command = stand.sandbox.command(&stand.home, PODPASS);
            run(command
                .args(["aws", "delete", "--name=prod"])
                .args(["--region=eu-west-1", "--dry-run"]))
        };
        let planned = plan().succeeded().to_owned();
        assert!(
            planned.contains(
                "detach arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess from role prod-app-creds"
            ),
            "{planned}"
        );
        assert_eq!(plan().out, planned, "the dry run deleted something");

        let ran = delete(stand);
        ran.refused(
            stand.exit(6),
            &[
                "1 resource of the cluster is left",
                "role/prod-shared: its tag `openshift.io/cloud-credential-operator/prod` is `shared`, not `owned`",
            ],
        );
        let rest = plan();
        assert!(rest.out.starts_with("Nothing to do.\n"), "{rest:#?}");
        assert!(rest.out.contains("left: role/prod-shared"), "{rest:#?}");
        assert!(!rest.out.contains("prod-app-creds"), "{rest:#?}");

        as_administrator(&stand.sandbox, async |administrator| {
            let role = "prod-shared".parse().unwrap();
            let step = Step::DeleteRole { role };
            administrator.apply(&step).await.unwrap();
        });
        delete(stand).succeeded();
    });
}

/// The files of a dry run leave out the tags of bucket, objects and provider, so that `delete` later finds nothing. They
/// are the peer's to the byte and stay so; the plan is where the tags are.
#[test]
fn ccoctl_trap_18_the_plan_has_the_tags_that_the_dry_run_files_lack() {
    under_both_names(|stand| {
        stand.home.write("requests/app.yaml", REQUEST);
        let tag = "openshift.io/cloud-credential-operator/prod";
        let dry_run = if stand.is_ccoctl() {
            "--dry-run"
        } else {
            "--dry-run=files"
        };
        stand.create_all(&[dry_run]).succeeded();
        for (file, tagged) in [
            ("01-oidc-bucket.json", false),
            ("04-iam-identity-provider.json", false),
            ("05-0-prod-app-creds-role.json", true),
        ] {
            let content = std::fs::read_to_string(stand.home.path("out").join(file)).unwrap();
            assert_eq!(content.contains(tag), tagged, "{file}: {content}");
        }
        assert_eq!(stand.object("prod-oidc", "keys.json"), None);
        if stand.is_ccoctl() {
            return;
        }
        let plan = stand.create_all(&["--dry-run"]);
        let tags = format!("{tag}=owned, Name=prod");
        for step in [
            "s3:PutBucketTagging ",
            "upload .well-known/openid-configuration ",
            "upload keys.json ",
            "iam:CreateOpenIDConnectProvider ",
            "iam:CreateRole ",
        ] {
            let mut lines = plan.succeeded().lines();
            let line = lines.find(|line| line.contains(step)).unwrap();
            assert!(line.ends_with(&tags), "{line}");
        }
    });
}

fn delete(stand: &Stand) -> crate::stand::Ran {
    let consent: &[&str] = if stand.is_ccoctl() { &[] } else { &["--yes"] };
    stand.aws("delete", consent)
}

/// The cluster's tag with another value.
fn shared_tag() -> Tags {
    let key = "openshift.io/cloud-credential-operator/prod";
    [(key.to_owned(), "shared".to_owned())]
        .into_iter()
        .collect()
}
