//! Of several controllers, one acts.

use std::time::{Duration, Instant};

use podpass_testkit::ControlPlaneOptions;

use super::stand::{Stand, logged, logs, metric};
use crate::client::get;
use crate::stand::soon;

#[tokio::test(flavor = "multi_thread")]
async fn one_controller_acts_and_another_takes_over() {
    let Some(stand) = Stand::start(&ControlPlaneOptions::default(), &[]).await else {
        return;
    };
    let mut first = stand.controller(&[], &[]);
    let led = logs(&first, "Leading").await;
    let second = stand.controller(&[], &[]);
    let holder = stand.holder().await;
    assert!(led.to_string().contains(&holder), "{led} {holder}");
    // As ready as the first, so that a rollout goes on; and longer than the Lease would last unrenewed, it waits.
    for process in [&first, &second] {
        for path in ["/healthz", "/readyz"] {
            let answered = get(process.metrics_address(), false, path).await;
            assert_eq!(answered, (200, "ok".to_owned()));
        }
    }
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(stand.holder().await, holder);
    assert_eq!(logged(&second, "Leading").len(), 0);
    assert_eq!(metric(&first, "podpass_controller_leader").await, Some(1.0));
    assert_eq!(
        metric(&second, "podpass_controller_leader").await,
        Some(0.0)
    );

    // Killed, it says nothing: the other one waits for the Lease to run out.
    first.kill();
    let killed = Instant::now();
    logs(&second, "Leading").await;
    let waited = killed.elapsed();
    assert!(waited > Duration::from_secs(1), "{waited:?}");
    assert_ne!(stand.holder().await, holder);

    // Ended in order, it gives the Lease up first.
    let third = stand.controller(&[], &[]);
    second.terminate();
    logs(&second, "The Lease is free").await;
    logs(&third, "Leading").await;
    let mut second = second;
    assert_eq!(second.wait().code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_stood_still_for_too_long_leads_no_more() {
    let Some(stand) = Stand::start(&ControlPlaneOptions::default(), &[]).await else {
        return;
    };
    let first = stand.controller(&[], &[]);
    logs(&first, "Leading").await;
    let second = stand.controller(&[], &[]);
    first.pause();
    logs(&second, "Leading").await;
    let holder = stand.holder().await;
    first.resume();
    soon("the first one stops", async || {
        metric(&first, "podpass_controller_leader").await == Some(0.0)
    })
    .await;
    assert_eq!(logged(&first, "Leading").len(), 1);
    assert_eq!(stand.holder().await, holder);
    assert_eq!(
        metric(&second, "podpass_controller_leader").await,
        Some(1.0)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_loses_the_lease_stops() {
    let Some(stand) = Stand::start(&ControlPlaneOptions::default(), &[]).await else {
        return;
    };
    let controller = stand.controller(&[], &[]);
    logs(&controller, "Leading").await;
    // Somebody else takes it by force.
    let taken = serde_json::json!({
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": super::stand::CONTROLLER, "namespace": super::stand::NAMESPACE},
        "spec": {"holderIdentity": "thief", "leaseDurationSeconds": 3600},
    });
    stand.take(&taken);
    let lost = logs(&controller, "Leading no more: the Lease was taken").await;
    assert!(lost.to_string().contains("thief"), "{lost}");
    soon("it does not count as the leader", async || {
        metric(&controller, "podpass_controller_leader").await == Some(0.0)
    })
    .await;
}
