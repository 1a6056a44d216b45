//! `podpass simulate`.

use std::path::{Path, PathBuf};
use std::process::Command;

use podpass_testkit::{Cluster, Home};
use serde_json::Value;

use crate::stand::{PODPASS, Ran, run};

const ISSUER: &str = "https://demo-oidc.s3.eu-west-1.amazonaws.com";
const PROVIDER: &str = "arn:aws:iam::123456789012:oidc-provider/demo-oidc.s3.eu-west-1.amazonaws.com=sts.amazonaws.com";
const TRUST: &str = r#"{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "Pods",
      "Effect": "Allow",
      "Principal": {
        "Federated": "arn:aws:iam::123456789012:oidc-provider/demo-oidc.s3.eu-west-1.amazonaws.com"
      },
      "Action": "sts:AssumeRoleWithWebIdentity",
      "Condition": {
        "StringEquals": {
          "demo-oidc.s3.eu-west-1.amazonaws.com:aud": "sts.amazonaws.com",
          "demo-oidc.s3.eu-west-1.amazonaws.com:sub": "system:serviceaccount:ns:app"
        }
      }
    }
  ]
}
"#;
const PERMISSIONS: &str = r#"{
  "Version": "2012-10-17",
  "Statement": [
    {"Effect": "Allow", "Action": "s3:*", "Resource": "*"},
    {"Sid": "NoSecrets", "Effect": "Deny", "Action": "*", "Resource": "arn:aws:s3:::data/secret/*"}
  ]
}
"#;

fn described(home: &Home, subject: &str, trust: &Path) -> Command {
    let mut command = home.command(PODPASS);
    command
        .args(["simulate", "--issuer", ISSUER, "--subject", subject])
        .args(["--audience", "sts.amazonaws.com", "--provider", PROVIDER])
        .arg("--trust")
        .arg(trust);
    command
}

#[test]
fn allowed_is_0_and_says_that_nothing_was_signed() {
    let home = Home::new();
    let trust = home.write("trust.json", TRUST);
    for subject in ["ns/app", "system:serviceaccount:ns:app"] {
        let ran = run(&mut described(&home, subject, &trust));
        let out = ran.succeeded();
        assert!(out.starts_with("ALLOW\n"), "{out}");
        for part in [
            "assumed-role/simulated/",
            "not checked",
            "holds",
            "STATEMENT  KEY",
        ] {
            assert!(out.contains(part), "missing {part:?} in {out}");
        }
        assert!(ran.err.is_empty(), "{ran:#?}");
    }
}

#[test]
fn denied_is_1_with_table_nearest_miss_and_an_edit_that_allows() {
    let home = Home::new();
    let trust = home.write("trust.json", TRUST);
    let ran = run(&mut described(&home, "ns/apq", &trust));
    assert_eq!(ran.code, 1, "{ran:#?}");
    for part in [
        "DENY  AccessDenied: Not authorized to perform sts:AssumeRoleWithWebIdentity",
        "TRUST_SUB_MISMATCH",
        "system:serviceaccount:ns:apq",
        "FAILS",
        "trust.json:14:11",
        "at character 28",
        "trust.json:14:55: replace `system:serviceaccount:ns:app` with `system:serviceaccount:ns:apq`",
        "    - \"system:serviceaccount:ns:app\"",
        "    + \"system:serviceaccount:ns:apq\"",
    ] {
        assert!(ran.out.contains(part), "missing {part:?} in\n{}", ran.out);
    }
    let edited = TRUST.replace("ns:app", "ns:apq");
    let edited = home.write("edited.json", edited);
    run(&mut described(&home, "ns/apq", &edited)).succeeded();
}

#[test]
fn json_has_the_rows_and_edits_that_can_be_applied_by_position() {
    let home = Home::new();
    let trust = home.write("trust.json", TRUST);
    let ran = run(described(&home, "ns/other", &trust).args(["-o", "json"]));
    assert_eq!(ran.code, 1, "{ran:#?}");
    let document: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(
        (&document["apiVersion"], &document["kind"]),
        (&"podpass.dev/v1alpha1".into(), &"Simulation".into())
    );
    assert_eq!(document["verdict"], "deny");
    assert_eq!(document["signature"], "not-checked");
    assert_eq!(document["reason"], "TRUST_SUB_MISMATCH");
    let rows = document["conditions"].as_array().unwrap();
    let results: Vec<&Value> = rows.iter().map(|row| &row["result"]).collect();
    assert_eq!(results, [&Value::Bool(true), &Value::Bool(false)]);
    assert_eq!(rows[1]["position"]["line"], 14);

    let edit = &document["edits"][0];
    assert_eq!(edit["where"], "trustPolicy");
    let line = usize::try_from(edit["position"]["line"].as_u64().unwrap()).unwrap();
    let column = usize::try_from(edit["position"]["column"].as_u64().unwrap()).unwrap();
    let start: usize = TRUST
        .lines()
        .take(line - 1)
        .map(|line| line.len() + 1)
        .sum::<usize>()
        + column
        - 1;
    let old = edit["old"].as_str().unwrap();
    assert_eq!(&TRUST[start..start + old.len()], old);
    let mut edited = TRUST.to_owned();
    edited.replace_range(start..start + old.len(), edit["new"].as_str().unwrap());
    let edited = home.write("edited.json", edited);
    run(&mut described(&home, "ns/other", &edited)).succeeded();
    run(&mut described(&home, "ns/app", &edited)).succeeded();
}

#[test]
fn sarif_points_into_the_trust_policy() {
    let home = Home::new();
    let trust = home.write("trust.json", TRUST);
    let ran = run(described(&home, "ns/other", &trust).args(["-o", "sarif"]));
    assert_eq!(ran.code, 1, "{ran:#?}");
    let log: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(log["version"], "2.1.0");
    let result = &log["runs"][0]["results"][0];
    assert_eq!(result["ruleId"], "TRUST_SUB_MISMATCH");
    let place = &result["locations"][0]["physicalLocation"];
    assert!(
        place["artifactLocation"]["uri"]
            .as_str()
            .unwrap()
            .ends_with("trust.json"),
        "{log}"
    );
    assert_eq!(place["region"]["startLine"], 14);

    let ran = run(described(&home, "ns/app", &trust).args(["-o", "sarif"]));
    let log: Value = serde_json::from_str(ran.succeeded()).unwrap();
    assert_eq!(log["runs"][0]["results"].as_array().unwrap().len(), 0);
}

#[test]
fn permissions_are_asked_for_the_session() {
    let home = Home::new();
    let trust = home.write("trust.json", TRUST);
    let policy = home.write("policy.json", PERMISSIONS);
    let ask = |resource: &str, policies: &[&PathBuf]| -> Ran {
        let mut command = described(&home, "ns/app", &trust);
        command.args(["--action", "s3:GetObject", "--resource", resource]);
        for policy in policies {
            command.arg("--policy").arg(policy);
        }
        run(&mut command)
    };
    let allowed = ask("arn:aws:s3:::data/x", &[&policy]);
    assert!(
        allowed.succeeded().contains("statement  1 of "),
        "{allowed:#?}"
    );
    for (ran, parts) in [
        (
            ask("arn:aws:s3:::data/secret/x", &[&policy]),
            [
                "EXPLICIT_DENY",
                "with an explicit deny in an identity-based policy",
                "2 `NoSecrets`",
                "policy.json:5:5",
            ],
        ),
        (
            ask("arn:aws:s3:::data/x", &[]),
            [
                "PERMISSION_DENIED_IDENTITY",
                "because no identity-based policy allows",
                "DENY  s3:GetObject",
                "ALLOW\n",
            ],
        ),
    ] {
        assert_eq!(ran.code, 1, "{ran:#?}");
        for part in parts {
            assert!(ran.out.contains(part), "missing {part:?} in\n{}", ran.out);
        }
    }
}

#[test]
fn a_real_token_is_checked_with_the_keys_and_supposed_without() {
    let home = Home::new();
    let trust = home.write("trust.json", TRUST);
    for keys in ["keys", "others"] {
        run(home
            .command(PODPASS)
            .args(["aws", "create-key-pair", "--output-dir", keys]))
        .succeeded();
        run(home
            .command(PODPASS)
            .args([
                "aws",
                "create-identity-provider",
                "--name",
                "demo",
                "--region",
                "eu-west-1",
            ])
            .args(["--dry-run=files", "--output-dir", keys])
            .arg("--public-key-file")
            .arg(home.path(keys).join("serviceaccount-signer.public")))
        .succeeded();
    }
    let cluster = Cluster::with_key_of(&home.path("keys"), ISSUER);
    let token = cluster.write_token(home.path("token"), "ns", "app");
    let simulate = |keys: Option<&str>| {
        let mut command = home.command(PODPASS);
        command
            .args(["simulate", "--provider", PROVIDER, "--token"])
            .arg(&token);
        command.arg("--trust").arg(&trust);
        if let Some(keys) = keys {
            command
                .arg("--jwks")
                .arg(home.path(keys).join("03-keys.json"));
        }
        run(&mut command)
    };
    assert!(
        simulate(Some("keys"))
            .succeeded()
            .contains("signature  valid")
    );
    let unchecked = simulate(None);
    assert!(
        unchecked
            .succeeded()
            .contains("not checked: whoever made this token"),
        "{unchecked:#?}"
    );
    let foreign = simulate(Some("others"));
    assert_eq!(foreign.code, 1, "{foreign:#?}");
    assert!(
        foreign.out.contains("ISSUER_KEY_MISSING") && foreign.out.contains("NOT VALID"),
        "{foreign:#?}"
    );
    let secret = std::fs::read_to_string(&token).unwrap();
    let signature = secret.trim().rsplit('.').next().unwrap();
    for ran in [unchecked, foreign] {
        assert!(
            !ran.out.contains(signature) && !ran.err.contains(signature),
            "the token was printed"
        );
    }
}

#[test]
fn time_of_the_call_counts() {
    let home = Home::new();
    let trust = home.write("trust.json", TRUST);
    run(home
        .command(PODPASS)
        .args(["aws", "create-key-pair", "--output-dir", "keys"]))
    .succeeded();
    let cluster = Cluster::with_key_of(&home.path("keys"), ISSUER);
    let token = cluster.write_token(home.path("token"), "ns", "app");
    for time in ["2001-01-01T00:00:00Z", "4102444800"] {
        let ran = run(home
            .command(PODPASS)
            .args(["simulate", "--provider", PROVIDER, "--now", time, "--token"])
            .arg(&token)
            .arg("--trust")
            .arg(&trust));
        assert_eq!(ran.code, 1, "{ran:#?}");
        assert!(
            ran.out.contains("TOKEN_EXPIRED") || ran.out.contains("TOKEN_NOT_YET_VALID"),
            "{ran:#?}"
        );
    }
}

#[test]
fn bad_input_is_2_and_names_the_place() {
    let home = Home::new();
    let trust = home.write("trust.json", TRUST);
    let broken = home.write(
        "broken.json",
        "{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": [{}]\n}\n",
    );
    run(&mut described(&home, "ns/app", &broken)).refused(2, &["broken.json:3:17", "Effect"]);
    run(&mut described(&home, "ns/app", &home.path("absent")))
        .refused(2, &["absent", "No such file"]);
    run(&mut described(&home, "app", &trust)).refused(2, &["NAMESPACE/NAME"]);
    run(described(&home, "ns/app", &trust).args(["--now", "yesterday"]))
        .refused(2, &["2026-01-31T12:00:00Z"]);
    run(described(&home, "ns/app", &trust).args(["--action", "s3:GetObject"]))
        .refused(2, &["--resource"]);
    run(described(&home, "ns/app", &trust).args(["--action", "GetObject", "--resource", "*"]))
        .refused(2, &["service:Action"]);
    run(described(&home, "ns/app", &trust).args(["--provider", "demo=sts.amazonaws.com"]))
        .refused(2, &["demo"]);
    run(home
        .command(PODPASS)
        .args(["simulate", "--provider", PROVIDER, "--trust"])
        .arg(&trust))
    .refused(2, &["--token"]);
}
