//! One mutation of a pod of 2.9 KB, from its JSON to the JSON of the patch.

use std::hint::black_box;

use podpass_inject::{Injection, Pod, Settings, inject};
use podpass_kinds::ServiceAccountView;
use serde_json::Value;

/// A pod with an init container, two containers, and what the API server puts in, as an admission webhook gets it.
pub(crate) fn mutation() -> impl FnMut() {
    let pod: Value = serde_json::from_str(POD).expect("the fixture is JSON");
    // The webhook gets it without white space.
    let text = pod.to_string();
    assert!((2850..2950).contains(&text.len()), "{} bytes", text.len());
    let role = "arn:aws:iam::123456789012:role/irsa-test-irsa-test-credentials";
    let account = ServiceAccountView {
        namespace: "irsa-test".to_owned(),
        name: "irsa-test-service-account".to_owned(),
        uid: None,
        annotations: [("eks.amazonaws.com/role-arn".to_owned(), role.to_owned())].into(),
    };
    let settings = Settings {
        default_region: Some("eu-west-1".to_owned()),
        sts_regional_endpoints: true,
        ..Settings::default()
    };
    move || {
        let pod = Pod::from_json(black_box(text.as_bytes())).expect("the fixture is JSON");
        match inject(&pod, black_box(&account), black_box(&settings)) {
            Injection::Patched(patch) => drop(black_box(patch.to_json())),
            Injection::Unchanged { notes } => unreachable!("nothing was injected: {notes:?}"),
        }
    }
}

const POD: &str = include_str!("../../fixtures/pod.json");
