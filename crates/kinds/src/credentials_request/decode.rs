//! Text to CredentialsRequests.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{
    AwsProviderSpec, CredentialsRequest, CredentialsRequestSpec, Document, DocumentContent, Effect,
    OtherCloud, PolicyCondition, RequestMetadata, RequestPlaces, SecretRef, StatementEntry,
};
use crate::Position;
use crate::annotations;
use crate::object::Object;
use crate::read_error::{Problem, ReadError};
use crate::yaml::{self, Content, DecodeError, Node};

/// Reads a file of CredentialsRequests: a YAML or JSON stream, one request per document.
///
/// `file` is the name to use in errors. Unknown fields are ignored, as the peer ignores them. A request for another
/// cloud, one marked for deletion and an empty document are told apart from requests, so that a caller can name and skip
/// them; an object of any other kind is an error, and so is a request without provider spec or Secret.
pub fn read_credentials_requests(file: &str, text: &str) -> Result<Vec<Document>, ReadError> {
    let documents = yaml::parse(text).map_err(|error| ReadError::from_syntax(file, error))?;
    let documents = documents.into_iter().map(|document| {
        let content = match document.root {
            None => DocumentContent::Empty,
            Some(root) => read_request(&Object::of(file, document.index, root)?)?,
        };
        Ok(Document {
            index: document.index,
            position: document.position,
            content,
        })
    });
    documents.collect()
}

fn read_request(object: &Object) -> Result<DocumentContent, ReadError> {
    if object.kind() != CredentialsRequest::KIND {
        return Err(object.kind_error(CredentialsRequest::KIND));
    }
    object.expect_api_version(CredentialsRequest::API_VERSION)?;
    let field_error = |error| object.field_error(error);

    let metadata = read_metadata(object.node()).map_err(field_error)?;
    if metadata
        .annotations
        .get(annotations::RELEASE_DELETE)
        .is_some_and(|value| value == "true")
    {
        return Ok(DocumentContent::MarkedForDeletion(metadata.request_name()));
    }
    let spec = require(object.node(), "spec").map_err(field_error)?;
    let provider =
        require(spec, "providerSpec").map_err(|error| field_error(error.within("spec")))?;
    let in_provider = |error: DecodeError| field_error(error.within("providerSpec").within("spec"));
    let provider_kind: String = require(provider, "kind")
        .and_then(|kind| kind.decode().map_err(|error| error.within("kind")))
        .map_err(in_provider)?;
    if provider_kind != AwsProviderSpec::KIND {
        if OTHER_CLOUDS.contains(&provider_kind.as_str()) {
            return Ok(DocumentContent::OtherCloud(OtherCloud {
                provider_kind,
                request: metadata.request_name(),
            }));
        }
        let place = provider.get("kind").unwrap_or(provider);
        return Err(object.error_at(
            place,
            Problem::ProviderSpec {
                kind: provider_kind,
            },
        ));
    }
    let provider_version: String = require(provider, "apiVersion")
        .and_then(|version| version.decode().map_err(|error| error.within("apiVersion")))
        .map_err(in_provider)?;
    if provider_version != CredentialsRequest::API_VERSION {
        let place = provider.get("apiVersion").unwrap_or(provider);
        let expected = CredentialsRequest::API_VERSION;
        let problem = Problem::ApiVersion {
            kind: provider_kind,
            found: provider_version,
            expected,
        };
        return Err(object.error_at(place, problem));
    }

    let provider_spec = read_provider_spec(provider).map_err(in_provider)?;
    let places = places_of(spec, provider);
    let spec = read_spec(spec, provider_spec).map_err(|error| field_error(error.within("spec")))?;
    Ok(DocumentContent::Request(Box::new(CredentialsRequest {
        metadata,
        spec,
        places,
    })))
}

fn places_of(spec: &Node, provider: &Node) -> RequestPlaces {
    let place = |parent: &Node, field: &str| -> Position {
        parent
            .get(field)
            .map_or(parent.position, |node| node.position)
    };
    let secret = spec.get("secretRef").unwrap_or(spec);
    let accounts = match spec.get("serviceAccountNames").map(|names| &names.content) {
        Some(Content::Sequence(items)) => items.as_slice(),
        _ => &[],
    };
    RequestPlaces {
        secret_namespace: place(secret, "namespace"),
        secret_name: place(secret, "name"),
        service_account_names: place(spec, "serviceAccountNames"),
        service_accounts: accounts.iter().map(|account| account.position).collect(),
        cloud_token_path: place(spec, "cloudTokenPath"),
        statement_entries: place(provider, "statementEntries"),
        permissions_boundary: place(provider, "permissionsBoundary"),
    }
}

fn read_metadata(root: &Node) -> Result<RequestMetadata, DecodeError> {
    let node = require(root, "metadata")?;
    let read = || {
        let metadata: Metadata = node.decode()?;
        Ok(RequestMetadata {
            name: not_empty(node, "name", metadata.name)?,
            namespace: metadata.namespace,
            annotations: metadata.annotations,
        })
    };
    read().map_err(|error: DecodeError| error.within("metadata"))
}

fn read_spec(
    node: &Node,
    provider_spec: AwsProviderSpec,
) -> Result<CredentialsRequestSpec, DecodeError> {
    let secret_node = require(node, "secretRef")?;
    let spec: Spec = node.decode()?;
    let in_secret = |error: DecodeError| error.within("secretRef");
    Ok(CredentialsRequestSpec {
        provider_spec,
        secret_ref: SecretRef {
            namespace: not_empty(secret_node, "namespace", spec.secret_ref.namespace)
                .map_err(in_secret)?,
            name: not_empty(secret_node, "name", spec.secret_ref.name).map_err(in_secret)?,
        },
        service_account_names: spec.service_account_names,
        cloud_token_path: spec.cloud_token_path.filter(|path| !path.is_empty()),
    })
}

fn read_provider_spec(node: &Node) -> Result<AwsProviderSpec, DecodeError> {
    let spec: ProviderSpec = node.decode()?;
    let entry_nodes: &[Node] = match node.get("statementEntries").map(|entries| &entries.content) {
        Some(Content::Sequence(nodes)) => nodes,
        _ => &[],
    };
    let mut entries = Vec::with_capacity(spec.statement_entries.len());
    for (index, (entry, node)) in spec
        .statement_entries
        .into_iter()
        .zip(entry_nodes)
        .enumerate()
    {
        let entry = read_statement(entry, node);
        entries.push(entry.map_err(|error| {
            error
                .within(format!("[{index}]"))
                .within("statementEntries")
        })?);
    }
    Ok(AwsProviderSpec {
        statement_entries: entries,
        sts_iam_role_arn: spec.sts_iam_role_arn.filter(|arn| !arn.is_empty()),
        permissions_boundary: spec.permissions_boundary.filter(|arn| !arn.is_empty()),
    })
}

fn read_statement(entry: Statement, node: &Node) -> Result<StatementEntry, DecodeError> {
    let effect = match entry.effect.as_str() {
        "Allow" => Effect::Allow,
        "Deny" => Effect::Deny,
        other => {
            let position = node
                .get("effect")
                .map_or(node.position, |effect| effect.position);
            let message = format!("expected `Allow` or `Deny`, found `{other}`");
            return Err(DecodeError::invalid_value(position, message).within("effect"));
        }
    };
    if entry.action.is_empty() {
        return Err(DecodeError::missing(node.position, "action"));
    }
    Ok(StatementEntry {
        effect,
        actions: entry.action,
        resource: not_empty(node, "resource", entry.resource)?,
        policy_condition: entry.policy_condition,
        position: node.position,
    })
}

fn require<'n>(node: &'n Node, field: &str) -> Result<&'n Node, DecodeError> {
    let member = node.get(field).filter(|member| !member.is_null());
    member.ok_or_else(|| DecodeError::missing(node.position, field))
}

/// To Kubernetes an empty string and an absent one are the same.
fn not_empty(parent: &Node, field: &str, value: String) -> Result<String, DecodeError> {
    if value.is_empty() {
        let position = parent
            .get(field)
            .map_or(parent.position, |node| node.position);
        return Err(DecodeError::missing(position, field));
    }
    Ok(value)
}

#[derive(Deserialize)]
struct Metadata {
    #[serde(default)]
    name: String,
    #[serde(default)]
    namespace: String,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Spec {
    secret_ref: Secret,
    #[serde(default)]
    service_account_names: Vec<String>,
    cloud_token_path: Option<String>,
}

#[derive(Deserialize)]
struct Secret {
    #[serde(default)]
    namespace: String,
    #[serde(default)]
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ProviderSpec {
    #[serde(default)]
    statement_entries: Vec<Statement>,
    #[serde(rename = "stsIAMRoleARN")]
    sts_iam_role_arn: Option<String>,
    permissions_boundary: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Statement {
    effect: String,
    #[serde(default)]
    action: Vec<String>,
    #[serde(default)]
    resource: String,
    policy_condition: Option<PolicyCondition>,
}

/// The provider specs of the clouds that OpenShift supports or has supported.
const OTHER_CLOUDS: &[&str] = &[
    "AlibabaCloudProviderSpec",
    "AzureProviderSpec",
    "GCPProviderSpec",
    "IBMCloudPowerVSProviderSpec",
    "IBMCloudProviderSpec",
    "KubevirtProviderSpec",
    "NutanixProviderSpec",
    "OpenStackProviderSpec",
    "OvirtProviderSpec",
    "VSphereProviderSpec",
];
