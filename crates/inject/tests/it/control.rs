//! What the peer does not know: regions, lists of containers to include, spread lifetimes, an endpoint in place of AWS, the
//! roles that a pod gets, and names of annotations that nobody reads.

use podpass_inject::{
    Assignments, ContainerCredentials, EndpointUrl, Identity, Note, RoleHome, RoleMap, Settings,
    roles,
};
use podpass_kinds::{Reason, ServiceAccountView};
use podpass_policy::Partition;
use serde_json::{Value, json};

use crate::support::*;

fn annotated_pod(annotations: &[(&str, &str)], containers: &Value) -> Value {
    let annotations: serde_json::Map<String, Value> = annotations
        .iter()
        .map(|(key, value)| (format!("eks.amazonaws.com/{key}"), json!(value)))
        .collect();
    json!({"metadata": {"annotations": annotations}, "spec": {"containers": containers}})
}

fn variable<'v>(container: &'v Value, name: &str) -> Option<&'v str> {
    let env = container["env"].as_array()?;
    let found = env.iter().find(|variable| variable["name"] == name)?;
    found["value"].as_str()
}

/// Which of the containers get something.
fn injected(pod: &Value) -> Vec<&str> {
    let containers = pod["spec"]["containers"].as_array().unwrap().iter();
    let injected = containers.filter(|container| container.get("env").is_some());
    injected
        .map(|container| container["name"].as_str().unwrap())
        .collect()
}

fn messages(notes: &[Note]) -> String {
    let messages: Vec<String> = notes.iter().map(ToString::to_string).collect();
    messages.join("\n")
}

// === Region ===

#[test]
fn region_of_the_pod_beats_that_of_the_account_beats_the_setting() {
    let invalid = Reason::RegionInvalid;
    for (of_pod, of_account, of_settings, expected, noted) in [
        (None, None, None, None, &[][..]),
        (None, None, Some("eu-west-1"), Some("eu-west-1"), &[]),
        (
            None,
            Some("us-east-2"),
            Some("eu-west-1"),
            Some("us-east-2"),
            &[],
        ),
        (None, Some("us-east-2"), None, Some("us-east-2"), &[]),
        (
            Some("cn-north-1"),
            Some("us-east-2"),
            Some("eu-west-1"),
            Some("cn-north-1"),
            &[],
        ),
        (
            Some("mars"),
            Some("us-east-2"),
            None,
            Some("us-east-2"),
            &[invalid],
        ),
        (
            Some(""),
            Some("US-EAST-2"),
            Some("eu-west-1"),
            Some("eu-west-1"),
            &[invalid, invalid],
        ),
    ] {
        let of_pod: Vec<_> = of_pod
            .map(|region| ("region", region))
            .into_iter()
            .collect();
        let pod = annotated_pod(&of_pod, &json!([{"name": "c"}]));
        let mut annotations = vec![("role-arn", ROLE)];
        annotations.extend(of_account.map(|region| ("region", region)));
        let settings = Settings {
            default_region: of_settings.map(str::to_owned),
            ..Settings::default()
        };
        let (after, notes) = run(&pod, &account(&annotations), &settings);
        let container = &after["spec"]["containers"][0];
        for name in ["AWS_REGION", "AWS_DEFAULT_REGION"] {
            assert_eq!(variable(container, name), expected, "{of_pod:?} {name}");
        }
        assert_eq!(reasons(&notes), noted, "{of_pod:?}");
        if let [first, ..] = &notes[..] {
            let place = "/metadata/annotations/eks.amazonaws.com~1region";
            assert_eq!(first.pointer, place);
        }
    }
}

#[test]
fn an_annotated_region_is_suppressed_as_the_default_one() {
    for own in ["AWS_REGION", "AWS_DEFAULT_REGION"] {
        let containers = json!([{"name": "c", "env": [{"name": own, "value": "x"}]}]);
        let pod = annotated_pod(&[("region", "eu-west-1")], &containers);
        let (after, _) = run(&pod, &account_with_role(), &Settings::default());
        let container = &after["spec"]["containers"][0];
        assert_eq!(variable(container, own), Some("x"));
        assert_eq!(
            env_names(container),
            [own, "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE"]
        );
    }
}

// === Lists of containers ===

fn containers() -> Value {
    json!([{"name": "app"}, {"name": "proxy"}, {"name": "log"}])
}

#[test]
fn included_containers_are_the_only_ones() {
    let skipped = Reason::ContainerSkipped;
    for (name, of_pod, of_account, expected) in [
        ("none", vec![], vec![], &["app", "proxy", "log"][..]),
        (
            "pod",
            vec![("include-containers", "app, log")],
            vec![],
            &["app", "log"],
        ),
        (
            "account",
            vec![],
            vec![("include-containers", "\"app\"")],
            &["app"],
        ),
        (
            "the pod's list stands in place of the account's",
            vec![("include-containers", "proxy")],
            vec![("include-containers", "app")],
            &["proxy"],
        ),
        (
            "skipping wins",
            vec![
                ("include-containers", "app,log"),
                ("skip-containers", "app"),
            ],
            vec![("skip-containers", "proxy")],
            &["log"],
        ),
        (
            "the account's skip list too",
            vec![("include-containers", "app,log")],
            vec![("skip-containers", "log")],
            &["app"],
        ),
        (
            "the first record only",
            vec![("include-containers", "\n\napp,\nlog")],
            vec![],
            &["app"],
        ),
    ] {
        let mut annotations = vec![("role-arn", ROLE)];
        annotations.extend(of_account);
        let pod = annotated_pod(&of_pod, &containers());
        let (after, notes) = run(&pod, &account(&annotations), &Settings::default());
        assert_eq!(injected(&after), expected, "{name}");
        assert_eq!(reasons(&notes), vec![skipped; 3 - expected.len()], "{name}");
    }
}

#[test]
fn init_containers_are_chosen_too() {
    let mut pod = annotated_pod(&[("include-containers", "init")], &containers());
    pod["spec"]["initContainers"] = json!([{"name": "init"}, {"name": "setup"}]);
    let (after, _) = run(&pod, &account_with_role(), &Settings::default());
    assert_eq!(injected(&after), [""; 0]);
    let init = &after["spec"]["initContainers"];
    assert!(init[0].get("env").is_some() && init[1].get("env").is_none());
}

#[test]
fn an_include_list_that_is_none_counts_for_nothing() {
    for (list, problem) in [
        ("\"app", "quote"),
        ("a\"b", "quote"),
        ("", "names no container"),
        (" ,", "names no container"),
        ("\napp\n", ""),
    ] {
        let pod = annotated_pod(&[("include-containers", list)], &containers());
        let (after, notes) = run(&pod, &account_with_role(), &Settings::default());
        if problem.is_empty() {
            assert_eq!(injected(&after), ["app"]);
            continue;
        }
        assert_eq!(injected(&after).len(), 3, "{list}");
        assert_eq!(reasons(&notes), [Reason::IncludeContainersInvalid]);
        assert!(notes[0].message.contains(problem), "{}", notes[0]);
        assert_eq!(
            notes[0].pointer,
            "/metadata/annotations/eks.amazonaws.com~1include-containers"
        );
        // The account's list is there behind it.
        let account = account(&[("role-arn", ROLE), ("include-containers", "log")]);
        let (after, _) = run(&pod, &account, &Settings::default());
        assert_eq!(injected(&after), ["log"], "{list}");
    }
}

#[test]
fn names_of_containers_that_are_not_there_are_noted() {
    let unknown = |notes: &[Note]| -> Vec<Note> {
        let notes = notes
            .iter()
            .filter(|note| note.reason == Reason::ContainerUnknown);
        notes.cloned().collect()
    };
    // Both names of the pod's list that are wrong.
    let pod = annotated_pod(&[("include-containers", "app,ap,App")], &containers());
    let (_, notes) = run(&pod, &account_with_role(), &Settings::default());
    let found = unknown(&notes);
    assert_eq!(found.len(), 2, "{}", messages(&notes));
    assert!(found[0].message.contains("`ap`") && found[1].message.contains("`App`"));

    // A service account has other pods too.
    for (list, expected) in [("app,worker", 0), ("worker,sidecar", 2)] {
        let account = account(&[("role-arn", ROLE), ("include-containers", list)]);
        let (_, notes) = run(
            &annotated_pod(&[], &containers()),
            &account,
            &Settings::default(),
        );
        assert_eq!(unknown(&notes).len(), expected, "{}", messages(&notes));
    }

    // Blanks where commas belong, in either list; a skip list may name what is added later.
    for (list, value, expected) in [
        ("include-containers", "app proxy,log", 1),
        ("skip-containers", "app proxy", 1),
        ("skip-containers", "added-later", 0),
    ] {
        let pod = annotated_pod(&[(list, value)], &containers());
        let (_, notes) = run(&pod, &account_with_role(), &Settings::default());
        let found = unknown(&notes);
        assert_eq!(found.len(), expected, "{}", messages(&notes));
        if let [note] = &found[..] {
            assert!(note.message.contains("`app proxy`") && note.message.contains("commas"));
            let place = format!("/metadata/annotations/eks.amazonaws.com~1{list}");
            assert_eq!(note.pointer, place);
        }
    }
}

// === Lifetimes ===

#[test]
fn lifetimes_of_a_day_are_spread_where_the_settings_ask_for_it() {
    let jitter = Settings {
        irsa_expiration_jitter: true,
        ..Settings::default()
    };
    let off = Settings::default();
    let mapped = Assignments {
        roles: RoleMap::parse(&json!({"ns/sa": {"RoleARN": ROLE}}).to_string()).unwrap(),
        ..Assignments::default()
    };
    for (settings, annotation, draw, expected) in [
        (&off, None, 0, 86_400),
        // The peer's interval for container credentials, both ends included.
        (&jitter, None, 0, 79_200),
        (&jitter, None, u32::MAX, 86_400),
        (&jitter, None, 1 << 31, 82_800),
        (&jitter, Some("86400"), 0, 79_200),
        (&jitter, Some("3600"), 0, 3_600),
        (&jitter, Some("172800"), 0, 172_800),
    ] {
        let annotation: Vec<_> = annotation
            .map(|text| ("token-expiration", text))
            .into_iter()
            .collect();
        let pod = annotated_pod(&annotation, &json!([{"name": "c"}]));
        for (account, assignments) in [(account_with_role(), None), (account(&[]), Some(&mapped))] {
            let identity = Identity {
                service_account: &account,
                assignments,
                draw,
            };
            let (after, notes) = run(&pod, identity, settings);
            assert_eq!(projection(&after)["expirationSeconds"], expected, "{draw}");
            assert_eq!(notes, []);
        }
    }
}

// === Endpoint ===

#[test]
fn the_endpoint_stands_behind_all_other_variables() {
    let url = "http://sandbox.podpass.svc:4566";
    let settings = Settings {
        default_region: Some("eu-west-1".to_owned()),
        sts_regional_endpoints: true,
        endpoint_url: Some(url.parse::<EndpointUrl>().unwrap()),
        ..Settings::default()
    };
    let mut account = account_with_role();
    let name = "podpass.dev/session-name".to_owned();
    account.annotations.insert(name, "uid".to_owned());
    let (after, _) = run(&pod_with(json!({"name": "c"})), &account, &settings);
    let container = &after["spec"]["containers"][0];
    assert_eq!(
        env_names(container),
        [
            "AWS_STS_REGIONAL_ENDPOINTS",
            "AWS_DEFAULT_REGION",
            "AWS_REGION",
            "AWS_ROLE_ARN",
            "AWS_WEB_IDENTITY_TOKEN_FILE",
            "AWS_ROLE_SESSION_NAME",
            "AWS_ENDPOINT_URL_STS",
            "AWS_ENDPOINT_URL",
        ]
    );
    for name in ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_STS"] {
        assert_eq!(variable(container, name), Some(url));
    }
}

#[test]
fn a_containers_own_endpoint_stays() {
    let settings = Settings {
        endpoint_url: Some("http://sandbox".parse().unwrap()),
        ..Settings::default()
    };
    let credentials = ["AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE"];
    for (own, added) in [
        ("AWS_ENDPOINT_URL", &[][..]),
        ("AWS_ENDPOINT_URL_STS", &["AWS_ENDPOINT_URL"]),
        (
            "AWS_ENDPOINT_URL_S3",
            &["AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL"],
        ),
    ] {
        let env = json!([{"name": own, "valueFrom": {"fieldRef": {"fieldPath": "status.hostIP"}}}]);
        let pod = pod_with(json!({"name": "c", "env": env}));
        let (after, _) = run(&pod, &account_with_role(), &settings);
        let container = &after["spec"]["containers"][0];
        let expected = [&[own][..], &credentials, added].concat();
        assert_eq!(env_names(container), expected);
        assert_eq!(container["env"][0], env[0]);
    }
    // The peer's early exit leaves a container without a mount; here the endpoint is still missing.
    let all = ["AWS_ROLE_ARN", "AWS_REGION", "AWS_STS_REGIONAL_ENDPOINTS"];
    let mut env: Vec<Value> = all.map(|name| json!({"name": name})).into();
    let (after, _) = run(
        &pod_with(json!({"name": "c", "env": env})),
        &account_with_role(),
        &settings,
    );
    assert!(env_names(&after["spec"]["containers"][0]).contains(&"AWS_ENDPOINT_URL"));
    env.push(json!({"name": "AWS_ENDPOINT_URL"}));
    let pod = pod_with(json!({"name": "c", "env": env}));
    let (after, _) = run(&pod, &account_with_role(), &settings);
    assert_eq!(after["spec"]["containers"], pod["spec"]["containers"]);
}

// === Roles ===

#[test]
fn roles_are_those_that_are_injected() {
    let target = "arn:aws:iam::210987654321:role/target";
    let chained = |mut account: ServiceAccountView, chain: &str| {
        let name = "podpass.dev/assume-role-chain".to_owned();
        account.annotations.insert(name, chain.to_owned());
        account
    };
    let file = r#"{"identities": [{"namespace": "ns", "serviceAccount": "sa"}]}"#;
    let container = Assignments {
        container_credentials: ContainerCredentials::parse(file).unwrap(),
        ..Assignments::default()
    };
    let mapped = Assignments {
        roles: RoleMap::parse(&json!({"*/sa": {"RoleARN": ROLE}}).to_string()).unwrap(),
        ..Assignments::default()
    };
    let composed = Settings {
        compose_role_arn: Some(RoleHome {
            partition: Partition::Aws,
            account: "123456789012".parse().unwrap(),
        }),
        ..Settings::default()
    };
    let plain = Settings::default();
    for (name, account, assignments, settings, expected) in [
        ("annotated", account_with_role(), None, &plain, vec![ROLE]),
        ("nothing", account(&[]), None, &plain, vec![]),
        ("empty", account(&[("role-arn", "")]), None, &plain, vec![]),
        ("mapped", account(&[]), Some(&mapped), &plain, vec![ROLE]),
        (
            "composed",
            account(&[("role-arn", "app")]),
            None,
            &composed,
            vec![ROLE],
        ),
        (
            "malformed",
            account(&[("role-arn", "app")]),
            None,
            &plain,
            vec!["app"],
        ),
        (
            "chain",
            chained(account_with_role(), &format!("{target}, x\ny")),
            None,
            &plain,
            vec![ROLE, target, "x?y"],
        ),
        (
            // A namespace's pattern for the first role would cover the whole text, and SDKs would read a second one.
            "chain of a role with a line break",
            chained(
                account(&[("role-arn", "role\n[default]\nrole_arn = other")]),
                target,
            ),
            None,
            &plain,
            vec!["role?[default]?role_arn = other", target],
        ),
        (
            "chain of a mapped role",
            chained(account(&[]), target),
            Some(&mapped),
            &plain,
            vec![ROLE, target],
        ),
        (
            "container credentials",
            chained(account_with_role(), target),
            Some(&container),
            &plain,
            vec![],
        ),
    ] {
        let identity = Identity {
            assignments,
            ..Identity::from(&account)
        };
        assert_eq!(roles(identity, settings), expected, "{name}");
        // The same as a container is told.
        let (after, _) = run(&pod_with(json!({"name": "c"})), identity, settings);
        let role = variable(&after["spec"]["containers"][0], "AWS_ROLE_ARN");
        let config = after["metadata"]["annotations"]["podpass.dev/aws-config"].as_str();
        let told = config.map_or_else(|| role.into_iter().collect(), podpass_inject::chain_roles);
        assert_eq!(told, expected, "{name}");
    }
}

// === Names ===

#[test]
fn annotations_that_nobody_reads_are_noted() {
    let mut account = account_with_role();
    for name in [
        "eks.amazonaws.com/fs-group",
        "eks.amazon.com/audience",
        "iam.amazonaws.com/role",
        "kubectl.kubernetes.io/last-applied-configuration",
    ] {
        account.annotations.insert(name.to_owned(), "x".to_owned());
    }
    let pod = json!({
        "metadata": {"annotations": {
            "eks.amazonaws.com/role-arn": ROLE,
            "eks.amazonaws.com/skip_containers": "c",
            "prometheus.io/scrape": "true",
        }},
        "spec": {"containers": [{"name": "c"}]},
    });
    let (after, notes) = run(&pod, &account, &Settings::default());
    assert_eq!(injected(&after), ["c"]);
    let (lookalike, without_effect) =
        (Reason::AnnotationLookalike, Reason::AnnotationWithoutEffect);
    let found: Vec<(Reason, &str, &str)> = notes
        .iter()
        .map(|note| (note.reason, note.pointer.as_str(), note.message.as_str()))
        .collect();
    assert_eq!(
        found,
        [
            (
                lookalike,
                "",
                "annotation `eks.amazon.com/audience` is not `eks.amazonaws.com/audience` and is ignored"
            ),
            (
                without_effect,
                "",
                "annotation `eks.amazonaws.com/fs-group` has no effect on a service account"
            ),
            (
                lookalike,
                "",
                "annotation `iam.amazonaws.com/role` is not `eks.amazonaws.com/role-arn` and is ignored"
            ),
            (
                without_effect,
                "/metadata/annotations/eks.amazonaws.com~1role-arn",
                "annotation `eks.amazonaws.com/role-arn` has no effect on a pod; that one belongs on a service account"
            ),
            (
                lookalike,
                "/metadata/annotations/eks.amazonaws.com~1skip_containers",
                "annotation `eks.amazonaws.com/skip_containers` is not `eks.amazonaws.com/skip-containers` and is ignored"
            ),
        ]
    );
}

#[test]
fn a_service_account_without_role_says_what_may_have_been_meant() {
    for key in [
        "eks.amazon.com/role-arn",
        "eks.amazonaws.com/rolearn",
        "eks.amazonaws.com/Role-Arn",
        "eks.amazonaws.com/role_arn",
        "EKS.AMAZONAWS.COM/role-arn",
        "iam.amazonaws.com/role",
    ] {
        let mut account = account(&[]);
        account.annotations.insert(key.to_owned(), ROLE.to_owned());
        let (_, notes) = run(
            &pod_with(json!({"name": "c"})),
            &account,
            &Settings::default(),
        );
        assert_eq!(
            reasons(&notes),
            [Reason::NoRoleAnnotation, Reason::AnnotationLookalike],
            "{key}"
        );
        assert!(notes[1].message.contains(key), "{}", notes[1]);
    }
}

#[test]
fn thousands_of_wrong_names_are_not_all_noted() {
    let mut account = account_with_role();
    for index in 0..5000 {
        let key = format!("eks.amazonaws.com/unknown-{index}");
        account.annotations.insert(key, String::new());
    }
    let pod = pod_with(json!({"name": "c"}));
    let (after, notes) = run(&pod, &account, &Settings::default());
    assert_eq!(injected(&after), ["c"]);
    assert_eq!(notes.len(), 10);
}
