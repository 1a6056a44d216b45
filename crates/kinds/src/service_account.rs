//! What injection needs of a service account.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::object::{Object, read_objects};
use crate::read_error::{Place, Problem, ReadError};
use crate::yaml::DecodeError;
use crate::{Position, annotations};

/// What injection needs of a ServiceAccount.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceAccountView {
    /// The namespace; `default` when a manifest names none.
    pub namespace: String,
    /// The name.
    pub name: String,
    /// The UID that the API server gave, absent from manifests.
    pub uid: Option<String>,
    /// All annotations.
    pub annotations: BTreeMap<String, String>,
}

/// Reads the service accounts of a YAML or JSON stream; objects of other kinds are left out.
///
/// A file without any service account is an error.
pub fn read_service_accounts(file: &str, text: &str) -> Result<Vec<ServiceAccountView>, ReadError> {
    let mut views = Vec::new();
    for object in read_objects(file, text)? {
        views.extend(object.service_account()?);
    }
    if views.is_empty() {
        return Err(none_found(file, "ServiceAccount"));
    }
    Ok(views)
}

pub(crate) fn none_found(file: &str, expected: &'static str) -> ReadError {
    let place = Place {
        file: file.to_owned(),
        document: 1,
        position: Position::START,
        object: None,
    };
    ReadError {
        place: Box::new(place),
        problem: Problem::NoneFound { expected },
    }
}

impl ServiceAccountView {
    /// Returns the annotation `<prefix>/<suffix>`.
    pub fn annotation(&self, prefix: &str, suffix: &str) -> Option<&str> {
        self.annotations
            .get(&annotations::name(prefix, suffix))
            .map(String::as_str)
    }

    /// Returns the subject of the account's tokens, `system:serviceaccount:<namespace>:<name>`.
    pub fn subject(&self) -> String {
        format!("system:serviceaccount:{}:{}", self.namespace, self.name)
    }
}

impl Object {
    /// Reads the object as a service account; `None` when it is of another kind.
    pub fn service_account(&self) -> Result<Option<ServiceAccountView>, ReadError> {
        if self.kind() != "ServiceAccount" {
            return Ok(None);
        }
        self.expect_api_version("v1")?;
        let manifest: Manifest = self
            .node()
            .decode()
            .map_err(|error| self.field_error(error))?;
        let metadata = manifest.metadata;
        if metadata.name.is_empty() {
            let position = self
                .node()
                .get("metadata")
                .unwrap_or_else(|| self.node())
                .position;
            return Err(self.field_error(DecodeError::missing(position, "name").within("metadata")));
        }
        Ok(Some(ServiceAccountView {
            namespace: metadata
                .namespace
                .unwrap_or_else(|| DEFAULT_NAMESPACE.to_owned()),
            name: metadata.name,
            uid: metadata.uid,
            annotations: metadata.annotations,
        }))
    }
}

#[derive(Deserialize)]
struct Manifest {
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Metadata {
    name: String,
    namespace: Option<String>,
    uid: Option<String>,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

/// Where kubectl puts an object that names no namespace.
pub(crate) const DEFAULT_NAMESPACE: &str = "default";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Reason;

    #[test]
    fn reads_the_service_accounts_of_a_mixed_file() {
        let text = "---\napiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: irsa-test-service-account\n  namespace: \
                    irsa\n  uid: 65b197d7\n  annotations:\n    eks.amazonaws.com/role-arn: arn:aws:iam::123456789012:role/a\n\
                    secrets: [{name: a}]\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: p}\n---\n# nothing\n---\n\
                    apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: plain, annotations: null}\n";
        let accounts = read_service_accounts("sa.yaml", text).unwrap();
        let [annotated, plain] = &accounts[..] else {
            panic!("{accounts:?}")
        };
        assert_eq!(
            annotated.subject(),
            "system:serviceaccount:irsa:irsa-test-service-account"
        );
        assert_eq!(annotated.uid.as_deref(), Some("65b197d7"));
        let role = annotated.annotation(annotations::DEFAULT_PREFIX, annotations::ROLE_ARN);
        assert_eq!(role, Some("arn:aws:iam::123456789012:role/a"));
        assert_eq!(plain.subject(), "system:serviceaccount:default:plain");
        assert!(plain.annotations.is_empty());
    }

    #[test]
    fn refuses_what_the_api_server_would_refuse() {
        let cases = [
            (
                "apiVersion: v2\nkind: ServiceAccount\nmetadata: {name: a}\n",
                Reason::FileApiVersionUnexpected,
            ),
            (
                "apiVersion: v1\nkind: ServiceAccount\n",
                Reason::FileFieldMissing,
            ),
            (
                "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: ''}\n",
                Reason::FileFieldMissing,
            ),
            (
                "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: a, annotations: {b: true}}\n",
                Reason::FileFieldInvalid,
            ),
            (
                "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n",
                Reason::NothingToDo,
            ),
            ("# nothing\n", Reason::NothingToDo),
            (
                "kind: ServiceAccount\nmetadata: {name: a}\n",
                Reason::FileFieldMissing,
            ),
            ("kind: ServiceAccount\nkind: Pod\n", Reason::DuplicateKey),
        ];
        for (text, reason) in cases {
            assert_eq!(
                read_service_accounts("sa.yaml", text).unwrap_err().reason(),
                reason,
                "{text}"
            );
        }
    }

    #[test]
    fn unquoted_boolean_annotation_is_an_error_with_its_place() {
        let text = "apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: a\n  annotations:\n    \
                    eks.amazonaws.com/sts-regional-endpoints: true\n";
        let error = read_service_accounts("sa.yaml", text).unwrap_err();
        assert_eq!(
            error.to_string(),
            "sa.yaml:6:47: document 1, ServiceAccount `a`: `metadata.annotations.eks.amazonaws.com/sts-regional-endpoints`: \
             expected a string, found a boolean"
        );
    }
}
