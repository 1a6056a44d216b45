//! A request as it came in, whole.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::OnceLock;

use bytes::Bytes;
use http::{HeaderMap, Method};
use jiff::Timestamp;
use podpass_policy::Context;

use crate::host::HostName;
use crate::query::{ApiError, Form};
use crate::route::Route;

/// A request as it came in, whole.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) method: Method,
    /// Still percent-encoded.
    pub(crate) path: String,
    /// Still percent-encoded, without `?`.
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) peer: IpAddr,
    /// The address of this machine that the client connected to.
    pub(crate) local: IpAddr,
    /// Whether it came over TLS, which only the front for proxied clients speaks.
    pub(crate) secure: bool,
    /// Filled in by [`Received::form`].
    pub(crate) form: OnceLock<Result<Form, ApiError>>,
}

/// Why a request's body could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyFailure {
    /// It has more than `limit` bytes.
    TooLarge { limit: usize },
    /// It ended before its announced length.
    Incomplete,
    /// It did not come in time.
    Slow,
}

impl Received {
    /// A header's value, when it is visible ASCII.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The `Authorization` header; bytes that are not UTF-8 become U+FFFD, which no signature has.
    pub(crate) fn authorization(&self) -> Option<Cow<'_, str>> {
        let value = self.headers.get(http::header::AUTHORIZATION)?;
        Some(String::from_utf8_lossy(value.as_bytes()))
    }

    /// What the `Host` header says.
    pub(crate) fn host(&self) -> HostName {
        HostName::read(self.header("host").unwrap_or_default())
    }

    /// Whether the body is more likely an object than a form.
    pub(crate) fn expects_objects(&self) -> bool {
        let authorization = self.authorization();
        Route::expects_objects(
            authorization.as_deref(),
            &self.query,
            self.header("content-type"),
        )
    }

    /// The bytes that hold a Query request's parameters: the body, or the query of a GET.
    fn form_bytes(&self) -> &[u8] {
        if self.method == Method::GET {
            self.query.as_bytes()
        } else {
            &self.body
        }
    }

    /// The parameters of a Query request, read once.
    pub(crate) fn form(&self) -> Result<&Form, &ApiError> {
        self.form
            .get_or_init(|| Form::parse(self.form_bytes()))
            .as_ref()
    }

    /// The context keys that the request itself brings, by the sandbox's time.
    pub(crate) fn context(&self, region: &str, now: Timestamp) -> Context {
        let mut context = Context::new();
        context.insert("aws:SourceIp", self.peer.to_canonical().to_string());
        context.insert("aws:SecureTransport", self.secure);
        context.insert_some("aws:UserAgent", self.header("user-agent"));
        context.insert_some("aws:Referer", self.header("referer"));
        context.insert(
            "aws:CurrentTime",
            now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        );
        context.insert("aws:EpochTime", now.as_second());
        context.insert("aws:RequestedRegion", region);
        context.insert("aws:ViaAWSService", false);
        context.insert("aws:PrincipalIsAWSService", false);
        context
    }
}
