//! From text to document.

mod action;
mod condition;
mod fields;
mod principal;
mod resource;
mod resource_control;

use std::collections::BTreeMap;

use fields::{Fields, read_text, read_values};

use super::statement::{Effect, Statement};
use super::{Document, DocumentKind, Version};
use crate::error::{PolicyError, PolicyErrorKind};
use crate::json::{self, Node, Value};
use crate::position::Position;

/// Reads a document and checks it by the rules of its kind.
pub(super) fn parse(text: &str, kind: DocumentKind) -> Result<Document, PolicyError> {
    read_document(text, kind).map_err(|fault| PolicyError {
        position: fault.position,
        kind: fault.kind,
        document: kind,
    })
}

/// An error that does not know yet which document it is in.
struct Fault {
    position: Position,
    kind: PolicyErrorKind,
}

impl Fault {
    fn new(position: Position, kind: PolicyErrorKind) -> Self {
        Self { position, kind }
    }

    fn wrong_type(node: &Node, element: impl Into<String>, expected: &'static str) -> Self {
        let found = node.value.kind();
        Self::new(
            node.position,
            PolicyErrorKind::WrongType {
                element: element.into(),
                expected,
                found,
            },
        )
    }
}

/// What the rules of a statement depend on.
#[derive(Clone, Copy)]
struct Rules {
    kind: DocumentKind,
    version: Version,
}

fn read_document(text: &str, kind: DocumentKind) -> Result<Document, Fault> {
    let root = json::read(text).map_err(|error| {
        Fault::new(
            error.position,
            PolicyErrorKind::Json {
                problem: error.problem.to_string(),
            },
        )
    })?;
    let fields = Fields::read(&root, "the policy", &["Version", "Id", "Statement"])?;
    let version = fields
        .find("Version")
        .map_or(Ok(Version::V2008), read_version)?;
    let id = fields
        .find("Id")
        .map(|node| read_text(node, "Id"))
        .transpose()?;
    let nodes = match fields.find("Statement").map(|node| (node, &node.value)) {
        None => return Err(Fault::new(root.position, PolicyErrorKind::NoStatement)),
        Some((_, Value::Array(nodes))) => nodes.as_slice(),
        Some((node, Value::Object(_))) => std::slice::from_ref(node),
        Some((node, _)) => {
            return Err(Fault::wrong_type(
                node,
                "Statement",
                "an object or an array of objects",
            ));
        }
    };
    if nodes.is_empty() {
        return Err(Fault::new(root.position, PolicyErrorKind::NoStatement));
    }
    let rules = Rules { kind, version };
    let mut sids = BTreeMap::new();
    let statements = nodes
        .iter()
        .map(|node| read_statement(node, rules, &mut sids))
        .collect::<Result<_, _>>()?;
    Ok(Document {
        version,
        id,
        statements,
    })
}

fn read_version(node: &Node) -> Result<Version, Fault> {
    let value = read_text(node, "Version")?;
    [Version::V2008, Version::V2012]
        .into_iter()
        .find(|version| version.as_str() == value)
        .ok_or_else(|| Fault::new(node.position, PolicyErrorKind::Version { value }))
}

fn read_statement(
    node: &Node,
    rules: Rules,
    sids: &mut BTreeMap<String, Position>,
) -> Result<Statement, Fault> {
    let fields = Fields::read(node, "a statement", STATEMENT_ELEMENTS)?;
    let sid = fields
        .find("Sid")
        .map(|node| read_sid(node, rules.kind, sids))
        .transpose()?;
    let missing = |element| Fault::new(node.position, PolicyErrorKind::MissingElement { element });
    let effect = read_effect(fields.find("Effect").ok_or_else(|| missing("Effect"))?)?;
    let principal = principal::read(&fields, effect, rules)?;
    let actions = action::read(&fields, rules)?;
    let resources = resource::read(&fields, rules)?;
    let conditions = fields
        .find("Condition")
        .map_or(Ok(Vec::new()), |node| condition::read(node, rules))?;
    let statement = Statement {
        sid,
        effect,
        principal,
        actions,
        resources,
        conditions,
        position: node.position,
        end: node.end,
    };
    principal::check_shared_providers(&statement)?;
    if rules.kind == DocumentKind::ResourceControl {
        resource_control::check(&statement, &fields)?;
    }
    Ok(statement)
}

fn read_sid(
    node: &Node,
    kind: DocumentKind,
    sids: &mut BTreeMap<String, Position>,
) -> Result<String, Fault> {
    let value = read_text(node, "Sid")?;
    // S3's own examples have blanks in the ids of bucket policies.
    let valid =
        kind == DocumentKind::Bucket || value.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !valid {
        return Err(Fault::new(node.position, PolicyErrorKind::Sid { value }));
    }
    if value.is_empty() {
        return Ok(value);
    }
    match sids.insert(value.clone(), node.position) {
        Some(first) => Err(Fault::new(
            node.position,
            PolicyErrorKind::DuplicateSid { value, first },
        )),
        None => Ok(value),
    }
}

fn read_effect(node: &Node) -> Result<Effect, Fault> {
    let value = read_text(node, "Effect")?;
    let effects = [Effect::Allow, Effect::Deny];
    effects
        .into_iter()
        .find(|effect| effect.as_str() == value)
        .ok_or_else(|| {
            let suggestion = crate::suggestion::nearest(&value, effects.map(Effect::as_str));
            Fault::new(node.position, PolicyErrorKind::Effect { value, suggestion })
        })
}

const STATEMENT_ELEMENTS: &[&str] = &[
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
];
