//! What the AWS administrator who runs podpass has to be allowed: one table, and the least policy from it.
//!
//! The documented list is that of OpenShift's documentation for ccoctl
//! (`snippets/ccoctl-provider-permissions-requirements.adoc`). `sts:GetCallerIdentity` needs no permission.

mod table;

use std::fmt;

use podpass_policy::{
    Attached, Context, Document, Effect, Policies, Principal, Request, StatementOutcome, UserArn,
    Verdict, decide,
};
use serde::Serialize;
use serde_json::json;

pub use table::PERMISSIONS;

/// A command that calls AWS with the administrator's credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CallerCommand {
    /// `podpass aws create-identity-provider`.
    CreateIdentityProvider,
    /// `podpass aws create-iam-roles`.
    CreateIamRoles,
    /// `podpass aws create-all`: the two before in one go.
    CreateAll,
    /// `podpass aws delete`.
    Delete,
    /// `podpass bind` with a role that it makes.
    Bind,
    /// `podpass unbind` of such a role.
    Unbind,
}

/// An action of IAM or S3, and what podpass does with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Permission {
    /// The action as a policy writes it.
    pub action: &'static str,
    /// Whether it is on the documented list.
    pub documented: bool,
    /// Which commands need it, and when; none where podpass never calls it.
    pub uses: &'static [Use],
    /// Why podpass needs more than is documented, or does not need what is; empty where both agree.
    pub reason: &'static str,
}

/// One command's need of an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Use {
    /// The command.
    pub command: CallerCommand,
    /// When it is needed.
    pub need: Need,
}

/// When an action is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Need {
    /// In every run, or in one that repeats or repairs an earlier one.
    Always,
    /// In some cases alone, which the text names.
    Only(&'static str),
    /// Never: without it something is done again that need not be, or is left unsaid.
    Saves(&'static str),
}

/// An action that policies do not allow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Lacking {
    /// The action.
    pub action: &'static str,
    /// The statement that denies it, as `policy:line:column`; `None` where merely none allows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub denied_by: Option<String>,
}

impl CallerCommand {
    /// Every command.
    pub const ALL: [Self; 6] = [
        Self::CreateIdentityProvider,
        Self::CreateIamRoles,
        Self::CreateAll,
        Self::Delete,
        Self::Bind,
        Self::Unbind,
    ];

    /// The command's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CreateIdentityProvider => "create-identity-provider",
            Self::CreateIamRoles => "create-iam-roles",
            Self::CreateAll => "create-all",
            Self::Delete => "delete",
            Self::Bind => "bind",
            Self::Unbind => "unbind",
        }
    }

    /// The commands of the table that this one is made of.
    fn parts(self) -> &'static [Self] {
        match self {
            Self::CreateAll => &[Self::CreateIdentityProvider, Self::CreateIamRoles],
            Self::CreateIdentityProvider => &[Self::CreateIdentityProvider],
            Self::CreateIamRoles => &[Self::CreateIamRoles],
            Self::Delete => &[Self::Delete],
            Self::Bind => &[Self::Bind],
            Self::Unbind => &[Self::Unbind],
        }
    }
}

impl fmt::Display for CallerCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Permission {
    /// What the commands need it for; the strictest need of each.
    pub fn needs(&self, commands: &[CallerCommand]) -> Vec<Need> {
        let parts: Vec<CallerCommand> = commands
            .iter()
            .flat_map(|command| command.parts())
            .copied()
            .collect();
        let uses = self.uses.iter().filter(|own| parts.contains(&own.command));
        uses.map(|own| own.need).collect()
    }

    /// Whether one of the commands cannot do without it.
    pub fn is_needed(&self, commands: &[CallerCommand]) -> bool {
        self.needs(commands).contains(&Need::Always)
    }
}

/// The actions that the commands cannot do without, in the order of the table.
pub fn least_actions(commands: &[CallerCommand]) -> Vec<&'static str> {
    let needed = PERMISSIONS
        .iter()
        .filter(|permission| permission.is_needed(commands));
    needed.map(|permission| permission.action).collect()
}

/// The least policy for the commands, as IAM takes it.
pub fn least_policy(commands: &[CallerCommand]) -> Document {
    let policy = json!({
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": least_actions(commands), "Resource": "*"}],
    });
    Document::parse(
        &policy.to_string(),
        podpass_policy::DocumentKind::Permissions,
    )
    .unwrap_or_else(|error| unreachable!("the table makes a policy: {error}"))
}

/// The actions that the commands need and that these policies of the caller, by name, do not allow on every resource.
pub fn lacking(policies: &[(String, Document)], commands: &[CallerCommand]) -> Vec<Lacking> {
    let caller: UserArn = "arn:aws:iam::000000000000:user/caller"
        .parse()
        .unwrap_or_else(|error| unreachable!("an ARN of this file: {error}"));
    let principal = Principal::User { arn: caller.into() };
    let policies = Policies {
        identity: policies
            .iter()
            .map(|(source, document)| Attached { source, document })
            .collect(),
        ..Policies::default()
    };
    let context = Context::new();
    let ask = |action: &'static str| {
        let request = Request {
            principal: &principal,
            action,
            resource: "*",
            context: &context,
        };
        let decision = decide(&request, &policies);
        let denied_by = match decision.verdict {
            Verdict::Allowed => return None,
            Verdict::ImplicitDeny(_) => None,
            Verdict::ExplicitDeny(_) => decision.trace.iter().find_map(|policy| {
                let mut statements = policy.statements.iter();
                let denying = statements.find(|statement| {
                    statement.effect == Effect::Deny
                        && statement.outcome == StatementOutcome::Matches
                })?;
                let place = denying.position;
                Some(format!("{}:{}:{}", policy.source, place.line, place.column))
            }),
        };
        Some(Lacking { action, denied_by })
    };
    least_actions(commands)
        .into_iter()
        .filter_map(ask)
        .collect()
}
