//! The instance metadata of the node that pods run on: what their SDKs fall back to when nothing else gives credentials.
//!
//! Version 2 only: every document takes a token, and a token takes a PUT that came through no proxy. The role's credentials
//! are a session like any other's; whether EC2 may assume the role is asked at each call.

mod documents;
mod node;
mod token;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::Watcher;
use jiff::Timestamp;

use self::documents::{Kind, Shown};
pub(crate) use self::node::{Issued, Node};
pub use self::node::{NodeRole, NodeSettings, ParseNodeRoleError};
use self::token::Tokens;
use crate::call::Report;
use crate::connections::Accepted;
use crate::event::Outcome;
use crate::gateway::Gateway;
use crate::random::RandomFailure;

/// What answers for the node.
pub(crate) struct Metadata {
    gateway: Arc<Gateway>,
    node: Node,
    tokens: Tokens,
}

/// An answer that is none of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Refusal {
    status: StatusCode,
    /// Why, for the event; the client is told no more than AWS tells it.
    reason: &'static str,
}

impl Metadata {
    pub(crate) fn new(gateway: Arc<Gateway>, node: Node) -> Result<Self, RandomFailure> {
        Ok(Self {
            gateway,
            node,
            tokens: Tokens::random()?,
        })
    }

    /// Serves a connection.
    pub(crate) async fn serve(self: Arc<Self>, accepted: Accepted, watcher: Watcher) {
        let service = service_fn(move |request| {
            let answer = self.answer(&request);
            async move { Ok::<_, std::convert::Infallible>(answer) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIMEOUT)
            .max_buf_size(MAX_HEAD)
            .serve_connection(TokioIo::new(accepted.stream), service);
        if let Err(error) = watcher.watch(connection).await {
            tracing::debug!(%error, "Metadata connection ended early");
        }
    }

    fn answer(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        let path = request.uri().path();
        let mut report = Report {
            service: SERVICE.to_owned(),
            action: format!("{} {path}", request.method()),
            principal: self.node.arn(),
            account: Some(self.node.account().clone()),
            ..Report::default()
        };
        let answered = match *request.method() {
            Method::PUT => self.grant_token(path, request.headers()),
            Method::GET => self.show(path, request.headers(), &mut report),
            _ => Err(refusal(
                StatusCode::METHOD_NOT_ALLOWED,
                "neither GET nor PUT",
            )),
        };
        let (response, outcome) = match answered {
            Ok(answered) => answered,
            Err(refusal) => (refusal.page(), refusal.outcome()),
        };
        self.gateway.record_metadata(report, response, outcome)
    }

    /// Answers a PUT.
    fn grant_token(
        &self,
        path: &str,
        headers: &HeaderMap,
    ) -> Result<(Response<Full<Bytes>>, Outcome), Refusal> {
        if path != "/latest/api/token" {
            let reason = "a PUT of another path than /latest/api/token";
            return Err(refusal(StatusCode::FORBIDDEN, reason));
        }
        if headers.contains_key("x-forwarded-for") {
            let reason = "X-Forwarded-For: the request came through a proxy";
            return Err(refusal(StatusCode::FORBIDDEN, reason));
        }
        let seconds = headers
            .get(TTL)
            .and_then(|value| value.to_str().ok())
            .and_then(|text| text.parse().ok())
            .filter(|seconds| (1..=MAX_TTL).contains(seconds));
        let Some(seconds) = seconds else {
            let reason = "X-aws-ec2-metadata-token-ttl-seconds is no whole number from 1 to 21600";
            return Err(refusal(StatusCode::BAD_REQUEST, reason));
        };
        let token = self.tokens.grant(Timestamp::now(), seconds);
        let response = document(Kind::Text, token, seconds);
        Ok((response, Outcome::Allowed))
    }

    /// Answers a GET.
    fn show(
        &self,
        path: &str,
        headers: &HeaderMap,
        report: &mut Report,
    ) -> Result<(Response<Full<Bytes>>, Outcome), Refusal> {
        let token = headers.get(TOKEN).and_then(|value| value.to_str().ok());
        let Some(token) = token else {
            let reason = "no X-aws-ec2-metadata-token: version 1 is off";
            return Err(refusal(StatusCode::UNAUTHORIZED, reason));
        };
        let Some(left) = self.tokens.seconds_left(token, Timestamp::now()) else {
            let reason = "X-aws-ec2-metadata-token is not of this node, or over";
            return Err(refusal(StatusCode::UNAUTHORIZED, reason));
        };
        let Some(Shown {
            kind,
            text,
            outcome,
        }) = documents::find(path, &self.node, &self.gateway, report)
        else {
            return Err(refusal(StatusCode::NOT_FOUND, "no such document"));
        };
        Ok((document(kind, text, left), outcome))
    }
}

impl std::fmt::Debug for Metadata {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Metadata").finish_non_exhaustive()
    }
}

impl Refusal {
    fn outcome(self) -> Outcome {
        let code = self.status.canonical_reason().unwrap_or_default();
        let (code, message) = (code.replace(' ', ""), self.reason.to_owned());
        match self.status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Outcome::Denied {
                code,
                message,
                reason: None,
            },
            _ => Outcome::Failed { code, message },
        }
    }

    /// A page, as AWS's are, that says no more than the status.
    fn page(self) -> Response<Full<Bytes>> {
        let status = self.status;
        let title = format!(
            "{} - {}",
            status.as_u16(),
            status.canonical_reason().unwrap_or_default()
        );
        let page = format!(
            "<?xml version=\"1.0\" encoding=\"iso-8859-1\"?>\n<html xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"en\">\
             <head><title>{title}</title></head><body><h1>{title}</h1></body></html>\n"
        );
        let mut response = Response::new(Full::from(page));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html"));
        if status == StatusCode::METHOD_NOT_ALLOWED {
            headers.insert(ALLOW, HeaderValue::from_static("GET, PUT"));
        }
        response
    }
}

fn refusal(status: StatusCode, reason: &'static str) -> Refusal {
    Refusal { status, reason }
}

fn document(kind: Kind, text: String, seconds_left: u32) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(text));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind.media_type()));
    headers.insert(TTL, HeaderValue::from(seconds_left));
    response
}

/// How the events call it.
const SERVICE: &str = "ec2-metadata";
const TOKEN: HeaderName = HeaderName::from_static("x-aws-ec2-metadata-token");
const TTL: HeaderName = HeaderName::from_static("x-aws-ec2-metadata-token-ttl-seconds");
/// Seconds: six hours.
const MAX_TTL: u32 = 21_600;
/// How long a client may take to send a request; also how long an idle connection is kept.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// Bytes of a request's head.
const MAX_HEAD: usize = 16 * 1024;
