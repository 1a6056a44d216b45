//! Which resources a statement is about.

use crate::condition::{ArnPattern, NoArnPattern, covers_arn};
use crate::context::Context;
use crate::document::{Effect, ResourceClause, Version};
use crate::template::is_plain;

/// Whether a resource clause covers a resource.
pub(super) fn covers(
    clause: &ResourceClause,
    resource: &str,
    version: Version,
    effect: Effect,
    context: &Context,
) -> bool {
    let fits = |pattern: &String| fit(pattern, resource, version, context);
    match clause {
        ResourceClause::Resource(patterns) => {
            patterns.iter().any(|pattern| fits(pattern) == Fit::Matches)
        }
        // An exception that cannot be worked out, for want of a variable, must not widen an Allow nor narrow a Deny.
        ResourceClause::NotResource(patterns) => {
            !patterns.iter().any(|pattern| match fits(pattern) {
                Fit::Matches => true,
                Fit::Differs => false,
                Fit::Unresolved => effect == Effect::Allow,
            })
        }
    }
}

/// The patterns of a clause as a trace shows them.
pub(super) fn show(clause: &ResourceClause, version: Version, context: &Context) -> Vec<String> {
    let not = match clause {
        ResourceClause::Resource(_) => "",
        ResourceClause::NotResource(_) => "not ",
    };
    let shown = |pattern: &String| {
        if is_plain(pattern, version) {
            return format!("{not}{pattern}");
        }
        match ArnPattern::read(pattern, version, context) {
            Ok(arn) => format!("{not}{}", arn.shown()),
            Err(_) => format!("{not}{pattern}"),
        }
    };
    clause.values().iter().map(shown).collect()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Fit {
    Matches,
    Differs,
    Unresolved,
}

fn fit(pattern: &str, resource: &str, version: Version, context: &Context) -> Fit {
    if pattern == "*" {
        return Fit::Matches;
    }
    if is_plain(pattern, version) {
        return if covers_arn(pattern, resource) {
            Fit::Matches
        } else {
            Fit::Differs
        };
    }
    match ArnPattern::read(pattern, version, context) {
        Ok(arn) if arn.matches(resource) => Fit::Matches,
        Ok(_) | Err(NoArnPattern::Malformed) => Fit::Differs,
        Err(NoArnPattern::Unresolved) => Fit::Unresolved,
    }
}
