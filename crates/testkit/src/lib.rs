//! What tests share: inputs from outside the project, an environment full of traps, the sandbox as a process, and
//! (feature `control-plane`) a real Kubernetes control plane.
//!
//! Everything here panics on failure, as a test does.

mod cluster;
mod data;
mod home;
mod ran;
mod sandbox;

#[cfg(feature = "control-plane")]
mod balancer;
#[cfg(feature = "control-plane")]
mod control_plane;
#[cfg(feature = "control-plane")]
mod eventually;
#[cfg(feature = "control-plane")]
mod files;
#[cfg(feature = "control-plane")]
mod kube_api;
#[cfg(feature = "control-plane")]
mod pod_runner;
#[cfg(feature = "control-plane")]
mod webhook;
#[cfg(feature = "control-plane")]
mod webhook_registration;
#[cfg(feature = "control-plane")]
mod withholding_proxy;

pub use cluster::Cluster;
pub use data::{
    debian_clients, foreign_clients, helm, python_with_moto, sdk_clients, skipped, test_data,
};
pub use home::{Home, Trap};
pub use ran::{Ran, run};
pub use sandbox::SandboxProcess;

#[cfg(feature = "control-plane")]
pub use {
    balancer::{Backend, Balancer},
    control_plane::{
        ApiServerOptions, ControlPlane, ControlPlaneOptions, OPENSHIFT_KINDS, SharedControlPlane,
        control_plane_programs, install_openshift_kinds,
    },
    eventually::eventually,
    kube_api::{Identity, KubeApi},
    pod_runner::PodRunner,
    webhook::{TestAuthority, WebhookProcess},
    webhook_registration::{RegisteredWebhook, WebhookRegistration, is_injected},
    withholding_proxy::{ProxiedCall, Withhold, WithholdingProxy},
};
