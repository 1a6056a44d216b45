//! The paths of the two ports.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::header::{CONTENT_TYPE, HeaderName};
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use podpass_cluster::ServiceAccountIndex;
use podpass_runtime::{Answer, Certificates, Shutdown, Stage, metrics, text};
use prometheus_client::registry::Registry;
use tokio::time::Instant;

use crate::admission::{Admission, Answered};
use crate::debug;

/// What both ports answer from.
pub(crate) struct Routes {
    pub(crate) admission: Admission,
    pub(crate) index: Arc<ServiceAccountIndex>,
    pub(crate) certificates: Arc<Certificates>,
    pub(crate) registry: Registry,
    pub(crate) shutdown: Shutdown,
    /// `--enable-debugging-handlers`.
    pub(crate) debugging: bool,
}

impl Routes {
    /// Answers a request to the port that speaks TLS.
    pub(crate) async fn secure(&self, request: Request<Incoming>) -> Answer {
        match request.uri().path() {
            "/mutate" => self.timed(request, "/mutate", Self::mutate).await,
            "/debug/alpha/deny" if self.debugging => {
                let deny = async |_: &Self, _| json(debug::DENIAL);
                self.timed(request, "/debug/alpha/deny", deny).await
            }
            "/debug/alpha/500" if self.debugging => {
                let fail =
                    async |_: &Self, _| text(StatusCode::INTERNAL_SERVER_ERROR, debug::FAILURE);
                self.timed(request, "/debug/alpha/500", fail).await
            }
            path => health(path, || self.why_not_ready()).unwrap_or_else(not_found),
        }
    }

    /// Answers a request to the port that speaks plain HTTP.
    pub(crate) fn plain(&self, request: &Request<Incoming>) -> Answer {
        match request.uri().path() {
            "/metrics" => metrics::answer(&self.registry),
            "/debug/alpha/cache" if self.debugging => {
                json(debug::cache(&self.index, &self.admission.settings))
            }
            // The peer forgets all that it knows until its next resync; here nothing is forgotten, so there is nothing to
            // clear, and the path stays for those who call it.
            "/debug/alpha/cache/clear" if self.debugging => text(StatusCode::OK, ""),
            path => health(path, || self.why_not_ready()).unwrap_or_else(not_found),
        }
    }

    /// What keeps this replica from being sent requests.
    fn why_not_ready(&self) -> Option<&'static str> {
        if self.shutdown.stage() != Stage::Serving {
            return Some(SHUTTING_DOWN);
        }
        if !self.admission.identities.is_synced() {
            return Some("the service accounts have not been read yet");
        }
        let namespaces = self.admission.namespaces.as_ref();
        if namespaces.is_some_and(|namespaces| !namespaces.is_synced()) {
            return Some("the namespaces have not been read yet");
        }
        match self.certificates.current() {
            None => Some("there is no serving certificate yet"),
            Some(served) if !served.is_valid_at(SystemTime::now()) => {
                Some("the serving certificate is not valid now")
            }
            Some(_) => None,
        }
    }

    async fn timed(
        &self,
        request: Request<Incoming>,
        path: &'static str,
        answer: impl AsyncFnOnce(&Self, Request<Incoming>) -> Answer,
    ) -> Answer {
        if !is_query(request.uri().query().unwrap_or_default()) {
            let answer = text(
                StatusCode::BAD_REQUEST,
                "{\"error\": \"error parsing form\"}\n",
            );
            return answer;
        }
        let begun = Instant::now();
        let verb = request.method().clone();
        let answered = answer(self, request).await;
        let (code, took) = (answered.status().as_u16(), begun.elapsed());
        let metrics = &self.admission.metrics;
        metrics.count_request(verb.as_str(), path, code, took);
        answered
    }

    async fn mutate(&self, request: Request<Incoming>) -> Answer {
        let kind = request.headers().get(CONTENT_TYPE);
        if !kind.is_some_and(|kind| is_json(kind.as_bytes())) {
            return text(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "Invalid Content-Type, expected `application/json`\n",
            );
        }
        let timeout = timeout_of(request.uri().query().unwrap_or_default());
        let body = Limited::new(request.into_body(), MAX_BODY).collect();
        let body = match tokio::time::timeout(BODY_TIMEOUT, body).await {
            Ok(Ok(body)) => body.to_bytes(),
            Ok(Err(error)) if error.is::<LengthLimitError>() => {
                let told = format!("the body is longer than {MAX_BODY} bytes\n");
                return text(StatusCode::PAYLOAD_TOO_LARGE, told);
            }
            Ok(Err(_)) => return text(StatusCode::BAD_REQUEST, "the body is not whole\n"),
            Err(_) => return text(StatusCode::REQUEST_TIMEOUT, "the body came too slowly\n"),
        };
        match self.admission.answer(&body, timeout).await {
            Answered::Review(review) => json(review),
            Answered::Failed(why) => text(StatusCode::INTERNAL_SERVER_ERROR, format!("{why}\n")),
        }
    }
}

fn json(body: impl Into<bytes::Bytes>) -> Answer {
    let mut answer = Response::new(Full::new(body.into()));
    let kind = HeaderValue::from_static("application/json");
    answer.headers_mut().insert(CONTENT_TYPE, kind);
    answer
}

/// Answers the two paths of health; `None` for any other. Alive is whoever answers, ready whom nothing keeps from it.
pub(crate) fn health(
    path: &str,
    why_not_ready: impl FnOnce() -> Option<&'static str>,
) -> Option<Answer> {
    let why = match path {
        "/healthz" => None,
        "/readyz" => why_not_ready(),
        _ => return None,
    };
    Some(match why {
        None => text(StatusCode::OK, "ok"),
        Some(why) => text(
            StatusCode::SERVICE_UNAVAILABLE,
            format!("not ready: {why}\n"),
        ),
    })
}

pub(crate) fn not_found() -> Answer {
    let mut answer = text(StatusCode::NOT_FOUND, "404 page not found\n");
    let options = HeaderName::from_static("x-content-type-options");
    let headers = answer.headers_mut();
    headers.insert(options, HeaderValue::from_static("nosniff"));
    answer
}

/// Whether it is JSON; parameters such as a character set are fine.
fn is_json(content_type: &[u8]) -> bool {
    let kind = content_type.split(|byte| *byte == b';').next();
    let kind = kind.unwrap_or_default().trim_ascii();
    kind.eq_ignore_ascii_case(b"application/json")
}

/// Whether Go's `url.ParseQuery` takes it: no `;`, and every `%` stands before two hexadecimal digits.
fn is_query(query: &str) -> bool {
    let mut bytes = query.bytes();
    while let Some(byte) = bytes.next() {
        let fine = match byte {
            b';' => false,
            b'%' => (0..2).all(|_| bytes.next().is_some_and(|it| it.is_ascii_hexdigit())),
            _ => true,
        };
        if !fine {
            return false;
        }
    }
    true
}

/// How long the API server waits, which it says as `timeout=10s`.
fn timeout_of(query: &str) -> Duration {
    let said = query
        .split('&')
        .find_map(|pair| pair.strip_prefix("timeout="));
    let seconds = said.and_then(|text| text.strip_suffix('s')?.parse().ok());
    seconds
        .filter(|seconds| (1..=30).contains(seconds))
        .map_or(DEFAULT_TIMEOUT, Duration::from_secs)
}

/// Why a server that ends is not ready.
pub(crate) const SHUTTING_DOWN: &str = "shutting down";
/// Bytes: the largest object that an API server takes is 3 MiB, and a review may hold two.
const MAX_BODY: usize = 16 * 1024 * 1024;
/// The longest that an API server waits for a webhook.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);
/// What a registration says that says nothing.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_those_that_go_reads() {
        for good in ["", "timeout=10s", "a=%20", "a=b&c", "%41=%4a"] {
            assert!(is_query(good), "{good}");
        }
        for bad in ["a=%zz", "a=1;b=2", "a=%", "a=%2"] {
            assert!(!is_query(bad), "{bad}");
        }
    }

    #[test]
    fn timeouts_are_those_that_an_api_server_sends() {
        for (query, seconds) in [
            ("timeout=10s", 10),
            ("a=b&timeout=2s", 2),
            ("timeout=30s", 30),
            ("timeout=31s", 10),
            ("timeout=0s", 10),
            ("timeout=x", 10),
            ("", 10),
        ] {
            assert_eq!(timeout_of(query).as_secs(), seconds, "{query}");
        }
    }

    #[test]
    fn content_types_may_have_parameters() {
        for good in ["application/json", "Application/JSON ; charset=utf-8"] {
            assert!(is_json(good.as_bytes()), "{good}");
        }
        for bad in ["", "text/plain", "application/jsonx", "application/yaml"] {
            assert!(!is_json(bad.as_bytes()), "{bad}");
        }
    }
}
