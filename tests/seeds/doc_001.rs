//! Document 001, the steps that end before a pod: requests, roles, secrets, trust policies.

use serde_json::{Value, json};

use crate::requests;
use crate::stand::Stand;

/// The document's CredentialsRequest with the indentation that it lost in print.
const REQUEST: &str = "\
apiVersion: cloudcredential.openshift.io/v1
kind: CredentialsRequest
metadata:
  labels:
    controller-tools.k8s.io: \"1.0\"
  name: manual-sts
  namespace: manual-sts
spec:
  providerSpec:
    apiVersion: cloudcredential.openshift.io/v1
    kind: AWSProviderSpec
    statementEntries:
    - action:
      - s3:Get*
      - s3:Put*
      effect: Allow
      resource: '*'
  secretRef:
    name: manual-sts
    namespace: manual-sts
  serviceAccountNames:
  - sa-manual-sts
";

/// The document's trust policy, with an account that has twelve digits.
pub(crate) const TRUST: &str = r#"{
"Version": "2012-10-17",
"Statement": [
{
"Effect": "Allow",
"Principal": {
"Federated": "PROVIDER_ARN"
},
"Action": "sts:AssumeRoleWithWebIdentity",
"Condition": {
"StringEquals": {
"ISSUER:sub": "system:serviceaccount:NAMESPACE:sa-manual-sts"
}
}
}
]
}
"#;

/// The document's text in the test's namespace.
pub(crate) fn in_namespace(stand: &Stand, text: &str) -> String {
    text.replace(
        "namespace: manual-sts",
        &format!("namespace: {}", stand.namespace),
    )
}

/// The role's name, as ccoctl makes it of prefix, namespace and secret.
pub(crate) fn role_name(stand: &Stand) -> String {
    format!("prefix-role-{}-manual-sts", stand.namespace)
}

/// The document's `ccoctl` line for its request.
pub(crate) fn create_roles(stand: &Stand) -> String {
    stand
        .home
        .write("credrequests/manual-sts.yaml", in_namespace(stand, REQUEST));
    format!(
        "ccoctl aws create-iam-roles \
         --name=prefix-role \
         --region=us-east-1 \
         --credentials-requests-dir=credrequests \
         --identity-provider-arn={} \
         --output-dir=outputs",
        stand.provider
    )
}

/// The role as the AWS CLI sees it.
fn role(stand: &Stand) -> Value {
    let name = role_name(stand);
    let mut found = stand
        .shell(&format!("aws iam get-role --role-name {name}"))
        .succeeded_json();
    found["Role"].take()
}

#[tokio::test]
async fn seed_001_06_request_is_taken_and_its_lost_indentation_is_located() {
    let Some(stand) = Stand::on_shared("manual-sts").await else {
        return;
    };
    let line = create_roles(&stand);
    stand.shell(&line).succeeded();
    stand.shell("oc apply -f credrequests/").succeeded();

    // As the document prints it, every line begins at the margin.
    let flat: Vec<&str> = REQUEST.lines().map(str::trim_start).collect();
    stand
        .home
        .write("credrequests/manual-sts.yaml", flat.join("\n") + "\n");
    stand
        .shell(&line)
        .refused(1, &["credrequests/manual-sts.yaml:10:1"]);
    stand.shell("podpass lint credrequests/").ended(
        1,
        &[
            "credrequests/manual-sts.yaml:4:1: error[INDENTATION_LOST]",
            "`labels`",
        ],
    );
}

#[test]
fn seed_001_07_trust_is_built_from_the_service_account_names() {
    let Some(stand) = Stand::without_cluster() else {
        return;
    };
    stand.shell(&create_roles(&stand)).succeeded();
    let statement = &role(&stand)["AssumeRolePolicyDocument"]["Statement"][0];
    assert_eq!(
        statement["Condition"]["StringEquals"]["issuer.example.org:sub"],
        json!([format!(
            "system:serviceaccount:{}:sa-manual-sts",
            stand.namespace
        )])
    );
}

#[test]
fn seed_001_09_every_request_of_the_folder_becomes_a_role() {
    let Some(stand) = Stand::without_cluster() else {
        return;
    };
    requests::five_become_five_roles(&stand, "prefix-role", "us-east-1");
}

#[test]
fn seed_001_10_ccoctl_line_makes_role_tags_and_policy() {
    let Some(stand) = Stand::without_cluster() else {
        return;
    };
    stand.shell(&create_roles(&stand)).succeeded();
    let role = role(&stand);
    assert_eq!(
        role["Arn"],
        format!("arn:aws:iam::123456789012:role/{}", role_name(&stand))
    );
    let tags = role["Tags"].as_array().unwrap();
    let owned =
        json!({"Key": "openshift.io/cloud-credential-operator/prefix-role", "Value": "owned"});
    assert!(tags.contains(&owned), "{tags:?}");
    let name = role_name(&stand);
    let policies = stand
        .shell(&format!("aws iam list-role-policies --role-name {name}"))
        .succeeded_json();
    let policies = policies["PolicyNames"].as_array().unwrap();
    assert_eq!(policies.len(), 1);
    let policy = stand
        .shell(&format!(
            "aws iam get-role-policy --role-name {name} --policy-name {}",
            policies[0].as_str().unwrap()
        ))
        .succeeded_json();
    assert_eq!(
        policy["PolicyDocument"]["Statement"],
        json!([{"Effect": "Allow", "Action": ["s3:Get*", "s3:Put*"], "Resource": "*"}])
    );
}

#[tokio::test]
async fn seed_001_11_secret_is_the_documents() {
    let Some(stand) = Stand::on_shared("manual-sts").await else {
        return;
    };
    stand.shell(&create_roles(&stand)).succeeded();
    let secret = stand
        .shell(
            "oc apply -f outputs/manifests/ >&2
             oc get secret manual-sts --namespace \"$(sed -n 's/^  namespace: //p' outputs/manifests/*.yaml)\" -o json",
        )
        .succeeded_json();
    assert_eq!(secret["type"], "Opaque");
    let keys: Vec<&String> = secret["data"].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["credentials"]);
    let namespace = &stand.namespace;
    let content = stand.shell(&format!(
        "oc get secret manual-sts --namespace {namespace} -o jsonpath='{{.data.credentials}}' | base64 -d"
    ));
    assert_eq!(
        content.succeeded().trim_end(),
        format!(
            "[default]\nsts_regional_endpoints = regional\nrole_arn = arn:aws:iam::123456789012:role/{}\n\
             web_identity_token_file = /var/run/secrets/openshift/serviceaccount/token",
            role_name(&stand)
        )
    );
}

/// `bind` for the document's role: it is told neither provider nor trust policy.
fn bind(stand: &Stand) -> String {
    stand.home.write(
        "s3.json",
        r#"{"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": ["s3:Get*", "s3:Put*"], "Resource": "*"}]}"#,
    );
    format!(
        "podpass bind {}/sa-manual-sts --policy s3.json --name prefix-role --create",
        stand.namespace
    )
}

/// `create-iam-roles` asks for the ARN, as ccoctl does; who has a cluster uses `bind`, which finds it.
#[tokio::test]
async fn seed_001_12_provider_is_found_by_the_clusters_issuer() {
    let Some(stand) = Stand::on_shared("manual-sts").await else {
        return;
    };
    stand.shell(&bind(&stand)).succeeded();
    let namespace = &stand.namespace;
    let role = stand
        .shell(&format!(
            "aws iam get-role --role-name prefix-role-{namespace}-sa-manual-sts"
        ))
        .succeeded_json();
    let statement = &role["Role"]["AssumeRolePolicyDocument"]["Statement"][0];
    assert_eq!(
        statement["Principal"],
        json!({"Federated": stand.provider.as_str()})
    );
    stand
        .shell(&format!(
            "podpass token get {namespace}/sa-manual-sts | podpass token assume --token-file - \
             --role-arn arn:aws:iam::123456789012:role/prefix-role-{namespace}-sa-manual-sts"
        ))
        .succeeded();
}

#[tokio::test]
async fn seed_001_13_missing_namespace_and_account_are_made_once() {
    let Some(mut stand) = Stand::on_shared("manual-sts").await else {
        return;
    };
    // The random part makes it nobody else's.
    stand.namespace = format!("{}-new", stand.namespace);
    let get = format!(
        "oc get serviceaccount sa-manual-sts --namespace {} -o json",
        stand.namespace
    );
    stand.shell(&get).failed(&["NotFound"]);
    stand.shell(&bind(&stand)).succeeded();
    let made = stand.shell(&get).succeeded_json();
    let again = stand.shell(&bind(&stand));
    again.said(&["serviceaccount/sa-manual-sts unchanged"]);
    assert!(!again.out.contains("created"), "{again:#?}");
    assert_eq!(stand.shell(&get).succeeded_json(), made);
}

#[tokio::test]
async fn seed_001_25_printed_trust_lets_the_token_in_and_the_documents_is_judged() {
    let Some(stand) = Stand::on_shared("manual-sts").await else {
        return;
    };
    let namespace = &stand.namespace;
    let simulate = format!(
        "oc create sa sa-manual-sts --namespace {namespace} >&2
         podpass trust {namespace}/sa-manual-sts --account-id 123456789012 > trust.json
         podpass token get {namespace}/ACCOUNT > token
         podpass simulate --token token --trust trust.json --provider {}=sts.amazonaws.com",
        stand.provider
    );
    stand
        .shell(&simulate.replace("ACCOUNT", "sa-manual-sts"))
        .succeeded();
    let token_of_another = simulate
        .replace("oc create sa", "oc get sa")
        .replace("ACCOUNT", "default");
    stand
        .shell(&token_of_another)
        .failed(&["TRUST_SUB_MISMATCH"]);

    // The document's accounts have ten digits.
    let printed = TRUST
        .replace(
            "PROVIDER_ARN",
            "arn:aws:iam::0987654321:oidc-provider/manual-sts-oidc.s3.us-east-1.amazonaws.com",
        )
        .replace("ISSUER", "manual-sts-oidc.s3.us-east-1.amazonaws.com")
        .replace("NAMESPACE", "manual-sts");
    stand.home.write("printed.json", printed);
    stand.shell("podpass lint printed.json").ended(
        1,
        &[
            "printed.json:7:14: error[BAD_ACCOUNT_ID]",
            "`0987654321` has 10 digits",
        ],
    );
}
