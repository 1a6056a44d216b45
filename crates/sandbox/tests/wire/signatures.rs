//! What a bad signature, scope, clock or token gets, service by service.

use jiff::SignedDuration;
use podpass_sandbox::Outcome;

use crate::client::{Client, Faults, Keys, Reply};
use crate::fixture::Fixture;

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

/// Scope and date are read before anybody is looked for.
#[test]
fn what_is_wrong_with_scope_and_date_is_named() {
    let fixture = Fixture::start();
    let now = jiff::Timestamp::now()
        .strftime("%Y%m%dT%H%M%SZ")
        .to_string();
    let today = &now[..8];
    let both = "host;x-amz-date";
    for (date, scope, signed, (status, code), message) in [
        (
            "yesterday",
            format!("{today}/us-east-1/sts/aws4_request"),
            both,
            (400, "IncompleteSignature"),
            "Date must be in ISO-8601 'basic format'. Got 'yesterday'. See http://en.wikipedia.org/wiki/ISO_8601",
        ),
        (
            &now,
            format!("{today}/us-east-1/sts/aws4"),
            both,
            (403, "SignatureDoesNotMatch"),
            "Credential should be scoped with a valid terminator: 'aws4_request'.",
        ),
        (
            &now,
            "20200101/us-east-1/sts/aws4_request".to_owned(),
            both,
            (400, "SignatureDoesNotMatch"),
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP.",
        ),
        (
            &now,
            format!("{today}/us-east-1/sts/aws4_request"),
            "x-amz-date",
            (403, "SignatureDoesNotMatch"),
            "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.",
        ),
    ] {
        let header = format!(
            "AWS4-HMAC-SHA256 Credential=AKIAX/{scope}, SignedHeaders={signed}, Signature=x"
        );
        let faults = Faults {
            authorization: Some(header),
            ..Faults::default()
        };
        let client = fixture.admin.anonymous().with_faults(faults);
        let headers = [
            ("content-type", "application/x-www-form-urlencoded"),
            ("x-amz-date", date),
        ];
        let body = b"Action=GetCallerIdentity&Version=2011-06-15";
        let reply = client.send("sts", "POST", "/", &headers, body);
        assert_eq!(reply.error(), (status, code.to_owned()), "{message}");
        assert_eq!(reply.message(), message);
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
