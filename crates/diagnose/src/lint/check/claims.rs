//! What files say about each other: whose role is where, and whom a trust policy names.

use std::collections::BTreeMap;

use podpass_kinds::Reason;
use podpass_policy::{AccountId, Position};

use crate::{Finding, Severity};

/// What the files of one run claim.
#[derive(Default)]
pub(in super::super) struct Claims {
    roles: Vec<RoleClaim>,
    /// By the subjects that they name.
    trusts: BTreeMap<String, Vec<TrustClaim>>,
}

/// What a service account's annotations say.
pub(in super::super) struct RoleClaim {
    pub(in super::super) subject: String,
    /// The account of the role.
    pub(in super::super) account: AccountId,
    /// The audience that the webhook asks a token for; `None` when the API server chooses.
    pub(in super::super) audience: Option<String>,
    pub(in super::super) file: String,
    pub(in super::super) position: Position,
}

/// What a statement of a trust policy says.
#[derive(Clone)]
pub(in super::super) struct TrustClaim {
    /// The account of the OIDC provider.
    pub(in super::super) provider: AccountId,
    /// The audiences it accepts; `None` when it accepts any, or patterns.
    pub(in super::super) audiences: Option<Vec<String>>,
    pub(in super::super) file: String,
}

impl Claims {
    /// Notes a service account's annotations.
    pub(super) fn role(&mut self, claim: RoleClaim) {
        self.roles.push(claim);
    }

    /// Notes that a trust policy names a subject.
    pub(in super::super) fn trust(&mut self, subject: &str, claim: TrustClaim) {
        let of_subject = self.trusts.entry(subject.to_owned()).or_default();
        of_subject.push(claim);
    }

    /// Finds the annotations that the trust policies beside them do not fit.
    pub(in super::super) fn compare(self) -> Vec<Finding> {
        let Self { roles, trusts } = self;
        let compared = roles.into_iter().filter_map(|role| {
            let trusts = trusts.get(&role.subject)?;
            compare(&role, trusts)
        });
        compared.collect()
    }
}

fn compare(role: &RoleClaim, trusts: &[TrustClaim]) -> Option<Finding> {
    let first = trusts.first()?;
    // A web identity is trusted only by roles of the provider's own account.
    let of_account = trusts.iter().filter(|trust| trust.provider == role.account);
    let of_account: Vec<&TrustClaim> = of_account.collect();
    let Some(nearest) = of_account.first() else {
        return Some(finding(
            role,
            Reason::AccountsDiffer,
            format!(
                "the role is in account {}, and the trust policy in `{}` that names `{}` is for a provider of account {}",
                role.account, first.file, role.subject, first.provider
            ),
            trusts
                .iter()
                .map(|trust| trust.provider.to_string())
                .collect(),
            role.account.to_string(),
        ));
    };
    let audience = role.audience.as_deref()?;
    let accepted: Option<Vec<&Vec<String>>> = of_account
        .iter()
        .map(|trust| trust.audiences.as_ref())
        .collect();
    let accepted: Vec<String> = accepted?.into_iter().flatten().cloned().collect();
    (!accepted.iter().any(|accepted| accepted == audience)).then(|| {
        let message = format!(
            "the pods' tokens are for the audience `{audience}`, which the trust policy in `{}` that names `{}` does not accept",
            nearest.file, role.subject
        );
        finding(role, Reason::TrustAudMismatch, message, accepted, audience.to_owned())
    })
}

fn finding(
    role: &RoleClaim,
    code: Reason,
    message: String,
    mut expected: Vec<String>,
    actual: String,
) -> Finding {
    expected.sort();
    expected.dedup();
    Finding {
        code,
        severity: Severity::Warning,
        file: Some(role.file.clone()),
        position: Some(role.position),
        message,
        expected,
        actual: Some(actual),
        fix: code.fix().to_owned(),
    }
}
