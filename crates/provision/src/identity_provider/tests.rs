mod keys;

use super::*;
use crate::plan::{Outcome, Replaces, Resource, Step};

/// An account as far as steps change it.
#[derive(Clone, Debug)]
struct Account(ObservedIdentityProvider);

impl Account {
    fn empty() -> Self {
        Self(ObservedIdentityProvider {
            bucket: ObservedBucket::Absent,
            oidc_provider: None,
            other_issuers: Vec::new(),
        })
    }

    fn complete(desired: &IdentityProvider) -> Self {
        let mut account = Self::empty();
        account.take_all(
            &desired
                .plan(&account.0, Adoption::Refuse)
                .unwrap()
                .plan
                .steps,
        );
        account
    }

    fn bucket(&mut self) -> &mut BucketState {
        match &mut self.0.bucket {
            ObservedBucket::Present(state) => state,
            other => panic!("no bucket: {other:?}"),
        }
    }

    fn provider(&mut self) -> &mut ObservedOidcProvider {
        self.0.oidc_provider.as_mut().unwrap()
    }

    fn take_all(&mut self, steps: &[Step]) {
        for step in steps {
            self.take(step);
        }
    }

    fn take(&mut self, step: &Step) {
        match step {
            Step::CreateBucket { .. } => {
                self.0.bucket = ObservedBucket::Present(Box::new(BucketState {
                    tags: Tags::default(),
                    empty: true,
                    public_access_block: Seen::Present(PublicAccessBlock::ALL),
                    policy: Seen::Absent,
                    discovery: None,
                    jwks: None,
                }));
            }
            Step::TagBucket { tags, .. } => self.bucket().tags = tags.clone(),
            Step::SetPublicAccessBlock { settings, .. } => {
                self.bucket().public_access_block = Seen::Present(*settings);
            }
            Step::PutBucketPolicy { document, .. } => {
                let Seen::Present(block) = self.bucket().public_access_block else {
                    panic!("the block is always seen here");
                };
                assert!(
                    !block.block_public_policy,
                    "S3 refuses a public policy while it is blocked"
                );
                self.bucket().policy = Seen::Present(document.clone());
            }
            Step::PutObject { upload, .. } => {
                let object = Some(ObservedObject {
                    body: upload.body.clone(),
                    entity_tag: Some(format!("\"{}\"", upload.body.len())),
                    tags: upload.tags.clone(),
                });
                self.bucket().empty = false;
                match upload.key.as_str() {
                    DISCOVERY_KEY => self.bucket().discovery = object,
                    JWKS_KEY => self.bucket().jwks = object,
                    key => panic!("unexpected object {key}"),
                }
            }
            Step::TagObject { key, tags, .. } => {
                let object = if key == JWKS_KEY {
                    &mut self.bucket().jwks
                } else {
                    &mut self.bucket().discovery
                };
                object.as_mut().unwrap().tags = tags.clone();
            }
            Step::CreateOidcProvider {
                url,
                client_ids,
                tags,
            } => {
                assert!(
                    self.0.oidc_provider.is_none(),
                    "IAM refuses a second provider for a URL"
                );
                let url = url.strip_prefix("https://").unwrap().to_owned();
                self.0.oidc_provider = Some(ObservedOidcProvider {
                    arn: format!("arn:aws:iam::123456789012:oidc-provider/{url}")
                        .parse()
                        .unwrap(),
                    url,
                    client_ids: client_ids.clone(),
                    thumbprints: Vec::new(),
                    tags: tags.clone(),
                });
            }
            Step::AddClientId { client_id, .. } => {
                self.provider().client_ids.push(client_id.clone());
            }
            Step::TagOidcProvider { tags, .. } => {
                self.provider().tags = self.provider().tags.merged_with(tags);
            }
            other => panic!("unexpected step {other:?}"),
        }
    }
}

fn desired() -> IdentityProvider {
    desired_with(&[])
}

fn desired_with(keys: &[PublicKey]) -> IdentityProvider {
    let (name, region) = ("demo".parse().unwrap(), "eu-west-1".parse().unwrap());
    IdentityProvider::in_public_bucket(name, region, keys).unwrap()
}

fn actions(steps: &[Step]) -> Vec<&'static str> {
    steps.iter().map(Step::action).collect()
}

fn planned(account: &Account) -> IdentityProviderPlan {
    desired().plan(&account.0, Adoption::Refuse).unwrap()
}

fn refused(account: &Account, adoption: Adoption) -> Refusal {
    desired().plan(&account.0, adoption).unwrap_err()
}

#[test]
fn a_new_identity_provider_is_made_in_ccoctls_order_with_an_atomic_provider() {
    let plan = planned(&Account::empty()).plan;
    assert_eq!(
        actions(&plan.steps),
        [
            "s3:CreateBucket",
            "s3:PutBucketTagging",
            "s3:PutBucketPublicAccessBlock",
            "s3:PutBucketPolicy",
            "s3:PutObject",
            "s3:PutObject",
            "iam:CreateOpenIDConnectProvider",
        ]
    );
    assert!(
        plan.resources
            .iter()
            .all(|resource| plan.outcome(resource) == Outcome::Created)
    );
    let Some(Step::CreateOidcProvider {
        url,
        client_ids,
        tags,
    }) = plan.steps.last()
    else {
        panic!("the provider comes last");
    };
    assert_eq!(url, "https://demo-oidc.s3.eu-west-1.amazonaws.com");
    assert_eq!(client_ids, &["openshift", "sts.amazonaws.com"]);
    assert_eq!(
        tags.value("openshift.io/cloud-credential-operator/demo"),
        Some("owned")
    );
    assert_eq!(tags.value("Name"), Some("demo"));
}

#[test]
fn a_run_interrupted_anywhere_is_completed_by_the_next() {
    let steps = planned(&Account::empty()).plan.steps;
    for taken in 0..=steps.len() {
        let mut account = Account::empty();
        account.take_all(&steps[..taken]);
        let again = planned(&account).plan;
        account.take_all(&again.steps);
        let third = planned(&account);
        assert!(
            third.plan.is_empty(),
            "after {taken} steps: {:?}",
            third.plan.steps
        );
        assert_eq!(third.client_ids, CLIENT_IDS, "after {taken} steps");
        for resource in &third.plan.resources {
            assert_eq!(
                third.plan.outcome(resource),
                Outcome::Unchanged,
                "{resource}"
            );
        }
    }
}

#[test]
fn each_missing_part_is_repaired_alone() {
    type Damage = fn(&mut Account);
    let cases: [(&str, Damage, &[&str]); 10] = [
        (
            "block",
            |a| a.bucket().public_access_block = Seen::Present(PublicAccessBlock::ALL),
            &["s3:PutBucketPublicAccessBlock"],
        ),
        (
            "policy",
            |a| a.bucket().policy = Seen::Absent,
            &["s3:PutBucketPolicy"],
        ),
        (
            "discovery",
            |a| a.bucket().discovery = None,
            &["s3:PutObject"],
        ),
        ("jwks", |a| a.bucket().jwks = None, &["s3:PutObject"]),
        (
            "empty jwks",
            |a| a.bucket().jwks.as_mut().unwrap().body = String::new(),
            &["s3:PutObject"],
        ),
        (
            "broken discovery",
            |a| a.bucket().discovery.as_mut().unwrap().body = "{".to_owned(),
            &["s3:PutObject"],
        ),
        (
            "object tags",
            |a| a.bucket().jwks.as_mut().unwrap().tags = Tags::default(),
            &["s3:PutObjectTagging"],
        ),
        (
            "client id",
            |a| a.provider().client_ids.truncate(1),
            &["iam:AddClientIDToOpenIDConnectProvider"],
        ),
        (
            "provider",
            |a| a.0.oidc_provider = None,
            &["iam:CreateOpenIDConnectProvider"],
        ),
        (
            "no block at all",
            |a| a.bucket().public_access_block = Seen::Absent,
            &[],
        ),
    ];
    for (name, damage, expected) in cases {
        let mut account = Account::complete(&desired());
        damage(&mut account);
        let plan = planned(&account).plan;
        assert_eq!(actions(&plan.steps), expected, "{name}");
        account.take_all(&plan.steps);
        assert!(planned(&account).plan.is_empty(), "{name}");
    }
}

#[test]
fn a_ccoctl_document_with_other_blanks_is_left_as_it_is() {
    let mut account = Account::complete(&desired());
    let found = account.bucket().discovery.as_mut().unwrap();
    found.body = found.body.replace("    ", "\t");
    assert!(planned(&account).plan.is_empty());
}

#[test]
fn an_untagged_bucket_is_taken_for_our_own_only_while_it_is_empty() {
    let mut account = Account::complete(&desired());
    account.bucket().tags = Tags::default();
    assert!(matches!(
        refused(&account, Adoption::Refuse),
        Refusal::NotOwned { .. }
    ));
    let adopted = desired().plan(&account.0, Adoption::Adopt).unwrap().plan;
    assert_eq!(actions(&adopted.steps), ["s3:PutBucketTagging"]);
    assert!(
        adopted
            .notes
            .iter()
            .any(|note| note.contains("anyone can read")),
        "{:?}",
        adopted.notes
    );
}

#[test]
fn what_is_not_ours_is_refused() {
    let foreign: Tags = [(
        "openshift.io/cloud-credential-operator/other".to_owned(),
        "owned".to_owned(),
    )]
    .into_iter()
    .collect();
    let with = |change: fn(&mut Account, Tags)| {
        let mut account = Account::complete(&desired());
        change(&mut account, foreign.clone());
        account
    };
    let bucket = with(|account, tags| account.bucket().tags = tags);
    let provider = with(|account, tags| account.provider().tags = tags);
    for account in [bucket, provider] {
        for adoption in [Adoption::Refuse, Adoption::Adopt] {
            assert!(matches!(
                refused(&account, adoption),
                Refusal::OwnedByOther { .. }
            ));
        }
    }
    let mut untagged = Account::complete(&desired());
    untagged.provider().tags = Tags::default();
    assert_eq!(
        refused(&untagged, Adoption::Refuse).to_string(),
        "oidc-provider/demo-oidc.s3.eu-west-1.amazonaws.com exists and does not carry the tag \
         `openshift.io/cloud-credential-operator/demo`=`owned`"
    );
    let adopted = desired().plan(&untagged.0, Adoption::Adopt).unwrap().plan;
    assert_eq!(actions(&adopted.steps), ["iam:TagOpenIDConnectProvider"]);

    for (bucket, expected) in [
        (
            ObservedBucket::NotAccessible,
            "bucket/demo-oidc exists and this account has no access to it",
        ),
        (
            ObservedBucket::Elsewhere {
                region: Some("us-east-1".to_owned()),
            },
            "bucket/demo-oidc is in us-east-1, not in eu-west-1",
        ),
    ] {
        let mut account = Account::empty();
        account.0.bucket = bucket;
        assert_eq!(refused(&account, Adoption::Adopt).to_string(), expected);
    }
}

#[test]
fn a_bucket_that_serves_another_issuer_is_refused() {
    let mut account = Account::complete(&desired());
    account.bucket().discovery.as_mut().unwrap().body =
        discovery_document("https://d111.cloudfront.net");
    let refusal = refused(&account, Adoption::Adopt).to_string();
    assert!(
        refusal.contains("found `https://d111.cloudfront.net`"),
        "{refusal}"
    );
}

#[test]
fn tags_and_audiences_of_others_stay() {
    let mut account = Account::complete(&desired());
    let others: Tags = [("cost-centre".to_owned(), "42".to_owned())]
        .into_iter()
        .collect();
    account.bucket().tags = others.merged_with(&desired().tags());
    account.bucket().tags = account.bucket().tags.clone().merged_with(&others);
    account.provider().client_ids = vec!["team-a".to_owned(), "openshift".to_owned()];
    let planned = planned(&account);
    assert_eq!(
        actions(&planned.plan.steps),
        ["iam:AddClientIDToOpenIDConnectProvider"]
    );
    assert_eq!(
        planned.client_ids,
        ["team-a", "openshift", "sts.amazonaws.com"]
    );
    assert!(
        planned
            .plan
            .notes
            .iter()
            .any(|note| note.contains("team-a")),
        "{:?}",
        planned.plan.notes
    );

    // Putting a set of tags replaces the whole set.
    account.bucket().tags =
        others.merged_with(&[("Name".to_owned(), "x".to_owned())].into_iter().collect());
    let plan = desired().plan(&account.0, Adoption::Adopt).unwrap().plan;
    let Some(Step::TagBucket { tags, .. }) = plan.steps.first() else {
        panic!("the bucket is tagged first");
    };
    assert_eq!(tags.value("cost-centre"), Some("42"));
    assert_eq!(tags.value("Name"), Some("demo"));
}

#[test]
fn statements_of_others_in_the_bucket_policy_stay() {
    let other = r#"{"Sid":"Logs","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":false}}}"#;
    for statement in [format!("[{other}]"), other.to_owned()] {
        let mut account = Account::complete(&desired());
        account.bucket().policy = Seen::Present(format!(
            r#"{{"Version":"2008-10-17","Id":"x","Statement":{statement}}}"#
        ));
        let plan = planned(&account).plan;
        let [Step::PutBucketPolicy { document, .. }] = plan.steps.as_slice() else {
            panic!("only the policy changes: {:?}", plan.steps);
        };
        assert_eq!(
            document,
            &format!(
                r#"{{"Version":"2008-10-17","Id":"x","Statement":[{other},{{"Sid":"AllowReadPublicAccess","Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::demo-oidc/*"}}]}}"#
            )
        );
    }
    let mut account = Account::complete(&desired());
    account.bucket().policy = Seen::Present("not json".to_owned());
    assert!(matches!(
        refused(&account, Adoption::Refuse),
        Refusal::BucketPolicyUnreadable { .. }
    ));
}

#[test]
fn a_narrower_grant_is_not_mistaken_for_the_public_one() {
    for statement in [
        r#"{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::demo-oidc/*","Condition":{}}"#,
        r#"{"Effect":"Allow","Principal":{"AWS":"123456789012"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::demo-oidc/*"}"#,
        r#"{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::demo-oidc/keys.json"}"#,
        r#"{"Effect":"Deny","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::demo-oidc/*"}"#,
    ] {
        let mut account = Account::complete(&desired());
        account.bucket().policy = Seen::Present(format!(r#"{{"Statement":{statement}}}"#));
        assert_eq!(
            actions(&planned(&account).plan.steps),
            ["s3:PutBucketPolicy"],
            "{statement}"
        );
    }
    let spelled = r#"{"Statement":{"Effect":"Allow","Principal":{"AWS":["*"]},"Action":["s3:getobject"],"Resource":["arn:aws:s3:::demo-oidc/*"]}}"#;
    let mut account = Account::complete(&desired());
    account.bucket().policy = Seen::Present(spelled.to_owned());
    assert!(planned(&account).plan.is_empty());
}

#[test]
fn the_bucket_policy_is_in_the_partition_of_the_region() {
    for (region, partition) in [
        ("us-gov-west-1", "aws-us-gov"),
        ("cn-north-1", "aws-cn"),
        ("eusc-de-east-1", "aws-eusc"),
        ("us-iso-east-1", "aws-iso"),
        ("us-isob-east-1", "aws-iso-b"),
        ("eu-west-1", "aws"),
    ] {
        let region: Region = region.parse().unwrap();
        let policy = public_read_policy(&desired().bucket, region.partition());
        assert!(
            policy.contains(&format!("\"arn:{partition}:s3:::demo-oidc/*\"")),
            "{policy}"
        );
    }
}

#[test]
fn a_caller_with_ccoctls_permissions_only_can_make_and_rerun() {
    let steps = planned(&Account::empty()).plan.steps;
    let hide = |account: &mut Account| {
        account.bucket().policy = Seen::Hidden;
        account.bucket().public_access_block = Seen::Hidden;
    };
    // Before the first upload the settings are made again, afterwards they are taken as made.
    for (taken, expected) in [(2, true), (4, true), (5, false), (7, false)] {
        let mut account = Account::empty();
        account.take_all(&steps[..taken]);
        hide(&mut account);
        let plan = planned(&account).plan;
        let made = actions(&plan.steps).contains(&"s3:PutBucketPolicy");
        assert_eq!(made, expected, "after {taken} steps");
        assert_eq!(plan.notes.is_empty(), expected, "after {taken} steps");
    }
}

#[test]
fn a_policy_that_nobody_may_read_is_not_overwritten_in_a_bucket_that_is_not_ours() {
    let mut account = Account::complete(&desired());
    account.bucket().tags = Tags::default();
    account.bucket().discovery = None;
    account.bucket().policy = Seen::Hidden;
    let refusal = refused(&account, Adoption::Adopt);
    assert!(
        matches!(refusal, Refusal::BucketPolicyHidden { .. }),
        "{refusal}"
    );
    // Not even in one that looks as if it had just been made.
    account.bucket().jwks = None;
    account.bucket().empty = true;
    let refusal = refused(&account, Adoption::Refuse);
    assert!(
        matches!(refusal, Refusal::BucketPolicyHidden { .. }),
        "{refusal}"
    );
}

#[test]
fn another_issuer_of_the_same_cluster_is_told_and_left() {
    let mut account = Account::complete(&desired());
    account.0.oidc_provider = None;
    account.0.other_issuers = vec![
        "arn:aws:iam::123456789012:oidc-provider/d111.cloudfront.net"
            .parse()
            .unwrap(),
    ];
    let plan = planned(&account).plan;
    assert_eq!(actions(&plan.steps), ["iam:CreateOpenIDConnectProvider"]);
    assert!(
        plan.notes[0].contains("d111.cloudfront.net"),
        "{:?}",
        plan.notes
    );
}

#[test]
fn a_plan_prints_numbered_steps() {
    let mut account = Account::complete(&desired());
    account.bucket().policy = Seen::Absent;
    account.provider().client_ids.truncate(1);
    let plan = planned(&account).plan;
    assert_eq!(
        plan.to_string(),
        "1. s3:PutBucketPolicy                      let anyone read the objects of bucket demo-oidc\n\
         2. iam:AddClientIDToOpenIDConnectProvider  accept the audience sts.amazonaws.com at \
         arn:aws:iam::123456789012:oidc-provider/demo-oidc.s3.eu-west-1.amazonaws.com\n"
    );
    assert_eq!(
        plan.outcome(&Resource::bucket(&desired().bucket)),
        Outcome::Configured
    );
    assert_eq!(
        planned(&Account::complete(&desired())).plan.to_string(),
        "Nothing to do.\n"
    );
}
