//! The JSON protocol that CloudTrail speaks: awsJson1.1.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName};
use http::{HeaderValue, Response, StatusCode};
use serde_json::{Value, json};

use crate::ids;
use crate::query::ApiError;

/// The answer to a call that was done.
pub(crate) fn answer(result: &Value) -> Response<Bytes> {
    respond(StatusCode::OK, result)
}

/// The answer to a call that was refused.
pub(crate) fn refuse(error: &ApiError) -> Response<Bytes> {
    let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    refuse_with(status, error.code, &error.message)
}

/// The answer of an error that has only status, code and words.
pub(crate) fn refuse_with(status: StatusCode, code: &str, message: &str) -> Response<Bytes> {
    respond(status, &json!({ "__type": code, "message": message }))
}

fn respond(status: StatusCode, body: &Value) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body.to_string()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/x-amz-json-1.1"),
    );
    if let Ok(id) = HeaderValue::from_str(&ids::new_request_id()) {
        headers.insert(HeaderName::from_static("x-amzn-requestid"), id);
    }
    response
}
