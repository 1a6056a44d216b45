//! CredentialsRequests, the roles they become, and the secrets that name those.

use podpass_cloud::{Apply, ErrorKind};
use podpass_provision::Step;

use super::{REQUEST, request, under_both_names};
use crate::stand::as_administrator;

/// An empty document, a comment before `---`, or another kind ends in a panic with a stack trace.
#[test]
fn ccoctl_trap_02_documents_that_are_no_request_cause_no_panic() {
    under_both_names(|stand| {
        let stream = format!("# a comment alone\n---\n---\n{REQUEST}---\n");
        stand.home.write("requests/app.yaml", stream);
        let ran = stand.create_all(&[]);
        ran.succeeded();
        assert!(ran.err.contains("empty document"), "{ran:#?}");
        let cluster = stand.cluster("out", "prod");
        stand.assert_assumes(&cluster, ("app", "app"), "prod-app-creds", true);

        let other = request("second", "app", "s3:GetObject");
        let config_map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n";
        stand
            .home
            .write("requests/second.yaml", format!("{other}---\n{config_map}"));
        let ran = stand.create_all(&[]);
        ran.refused(stand.exit(2), &["second.yaml:", "ConfigMap"]);
        // Everything is read before anything is made.
        stand.assert_assumes(&cluster, ("app", "app"), "prod-app-second", false);
    });
}

/// Names are cut at 64 characters: with a long cluster name several requests share one role, with the first one's trust
/// policy and the last one's permissions.
#[test]
fn ccoctl_trap_03_requests_with_long_names_have_roles_of_their_own() {
    under_both_names(|stand| {
        let namespace = "openshift-cloud-credential-operator";
        for (secret, account, action) in [
            ("one-creds", "one", "s3:ListAllMyBuckets"),
            ("two-creds", "two", "s3:GetObject"),
        ] {
            let text = request(secret, account, action)
                .replace("namespace: app", &format!("namespace: {namespace}"));
            stand.home.write(&format!("requests/{secret}.yaml"), text);
        }
        let name = "abcdefghijklmnopqrstuvwxyz1";
        let arguments = ["--credentials-requests-dir=requests", "--output-dir=out"];
        stand
            .aws_of(name, "eu-west-1", "create-all", &arguments)
            .succeeded();
        let [one, two] = ["one-creds", "two-creds"].map(|secret| stand.role_of(namespace, secret));
        assert_ne!(one, two);
        assert!(one.len() <= 64 && two.len() <= 64, "{one} {two}");
        let cluster = stand.cluster("out", name);
        for (account, role, good) in [
            ("one", &one, true),
            ("one", &two, false),
            ("two", &one, false),
            ("two", &two, true),
        ] {
            stand.assert_assumes(&cluster, (namespace, account), role, good);
        }
        for (account, role, may_list) in [("one", &one, true), ("two", &two, false)] {
            let listed = stand.with_role(&cluster, (namespace, account), role, async |workload| {
                workload.list_buckets().await
            });
            match listed {
                Ok(_) => assert!(may_list, "{account}"),
                Err(error) => {
                    assert!(!may_list, "{account}: {error}");
                    assert_eq!(error.kind, ErrorKind::NotAuthorised, "{error}");
                }
            }
        }
    });
}

/// The trust policy of a role that exists is never updated: neither for another service account nor for another provider.
#[test]
fn ccoctl_trap_04_the_trust_policy_of_an_existing_role_is_brought_up_to_date() {
    under_both_names(|stand| {
        stand.home.write("requests/app.yaml", REQUEST);
        stand.create_all(&[]).succeeded();
        let cluster = stand.cluster("out", "prod");
        stand.assert_assumes(&cluster, ("app", "helper"), "prod-app-creds", false);
        stand.home.write(
            "requests/app.yaml",
            REQUEST.replace("[app]", "[app, helper]"),
        );
        stand.create_all(&[]).succeeded();
        for account in ["app", "helper"] {
            stand.assert_assumes(&cluster, ("app", account), "prod-app-creds", true);
        }

        // The cluster gets another issuer; tokens of the first are good until they expire.
        let arguments = [
            "--output-dir=second",
            "--public-key-file=out/serviceaccount-signer.public",
        ];
        stand
            .aws_of(
                "second",
                "eu-west-1",
                "create-identity-provider",
                &arguments,
            )
            .succeeded();
        let moved = stand.cluster("out", "second");
        stand.assert_assumes(&moved, ("app", "app"), "prod-app-creds", false);
        let arguments = [
            "--credentials-requests-dir=requests",
            "--output-dir=out",
            "--identity-provider-arn",
            "arn:aws:iam::123456789012:oidc-provider/second-oidc.s3.eu-west-1.amazonaws.com",
        ];
        stand.aws("create-iam-roles", &arguments).succeeded();
        for cluster in [&cluster, &moved] {
            stand.assert_assumes(cluster, ("app", "app"), "prod-app-creds", true);
        }
    });
}

/// A directory without a request, or with its files misspelt, is a success that made nothing.
#[test]
fn ccoctl_trap_11_a_directory_without_a_request_is_refused() {
    under_both_names(|stand| {
        stand.home.write("empty/.keep", "");
        stand.home.write("json/app.json", "{}");
        stand.home.write("below/requests/app.yaml", REQUEST);
        for dir in ["empty", "json", "below", "mispelt"] {
            let arguments = [
                "--name=prod",
                "--region=eu-west-1",
                "--output-dir=out",
                "--credentials-requests-dir",
                dir,
            ];
            stand.refused_before_any_call("create-all", &arguments, 2, &[dir]);
            let provider = [
                "--identity-provider-arn",
                "arn:aws:iam::123456789012:oidc-provider/prod-oidc.s3.eu-west-1.amazonaws.com",
            ];
            let arguments = [&arguments[..], &provider].concat();
            stand.refused_before_any_call("create-iam-roles", &arguments, 2, &[dir]);
        }
        assert!(!stand.home.path("out").exists());
    });
}

/// Only one spelling of a feature set is ever processed, and of feature gates nothing is said.
#[test]
fn ccoctl_trap_12_feature_sets_are_lists_and_feature_gates_are_told() {
    under_both_names(|stand| {
        let annotated = |text: String, annotation: &str| {
            text.replace(
                "metadata:\n",
                &format!("metadata:\n  annotations: {{{annotation}}}\n"),
            )
        };
        let preview = annotated(
            request("preview", "app", "s3:GetObject"),
            "release.openshift.io/feature-set: 'CustomNoUpgrade,TechPreviewNoUpgrade'",
        );
        let gated = annotated(
            request("gated", "app", "s3:GetObject"),
            "release.openshift.io/feature-gate: 'SomeGate,OtherGate'",
        );
        stand.home.write("requests/preview.yaml", preview);
        stand.home.write("requests/gated.yaml", gated);
        let ran = stand.create_all(&[]);
        ran.succeeded();
        for part in ["tech-preview", "feature gates SomeGate,OtherGate"] {
            assert!(ran.err.contains(part), "{part}: {ran:#?}");
        }
        let cluster = stand.cluster("out", "prod");
        stand.assert_assumes(&cluster, ("app", "app"), "prod-app-preview", false);
        stand.create_all(&["--enable-tech-preview"]).succeeded();
        for role in ["prod-app-preview", "prod-app-gated"] {
            stand.assert_assumes(&cluster, ("app", "app"), role, true);
        }
    });
}

/// A request for another cloud ends the run, with the roles before it made and those after it not.
#[test]
fn ccoctl_trap_13_requests_for_other_clouds_are_named_and_passed_over() {
    under_both_names(|stand| {
        let azure =
            request("azure", "app", "s3:GetObject").replace("AWSProviderSpec", "AzureProviderSpec");
        let openstack = request("openstack", "app", "s3:GetObject")
            .replace("AWSProviderSpec", "OpenStackProviderSpec");
        stand
            .home
            .write("requests/a.yaml", format!("{azure}---\n{openstack}"));
        stand.home.write("requests/b.yaml", REQUEST);
        let ran = stand.create_all(&[]);
        ran.succeeded();
        for part in ["AzureProviderSpec", "OpenStackProviderSpec"] {
            assert!(ran.err.contains(part), "{part}: {ran:#?}");
        }
        let cluster = stand.cluster("out", "prod");
        stand.assert_assumes(&cluster, ("app", "app"), "prod-app-creds", true);
    });
}

/// `spec.cloudTokenPath` is ignored: the secret names a path at which the component has no token.
#[test]
fn ccoctl_trap_14_the_secret_names_the_requests_token_path() {
    under_both_names(|stand| {
        let own = request("own", "app", "s3:GetObject").replace(
            "  serviceAccountNames",
            "  cloudTokenPath: /var/run/secrets/own/token\n  serviceAccountNames",
        );
        stand.home.write("requests/own.yaml", own);
        stand.home.write("requests/usual.yaml", REQUEST);
        stand.create_all(&[]).succeeded();
        for (secret, path) in [
            ("own", "/var/run/secrets/own/token"),
            ("creds", "/var/run/secrets/openshift/serviceaccount/token"),
        ] {
            let manifest = stand.secret("app", secret);
            let line = format!("\n    web_identity_token_file = {path}\n");
            assert!(manifest.contains(&line), "{manifest}");
        }
    });
}

/// The trust policy has no condition on the audience: any that the provider accepts will do, whoever added it.
#[test]
fn ccoctl_trap_15_a_token_for_another_audience_is_refused() {
    under_both_names(|stand| {
        stand.home.write("requests/app.yaml", REQUEST);
        stand.create_all(&[]).succeeded();
        as_administrator(&stand.sandbox, async |administrator| {
            let provider =
                "arn:aws:iam::123456789012:oidc-provider/prod-oidc.s3.eu-west-1.amazonaws.com";
            let step = Step::AddClientId {
                provider: provider.parse().unwrap(),
                client_id: "vault".to_owned(),
            };
            administrator.apply(&step).await.unwrap();
        });
        let cluster = stand.cluster("out", "prod");
        for (audience, good) in [
            ("openshift", true),
            ("sts.amazonaws.com", true),
            ("vault", false),
        ] {
            let mut claims = cluster.claims("app", "app");
            claims.audiences = vec![audience.to_owned()];
            let answer = stand.assume(&cluster, &claims, "prod-app-creds");
            match answer {
                Ok(_) => assert!(good, "{audience}"),
                Err(error) => {
                    assert!(!good, "{audience}: {error}");
                    assert_eq!(error.code.as_deref(), Some("AccessDenied"), "{error}");
                }
            }
        }
    });
}
