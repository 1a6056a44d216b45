//! The serving certificate without cert-manager: made, kept, renewed under load, and left alone where it is another's.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use http::Method;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, PostParams};
use podpass_testkit::{ControlPlaneOptions, WebhookProcess, eventually};
use serde_json::{Value, json};

use super::stand::{NAMESPACE, Stand, WEBHOOK, logged, logs, metric};
use crate::client::{get, send_body, shown_certificate};
use crate::stand::{is_injected, pod_as, soon};

/// Long enough for a renewal of a certificate of one minute, on a busy machine.
const RENEWED: Duration = Duration::from_secs(150);

fn count(pem: &str) -> usize {
    pem.matches("-----BEGIN CERTIFICATE-----").count()
}

fn members(secret: &Value) -> Vec<String> {
    let members = secret.as_object().into_iter().flatten();
    members.map(|(name, _)| name.clone()).collect()
}

async fn ready(balancer: &podpass_testkit::Balancer, replicas: usize) {
    soon("all replicas are ready", async || {
        balancer.ready().len() == replicas
    })
    .await;
}

/// Waits until a pod of the namespace `app` gets its identity: the API server takes up a change within a moment.
async fn until_called(stand: &Stand) {
    let pods = stand.pods("app");
    let dry_run = PostParams {
        dry_run: true,
        ..PostParams::default()
    };
    soon("the API server calls the webhook", async || {
        let created = pods.create(&dry_run, &pod_as("probe", "app")).await;
        created.is_ok_and(|pod| is_injected(&pod))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_install_without_cert_manager_works_at_once() {
    let flags = ["--failure-policy=Fail"];
    let Some(stand) = Stand::start(&ControlPlaneOptions::default(), &flags).await else {
        return;
    };
    stand.app_namespace("app").await;
    let replicas = [stand.replica(), stand.replica()];
    let replicas = [&replicas[0], &replicas[1]];
    let balancer = stand.balance(&replicas).await;
    assert_eq!(stand.bundle().await, "");
    assert_eq!(balancer.ready(), []);
    let controller = stand.controller(&replicas, &[]);
    ready(&balancer, 2).await;
    until_called(&stand).await;

    // The authority's key is nowhere, and nothing but the certificate was written.
    let secret = stand.secret().await;
    assert_eq!(members(&secret), ["ca.crt", "tls.crt", "tls.key"]);
    let authority = stand.member("ca.crt").await;
    assert_eq!(stand.bundle().await, authority);
    assert_eq!(count(&authority), 1);
    assert_eq!(
        stand.written("secret", WEBHOOK),
        json!({"f:data": {
            ".": {}, "f:ca.crt": {}, "f:tls.crt": {}, "f:tls.key": {},
        }})
    );
    let entry = "k:{\"name\":\"pod-identity-webhook.podpass.dev\"}";
    assert_eq!(
        stand.written("mutatingwebhookconfiguration", WEBHOOK),
        json!({"f:webhooks": {entry: {"f:clientConfig": {"f:caBundle": {}}}}})
    );
    let expiry = metric(
        &controller,
        "podpass_secret_certificate_expiry_timestamp_seconds",
    )
    .await;
    let days = (expiry.unwrap() - now()) / 86_400.0;
    assert!((89.9..90.1).contains(&days), "{days}");
    soon("the canary passes", async || {
        metric(&controller, "podpass_canary_success").await == Some(1.0)
    })
    .await;

    // Whoever empties or spoils the bundle: it is mended, and the certificate stays.
    let at = "/webhooks/0/clientConfig/caBundle";
    let spoil = json!([{"op": "remove", "path": at}]);
    stand.patch("mutatingwebhookconfiguration", WEBHOOK, "json", &spoil);
    soon("the bundle is mended", async || {
        stand.bundle().await == authority
    })
    .await;
    // And the manifests can be applied again.
    stand.apply(&stand.manifests(&flags)[..1]);
    assert_eq!(stand.secret().await, secret);
    let log = format!("{:?}", controller.log());
    assert!(!log.contains("PRIVATE KEY"));
    have_what_is_monitored(replicas[0], &controller).await;
}

/// The metrics that alerts and dashboard name are on the pages of those that they are said to be of.
async fn have_what_is_monitored(webhook: &WebhookProcess, controller: &WebhookProcess) {
    // The API server keeps to one of the replicas: this one is asked here.
    let review = json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": "1",
            "namespace": "app",
            "object": pod_as("monitored", "app"),
        },
    });
    let review = review.to_string();
    let kind = "application/json";
    let answer = send_body(webhook.address(), Method::POST, "/mutate", kind, &review).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let page = async |process: &WebhookProcess| {
        let (_, page) = get(process.metrics_address(), false, "/metrics").await;
        page
    };
    let (of_webhook, of_controller) = (page(webhook).await, page(controller).await);
    for line in include_str!("../../../crates/manifests/tests/metrics.txt").lines() {
        let (metric, owner) = line.split_once(' ').unwrap();
        let page = match owner {
            "webhook" => &of_webhook,
            "controller" => &of_controller,
            _ => continue,
        };
        let has = page.lines().any(|line| {
            let rest = line.strip_prefix(metric);
            rest.is_some_and(|rest| rest.starts_with([' ', '{']))
        });
        assert!(has, "{owner} has no {metric}: {page}");
    }
}

fn now() -> f64 {
    let since = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
    since.as_secs_f64()
}

/// Creates pods one after another until told to stop; how many got their identity, and what went wrong.
async fn load(pods: Api<Pod>, stop: Arc<AtomicBool>, made: Arc<AtomicUsize>) -> Vec<String> {
    let mut wrong = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let name = format!("load-{}", made.fetch_add(1, Ordering::Relaxed));
        match pods
            .create(&PostParams::default(), &pod_as(&name, "app"))
            .await
        {
            Ok(pod) if is_injected(&pod) => {}
            Ok(_) => wrong.push(format!("{name} was not injected")),
            Err(error) => wrong.push(format!("{name}: {error}")),
        }
    }
    wrong
}

#[tokio::test(flavor = "multi_thread")]
async fn the_authority_changes_under_load_and_under_another_leader() {
    let flags = ["--failure-policy=Fail"];
    let Some(stand) = Stand::start(&ControlPlaneOptions::default(), &flags).await else {
        return;
    };
    stand.app_namespace("app").await;
    let replicas = [stand.replica(), stand.replica()];
    let replicas = [&replicas[0], &replicas[1]];
    let balancer = stand.balance(&replicas).await;
    let arguments = ["--certificate-lifetime=1m", "--canary-period=6s"];
    let mut first = stand.controller(&replicas, &arguments);
    logs(&first, "Leading").await;
    let second = stand.controller(&replicas, &arguments);
    ready(&balancer, 2).await;
    until_called(&stand).await;
    let old = (stand.member("ca.crt").await, stand.member("tls.crt").await);

    let (stop, made) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicUsize::new(0)),
    );
    let loaders: Vec<_> = (0..2)
        .map(|_| {
            tokio::spawn(load(
                stand.pods("app"),
                Arc::clone(&stop),
                Arc::clone(&made),
            ))
        })
        .collect();
    // The old authority stays beside the new one, and the old certificate is served, while the canary has to pass.
    let next = eventually("the new certificate is prepared", RENEWED, async || {
        let bundle = stand.bundle().await;
        (count(&bundle) == 2).then_some(bundle)
    })
    .await;
    assert!(next.contains(&old.0));
    assert_eq!(stand.member("tls.crt").await, old.1);
    let prepared = stand.member("next.crt").await;
    assert_eq!(count(&prepared), 1);
    // Half-way its leader dies; the next one goes on with what is there.
    first.kill();
    eventually("the old authority is dropped", RENEWED, async || {
        let bundle = stand.bundle().await;
        (count(&bundle) == 1 && bundle != old.0).then_some(())
    })
    .await;
    assert_eq!(stand.member("tls.crt").await, prepared);
    assert_eq!(stand.bundle().await, stand.member("ca.crt").await);
    for replica in replicas {
        assert_eq!(shown_certificate(replica.address()).await, der(&prepared));
    }
    assert_eq!(
        logged(&second, "Replicas are given the new serving certificate").len(),
        1
    );
    stop.store(true, Ordering::Relaxed);
    for loader in loaders {
        assert_eq!(loader.await.unwrap(), Vec::<String>::new());
    }
    assert!(made.load(Ordering::Relaxed) > 100, "{made:?}");
}

fn der(pem: &str) -> Vec<u8> {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject as _;
    CertificateDer::from_pem_slice(pem.as_bytes())
        .unwrap()
        .to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_policy_nothing_is_renewed_until_it_has_to_be() {
    let Some(stand) = Stand::start(&ControlPlaneOptions::default(), &[]).await else {
        return;
    };
    let replica = stand.replica();
    let balancer = stand.balance(&[&replica]).await;
    let binding = json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": "podpass-canary-dry-run-only"},
    });
    stand.delete(&binding);
    let controller = stand.controller(&[&replica], &["--certificate-lifetime=1m"]);
    ready(&balancer, 1).await;
    logs(
        &controller,
        "No pod is evicted and no certificate is renewed",
    )
    .await;
    let first = stand.secret().await;
    // Past two thirds of its life, and before its end.
    tokio::time::sleep(Duration::from_secs(48)).await;
    assert_eq!(stand.secret().await, first);
    assert_eq!(
        metric(&controller, "podpass_canary_success").await,
        Some(0.0)
    );
    eventually("what has expired is replaced", RENEWED, async || {
        (stand.secret().await != first).then_some(())
    })
    .await;
    let said = logged(
        &controller,
        "No pod is evicted and no certificate is renewed",
    );
    assert_eq!(said.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_keeps_is_left_alone() {
    let Some(stand) = Stand::start(&ControlPlaneOptions::default(), &[]).await else {
        return;
    };
    let data = json!({"tls.crt": "eA==", "tls.key": "eA==", "ca.crt": "eA=="});
    let without_authority = json!({"tls.crt": "eA==", "tls.key": "eA=="});
    let left_alone = "Certificate and caBundle are left alone; `--manage-tls=false` says so without this warning";
    for (annotation, data, owner) in [
        ("cert-manager.io/certificate-name", &data, "cert-manager"),
        (
            "service.beta.openshift.io/originating-service-name",
            &data,
            "OpenShift's service CA",
        ),
        ("by/hand", &without_authority, "not made here"),
    ] {
        let secret = json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {
                "name": WEBHOOK,
                "namespace": NAMESPACE,
                "annotations": {annotation: "x"},
            },
            "data": data,
        });
        stand.delete(&secret);
        stand.apply(&[secret]);
        let controller: WebhookProcess = stand.controller(&[], &[]);
        let said = logs(&controller, left_alone).await;
        assert!(said.to_string().contains(owner), "{said}");
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(stand.secret().await, *data);
        assert_eq!(stand.bundle().await, "");
        controller.terminate();
        logs(&controller, "The Lease is free").await;
    }
}
