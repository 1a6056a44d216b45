//! Statements and their clauses.

use serde::Serialize;

use super::Version;
use super::principal::PrincipalClause;
use super::values::Values;
use crate::condition::{Condition, ConditionOperator};
use crate::position::Position;
use crate::template;

/// One statement of a policy. Equality ignores where it stands.
#[derive(Clone, Debug)]
pub struct Statement {
    /// The optional id, unique in its document.
    pub sid: Option<String>,
    /// Whether the statement allows or denies.
    pub effect: Effect,
    /// Who it is about: in trust and bucket policies only.
    pub principal: Option<PrincipalClause>,
    /// Which actions it is about.
    pub actions: ActionClause,
    /// Which resources it is about: not in trust policies.
    pub resources: Option<ResourceClause>,
    /// The conditions, all of which must hold. An operator and a key stand together at most once, since JSON cannot say it twice.
    pub conditions: Vec<Condition>,
    /// Where it starts in its text.
    pub position: Position,
    /// Right after its last character.
    pub end: Position,
}

/// What a matching statement does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Effect {
    /// It allows, unless something denies.
    Allow,
    /// It denies, whatever allows.
    Deny,
}

/// The Action or NotAction element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ActionClause {
    /// The actions that match.
    Action(Values),
    /// Every action but these matches.
    NotAction(Values),
}

/// The Resource or NotResource element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResourceClause {
    /// The resources that match.
    Resource(Values),
    /// Every resource but these matches.
    NotResource(Values),
}

impl Statement {
    /// A statement that allows actions, yet without principal, resource and condition.
    pub fn allow(actions: impl Into<Values>) -> Self {
        Self::new(Effect::Allow, actions)
    }

    /// A statement that denies actions, yet without principal, resource and condition.
    pub fn deny(actions: impl Into<Values>) -> Self {
        Self::new(Effect::Deny, actions)
    }

    /// The same with an id.
    #[must_use]
    pub fn with_sid(mut self, sid: impl Into<String>) -> Self {
        self.sid = Some(sid.into());
        self
    }

    /// The same with a Principal element.
    #[must_use]
    pub fn with_principal(mut self, principal: PrincipalClause) -> Self {
        self.principal = Some(principal);
        self
    }

    /// The same with a Resource element.
    #[must_use]
    pub fn with_resource(mut self, resources: impl Into<Values>) -> Self {
        self.resources = Some(ResourceClause::Resource(resources.into()));
        self
    }

    /// The same with one more condition.
    #[must_use]
    pub fn with_condition(
        mut self,
        operator: impl Into<ConditionOperator>,
        key: impl Into<String>,
        values: impl Into<Values>,
    ) -> Self {
        self.conditions.push(Condition::new(operator, key, values));
        self
    }

    /// The context keys that a request must have for the statement to be worked out: those of its conditions, and those of
    /// policy variables that have no default. Each stands once, as it is written first.
    pub fn context_keys(&self, version: Version) -> Vec<String> {
        let in_conditions = self.conditions.iter().flat_map(|condition| {
            let variables = condition.variables(version);
            std::iter::once(condition.key.clone()).chain(variables)
        });
        let patterns = self.resources.iter().flat_map(ResourceClause::values);
        let in_resources = patterns.flat_map(|pattern| template::variables(pattern, version));
        let mut keys: Vec<String> = Vec::new();
        for key in in_conditions.chain(in_resources) {
            if !keys
                .iter()
                .any(|known| known.to_lowercase() == key.to_lowercase())
            {
                keys.push(key);
            }
        }
        keys
    }

    fn new(effect: Effect, actions: impl Into<Values>) -> Self {
        Self {
            sid: None,
            effect,
            principal: None,
            actions: ActionClause::Action(actions.into()),
            resources: None,
            conditions: Vec::new(),
            position: Position::START,
            end: Position::START,
        }
    }
}

impl PartialEq for Statement {
    fn eq(&self, other: &Self) -> bool {
        let Self {
            sid,
            effect,
            principal,
            actions,
            resources,
            conditions,
            position: _,
            end: _,
        } = self;
        *sid == other.sid
            && *effect == other.effect
            && *principal == other.principal
            && *actions == other.actions
            && *resources == other.resources
            && *conditions == other.conditions
    }
}

impl Eq for Statement {}

impl Effect {
    /// The text of the element.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "Allow",
            Self::Deny => "Deny",
        }
    }
}

impl ActionClause {
    /// The patterns.
    pub fn values(&self) -> &Values {
        match self {
            Self::Action(values) | Self::NotAction(values) => values,
        }
    }
}

impl ResourceClause {
    /// The patterns.
    pub fn values(&self) -> &Values {
        match self {
            Self::Resource(values) | Self::NotResource(values) => values,
        }
    }
}
