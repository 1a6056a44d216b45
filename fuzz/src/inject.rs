//! Targets of `podpass-inject`.

use podpass_inject::{Injection, Pod, Settings, inject};
use podpass_kinds::ServiceAccountView;
use serde_json::{Map, Value, json};

/// Injects into the pod of an AdmissionReview, or into the document itself if it is none.
pub fn pod(data: &[u8]) {
    // What is not JSON, and what has a member twice, is an error and no panic.
    let _ = Pod::from_json(data);
    let Ok(review) = serde_json::from_slice::<Value>(data) else {
        return;
    };
    let pod = review.pointer("/request/object").unwrap_or(&review);
    let role = [("role-arn", "arn:aws:iam::123456789012:role/app")];
    check(pod, &account(role));
}

/// Reads lines `annotation=value`, those of the pod with a leading `pod:`, and injects into a pod of two containers.
pub fn annotations(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let pairs = text.lines().filter_map(|line| line.split_once('='));
    let (of_pod, of_account): (Vec<_>, Vec<_>) =
        pairs.partition(|(name, _)| name.starts_with("pod:"));
    let of_pod: Map<String, Value> = of_pod
        .into_iter()
        .map(|(name, value)| {
            let name = name.trim_start_matches("pod:");
            (format!("eks.amazonaws.com/{name}"), value.into())
        })
        .collect();
    let pod = json!({
        "metadata": { "annotations": of_pod },
        "spec": { "containers": [{ "name": "app" }, { "name": "proxy" }] },
    });
    check(&pod, &account(of_account));
}

/// A pod read from its text is the pod, a patch fits it, and a second one finds nothing left to do.
fn check(pod: &Value, account: &ServiceAccountView) {
    let settings = Settings::default();
    let text = pod.to_string();
    let read =
        Pod::from_json(text.as_bytes()).expect("what was printed is JSON without a member twice");
    assert_eq!(
        inject(&read, account, &settings),
        inject(&Pod::from(pod), account, &settings)
    );
    let Injection::Patched(patch) = inject(&Pod::from(pod), account, &settings) else {
        return;
    };
    assert!(serde_json::from_str::<Value>(&patch.to_json()).is_ok());
    let injected = patch
        .apply(pod)
        .expect("a patch fits the pod it was made for");
    if let Injection::Patched(second) = inject(&Pod::from(&injected), account, &settings) {
        let again = second.apply(&injected).expect("a patch fits its pod");
        assert_eq!(again, injected, "injected twice");
    }
}

fn account<'a>(annotations: impl IntoIterator<Item = (&'a str, &'a str)>) -> ServiceAccountView {
    let prefixed =
        |(name, value): (&str, &str)| (format!("eks.amazonaws.com/{name}"), value.to_owned());
    ServiceAccountView {
        namespace: "ns".to_owned(),
        name: "sa".to_owned(),
        uid: None,
        annotations: annotations.into_iter().map(prefixed).collect(),
    }
}
