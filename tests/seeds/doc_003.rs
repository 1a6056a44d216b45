//! Document 003, the steps that end before a pod: requests, roles, secrets, and what is broken in print.

use podpass_testkit::run;
use serde_json::json;

use crate::requests::{self, aws_request};
use crate::stand::Stand;

/// The document's CredentialsRequest with its YAML mended and its account filled in.
const REQUEST: &str = "\
apiVersion: cloudcredential.openshift.io/v1
kind: CredentialsRequest
metadata:
  labels:
    controller-tools.k8s.io: \"1.0\"
  name: assume-dev-dynamodb-reader # Suitable name to identify the credentials request e.g. assume-env-role-name
  namespace: my-namespace # Namespace that the secret will be used in
spec:
  providerSpec:
    apiVersion: cloudcredential.openshift.io/v1
    kind: AWSProviderSpec # This is an AWS provider, so the following matches how you'd define an IAM spec in AWS
    statementEntries:
    - action:
      - sts:AssumeRole # Define that we'll be assuming a role
      effect: Allow
      resource: 'arn:aws:iam::210987654321:role/dynamodb-reader' # THe role which can be assumed
  secretRef:
    name: dev-dynamodb-reader # Name of the secret that will be created in OpenShift
    namespace: my-namespace # Namespace the secret will be used in
  serviceAccountNames:
    - dev-db-reader # Name of the OpenShift service account that the pod will run as
";

/// The request's first lines as the document prints them: tabs, and a quote that nobody closes.
const PRINTED_REQUEST: &str = "\
apiVersion: cloudcredential.openshift.io/v1
kind: CredentialsRequest
metadata:
\tlabels:
\t\tcontroller-tools.k8s.io: \"1.01
\tname: assume-dev-dynamodb-reader
\tnamespace: my-namespace
";

/// The trust policy as the document prints it.
const PRINTED_TRUST: &str = r#"{
	"Version": "2021-10-17",
	"Statement": {
		{
			"Effect": "Allow",
			"Principal": {
				"AWS": "arn:aws:sts::<openshift aws account id>:assumed-role/<ccoctl created role>/<session name>"
			}
		}
	}
}
"#;

/// The document's text in the test's namespace.
pub(crate) fn in_namespace(stand: &Stand, text: &str) -> String {
    text.replace(
        "namespace: my-namespace",
        &format!("namespace: {}", stand.namespace),
    )
}

/// The name of the role in the cluster's account.
pub(crate) fn role_name(stand: &Stand) -> String {
    format!("my-namespace-creds-{}-dev-dynamodb-reader", stand.namespace)
}

/// The document's `ccoctl` line for its request.
pub(crate) fn create_roles(stand: &Stand) -> String {
    stand.home.write(
        "credrequests/dev-dynamodb-reader.yaml",
        in_namespace(stand, REQUEST),
    );
    format!(
        "ccoctl aws create-iam-roles \
         --name=my-namespace-creds \
         --region=eu-west-2 \
         --credentials-requests-dir=credrequests \
         --identity-provider-arn={} \
         --output-dir=outputs",
        stand.provider
    )
}

#[tokio::test]
async fn seed_003_05_who_is_not_logged_in_is_told_how() {
    let Some(stand) = Stand::on_shared("my-namespace").await else {
        return;
    };
    let line = create_roles(&stand).replace("ccoctl", "podpass");
    run(&mut stand.anonymous(&line)).refused(
        3,
        &["AWS credentials", "AWS_ACCESS_KEY_ID", "aws sso login"],
    );
    let bind = format!(
        "podpass bind {}/dev-db-reader --role-arn arn:aws:iam::123456789012:role/any --create",
        stand.namespace
    );
    let expired = stand.expired_kubeconfig();
    run(stand.anonymous(&bind).env("KUBECONFIG", expired))
        .refused(3, &["log in to the cluster again"]);
}

#[test]
fn seed_003_06_ccoctl_line_makes_role_tags_and_policy() {
    let Some(stand) = Stand::without_cluster() else {
        return;
    };
    stand.shell(&create_roles(&stand)).succeeded();
    let name = role_name(&stand);
    let role = stand
        .shell(&format!("aws iam get-role --role-name {name}"))
        .succeeded_json();
    let tags = role["Role"]["Tags"].as_array().unwrap();
    let owned = json!({"Key": "openshift.io/cloud-credential-operator/my-namespace-creds", "Value": "owned"});
    assert!(tags.contains(&owned), "{tags:?}");
    let policies = stand
        .shell(&format!("aws iam list-role-policies --role-name {name}"))
        .succeeded_json();
    let policy = stand
        .shell(&format!(
            "aws iam get-role-policy --role-name {name} --policy-name {}",
            policies["PolicyNames"][0].as_str().unwrap()
        ))
        .succeeded_json();
    assert_eq!(
        policy["PolicyDocument"]["Statement"],
        json!([{
            "Effect": "Allow",
            "Action": ["sts:AssumeRole"],
            "Resource": "arn:aws:iam::210987654321:role/dynamodb-reader",
        }])
    );
}

#[test]
fn seed_003_07_many_requests_are_done_at_once() {
    let Some(stand) = Stand::without_cluster() else {
        return;
    };
    requests::five_become_five_roles(&stand, "my-namespace-creds", "eu-west-2");
}

#[test]
fn seed_003_08_manifests_lie_where_the_document_says() {
    let Some(stand) = Stand::without_cluster() else {
        return;
    };
    stand.shell(&create_roles(&stand)).succeeded();
    let manifest = format!(
        "outputs/manifests/{}-dev-dynamodb-reader-credentials.yaml",
        stand.namespace
    );
    assert!(stand.home.path(&manifest).is_file(), "{manifest}");
}

#[tokio::test]
async fn seed_003_09_secrets_are_applied_from_the_folder() {
    let Some(stand) = Stand::on_shared("my-namespace").await else {
        return;
    };
    let namespace = &stand.namespace;
    let line = create_roles(&stand);
    let second =
        aws_request("second").replace("namespace: app", &format!("namespace: {namespace}"));
    stand.home.write("credrequests/second.yaml", second);
    stand.shell(&line).succeeded();
    let secrets = format!("oc get secrets --namespace {namespace} -o name");
    // The document's pattern is more than one argument when there is more than one file.
    stand
        .shell("oc apply -f outputs/manifests/*.yaml")
        .failed(&["error: Unexpected args"]);
    assert_eq!(stand.shell(&secrets).succeeded(), "");
    stand.shell("oc apply -f outputs/manifests/").succeeded();
    assert_eq!(
        stand.shell(&secrets).succeeded(),
        "secret/dev-dynamodb-reader\nsecret/second\n"
    );
}

#[test]
fn seed_003_14_printed_policy_is_corrected() {
    let Some(stand) = Stand::without_cluster() else {
        return;
    };
    stand.home.write("trust.json", PRINTED_TRUST);
    stand.shell("podpass lint trust.json").ended(
        1,
        &[
            "trust.json:2:13: error[POLICY_VERSION_INVALID]: `2021-10-17`",
            "trust.json:3:15: error[POLICY_STATEMENT_BRACES]",
            "trust.json:4:3: error[POLICY_ELEMENT_MISSING]: the statement has no Action",
            "trust.json: corrected: ",
            "to fill in: <openshift aws account id>\n",
            "to fill in: <ccoctl created role>\n",
            "\"Action\": \"sts:AssumeRole\"\n",
        ],
    );
    // Filled in with the role that ccoctl created, the policy is AWS's.
    let team_one = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Federated": "PROVIDER"}, "Action": "sts:AssumeRoleWithWebIdentity"}]}"#;
    stand
        .home
        .write("first.json", team_one.replace("PROVIDER", &stand.provider));
    let first =
        "aws iam create-role --role-name first --assume-role-policy-document file://first.json";
    stand.shell(first).succeeded();
    let filled = PRINTED_TRUST
        .replace("<openshift aws account id>", "123456789012")
        .replace("<ccoctl created role>", "first")
        .replace("<session name>", "dev-dynamodb-reader");
    stand.home.write("trust.json", &filled);
    let report = stand.shell("podpass lint -o json trust.json");
    assert_eq!(report.code, 1, "{report:#?}");
    let report = report.json();
    let corrected = &report["corrected"][0];
    assert_eq!(corrected["changes"].as_array().unwrap().len(), 3);
    stand
        .home
        .write("corrected.json", corrected["text"].as_str().unwrap());
    let create = "aws iam create-role --role-name reader --assume-role-policy-document file://";
    stand
        .other_team(&format!("{create}trust.json"))
        .failed(&["MalformedPolicyDocument"]);
    let linted = stand
        .shell("podpass lint -o json corrected.json || true")
        .json();
    let findings = linted["findings"].as_array().unwrap().iter();
    assert_eq!(
        findings.filter(|one| one["severity"] == "error").count(),
        0,
        "{linted:#}"
    );
    stand
        .other_team(&format!("{create}corrected.json"))
        .succeeded();
    // What was given stays as it is.
    let left = std::fs::read_to_string(stand.home.path("trust.json")).unwrap();
    assert_eq!(left, filled);
}

#[test]
fn seed_003_15_mistakes_of_the_printed_request_are_located() {
    let Some(stand) = Stand::without_cluster() else {
        return;
    };
    stand.home.write("cr.yaml", PRINTED_REQUEST);
    stand.shell("podpass lint cr.yaml").ended(
        1,
        &[
            "cr.yaml:4:1: error[INDENTATION_TAB]",
            "cr.yaml:5:28: error[QUOTE_UNCLOSED]",
        ],
    );
    // The request of another who lost the nesting of the two fields.
    let (head, tail) = REQUEST.split_once("  secretRef:").unwrap();
    let tail = tail.replace("\n  ", "\n");
    stand
        .home
        .write("nesting.yaml", format!("{head}secretRef:{tail}"));
    stand.shell("podpass lint nesting.yaml").ended(
        1,
        &[
            "nesting.yaml:17:1: error[FIELD_MISPLACED]: `secretRef`",
            "expected spec.secretRef",
            "nesting.yaml:20:1: error[FIELD_MISPLACED]: `serviceAccountNames`",
            "expected spec.serviceAccountNames",
        ],
    );
}
