//! The service control policies on an account.

use podpass_policy::{AccountId, Attached, ControlLevel, Controls, Document, Effect, Statement};

use crate::settings::ServiceControl;

/// The service control policies on an account, all at the one level of the account itself.
#[derive(Clone, Debug, Default)]
pub(crate) struct ServiceControls {
    /// How traces call the level.
    target: String,
    /// Name and document; none at all when nothing is limited.
    policies: Vec<(String, Document)>,
}

impl ServiceControls {
    /// Attaches policies to an account.
    ///
    /// AWS attaches `FullAWSAccess` to every account, and who denies by a list leaves it there, while a list of what is
    /// allowed means something only without it.
    pub(crate) fn on(account: &AccountId, given: &[ServiceControl]) -> Self {
        let mut policies: Vec<(String, Document)> = given
            .iter()
            .map(|policy| (policy.name().to_owned(), policy.document().clone()))
            .collect();
        let allows = |(_, document): &(String, Document)| {
            let mut statements = document.statements.iter();
            statements.any(|statement| statement.effect == Effect::Allow)
        };
        if !policies.is_empty() && !policies.iter().any(allows) {
            let everything = Statement::allow("*").with_resource("*");
            policies.insert(0, (FULL_ACCESS.to_owned(), Document::new(vec![everything])));
        }
        Self {
            target: format!("account {account}"),
            policies,
        }
    }

    /// The policies as the evaluator takes them.
    pub(crate) fn controls(&self) -> Controls<'_> {
        if self.policies.is_empty() {
            return Controls::default();
        }
        let policies = self.policies.iter().map(|(name, document)| Attached {
            source: name,
            document,
        });
        Controls {
            management_account: None,
            levels: vec![ControlLevel {
                target: &self.target,
                policies: policies.collect(),
            }],
        }
    }
}

const FULL_ACCESS: &str = "FullAWSAccess";
