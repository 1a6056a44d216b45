//! EC2, as far as it can answer without instances: by its dry run, and by its denials.
//!
//! Source: "Common parameters" (`DryRun`) and "Error codes" in the Amazon EC2 API Reference.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response, StatusCode};

use crate::ids;
use crate::query::{ApiError, Xml};

/// The error code of what is no error.
pub(crate) const DRY_RUN_SUCCEEDED: &str = "DryRunOperation";

/// The request would have succeeded.
pub(super) fn succeeded() -> ApiError {
    ApiError::new(
        412,
        DRY_RUN_SUCCEEDED,
        "Request would have succeeded, but DryRun flag is set.",
    )
}

pub(super) fn denied(words: &str) -> ApiError {
    ApiError {
        code: "UnauthorizedOperation",
        ..ApiError::denied(format!(
            "You are not authorized to perform this operation. {}",
            // EC2 does not name what has no name.
            words.replace(" on resource: *", "")
        ))
    }
}

/// EC2's error document.
pub(super) fn answer(error: &ApiError) -> Response<Bytes> {
    let request_id = ids::new_request_id();
    let xml = Xml::of(|xml| {
        xml.element("Response", |xml| {
            xml.element("Errors", |xml| {
                xml.element("Error", |xml| {
                    xml.text("Code", error.code);
                    xml.text("Message", &error.message);
                });
            });
            xml.text("RequestID", &request_id);
        });
    });
    let mut response = Response::new(Bytes::from(xml.into_string()));
    *response.status_mut() =
        StatusCode::from_u16(error.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/xml;charset=UTF-8"),
    );
    response
}
