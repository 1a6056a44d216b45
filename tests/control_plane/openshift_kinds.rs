//! Our minimal definitions of OpenShift's kinds agree with OpenShift's own.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind, Patch, PatchParams};
use podpass_testkit::{OPENSHIFT_KINDS, SharedControlPlane, control_plane_programs, test_data};
use serde_json::{Value, json};

#[test]
fn every_field_exists_in_openshifts_definition_with_the_same_type() {
    let Some(theirs) = test_data("crds") else {
        return;
    };
    let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testcluster/crds");
    let (ours, theirs) = (definitions(&ours), definitions(&theirs));
    assert_eq!(ours.keys().collect::<Vec<_>>(), OPENSHIFT_KINDS.each_ref());
    let mut differences = Vec::new();
    for (name, ours) in &ours {
        compare(name, ours, &theirs[name], &mut differences);
    }
    assert!(differences.is_empty(), "{differences:#?}");
}

#[test]
fn the_comparison_finds_what_differs() {
    let theirs = json!({"properties": {
        "a": {"type": "string", "description": "left out"},
        "b": {"type": "array", "items": {"type": "object", "properties": {}}},
        "c": {"type": "object"},
    }});
    let found = |ours: Value| {
        let mut differences = Vec::new();
        compare("x", &ours, &theirs, &mut differences);
        differences.len()
    };
    assert_eq!(found(json!({"properties": {"a": {"type": "string"}}})), 0);
    assert_eq!(found(json!({"properties": {"a": {"type": "integer"}}})), 1);
    assert_eq!(found(json!({"properties": {"A": {"type": "string"}}})), 1);
    let inner = json!({"properties": {"d": {"type": "string"}}});
    assert_eq!(found(json!({"properties": {"b": {"items": inner}}})), 1);
    let open = json!({"x-kubernetes-preserve-unknown-fields": true});
    assert_eq!(found(json!({"properties": {"c": open}})), 1);
}

/// The definitions in a folder, by name.
fn definitions(folder: &Path) -> BTreeMap<String, Value> {
    let entries = fs::read_dir(folder).unwrap();
    let texts = entries.map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap());
    texts
        .map(|text| serde_saphyr::from_str::<Value>(&text).unwrap())
        .map(|definition| {
            let name = definition["metadata"]["name"].as_str().unwrap().to_owned();
            (name, definition["spec"].clone())
        })
        .collect()
}

/// Each member of ours is theirs: the same scalar, or an object that in turn has only members of theirs.
///
/// What the apiserver would do differently (types, enumerations, defaults, scope, subresources, list keys) is thereby
/// compared; what we leave out is not.
fn compare(place: &str, ours: &Value, theirs: &Value, differences: &mut Vec<String>) {
    match (ours, theirs) {
        (Value::Object(ours), Value::Object(theirs)) => {
            for (name, value) in ours {
                let place = format!("{place}.{name}");
                match theirs.get(name) {
                    Some(other) => compare(&place, value, other, differences),
                    None => differences.push(format!("{place}: OpenShift has no such member")),
                }
            }
        }
        (Value::Array(ours), Value::Array(theirs)) if place.ends_with(".versions") => {
            compare(&format!("{place}[0]"), &ours[0], &theirs[0], differences);
        }
        (Value::Array(ours), Value::Array(theirs)) => {
            let sorted = |list: &[Value]| {
                let mut list: Vec<String> = list.iter().map(Value::to_string).collect();
                list.sort();
                list
            };
            if sorted(ours) != sorted(theirs) {
                differences.push(format!("{place}: {ours:?} and not {theirs:?}"));
            }
        }
        _ if ours == theirs => {}
        _ => differences.push(format!("{place}: {ours} and not {theirs}")),
    }
}

#[tokio::test]
async fn the_api_server_serves_them_and_holds_objects_to_them() {
    let Some(programs) = control_plane_programs() else {
        return;
    };
    let shared = SharedControlPlane::find(&programs).await;
    let kind = GroupVersionKind::gvk("operator.openshift.io", "v1", "CloudCredential");
    let resource = ApiResource::from_gvk_with_plural(&kind, "cloudcredentials");
    let objects: Api<DynamicObject> = Api::all_with(shared.admin(), &resource);
    let name = shared.namespace("kinds").await;
    let apply = async |spec: Value| {
        let object = json!({
            "apiVersion": "operator.openshift.io/v1",
            "kind": "CloudCredential",
            "metadata": {"name": name},
            "spec": spec,
        });
        let parameters = PatchParams::apply("test").force();
        objects
            .patch(&name, &parameters, &Patch::Apply(&object))
            .await
    };

    let kept = apply(json!({"credentialsMode": "Manual"})).await.unwrap();
    // The defaults are OpenShift's.
    assert_eq!(
        kept.data["spec"],
        json!({"credentialsMode": "Manual", "logLevel": "Normal", "operatorLogLevel": "Normal"})
    );
    let refused = apply(json!({"credentialsMode": "manual"}))
        .await
        .unwrap_err();
    assert!(refused.to_string().contains("credentialsMode"), "{refused}");
    let refused = apply(json!({"credentialMode": "Manual"}))
        .await
        .unwrap_err();
    assert!(refused.to_string().contains("credentialMode"), "{refused}");
}
