//! Conditional requests: `If-Match`, `If-None-Match`, `If-Modified-Since`, `If-Unmodified-Since`.

use http::StatusCode;
use jiff::Timestamp;

use super::S3Request;
use super::error::S3Error;
use super::store::Object;

/// The four conditions of a read, as sent.
struct Conditions<'a> {
    matches: Option<&'a str>,
    none_match: Option<&'a str>,
    modified_since: Option<Timestamp>,
    unmodified_since: Option<Timestamp>,
}

/// Which condition decided against the request.
enum Failed {
    Matches,
    NoneMatch,
    ModifiedSince,
    UnmodifiedSince,
}

/// Checks the conditions of a GET or HEAD.
///
/// # Errors
/// `PreconditionFailed`, or `304 Not Modified` in the form of an error without a body.
pub(super) fn check_read(request: &S3Request, object: &Object) -> Result<(), S3Error> {
    let failed = Conditions {
        matches: request.header("if-match"),
        none_match: request.header("if-none-match"),
        modified_since: request.header("if-modified-since").and_then(parse_date),
        unmodified_since: request.header("if-unmodified-since").and_then(parse_date),
    }
    .failed(object);
    match failed {
        None => Ok(()),
        Some(Failed::Matches) => Err(S3Error::precondition_failed("If-Match")),
        Some(Failed::UnmodifiedSince) => Err(S3Error::precondition_failed("If-Unmodified-Since")),
        Some(Failed::NoneMatch | Failed::ModifiedSince) => {
            Err(
                S3Error::new(StatusCode::NOT_MODIFIED, "NotModified", "Not Modified")
                    .header("etag", object.etag.clone())
                    .header("last-modified", format_date(object.last_modified)),
            )
        }
    }
}

/// Checks the conditions a copy puts on its source.
///
/// # Errors
/// `PreconditionFailed`, also where a read would answer 304.
pub(super) fn check_copy_source(request: &S3Request, source: &Object) -> Result<(), S3Error> {
    let date = |name| request.header(name).and_then(parse_date);
    let failed = Conditions {
        matches: request.header("x-amz-copy-source-if-match"),
        none_match: request.header("x-amz-copy-source-if-none-match"),
        modified_since: date("x-amz-copy-source-if-modified-since"),
        unmodified_since: date("x-amz-copy-source-if-unmodified-since"),
    }
    .failed(source);
    let condition = match failed {
        None => return Ok(()),
        Some(Failed::Matches) => "x-amz-copy-source-If-Match",
        Some(Failed::NoneMatch) => "x-amz-copy-source-If-None-Match",
        Some(Failed::ModifiedSince) => "x-amz-copy-source-If-Modified-Since",
        Some(Failed::UnmodifiedSince) => "x-amz-copy-source-If-Unmodified-Since",
    };
    Err(S3Error::precondition_failed(condition))
}

/// Checks the conditions of a write or deletion against what is there now.
///
/// # Errors
/// `PreconditionFailed`; `NoSuchKey` for `If-Match` on nothing; `NotImplemented` for an `If-None-Match` other than `*`.
pub(super) fn check_write(
    request: &S3Request,
    key: &str,
    current: Option<&Object>,
) -> Result<(), S3Error> {
    match (request.header("if-none-match"), current) {
        (Some("*"), Some(_)) => return Err(S3Error::precondition_failed("If-None-Match")),
        (Some("*") | None, _) => {}
        (Some(_), _) => return Err(S3Error::not_implemented("If-None-Match")),
    }
    match (request.header("if-match"), current) {
        (Some(_), None) => Err(S3Error::no_such_key(key)),
        (Some(list), Some(object)) if !etag_is_in(list, &object.etag) => {
            Err(S3Error::precondition_failed("If-Match"))
        }
        _ => Ok(()),
    }
}

/// An HTTP date, `Wed, 21 Oct 2015 07:28:00 GMT`.
pub(super) fn format_date(time: Timestamp) -> String {
    time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// An HTTP date; what is none is ignored, as RFC 9110 asks.
fn parse_date(text: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::DateTimeParser::new()
        .parse_timestamp(text.trim())
        .ok()
}

/// Whether the list of entity tags names this one; S3 accepts them without quotes too.
fn etag_is_in(list: &str, etag: &str) -> bool {
    list.split(',').map(str::trim).any(|candidate| {
        let candidate = candidate.strip_prefix("W/").unwrap_or(candidate);
        candidate == "*" || candidate.trim_matches('"') == etag.trim_matches('"')
    })
}

// === impl Conditions ===

impl Conditions<'_> {
    /// By the precedence of RFC 9110 section 13.2.2: an entity tag outweighs the date beside it.
    fn failed(&self, object: &Object) -> Option<Failed> {
        match (self.matches, self.unmodified_since) {
            (Some(list), _) if !etag_is_in(list, &object.etag) => return Some(Failed::Matches),
            (None, Some(since)) if object.last_modified > since => {
                return Some(Failed::UnmodifiedSince);
            }
            _ => {}
        }
        match (self.none_match, self.modified_since) {
            (Some(list), _) if etag_is_in(list, &object.etag) => Some(Failed::NoneMatch),
            (None, Some(since)) if object.last_modified <= since => Some(Failed::ModifiedSince),
            _ => None,
        }
    }
}
