//! S3's errors: code, status, AWS's text and the elements that go with them.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode};

use super::xml::Writer;

/// An S3 error as it goes over the wire.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{code}: {message}")]
pub(crate) struct S3Error {
    /// The HTTP status.
    pub(crate) status: StatusCode,
    /// The code, such as `NoSuchBucket`.
    pub(crate) code: &'static str,
    /// The text for people.
    pub(crate) message: String,
    /// Further elements of the document, in order.
    elements: Vec<(&'static str, String)>,
    /// Headers that the error carries besides the common ones.
    headers: Vec<(&'static str, String)>,
}

impl S3Error {
    /// An error with its code, status and text.
    pub(crate) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            elements: Vec::new(),
            headers: Vec::new(),
        }
    }

    /// Adds an element, such as `BucketName` or `AWSAccessKeyId`, after the message.
    pub(crate) fn with(mut self, element: &'static str, value: impl Into<String>) -> Self {
        self.elements.push((element, value.into()));
        self
    }

    /// Adds a header; the name is in lower case.
    pub(super) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The response: an XML document without namespace, or nothing for `304 Not Modified`.
    pub(crate) fn into_response(self, request_id: &str) -> Response<Bytes> {
        let mut response = Response::new(Bytes::new());
        *response.status_mut() = self.status;
        for (name, value) in &self.headers {
            if let Ok(value) = HeaderValue::from_str(value) {
                response
                    .headers_mut()
                    .insert(HeaderName::from_static(name), value);
            }
        }
        if self.status != StatusCode::NOT_MODIFIED {
            response.headers_mut().insert(
                http::header::CONTENT_TYPE,
                HeaderValue::from_static("application/xml"),
            );
            *response.body_mut() = self.document(request_id).into();
        }
        // The listener's event log tells what was refused from this, not from the document.
        response.extensions_mut().insert(self);
        response
    }

    fn document(&self, request_id: &str) -> String {
        let mut xml = Writer::document();
        xml.element("Error", |xml| {
            xml.text("Code", self.code);
            xml.text("Message", &self.message);
            for (element, value) in &self.elements {
                xml.text(element, value);
            }
            xml.text("RequestId", request_id);
            xml.text("HostId", &super::reply::host_id(request_id));
        });
        xml.finish()
    }
}

// === The errors that several operations share ===

impl S3Error {
    pub(super) fn access_denied(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "AccessDenied", message)
    }

    pub(super) fn no_such_bucket(bucket: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "NoSuchBucket",
            "The specified bucket does not exist",
        )
        .with("BucketName", bucket)
    }

    pub(super) fn no_such_key(key: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "NoSuchKey",
            "The specified key does not exist.",
        )
        .with("Key", key)
    }

    pub(super) fn invalid_argument(
        message: impl Into<String>,
        name: &str,
        value: impl Into<String>,
    ) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "InvalidArgument", message)
            .with("ArgumentName", name)
            .with("ArgumentValue", value)
    }

    pub(super) fn invalid_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "InvalidRequest", message)
    }

    pub(super) fn malformed_xml() -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "MalformedXML",
            "The XML you provided was not well-formed or did not validate against our published schema",
        )
    }

    pub(super) fn bad_digest(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "BadDigest", message)
    }

    /// Something S3 does and this server does not; `what` is the header or sub-resource that asked for it.
    pub(super) fn not_implemented(what: &str) -> Self {
        Self::new(
            StatusCode::NOT_IMPLEMENTED,
            "NotImplemented",
            format!("A header or sub-resource you provided implies functionality that is not implemented: {what}"),
        )
        .with("Header", what)
    }

    pub(super) fn method_not_allowed(method: &http::Method, resource: &'static str) -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "MethodNotAllowed",
            "The specified method is not allowed against this resource.",
        )
        .with("Method", method.as_str())
        .with("ResourceType", resource)
    }

    pub(super) fn precondition_failed(condition: &'static str) -> Self {
        Self::new(
            StatusCode::PRECONDITION_FAILED,
            "PreconditionFailed",
            "At least one of the pre-conditions you specified did not hold",
        )
        .with("Condition", condition)
    }
}
