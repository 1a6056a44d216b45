use podpass_kinds::read_credentials_requests;
use podpass_testkit::test_data;

use super::*;
use crate::permissions_policy::permissions_policy;

fn file(name: &str, text: &str) -> RequestFile {
    RequestFile {
        name: name.to_owned(),
        documents: read_credentials_requests(name, text).unwrap(),
    }
}

fn choose(text: &str) -> Result<Selection, RequestError> {
    select("requests", vec![file("a.yaml", text)], TechPreview::Exclude)
}

/// A request with a body of `spec` lines, each indented by two blanks.
fn yaml(name: &str, annotations: &str, spec: &str) -> String {
    format!(
        "apiVersion: cloudcredential.openshift.io/v1\nkind: CredentialsRequest\nmetadata:\n  name: {name}\n  namespace: \
         cco\n  annotations: {{{annotations}}}\nspec:\n{spec}"
    )
}

fn spec(namespace: &str, secret: &str, accounts: &str, extra: &str) -> String {
    format!(
        "  secretRef: {{namespace: {namespace}, name: {secret}}}\n  serviceAccountNames: {accounts}\n{extra}  \
         providerSpec:\n    apiVersion: cloudcredential.openshift.io/v1\n    kind: AWSProviderSpec\n    \
         statementEntries:\n    - {{effect: Allow, action: [\"s3:ListBucket\"], resource: \"*\"}}\n"
    )
}

fn usual(name: &str) -> String {
    yaml(name, "", &spec("ns", name, "[sa]", ""))
}

const OTHER_CLOUD: &str = "  secretRef: {namespace: ns, name: other}\n  providerSpec:\n    apiVersion: \
                           cloudcredential.openshift.io/v1\n    kind: AzureProviderSpec\n";

#[test]
fn the_nine_real_requests_become_roles() {
    let Some(directory) = test_data("credentialsrequests") else {
        return;
    };
    let mut paths: Vec<_> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    let files = paths
        .iter()
        .map(|path| {
            file(
                &path.display().to_string(),
                &std::fs::read_to_string(path).unwrap(),
            )
        })
        .collect();
    let selection = select("credentialsrequests", files, TechPreview::Exclude).unwrap();
    assert!(selection.skipped.is_empty(), "{:?}", selection.skipped);
    // The first of them carries `release.openshift.io/feature-gate`, and no other.
    assert_eq!(selection.notes.len(), 1, "{:?}", selection.notes);
    let gates = "ClusterAPIMachineManagement,ClusterAPIMachineManagementAWS";
    assert!(selection.notes[0].contains(gates), "{:?}", selection.notes);
    let found: Vec<String> = selection
        .requests
        .iter()
        .map(|request| {
            format!(
                "{}/{} {}",
                request.secret_namespace,
                request.secret_name,
                request.service_accounts.join(",")
            )
        })
        .collect();
    assert_eq!(
        found,
        [
            "openshift-cluster-api/capa-manager-bootstrap-credentials capa-controller-manager",
            "openshift-machine-api/aws-cloud-credentials machine-api-controllers",
            "openshift-cloud-credential-operator/cloud-credential-operator-iam-ro-creds cloud-credential-operator",
            "openshift-image-registry/installer-cloud-credentials cluster-image-registry-operator,registry",
            "openshift-ingress-operator/cloud-credentials ingress-operator",
            "openshift-cloud-network-config-controller/cloud-credentials cloud-network-config-controller",
            "openshift-cluster-csi-drivers/ebs-cloud-credentials aws-ebs-csi-driver-operator,aws-ebs-csi-driver-controller-sa",
            "aws-load-balancer-operator/aws-load-balancer-controller-cluster aws-load-balancer-controller-cluster",
            "aws-load-balancer-operator/aws-load-balancer-operator aws-load-balancer-operator-controller-manager",
        ]
    );
    // The sizes of ccoctl's own policies for the same requests.
    for (index, size) in [(1, 1_074), (3, 528), (6, 857), (7, 6_074)] {
        let policy = permissions_policy(&selection.requests[index].statements);
        assert_eq!(
            policy.len(),
            size,
            "{}: {policy}",
            selection.requests[index]
        );
    }
    let machine_api = permissions_policy(&selection.requests[1].statements);
    assert!(machine_api.ends_with(
        r#"{"Effect":"Allow","Action":["kms:RevokeGrant","kms:CreateGrant","kms:ListGrants"],"Resource":"*","Condition":{"Bool":{"kms:GrantIsForAWSResource":true}}}]}"#
    ), "{machine_api}");
}

#[test]
fn documents_that_become_no_role_are_named_and_skipped() {
    let text = [
        "# only a comment\n".to_owned(),
        yaml("azure", "", OTHER_CLOUD),
        yaml("gone", "release.openshift.io/delete: \"true\"", ""),
        yaml(
            "preview",
            "release.openshift.io/feature-set: TechPreviewNoUpgrade",
            &spec("ns", "p", "[sa]", ""),
        ),
        usual("one"),
    ]
    .join("---\n");
    let selection = choose(&text).unwrap();
    assert_eq!(selection.requests.len(), 1);
    let skipped: Vec<(&str, Option<Reason>)> = selection
        .skipped
        .iter()
        .map(|skipped| (skipped.text.as_str(), skipped.reason))
        .collect();
    assert_eq!(
        skipped,
        [
            (
                "Skipping an empty document: it holds nothing but comments",
                Some(Reason::DocumentEmpty)
            ),
            (
                "Skipping CredentialsRequest cco/azure: its AzureProviderSpec is for another cloud",
                Some(Reason::OtherCloud)
            ),
            (
                "Ignoring CredentialsRequest cco/gone as it is marked for in-cluster deletion",
                Some(Reason::MarkedForDeletion)
            ),
            (
                "Ignoring CredentialsRequest cco/preview with tech-preview annotation",
                Some(Reason::FeatureSetDisabled)
            ),
        ]
    );
    assert!(
        selection.skipped[1].to_string().starts_with("a.yaml:"),
        "{}",
        selection.skipped[1]
    );
}

#[test]
fn the_tech_preview_takes_lists_of_feature_sets() {
    let annotation = "release.openshift.io/feature-set: \"CustomNoUpgrade,TechPreviewNoUpgrade\"";
    let text = yaml("preview", annotation, &spec("ns", "p", "[sa]", ""));
    assert!(choose(&text).is_err());
    let taken = select(
        "requests",
        vec![file("a.yaml", &text)],
        TechPreview::Include,
    )
    .unwrap();
    assert_eq!(taken.requests.len(), 1);
}

#[test]
fn a_directory_with_nothing_to_do_is_refused() {
    for files in [
        vec![],
        vec![file("a.yaml", "# nothing\n")],
        vec![file("a.yaml", &yaml("azure", "", OTHER_CLOUD))],
    ] {
        let error = select("requests", files, TechPreview::Exclude).unwrap_err();
        assert_eq!(
            error.to_string(),
            "`requests` holds no CredentialsRequest to process"
        );
        assert_eq!(error.reason(), Reason::NothingToDo);
    }
}

#[test]
fn bad_requests_are_refused_before_any_is_processed() {
    let statements = "  providerSpec:\n    apiVersion: cloudcredential.openshift.io/v1\n    kind: AWSProviderSpec\n";
    let no_statements = format!(
        "  secretRef: {{namespace: ns, name: s}}\n  serviceAccountNames: [sa]\n{statements}"
    );
    for (name, bad, expected) in [
        (
            "no accounts",
            spec("ns", "s", "[]", ""),
            "has no `spec.serviceAccountNames`",
        ),
        (
            "no statements",
            no_statements,
            "has no `spec.providerSpec.statementEntries`",
        ),
        (
            "namespace",
            spec("../etc", "s", "[sa]", ""),
            "`spec.secretRef.namespace` is `../etc`",
        ),
        (
            "namespace with a dot",
            spec("a.b", "s", "[sa]", ""),
            "`spec.secretRef.namespace` is `a.b`",
        ),
        (
            "second account",
            spec("ns", "s", "[sa, \"\"]", ""),
            "`spec.serviceAccountNames` is ``",
        ),
        (
            "path with a line separator",
            spec(
                "ns",
                "s",
                "[sa]",
                "  cloudTokenPath: \"/a\\u2028kind: X\"\n",
            ),
            "is `/a\\u{2028}kind: X`, which is no absolute path",
        ),
        (
            "boundary",
            spec("ns", "s", "[sa]", "").replace(
                "    kind: AWS",
                "    permissionsBoundary: arn:aws:iam::1234567890:policy/x\n    kind: AWS",
            ),
            "its account `1234567890` is not 12 digits",
        ),
        (
            "action",
            spec("ns", "s", "[sa]", "").replace("s3:ListBucket", "ListBucket"),
            "`spec.providerSpec.statementEntries[0]`: `ListBucket`",
        ),
        (
            "condition operator",
            spec("ns", "s", "[sa]", "").replace(
                "resource: \"*\"",
                "resource: \"*\", policyCondition: {StringEqals: {\"aws:x\": y}}",
            ),
            "`StringEqals`",
        ),
        (
            "secret",
            spec("ns", "\"a\\nb: c\"", "[sa]", ""),
            "`spec.secretRef.name` is",
        ),
        (
            "account",
            spec("ns", "s", "[\"*\"]", ""),
            "`spec.serviceAccountNames` is `*`",
        ),
        (
            "path",
            spec("ns", "s", "[sa]", "  cloudTokenPath: token\n"),
            "is `token`, which is no absolute path",
        ),
        (
            "path with a line break",
            spec(
                "ns",
                "s",
                "[sa]",
                "  cloudTokenPath: \"/a\\nrole_arn = x\"\n",
            ),
            "is `/a\\nrole_arn = x`, which is no absolute path",
        ),
    ] {
        let text = [usual("good"), yaml("bad", "", &bad)].join("---\n");
        let error = choose(&text).unwrap_err().to_string();
        assert!(error.contains(expected), "{name}: {error}");
        assert!(error.starts_with("a.yaml:"), "{name}: {error}");
        // The second document starts on line 14; what is wrong stands below its `spec`.
        let line: u32 = error.split(':').nth(1).unwrap().parse().unwrap();
        assert!(line > 20, "{name}: {error}");
        assert!(
            error.contains("document 2: CredentialsRequest `bad`"),
            "{name}: {error}"
        );
    }
}

#[test]
fn a_service_account_named_twice_is_one_subject() {
    let text = yaml("r", "", &spec("ns", "s", "[sa, other, sa]", ""));
    let selection = choose(&text).unwrap();
    assert_eq!(selection.requests[0].service_accounts, ["sa", "other"]);
}

#[test]
fn conditions_of_every_operator_and_json_type_are_taken() {
    let text = yaml("r", "", &spec("ns", "s", "[sa]", "")).replace(
        "resource: \"*\"",
        "resource: \"*\", policyCondition: {Bool: {\"kms:GrantIsForAWSResource\": true}, NumericLessThan: {\"s3:max-keys\": \
         5}, IpAddress: {\"aws:SourceIp\": [10.0.0.0/8]}, StringLikeIfExists: {\"aws:x\": [a, \"b*\"]}, ArnLike: \
         {\"aws:SourceArn\": \"arn:aws:s3:::b\"}, DateGreaterThan: {\"aws:CurrentTime\": \"2026-01-01T00:00:00Z\"}}",
    );
    assert_eq!(choose(&text).unwrap().requests.len(), 1);
}

#[test]
fn requests_that_would_share_a_role_are_refused_unless_they_are_one() {
    let twice = [usual("one"), usual("one")].join("---\n");
    let selection = choose(&twice).unwrap();
    assert_eq!((selection.requests.len(), selection.skipped.len()), (1, 1));

    let different = yaml("two", "", &spec("ns", "one", "[other]", ""));
    let error = choose(&[usual("one"), different].join("---\n")).unwrap_err();
    assert_eq!(error.reason(), Reason::RoleNameCollision);

    // Different secrets whose joined names are the same.
    let joined = [
        yaml("one", "", &spec("a-b", "c", "[sa]", "")),
        yaml("two", "", &spec("a", "b-c", "[sa]", "")),
    ]
    .join("---\n");
    let error = choose(&joined).unwrap_err().to_string();
    assert!(error.contains("`a-b-c`"), "{error}");
}

#[test]
fn subjects_are_in_the_namespace_of_the_secret() {
    let selection = choose(&yaml(
        "one",
        "",
        &spec("ns", "s", "[a, b]", "  cloudTokenPath: /token\n"),
    ))
    .unwrap();
    let request = &selection.requests[0];
    assert_eq!(request.to_string(), "cco/one");
    assert_eq!(
        request.subjects(),
        ["system:serviceaccount:ns:a", "system:serviceaccount:ns:b"]
    );
    assert_eq!(request.token_path, "/token");
}
