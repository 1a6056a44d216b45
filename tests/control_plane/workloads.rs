//! Pods under kwok: Deployments roll out, Jobs complete, and readiness gates belong to whoever owns them.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{Pod, PodCondition};
use kube::api::{Api, ListParams, Patch, PatchParams};
use podpass_testkit::{SharedControlPlane, control_plane_programs, eventually};
use serde_json::json;

use crate::{PATIENCE, create};

#[tokio::test]
async fn a_deployment_rolls_out() {
    let Some(programs) = control_plane_programs() else {
        return;
    };
    let shared = SharedControlPlane::find(&programs).await;
    let namespace = shared.namespace("rollout").await;
    let deployments: Api<Deployment> = Api::namespaced(shared.admin(), &namespace);
    let pods: Api<Pod> = Api::namespaced(shared.admin(), &namespace);
    create(
        &deployments,
        json!({
            "metadata": {"name": "web"},
            "spec": {
                "replicas": 3,
                "selector": {"matchLabels": {"app": "web"}},
                "template": {
                    "metadata": {"labels": {"app": "web"}},
                    "spec": {"containers": [{"name": "web", "image": "web:1"}]},
                },
            },
        }),
    )
    .await;
    let rolled_out = async |image: &str| {
        eventually("three pods are ready", PATIENCE, async || {
            let deployment = deployments.get("web").await.unwrap();
            let generation = deployment.metadata.generation;
            let status = deployment.status?;
            let settled = status.observed_generation == generation
                && status.updated_replicas == Some(3)
                && status.ready_replicas == Some(3)
                && status.replicas == Some(3);
            settled.then_some(())
        })
        .await;
        let pods = pods.list(&ListParams::default()).await.unwrap();
        pods.into_iter()
            .map(|pod| pod.spec.unwrap())
            .filter(|spec| {
                assert!(spec.node_name.as_deref().unwrap().starts_with("node-"));
                spec.containers[0].image.as_deref() == Some(image)
            })
            .count()
    };
    assert_eq!(rolled_out("web:1").await, 3);

    let image = json!({"spec": {"template": {"spec": {"containers": [
        {"name": "web", "image": "web:2"}
    ]}}}});
    deployments
        .patch("web", &PatchParams::default(), &Patch::Strategic(image))
        .await
        .unwrap();
    assert_eq!(rolled_out("web:2").await, 3);
}

#[tokio::test]
async fn a_job_completes() {
    let Some(programs) = control_plane_programs() else {
        return;
    };
    let shared = SharedControlPlane::find(&programs).await;
    let namespace = shared.namespace("job").await;
    let jobs: Api<Job> = Api::namespaced(shared.admin(), &namespace);
    create(
        &jobs,
        json!({
            "metadata": {"name": "once"},
            "spec": {"template": {"spec": {
                "restartPolicy": "Never",
                "containers": [{"name": "once", "image": "once:1"}],
            }}},
        }),
    )
    .await;
    eventually("the job has succeeded", PATIENCE, async || {
        let status = jobs.get("once").await.unwrap().status?;
        (status.succeeded == Some(1)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_readiness_gate_is_left_alone_and_decides() {
    let Some(programs) = control_plane_programs() else {
        return;
    };
    let shared = SharedControlPlane::find(&programs).await;
    let namespace = shared.namespace("gate").await;
    let pods: Api<Pod> = Api::namespaced(shared.admin(), &namespace);
    create(
        &pods,
        json!({
            "metadata": {"name": "gated"},
            "spec": {
                "readinessGates": [{"conditionType": "example.com/open"}],
                "containers": [{"name": "main", "image": "main:1"}],
            },
        }),
    )
    .await;
    let condition = async |kind: &str| -> Option<PodCondition> {
        let status = pods.get("gated").await.unwrap().status?;
        let mut conditions = status.conditions?.into_iter();
        conditions.find(|condition| condition.type_ == kind)
    };
    let ready = async |expected: &str| {
        eventually("Ready follows the gate", PATIENCE, async || {
            let ready = condition("Ready").await?;
            (ready.status == expected).then_some(ready)
        })
        .await
    };
    let set_gate = async |status: &str| {
        let status = json!({"status": {"conditions": [
            {"type": "example.com/open", "status": status}
        ]}});
        pods.patch_status("gated", &PatchParams::default(), &Patch::Strategic(status))
            .await
            .unwrap();
    };

    let closed = ready("False").await;
    assert_eq!(closed.reason.as_deref(), Some("ReadinessGatesNotReady"));
    assert_eq!(condition("ContainersReady").await.unwrap().status, "True");
    assert_eq!(condition("example.com/open").await, None);

    set_gate("True").await;
    assert_eq!(ready("True").await.reason, None);
    set_gate("False").await;
    ready("False").await;
    assert_eq!(condition("example.com/open").await.unwrap().status, "False");
}
