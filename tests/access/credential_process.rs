//! `podpass credential-process`, alone and from a profile of ~/.aws/config.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;

use jiff::Timestamp;
use podpass_testkit::foreign_clients;
use serde_json::Value;

use crate::stand::{PODPASS, Stand, run};

#[tokio::test]
async fn prints_what_sdks_read() {
    let Some(stand) = Stand::new("process").await else {
        return;
    };
    let app = stand.bound("app");
    let ran =
        run(stand
            .anonymous()
            .args(["credential-process", "--as", &app, "--duration", "15m"]));
    let printed: Value = serde_json::from_str(ran.succeeded()).unwrap();
    let members: Vec<&String> = printed.as_object().unwrap().keys().collect();
    // "Process credential provider", AWS SDKs and Tools Reference Guide.
    let expected = [
        "AccessKeyId",
        "Expiration",
        "SecretAccessKey",
        "SessionToken",
        "Version",
    ];
    let mut members = members;
    members.sort();
    assert_eq!(members, expected);
    assert_eq!(printed["Version"], 1);
    assert!(printed["AccessKeyId"].as_str().unwrap().starts_with("ASIA"));
    let expires: Timestamp = printed["Expiration"].as_str().unwrap().parse().unwrap();
    let life = expires.as_second() - Timestamp::now().as_second();
    assert!((860..=900).contains(&life), "{life}");
    stand.assert_nothing_left();
}

#[tokio::test]
async fn what_sts_refuses_is_told_with_the_tokens_claims() {
    let Some(stand) = Stand::new("denied").await else {
        return;
    };
    let app = stand.bound("app");
    let other = stand.bound("other");
    let role = stand.role_of("app").await;
    let process = |arguments: &[&str]| {
        let mut command = stand.anonymous();
        command.args(["credential-process", "--as"]).args(arguments);
        run(&mut command)
    };
    let subject = format!("system:serviceaccount:{other}").replace('/', ":");
    process(&[&other, "--role-arn", &role])
        .refused(3, &["AccessDenied", &role, &subject, "trust policy"]);
    let closed = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let closed = format!("http://{closed}");
    process(&[&app, "--endpoint-url", &closed]).refused(1, &["cannot reach", &closed]);
    let mut nowhere = stand.anonymous();
    nowhere
        .env_remove("AWS_REGION")
        .env_remove("AWS_DEFAULT_REGION");
    run(nowhere.args(["credential-process", "--as", &app])).refused(2, &["no region", "--region"]);
}

#[tokio::test]
async fn a_profile_gets_its_credentials_and_never_calls_itself() {
    let (Some(clients), Some(stand)) = (foreign_clients(), Stand::new("profile").await) else {
        return;
    };
    let app = stand.bound("app");
    let count = stand.home.path("count");
    let wrapper = format!(
        "#!/bin/sh\necho run >> '{}'\nexec '{PODPASS}' \"$@\"\n",
        count.display()
    );
    let wrapper = stand.home.write("podpass", wrapper);
    fs::set_permissions(&wrapper, fs::Permissions::from_mode(0o755)).unwrap();
    let config = format!(
        "[profile app]\nregion = eu-west-1\ncredential_process = {} credential-process --as {app}\n",
        wrapper.display()
    );
    let config = stand.home.write("config", config);
    let mut command = stand
        .sandbox
        .anonymous_command(&stand.home, clients.join("bin/aws"));
    command
        .env_remove("AWS_REGION")
        .env_remove("AWS_DEFAULT_REGION")
        .env("KUBECONFIG", stand.home.path("kubeconfig"))
        .env("AWS_CONFIG_FILE", config)
        .env("AWS_PROFILE", "app")
        .env("USER", "alice")
        .args([
            "sts",
            "get-caller-identity",
            "--query",
            "Arn",
            "--output",
            "text",
        ]);
    let ran = run(&mut command);
    assert!(
        ran.succeeded().trim_end().ends_with("-app/podpass-alice"),
        "{ran:?}"
    );
    // The profile is found by podpass too, since its variables are inherited: once is enough.
    assert_eq!(fs::read_to_string(count).unwrap(), "run\n");
    stand.assert_nothing_left();
}
