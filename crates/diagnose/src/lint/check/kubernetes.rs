//! Kubernetes objects: which kind, and fields that stand in the wrong place.

use podpass_kinds::Reason;
use podpass_kinds::yaml::Node;

use super::super::collector::Collector;
use super::super::draft::Draft;
use super::super::kind::FileKind;
use super::{
    Claims, Document, arn, at, credentials_request, items, members, pod, secret, service_account,
    structured,
};

pub(super) fn check(document: &Document<'_>, out: &mut Collector<'_>, claims: &mut Claims) {
    let root = document.root;
    let kind = root.get("kind").and_then(Node::as_str).unwrap_or_default();
    if kind == "List" || kind.ends_with("List") && root.get("items").is_some() {
        for item in root.get("items").map(items).unwrap_or_default() {
            structured::check(&structured::part(item, document), out, claims);
        }
        return;
    }
    let file_kind = file_kind(kind);
    out.kind(file_kind);
    if file_kind == FileKind::OtherObject {
        let position = root.get("kind").map_or(root.position, |kind| kind.position);
        let message = format!("objects of kind `{kind}` are not checked");
        out.report(Draft::note(Reason::FileKindUnknown, position, message));
        return;
    }
    let mark = out.mark();
    check_places(root, kind, out);
    arn::check_all(root, out);
    match file_kind {
        FileKind::CredentialsRequest => credentials_request::check(document, mark, out),
        FileKind::ServiceAccount => service_account::check(document, mark, out, claims),
        FileKind::Secret => secret::check(document, out),
        _ => pod::check(document, mark, out),
    }
}

/// What a text that could not be read was probably meant to be.
pub(super) fn kind_in_text(text: &str) -> FileKind {
    let kind = text.lines().find_map(|line| line.strip_prefix("kind:"));
    let kind = kind.and_then(|kind| kind.split_whitespace().next());
    kind.map_or(FileKind::Unknown, file_kind)
}

fn file_kind(kind: &str) -> FileKind {
    match kind {
        "CredentialsRequest" => FileKind::CredentialsRequest,
        "ServiceAccount" => FileKind::ServiceAccount,
        "Secret" => FileKind::Secret,
        "Pod" => FileKind::Pod,
        _ if WORKLOADS.contains(&kind) => FileKind::Workload,
        _ => FileKind::OtherObject,
    }
}

/// Reports fields that belong elsewhere in the object.
fn check_places(root: &Node, kind: &str, out: &mut Collector<'_>) {
    for rule in PLACES.iter().filter(|rule| rule.kinds.contains(&kind)) {
        for place in rule.wrong {
            let Some(node) = at(root, place) else {
                continue;
            };
            for member in members(node)
                .iter()
                .filter(|member| rule.fields.contains(&member.key.as_str()))
            {
                let right = rule.right.join(".");
                let found = if place.is_empty() {
                    "at the top level".to_owned()
                } else {
                    format!("under `{}`", place.join("."))
                };
                let message = format!(
                    "`{}` stands {found}; it belongs under `{right}`",
                    member.key
                );
                out.report(
                    Draft::error(Reason::FieldMisplaced, member.key_position, message)
                        .expected(format!("{right}.{}", member.key))
                        .fix(format!("move `{}` under `{right}`", member.key)),
                );
            }
        }
    }
}

/// Fields that belong to one place, and the places where they are found instead.
struct Places {
    kinds: &'static [&'static str],
    fields: &'static [&'static str],
    right: &'static [&'static str],
    wrong: &'static [&'static [&'static str]],
}

const REQUEST_SPEC: &[&str] = &["spec"];
const PROVIDER_SPEC: &[&str] = &["spec", "providerSpec"];
const POD_SPEC_FIELDS: &[&str] = &[
    "containers",
    "initContainers",
    "serviceAccount",
    "serviceAccountName",
    "volumes",
];
const TEMPLATED: &[&str] = &[
    "DaemonSet",
    "Deployment",
    "DeploymentConfig",
    "Job",
    "ReplicaSet",
    "ReplicationController",
    "StatefulSet",
];

const PLACES: &[Places] = &[
    Places {
        kinds: &["CredentialsRequest"],
        fields: &[
            "cloudTokenPath",
            "providerSpec",
            "secretRef",
            "serviceAccountNames",
        ],
        right: REQUEST_SPEC,
        wrong: &[&[], &["metadata"], PROVIDER_SPEC],
    },
    Places {
        kinds: &["CredentialsRequest"],
        fields: &["statementEntries"],
        right: PROVIDER_SPEC,
        wrong: &[&[], &["metadata"], REQUEST_SPEC],
    },
    Places {
        kinds: &["Pod"],
        fields: POD_SPEC_FIELDS,
        right: &["spec"],
        wrong: &[&[], &["metadata"]],
    },
    Places {
        kinds: TEMPLATED,
        fields: POD_SPEC_FIELDS,
        right: &["spec", "template", "spec"],
        wrong: &[&[], &["metadata"], &["spec"], &["spec", "template"]],
    },
    Places {
        kinds: &["ServiceAccount", "Pod", "Secret"],
        fields: &["annotations", "labels", "namespace"],
        right: &["metadata"],
        wrong: &[&[]],
    },
];

const WORKLOADS: &[&str] = &[
    "CronJob",
    "DaemonSet",
    "Deployment",
    "DeploymentConfig",
    "Job",
    "ReplicaSet",
    "ReplicationController",
    "StatefulSet",
];
