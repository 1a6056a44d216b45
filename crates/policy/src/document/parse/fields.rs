//! Access to the members of a JSON object that may have certain members only.

use super::Fault;
use crate::document::Values;
use crate::error::PolicyErrorKind;
use crate::json::{Member, Node, Value};
use crate::suggestion::nearest;

/// The members of an object, all of them known.
pub(super) struct Fields<'n> {
    /// The object.
    pub(super) node: &'n Node,
    members: &'n [Member],
}

/// An element in its positive form or its Not form.
pub(super) enum Form<'n> {
    Plain(&'n Node),
    Not(&'n Node),
}

impl<'n> Fields<'n> {
    /// Reads an object; any member that is not in `known` is refused.
    pub(super) fn read(
        node: &'n Node,
        parent: &'static str,
        known: &[&'static str],
    ) -> Result<Self, Fault> {
        let Value::Object(members) = &node.value else {
            return Err(Fault::wrong_type(node, parent, "an object"));
        };
        match members
            .iter()
            .find(|member| !known.contains(&member.name.as_str()))
        {
            None => Ok(Self { node, members }),
            Some(member) => {
                let name = member.name.clone();
                let suggestion = nearest(&name, known.iter().copied()).map(str::to_owned);
                let kind = PolicyErrorKind::UnknownElement {
                    name,
                    parent,
                    suggestion,
                };
                Err(Fault::new(member.position, kind))
            }
        }
    }

    /// The value of a member.
    pub(super) fn find(&self, name: &str) -> Option<&'n Node> {
        self.find_member(name).map(|member| &member.node)
    }

    /// A member.
    pub(super) fn find_member(&self, name: &str) -> Option<&'n Member> {
        self.members.iter().find(|member| member.name == name)
    }

    /// The one of an element and its Not form that is there.
    pub(super) fn find_form(
        &self,
        element: &'static str,
        not: &'static str,
    ) -> Result<Option<Form<'n>>, Fault> {
        match (self.find(element), self.find_member(not)) {
            (Some(_), Some(member)) => Err(Fault::new(
                member.position,
                PolicyErrorKind::BothForms { element },
            )),
            (Some(node), None) => Ok(Some(Form::Plain(node))),
            (None, Some(member)) => Ok(Some(Form::Not(&member.node))),
            (None, None) => Ok(None),
        }
    }
}

/// Reads a string.
pub(super) fn read_text(node: &Node, element: &str) -> Result<String, Fault> {
    match &node.value {
        Value::String(text) => Ok(text.clone()),
        _ => Err(Fault::wrong_type(node, element, "a string")),
    }
}

/// Reads a string or an array of strings, each of which has to pass a check.
pub(super) fn read_values(
    node: &Node,
    element: &str,
    check: impl Fn(&str) -> Result<(), PolicyErrorKind>,
) -> Result<Values, Fault> {
    let read = |node: &Node| {
        let text = read_text_of_list(node, element)?;
        check(&text).map_err(|kind| Fault::new(node.position, kind))?;
        Ok(text)
    };
    match &node.value {
        Value::Array(nodes) => Ok(Values::list(
            nodes.iter().map(read).collect::<Result<Vec<_>, _>>()?,
        )),
        _ => Ok(Values::one(read(node)?)),
    }
}

fn read_text_of_list(node: &Node, element: &str) -> Result<String, Fault> {
    match &node.value {
        Value::String(text) => Ok(text.clone()),
        _ => Err(Fault::wrong_type(
            node,
            element,
            "a string or an array of strings",
        )),
    }
}
