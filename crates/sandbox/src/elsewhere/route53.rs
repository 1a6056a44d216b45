//! Route 53's operations by method and path: ExternalDNS is the workload that most pods with a role are.
//!
//! Source: the Amazon Route 53 API Reference; resources: the Service Authorization Reference.

use http::Method;

/// A call as policies see it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Call {
    pub(super) operation: &'static str,
    pub(super) resource: String,
}

impl Call {
    /// `None` for a path that is not known here.
    pub(super) fn of(method: &Method, path: &str) -> Option<Self> {
        let path = path.strip_prefix("/2013-04-01/")?;
        let parts: Vec<&str> = path.trim_end_matches('/').split('/').collect();
        let (operation, resource) = match (method.as_str(), &parts[..]) {
            ("GET", ["hostedzone"]) => ("ListHostedZones", None),
            ("POST", ["hostedzone"]) => ("CreateHostedZone", None),
            ("GET", ["hostedzonesbyname"]) => ("ListHostedZonesByName", None),
            ("GET", ["hostedzonecount"]) => ("GetHostedZoneCount", None),
            ("GET", ["hostedzone", id]) => ("GetHostedZone", Some(("hostedzone", id))),
            ("POST", ["hostedzone", id]) => ("UpdateHostedZoneComment", Some(("hostedzone", id))),
            ("DELETE", ["hostedzone", id]) => ("DeleteHostedZone", Some(("hostedzone", id))),
            ("GET", ["hostedzone", id, "rrset"]) => {
                ("ListResourceRecordSets", Some(("hostedzone", id)))
            }
            ("POST", ["hostedzone", id, "rrset"]) => {
                ("ChangeResourceRecordSets", Some(("hostedzone", id)))
            }
            ("GET", ["change", id]) => ("GetChange", Some(("change", id))),
            ("GET", ["healthcheck"]) => ("ListHealthChecks", None),
            ("POST", ["healthcheck"]) => ("CreateHealthCheck", None),
            ("GET", ["healthcheck", id]) => ("GetHealthCheck", Some(("healthcheck", id))),
            ("POST", ["healthcheck", id]) => ("UpdateHealthCheck", Some(("healthcheck", id))),
            ("DELETE", ["healthcheck", id]) => ("DeleteHealthCheck", Some(("healthcheck", id))),
            ("POST", ["tags", "hostedzone" | "healthcheck"]) => ("ListTagsForResources", None),
            ("GET", ["tags", "hostedzone", id]) => {
                ("ListTagsForResource", Some(("hostedzone", id)))
            }
            ("POST", ["tags", "hostedzone", id]) => {
                ("ChangeTagsForResource", Some(("hostedzone", id)))
            }
            ("GET", ["tags", "healthcheck", id]) => {
                ("ListTagsForResource", Some(("healthcheck", id)))
            }
            ("POST", ["tags", "healthcheck", id]) => {
                ("ChangeTagsForResource", Some(("healthcheck", id)))
            }
            _ => return None,
        };
        Some(Self {
            operation,
            resource: resource.map_or_else(
                || "*".to_owned(),
                |(kind, id)| format!("arn:aws:route53:::{kind}/{id}"),
            ),
        })
    }
}

pub(super) const NAMESPACE: &str = "https://route53.amazonaws.com/doc/2013-04-01/";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_name_operation_and_resource() {
        let zone = "arn:aws:route53:::hostedzone/Z1";
        for (method, path, expected) in [
            (Method::GET, "hostedzone", Some(("ListHostedZones", "*"))),
            (
                Method::POST,
                "hostedzone/Z1/rrset/",
                Some(("ChangeResourceRecordSets", zone)),
            ),
            (
                Method::GET,
                "hostedzone/Z1/rrset",
                Some(("ListResourceRecordSets", zone)),
            ),
            (
                Method::GET,
                "change/C1",
                Some(("GetChange", "arn:aws:route53:::change/C1")),
            ),
            (
                Method::GET,
                "tags/hostedzone/Z1",
                Some(("ListTagsForResource", zone)),
            ),
            (Method::GET, "trafficpolicies", None),
            (Method::PUT, "hostedzone", None),
        ] {
            let path = format!("/2013-04-01/{path}");
            let expected = expected.map(|(operation, resource)| Call {
                operation,
                resource: resource.to_owned(),
            });
            assert_eq!(Call::of(&method, &path), expected, "{method} {path}");
        }
        assert_eq!(Call::of(&Method::GET, "/2020-01-01/hostedzone"), None);
    }
}
