//! What becomes of a deleted user or role in the policies that name it as a principal.
//!
//! AWS keeps principals by their unique ids and only shows them as ARNs. So a policy shows the id once its principal is
//! deleted, and does not trust whoever is made under the same name later.

use podpass_policy::{Document, PrincipalClause, PrincipalKind, PrincipalSet, Values};

/// A user or role that was just deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Retired {
    pub(crate) arn: String,
    /// `AIDA…` or `AROA…`.
    pub(crate) id: String,
}

impl Retired {
    /// Puts the unique id in the place of the ARN; tells whether the document named it.
    pub(crate) fn leave(&self, document: &mut Document) -> bool {
        let mut is_named = false;
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
                if *kind == PrincipalKind::Aws && values.contains(&self.arn) {
                    *values = self.replaced(values);
                    is_named = true;
                }
            }
        }
        is_named
    }

    fn replaced(&self, values: &Values) -> Values {
        if values.len() == 1 {
            return Values::one(self.id.as_str());
        }
        Values::list(values.iter().map(|value| {
            if *value == self.arn {
                self.id.as_str()
            } else {
                value
            }
        }))
    }
}
