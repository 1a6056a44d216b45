//! The safe repairs: they repair, they can be made twice, and none of them touches what a policy grants.

use std::collections::BTreeSet;

use podpass_diagnose::lint::apply;
use podpass_kinds::Reason;

use crate::stand::{files_in, fixture, fixtures, lint_text};

/// Repairs a text until nothing is left to repair.
pub(crate) fn repaired(name: &str, text: &str) -> String {
    let mut text = text.to_owned();
    for _ in 0..10 {
        let (next, _) = apply(&text, &lint_text(name, &text).edits);
        if next == text {
            return text;
        }
        text = next;
    }
    panic!("{name}: the repairs do not come to an end");
}

#[test]
fn repairs_what_the_lines_evidently_meant() {
    for (name, old, new) in [
        (
            "lookalike-rolearn.yaml",
            "eks.amazonaws.com/rolearn:",
            "eks.amazonaws.com/role-arn:",
        ),
        (
            "lookalike-prefix.yaml",
            "eks.amazon.com/role-arn:",
            "eks.amazonaws.com/role-arn:",
        ),
        (
            "lookalike-case.yaml",
            "EKS.amazonaws.com/role-arn:",
            "eks.amazonaws.com/role-arn:",
        ),
        (
            "annotation-not-text.yaml",
            "endpoints: true",
            "endpoints: \"true\"",
        ),
        ("trailing-blank.yaml", "orders-reader \"", "orders-reader\""),
        ("tabs.yaml", "\t", "  "),
        ("pkix-label.pub", "RSA PUBLIC KEY", "PUBLIC KEY"),
    ] {
        let text = fixture(name);
        let fixed = repaired(name, &text);
        assert_eq!(fixed, text.replace(old, new), "{name}");
        assert_ne!(fixed, text, "{name}");
        let report = lint_text(name, &fixed);
        assert!(
            report.findings.is_empty() && report.edits.is_empty(),
            "{name}: {report:#?}"
        );
    }
}

#[test]
fn offers_a_repair_for_safe_rules_only() {
    let safe = BTreeSet::from([
        Reason::AnnotationLookalike,
        Reason::AnnotationNotText,
        Reason::BadRoleArn,
        Reason::IndentationTab,
        Reason::PemLabelMismatch,
    ]);
    let mut offered = BTreeSet::new();
    for name in files_in(&fixtures()) {
        let report = lint_text(&name, &fixture(&name));
        let codes = report.edits.iter().map(|edit| edit.code);
        assert!(
            codes.clone().all(|code| safe.contains(&code)),
            "{name}: {:#?}",
            report.edits
        );
        offered.extend(codes);
    }
    assert_eq!(offered, safe);
}

#[test]
fn leaves_alone_what_could_mean_something_else() {
    let account = |annotations: &str| {
        format!(
            "apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: a\n  annotations:\n{annotations}"
        )
    };
    let arn = "arn:aws:iam::210987654321:role/a";
    for (name, annotations) in [
        (
            "the right key is there too",
            format!(
                "    eks.amazonaws.com/rolearn: {arn}\n    eks.amazonaws.com/role-arn: {arn}2\n"
            ),
        ),
        (
            "two keys look alike",
            format!(
                "    eks.amazonaws.com/rolearn: {arn}\n    eks.amazonaws.com/role_arn: {arn}2\n"
            ),
        ),
        (
            "the value is no role",
            "    eks.amazonaws.com/rolearn: orders\n".to_owned(),
        ),
        (
            "kube2iam's name of a role",
            "    iam.amazonaws.com/role: orders\n".to_owned(),
        ),
        (
            "a value that is a mapping",
            "    eks.amazonaws.com/audience: {a: b}\n".to_owned(),
        ),
    ] {
        let text = account(&annotations);
        let report = lint_text(name, &text);
        assert!(!report.findings.is_empty(), "{name}");
        assert_eq!(repaired(name, &text), text, "{name}");
    }
    // Whether the document then says what was meant cannot be known while it cannot be read.
    let name = "tabs-quote-and-nesting.yaml";
    assert_eq!(repaired(name, &fixture(name)), fixture(name));
}

#[test]
fn quotes_in_place_whatever_follows() {
    for (line, fixed) in [
        ("    a: true # why\n", "    a: \"true\" # why\n"),
        ("    a: 86400\n", "    a: \"86400\"\n"),
        ("    a: yes\r\n", "    a: \"yes\"\r\n"),
    ] {
        let text = |line: &str| {
            format!(
                "apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: x\n  annotations:\n{line}"
            )
        };
        assert_eq!(repaired("a.yaml", &text(line)), text(fixed));
    }
    let flow = r#"{"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "x", "annotations": {"a": 1, "b": false}}}"#;
    let fixed = flow
        .replace(": 1,", ": \"1\",")
        .replace("false", "\"false\"");
    assert_eq!(repaired("a.json", flow), fixed);
}
