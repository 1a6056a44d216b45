//! Sessions of twenty seconds: five SDKs and the AWS CLI go on through several of them, and through several tokens of the
//! real TokenRequest, and no call fails.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use podpass_sandbox::{EventSummary, Verdict};
use podpass_testkit::sdk_clients;
use serde_json::Value;

use crate::doc_001_annotations::{admitted, option_2};
use crate::stand::Stand;

const LIFE: Duration = Duration::from_secs(20);

/// How often the pod gets another token, and how many after its first.
const SWAP: Duration = Duration::from_secs(12);
const SWAPS: u32 = 4;

/// The AWS CLI, for as long as the programs of `testclients/` do the same.
const CLI: &str = r#"
    end=$(($(date +%s) + SECONDS_TO_RUN))
    while [ "$(date +%s)" -lt "$end" ]; do
        put=$(date +%s%N)
        echo "$put" | aws s3 cp - s3://ours/cli
        test "$(aws s3 cp s3://ours/cli -)" = "$put"
        sleep 1
    done"#;

#[tokio::test]
async fn six_clients_outlive_short_sessions_and_no_call_fails() {
    let Some(mut stand) = Stand::on_shared("manual-sts").await else {
        return;
    };
    stand.webhook(&[]).await;
    option_2(&stand);
    let seconds = (SWAP * (SWAPS + 1)).as_secs();
    assert!(seconds >= 3 * LIFE.as_secs());
    let mut scripts = vec![("cli", CLI.replace("SECONDS_TO_RUN", &seconds.to_string()))];
    for (language, program) in sdk_clients() {
        let program = program.display();
        scripts.push((
            language,
            format!("'{program}' loop ours {language} {seconds}"),
        ));
    }
    let allowed = r#"{"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": "arn:aws:s3:::ours/*"}]}"#;
    stand.home.write("allowed.json", allowed);
    // A role each, by which the events tell the clients apart.
    for (name, _) in &scripts {
        stand
            .shell(&format!(
                "aws iam create-role --role-name of-{name} --assume-role-policy-document file://trust.json
                 aws iam put-role-policy --role-name of-{name} --policy-name s3 --policy-document file://allowed.json"
            ))
            .succeeded();
    }
    stand
        .shell(&format!(
            "aws s3 mb s3://ours --region us-east-1
             podpass sandbox fault add session-life={}s",
            LIFE.as_secs()
        ))
        .succeeded();
    let runner = Arc::new(admitted(&stand).await);
    let stand = Arc::new(stand);
    let before = stand.control().events(None, Some(1)).await.unwrap().cursor;

    let running: Vec<_> = scripts
        .iter()
        .map(|(name, script)| {
            let (stand, runner) = (Arc::clone(&stand), Arc::clone(&runner));
            let script =
                format!("export AWS_ROLE_ARN=arn:aws:iam::123456789012:role/of-{name}\n{script}");
            tokio::task::spawn_blocking(move || stand.in_pod(&runner, &script))
        })
        .collect();
    for _ in 0..SWAPS {
        tokio::time::sleep(SWAP).await;
        runner.refresh().await.unwrap();
    }
    for ((name, _), client) in scripts.iter().zip(running) {
        let ran = client.await.unwrap();
        assert_eq!(ran.code, 0, "{name}: {ran:#?}");
    }

    let seen = Seen::after(&stand, before).await;
    assert_eq!(seen.failed, [], "a call failed");
    for (name, _) in scripts {
        let role = format!("of-{name}");
        let tokens = seen.tokens.get(&role).map_or(0, BTreeSet::len);
        let sessions = seen.exchanges.get(&role).copied().unwrap_or_default();
        let calls = |action: &str| seen.calls.get(&(role.clone(), action.to_owned())).copied();
        assert!(tokens >= 3, "{name} presented {tokens} tokens");
        assert!(sessions >= 3, "{name} had {sessions} sessions");
        for action in ["PutObject", "GetObject"] {
            assert!(
                calls(action) >= Some(10),
                "{name}: {:?} of {action}",
                calls(action)
            );
        }
    }
}

/// What the sandbox recorded of the clients, by the role that each has.
#[derive(Default)]
struct Seen {
    /// The ends of the tokens that were exchanged; no two tokens of a pod have the same.
    tokens: BTreeMap<String, BTreeSet<String>>,
    exchanges: BTreeMap<String, usize>,
    /// By role and action.
    calls: BTreeMap<(String, String), usize>,
    failed: Vec<EventSummary>,
}

impl Seen {
    async fn after(stand: &Stand, mut cursor: u64) -> Self {
        let control = stand.control();
        let mut seen = Self::default();
        loop {
            let page = control.events(Some(cursor), None).await.unwrap();
            assert_eq!(page.missed, 0);
            cursor = page.cursor;
            for event in page.events {
                if event.decision != Verdict::Allowed {
                    seen.failed.push(event);
                } else if event.action == "AssumeRoleWithWebIdentity" {
                    let told = control.event(event.id).await.unwrap();
                    let arn = event.resource.unwrap();
                    let role = arn.rsplit('/').next().unwrap().to_owned();
                    *seen.exchanges.entry(role.clone()).or_default() += 1;
                    let tokens = seen.tokens.entry(role).or_default();
                    tokens.extend(ends(&told.exchange));
                } else if let Some(session) = event.principal.split_once(":assumed-role/") {
                    let role = session.1.split('/').next().unwrap().to_owned();
                    *seen.calls.entry((role, event.action)).or_default() += 1;
                }
            }
            if !page.more {
                return seen;
            }
        }
    }
}

/// What an exchange found for `exp`.
fn ends(exchange: &Value) -> Option<String> {
    let steps = exchange["steps"].as_array()?;
    let mut compared = steps
        .iter()
        .filter_map(|step| step["comparisons"].as_array());
    let end = compared
        .by_ref()
        .flatten()
        .find(|one| one["what"] == "exp")?;
    end["actual"].as_str().map(str::to_owned)
}
