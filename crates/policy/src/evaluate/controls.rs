//! Whom the control policies of an organisation limit.

use super::{Standing, is_owner};
use crate::arn::RoleArn;
use crate::request::{ControlLevel, Policies, Request};

/// The levels of service control policies that limit the caller; none when it is exempt.
///
/// They limit the users, sessions and root users of member accounts, but neither service-linked roles nor the management
/// account, nor callers that are in no account: as documented for AWS Organizations.
pub(super) fn on_caller<'p, 'a>(
    request: &Request<'_>,
    policies: &'p Policies<'a>,
) -> &'p [ControlLevel<'a>] {
    let controls = &policies.service_controls;
    let exempt = Standing::of(request.principal) == Standing::Outside
        || request.principal.is_service_linked()
        || controls
            .management_account
            .is_some_and(|management| request.principal.account().as_ref() == Some(management));
    if exempt { &[] } else { &controls.levels }
}

/// The levels of resource control policies that limit access to the resource; none when it is exempt.
///
/// They limit every caller, from whatever account, except service-linked roles; they do not limit access to what the
/// management account owns, nor the assumption of a service-linked role.
pub(super) fn on_resource<'p, 'a>(
    request: &Request<'_>,
    policies: &'p Policies<'a>,
) -> &'p [ControlLevel<'a>] {
    let controls = &policies.resource_controls;
    let exempt = controls.levels.is_empty()
        || request.principal.is_service_linked()
        || assumes_service_linked_role(request)
        || controls.management_account.is_some_and(|management| {
            is_owner(management, request.principal, policies.resource_account)
        });
    if exempt { &[] } else { &controls.levels }
}

fn assumes_service_linked_role(request: &Request<'_>) -> bool {
    let of_sts = request
        .action
        .split_once(':')
        .is_some_and(|(service, _)| service.eq_ignore_ascii_case("sts"));
    of_sts
        && request
            .resource
            .parse::<RoleArn>()
            .is_ok_and(|role| role.is_service_linked())
}
