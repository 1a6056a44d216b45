use podpass_inject::{ContainerCredentials, Settings};
use podpass_kinds::Reason;

use super::*;

const ROLE: &str = "arn:aws:iam::123456789012:role/irsa-s3";
const OTHER: &str = "arn:aws:iam::123456789012:role/other";

fn account(annotations: &[(&str, &str)]) -> ServiceAccountView {
    let full = |(suffix, value): &(&str, &str)| {
        (format!("eks.amazonaws.com/{suffix}"), (*value).to_owned())
    };
    ServiceAccountView {
        namespace: "irsa-test".to_owned(),
        name: "irsa-test".to_owned(),
        annotations: annotations.iter().map(full).collect(),
        ..ServiceAccountView::default()
    }
}

/// A pod as the API server has it before any injection.
fn bare() -> Value {
    json!({
        "metadata": {
            "namespace": "irsa-test", "name": "aws-irsa-547cb6d8c7-9jvsm",
            "creationTimestamp": "2026-11-24T10:00:00Z",
            "labels": {"app": "aws", "pod-template-hash": "547cb6d8c7"},
            "ownerReferences": [{"kind": "ReplicaSet", "name": "aws-irsa-547cb6d8c7", "controller": true}],
        },
        "spec": {
            "serviceAccountName": "irsa-test",
            "containers": [{
                "name": "aws",
                "env": [{"name": "HOME", "value": "/tmp"}],
                "volumeMounts": [{"name": "kube-api-access-x", "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"}],
            }],
            "volumes": [{"name": "kube-api-access-x", "projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]}}],
        },
    })
}

/// The same pod as document 000 shows it after the webhook, with the defaults that the API server fills in.
fn injected_pod() -> Value {
    let mut pod = bare();
    let container = &mut pod["spec"]["containers"][0];
    push(
        &mut container["env"],
        json!({"name": "AWS_ROLE_ARN", "value": ROLE}),
    );
    let token_file = "/var/run/secrets/eks.amazonaws.com/serviceaccount/token";
    push(
        &mut container["env"],
        json!({"name": "AWS_WEB_IDENTITY_TOKEN_FILE", "value": token_file}),
    );
    let mount = json!({"name": "aws-iam-token", "readOnly": true, "mountPath": "/var/run/secrets/eks.amazonaws.com/serviceaccount"});
    push(&mut container["volumeMounts"], mount);
    let token =
        json!({"audience": "sts.amazonaws.com", "expirationSeconds": 86400, "path": "token"});
    let volume = json!({"name": "aws-iam-token", "projected": {"sources": [{"serviceAccountToken": token}], "defaultMode": 420}});
    push(&mut pod["spec"]["volumes"], volume);
    pod
}

fn push(list: &mut Value, item: Value) {
    list.as_array_mut().unwrap().push(item);
}

fn compare(pod: &Value, annotations: &[(&str, &str)]) -> PodReport {
    compare_by(pod, annotations, &InjectionRules::default())
}

fn compare_by(pod: &Value, annotations: &[(&str, &str)], rules: &InjectionRules) -> PodReport {
    let view = account(annotations);
    let subject = Account {
        view: &view,
        role_written: None,
    };
    PodReport::of(pod, subject, rules)
}

/// Code, container, expected, actual.
type Row<'a> = (Reason, Option<&'a str>, Option<&'a str>, Option<&'a str>);

fn rows(report: &PodReport) -> Vec<Row<'_>> {
    let rows = report.differences.iter().map(|found| {
        (
            found.code,
            found.container.as_deref(),
            found.expected.as_deref(),
            found.actual.as_deref(),
        )
    });
    rows.collect()
}

fn reasons(report: &PodReport) -> Vec<Reason> {
    report.notes.iter().map(|note| note.reason).collect()
}

#[test]
fn the_pod_of_the_document_has_what_it_should() {
    let report = compare(&injected_pod(), &[("role-arn", ROLE)]);
    assert_eq!(rows(&report), []);
    assert_eq!(
        report.controller.as_deref(),
        Some("ReplicaSet/aws-irsa-547cb6d8c7")
    );
    let container = &report.containers[0];
    assert_eq!(container.credentials.as_ref().unwrap().target(), ROLE);
    assert_eq!(container.mounts.len(), 1);
    // Nothing is expected and nothing is there.
    let none = compare(&bare(), &[]);
    assert_eq!(rows(&none), []);
    assert_eq!(reasons(&none), [Reason::NoRoleAnnotation]);
}

#[test]
fn a_pod_with_nothing_was_born_before_the_webhook() {
    let report = compare(&bare(), &[("role-arn", ROLE)]);
    assert_eq!(
        rows(&report),
        [(Reason::BornBeforeWebhook, None, Some(ROLE), None)]
    );
    let difference = &report.differences[0];
    assert!(
        difference.what.contains("2026-11-24T10:00:00Z"),
        "{difference:?}"
    );
    assert!(
        difference
            .fix
            .contains("kubectl -n irsa-test rollout restart deployment/aws-irsa`"),
        "{difference:?}"
    );

    let mut labelled = bare();
    labelled["metadata"]["labels"]["eks.amazonaws.com/skip-pod-identity-webhook"] = json!("true");
    let report = compare(&labelled, &[("role-arn", ROLE)]);
    assert_eq!(
        report.differences[0].code,
        Reason::WebhookSelectorExcludesPod
    );
    let without_webhook = InjectionRules {
        has_webhook: Some(false),
        ..InjectionRules::default()
    };
    let report = compare_by(&bare(), &[("role-arn", ROLE)], &without_webhook);
    assert_eq!(report.differences[0].code, Reason::WebhookMissing);
}

#[test]
fn the_remedy_is_that_of_the_pods_controller() {
    for (owner, hash, part) in [
        (json!([]), "", "no controller"),
        (
            json!([{"kind": "StatefulSet", "name": "db", "controller": true}]),
            "",
            "rollout restart statefulset/db`",
        ),
        (
            json!([{"kind": "DaemonSet", "name": "log", "controller": true}]),
            "",
            "rollout restart daemonset/log`",
        ),
        (
            json!([{"kind": "ReplicaSet", "name": "web-1a", "controller": true}]),
            "1a",
            "rollout restart deployment/web`",
        ),
        (
            json!([{"kind": "ReplicaSet", "name": "bare-rs", "controller": true}]),
            "",
            "delete pod",
        ),
        (
            json!([{"kind": "Job", "name": "once", "controller": true}]),
            "",
            "Job/once makes another",
        ),
        (json!([{"kind": "Node", "name": "n"}]), "", "no controller"),
    ] {
        let mut pod = bare();
        pod["metadata"]["ownerReferences"] = owner;
        pod["metadata"]["labels"]["pod-template-hash"] = json!(hash);
        let fix = remedy::create_anew(&pod);
        assert!(fix.contains(part) && fix.contains("-n irsa-test"), "{fix}");
    }
}

#[test]
fn a_role_that_changed_since_is_stale() {
    let report = compare(&injected_pod(), &[("role-arn", OTHER)]);
    assert_eq!(
        rows(&report),
        [(Reason::StaleRoleInPod, Some("aws"), Some(OTHER), Some(ROLE))]
    );
    let removed = compare(&injected_pod(), &[]);
    assert_eq!(
        rows(&removed),
        [(Reason::StaleRoleInPod, Some("aws"), None, Some(ROLE))]
    );
}

#[test]
fn a_token_that_changed_since_is_stale() {
    let role = ("role-arn", ROLE);
    let audience = compare(&injected_pod(), &[role, ("audience", "openshift")]);
    assert_eq!(
        rows(&audience),
        [(
            Reason::StaleTokenInPod,
            None,
            Some("openshift"),
            Some("sts.amazonaws.com")
        )]
    );
    let life = compare(&injected_pod(), &[role, ("token-expiration", "3600")]);
    assert_eq!(
        rows(&life),
        [(Reason::StaleTokenInPod, None, Some("3600"), Some("86400"))]
    );
    // Drawn at random where the webhook was told so, which every lifetime but a day tells apart.
    let mut drawn = InjectionRules::default();
    drawn.settings.irsa_expiration_jitter = true;
    let mut earlier = injected_pod();
    earlier["spec"]["volumes"][1]["projected"]["sources"][0]["serviceAccountToken"]["expirationSeconds"] =
        json!(83_211);
    assert_eq!(rows(&compare_by(&earlier, &[role], &drawn)), []);
    assert_eq!(
        rows(&compare(&earlier, &[role])),
        [(Reason::StaleTokenInPod, None, Some("86400"), Some("83211"))]
    );
    let elsewhere = InjectionRules {
        settings: Settings {
            token_mount_path: "/elsewhere".to_owned(),
            ..Settings::default()
        },
        ..InjectionRules::default()
    };
    let report = compare_by(&injected_pod(), &[role], &elsewhere);
    let codes: Vec<Reason> = report.differences.iter().map(|found| found.code).collect();
    assert_eq!(
        codes,
        [Reason::StaleTokenInPod; 2],
        "file and mount: {:?}",
        report.differences
    );
}

#[test]
fn a_part_that_is_missing_is_named() {
    let role = ("role-arn", ROLE);
    // A sidecar that another webhook added afterwards.
    let mut sidecar = injected_pod();
    push(
        &mut sidecar["spec"]["containers"],
        json!({"name": "sidecar"}),
    );
    let report = compare(&sidecar, &[role]);
    assert_eq!(
        rows(&report),
        [(
            Reason::InjectionIncomplete,
            Some("sidecar"),
            Some(ROLE),
            None
        )]
    );

    let mut unmounted = injected_pod();
    let container = &mut unmounted["spec"]["containers"][0];
    container["volumeMounts"].as_array_mut().unwrap().pop();
    let report = compare(&unmounted, &[role]);
    let mount = "/var/run/secrets/eks.amazonaws.com/serviceaccount";
    assert_eq!(
        rows(&report),
        [(Reason::InjectionIncomplete, Some("aws"), Some(mount), None)]
    );

    let regional = compare(&injected_pod(), &[role, ("sts-regional-endpoints", "true")]);
    assert_eq!(
        rows(&regional),
        [(
            Reason::InjectionIncomplete,
            Some("aws"),
            Some("regional"),
            None
        )]
    );
    assert!(
        regional.differences[0]
            .what
            .contains("AWS_STS_REGIONAL_ENDPOINTS")
    );

    // A pod that brings all of it under names of its own, and that no webhook has seen.
    let mut by_hand = bare();
    let container = &mut by_hand["spec"]["containers"][0];
    push(
        &mut container["env"],
        json!({"name": "AWS_ROLE_ARN", "value": ROLE}),
    );
    push(
        &mut container["env"],
        json!({"name": "AWS_WEB_IDENTITY_TOKEN_FILE", "value": "/token/own"}),
    );
    let report = compare(&by_hand, &[role]);
    assert_eq!(
        rows(&report),
        [
            (Reason::InjectionIncomplete, Some("aws"), Some(mount), None),
            (
                Reason::InjectionIncomplete,
                None,
                Some("sts.amazonaws.com"),
                None
            ),
        ]
    );
}

#[test]
fn skipped_containers_are_noted_and_differ_only_when_they_have_something() {
    let mut pod = bare();
    pod["metadata"]["annotations"] = json!({"eks.amazonaws.com/skip-containers": "aws"});
    // The webhook adds the volume all the same.
    let volume = injected_pod()["spec"]["volumes"][1].clone();
    push(&mut pod["spec"]["volumes"], volume);
    let report = compare(&pod, &[("role-arn", ROLE)]);
    assert_eq!(rows(&report), []);
    assert_eq!(reasons(&report), [Reason::ContainerSkipped]);
    let late = compare(
        &injected_pod(),
        &[("role-arn", ROLE), ("skip-containers", "aws")],
    );
    assert_eq!(
        rows(&late),
        [(Reason::ContainerSkipped, Some("aws"), None, Some(ROLE))]
    );
}

#[test]
fn a_list_of_containers_to_include_hides_nothing_of_the_account() {
    let list = [("role-arn", ROLE), ("include-containers", "app, worker")];
    let (expected, notes) = ExpectedIdentity::of(&account(&list), &InjectionRules::default());
    assert_eq!(expected.unwrap().variable("AWS_ROLE_ARN"), Some(ROLE));
    assert_eq!(notes, []);
    let report = compare(&injected_pod(), &list);
    assert_eq!(
        rows(&report),
        [(Reason::ContainerSkipped, Some("aws"), None, Some(ROLE))]
    );
}

#[test]
fn an_endpoint_that_the_webhook_gives_is_missed() {
    let mut rules = InjectionRules::default();
    let url = "http://sandbox.podpass.svc:4566";
    rules.settings.endpoint_url = Some(url.parse().unwrap());
    let found = compare_by(&injected_pod(), &[("role-arn", ROLE)], &rules);
    let missing = (Reason::InjectionIncomplete, Some("aws"), Some(url), None);
    assert_eq!(rows(&found), [missing, missing]);
}

#[test]
fn what_is_the_pods_own_is_no_difference() {
    let role = ("role-arn", ROLE);
    // Variables of the pod's own: the injection leaves them, and adds the mount.
    let mut own = injected_pod();
    own["spec"]["containers"][0]["env"] = json!([{"name": "AWS_ROLE_ARN", "value": OTHER}, {"name": "AWS_REGION", "value": "eu-west-1"}]);
    let report = compare(&own, &[role]);
    assert_eq!(rows(&report), []);
    assert_eq!(reasons(&report), [Reason::CredentialsAlreadySet]);

    // A region that the webhook had set is not asked for by default, and one that is asked for is missing.
    let mut with_region = injected_pod();
    for name in ["AWS_DEFAULT_REGION", "AWS_REGION"] {
        push(
            &mut with_region["spec"]["containers"][0]["env"],
            json!({"name": name, "value": "us-west-2"}),
        );
    }
    assert_eq!(rows(&compare(&with_region, &[role])), []);
    let rules = InjectionRules {
        settings: Settings {
            default_region: Some("eu-west-1".to_owned()),
            ..Settings::default()
        },
        ..InjectionRules::default()
    };
    assert_eq!(rows(&compare_by(&with_region, &[role], &rules)), []);
    let missing = compare_by(&injected_pod(), &[role], &rules);
    let region = (
        Reason::InjectionIncomplete,
        Some("aws"),
        Some("eu-west-1"),
        None,
    );
    assert_eq!(rows(&missing), [region, region]);
}

#[test]
fn windows_paths_name_the_same_file() {
    let mut pod = injected_pod();
    pod["spec"]["nodeSelector"] = json!({"kubernetes.io/os": "windows"});
    pod["spec"]["containers"][0]["env"][2]["value"] =
        json!(r"C:\var\run\secrets\eks.amazonaws.com\serviceaccount\token");
    assert_eq!(rows(&compare(&pod, &[("role-arn", ROLE)])), []);
    let stale = compare(&pod, &[("role-arn", OTHER)]);
    assert_eq!(
        rows(&stale),
        [(Reason::StaleRoleInPod, Some("aws"), Some(OTHER), Some(ROLE))]
    );
}

#[test]
fn container_credentials_are_compared_without_their_random_lifetime() {
    let mut rules = InjectionRules::default();
    let identities =
        r#"{"identities": [{"namespace": "irsa-test", "serviceAccount": "irsa-test"}]}"#;
    rules.assignments.container_credentials = ContainerCredentials::parse(identities).unwrap();
    let mut pod = bare();
    pod["metadata"]["labels"]["eks.amazonaws.com/pod-identity"] = json!("enabled");
    let container = &mut pod["spec"]["containers"][0];
    // The names and paths of Amazon's documentation of EKS Pod Identity.
    for (name, value) in [
        (
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
            "http://169.254.170.23/v1/credentials",
        ),
        (
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
            "/var/run/secrets/pods.eks.amazonaws.com/serviceaccount/eks-pod-identity-token",
        ),
    ] {
        push(&mut container["env"], json!({"name": name, "value": value}));
    }
    let mount = json!({"name": "eks-pod-identity-token", "readOnly": true, "mountPath": "/var/run/secrets/pods.eks.amazonaws.com/serviceaccount"});
    push(&mut container["volumeMounts"], mount);
    let token = json!({"audience": "pods.eks.amazonaws.com", "expirationSeconds": 83211, "path": "eks-pod-identity-token"});
    let volume = json!({"name": "eks-pod-identity-token", "projected": {"sources": [{"serviceAccountToken": token}]}});
    push(&mut pod["spec"]["volumes"], volume);
    assert_eq!(rows(&compare_by(&pod, &[], &rules)), []);
    // The same pod where the service account has a role now.
    let stale = compare(&pod, &[("role-arn", ROLE)]);
    let (code, container, expected, actual) = rows(&stale)[0];
    assert_eq!(
        (code, container, expected),
        (Reason::StaleRoleInPod, Some("aws"), Some(ROLE))
    );
    assert_eq!(actual, Some("http://169.254.170.23/v1/credentials"));
}
