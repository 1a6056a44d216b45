use super::*;
use crate::identity_provider::Refusal;
use crate::plan::{Outcome, Step};

const PROVIDERS: &str = "arn:aws:iam::123456789012:oidc-provider/";
const ISSUER: &str = "prod-oidc.s3.eu-west-1.amazonaws.com";

fn deletion() -> Deletion {
    Deletion::of("prod".parse().unwrap(), "eu-west-1".parse().unwrap())
}

fn tags(pairs: &[(&str, &str)]) -> Tags {
    pairs
        .iter()
        .map(|&(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}

fn owned() -> Tags {
    Tags::ownership(&"prod".parse().unwrap())
}

/// The cluster's tag with another value.
fn shared() -> Tags {
    tags(&[("openshift.io/cloud-credential-operator/prod", "shared")])
}

/// Another cluster's tag.
fn of_another() -> Tags {
    tags(&[("openshift.io/cloud-credential-operator/prod-eu", "owned")])
}

fn object(key: &str, tags: Tags) -> FoundObject {
    FoundObject {
        key: key.to_owned(),
        tags,
    }
}

fn bucket(tags: Tags, objects: Vec<FoundObject>) -> ObservedBucket<BucketContents> {
    ObservedBucket::Present(Box::new(BucketContents { tags, objects }))
}

fn role(name: &str, tags: Tags) -> FoundRole {
    FoundRole {
        name: name.parse().unwrap(),
        description: Some("a role".to_owned()),
        tags,
        inline_policies: Vec::new(),
        attached_policies: Vec::new(),
        instance_profiles: Vec::new(),
    }
}

fn provider(issuer: &str, tags: Tags) -> ObservedOidcProvider {
    ObservedOidcProvider {
        arn: format!("{PROVIDERS}{issuer}").parse().unwrap(),
        url: issuer.to_owned(),
        client_ids: Vec::new(),
        thumbprints: Vec::new(),
        tags,
    }
}

fn nothing() -> ObservedCluster {
    ObservedCluster {
        bucket: ObservedBucket::Absent,
        roles: Vec::new(),
        oidc_providers: Vec::new(),
        hidden: BTreeSet::new(),
    }
}

fn plan(observed: &ObservedCluster) -> DeletionPlan {
    deletion().plan(observed).unwrap()
}

/// What stays, and whether it counts as left.
fn stays(plan: &DeletionPlan) -> Vec<(String, bool)> {
    plan.stays
        .iter()
        .map(|staying| (staying.resource.to_string(), staying.why.is_left()))
        .collect()
}

#[test]
fn everything_owned_goes_in_an_order_that_aws_accepts() {
    let mut held = role("prod-app-creds", owned());
    held.inline_policies = vec!["prod-app-creds".to_owned(), "more".to_owned()];
    held.attached_policies = vec!["arn:aws:iam::aws:policy/ReadOnlyAccess".parse().unwrap()];
    held.instance_profiles = vec!["nodes".to_owned()];
    let observed = ObservedCluster {
        bucket: bucket(
            owned(),
            vec![
                object(".well-known/openid-configuration", owned()),
                object("keys.json", owned()),
            ],
        ),
        roles: vec![held, role("prod-b-creds", owned())],
        oidc_providers: vec![
            provider(ISSUER, owned()),
            provider("elsewhere.example/prod", owned()),
        ],
        hidden: BTreeSet::new(),
    };
    let plan = plan(&observed);
    assert_eq!(
        plan.to_string(),
        " 1. s3:DeleteObject                    delete .well-known/openid-configuration from bucket prod-oidc
 2. s3:DeleteObject                    delete keys.json from bucket prod-oidc
 3. s3:DeleteBucket                    delete bucket prod-oidc
 4. iam:RemoveRoleFromInstanceProfile  take role prod-app-creds out of instance profile nodes
 5. iam:DetachRolePolicy               detach arn:aws:iam::aws:policy/ReadOnlyAccess from role prod-app-creds
 6. iam:DeleteRolePolicy               delete the inline policy prod-app-creds of role prod-app-creds
 7. iam:DeleteRolePolicy               delete the inline policy more of role prod-app-creds
 8. iam:DeleteRole                     delete role prod-app-creds
 9. iam:DeleteRole                     delete role prod-b-creds
10. iam:DeleteOpenIDConnectProvider    delete OIDC provider arn:aws:iam::123456789012:oidc-provider/prod-oidc.s3.eu-west-1.amazonaws.com
11. iam:DeleteOpenIDConnectProvider    delete OIDC provider arn:aws:iam::123456789012:oidc-provider/elsewhere.example/prod
"
    );
    assert!(plan.stays.is_empty());
    for resource in &plan.plan.resources {
        assert_eq!(plan.plan.outcome(resource), Outcome::Deleted, "{resource}");
    }
}

#[test]
fn what_is_gone_takes_no_step_and_leaves_nothing() {
    let plan = plan(&nothing());
    assert_eq!(plan, DeletionPlan::default());
    assert_eq!(plan.to_string(), "Nothing to do.\n");
}

/// Whatever a run that was killed has deleted already, the next plan is the rest of the first.
#[test]
fn a_plan_after_an_interruption_is_the_rest_of_the_first() {
    let full = ObservedCluster {
        bucket: bucket(
            owned(),
            vec![object("a", owned()), object("keys.json", owned())],
        ),
        roles: vec![role("prod-a", owned()), role("prod-b", owned())],
        oidc_providers: vec![provider(ISSUER, owned()), provider("b.example", owned())],
        hidden: BTreeSet::new(),
    };
    let steps = plan(&full).plan.steps;
    let mut left = full;
    for taken in 1..=steps.len() {
        match &steps[taken - 1] {
            Step::DeleteObject { key, .. } => {
                if let ObservedBucket::Present(contents) = &mut left.bucket {
                    contents.objects.retain(|object| object.key != *key);
                }
            }
            Step::DeleteBucket { .. } => left.bucket = ObservedBucket::Absent,
            Step::DeleteRole { role } => left.roles.retain(|found| found.name != *role),
            Step::DeleteOidcProvider { provider } => {
                left.oidc_providers.retain(|found| found.arn != *provider);
            }
            other => panic!("{other:?}"),
        }
        let next = plan(&left);
        assert_eq!(next.plan.steps, steps[taken..], "after {taken} steps");
        assert!(next.stays.is_empty(), "after {taken} steps");
    }
}

#[test]
fn only_the_value_owned_of_this_clusters_tag_deletes_a_role() {
    let mut made_by_ccoctl = role("prod-app-creds", Tags::default());
    made_by_ccoctl.description = Some("OpenShift role for app/creds".to_owned());
    let mut of_another_secret = role("prod-app-other", Tags::default());
    of_another_secret.description = Some("OpenShift role for app/creds".to_owned());
    let observed = ObservedCluster {
        roles: vec![
            role("prod-shared", shared()),
            role("prod-eu-app-creds", of_another()),
            role("prod-x7k2p-master-role", Tags::default()),
            made_by_ccoctl,
            of_another_secret,
        ],
        ..nothing()
    };
    let plan = plan(&observed);
    assert!(plan.plan.is_empty(), "{plan}");
    assert_eq!(
        plan.to_string(),
        "\
Nothing to do.
left: role/prod-shared stays: its tag `openshift.io/cloud-credential-operator/prod` is `shared`, not `owned`
left: role/prod-app-creds stays: it does not carry the tag `openshift.io/cloud-credential-operator/prod`=`owned`
note: role/prod-eu-app-creds stays: it is another owner's: its tag `openshift.io/cloud-credential-operator/prod-eu` is `owned`
note: role/prod-x7k2p-master-role stays: it carries no ownership tag, and only the start of its name is this cluster's
note: role/prod-app-other stays: it carries no ownership tag, and only the start of its name is this cluster's
"
    );
}

#[test]
fn an_object_that_is_not_owned_keeps_the_bucket() {
    for foreign in [Tags::default(), shared(), of_another()] {
        let observed = ObservedCluster {
            bucket: bucket(
                owned(),
                vec![object("keys.json", owned()), object("notes", foreign)],
            ),
            ..nothing()
        };
        let plan = plan(&observed);
        assert_eq!(plan.plan.steps.len(), 1, "{plan}");
        assert_eq!(plan.plan.steps[0].action(), "s3:DeleteObject");
        assert_eq!(
            stays(&plan),
            [
                ("object/prod-oidc/notes".to_owned(), true),
                ("bucket/prod-oidc".to_owned(), true)
            ]
        );
    }
}

#[test]
fn a_bucket_that_is_not_owned_stays_and_gives_up_only_what_is() {
    for (tags, is_left) in [
        (Tags::default(), true),
        (shared(), true),
        (of_another(), false),
    ] {
        let observed = ObservedCluster {
            bucket: bucket(
                tags,
                vec![
                    object("keys.json", owned()),
                    object("theirs", Tags::default()),
                ],
            ),
            ..nothing()
        };
        let plan = plan(&observed);
        assert_eq!(plan.plan.steps.len(), 1, "{plan}");
        assert_eq!(stays(&plan), [("bucket/prod-oidc".to_owned(), is_left)]);
    }
}

#[test]
fn a_bucket_out_of_sight_is_left_and_one_elsewhere_refuses_the_plan() {
    let hidden = ObservedCluster {
        bucket: ObservedBucket::NotAccessible,
        ..nothing()
    };
    assert_eq!(
        stays(&plan(&hidden)),
        [("bucket/prod-oidc".to_owned(), true)]
    );
    let elsewhere = ObservedCluster {
        bucket: ObservedBucket::Elsewhere {
            region: Some("eu-central-1".to_owned()),
        },
        ..nothing()
    };
    assert_eq!(
        deletion().plan(&elsewhere),
        Err(Refusal::BucketElsewhere {
            bucket: "prod-oidc".to_owned(),
            expected: "eu-west-1".to_owned(),
            actual: "eu-central-1".to_owned(),
        })
    );
}

#[test]
fn providers_of_others_are_nobodys_business_and_those_of_the_bucket_are() {
    let observed = ObservedCluster {
        oidc_providers: vec![
            provider("token.actions.githubusercontent.com", Tags::default()),
            provider("prod-eu-oidc.s3.eu-west-1.amazonaws.com", of_another()),
            provider("prod-oidc.s3.us-east-1.amazonaws.com", Tags::default()),
            provider("prod-oidc.example.com", Tags::default()),
            provider("a.example", shared()),
        ],
        ..nothing()
    };
    let plan = plan(&observed);
    assert!(plan.plan.is_empty(), "{plan}");
    assert_eq!(
        stays(&plan),
        [
            (
                "oidc-provider/prod-oidc.s3.us-east-1.amazonaws.com".to_owned(),
                true
            ),
            ("oidc-provider/a.example".to_owned(), true)
        ]
    );
}

#[test]
fn the_distribution_behind_a_private_bucket_is_left_and_told() {
    let observed = ObservedCluster {
        oidc_providers: vec![provider("d111111abcdef8.cloudfront.net", owned())],
        ..nothing()
    };
    let plan = plan(&observed);
    assert_eq!(plan.plan.steps.len(), 1);
    assert_eq!(
        stays(&plan),
        [(
            "distribution/d111111abcdef8.cloudfront.net".to_owned(),
            true
        )]
    );
}

#[test]
fn what_cannot_be_seen_of_roles_is_told_only_when_a_role_goes() {
    let mut observed = ObservedCluster {
        hidden: ["iam:ListAttachedRolePolicies"].into(),
        ..nothing()
    };
    assert!(plan(&observed).plan.notes.is_empty());
    observed.roles.push(role("prod-a", owned()));
    let notes = plan(&observed).plan.notes;
    assert_eq!(notes.len(), 1);
    assert!(
        notes[0].contains("iam:ListAttachedRolePolicies"),
        "{notes:?}"
    );
}

#[test]
fn a_cluster_whose_name_is_no_buckets_has_roles_all_the_same() {
    let deletion = Deletion::of("Prod_X".parse().unwrap(), "eu-west-1".parse().unwrap());
    assert_eq!(deletion.bucket, None);
    let observed = ObservedCluster {
        roles: vec![role(
            "Prod_X-app-creds",
            Tags::ownership(&"Prod_X".parse().unwrap()),
        )],
        ..nothing()
    };
    assert_eq!(deletion.plan(&observed).unwrap().plan.steps.len(), 1);
}
