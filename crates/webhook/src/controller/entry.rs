//! The webhook's own entry in its MutatingWebhookConfiguration.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// One entry of a configuration: ours.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry<'a> {
    /// Its place in the list.
    pub(crate) index: usize,
    /// Its name.
    pub(crate) name: &'a str,
    /// The entry.
    pub(crate) object: &'a Value,
}

impl<'a> Entry<'a> {
    /// Finds the entry that calls the Service; one that calls an address instead is known by its name.
    pub(crate) fn find(configuration: &'a Value, namespace: &str, service: &str) -> Option<Self> {
        let entries = configuration["webhooks"].as_array()?;
        let calls = |entry: &Value| {
            let called = &entry["clientConfig"]["service"];
            called["namespace"] == namespace && called["name"] == service
        };
        let by_service = entries.iter().position(calls);
        let index = by_service.or_else(|| {
            let is_ours = |entry: &Value| {
                entry["name"] == NAME && !entry["clientConfig"]["service"].is_object()
            };
            entries.iter().position(is_ours)
        })?;
        let object = &entries[index];
        Some(Self {
            index,
            name: object["name"].as_str()?,
            object,
        })
    }

    /// The certificates that API servers trust for this webhook, each as PEM; empty when there is nothing usable.
    pub(crate) fn trusted(&self) -> Vec<String> {
        let bundle = self.object["clientConfig"]["caBundle"].as_str();
        let pem = STANDARD.decode(bundle.unwrap_or_default());
        let pem = String::from_utf8(pem.unwrap_or_default()).unwrap_or_default();
        certificates_of(&pem)
    }
}

/// The value of `caBundle` for these certificates.
pub(crate) fn bundle_of(certificates: &[String]) -> String {
    STANDARD.encode(certificates.concat())
}

/// The certificates of a PEM text, each in the form in which certificates are written here.
pub(crate) fn certificates_of(pem: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut rest = pem;
    while let Some((_, begun)) = rest.split_once(BEGIN) {
        let Some((body, after)) = begun.split_once(END) else {
            break;
        };
        let lines: Vec<&str> = body.lines().map(str::trim).collect();
        let lines: Vec<&str> = lines.into_iter().filter(|line| !line.is_empty()).collect();
        let certificate = format!("{BEGIN}\n{}\n{END}\n", lines.join("\n"));
        if !found.contains(&certificate) {
            found.push(certificate);
        }
        rest = after;
    }
    found
}

/// The entry's name in the manifests.
const NAME: &str = "pod-identity-webhook.podpass.dev";

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn own_entry_is_that_of_the_service_and_else_that_of_the_name() {
        let of = |namespace: &str, name: &str| json!({"service": {"namespace": namespace, "name": name}});
        let url = json!({"url": "https://127.0.0.1:1/mutate"});
        for (entries, expected) in [
            (
                vec![("a", of("ns", "other")), ("b", of("ns", "svc"))],
                Some((1, "b")),
            ),
            (
                vec![(NAME, url.clone()), ("b", of("ns", "svc"))],
                Some((1, "b")),
            ),
            (
                vec![("a", url.clone()), (NAME, url.clone())],
                Some((1, NAME)),
            ),
            // Somebody else's webhook under our name.
            (vec![(NAME, of("ns", "other"))], None),
            (vec![("a", url)], None),
        ] {
            let webhooks = entries.iter();
            let webhooks: Vec<Value> = webhooks
                .map(|(name, config)| json!({"name": name, "clientConfig": config}))
                .collect();
            let configuration = json!({"webhooks": webhooks});
            let found = Entry::find(&configuration, "ns", "svc");
            let found = found.map(|entry| (entry.index, entry.name));
            assert_eq!(found, expected);
        }
        assert!(Entry::find(&json!({}), "ns", "svc").is_none());
    }

    #[test]
    fn a_bundle_reads_back_however_it_was_written() {
        let one = format!("{BEGIN}\nAAAA\nBBBB\n{END}\n");
        let two = format!("{BEGIN}\nCCCC\n{END}\n");
        let written = format!("# a comment\r\n{}\n\n{two}{two}", one.replace('\n', "\r\n"));
        assert_eq!(certificates_of(&written), [one.clone(), two.clone()]);
        let object = json!({"clientConfig": {"caBundle": bundle_of(&[one.clone(), two.clone()])}});
        let entry = Entry {
            index: 0,
            name: "x",
            object: &object,
        };
        assert_eq!(entry.trusted(), [one, two]);
        assert!(certificates_of("-----BEGIN CERTIFICATE-----\nAAAA").is_empty());
    }
}
