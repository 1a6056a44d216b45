//! Annotations and settings: what each means, and which wins.

use podpass_inject::{Injection, Pod, Settings, inject};
use podpass_kinds::Reason;
use serde_json::{Value, json};

use crate::support::*;

#[test]
fn service_account_without_role_gets_nothing() {
    for annotations in [
        &[][..],
        &[("role-arn", "")],
        &[("audience", "x"), ("token-expiration", "700")],
    ] {
        let pod = pod_with(json!({"name": "c"}));
        let Injection::Unchanged { notes } = inject(
            &Pod::from(&pod),
            &account(annotations),
            &Settings::default(),
        ) else {
            panic!("{annotations:?}")
        };
        assert_eq!(reasons(&notes), [Reason::NoRoleAnnotation]);
        assert!(
            notes[0].message.contains("`ns/sa`")
                && notes[0].message.contains("eks.amazonaws.com/role-arn")
        );
    }
}

#[test]
fn annotation_prefix_is_the_settings() {
    let settings = Settings {
        annotation_prefix: "irsa.example.com".to_owned(),
        ..Settings::default()
    };
    let pod = pod_with(json!({"name": "c"}));
    assert!(matches!(
        inject(&Pod::from(&pod), &account_with_role(), &settings),
        Injection::Unchanged { .. }
    ));
    let mut account = account(&[]);
    account
        .annotations
        .insert("irsa.example.com/role-arn".to_owned(), ROLE.to_owned());
    assert!(matches!(
        inject(&Pod::from(&pod), &account, &settings),
        Injection::Patched(_)
    ));
}

#[test]
fn malformed_role_is_injected_verbatim_with_a_note() {
    for role in [
        "s3-reader",
        " arn:aws:iam::123456789012:role/a ",
        "arn:aws:iam::123456789012:user/a",
        "a\nb",
    ] {
        let (pod, notes) = run(
            &pod_with(json!({"name": "c"})),
            &account(&[("role-arn", role)]),
            &Settings::default(),
        );
        assert_eq!(pod["spec"]["containers"][0]["env"][0]["value"], role);
        assert_eq!(reasons(&notes), [Reason::BadRoleArn], "{role}");
    }
}

#[test]
fn skip_list_that_is_no_list_skips_nothing_with_a_note() {
    let mut pod = pod_with(json!({"name": "c"}));
    pod["metadata"] = json!({"annotations": {"eks.amazonaws.com/skip-containers": "\"c"}});
    let (after, notes) = run(&pod, &account_with_role(), &Settings::default());
    assert_eq!(env_names(&after["spec"]["containers"][0]).len(), 2);
    assert_eq!(reasons(&notes), [Reason::SkipContainersInvalid]);
    assert_eq!(
        notes[0].pointer,
        "/metadata/annotations/eks.amazonaws.com~1skip-containers"
    );
}

#[test]
fn skip_lists_of_pod_and_service_account_both_count() {
    let account = account(&[("role-arn", ROLE), ("skip-containers", "a, b")]);
    let pod = json!({
        "metadata": {"annotations": {"eks.amazonaws.com/skip-containers": "c"}},
        "spec": {"containers": [{"name": "a"}, {"name": "b"}, {"name": "c"}, {"name": "d"}]}
    });
    let (after, notes) = run(&pod, &account, &Settings::default());
    let counts: Vec<usize> = (0..4)
        .map(|index| env_names(&after["spec"]["containers"][index]).len())
        .collect();
    assert_eq!(counts, [0, 0, 0, 2]);
    assert_eq!(reasons(&notes), [Reason::ContainerSkipped; 3]);
}

#[test]
fn expiration_of_the_pod_beats_that_of_the_account_beats_the_setting() {
    let cases = [
        ("setting", None, None, 3_600, 3_600_i64, &[][..]),
        ("account", None, Some("7200"), 3_600, 7_200, &[]),
        ("pod", Some("900"), Some("7200"), 3_600, 900, &[]),
        (
            "pod too short",
            Some("599"),
            Some("7200"),
            3_600,
            600,
            &[Reason::TokenExpirationTooShort],
        ),
        (
            "negative",
            Some("-1"),
            None,
            3_600,
            600,
            &[Reason::TokenExpirationTooShort],
        ),
        (
            "account too short",
            None,
            Some("0"),
            3_600,
            600,
            &[Reason::TokenExpirationTooShort],
        ),
        (
            "setting too short",
            None,
            None,
            1,
            600,
            &[Reason::TokenExpirationTooShort],
        ),
        (
            "pod unreadable",
            Some("1h"),
            Some("7200"),
            3_600,
            7_200,
            &[Reason::TokenExpirationInvalid],
        ),
        (
            "both unreadable",
            Some(" 700"),
            Some(""),
            3_600,
            3_600,
            &[
                Reason::TokenExpirationInvalid,
                Reason::TokenExpirationInvalid,
            ],
        ),
        (
            "too long",
            Some("999999999999"),
            None,
            3_600,
            999_999_999_999,
            &[Reason::TokenExpirationTooLong],
        ),
    ];
    for (name, of_pod, of_account, of_settings, expected, expected_reasons) in cases {
        let mut pod = pod_with(json!({"name": "c"}));
        if let Some(text) = of_pod {
            pod["metadata"] = json!({"annotations": {"eks.amazonaws.com/token-expiration": text}});
        }
        let mut annotations = vec![("role-arn", ROLE)];
        annotations.extend(of_account.map(|text| ("token-expiration", text)));
        let settings = Settings {
            token_expiration: of_settings,
            ..Settings::default()
        };
        let (after, notes) = run(&pod, &account(&annotations), &settings);
        assert_eq!(
            projection(&after)["expirationSeconds"],
            json!(expected),
            "{name}"
        );
        assert_eq!(reasons(&notes), expected_reasons, "{name}");
    }
}

#[test]
fn audience_is_the_accounts_or_the_settings_and_empty_is_left_out() {
    let cases = [
        (
            "default",
            None,
            "sts.amazonaws.com",
            Some("sts.amazonaws.com"),
        ),
        (
            "account",
            Some("openshift"),
            "sts.amazonaws.com",
            Some("openshift"),
        ),
        (
            "no splitting",
            Some("a, b"),
            "sts.amazonaws.com",
            Some("a, b"),
        ),
        ("account empty", Some(""), "sts.amazonaws.com", None),
        ("setting empty", None, "", None),
    ];
    for (name, of_account, of_settings, expected) in cases {
        let mut annotations = vec![("role-arn", ROLE)];
        annotations.extend(of_account.map(|text| ("audience", text)));
        let settings = Settings {
            token_audience: of_settings.to_owned(),
            ..Settings::default()
        };
        let (after, _) = run(
            &pod_with(json!({"name": "c"})),
            &account(&annotations),
            &settings,
        );
        assert_eq!(
            projection(&after).get("audience").and_then(Value::as_str),
            expected,
            "{name}"
        );
    }
}

#[test]
fn regional_sts_of_the_account_beats_the_setting() {
    let cases = [
        (None, true, true),
        (None, false, false),
        (Some("true"), false, true),
        (Some("f"), true, false),
        (Some("yes"), true, true),
        (Some("yes"), false, false),
    ];
    for (of_account, of_settings, expected) in cases {
        let mut annotations = vec![("role-arn", ROLE)];
        annotations.extend(of_account.map(|text| ("sts-regional-endpoints", text)));
        let settings = Settings {
            sts_regional_endpoints: of_settings,
            ..Settings::default()
        };
        let (after, notes) = run(
            &pod_with(json!({"name": "c"})),
            &account(&annotations),
            &settings,
        );
        let set =
            env_names(&after["spec"]["containers"][0]).contains(&"AWS_STS_REGIONAL_ENDPOINTS");
        assert_eq!(set, expected, "{of_account:?} {of_settings}");
        assert_eq!(
            notes.len(),
            usize::from(of_account == Some("yes")),
            "{of_account:?}"
        );
    }
}

#[test]
fn empty_region_is_no_region() {
    let settings = Settings {
        default_region: Some(String::new()),
        ..Settings::default()
    };
    let (after, _) = run(
        &pod_with(json!({"name": "c"})),
        &account_with_role(),
        &settings,
    );
    assert_eq!(env_names(&after["spec"]["containers"][0]).len(), 2);
}

#[test]
fn windows_gets_a_windows_path_and_the_same_mount() {
    for spec in [
        json!({"nodeSelector": {"kubernetes.io/os": "windows"}}),
        json!({"nodeSelector": {"beta.kubernetes.io/os": "windows"}}),
        json!({"os": {"name": "windows"}}),
    ] {
        let mut pod = json!({"spec": spec});
        pod["spec"]["containers"] = json!([{"name": "c"}]);
        let (after, _) = run(&pod, &account_with_role(), &Settings::default());
        let container = &after["spec"]["containers"][0];
        assert_eq!(
            container["env"][1]["value"],
            r"C:\var\run\secrets\eks.amazonaws.com\serviceaccount\token"
        );
        assert_eq!(container["volumeMounts"][0]["mountPath"], MOUNT_PATH);
    }
}

#[test]
fn mount_path_is_verbatim_and_the_file_path_clean() {
    let settings = Settings {
        token_mount_path: "/x//y/".to_owned(),
        ..Settings::default()
    };
    let (after, _) = run(
        &pod_with(json!({"name": "c"})),
        &account_with_role(),
        &settings,
    );
    let container = &after["spec"]["containers"][0];
    assert_eq!(container["env"][1]["value"], "/x/y/token");
    assert_eq!(
        container["volumeMounts"],
        json!([{"name": "aws-iam-token", "readOnly": true, "mountPath": "/x//y/"}])
    );
}
