//! AWS's JSON protocols. No service here speaks them, but a client that does can read why.
//!
//! Source: Smithy, "AWS JSON 1.0 protocol" and "1.1": the operation is named in `X-Amz-Target`, the error in `__type`.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName};
use http::{HeaderValue, Response, StatusCode};
use serde_json::json;

use crate::ids;
use crate::query::ApiError;
use crate::received::Received;

/// The operation that a call of these protocols names: `ListTables` in `DynamoDB_20120810.ListTables`.
pub(crate) fn operation(request: &Received) -> Option<&str> {
    let (_, operation) = request.header(TARGET)?.rsplit_once('.')?;
    Some(operation)
}

/// The answer to a call that was refused.
pub(crate) fn failure(request: &Received, error: &ApiError) -> Response<Bytes> {
    let document = json!({"__type": error.code, "message": error.message});
    let mut response = Response::new(Bytes::from(document.to_string()));
    *response.status_mut() =
        StatusCode::from_u16(error.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    let version = if request.header(CONTENT_TYPE.as_str()) == Some(VERSION_1_1) {
        VERSION_1_1
    } else {
        VERSION_1_0
    };
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(version));
    if let Ok(id) = HeaderValue::from_str(&ids::new_request_id()) {
        headers.insert(REQUEST_ID, id);
    }
    response
}

const TARGET: &str = "x-amz-target";
const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
const VERSION_1_0: &str = "application/x-amz-json-1.0";
const VERSION_1_1: &str = "application/x-amz-json-1.1";
