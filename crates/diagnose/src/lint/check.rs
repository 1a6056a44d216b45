//! The checks, by what a document is.

mod annotations;
pub(super) mod arn;
pub(super) mod audience;
mod claims;
mod credentials_request;
mod kubernetes;
mod pem;
mod pod;
mod profile;
mod secret;
mod service_account;
mod structured;
mod terraform;

use podpass_kinds::Reason;
use podpass_kinds::yaml::{Content, Node};
use podpass_policy::Position;

pub(super) use claims::{Claims, TrustClaim};

use super::collector::Collector;
use super::draft::Draft;
use super::kind::FileKind;
use super::read::{json, yaml};

/// Looks at a whole file.
pub(super) fn file(text: &str, out: &mut Collector<'_>, claims: &mut Claims) {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut significant = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with(['#', ';']));
    let Some(first) = significant
        .next()
        .filter(|first| *first != "---" || significant.next().is_some())
    else {
        out.kind(FileKind::Empty);
        out.report(Draft::note(
            Reason::DocumentEmpty,
            Position::START,
            "the file holds nothing but blanks and comments",
        ));
        return;
    };
    if text.lines().any(|line| line.starts_with("-----BEGIN ")) || first.starts_with("-----BEGIN") {
        out.kind(FileKind::Pem);
        pem::check(text, out);
    } else if profile::is_section(first) || profile::is_setting(first) {
        out.kind(FileKind::AwsConfig);
        profile::check(text, &profile::Place::File, out);
    } else if first.starts_with(['{', '[']) {
        json_file(text, out, claims);
    } else {
        yaml_file(text, out, claims);
    }
}

/// A document with its text, for the readers that take text.
#[derive(Clone, Copy)]
struct Text<'t> {
    text: &'t str,
    /// How many lines of the file come before it.
    first_line: u32,
}

/// A value and what is known about how it is written.
struct Document<'d> {
    root: &'d Node,
    /// `None` for a part of a document, such as an item of a List.
    text: Option<Text<'d>>,
    syntax: Syntax,
    /// Whether the text had mistakes, so that readers which accept none would only repeat them.
    broken: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Syntax {
    Json,
    Yaml,
}

fn json_file(text: &str, out: &mut Collector<'_>, claims: &mut Claims) {
    let reading = json::read(text);
    let broken = !reading.problems.is_empty();
    if broken && is_flow_manifest(text) {
        return yaml_file(text, out, claims);
    }
    for problem in reading.problems {
        out.report(problem);
    }
    if let Some(root) = &reading.root {
        let document = Document {
            root,
            text: Some(Text {
                text,
                first_line: 0,
            }),
            syntax: Syntax::Json,
            broken,
        };
        structured::check(&document, out, claims);
    } else {
        out.kind(FileKind::Unknown);
    }
}

/// Whether a text that starts like JSON is a manifest in YAML's flow style.
fn is_flow_manifest(text: &str) -> bool {
    yaml::read(text).iter().any(|document| {
        let root = document.root.as_ref();
        document.problems.is_empty() && root.is_some_and(|root| root.get("kind").is_some())
    })
}

fn yaml_file(text: &str, out: &mut Collector<'_>, claims: &mut Claims) {
    for document in yaml::read(text) {
        let broken = !document.problems.is_empty();
        for problem in document.problems {
            out.report(problem);
        }
        for edit in document.edits {
            out.edit(edit);
        }
        let text = Text {
            text: document.text,
            first_line: document.first_line,
        };
        match &document.root {
            Some(root) => {
                let document = Document {
                    root,
                    text: Some(text),
                    syntax: Syntax::Yaml,
                    broken,
                };
                structured::check(&document, out, claims);
            }
            None if broken => out.kind(kubernetes::kind_in_text(document.text)),
            None => {}
        }
    }
}

/// The members of a mapping; none of anything else.
pub(super) fn members(node: &Node) -> &[podpass_kinds::yaml::Member] {
    match &node.content {
        Content::Mapping(members) => members,
        _ => &[],
    }
}

/// The items of a list; none of anything else.
fn items(node: &Node) -> &[Node] {
    match &node.content {
        Content::Sequence(items) => items,
        _ => &[],
    }
}

/// The node at the end of a path of member names.
fn at<'n>(node: &'n Node, path: &[&str]) -> Option<&'n Node> {
    path.iter().try_fold(node, |node, member| node.get(member))
}
