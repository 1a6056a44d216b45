//! What only S3 says of signatures and of what they cover.

use crate::client::{Client, Faults, Keys};
use crate::fixture::{Fixture, claims, keys_of, mint};

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
