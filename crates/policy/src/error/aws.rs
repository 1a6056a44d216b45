//! AWS's own words for a malformed document.

use super::{PolicyError, PolicyErrorKind};
use crate::document::DocumentKind;

impl PolicyError {
    /// The message of AWS's `MalformedPolicyDocument` (IAM, STS), `MalformedPolicy` (S3) or
    /// `MalformedPolicyDocumentException` (Organizations, which has one text for all) for this error.
    ///
    /// IAM words the same mistake differently in a permissions policy and in a trust policy.
    pub fn aws_message(&self) -> String {
        match self.document {
            DocumentKind::Permissions | DocumentKind::Session => permissions_message(&self.kind),
            DocumentKind::Trust => trust_message(&self.kind),
            DocumentKind::Bucket => bucket_message(&self.kind),
            DocumentKind::ServiceControl | DocumentKind::ResourceControl => {
                "The provided policy document does not meet the requirements of the specified policy type."
                    .to_owned()
            }
        }
    }
}

fn permissions_message(kind: &PolicyErrorKind) -> String {
    match kind {
        PolicyErrorKind::MissingElement { element: "Action" } => {
            "Policy statement must contain actions.".to_owned()
        }
        PolicyErrorKind::MissingElement {
            element: "Resource",
        } => "Policy statement must contain resources.".to_owned(),
        PolicyErrorKind::ProhibitedElement { .. } => {
            "Policy document should not specify a principal.".to_owned()
        }
        PolicyErrorKind::DuplicateSid { .. } => {
            "Statement IDs (SID) in a single policy must be unique.".to_owned()
        }
        PolicyErrorKind::ActionWithoutService { .. } | PolicyErrorKind::ConditionKey { .. } => {
            "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.".to_owned()
        }
        PolicyErrorKind::ActionService { service, .. } => format!("Vendor {service} is not valid"),
        PolicyErrorKind::ResourceForm { value } => {
            format!("Resource {value} must be in ARN format or \"*\".")
        }
        PolicyErrorKind::ResourceParts { .. } => "The policy failed legacy parsing".to_owned(),
        PolicyErrorKind::ResourcePartition { value, partition } => {
            format!("Partition \"{partition}\" is not valid for resource \"{value}\".")
        }
        PolicyErrorKind::ResourceService { .. } => {
            "Resource vendor must be fully qualified and cannot contain regexes.".to_owned()
        }
        _ => "Syntax errors in policy.".to_owned(),
    }
}

fn trust_message(kind: &PolicyErrorKind) -> String {
    match kind {
        PolicyErrorKind::Json { .. } => "This policy contains invalid Json".to_owned(),
        PolicyErrorKind::Version { .. } => {
            "The policy must contain a valid version string".to_owned()
        }
        PolicyErrorKind::NoStatement => {
            "Could not parse the policy: Statement is empty!".to_owned()
        }
        PolicyErrorKind::DuplicateSid { .. } => {
            "The Statement Ids in the policy are not unique".to_owned()
        }
        PolicyErrorKind::EmptyPrincipal => {
            "Missing required field Principal cannot be empty!".to_owned()
        }
        PolicyErrorKind::MissingElement { element } => format!("Missing required field {element}"),
        PolicyErrorKind::PrincipalForm { .. } => "Principal must be a JSON object.".to_owned(),
        PolicyErrorKind::WrongType { element, .. } if element == "Principal" => {
            "Principal must be a JSON object.".to_owned()
        }
        PolicyErrorKind::AllowWithNotPrincipal => {
            "Allow with NotPrincipal is not allowed.".to_owned()
        }
        PolicyErrorKind::ProhibitedElement {
            element: "NotPrincipal",
            ..
        } => "AssumeRole policy must not contain NotPrincipal field.".to_owned(),
        PolicyErrorKind::ProhibitedElement {
            element: "Resource",
            ..
        } => "Has prohibited field Resource".to_owned(),
        PolicyErrorKind::ProhibitedElement { .. } => {
            "AssumeRole policy must not contain resources.".to_owned()
        }
        PolicyErrorKind::ActionNotForTrust { .. } => {
            "AssumeRole policy may only specify STS AssumeRole actions.".to_owned()
        }
        PolicyErrorKind::Principal {
            kind: "Federated", ..
        } => "Federated principals must be valid domain names or SAML metadata ARNs".to_owned(),
        PolicyErrorKind::Principal { kind, value, .. } => {
            format!(
                "Invalid principal in policy: \"{}\":\"{value}\"",
                kind.to_uppercase()
            )
        }
        PolicyErrorKind::FederatedWithoutCondition { .. } => {
            "A condition block must be present for the Cognito provider".to_owned()
        }
        PolicyErrorKind::ActionWithoutService { .. } | PolicyErrorKind::ConditionKey { .. } => {
            "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.".to_owned()
        }
        PolicyErrorKind::ActionService { service, .. } => format!("Vendor {service} is not valid"),
        _ => "Syntax error in policy.".to_owned(),
    }
}

fn bucket_message(kind: &PolicyErrorKind) -> String {
    match kind {
        PolicyErrorKind::Json { .. } => {
            "Policies must be valid JSON and the first byte must be '{'".to_owned()
        }
        PolicyErrorKind::Version { .. } => {
            "The policy must contain a valid version string".to_owned()
        }
        PolicyErrorKind::UnknownElement { name, .. } => format!("Unknown field {name}"),
        PolicyErrorKind::NoStatement => {
            "Could not parse the policy: Statement is empty!".to_owned()
        }
        PolicyErrorKind::EmptyPrincipal => {
            "Missing required field Principal cannot be empty!".to_owned()
        }
        PolicyErrorKind::MissingElement { element } => format!("Missing required field {element}"),
        PolicyErrorKind::Effect { value, .. } => format!("Invalid effect: {value}"),
        PolicyErrorKind::DuplicateSid { .. } => {
            "The Statement Ids in the policy are not unique".to_owned()
        }
        PolicyErrorKind::AllowWithNotPrincipal => {
            "Allow with NotPrincipal is not allowed.".to_owned()
        }
        PolicyErrorKind::PrincipalForm { .. } | PolicyErrorKind::Principal { .. } => {
            "Invalid principal in policy".to_owned()
        }
        PolicyErrorKind::ActionWithoutService { .. }
        | PolicyErrorKind::ActionService { .. }
        | PolicyErrorKind::ActionName { .. } => "Policy has invalid action".to_owned(),
        PolicyErrorKind::ResourceForm { .. }
        | PolicyErrorKind::ResourceParts { .. }
        | PolicyErrorKind::ResourcePartition { .. }
        | PolicyErrorKind::ResourceService { .. } => "Policy has invalid resource".to_owned(),
        PolicyErrorKind::UnknownOperator { value, .. } => {
            format!("Invalid Condition type : {value}")
        }
        PolicyErrorKind::ConditionKey { .. } => "Policy has an invalid condition key".to_owned(),
        _ => "This policy contains invalid Json".to_owned(),
    }
}
