//! What a service account's annotations and the webhook's flags give a pod beside its role, with five SDKs as the
//! program: they see the container's own variables only.

use podpass_testkit::sdk_clients;

use crate::doc_001::in_namespace;
use crate::doc_001_annotations::option_2;
use crate::doc_001_config_file::session;
use crate::stand::Stand;

const POD: &str = "\
apiVersion: v1
kind: Pod
metadata: {name: reports, namespace: manual-sts}
spec:
  serviceAccountName: sa-manual-sts
  containers:
  - {name: reports, image: reports, env: [{name: AWS_ROLE_SESSION_NAME, value: manual-sts-session}]}
  - {name: proxy, image: proxy}
";

/// Without an endpoint for STS alone, the SDK for Go would ask AWS for its credentials.
#[tokio::test]
async fn injected_endpoint_and_region_are_enough_for_five_sdks() {
    let Some(mut stand) = Stand::on_shared("manual-sts").await else {
        return;
    };
    option_2(&stand);
    let file = stand.home.path("sa.yaml");
    let account = std::fs::read_to_string(file).unwrap();
    let (region, list) = ("region: eu-central-1", "include-containers: reports");
    let prefix = "  annotations:\n";
    let more = format!("{prefix}    eks.amazonaws.com/{region}\n    eks.amazonaws.com/{list}\n");
    stand.home.write("sa.yaml", account.replace(prefix, &more));
    stand.home.write("bare.yaml", in_namespace(&stand, POD));
    stand.shell("oc apply -f sa.yaml").succeeded();
    let endpoint = format!("--inject-endpoint-url={}", stand.sandbox.endpoint());
    stand
        .webhook(&["--aws-default-region=eu-west-1", &endpoint])
        .await;
    let runner = stand.play_file("bare.yaml", "reports").await;
    let value = |wanted: &str| {
        let mut variables = runner.environment().iter();
        variables.find_map(|(name, value)| (name == wanted).then_some(value.as_str()))
    };
    assert_eq!(value("AWS_REGION"), Some("eu-central-1"));
    for (language, path) in sdk_clients() {
        let script = format!("'{}' identity", path.display());
        let ran = stand.in_pod_as_injected(&runner, &script);
        assert_eq!(
            ran.succeeded().trim(),
            session("poc-irsa-s3"),
            "{language}: {ran:#?}"
        );
    }
    let proxy = "kubectl get pod reports -o jsonpath='{.spec.containers[1].env}'";
    let proxy = stand.shell(&format!("{proxy} --namespace {}", stand.namespace));
    assert_eq!(proxy.succeeded(), "");
}
