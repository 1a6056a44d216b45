//! `fixtures.toml`: which mistake stands in which file, and what lint has to say about it.

use std::collections::BTreeSet;
use std::fs;

use podpass_diagnose::Severity;
use podpass_kinds::Reason;
use serde::Deserialize;

use crate::stand::{files_in, fixture, fixtures, lint_text, written};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    /// The mistakes that the five documents print.
    printed: Vec<Printed>,
    /// The mistakes that people made elsewhere, and each rule that has no other fixture.
    classic: Vec<Expected>,
}

#[derive(Deserialize)]
struct Printed {
    id: String,
    #[serde(rename = "documents")]
    _documents: Vec<String>,
    /// Who finds it, when it stands in no file that lint could read.
    later: Option<String>,
    because: Option<String>,
    #[serde(flatten)]
    expected: Option<Expected>,
}

/// One fixture and its finding; no other finding may be there unless `also` names it.
#[derive(Deserialize)]
struct Expected {
    fixture: String,
    code: String,
    severity: String,
    line: u32,
    column: u32,
    #[serde(default)]
    also: Vec<String>,
}

fn table() -> Table {
    let path = fixtures().with_extension("toml");
    toml::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn all_expected(table: &Table) -> impl Iterator<Item = &Expected> {
    let printed = table.printed.iter().filter_map(|row| row.expected.as_ref());
    printed.chain(&table.classic)
}

#[test]
fn every_mistake_that_the_documents_print_is_in_the_table() {
    let table = table();
    let listed: BTreeSet<&str> = table.printed.iter().map(|row| row.id.as_str()).collect();
    assert_eq!(listed, PRINTED.iter().copied().collect());
    for row in &table.printed {
        let is_later = row.later.as_deref() == Some("doctor") && row.because.is_some();
        assert_ne!(
            is_later,
            row.expected.is_some(),
            "{}: a fixture, or a reason",
            row.id
        );
    }
}

#[test]
fn every_fixture_has_exactly_the_findings_of_the_table() {
    for row in all_expected(&table()) {
        let report = lint_text(&row.fixture, &fixture(&row.fixture));
        let main = format!("{} {}:{}", row.code, row.line, row.column);
        let found: BTreeSet<String> = report.findings.iter().map(written).collect();
        let mut expected: BTreeSet<String> = row.also.iter().cloned().collect();
        expected.insert(main.clone());
        assert_eq!(found, expected, "{}: {:#?}", row.fixture, report.findings);
        let severity = match row.severity.as_str() {
            "note" => Severity::Note,
            "warning" => Severity::Warning,
            "error" => Severity::Error,
            other => panic!("{other} is no severity"),
        };
        let finding = report
            .findings
            .iter()
            .find(|finding| written(finding) == main)
            .unwrap();
        assert_eq!(finding.severity, severity, "{}", row.fixture);
        for finding in &report.findings {
            for text in [&finding.message, &finding.fix] {
                assert!(
                    !text.is_empty() && !text.ends_with('.'),
                    "{}: {text}",
                    row.fixture
                );
            }
        }
    }
}

#[test]
fn every_fixture_file_is_in_the_table() {
    let table = table();
    let listed: BTreeSet<String> = all_expected(&table)
        .map(|row| row.fixture.clone())
        .collect();
    let files: BTreeSet<String> = files_in(&fixtures()).into_iter().collect();
    assert_eq!(files, listed);
}

#[test]
fn every_rule_has_a_fixture() {
    let table = table();
    let shown: BTreeSet<&str> = all_expected(&table)
        .flat_map(|row| {
            let also = row
                .also
                .iter()
                .filter_map(|also| also.split_whitespace().next());
            also.chain(std::iter::once(row.code.as_str()))
        })
        .collect();
    for code in &shown {
        assert!(code.parse::<Reason>().is_ok(), "{code}");
    }
    // The rules of lint stand together in the table of reasons.
    let is_rule =
        |reason: &&Reason| **reason >= Reason::IndentationLost && **reason <= Reason::KeyUnusable;
    let missing: Vec<&Reason> = Reason::ALL
        .iter()
        .filter(is_rule)
        .filter(|reason| !shown.contains(reason.code()))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// The mistakes that stand in the documents, by our names for them.
const PRINTED: &[&str] = &[
    "account-digits",
    "accounts-differ",
    "apply-glob",
    "audience-misspelt",
    "aws-iam-command",
    "credentials-path",
    "delete-all-pods",
    "misnested-fields",
    "missing-action",
    "no-aud-condition",
    "one-signing-key",
    "pkix-label",
    "resource-wildcard",
    "resource-wildcard-in-request",
    "role-name",
    "root-principal",
    "statement-braces",
    "tabs",
    "tabs-quote-and-nesting",
    "three-mistakes-at-once",
    "unclosed-quote",
    "unindented",
    "version-date",
];
