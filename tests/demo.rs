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
        // Document 002: the chain of calls by hand.
        "arn:aws:iam::123456789012:policy/irsa-test",
        "system:serviceaccount:default:irsa-test-service-account",
        "assumed-role/irsa-test/",
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

#[test]
fn list_names_every_scenario_and_starts_nothing() {
    let (home, trap) = (Home::new(), Trap::set());
    let output = demo(&home, &trap, &["--list"]);
    let out = text(&output.stdout);
    assert!(output.status.success());
    assert!(out.contains("irsa") && out.contains("token"), "{out}");
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
