//! Document 001, option 2: an annotated service account, and a pod into which the webhook injects its identity.

use podpass_testkit::{PodRunner, Ran};
use serde_json::{Value, json};

use crate::doc_001::{TRUST, in_namespace};
use crate::doc_001_config_file::{identities, session};
use crate::stand::{DENIED, Stand, WRONG_AUDIENCE};

/// The document's pod of option 2: nothing of AWS but the session's name and the region.
const PLAIN_POD: &str = include_str!("../documents/inputs/001-pod.yaml");

const ACCOUNT: &str = r#"apiVersion: v1
kind: ServiceAccount
metadata:
  name: sa-manual-sts
  namespace: manual-sts
  annotations:
    eks.amazonaws.com/role-arn: "arn:aws:iam::123456789012:role/poc-irsa-s3"
    # optional: Defaults to "sts.amazonaws.com" if not set
    eks.amazonaws.com/audience: "sts.amazonaws.com"
    # optional: When set to "true", adds AWS_STS_REGIONAL_ENDPOINTS env var
    # to containers
    eks.amazonaws.com/sts-regional-endpoints: "true"
    # optional: Defaults to 86400 for expirationSeconds if not set
    # Note: This value can be overwritten if specified in the pod
    # annotation as shown in the next step.
    eks.amazonaws.com/token-expiration: "86400"
"#;

#[tokio::test]
async fn seed_001_01_pod_calls_aws_as_podpass_binds_it() {
    let Some(mut stand) = Stand::on_shared("manual-sts").await else {
        return;
    };
    stand.webhook(&[]).await;
    stand.home.write(
        "s3.json",
        r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:List*", "Resource": "*"}]}"#,
    );
    let pod = in_namespace(&stand, PLAIN_POD);
    stand.home.write("pod.yaml", pod);
    let namespace = &stand.namespace;
    stand
        .shell(&format!(
            "podpass bind {namespace}/sa-manual-sts --policy s3.json --name demo --create
             aws s3 mb s3://fake1-buket"
        ))
        .succeeded();
    let runner = admitted(&stand).await;
    for identity in identities(&stand, &runner) {
        identity.said(&[&session(&format!("demo-{namespace}-sa-manual-sts"))]);
    }
    stand.in_pod(&runner, "aws s3 ls").said(&["fake1-buket"]);
}

#[tokio::test]
async fn seed_001_16_session_name_and_region_are_the_pods_own_or_injected() {
    let Some(mut stand) = Stand::on_shared("manual-sts").await else {
        return;
    };
    stand.webhook(&["--aws-default-region=eu-west-1"]).await;
    option_2(&stand);
    let name = stand.home.path("sa.yaml");
    let account = std::fs::read_to_string(&name).unwrap();
    let prefix = "  annotations:\n";
    stand.home.write(
        "sa.yaml",
        account.replace(
            prefix,
            &format!("{prefix}    podpass.dev/session-name: uid\n"),
        ),
    );
    stand.shell("oc apply -f sa.yaml").succeeded();
    // The document's pod sets both.
    let runner = admitted(&stand).await;
    for identity in identities(&stand, &runner) {
        identity.said(&[":assumed-role/poc-irsa-s3/manual-sts-session"]);
    }
    stand
        .in_pod(&runner, "echo $AWS_REGION")
        .said(&["us-east-1"]);
    // One that sets neither is called by its own uid, and has the cluster's region.
    let plain = std::fs::read_to_string(stand.home.path("pod.yaml")).unwrap();
    let (head, rest) = plain.split_once("    env:\n").unwrap();
    let (_, tail) = rest.split_once("  dnsPolicy").unwrap();
    stand
        .home
        .write("bare.yaml", format!("{head}  dnsPolicy{tail}"));
    let runner = stand.play_file("bare.yaml", "manual-sts").await;
    let uid = stand.shell(&format!(
        "kubectl get pod manual-sts --namespace {} -o jsonpath='{{.metadata.uid}}'",
        stand.namespace
    ));
    let uid = uid.succeeded().to_owned();
    for identity in identities(&stand, &runner) {
        identity.said(&[&format!(":assumed-role/poc-irsa-s3/{uid}")]);
    }
    stand
        .in_pod(&runner, "echo $AWS_REGION")
        .said(&["eu-west-1"]);
}

/// The Event for a bad value is not there yet; kubectl prints the webhook's warning.
#[tokio::test]
async fn partly_001_26_annotations_of_the_service_account_decide() {
    let Some(mut stand) = Stand::on_shared("manual-sts").await else {
        return;
    };
    stand.webhook(&[]).await;
    option_2(&stand);
    let runner = admitted(&stand).await;
    let environment: Vec<(&str, &str)> = runner
        .environment()
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .filter(|(name, _)| name.starts_with("AWS_") && !name.ends_with("_FILE"))
        .collect();
    assert_eq!(
        environment,
        [
            ("AWS_ROLE_SESSION_NAME", "manual-sts-session"),
            ("AWS_REGION", "us-east-1"),
            ("AWS_STS_REGIONAL_ENDPOINTS", "regional"),
            ("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/poc-irsa-s3"),
        ]
    );
    for identity in identities(&stand, &runner) {
        identity.said(&[&session("poc-irsa-s3")]);
    }

    let another = in_namespace(&stand, PLAIN_POD).replace("  name: manual-sts", "  name: another");
    stand.home.write("another.yaml", another);
    // Annotations, and the audience, lifetime and STS endpoint that come of them.
    for (annotations, audience, lifetime, regional) in [
        (&[][..], "sts.amazonaws.com", 86400, false),
        (&["audience: openshift"], "openshift", 86400, false),
        (
            &["token-expiration: \"1200\""],
            "sts.amazonaws.com",
            1200,
            false,
        ),
        (
            &["token-expiration: \"60\""],
            "sts.amazonaws.com",
            600,
            false,
        ),
        (
            &["token-expiration: soon"],
            "sts.amazonaws.com",
            86400,
            false,
        ),
        (
            &["sts-regional-endpoints: \"true\""],
            "sts.amazonaws.com",
            86400,
            true,
        ),
        (
            &["sts-regional-endpoints: \"false\""],
            "sts.amazonaws.com",
            86400,
            false,
        ),
        (
            &["sts-regional-endpoints: maybe"],
            "sts.amazonaws.com",
            86400,
            false,
        ),
    ] {
        let (head, _) = ACCOUNT.split_once("    # optional").unwrap();
        let tail: Vec<String> = annotations
            .iter()
            .map(|annotation| format!("    eks.amazonaws.com/{annotation}\n"))
            .collect();
        let account = in_namespace(&stand, head) + &tail.concat();
        stand.home.write("sa.yaml", account);
        stand.shell("oc apply -f sa.yaml").succeeded();
        let ran = stand.dry_run("another.yaml").await;
        let pod = ran.succeeded_json();
        let volumes = pod["spec"]["volumes"].as_array().unwrap();
        let volume = volumes
            .iter()
            .find(|volume| volume["name"] == "aws-iam-token");
        assert_eq!(
            volume.unwrap()["projected"]["sources"][0]["serviceAccountToken"],
            json!({"audience": audience, "expirationSeconds": lifetime, "path": "token"}),
            "{annotations:?}"
        );
        let printed = ran.out.contains("AWS_STS_REGIONAL_ENDPOINTS");
        assert_eq!(printed, regional, "{annotations:?}");
        if annotations.iter().any(|line| line.contains("soon")) {
            ran.said(&["TOKEN_EXPIRATION_INVALID"]);
        }
        if annotations.iter().any(|line| line.contains("maybe")) {
            ran.said(&["STS_REGIONAL_ENDPOINTS_INVALID"]);
        }
    }
}

/// The document's option 2: the other area makes the role; service account and pod are the cluster's.
pub(crate) fn option_2(stand: &Stand) {
    let issuer = stand.provider.split_once('/').unwrap().1;
    let trust = TRUST
        .replace("PROVIDER_ARN", &stand.provider)
        .replace("ISSUER", issuer)
        .replace("NAMESPACE", &stand.namespace);
    stand.home.write("trust.json", trust);
    stand.home.write("sa.yaml", in_namespace(stand, ACCOUNT));
    stand.home.write("pod.yaml", in_namespace(stand, PLAIN_POD));
    stand
        .shell(
            "aws iam create-role --role-name poc-irsa-s3 --assume-role-policy-document file://trust.json
             oc apply -f sa.yaml",
        )
        .succeeded();
}

/// The pod of `pod.yaml` as the webhook admits it.
pub(crate) async fn admitted(stand: &Stand) -> PodRunner {
    stand.play_file("pod.yaml", "manual-sts").await
}

#[tokio::test]
async fn seed_001_02_injected_identity_of_another_is_refused() {
    let Some(mut stand) = Stand::on_shared("manual-sts").await else {
        return;
    };
    stand.webhook(&[]).await;
    option_2(&stand);
    for (from, to, refusal) in [
        ("sa-manual-sts", "other", DENIED),
        (
            "audience: \"sts.amazonaws.com\"",
            "audience: sts.amazon.com",
            WRONG_AUDIENCE,
        ),
    ] {
        let account = in_namespace(&stand, ACCOUNT).replace(from, to);
        stand.home.write("sa.yaml", account);
        let pod = in_namespace(&stand, PLAIN_POD).replace(from, to);
        stand.home.write("pod.yaml", pod);
        stand.shell("oc apply -f sa.yaml").succeeded();
        let runner = admitted(&stand).await;
        for identity in identities(&stand, &runner) {
            identity.failed(&[refusal]);
        }
    }
}

/// The only container of a pod in JSON, and its volumes' names.
fn container(ran: &Ran) -> (Value, Vec<String>) {
    let mut pod = ran.succeeded_json();
    let volumes = pod["spec"]["volumes"].as_array().unwrap().iter();
    let names = volumes
        .map(|volume| volume["name"].as_str().unwrap().to_owned())
        .filter(|name| !name.starts_with("kube-api-access-"))
        .collect();
    (pod["spec"]["containers"][0].take(), names)
}

/// The names and values of a container's variables.
fn variables(container: &Value) -> Vec<(&str, &str)> {
    let variables = container["env"].as_array().unwrap().iter();
    variables
        .map(|variable| {
            let text = |key| variable[key].as_str().unwrap();
            (text("name"), text("value"))
        })
        .collect()
}

const ROLE: (&str, &str) = ("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/poc-irsa-s3");
const TOKEN_FILE: (&str, &str) = (
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "/var/run/secrets/eks.amazonaws.com/serviceaccount/token",
);

#[tokio::test]
async fn seed_001_27_injection_keeps_the_pods_own_region() {
    let Some(mut stand) = Stand::on_shared("manual-sts").await else {
        return;
    };
    stand.webhook(&["--aws-default-region=us-west-2"]).await;
    option_2(&stand);
    let (own, _) = container(&stand.dry_run("pod.yaml").await);
    let own = variables(&own);
    for variable in [("AWS_REGION", "us-east-1"), ROLE, TOKEN_FILE] {
        assert!(own.contains(&variable), "{own:?}");
    }
    assert!(
        own.iter().all(|(name, _)| *name != "AWS_DEFAULT_REGION"),
        "{own:?}"
    );

    let pod = in_namespace(&stand, PLAIN_POD)
        .replace("    - name: AWS_REGION\n      value: us-east-1\n", "");
    stand.home.write("pod.yaml", pod);
    let (none, _) = container(&stand.dry_run("pod.yaml").await);
    let none = variables(&none);
    for variable in [
        ("AWS_DEFAULT_REGION", "us-west-2"),
        ("AWS_REGION", "us-west-2"),
        ROLE,
        TOKEN_FILE,
    ] {
        assert!(none.contains(&variable), "{none:?}");
    }
}

#[tokio::test]
async fn seed_001_28_regional_endpoint_is_asked_by_annotation_or_flag() {
    let Some(mut stand) = Stand::on_shared("manual-sts").await else {
        return;
    };
    stand.webhook(&[]).await;
    option_2(&stand);
    let regional = ("AWS_STS_REGIONAL_ENDPOINTS", "regional");
    let (by_annotation, _) = container(&stand.dry_run("pod.yaml").await);
    assert!(variables(&by_annotation).contains(&regional));
    let account: Vec<&str> = ACCOUNT
        .lines()
        .filter(|line| !line.contains("sts-regional-endpoints:"))
        .collect();
    let account = in_namespace(&stand, &account.join("\n"));
    stand.home.write("sa.yaml", account);
    stand.shell("oc apply -f sa.yaml").succeeded();
    let (neither, _) = container(&stand.dry_run("pod.yaml").await);
    assert!(!variables(&neither).contains(&regional));
    stand.webhook(&["--sts-regional-endpoint"]).await;
    let (by_flag, _) = container(&stand.dry_run("pod.yaml").await);
    assert!(variables(&by_flag).contains(&regional));
}

#[tokio::test]
async fn seed_001_29_volume_that_is_there_is_not_mounted_twice() {
    let Some(mut stand) = Stand::on_shared("manual-sts").await else {
        return;
    };
    stand.webhook(&[]).await;
    option_2(&stand);
    let first = stand.dry_run("pod.yaml").await;
    // Somebody copies what the webhook made.
    stand.home.write("copied.json", first.succeeded());
    let second = stand.dry_run("copied.json").await;
    for ran in [first, second] {
        let (container, volumes) = container(&ran);
        assert_eq!(volumes, ["aws-iam-token"]);
        let mounts = container["volumeMounts"].as_array().unwrap().iter();
        let mounts = mounts.filter(|mount| mount["name"] == "aws-iam-token");
        assert_eq!(mounts.count(), 1);
    }
}
