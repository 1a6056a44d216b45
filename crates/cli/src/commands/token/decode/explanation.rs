//! `--explain` as a table.

use std::fmt::Write as _;

use podpass_diagnose::checkers::{Check, CheckedClaim};

use crate::output::Paint;
use crate::table::Table;

/// A row for each check; the claim and its value stand in its first.
pub(super) fn render(claims: &[CheckedClaim], trust: Option<&str>, paint: Paint) -> String {
    let mut table = Table::new(&["CLAIM", "VALUE", "CHECKED BY", "RESULT", "HAS TO BE"]);
    for claim in claims {
        let mut name = claim.claim.as_str();
        let mut value = claim.value.as_deref().unwrap_or("(absent)");
        for check in &claim.checks {
            let result = match check.holds {
                Some(true) => "holds",
                Some(false) => "FAILS",
                None => "-",
            };
            table.judged_row(
                [
                    name,
                    value,
                    check.checker.as_str(),
                    result,
                    &against(check, trust),
                ],
                check.holds == Some(false),
            );
            (name, value) = ("", "");
        }
    }
    let mut text = table.render(paint);
    if claims
        .iter()
        .any(|claim| claim.claim.starts_with("kubernetes.io/"))
    {
        text.push_str(ONLY_IN_KUBERNETES);
    }
    text
}

/// Whether a given value does not match.
pub(super) fn fails(claims: &[CheckedClaim]) -> bool {
    let mut checks = claims.iter().flat_map(|claim| &claim.checks);
    checks.any(|check| check.holds == Some(false))
}

/// What is asked, then what was given for it and where.
fn against(check: &Check, trust: Option<&str>) -> String {
    let mut text = check.against.clone();
    if !check.expected.is_empty() {
        text.push_str(": ");
        text.push_str(&check.expected.join(", "));
    }
    if let (Some(place), Some(trust)) = (check.position, trust) {
        let _ = write!(text, " ({trust}:{}:{})", place.line, place.column);
    }
    text
}

const ONLY_IN_KUBERNETES: &str = "
AWS reads nothing of `kubernetes.io`: the token of a pod that was deleted gets credentials there until `exp`.
";
