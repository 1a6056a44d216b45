//! Services that are not here: who calls, and whether they may, is judged all the same, so that the permissions of any
//! workload can be tried.
//!
//! A call that is denied gets that service's denial. One that is allowed gets what is true: that there is no such
//! service here, or EC2's answer to a dry run.

mod dry_run;
mod route53;

use std::borrow::Cow;

use bytes::Bytes;
use http::header::HeaderName;
use http::{HeaderValue, Response, StatusCode};
use podpass_policy::AccountId;
use serde_json::Value;

pub(crate) use self::dry_run::DRY_RUN_SUCCEEDED;
use crate::json;
use crate::query::{self, ApiError, Form};
use crate::received::Received;
use crate::sigv4::Dialect;

/// A call of a service that is not here.
pub(crate) struct Elsewhere<'a> {
    /// The service's name in the credential scope.
    service: &'a str,
    request: &'a Received,
    protocol: Protocol<'a>,
}

/// How the service is spoken to, and what the call says by it.
enum Protocol<'a> {
    /// Parameters in a form.
    Query(&'a Form),
    /// The operation in a header, the parameters in JSON.
    Json { operation: String, body: Value },
    /// Route 53's paths.
    Route53(Option<route53::Call>),
    /// Paths that are not known here.
    Rest,
}

impl<'a> Elsewhere<'a> {
    pub(crate) fn of(service: &'a str, request: &'a Received) -> Self {
        let form = || {
            request
                .form()
                .ok()
                .filter(|form| form.text("Action").is_some())
        };
        let protocol = if let Some(operation) = json::operation(request) {
            Protocol::Json {
                operation: operation.to_owned(),
                body: serde_json::from_slice(&request.body).unwrap_or_default(),
            }
        } else if service == "route53" {
            Protocol::Route53(route53::Call::of(&request.method, &request.path))
        } else {
            form().map_or(Protocol::Rest, Protocol::Query)
        };
        Self {
            service,
            request,
            protocol,
        }
    }

    /// How the service treats signatures.
    pub(crate) fn dialect(&self) -> Dialect {
        match &self.protocol {
            Protocol::Json { .. } => Dialect::Json,
            _ if self.service == "ec2" => Dialect::Ec2,
            _ => Dialect::Query,
        }
    }

    /// The operation's name; `None` where the path names one that is not known here.
    pub(crate) fn operation(&self) -> Option<&str> {
        match &self.protocol {
            Protocol::Query(form) => form.text("Action"),
            Protocol::Json { operation, .. } => Some(operation),
            Protocol::Route53(call) => call.as_ref().map(|call| call.operation),
            Protocol::Rest => None,
        }
    }

    /// The action as policies name it.
    pub(crate) fn action(&self) -> Option<String> {
        let operation = self.operation()?;
        Some(format!("{}:{operation}", iam_prefix(self.service)))
    }

    /// What the call is about: an ARN that it names, or that its parameters stand for; else `*`.
    pub(crate) fn resource(&self, account: &AccountId, region: &str) -> Cow<'_, str> {
        match &self.protocol {
            Protocol::Route53(Some(call)) => Cow::Borrowed(call.resource.as_str()),
            Protocol::Json { body, .. } => {
                let text = |member: &str| body.get(member).and_then(Value::as_str);
                match self.service {
                    "dynamodb" => {
                        let table = text("TableName").unwrap_or("*");
                        if table.starts_with("arn:") {
                            return table.into();
                        }
                        return format!("arn:aws:dynamodb:{region}:{account}:table/{table}").into();
                    }
                    "sqs" => {
                        if let Some(name) = text("QueueUrl").and_then(|url| url.rsplit('/').next())
                        {
                            return format!("arn:aws:sqs:{region}:{account}:{name}").into();
                        }
                    }
                    _ => {}
                }
                let members = body.as_object().into_iter().flatten();
                let mut arns = members.filter_map(|(_, value)| self.own_arn(value.as_str()?));
                arns.next().unwrap_or("*").into()
            }
            Protocol::Query(form) => {
                let mut arns = form.iter().filter_map(|(_, value)| self.own_arn(value));
                arns.next().unwrap_or("*").into()
            }
            Protocol::Route53(None) | Protocol::Rest => "*".into(),
        }
    }

    /// The text, when it is an ARN of the service.
    fn own_arn<'t>(&self, text: &'t str) -> Option<&'t str> {
        let mut parts = text.split(':');
        let is_own = parts.next() == Some("arn")
            && parts
                .nth(1)
                .is_some_and(|service| service == iam_prefix(self.service));
        is_own.then_some(text)
    }

    /// What an allowed call comes to.
    pub(crate) fn allowed(&self, caller: &str) -> ApiError {
        if self.service == "ec2"
            && let Protocol::Query(form) = &self.protocol
            && form.text("DryRun") == Some("true")
        {
            return dry_run::succeeded();
        }
        let service = self.service;
        let what = match self.action() {
            Some(action) => format!("{action} is allowed to {caller}"),
            None => format!(
                "The request is signed by {caller}; whether it is allowed is not judged, since its path names no \
                 operation that is known here"
            ),
        };
        ApiError::new(
            501,
            "NotImplemented",
            format!("This sandbox has no service `{service}`: it has iam, s3 and sts. {what}."),
        )
    }

    /// The service's denial, of `words` that name caller, action and reason.
    pub(crate) fn denied(&self, words: String) -> ApiError {
        match &self.protocol {
            _ if self.service == "ec2" => dry_run::denied(&words),
            Protocol::Json { .. } => ApiError {
                status: 400,
                code: "AccessDeniedException",
                ..ApiError::denied(words)
            },
            _ => ApiError::denied(words),
        }
    }

    /// The answer in the service's protocol, with what the policies said.
    pub(crate) fn answer(&self, error: &ApiError, decision: Option<bool>) -> Response<Bytes> {
        let status =
            StatusCode::from_u16(error.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = match &self.protocol {
            Protocol::Json { .. } => json::failure(self.request, error),
            _ if self.service == "ec2" => dry_run::answer(error),
            Protocol::Route53(_) => {
                query::failure_in(route53::NAMESPACE, status, error.code, &error.message)
            }
            Protocol::Query(form) => {
                let version = form.text("Version").unwrap_or_default();
                let namespace = format!("http://{}.amazonaws.com/doc/{version}/", self.service);
                query::failure_in(&namespace, status, error.code, &error.message)
            }
            Protocol::Rest => query::failure_in("", status, error.code, &error.message),
        };
        if let Some(allowed) = decision {
            let word = if allowed { "allow" } else { "deny" };
            let headers = response.headers_mut();
            headers.insert(DECISION, HeaderValue::from_static(word));
        }
        response
    }
}

/// The prefix of a service's actions, where it is not the name that requests are signed for.
///
/// Source: the Service Authorization Reference.
fn iam_prefix(service: &str) -> &str {
    match service {
        "email" => "ses",
        "monitoring" => "cloudwatch",
        "tagging" => "tag",
        "streams.dynamodb" => "dynamodb",
        other => other,
    }
}

const DECISION: HeaderName = HeaderName::from_static("x-podpass-decision");
