//! AWS's own signing suite, and one table for the checks that the suite does not have.

use std::fs;
use std::path::Path;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::{SignedDuration, Timestamp};

use super::canonical::{self, CanonicalRequest, Parts};
use super::*;

/// A request of the suite, as text taken apart by rules of its own (the suite's lines are not valid HTTP).
struct Case {
    name: String,
    method: String,
    path: String,
    query: String,
    headers: HeaderMap,
    body: Bytes,
    normalized: bool,
    secret: String,
    expected_canonical: String,
    expected_string_to_sign: String,
    expected_signature: String,
}

fn read(folder: &Path, file: &str) -> String {
    fs::read_to_string(folder.join(file)).unwrap()
}

/// Where a request of the suite has its signature; also how the names of its files begin.
const HEADER: &str = "header";
const QUERY: &str = "query";

fn cases(place: &str) -> Vec<Case> {
    let Some(folder) = podpass_testkit::test_data("sigv4/v4") else {
        return Vec::new();
    };
    let mut folders: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    folders.sort();
    folders.iter().map(|folder| case(folder, place)).collect()
}

fn case(folder: &Path, place: &str) -> Case {
    let context: serde_json::Value = serde_json::from_str(&read(folder, "context.json")).unwrap();
    let request = read(folder, &format!("{place}-signed-request.txt"));
    let (head, body) = request.split_once("\n\n").unwrap_or((&request, ""));
    let (line, fields) = head.split_once('\n').unwrap();
    let (method, target) = line.split_once(' ').unwrap();
    let target = target.strip_suffix(" HTTP/1.1").unwrap();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut headers: Vec<(String, String)> = Vec::new();
    for field in fields.lines() {
        if field.starts_with(' ') {
            let (_, value) = headers.last_mut().unwrap();
            value.push(' ');
            value.push_str(field.trim());
        } else {
            let (name, value) = field.split_once(':').unwrap();
            headers.push((name.to_owned(), value.to_owned()));
        }
    }
    Case {
        name: folder.file_name().unwrap().to_string_lossy().into_owned(),
        method: method.to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        headers: headers
            .into_iter()
            .map(|(name, value)| {
                (
                    name.parse::<HeaderName>().unwrap(),
                    HeaderValue::from_str(&value).unwrap(),
                )
            })
            .fold(HeaderMap::new(), |mut map, (name, value)| {
                map.append(name, value);
                map
            }),
        body: body.to_owned().into(),
        normalized: context["normalize"].as_bool().unwrap(),
        secret: context["credentials"]["secret_access_key"]
            .as_str()
            .unwrap()
            .to_owned(),
        expected_canonical: read(folder, &format!("{place}-canonical-request.txt")),
        expected_string_to_sign: read(folder, &format!("{place}-string-to-sign.txt")),
        expected_signature: read(folder, &format!("{place}-signature.txt")),
    }
}

impl Case {
    fn authorization(&self) -> Authorization {
        match self.headers.get("authorization") {
            Some(header) => Authorization::parse(header.to_str().unwrap()).unwrap(),
            None => Authorization::parse_query(&self.query, Dialect::Query).unwrap(),
        }
    }

    /// Whether the client adds its session token to the request that it has signed.
    fn adds_its_token_afterwards(&self) -> bool {
        self.name == "post-sts-header-after"
    }

    fn request<'a>(&'a self, authorization: &'a Authorization) -> SignedRequest<'a> {
        SignedRequest {
            method: &self.method,
            path: &self.path,
            query: &self.query,
            headers: &self.headers,
            body: &self.body,
            authorization,
            dialect: Dialect::Query,
        }
    }
}

fn suite_time() -> Timestamp {
    "2015-08-30T12:36:00Z".parse().unwrap()
}

#[test]
fn reproduces_every_case_of_the_suite() {
    for case in cases(HEADER).into_iter().chain(cases(QUERY)) {
        let authorization = case.authorization();
        if case.adds_its_token_afterwards() && authorization.presigned.is_some() {
            continue;
        }
        let hash = canonical::payload_hash(&case.body);
        let canonical = CanonicalRequest::of(
            Parts {
                method: &case.method,
                path: case.path.as_bytes(),
                query: case.query.as_bytes(),
                headers: &case.headers,
                signed_headers: &authorization.signed_headers,
                payload_hash: &hash,
            },
            if case.normalized {
                Dialect::Query
            } else {
                Dialect::S3
            },
        );
        assert_eq!(
            canonical.redacted(),
            without_token(&case.expected_canonical),
            "{}",
            case.name
        );
        let string_to_sign = canonical.string_to_sign("20150830T123600Z", &authorization.scope);
        assert_eq!(
            string_to_sign, case.expected_string_to_sign,
            "{}",
            case.name
        );
        let signature = canonical::signature(&case.secret, &authorization.scope, &string_to_sign);
        assert_eq!(signature, case.expected_signature, "{}", case.name);
    }
}

/// The suite's text as a person may see it.
fn without_token(canonical: &str) -> String {
    let line = |line: &str| {
        let pairs = line.split('&').map(|pair| {
            if pair.starts_with("X-Amz-Security-Token=") {
                "X-Amz-Security-Token=[redacted]"
            } else {
                pair
            }
        });
        match line.split_once(':') {
            Some(("x-amz-security-token", _)) => "x-amz-security-token:[redacted]".to_owned(),
            _ => pairs.collect::<Vec<_>>().join("&"),
        }
    };
    canonical.lines().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn accepts_the_suite_except_the_token_that_is_not_signed() {
    let all = cases(HEADER).into_iter().chain(cases(QUERY));
    for case in all.filter(|case| case.normalized) {
        let authorization = case.authorization();
        let request = case.request(&authorization);
        let time = request.check_scope(&Expected::default()).unwrap();
        let verdict = request.check_signature(&case.secret, &time, suite_time());
        match (case.adds_its_token_afterwards(), &authorization.presigned) {
            (false, _) => assert_eq!(verdict, Ok(()), "{}", case.name),
            (true, None) => {
                let names = vec!["x-amz-security-token".to_owned()];
                assert_eq!(verdict, Err(SignatureError::HeadersNotSigned { names }));
            }
            (true, Some(_)) => {
                assert!(matches!(verdict, Err(SignatureError::Mismatch(_))));
            }
        }
    }
}

#[test]
fn a_presigned_request_is_good_for_fifteen_minutes() {
    let cases = cases(QUERY);
    let Some(case) = cases.iter().find(|case| case.name == "get-vanilla") else {
        return;
    };
    let authorization = case.authorization();
    let request = case.request(&authorization);
    let time = request.check_scope(&Expected::default()).unwrap();
    for (seconds, accepted) in [
        (0, true),
        (900, true),
        (901, false),
        (-300, true),
        (-301, false),
    ] {
        let now = suite_time() + SignedDuration::from_secs(seconds);
        let verdict = request.check_signature(&case.secret, &time, now);
        assert_eq!(verdict.is_ok(), accepted, "{seconds} s: {verdict:?}");
        if seconds == 901 {
            assert_eq!(
                verdict.unwrap_err().refusal(Dialect::Query).message,
                "Signature expired: 20150830T123600Z is now earlier than 20150830T123601Z (20150830T125101Z - 15 min.)"
            );
        }
    }
}

#[test]
fn notices_every_change_of_a_signed_request() {
    let cases = cases(HEADER);
    let Some(original) = cases
        .iter()
        .find(|case| case.name == "post-x-www-form-urlencoded")
    else {
        return;
    };
    let authorization = original.authorization();
    let unchanged = original.request(&authorization);
    let time = unchanged.check_scope(&Expected::default()).unwrap();
    let mut other_host = original.headers.clone();
    other_host.insert("host", HeaderValue::from_static("example.amazonaws.com:80"));
    let other_secret = format!("{}x", original.secret);
    let changes: [(&str, SignedRequest<'_>, &str); 6] = [
        (
            "body",
            SignedRequest {
                body: &Bytes::from_static(b"Param1=value2"),
                ..unchanged
            },
            &original.secret,
        ),
        (
            "path",
            SignedRequest {
                path: "/x",
                ..unchanged
            },
            &original.secret,
        ),
        (
            "query",
            SignedRequest {
                query: "a=b",
                ..unchanged
            },
            &original.secret,
        ),
        (
            "method",
            SignedRequest {
                method: "PUT",
                ..unchanged
            },
            &original.secret,
        ),
        (
            "host",
            SignedRequest {
                headers: &other_host,
                ..unchanged
            },
            &original.secret,
        ),
        ("secret", unchanged, &other_secret),
    ];
    for (change, request, secret) in changes {
        let verdict = request.check_signature(secret, &time, suite_time());
        assert!(
            matches!(verdict, Err(SignatureError::Mismatch(_))),
            "{change}: {verdict:?}"
        );
    }
}

#[test]
fn clock_may_differ_by_five_minutes_or_by_fifteen_at_s3() {
    let cases = cases(HEADER);
    let Some(case) = cases.iter().find(|case| case.name == "get-vanilla") else {
        return;
    };
    let authorization = case.authorization();
    let mut s3_headers = case.headers.clone();
    s3_headers.insert(
        "x-amz-content-sha256",
        HeaderValue::from_static("UNSIGNED-PAYLOAD"),
    );
    for (dialect, seconds, accepted) in [
        (Dialect::Query, 300, true),
        (Dialect::Query, 301, false),
        (Dialect::Query, -300, true),
        (Dialect::Query, -301, false),
        (Dialect::S3, 900, true),
        (Dialect::S3, 901, false),
        (Dialect::S3, -900, true),
        (Dialect::S3, -901, false),
    ] {
        let headers = if dialect == Dialect::S3 {
            &s3_headers
        } else {
            &case.headers
        };
        let request = SignedRequest {
            headers,
            dialect,
            ..case.request(&authorization)
        };
        let time = request.check_scope(&Expected::default()).unwrap();
        let now = suite_time() + SignedDuration::from_secs(seconds);
        let verdict = request.check_signature(&case.secret, &time, now);
        let skewed = matches!(
            verdict,
            Err(SignatureError::Old { .. } | SignatureError::Early { .. })
        );
        assert_eq!(skewed, !accepted, "{dialect:?} {seconds} s: {verdict:?}");
    }
}

#[test]
fn words_a_skewed_clock_as_aws_does() {
    let now: Timestamp = "2026-11-23T10:06:00Z".parse().unwrap();
    let old = SignatureError::Old {
        request: "2026-11-23T10:00:00Z".parse().unwrap(),
        now,
    };
    assert_eq!(
        old.refusal(Dialect::Query).message,
        "Signature expired: 20261123T100000Z is now earlier than 20261123T100100Z (20261123T100600Z - 5 min.)"
    );
    let early = SignatureError::Early {
        request: "2026-11-23T10:12:00Z".parse().unwrap(),
        now,
    };
    assert_eq!(
        early.refusal(Dialect::Query).message,
        "Signature not yet current: 20261123T101200Z is still later than 20261123T101100Z (20261123T100600Z + 5 min.)"
    );
    let refusal = early.refusal(Dialect::S3);
    assert_eq!(
        (refusal.status.as_u16(), refusal.code),
        (403, "RequestTimeTooSkewed")
    );
    assert!(
        refusal
            .details
            .contains(&("MaxAllowedSkewMilliseconds", "900000".to_owned())),
        "{refusal:?}"
    );
}

#[test]
fn query_normalisation_keeps_a_trailing_slash() {
    for (path, expected) in [
        ("", "/"),
        ("/", "/"),
        ("//", "/"),
        ("/a/./b/", "/a/b/"),
        ("/a/b/..", "/a/"),
        ("/..", "/"),
        ("/a%20b", "/a%2520b"),
    ] {
        let headers = HeaderMap::new();
        let parts = Parts {
            method: "GET",
            path: path.as_bytes(),
            query: b"",
            headers: &headers,
            signed_headers: &[],
            payload_hash: "",
        };
        let canonical = CanonicalRequest::of(parts, Dialect::Query).redacted();
        assert_eq!(canonical.lines().nth(1), Some(expected), "{path}");
    }
}
