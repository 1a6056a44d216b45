//! What is kept of a call until somebody looks it up: enough for its records, and nothing secret.

use std::net::IpAddr;

use bytes::Bytes;
use http::HeaderMap;
use jiff::Timestamp;

use super::json::is_parameter;
use super::{Actor, Observed, WebIdentity};
use crate::event::Outcome;
use crate::query::Form;

/// A call that CloudTrail records, with what its records say.
#[derive(Clone, Debug)]
pub(super) struct Note {
    pub(super) time: Timestamp,
    pub(super) service: String,
    /// The name of the event.
    pub(super) name: String,
    pub(super) is_read_only: bool,
    pub(super) region: Option<String>,
    pub(super) caller: NotedCaller,
    /// Code and message.
    pub(super) error: Option<(String, String)>,
    pub(super) details: Details,
    pub(super) source_address: IpAddr,
    pub(super) user_agent: String,
    pub(super) request_id: String,
}

/// Who called.
#[derive(Clone, Debug)]
pub(super) enum NotedCaller {
    Signed(Actor),
    WebIdentity(WebIdentity),
}

/// What differs by protocol.
#[derive(Clone, Debug)]
pub(super) enum Details {
    /// Of STS and IAM: the parameters, and the XML of the result where a record shows it.
    Query { parameters: Form, result: String },
    /// Of S3.
    Bucket {
        bucket: Option<String>,
        host: String,
    },
    /// Of CloudTrail itself: the body.
    Json(Bytes),
}

impl Note {
    /// `None` for what CloudTrail does not record: no management call, or nobody's.
    pub(super) fn of(observed: Observed<'_>) -> Option<Self> {
        let Observed {
            request,
            report,
            response,
            outcome,
            now,
        } = observed;
        // A refused token is nobody's, whoever signed the call.
        if report.action == "AssumeRoleWithWebIdentity" && report.web_identity.is_none() {
            return None;
        }
        let error = match outcome {
            Outcome::Allowed => None,
            Outcome::Denied { code, message, .. } | Outcome::Failed { code, message } => {
                Some((code, message))
            }
        };
        if error.is_some_and(|(code, _)| NO_CALL.contains(&code.as_str())) {
            return None;
        }
        let caller = match report.web_identity.take() {
            Some(web) => NotedCaller::WebIdentity(web),
            None => NotedCaller::Signed(report.actor.take()?),
        };
        let header = |headers: &HeaderMap, name: &str| {
            let value = headers.get(name).and_then(|value| value.to_str().ok());
            value.unwrap_or_default().to_owned()
        };
        let mut name = report.action.clone();
        let is_read_only = is_read_only(&name);
        let mut id_header = "x-amzn-requestid";
        let details = match report.service.as_str() {
            "sts" | "iam" => {
                let shows_result =
                    error.is_none() && (!is_read_only || name.starts_with("AssumeRole"));
                let shown = report.shown.iter().filter(|_| shows_result);
                let shown: Vec<&[u8]> = shown
                    .filter_map(|part| response.body().get(part.clone()))
                    .collect();
                Details::Query {
                    parameters: request.form().ok()?.filtered(is_parameter),
                    result: String::from_utf8(shown.concat()).unwrap_or_default(),
                }
            }
            "s3" => {
                name = bucket_event(&name)?;
                id_header = "x-amz-request-id";
                Details::Bucket {
                    bucket: report.bucket.take(),
                    host: header(&request.headers, "host"),
                }
            }
            "cloudtrail" => Details::Json(request.body.clone()),
            _ => return None,
        };
        Some(Self {
            time: now,
            service: report.service.clone(),
            name,
            is_read_only,
            region: report.region.take(),
            caller,
            error: error.map(|(code, message)| (code.clone(), message.clone())),
            details,
            source_address: request.peer,
            user_agent: header(&request.headers, "user-agent"),
            request_id: header(response.headers(), id_header),
        })
    }

    /// About what it takes in memory, in bytes.
    pub(super) fn size(&self) -> usize {
        let details = match &self.details {
            Details::Query { parameters, result } => parameters.len() + result.len(),
            Details::Bucket { host, .. } => host.len(),
            Details::Json(body) => body.len(),
        };
        ROOM + details + self.user_agent.len()
    }
}

fn is_read_only(action: &str) -> bool {
    let reads = [
        "Get",
        "List",
        "Head",
        "Simulate",
        "Decode",
        "AssumeRole",
        "Lookup",
    ];
    !matches!(action, "GetSessionToken" | "GetFederationToken")
        && reads.iter().any(|verb| action.starts_with(verb))
}

/// CloudTrail's name for a call of S3 on a bucket; `None` for calls on objects, which are data events.
fn bucket_event(action: &str) -> Option<String> {
    let is_data = action.is_empty()
        || !(action.contains("Bucket") || action.contains("PublicAccessBlock"))
        || action == "HeadBucket";
    if is_data {
        return None;
    }
    Some(action.replace("PublicAccessBlock", "BucketPublicAccessBlock"))
}

/// What was refused before it was a call of the API.
const NO_CALL: &[&str] = &["InvalidAction", "MissingAction", "MalformedInput"];

/// Bytes: a note's own, and its short texts.
const ROOM: usize = 1_000;
