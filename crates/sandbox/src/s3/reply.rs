//! Successful answers, and what every answer of S3 has in common.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, DATE, SERVER};
use http::{HeaderName, HeaderValue, Method, Response, StatusCode};
use jiff::Timestamp;

use super::S3Request;
use super::condition::format_date;
use super::xml::Writer;

/// An answer without a body.
pub(super) fn empty(status: StatusCode) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = status;
    response
}

/// A result document: its root element in S3's namespace, and what `body` writes into it.
pub(super) fn document(root: &str, body: impl FnOnce(&mut Writer)) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(Writer::result(root, body)));
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    response
}

/// Sets a header, unless its value cannot be one.
pub(super) fn set_header(response: &mut Response<Bytes>, name: &'static str, value: &str) {
    // Bytes beyond ASCII are legal in a header's value; only control characters are left out.
    if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
        response
            .headers_mut()
            .insert(HeaderName::from_static(name), value);
    }
}

/// Adds the common headers, and takes away the body of an answer to `HEAD`.
pub(super) fn finish(
    mut response: Response<Bytes>,
    request: &S3Request,
    now: Timestamp,
) -> Response<Bytes> {
    set_header(&mut response, "x-amz-request-id", &request.request_id);
    set_header(&mut response, "x-amz-id-2", &host_id(&request.request_id));
    response
        .headers_mut()
        .insert(SERVER, HeaderValue::from_static("AmazonS3"));
    if let Ok(date) = HeaderValue::from_str(&format_date(now)) {
        response.headers_mut().insert(DATE, date);
    }
    if request.method == Method::HEAD {
        if response.status().is_success() && !response.headers().contains_key(CONTENT_LENGTH) {
            let length = response.body().len();
            response
                .headers_mut()
                .insert(CONTENT_LENGTH, HeaderValue::from(length));
        }
        *response.body_mut() = Bytes::new();
    }
    response
}

/// The second id of an answer; on AWS it names the host, here it only follows from the first.
pub(crate) fn host_id(request_id: &str) -> String {
    STANDARD.encode(digest::digest(&digest::SHA256, request_id.as_bytes()))
}

/// A time in an XML document.
pub(super) fn xml_time(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S.000Z").to_string()
}
