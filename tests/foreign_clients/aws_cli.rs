//! The AWS CLI.

use podpass_testkit::Cluster;

use crate::stand::{ISSUER_HOST, Stand, both};

const SUBJECT: &str = "system:serviceaccount:irsa-test:irsa-test";

#[test]
fn goes_the_whole_way_with_a_token_file() {
    let Some(stand) = Stand::new() else { return };
    let cluster = stand.identity_provider();
    stand.role_by_cli("irsa-s3", SUBJECT);
    let token = cluster.write_token(stand.home.path("token"), "irsa-test", "irsa-test");

    let identity = stand.pod_aws("irsa-s3", &token, &["sts", "get-caller-identity"]);
    assert!(
        both(&identity)
            .contains("arn:aws:sts::123456789012:assumed-role/irsa-s3/botocore-session-"),
        "{}",
        both(&identity)
    );
    let listed = stand.pod_aws("irsa-s3", &token, &["s3", "ls"]);
    assert!(
        listed.status.success() && both(&listed).contains("irsa-mint-oidc"),
        "{}",
        both(&listed)
    );

    let file = stand.home.write("note.txt", "hello");
    let written = stand.pod_aws(
        "irsa-s3",
        &token,
        &[
            "s3",
            "cp",
            file.to_str().unwrap(),
            "s3://irsa-mint-oidc/note.txt",
        ],
    );
    assert!(!written.status.success());
    let text = both(&written);
    assert!(
        text.contains("AccessDenied") && text.contains("s3:PutObject"),
        "{text}"
    );
    assert!(
        text.contains("because no identity-based policy allows the s3:PutObject action"),
        "{text}"
    );
}

#[test]
fn seed_002_31_exchange_by_hand_answers_what_the_document_prints() {
    let Some(stand) = Stand::new() else { return };
    let cluster = stand.identity_provider();
    stand.role_by_cli(
        "irsa-test",
        "system:serviceaccount:default:irsa-test-service-account",
    );
    let token = cluster.mint(&cluster.claims("default", "irsa-test-service-account"));
    let answer = stand.aws(&[
        "sts",
        "assume-role-with-web-identity",
        "--role-session-name",
        "test-irsa",
        "--role-arn",
        "arn:aws:iam::123456789012:role/irsa-test",
        "--web-identity-token",
        token.expose(),
    ]);
    let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(
        answer["SubjectFromWebIdentityToken"],
        "system:serviceaccount:default:irsa-test-service-account"
    );
    assert_eq!(
        answer["AssumedRoleUser"]["Arn"],
        "arn:aws:sts::123456789012:assumed-role/irsa-test/test-irsa"
    );
    assert_eq!(
        answer["Provider"],
        format!("arn:aws:iam::123456789012:oidc-provider/{ISSUER_HOST}")
    );
    assert_eq!(answer["Audience"], "sts.amazonaws.com");
    assert!(
        answer["Credentials"]["AccessKeyId"]
            .as_str()
            .unwrap()
            .starts_with("ASIA")
    );
}

/// How to spoil a set-up, by name, and what AWS says then.
type Breakage = (&'static str, fn(&Cluster) -> String, &'static str);

#[test]
fn each_spoiled_token_is_refused_in_the_words_of_aws() {
    let Some(stand) = Stand::new() else { return };
    let cluster = stand.identity_provider();
    stand.role_by_cli("irsa-s3", SUBJECT);
    let breakages: [Breakage; 5] = [
        (
            "garbage",
            |_| "not.a.token".to_owned(),
            "(InvalidIdentityToken) when calling the AssumeRoleWithWebIdentity operation: The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)",
        ),
        (
            "expired",
            |cluster| {
                let mut claims = cluster.claims("irsa-test", "irsa-test");
                (claims.issued_at, claims.not_before, claims.expires_at) = (
                    claims.issued_at - 7200,
                    claims.issued_at - 7200,
                    claims.issued_at - 3600,
                );
                cluster.mint(&claims).expose().to_owned()
            },
            "(ExpiredTokenException) when calling the AssumeRoleWithWebIdentity operation: Token expired: current date/time",
        ),
        (
            "unknown issuer",
            |cluster| {
                let mut claims = cluster.claims("irsa-test", "irsa-test");
                claims.issuer.push('/');
                cluster.mint(&claims).expose().to_owned()
            },
            "No OpenIDConnect provider found in your account for https://irsa-mint-oidc.s3.eu-west-1.amazonaws.com/",
        ),
        (
            "wrong audience",
            |cluster| {
                let mut claims = cluster.claims("irsa-test", "irsa-test");
                claims.audiences = vec!["sts.amazon.com".to_owned()];
                cluster.mint(&claims).expose().to_owned()
            },
            "(InvalidIdentityToken) when calling the AssumeRoleWithWebIdentity operation: Incorrect token audience",
        ),
        (
            "wrong subject",
            |cluster| {
                cluster
                    .mint(&cluster.claims("irsa-test", "default"))
                    .expose()
                    .to_owned()
            },
            "(AccessDenied) when calling the AssumeRoleWithWebIdentity operation: Not authorized to perform sts:AssumeRoleWithWebIdentity",
        ),
    ];
    for (name, spoil, expected) in breakages {
        let token = stand.home.write(&format!("{name}.token"), spoil(&cluster));
        let output = stand.pod_aws("irsa-s3", &token, &["sts", "get-caller-identity"]);
        assert!(
            !output.status.success(),
            "{name} was accepted: {}",
            both(&output)
        );
        assert!(
            both(&output).contains(expected),
            "{name}: {}",
            both(&output)
        );
    }
}

#[test]
fn token_of_a_key_that_is_not_published_is_refused() {
    let Some(stand) = Stand::new() else { return };
    stand.identity_provider();
    stand.role_by_cli("irsa-s3", SUBJECT);
    stand.podpass(&["aws", "create-key-pair", "--output-dir", "another"]);
    let stranger = Cluster::with_key_of(
        &stand.home.path("another"),
        &format!("https://{ISSUER_HOST}"),
    );
    let token = stranger.write_token(stand.home.path("token"), "irsa-test", "irsa-test");
    let output = stand.pod_aws("irsa-s3", &token, &["sts", "get-caller-identity"]);
    assert!(
        both(&output).contains("Couldn't retrieve verification key from your identity provider,  please reference AssumeRoleWithWebIdentity documentation for requirements"),
        "{}",
        both(&output)
    );
}

#[test]
fn chain_of_document_002_works_with_managed_policies() {
    let Some(stand) = Stand::new() else { return };
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:ListAllMyBuckets","s3:GetBucketLocation"],"Resource":"*"}]}"#;
    let trust = r#"{"Version":"2012-10-17","Statement":[{"Sid":"","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:root"},"Action":"sts:AssumeRole"}]}"#;
    let created = stand.aws(&[
        "iam",
        "create-policy",
        "--policy-name",
        "irsa-test",
        "--policy-document",
        policy,
    ]);
    assert!(
        created.contains("arn:aws:iam::123456789012:policy/irsa-test"),
        "{created}"
    );
    stand.aws(&[
        "iam",
        "create-role",
        "--role-name",
        "irsa-test-role",
        "--assume-role-policy-document",
        trust,
    ]);
    stand.aws(&[
        "iam",
        "attach-role-policy",
        "--role-name",
        "irsa-test-role",
        "--policy-arn",
        "arn:aws:iam::123456789012:policy/irsa-test",
    ]);
    let role = "arn:aws:iam::123456789012:role/irsa-test-role";
    let answer = stand.aws(&[
        "sts",
        "assume-role",
        "--role-arn",
        role,
        "--role-session-name",
        "TestIrsa",
    ]);
    let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
    let session = |arguments: &[&str]| {
        let credentials = &answer["Credentials"];
        stand
            .sandbox
            .anonymous_command(&stand.home, stand.client("aws"))
            .env(
                "AWS_ACCESS_KEY_ID",
                credentials["AccessKeyId"].as_str().unwrap(),
            )
            .env(
                "AWS_SECRET_ACCESS_KEY",
                credentials["SecretAccessKey"].as_str().unwrap(),
            )
            .env(
                "AWS_SESSION_TOKEN",
                credentials["SessionToken"].as_str().unwrap(),
            )
            .args(arguments)
            .output()
            .unwrap()
    };
    assert!(
        both(&session(&["sts", "get-caller-identity"]))
            .contains(":assumed-role/irsa-test-role/TestIrsa")
    );
    assert!(session(&["s3", "ls"]).status.success());
    let denied = both(&session(&["s3", "mb", "s3://not-allowed"]));
    assert!(denied.contains("AccessDenied"), "{denied}");
}

#[test]
fn moves_objects_of_every_size() {
    let Some(stand) = Stand::new() else { return };
    stand.aws(&["s3", "mb", "s3://some-bucket"]);
    // The CLI sends 8 MiB parts and reads in ranges above that.
    let big: Vec<u8> = (0..20_u32 * 1024 * 1024)
        .map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    for (name, content) in [
        ("empty", Vec::new()),
        ("small + ü", b"hello".to_vec()),
        ("big", big),
    ] {
        let source = stand.home.write(name, &content);
        let copy = stand.home.path(&format!("{name}.copy"));
        let url = format!("s3://some-bucket/folder/{name}");
        stand.aws(&["s3", "cp", "--quiet", source.to_str().unwrap(), &url]);
        stand.aws(&["s3", "cp", "--quiet", &url, copy.to_str().unwrap()]);
        assert!(
            std::fs::read(&copy).unwrap() == content,
            "{name} came back different"
        );
    }
    let listed = stand.aws(&["s3", "ls", "--recursive", "s3://some-bucket"]);
    assert_eq!(listed.lines().count(), 3, "{listed}");
    assert!(listed.contains("20971520 folder/big"), "{listed}");
    stand.aws(&["s3", "rm", "--quiet", "--recursive", "s3://some-bucket"]);
    stand.aws(&["s3", "rb", "s3://some-bucket"]);
    assert_eq!(stand.aws(&["s3", "ls"]), "");
}

#[test]
fn wrong_secret_is_refused_as_aws_refuses_it() {
    let Some(stand) = Stand::new() else { return };
    let output = stand
        .sandbox
        .command(&stand.home, stand.client("aws"))
        .env("AWS_SECRET_ACCESS_KEY", "wrong")
        .args(["sts", "get-caller-identity"])
        .output()
        .unwrap();
    assert!(
        both(&output).contains("(SignatureDoesNotMatch)"),
        "{}",
        both(&output)
    );
    let output = stand
        .sandbox
        .command(&stand.home, stand.client("aws"))
        .env("AWS_ACCESS_KEY_ID", "AKIAUNKNOWN000000000")
        .args(["sts", "get-caller-identity"])
        .output()
        .unwrap();
    assert!(
        both(&output).contains("(InvalidClientTokenId)"),
        "{}",
        both(&output)
    );
}
