//! What a statement of a permissions policy gives.

use podpass_kinds::Reason;
use podpass_kinds::yaml::Node;

use super::super::collector::Collector;
use super::super::draft::Draft;
use super::{allows, texts};

/// How a wildcard is judged.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Wildcards {
    /// In a policy, where resources can be listed.
    Policy,
    /// In a CredentialsRequest, whose statements have one resource only; those of OpenShift itself say `*`.
    Request,
}

pub(super) fn check(statement: &Node, out: &mut Collector<'_>) {
    if allows(statement) && statement.get("Condition").is_none() {
        let actions: Vec<&Node> = texts(statement, "Action").iter().collect();
        let resources: Vec<&Node> = texts(statement, "Resource").iter().collect();
        check_wildcards(&actions, &resources, Wildcards::Policy, out);
    }
}

/// Reports what an Allow without conditions gives too widely.
pub(in super::super) fn check_wildcards(
    actions: &[&Node],
    resources: &[&Node],
    wildcards: Wildcards,
    out: &mut Collector<'_>,
) {
    if let Some(action) = actions
        .iter()
        .find(|action| matches!(action.as_str(), Some("*" | "*:*")))
    {
        let message = "the statement allows every action of every service";
        out.report(Draft::warning(Reason::ActionWildcard, action.position, message).actual("*"));
    }
    let Some(resource) = resources
        .iter()
        .find(|resource| resource.as_str() == Some("*"))
    else {
        return;
    };
    let limitable: Vec<&str> = actions
        .iter()
        .filter_map(|action| action.as_str())
        .filter(|action| !needs_everything(action))
        .collect();
    let [first, rest @ ..] = limitable.as_slice() else {
        return;
    };
    let message = match rest.len() {
        0 => format!("the statement allows `{first}` on every resource"),
        more => format!("the statement allows `{first}` and {more} more on every resource"),
    };
    let draft = match wildcards {
        Wildcards::Policy => Draft::warning(Reason::ResourceWildcard, resource.position, message),
        Wildcards::Request => Draft::note(Reason::ResourceWildcard, resource.position, message),
    };
    out.report(draft.actual("*"));
}

/// Whether an action lists or describes, which most services cannot limit to some resources.
fn needs_everything(action: &str) -> bool {
    let name = action.split_once(':').map_or(action, |(_, name)| name);
    name.starts_with("List") || name.starts_with("Describe")
}
