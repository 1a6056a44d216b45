//! What the webhook's controller reads and writes to keep the serving certificate: Secret, `caBundle`, and who serves.

use std::net::{IpAddr, SocketAddr};

use http::header::CONTENT_TYPE;
use serde_json::{Map, Value, json};

use crate::FIELD_MANAGER;
use crate::connect::Cluster;
use crate::error::ClusterError;
use crate::object::not_a_path;
use crate::object::resources::{ENDPOINT_SLICE, MUTATING_WEBHOOK_CONFIGURATION, SECRET};

impl Cluster {
    /// Sets or (with null) removes members of a Secret's `data`, of the version that was read: one that was changed
    /// meanwhile is a conflict. Nothing else of the Secret is touched. Needs `patch`.
    pub async fn merge_secret_data(
        &self,
        namespace: &str,
        name: &str,
        resource_version: &str,
        data: Map<String, Value>,
    ) -> Result<(), ClusterError> {
        let fields = json!({"metadata": {"resourceVersion": resource_version}, "data": data});
        self.merge(SECRET, Some(namespace), name, &fields)
            .await
            .map(drop)
    }

    /// Sets `caBundle` (base64 of PEM) of the entry of a MutatingWebhookConfiguration at `index`, which has to be called
    /// `entry`, of the version that was read: one that was changed meanwhile is refused. No other field is written. Needs
    /// `patch`.
    pub async fn set_ca_bundle(
        &self,
        configuration: &str,
        resource_version: &str,
        index: usize,
        entry: &str,
        bundle: &str,
    ) -> Result<(), ClusterError> {
        let at = format!("/webhooks/{index}");
        // Entries are a list, so another one may have come before ours; and whoever stood still meanwhile is not to undo
        // what the next holder of the Lease did.
        let patch = json!([
            {"op": "test", "path": "/metadata/resourceVersion", "value": resource_version},
            {"op": "test", "path": format!("{at}/name"), "value": entry},
            {"op": "add", "path": format!("{at}/clientConfig/caBundle"), "value": bundle},
        ]);
        let group = MUTATING_WEBHOOK_CONFIGURATION.api_version();
        let plural = MUTATING_WEBHOOK_CONFIGURATION.plural;
        let request = http::Request::patch(format!(
            "/apis/{group}/{plural}/{configuration}?fieldManager={FIELD_MANAGER}"
        ))
        .header(CONTENT_TYPE, "application/json-patch+json")
        .body(patch.to_string().into_bytes())
        .map_err(not_a_path)?;
        let what = format!("{plural} `{configuration}`");
        self.run("patch", &what, self.client.request::<Value>(request))
            .await
            .map(drop)
    }

    /// The addresses behind a Service's port of that name, ready or not: its EndpointSlices. Needs `list`.
    pub async fn service_endpoints(
        &self,
        namespace: &str,
        service: &str,
        port: &str,
    ) -> Result<Vec<SocketAddr>, ClusterError> {
        let labels = format!("kubernetes.io/service-name={service}");
        let slices = self.list(ENDPOINT_SLICE, Some(namespace), &labels).await?;
        let mut all: Vec<_> = slices
            .iter()
            .flat_map(|slice| endpoints(slice, port))
            .collect();
        all.sort_unstable();
        all.dedup();
        Ok(all)
    }
}

fn endpoints(slice: &Value, port: &str) -> Vec<SocketAddr> {
    let ports = slice["ports"].as_array().into_iter().flatten();
    let mut ports = ports.filter(|entry| entry["name"] == port);
    let number = ports.find_map(|entry| u16::try_from(entry["port"].as_u64()?).ok());
    let Some(number) = number else {
        return Vec::new();
    };
    let endpoints = slice["endpoints"].as_array().into_iter().flatten();
    endpoints
        // One that ends and serves no more is on its way out; all others may be called again.
        .filter(|endpoint| {
            let conditions = &endpoint["conditions"];
            conditions["terminating"] != true || conditions["serving"] == true
        })
        .flat_map(|endpoint| endpoint["addresses"].as_array().into_iter().flatten())
        .filter_map(|address| address.as_str()?.parse::<IpAddr>().ok())
        .map(|address| SocketAddr::new(address, number))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_all_that_may_be_called() {
        let slice = json!({
            "ports": [{"name": "metrics", "port": 9999}, {"name": "https", "port": 9443}],
            "endpoints": [
                {"addresses": ["10.0.0.1"], "conditions": {"ready": true, "serving": true}},
                {"addresses": ["10.0.0.2"], "conditions": {"ready": false, "serving": false, "terminating": false}},
                {"addresses": ["10.0.0.3"], "conditions": {"ready": false, "serving": true, "terminating": true}},
                {"addresses": ["10.0.0.4"], "conditions": {"ready": false, "serving": false, "terminating": true}},
                {"addresses": ["fd00::5"]}
            ]
        });
        let expected = [
            "10.0.0.1:9443",
            "10.0.0.2:9443",
            "10.0.0.3:9443",
            "[fd00::5]:9443",
        ];
        let found = endpoints(&slice, "https");
        assert_eq!(found, expected.map(|it| it.parse().unwrap()));
        assert!(endpoints(&slice, "http").is_empty());
    }
}
