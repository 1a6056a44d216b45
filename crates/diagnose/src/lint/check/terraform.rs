//! Terraform: `terraform show -json` of a plan or a state, and configuration in JSON.

use podpass_kinds::Reason;
use podpass_kinds::annotations::Carrier;
use podpass_kinds::yaml::Node;

use super::super::collector::Collector;
use super::super::draft::Draft;
use super::super::kind::FileKind;
use super::super::policy;
use super::{Claims, annotations, arn, at, audience, items, members};

/// Whether a document is Terraform's.
pub(super) fn is_terraform(root: &Node) -> bool {
    root.get("format_version").is_some()
        || root.get("terraform_version").is_some()
        || root.get("planned_values").is_some()
        || root.get("resource").is_some_and(|resources| {
            members(resources)
                .iter()
                .any(|member| member.key.contains('_'))
        })
}

pub(super) fn check(root: &Node, out: &mut Collector<'_>, claims: &mut Claims) {
    let module = at(root, &["planned_values", "root_module"])
        .or_else(|| at(root, &["values", "root_module"]));
    if let Some(module) = module {
        check_module(module, 0, out, claims);
    } else if let Some(changes) = root.get("resource_changes") {
        for change in items(changes) {
            if let Some(values) = at(change, &["change", "after"]) {
                check_resource(change, values, out, claims);
            }
        }
    }
    for of_type in root.get("resource").map(members).unwrap_or_default() {
        for resource in members(&of_type.value) {
            let address = format!("{}.{}", of_type.key, resource.key);
            check_values(&of_type.key, &address, &resource.value, out, claims);
        }
    }
}

fn check_module(module: &Node, depth: usize, out: &mut Collector<'_>, claims: &mut Claims) {
    for resource in module.get("resources").map(items).unwrap_or_default() {
        if let Some(values) = resource.get("values") {
            check_resource(resource, values, out, claims);
        }
    }
    if depth < MAX_MODULES {
        for child in module.get("child_modules").map(items).unwrap_or_default() {
            check_module(child, depth + 1, out, claims);
        }
    }
}

fn check_resource(resource: &Node, values: &Node, out: &mut Collector<'_>, claims: &mut Claims) {
    let text = |member: &str| resource.get(member).and_then(Node::as_str);
    let kind = text("type").unwrap_or_default();
    let address = text("address").or_else(|| text("name")).unwrap_or(kind);
    check_values(kind, address, values, out, claims);
}

fn check_values(
    kind: &str,
    address: &str,
    values: &Node,
    out: &mut Collector<'_>,
    claims: &mut Claims,
) {
    let policy_of = |values: &Node,
                     member: &str,
                     kind: FileKind,
                     claims: &mut Claims,
                     out: &mut Collector<'_>| {
        if let Some(node) = values.get(member) {
            let path = format!("in `{member}` of `{address}`");
            policy::check_member(node, Some(kind), &path, out, claims);
        }
    };
    match kind {
        "aws_iam_role" => {
            policy_of(
                values,
                "assume_role_policy",
                FileKind::TrustPolicy,
                claims,
                out,
            );
            for inline in values.get("inline_policy").map(items).unwrap_or_default() {
                policy_of(inline, "policy", FileKind::PermissionsPolicy, claims, out);
            }
        }
        "aws_iam_policy"
        | "aws_iam_role_policy"
        | "aws_iam_user_policy"
        | "aws_iam_group_policy" => {
            policy_of(values, "policy", FileKind::PermissionsPolicy, claims, out);
        }
        "aws_s3_bucket_policy" => policy_of(values, "policy", FileKind::BucketPolicy, claims, out),
        "aws_iam_openid_connect_provider" => {
            if let Some(audiences) = values.get("client_id_list") {
                audience::check(audiences, out);
            }
            check_url(values, out);
        }
        "kubernetes_service_account" | "kubernetes_service_account_v1" => {
            for metadata in values.get("metadata").map(items).unwrap_or_default() {
                check_annotations(metadata, out);
            }
        }
        _ => {}
    }
}

fn check_annotations(metadata: &Node, out: &mut Collector<'_>) {
    let Some(all) = metadata.get("annotations").filter(|all| !all.is_null()) else {
        return;
    };
    annotations::check(all, Carrier::ServiceAccount, None, out);
    if let Some(role) = all.get("eks.amazonaws.com/role-arn")
        && let Some(text) = role.as_str()
    {
        arn::check_role(text, role.position, out);
    }
    if let Some(node) = all.get("eks.amazonaws.com/audience") {
        audience::check(node, out);
    }
}

/// The issuer of an OIDC provider: HTTPS, without a slash at its end, which the token's issuer would have to have too.
fn check_url(values: &Node, out: &mut Collector<'_>) {
    let Some(node) = values.get("url") else {
        return;
    };
    let url = node.as_str().unwrap_or_default();
    if url.starts_with("http://") {
        let message = format!("the issuer `{url}` is not served over HTTPS");
        let draft = Draft::error(Reason::IssuerStringMismatch, node.position, message);
        out.report(draft.fix("write the issuer exactly as the token has it, with `https://`"));
    } else if url.ends_with('/') {
        let message = format!("the issuer `{url}` ends with a slash");
        let draft = Draft::warning(Reason::IssuerStringMismatch, node.position, message);
        out.report(draft.fix("remove the slash, unless the token's issuer ends with one"));
    }
}

/// Deeper than modules are nested by anyone.
const MAX_MODULES: usize = 64;
