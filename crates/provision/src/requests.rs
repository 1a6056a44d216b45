//! From the documents of a directory to the requests that become roles.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use podpass_kinds::{
    Applicability, CredentialsRequest, CredentialsRequestSpec, DEFAULT_CLOUD_TOKEN_PATH, Document,
    DocumentContent, Position, Reason, RequestPlaces, SecretRef, StatementEntry,
};
use podpass_policy::{self as policy, DocumentKind, InvalidArn, PolicyArn, PolicyErrorKind};
use thiserror::Error;

use crate::permissions_policy::permissions_policy;

/// What one CredentialsRequest for AWS asks for, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct RoleRequest {
    /// Where it stands.
    pub place: DocumentPlace,
    /// The request's namespace.
    pub request_namespace: String,
    /// The request's name.
    pub request_name: String,
    /// The namespace of the secret, and of the service accounts.
    pub secret_namespace: String,
    /// The name of the secret.
    pub secret_name: String,
    /// The service accounts that may assume the role.
    pub service_accounts: Vec<String>,
    /// Where the component finds its token.
    pub token_path: String,
    /// What the role may do.
    pub statements: Vec<StatementEntry>,
    /// The managed policy that the request itself wants to be bounded by.
    pub boundary: Option<PolicyArn>,
}

/// A document in a file of a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentPlace {
    /// The file as the caller named it.
    pub file: String,
    /// The number of the document in the file, from 1.
    pub document: usize,
    /// Where the document starts, or the field that is meant.
    pub position: Position,
}

/// A file that was read, by the name the caller has for it.
#[derive(Clone, Debug, PartialEq)]
pub struct RequestFile {
    /// Its name for messages.
    pub name: String,
    /// Its documents.
    pub documents: Vec<Document>,
}

/// The requests of a directory, and what was left out of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Selection {
    /// The requests that become roles; at least one.
    pub requests: Vec<RoleRequest>,
    /// The documents that do not.
    pub skipped: Vec<Skipped>,
    /// What a person should know about those that do.
    pub notes: Vec<String>,
}

/// A document that becomes no role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// Where it stands.
    pub place: DocumentPlace,
    /// The reason code; a second copy of a request has none.
    pub reason: Option<Reason>,
    /// Why, as one sentence; where ccoctl leaves it out too, in ccoctl's words.
    pub text: String,
}

/// Whether requests of the tech preview become roles (`--enable-tech-preview`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TechPreview {
    /// They are left out.
    #[default]
    Exclude,
    /// They are taken.
    Include,
}

/// Why a directory is refused before anything is done with it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RequestError {
    /// There is no request to process.
    #[error("`{directory}` holds no CredentialsRequest to process")]
    NothingToDo {
        /// The directory as the user named it.
        directory: String,
        /// What it holds instead.
        skipped: Vec<Skipped>,
    },
    /// A request names no service account, so that nobody could assume its role.
    #[error("{place}: CredentialsRequest `{name}` has no `spec.serviceAccountNames`")]
    NoServiceAccounts {
        /// Where it stands.
        place: DocumentPlace,
        /// The request's name, without its namespace.
        name: String,
    },
    /// A request asks for no permission; IAM refuses a policy without statements.
    #[error("{place}: CredentialsRequest `{name}` has no `spec.providerSpec.statementEntries`")]
    NoStatements {
        /// Where it stands.
        place: DocumentPlace,
        /// The request's name, without its namespace.
        name: String,
    },
    /// A name cannot be one in Kubernetes, and would end up in a file name or a trust policy.
    #[error(
        "{place}: CredentialsRequest `{name}`: `{field}` is `{value}`, which is no name in Kubernetes"
    )]
    InvalidName {
        /// Where it stands.
        place: DocumentPlace,
        /// The request's name.
        name: String,
        /// The path of the field.
        field: &'static str,
        /// Its value.
        value: String,
    },
    /// The token's path cannot stand in a credentials file.
    #[error(
        "{place}: CredentialsRequest `{name}`: `spec.cloudTokenPath` is `{value}`, which is no absolute path"
    )]
    InvalidTokenPath {
        /// Where it stands.
        place: DocumentPlace,
        /// The request's name.
        name: String,
        /// Its value.
        value: String,
    },
    /// The boundary is not the ARN of a managed policy.
    #[error(
        "{place}: CredentialsRequest `{name}`: `spec.providerSpec.permissionsBoundary`: {problem}"
    )]
    InvalidBoundary {
        /// Where it stands.
        place: DocumentPlace,
        /// The request's name.
        name: String,
        /// What is wrong with it, with its value.
        problem: Box<InvalidArn>,
    },
    /// IAM would refuse a statement.
    #[error(
        "{place}: CredentialsRequest `{name}`: `spec.providerSpec.statementEntries[{index}]`: {problem}"
    )]
    InvalidStatement {
        /// Where it stands.
        place: DocumentPlace,
        /// The request's name.
        name: String,
        /// Its place in the list, from 0.
        index: usize,
        /// What is wrong with it, with its value.
        problem: Box<PolicyErrorKind>,
    },
    /// Two different requests would share one role and one secret manifest.
    #[error(
        "CredentialsRequests {first} and {second} both need the role and the secret manifest `{shared}`, and differ"
    )]
    Conflict {
        /// What both are called.
        shared: String,
        /// The first request.
        first: Box<Claim>,
        /// The second request.
        second: Box<Claim>,
    },
}

/// A request in a message: its name and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The request's name, without its namespace.
    pub name: String,
    /// Where it stands.
    pub place: DocumentPlace,
}

/// Chooses the requests that become roles, by ccoctl's filters and in the order of the files.
///
/// Every request is checked before any of them is acted upon. `directory` is named when nothing is left.
pub fn select(
    directory: &str,
    files: Vec<RequestFile>,
    tech_preview: TechPreview,
) -> Result<Selection, RequestError> {
    let mut selection = Selection::default();
    let mut by_name: BTreeMap<String, usize> = BTreeMap::new();
    for file in files {
        for document in file.documents {
            let place = DocumentPlace {
                file: file.name.clone(),
                document: document.index,
                position: document.position,
            };
            let (request, gates) = match applicable(document.content, tech_preview) {
                Ok(request) => {
                    let gates = request.feature_gates().map(str::to_owned);
                    (RoleRequest::checked(*request, place)?, gates)
                }
                Err((reason, text)) => {
                    selection.skipped.push(Skipped {
                        place,
                        reason: Some(reason),
                        text,
                    });
                    continue;
                }
            };
            let shared = request.secret_key();
            match by_name
                .get(&shared)
                .map(|&index| &selection.requests[index])
            {
                None => {
                    selection.notes.extend(gates.map(|gates| {
                        format!(
                            "CredentialsRequest {request} is of use only where the feature gates {gates} are on; its role is \
                             made all the same. `oc adm release extract --included` leaves out what your cluster does not \
                             need"
                        )
                    }));
                    by_name.insert(shared, selection.requests.len());
                    selection.requests.push(request);
                }
                Some(first) if first.asks_the_same_as(&request) => {
                    selection.skipped.push(Skipped {
                        text: format!(
                            "Skipping CredentialsRequest {request}: {} says the same",
                            first.place
                        ),
                        place: request.place,
                        reason: None,
                    });
                }
                Some(first) => {
                    return Err(RequestError::Conflict {
                        shared,
                        first: Box::new(first.claim()),
                        second: Box::new(request.claim()),
                    });
                }
            }
        }
    }
    if selection.requests.is_empty() {
        return Err(RequestError::NothingToDo {
            directory: directory.to_owned(),
            skipped: selection.skipped,
        });
    }
    Ok(selection)
}

// === impl RoleRequest ===

impl RoleRequest {
    /// The subjects of the service accounts' tokens. Their namespace is the secret's, not the request's.
    pub fn subjects(&self) -> Vec<String> {
        self.service_accounts
            .iter()
            .map(|account| format!("system:serviceaccount:{}:{account}", self.secret_namespace))
            .collect()
    }

    /// What follows the cluster's name in the role's full name, and what the secret's manifest is named after.
    fn secret_key(&self) -> String {
        format!("{}-{}", self.secret_namespace, self.secret_name)
    }

    fn claim(&self) -> Claim {
        Claim {
            name: self.request_name.clone(),
            place: self.place.clone(),
        }
    }

    fn asks_the_same_as(&self, other: &Self) -> bool {
        let statements = |request: &Self| permissions_policy(&request.statements);
        self.secret_namespace == other.secret_namespace
            && self.secret_name == other.secret_name
            && self.service_accounts == other.service_accounts
            && self.token_path == other.token_path
            && self.boundary == other.boundary
            && statements(self) == statements(other)
    }

    fn checked(request: CredentialsRequest, place: DocumentPlace) -> Result<Self, RequestError> {
        let CredentialsRequest {
            metadata,
            spec,
            places,
        } = request;
        let name = metadata.name;
        let at = |position: Position| DocumentPlace {
            position,
            ..place.clone()
        };
        if spec.service_account_names.is_empty() {
            let place = at(places.service_account_names);
            return Err(RequestError::NoServiceAccounts { place, name });
        }
        if spec.provider_spec.statement_entries.is_empty() {
            let place = at(places.statement_entries);
            return Err(RequestError::NoStatements { place, name });
        }
        if let Some((position, field, value)) = bad_name(&spec, &places) {
            return Err(RequestError::InvalidName {
                place: at(position),
                name,
                field,
                value: value.to_owned(),
            });
        }
        let token_path = spec
            .cloud_token_path
            .unwrap_or_else(|| DEFAULT_CLOUD_TOKEN_PATH.to_owned());
        if !token_path.starts_with('/') || token_path.contains(breaks_a_line) {
            return Err(RequestError::InvalidTokenPath {
                place: at(places.cloud_token_path),
                name,
                value: token_path.escape_debug().to_string(),
            });
        }
        let statements = spec.provider_spec.statement_entries;
        for (index, entry) in statements.iter().enumerate() {
            let document = permissions_policy(std::slice::from_ref(entry));
            if let Err(error) = policy::Document::parse(&document, DocumentKind::Permissions) {
                return Err(RequestError::InvalidStatement {
                    place: at(entry.position),
                    name,
                    index,
                    problem: Box::new(error.kind),
                });
            }
        }
        let boundary = spec.provider_spec.permissions_boundary;
        let boundary = match boundary.as_deref().map(str::parse).transpose() {
            Ok(boundary) => boundary,
            Err(problem) => {
                return Err(RequestError::InvalidBoundary {
                    place: at(places.permissions_boundary),
                    name,
                    problem: Box::new(problem),
                });
            }
        };
        Ok(Self {
            place,
            request_namespace: metadata.namespace,
            request_name: name,
            secret_namespace: spec.secret_ref.namespace,
            secret_name: spec.secret_ref.name,
            service_accounts: without_repetition(spec.service_account_names),
            token_path,
            statements,
            boundary,
        })
    }
}

/// `namespace/name` of the request.
impl fmt::Display for RoleRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.request_namespace, self.request_name)
    }
}

// === impl DocumentPlace ===

impl fmt::Display for DocumentPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}:{}:{}: document {}",
            self.file, self.position.line, self.position.column, self.document
        )
    }
}

// === impl Claim ===

impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` ({})", self.name, self.place)
    }
}

// === impl Skipped ===

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.text)
    }
}

// === impl RequestError ===

impl RequestError {
    /// The reason code.
    pub fn reason(&self) -> Reason {
        match self {
            Self::NothingToDo { .. } => Reason::NothingToDo,
            Self::NoServiceAccounts { .. } => Reason::ServiceAccountsMissing,
            Self::NoStatements { .. } => Reason::FileFieldMissing,
            Self::InvalidName { .. }
            | Self::InvalidTokenPath { .. }
            | Self::InvalidBoundary { .. }
            | Self::InvalidStatement { .. } => Reason::FileFieldInvalid,
            Self::Conflict { .. } => Reason::RoleNameCollision,
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NothingToDo { .. } => {
                "extract the requests of your release with `oc adm release extract --credentials-requests --included \
                 --to=DIRECTORY`; files end in .yaml or .yml, and sub-directories are not read"
            }
            Self::NoServiceAccounts { .. } => "add the service accounts that will use the secret",
            Self::NoStatements { .. } => "add what the role may do",
            Self::InvalidName { .. } => {
                "use lower-case letters, digits, hyphens and dots, as Kubernetes does"
            }
            Self::InvalidTokenPath { .. } => {
                "write the path at which the pod mounts its token, from the root and in one line"
            }
            Self::InvalidBoundary { .. } => {
                "write the ARN of a managed policy: arn:aws:iam::<12 digits>:policy/<name>"
            }
            Self::InvalidStatement { .. } => "correct the statement: IAM would refuse it",
            Self::Conflict { .. } => "keep one of the two, or give the secret of one another name",
        }
    }
}

fn applicable(
    content: DocumentContent,
    tech_preview: TechPreview,
) -> Result<Box<CredentialsRequest>, (Reason, String)> {
    match content {
        DocumentContent::Request(request) => {
            match request.applies(tech_preview == TechPreview::Include) {
                Applicability::Yes => Ok(request),
                Applicability::Ignored { reason, text } => Err((reason, text)),
            }
        }
        DocumentContent::OtherCloud(other) => Err((
            Reason::OtherCloud,
            format!(
                "Skipping CredentialsRequest {}: its {} is for another cloud",
                other.request, other.provider_kind
            ),
        )),
        DocumentContent::MarkedForDeletion(name) => {
            Err((Reason::MarkedForDeletion, name.marked_for_deletion()))
        }
        DocumentContent::Empty => Err((
            Reason::DocumentEmpty,
            "Skipping an empty document: it holds nothing but comments".to_owned(),
        )),
    }
}

/// The first name that cannot be one in Kubernetes: where it stands, in which field, and what it is.
fn bad_name<'s>(
    spec: &'s CredentialsRequestSpec,
    places: &RequestPlaces,
) -> Option<(Position, &'static str, &'s str)> {
    let SecretRef { namespace, name } = &spec.secret_ref;
    if !is_dns_label(namespace) {
        let position = places.secret_namespace;
        return Some((position, "spec.secretRef.namespace", namespace));
    }
    if !is_dns_subdomain(name) {
        return Some((places.secret_name, "spec.secretRef.name", name));
    }
    let mut accounts = spec
        .service_account_names
        .iter()
        .zip(&places.service_accounts);
    let (account, position) = accounts.find(|(account, _)| !is_dns_subdomain(account))?;
    Some((*position, "spec.serviceAccountNames", account))
}

/// RFC 1123: what Kubernetes takes for namespaces.
fn is_dns_label(name: &str) -> bool {
    name.len() <= 63 && has_form_of_label(name)
}

/// RFC 1123: what Kubernetes takes for secrets and service accounts; only the whole has a greatest length.
fn is_dns_subdomain(name: &str) -> bool {
    name.len() <= 253 && name.split('.').all(has_form_of_label)
}

fn has_form_of_label(label: &str) -> bool {
    let edge = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let bytes = label.as_bytes();
    bytes.first().copied().is_some_and(edge)
        && bytes.last().copied().is_some_and(edge)
        && bytes.iter().all(|&b| edge(b) || b == b'-')
}

/// What ends a line for some reader of YAML or of a credentials file.
fn breaks_a_line(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
}

fn without_repetition(names: Vec<String>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    names
        .into_iter()
        .filter(|name| seen.insert(name.clone()))
        .collect()
}

#[cfg(test)]
mod tests;
