//! The pods of the two source documents, from the manifests they print to the pods they print.
//!
//! Where a document leaves lines out, the expectation is the recorded behaviour of the peer.

use podpass_inject::{Injection, Pod, Settings, inject};
use podpass_kinds::{Reason, read_pods, read_service_accounts};
use serde_json::{Value, json};

/// Injects into the pod of a manifest and returns it with the reasons noted.
fn injected(pod: &str, service_account: &str, settings: &Settings) -> (Value, Vec<Reason>) {
    let pod = read_pods("pod.yaml", pod).unwrap().remove(0).pod();
    let account = read_service_accounts("sa.yaml", service_account)
        .unwrap()
        .remove(0);
    match inject(&Pod::from(&pod), &account, settings) {
        Injection::Patched(patch) => {
            let reasons = patch.notes.iter().map(|note| note.reason).collect();
            (patch.apply(&pod).unwrap(), reasons)
        }
        Injection::Unchanged { notes } => panic!("nothing injected: {notes:?}"),
    }
}

#[test]
fn mint_mode_document_gets_role_token_and_volume() {
    let deployment = include_str!("../../../../tests/documents/inputs/000-deployment.yaml");
    let service_account = r#"
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: irsa-test
  namespace: irsa-test
  annotations:
    eks.amazonaws.com/role-arn: "arn:aws:iam::10xxxxxxxx83:role/irsa-s3"
    # optional: Defaults to "sts.amazonaws.com" if not set
    eks.amazonaws.com/audience: "sts.amazonaws.com"
    eks.amazonaws.com/sts-regional-endpoints: "true"
    eks.amazonaws.com/token-expiration: "86400"
"#;
    let (pod, reasons) = injected(deployment, service_account, &Settings::default());
    let expected = json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "labels": {"app": "aws"}, "namespace": "irsa-test", "generateName": "aws-irsa-"
        },
        "spec": {
            "containers": [{
                "name": "aws",
                "image": "amazon/aws-cli:2.13.11",
                "command": ["sh", "-c", "while true;do sleep 60;done;"],
                "env": [
                    {"name": "HOME", "value": "/tmp"},
                    {"name": "AWS_STS_REGIONAL_ENDPOINTS", "value": "regional"},
                    {"name": "AWS_ROLE_ARN", "value": "arn:aws:iam::10xxxxxxxx83:role/irsa-s3"},
                    {
                        "name": "AWS_WEB_IDENTITY_TOKEN_FILE",
                        "value": "/var/run/secrets/eks.amazonaws.com/serviceaccount/token"
                    }
                ],
                "volumeMounts": [{
                    "name": "aws-iam-token",
                    "readOnly": true,
                    "mountPath": "/var/run/secrets/eks.amazonaws.com/serviceaccount"
                }]
            }],
            "serviceAccount": "irsa-test",
            "serviceAccountName": "irsa-test",
            "volumes": [{
                "name": "aws-iam-token",
                "projected": {
                    "sources": [{
                        "serviceAccountToken": {
                            "audience": "sts.amazonaws.com",
                            "expirationSeconds": 86400,
                            "path": "token"
                        }
                    }]
                }
            }]
        }
    });
    assert_eq!(pod, expected);
    // The document masks the account with letters.
    assert_eq!(reasons, [Reason::BadRoleArn]);
}

#[test]
fn eks_document_keeps_the_token_volume_in_front() {
    let file = r"
apiVersion: v1
kind: ServiceAccount
metadata:
  name: irsa-test-service-account
  namespace: default
  annotations:
    eks.amazonaws.com/role-arn: arn:aws:iam::492123456148:role/irsa-test
---
apiVersion: v1
kind: Pod
metadata:
  name: irsa-test-pod
spec:
  containers:
    - name: aws-cli
      image: amazon/aws-cli:latest
      command: ['sleep', '36000']
      volumeMounts:
      - mountPath: /var/run/secrets/kubernetes.io/serviceaccount
        name: kube-api-access-frc4n
        readOnly: true
  restartPolicy: Never
  serviceAccountName: irsa-test-service-account
  volumes:
  - name: kube-api-access-frc4n
    projected:
      defaultMode: 420
      sources:
      - serviceAccountToken:
          expirationSeconds: 3607
          path: token
";
    let (pod, reasons) = injected(file, file, &Settings::default());
    assert_eq!(reasons, []);
    let container = &pod["spec"]["containers"][0];
    assert_eq!(
        container["env"],
        json!([
            {"name": "AWS_ROLE_ARN", "value": "arn:aws:iam::492123456148:role/irsa-test"},
            {
                "name": "AWS_WEB_IDENTITY_TOKEN_FILE",
                "value": "/var/run/secrets/eks.amazonaws.com/serviceaccount/token"
            }
        ])
    );
    assert_eq!(
        container["volumeMounts"],
        json!([
            {
                "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount",
                "name": "kube-api-access-frc4n",
                "readOnly": true
            },
            {
                "mountPath": "/var/run/secrets/eks.amazonaws.com/serviceaccount",
                "name": "aws-iam-token",
                "readOnly": true
            }
        ])
    );
    let names: Vec<_> = pod["spec"]["volumes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|volume| &volume["name"])
        .collect();
    assert_eq!(names, ["aws-iam-token", "kube-api-access-frc4n"]);
    assert_eq!(
        pod["spec"]["volumes"][0]["projected"]["sources"],
        json!([{
            "serviceAccountToken": {"audience": "sts.amazonaws.com", "expirationSeconds": 86400, "path": "token"}
        }])
    );
}

#[test]
fn eks_document_with_region_and_regional_sts_sets_five_variables() {
    let file = "apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: external-dns\n  namespace: kube-system\n  \
                annotations: {eks.amazonaws.com/role-arn: 'arn:aws:iam::492123456148:role/dns'}\n---\napiVersion: v1\n\
                kind: Pod\nmetadata: {name: external-dns}\nspec: {containers: [{name: external-dns}]}\n";
    let settings = Settings {
        default_region: Some("us-east-1".to_owned()),
        sts_regional_endpoints: true,
        ..Settings::default()
    };
    let (pod, _) = injected(file, file, &settings);
    assert_eq!(
        pod["spec"]["containers"][0]["env"],
        json!([
            {"name": "AWS_STS_REGIONAL_ENDPOINTS", "value": "regional"},
            {"name": "AWS_DEFAULT_REGION", "value": "us-east-1"},
            {"name": "AWS_REGION", "value": "us-east-1"},
            {"name": "AWS_ROLE_ARN", "value": "arn:aws:iam::492123456148:role/dns"},
            {
                "name": "AWS_WEB_IDENTITY_TOKEN_FILE",
                "value": "/var/run/secrets/eks.amazonaws.com/serviceaccount/token"
            }
        ])
    );
}
