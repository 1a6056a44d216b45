//! `podpass status`, one fixture for each mode.

use podpass_testkit::{ControlPlaneOptions, Identity, foreign_clients, run};
use serde_json::{Value, json};

use crate::stand::{ISSUER, Stand, WEBHOOK};

fn cloud_credential(mode: &str) -> String {
    format!(
        "apiVersion: operator.openshift.io/v1\nkind: CloudCredential\nmetadata: {{name: cluster}}\nspec: \
         {{credentialsMode: '{mode}', managementState: Managed}}\n"
    )
}

fn root_secret(annotation: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: aws-creds\n  namespace: kube-system\n  annotations: \
         {{cloudcredential.openshift.io/mode: {annotation}}}\nstringData: {{aws_access_key_id: AKIAROOTROOTROOTROOT, \
         aws_secret_access_key: the-root-secret}}\n"
    )
}

fn openshift() -> ControlPlaneOptions {
    ControlPlaneOptions {
        openshift_kinds: true,
        ..ControlPlaneOptions::default()
    }
}

const INFRASTRUCTURE: &str = "\
apiVersion: config.openshift.io/v1
kind: Infrastructure
metadata: {name: cluster}
spec: {platformSpec: {type: AWS}}
";

const AUTHENTICATION: &str = "\
apiVersion: config.openshift.io/v1
kind: Authentication
metadata: {name: cluster}
spec: {serviceAccountIssuer: 'https://prod-oidc.s3.eu-west-1.amazonaws.com'}
";

/// OpenShift's status fields are the operators' to write.
fn install(stand: &Stand) {
    stand.apply(INFRASTRUCTURE);
    let status = json!({"status": {"platform": "AWS", "platformStatus": {"type": "AWS", "aws": {"region": "eu-west-1"}}}});
    stand.kubectl(&[
        "patch",
        "infrastructure",
        "cluster",
        "--subresource=status",
        "--type=merge",
        "-p",
        &status.to_string(),
    ]);
}

fn status(stand: &Stand) -> Value {
    let ran = stand.podpass(&["status", "-o", "json"]);
    ran.succeeded();
    assert!(
        !ran.out.contains("the-root-secret") && !ran.out.contains("AKIAROOT"),
        "{ran:#?}"
    );
    ran.json()
}

/// The fields that decided, with their values.
fn decided_by(status: &Value) -> Vec<(&str, &str)> {
    let evidence = status["decidedBy"].as_array().unwrap().iter();
    evidence
        .map(|one| {
            let value = one["value"].as_str().unwrap_or("(not there)");
            (one["field"].as_str().unwrap(), value)
        })
        .collect()
}

const MODE: &str = "spec.credentialsMode";
const ANNOTATION: &str = "metadata.annotations[cloudcredential.openshift.io/mode]";

#[tokio::test(flavor = "multi_thread")]
async fn seed_000_05_seed_000_06_seed_000_08_each_mode_and_why() {
    let Some(stand) = Stand::start(openshift()).await else {
        return;
    };
    install(&stand);

    let missing = status(&stand);
    assert_eq!(missing["mode"], "missing");

    // Document 000: the default, resolved by the root secret's annotation.
    stand.apply(&cloud_credential(""));
    let removed = status(&stand);
    assert_eq!(removed["mode"], "root-secret-missing");
    assert_eq!(
        decided_by(&removed),
        [(MODE, ""), (ANNOTATION, "(not there)")]
    );
    assert!(
        removed["meaning"].as_str().unwrap().contains("root secret"),
        "{removed}"
    );
    for (annotation, mode) in [
        ("mint", "mint"),
        ("passthrough", "passthrough"),
        ("insufficient", "insufficient"),
    ] {
        stand.apply(&root_secret(annotation));
        let found = status(&stand);
        assert_eq!(found["mode"], mode);
        assert_eq!(decided_by(&found), [(MODE, ""), (ANNOTATION, annotation)]);
        assert_eq!(found["decidedBy"][1]["object"], "secret/aws-creds");
        assert_eq!(found["decidedBy"][1]["namespace"], "kube-system");
        assert_eq!(found["credentialsMode"], "");
        assert_eq!(
            (&found["platform"], &found["region"]),
            (&json!("AWS"), &json!("eu-west-1"))
        );
    }

    for (named, mode) in [("Mint", "mint"), ("Passthrough", "passthrough")] {
        stand.apply(&cloud_credential(named));
        let found = status(&stand);
        assert_eq!(found["mode"], mode);
        assert_eq!(decided_by(&found), [(MODE, named)]);
        assert_eq!(found["credentialsMode"], named);
    }

    stand.kubectl(&["create", "namespace", "openshift-cloud-credential-operator"]);
    stand.kubectl(&[
        "create",
        "configmap",
        "cloud-credential-operator-config",
        "-n",
        "openshift-cloud-credential-operator",
        "--from-literal=disabled=true",
    ]);
    let conflict = status(&stand);
    assert_eq!(conflict["mode"], "conflict");
    assert_eq!(
        decided_by(&conflict),
        [(MODE, "Passthrough"), ("data.disabled", "true")]
    );

    // Document 004: manual, and manual with STS once the cluster has an issuer of its own.
    stand.apply(&cloud_credential("Manual"));
    let manual = status(&stand);
    assert_eq!(manual["mode"], "manual");
    stand.apply(AUTHENTICATION);
    let sts = status(&stand);
    assert_eq!(sts["mode"], "manual-sts");
    assert_eq!(
        decided_by(&sts),
        [(MODE, "Manual"), ("spec.serviceAccountIssuer", ISSUER)]
    );

    let page = stand.podpass(&["status"]);
    let page = page.succeeded();
    for part in [
        "manual-sts",
        "cloudcredential.operator.openshift.io/cluster: spec.credentialsMode is `Manual`",
        "authentication.config.openshift.io/cluster: spec.serviceAccountIssuer is `https://prod-oidc",
        "note[WEBHOOK_MISSING]",
    ] {
        assert!(page.contains(part), "missing {part:?} in {page}");
    }
    let names = stand.podpass(&["status", "-o", "name"]);
    assert_eq!(
        names.succeeded(),
        "cloudcredential.operator.openshift.io/cluster\n"
    );
    let yaml = stand.podpass(&["status", "-o", "yaml"]);
    assert!(
        yaml.succeeded().contains("\nmode: manual-sts\n"),
        "{yaml:#?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn seed_000_07_the_spec_is_shown_as_it_was_read() {
    let Some(stand) = Stand::start(openshift()).await else {
        return;
    };
    install(&stand);
    stand.apply(&cloud_credential(""));
    let levels = |found: &Value| [&found["logLevel"], &found["operatorLogLevel"]].map(Value::clone);
    let found = status(&stand);
    assert_eq!(found["credentialsMode"], "");
    // As `oc get cloudcredentials cluster -o jsonpath={.spec}` shows them in document 000.
    assert_eq!(levels(&found), ["Normal", "Normal"]);
    let louder = "credentialsMode: Mint, logLevel: Debug, operatorLogLevel: Trace";
    stand.apply(&cloud_credential("").replace("credentialsMode: ''", louder));
    let found = status(&stand);
    assert_eq!(found["credentialsMode"], "Mint");
    assert_eq!(levels(&found), ["Debug", "Trace"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn seed_000_18_the_clouds_side_of_a_cluster() {
    let Some(stand) = Stand::start(openshift()).await else {
        return;
    };
    install(&stand);
    stand.apply(&cloud_credential("Manual"));
    stand.apply(AUTHENTICATION);
    stand.apply(WEBHOOK);

    // Nobody's AWS: the rest is shown.
    let without = stand.podpass(&["status", "-o", "json"]);
    without.succeeded();
    let without = without.json();
    assert_eq!(without["mode"], "manual-sts");
    assert_eq!(without["aws"]["lookedAt"], false);
    assert!(
        without["aws"]["why"]
            .as_str()
            .unwrap()
            .contains("no AWS credentials"),
        "{without}"
    );
    let kid = without["issuer"]["keys"][0]["kid"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(without["issuer"]["signs"], ISSUER);
    assert_eq!(without["issuer"]["configured"], ISSUER);
    let webhook = &without["webhooks"][0];
    assert_eq!(webhook["configuration"], "pod-identity-webhook");
    assert_eq!(webhook["failurePolicy"], "Ignore");
    // It was asked for, so that it is missing is a failure.
    stand
        .podpass(&["status", "--aws"])
        .refused(3, &["AWS credentials"]);

    let provider = "arn:aws:iam::123456789012:oidc-provider/prod-oidc.s3.eu-west-1.amazonaws.com";
    let thumbprint = "9e99a48a9960b14926bb7f3b02e22da2b0ab7280";
    let Some(clients) = foreign_clients() else {
        return;
    };
    let mut aws = stand.sandbox.command(&stand.home, clients.join("bin/aws"));
    aws.args(["iam", "update-open-id-connect-provider-thumbprint"])
        .args(["--open-id-connect-provider-arn", provider])
        .args(["--thumbprint-list", thumbprint]);
    run(&mut aws).succeeded();
    let seen = stand.podpass_with_aws(&["status", "-o", "json"]);
    seen.succeeded();
    let seen = seen.json();
    let aws = &seen["aws"];
    assert_eq!(aws["provider"]["arn"], provider);
    assert_eq!(
        aws["provider"]["audiences"],
        json!(["openshift", "sts.amazonaws.com"])
    );
    let tags = json!({"openshift.io/cloud-credential-operator/prod": "owned", "Name": "prod"});
    assert_eq!(aws["provider"]["tags"], tags);
    assert_eq!(aws["provider"]["thumbprints"], json!([thumbprint]));
    assert_eq!(aws["clusterName"], "prod");
    assert_eq!(aws["bucket"]["name"], "prod-oidc");
    assert_eq!(aws["bucket"]["tags"], tags);
    let objects = aws["bucket"]["objects"].as_array().unwrap();
    let keys: Vec<&str> = objects
        .iter()
        .map(|object| object["key"].as_str().unwrap())
        .collect();
    assert_eq!(keys, [".well-known/openid-configuration", "keys.json"]);
    assert_eq!(
        aws["publishedKeys"],
        json!([{"kid": kid, "inCluster": true}])
    );
    assert_eq!(aws["roles"][0]["name"], "prod-irsa-test-irsa-test");
    assert_eq!(aws["roles"].as_array().unwrap().len(), 1);
    assert_eq!(aws["remarks"], json!([]));

    let page = stand.podpass_with_aws(&["status"]);
    let page = page.succeeded();
    for part in [
        provider,
        "openshift, sts.amazonaws.com",
        "ROLE",
        "prod-irsa-test-irsa-test",
        &kid,
    ] {
        assert!(page.contains(part), "missing {part:?} in {page}");
    }
    let names = stand.podpass_with_aws(&["status", "-o", "name"]);
    assert_eq!(
        names.succeeded(),
        "cloudcredential.operator.openshift.io/cluster\n\
         mutatingwebhookconfiguration.admissionregistration.k8s.io/pod-identity-webhook\n\
         oidc-provider/prod-oidc.s3.eu-west-1.amazonaws.com\nbucket/prod-oidc\nrole/prod-irsa-test-irsa-test\n"
    );
    let left_out = stand.podpass_with_aws(&["status", "--aws=false", "-o", "json"]);
    left_out.succeeded();
    assert_eq!(left_out.json()["aws"]["lookedAt"], false);

    tampered(&stand, &kid);
}

/// Another key is published instead of the cluster's.
fn tampered(stand: &Stand, kid: &str) {
    let other = stand.replace_published_keys();
    let seen = stand.podpass_with_aws(&["status", "-o", "json"]);
    seen.succeeded();
    let aws = &seen.json()["aws"];
    assert_eq!(aws["missingKeys"], json!([kid]));
    assert_eq!(
        aws["publishedKeys"],
        json!([{"kid": other, "inCluster": false}])
    );
    assert_eq!(aws["remarks"][0]["code"], "ISSUER_KEY_MISSING");
    assert!(
        aws["remarks"][0]["message"].as_str().unwrap().contains(kid),
        "{aws}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn outside_openshift_status_says_so_and_shows_the_rest() {
    let Some(stand) = Stand::start(ControlPlaneOptions::default()).await else {
        return;
    };
    let found = status(&stand);
    assert_eq!(found["mode"], "not-openshift");
    assert_eq!(found["issuer"]["signs"], ISSUER);
    assert_eq!(found["webhooks"], json!([]));
    assert_eq!(found["remarks"][0]["code"], "WEBHOOK_MISSING");
    let page = stand.podpass(&["status"]);
    assert!(page.succeeded().contains("CloudCredential"), "{page:#?}");

    // Whoever may not look is told what is missing, after what could be seen.
    stand.write_kubeconfig(
        "nobody",
        &Identity::User {
            name: "nobody".to_owned(),
            groups: Vec::new(),
        },
    );
    let refused = stand.podpass_as("nobody", &["status", "-o", "json"]);
    refused.refused(
        3,
        &[
            "`list` on `mutatingwebhookconfigurations.admissionregistration.k8s.io`",
            "/.well-known/openid-configuration",
        ],
    );
    let refused = refused.json();
    assert_eq!(refused["mode"], "not-openshift");
    assert_eq!(refused["webhooks"], Value::Null);

    stand
        .podpass_as("absent", &["status"])
        .refused(2, &["absent"]);
    let mut elsewhere = stand.command("admin", &["status", "--server", "https://127.0.0.1:1"]);
    podpass_testkit::run(&mut elsewhere).refused(1, &["https://127.0.0.1:1", "cannot be reached"]);
    stand.write_kubeconfig("expired", &Identity::Token("expired".to_owned()));
    stand
        .podpass_as("expired", &["status"])
        .refused(3, &["log in to the cluster again"]);
}
