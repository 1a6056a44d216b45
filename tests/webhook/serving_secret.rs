//! The serving certificate in a Secret (`--in-cluster`).

use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::api::rbac::v1::{Role, RoleBinding};
use kube::api::{Api, Patch, PatchParams, PostParams};
use podpass_testkit::{TestAuthority, WebhookProcess, run};
use serde_json::{Value, json};

use crate::client::{get, shown_certificate};
use crate::stand::{PODPASS, Stand, parsed, soon};

/// Lets the webhook's service account do this to the one Secret.
async fn grant(stand: &Stand, verbs: &Value) {
    let role: Role = parsed(json!({
        "metadata": {"name": "webhook"},
        "rules": [{"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["serving"], "verbs": verbs}],
    }));
    let binding: RoleBinding = parsed(json!({
        "metadata": {"name": "webhook"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "webhook"},
        "subjects": [{"kind": "ServiceAccount", "namespace": stand.namespace, "name": "webhook"}],
    }));
    let create = PostParams::default();
    stand.api::<Role>().create(&create, &role).await.unwrap();
    stand
        .api::<RoleBinding>()
        .create(&create, &binding)
        .await
        .unwrap();
}

fn flags(stand: &Stand) -> Vec<String> {
    vec![
        "--in-cluster=true".to_owned(),
        "--tls-secret=serving".to_owned(),
        format!("--namespace={}", stand.namespace),
        "--kubeconfig=webhook.kubeconfig".to_owned(),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn certificate_is_waited_for_and_followed() {
    let Some(stand) = Stand::start().await else {
        return;
    };
    grant(&stand, &json!(["get", "list", "watch"])).await;
    let secrets: Api<Secret> = stand.api();
    // As the manifests make it: with nothing in it.
    let empty: Secret = parsed(json!({"metadata": {"name": "serving"}}));
    secrets
        .create(&PostParams::default(), &empty)
        .await
        .unwrap();
    let flags = flags(&stand);
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let webhook = WebhookProcess::start(PODPASS, &stand.home, &[], &flags);
    let ready = async || get(webhook.metrics_address(), false, "/readyz").await;
    soon("it waits for the certificate", async || {
        ready().await
            == (
                503,
                "not ready: there is no serving certificate yet\n".to_owned(),
            )
    })
    .await;
    let mut shown = Vec::new();
    for _ in 0..2 {
        let (certificate, key) = TestAuthority::new().issue(&["localhost"]);
        let change = json!({"stringData": {"tls.crt": certificate, "tls.key": key}});
        let change = Patch::Merge(change);
        secrets
            .patch("serving", &PatchParams::default(), &change)
            .await
            .unwrap();
        soon("the certificate is served", async || {
            if ready().await.0 != 200 {
                return false;
            }
            let now = shown_certificate(webhook.address()).await;
            let is_new = now != shown;
            shown = now;
            is_new
        })
        .await;
    }
    // What cannot be served does not take the place of what can.
    let garbage = Patch::Merge(json!({"stringData": {"tls.crt": "garbage"}}));
    secrets
        .patch("serving", &PatchParams::default(), &garbage)
        .await
        .unwrap();
    soon("it says so", async || {
        let mut lines = webhook.log().into_iter();
        lines.any(|line| line["message"] == "The Secret's serving certificate is not used")
    })
    .await;
    assert_eq!(shown_certificate(webhook.address()).await, shown);
    let (_, page) = get(webhook.metrics_address(), false, "/metrics").await;
    assert!(
        page.contains("\ncertificate_manager_server_rotation_seconds_count 1\n"),
        "{page}"
    );
    let secret = secrets.get("serving").await.unwrap();
    let key = &secret.data.unwrap()["tls.key"];
    let key = String::from_utf8(key.0.clone()).unwrap();
    let secret_part = key.lines().nth(1).unwrap();
    assert!(
        !webhook
            .log()
            .iter()
            .any(|line| line.to_string().contains(secret_part))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_right_to_read_it_is_named() {
    let Some(stand) = Stand::start().await else {
        return;
    };
    grant(&stand, &json!(["get"])).await;
    let mut command = stand.home.command(PODPASS);
    command
        .args([
            "webhook",
            "--bind-address=127.0.0.1",
            "--port=0",
            "--metrics-port=0",
        ])
        .args(flags(&stand));
    let ran = run(&mut command);
    assert_eq!(ran.code, 255, "{}", ran.err);
    let said = format!(
        "the verb `list` on secrets `{}/serving` is missing",
        stand.namespace
    );
    assert!(ran.err.contains(&said), "{}", ran.err);
}
