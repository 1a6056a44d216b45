//! A real control plane on loopback: etcd, kube-apiserver and, by choice, the rest.
//!
//! The programs come from `testcluster/`, which `cargo xtask test` builds once per version.

mod launch;
mod openshift_kinds;
mod options;
mod server;
mod shared;

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::skipped;
use crate::{Identity, KubeApi};

pub use openshift_kinds::{OPENSHIFT_KINDS, install_openshift_kinds};
pub use options::{ApiServerOptions, ControlPlaneOptions};
pub use shared::SharedControlPlane;

use launch::Launched;
use server::{Lifetime, Place};

/// The folder with the control plane's programs (`kubectl` is among them) that `cargo xtask test` builds.
///
/// Returns `None`, and says so, where they are absent, so that a test can be skipped on a laptop.
///
/// # Panics
/// When they are absent and `CI=true`.
pub fn control_plane_programs() -> Option<PathBuf> {
    let path = std::env::var_os("PODPASS_TEST_CLUSTER").map(PathBuf::from);
    if path.is_none() {
        skipped(
            "the control plane is missing: run `cargo xtask test`, which builds it (it needs Go)",
        );
    }
    path
}

/// A control plane of one test. Its processes and data end with this value, or with the test however that ends.
#[derive(Debug)]
pub struct ControlPlane {
    // Killed before the folder goes.
    launched: Launched,
    folder: TempDir,
}

impl ControlPlane {
    /// Starts it and waits until it serves, its nodes are ready and the namespace `default` can hold pods.
    ///
    /// # Panics
    /// When a part ends or is not ready in time; the message has its last words.
    pub async fn start(programs: &Path, options: &ControlPlaneOptions) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("podpass-control-plane-")
            .tempdir()
            .expect("a temporary folder can be made");
        let place = Place {
            programs: programs.to_owned(),
            folder: folder.path().to_owned(),
            lifetime: Lifetime::Owner,
        };
        Self {
            launched: Launched::start(place, options).await,
            folder,
        }
    }

    /// The way to its API server.
    pub fn api(&self) -> &KubeApi {
        &self.launched.api
    }

    /// A client of the administrator.
    pub fn admin(&self) -> kube::Client {
        self.api().client(&Identity::Admin)
    }

    /// Starts kube-apiserver again, at the same address and on the same data, with other flags.
    ///
    /// That is what OpenShift's kube-apiserver operator does when `Authentication` or the signing key changes.
    pub async fn restart_api_server(&mut self, options: &ApiServerOptions) {
        self.launched.restart_api_server(options).await;
    }

    /// The private folder with its data and logs.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The ids of its processes.
    pub fn processes(&self) -> Vec<u32> {
        self.launched.processes()
    }
}
