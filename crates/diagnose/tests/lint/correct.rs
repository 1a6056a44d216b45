//! Corrected policies: only where each correction is certain, and free of errors then.

use podpass_diagnose::Severity;
use podpass_diagnose::lint::{Correction, Source, correct};
use serde_json::{Value, json};

use crate::stand::{files_in, fixture, fixtures, lint_text};

const OIDC: &str = r#""Federated": "arn:aws:iam::123456789012:oidc-provider/oidc.example.org""#;
const CONDITION: &str = r#""StringEquals": {"oidc.example.org:aud": "sts.amazonaws.com", "oidc.example.org:sub": "system:serviceaccount:ns:app"}"#;

fn corrected(text: &str) -> Option<Correction> {
    correct(&Source {
        name: "policy.json",
        text,
    })
}

#[test]
fn certain_mistakes_are_corrected() {
    let federated = format!(
        r#"{{"Version": "2012-10-17", "Statement": [{{"Effect": "Allow", "Principal": {{{OIDC}}}, "Condition": {{{CONDITION}}}}}]}}"#
    );
    for (name, text, place, expected) in [
        (
            "an OIDC provider leaves one action",
            federated.as_str(),
            "/Statement/0/Action",
            json!("sts:AssumeRoleWithWebIdentity"),
        ),
        (
            "so does an AWS principal, in a statement alone",
            r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:role/a"}}}"#,
            "/Statement/Action",
            json!("sts:AssumeRole"),
        ),
        (
            "the date of today",
            r#"{"Version": "2024-05-01", "Statement": {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"}}"#,
            "/Version",
            json!("2012-10-17"),
        ),
        (
            "a comma too many, one too few, and a bracket",
            r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow" "Action": ["s3:GetObject", "s3:PutObject",], "Resource": "arn:aws:s3:::b/*"}"#,
            "/Statement/0/Action",
            json!(["s3:GetObject", "s3:PutObject"]),
        ),
    ] {
        let correction = corrected(text).unwrap_or_else(|| panic!("{name}: nothing corrected"));
        let text = correction
            .text
            .unwrap_or_else(|| panic!("{name}: {:?}", correction.undecided));
        let policy: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(policy.pointer(place), Some(&expected), "{name}: {text}");
        let report = lint_text("policy.json", &text);
        let worst = report.findings.iter().map(|finding| finding.severity).max();
        assert!(worst < Some(Severity::Error), "{name}: {report:#?}");
        // There is nothing to correct in it.
        assert_eq!(corrected(&text), None, "{name}");
    }
}

#[test]
fn what_its_writer_has_to_decide_is_not() {
    let trust = |principal: &str| {
        format!(
            r#"{{"Version": "2021-10-17", "Statement": [{{"Effect": "Allow", "Principal": {principal}}}]}}"#
        )
    };
    let which = "the principals of a statement do not tell its Action";
    for (name, text, why) in [
        ("a service", trust(r#"{"Service": "pods.eks.amazonaws.com"}"#), which),
        ("everybody", trust(r#""*""#), which),
        (
            "a SAML provider",
            trust(r#"{"Federated": "arn:aws:iam::123456789012:saml-provider/a"}"#),
            which,
        ),
        (
            "two kinds",
            trust(&format!(r#"{{{OIDC}, "AWS": "arn:aws:iam::123456789012:root"}}"#)),
            which,
        ),
        (
            "a Deny",
            trust(&format!("{{{OIDC}}}")).replace("Allow", "Deny"),
            which,
        ),
        (
            "no Effect",
            r#"{"Version": "2021-10-17", "Statement": {"Action": "s3:GetObject", "Resource": "*"}}"#.to_owned(),
            "the statement has no Effect",
        ),
        (
            "a member twice",
            r#"{"Version": "2021-10-17", "Statement": {"Effect": "Allow", "Effect": "Deny", "Action": "s3:GetObject", "Resource": "*"}}"#.to_owned(),
            "the key `Effect` stands twice",
        ),
        (
            "a string that does not end",
            "{\"Version\": \"2021-10-17\", \"Statement\": {\"Effect\": \"Allow\n, \"Action\": \"s3:GetObject\", \"Resource\": \"*\"}}".to_owned(),
            "what the text says is not plain everywhere",
        ),
        (
            "a second policy after the first",
            r#"{"Version": "2021-10-17", "Statement": {"Effect": "Allow", "Action": "s3:GetObject" "Resource": "*"}} {"Version": "2012-10-17"}"#.to_owned(),
            "what the text says is not plain everywhere",
        ),
        (
            "a bracket that is missing in the middle",
            r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:root", "Action": "sts:AssumeRole"}]}"#.to_owned(),
            "",
        ),
        (
            "an account that is none",
            trust(r#"{"AWS": "arn:aws:iam::1234:role/a"}"#),
            "the account `1234` has 4 digits",
        ),
    ] {
        let Some(correction) = corrected(&text) else {
            panic!("{name}: nothing to correct");
        };
        assert_eq!(correction.text, None, "{name}");
        let undecided = correction.undecided.unwrap();
        assert!(undecided.starts_with(why), "{name}: {undecided}");
    }
}

#[test]
fn nothing_is_said_of_what_needs_no_correction() {
    for text in [
        r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}}"#,
        r#"{"a": 1,}"#,
        "apiVersion: v1\nkind: ConfigMap\n",
        "",
        "{",
    ] {
        assert_eq!(corrected(text), None, "{text}");
    }
}

/// Whatever the file: a corrected policy is one that `lint` finds no error in but the placeholders that are named.
#[test]
fn corrected_fixtures_have_no_error_left() {
    let mut count = 0;
    for name in files_in(&fixtures()) {
        let text = fixture(&name);
        let Some(Correction {
            text: Some(text),
            placeholders,
            ..
        }) = corrected(&text)
        else {
            continue;
        };
        count += 1;
        for finding in lint_text(&name, &text).findings {
            let left = finding.actual.clone().unwrap_or_default();
            assert!(
                finding.severity < Severity::Error || placeholders.contains(&left),
                "{name}: {finding:#?}"
            );
        }
    }
    assert!(count >= 4, "{count}");
}
