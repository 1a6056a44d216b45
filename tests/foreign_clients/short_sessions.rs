//! Sessions that live for seconds: a client that refreshes does not notice.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::stand::{Stand, succeeded};

#[test]
fn boto3_refreshes_short_sessions_and_no_call_fails() {
    let Some(stand) = Stand::new() else { return };
    let cluster = stand.identity_provider();
    stand.role_by_cli("irsa-s3", "system:serviceaccount:irsa-test:irsa-test");
    stand.podpass(&["sandbox", "fault", "add", "session-life=2s"]);
    // Three tokens, each its own: the last second of `exp` tells them apart.
    let tokens: Vec<String> = (0..3)
        .map(|number| {
            let mut claims = cluster.claims("irsa-test", "irsa-test");
            claims.expires_at += number;
            let path = stand.home.path(&format!("token-{number}"));
            let path = cluster.write(path, &claims);
            path.to_str().unwrap().to_owned()
        })
        .collect();
    let script = stand
        .home
        .write("short_sessions.py", include_str!("short_sessions.py"));
    let mut python = stand.in_pod(stand.client("python"), "irsa-s3", &stand.home.path("token"));
    python.arg(script).arg("2").args(&tokens);
    let seen: Value = serde_json::from_str(&succeeded(&mut python)).unwrap();
    assert_eq!(seen["calls"], 3);
    assert!(seen["keys"].as_u64().unwrap() >= 3, "{seen}");
    // The fault bites: who keeps the first session is refused.
    assert_eq!(seen["refused"], "ExpiredToken");

    let events = stand.podpass(&["sandbox", "events", "-o", "json"]);
    let events: Value = serde_json::from_str(&events).unwrap();
    let items = events["items"].as_array().unwrap();
    let of_sts: Vec<&Value> = items
        .iter()
        .filter(|event| event["service"] == "sts")
        .collect();
    let denied: Vec<&&Value> = of_sts
        .iter()
        .filter(|event| event["decision"] != "allowed")
        .collect();
    // That of the client which does not refresh.
    assert_eq!(denied.len(), 1, "{denied:#?}");
    assert_eq!(denied[0]["reason"], "APP_NOT_REFRESHING");
    let mut expiries = BTreeSet::new();
    for event in of_sts
        .iter()
        .filter(|event| event["action"] == "AssumeRoleWithWebIdentity")
    {
        let id = event["id"].as_str().unwrap();
        let told = stand.podpass(&["explain", id, "-o", "json"]);
        let told: Value = serde_json::from_str(&told).unwrap();
        let steps = told["exchange"]["steps"].as_array().unwrap();
        let compared = steps
            .iter()
            .flat_map(|step| step["comparisons"].as_array().cloned().unwrap_or_default());
        expiries.extend(
            compared
                .filter(|comparison| comparison["what"] == "exp")
                .map(|comparison| comparison["actual"].to_string()),
        );
    }
    assert_eq!(
        expiries.len(),
        3,
        "all three tokens were exchanged: {expiries:?}"
    );
}
