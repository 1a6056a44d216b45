//! A real kube-apiserver with many service accounts.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use k8s_openapi::api::core::v1::ServiceAccount;
use kube::Client;
use kube::api::{Api, PostParams};
use podpass_testkit::{ControlPlane, ControlPlaneOptions, Identity};
use serde_json::{Value, json};
use tokio::task::JoinSet;

/// The control plane, and how many accounts it has been given.
pub(crate) struct Cluster {
    control_plane: ControlPlane,
    accounts: usize,
}

impl Cluster {
    pub(crate) async fn start(programs: &Path, kubeconfig: &Path) -> Self {
        let control_plane = ControlPlane::start(programs, &ControlPlaneOptions::default()).await;
        control_plane
            .api()
            .write_kubeconfig(kubeconfig, &Identity::Admin);
        Self {
            control_plane,
            accounts: 0,
        }
    }

    /// Makes the two accounts of the reviews, of which one has a role.
    pub(crate) async fn add_pair(&self) -> Result<(), String> {
        let accounts = self.accounts_api();
        for (name, annotations) in [("app", annotations("app")), ("plain", json!({}))] {
            create(&accounts, name, &annotations).await?;
        }
        Ok(())
    }

    /// Makes annotated accounts until there are so many.
    pub(crate) async fn grow_to(&mut self, number: usize) -> Result<(), String> {
        let accounts = self.accounts_api();
        let next = Arc::new(AtomicUsize::new(self.accounts));
        let mut writers: JoinSet<Result<(), String>> = JoinSet::new();
        for _ in 0..WRITERS {
            let (accounts, next) = (accounts.clone(), Arc::clone(&next));
            writers.spawn(async move {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    if index >= number {
                        return Ok(());
                    }
                    let name = format!("service-account-{index:06}");
                    create(&accounts, &name, &annotations(&name)).await?;
                }
            });
        }
        while let Some(ended) = writers.join_next().await {
            ended.map_err(|error| error.to_string())??;
        }
        self.accounts = number;
        Ok(())
    }

    fn accounts_api(&self) -> Api<ServiceAccount> {
        let client: Client = self.control_plane.admin();
        Api::namespaced(client, "default")
    }
}

/// A role, and 600 bytes of what `kubectl apply` leaves behind.
fn annotations(name: &str) -> Value {
    let applied = format!("{{\"applied\":\"{}\"}}", "x".repeat(584));
    json!({
        "eks.amazonaws.com/role-arn": format!("arn:aws:iam::123456789012:role/cluster/{name}"),
        "kubectl.kubernetes.io/last-applied-configuration": applied,
    })
}

async fn create(
    accounts: &Api<ServiceAccount>,
    name: &str,
    annotations: &Value,
) -> Result<(), String> {
    let object = json!({"metadata": {
        "name": name,
        "annotations": annotations,
        "labels": {"app.kubernetes.io/name": name, "app.kubernetes.io/managed-by": "bench"},
    }});
    let object = serde_json::from_value(object).map_err(|error| error.to_string())?;
    let created = accounts.create(&PostParams::default(), &object).await;
    created
        .map(drop)
        .map_err(|error| format!("cannot create an account: {error}"))
}

const WRITERS: usize = 16;
