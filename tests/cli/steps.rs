//! Steps of the source documents that take the binary and the sandbox alone. Each name carries the step's id.

use std::fs;

use base64::Engine as _;
use podpass_testkit::{Cluster, Home, SandboxProcess};
use serde_json::Value;

use crate::provisioning::both_names;
use crate::stand::{PODPASS, Ran, as_administrator, run};

const ISSUER: &str = "https://irsa-mint-oidc.s3.eu-west-1.amazonaws.com";
const PROVIDER: &str =
    "arn:aws:iam::123456789012:oidc-provider/irsa-mint-oidc.s3.eu-west-1.amazonaws.com";
const MANIFEST: &str = "manifests/cluster-authentication-02-config.yaml";

/// The public key that document 000 prints.
const PRINTED_KEY: &str = "\
-----BEGIN RSA PUBLIC KEY-----
MIICIjANBgkqhkiG9w0BAQEFAAOCAg8AMIICCgKCAgEA4ctSxS5wY9iAlTYSmYhl
pGpr4d7WPb500RN4Gq7wCA100vLTgV5PVFannO6On9d3W6V6xNODe/xkqLnBHnXa
i+UJ5VDZwy4iFbNZWJtLQ1jCjGRw+k46XCwOtDRLuf50cr9M+cNF3riIARgAznpJ
hxJv45JXyIAQvJa6CB1dz15kwvqFwdfGqDTzbyYI7ZkD6OUGMVDu3qLe1zWF8SpJ
3yfdsal9kvpvtrDDkdRGKPiQVUrWe2YjZP8YxfqESblwETfpSnjwgMF9f1QqdH1E
pxaBPOIHzWzVR5TAiMIvD0yCxoHZJgsoQaziV+hziZ26XL4nQOe6JxCt7yoFN4nc
Gdzy3TTUZn2LCPgXYZHjSXdjzbzYSirwvwrFfGfPozwz4BzxNmEhgInPYzpG2bQp
zReDYT+CYBqqZWTiUgabUOCscu6U5vSNhl6n6mQdGpQ0F3IDHFx9j9V5ixgTZZMc
ViEeNRDYg2sT8CcGah63rqcrpfqxfQtx1QfVcVMJGlykC4I94XHZ+MI1XjwOJR4V
fJgR8wxzPNO+eQAsPn6UTy4wIDysnmRhUKunQtYqVkEyNVNoUV7jUhxXBgNqur1c
AvQGxhVS1+C4vkgnXRfcF6mVz8fvIze3WiRQYS/qxv1UYy7TzudzgJV/y3VGi//l
ZB1NTZgJLZDWVvaB9CPjk30CAwEAAQ==
-----END RSA PUBLIC KEY-----
";

/// By OpenSSL 3: the body under the label PUBLIC KEY, `openssl pkey -pubin -outform DER | openssl dgst -sha256 -binary`,
/// then unpadded base64url.
const PRINTED_KID: &str = "k02h7D7WM28k4X-eNkYpURvty__IdEES0aU05FExDnU";

/// The trust policy of document 000, which checks no audience.
const PRINTED_TRUST: &str = r#"{
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {
                "Federated": "arn:aws:iam::123456789012:oidc-provider/irsa-mint-oidc.s3.eu-west-1.amazonaws.com"
            },
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {
                "StringEquals": {
                    "irsa-mint-oidc.s3.eu-west-1.amazonaws.com:sub": "system:serviceaccount:irsa-test:irsa-test"
                }
            }
        }
    ]
}
"#;

/// The command line of document 000 under `ccoctl`, after a key was put where it puts it.
fn printed_command(home: &Home, sandbox: &SandboxProcess) -> Ran {
    let ccoctl = home.path("ccoctl");
    if !ccoctl.exists() {
        both_names(home);
        home.write("enabling_irsa/serviceaccount-signer.public", PRINTED_KEY);
    }
    run(sandbox.command(home, ccoctl).args([
        "aws",
        "create-identity-provider",
        "--output-dir",
        "enabling_irsa",
        "--name",
        "irsa-mint",
        "--region",
        "eu-west-1",
    ]))
}

#[test]
fn seed_000_12_a_link_called_ccoctl_has_the_flags_of_the_peer() {
    let home = Home::new();
    let [_, ccoctl] = both_names(&home);
    let help = run(home
        .command(ccoctl)
        .args(["aws", "create-identity-provider", "--help"]));
    let flags: Vec<&str> = help
        .succeeded()
        .split_whitespace()
        .filter(|word| word.starts_with("--"))
        .collect();
    // What ccoctl of OpenShift 4.20 prints.
    let expected = [
        "--create-private-s3-bucket",
        "--dry-run",
        "--help",
        "--name",
        "--output-dir",
        "--public-key-file",
        "--region",
    ];
    assert_eq!(flags, expected, "{help:#?}");
}

#[test]
fn seed_000_14_the_key_as_printed_is_read_under_its_wrong_label() {
    let home = Home::new();
    let sandbox = SandboxProcess::start(PODPASS, &home, &[]);
    printed_command(&home, &sandbox).succeeded();
    let published = as_administrator(&sandbox, async |administrator| {
        let object = administrator.get_object("irsa-mint-oidc", "keys.json");
        object.await.unwrap()
    });
    let published: Value = serde_json::from_slice(&published).unwrap();
    assert_eq!(published["keys"][0]["kid"], PRINTED_KID);
    assert_eq!(published["keys"].as_array().unwrap().len(), 1);
}

#[test]
fn seed_000_16_the_printed_command_line_says_what_is_printed_and_can_be_repeated() {
    let home = Home::new();
    let sandbox = SandboxProcess::start(PODPASS, &home, &[]);
    let said = |ran: &Ran| -> Vec<String> {
        ran.succeeded();
        let lines = ran.err.lines();
        lines
            .map(|line| line["2026/11/23 17:33:53 ".len()..].to_owned())
            .collect()
    };
    let first = said(&printed_command(&home, &sandbox));
    assert_eq!(
        first[..5],
        [
            "Bucket irsa-mint-oidc created",
            "OpenID Connect discovery document in the S3 bucket irsa-mint-oidc at .well-known/openid-configuration updated",
            "Reading public key",
            "JSON web key set (JWKS) in the S3 bucket irsa-mint-oidc at keys.json updated",
            "Identity Provider created with ARN: arn:aws:iam::123456789012:oidc-provider/irsa-mint-oidc.s3.eu-west-1.amazonaws.com",
        ]
    );
    let second = said(&printed_command(&home, &sandbox));
    for line in [
        "Bucket irsa-mint-oidc already exists and is owned by the user",
        "Existing Identity Provider found with ARN: arn:aws:iam::123456789012:oidc-provider/irsa-mint-oidc.s3.eu-west-1.amazonaws.com",
    ] {
        assert!(second.iter().any(|said| said == line), "{second:#?}");
    }
    assert!(
        !second
            .iter()
            .any(|line| line.contains("created") || line.contains("updated")),
        "{second:#?}"
    );
}

#[test]
fn seed_000_19_the_manifest_is_the_printed_one() {
    let home = Home::new();
    let sandbox = SandboxProcess::start(PODPASS, &home, &[]);
    printed_command(&home, &sandbox).succeeded();
    let manifest = fs::read_to_string(home.path("enabling_irsa").join(MANIFEST)).unwrap();
    assert_eq!(
        manifest.trim_end(),
        format!(
            "apiVersion: config.openshift.io/v1\nkind: Authentication\nmetadata:\n  name: cluster\nspec:\n  \
             serviceAccountIssuer: {ISSUER}"
        )
    );
}

#[test]
fn seed_000_31_the_printed_trust_policy_allows_and_has_a_weakness() {
    let home = Home::new();
    let trust = home.write("trust.json", PRINTED_TRUST);
    let provider = format!("{PROVIDER}=openshift,sts.amazonaws.com");
    let simulated = run(home
        .command(PODPASS)
        .args(["simulate", "--issuer", ISSUER])
        .args(["--subject", "irsa-test/irsa-test"])
        .args(["--audience", "sts.amazonaws.com", "--provider", &provider])
        .arg("--trust")
        .arg(&trust));
    assert!(
        simulated.succeeded().starts_with("ALLOW\n"),
        "{simulated:#?}"
    );
    let linted = run(home.command(PODPASS).arg("lint").arg(&trust));
    assert!(
        linted.out.contains("warning[NO_AUD_CONDITION]"),
        "{linted:#?}"
    );
    assert_eq!(linted.err, "1 file: 0 errors, 1 warning, 0 notes\n");
}

#[test]
fn seed_002_10_decode_shows_the_token_and_says_whether_the_issuer_signed_it() {
    let home = Home::new();
    run(home
        .command(PODPASS)
        .args(["aws", "create-key-pair", "--output-dir", "keys"]))
    .succeeded();
    run(home
        .command(PODPASS)
        .args(["aws", "create-identity-provider", "--name", "irsa-mint"])
        .args(["--region", "eu-west-1", "--dry-run=files"])
        .args(["--output-dir", "keys"]))
    .succeeded();
    let keys = fs::read_to_string(home.path("keys/03-keys.json")).unwrap();
    let keys: Value = serde_json::from_str(&keys).unwrap();
    let kid = keys["keys"][0]["kid"].as_str().unwrap();

    let cluster = Cluster::with_key_of(&home.path("keys"), ISSUER);
    let mut claims = cluster.claims("kube-system", "external-dns");
    // 2023-07-07 is when document 002 was written.
    (claims.issued_at, claims.not_before) = (1_688_718_790, 1_688_718_790);
    claims.expires_at = 1_720_254_790;
    let token = cluster.mint(&claims).expose().to_owned();
    let decode = |token: &str| {
        let file = home.write("token", token);
        run(home
            .command(PODPASS)
            .args(["token", "decode", "--jwks", "keys/03-keys.json"])
            .arg(file))
    };
    let decoded = decode(&token);
    for part in [
        r#""alg":"RS256""#,
        &format!(r#""kid":"{kid}""#),
        r#""sub": "system:serviceaccount:kube-system:external-dns""#,
        r#""iss": "https://irsa-mint-oidc.s3.eu-west-1.amazonaws.com""#,
        r#""exp": 1720254790"#,
        "2023-07-07T08:33:10Z",
        "2024-07-06T08:33:10Z",
        &format!("\nsignature  valid (kid {kid})\n"),
    ] {
        assert!(
            decoded.succeeded().contains(part),
            "missing {part:?} in\n{}",
            decoded.out
        );
    }
    let mut parts: Vec<&str> = token.split('.').collect();
    claims.namespace = "default".to_owned();
    let other = cluster.mint(&claims).expose().to_owned();
    parts[1] = other.split('.').nth(1).unwrap();
    decode(&parts.join(".")).refused(1, &["TOKEN_SIGNATURE_INVALID"]);
}

#[test]
fn seed_002_12_decode_says_what_warnafter_means() {
    let home = Home::new();
    // The claims that document 002 prints; the header's key is none that anybody checks.
    let claims = r#"{"aud":["https://kubernetes.default.svc"],"exp":1720254790,"iat":1688718790,"kubernetes.io":{"namespace":"kube-system","warnafter":1688722397},"nbf":1688718790}"#;
    let encode = |text: &str| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text);
    let token = format!("{}.{}.AAAA", encode(r#"{"alg":"RS256"}"#), encode(claims));
    let file = home.write("token", token);
    let decoded = run(home.command(PODPASS).args(["token", "decode"]).arg(file));
    let line = decoded
        .succeeded()
        .lines()
        .find(|line| line.starts_with("warn after"));
    let line = line.unwrap_or_else(|| panic!("no label in {decoded:#?}"));
    assert!(
        line.contains("2023-07-07T09:33:17Z") && line.contains("asked for until then and extended"),
        "{line}"
    );
}

#[test]
fn seed_002_24_trust_prints_exactly_the_documents_policy() {
    let home = Home::new();
    let arn = "arn:aws:iam::123456789012:oidc-provider/oidc.eks.us-east-1.amazonaws.com/id/FDF0F2F";
    let trust = || {
        run(home.command(PODPASS).args([
            "trust",
            "default/irsa-test-service-account",
            "--identity-provider-arn",
            arn,
        ]))
    };
    let printed = trust();
    // As the document prints it, with its example's account and id.
    let expected = r#"{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Principal": {
        "Federated": "arn:aws:iam::123456789012:oidc-provider/oidc.eks.us-east-1.amazonaws.com/id/FDF0F2F"
      },
      "Action": "sts:AssumeRoleWithWebIdentity",
      "Condition": {
        "StringEquals": {
          "oidc.eks.us-east-1.amazonaws.com/id/FDF0F2F:aud": "sts.amazonaws.com",
          "oidc.eks.us-east-1.amazonaws.com/id/FDF0F2F:sub": "system:serviceaccount:default:irsa-test-service-account"
        }
      }
    }
  ]
}
"#;
    assert_eq!(printed.succeeded(), expected);
    assert_eq!(trust().out, printed.out);
}

#[test]
fn seed_002_34_a_line_of_a_log_is_found_and_its_cause_printed() {
    let home = Home::new();
    let log = "time=\"2023-07-07T08:33:10Z\" level=info msg=\"Instantiating new Kubernetes client\"\n\
               time=\"2023-07-07T08:33:11Z\" level=error msg=\"records retrieval failed: failed to list hosted zones: \
               WebIdentityErr: failed to retrieve credentials\\ncaused by: InvalidIdentityToken: No OpenIDConnect \
               provider found in your account for https://oidc.eks.us-east-1.amazonaws.com/id/FDF0F2F\\n\\tstatus \
               code: 400, request id: 0d5f0f1c\"\n\
               time=\"2023-07-07T08:34:11Z\" level=info msg=\"All records are already up to date\"\n";
    let log = home.write("external-dns.log", log);
    let explained = run(home
        .command(PODPASS)
        .args(["explain", "-"])
        .stdin(fs::File::open(log).unwrap()));
    for part in [
        "InvalidIdentityToken",
        "issuer        https://oidc.eks.us-east-1.amazonaws.com/id/FDF0F2F\n",
        "1. the OIDC provider does not exist  [OIDC_PROVIDER_MISSING]",
    ] {
        assert!(
            explained.succeeded().contains(part),
            "missing {part:?} in\n{}",
            explained.out
        );
    }
}
