//! Files in which nothing is wrong.

use std::fs;
use std::path::Path;

use podpass_diagnose::lint::{FileKind, Source, lint};
use podpass_diagnose::{Finding, Severity};
use podpass_testkit::test_data;

use crate::stand::{files_in, fixtures, lint_text, written};

fn worse_than(findings: &[Finding], severity: Severity) -> Vec<String> {
    let worse = findings
        .iter()
        .filter(|finding| finding.severity > severity);
    worse.map(|finding| format!("{finding:?}")).collect()
}

#[test]
fn healthy_files_have_no_finding_at_all() {
    let folder = fixtures().join("healthy");
    for name in files_in(&folder) {
        let report = lint_text(&name, &fs::read_to_string(folder.join(&name)).unwrap());
        assert!(
            report.findings.is_empty() && report.edits.is_empty(),
            "{name}: {report:#?}"
        );
        assert!(
            !report.kinds[0].contains(&FileKind::Unknown),
            "{name}: {report:#?}"
        );
    }
}

#[test]
fn requests_of_openshift_itself_have_notes_at_most() {
    let Some(folder) = test_data("credentialsrequests") else {
        return;
    };
    for name in files_in(&folder) {
        let report = lint_text(&name, &fs::read_to_string(folder.join(&name)).unwrap());
        assert_eq!(
            worse_than(&report.findings, Severity::Note),
            [""; 0],
            "{name}"
        );
        assert!(
            report.kinds[0].contains(&FileKind::CredentialsRequest),
            "{name}"
        );
        assert!(report.edits.is_empty(), "{name}");
    }
}

#[test]
fn examples_have_only_the_weaknesses_that_their_documents_show() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    for (folder, expected) in [
        (
            "irsa",
            vec!["RESOURCE_WILDCARD 7:25", "NO_AUD_CONDITION 10:13"],
        ),
        (
            "token",
            vec!["TRUST_ROOT_PRINCIPAL 8:24", "RESOURCE_WILDCARD 7:25"],
        ),
    ] {
        let folder = examples.join(folder);
        let files: Vec<(String, String)> = files_in(&folder)
            .into_iter()
            .map(|name| (name.clone(), fs::read_to_string(folder.join(name)).unwrap()))
            .collect();
        let sources: Vec<Source<'_>> = files
            .iter()
            .map(|(name, text)| Source { name, text })
            .collect();
        let report = lint(&sources);
        assert_eq!(worse_than(&report.findings, Severity::Warning), [""; 0]);
        let mut found: Vec<String> = report.findings.iter().map(written).collect();
        let mut expected: Vec<String> = expected.into_iter().map(str::to_owned).collect();
        found.sort();
        expected.sort();
        assert_eq!(found, expected);
    }
}
