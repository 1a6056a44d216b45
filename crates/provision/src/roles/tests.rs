use podpass_kinds::{Effect, Position, StatementEntry};

use super::*;
use crate::identity_provider::{Adoption, Refusal};
use crate::plan::{Outcome, Resource, Step};
use crate::requests::DocumentPlace;

type Damage = fn(&mut ObservedRole);

const PROVIDER: &str =
    "arn:aws:iam::123456789012:oidc-provider/demo-oidc.s3.eu-west-1.amazonaws.com";

fn request(namespace: &str, secret: &str, accounts: &[&str]) -> RoleRequest {
    let position = Position { line: 1, column: 1 };
    RoleRequest {
        place: DocumentPlace {
            file: "requests.yaml".to_owned(),
            document: 1,
            position,
        },
        request_namespace: "openshift-cloud-credential-operator".to_owned(),
        request_name: "a-request".to_owned(),
        secret_namespace: namespace.to_owned(),
        secret_name: secret.to_owned(),
        service_accounts: accounts.iter().map(|&account| account.to_owned()).collect(),
        token_path: podpass_kinds::DEFAULT_CLOUD_TOKEN_PATH.to_owned(),
        statements: vec![StatementEntry {
            effect: Effect::Allow,
            actions: vec!["s3:ListBucket".to_owned()],
            resource: "*".to_owned(),
            policy_condition: None,
            position,
        }],
        boundary: None,
    }
}

fn desired_for(cluster: &str, request: &RoleRequest, client_ids: &[&str]) -> DesiredRole {
    let client_ids: Vec<String> = client_ids.iter().map(|&id| id.to_owned()).collect();
    DesiredRole::for_request(
        &cluster.parse().unwrap(),
        request,
        &PROVIDER.parse().unwrap(),
        &client_ids,
        None,
    )
    .unwrap()
}

fn desired() -> DesiredRole {
    desired_for(
        "demo",
        &request("ns", "secret", &["one"]),
        &["openshift", "sts.amazonaws.com"],
    )
}

/// The role that a plan for `desired` makes.
fn made(desired: &DesiredRole) -> ObservedRole {
    ObservedRole {
        name: desired.name.clone(),
        arn: format!("arn:aws:iam::123456789012:role/{}", desired.name)
            .parse()
            .unwrap(),
        description: Some(desired.description.clone()),
        trust_policy: desired.trust.to_json(),
        boundary: desired.boundary.as_ref().map(ToString::to_string),
        tags: desired.tags(),
        permissions: Seen::Present(desired.permissions.clone()),
    }
}

fn plan(desired: &DesiredRole, role: ObservedRole) -> Plan {
    let observed = ObservedRoles {
        named: Some(role),
        cut: None,
    };
    desired.plan(&observed, Adoption::Refuse).unwrap().plan
}

fn actions(plan: &Plan) -> Vec<&'static str> {
    plan.steps.iter().map(Step::action).collect()
}

fn new_trust_policy(plan: &Plan) -> &str {
    plan.steps
        .iter()
        .find_map(|step| match step {
            Step::UpdateTrustPolicy { document, .. } => Some(document.as_str()),
            _ => None,
        })
        .unwrap()
}

#[test]
fn a_new_role_is_made_with_everything_in_two_calls() {
    let planned = desired()
        .plan(&ObservedRoles::default(), Adoption::Refuse)
        .unwrap();
    let [
        Step::CreateRole {
            role,
            trust_policy,
            description,
            boundary: None,
            tags,
        },
        Step::PutRolePolicy {
            policy_name,
            document,
            ..
        },
    ] = planned.plan.steps.as_slice()
    else {
        panic!("unexpected steps {:?}", planned.plan.steps);
    };
    assert_eq!(role.as_str(), "demo-ns-secret");
    assert_eq!(policy_name, "demo-ns-secret");
    assert_eq!(description, "OpenShift role for ns/secret");
    assert_eq!(
        tags.value("openshift.io/cloud-credential-operator/demo"),
        Some("owned")
    );
    assert_eq!(
        trust_policy,
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Federated":"arn:aws:iam::123456789012:oidc-provider/demo-oidc.s3.eu-west-1.amazonaws.com"},"Action":"sts:AssumeRoleWithWebIdentity","Condition":{"StringEquals":{"demo-oidc.s3.eu-west-1.amazonaws.com:aud":["openshift","sts.amazonaws.com"],"demo-oidc.s3.eu-west-1.amazonaws.com:sub":["system:serviceaccount:ns:one"]}}}]}"#
    );
    assert_eq!(
        document,
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:ListBucket"],"Resource":"*"}]}"#
    );
    assert_eq!(
        planned.plan.outcome(&Resource::role(&planned.name)),
        Outcome::Created
    );
}

#[test]
fn a_role_that_is_as_it_should_be_is_unchanged() {
    let desired = desired();
    assert!(plan(&desired, made(&desired)).is_empty());
    // IAM gives documents back as they were written, people reformat them.
    let mut role = made(&desired);
    role.permissions = Seen::Present(role.permissions_text().replace(',', ", "));
    assert!(plan(&desired, role).is_empty());
}

#[test]
fn each_difference_is_one_step() {
    let cases: [(&str, Damage, &[&str]); 5] = [
        (
            "description",
            |role| role.description = None,
            &["iam:UpdateRole"],
        ),
        (
            "no permissions",
            |role| role.permissions = Seen::Absent,
            &["iam:PutRolePolicy"],
        ),
        (
            "hidden permissions",
            |role| role.permissions = Seen::Hidden,
            &["iam:PutRolePolicy"],
        ),
        (
            "other permissions",
            |role| role.permissions = Seen::Present("{}".to_owned()),
            &["iam:PutRolePolicy"],
        ),
        (
            "name tag",
            |role| {
                role.tags = [(
                    crate::ownership_key(&"demo".parse().unwrap()),
                    "owned".to_owned(),
                )]
                .into_iter()
                .collect();
            },
            &["iam:TagRole"],
        ),
    ];
    for (name, damage, expected) in cases {
        let desired = desired();
        let mut role = made(&desired);
        damage(&mut role);
        let plan = plan(&desired, role);
        assert_eq!(actions(&plan), expected, "{name}");
        assert_eq!(
            plan.outcome(&plan.resources[0]),
            Outcome::Configured,
            "{name}"
        );
    }
}

#[test]
fn a_role_of_ccoctls_gets_its_audiences_and_new_service_accounts() {
    let old = desired();
    let mut role = made(&old);
    // ccoctl's own text, with its odd blanks and without an audience.
    role.trust_policy = r#"{ "Version": "2012-10-17", "Statement": [ { "Effect": "Allow", "Principal": { "Federated": "arn:aws:iam::123456789012:oidc-provider/demo-oidc.s3.eu-west-1.amazonaws.com" }, "Action": "sts:AssumeRoleWithWebIdentity", "Condition": { "StringEquals": { "demo-oidc.s3.eu-west-1.amazonaws.com:sub": [ "system:serviceaccount:ns:one" ] } } } ] }"#.to_owned();
    let upgraded = desired_for(
        "demo",
        &request("ns", "secret", &["one", "two"]),
        &["openshift", "sts.amazonaws.com"],
    );
    let plan = plan(&upgraded, role.clone());
    assert_eq!(actions(&plan), ["iam:UpdateAssumeRolePolicy"]);
    assert_eq!(new_trust_policy(&plan), upgraded.trust.to_json());
    role.trust_policy = new_trust_policy(&plan).to_owned();
    assert!(super::tests::plan(&upgraded, role).is_empty());
}

#[test]
fn what_others_added_to_a_trust_policy_stays() {
    let desired = desired();
    let break_glass = r#"{"Sid":"BreakGlass","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:user/admin"},"Action":"sts:AssumeRole","Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}}"#;
    let own = |subjects: &str, audiences: &str| {
        format!(
            r#"{{"Sid":"Own","Effect":"Allow","Principal":{{"Federated":"{PROVIDER}"}},"Action":"sts:AssumeRoleWithWebIdentity","Condition":{{"StringEquals":{{"demo-oidc.s3.eu-west-1.amazonaws.com:aud":{audiences},"demo-oidc.s3.eu-west-1.amazonaws.com:sub":{subjects}}}}}}}"#
        )
    };
    let document = |statements: &[&str]| {
        format!(
            r#"{{"Version":"2012-10-17","Statement":[{}]}}"#,
            statements.join(",")
        )
    };
    let full_audiences = r#"["openshift","sts.amazonaws.com"]"#;

    let mut role = made(&desired);
    role.trust_policy = document(&[
        break_glass,
        &own(
            r#""system:serviceaccount:ns:other""#,
            r#"["team-a","openshift","sts.amazonaws.com"]"#,
        ),
    ]);
    let plan = plan(&desired, role.clone());
    let merged = own(
        r#"["system:serviceaccount:ns:other","system:serviceaccount:ns:one"]"#,
        r#"["team-a","openshift","sts.amazonaws.com"]"#,
    );
    assert_eq!(new_trust_policy(&plan), document(&[break_glass, &merged]));
    assert!(
        plan.notes
            .iter()
            .any(|note| note.contains("system:serviceaccount:ns:other")),
        "{:?}",
        plan.notes
    );

    role.trust_policy = document(&[
        break_glass,
        &own(r#""system:serviceaccount:ns:one""#, full_audiences),
    ]);
    assert!(super::tests::plan(&desired, role).is_empty());
}

#[test]
fn subjects_of_others_gain_no_audience() {
    let desired = desired();
    let issuer = "demo-oidc.s3.eu-west-1.amazonaws.com";
    let other = format!(
        r#"{{"Effect":"Allow","Principal":{{"Federated":"{PROVIDER}"}},"Action":"sts:AssumeRoleWithWebIdentity","Condition":{{"StringEquals":{{"{issuer}:aud":["sts.amazonaws.com"],"{issuer}:sub":["system:serviceaccount:ns:other"]}}}}}}"#
    );
    let mut role = made(&desired);
    role.trust_policy = format!(r#"{{"Version":"2012-10-17","Statement":[{other}]}}"#);
    let plan = plan(&desired, role.clone());
    let document = new_trust_policy(&plan).to_owned();
    assert!(document.contains(&other), "{document}");
    role.trust_policy = document;
    assert!(super::tests::plan(&desired, role).is_empty());
}

#[test]
fn a_denial_of_our_own_subject_is_told() {
    let desired = desired();
    let mut role = made(&desired);
    let denial = desired.trust.to_json().replace("\"Allow\"", "\"Deny\"");
    let denial = denial
        .split_once('[')
        .unwrap()
        .1
        .strip_suffix("]}")
        .unwrap();
    role.trust_policy = role
        .trust_policy
        .replace("\"Statement\":[", &format!("\"Statement\":[{denial},"));
    let plan = plan(&desired, role);
    assert!(plan.is_empty(), "{plan}");
    assert!(
        plan.notes.iter().any(|note| note.contains("statement 1 ")),
        "{:?}",
        plan.notes
    );
}

#[test]
fn a_statement_that_is_more_than_ours_is_not_rewritten() {
    let desired = desired();
    let issuer = "demo-oidc.s3.eu-west-1.amazonaws.com";
    for (name, statement) in [
        (
            "another condition",
            format!(
                r#"{{"Effect":"Allow","Principal":{{"Federated":"{PROVIDER}"}},"Action":"sts:AssumeRoleWithWebIdentity","Condition":{{"StringEquals":{{"{issuer}:sub":"system:serviceaccount:ns:one"}},"Bool":{{"aws:SecureTransport":"true"}}}}}}"#
            ),
        ),
        (
            "a pattern",
            format!(
                r#"{{"Effect":"Allow","Principal":{{"Federated":"{PROVIDER}"}},"Action":"sts:AssumeRoleWithWebIdentity","Condition":{{"StringLike":{{"{issuer}:sub":"system:serviceaccount:ns:*"}}}}}}"#
            ),
        ),
        (
            "another provider",
            r#"{"Effect":"Allow","Principal":{"Federated":"arn:aws:iam::123456789012:oidc-provider/d111.cloudfront.net"},"Action":"sts:AssumeRoleWithWebIdentity","Condition":{"StringEquals":{"d111.cloudfront.net:sub":["system:serviceaccount:ns:one"]}}}"#.to_owned(),
        ),
        (
            "a denial",
            format!(
                r#"{{"Effect":"Deny","Principal":{{"Federated":"{PROVIDER}"}},"Action":"sts:AssumeRoleWithWebIdentity","Condition":{{"StringEquals":{{"{issuer}:sub":["system:serviceaccount:ns:one"]}}}}}}"#
            ),
        ),
        (
            "another action too",
            format!(
                r#"{{"Effect":"Allow","Principal":{{"Federated":"{PROVIDER}"}},"Action":["sts:AssumeRoleWithWebIdentity","sts:TagSession"],"Condition":{{"StringEquals":{{"{issuer}:sub":["system:serviceaccount:ns:one"]}}}}}}"#
            ),
        ),
    ] {
        let mut role = made(&desired);
        role.trust_policy = format!(r#"{{"Version":"2012-10-17","Statement":{statement}}}"#);
        let plan = plan(&desired, role);
        let document = new_trust_policy(&plan);
        assert!(document.contains(&statement), "{name}: {document}");
        let own = desired.trust.to_json();
        let own = own.split_once('[').unwrap().1.strip_suffix("]}").unwrap();
        assert!(document.ends_with(&format!(",{own}]}}")), "{name}: {document}");
    }
}

#[test]
fn a_trust_policy_allows_all_audiences_of_the_provider() {
    let wide = desired_for(
        "demo",
        &request("ns", "secret", &["one"]),
        &["team-a", "openshift", "sts.amazonaws.com"],
    );
    let plan = plan(&wide, made(&desired()));
    assert_eq!(actions(&plan), ["iam:UpdateAssumeRolePolicy"]);
    assert!(
        new_trust_policy(&plan).contains(r#":aud":["openshift","sts.amazonaws.com","team-a"]"#)
    );
}

#[test]
fn roles_that_are_not_ours_are_refused_unless_adopted() {
    let desired = desired();
    let mut role = made(&desired);
    role.tags = Tags::default();
    let untagged = ObservedRoles {
        named: Some(role.clone()),
        cut: None,
    };
    let refusal = desired.plan(&untagged, Adoption::Refuse).unwrap_err();
    assert!(matches!(refusal, Refusal::NotOwned { .. }), "{refusal}");
    let adopted = desired.plan(&untagged, Adoption::Adopt).unwrap().plan;
    assert_eq!(actions(&adopted), ["iam:TagRole"]);

    role.tags = Tags::ownership(&"other".parse().unwrap());
    let foreign = ObservedRoles {
        named: Some(role),
        cut: None,
    };
    for adoption in [Adoption::Refuse, Adoption::Adopt] {
        assert!(matches!(
            desired.plan(&foreign, adoption).unwrap_err(),
            Refusal::OwnedByOther { .. }
        ));
    }
}

#[test]
fn a_boundary_is_set_and_never_taken_away() {
    let mut desired = desired();
    let mut role = made(&desired);
    role.boundary = Some("arn:aws:iam::123456789012:policy/theirs".to_owned());
    let kept = plan(&desired, role.clone());
    assert!(kept.is_empty(), "{:?}", kept.steps);
    assert!(kept.notes[0].contains("policy/theirs"), "{:?}", kept.notes);
    desired.boundary = Some("arn:aws:iam::123456789012:policy/ours".parse().unwrap());
    assert_eq!(
        actions(&plan(&desired, role.clone())),
        ["iam:PutRolePermissionsBoundary"]
    );
    role.boundary = Some("arn:aws:iam::123456789012:policy/ours".to_owned());
    assert!(plan(&desired, role).is_empty());
}

/// A cluster's name of 27 characters, with which ccoctl gives every secret of this namespace the same role.
const LONG: &str = "abcdefghijklmnopqrstuvwxyz1";
const NAMESPACE: &str = "openshift-cloud-credential-operator";

#[test]
fn a_role_is_bounded_before_it_gains_anything() {
    let bounded = DesiredRole {
        boundary: Some("arn:aws:iam::123456789012:policy/b".parse().unwrap()),
        ..desired()
    };
    let mut role = made(&desired_for(
        "demo",
        &request("ns", "secret", &["old"]),
        &["openshift"],
    ));
    role.permissions = Seen::Absent;
    assert_eq!(
        actions(&plan(&bounded, role)),
        [
            "iam:PutRolePermissionsBoundary",
            "iam:UpdateAssumeRolePolicy",
            "iam:PutRolePolicy"
        ]
    );
}

#[test]
fn requests_that_ccoctl_would_merge_get_roles_of_their_own() {
    let one = desired_for(
        LONG,
        &request(NAMESPACE, "one", &["sa-one"]),
        &["openshift"],
    );
    let two = desired_for(
        LONG,
        &request(NAMESPACE, "two", &["sa-two"]),
        &["openshift"],
    );
    assert_eq!(one.cut_name, two.cut_name);
    assert_ne!(one.name, two.name);

    // What ccoctl left: the first request's trust policy and description under the shared name.
    let mut shared = made(&one);
    shared.name = one.cut_name.clone().unwrap();
    shared.permissions = Seen::Present(two.permissions.clone());
    let found = ObservedRoles {
        named: None,
        cut: Some(shared.clone()),
    };
    let first = one.plan(&found, Adoption::Refuse).unwrap();
    assert_eq!(
        first.name, shared.name,
        "the role is the first request's and is kept"
    );
    let second = two.plan(&found, Adoption::Refuse).unwrap();
    assert_eq!(
        second.name, two.name,
        "the role is not the second request's"
    );
    assert_eq!(
        actions(&second.plan),
        ["iam:CreateRole", "iam:PutRolePolicy"]
    );
    assert!(
        second.plan.notes[0].contains(shared.name.as_str()),
        "{:?}",
        second.plan.notes
    );
}

#[test]
fn a_cut_name_is_kept_only_with_proof() {
    let desired = desired_for(
        LONG,
        &request(NAMESPACE, "one", &["sa-one"]),
        &["openshift"],
    );
    let cases: [(&str, Damage, bool); 5] = [
        ("all proven", |_| {}, true),
        ("tags of nobody", |role| role.tags = Tags::default(), false),
        (
            "no trust",
            |role| role.trust_policy = r#"{"Statement":[]}"#.to_owned(),
            false,
        ),
        (
            "another request's description",
            |role| role.description = Some("OpenShift role for a/b".to_owned()),
            false,
        ),
        (
            "a person's description",
            |role| role.description = Some("ours".to_owned()),
            true,
        ),
    ];
    for (name, doubt, kept) in cases {
        let mut role = made(&desired);
        role.name = desired.cut_name.clone().unwrap();
        doubt(&mut role);
        let found = ObservedRoles {
            named: None,
            cut: Some(role.clone()),
        };
        let planned = desired.plan(&found, Adoption::Adopt).unwrap();
        assert_eq!(planned.name == role.name, kept, "{name}");
    }
    let both = ObservedRoles {
        named: Some(made(&desired)),
        cut: Some(made(&desired)),
    };
    assert_eq!(
        desired.plan(&both, Adoption::Refuse).unwrap().name,
        desired.name
    );
}

#[test]
fn policies_over_the_limit_are_refused_with_their_size() {
    let mut large = request("ns", "secret", &["one"]);
    large.statements[0].actions = vec!["a".repeat(100); 103];
    let provider = PROVIDER.parse().unwrap();
    let refused = |request: &RoleRequest| {
        DesiredRole::for_request(&"demo".parse().unwrap(), request, &provider, &[], None)
            .unwrap_err()
    };
    assert!(
        matches!(refused(&large), RoleError::PermissionsTooLarge { size, .. } if size > 10_240)
    );
    let accounts: Vec<String> = (0..300)
        .map(|number| format!("service-account-{number}"))
        .collect();
    let accounts: Vec<&str> = accounts.iter().map(String::as_str).collect();
    let crowd = request("ns", "secret", &accounts);
    assert!(matches!(refused(&crowd), RoleError::TrustTooLarge { size, .. } if size > 8_192));
}

#[test]
fn a_trust_policy_that_is_no_json_is_not_overwritten() {
    let desired = desired();
    let mut role = made(&desired);
    role.trust_policy = "{".to_owned();
    let found = ObservedRoles {
        named: Some(role),
        cut: None,
    };
    assert!(matches!(
        desired.plan(&found, Adoption::Adopt).unwrap_err(),
        Refusal::TrustPolicyUnreadable { .. }
    ));
}

impl ObservedRole {
    fn permissions_text(&self) -> String {
        match &self.permissions {
            Seen::Present(text) => text.clone(),
            other => panic!("no permissions: {other:?}"),
        }
    }
}
