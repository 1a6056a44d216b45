//! The documents of the metadata, by their paths, in AWS's forms.

use jiff::Timestamp;
use podpass_kinds::Reason;
use serde_json::json;

use super::node::{Node, REGION};
use crate::call::Report;
use crate::event::Outcome;
use crate::gateway::{Gateway, NodeState};
use crate::words;

/// A document that is shown.
pub(super) struct Shown {
    pub(super) kind: Kind,
    pub(super) text: String,
    /// What it means that it was asked for.
    pub(super) outcome: Outcome,
}

/// What a document consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Json,
}

impl Kind {
    pub(super) fn media_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain",
            Self::Json => "application/json",
        }
    }
}

/// The document at a path; `None` when there is none.
pub(super) fn find(
    path: &str,
    node: &Node,
    gateway: &Gateway,
    report: &mut Report,
) -> Option<Shown> {
    let path = path.strip_prefix('/')?;
    // A folder is shown with and without its slash.
    let path = path.strip_suffix('/').unwrap_or(path);
    let listing = match path {
        "" => "latest",
        "latest" => "dynamic\nmeta-data",
        "latest/dynamic" => "instance-identity/",
        "latest/dynamic/instance-identity" => "document",
        "latest/dynamic/instance-identity/document" => return Some(json(identity(node))),
        "latest/meta-data" => "iam/\ninstance-id\nplacement/",
        "latest/meta-data/instance-id" => node.instance_id(),
        "latest/meta-data/placement" => "availability-zone\nregion",
        "latest/meta-data/placement/region" => REGION,
        "latest/meta-data/placement/availability-zone" => AVAILABILITY_ZONE,
        "latest/meta-data/iam" => "info\nsecurity-credentials/",
        _ => return of_role(path, node, gateway, report),
    };
    Some(text(listing))
}

/// The documents about the role.
fn of_role(path: &str, node: &Node, gateway: &Gateway, report: &mut Report) -> Option<Shown> {
    let path = path.strip_prefix("latest/meta-data/iam/")?;
    let state = gateway.node_state(node);
    report.resource = state.role.as_ref().map(|role| role.arn.to_string());
    let now = gateway.now();
    match path {
        "info" => Some(json(info(node, &state, now))),
        "security-credentials" => Some(text(state.role?.arn.name().as_str())),
        _ => {
            let name = path.strip_prefix("security-credentials/")?;
            credentials(name, node, gateway, state, report)
        }
    }
}

fn info(node: &Node, state: &NodeState, now: Timestamp) -> String {
    let named = || match &state.role {
        Some(role) => role.arn.name().to_string(),
        None => state.wanted.clone(),
    };
    let (arn, id) = match &state.profile {
        Some((arn, id)) => (arn.clone(), id.clone()),
        None => (
            format!(
                "arn:aws:iam::{}:instance-profile/{}",
                node.account(),
                named()
            ),
            node.profile_id().to_owned(),
        ),
    };
    let updated = words::date(now);
    let mut members = vec![("Code", "Success")];
    if state.role.is_none() {
        members.push(("Message", NO_ROLE));
    }
    members.extend([
        ("LastUpdated", updated.as_str()),
        ("InstanceProfileArn", &arn),
        ("InstanceProfileId", &id),
    ]);
    object(&members)
}

fn credentials(
    name: &str,
    node: &Node,
    gateway: &Gateway,
    state: NodeState,
    report: &mut Report,
) -> Option<Shown> {
    let role = state.role.filter(|role| role.arn.name().as_str() == name)?;
    let now = gateway.now();
    let grant = match node.assume(&role, now) {
        Ok(grant) => grant,
        Err(denial) => {
            let message = format!(
                "EC2 cannot assume the role {name}. Please see documentation at {TROUBLESHOOTING}."
            );
            let updated = words::date(now);
            let document = object(&[
                ("Code", UNAUTHORIZED),
                ("Message", &message),
                ("LastUpdated", &updated),
            ]);
            report.exchange = Some(denial.trace);
            return Some(Shown {
                outcome: denied(message, denial.reason),
                ..json(document)
            });
        }
    };
    report.exchange = Some(grant.trace.clone());
    let issued = gateway.issue_to_node(node, &grant, now).ok()?;
    let session = &issued.session;
    let (updated, end) = (
        words::date(session.issued_at),
        words::date(session.expires_at),
    );
    Some(json(object(&[
        ("Code", "Success"),
        ("LastUpdated", &updated),
        ("Type", "AWS-HMAC"),
        ("AccessKeyId", &session.access_key_id),
        ("SecretAccessKey", session.secret.expose()),
        ("Token", issued.token.expose()),
        ("Expiration", &end),
    ])))
}

fn identity(node: &Node) -> String {
    let document = json!({
        "accountId": node.account().as_str(),
        "architecture": "x86_64",
        "availabilityZone": AVAILABILITY_ZONE,
        "billingProducts": null,
        "devpayProductCodes": null,
        "imageId": "ami-00000000000000000",
        "instanceId": node.instance_id(),
        "instanceType": "m6i.large",
        "kernelId": null,
        "marketplaceProductCodes": null,
        "pendingTime": words::date(node.started_at()),
        "privateIp": "127.0.0.1",
        "ramdiskId": null,
        "region": REGION,
        "version": "2017-09-30",
    });
    format!("{document:#}")
}

fn denied(message: String, reason: Reason) -> Outcome {
    Outcome::Denied {
        code: UNAUTHORIZED.to_owned(),
        message,
        reason: Some(reason),
    }
}

fn text(text: &str) -> Shown {
    Shown {
        kind: Kind::Text,
        text: text.to_owned(),
        outcome: Outcome::Allowed,
    }
}

fn json(text: String) -> Shown {
    Shown {
        kind: Kind::Json,
        text,
        outcome: Outcome::Allowed,
    }
}

/// An object of texts, with blanks where AWS has them.
fn object(members: &[(&str, &str)]) -> String {
    let lines: Vec<String> = members
        .iter()
        .map(|(name, value)| format!("  \"{name}\" : {}", json!(value)))
        .collect();
    format!("{{\n{}\n}}", lines.join(",\n"))
}

const AVAILABILITY_ZONE: &str = "us-east-1a";
const UNAUTHORIZED: &str = "AssumeRoleUnauthorizedAccess";
const NO_ROLE: &str = "Instance Profile does not contain a role.";
const TROUBLESHOOTING: &str =
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_iam-ec2.html";
