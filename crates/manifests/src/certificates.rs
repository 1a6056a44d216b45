//! Where the serving certificate is kept, and who makes it.

use serde_json::{Value, json};

use crate::options::{Tls, WebhookOptions};
use crate::webhook::Component::Admission;

/// Where the certificate is in the container when somebody else makes it.
pub(crate) const FOLDER: &str = "/etc/webhook/certs";

/// The Secret that cert-manager or OpenShift's service CA writes.
pub(crate) fn foreign_secret(options: &WebhookOptions) -> String {
    format!("{}-cert", options.name)
}

pub(crate) fn objects(options: &WebhookOptions) -> Vec<Value> {
    match options.tls {
        Tls::Own => vec![empty_secret(options)],
        Tls::CertManager => cert_manager(options),
        Tls::ServiceCa => Vec::new(),
    }
}

/// The Secret without content, so that nobody needs the right to create Secrets.
///
/// Without `data`, whoever applies it again (kubectl on either side, Helm, a GitOps controller that knows no `lookup`)
/// leaves the certificate in it alone. A Secret of type `kubernetes.io/tls` would have to have `data`, so it has no type
/// either; one of that type that is there already keeps it.
fn empty_secret(options: &WebhookOptions) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": options.metadata(&options.name, true, Admission),
    })
}

fn cert_manager(options: &WebhookOptions) -> Vec<Value> {
    let metadata = options.metadata(&options.name, true, Admission);
    let (name, namespace) = (&options.name, &options.namespace);
    vec![
        json!({
            "apiVersion": "cert-manager.io/v1",
            "kind": "Issuer",
            "metadata": metadata,
            "spec": {"selfSigned": {}},
        }),
        json!({
            "apiVersion": "cert-manager.io/v1",
            "kind": "Certificate",
            "metadata": metadata,
            "spec": {
                "secretName": foreign_secret(options),
                "commonName": "pod-identity-webhook",
                "dnsNames": [
                    format!("{name}.{namespace}.svc"),
                    format!("{name}.{namespace}.svc.cluster.local"),
                ],
                "duration": "2160h",
                "renewBefore": "720h",
                "isCA": true,
                "privateKey": {"algorithm": "ECDSA", "size": 256, "rotationPolicy": "Always"},
                "issuerRef": {"group": "cert-manager.io", "kind": "Issuer", "name": name},
            },
        }),
    ]
}
