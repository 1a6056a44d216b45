//! Document 002: OIDC, tokens and STS on EKS, from the user's own AssumeRole to the pod's.

use podpass_testkit::{
    ApiServerOptions, ControlPlane, ControlPlaneOptions, PodRunner, RegisteredWebhook,
    SharedControlPlane,
};
use serde_json::Value;

use crate::stand::{PODPASS, Stand, TestPod, refused_to_others};

/// What EKS would call this cluster.
const EKS_ISSUER: &str = "https://oidc.eks.us-east-1.amazonaws.com/id/FDF0F2F";
const PROVIDER: &str =
    "arn:aws:iam::123456789012:oidc-provider/oidc.eks.us-east-1.amazonaws.com/id/FDF0F2F";

const POLICY: &str = r#"{
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": [
                "s3:ListAllMyBuckets",
                "s3:GetBucketLocation"
            ],
            "Resource": "*"
        }
    ]
}
"#;

const USER_TRUST: &str = r#"{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "",
      "Effect": "Allow",
      "Principal": {
        "AWS": "arn:aws:iam::123456789012:root"
      },
      "Action": "sts:AssumeRole"
    }
  ]
}
"#;

const IRSA_TRUST: &str = r#"{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Principal": {
        "Federated": "arn:aws:iam::123456789012:oidc-provider/oidc.eks.us-east-1.amazonaws.com/id/FDF0F2F"
      },
      "Action": "sts:AssumeRoleWithWebIdentity",
      "Condition": {
        "StringEquals": {
          "oidc.eks.us-east-1.amazonaws.com/id/FDF0F2F:aud": "sts.amazonaws.com",
          "oidc.eks.us-east-1.amazonaws.com/id/FDF0F2F:sub": "system:serviceaccount:default:irsa-test-service-account"
        }
      }
    }
  ]
}
"#;

const SERVICE_ACCOUNT: &str = "apiVersion: v1
kind: ServiceAccount
metadata:
  name: irsa-test-service-account
  namespace: default
  annotations:
    eks.amazonaws.com/role-arn: arn:aws:iam::123456789012:role/irsa-test
";

const POD: &str = "---
apiVersion: v1
kind: Pod
metadata:
  name: irsa-test-pod
spec:
  containers:
    - name: aws-cli
      image: amazon/aws-cli:latest
      command: ['sleep', '36000']
  restartPolicy: Never
  serviceAccountName: irsa-test-service-account
";

async fn cluster(stand: &Stand, issuer: &str) -> ControlPlane {
    let signing_key = stand.home.path("keys/serviceaccount-signer.private");
    let options = ControlPlaneOptions {
        api_server: ApiServerOptions {
            issuers: vec![issuer.to_owned()],
            signing_key: signing_key.exists().then_some(signing_key),
            ..ApiServerOptions::default()
        },
        // It publishes the API's CA to each namespace, which every pod mounts.
        controller_manager: true,
        ..ControlPlaneOptions::default()
    };
    let cluster = ControlPlane::start(&stand.programs, &options).await;
    stand.attach(cluster.api());
    cluster
}

/// The webhook that EKS runs for its clusters.
async fn webhook(cluster: &ControlPlane, arguments: &[&str]) -> RegisteredWebhook {
    let namespaces = ["default", "elsewhere"];
    let api = cluster.api();
    RegisteredWebhook::start(PODPASS, api, "pod-identity-webhook", &namespaces, arguments).await
}

#[tokio::test]
async fn documents_own_command_lines() {
    let Some(stand) = Stand::new() else { return };
    let cluster = cluster(&stand, EKS_ISSUER).await;
    let flags = ["--aws-default-region=us-east-1", "--sts-regional-endpoint"];
    let webhook = webhook(&cluster, &flags).await;
    stand.home.write("irsa-policy.json", POLICY);
    stand.home.write("irsa-trust.json", USER_TRUST);
    stand
        .shell("aws s3 mb s3://amplify-staging-deployment")
        .succeeded();

    // Assume a role with the AWS CLI.
    stand
        .shell("aws iam create-policy --policy-name irsa-test --policy-document file://irsa-policy.json")
        .said(&[r#""Arn": "arn:aws:iam::123456789012:policy/irsa-test""#]);
    stand
        .shell("aws iam create-role --role-name irsa-test-role --assume-role-policy-document file://irsa-trust.json")
        .said(&[r#""Arn": "arn:aws:iam::123456789012:role/irsa-test-role""#]);
    stand
        .shell(
            "aws iam attach-role-policy --role-name irsa-test-role \
             --policy-arn arn:aws:iam::123456789012:policy/irsa-test",
        )
        .succeeded();
    let assume = "aws sts assume-role --role-arn arn:aws:iam::123456789012:role/irsa-test-role \
                  --role-session-name TestIrsa";
    stand
        .shell(assume)
        .said(&[r#""Arn": "arn:aws:sts::123456789012:assumed-role/irsa-test-role/TestIrsa""#]);
    // A reader pastes what was printed into the exports.
    let answer: Value = serde_json::from_str(stand.shell(assume).succeeded()).unwrap();
    let part = |name: &str| answer["Credentials"][name].as_str().unwrap().to_owned();
    stand
        .shell(&format!(
            "export AWS_ACCESS_KEY_ID='{}'
             export AWS_SECRET_ACCESS_KEY='{}'
             export AWS_SESSION_TOKEN='{}'
             aws sts get-caller-identity
             aws s3 ls",
            part("AccessKeyId"),
            part("SecretAccessKey"),
            part("SessionToken"),
        ))
        .said(&[
            ":TestIrsa\"",
            "arn:aws:sts::123456789012:assumed-role/irsa-test-role/TestIrsa",
            "amplify-staging-deployment",
        ]);

    // The issuer: here the cluster says what `aws eks describe-cluster` says of one on EKS.
    let issuer = "kubectl get --raw /.well-known/openid-configuration | \
                  python -c 'import json, sys; print(json.load(sys.stdin)[\"issuer\"])'";
    assert_eq!(stand.shell(issuer).succeeded().trim(), EKS_ISSUER);
    // EKS serves the documents that STS reads there; the sandbox is handed them.
    stand
        .shell("podpass sandbox add-issuer --from-cluster")
        .succeeded();
    // What the console's "Add provider" calls.
    stand
        .shell(&format!(
            "aws iam create-open-id-connect-provider --url {EKS_ISSUER} --client-id-list sts.amazonaws.com"
        ))
        .said(&[PROVIDER]);
    stand.home.write("irsa-trust.json", IRSA_TRUST);
    stand
        .shell(
            "aws iam create-role --role-name irsa-test --assume-role-policy-document file://irsa-trust.json
             aws iam attach-role-policy --role-name irsa-test --policy-arn arn:aws:iam::123456789012:policy/irsa-test",
        )
        .said(&[r#""Arn": "arn:aws:iam::123456789012:role/irsa-test""#]);
    stand
        .home
        .write("irsa-sa.yaml", format!("{SERVICE_ACCOUNT}{POD}"));
    stand.shell("kubectl apply -f irsa-sa.yaml").said(&[
        "serviceaccount/irsa-test-service-account created",
        "pod/irsa-test-pod created",
    ]);
    let aws = pod_of(&cluster, "irsa-test-pod", "aws-cli").await;
    stand
        .in_container(&aws, "aws s3 ls")
        .said(&["amplify-staging-deployment"]);
    stand
        .in_container(&aws, "aws sts get-caller-identity")
        .said(&["arn:aws:sts::123456789012:assumed-role/irsa-test/botocore-session-"]);
    stand.shell("kubectl get pod/irsa-test-pod -o yaml").said(&[
        "name: AWS_ROLE_ARN",
        "name: aws-iam-token",
        "expirationSeconds: 86400",
        "defaultMode: 420",
    ]);
    // The container's path lies elsewhere on this machine; its own variable knows where.
    let exchange = "token=`cat $AWS_WEB_IDENTITY_TOKEN_FILE`
        aws sts assume-role-with-web-identity --role-session-name \"test-irsa\" \
            --role-arn arn:aws:iam::123456789012:role/irsa-test --web-identity-token $token";
    stand.in_container(&aws, exchange).said(&[
        r#""SubjectFromWebIdentityToken": "system:serviceaccount:default:irsa-test-service-account""#,
        r#""Arn": "arn:aws:sts::123456789012:assumed-role/irsa-test/test-irsa""#,
        &format!(r#""Provider": "{PROVIDER}""#),
        r#""Audience": "sts.amazonaws.com""#,
    ]);
    stand.in_container(&aws, "env | grep AWS_").said(&[
        "AWS_ROLE_ARN=arn:aws:iam::123456789012:role/irsa-test\n",
        "AWS_WEB_IDENTITY_TOKEN_FILE=",
        "AWS_DEFAULT_REGION=us-east-1\n",
        "AWS_REGION=us-east-1\n",
        "AWS_STS_REGIONAL_ENDPOINTS=regional\n",
    ]);
    let role = "arn:aws:iam::123456789012:role/irsa-test";
    let account = ("default", "irsa-test-service-account");
    refused_to_others(&stand, &cluster.admin(), &webhook, account, role).await;
}

async fn pod_of(cluster: &ControlPlane, name: &str, container: &str) -> PodRunner {
    let pods: kube::Api<k8s_openapi::api::core::v1::Pod> =
        kube::Api::default_namespaced(cluster.admin());
    let pod = pods.get(name).await.unwrap();
    PodRunner::start(&cluster.admin(), &pod, container).await
}

#[tokio::test]
async fn as_a_user_of_podpass_does_it() {
    let Some(stand) = Stand::new() else { return };
    stand.home.write("irsa-policy.json", POLICY);
    stand
        .shell(
            "podpass aws create-key-pair --output-dir keys
             podpass aws create-identity-provider --name irsa --region us-east-1 --output-dir keys",
        )
        .succeeded();
    // AWS names buckets of us-east-1 in this way too.
    let issuer = stand
        .shell("sed -n 's/.*serviceAccountIssuer: //p' keys/manifests/cluster-authentication-02-config.yaml")
        .succeeded()
        .trim()
        .to_owned();
    let cluster = cluster(&stand, &issuer).await;
    let webhook = webhook(&cluster, &["--aws-default-region=us-east-1"]).await;
    let account = "irsa-test-service-account";
    stand
        .shell(&format!(
            "podpass bind default/{account} --policy irsa-policy.json --role-name irsa-test --create"
        ))
        .said(&["role/irsa-test created"]);
    stand.home.write("pod.yaml", POD);
    stand
        .shell("kubectl apply -f pod.yaml")
        .said(&["pod/irsa-test-pod created"]);
    let aws = pod_of(&cluster, "irsa-test-pod", "aws-cli").await;
    stand
        .in_container(&aws, "aws sts get-caller-identity")
        .said(&["arn:aws:sts::123456789012:assumed-role/irsa-test/"]);
    stand.in_container(&aws, "aws s3 ls").said(&["irsa-oidc"]);
    stand
        .in_container(&aws, "aws s3 mb s3://made-by-the-pod")
        .refused(1, &["AccessDenied", "s3:CreateBucket"]);
    assert_eq!(
        stand.boto3_in_container(&aws).succeeded(),
        "assumed-role irsa-test\nirsa-oidc\nAccessDenied\n"
    );
    let role = "arn:aws:iam::123456789012:role/irsa-test";
    let account = ("default", account);
    refused_to_others(&stand, &cluster.admin(), &webhook, account, role).await;
}

/// In a pod, with the token that every pod has. The document's own way; podpass does not try it yet.
#[tokio::test]
async fn partly_002_13_and_14_the_apis_own_token_opens_the_api_and_nothing_else_does() {
    let Some(stand) = Stand::new() else { return };
    let shared = SharedControlPlane::find(&stand.programs).await;
    stand.attach(shared.api());
    stand.trust_cluster();
    let namespace = shared.namespace("kube-token").await;
    let webhook = stand.webhook(&shared, &namespace).await;
    let pod = TestPod {
        namespace: &namespace,
        account: "default",
        name: "test-pod",
        role: "arn:aws:iam::123456789012:role/none",
        audience: "sts.amazonaws.com",
    };
    let runner = stand.injected(&shared.admin(), &webhook, &pod).await;
    let folder = runner.path("/var/run/secrets/kubernetes.io/serviceaccount");
    // What the document's two curl commands ask: status, then what came.
    let ask = "import ssl, sys, urllib.request as r, urllib.error as e
request = r.Request(sys.argv[1] + '/api')
if sys.argv[3:]: request.add_header('Authorization', 'Bearer ' + open(sys.argv[3]).read())
try: answer = r.urlopen(request, context=ssl.create_default_context(cafile=sys.argv[2]))
except e.HTTPError as refused: answer = refused
print(answer.status, answer.read().decode())
";
    stand.home.write("ask.py", ask);
    let ask = |token: &str| {
        stand.in_container(
            &runner,
            &format!(
                "python {} {} {}/ca.crt {token}",
                stand.file("ask.py"),
                shared.api().url(),
                folder.display()
            ),
        )
    };
    let with = ask(&format!("{}/token", folder.display()));
    assert!(with.succeeded().starts_with("200 "), "{with:#?}");
    with.said(&[r#""kind":"APIVersions""#]);
    let without = ask("");
    assert!(without.succeeded().starts_with("403 "), "{without:#?}");
    without.said(&[r#"forbidden: User \"system:anonymous\" cannot get path \"/api\""#]);
}

#[tokio::test]
async fn seed_002_16_bind_writes_the_policy_into_the_role() {
    let Some(stand) = Stand::new() else { return };
    let shared = SharedControlPlane::find(&stand.programs).await;
    stand.attach(shared.api());
    stand.trust_cluster();
    let namespace = shared.namespace("policy").await;
    stand.home.write("irsa-policy.json", POLICY);
    stand
        .shell(&format!(
            "podpass bind {namespace}/app --policy irsa-policy.json --role-name irsa-test --create --name demo"
        ))
        .succeeded();
    let shown = stand.shell(
        "name=`aws iam list-role-policies --role-name irsa-test --query PolicyNames[0] --output text`
         aws iam get-role-policy --role-name irsa-test --policy-name $name --query PolicyDocument",
    );
    let shown: Value = serde_json::from_str(shown.succeeded()).unwrap();
    assert_eq!(shown, serde_json::from_str::<Value>(POLICY).unwrap());
}

#[tokio::test]
async fn seed_002_25_bind_makes_the_role_and_attaches_the_managed_policy() {
    let Some(stand) = Stand::new() else { return };
    let shared = SharedControlPlane::find(&stand.programs).await;
    stand.attach(shared.api());
    stand.trust_cluster();
    let namespace = shared.namespace("attached").await;
    stand.home.write("irsa-policy.json", POLICY);
    stand
        .shell(&format!(
            "aws iam create-policy --policy-name irsa-test --policy-document file://irsa-policy.json
             podpass bind {namespace}/app --policy-arn arn:aws:iam::123456789012:policy/irsa-test \
                 --role-name irsa-test --create --name demo"
        ))
        .said(&["role/irsa-test created"]);
    stand
        .shell("aws iam get-role --role-name irsa-test")
        .said(&["arn:aws:iam::123456789012:role/irsa-test"]);
    let attached = "aws iam list-attached-role-policies --role-name irsa-test \
                    --query AttachedPolicies[].PolicyArn --output text";
    assert_eq!(
        stand.shell(attached).succeeded().trim(),
        "arn:aws:iam::123456789012:policy/irsa-test"
    );
}
