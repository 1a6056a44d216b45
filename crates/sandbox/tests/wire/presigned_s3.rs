//! Presigned requests of S3: what they allow, and S3's words for those that it refuses.
//!
//! Source: Amazon S3 API Reference, "Authenticating Requests: Using Query Parameters" and "Signature Version 4
//! Authentication Specific Policy Keys".

use jiff::SignedDuration;

use crate::client::{Client, Faults, Keys, Presign, Reply, encode, sha256};
use crate::fixture::{Fixture, claims, keys_of, mint};

const KEY: &str = "/papers/a%20key%2B1";

/// A bucket with one object.
fn papers() -> Fixture {
    let fixture = Fixture::start();
    fixture.make_bucket("papers");
    fixture.admin.s3("PUT", KEY, "first").ok();
    fixture
}

/// Sends a presigned request as somebody who has nothing but its address.
fn send(client: &Client, what: Presign<'_>, body: &str) -> Reply {
    let target = client.presign(what);
    let anonymous = client.anonymous();
    anonymous.send("s3", what.method, &target, what.signed, body.as_bytes())
}

fn of<'a>(method: &'a str, path: &'a str) -> Presign<'a> {
    Presign {
        method,
        path,
        ..Presign::default()
    }
}

#[test]
fn whoever_has_the_address_does_what_it_was_signed_for() {
    let fixture = papers();
    let admin = &fixture.admin;
    assert_eq!(send(admin, of("GET", KEY), "").ok().body, "first");
    send(admin, of("PUT", KEY), "second").ok();
    assert_eq!(send(admin, of("GET", KEY), "").ok().body, "second");
    let head = send(admin, of("HEAD", KEY), "").ok();
    assert_eq!(head.headers["content-length"], "6");
    let list = Presign {
        query: "list-type=2&prefix=a",
        ..of("GET", "/papers")
    };
    assert_eq!(send(admin, list, "").ok().texts("Key"), ["a key+1"]);
    assert_eq!(send(admin, of("DELETE", KEY), "").status, 204);
    assert_eq!(
        send(admin, of("GET", KEY), "").error(),
        (404, "NoSuchKey".to_owned())
    );
}

#[test]
fn a_bucket_in_the_host_name_is_presigned_as_one_in_the_path() {
    let fixture = papers();
    for host in ["papers.s3.eu-west-1.amazonaws.com", "papers.localhost"] {
        let client = fixture.admin.with_faults(Faults {
            host: Some(host),
            ..Faults::default()
        });
        let reply = send(&client, of("GET", "/a%20key%2B1"), "");
        assert_eq!(reply.ok().body, "first", "{host}");
    }
}

#[test]
fn what_is_signed_with_the_address_holds() {
    let fixture = papers();
    let admin = &fixture.admin;
    let hash = sha256(b"agreed");
    let in_query = format!("X-Amz-Content-Sha256={hash}");
    let in_header = [("x-amz-content-sha256", hash.as_str())];
    let text = [("content-type", "text/plain")];
    let cases: [(&str, Presign<'_>, &str, (u16, &str)); 7] = [
        ("any body", of("PUT", KEY), "whatever", (200, "")),
        (
            "the body whose hash is in the query",
            Presign {
                query: &in_query,
                payload: &hash,
                ..of("PUT", KEY)
            },
            "agreed",
            (200, ""),
        ),
        (
            "another body than the one in the query",
            Presign {
                query: &in_query,
                payload: &hash,
                ..of("PUT", KEY)
            },
            "other",
            (400, "XAmzContentSHA256Mismatch"),
        ),
        (
            "another body than the one in the header",
            Presign {
                signed: &in_header,
                payload: &hash,
                ..of("PUT", KEY)
            },
            "other",
            (400, "XAmzContentSHA256Mismatch"),
        ),
        (
            "a header that was signed",
            Presign {
                signed: &text,
                ..of("PUT", KEY)
            },
            "text",
            (200, ""),
        ),
        (
            "the checksum of another body, moved into the query",
            Presign {
                query: "x-amz-checksum-crc32=AAAAAA%3D%3D",
                ..of("PUT", KEY)
            },
            "text",
            (400, "BadDigest"),
        ),
        (
            "metadata, moved into the query",
            Presign {
                query: "x-amz-meta-colour=blue",
                ..of("PUT", KEY)
            },
            "text",
            (200, ""),
        ),
    ];
    for (case, what, body, (status, code)) in cases {
        let reply = send(admin, what, body);
        assert_eq!(
            reply.error(),
            (status, code.to_owned()),
            "{case}: {}",
            reply.body
        );
    }
    let head = admin.s3("HEAD", KEY, "").ok();
    assert_eq!(head.headers["x-amz-meta-colour"], "blue");
}

/// A form's media type, as curl sends it, does not make a form of an object.
#[test]
fn a_large_upload_is_an_object_whatever_its_media_type() {
    let fixture = papers();
    let target = fixture.admin.presign(of("PUT", "/papers/large"));
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let body = vec![b'x'; 2 << 20];
    let anonymous = fixture.admin.anonymous();
    anonymous.send("s3", "PUT", &target, &form, &body).ok();
}

/// A case's name, method, target, headers, and the answer's status and code.
type Altered<'a> = (
    &'a str,
    &'a str,
    String,
    &'a [(&'a str, &'a str)],
    (u16, &'a str),
);

#[test]
fn what_was_not_signed_does_not_hold() {
    let fixture = papers();
    let admin = &fixture.admin;
    let anonymous = admin.anonymous();
    let good = admin.presign(of("GET", KEY));
    let cases: [Altered<'_>; 7] = [
        ("good", "GET", good.clone(), &[], (200, "")),
        (
            "another method",
            "DELETE",
            good.clone(),
            &[],
            (403, "SignatureDoesNotMatch"),
        ),
        (
            "another key",
            "GET",
            good.replace("/papers/a", "/papers/b"),
            &[],
            (403, "SignatureDoesNotMatch"),
        ),
        (
            "a longer life",
            "GET",
            good.replace("Expires=60", "Expires=61"),
            &[],
            (403, "SignatureDoesNotMatch"),
        ),
        (
            "one parameter more",
            "GET",
            format!("{good}&response-content-type=a"),
            &[],
            (403, "SignatureDoesNotMatch"),
        ),
        (
            "an x-amz header",
            "GET",
            good.clone(),
            &[("x-amz-meta-a", "b")],
            (403, "AccessDenied"),
        ),
        (
            "another header",
            "GET",
            good.clone(),
            &[("range", "bytes=0-1")],
            (206, ""),
        ),
    ];
    for (case, method, target, headers, (status, code)) in cases {
        let reply = anonymous.send("s3", method, &target, headers, b"");
        assert_eq!(
            reply.error(),
            (status, code.to_owned()),
            "{case}: {}",
            reply.body
        );
    }
    let reply = anonymous.send("s3", "GET", &good, &[("x-amz-meta-a", "b")], b"");
    assert_eq!(
        reply.text("HeadersNotSigned").as_deref(),
        Some("x-amz-meta-a")
    );
    let in_both_places = admin.send("s3", "GET", &good, &[], b"");
    assert_eq!(in_both_places.error(), (400, "InvalidArgument".to_owned()));
    assert!(
        in_both_places
            .message()
            .starts_with("Only one auth mechanism allowed")
    );
}

/// A case's name, what the signer does wrong, the request, and the answer's status, code and message.
type Refused<'a> = (&'a str, Faults, Presign<'a>, u16, &'a str, &'a str);

#[test]
fn a_request_is_refused_in_the_words_of_s3() {
    const PARAMETERS: &str = "AuthorizationQueryParametersError";
    let fixture = papers();
    let get = of("GET", KEY);
    let expires = |expires| Presign { expires, ..get };
    let faults = Faults::default;
    let at = |clock| Faults {
        clock,
        ..Faults::default()
    };
    let cases: [Refused<'_>; 12] = [
        (
            "no number",
            faults(),
            expires("soon"),
            400,
            PARAMETERS,
            "X-Amz-Expires should be a number",
        ),
        (
            "negative",
            faults(),
            expires("-1"),
            400,
            PARAMETERS,
            "X-Amz-Expires must be non-negative",
        ),
        (
            "a second over a week",
            faults(),
            expires("604801"),
            400,
            PARAMETERS,
            "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than \
             604800 seconds",
        ),
        (
            "no life at all",
            faults(),
            expires("0"),
            403,
            "AccessDenied",
            "Request has expired",
        ),
        (
            "over",
            at(SignedDuration::from_secs(-61)),
            get,
            403,
            "AccessDenied",
            "Request has expired",
        ),
        (
            "a week over",
            at(SignedDuration::from_hours(-24 * 8)),
            expires("604800"),
            403,
            "AccessDenied",
            "Request has expired",
        ),
        (
            "from ahead",
            at(SignedDuration::from_mins(16)),
            get,
            403,
            "AccessDenied",
            "Request is not yet valid",
        ),
        (
            "another format of the date",
            Faults {
                date: Some("2026-11-26"),
                ..faults()
            },
            get,
            400,
            PARAMETERS,
            "X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"",
        ),
        (
            "another terminator",
            Faults {
                terminator: Some("aws4"),
                ..faults()
            },
            get,
            400,
            PARAMETERS,
            "Error parsing the X-Amz-Credential parameter; incorrect terminal \"aws4\". This endpoint uses \"aws4_request\".",
        ),
        (
            "five parts and one",
            Faults {
                terminator: Some("aws4_request/x"),
                ..faults()
            },
            get,
            400,
            PARAMETERS,
            "Error parsing the X-Amz-Credential parameter; the Credential is mal-formed; expecting \
             \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\".",
        ),
        (
            "another region than the host's",
            Faults {
                host: Some("papers.s3.us-east-2.amazonaws.com"),
                ..faults()
            },
            of("GET", "/a%20key%2B1"),
            400,
            PARAMETERS,
            "Error parsing the X-Amz-Credential parameter; the region 'eu-west-1' is wrong; expecting 'us-east-2'",
        ),
        (
            "the host is not signed",
            Faults {
                unsigned: vec!["host"],
                ..faults()
            },
            Presign {
                signed: &[("x-amz-meta-a", "b")],
                ..get
            },
            403,
            "AccessDenied",
            "There were headers present in the request which were not signed",
        ),
    ];
    for (case, faults, what, status, code, message) in cases {
        let reply = send(&fixture.admin.with_faults(faults), what, "");
        assert_eq!(
            (reply.error(), reply.message().as_str()),
            ((status, code.to_owned()), message),
            "{case}"
        );
    }
    let yesterday = Faults {
        scope_date: Some("20200101"),
        ..Faults::default()
    };
    let reply = send(&fixture.admin.with_faults(yesterday), get, "");
    assert_eq!(reply.error(), (400, PARAMETERS.to_owned()));
    let begins =
        "Invalid credential date \"20200101\". This date is not the same as X-Amz-Date: \"20";
    assert!(reply.message().starts_with(begins), "{}", reply.message());
}

#[test]
fn every_parameter_but_the_token_is_needed() {
    let fixture = papers();
    let good = fixture.admin.presign(of("GET", KEY));
    let anonymous = fixture.admin.anonymous();
    for name in [
        "X-Amz-Algorithm",
        "X-Amz-Credential",
        "X-Amz-Date",
        "X-Amz-Expires",
        "X-Amz-SignedHeaders",
        "X-Amz-Signature",
    ] {
        let without = good.replace(name, "X-Other");
        // Without a credential only the path says that it is for S3.
        let reply = anonymous.send("s3", "GET", &without, &[], b"");
        assert_eq!(
            reply.message(),
            "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, \
             X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.",
            "{name}: {}",
            reply.body
        );
    }
    let other = good.replace("AWS4-HMAC-SHA256", "AWS4-HMAC-SHA1");
    let reply = anonymous.send("s3", "GET", &other, &[], b"");
    assert_eq!(
        reply.message(),
        "X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256 and AWS4-ECDSA-P256-SHA256\""
    );
}

#[test]
fn an_expired_request_says_when_it_ended() {
    let fixture = papers();
    let late = fixture.admin.with_faults(Faults {
        clock: SignedDuration::from_mins(-5),
        ..Faults::default()
    });
    let reply = send(&late, of("GET", KEY), "");
    assert_eq!(reply.text("X-Amz-Expires").as_deref(), Some("60"));
    let time = |element: &str| -> jiff::Timestamp { reply.text(element).unwrap().parse().unwrap() };
    let over = time("ServerTime").duration_since(time("Expires"));
    assert!((239..=241).contains(&over.as_secs()), "{}", reply.body);
}

#[test]
fn a_request_is_as_good_as_the_session_that_signed_it() {
    let fixture = papers();
    fixture.make_identity();
    let one = keys_of(&fixture.assume(mint(&claims()).expose()).ok());
    let other = keys_of(&fixture.assume(mint(&claims()).expose()).ok());
    let with_token = |token| {
        fixture.admin.with_keys(Keys {
            token,
            ..one.clone()
        })
    };
    let own = send(&with_token(one.token.clone()), of("GET", KEY), "");
    assert_eq!(own.ok().body, "first");
    let write = send(&with_token(one.token.clone()), of("PUT", KEY), "second");
    assert_eq!(write.error(), (403, "AccessDenied".to_owned()));
    let denial = "assumed-role/reader/pod is not authorized to perform: s3:PutObject";
    assert!(write.message().contains(denial), "{}", write.body);
    let target = with_token(one.token.clone()).presign(of("GET", KEY));
    let altered = target.replace("Expires=60", "Expires=61");
    let anonymous = fixture.admin.anonymous();
    let mismatch = anonymous.send("s3", "GET", &altered, &[], b"");
    assert_eq!(mismatch.error(), (403, "SignatureDoesNotMatch".to_owned()));
    let shown = mismatch.text("CanonicalRequest").unwrap();
    assert!(shown.contains("X-Amz-Security-Token=[redacted]"), "{shown}");
    assert!(!mismatch.body.contains(&encode(one.token.as_ref().unwrap())));
    let absent = send(&with_token(None), of("GET", KEY), "");
    assert_eq!(absent.error(), (403, "InvalidAccessKeyId".to_owned()));
    let foreign = send(&with_token(other.token), of("GET", KEY), "");
    assert_eq!(foreign.error(), (400, "InvalidToken".to_owned()));
}

/// The examples of the document: a bucket that takes only presigned requests, and only young ones.
#[test]
fn a_bucket_policy_tells_presigned_requests_by_their_age() {
    let fixture = papers();
    let admin = &fixture.admin;
    let policy = |conditions: &str| {
        let text = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Deny","Principal":"*","Action":"s3:GetObject",
            "Resource":"arn:aws:s3:::papers/*","Condition":{conditions}}}]}}"#
        );
        admin.s3("PUT", "/papers?policy", &text).ok();
    };
    let long = Presign {
        expires: "3600",
        ..of("GET", KEY)
    };
    let aged = |minutes: i64| {
        let client = admin.with_faults(Faults {
            clock: SignedDuration::from_mins(-minutes),
            ..Faults::default()
        });
        send(&client, long, "").status
    };
    policy(r#"{"NumericGreaterThan":{"s3:signatureAge":"600000"}}"#);
    assert_eq!((aged(9), aged(11)), (200, 403));
    assert_eq!(admin.s3("GET", KEY, "").status, 200, "it has no such key");
    policy(r#"{"StringNotEquals":{"s3:authType":"REST-QUERY-STRING"}}"#);
    assert_eq!((aged(0), admin.s3("GET", KEY, "").status), (200, 403));
    policy(r#"{"StringEquals":{"s3:x-amz-content-sha256":"UNSIGNED-PAYLOAD"}}"#);
    assert_eq!((aged(0), admin.s3("GET", KEY, "").status), (403, 200));
}

#[test]
fn a_browsers_form_is_refused_by_name() {
    let fixture = papers();
    let headers = [("content-type", "multipart/form-data; boundary=x")];
    let form = b"--x\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\na\r\n--x--\r\n";
    let anonymous = fixture.admin.anonymous();
    let reply = anonymous.send("s3", "POST", "/papers", &headers, form);
    assert_eq!(reply.error(), (501, "NotImplemented".to_owned()));
    assert!(reply.message().contains("browser form"), "{}", reply.body);
}
