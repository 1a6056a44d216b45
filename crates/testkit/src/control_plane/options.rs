//! What a test chooses about its control plane.

use std::path::PathBuf;

/// The parts beside etcd and kube-apiserver, and how kube-apiserver starts.
#[derive(Clone, Debug, Default)]
pub struct ControlPlaneOptions {
    /// How kube-apiserver starts.
    pub api_server: ApiServerOptions,
    /// Runs kube-controller-manager. Without it nothing makes the service account `default` or a Deployment's pods.
    pub controller_manager: bool,
    /// Runs kube-scheduler.
    pub scheduler: bool,
    /// Makes this many nodes, `node-0` and on, and runs kwok, which plays their kubelets.
    pub nodes: usize,
    /// Installs our minimal definitions of OpenShift's kinds.
    pub openshift_kinds: bool,
}

/// The flags of kube-apiserver that change between tests, and during one.
#[derive(Clone, Debug, Default)]
pub struct ApiServerOptions {
    /// The first signs service account tokens, all are accepted. None: `https://kubernetes.default.svc`.
    pub issuers: Vec<String>,
    /// The PEM file of the private key that signs. None: a key made for this control plane.
    pub signing_key: Option<PathBuf>,
    /// PEM files of keys whose tokens are accepted besides the signing key's.
    pub accepted_keys: Vec<PathBuf>,
    /// What kube-apiserver calls itself in `aud`. None: the issuers.
    pub audiences: Vec<String>,
    /// Whole flags, such as `--service-account-extend-token-expiration=false`.
    pub extra_flags: Vec<String>,
}

impl ControlPlaneOptions {
    /// Everything: pods of a Deployment are scheduled on two nodes and run.
    pub fn all() -> Self {
        Self {
            api_server: ApiServerOptions::default(),
            controller_manager: true,
            scheduler: true,
            nodes: 2,
            openshift_kinds: true,
        }
    }
}

impl ApiServerOptions {
    /// The issuer whose tokens this server signs.
    pub(crate) fn issuers(&self) -> Vec<String> {
        if self.issuers.is_empty() {
            vec!["https://kubernetes.default.svc".to_owned()]
        } else {
            self.issuers.clone()
        }
    }
}
