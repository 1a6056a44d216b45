//! Pods and the kinds that make them.

use podpass_inject::{MIN_TOKEN_EXPIRATION, Pod, Settings, inject};
use podpass_kinds::annotations::{Carrier, DEFAULT_PREFIX};
use podpass_kinds::yaml::{Content, Node};
use podpass_kinds::{PodManifest, Reason, ServiceAccountView, annotations, read_pods};
use podpass_policy::Position;

use super::super::collector::Collector;
use super::super::draft::Draft;
use super::{Document, Text, annotations as rules, arn, at, audience, items};

pub(super) fn check(document: &Document<'_>, mark: usize, out: &mut Collector<'_>) {
    let pod = pod_of(document.root);
    if let Some(all) = at(pod, &["metadata", "annotations"]) {
        rules::check(all, Carrier::Pod, document.text, out);
    }
    if let Some(spec) = pod.get("spec") {
        check_accounts(spec, out);
        check_projections(spec, out);
        check_environment(spec, out);
    }
    if let (Some(text), false, false) = (document.text, document.broken, out.errors_since(mark)) {
        check_injection(document.root, pod, text, out);
    }
}

/// The pod of a workload, or the object itself.
fn pod_of(root: &Node) -> &Node {
    let paths: [&[&str]; 2] = [
        &["spec", "jobTemplate", "spec", "template"],
        &["spec", "template"],
    ];
    paths.iter().find_map(|path| at(root, path)).unwrap_or(root)
}

/// `serviceAccount` is the deprecated name of `serviceAccountName`; where both stand they have to agree.
fn check_accounts(spec: &Node, out: &mut Collector<'_>) {
    let (Some(old), Some(new)) = (spec.get("serviceAccount"), spec.get("serviceAccountName"))
    else {
        return;
    };
    if let (Some(old_name), Some(new_name)) = (old.as_str(), new.as_str())
        && old_name != new_name
    {
        let message =
            format!("`serviceAccount` is `{old_name}` and `serviceAccountName` is `{new_name}`");
        out.report(
            Draft::error(Reason::FileFieldInvalid, old.position, message)
                .expected(new_name)
                .actual(old_name)
                .fix("keep `serviceAccountName` only"),
        );
    }
}

/// The audiences and lifetimes of projected tokens.
fn check_projections(spec: &Node, out: &mut Collector<'_>) {
    let volumes = spec.get("volumes").map(items).unwrap_or_default();
    for source in volumes
        .iter()
        .filter_map(|volume| at(volume, &["projected", "sources"]))
        .flat_map(items)
    {
        let Some(token) = source.get("serviceAccountToken") else {
            continue;
        };
        if let Some(node) = token.get("audience") {
            audience::check(node, out);
        }
        let seconds = token
            .get("expirationSeconds")
            .and_then(|node| match &node.content {
                Content::Number(number) => Some((node.position, number.as_i64()?)),
                _ => None,
            });
        if let Some((position, seconds)) =
            seconds.filter(|(_, seconds)| *seconds < MIN_TOKEN_EXPIRATION)
        {
            let message =
                format!("the kube-apiserver refuses a token that lives {seconds} seconds");
            out.report(
                Draft::error(Reason::TokenExpirationTooShort, position, message)
                    .expected(format!("{MIN_TOKEN_EXPIRATION} or more"))
                    .actual(seconds.to_string()),
            );
        }
    }
}

/// Role ARNs that a container names itself.
fn check_environment(spec: &Node, out: &mut Collector<'_>) {
    for variable in ["initContainers", "containers"]
        .into_iter()
        .filter_map(|member| spec.get(member))
        .flat_map(items)
        .filter_map(|container| container.get("env"))
        .flat_map(items)
    {
        let is_role = variable.get("name").and_then(Node::as_str) == Some("AWS_ROLE_ARN");
        if let Some(value) = variable.get("value").filter(|_| is_role) {
            let text = value.as_str().unwrap_or_default();
            if !text.is_empty() {
                arn::check_role(text, value.position, out);
            }
        }
    }
}

/// What the webhook says when it injects a role into the pod.
fn check_injection(root: &Node, pod_node: &Node, text: Text<'_>, out: &mut Collector<'_>) {
    let manifests = match read_pods(out.file(), text.text) {
        Ok(manifests) => manifests,
        Err(error) => return out.report(Draft::read_error(&error, text.first_line)),
    };
    let role = "arn:aws:iam::123456789012:role/any".to_owned();
    let account = ServiceAccountView {
        annotations: [(
            annotations::name(DEFAULT_PREFIX, annotations::ROLE_ARN),
            role,
        )]
        .into(),
        ..ServiceAccountView::default()
    };
    for pod in manifests.iter().map(PodManifest::pod) {
        let injection = inject(&Pod::from(&pod), &account, &Settings::default());
        for note in injection.notes() {
            let draft: fn(Reason, Position, String) -> Draft = match note.reason {
                Reason::TokenExpirationTooLong | Reason::PodMalformed => Draft::error,
                Reason::TokenExpirationInvalid
                | Reason::TokenExpirationTooShort
                | Reason::SkipContainersInvalid
                | Reason::IncludeContainersInvalid
                | Reason::ContainerUnknown
                | Reason::RegionInvalid
                | Reason::ShadowedByStaticKeys
                | Reason::MountPathTaken
                | Reason::VolumeNameTaken => Draft::warning,
                _ => continue,
            };
            let node = match note.pointer.as_str() {
                "" => at(pod_node, &["metadata", "annotations"]),
                pointer => Some(pointed(pod_node, pointer)),
            };
            let position = node.map_or(root.position, |node| node.position);
            out.report(draft(note.reason, position, note.message.clone()));
        }
    }
}

/// The node that a JSON pointer (RFC 6901) names, or the nearest one above it that is there.
fn pointed<'n>(root: &'n Node, pointer: &str) -> &'n Node {
    let mut node = root;
    for part in pointer.split('/').skip(1) {
        let part = part.replace("~1", "/").replace("~0", "~");
        let next = match &node.content {
            Content::Sequence(items) => part.parse().ok().and_then(|index: usize| items.get(index)),
            _ => node.get(&part),
        };
        match next {
            Some(next) => node = next,
            None => break,
        }
    }
    node
}
