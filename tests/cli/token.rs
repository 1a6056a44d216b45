//! `podpass token decode|assume`.

use podpass_testkit::{Cluster, Home, SandboxProcess};
use serde_json::Value;

use crate::stand::{PODPASS, create_role, run};

const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Federated":"arn:aws:iam::123456789012:oidc-provider/demo-oidc.s3.eu-west-1.amazonaws.com"},"Action":"sts:AssumeRoleWithWebIdentity","Condition":{"StringEquals":{"demo-oidc.s3.eu-west-1.amazonaws.com:sub":"system:serviceaccount:ns:app"}}}]}"#;

fn cluster(home: &Home) -> Cluster {
    run(home
        .command(PODPASS)
        .args(["aws", "create-key-pair", "--output-dir", "keys"]))
    .succeeded();
    Cluster::with_key_of(
        &home.path("keys"),
        "https://demo-oidc.s3.eu-west-1.amazonaws.com",
    )
}

#[test]
fn decode_shows_header_and_claims_and_never_the_signature() {
    let home = Home::new();
    let cluster = cluster(&home);
    let token = cluster.mint(&cluster.claims("ns", "app"));
    let file = home.write("token", format!("{}\n", token.expose()));
    let ran = run(home.command(PODPASS).args(["token", "decode"]).arg(&file));
    let out = ran.succeeded();
    for expected in [
        "RS256",
        "system:serviceaccount:ns:app",
        "sts.amazonaws.com",
        "\nexpires ",
        "\nissued ",
        "not checked",
    ] {
        assert!(out.contains(expected), "missing {expected:?} in {out}");
    }
    let signature = token.expose().rsplit('.').next().unwrap();
    assert!(!out.contains(signature));
}

#[test]
fn decode_checks_the_signature_against_the_keys_of_the_issuer() {
    let home = Home::new();
    let cluster = cluster(&home);
    let file = cluster.write_token(home.path("token"), "ns", "app");
    run(home
        .command(PODPASS)
        .args(["aws", "create-key-pair", "--output-dir", "others"]))
    .succeeded();
    // ccoctl's dry run is the documented way to a JWKS without AWS.
    for (keys, name) in [("keys", "right"), ("others", "wrong")] {
        run(home
            .command(PODPASS)
            .args([
                "aws",
                "create-identity-provider",
                "--name",
                "demo",
                "--region",
                "eu-west-1",
                "--dry-run=files",
                "--output-dir",
                name,
            ])
            .arg("--public-key-file")
            .arg(home.path(keys).join("serviceaccount-signer.public")))
        .succeeded();
    }
    let decode = |jwks: &str| {
        run(home
            .command(PODPASS)
            .args(["token", "decode", "-o", "json", "--jwks"])
            .arg(home.path(jwks).join("03-keys.json"))
            .arg(&file))
    };
    let decoded: Value = serde_json::from_str(decode("right").succeeded()).unwrap();
    assert_eq!(
        (&decoded["kind"], &decoded["signature"]),
        (&"DecodedToken".into(), &"valid".into())
    );
    assert_eq!(decoded["claims"]["sub"], "system:serviceaccount:ns:app");
    decode("wrong").refused(1, &["ISSUER_KEY_MISSING", "kid"]);
}

#[test]
fn decode_refuses_what_is_no_token_and_names_what_it_is() {
    let home = Home::new();
    for (name, content, parts) in [
        ("empty", "", vec!["TOKEN_MALFORMED"]),
        (
            "opaque",
            "sha256~abcdef",
            vec!["TOKEN_MALFORMED", "segment"],
        ),
        ("bad base64", "a.b!.c", vec!["TOKEN_MALFORMED"]),
        (
            "not JSON",
            "aGVsbG8.aGVsbG8.aGVsbG8",
            vec!["TOKEN_MALFORMED"],
        ),
    ] {
        let file = home.write(name, content);
        run(home.command(PODPASS).args(["token", "decode"]).arg(file)).refused(2, &parts);
    }
    run(home.command(PODPASS).args(["token", "decode", "absent"]))
        .refused(2, &["absent", "No such file"]);
    let cluster = cluster(&home);
    let token = cluster.write_token(home.path("token"), "ns", "app");
    for (content, part) in [
        ("{\"keys\": [\n]", "line 2"),
        ("{\"keys\": 3}", "no list `keys`"),
    ] {
        let jwks = home.write("jwks", content);
        run(home
            .command(PODPASS)
            .args(["token", "decode", "--jwks"])
            .arg(jwks)
            .arg(&token))
        .refused(2, &["jwks", part]);
    }
}

#[test]
fn assume_answers_credentials_that_expire_when_they_should() {
    let home = Home::new();
    let sandbox = SandboxProcess::start(PODPASS, &home, &[]);
    let cluster = provision(&home, &sandbox);
    let token = cluster.write_token(home.path("token"), "ns", "app");
    let assume = |arguments: &[&str]| {
        let mut command = sandbox.anonymous_command(&home, PODPASS);
        command
            .args([
                "token",
                "assume",
                "--role-arn",
                "arn:aws:iam::123456789012:role/app",
                "--token-file",
            ])
            .arg(&token)
            .args(arguments);
        run(&mut command)
    };
    let ran = assume(&["--session-name", "me", "--duration", "900"]);
    let session: Value = serde_json::from_str(ran.succeeded()).unwrap();
    assert_eq!(
        session["AssumedRoleUser"]["Arn"],
        "arn:aws:sts::123456789012:assumed-role/app/me"
    );
    assert!(
        session["Credentials"]["AccessKeyId"]
            .as_str()
            .unwrap()
            .starts_with("ASIA"),
        "{session}"
    );
    let expires: jiff::Timestamp = session["Credentials"]["Expiration"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    let life = expires.as_second() - jiff::Timestamp::now().as_second();
    assert!((890..=900).contains(&life), "{life}");

    let exports = assume(&["-o", "env"]);
    let out = exports.succeeded();
    assert!(
        out.starts_with("export AWS_ACCESS_KEY_ID=ASIA")
            && out.contains("export AWS_SESSION_TOKEN="),
        "{out}"
    );

    assume(&["--duration", "43200"])
        .refused(1, &["DurationSeconds exceeds the MaxSessionDuration"]);
}

#[test]
fn assume_says_what_was_refused_and_what_the_token_said() {
    let home = Home::new();
    let sandbox = SandboxProcess::start(PODPASS, &home, &[]);
    let cluster = provision(&home, &sandbox);
    let token = cluster.write_token(home.path("token"), "ns", "stranger");
    let assume = |role: &str, endpoint: &str| {
        let mut command = sandbox.anonymous_command(&home, PODPASS);
        command
            .args([
                "token",
                "assume",
                "--endpoint-url",
                endpoint,
                "--role-arn",
                role,
                "--token-file",
            ])
            .arg(&token);
        run(&mut command)
    };
    let role = "arn:aws:iam::123456789012:role/app";
    let ran = assume(role, sandbox.endpoint());
    ran.refused(
        3,
        &[
            "AccessDenied",
            "Not authorized to perform sts:AssumeRoleWithWebIdentity",
            "system:serviceaccount:ns:stranger",
        ],
    );
    assert!(
        !ran.err
            .contains(std::fs::read_to_string(&token).unwrap().trim()),
        "the token was printed"
    );
    assume("arn:aws:iam::12345:role/app", sandbox.endpoint()).refused(2, &["12345", "12"]);
    assume(role, "http://127.0.0.1:1").refused(1, &["http://127.0.0.1:1"]);
}

/// An identity provider named `demo` and a role `app` for `ns/app`.
fn provision(home: &Home, sandbox: &SandboxProcess) -> Cluster {
    let cluster = cluster(home);
    run(sandbox.command(home, PODPASS).args([
        "aws",
        "create-identity-provider",
        "--name",
        "demo",
        "--region",
        "eu-west-1",
        "--output-dir",
        "keys",
    ]))
    .succeeded();
    create_role(sandbox, "app", TRUST);
    cluster
}
