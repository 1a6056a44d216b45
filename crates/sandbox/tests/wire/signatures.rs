//! What a bad signature, scope, clock or token gets, service by service.

use jiff::SignedDuration;
use podpass_sandbox::Outcome;

use crate::client::{Client, Faults, Keys, Reply};
use crate::fixture::{Fixture, claims, keys_of, mint};

/// What is wrong, and status and code at STS and IAM, then at S3.
type Refused = (
    &'static str,
    Keys,
    Faults,
    (u16, &'static str),
    (u16, &'static str),
);

/// Calls STS, IAM and S3 with one client.
fn call_all(client: &Client) -> [Reply; 3] {
    [
        client.sts("GetCallerIdentity", &[]),
        client.iam("ListRoles", &[]),
        client.s3("GET", "/", ""),
    ]
}

#[test]
fn good_signatures_are_accepted_by_every_service() {
    let fixture = Fixture::start();
    for reply in call_all(&fixture.admin) {
        reply.ok();
    }
}

#[test]
fn wrong_signatures_get_each_services_own_error() {
    let fixture = Fixture::start();
    let key = |id: &str, secret: &str, token: Option<&str>| Keys {
        id: id.to_owned(),
        secret: secret.to_owned(),
        token: token.map(str::to_owned),
    };
    let good = || key("admin_1", "admin-secret", None);
    let minutes = |minutes| Faults {
        clock: SignedDuration::from_mins(minutes),
        ..Faults::default()
    };
    let cases: Vec<Refused> = vec![
        (
            "unknown key",
            key("nobody", "x", None),
            Faults::default(),
            (403, "InvalidClientTokenId"),
            (403, "InvalidAccessKeyId"),
        ),
        (
            "wrong secret",
            key("admin_1", "x", None),
            Faults::default(),
            (403, "SignatureDoesNotMatch"),
            (403, "SignatureDoesNotMatch"),
        ),
        (
            "token with a long-term key",
            key("admin_1", "admin-secret", Some("t")),
            Faults::default(),
            (403, "InvalidClientTokenId"),
            (400, "InvalidToken"),
        ),
        (
            "temporary key without token",
            key("ASIARZPUZDIKAAAAAAAA", "x", None),
            Faults::default(),
            (403, "InvalidClientTokenId"),
            (403, "InvalidAccessKeyId"),
        ),
        (
            "invented token",
            key("ASIARZPUZDIKAAAAAAAA", "x", Some("IQoJb3JpZ2lu")),
            Faults::default(),
            (403, "InvalidClientTokenId"),
            (400, "InvalidToken"),
        ),
        (
            "16 minutes behind",
            good(),
            minutes(-16),
            (403, "SignatureDoesNotMatch"),
            (403, "RequestTimeTooSkewed"),
        ),
        (
            "16 minutes ahead",
            good(),
            minutes(16),
            (403, "SignatureDoesNotMatch"),
            (403, "RequestTimeTooSkewed"),
        ),
        (
            "wrong terminator",
            good(),
            Faults {
                terminator: Some("aws5_request"),
                ..Faults::default()
            },
            (403, "SignatureDoesNotMatch"),
            (400, "AuthorizationHeaderMalformed"),
        ),
        (
            "wrong scope date",
            good(),
            Faults {
                scope_date: Some("20150830"),
                ..Faults::default()
            },
            (400, "SignatureDoesNotMatch"),
            (400, "AuthorizationHeaderMalformed"),
        ),
        (
            "date in another format",
            good(),
            Faults {
                date: Some("2026-11-23T10:00:00Z"),
                ..Faults::default()
            },
            (400, "IncompleteSignature"),
            (403, "AccessDenied"),
        ),
        (
            "host not signed",
            good(),
            Faults {
                unsigned: vec!["host"],
                ..Faults::default()
            },
            (403, "SignatureDoesNotMatch"),
            (403, "AccessDenied"),
        ),
        (
            "date not signed",
            good(),
            Faults {
                unsigned: vec!["x-amz-date"],
                ..Faults::default()
            },
            (400, "IncompleteSignature"),
            (403, "AccessDenied"),
        ),
    ];
    for (case, keys, faults, query, s3) in cases {
        let [sts, iam, storage] = call_all(&fixture.admin.with_keys(keys).with_faults(faults));
        assert_eq!(
            sts.error(),
            (query.0, query.1.to_owned()),
            "STS: {case}: {}",
            sts.body
        );
        assert_eq!(
            iam.error(),
            (query.0, query.1.to_owned()),
            "IAM: {case}: {}",
            iam.body
        );
        assert_eq!(
            storage.error(),
            (s3.0, s3.1.to_owned()),
            "S3: {case}: {}",
            storage.body
        );
        for reply in [sts, iam, storage] {
            let outcome = fixture.event(&reply).outcome;
            assert!(
                matches!(outcome, Outcome::Denied { .. }),
                "{case}: {outcome:?}"
            );
        }
    }
}

#[test]
fn clock_may_be_five_minutes_off_at_sts_and_fifteen_at_s3() {
    let fixture = Fixture::start();
    for (minutes, sts_accepts, s3_accepts) in [
        (-4, true, true),
        (-6, false, true),
        (6, false, true),
        (-14, false, true),
    ] {
        let faults = Faults {
            clock: SignedDuration::from_mins(minutes),
            ..Faults::default()
        };
        let client = fixture.admin.with_faults(faults);
        let reply = client.sts("GetCallerIdentity", &[]);
        assert_eq!(
            reply.status == 200,
            sts_accepts,
            "{minutes} minutes: {}",
            reply.body
        );
        assert_eq!(
            client.s3("GET", "/", "").status == 200,
            s3_accepts,
            "{minutes} minutes"
        );
    }
}

#[test]
fn malformed_headers_are_named() {
    let fixture = Fixture::start();
    for (case, header, code, part) in [
        (
            "no parameters",
            "AWS4-HMAC-SHA256 x",
            "IncompleteSignature",
            "requires 'Credential' parameter.",
        ),
        (
            "four elements",
            "AWS4-HMAC-SHA256 Credential=a/b/us-east-1/sts, SignedHeaders=host, Signature=x",
            "IncompleteSignature",
            "exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got 'a/b/us-east-1/sts'",
        ),
        (
            "basic authentication",
            "Basic Zm9v",
            "MissingAuthenticationToken",
            "Request is missing Authentication Token",
        ),
    ] {
        let faults = Faults {
            authorization: Some(header.to_owned()),
            ..Faults::default()
        };
        let reply = fixture
            .admin
            .anonymous()
            .with_faults(faults)
            .sts("GetCallerIdentity", &[]);
        assert_eq!(
            reply.text("Code").as_deref(),
            Some(code),
            "{case}: {}",
            reply.body
        );
        assert!(
            reply.message().contains(part),
            "{case}: {}",
            reply.message()
        );
    }
}

#[test]
fn missing_date_and_missing_signature_are_told_apart() {
    let fixture = Fixture::start();
    let header = "AWS4-HMAC-SHA256 Credential=a/b/us-east-1/sts/aws4_request, SignedHeaders=host, Signature=x";
    let faults = Faults {
        authorization: Some(header.to_owned()),
        ..Faults::default()
    };
    let reply = fixture
        .admin
        .anonymous()
        .with_faults(faults)
        .sts("GetCallerIdentity", &[]);
    assert_eq!(reply.error(), (400, "IncompleteSignature".to_owned()));
    assert!(
        reply
            .message()
            .contains("either a 'X-Amz-Date' or a 'Date' header"),
        "{}",
        reply.message()
    );
    let reply = fixture.admin.anonymous().iam("ListRoles", &[]);
    assert_eq!(
        reply.error(),
        (403, "MissingAuthenticationToken".to_owned())
    );
    assert_eq!(reply.message(), "Request is missing Authentication Token");
    let reply = fixture.admin.anonymous().s3("GET", "/", "");
    assert_eq!(reply.error(), (403, "AccessDenied".to_owned()));
}

#[test]
fn host_names_of_aws_fix_service_and_region_of_the_scope() {
    let fixture = Fixture::start();
    let at = |host| {
        fixture.admin.with_faults(Faults {
            host: Some(host),
            ..Faults::default()
        })
    };
    at("sts.eu-west-1.amazonaws.com")
        .sts("GetCallerIdentity", &[])
        .ok();
    at("sts.amazonaws.com").sts("GetCallerIdentity", &[]).ok();
    let reply = at("iam.amazonaws.com").sts("GetCallerIdentity", &[]);
    assert_eq!(
        reply.message(),
        "Credential should be scoped to correct service: 'iam'."
    );
    let reply = at("sts.us-west-2.amazonaws.com").sts("GetCallerIdentity", &[]);
    assert_eq!(
        reply.message(),
        "Credential should be scoped to a valid region. "
    );
    let reply = at("s3.us-west-2.amazonaws.com").s3("GET", "/", "");
    assert_eq!(
        reply.error(),
        (400, "AuthorizationHeaderMalformed".to_owned())
    );
    assert_eq!(reply.text("Region").as_deref(), Some("us-west-2"));
}

#[test]
fn s3_tells_what_it_signed_but_never_the_session_token() {
    let fixture = Fixture::start();
    fixture.make_identity();
    let good = fixture.assume(mint(&claims()).expose()).ok();
    let token = good.text("SessionToken").unwrap();
    let keys = Keys {
        secret: "wrong".into(),
        ..keys_of(&good)
    };
    let reply = fixture.admin.with_keys(keys).s3("GET", "/", "");
    assert_eq!(reply.error(), (403, "SignatureDoesNotMatch".to_owned()));
    for element in [
        "AWSAccessKeyId",
        "StringToSign",
        "SignatureProvided",
        "CanonicalRequest",
        "CanonicalRequestBytes",
    ] {
        assert!(reply.text(element).is_some(), "{element}");
    }
    assert!(!reply.body.contains(&token));
}

#[test]
fn s3_compares_the_body_with_its_declared_hash() {
    let fixture = Fixture::start();
    fixture.admin.s3("PUT", "/hashes", "<CreateBucketConfiguration><LocationConstraint>eu-west-1</LocationConstraint></CreateBucketConfiguration>").ok();
    for (case, hash, expected) in [
        (
            "hash of another body",
            "0".repeat(64),
            (400, "XAmzContentSHA256Mismatch"),
        ),
        ("unsigned", "UNSIGNED-PAYLOAD".to_owned(), (200, "")),
        ("not a hash", "abc".to_owned(), (400, "InvalidArgument")),
        (
            "signed chunks, and none",
            "STREAMING-AWS4-HMAC-SHA256-PAYLOAD".to_owned(),
            (400, "IncompleteBody"),
        ),
        (
            "chunks signed with ECDSA",
            "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD".to_owned(),
            (501, "NotImplemented"),
        ),
    ] {
        let faults = Faults {
            content_hash: Some(hash),
            ..Faults::default()
        };
        let reply = fixture
            .admin
            .with_faults(faults)
            .s3("PUT", "/hashes/k", "hello");
        assert_eq!(
            reply.error(),
            (expected.0, expected.1.to_owned()),
            "{case}: {}",
            reply.body
        );
    }
    let reply = fixture.admin.send("s3", "PUT", "/hashes/k", &[], b"hello");
    assert_eq!(reply.error(), (400, "InvalidRequest".to_owned()));
}

#[test]
fn services_that_are_not_here_say_so_after_verifying() {
    let fixture = Fixture::start();
    let describe = b"Action=DescribeInstances&Version=2016-11-15";
    let reply = fixture.admin.send("ec2", "POST", "/", &[], describe);
    assert_eq!(reply.error(), (501, "NotImplemented".to_owned()));
    let signed_by = fixture.admin.sts("GetCallerIdentity", &[]);
    for part in ["`ec2`", &signed_by.text("Arn").unwrap()] {
        assert!(reply.message().contains(part), "{}", reply.message());
    }
    let wrong = Keys {
        id: "admin_1".into(),
        secret: "wrong".into(),
        token: None,
    };
    let wrong = fixture.admin.with_keys(wrong);
    let reply = wrong.send("rds", "POST", "/", &[], describe);
    assert_eq!(reply.error(), (403, "SignatureDoesNotMatch".to_owned()));
}

/// "Error codes for the Amazon EC2 API": `AuthFailure` for credentials that cannot be validated, `RequestExpired` for a
/// date that is more than fifteen minutes off.
#[test]
fn ec2_and_json_services_refuse_signatures_in_their_own_words() {
    let fixture = Fixture::start();
    let admin = &fixture.admin;
    let keys = |id: &str, secret: &str| {
        admin.with_keys(Keys {
            id: id.into(),
            secret: secret.into(),
            token: None,
        })
    };
    let shifted = |minutes| {
        admin.with_faults(Faults {
            clock: SignedDuration::from_mins(minutes),
            ..Faults::default()
        })
    };
    let describe = b"Action=DescribeInstances&Version=2016-11-15";
    for (case, client, status, code) in [
        ("unknown key", keys("nobody", "x"), 401, "AuthFailure"),
        ("wrong secret", keys("admin_1", "x"), 401, "AuthFailure"),
        ("old", shifted(-16), 400, "RequestExpired"),
        ("from ahead", shifted(16), 400, "RequestExpired"),
        ("fourteen minutes old", shifted(-14), 501, "NotImplemented"),
    ] {
        let reply = client.send("ec2", "POST", "/", &[], describe);
        assert_eq!(reply.error(), (status, code.to_owned()), "{case}");
        let begins = reply.body.starts_with("<Response><Errors><Error><Code>");
        assert!(begins, "{case}: {}", reply.body);
        if code == "AuthFailure" {
            assert_eq!(
                reply.message(),
                "AWS was not able to validate the provided access credentials"
            );
        }
    }
    let headers = [("x-amz-target", "DynamoDB_20120810.ListTables")];
    for (client, code) in [
        (keys("nobody", "x"), "UnrecognizedClientException"),
        (keys("admin_1", "x"), "InvalidSignatureException"),
    ] {
        let reply = client.send("dynamodb", "POST", "/", &headers, b"{}");
        let said = format!(r#""__type":"{code}""#);
        assert!(
            reply.status == 400 && reply.body.contains(&said),
            "{reply:?}"
        );
    }
}

#[test]
fn a_signature_in_the_query_is_not_taken_for_none() {
    let fixture = Fixture::start();
    fixture.make_issuer();
    let anonymous = fixture.admin.anonymous();
    anonymous.s3("GET", "/c1-oidc/keys.json", "").ok();
    let incomplete = (400, "AuthorizationQueryParametersError");
    for (query, expected) in [
        (
            "AWSAccessKeyId=admin_1&Expires=99999999999&Signature=x",
            (400, "InvalidRequest"),
        ),
        ("Signature=x", (400, "InvalidRequest")),
        ("X-Amz-Algorithm=AWS4-HMAC-SHA256", incomplete),
        ("X-Amz-Signature=00", incomplete),
        ("X%2DAmz%2DSignature=00", incomplete),
    ] {
        let reply = anonymous.s3("GET", &format!("/c1-oidc/keys.json?{query}"), "");
        assert_eq!(
            reply.error(),
            (expected.0, expected.1.to_owned()),
            "{query}"
        );
    }
    let reply = anonymous.s3("GET", "/c1-oidc/keys.json?AWSAccessKeyId=a&Signature=x", "");
    assert_eq!(
        reply.message(),
        "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256."
    );
}

#[test]
fn refusals_of_s3_have_the_headers_of_every_answer() {
    let fixture = Fixture::start();
    let wrong = fixture.admin.with_keys(Keys {
        id: "nobody".into(),
        secret: "wrong".into(),
        token: None,
    });
    for (case, reply, code) in [
        ("credential", wrong.s3("GET", "/", ""), "InvalidAccessKeyId"),
        (
            "address",
            fixture.admin.s3("GET", "/b/%FF", ""),
            "InvalidURI",
        ),
        (
            "permission",
            fixture.admin.anonymous().s3("GET", "/", ""),
            "AccessDenied",
        ),
    ] {
        assert_eq!(reply.text("Code").as_deref(), Some(code), "{case}");
        for header in ["x-amz-request-id", "x-amz-id-2", "date", "x-podpass-event"] {
            assert!(reply.headers.contains_key(header), "{case}: {header}");
        }
        assert_eq!(reply.headers["server"], "AmazonS3", "{case}");
        assert_eq!(
            reply.text("RequestId").as_ref(),
            reply.headers.get("x-amz-request-id"),
            "{case}"
        );
    }
    let reply = wrong.s3("HEAD", "/b", "");
    assert_eq!((reply.status, reply.body.as_str()), (403, ""));
}

#[test]
fn a_credential_is_good_for_the_service_it_is_scoped_to_only() {
    let fixture = Fixture::start();
    let body = b"Action=ListUsers&Version=2010-05-08";
    let as_s3 = fixture.admin.with_faults(Faults {
        service: Some("s3"),
        ..Faults::default()
    });
    let signed = as_s3.send("iam", "POST", "/", &[], body);
    assert_eq!(
        signed.error(),
        (400, "InvalidRequest".to_owned()),
        "{}",
        signed.body
    );
    let decoy = as_s3.with_faults(Faults {
        service: Some("s3"),
        decoy: Some("X=Credential=a/20261123/eu-west-1/iam/aws4_request, "),
        ..Faults::default()
    });
    let signed = decoy.send("iam", "POST", "/", &[], body);
    assert_eq!(
        signed.error(),
        (400, "InvalidRequest".to_owned()),
        "{}",
        signed.body
    );
}

#[test]
fn several_signatures_are_refused() {
    let fixture = Fixture::start();
    fixture.make_issuer();
    let reply = fixture
        .admin
        .s3("GET", "/c1-oidc/keys.json?X-Amz-Signature=00", "");
    assert_eq!(reply.error(), (400, "InvalidArgument".to_owned()));
    assert!(
        reply
            .message()
            .starts_with("Only one auth mechanism allowed"),
        "{}",
        reply.message()
    );
    let header = "AWS4-HMAC-SHA256 Credential=a/20261123/r/iam/aws4_request, SignedHeaders=host, Signature=x";
    let twice = format!(
        "POST / HTTP/1.1\r\nHost: a\r\nAuthorization: {header}\r\nAuthorization: {header}\r\nConnection: close\r\n\
         Content-Length: 0\r\n\r\n"
    );
    let reply = crate::client::exchange(fixture.sandbox.address(), twice.as_bytes());
    assert_eq!(reply.error(), (400, "IncompleteSignature".to_owned()));
    assert!(
        reply
            .message()
            .starts_with("Only one auth mechanism allowed"),
        "{}",
        reply.message()
    );
}

/// The global endpoint's answer, from which s3cmd learns the region.
#[test]
fn s3_names_the_region_to_whoever_signs_for_none() {
    let fixture = Fixture::start();
    for (region, refused) in [
        ("US", true),
        ("aws-global", true),
        ("us-east-1-x", true),
        ("us-east-1", false),
        ("us-gov-west-1", false),
        ("ap-southeast-10", false),
    ] {
        let client = Client {
            region: region.to_owned(),
            ..fixture.admin.clone()
        };
        let reply = client.s3("GET", "/", "");
        if refused {
            let code = "AuthorizationHeaderMalformed".to_owned();
            assert_eq!(reply.error(), (400, code), "{region}");
            assert_eq!(
                reply.message(),
                format!(
                    "The authorization header is malformed; the region '{region}' is wrong; expecting 'us-east-1'"
                )
            );
            assert_eq!(reply.text("Region").as_deref(), Some("us-east-1"));
        } else {
            assert_eq!(reply.status, 200, "{region}");
        }
    }
}
