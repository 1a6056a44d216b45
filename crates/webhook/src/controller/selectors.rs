//! Whom the live configuration lets the webhook see: its namespaceSelector and objectSelector.

use std::borrow::Cow;
use std::collections::HashMap;

use podpass_inject::AllowedRoles;
use podpass_kinds::annotations::ALLOWED_ROLES;
use serde_json::Value;

use super::entry::Entry;

/// The selectors of an entry, with the labels of all namespaces.
#[derive(Debug)]
pub(crate) struct Selectors {
    namespace: Value,
    object: Value,
    /// Expressions in CEL, which are not judged here.
    pub(crate) has_conditions: bool,
    /// The metadata of each.
    namespaces: HashMap<String, Value>,
}

impl Selectors {
    /// Reads an entry, and the namespaces of the cluster.
    pub(crate) fn of(entry: Entry<'_>, namespaces: &[Value]) -> Self {
        let conditions = entry.object["matchConditions"].as_array();
        let metadata = |object: &Value| {
            let metadata = &object["metadata"];
            Some((metadata["name"].as_str()?.to_owned(), metadata.clone()))
        };
        Self {
            namespace: entry.object["namespaceSelector"].clone(),
            object: entry.object["objectSelector"].clone(),
            has_conditions: conditions.is_some_and(|conditions| !conditions.is_empty()),
            namespaces: namespaces.iter().filter_map(metadata).collect(),
        }
    }

    /// Whether pods of the namespace are reviewed at all; those of one that is not known are not.
    pub(crate) fn cover(&self, namespace: &str, labels: &Value) -> bool {
        let own = self.namespaces.get(namespace);
        own.is_some_and(|own| selects(&self.namespace, &own["labels"]))
            && selects(&self.object, labels)
    }

    /// Whether the namespace's annotation allows all these roles; one that has none allows all.
    pub(crate) fn allow(&self, namespace: &str, roles: &[Cow<'_, str>]) -> bool {
        let own = self.namespaces.get(namespace);
        let rule = own.and_then(|own| own["annotations"][ALLOWED_ROLES].as_str());
        rule.is_none_or(|rule| AllowedRoles::parse(rule).check(roles).is_ok())
    }
}

/// Whether a label selector of Kubernetes selects these labels; an empty one selects all.
fn selects(selector: &Value, labels: &Value) -> bool {
    let equal = selector["matchLabels"].as_object();
    let expressions = selector["matchExpressions"].as_array();
    equal
        .into_iter()
        .flatten()
        .all(|(name, value)| labels[name] == *value)
        && expressions
            .into_iter()
            .flatten()
            .all(|expression| holds(expression, labels))
}

fn holds(expression: &Value, labels: &Value) -> bool {
    let name = expression["key"].as_str().unwrap_or_default();
    let value = &labels[name];
    let values = expression["values"].as_array();
    let is_in = values.is_some_and(|values| values.contains(value));
    match expression["operator"].as_str() {
        Some("In") => !value.is_null() && is_in,
        Some("NotIn") => value.is_null() || !is_in,
        Some("Exists") => !value.is_null(),
        Some("DoesNotExist") => value.is_null(),
        // API servers know no other.
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn selectors_select_as_those_of_kubernetes() {
        let labels = json!({"app": "a", "tier": "x"});
        let expression = |key: &str, operator: &str, values: Value| json!({"matchExpressions": [{"key": key, "operator": operator, "values": values}]});
        for (selector, expected) in [
            (Value::Null, true),
            (json!({}), true),
            (json!({"matchLabels": {"app": "a"}}), true),
            (json!({"matchLabels": {"app": "a", "tier": "y"}}), false),
            (json!({"matchLabels": {"none": "a"}}), false),
            (expression("app", "In", json!(["b", "a"])), true),
            (expression("app", "In", json!(["b"])), false),
            (expression("none", "In", json!(["b"])), false),
            (expression("app", "NotIn", json!(["a"])), false),
            // A label that is not there is not among the values.
            (expression("none", "NotIn", json!(["a"])), true),
            (expression("app", "Exists", json!([])), true),
            (expression("none", "Exists", json!([])), false),
            (expression("app", "DoesNotExist", json!([])), false),
            (expression("none", "DoesNotExist", json!([])), true),
        ] {
            assert_eq!(selects(&selector, &labels), expected, "{selector}");
        }
        let exists = expression("x", "DoesNotExist", json!([]));
        assert!(selects(&exists, &Value::Null));
    }

    #[test]
    fn both_selectors_count_and_conditions_are_told() {
        let object = json!({
            "namespaceSelector": {"matchLabels": {"team": "a"}},
            "objectSelector": {"matchExpressions": [{"key": "skip", "operator": "DoesNotExist"}]},
            "matchConditions": [{"name": "x", "expression": "true"}],
        });
        let entry = Entry {
            index: 0,
            name: "x",
            object: &object,
        };
        let namespace =
            |name: &str, team: &str| json!({"metadata": {"name": name, "labels": {"team": team}}});
        let selectors = Selectors::of(entry, &[namespace("in", "a"), namespace("out", "b")]);
        assert!(selectors.has_conditions);
        assert!(selectors.cover("in", &Value::Null));
        assert!(!selectors.cover("in", &json!({"skip": ""})));
        assert!(!selectors.cover("out", &Value::Null));
        assert!(!selectors.cover("gone", &Value::Null));
    }

    #[test]
    fn namespace_without_annotation_allows_all_roles() {
        let namespace = |name: &str, annotations: Value| json!({"metadata": {"name": name, "annotations": annotations}});
        let team = json!({ALLOWED_ROLES: "arn:aws:iam::*:role/team/*"});
        let entry = Entry {
            index: 0,
            name: "x",
            object: &json!({}),
        };
        let namespaces = [namespace("free", json!({})), namespace("team", team)];
        let selectors = Selectors::of(entry, &namespaces);
        let role = |name: &str| [Cow::from(format!("arn:aws:iam::123456789012:role/{name}"))];
        assert!(selectors.allow("free", &role("other")));
        assert!(selectors.allow("team", &role("team/app")));
        assert!(!selectors.allow("team", &role("other")));
    }
}
