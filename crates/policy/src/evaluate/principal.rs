//! Who a statement is about.

use crate::account::AccountId;
use crate::aws_principal::AwsPrincipal;
use crate::document::{Effect, PrincipalClause, PrincipalKind, PrincipalSet};
use crate::request::Principal;

/// How a statement reaches the caller, from the weakest to the strongest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Grant {
    /// Through its account, which delegates: the caller's own policies have to allow too.
    Account,
    /// Through its role: counts like a permissions policy of the role.
    Role,
    /// By itself: the user, the session, or everybody.
    Direct,
}

/// How the principals of a statement reach the caller; `None` when they do not.
pub(super) fn match_principal(
    clause: &PrincipalClause,
    effect: Effect,
    caller: &Principal,
    resource_account: Option<&AccountId>,
) -> Option<Grant> {
    match clause {
        PrincipalClause::Principal(set) => reach(set, effect, caller, resource_account),
        // Whom `*` does not vouch for, everybody but a few does not either.
        PrincipalClause::NotPrincipal(set) => {
            reach(&PrincipalSet::Everyone, effect, caller, resource_account)
                .filter(|_| !is_exempt(set, effect, caller, resource_account))
        }
    }
}

/// Whether a Principal element is `*`.
pub(super) fn is_for_everyone(clause: &PrincipalClause) -> bool {
    matches!(clause, PrincipalClause::Principal(set) if is_everyone(set))
}

/// The principals of a statement as a trace shows them.
pub(super) fn show(clause: &PrincipalClause) -> Vec<String> {
    let not = match clause {
        PrincipalClause::Principal(_) => "",
        PrincipalClause::NotPrincipal(_) => "not ",
    };
    match clause.set() {
        PrincipalSet::Everyone => vec![format!("{not}*")],
        PrincipalSet::Listed(kinds) => kinds
            .iter()
            .flat_map(|(_, values)| values)
            .map(|value| format!("{not}{value}"))
            .collect(),
    }
}

fn reach(
    set: &PrincipalSet,
    effect: Effect,
    caller: &Principal,
    resource_account: Option<&AccountId>,
) -> Option<Grant> {
    let lists = |kind, name: &str| set.of_kind(kind).iter().any(|value| value == name);
    let everyone = is_everyone(set);
    // `*` never vouches for a web identity or a service, but a Deny for `*` spares nobody.
    let denied_to_all = everyone && effect == Effect::Deny;
    match caller {
        Principal::Anonymous => everyone.then_some(Grant::Direct),
        Principal::WebIdentity { provider } => {
            let own = resource_account.is_none_or(|account| account == provider.account());
            let named = own && lists(PrincipalKind::Federated, provider.as_str());
            (named || denied_to_all).then_some(Grant::Direct)
        }
        Principal::Service(name) => {
            (lists(PrincipalKind::Service, name) || denied_to_all).then_some(Grant::Direct)
        }
        Principal::Root { .. } | Principal::User { .. } | Principal::RoleSession { .. } => set
            .of_kind(PrincipalKind::Aws)
            .iter()
            .filter_map(|value| reach_by(&AwsPrincipal::read(value)?, caller))
            .chain(everyone.then_some(Grant::Direct))
            .max(),
    }
}

/// How one principal that is not `*` reaches the caller.
fn reach_by(named: &AwsPrincipal, caller: &Principal) -> Option<Grant> {
    match (named, caller) {
        (AwsPrincipal::Account(account), _) => {
            (caller.account().as_ref() == Some(account)).then_some(Grant::Account)
        }
        (AwsPrincipal::Role(named), Principal::RoleSession { role, .. }) => {
            (named == role).then_some(Grant::Role)
        }
        (
            AwsPrincipal::Exactly(named),
            Principal::User { arn } | Principal::RoleSession { session: arn, .. },
        ) => (named == arn).then_some(Grant::Direct),
        _ => None,
    }
}

/// Whether a NotPrincipal takes the caller out.
///
/// In a Deny, AWS takes a user or session out only when its account is listed with it, and a session only when its role
/// is listed as well. In an Allow, which IAM no longer takes, being listed in any way is enough: the stricter reading.
fn is_exempt(
    set: &PrincipalSet,
    effect: Effect,
    caller: &Principal,
    resource_account: Option<&AccountId>,
) -> bool {
    if is_everyone(set) {
        return true;
    }
    if effect == Effect::Allow {
        return reach(set, effect, caller, resource_account).is_some();
    }
    let reached: Vec<Grant> = set
        .of_kind(PrincipalKind::Aws)
        .iter()
        .filter_map(|value| reach_by(&AwsPrincipal::read(value)?, caller))
        .collect();
    let needed: &[Grant] = match caller {
        Principal::Anonymous => return false,
        Principal::WebIdentity { .. } | Principal::Service(_) => {
            // Read as an Allow, so that only being named counts.
            return reach(set, Effect::Allow, caller, resource_account).is_some();
        }
        Principal::Root { .. } => &[Grant::Account],
        Principal::User { .. } => &[Grant::Account, Grant::Direct],
        Principal::RoleSession { .. } => &[Grant::Account, Grant::Role, Grant::Direct],
    };
    needed.iter().all(|grant| reached.contains(grant))
}

fn is_everyone(set: &PrincipalSet) -> bool {
    match set {
        PrincipalSet::Everyone => true,
        PrincipalSet::Listed(_) => set
            .of_kind(PrincipalKind::Aws)
            .iter()
            .any(|value| value == "*"),
    }
}
