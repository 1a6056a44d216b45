//! Document 000: IRSA on a running OpenShift cluster in mint mode.

use podpass_testkit::{
    ApiServerOptions, ControlPlane, ControlPlaneOptions, PodRunner, RegisteredWebhook, run,
};

use crate::stand::{CLIENT_ERROR, IDENTITY, PODPASS, Stand, refused_to_others};

const ISSUER: &str = "https://irsa-mint-oidc.s3.eu-west-1.amazonaws.com";
/// How kube-apiserver calls itself before an issuer is configured.
const FIRST_ISSUER: &str = "https://kubernetes.default.svc";

const TRUST: &str = r#"{
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {
                "Federated": "arn:aws:iam::123456789012:oidc-provider/irsa-mint-oidc.s3.eu-west-1.amazonaws.com"
            },
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {
                "StringEquals": {
                    "irsa-mint-oidc.s3.eu-west-1.amazonaws.com:sub": "system:serviceaccount:irsa-test:irsa-test"
                }
            }
        }
    ]
}
"#;

pub(crate) const S3_READ_ONLY: &str = r#"{
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": [
                "s3:Get*",
                "s3:List*",
                "s3:Describe*",
                "s3-object-lambda:Get*",
                "s3-object-lambda:List*"
            ],
            "Resource": "*"
        }
    ]
}
"#;

const DEPLOYMENT: &str = r#"---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: aws-irsa
  namespace: irsa-test
spec:
  selector:
    matchLabels:
      app: aws
  replicas: 1
  template:
    metadata:
      labels:
        app: aws
    spec:
      containers:
        - name: aws
          image: amazon/aws-cli:2.13.11
          command: 
            - sh
            - -c
            - "while true;do sleep 60;done;"
          env:
          - name: HOME
            value: /tmp
  strategy:
    type: RollingUpdate
    rollingUpdate:
      maxSurge: 25%
      maxUnavailable: 25%
  paused: false
"#;

const SERVICE_ACCOUNT: &str = r#"---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: irsa-test
  namespace: irsa-test
  annotations:
    eks.amazonaws.com/role-arn: "arn:aws:iam::123456789012:role/irsa-s3"
    # optional: Defaults to "sts.amazonaws.com" if not set
    eks.amazonaws.com/audience: "sts.amazonaws.com"
    # optional: When set to "true", adds AWS_STS_REGIONAL_ENDPOINTS env var
    #   to containers
    eks.amazonaws.com/sts-regional-endpoints: "true"
    # optional: Defaults to 86400 for expirationSeconds if not set
    #   Note: This value can be overwritten if specified in the pod
    #         annotation as shown in the next step.
    eks.amazonaws.com/token-expiration: "86400"
"#;

/// A running cluster whose signing key is its own, and whose public half stands where OpenShift keeps it.
async fn running_cluster(stand: &Stand) -> ControlPlane {
    run(stand
        .home
        .command(PODPASS)
        .args(["aws", "create-key-pair", "--output-dir", "installed"]))
    .succeeded();
    let options = ControlPlaneOptions {
        api_server: api_server(stand, &[FIRST_ISSUER]),
        ..ControlPlaneOptions::all()
    };
    let cluster = ControlPlane::start(&stand.programs, &options).await;
    stand.attach(cluster.api());
    stand
        .shell(
            "kubectl create namespace openshift-kube-apiserver
             kubectl create namespace irsa-test
             kubectl create configmap --namespace openshift-kube-apiserver bound-sa-token-signing-certs \
                 --from-file=service-account-001.pub=installed/serviceaccount-signer.public
             printf '%s\n' 'apiVersion: config.openshift.io/v1' 'kind: Authentication' 'metadata: {name: cluster}' \
                 'spec: {}' | kubectl create -f -",
        )
        .succeeded();
    cluster
}

/// The webhook as the document finds it in its cluster.
async fn webhook(cluster: &ControlPlane, arguments: &[&str]) -> RegisteredWebhook {
    let namespaces = ["irsa-test", "elsewhere"];
    let api = cluster.api();
    RegisteredWebhook::start(PODPASS, api, "pod-identity-webhook", &namespaces, arguments).await
}

fn api_server(stand: &Stand, issuers: &[&str]) -> ApiServerOptions {
    ApiServerOptions {
        issuers: issuers.iter().map(|&issuer| issuer.to_owned()).collect(),
        signing_key: Some(stand.home.path("installed/serviceaccount-signer.private")),
        ..ApiServerOptions::default()
    }
}

/// What the operator of kube-apiserver does when `Authentication` names another issuer: it rolls the server out, which
/// accepts tokens of the former issuer too.
async fn roll_out(stand: &Stand, cluster: &mut ControlPlane) {
    let issuer = stand
        .shell("oc get authentication cluster -o=jsonpath={.spec.serviceAccountIssuer}")
        .succeeded()
        .to_owned();
    assert_eq!(issuer, ISSUER);
    cluster
        .restart_api_server(&api_server(stand, &[&issuer, FIRST_ISSUER]))
        .await;
}

#[tokio::test]
async fn documents_own_command_lines() {
    let Some(stand) = Stand::new() else { return };
    let mut cluster = running_cluster(&stand).await;
    let webhook = webhook(&cluster, &[]).await;
    stand
        .shell("oc get mutatingwebhookconfigurations pod-identity-webhook")
        .said(&["NAME                   WEBHOOKS   AGE\npod-identity-webhook   1          "]);

    // The document pipes JSON into jq; jsonpath takes the same field.
    stand
        .shell(
            r"oc get configmap --namespace openshift-kube-apiserver bound-sa-token-signing-certs \
                  -o=jsonpath='{.data.service-account-001\.pub}' > serviceaccount-signer.public
              mkdir ./enabling_irsa
              mv serviceaccount-signer.public ./enabling_irsa/serviceaccount-signer.public",
        )
        .succeeded();
    stand
        .shell("ccoctl aws create-identity-provider --output-dir enabling_irsa --name irsa-mint --region eu-west-1")
        .said(&[
            "Bucket irsa-mint-oidc created",
            "Identity Provider created with ARN: arn:aws:iam::123456789012:oidc-provider/irsa-mint-oidc.s3.eu-west-1.amazonaws.com",
        ]);
    stand
        .shell("oc apply -f enabling_irsa/manifests/cluster-authentication-02-config.yaml")
        .said(&["authentication.config.openshift.io/cluster configured"]);
    roll_out(&stand, &mut cluster).await;

    // Without a service account the pod inherits nothing.
    stand.home.write("deployment.yaml", DEPLOYMENT);
    stand
        .shell("oc apply -f deployment.yaml")
        .said(&["deployment.apps/aws-irsa created"]);
    let pod = stand
        .running_pod(&cluster.admin(), "irsa-test", "app=aws", "default")
        .await;
    let bare = PodRunner::start(&cluster.admin(), &pod, "aws").await;
    for command in ["aws s3 ls", IDENTITY] {
        stand.in_container(&bare, command).refused(
            CLIENT_ERROR,
            &["Unable to locate credentials. You can configure credentials by running \"aws configure\"."],
        );
    }

    // The security team's role.
    stand.home.write("trust.json", TRUST);
    stand.home.write("s3-read-only.json", S3_READ_ONLY);
    stand
        .shell(
            "aws iam create-role --role-name irsa-s3 --assume-role-policy-document file://trust.json
             aws iam put-role-policy --role-name irsa-s3 --policy-name s3 --policy-document file://s3-read-only.json",
        )
        .said(&["arn:aws:iam::123456789012:role/irsa-s3"]);
    stand.home.write("sa.yaml", SERVICE_ACCOUNT);
    let with_account = DEPLOYMENT.replace(
        "  strategy:\n",
        "      serviceAccount: irsa-test\n      serviceAccountName: irsa-test\n  strategy:\n",
    );
    stand.home.write("deployment.yaml", with_account);
    stand
        .shell("oc apply -f sa.yaml")
        .said(&["serviceaccount/irsa-test created"]);
    stand
        .shell("oc apply -f deployment.yaml")
        .said(&["deployment.apps/aws-irsa configured"]);
    let pod = stand
        .running_pod(&cluster.admin(), "irsa-test", "app=aws", "irsa-test")
        .await;
    let aws = PodRunner::start(&cluster.admin(), &pod, "aws").await;
    stand.in_container(&aws, IDENTITY).said(&[
        r#""Account": "123456789012""#,
        r#""Arn": "arn:aws:sts::123456789012:assumed-role/irsa-s3/botocore-session-"#,
    ]);
    stand
        .in_container(&aws, "aws ec2 describe-instances")
        .refused(CLIENT_ERROR, &["You must specify a region."]);
    stand
        .in_container(&aws, "aws s3 ls")
        .said(&["irsa-mint-oidc"]);
    // The document's trust policy pins the subject alone; the provider's client IDs refuse the audience.
    let role = "arn:aws:iam::123456789012:role/irsa-s3";
    let account = ("irsa-test", "irsa-test");
    refused_to_others(&stand, &cluster.admin(), &webhook, account, role).await;
}

#[tokio::test]
async fn seed_000_01_seed_000_02_as_a_user_of_podpass_does_it() {
    let Some(stand) = Stand::new() else { return };
    let mut cluster = running_cluster(&stand).await;
    let webhook = webhook(&cluster, &["--aws-default-region=eu-west-1"]).await;
    stand.home.write("deployment.yaml", DEPLOYMENT);
    stand.home.write("s3-read-only.json", S3_READ_ONLY);
    stand
        .shell(
            r"kubectl apply -f deployment.yaml
              kubectl get configmap -n openshift-kube-apiserver bound-sa-token-signing-certs \
                  -o=jsonpath='{.data.service-account-001\.pub}' > keys.pem
              podpass aws create-identity-provider --name irsa-mint --region eu-west-1 --public-key-file keys.pem
              kubectl apply -f manifests/cluster-authentication-02-config.yaml",
        )
        .succeeded();
    roll_out(&stand, &mut cluster).await;

    let bind = "podpass bind irsa-test/irsa-test --policy s3-read-only.json --create";
    stand
        .shell(bind)
        .said(&["serviceaccount/irsa-test created"]);
    let role = stand
        .shell(r"kubectl get serviceaccount irsa-test -n irsa-test -o=jsonpath='{.metadata.annotations.eks\.amazonaws\.com/role-arn}'")
        .succeeded()
        .to_owned();
    let role_name = role.rsplit('/').next().unwrap();
    assert_eq!(role, format!("arn:aws:iam::123456789012:role/{role_name}"));
    stand
        .shell(&format!(
            "podpass bind irsa-test/irsa-test --role-arn {role} --workload deploy/aws-irsa
             kubectl rollout status deployment/aws-irsa -n irsa-test --timeout=60s"
        ))
        .succeeded();
    let pod = stand
        .running_pod(&cluster.admin(), "irsa-test", "app=aws", "irsa-test")
        .await;
    let aws = PodRunner::start(&cluster.admin(), &pod, "aws").await;
    stand
        .in_container(&aws, "aws sts get-caller-identity")
        .said(&[&format!(
            "arn:aws:sts::123456789012:assumed-role/{role_name}/"
        )]);
    stand
        .in_container(&aws, "aws s3 ls")
        .said(&["irsa-mint-oidc"]);
    stand
        .in_container(&aws, "aws s3 mb s3://made-by-the-pod")
        .refused(1, &["AccessDenied", "s3:CreateBucket"]);
    let boto3 = stand.boto3_in_container(&aws);
    assert_eq!(
        boto3.succeeded(),
        format!("assumed-role {role_name}\nirsa-mint-oidc\nAccessDenied\n")
    );
    let account = ("irsa-test", "irsa-test");
    refused_to_others(&stand, &cluster.admin(), &webhook, account, &role).await;
}
