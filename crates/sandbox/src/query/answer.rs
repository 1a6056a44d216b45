//! Whole answers of the Query protocol, successes and errors.

use std::ops::Range;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName};
use http::{HeaderValue, Response, StatusCode};

use super::{ApiError, QueryService, Xml};
use crate::ids;

/// The answer to a call that was done, and where in its body the result stands that others than the caller may see.
pub(crate) fn success(
    service: QueryService,
    action: &str,
    result: Xml,
) -> (Response<Bytes>, Vec<Range<usize>>) {
    let request_id = ids::new_request_id();
    let namespace = service.namespace();
    let start = format!("<{action}Response xmlns=\"{namespace}\">");
    let end = format!(
        "<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{action}Response>"
    );
    let (xml, shown) = if result.is_empty() && action != EMPTY_RESULT {
        result.wrapped(&start, &end)
    } else {
        result.wrapped(
            &format!("{start}<{action}Result>"),
            &format!("</{action}Result>{end}"),
        )
    };
    (respond(StatusCode::OK, &request_id, xml), shown)
}

/// The answer to a call that was refused.
pub(crate) fn failure(service: QueryService, error: &ApiError) -> Response<Bytes> {
    let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    failure_of(service, status, error.code, &error.message)
}

/// The answer of an error that has only status, code and words.
pub(crate) fn failure_of(
    service: QueryService,
    status: StatusCode,
    code: &str,
    message: &str,
) -> Response<Bytes> {
    let namespace = if code == "InvalidAction" {
        FAULT_NAMESPACE
    } else {
        service.namespace()
    };
    failure_in(namespace, status, code, message)
}

/// The same in a namespace.
pub(crate) fn failure_in(
    namespace: &str,
    status: StatusCode,
    code: &str,
    message: &str,
) -> Response<Bytes> {
    let request_id = ids::new_request_id();
    let blame = if status.is_server_error() {
        "Receiver"
    } else {
        "Sender"
    };
    let xml = Xml::of(|xml| {
        xml.root("ErrorResponse", namespace, |xml| {
            xml.element("Error", |xml| {
                xml.text("Type", blame);
                xml.text("Code", code);
                xml.text("Message", message);
            });
            xml.text("RequestId", &request_id);
        });
    });
    respond(status, &request_id, xml.into_string())
}

fn respond(status: StatusCode, request_id: &str, xml: String) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(xml));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/xml"));
    if let Ok(id) = HeaderValue::from_str(request_id) {
        headers.insert(REQUEST_ID_HEADER, id);
    }
    response
}

/// The one action of IAM and STS whose result AWS's model has and leaves empty; the AWS CLI fails without the element.
const EMPTY_RESULT: &str = "UpdateRole";
const REQUEST_ID_HEADER: HeaderName = HeaderName::from_static("x-amzn-requestid");
const FAULT_NAMESPACE: &str = "http://webservices.amazon.com/AWSFault/2005-15-09";
