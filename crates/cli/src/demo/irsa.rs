//! Document 000: roles for service accounts on a cluster with its own issuer, from the key to a refused write.

use podpass_cloud::Exchange;
use podpass_policy::DocumentKind;
use podpass_provision::Adoption;

use super::breakages::refused;
use super::stage::{Stage, Station};
use super::world::{Account, Cluster, World, project};
use super::{cluster_side, shown};
use crate::failure::Failure;

const NAME: &str = "irsa-mint";
const REGION: &str = "eu-west-1";
const ISSUER: &str = "https://irsa-mint-oidc.s3.eu-west-1.amazonaws.com";

/// Where the kubelet would project the token, in the demo's folder.
const TOKEN_FILE: &str = "aws-irsa.token";

const SERVICE_ACCOUNT: &str = include_str!("../../../../examples/irsa/service-account.yaml");
const POD: &str = include_str!("../../../../examples/irsa/pod.yaml");
const TRUST_POLICY: &str = include_str!("../../../../examples/irsa/trust-policy.json");
const PERMISSIONS_POLICY: &str = include_str!("../../../../examples/irsa/permissions-policy.json");

pub(crate) async fn play(stage: &mut Stage, world: &World) -> Result<(), Failure> {
    stage.open(
        "demo irsa: IAM roles for service accounts, on a cluster with its own issuer",
        &[
            &format!("AWS is played by the sandbox at {}, account {}: it verifies everything.", world.sandbox().endpoint(), Account::Clusters.id()),
            "The cluster is played by podpass: pods are injected as the webhook does it, and tokens carry exactly",
            "kube-apiserver's claims. Nothing leaves this machine.",
        ],
    )?;
    let region = super::region(REGION)?;
    let administrator = world.administrator(&region)?;
    let folder = world.folder().join("enabling_irsa");

    stage.step(
        Station::Key,
        "The cluster has a key that signs its service account tokens",
    )?;
    stage.by_hand("oc get configmap -n openshift-kube-apiserver bound-sa-token-signing-certs -o json \\\n  | jq -r '.data[\"service-account-001.pub\"]' > serviceaccount-signer.public")?;
    stage.podpass("podpass aws create-key-pair --output-dir enabling_irsa")?;
    super::provisioned::key_pair(world, &folder)?;
    let cluster = Cluster::with_key_of(&folder, ISSUER)?;
    stage.created("serviceaccount-signer.private  RSA 4096, mode 0600")?;
    stage.created(&format!(
        "serviceaccount-signer.public   kid {}",
        cluster.key.kid()
    ))?;

    stage.step(
        Station::Issuer,
        "The public half is published where AWS can read it",
    )?;
    stage.by_hand("ccoctl aws create-identity-provider --output-dir enabling_irsa --name irsa-mint --region eu-west-1")?;
    stage.podpass("podpass aws create-identity-provider --output-dir enabling_irsa --name irsa-mint --region eu-west-1")?;
    let made = super::provisioned::identity_provider(
        &administrator,
        NAME,
        REGION,
        &folder,
        Adoption::Refuse,
    )
    .await?;
    let (providers, documents): (Vec<_>, Vec<_>) = made
        .into_iter()
        .partition(|(resource, _)| resource.kind == "oidc-provider");
    for (resource, outcome) in documents {
        stage.became(outcome, &resource.to_string())?;
    }

    stage.step(
        Station::Provider,
        "IAM learns to trust that issuer (same command)",
    )?;
    for (resource, outcome) in providers {
        stage.became(outcome, &resource.to_string())?;
    }
    stage.shows("no thumbprint: AWS needs none for an issuer that is hosted in S3")?;

    stage.step(
        Station::Role,
        "The security team makes a role and says who may take it on",
    )?;
    stage.by_hand("aws iam create-role --role-name irsa-s3 --assume-role-policy-document file://trust-policy.json\naws iam put-role-policy --role-name irsa-s3 --policy-name s3-read --policy-document file://permissions-policy.json")?;
    super::provisioned::role(
        &administrator,
        "irsa-s3",
        TRUST_POLICY,
        Some(("s3-read", PERMISSIONS_POLICY)),
    )
    .await?;
    stage.created("role/irsa-s3")?;
    for line in shown::policy(TRUST_POLICY, DocumentKind::Trust)? {
        stage.shows(&line)?;
    }
    for line in shown::policy(PERMISSIONS_POLICY, DocumentKind::Permissions)? {
        stage.shows(&line)?;
    }

    stage.step(
        Station::Pod,
        "The service account names the role, and its pods get what an SDK needs",
    )?;
    stage.by_hand("oc apply -f service-account.yaml -f pod.yaml      # the pod identity webhook mutates the pod")?;
    stage.podpass("podpass inject -f pod.yaml --service-account service-account.yaml")?;
    let injected = cluster_side::admit(POD, SERVICE_ACCOUNT)?;
    stage.shows(&format!(
        "eks.amazonaws.com/role-arn: {}",
        injected.role_arn
    ))?;
    for line in injected.summary() {
        stage.created(&line)?;
    }

    stage.step(
        Station::Token,
        "The kubelet projects a token into that volume and renews it",
    )?;
    stage.by_hand(
        "kubectl create token irsa-test -n irsa-test --audience sts.amazonaws.com --duration 24h",
    )?;
    let claims = cluster.claims(
        world.now(),
        "irsa-test",
        "irsa-test",
        "aws-irsa",
        injected.expiration_seconds,
    );
    let token = cluster.mint(&claims);
    project(world.folder(), TOKEN_FILE, &token)?;
    stage.podpass(&format!("podpass token decode {TOKEN_FILE}"))?;
    for (claim, value) in shown::claims(&token)? {
        stage.shows(&format!("{claim:<4} {value}"))?;
    }

    stage.step(
        Station::Sts,
        "An SDK in the pod exchanges the token for credentials",
    )?;
    stage.by_hand("oc exec aws-irsa -- aws sts get-caller-identity")?;
    let session = super::exchange(
        &world.nobody(&region),
        &injected.role_arn,
        &super::session_name(),
        token,
    )
    .await?;
    let pod = world.holder_of(&session, &region);
    let identity = pod
        .caller_identity()
        .await
        .map_err(|error| super::unexpected(&error))?;
    stage.shows(&format!(
        "UserId   {}\nAccount  {}\nArn      {}",
        identity.user_id, identity.account, identity.arn
    ))?;

    stage.step(
        Station::S3,
        "With them it may do what the role's permissions policy says",
    )?;
    stage.by_hand("oc exec aws-irsa -- aws s3 ls")?;
    for bucket in pod
        .list_buckets()
        .await
        .map_err(|error| super::unexpected(&error))?
    {
        stage.shows(&bucket)?;
    }
    stage.step(Station::S3, "… and nothing else")?;
    stage.by_hand("oc exec aws-irsa -- aws s3 cp note.txt s3://irsa-mint-oidc/note.txt")?;
    let written = pod.put_object("irsa-mint-oidc", "note.txt", b"hello").await;
    refused(
        stage,
        world,
        written,
        "a write that the policy does not allow",
    )?;
    for line in world
        .last_event()
        .iter()
        .flat_map(podpass_sandbox::Event::statements_looked_at)
    {
        stage.shows(&line)?;
    }
    Ok(())
}
