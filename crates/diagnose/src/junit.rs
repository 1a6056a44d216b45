//! Findings as JUnit XML, which CI servers show as test results.

use std::fmt::Write as _;

use crate::{Finding, Severity};

/// Renders findings as JUnit XML: one suite for each file, one case for each finding.
///
/// Warnings and errors are failures. Notes are cases that pass, with the note as their output; a file without any finding
/// has one case that passes. `files` are the names that were looked at, in order; findings without a file come last, in
/// a suite of the tool's name. The same input always gives the same bytes.
pub fn junit(files: &[&str], findings: &[Finding]) -> String {
    let mut suites = String::new();
    let mut total = Counts::default();
    for file in files {
        let of_file = findings
            .iter()
            .filter(|finding| finding.file.as_deref() == Some(file));
        total.add(suite(file, of_file.collect(), &mut suites));
    }
    let rest: Vec<&Finding> = findings
        .iter()
        .filter(|finding| {
            finding
                .file
                .as_deref()
                .is_none_or(|file| !files.contains(&file))
        })
        .collect();
    if !rest.is_empty() {
        total.add(suite(TOOL, rest, &mut suites));
    }
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"{TOOL}\" tests=\"{}\" failures=\"{}\" errors=\"0\">\n{suites}</testsuites>\n",
        total.tests, total.failures
    )
}

#[derive(Clone, Copy, Default)]
struct Counts {
    tests: usize,
    failures: usize,
}

impl Counts {
    fn add(&mut self, other: Self) {
        self.tests += other.tests;
        self.failures += other.failures;
    }
}

fn suite(name: &str, findings: Vec<&Finding>, xml: &mut String) -> Counts {
    let failures = findings
        .iter()
        .filter(|finding| finding.severity > Severity::Note)
        .count();
    let counts = Counts {
        tests: findings.len().max(1),
        failures,
    };
    let name = escape(name);
    let _ = writeln!(
        xml,
        "  <testsuite name=\"{name}\" tests=\"{}\" failures=\"{failures}\" errors=\"0\" skipped=\"0\">",
        counts.tests
    );
    if findings.is_empty() {
        let _ = writeln!(
            xml,
            "    <testcase classname=\"{name}\" name=\"no findings\"/>"
        );
    }
    for finding in findings {
        case(&name, finding, xml);
    }
    xml.push_str("  </testsuite>\n");
    counts
}

fn case(suite: &str, finding: &Finding, xml: &mut String) {
    let code = finding.code.code();
    let place = finding
        .position
        .map(|place| format!(" at {place}"))
        .unwrap_or_default();
    let message = escape(&finding.message);
    let mut details = finding.message.clone();
    for value in &finding.expected {
        let _ = write!(details, "\nexpected: {value}");
    }
    if let Some(actual) = &finding.actual {
        let _ = write!(details, "\nactual: {actual}");
    }
    let _ = write!(details, "\nhelp: {}", finding.fix);
    let details = escape_text(&details);
    let line = finding
        .position
        .map(|place| format!(" line=\"{}\"", place.line))
        .unwrap_or_default();
    let _ = writeln!(
        xml,
        "    <testcase classname=\"{suite}\" name=\"{code}{place}\"{line}>"
    );
    let _ = match finding.severity {
        Severity::Note => writeln!(xml, "      <system-out>{details}</system-out>"),
        Severity::Warning | Severity::Error => {
            writeln!(
                xml,
                "      <failure type=\"{code}\" message=\"{message}\">{details}</failure>"
            )
        }
    };
    xml.push_str("    </testcase>\n");
}

/// Escapes a text for an attribute: also what XML would take for a blank.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => escaped.push_str("&#10;"),
            '\r' => escaped.push_str("&#13;"),
            '\t' => escaped.push_str("&#9;"),
            _ => push_escaped(c, &mut escaped),
        }
    }
    escaped
}

/// Escapes a text for the content of an element.
fn escape_text(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if c == '\r' {
            escaped.push_str("&#13;");
        } else {
            push_escaped(c, &mut escaped);
        }
    }
    escaped
}

fn push_escaped(c: char, escaped: &mut String) {
    match c {
        '&' => escaped.push_str("&amp;"),
        '<' => escaped.push_str("&lt;"),
        '>' => escaped.push_str("&gt;"),
        '"' => escaped.push_str("&quot;"),
        '\'' => escaped.push_str("&apos;"),
        // XML 1.0 has no way to write these, not even as a reference.
        '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => {
            escaped.push(char::REPLACEMENT_CHARACTER);
        }
        _ => escaped.push(c),
    }
}

const TOOL: &str = "podpass lint";
