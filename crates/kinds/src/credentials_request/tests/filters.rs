use super::{REQUEST, request, with_line};
use crate::Reason;
use crate::annotations;
use crate::credentials_request::{Applicability, CredentialsRequest};

fn with_annotation(key: &str, value: &str) -> CredentialsRequest {
    request(&with_line(
        "  name: app",
        &format!("  name: app\n  annotations:\n    {key}: '{value}'"),
    ))
}

#[test]
fn feature_sets_apply_only_with_the_flag() {
    let key = annotations::RELEASE_FEATURE_SET;
    let ignored = |text: &str| Applicability::Ignored {
        reason: Reason::FeatureSetDisabled,
        text: format!(
            "Ignoring CredentialsRequest openshift-cloud-credential-operator/app with {text}"
        ),
    };
    let cases = [
        (
            "TechPreviewNoUpgrade",
            false,
            ignored("tech-preview annotation"),
        ),
        ("Default", false, ignored("tech-preview annotation")),
        ("", false, ignored("tech-preview annotation")),
        ("TechPreviewNoUpgrade", true, Applicability::Yes),
        (
            "CustomNoUpgrade,TechPreviewNoUpgrade",
            true,
            Applicability::Yes,
        ),
        (
            "CustomNoUpgrade, TechPreviewNoUpgrade",
            true,
            Applicability::Yes,
        ),
        (
            "CustomNoUpgrade",
            true,
            ignored("tech-preview value CustomNoUpgrade"),
        ),
        (
            "techpreviewnoupgrade",
            true,
            ignored("tech-preview value techpreviewnoupgrade"),
        ),
        ("Default", true, ignored("tech-preview value Default")),
    ];
    for (value, tech_preview, expected) in cases {
        assert_eq!(
            with_annotation(key, value).applies(tech_preview),
            expected,
            "{value} {tech_preview}"
        );
    }
}

#[test]
fn other_release_annotations_are_not_looked_at() {
    for key in [
        "release.openshift.io/feature-gate",
        "capability.openshift.io/name",
        "exclude.release.openshift.io/internal-openshift-hosted",
    ] {
        for tech_preview in [false, true] {
            assert_eq!(
                with_annotation(key, "true").applies(tech_preview),
                Applicability::Yes,
                "{key}"
            );
        }
    }
}

#[test]
fn deletion_counts_only_when_it_is_true() {
    assert_eq!(
        with_annotation(annotations::RELEASE_DELETE, "false").applies(false),
        Applicability::Yes
    );
    let mut request = request(REQUEST);
    request
        .metadata
        .annotations
        .insert(annotations::RELEASE_DELETE.to_owned(), "true".to_owned());
    let text = "Ignoring CredentialsRequest openshift-cloud-credential-operator/app as it is marked for in-cluster deletion";
    let expected = Applicability::Ignored {
        reason: Reason::MarkedForDeletion,
        text: text.to_owned(),
    };
    assert_eq!(request.applies(true), expected);
}
