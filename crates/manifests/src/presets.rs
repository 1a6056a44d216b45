//! The plain manifests in `deploy/`, for whoever has neither podpass nor Helm at hand.

use crate::options::{Platform, Tls, WebhookOptions};

/// A file of plain manifests.
#[derive(Clone, Copy, Debug)]
pub struct Preset {
    /// Its path in the project.
    pub path: &'static str,
    /// What it says at its top.
    pub about: &'static str,
    /// What is installed.
    pub options: fn() -> WebhookOptions,
}

/// The files of plain manifests.
pub const PRESETS: [Preset; 3] = [
    Preset {
        path: "deploy/manifests/webhook.yaml",
        about: "The pod identity webhook with a certificate of its own: `podpass install webhook -o yaml`.",
        options: WebhookOptions::default,
    },
    Preset {
        path: "deploy/manifests/webhook-cert-manager.yaml",
        about: "The same with cert-manager: `podpass install webhook --tls cert-manager -o yaml`.",
        options: with_cert_manager,
    },
    Preset {
        path: "deploy/openshift/webhook.yaml",
        about: "The same for OpenShift: `podpass install webhook --openshift -o yaml`.",
        options: WebhookOptions::openshift,
    },
];

fn with_cert_manager() -> WebhookOptions {
    WebhookOptions {
        tls: Tls::CertManager,
        ..WebhookOptions::default()
    }
}

impl WebhookOptions {
    /// What differs on OpenShift: its service CA makes the certificate, its security context constraints choose the user,
    /// and the name leaves alone the webhook that OpenShift's own Cloud Credential Operator runs and reconciles.
    pub fn openshift() -> Self {
        Self {
            name: "podpass-webhook".to_owned(),
            platform: Platform::OpenShift,
            tls: Tls::ServiceCa,
            ..Self::default()
        }
    }
}
