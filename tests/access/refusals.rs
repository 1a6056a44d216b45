//! What is refused, and in which words.

use serde_json::json;

use crate::stand::{READ_S3, Stand};

const GIVEN: &str = "arn:aws:iam::123456789012:role/irsa-s3";

#[tokio::test]
async fn command_lines_are_refused_before_any_call() {
    let Some(stand) = Stand::new("usage").await else {
        return;
    };
    for (arguments, parts) in [
        (&["bind", "a/b"][..], &["--role-arn"][..]),
        (
            &[
                "bind",
                "a/b",
                "--role-arn",
                "arn:aws:iam::1234567890:role/a",
            ],
            &["BAD_ACCOUNT_ID", "--role-arn"],
        ),
        (
            &["bind", "a/b", "--role-arn", "arn:aws:iam::<ACCOUNT>:role/a"],
            &["PLACEHOLDER_LEFT", "<ACCOUNT>"],
        ),
        (
            &["bind", "<namespace>/b", "--role-arn", GIVEN],
            &["<namespace>/b"],
        ),
        (
            &["bind", "a/b", "--policy", "absent.json"],
            &["absent.json"],
        ),
        (
            &["bind", "a/b", "--role-arn", GIVEN, "--plan-only=aws"],
            &["never touches AWS"],
        ),
        (
            &["bind", "a/b", "--policy-arn", "arn:aws:iam::aws:role/x"],
            &["--policy-arn"],
        ),
        (
            &[
                "bind",
                "a/b",
                "--role-arn",
                GIVEN,
                "--workload",
                "service/x",
            ],
            &["is not a workload"],
        ),
        (&["trust", "a/b"], &["--identity-provider-arn"]),
    ] {
        let ran = stand.without_aws(&[arguments, &["--server", "https://127.0.0.1:1"]].concat());
        ran.refused(2, parts);
        assert!(!ran.err.contains("127.0.0.1"), "a call was made: {ran:#?}");
    }
    let broken = stand.home.write(
        "broken.json",
        r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Permit"}]}"#,
    );
    stand
        .podpass(&["bind", "a/b", "--policy", broken.to_str().unwrap()])
        .refused(2, &["broken.json:1:", "Permit"]);
}

#[tokio::test]
async fn another_role_is_not_replaced_unless_adopted() {
    let Some(stand) = Stand::new("other").await else {
        return;
    };
    let app = stand.account("app");
    stand
        .podpass(&["bind", &app, "--role-arn", GIVEN, "--create"])
        .succeeded();
    let other = "arn:aws:iam::123456789012:role/other";
    stand.podpass(&["bind", &app, "--role-arn", other]).refused(
        4,
        &[
            "has another role already",
            GIVEN,
            other,
            "podpass",
            "--adopt",
        ],
    );
    let adopted = stand.podpass(&["bind", &app, "--role-arn", other, "--adopt"]);
    assert_eq!(adopted.succeeded(), "serviceaccount/app configured\n");
    let account = stand.service_account("app").await.unwrap();
    assert_eq!(
        account["metadata"]["annotations"],
        json!({"eks.amazonaws.com/role-arn": other})
    );
}

#[tokio::test]
async fn role_of_another_account_is_not_touched() {
    let Some(stand) = Stand::new("foreign").await else {
        return;
    };
    let policy = stand.home.write("read-s3.json", READ_S3);
    let policy = policy.to_str().unwrap();
    let (app, rival) = (stand.account("app"), stand.account("rival"));
    let bind = |account| {
        [
            "bind",
            account,
            "--policy",
            policy,
            "--name",
            "demo",
            "--create",
            "--role-name",
            "one-role",
        ]
    };
    stand.podpass(&bind(&app)).succeeded();
    stand
        .podpass(&bind(&rival))
        .refused(4, &["is not this service account's", &app]);
    assert_eq!(stand.service_account("rival").await, None);
    let unbound = stand.podpass(&[
        "unbind",
        &rival,
        "--name",
        "demo",
        "--role-name",
        "one-role",
        "--yes",
    ]);
    unbound.succeeded();
    assert!(unbound.err.contains("role/one-role stays"), "{unbound:#?}");
    stand
        .assume(
            &app,
            "arn:aws:iam::123456789012:role/one-role",
            "sts.amazonaws.com",
        )
        .succeeded();
}

#[tokio::test]
async fn what_is_not_allowed_is_named() {
    let Some(stand) = Stand::new("rbac").await else {
        return;
    };
    let app = stand.account("app");
    stand
        .as_user("nobody", &["bind", &app, "--role-arn", GIVEN])
        .refused(3, &["`get`", "`serviceaccounts`", &stand.namespace]);
    stand
        .as_user("nobody", &["token", "get", &app])
        .refused(3, &["`create`", "`serviceaccounts/token`"]);
    // IAM: a role that may do nothing is the caller.
    let policy = stand.home.write("nothing.json", r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]}"#);
    let policy = policy.to_str().unwrap();
    let role = format!(
        "arn:aws:iam::123456789012:role/demo-{}-app",
        stand.namespace
    );
    stand
        .podpass(&[
            "bind", &app, "--policy", policy, "--name", "demo", "--create",
        ])
        .succeeded();
    let session = stand.assume(&app, &role, "sts.amazonaws.com");
    let session: serde_json::Value = serde_json::from_str(session.succeeded()).unwrap();
    let credentials = &session["Credentials"];
    let text = |name: &str| credentials[name].as_str().unwrap().to_owned();
    let ran = crate::stand::run(
        stand
            .sandbox
            .anonymous_command(&stand.home, crate::stand::PODPASS)
            .env("AWS_REGION", "eu-west-1")
            .env("AWS_ACCESS_KEY_ID", text("AccessKeyId"))
            .env("AWS_SECRET_ACCESS_KEY", text("SecretAccessKey"))
            .env("AWS_SESSION_TOKEN", text("SessionToken"))
            .env("KUBECONFIG", stand.home.path("kubeconfig"))
            .args(["bind", &app, "--policy", policy, "--name", "demo"]),
    );
    ran.refused(3, &["iam:GetOpenIDConnectProvider"]);
}

#[tokio::test]
async fn what_cannot_be_reached_is_said() {
    let Some(stand) = Stand::new("reach").await else {
        return;
    };
    let app = stand.account("app");
    stand
        .podpass(&[
            "bind",
            &app,
            "--role-arn",
            GIVEN,
            "--server",
            "https://127.0.0.1:1",
        ])
        .refused(1, &["https://127.0.0.1:1", "cannot be reached"]);
    stand
        .podpass(&["bind", &app, "--role-arn", GIVEN, "--context", "nope"])
        .refused(2, &["`nope`"]);
    let policy = stand.home.write("read-s3.json", READ_S3);
    stand
        .podpass(&[
            "bind",
            &app,
            "--policy",
            policy.to_str().unwrap(),
            "--name",
            "demo",
            "--create",
            "--endpoint-url",
            "http://127.0.0.1:1",
        ])
        .refused(1, &["127.0.0.1:1"]);
    assert_eq!(stand.service_account("app").await, None);
    let expired = stand.home.path("expired");
    let token = podpass_testkit::Identity::Token("not-a-token".to_owned());
    stand.api().write_kubeconfig(&expired, &token);
    stand
        .podpass(&[
            "bind",
            &app,
            "--role-arn",
            GIVEN,
            "--kubeconfig",
            expired.to_str().unwrap(),
        ])
        .refused(3, &["log in to the cluster again"]);
}
