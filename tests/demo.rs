//! `podpass demo` as a newcomer runs it: alone, and with every ambient setting turned into a trap.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::Output;

use podpass_testkit::{Home, Trap};

const PODPASS: &str = env!("CARGO_BIN_EXE_podpass");

fn demo(home: &Home, trap: &Trap, arguments: &[&str]) -> Output {
    home.trapped(PODPASS, trap)
        .arg("demo")
        .args(arguments)
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn tour_runs_through_and_leaves_nothing_behind() {
    let (home, trap) = (Home::new(), Trap::set());
    let output = demo(&home, &trap, &[]);
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{out}\n{err}");
    trap.assert_untouched();
    home.assert_nothing_left();
    for expected in [
        // Document 000: what the pod gets, who it is, what it may and may not do.
        "irsa-mint-oidc.s3.eu-west-1.amazonaws.com",
        "eks.amazonaws.com/role-arn",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "assumed-role/irsa-s3/",
        "is not authorized to perform: s3:PutObject",
        // Document 001: the role of a CredentialsRequest, by the file that its Secret holds.
        "assumed-role/prefix-role-manual-sts-manual-sts/web-identity-token-profile-",
        // Document 002: the chain of calls by hand.
        "arn:aws:iam::123456789012:policy/irsa-test",
        "system:serviceaccount:default:irsa-test-service-account",
        "assumed-role/irsa-test/",
        // Document 003: the other account.
        "arn:aws:sts::210987654321:assumed-role/dynamodb-reader/my-app",
        // Document 004: a component's role.
        "role/prod-openshift-ingress-operator-cloud-credentials",
    ] {
        assert!(out.contains(expected), "missing {expected:?} in:\n{out}");
    }
    assert!(
        !out.contains("999999999999"),
        "an ambient role was used:\n{out}"
    );
}

#[test]
fn each_breakage_shows_the_answer_of_aws_and_the_comparison_that_failed() {
    let (home, trap) = (Home::new(), Trap::set());
    let out = text(&demo(&home, &trap, &["token"]).stdout);
    for (answer, code) in [
        (
            "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)",
            "TOKEN_MALFORMED",
        ),
        ("Token expired: current date/time", "TOKEN_EXPIRED"),
        (
            "No OpenIDConnect provider found in your account for",
            "OIDC_PROVIDER_MISSING",
        ),
        ("Incorrect token audience", "AUDIENCE_NOT_IN_CLIENT_IDS"),
        (
            "Not authorized to perform sts:AssumeRoleWithWebIdentity",
            "TRUST_SUB_MISMATCH",
        ),
        (
            "Couldn't retrieve verification key from your identity provider,",
            "ISSUER_KEY_MISSING",
        ),
    ] {
        assert!(out.contains(answer), "missing {answer:?} in:\n{out}");
        assert!(out.contains(code), "missing {code:?} in:\n{out}");
    }
}

/// Plays one scenario alone among the traps, and returns what it printed.
fn alone(scenario: &str) -> String {
    let (home, trap) = (Home::new(), Trap::set());
    let output = demo(&home, &trap, &[scenario]);
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{out}\n{err}");
    trap.assert_untouched();
    home.assert_nothing_left();
    assert!(
        !out.contains("999999999999"),
        "an ambient role was used:\n{out}"
    );
    out
}

/// Fails unless `parts` come in this order.
#[track_caller]
fn assert_in_order(out: &str, parts: &[&str]) {
    let mut rest = out;
    for part in parts {
        let found = rest.find(part);
        assert!(
            found.is_some(),
            "missing {part:?} after what came before in:\n{out}"
        );
        rest = &rest[found.unwrap() + part.len()..];
    }
}

#[test]
fn credentials_request_becomes_a_role_that_a_pod_finds_in_its_secret() {
    let out = alone("credentials-request");
    assert_in_order(
        &out,
        &[
            // The two mistakes that the document prints.
            "INDENTATION_LOST",
            "BAD_ACCOUNT_ID",
            "1234567890, which are 10",
            "created     role/prefix-role-manual-sts-manual-sts",
            "outputs/manifests/manual-sts-manual-sts-credentials.yaml",
            "web_identity_token_file = /var/run/secrets/openshift/serviceaccount/token",
            "assumed-role/prefix-role-manual-sts-manual-sts/",
            // Its listing of buckets, which s3:Get* and s3:Put* do not allow.
            "is not authorized to perform: s3:ListAllMyBuckets",
            "configured  role/prefix-role-manual-sts-manual-sts",
            "manual-sts-oidc\n",
            // One of the pod's three requirements missing at a time.
            "TRUST_SUB_MISMATCH",
            "AUDIENCE_NOT_IN_CLIENT_IDS",
            "no AWS credentials",
        ],
    );
    assert!(
        out.contains("SubjectFromWebIdentityToken system:serviceaccount:manual-sts:sa-manual-sts"),
        "{out}"
    );
    assert!(
        out.contains("Audience                    openshift"),
        "{out}"
    );
}

#[test]
fn chain_ends_in_the_second_account_and_refreshes_by_reading_the_token_again() {
    let out = alone("chain");
    assert_in_order(
        &out,
        &[
            // The request and the trust policy that the document prints.
            "INDENTATION_TAB",
            "QUOTE_UNCLOSED",
            "(MalformedPolicyDocument)",
            "POLICY_VERSION_INVALID",
            "POLICY_STATEMENT_BRACES",
            "POLICY_ELEMENT_MISSING",
            // The session that the trust policy names, and another.
            "is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::210987654321:role/dynamodb-reader",
            "CHAIN_SESSION_NAME_MISMATCH",
            "role_session_name = dev-dynamodb-reader",
            "arn:aws:sts::210987654321:assumed-role/dynamodb-reader/my-app",
            "is not authorized to perform: s3:PutObject",
            "CHAIN_DURATION",
            "source_profile = default",
            "Account  210987654321",
            // Seventy minutes later.
            "(ExpiredToken) when calling the GetObject operation",
            "(ExpiredTokenException) when calling the AssumeRoleWithWebIdentity operation: Token expired",
            "TOKEN_EXPIRED",
            "[{\"order\":1}]",
            "arn:aws:sts::210987654321:assumed-role/dynamodb-reader/my-app",
        ],
    );
}

#[test]
fn install_makes_everything_once_and_touches_nothing_of_others() {
    let out = alone("install");
    assert_in_order(
        &out,
        &[
            "image-registry-azure.yaml",
            "created     bucket/prod-oidc",
            "created     role/prod-openshift-cluster-csi-drivers-ebs-cloud-credentials",
            "created     role/prod-openshift-image-registry-installer-cloud-credentials",
            "cluster-authentication-02-config.yaml",
            // The Secret that the document prints.
            "PROFILE_ROLE_NAME",
            "assumed-role/prod-openshift-image-registry-installer-cloud-credentials/registry",
            "TRUST_SUB_MISMATCH",
            "unchanged   bucket/prod-oidc",
            "unchanged   role/prod-openshift-ingress-operator-cloud-credentials",
            // The next release, without and with its requests.
            "is not authorized to perform: s3:ListAllMyBuckets",
            "configured  role/prod-openshift-image-registry-installer-cloud-credentials",
            "NOT_OWNED",
            "--adopt",
        ],
    );
}

#[test]
fn list_names_every_scenario_and_starts_nothing() {
    let (home, trap) = (Home::new(), Trap::set());
    let output = demo(&home, &trap, &["--list"]);
    let out = text(&output.stdout);
    assert!(output.status.success());
    let names: Vec<&str> = out
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert_eq!(
        names,
        ["irsa", "credentials-request", "token", "chain", "install"]
    );
    assert!(!out.contains("http://127.0.0.1"), "{out}");
}

#[test]
fn unknown_scenario_is_a_usage_error() {
    let (home, trap) = (Home::new(), Trap::set());
    let output = demo(&home, &trap, &["nonsense"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        text(&output.stderr).contains("irsa"),
        "the message names what there is"
    );
}
