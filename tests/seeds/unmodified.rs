//! Document 001's pod without any override of an endpoint: its program calls AWS's own hosts, and the sandbox's proxy
//! answers for them.

use std::collections::BTreeSet;

use podpass_testkit::{PodRunner, sdk_clients};
use serde_json::Value;

use crate::doc_001_annotations::{admitted, option_2};
use crate::doc_001_config_file::session;
use crate::stand::Stand;

const PROXY: [&str; 4] = ["--proxy-listen", "127.0.0.1:0", "--ca-out", "ca.pem"];

/// Reads and writes in one bucket, and lists all.
const ALLOWED: &str = r#"{
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"},
        {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": "arn:aws:s3:::ours.with.dots/*"}
    ]
}"#;

/// Calls for more than one session's life, and four times where calls take long; then who kept the first session is refused.
const CALLS: &str = r#"
end=$(($(date +%s) + 22))
set -- $(aws sts assume-role-with-web-identity --role-arn "$AWS_ROLE_ARN" --role-session-name first \
    --web-identity-token "$(cat "$AWS_WEB_IDENTITY_TOKEN_FILE")" --output text \
    --query 'Credentials.[AccessKeyId,SecretAccessKey,SessionToken]')
count=0
while [ "$(date +%s)" -lt "$end" ] || [ "$count" -lt 4 ]; do
    count=$((count + 1))
    aws sts get-caller-identity --query Arn --output text
    echo "number $count" | aws s3 cp --quiet - s3://ours.with.dots/object
    aws s3 cp --quiet s3://ours.with.dots/object -
done
env AWS_ACCESS_KEY_ID="$1" AWS_SECRET_ACCESS_KEY="$2" AWS_SESSION_TOKEN="$3" aws sts get-caller-identity
"#;

async fn stand() -> Option<Stand> {
    let mut stand = Stand::on_shared_with("manual-sts", &PROXY).await?;
    stand.webhook(&[]).await;
    option_2(&stand);
    stand.home.write("allowed.json", ALLOWED);
    stand
        .shell(
            "aws iam put-role-policy --role-name poc-irsa-s3 --policy-name s3 --policy-document file://allowed.json
             aws s3 mb s3://ours.with.dots --region us-east-1",
        )
        .succeeded();
    Some(stand)
}

#[tokio::test]
async fn the_aws_cli_with_no_override_refreshes_short_sessions_without_a_failed_call() {
    let Some(stand) = stand().await else {
        return;
    };
    stand
        .shell("podpass sandbox fault add session-life=20s")
        .succeeded();
    let shortest = std::fs::read_to_string(stand.home.path("sa.yaml")).unwrap();
    let shortest = shortest.replace("86400", "600");
    stand.home.write("sa.yaml", shortest);
    stand.shell("oc apply -f sa.yaml").succeeded();
    let pod = stand.created("pod.yaml").await;
    // A new token of TokenRequest every five seconds.
    let runner = PodRunner::refreshing_at(&stand.client(), &pod, "manual-sts", 5.0 / 600.0).await;
    // The process waits, and the tokens are refreshed beside it.
    let (stand, runner, ran) = tokio::task::spawn_blocking(move || {
        let ran = stand.in_proxied_pod(&runner, CALLS);
        (stand, runner, ran)
    })
    .await
    .unwrap();
    drop(runner);
    ran.failed(&["ExpiredToken"]);
    let identity = session("poc-irsa-s3");
    let identities = ran.out.lines().filter(|line| *line == identity).count();
    let numbers = (1..=identities).map(|number| format!("{identity}\nnumber {number}\n"));
    assert_eq!(ran.out, numbers.collect::<String>(), "{ran:#?}");
    assert!(identities >= 3, "{ran:#?}");

    let events = stand
        .shell("podpass sandbox events -o json")
        .succeeded_json();
    let mut expiries = BTreeSet::new();
    let mut refused = Vec::new();
    for event in events["items"].as_array().unwrap() {
        if event["decision"] != "allowed" {
            refused.push(event);
        }
        if event["action"] == "AssumeRoleWithWebIdentity" {
            let id = event["id"].as_str().unwrap();
            let told = stand.shell(&format!("podpass explain {id} -o json")).json();
            expiries.extend(presented(&told));
        }
    }
    assert!(expiries.len() >= 3, "tokens presented: {expiries:?}");
    // That of the client that kept the first session.
    assert_eq!(refused.len(), 1, "{refused:#?}");
    assert_eq!(refused[0]["reason"], "APP_NOT_REFRESHING");
}

/// The `exp` that was compared in an exchange.
fn presented(told: &Value) -> Option<String> {
    let steps = told["exchange"]["steps"].as_array()?;
    steps
        .iter()
        .flat_map(|step| step["comparisons"].as_array().into_iter().flatten())
        .find(|comparison| comparison["what"] == "exp")
        .map(|comparison| comparison["actual"].to_string())
}

/// Java is told of proxy and authority by properties. The SDK for JavaScript reads no variable of a proxy, and Rust's
/// refuses each URL of AWS behind one ("scheme is not http", aws-smithy-http-client 1.x).
#[tokio::test]
async fn programs_on_sdks_that_can_be_told_of_a_proxy_need_no_override() {
    let Some(stand) = stand().await else {
        return;
    };
    let runner = admitted(&stand).await;
    for (language, program) in sdk_clients() {
        let prepared = match language {
            "python" | "go" => "",
            "java" => JAVA,
            _ => continue,
        };
        let call = |words: &str| {
            let script = format!("{prepared}\n'{}' {words}", program.display());
            let ran = stand.in_proxied_pod(&runner, &script);
            ran.succeeded().trim_end().to_owned()
        };
        assert_eq!(call("identity"), session("poc-irsa-s3"), "{language}");
        assert_eq!(call("buckets"), "ours.with.dots", "{language}");
        call(&format!("put ours.with.dots {language} text"));
        assert_eq!(call(&format!("get ours.with.dots {language}")), "text");
    }
}

const JAVA: &str = r#"
test -e trust.p12 || keytool -importcert -noprompt -keystore trust.p12 -storepass changeit -file "$SSL_CERT_FILE" >&2
trust="-Djavax.net.ssl.trustStore=trust.p12 -Djavax.net.ssl.trustStorePassword=changeit"
export JAVA_TOOL_OPTIONS="$trust -Dhttps.proxyHost=127.0.0.1 -Dhttps.proxyPort=${HTTPS_PROXY##*:}"
"#;
