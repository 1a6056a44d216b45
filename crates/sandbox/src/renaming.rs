//! What becomes of users and roles in the policies that name them as principals, when they are deleted or renamed.
//!
//! AWS keeps principals by their unique ids and only shows them as ARNs. So a policy follows a user to its new name, shows
//! the id once its principal is deleted, and does not trust whoever is made under the old name later.

use podpass_policy::{Document, PrincipalClause, PrincipalKind, PrincipalSet, Values};

/// A user or role that policies have to show otherwise from now on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Renamed {
    /// The ARN that it had.
    pub(crate) from: String,
    /// The ARN that it has; `AIDA…` or `AROA…` when it was deleted.
    pub(crate) to: String,
}

impl Renamed {
    /// Whether a document names the old ARN as a principal.
    pub(crate) fn is_named_in(&self, document: &Document) -> bool {
        let clauses = document
            .statements
            .iter()
            .filter_map(|statement| statement.principal.as_ref());
        clauses
            .flat_map(|clause| clause.set().of_kind(PrincipalKind::Aws))
            .any(|value| *value == self.from)
    }

    /// Puts the new text in the place of the old ARN.
    pub(crate) fn apply(&self, document: &mut Document) {
        let clauses = document
            .statements
            .iter_mut()
            .filter_map(|statement| statement.principal.as_mut());
        for clause in clauses {
            let (PrincipalClause::Principal(set) | PrincipalClause::NotPrincipal(set)) = clause;
            let PrincipalSet::Listed(kinds) = set else {
                continue;
            };
            for (kind, values) in kinds {
                if *kind == PrincipalKind::Aws && values.contains(&self.from) {
                    *values = self.replaced(values);
                }
            }
        }
    }

    fn replaced(&self, values: &Values) -> Values {
        if values.len() == 1 {
            return Values::one(self.to.as_str());
        }
        Values::list(values.iter().map(|value| {
            if *value == self.from {
                self.to.as_str()
            } else {
                value
            }
        }))
    }
}
