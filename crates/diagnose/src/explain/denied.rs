//! `User: … is not authorized to perform: … on resource: …`: the grammar in which IAM words a denial.

use podpass_kinds::Reason;
use podpass_policy::Layer;

use super::rows::Topic;
use super::wording::Wording;
use super::{Cause, Explanation, NamedValue};

/// Explains a denial by policies; `None` if the text is none.
pub(super) fn explain(wording: &Wording) -> Option<Explanation> {
    let principal = wording.between("user: ", " is not authorized to perform")?;
    let action = wording.word_after("is not authorized to perform: ")?;
    let resource = resource(wording);
    let layer = Layers::ALL.iter().find(|layer| wording.has(layer.name));
    let explicit = wording.has("with an explicit deny");
    let mut values = vec![
        NamedValue {
            name: "principal",
            value: principal.to_owned(),
            remark: principal_remark(principal),
        },
        value("action", action),
    ];
    values.extend(resource.map(|resource| value("resource", resource)));
    values.push(value(
        "policy layer",
        layer.map_or("not said", |layer| layer.name),
    ));
    values.push(value(
        "deny",
        if explicit { "explicit" } else { "implicit" },
    ));
    let causes = match layer {
        Some(layer) if explicit => vec![cause(
            Some(Reason::ExplicitDeny),
            layer.denies,
            layer.look_at,
        )],
        Some(layer) => vec![cause(layer.reason, layer.misses, layer.look_at)],
        None if action.eq_ignore_ascii_case("sts:AssumeRole") => {
            assume_role(principal.contains(":assumed-role/"))
        }
        None => Layers::ALL
            .iter()
            .map(|layer| cause(layer.reason, layer.misses, layer.look_at))
            .collect(),
    };
    Some(Explanation {
        topic: Topic::PermissionDenied,
        code: wording.code(),
        operation: wording.operation(),
        meaning: "the credentials are good; a policy does not let their session do this",
        values,
        causes,
    })
}

/// The kinds of policies, in the words of the messages.
struct Layers {
    name: &'static str,
    reason: Option<Reason>,
    misses: &'static str,
    denies: &'static str,
    look_at: &'static str,
}

impl Layers {
    /// In the order in which one of them is usually to blame.
    const ALL: [Self; 7] = [
        Self {
            name: Layer::Identity.as_str(),
            reason: Some(Reason::PermissionDeniedIdentity),
            misses: "no permissions policy of the role or user allows the action on the resource",
            denies: "a Deny statement of a permissions policy of the role or user matches",
            look_at: "the inline and attached policies of the role: action, resource ARN, conditions",
        },
        Self {
            name: Layer::Resource.as_str(),
            reason: Some(Reason::PermissionDeniedResource),
            misses: "the resource's own policy does not allow the caller, which another account's resource must",
            denies: "a Deny statement of the resource's own policy matches",
            look_at: "the bucket, key, queue or secret policy, and whose account the resource is in",
        },
        Self {
            name: Layer::Boundary.as_str(),
            reason: Some(Reason::PermissionDeniedBoundary),
            misses: "the permissions boundary does not allow the action",
            denies: "a Deny statement of the permissions boundary matches",
            look_at: "the permissions boundary of the role",
        },
        Self {
            name: Layer::Session.as_str(),
            reason: Some(Reason::PermissionDeniedSession),
            misses: "the session policy that was passed when the role was assumed does not allow the action",
            denies: "a Deny statement of the session policy matches",
            look_at: "the parameters Policy and PolicyArns of the call that assumed the role",
        },
        Self {
            name: Layer::ServiceControl.as_str(),
            reason: Some(Reason::PermissionDeniedServiceControl),
            misses: "a service control policy of the organisation does not allow the action",
            denies: "a Deny statement of a service control policy matches",
            look_at: "the service control policies from the organisation's root down to the caller's account",
        },
        Self {
            name: Layer::ResourceControl.as_str(),
            reason: Some(Reason::PermissionDeniedResourceControl),
            misses: "a resource control policy of the organisation does not allow the action",
            denies: "a Deny statement of a resource control policy matches",
            look_at: "the resource control policies from the organisation's root down to the resource's account",
        },
        Self {
            name: "VPC endpoint policy",
            reason: None,
            misses: "the policy of the VPC endpoint that the request went through does not allow the action",
            denies: "a Deny statement of the VPC endpoint's policy matches",
            look_at: "the policy of the VPC endpoint of the service",
        },
    ];
}

/// The resource may hold blanks; the reason, a quote or the client's own words end it.
fn resource(wording: &Wording) -> Option<&str> {
    let rest = wording.after(" on resource: ")?;
    if let Some(quoted) = rest.strip_prefix('"') {
        return quoted.split('"').next();
    }
    let reasons = [
        " because no ",
        " with an explicit deny",
        " (Service:",
        "<",
        "\"",
    ];
    let end = reasons.iter().filter_map(|reason| rest.find(reason)).min();
    let resource = match end {
        Some(end) => rest.get(..end)?,
        None => rest.split(' ').next()?,
    };
    Some(resource.trim_end_matches([',', '.', ';']))
}

/// The session of an EC2 instance's own role is named after the instance.
fn principal_remark(principal: &str) -> Option<String> {
    let session = principal.rsplit('/').next()?;
    let instance = session.strip_prefix("i-")?;
    let is_instance = principal.contains(":assumed-role/")
        && instance.len() >= 8
        && instance
            .chars()
            .all(|character| character.is_ascii_hexdigit());
    is_instance.then(|| {
        "this is the node's own role: the SDK in the pod did not use the service account's token".to_owned()
    })
}

fn assume_role(of_session: bool) -> Vec<Cause> {
    let mut causes = vec![
        cause(
            Some(Reason::TrustPrincipalMismatch),
            "the role's trust policy does not name the caller, or a condition of it does not hold",
            "Principal.AWS and the conditions (external id, tags) of the role's trust policy",
        ),
        cause(
            Some(Reason::PermissionDeniedIdentity),
            "no policy of the caller allows sts:AssumeRole on the role, which the trust of a whole account and every other account need",
            "the caller's permissions policies",
        ),
        cause(
            Some(Reason::RoleMissing),
            "the role does not exist: AWS answers as if it were a denial",
            "account, path and name in the role's ARN",
        ),
        cause(
            Some(Reason::TrustExplicitDeny),
            "a Deny statement matches",
            "Deny statements of the trust policy, the caller's policies and the organisation's",
        ),
    ];
    if of_session {
        let other_name = cause(
            Some(Reason::ChainSessionNameMismatch),
            "the role's trust policy names another session of the caller's role",
            "the session's name: last in the caller's ARN, and last in Principal.AWS",
        );
        causes.insert(1, other_name);
    }
    causes
}

fn value(name: &'static str, value: &str) -> NamedValue {
    NamedValue {
        name,
        value: value.to_owned(),
        remark: None,
    }
}

fn cause(reason: Option<Reason>, what: &'static str, look_at: &'static str) -> Cause {
    Cause {
        reason,
        what,
        look_at,
        proven: false,
    }
}
