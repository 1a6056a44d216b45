//! Edits of a trust policy's text, each of one value, one name or one statement.

use std::ops::Range;

use podpass_policy::ConditionTrace;
use serde_json::json;

use super::edit::{Edit, TextEdit};
use super::spans::{Member, Spanned, position_of, with_comma};

/// A trust policy's text with the places of its parts.
pub(super) struct TrustText<'a> {
    text: &'a str,
    root: Spanned,
}

/// Where one condition stands.
pub(super) struct ConditionPlace<'a> {
    operator: &'a Member,
    key: &'a Member,
    siblings: Vec<Range<usize>>,
}

impl<'a> TrustText<'a> {
    pub(super) fn read(text: &'a str) -> Option<Self> {
        let root = Spanned::read(text)?;
        Some(Self { text, root })
    }

    pub(super) fn statement(&self, index: usize) -> Option<&Spanned> {
        self.root.member("Statement")?.node.elements().get(index)
    }

    pub(super) fn condition(
        &self,
        statement: usize,
        wanted: &ConditionTrace,
    ) -> Option<ConditionPlace<'_>> {
        let condition = &self.statement(statement)?.member("Condition")?.node;
        let operator = condition.member(&wanted.operator.to_string())?;
        let key = operator.node.member(&wanted.key)?;
        // The last key of an operator takes the operator with it: an empty one is no JSON that IAM takes.
        let siblings = operator.node.members().iter().map(Member::span).collect();
        Some(ConditionPlace {
            operator,
            key,
            siblings,
        })
    }

    /// Replaces one element of a string or list.
    pub(super) fn replace_value(&self, node: &Spanned, old: &str, new: &str) -> Option<Edit> {
        let element = node
            .elements()
            .iter()
            .find(|each| each.text() == Some(old))?;
        Some(self.replace(
            element.span.clone(),
            json!(new).to_string(),
            format!("replace `{old}` with `{new}`"),
        ))
    }

    /// Replaces a whole value, also one that is neither string nor list.
    pub(super) fn replace_node(
        &self,
        node: &Spanned,
        new: &serde_json::Value,
        what: String,
    ) -> Edit {
        self.replace(node.span.clone(), new.to_string(), what)
    }

    /// Adds an element to a string or list.
    pub(super) fn add_value(&self, node: &Spanned, new: &str) -> Option<Edit> {
        let what = format!("add `{new}`");
        if node.text().is_some() {
            let old = self.text.get(node.span.clone())?;
            return Some(self.replace(node.span.clone(), format!("[{old}, {}]", json!(new)), what));
        }
        let last = node.elements().last()?;
        Some(self.replace(
            last.span.end..last.span.end,
            format!(", {}", json!(new)),
            what,
        ))
    }

    /// Takes an element out of a list of several.
    pub(super) fn remove_value(&self, node: &Spanned, old: &str) -> Option<Edit> {
        let elements = node.elements();
        let index = elements.iter().position(|each| each.text() == Some(old))?;
        if elements.len() < 2 {
            return None;
        }
        let spans: Vec<_> = elements.iter().map(|each| each.span.clone()).collect();
        Some(self.replace(
            with_comma(&spans, index)?,
            String::new(),
            format!("remove `{old}`"),
        ))
    }

    pub(super) fn rename(&self, member: &Member, new: &str) -> Edit {
        self.replace(
            member.name_span.clone(),
            json!(new).to_string(),
            format!("rename `{}` to `{new}`", member.name),
        )
    }

    /// Writes another key and value in the place of a condition's.
    pub(super) fn replace_condition(
        &self,
        place: &ConditionPlace<'_>,
        key: &str,
        value: &str,
    ) -> Edit {
        self.replace(
            place.key.span(),
            format!("{}: {}", json!(key), json!(value)),
            format!(
                "replace the condition on `{}` with `{key}`: `{value}`",
                place.key.name
            ),
        )
    }

    /// Takes a condition out, and its operator when nothing is left under it.
    pub(super) fn remove_condition(
        &self,
        statement: usize,
        place: &ConditionPlace<'_>,
    ) -> Option<Edit> {
        let what = format!(
            "remove the condition {} on `{}`",
            place.operator.name, place.key.name
        );
        let start = place.key.span();
        if place.siblings.len() > 1 {
            let index = place.siblings.iter().position(|span| *span == start)?;
            return Some(self.replace(with_comma(&place.siblings, index)?, String::new(), what));
        }
        let node = self.statement(statement)?;
        let condition = node.member("Condition")?;
        let operators: Vec<_> = condition.node.members().iter().map(Member::span).collect();
        if let (Some(index), true) = (
            operators
                .iter()
                .position(|span| *span == place.operator.span()),
            operators.len() > 1,
        ) {
            return Some(self.replace(with_comma(&operators, index)?, String::new(), what));
        }
        let elements: Vec<_> = node.members().iter().map(Member::span).collect();
        let index = elements.iter().position(|span| *span == condition.span())?;
        Some(self.replace(with_comma(&elements, index)?, String::new(), what))
    }

    /// Adds a statement behind the last one.
    pub(super) fn add_statement(&self, statement: &serde_json::Value) -> Option<Edit> {
        let node = &self.root.member("Statement")?.node;
        let what = "add a statement for this subject and audience".to_owned();
        let last = node.elements().last()?;
        if node.elements().len() == 1 && node.span == last.span {
            let old = self.text.get(node.span.clone())?;
            return Some(self.replace(node.span.clone(), format!("[{old}, {statement}]"), what));
        }
        Some(self.replace(
            last.span.end..last.span.end,
            format!(",\n    {statement}"),
            what,
        ))
    }

    /// Takes a statement out, unless it is the only one.
    pub(super) fn remove_statement(&self, index: usize) -> Option<Edit> {
        let elements = self.root.member("Statement")?.node.elements();
        if elements.len() < 2 {
            return None;
        }
        let spans: Vec<_> = elements.iter().map(|each| each.span.clone()).collect();
        let what = format!("remove statement {}", index + 1);
        Some(self.replace(with_comma(&spans, index)?, String::new(), what))
    }

    fn replace(&self, span: Range<usize>, new: String, what: String) -> Edit {
        Edit::TrustPolicy(TextEdit {
            position: position_of(self.text, span.start),
            old: self.text.get(span).unwrap_or_default().to_owned(),
            new,
            what,
        })
    }
}

impl ConditionPlace<'_> {
    /// The values.
    pub(super) fn values(&self) -> &Spanned {
        &self.key.node
    }

    /// The member with the operator's name.
    pub(super) fn operator(&self) -> &Member {
        self.operator
    }

    /// The member with the key's name.
    pub(super) fn key(&self) -> &Member {
        self.key
    }
}
