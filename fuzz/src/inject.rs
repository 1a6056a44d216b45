//! Targets of `podpass-inject`.

use std::sync::LazyLock;

use podpass_inject::{
    AllowedRoles, Assignments, ContainerCredentials, Identity, Injection, Pod, RoleHome, RoleMap,
    Settings, chain_roles, inject, roles,
};
use podpass_kinds::ServiceAccountView;
use podpass_policy::Partition;
use serde_json::{Map, Value, json};

/// Injects into the pod of an AdmissionReview, or into the document itself if it is none.
pub fn pod(data: &[u8]) {
    // What is not JSON, and what has a member twice, is an error and no panic.
    let _ = Pod::from_json(data);
    let Ok(review) = serde_json::from_slice::<Value>(data) else {
        return;
    };
    let pod = review.pointer("/request/object").unwrap_or(&review);
    let role = ("role-arn", "arn:aws:iam::123456789012:role/app");
    let controls = [
        role,
        ("region", "eu-west-1"),
        ("include-containers", "app,init"),
        ("podpass.dev/session-name", "name"),
        (
            "podpass.dev/assume-role-chain",
            "arn:aws:iam::210987654321:role/b",
        ),
    ];
    for account in [account([role]), account(controls)] {
        for settings in [&Settings::default(), &*CONTROLLED] {
            check(pod, Identity::from(&account), settings);
        }
    }
}

/// Reads lines `annotation=value`, those of the pod with a leading `pod:`, and injects into a pod of two containers. What
/// has no domain is of the webhook's. The same text is the list of roles that the namespace allows.
pub fn annotations(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let pairs = text.lines().filter_map(|line| line.split_once('='));
    let (of_pod, of_account): (Vec<_>, Vec<_>) =
        pairs.partition(|(name, _)| name.starts_with("pod:"));
    let of_pod: Map<String, Value> = of_pod
        .into_iter()
        .map(|(name, value)| (full(name.trim_start_matches("pod:")), value.into()))
        .collect();
    let pod = json!({
        "metadata": { "annotations": of_pod },
        "spec": { "containers": [{ "name": "app" }, { "name": "proxy" }] },
    });
    let account = account(of_account);
    let identity = Identity::from(&account);
    for settings in [&Settings::default(), &*CONTROLLED] {
        let injected = check(&pod, identity, settings);
        let roles = roles(identity, settings);
        let told = injected.as_ref().and_then(roles_told);
        assert!(
            told.is_none_or(|told| told == roles),
            "told others than {roles:?}"
        );
        let allowed = AllowedRoles::parse(text);
        if let Err(refusal) = allowed.check(&roles) {
            assert_eq!(roles[refusal.position], refusal.role);
            assert!(!refusal.to_string().is_empty());
        }
        assert_eq!(allowed.check::<&str>(&[]), Ok(()));
    }
}

/// Reads the ConfigMap's roles: each entry is found, or left out and told.
pub fn role_map(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let roles = match RoleMap::parse(text) {
        Ok(roles) => roles,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    let document: Value = serde_json::from_str(text).expect("what was read is JSON");
    let assignments = Assignments {
        roles,
        ..Assignments::default()
    };
    let left_out = assignments.roles.rejected();
    for key in document.as_object().into_iter().flat_map(Map::keys) {
        let mut parts = key.split('/');
        let (namespace, name) = (parts.next().unwrap_or_default(), parts.next());
        if let Some(entry) = left_out.iter().find(|entry| entry.key == *key) {
            assert!(entry.to_string().contains(key) && !entry.problem.is_empty());
            continue;
        }
        let name = name.expect("a key without `/` is left out");
        let role = assignments.roles.get(namespace, name);
        let role = &role.expect("an entry is found by its own key").role_arn;
        let account = named(namespace, name);
        let identity = Identity {
            assignments: Some(&assignments),
            ..Identity::from(&account)
        };
        let injected = check(&one_container(), identity, &Settings::default());
        assert_eq!(injected.is_some(), !role.is_empty(), "{key}");
        let told = injected.as_ref().and_then(roles_told);
        assert!(told.is_none_or(|told| told == [role.as_str()]));
    }
}

/// Reads the file of the service accounts that get container credentials: those get them, and no role.
pub fn container_credentials(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let container_credentials = match ContainerCredentials::parse(text) {
        Ok(container_credentials) => container_credentials,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    let document: Value = serde_json::from_str(text).unwrap_or_default();
    let assignments = Assignments {
        container_credentials,
        ..Assignments::default()
    };
    let listed = document["identities"].as_array().into_iter().flatten();
    for identity in listed {
        let member = |name: &str| identity[name].as_str();
        let (Some(namespace), Some(name)) = (member("namespace"), member("serviceAccount")) else {
            continue;
        };
        assert!(assignments.container_credentials.contains(namespace, name));
        let account = named(namespace, name);
        let identity = Identity {
            assignments: Some(&assignments),
            ..Identity::from(&account)
        };
        let injected = check(&one_container(), identity, &Settings::default());
        let injected = injected.expect("the service account is listed");
        assert_eq!(roles_told(&injected), None);
        assert!(roles(identity, &Settings::default()).is_empty());
    }
}

/// A pod read from its text is the pod, a patch fits it, and a second one finds nothing left to do. Returns the pod with
/// the patch applied, if there is one.
fn check(pod: &Value, identity: Identity<'_>, settings: &Settings) -> Option<Value> {
    let text = pod.to_string();
    let read =
        Pod::from_json(text.as_bytes()).expect("what was printed is JSON without a member twice");
    assert_eq!(
        inject(&read, identity, settings),
        inject(&Pod::from(pod), identity, settings)
    );
    let Injection::Patched(patch) = inject(&Pod::from(pod), identity, settings) else {
        return None;
    };
    assert!(serde_json::from_str::<Value>(&patch.to_json()).is_ok());
    let injected = patch
        .apply(pod)
        .expect("a patch fits the pod it was made for");
    if let Injection::Patched(second) = inject(&Pod::from(&injected), identity, settings) {
        let again = second.apply(&injected).expect("a patch fits its pod");
        assert_eq!(again, injected, "injected twice");
    }
    Some(injected)
}

/// The roles that the first container that has any is told.
fn roles_told(pod: &Value) -> Option<Vec<String>> {
    let containers = pod["spec"]["containers"].as_array()?.iter();
    let variables = containers
        .filter_map(|container| container["env"].as_array())
        .flatten();
    let value = |name| {
        let mut variables = variables.clone();
        variables.find(|variable| variable["name"] == name)?["value"].as_str()
    };
    if value("AWS_CONFIG_FILE").is_some() {
        let config = pod["metadata"]["annotations"]["podpass.dev/aws-config"].as_str()?;
        return Some(chain_roles(config).into_iter().map(str::to_owned).collect());
    }
    Some(vec![value("AWS_ROLE_ARN")?.to_owned()])
}

fn one_container() -> Value {
    json!({"spec": {"containers": [{"name": "app"}]}})
}

/// What an administrator can turn on.
static CONTROLLED: LazyLock<Settings> = LazyLock::new(|| Settings {
    irsa_expiration_jitter: true,
    default_region: Some("eu-west-1".to_owned()),
    sts_regional_endpoints: true,
    compose_role_arn: Some(RoleHome {
        partition: Partition::Aws,
        account: "123456789012".parse().expect("twelve digits"),
    }),
    endpoint_url: "http://sandbox:4566".parse().ok(),
    ..Settings::default()
});

fn account<'a>(annotations: impl IntoIterator<Item = (&'a str, &'a str)>) -> ServiceAccountView {
    let owned = |(name, value): (&str, &str)| (full(name), value.to_owned());
    ServiceAccountView {
        annotations: annotations.into_iter().map(owned).collect(),
        ..named("ns", "sa")
    }
}

fn named(namespace: &str, name: &str) -> ServiceAccountView {
    ServiceAccountView {
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        ..ServiceAccountView::default()
    }
}

/// An annotation's name, with the webhook's domain where it has none.
fn full(name: &str) -> String {
    if name.contains('/') {
        name.to_owned()
    } else {
        format!("eks.amazonaws.com/{name}")
    }
}
