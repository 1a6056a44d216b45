//! Where the checks of one file put what they find.

use std::collections::BTreeSet;

use podpass_policy::Position;

use super::draft::Draft;
use super::edit::Edit;
use super::kind::FileKind;
use crate::{Finding, Severity};

/// The findings, edits and kinds of one file.
pub(super) struct Collector<'a> {
    file: &'a str,
    kinds: BTreeSet<FileKind>,
    findings: Vec<Finding>,
    edits: Vec<Edit>,
    embedding: Option<Embedding>,
}

/// A text inside a string of the file, such as a policy in a Terraform plan.
struct Embedding {
    position: Position,
    path: String,
}

impl<'a> Collector<'a> {
    pub(super) fn new(file: &'a str) -> Self {
        Self {
            file,
            kinds: BTreeSet::new(),
            findings: Vec::new(),
            edits: Vec::new(),
            embedding: None,
        }
    }

    pub(super) fn file(&self) -> &'a str {
        self.file
    }

    pub(super) fn kind(&mut self, kind: FileKind) {
        self.kinds.insert(kind);
    }

    /// Adds a finding. Inside an embedded text its place is the string's, and the message says where in the string.
    pub(super) fn report(&mut self, draft: Draft) {
        let (position, message) = match &self.embedding {
            None => (draft.position, draft.message),
            Some(Embedding { position, path }) => (
                *position,
                format!("{path}, {}: {}", draft.position, draft.message),
            ),
        };
        self.findings.push(Finding {
            code: draft.code,
            severity: draft.severity,
            file: Some(self.file.to_owned()),
            position: Some(position),
            message,
            expected: draft.expected,
            actual: draft.actual,
            fix: draft.fix,
        });
    }

    /// Adds a change that is safe; inside an embedded text none is, since its places are not the file's.
    pub(super) fn edit(&mut self, edit: Edit) {
        if self.embedding.is_none() {
            self.edits.push(Edit {
                file: self.file.to_owned(),
                ..edit
            });
        }
    }

    /// Runs checks on a text that stands in a string of the file.
    pub(super) fn embedded(
        &mut self,
        position: Position,
        path: &str,
        check: impl FnOnce(&mut Self),
    ) {
        let outer = self.embedding.take();
        self.embedding = Some(match &outer {
            None => Embedding {
                position,
                path: path.to_owned(),
            },
            Some(outer) => Embedding {
                position: outer.position,
                path: format!("{}, {position}, {path}", outer.path),
            },
        });
        check(self);
        self.embedding = outer;
    }

    /// A mark to compare with later; see [`Collector::errors_since`].
    pub(super) fn mark(&self) -> usize {
        self.findings.len()
    }

    /// Whether an error was reported since the mark was taken, so that readers which stop at their first error would
    /// only repeat it.
    pub(super) fn errors_since(&self, mark: usize) -> bool {
        self.findings[mark..]
            .iter()
            .any(|finding| finding.severity == Severity::Error)
    }

    pub(super) fn finish(self) -> (BTreeSet<FileKind>, Vec<Finding>, Vec<Edit>) {
        (self.kinds, self.findings, self.edits)
    }
}
