//! `podpass inject`.

use std::path::Path;
use std::process::Command;

use podpass_testkit::Home;
use serde_json::Value;

use crate::stand::{PODPASS, run};

const SERVICE_ACCOUNT: &str = "\
apiVersion: v1
kind: ServiceAccount
metadata:
  name: irsa-test
  namespace: irsa-test
  annotations:
    eks.amazonaws.com/role-arn: \"arn:aws:iam::123456789012:role/irsa-s3\"
";

const POD: &str = "\
apiVersion: v1
kind: Pod
metadata:
  name: aws
  namespace: irsa-test
spec:
  serviceAccountName: irsa-test
  futureField: {kept: true}
  containers:
    - name: aws
      image: amazon/aws-cli:2.13.11
      env:
      - {name: HOME, value: /tmp}
      - {name: ANSWER, value: \"yes\"}
";

/// `podpass inject` with these two files.
fn inject(home: &Home, pod: &Path, account: &Path) -> Command {
    let mut command = home.command(PODPASS);
    command.args(["inject", "-f"]).arg(pod);
    command.arg("--service-account").arg(account);
    command
}

#[test]
fn yaml_is_what_document_000_prints_and_can_be_injected_again() {
    let home = Home::new();
    let (pod, account) = (
        home.write("pod.yaml", POD),
        home.write("sa.yaml", SERVICE_ACCOUNT),
    );
    let ran = run(&mut inject(&home, &pod, &account));
    let out = ran.succeeded().to_owned();
    for expected in [
        "name: AWS_ROLE_ARN",
        "value: arn:aws:iam::123456789012:role/irsa-s3",
        "value: /var/run/secrets/eks.amazonaws.com/serviceaccount/token",
        "audience: sts.amazonaws.com",
        "expirationSeconds: 86400",
        "name: aws-iam-token",
        "futureField:",
        "value: \"yes\"",
    ] {
        assert!(out.contains(expected), "missing {expected:?} in:\n{out}");
    }
    let again = home.write("again.yaml", &out);
    let ran = run(&mut inject(&home, &again, &account));
    assert_eq!(
        ran.succeeded(),
        out,
        "the second injection changed something"
    );
    let patch = run(home
        .command(PODPASS)
        .args(["inject", "-o", "patch", "-f"])
        .arg(&again)
        .arg("--service-account")
        .arg(&account));
    assert_eq!(patch.succeeded().trim(), "[]");
}

#[test]
fn patch_holds_only_additions() {
    let home = Home::new();
    let (pod, account) = (
        home.write("pod.yaml", POD),
        home.write("sa.yaml", SERVICE_ACCOUNT),
    );
    let ran = run(home
        .command(PODPASS)
        .args(["inject", "-o", "patch", "-f"])
        .arg(&pod)
        .arg("--service-account")
        .arg(&account));
    let patch: Value = serde_json::from_str(ran.succeeded()).unwrap();
    let operations = patch.as_array().unwrap();
    assert!(!operations.is_empty());
    assert!(
        operations.iter().all(|operation| operation["op"] == "add"),
        "{patch}"
    );
}

#[test]
fn other_documents_of_the_file_pass_unchanged() {
    let home = Home::new();
    let both = format!(
        "{POD}---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: other\ndata:\n  key: value\n"
    );
    let (pod, account) = (
        home.write("pod.yaml", both),
        home.write("sa.yaml", SERVICE_ACCOUNT),
    );
    let ran = run(&mut inject(&home, &pod, &account));
    let out = ran.succeeded();
    assert!(
        out.contains("kind: ConfigMap") && out.contains("\n---\n") && out.contains("AWS_ROLE_ARN"),
        "{out}"
    );
}

#[test]
fn service_account_without_annotation_leaves_the_pod_alone_and_says_so() {
    let home = Home::new();
    let plain =
        "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: irsa-test, namespace: irsa-test}\n";
    let (pod, account) = (home.write("pod.yaml", POD), home.write("sa.yaml", plain));
    let ran = run(&mut inject(&home, &pod, &account));
    assert!(!ran.succeeded().contains("AWS_ROLE_ARN"));
    assert!(
        ran.err.contains("NO_ROLE_ANNOTATION") && ran.err.contains("irsa-test"),
        "{ran:#?}"
    );
}

#[test]
fn bad_manifests_are_refused_with_line_and_column() {
    let home = Home::new();
    let (pod, account) = (
        home.write("pod.yaml", POD),
        home.write("sa.yaml", SERVICE_ACCOUNT),
    );
    let other = SERVICE_ACCOUNT.replace("name: irsa-test", "name: other");
    for (name, content, is_pod, parts) in [
        (
            "tab.yaml",
            "apiVersion: v1\nkind: Pod\nmetadata:\n\tname: x\n",
            true,
            vec!["tab.yaml:4:2"],
        ),
        (
            "twice.yaml",
            "apiVersion: v1\nkind: Pod\nkind: Pod\n",
            true,
            vec!["twice.yaml:3:1", "kind"],
        ),
        (
            "none.yaml",
            "apiVersion: v1\nkind: ConfigMap\n",
            true,
            vec!["none.yaml", "Pod"],
        ),
        ("empty.yaml", "", true, vec!["empty.yaml"]),
        (
            "notsa.yaml",
            "apiVersion: v1\nkind: Pod\nmetadata: {name: x}\n",
            false,
            vec!["notsa.yaml", "ServiceAccount"],
        ),
        ("other.yaml", &other, false, vec!["other", "irsa-test"]),
    ] {
        let bad = home.write(name, content);
        let (pod, account) = if is_pod {
            (&bad, &account)
        } else {
            (&pod, &bad)
        };
        let ran = run(home
            .command(PODPASS)
            .args(["inject", "-f"])
            .arg(pod)
            .arg("--service-account")
            .arg(account));
        ran.refused(2, &parts);
        assert!(ran.out.is_empty(), "{ran:#?}");
    }
}

const NO_ROLE: &str = "\
apiVersion: v1
kind: ServiceAccount
metadata: {name: irsa-test, namespace: irsa-test}
";

#[test]
fn role_of_the_config_map_is_injected_and_unusable_entries_are_named() {
    let home = Home::new();
    let (pod, account) = (home.write("pod.yaml", POD), home.write("sa.yaml", NO_ROLE));
    let map = home.write(
        "map.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: pod-identity-webhook}\ndata:\n  config: |\n    \
         {\"irsa-test/irsa-test\": {\"RoleARN\": \"arn:aws:iam::123456789012:role/mapped\"}, \"noslash\": {},\n     \
         \"test-*/sa\": {\"RoleARN\": \"arn:aws:iam::123456789012:role/glob\"}}\n",
    );
    let inject =
        |map: &std::path::Path| run(inject(&home, &pod, &account).arg("--config-map").arg(map));
    let ran = inject(&map);
    assert!(ran.succeeded().contains("role/mapped"), "{ran:#?}");
    assert!(ran.err.contains("entry `noslash` is left out"), "{ran:#?}");
    let glob = "entry `test-*/sa` is left out: `*` stands only for the namespace as a whole";
    assert!(ran.err.contains(glob), "{ran:#?}");
    let wrong = home.write(
        "wrong.yaml",
        "apiVersion: v1\nkind: ConfigMap\ndata: {config: '{\"a/b\": {\"RoleARN\": 5}}'}\n",
    );
    inject(&wrong).refused(2, &["`a/b.RoleARN` is not text", "wrong.yaml"]);
}

#[test]
fn container_credentials_are_injected_for_the_accounts_of_the_file() {
    let home = Home::new();
    let (pod, account) = (
        home.write("pod.yaml", POD),
        home.write("sa.yaml", SERVICE_ACCOUNT),
    );
    let file = home.write(
        "identities.json",
        r#"{"identities": [{"namespace": "irsa-test", "serviceAccount": "irsa-test"}]}"#,
    );
    let ran = run(inject(&home, &pod, &account)
        .arg("--container-credentials-config")
        .arg(&file));
    let out = ran.succeeded();
    for expected in [
        "eks.amazonaws.com/pod-identity: enabled",
        "name: AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "value: http://169.254.170.23/v1/credentials",
        "audience: pods.eks.amazonaws.com",
    ] {
        assert!(out.contains(expected), "missing {expected:?} in:\n{out}");
    }
    assert!(!out.contains("AWS_ROLE_ARN"), "{out}");
}

#[test]
fn role_name_is_composed_in_the_partition_of_the_region() {
    let home = Home::new();
    let bare = SERVICE_ACCOUNT.replace("arn:aws:iam::123456789012:role/", "");
    let (pod, account) = (home.write("pod.yaml", POD), home.write("sa.yaml", &bare));
    let ran = run(inject(&home, &pod, &account)
        .args(["--compose-role-arn", "123456789012"])
        .args(["--aws-default-region", "eusc-de-east-1"]));
    let out = ran.succeeded();
    assert!(
        out.contains("value: arn:aws-eusc:iam::123456789012:role/irsa-s3"),
        "{out}"
    );
}

#[test]
fn webhook_flags_that_the_peer_does_not_know_are_taken() {
    let home = Home::new();
    let bare = SERVICE_ACCOUNT.replace("arn:aws:iam::123456789012:role/", "");
    let (pod, account) = (home.write("pod.yaml", POD), home.write("sa.yaml", &bare));
    let inject = |flags: &[&str]| run(inject(&home, &pod, &account).args(flags));
    let url = "http://sandbox.podpass.svc:4566";
    let ran = inject(&[
        "--irsa-expiration-jitter",
        "--aws-account-id=123456789012",
        "--aws-partition=aws-us-gov",
        "--inject-endpoint-url",
        url,
    ]);
    let out = ran.succeeded();
    for expected in [
        "value: arn:aws-us-gov:iam::123456789012:role/irsa-s3".to_owned(),
        format!("- name: AWS_ENDPOINT_URL\n      value: {url}\n"),
    ] {
        assert!(out.contains(&expected), "missing {expected:?} in:\n{out}");
    }
    inject(&["--inject-endpoint-url", "sandbox:4566"]).refused(
        2,
        &["`sandbox:4566`", "it has no scheme", "http://HOST:PORT"],
    );
}

/// A Job's template needs no metadata, and a chain of roles is written to an annotation.
#[test]
fn a_template_without_metadata_is_annotated() {
    let home = Home::new();
    let job = "apiVersion: batch/v1\nkind: Job\nmetadata: {name: once, namespace: irsa-test}\nspec:\n  template:\n    spec:\n      \
               serviceAccountName: irsa-test\n      containers: [{name: once}]\n";
    let chain = "    podpass.dev/assume-role-chain: arn:aws:iam::210987654321:role/target\n    \
                 podpass.dev/session-name: name\n";
    let account = format!("{SERVICE_ACCOUNT}{chain}");
    let (job, account) = (home.write("job.yaml", job), home.write("sa.yaml", account));
    let ran = run(&mut inject(&home, &job, &account));
    let out = ran.succeeded();
    assert!(out.contains("podpass.dev/aws-config: |"), "{out}");
    // The Job's controller generates the names of its pods, and they fit.
    assert!(out.contains("fieldPath: metadata.name"), "{out}");
    assert!(!out.contains("generateName"), "{out}");
    assert_eq!(ran.err, "");
}
