//! Keys, bucket, documents and OIDC provider.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;

use podpass_cloud::{Apply, AssumeRoleRequest, Credentials, Exchange, Observe};
use podpass_provision::{DISCOVERY_KEY, Deletion, JWKS_KEY, ObjectUpload, Replaces, Step, Tags};
use podpass_testkit::Trap;

use super::{REQUEST, Stand, under_both_names};
use crate::stand::{as_administrator, run};

fn owned() -> Tags {
    Tags::ownership(&"prod".parse().unwrap())
}

fn provider_arn(issuer: &str) -> String {
    format!("arn:aws:iam::123456789012:oidc-provider/{issuer}")
}

/// A public key file without a PEM block publishes an empty JWKS, exit code 0: no token of the cluster is good any more.
#[test]
fn ccoctl_trap_01_a_file_without_a_key_publishes_nothing() {
    under_both_names(|stand| {
        let key = stand.key_pair("keys");
        let create = |file: &str| {
            let arguments = ["--output-dir=out", "--public-key-file", file];
            stand.aws("create-identity-provider", &arguments)
        };
        stand.home.write("no-key.pem", "ssh-rsa AAAAB3Nza\n");
        let refused = create("no-key.pem");
        refused.refused(stand.exit(2), &["no-key.pem"]);
        assert_eq!(stand.object("prod-oidc", JWKS_KEY), None);
        create(&key).succeeded();
        let published = stand.object("prod-oidc", JWKS_KEY).unwrap();
        assert!(published.contains("\"kid\""), "{published}");
        create("no-key.pem").refused(stand.exit(2), &["no-key.pem"]);
        assert_eq!(stand.object("prod-oidc", JWKS_KEY), Some(published));
    });
}

/// `keys.json` is written over with one key: in the middle of a rotation, tokens of the other are refused.
#[test]
fn ccoctl_trap_05_a_run_with_another_key_keeps_the_published_ones() {
    under_both_names(|stand| {
        stand.home.write("requests/app.yaml", REQUEST);
        for folder in ["old", "new"] {
            let key = stand.key_pair(folder);
            stand.create_all(&["--public-key-file", &key]).succeeded();
        }
        for folder in ["old", "new"] {
            let cluster = stand.cluster(folder, "prod");
            stand.assert_assumes(&cluster, ("app", "app"), "prod-app-creds", true);
        }
        let stranger = stand.key_pair("stranger");
        assert!(stranger.starts_with("stranger"));
        let cluster = stand.cluster("stranger", "prod");
        stand.assert_assumes(&cluster, ("app", "app"), "prod-app-creds", false);
    });
}

/// A public key that is there alone, such as a running cluster's, is overwritten by that of a new pair.
#[test]
fn ccoctl_trap_06_the_public_key_of_a_running_cluster_is_used_and_kept() {
    under_both_names(|stand| {
        stand.home.write("requests/app.yaml", REQUEST);
        let key = stand.key_pair("cluster");
        let public = std::fs::read(stand.home.path(&key)).unwrap();
        stand
            .home
            .write("out/serviceaccount-signer.public", &public);
        stand.create_all(&[]).succeeded();
        let out = stand.home.path("out");
        assert_eq!(
            std::fs::read(out.join("serviceaccount-signer.public")).unwrap(),
            public
        );
        assert!(!out.join("serviceaccount-signer.private").exists());
        let cluster = stand.cluster("cluster", "prod");
        stand.assert_assumes(&cluster, ("app", "app"), "prod-app-creds", true);
        // Alone, `create-key-pair` would need the private key too.
        let ran = run(stand.home.command(&stand.name).args([
            "aws",
            "create-key-pair",
            "--output-dir=out",
        ]));
        ran.refused(stand.exit(4), &["serviceaccount-signer.public"]);
        assert_eq!(
            std::fs::read(out.join("serviceaccount-signer.public")).unwrap(),
            public
        );
    });
}

/// The private flag, forgotten in a second run, turns the issuer of a running cluster into another.
#[test]
fn ccoctl_trap_07_no_run_turns_a_private_issuer_into_a_public_one() {
    under_both_names(|stand| {
        stand.private_bucket_is_refused("eu-west-1");
        // As the peer leaves it with the flag: the documents name the distribution.
        let discovery = r#"{"issuer":"https://d111111abcdef8.cloudfront.net","jwks_uri":"https://d111111abcdef8.cloudfront.net/keys.json"}"#;
        let bucket = Deletion::of("prod".parse().unwrap(), "eu-west-1".parse().unwrap())
            .bucket
            .unwrap();
        as_administrator(&stand.sandbox, async |administrator| {
            administrator.create_bucket("prod-oidc").await.unwrap();
            let steps = [
                Step::TagBucket {
                    bucket: bucket.clone(),
                    tags: owned(),
                },
                Step::PutObject {
                    upload: ObjectUpload {
                        bucket: bucket.clone(),
                        key: DISCOVERY_KEY.to_owned(),
                        body: discovery.to_owned(),
                        content_type: "application/json",
                        tags: owned(),
                    },
                    replaces: Replaces::Nothing,
                },
            ];
            for step in &steps {
                administrator.apply(step).await.unwrap();
            }
        });
        let arguments = [
            "--output-dir=out",
            "--public-key-file=keys/serviceaccount-signer.public",
        ];
        let ran = stand.aws("create-identity-provider", &arguments);
        ran.refused(
            stand.exit(4),
            &[
                "names another issuer",
                "https://d111111abcdef8.cloudfront.net",
            ],
        );
        assert_eq!(
            stand.object("prod-oidc", DISCOVERY_KEY).as_deref(),
            Some(discovery)
        );
        let (status, _) = read_publicly(stand, "prod-oidc", DISCOVERY_KEY);
        assert_eq!(status, 403, "the bucket was made public");
    });
}

/// In us-east-1 a second private run fails for good, and elsewhere one that was interrupted cannot be resumed.
#[test]
fn ccoctl_trap_08_no_private_set_up_is_begun_that_could_not_be_finished() {
    under_both_names(|stand| stand.private_bucket_is_refused("us-east-1"));
}

/// The private key can be read by everyone on the machine.
#[test]
fn ccoctl_trap_10_the_private_key_is_its_owners_alone() {
    under_both_names(|stand| {
        stand.key_pair("keys");
        for file in [
            "keys/serviceaccount-signer.private",
            "keys/tls/bound-service-account-signing-key.key",
        ] {
            let found = std::fs::metadata(stand.home.path(file)).unwrap();
            assert_eq!(found.permissions().mode() & 0o777, 0o600, "{file}");
        }
        let private = stand.home.path("keys/serviceaccount-signer.private");
        let first = std::fs::read(&private).unwrap();
        // As the peer left it.
        std::fs::set_permissions(&private, std::fs::Permissions::from_mode(0o644)).unwrap();
        stand.key_pair("keys");
        let mode = std::fs::metadata(&private).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(std::fs::read(&private).unwrap(), first);
    });
}

/// A provider is found by the key of its tag, whatever its URL; it is tagged after its creation, and one that missed the
/// second call is never found again.
#[test]
fn ccoctl_trap_16_a_provider_is_found_by_its_url_and_made_with_its_tags() {
    under_both_names(|stand| {
        let key = stand.key_pair("keys");
        let arguments = ["--output-dir=out", "--public-key-file", &key];
        as_administrator(&stand.sandbox, async |administrator| {
            let other = administrator.create_oidc_provider("https://prod.example", &["openshift"]);
            let tag = Step::TagOidcProvider {
                provider: other.await.unwrap().parse().unwrap(),
                tags: owned(),
            };
            administrator.apply(&tag).await.unwrap();
        });
        let issuer = "prod-oidc.s3.eu-west-1.amazonaws.com";
        let provider = || {
            as_administrator(&stand.sandbox, async |administrator| {
                let arn = provider_arn(issuer).parse().unwrap();
                administrator.oidc_provider(&arn).await.unwrap()
            })
        };
        // Who may create and not tag makes nothing, instead of a provider without tags.
        let session = session_without_tagging(stand);
        let ran = run(stand
            .sandbox
            .command(&stand.home, &stand.name)
            .env("AWS_ACCESS_KEY_ID", &session.access_key_id)
            .env("AWS_SECRET_ACCESS_KEY", session.secret_access_key.expose())
            .env("AWS_SESSION_TOKEN", session.session_token.unwrap().expose())
            .args(["aws", "create-identity-provider", "--name=prod"])
            .arg("--region=eu-west-1")
            .args(arguments));
        ran.refused(stand.exit(3), &["iam:TagOpenIDConnectProvider"]);
        assert_eq!(provider(), None);
        stand
            .aws("create-identity-provider", &arguments)
            .succeeded();
        assert_eq!(provider().unwrap().tags, owned());

        // One that a killed ccoctl left without tags is found and named, not run into.
        let lost = "lost-oidc.s3.eu-west-1.amazonaws.com";
        as_administrator(&stand.sandbox, async |administrator| {
            let url = format!("https://{lost}");
            let made = administrator.create_oidc_provider(&url, &["openshift"]);
            made.await.unwrap();
        });
        let ran = stand.aws_of("lost", "eu-west-1", "create-identity-provider", &arguments);
        ran.refused(
            stand.exit(4),
            &[&format!(
                "oidc-provider/{lost} exists and does not carry the tag"
            )],
        );
        assert_eq!(stand.object("lost-oidc", DISCOVERY_KEY), None);
    });
}

/// A HEAD request to the issuer has to succeed, for a thumbprint that AWS does not look at; it fails after bucket and
/// objects were made.
#[test]
fn ccoctl_trap_17_nobody_but_the_endpoint_is_asked_for_anything() {
    under_both_names(|stand| {
        let key = stand.key_pair("keys");
        let trap = Trap::set();
        let ran = run(stand
            .sandbox
            .command(&stand.home, &stand.name)
            .env("HTTPS_PROXY", trap.url())
            .env("https_proxy", trap.url())
            .args(["aws", "create-identity-provider", "--name=prod"])
            .args(["--region=eu-west-1", "--output-dir=out"])
            .args(["--public-key-file", &key]));
        ran.succeeded();
        trap.assert_untouched();
        let made = as_administrator(&stand.sandbox, async |administrator| {
            let arn = provider_arn("prod-oidc.s3.eu-west-1.amazonaws.com");
            administrator.oidc_provider(&arn.parse().unwrap()).await
        });
        assert_eq!(
            made.unwrap().unwrap().client_ids,
            ["openshift", "sts.amazonaws.com"]
        );
    });
}

/// In the isolated regions the bucket's policy names `arn:aws`, so that nobody can read the issuer. The part of this trap
/// that is about CloudFront comes with private buckets.
#[test]
fn ccoctl_trap_19_the_bucket_policy_is_in_the_partition_of_its_region() {
    under_both_names(|stand| {
        let key = stand.key_pair("keys");
        for (region, suffix) in [
            ("us-iso-east-1", "c2s.ic.gov"),
            ("us-isob-east-1", "sc2s.sgov.gov"),
            ("cn-north-1", "amazonaws.com.cn"),
        ] {
            let cluster = format!("prod-{region}");
            let arguments = ["--output-dir=out", "--public-key-file", &key];
            stand
                .aws_of(&cluster, region, "create-identity-provider", &arguments)
                .succeeded();
            let bucket = format!("{cluster}-oidc");
            let (status, document) = read_publicly(stand, &bucket, DISCOVERY_KEY);
            assert_eq!(status, 200, "{region}: {document}");
            let issuer = format!("\"https://{bucket}.s3.{region}.{suffix}\"");
            assert!(document.contains(&issuer), "{document}");
        }
        std::fs::remove_dir_all(stand.home.path("out")).unwrap();
        stand.private_bucket_is_refused("us-iso-east-1");
    });
}

/// Credentials that are good for all of it but the tagging of a provider.
fn session_without_tagging(stand: &Stand) -> Credentials {
    let trust = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"123456789012"},"Action":"sts:AssumeRole"}]}"#;
    let permissions = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:*","iam:Get*","iam:List*","iam:Create*"],"Resource":"*"}]}"#;
    as_administrator(&stand.sandbox, async |administrator| {
        let role_arn = administrator.create_role("creator", trust).await.unwrap();
        let permissions = Step::PutRolePolicy {
            role: "creator".parse().unwrap(),
            policy_name: "creator".to_owned(),
            document: permissions.to_owned(),
        };
        administrator.apply(&permissions).await.unwrap();
        let request = AssumeRoleRequest {
            role_arn,
            role_session_name: "trap".to_owned(),
            ..AssumeRoleRequest::default()
        };
        administrator
            .assume_role(&request)
            .await
            .unwrap()
            .credentials
    })
}

/// Reads an object as STS does: without credentials.
fn read_publicly(stand: &Stand, bucket: &str, key: &str) -> (u16, String) {
    let address = stand.sandbox.endpoint().strip_prefix("http://").unwrap();
    let mut connection = TcpStream::connect(address).unwrap();
    write!(
        connection,
        "GET /{bucket}/{key} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    (status, answer)
}
