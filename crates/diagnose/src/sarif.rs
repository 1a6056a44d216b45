//! Findings as a SARIF 2.1.0 log, which code hosts and editors show beside the lines concerned.
//!
//! The log has one run; its rules are the reason codes that occur, in alphabetical order. The same findings always
//! give the same bytes.

use std::collections::BTreeSet;

use podpass_kinds::Reason;
use podpass_policy::Position;
use serde::Serialize;

use crate::{Finding, Severity};

/// Renders findings as a SARIF 2.1.0 log: JSON, indented by two spaces, with a final line feed.
///
/// Columns count characters, which the log states as `columnKind: unicodeCodePoints`. A finding without a file has no
/// location.
pub fn sarif(findings: &[Finding]) -> String {
    let reasons: BTreeSet<&'static str> =
        findings.iter().map(|finding| finding.code.code()).collect();
    let log = Log {
        schema: SCHEMA,
        version: "2.1.0",
        runs: [Run {
            tool: Tool {
                driver: Driver {
                    name: "podpass",
                    version: env!("CARGO_PKG_VERSION"),
                    rules: reasons.iter().filter_map(|code| rule(code)).collect(),
                },
            },
            column_kind: "unicodeCodePoints",
            results: findings
                .iter()
                .map(|finding| result(finding, &reasons))
                .collect(),
        }],
    };
    let mut text =
        serde_json::to_string_pretty(&log).expect("structs of strings and numbers serialise");
    text.push('\n');
    text
}

#[derive(Serialize)]
struct Log<'a> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [Run<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Run<'a> {
    tool: Tool,
    column_kind: &'static str,
    results: Vec<SarifResult<'a>>,
}

#[derive(Serialize)]
struct Tool {
    driver: Driver,
}

#[derive(Serialize)]
struct Driver {
    name: &'static str,
    version: &'static str,
    rules: Vec<Rule>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    id: &'static str,
    name: &'static str,
    short_description: Text<String>,
    help: Text<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SarifResult<'a> {
    rule_id: &'static str,
    rule_index: usize,
    level: &'static str,
    message: Text<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    locations: Vec<Location<'a>>,
    properties: Properties<'a>,
}

#[derive(Serialize)]
struct Text<T> {
    text: T,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Location<'a> {
    physical_location: PhysicalLocation<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PhysicalLocation<'a> {
    artifact_location: ArtifactLocation,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<Region<'a>>,
}

#[derive(Serialize)]
struct ArtifactLocation {
    uri: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Region<'a> {
    start_line: &'a u32,
    start_column: &'a u32,
}

#[derive(Serialize)]
struct Properties<'a> {
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    expected: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    actual: Option<&'a str>,
    fix: &'a str,
}

fn rule(code: &str) -> Option<Rule> {
    let reason: Reason = code.parse().ok()?;
    Some(Rule {
        id: reason.code(),
        name: reason.condition(),
        short_description: Text {
            text: sentence(reason.hint()),
        },
        help: Text {
            text: format!("{} See {}.", sentence(reason.fix()), reason.docs_anchor()),
        },
    })
}

fn result<'a>(finding: &'a Finding, reasons: &BTreeSet<&'static str>) -> SarifResult<'a> {
    let code = finding.code.code();
    SarifResult {
        rule_id: code,
        rule_index: reasons
            .iter()
            .take_while(|earlier| **earlier != code)
            .count(),
        level: match finding.severity {
            Severity::Note => "note",
            Severity::Warning => "warning",
            Severity::Error => "error",
        },
        message: Text {
            text: format!("{} {}", sentence(&finding.message), sentence(&finding.fix)),
        },
        locations: finding
            .file
            .iter()
            .map(|file| location(file, finding.position.as_ref()))
            .collect(),
        properties: Properties {
            expected: &finding.expected,
            actual: finding.actual.as_deref(),
            fix: &finding.fix,
        },
    }
}

fn location<'a>(file: &str, position: Option<&'a Position>) -> Location<'a> {
    Location {
        physical_location: PhysicalLocation {
            artifact_location: ArtifactLocation { uri: uri(file) },
            region: position.map(|Position { line, column }| Region {
                start_line: line,
                start_column: column,
            }),
        },
    }
}

/// Turns a clause into a sentence, as SARIF asks of messages. The first letter keeps its case: it may be a name.
fn sentence(clause: &str) -> String {
    format!("{clause}.")
}

/// Writes a file name as a URI reference: RFC 3986's unreserved characters and `/` stay, all else is percent-encoded.
fn uri(file: &str) -> String {
    let mut uri = String::with_capacity(file.len());
    for byte in file.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                uri.push(char::from(byte));
            }
            _ => {
                uri.push('%');
                for nibble in [byte >> 4, byte & 0xF] {
                    uri.extend(
                        char::from_digit(u32::from(nibble), 16)
                            .map(|digit| digit.to_ascii_uppercase()),
                    );
                }
            }
        }
    }
    uri
}

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";
