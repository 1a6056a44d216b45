//! Explaining: every answer in every client's wording, the values that it carries, and the proof.

#![expect(
    clippy::unwrap_used,
    reason = "a test ends where its preparation fails"
)]

use jiff::Timestamp;
use podpass_diagnose::explain::{Explanation, Proof, Topic, explain, known};
use podpass_diagnose::simulate::{
    Bearer, Keys, Scenario, TrustPolicy, pod_claims, simulate, supposed_token,
};
use podpass_exchange::{OidcProvider, WebIdentityRequest};
use podpass_kinds::Reason;

const NO_KEY: &str = "Couldn't retrieve verification key from your identity provider,  please reference AssumeRoleWithWebIdentity documentation for requirements";

/// Code, message, topic, and the first of the ranked causes.
fn answers() -> Vec<(&'static str, &'static str, Topic, Reason)> {
    vec![
        (
            "ValidationError",
            "Request ARN is invalid",
            Topic::RoleArnInvalid,
            Reason::RoleArnInvalid,
        ),
        (
            "InvalidIdentityToken",
            "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)",
            Topic::TokenNotAJwt,
            Reason::TokenMalformed,
        ),
        (
            "InvalidIdentityToken",
            "Missing a required claim: aud",
            Topic::ClaimMissing,
            Reason::TokenClaimMissing,
        ),
        (
            "InvalidIdentityToken",
            "Claim is not allowed to be empty: aud",
            Topic::ClaimMissing,
            Reason::TokenClaimMissing,
        ),
        (
            "InvalidIdentityToken",
            "No OpenIDConnect provider found in your account for https://oidc.example.com/id/ABC/",
            Topic::ProviderMissing,
            Reason::OidcProviderMissing,
        ),
        (
            "InvalidIdentityToken",
            "Incorrect token audience",
            Topic::AudienceWrong,
            Reason::AudienceNotInClientIds,
        ),
        (
            "InvalidIdentityToken",
            "The web identity token provided could not be validated. See the AssumeRoleWithWebIdentity documentation for requirements.",
            Topic::AudienceWrong,
            Reason::AudienceNotInClientIds,
        ),
        (
            "InvalidIdentityToken",
            "Token audience contains more than one audience while authorized party is not present",
            Topic::AudienceAmbiguous,
            Reason::AudienceAmbiguous,
        ),
        (
            "InvalidIdentityToken",
            NO_KEY,
            Topic::KeyNotRetrieved,
            Reason::IssuerUnreachable,
        ),
        (
            "InvalidIdentityToken",
            "OpenIDConnect provider's HTTPS certificate doesn't match configured thumbprint",
            Topic::CertificateUntrusted,
            Reason::IssuerCertificateUntrusted,
        ),
        (
            "InvalidIdentityToken",
            "Token signature invalid",
            Topic::SignatureInvalid,
            Reason::TokenSignatureInvalid,
        ),
        (
            "ExpiredTokenException",
            "Token expired: current date/time 1699999700 must be before the expiration date/time 1699999000",
            Topic::TokenExpired,
            Reason::TokenExpired,
        ),
        (
            "ExpiredTokenException",
            "Token expired: current date/time 1699999700 must be before the expiration date/time1699999000",
            Topic::TokenExpired,
            Reason::TokenExpired,
        ),
        (
            "InvalidIdentityToken",
            "Token issued in the future: 1700000900",
            Topic::TokenNotYetValid,
            Reason::TokenNotYetValid,
        ),
        (
            "InvalidIdentityToken",
            "Token not yet valid: current date/time 1700000300 must be after or equal to the not-before date/time 1700000900",
            Topic::TokenNotYetValid,
            Reason::TokenNotYetValid,
        ),
        (
            "AccessDenied",
            "Not authorized to perform sts:AssumeRoleWithWebIdentity",
            Topic::TrustDenied,
            Reason::RoleMissing,
        ),
        (
            "ValidationError",
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
            Topic::DurationTooLong,
            Reason::DurationTooLong,
        ),
        (
            "ValidationError",
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
            Topic::DurationTooLong,
            Reason::DurationTooLong,
        ),
        (
            "AccessDenied",
            "User: arn:aws:sts::123456789012:assumed-role/app/s is not authorized to perform: s3:GetObject on resource: arn:aws:s3:::data/x because no identity-based policy allows the s3:GetObject action",
            Topic::PermissionDenied,
            Reason::PermissionDeniedIdentity,
        ),
    ]
}

fn wordings(code: &str, message: &str) -> Vec<(&'static str, String)> {
    let escaped = message.replace('&', "&amp;").replace('\'', "&apos;");
    let json = message.replace('\'', "\\u0027");
    vec![
        ("alone", message.to_owned()),
        ("shouted", message.to_uppercase()),
        (
            "AWS CLI",
            format!(
                "\nAn error occurred ({code}) when calling the AssumeRoleWithWebIdentity operation: {message}\n"
            ),
        ),
        (
            "boto3",
            format!(
                "Traceback (most recent call last):\n  File \"/app/main.py\", line 3, in <module>\nbotocore.exceptions.ClientError: An error occurred ({code}) when calling the AssumeRoleWithWebIdentity operation (reached max retries: 4): {message}"
            ),
        ),
        (
            "Go v2",
            format!(
                "failed to refresh cached credentials, failed to retrieve credentials, operation error STS: AssumeRoleWithWebIdentity, https response error StatusCode: 403, RequestID: 4a8524d5-fc0e-46ff-9000-fd823d1b8661, api error {code}: {message}"
            ),
        ),
        (
            "Go v1",
            format!(
                "WebIdentityErr: failed to retrieve credentials\ncaused by: {code}: {message}\n\tstatus code: 400, request id: 97ec51e8-f5f8-4aee-bb04-e08f323ebc8a"
            ),
        ),
        (
            "Java v2",
            format!(
                "software.amazon.awssdk.services.sts.model.StsException: {message} (Service: Sts, Status Code: 403, Request ID: 97ec51e8)"
            ),
        ),
        (
            "Java v1",
            format!(
                "com.amazonaws.services.securitytoken.model.AWSSecurityTokenServiceException: {message} (Service: AWSSecurityTokenService; Status Code: 403; Error Code: {code}; Request ID: 97ec51e8; Proxy: null)"
            ),
        ),
        (
            "JavaScript",
            format!(
                "{code}: {message}\n    at throwDefaultError (/app/node_modules/@smithy/smithy-client/dist-cjs/index.js:844:20) {{\n  '$fault': 'client',\n  Type: 'Sender',\n  Code: '{code}'\n}}"
            ),
        ),
        (
            "JSON log",
            format!(
                "{{\"level\":50,\"message\":\"{json}\",\"code\":\"{code}\",\"statusCode\":403}}"
            ),
        ),
        (
            "XML",
            format!(
                "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\n  <Error>\n    <Type>Sender</Type>\n    <Code>{code}</Code>\n    <Message>{escaped}</Message>\n  </Error>\n  <RequestId>97ec51e8</RequestId>\n</ErrorResponse>"
            ),
        ),
    ]
}

#[test]
fn recognises_every_answer_in_every_wording() {
    for (code, message, topic, first) in answers() {
        for (client, text) in wordings(code, message) {
            let explanation = explain(&text).unwrap_or_else(|| panic!("{client}: {text}"));
            assert_eq!(explanation.topic, topic, "{client}: {text}");
            assert_eq!(
                explanation.causes[0].reason,
                Some(first),
                "{client}: {text}"
            );
            let has_code = !["alone", "shouted", "Java v2"].contains(&client);
            assert_eq!(
                explanation.code.as_deref(),
                has_code.then_some(code),
                "{client}: {text}"
            );
            let names_operation = ["AWS CLI", "Go v2"].contains(&client);
            if names_operation {
                let operation = explanation.operation.as_deref();
                assert_eq!(operation, Some("AssumeRoleWithWebIdentity"), "{client}");
            }
        }
    }
}

#[test]
fn values_are_the_same_in_every_wording() {
    for (code, message, _, _) in answers() {
        let plain = explain(message).unwrap();
        for (client, text) in wordings(code, message) {
            if client != "shouted" {
                assert_eq!(
                    explain(&text).unwrap().values,
                    plain.values,
                    "{client}: {text}"
                );
            }
        }
    }
}

#[test]
fn reads_issuer_claim_and_times() {
    let cases: [(&str, &[(&str, &str)]); 6] = [
        (
            "No OpenIDConnect provider found in your account for https://oidc.example.com/id/ABC/",
            &[("issuer", "https://oidc.example.com/id/ABC/")],
        ),
        ("Missing a required claim: exp", &[("claim", "exp")]),
        (
            "Token expired: current date/time 1699999700 must be before the expiration date/time1699999000",
            &[
                ("compared time", "1699999700 (2023-11-14T22:08:20Z)"),
                ("expiration", "1699999000 (2023-11-14T21:56:40Z)"),
            ],
        ),
        (
            "Token issued in the future: 1700000900",
            &[("issued at", "1700000900 (2023-11-14T22:28:20Z)")],
        ),
        (
            "Token not yet valid: current date/time 1700000300 must be after or equal to the not-before date/time 1700000900",
            &[
                ("compared time", "1700000300 (2023-11-14T22:18:20Z)"),
                ("not before", "1700000900 (2023-11-14T22:28:20Z)"),
            ],
        ),
        ("Token too old: 432000", &[("age in seconds", "432000")]),
    ];
    for (message, expected) in cases {
        assert_eq!(pairs(&explain(message).unwrap()), expected, "{message}");
    }
    let expired = explain("Token expired: current date/time 1699999700 must be before the expiration date/time 1699999000").unwrap();
    let remark = expired.values[0].remark.as_deref().unwrap();
    assert!(
        remark.contains("300 s") && remark.contains("2023-11-14T22:13:20Z"),
        "{remark}"
    );
}

#[test]
fn reads_every_layer_of_the_denied_messages() {
    let layers = [
        (
            "identity-based policy",
            "an identity-based policy",
            Some(Reason::PermissionDeniedIdentity),
        ),
        (
            "resource-based policy",
            "a resource-based policy",
            Some(Reason::PermissionDeniedResource),
        ),
        (
            "permissions boundary",
            "a permissions boundary",
            Some(Reason::PermissionDeniedBoundary),
        ),
        (
            "session policy",
            "a session policy",
            Some(Reason::PermissionDeniedSession),
        ),
        (
            "service control policy",
            "a service control policy",
            Some(Reason::PermissionDeniedServiceControl),
        ),
        (
            "resource control policy",
            "a resource control policy",
            Some(Reason::PermissionDeniedResourceControl),
        ),
        ("VPC endpoint policy", "a VPC endpoint policy", None),
    ];
    let who = "arn:aws:sts::123456789012:assumed-role/app/s";
    for (name, with_article, reason) in layers {
        for resource in [
            "arn:aws:s3:::data/x",
            "\"arn:aws:s3:::data/a b\"",
            "arn:aws:s3:::data/a b",
        ] {
            let start = format!(
                "User: {who} is not authorized to perform: s3:GetObject on resource: {resource}"
            );
            let implicit = explain(&format!(
                "{start} because no {name} allows the s3:GetObject action"
            ))
            .unwrap();
            let explicit =
                explain(&format!("{start} with an explicit deny in {with_article}")).unwrap();
            for (explanation, deny, reason) in [
                (&implicit, "implicit", reason),
                (&explicit, "explicit", Some(Reason::ExplicitDeny)),
            ] {
                let expected = [
                    ("principal", who),
                    ("action", "s3:GetObject"),
                    ("resource", resource.trim_matches('"')),
                    ("policy layer", name),
                    ("deny", deny),
                ];
                assert_eq!(pairs(explanation), expected, "{resource}");
                assert_eq!(explanation.causes.len(), 1);
                assert_eq!(explanation.causes[0].reason, reason);
            }
        }
    }
}

#[test]
fn denial_without_a_reason_has_every_layer_as_a_cause() {
    let message = "User: arn:aws:iam::123456789012:user/a is not authorized to perform: ec2:RunInstances on resource: arn:aws:ec2:eu-west-1:123456789012:instance/*";
    assert_eq!(explain(message).unwrap().causes.len(), 7);
    let chained = "User: arn:aws:sts::123456789012:assumed-role/a/s is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::210987654321:role/b";
    assert_eq!(
        explain(chained).unwrap().causes[0].reason,
        Some(Reason::TrustPrincipalMismatch)
    );
}

#[test]
fn sees_that_the_caller_is_the_node() {
    let message = |session: &str| {
        format!(
            "User: arn:aws:sts::123456789012:assumed-role/nodes/{session} is not authorized to perform: s3:ListAllMyBuckets because no identity-based policy allows the s3:ListAllMyBuckets action"
        )
    };
    let node = explain(&message("i-0123456789abcdef0")).unwrap();
    assert!(
        node.values[0]
            .remark
            .as_deref()
            .unwrap()
            .contains("node's own role")
    );
    assert_eq!(
        explain(&message("i-am-not")).unwrap().values[0].remark,
        None
    );
}

#[test]
fn says_nothing_about_what_it_does_not_know() {
    for text in [
        "",
        "connection refused",
        "AccessDenied",
        "An error occurred (NoSuchBucket) when calling the ListObjectsV2 operation: The specified bucket does not exist",
    ] {
        assert_eq!(explain(text), None, "{text}");
    }
    assert_eq!(known().count(), 15);
}

#[test]
fn every_cause_says_what_and_where() {
    for (_, message, _, _) in answers() {
        for cause in explain(message).unwrap().causes {
            for clause in [cause.what, cause.look_at] {
                assert!(!clause.is_empty() && !clause.ends_with('.'), "{clause}");
            }
            assert!(!cause.proven);
        }
    }
}

#[test]
fn a_simulation_proves_a_cause_and_puts_it_first() {
    let mut explanation =
        explain("Not authorized to perform sts:AssumeRoleWithWebIdentity").unwrap();
    let simulation = simulate(&scenario("system:serviceaccount:shop:card"));
    assert_eq!(
        explanation.prove(&simulation),
        Proof::Proven(Reason::TrustSubMismatch)
    );
    let first = &explanation.causes[0];
    assert!(
        first.proven && first.reason == Some(Reason::TrustSubMismatch),
        "{first:?}"
    );
    assert!(explanation.causes[1..].iter().all(|cause| !cause.proven));
}

#[test]
fn a_simulation_that_answers_otherwise_proves_nothing() {
    let mut explanation = explain("Token signature invalid").unwrap();
    let denied = simulate(&scenario("system:serviceaccount:shop:card"));
    let Proof::OtherAnswer { answer, reason } = explanation.prove(&denied) else {
        panic!("another answer");
    };
    assert_eq!(reason, Reason::TrustSubMismatch);
    assert!(answer.starts_with("AccessDenied: "), "{answer}");
    let allowed = simulate(&scenario("system:serviceaccount:shop:cart"));
    assert_eq!(explanation.prove(&allowed), Proof::Allowed);
    assert!(explanation.causes.iter().all(|cause| !cause.proven));
}

fn scenario(subject: &str) -> Scenario {
    let now = Timestamp::from_second(1_700_000_000).unwrap();
    let trust = r#"{"Version": "2012-10-17", "Statement": {
        "Effect": "Allow",
        "Principal": {"Federated": "arn:aws:iam::123456789012:oidc-provider/oidc.example.com"},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": {"oidc.example.com:sub": "system:serviceaccount:shop:cart"}}
    }}"#;
    let claims = pod_claims(
        "https://oidc.example.com",
        subject,
        "sts.amazonaws.com",
        now,
    );
    let role = "arn:aws:iam::123456789012:role/app";
    Scenario {
        request: WebIdentityRequest::new(role, "explain", supposed_token(&claims)),
        bearer: Bearer::Described,
        keys: Keys::Unknown,
        providers: vec![OidcProvider {
            arn: "arn:aws:iam::123456789012:oidc-provider/oidc.example.com"
                .parse()
                .unwrap(),
            client_ids: vec!["sts.amazonaws.com".to_owned()],
        }],
        trust: TrustPolicy::read("trust.json", trust).unwrap(),
        max_session_seconds: 3600,
        now,
    }
}

fn pairs(explanation: &Explanation) -> Vec<(&str, &str)> {
    explanation
        .values
        .iter()
        .map(|value| (value.name, value.value.as_str()))
        .collect()
}

#[test]
fn an_expired_session_is_told_from_an_expired_token() {
    for message in [
        "An error occurred (ExpiredToken) when calling the GetCallerIdentity operation: The security token included in the request is expired",
        "An error occurred (ExpiredToken) when calling the ListBuckets operation: The provided token has expired.",
        "An error occurred (ExpiredTokenException) when calling the GetItem operation: The security token included in the request is expired",
    ] {
        let explanation = explain(message).unwrap();
        assert_eq!(explanation.topic, Topic::SessionExpired, "{message}");
        assert!(explanation.code.unwrap().starts_with("ExpiredToken"));
        assert!(explanation.causes[0].what.contains("client"), "{message}");
    }
    let token = "An error occurred (ExpiredTokenException) when calling the AssumeRoleWithWebIdentity operation: Token expired: current date/time 1 must be before the expiration date/time 0";
    assert_eq!(explain(token).unwrap().topic, Topic::TokenExpired);
}
