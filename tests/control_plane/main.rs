//! What the tests' control plane and its companions promise, shown on a real one.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod balancer;
mod lifecycle;
mod openshift_kinds;
mod pod_runner;
mod tokens;
mod whole_way;
mod withholding_proxy;
mod workloads;

use std::time::Duration;

use kube::Resource;
use kube::api::{Api, PostParams};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// For what takes seconds on an idle machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// Creates an object that is written as JSON.
async fn create<K>(api: &Api<K>, object: Value) -> K
where
    K: Clone + std::fmt::Debug + Serialize + DeserializeOwned + Resource,
{
    let object = serde_json::from_value(object).unwrap();
    api.create(&PostParams::default(), &object).await.unwrap()
}
