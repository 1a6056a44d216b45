use podpass_testkit::test_data;
use serde_json::json;

use super::*;
use crate::read_error::{Problem, ReadError};

mod filters;

const REQUEST: &str = "\
apiVersion: cloudcredential.openshift.io/v1
kind: CredentialsRequest
metadata:
  name: app
  namespace: openshift-cloud-credential-operator
spec:
  providerSpec:
    apiVersion: cloudcredential.openshift.io/v1
    kind: AWSProviderSpec
    statementEntries:
    - effect: Allow
      action:
      - s3:GetObject
      resource: '*'
  secretRef:
    name: app-creds
    namespace: app-ns
  serviceAccountNames:
  - app-sa
";

fn read(text: &str) -> Vec<DocumentContent> {
    let documents = read_credentials_requests("requests/app.yaml", text).unwrap();
    documents
        .into_iter()
        .map(|document| document.content)
        .collect()
}

fn request(text: &str) -> CredentialsRequest {
    match read(text).pop() {
        Some(DocumentContent::Request(request)) => *request,
        other => panic!("not a request: {other:?}"),
    }
}

fn error(text: &str) -> ReadError {
    read_credentials_requests("requests/app.yaml", text).unwrap_err()
}

/// The request with one line replaced; an empty replacement removes the line.
fn with_line(line: &str, replacement: &str) -> String {
    let lines: Vec<&str> = REQUEST
        .lines()
        .map(|own| if own == line { replacement } else { own })
        .collect();
    assert_ne!(lines.join("\n") + "\n", REQUEST, "{line}");
    lines
        .into_iter()
        .filter(|own| !own.is_empty())
        .flat_map(|own| [own, "\n"])
        .collect()
}

#[test]
fn reads_all_fields() {
    let text = with_line(
        "  serviceAccountNames:",
        "  cloudTokenPath: /token\n  unknown: [1]\n  serviceAccountNames:",
    );
    let text = text.replace(
        "    statementEntries:",
        "    stsIAMRoleARN: arn:aws:iam::123456789012:role/a\n    statementEntries:",
    );
    let request = request(&text);
    assert_eq!(
        request.metadata.request_name().to_string(),
        "openshift-cloud-credential-operator/app"
    );
    assert_eq!(
        request.spec.secret_ref,
        SecretRef {
            namespace: "app-ns".to_owned(),
            name: "app-creds".to_owned()
        }
    );
    assert_eq!(request.spec.service_account_names, ["app-sa"]);
    assert_eq!(request.spec.cloud_token_path.as_deref(), Some("/token"));
    let provider = request.spec.provider_spec;
    assert_eq!(
        provider.sts_iam_role_arn.as_deref(),
        Some("arn:aws:iam::123456789012:role/a")
    );
    assert_eq!(provider.permissions_boundary, None);
    let [statement] = &provider.statement_entries[..] else {
        panic!("{provider:?}")
    };
    assert_eq!(statement.effect, Effect::Allow);
    assert_eq!(statement.actions, ["s3:GetObject"]);
    assert_eq!(statement.resource, "*");
    assert_eq!(statement.policy_condition, None);
    assert_eq!(
        statement.position,
        Position {
            line: 12,
            column: 7
        }
    );
}

#[test]
fn condition_values_keep_their_type() {
    let text = with_line(
        "      resource: '*'",
        "      resource: '*'\n      policyCondition:\n        Bool:\n          kms:GrantIsForAWSResource: true\n        'Null':\n          \
         aws:RequestTag/a: 'false'\n        StringEquals:\n          b: [c, d]",
    );
    let condition = request(&text).spec.provider_spec.statement_entries[0]
        .policy_condition
        .clone();
    let expected = json!({
        "Bool": {"kms:GrantIsForAWSResource": true},
        "Null": {"aws:RequestTag/a": "false"},
        "StringEquals": {"b": ["c", "d"]}
    });
    assert_eq!(json!(condition), expected);
}

#[test]
fn reads_the_nine_real_requests() {
    let cases = [
        (
            "01-openshift-cluster-api-aws",
            "openshift-cluster-api",
            "capa-manager-bootstrap-credentials",
            3,
            1,
        ),
        (
            "02-openshift-machine-api-aws",
            "openshift-machine-api",
            "aws-cloud-credentials",
            3,
            1,
        ),
        (
            "03-cloud-credential-operator-iam-ro",
            "openshift-cloud-credential-operator",
            "cloud-credential-operator-iam-ro-creds",
            1,
            1,
        ),
        (
            "04-openshift-image-registry",
            "openshift-image-registry",
            "installer-cloud-credentials",
            1,
            2,
        ),
        (
            "05-openshift-ingress",
            "openshift-ingress-operator",
            "cloud-credentials",
            1,
            1,
        ),
        (
            "06-openshift-cloud-network-config-controller-aws",
            "openshift-cloud-network-config-controller",
            "cloud-credentials",
            1,
            1,
        ),
        (
            "07-aws-ebs-csi-driver-operator",
            "openshift-cluster-csi-drivers",
            "ebs-cloud-credentials",
            3,
            2,
        ),
        (
            "08-aws-load-balancer-controller",
            "aws-load-balancer-operator",
            "aws-load-balancer-controller-cluster",
            23,
            1,
        ),
        (
            "09-aws-load-balancer-operator",
            "aws-load-balancer-operator",
            "aws-load-balancer-operator",
            3,
            1,
        ),
    ];
    for (file, namespace, secret, statements, service_accounts) in cases {
        let Some(path) = test_data(&format!("credentialsrequests/{file}.yaml")) else {
            return;
        };
        let request = request(&std::fs::read_to_string(path).unwrap());
        assert_eq!(request.metadata.name, file[3..], "{file}");
        assert_eq!(request.spec.secret_ref.namespace, namespace, "{file}");
        assert_eq!(request.spec.secret_ref.name, secret, "{file}");
        assert_eq!(
            request.spec.provider_spec.statement_entries.len(),
            statements,
            "{file}"
        );
        assert_eq!(
            request.spec.service_account_names.len(),
            service_accounts,
            "{file}"
        );
        assert_eq!(request.applies(false), Applicability::Yes, "{file}");
    }
}

#[test]
fn json_requests_are_read() {
    let text = r#"{"apiVersion":"cloudcredential.openshift.io/v1","kind":"CredentialsRequest","metadata":{"name":"a"},
        "spec":{"secretRef":{"name":"b","namespace":"c"},"providerSpec":{"kind":"AWSProviderSpec",
        "apiVersion":"cloudcredential.openshift.io/v1","statementEntries":[]}}}"#;
    let request = request(text);
    assert_eq!(request.metadata.request_name().to_string(), "/a");
    assert_eq!(request.spec.service_account_names, Vec::<String>::new());
}

#[test]
fn requests_of_other_clouds_are_named() {
    for kind in [
        "AzureProviderSpec",
        "GCPProviderSpec",
        "IBMCloudProviderSpec",
        "IBMCloudPowerVSProviderSpec",
        "NutanixProviderSpec",
        "OpenStackProviderSpec",
        "OvirtProviderSpec",
        "VSphereProviderSpec",
        "KubevirtProviderSpec",
        "AlibabaCloudProviderSpec",
    ] {
        let content = read(&with_line(
            "    kind: AWSProviderSpec",
            &format!("    kind: {kind}"),
        ));
        let request = RequestName {
            namespace: "openshift-cloud-credential-operator".to_owned(),
            name: "app".to_owned(),
        };
        let expected = OtherCloud {
            provider_kind: kind.to_owned(),
            request,
        };
        assert_eq!(content, [DocumentContent::OtherCloud(expected)], "{kind}");
    }
}

#[test]
fn request_marked_for_deletion_needs_no_spec() {
    let text = "apiVersion: cloudcredential.openshift.io/v1\nkind: CredentialsRequest\nmetadata:\n  name: old\n  \
                namespace: ns\n  annotations: {release.openshift.io/delete: 'true'}\n";
    let expected = RequestName {
        namespace: "ns".to_owned(),
        name: "old".to_owned(),
    };
    assert_eq!(
        expected.marked_for_deletion(),
        "Ignoring CredentialsRequest ns/old as it is marked for in-cluster deletion"
    );
    assert_eq!(read(text), [DocumentContent::MarkedForDeletion(expected)]);
}

#[test]
fn empty_documents_are_told_apart() {
    let contents = read(&format!(
        "# licence\n---\n{REQUEST}---\n# nothing\n---\n{REQUEST}"
    ));
    let empty: Vec<bool> = contents
        .iter()
        .map(|content| *content == DocumentContent::Empty)
        .collect();
    assert_eq!(empty, [true, false, true, false]);
    assert_eq!(read("# nothing at all\n"), [DocumentContent::Empty]);
    assert_eq!(read(""), [DocumentContent::Empty]);
}

#[test]
fn errors_name_field_document_line_and_column() {
    let cases = [
        (
            "  name: app",
            "",
            4,
            3,
            "CredentialsRequest without a name: `metadata.name` is missing",
        ),
        (
            "  name: app",
            "  name: 7",
            4,
            9,
            "`metadata.name`: expected a string, found a number",
        ),
        (
            "    name: app-creds",
            "",
            16,
            5,
            "`app`: `spec.secretRef.name` is missing",
        ),
        (
            "    name: app-creds",
            "    name: ''",
            16,
            11,
            "`spec.secretRef.name` is missing",
        ),
        (
            "    namespace: app-ns",
            "    namespace: 12",
            17,
            16,
            "`spec.secretRef.namespace`: expected a string, found a number",
        ),
        (
            "    namespace: app-ns",
            "",
            16,
            5,
            "`spec.secretRef.namespace` is missing",
        ),
        (
            "  - app-sa",
            "  - yes",
            19,
            5,
            "`spec.serviceAccountNames[0]`: expected a string, found a boolean",
        ),
        (
            "      resource: '*'",
            "      resource: ['*']",
            14,
            17,
            "`spec.providerSpec.statementEntries[0].resource`: expected a string, found a list",
        ),
        (
            "      resource: '*'",
            "",
            11,
            7,
            "`spec.providerSpec.statementEntries[0].resource` is missing",
        ),
        (
            "    - effect: Allow",
            "    - effect: allow",
            11,
            15,
            "`spec.providerSpec.statementEntries[0].effect`: expected `Allow` or `Deny`, found `allow`",
        ),
        (
            "      - s3:GetObject",
            "",
            11,
            7,
            "`spec.providerSpec.statementEntries[0].action` is missing",
        ),
        (
            "      resource: '*'",
            "      resource: '*'\n      policyCondition: {Bool: 1}",
            15,
            31,
            "`spec.providerSpec.statementEntries[0].policyCondition.Bool`: expected a mapping, found a number",
        ),
        (
            "kind: CredentialsRequest",
            "",
            1,
            1,
            "document 2: `kind` is missing",
        ),
        (
            "kind: CredentialsRequest",
            "kind: null",
            1,
            1,
            "document 2: `kind` is missing",
        ),
        (
            "    kind: AWSProviderSpec",
            "",
            8,
            5,
            "`spec.providerSpec.kind` is missing",
        ),
    ];
    let first_document_lines = u32::try_from(REQUEST.lines().count() + 1).unwrap();
    for (line, replacement, expected_line, column, message) in cases {
        let error = error(&format!("{REQUEST}---\n{}", with_line(line, replacement)));
        let position = Position {
            line: first_document_lines + expected_line,
            column,
        };
        assert_eq!(
            error.place.position, position,
            "{line} → {replacement}: {error}"
        );
        assert_eq!(error.place.document, 2, "{line} → {replacement}");
        assert!(
            error.to_string().ends_with(message),
            "{line} → {replacement}: {error}"
        );
        assert!(
            matches!(
                error.reason(),
                Reason::FileFieldMissing | Reason::FileFieldInvalid
            ),
            "{error:?}"
        );
    }
}

#[test]
fn missing_field_is_told_with_its_fix() {
    let error = error(&with_line("    name: app-creds", ""));
    assert_eq!(
        error.to_string(),
        "requests/app.yaml:16:5: document 1, CredentialsRequest `app`: `spec.secretRef.name` is missing"
    );
    assert_eq!(error.reason(), Reason::FileFieldMissing);
    assert_eq!(error.fix(), "add `spec.secretRef.name`");
}

#[test]
fn other_kinds_are_errors_that_say_what_was_found() {
    let error = error(&format!(
        "{REQUEST}---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: settings}}\n"
    ));
    assert_eq!(
        error.to_string(),
        "requests/app.yaml:22:7: document 2, ConfigMap `settings`: expected CredentialsRequest, found kind `ConfigMap` of \
         apiVersion `v1`"
    );
    assert_eq!(error.reason(), Reason::FileKindUnexpected);
    assert!(
        error.fix().contains("move this document"),
        "{}",
        error.fix()
    );
}

#[test]
fn versions_and_provider_kinds_are_checked() {
    let version = error(&REQUEST.replacen("openshift.io/v1", "openshift.io/v1beta1", 1));
    assert_eq!(version.reason(), Reason::FileApiVersionUnexpected);
    assert_eq!(
        version.place.position,
        Position {
            line: 1,
            column: 13
        }
    );
    assert_eq!(
        version.fix(),
        "write `apiVersion: cloudcredential.openshift.io/v1`"
    );

    let provider_version = error(&with_line(
        "    apiVersion: cloudcredential.openshift.io/v1",
        "    apiVersion: v1",
    ));
    assert_eq!(provider_version.reason(), Reason::FileApiVersionUnexpected);
    assert_eq!(
        provider_version.place.position,
        Position {
            line: 8,
            column: 17
        }
    );

    let provider = error(&with_line(
        "    kind: AWSProviderSpec",
        "    kind: AWSProviderspec",
    ));
    assert_eq!(provider.reason(), Reason::ProviderSpecUnknown);
    assert_eq!(
        provider.place.position,
        Position {
            line: 9,
            column: 11
        }
    );
}

#[test]
fn documents_that_are_no_objects_are_errors() {
    for (text, found) in [
        ("- a\n", "a list"),
        ("text\n", "a string"),
        ("null\n", "null"),
        ("5\n", "a number"),
    ] {
        assert_eq!(
            error(text).problem,
            Problem::NotAnObject { found },
            "{text}"
        );
    }
}

#[test]
fn pasted_without_indentation_is_an_error_at_the_repeated_key() {
    let text = "apiVersion: cloudcredential.openshift.io/v1\nkind: CredentialsRequest\nmetadata:\nlabels:\n\
                controller-tools.k8s.io: \"1.0\"\nname: manual-sts\nnamespace: manual-sts\nspec:\nproviderSpec:\n\
                apiVersion: cloudcredential.openshift.io/v1\n";
    let error = error(text);
    assert_eq!(error.reason(), Reason::DuplicateKey);
    assert_eq!(
        error.place.position,
        Position {
            line: 10,
            column: 1
        }
    );
}

#[test]
fn tabs_for_indentation_are_an_error_at_their_line() {
    let text = "apiVersion: cloudcredential.openshift.io/v1\nkind: CredentialsRequest\nmetadata:\n\tlabels:\n\t\ta: \"1.01\n";
    let error = error(text);
    assert_eq!(error.reason(), Reason::FileSyntaxInvalid);
    assert_eq!(error.place.position.line, 4);
}
