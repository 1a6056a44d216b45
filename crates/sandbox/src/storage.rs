//! S3's side of the listener: from a received request to the buckets, with the caller's policies at hand.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use percent_encoding::percent_decode_str;
use podpass_policy::{AccountId, Attached, Context, Document, MessageStyle, Principal};

use crate::authorize::Question;
use crate::call::{Report, merged};
use crate::caller::Caller;
use crate::event::Outcome;
use crate::iam::store::Account;
use crate::received::{BodyFailure, Received};
use crate::s3::{Authorizer, S3Error, S3Request};
use crate::sigv4::{self, Dialect, SignatureError};
use crate::state::NotKept;

/// The caller of an S3 request, to be asked about each action.
#[derive(Debug)]
pub(crate) struct BucketCaller<'a> {
    caller: &'a Caller,
    /// The caller's account; `None` for anonymous callers.
    account: Option<&'a Account>,
    /// What the request itself brings.
    context: &'a Context,
    report: &'a mut Report,
}

impl<'a> BucketCaller<'a> {
    pub(crate) fn new(
        caller: &'a Caller,
        accounts: &'a BTreeMap<AccountId, Account>,
        context: &'a Context,
        report: &'a mut Report,
    ) -> Self {
        Self {
            caller,
            account: caller.account_id().and_then(|id| accounts.get(id)),
            context,
            report,
        }
    }
}

impl Authorizer for BucketCaller<'_> {
    fn principal(&self) -> &Principal {
        &self.caller.principal
    }

    fn authorize(
        &mut self,
        action: &str,
        resource: &str,
        context: Context,
        bucket_policy: Option<&Document>,
        bucket_owner: &AccountId,
    ) -> Result<(), String> {
        let mut context = merged([self.context.clone(), self.caller.context(), context]);
        context.insert("aws:ResourceAccount", bucket_owner.as_str());
        let bucket = resource
            .rsplit(":::")
            .next()
            .and_then(|path| path.split('/').next())
            .unwrap_or(resource);
        let source = format!("bucket policy of {bucket}");
        let question = Question {
            caller: self.caller,
            account: self.account,
            action,
            resource,
            context: &context,
            resource_policy: bucket_policy.map(|document| Attached {
                source: &source,
                document,
            }),
            resource_account: Some(bucket_owner),
        };
        let decision = question.decide();
        // One call may need several actions; the first is on what it is about.
        if self.report.resource.is_none() {
            self.report.resource = Some(resource.to_owned());
        }
        self.report.add_decision(&decision);
        if decision.is_allowed() {
            return Ok(());
        }
        Err(decision.denied_message_in(MessageStyle::S3, &question.request()))
    }
}

/// Takes a request apart as S3 does: bucket from host name or path, everything decoded once.
pub(crate) fn read_request(received: &Received, region: &str, request_id: String) -> S3Request {
    let path = received.path.strip_prefix('/').unwrap_or(&received.path);
    let (bucket, key) = if let Some(bucket) = received.host().bucket {
        (bucket, path)
    } else {
        let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
        (sigv4::decode_once(bucket), key)
    };
    let some = |text: String| (!text.is_empty()).then_some(text);
    let query = read_query(&received.query);
    let mut headers = received.headers.clone();
    if sigv4::is_presigned(&received.query) == Ok(true) {
        add_hoisted(&mut headers, &query);
    }
    S3Request {
        method: received.method.clone(),
        key: some(sigv4::decode_once(key)).filter(|_| !bucket.is_empty()),
        bucket: some(bucket),
        query,
        headers,
        body: received.body.clone(),
        region: region.to_owned(),
        request_id,
    }
}

/// Refuses a path or query that is not UTF-8 once decoded: as a name it would stand for another one.
pub(crate) fn check_uri(received: &Received) -> Result<(), S3Error> {
    let is_utf8 = |text: &str| percent_decode_str(text).decode_utf8().is_ok();
    if is_utf8(&received.path) && is_utf8(&received.query) {
        return Ok(());
    }
    Err(S3Error::new(
        StatusCode::BAD_REQUEST,
        "InvalidURI",
        "Couldn't parse the specified URI.",
    )
    .with("URI", received.path.as_str()))
}

/// The error for a request whose signature does not hold.
pub(crate) fn refusal(error: &SignatureError) -> S3Error {
    let refusal = error.refusal(Dialect::S3);
    let error = S3Error::new(refusal.status, refusal.code, refusal.message);
    refusal
        .details
        .into_iter()
        .fold(error, |error, (element, value)| error.with(element, value))
}

/// The error for a change that was not made because it could not be kept.
pub(crate) fn not_kept(not_kept: &NotKept) -> S3Error {
    let status = StatusCode::INTERNAL_SERVER_ERROR;
    S3Error::new(status, "InternalError", not_kept.to_string())
}

/// The error for a body that could not be read.
pub(crate) fn body_failure(failure: BodyFailure) -> S3Error {
    let (code, message) = match failure {
        BodyFailure::TooLarge { .. } => (
            "EntityTooLarge",
            "Your proposed upload exceeds the maximum allowed size",
        ),
        BodyFailure::Incomplete => (
            "IncompleteBody",
            "You did not provide the number of bytes specified by the Content-Length HTTP header",
        ),
        BodyFailure::Slow => (
            "RequestTimeout",
            "Your socket connection to the server was not read from or written to within the timeout period. Idle \
             connections will be closed.",
        ),
    };
    let error = S3Error::new(StatusCode::BAD_REQUEST, code, message);
    match failure {
        BodyFailure::TooLarge { limit } => error.with("MaxSizeAllowed", limit.to_string()),
        BodyFailure::Incomplete | BodyFailure::Slow => error,
    }
}

/// What an answer of the buckets meant, for the event.
pub(crate) fn outcome_of(response: &Response<Bytes>) -> Outcome {
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return Outcome::Allowed;
    }
    let (code, message) = match response.extensions().get::<S3Error>() {
        Some(error) => (error.code, error.message.as_str()),
        None => (
            status.as_str(),
            status.canonical_reason().unwrap_or_default(),
        ),
    };
    let (code, message) = (code.to_owned(), message.to_owned());
    if status == StatusCode::FORBIDDEN {
        Outcome::Denied {
            code,
            message,
            reason: None,
        }
    } else {
        Outcome::Failed { code, message }
    }
}

/// Puts the headers that a presigned request has in its query where they belong; those that were sent win.
fn add_hoisted(headers: &mut HeaderMap, query: &[(String, Option<String>)]) {
    let pairs = query.iter().map(|(name, value)| {
        let value = value.as_deref().unwrap_or_default();
        (name.to_ascii_lowercase(), value)
    });
    let hoisted = pairs.filter(|(name, _)| sigv4::is_hoisted_header(name));
    for (name, value) in hoisted.chain([(PAYLOAD_HASH.to_owned(), "UNSIGNED-PAYLOAD")]) {
        let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value))
        else {
            continue;
        };
        headers.entry(name).or_insert(value);
    }
}

fn read_query(query: &str) -> Vec<(String, Option<String>)> {
    let decode = |text: &str| sigv4::decode_once(&text.replace('+', " "));
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| match pair.split_once('=') {
            Some((name, value)) => (decode(name), Some(decode(value))),
            None => (decode(pair), None),
        })
        .collect()
}

const PAYLOAD_HASH: &str = "x-amz-content-sha256";

#[cfg(test)]
mod tests {
    use super::*;

    fn request(host: &str, target: &str) -> S3Request {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let received = Received {
            method: http::Method::GET,
            path: path.to_owned(),
            query: query.to_owned(),
            headers: [(http::header::HOST, host.parse().unwrap())]
                .into_iter()
                .collect(),
            body: Bytes::new(),
            peer: std::net::Ipv4Addr::LOCALHOST.into(),
            local: std::net::Ipv4Addr::LOCALHOST.into(),
            form: std::sync::OnceLock::new(),
            secure: false,
        };
        read_request(&received, "us-east-1", "ID".into())
    }

    #[test]
    fn bucket_and_key_come_from_host_or_path_decoded_once() {
        let cases: [(&str, &str, Option<&str>, Option<&str>); 10] = [
            ("127.0.0.1:1", "/", None, None),
            ("127.0.0.1:1", "/b", Some("b"), None),
            ("127.0.0.1:1", "/b/", Some("b"), None),
            ("127.0.0.1:1", "/b/k/l", Some("b"), Some("k/l")),
            ("127.0.0.1:1", "/b/a%2520b+c", Some("b"), Some("a%20b+c")),
            ("127.0.0.1:1", "/b//k", Some("b"), Some("/k")),
            ("b.s3.eu-west-1.amazonaws.com", "/", Some("b"), None),
            (
                "b.s3.eu-west-1.amazonaws.com",
                "/k/l",
                Some("b"),
                Some("k/l"),
            ),
            ("b.localhost:1", "/k", Some("b"), Some("k")),
            ("s3.eu-west-1.amazonaws.com", "/b/k", Some("b"), Some("k")),
        ];
        for (host, target, bucket, key) in cases {
            let read = request(host, target);
            assert_eq!(
                (read.bucket.as_deref(), read.key.as_deref()),
                (bucket, key),
                "{host}{target}"
            );
        }
    }

    #[test]
    fn query_tells_bare_names_from_empty_values() {
        let read = request("127.0.0.1:1", "/b?policy&prefix=&marker=a%2Bb+c");
        assert_eq!(
            read.query,
            [
                ("policy".to_owned(), None),
                ("prefix".to_owned(), Some(String::new())),
                ("marker".to_owned(), Some("a+b c".to_owned())),
            ]
        );
    }
}
