//! The answers that faults give in the place of the services, in each protocol's own form.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response, StatusCode};

use super::FaultKind;
use crate::event::Outcome;
use crate::query::{self, QueryService, Xml};
use crate::route::Route;
use crate::{ids, s3, trail};

/// An answer in the place of the service's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    status: StatusCode,
    code: String,
    message: String,
}

impl Refusal {
    /// What a fault answers to a request of that route; `None` for kinds that answer nothing.
    pub(super) fn of(kind: &FaultKind, route: &Route) -> Option<Self> {
        let (status, code, message) = match (kind, route) {
            (FaultKind::Throttle, Route::S3) => {
                (503, "SlowDown", "Please reduce your request rate.")
            }
            (FaultKind::Throttle, Route::Query(_)) => (400, "Throttling", "Rate exceeded"),
            (FaultKind::Throttle, _) => (400, "ThrottlingException", "Rate exceeded"),
            (FaultKind::RegionDown(_), Route::S3) => (
                503,
                "ServiceUnavailable",
                "Service is unable to handle request.",
            ),
            (FaultKind::RegionDown(_), _) => (503, "ServiceUnavailable", UNAVAILABLE),
            (FaultKind::Error { code, status }, _) => (*status, code.as_str(), words(code)),
            _ => return None,
        };
        Some(Self {
            status: StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            code: code.to_owned(),
            message: message.to_owned(),
        })
    }

    /// The answer.
    pub(crate) fn response(&self, route: &Route) -> Response<Bytes> {
        let Self {
            status,
            code,
            message,
        } = self;
        match route {
            Route::Query(service) => query::failure_of(*service, *status, code, message),
            Route::CloudTrail => trail::refuse_with(*status, code, message),
            Route::S3 => self.of_s3(),
            Route::Other(_) => query::failure_of(QueryService::Sts, *status, code, message),
        }
    }

    /// What the event says of it.
    pub(crate) fn outcome(&self) -> Outcome {
        Outcome::Failed {
            code: self.code.clone(),
            message: self.message.clone(),
        }
    }

    fn of_s3(&self) -> Response<Bytes> {
        let request_id = ids::new_s3_request_id();
        let host_id = s3::host_id(&request_id);
        let xml = Xml::of(|xml| {
            xml.element("Error", |xml| {
                xml.text("Code", &self.code);
                xml.text("Message", &self.message);
                xml.text("RequestId", &request_id);
                xml.text("HostId", &host_id);
            });
        });
        let document = format!("{DECLARATION}{}", xml.into_string());
        let mut response = Response::new(Bytes::from(document));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/xml"));
        for (name, value) in [("x-amz-request-id", &request_id), ("x-amz-id-2", &host_id)] {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(name, value);
            }
        }
        response
    }
}

/// AWS's words for the common codes.
fn words(code: &str) -> &'static str {
    match code {
        "InternalFailure" => {
            "The request processing has failed because of an unknown error, exception or failure."
        }
        "InternalError" => "We encountered an internal error. Please try again.",
        "ServiceUnavailable" => UNAVAILABLE,
        "SlowDown" => "Please reduce your request rate.",
        "Throttling" | "ThrottlingException" => "Rate exceeded",
        _ => "The sandbox was told to answer with this error.",
    }
}

const UNAVAILABLE: &str = "The request has failed due to a temporary failure of the server.";
const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
