use podpass_policy::OidcProviderArn;

use super::*;
use crate::identity_provider::{Adoption, Refusal, Seen};
use crate::plan::Step;

const PROVIDER: &str =
    "arn:aws:iam::123456789012:oidc-provider/demo-oidc.s3.eu-west-1.amazonaws.com";
const READ_ONLY: &str = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess";
const POLICY: &str =
    r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}"#;

fn wanted() -> BoundRole {
    let cluster: ClusterName = "demo".parse().unwrap();
    let account: ServiceAccountRef = "ns/sa".parse().unwrap();
    let provider: OidcProviderArn = PROVIDER.parse().unwrap();
    BoundRole {
        name: BoundRole::usual_name(&cluster, &account).unwrap(),
        trust: WebIdentityTrust {
            provider,
            subjects: vec![account.subject()],
            audiences: vec!["sts.amazonaws.com".to_owned()],
        },
        cluster,
        account,
        inline: [("s3".to_owned(), POLICY.to_owned())].into(),
        attached: vec![READ_ONLY.parse().unwrap()],
        boundary: None,
    }
}

/// The role that the plan for `wanted` makes.
fn made(wanted: &BoundRole) -> RoleDetails {
    RoleDetails {
        role: ObservedRole {
            name: wanted.name.clone(),
            arn: format!("arn:aws:iam::123456789012:role/{}", wanted.name)
                .parse()
                .unwrap(),
            description: Some(wanted.description()),
            trust_policy: wanted.trust.to_json(),
            boundary: None,
            tags: wanted.tags(),
            permissions: Seen::Absent,
        },
        inline: wanted.inline.clone(),
        attached: wanted.attached.clone(),
        instance_profiles: Vec::new(),
    }
}

fn actions(steps: &[Step]) -> Vec<&'static str> {
    steps.iter().map(Step::action).collect()
}

#[test]
fn new_role_is_made_with_trust_policies_and_tags() {
    let planned = wanted().plan(None, Adoption::Refuse).unwrap();
    assert_eq!(
        actions(&planned.plan.steps),
        [
            "iam:CreateRole",
            "iam:PutRolePolicy",
            "iam:AttachRolePolicy"
        ]
    );
    assert_eq!(planned.name.as_str(), "demo-ns-sa");
    let Step::CreateRole { tags, .. } = &planned.plan.steps[0] else {
        panic!()
    };
    assert_eq!(tags.value(SERVICE_ACCOUNT_TAG), Some("ns/sa"));
    assert_eq!(
        tags.value("openshift.io/cloud-credential-operator/demo"),
        Some("owned")
    );
}

#[test]
fn role_that_is_as_wanted_needs_nothing() {
    let wanted = wanted();
    let planned = wanted.plan(Some(&made(&wanted)), Adoption::Refuse).unwrap();
    assert_eq!(planned.plan.steps, []);
    assert_eq!(planned.plan.notes, Vec::<String>::new());
}

#[test]
fn interrupted_run_is_completed_from_wherever_it_was() {
    let wanted = wanted();
    let mut found = made(&wanted);
    found.attached.clear();
    let planned = wanted.plan(Some(&found), Adoption::Refuse).unwrap();
    assert_eq!(actions(&planned.plan.steps), ["iam:AttachRolePolicy"]);
    found.inline.clear();
    let planned = wanted.plan(Some(&found), Adoption::Refuse).unwrap();
    assert_eq!(
        actions(&planned.plan.steps),
        ["iam:PutRolePolicy", "iam:AttachRolePolicy"]
    );
}

#[test]
fn what_others_added_stays_and_is_noted() {
    let wanted = wanted();
    let mut found = made(&wanted);
    found.inline.insert("theirs".to_owned(), POLICY.to_owned());
    let admin: PolicyArn = "arn:aws:iam::aws:policy/AdministratorAccess"
        .parse()
        .unwrap();
    found.attached.push(admin);
    let planned = wanted.plan(Some(&found), Adoption::Refuse).unwrap();
    assert_eq!(planned.plan.steps, []);
    assert_eq!(planned.plan.notes.len(), 2, "{:?}", planned.plan.notes);
}

#[test]
fn role_of_another_is_refused() {
    let wanted = wanted();
    let mut found = made(&wanted);
    found.role.tags = Tags::ownership(&"other".parse().unwrap());
    let refused = wanted.plan(Some(&found), Adoption::Refuse).unwrap_err();
    assert!(matches!(refused, Refusal::OwnedByOther { .. }), "{refused}");
    // The role of a CredentialsRequest is the cluster's, and not the service account's.
    found.role.tags = Tags::ownership(&wanted.cluster);
    found.role.description = Some("OpenShift role for ns/sa".to_owned());
    let refused = wanted.plan(Some(&found), Adoption::Refuse).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "role/demo-ns-sa is not this service account's: OpenShift role for ns/sa"
    );
    let adopted = wanted.plan(Some(&found), Adoption::Adopt).unwrap();
    assert_eq!(actions(&adopted.plan.steps), ["iam:TagRole"]);
}

#[test]
fn unbinding_deletes_the_accounts_own_role() {
    let wanted = wanted();
    let mut found = made(&wanted);
    found.instance_profiles.push("theirs".to_owned());
    let Unbinding::Plan(plan) = found.unbind(&wanted).unwrap() else {
        panic!()
    };
    assert_eq!(
        actions(&plan.steps),
        [
            "iam:RemoveRoleFromInstanceProfile",
            "iam:DetachRolePolicy",
            "iam:DeleteRolePolicy",
            "iam:DeleteRole"
        ]
    );
}

#[test]
fn unbinding_leaves_a_role_that_trusts_others() {
    let wanted = wanted();
    let mut found = made(&wanted);
    let mut trust = wanted.trust.clone();
    trust
        .subjects
        .push("system:serviceaccount:ns:other".to_owned());
    found.role.trust_policy = trust.to_json();
    let Unbinding::Plan(plan) = found.unbind(&wanted).unwrap() else {
        panic!()
    };
    let [Step::UpdateTrustPolicy { document, .. }] = &plan.steps[..] else {
        panic!("{plan:?}")
    };
    assert!(
        document.contains("ns:other") && !document.contains("ns:sa"),
        "{document}"
    );
    // A statement of somebody else's keeps the role too.
    let foreign = r#"{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:root"},"Action":"sts:AssumeRole"}"#;
    found.role.trust_policy = wanted
        .trust
        .to_json()
        .replace("\"Statement\":[", &format!("\"Statement\":[{foreign},"));
    let Unbinding::Plan(plan) = found.unbind(&wanted).unwrap() else {
        panic!()
    };
    let [Step::UpdateTrustPolicy { document, .. }] = &plan.steps[..] else {
        panic!("{plan:?}")
    };
    assert!(
        document.contains(":root") && !document.contains("ns:sa"),
        "{document}"
    );
}

#[test]
fn statement_without_an_audience_stays_without_one() {
    let wanted = wanted();
    let mut found = made(&wanted);
    let mut trust = wanted.trust.clone();
    trust
        .subjects
        .push("system:serviceaccount:ns:other".to_owned());
    trust.audiences.clear();
    found.role.trust_policy = trust.to_json();
    assert!(!found.role.trust_policy.contains(":aud"));
    let Unbinding::Plan(plan) = found.unbind(&wanted).unwrap() else {
        panic!()
    };
    let [Step::UpdateTrustPolicy { document, .. }] = &plan.steps[..] else {
        panic!("{plan:?}")
    };
    assert!(!document.contains(":aud"), "{document}");
}

#[test]
fn unbinding_touches_no_role_that_bind_did_not_make() {
    let wanted = wanted();
    let mut found = made(&wanted);
    for tags in [
        Tags::default(),
        Tags::ownership(&wanted.cluster),
        Tags::ownership(&"other".parse().unwrap()),
    ] {
        found.role.tags = tags;
        let unbound = found.unbind(&wanted).unwrap();
        assert!(matches!(unbound, Unbinding::Stays { .. }), "{unbound:?}");
    }
}

#[test]
fn trust_policy_for_people_is_the_shape_of_the_documents() {
    // Document 002 prints this shape.
    let expected = r#"{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Principal": {
        "Federated": "arn:aws:iam::123456789012:oidc-provider/demo-oidc.s3.eu-west-1.amazonaws.com"
      },
      "Action": "sts:AssumeRoleWithWebIdentity",
      "Condition": {
        "StringEquals": {
          "demo-oidc.s3.eu-west-1.amazonaws.com:aud": "sts.amazonaws.com",
          "demo-oidc.s3.eu-west-1.amazonaws.com:sub": "system:serviceaccount:ns:sa"
        }
      }
    }
  ]
}"#;
    assert_eq!(wanted().trust.to_pretty_json(), expected);
}
