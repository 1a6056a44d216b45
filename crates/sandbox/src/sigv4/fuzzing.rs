//! What the fuzz target of signatures does; that of signed bodies is beside it.
#![expect(clippy::panic, reason = "a broken promise ends a fuzz target")]

mod chunks;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;

pub use self::chunks::aws_chunked;
use super::canonical::{self, ALGORITHM, CanonicalRequest, Parts};
use super::error::PRESIGNED_LIFE;
use super::presigned::{Presigned, SIGNATURE_PARAMETER};
use super::{Authorization, Dialect, Expected, Scope, SignatureError, SignedRequest, is_presigned};

/// A request as text: `METHOD TARGET`, lines of headers, an empty line, a body.
struct Given<'a> {
    method: &'a str,
    path: &'a str,
    query: &'a str,
    headers: HeaderMap,
    body: Bytes,
}

/// Reads both forms of a signature from a request, then signs the request: what is signed is verified, also when what
/// the canonical form evens out has changed, and nothing else is.
pub fn request(data: &[u8]) {
    let (head, body) = match data.windows(2).position(|pair| pair == b"\n\n") {
        Some(end) => (&data[..end], &data[end + 2..]),
        None => (data, &[][..]),
    };
    let Ok(head) = std::str::from_utf8(head) else {
        return;
    };
    let given = Given::read(head, body);
    if let Some(header) = given.headers.get("authorization") {
        header_form(&String::from_utf8_lossy(header.as_bytes()));
    }
    for dialect in [Dialect::S3, Dialect::Query] {
        query_form(given.query, dialect);
        given.canonical_form_is_stable(dialect);
        given.sign_and_verify(dialect);
    }
}

fn header_form(header: &str) {
    match Authorization::parse(header) {
        Ok(read) => {
            assert_eq!(
                Authorization::scoped_service(header),
                Some(read.scope.service.as_str())
            );
            let written = format!(
                "{ALGORITHM} Credential={}/{}, SignedHeaders={}, Signature={}",
                read.access_key_id,
                read.scope,
                read.signed_headers.join(";"),
                read.signature
            );
            let again = Authorization::parse(&written).expect("what was written can be read");
            assert_eq!(
                Authorization {
                    header_hash: String::new(),
                    ..again
                },
                Authorization {
                    header_hash: String::new(),
                    ..read
                }
            );
        }
        Err(error) => say(&error),
    }
}

fn query_form(query: &str, dialect: Dialect) {
    match Authorization::parse_query(query, dialect) {
        // One that has Signature Version 2 beside it is refused.
        Ok(read) => {
            assert_ne!(is_presigned(query), Ok(false), "passes for unsigned");
            assert!(read.presigned.is_some());
        }
        Err(error) => say(&error),
    }
}

/// Every service has words for an error.
fn say(error: &SignatureError) {
    for dialect in [Dialect::S3, Dialect::Query, Dialect::Json, Dialect::Ec2] {
        let refusal = error.refusal(dialect);
        assert!(refusal.status.is_client_error() || refusal.status.is_server_error());
        assert!(!refusal.code.is_empty() && !refusal.message.is_empty());
    }
}

impl<'a> Given<'a> {
    fn read(head: &'a str, body: &[u8]) -> Self {
        let (line, fields) = head.split_once('\n').unwrap_or((head, ""));
        let (method, target) = line.split_once(' ').unwrap_or(("GET", line));
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut headers = HeaderMap::new();
        for (name, value) in fields.lines().filter_map(|line| line.split_once(':')) {
            let name = HeaderName::from_bytes(name.as_bytes());
            let value = HeaderValue::from_str(value.trim());
            if let (Ok(name), Ok(value)) = (name, value) {
                headers.append(name, value);
            }
        }
        Self {
            method,
            path,
            query,
            headers,
            body: Bytes::copy_from_slice(body),
        }
    }

    fn canonical(&self, path: &str, query: &str, dialect: Dialect) -> String {
        let parts = Parts {
            method: "GET",
            path: path.as_bytes(),
            query: query.as_bytes(),
            headers: &self.headers,
            signed_headers: &[],
            payload_hash: "",
        };
        CanonicalRequest::of(parts, dialect).redacted()
    }

    /// What is canonical stays as it is; the path of other services than S3 is encoded each time.
    fn canonical_form_is_stable(&self, dialect: Dialect) {
        let once = self.canonical(self.path, self.query, dialect);
        let mut lines = once.split('\n').skip(1);
        let (path, query) = (lines.next(), lines.next());
        let (path, query) = (path.expect("a path"), query.expect("a query"));
        assert!(once.is_ascii(), "{once}");
        if dialect == Dialect::S3 {
            // The redacted token has brackets, which are encoded the second time.
            if !query.contains("[redacted]") {
                assert_eq!(self.canonical(path, query, dialect), once);
            }
        } else {
            assert!(path.starts_with('/') && !path.contains("//"), "{path}");
            let dots = |segment: &str| segment == "." || segment == "..";
            assert!(!path.split('/').any(dots), "{path}");
        }
    }

    /// The request with a date, a payload hash and a signature over all of its headers.
    fn sign_and_verify(&self, dialect: Dialect) {
        let mut headers = self.headers.clone();
        headers.remove("authorization");
        headers.insert("host", HeaderValue::from_static("s3.amazonaws.com"));
        headers.insert("x-amz-date", HeaderValue::from_static(DATE));
        let hash = canonical::payload_hash(&self.body);
        let declared = HeaderValue::from_str(&hash).expect("hex is fine in a header");
        headers.insert("x-amz-content-sha256", declared);
        for presigned in [false, true] {
            let mut authorization = Authorization {
                access_key_id: "AKID".to_owned(),
                scope: Scope {
                    date: DATE[..8].to_owned(),
                    region: "us-east-1".to_owned(),
                    service: "s3".to_owned(),
                    terminator: "aws4_request".to_owned(),
                },
                signed_headers: headers
                    .keys()
                    .map(|name| name.as_str().to_owned())
                    .collect(),
                signature: String::new(),
                presigned: presigned.then(|| Presigned {
                    date: DATE.to_owned(),
                    token: None,
                    life: PRESIGNED_LIFE,
                    payload_hash: None,
                }),
                header_hash: String::new(),
            };
            let parts = Parts {
                method: self.method,
                path: self.path.as_bytes(),
                query: self.query.as_bytes(),
                headers: &headers,
                signed_headers: &authorization.signed_headers,
                payload_hash: &hash,
            };
            let text =
                CanonicalRequest::of(parts, dialect).string_to_sign(DATE, &authorization.scope);
            authorization.signature = canonical::signature(SECRET, &authorization.scope, &text);
            self.verify(&headers, &authorization, dialect);
        }
    }

    fn verify(&self, headers: &HeaderMap, authorization: &Authorization, dialect: Dialect) {
        let signed = SignedRequest {
            method: self.method,
            path: self.path,
            query: self.query,
            headers,
            body: &self.body,
            authorization,
            dialect,
        };
        assert_eq!(verdict(&signed, SECRET), Ok(()));

        let mut pairs: Vec<&str> = self.query.split('&').collect();
        pairs.reverse();
        pairs.push(SIGNATURE_PARAMETER);
        let query = pairs.join("&&");
        let same = SignedRequest {
            query: &query,
            ..signed
        };
        assert_eq!(verdict(&same, SECRET), Ok(()), "in another order");

        let refused = |change: &str, request: &SignedRequest<'_>, secret: &str| match verdict(
            request, secret,
        ) {
            Err(error) => say(&error),
            Ok(()) => panic!("{change} passes"),
        };
        refused("another secret", &signed, "x");
        let longer = Bytes::from([&self.body[..], b"x"].concat());
        let change = SignedRequest {
            body: &longer,
            ..signed
        };
        refused("another body", &change, SECRET);
        let query = format!("{}&other", self.query);
        let change = SignedRequest {
            query: &query,
            ..signed
        };
        refused("another query", &change, SECRET);
        let path = format!("{}/other", self.path);
        let change = SignedRequest {
            path: &path,
            ..signed
        };
        refused("another path", &change, SECRET);
        let mut other = headers.clone();
        other.insert("x-amz-other", HeaderValue::from_static("x"));
        let change = SignedRequest {
            headers: &other,
            ..signed
        };
        refused("a header that is not signed", &change, SECRET);
    }
}

fn verdict(request: &SignedRequest<'_>, secret: &str) -> Result<(), SignatureError> {
    let time = request.check_scope(&Expected::default())?;
    let now: Timestamp = NOW.parse().expect("the time is one");
    request.check_signature(secret, &time, now)
}

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const DATE: &str = "20150830T123600Z";
const NOW: &str = "2015-08-30T12:36:00Z";
