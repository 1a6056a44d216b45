//! Roles that stand elsewhere than in an ARN on the service account: the ConfigMap, and names without an ARN.

use podpass_inject::{Assignments, Identity, RoleHome, RoleMap, Settings};
use podpass_kinds::{Reason, ServiceAccountView};
use podpass_policy::Partition;
use serde_json::{Value, json};

use crate::support::*;

fn mapped(config: &str, account: &ServiceAccountView, settings: &Settings) -> (Value, Vec<Reason>) {
    let assignments = Assignments {
        roles: RoleMap::parse(config).unwrap(),
        ..Assignments::default()
    };
    let identity = Identity {
        assignments: Some(&assignments),
        ..Identity::from(account)
    };
    let (pod, notes) = run(&pod_with(json!({"name": "c"})), identity, settings);
    (pod, reasons(&notes))
}

fn env(pod: &Value, name: &str) -> Value {
    let env = pod["spec"]["containers"][0]["env"].as_array();
    let found = env.and_then(|env| env.iter().find(|variable| variable["name"] == name));
    found.map_or(Value::Null, |variable| variable["value"].clone())
}

const OTHER: &str = "arn:aws:iam::123456789012:role/mapped";

#[test]
fn annotation_wins_over_the_config_map() {
    let config = format!(
        r#"{{"ns/sa": {{"RoleARN": "{OTHER}", "Audience": "x", "UseRegionalSTS": true, "TokenExpiration": 700}}}}"#
    );
    let (pod, _) = mapped(&config, &account_with_role(), &Settings::default());
    assert_eq!(env(&pod, "AWS_ROLE_ARN"), ROLE);
    assert_eq!(env(&pod, "AWS_STS_REGIONAL_ENDPOINTS"), Value::Null);
    assert_eq!(
        projection(&pod),
        json!({"audience": "sts.amazonaws.com", "expirationSeconds": 86_400, "path": "token"})
    );
}

#[test]
fn entry_of_the_config_map_gives_the_role() {
    for key in ["ns/sa", "*/sa"] {
        let config = format!(r#"{{"{key}": {{"RoleARN": "{OTHER}"}}}}"#);
        for account in [account(&[]), account(&[("role-arn", "")])] {
            let (pod, reasons) = mapped(&config, &account, &Settings::default());
            assert_eq!(env(&pod, "AWS_ROLE_ARN"), OTHER, "{key}");
            assert_eq!(reasons, [], "{key}");
        }
    }
    for config in [
        r#"{"ns/sa": {"RoleARN": ""}}"#,
        r#"{"ns/sa": {}}"#,
        r#"{"other/sa": {"RoleARN": "x"}}"#,
        // The exact entry hides the one for any namespace.
        r#"{"ns/sa": {}, "*/sa": {"RoleARN": "x"}}"#,
    ] {
        let (_, reasons) = mapped(config, &account(&[]), &Settings::default());
        assert_eq!(reasons, [Reason::NoRoleAnnotation], "{config}");
    }
}

#[test]
fn entry_wins_where_it_says_something_then_annotations_then_settings() {
    let settings = Settings {
        token_audience: "flag".to_owned(),
        token_expiration: 4000,
        sts_regional_endpoints: true,
        ..Settings::default()
    };
    let annotated = account(&[
        ("audience", "annotation"),
        ("token-expiration", "5000"),
        ("sts-regional-endpoints", "false"),
    ]);
    let outcome = |entry: &str, account: &ServiceAccountView| {
        let config = format!(r#"{{"ns/sa": {{"RoleARN": "{OTHER}"{entry}}}}}"#);
        let (pod, _) = mapped(&config, account, &settings);
        let regional = env(&pod, "AWS_STS_REGIONAL_ENDPOINTS") == "regional";
        let token = projection(&pod);
        (
            token["audience"].clone(),
            token["expirationSeconds"].as_i64().unwrap(),
            regional,
        )
    };
    let full = r#", "Audience": "entry", "TokenExpiration": 6000, "UseRegionalSTS": true"#;
    assert_eq!(outcome(full, &annotated), (json!("entry"), 6000, true));
    assert_eq!(outcome("", &annotated), (json!("annotation"), 5000, false));
    assert_eq!(outcome("", &account(&[])), (json!("flag"), 4000, true));
    let explicit = r#", "Audience": "", "TokenExpiration": -7, "UseRegionalSTS": false"#;
    // The peer puts -7 into the pod, which the API server then refuses.
    assert_eq!(outcome(explicit, &account(&[])), (Value::Null, 600, false));
}

#[test]
fn name_without_an_arn_is_composed() {
    let settings = Settings {
        compose_role_arn: Some(RoleHome {
            partition: Partition::AwsCn,
            account: "123456789012".parse().unwrap(),
        }),
        ..Settings::default()
    };
    for (annotation, expected) in [
        ("s3", "arn:aws-cn:iam::123456789012:role/s3"),
        ("path/s3", "arn:aws-cn:iam::123456789012:role/path/s3"),
        ("role/x", "arn:aws-cn:iam::123456789012:role/role/x"),
        ("/x", "arn:aws-cn:iam::123456789012:role//x"),
        (ROLE, ROLE),
    ] {
        let (pod, notes) = run(
            &pod_with(json!({"name": "c"})),
            &account(&[("role-arn", annotation)]),
            &settings,
        );
        assert_eq!(env(&pod, "AWS_ROLE_ARN"), expected, "{annotation}");
        assert_eq!(reasons(&notes), [], "{annotation}");
    }
    // The peer makes `arn:…:role/` of an empty annotation.
    let (_, notes) = run(
        &pod_with(json!({"name": "c"})),
        &account(&[("role-arn", "")]),
        &settings,
    );
    assert_eq!(reasons(&notes), [Reason::NoRoleAnnotation]);
    // Entries of the ConfigMap are not composed.
    let (pod, reasons) = mapped(r#"{"ns/sa": {"RoleARN": "s3"}}"#, &account(&[]), &settings);
    assert_eq!(env(&pod, "AWS_ROLE_ARN"), "s3");
    assert_eq!(reasons, [Reason::BadRoleArn]);
}
