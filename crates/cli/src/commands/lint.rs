//! `podpass lint`: what is wrong in files, before a cluster or AWS meets them.

mod correction;
mod fix;
mod inputs;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use podpass_diagnose::lint::{Correction, Edit, FileKind, Report, Source, correct, lint};
use podpass_diagnose::{Finding, Severity, junit, sarif};
use serde::Serialize;

use self::inputs::Input;
use crate::failure::{Exit, Failure};
use crate::output::{self, Paint};

#[derive(Debug, Args)]
pub(crate) struct LintArgs {
    /// Policies, manifests, AWS config files, PEM files or Terraform JSON; a directory is searched, `-` is standard
    /// input. Files given together are compared with each other.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Repair what can be repaired without granting more than was meant, and say what was done.
    #[arg(long)]
    fix: bool,
    /// For a person, for a program, for a code host or for a CI server.
    #[arg(short, long, value_enum, default_value_t = LintFormat::Table)]
    output: LintFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum LintFormat {
    Table,
    Json,
    Sarif,
    Junit,
}

/// What `-o json` prints.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LintReport<'a> {
    api_version: &'static str,
    kind: &'static str,
    files: Vec<LintedFile<'a>>,
    findings: &'a [Finding],
    fixed: &'a [Edit],
    /// The policies among the files as they should read, where that is certain.
    corrected: &'a [Correction],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LintedFile<'a> {
    file: &'a str,
    kinds: &'a BTreeSet<FileKind>,
}

pub(crate) fn run(arguments: &LintArgs) -> Result<ExitCode, Failure> {
    let mut inputs = inputs::read(&arguments.files)?;
    let fixed = if arguments.fix {
        fix::fix(&mut inputs)?
    } else {
        Vec::new()
    };
    for edit in &fixed {
        output::note(&format!(
            "fixed[{}]: {}:{}:{}: {}",
            edit.code, edit.file, edit.position.line, edit.position.column, edit.message
        ));
    }
    let report = look(&inputs);
    let corrected: Vec<Correction> = inputs
        .iter()
        .filter_map(|input| correct(&source(input)))
        .collect();
    let linted = Linted {
        inputs: &inputs,
        report: &report,
        fixed: &fixed,
        corrected: &corrected,
    };
    print(arguments.output, &linted)?;
    let failing = report
        .findings
        .iter()
        .any(|finding| finding.severity > Severity::Note);
    Ok(if failing {
        Exit::Failed.into()
    } else {
        ExitCode::SUCCESS
    })
}

fn look(inputs: &[Input]) -> Report {
    let sources: Vec<Source<'_>> = inputs.iter().map(source).collect();
    lint(&sources)
}

fn source(input: &Input) -> Source<'_> {
    Source {
        name: &input.name,
        text: &input.text,
    }
}

/// Everything that is to be printed.
struct Linted<'a> {
    inputs: &'a [Input],
    report: &'a Report,
    fixed: &'a [Edit],
    corrected: &'a [Correction],
}

fn print(format: LintFormat, linted: &Linted<'_>) -> Result<(), Failure> {
    let Linted {
        inputs,
        report,
        fixed,
        corrected,
    } = *linted;
    match format {
        LintFormat::Table => {
            let paint = Paint::for_stdout();
            output::data(&text(&report.findings, paint))?;
            output::data(&correction::text(corrected, paint))?;
            output::note(&summary(inputs.len(), report));
            Ok(())
        }
        LintFormat::Json => {
            let files = inputs.iter().zip(&report.kinds);
            output::json(&LintReport {
                api_version: crate::API_VERSION,
                kind: "LintReport",
                files: files
                    .map(|(input, kinds)| LintedFile {
                        file: &input.name,
                        kinds,
                    })
                    .collect(),
                findings: &report.findings,
                fixed,
                corrected,
            })
        }
        LintFormat::Sarif => output::data(&sarif(&report.findings)),
        LintFormat::Junit => {
            let names: Vec<&str> = inputs.iter().map(|input| input.name.as_str()).collect();
            output::data(&junit(&names, &report.findings))
        }
    }
}

/// The findings for a person: one paragraph each.
fn text(findings: &[Finding], paint: Paint) -> String {
    let mut text = String::new();
    for finding in findings {
        let severity = match finding.severity {
            Severity::Error => paint.error("error"),
            Severity::Warning => paint.strong("warning"),
            Severity::Note => paint.faint("note"),
        };
        let place = match (&finding.file, finding.position) {
            (Some(file), Some(position)) => {
                format!("{file}:{}:{}: ", position.line, position.column)
            }
            (Some(file), None) => format!("{file}: "),
            (None, _) => String::new(),
        };
        let _ = writeln!(
            text,
            "{place}{severity}[{}]: {}",
            finding.code,
            shown(&finding.message)
        );
        if !finding.expected.is_empty() {
            let _ = writeln!(text, "  = expected {}", shown(&finding.expected.join(", ")));
        }
        if let Some(actual) = &finding.actual {
            let _ = writeln!(text, "  = actual   {}", shown(actual));
        }
        let _ = writeln!(text, "  = {}: {}", paint.help("help"), shown(&finding.fix));
    }
    text
}

/// A text from a file on one line of a terminal, which its control characters must not reach.
fn shown(text: &str) -> String {
    text.chars()
        .flat_map(|c| {
            let escaped = c.is_control().then(|| c.escape_default());
            let plain = escaped.is_none().then_some(c);
            escaped.into_iter().flatten().chain(plain)
        })
        .collect()
}

fn summary(files: usize, report: &Report) -> String {
    let of = |severity: Severity| {
        let same = |finding: &&Finding| finding.severity == severity;
        report.findings.iter().filter(same).count()
    };
    format!(
        "{}: {}, {}, {}",
        counted(files, "file"),
        counted(of(Severity::Error), "error"),
        counted(of(Severity::Warning), "warning"),
        counted(of(Severity::Note), "note"),
    )
}

fn counted(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}
