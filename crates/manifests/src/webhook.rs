//! All objects in their order, and the labels that they share.

use serde_json::{Map, Value, json};

use crate::access::CONTROLLER_SUFFIX;
use crate::options::{Platform, Tls, WebhookOptions};
use crate::{MANAGED_BY, access, admission, canary, certificates, monitoring, network, workload};

impl WebhookOptions {
    /// The objects, in the order in which they are applied. The webhook configuration is the last: in reverse it goes
    /// first, so that no pod's creation waits for a webhook that is being deleted.
    pub fn render(&self) -> Vec<Value> {
        let mut objects = Vec::new();
        if self.create_namespace {
            objects.push(namespace(self, &self.namespace));
        }
        objects.push(namespace(self, canary::CANARY_NAMESPACE));
        objects.extend(access::objects(self));
        objects.extend(canary::objects(self));
        objects.extend(certificates::objects(self));
        objects.extend(network::objects(self));
        objects.extend(workload::objects(self));
        objects.extend(monitoring::objects(self));
        objects.push(admission::configuration(self));
        objects
    }

    /// Every object that some choice of options renders under this name and namespace: what is to go in the end.
    pub fn render_all(&self) -> Vec<Value> {
        let everything = Self {
            create_namespace: true,
            watch_config_map: true,
            network_policy: true,
            service_monitor: true,
            prometheus_rule: true,
            dashboard: true,
            ..self.clone()
        };
        let mut objects = everything.render();
        let configuration = objects.pop();
        for tls in [Tls::Own, Tls::CertManager] {
            if tls != self.tls {
                objects.extend(certificates::objects(&Self {
                    tls,
                    ..self.clone()
                }));
            }
        }
        objects.extend(configuration);
        objects
    }

    /// The name of the controller's objects.
    pub(crate) fn controller(&self) -> String {
        format!("{}{CONTROLLER_SUFFIX}", self.name)
    }

    /// Whether the controller makes and renews the certificate.
    pub(crate) fn manages_tls(&self) -> bool {
        self.tls == Tls::Own
    }

    pub(crate) fn is_openshift(&self) -> bool {
        self.platform == Platform::OpenShift
    }

    /// The metadata of an object of `component`; of the cluster's objects without a namespace.
    pub(crate) fn metadata(&self, name: &str, namespaced: bool, component: Component) -> Value {
        let mut metadata = json!({"name": name, "labels": self.labels(component)});
        if namespaced {
            metadata["namespace"] = self.namespace.as_str().into();
        }
        metadata
    }

    pub(crate) fn labels(&self, component: Component) -> Map<String, Value> {
        let mut labels = self.selector(component);
        labels.insert("app".to_owned(), self.app(component).into());
        labels.insert(
            "app.kubernetes.io/instance".to_owned(),
            self.name.as_str().into(),
        );
        labels.insert("app.kubernetes.io/part-of".to_owned(), "podpass".into());
        labels.insert(
            "app.kubernetes.io/version".to_owned(),
            env!("CARGO_PKG_VERSION").into(),
        );
        labels.insert(MANAGED_BY.0.to_owned(), MANAGED_BY.1.into());
        labels
    }

    /// What selects the pods of a component. Never to be changed: a Deployment's selector cannot be.
    pub(crate) fn selector(&self, component: Component) -> Map<String, Value> {
        let pairs = [
            ("app.kubernetes.io/name", self.name.as_str()),
            ("app.kubernetes.io/component", component.name()),
        ];
        pairs
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value.into()))
            .collect()
    }

    fn app(&self, component: Component) -> String {
        match component {
            Component::Admission | Component::Canary => self.name.clone(),
            Component::Controller => self.controller(),
        }
    }
}

/// What an object belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Component {
    /// What answers admission reviews, and what all share.
    Admission,
    /// What finds and heals, and keeps the certificate.
    Controller,
    /// What proves that the webhook answers.
    Canary,
}

impl Component {
    fn name(self) -> &'static str {
        match self {
            Self::Admission => "admission",
            Self::Controller => "controller",
            Self::Canary => "canary",
        }
    }
}

/// A namespace that takes only pods under the strictest of Kubernetes' pod security standards.
fn namespace(options: &WebhookOptions, name: &str) -> Value {
    let component = if name == canary::CANARY_NAMESPACE {
        Component::Canary
    } else {
        Component::Admission
    };
    let mut metadata = options.metadata(name, false, component);
    metadata["labels"]["pod-security.kubernetes.io/enforce"] = "restricted".into();
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
}
