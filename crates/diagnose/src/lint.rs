//! Lint: what is wrong in files, before a cluster or AWS meets them.
//!
//! The kind of each document is told from its content: policies, trust policies and bucket policies, manifests, AWS
//! config files (also inside Secrets), PEM files and what Terraform renders. A broken file is read on as far as its
//! meaning is plain, so that one run names all of its mistakes.

mod check;
mod collector;
mod correct;
mod draft;
mod edit;
mod kind;
mod policy;
mod read;

use std::collections::{BTreeMap, BTreeSet};

pub use correct::{Correction, correct};
pub use edit::{Edit, apply};
pub use kind::FileKind;

use crate::Finding;
use collector::Collector;

/// A file to look at.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// The name to use in findings.
    pub name: &'a str,
    /// The content.
    pub text: &'a str,
}

/// What lint has to say about files that belong together.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// What each file was taken for, in the order of the sources; a file may hold documents of several kinds.
    pub kinds: Vec<BTreeSet<FileKind>>,
    /// What is wrong, by file in the order of the sources, then by line and column.
    pub findings: Vec<Finding>,
    /// Changes that repair some of the findings and cannot grant more than was evidently meant.
    pub edits: Vec<Edit>,
}

/// Looks at files that belong together: what one says is compared with what the others say.
///
/// The result depends on names and contents alone. No message quotes a secret.
pub fn lint(sources: &[Source<'_>]) -> Report {
    let mut report = Report::default();
    let mut claims = check::Claims::default();
    for source in sources {
        let mut out = Collector::new(source.name);
        check::file(source.text, &mut out, &mut claims);
        let (kinds, findings, edits) = out.finish();
        report.kinds.push(kinds);
        report.findings.extend(findings);
        report.edits.extend(edits);
    }
    report.findings.extend(claims.compare());
    let places: BTreeMap<&str, usize> = sources.iter().map(|source| source.name).zip(0..).collect();
    report.findings.sort_by_cached_key(|finding| {
        let place = finding.file.as_deref().and_then(|file| places.get(file));
        (
            place.copied(),
            finding.position,
            finding.code,
            finding.message.clone(),
        )
    });
    report.findings.dedup();
    report
}
