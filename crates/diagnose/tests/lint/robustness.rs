//! Damaged files: no panic, places inside the file, repairs that end, and no secret in what is said.

use podpass_diagnose::Severity;
use podpass_diagnose::lint::{Correction, Source, correct};
use podpass_kinds::Reason;

use crate::fixes::repaired;
use crate::stand::{files_in, fixture, fixtures, lint_text};

fn look(name: &str, text: &str) {
    let report = lint_text(name, text);
    let lines = text.split('\n').count();
    for finding in &report.findings {
        let position = finding.position.unwrap();
        let line = usize::try_from(position.line).unwrap();
        assert!(line >= 1 && line <= lines, "{name}: {finding:?}");
    }
    let source = Source { name, text };
    if let Some(Correction {
        text: Some(corrected),
        ..
    }) = correct(&source)
    {
        let left = lint_text(name, &corrected).findings.into_iter();
        let mut left = left.filter(|finding| finding.code != Reason::PlaceholderLeft);
        assert!(
            left.all(|finding| finding.severity < Severity::Error),
            "{name}: {text}\n{corrected}"
        );
    }
}

#[test]
fn fixtures_cut_short_are_read_without_panic() {
    for name in files_in(&fixtures()) {
        let text = fixture(&name);
        for (index, _) in text.char_indices().step_by(7) {
            look(&name, &text[..index]);
        }
    }
}

#[test]
fn fixtures_without_a_line_are_read_and_repaired() {
    for name in files_in(&fixtures()) {
        let text = fixture(&name);
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        for without in 0..lines.len() {
            let kept = lines
                .iter()
                .enumerate()
                .filter(|(index, _)| *index != without);
            let cut: String = kept.map(|(_, line)| *line).collect();
            look(&name, &cut);
            repaired(&name, &cut);
        }
    }
}

#[test]
fn odd_texts_are_read_without_panic() {
    for text in [
        "",
        "\u{feff}",
        "---\n---\n",
        "{",
        "[",
        "[default",
        "[default]",
        "\"",
        "'",
        "- - -",
        "a: &a [*a]",
        "a: *b",
        "\0",
        "-----BEGIN",
        "-----BEGIN X-----",
        "kind:\n",
        "kind: Pod\nspec: 1\n",
        "{\"Statement\": 1}",
        "{\"Statement\": [[]]}",
        "{\"Statement\": {\"Condition\": 1, \"Principal\": 1}}",
        "{\"format_version\": 1, \"values\": []}",
        "\t\t\n\ta: b\n c",
        "é: \"ü\n",
        "{\"apiVersion\": 1, \"kind\": []}",
        "%YAML 1.2\n---\na: b\n",
        "a: !!binary x",
    ] {
        look("odd", text);
        repaired("odd", text);
    }
}

#[test]
fn no_secret_is_repeated() {
    let secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
    for text in [
        format!("[default]\naws_secret_access_key: {secret}\naws_secret_access_key = {secret}\n"),
        format!("[default]\n{secret}\n"),
        format!("[default]\n{secret}==\n{secret}:\n{secret}==\n"),
        format!(
            "apiVersion: v1\nkind: Secret\nmetadata: {{name: a}}\nstringData:\n  credentials: |\n    [default]\n    aws_secret_access_key : {secret}\n    {secret}\n"
        ),
        format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: a}}\ndata:\n  a: '{secret}!'\n"),
        format!("-----BEGIN PRIVATE KEY-----\n{secret}\n"),
        format!("-----BEGIN PRIVATE KEY----- {secret}\n"),
        format!(
            "{{\"apiVersion\": \"v1\", \"kind\": \"Secret\", \"data\": {{\"a\": {secret}! }}}}"
        ),
    ] {
        let report = lint_text("secret", &text);
        assert!(!report.findings.is_empty(), "{text}");
        let said = format!("{:?} {:?}", report.findings, report.kinds);
        assert!(
            !said.contains("wJalr") && !said.contains("bPxRfi"),
            "{said}"
        );
    }
}
