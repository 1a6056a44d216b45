//! Replicas are replaced while pods come: none is refused, and none comes without its identity.

use std::net::TcpListener;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use podpass_testkit::WebhookProcess;

use crate::stand::{ROLE, Stand, is_injected, pod_as, soon};

/// Ports that are free now, for replicas that come back where they were.
fn ports() -> [u16; 2] {
    let listeners = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    listeners.map(|listener| listener.local_addr().unwrap().port())
}

#[tokio::test(flavor = "multi_thread")]
async fn thousand_accounts_and_pods_while_replicas_restart() {
    const PAIRS: usize = 1_000;
    let Some(stand) = Stand::start().await else {
        return;
    };
    let start = |[port, metrics]: [u16; 2]| {
        let (port, metrics) = (
            format!("--port={port}"),
            format!("--metrics-port={metrics}"),
        );
        stand.replica(&[&port, &metrics, "--shutdown-delay=1s"])
    };
    let places = [ports(), ports()];
    let mut replicas: Vec<WebhookProcess> = places.map(start).into();
    let balancer = stand
        .register(&replicas.iter().collect::<Vec<_>>(), "Fail")
        .await;
    stand.until_called().await;
    let done = AtomicBool::new(false);
    let restarts = async {
        let mut number = 0;
        while !done.load(Ordering::Relaxed) {
            let index = number % 2;
            replicas[index].terminate();
            let code = replicas[index].wait_while_running().await;
            assert_eq!(code, Some(0));
            replicas[index] = start(places[index]);
            soon("both are ready again", async || balancer.ready().len() == 2).await;
            number += 1;
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        number
    };
    let stream = async {
        for number in 0..PAIRS {
            let name = format!("app-{number}");
            stand.account(&name, ROLE).await;
            let pod = stand.create(&pod_as(&name, &name)).await;
            assert!(is_injected(&pod), "{name}");
        }
        done.store(true, Ordering::Relaxed);
    };
    let (restarts, ()) = tokio::join!(restarts, stream);
    assert!(restarts >= 4, "only {restarts} restarts");
}
