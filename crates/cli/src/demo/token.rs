//! Document 002: the token, a role by hand, the exchange, and the document's own failures.

use podpass_aws::Connection;
use podpass_cloud::{AssumeRoleRequest, Exchange};
use podpass_exchange::WebIdentityRequest;
use podpass_policy::DocumentKind;
use podpass_provision::{Adoption, Region};
use podpass_token::Token;

use super::breakages;
use super::stage::{Stage, Station};
use super::world::{Account, Cluster, World, project};
use super::{cluster_side, shown};
use crate::failure::Failure;

const NAME: &str = "irsa-test";
const REGION: &str = "us-east-1";
const ISSUER: &str = "https://irsa-test-oidc.s3.us-east-1.amazonaws.com";
const ROLE_ARN: &str = "arn:aws:iam::123456789012:role/irsa-test";

/// Where the kubelet would project the token, in the demo's folder.
const TOKEN_FILE: &str = "irsa-test-pod.token";

const SERVICE_ACCOUNT: &str = include_str!("../../../../examples/token/service-account.yaml");
const POD: &str = include_str!("../../../../examples/token/pod.yaml");
const PERMISSIONS_POLICY: &str = include_str!("../../../../examples/token/permissions-policy.json");
const ACCOUNT_TRUST_POLICY: &str =
    include_str!("../../../../examples/token/account-trust-policy.json");
const TRUST_POLICY: &str = include_str!("../../../../examples/token/trust-policy.json");

pub(crate) async fn play(stage: &mut Stage, world: &World) -> Result<(), Failure> {
    stage.open(
        "demo token: the token, its exchange, and the ways in which it is refused",
        &[
            &format!("AWS is played by the sandbox at {}, account {}.", world.sandbox().endpoint(), Account::Clusters.id()),
            "The cluster is played by podpass: injection as the webhook does it, tokens with kube-apiserver's claims.",
        ],
    )?;
    let region = super::region(REGION)?;
    let administrator = world.administrator(&region)?;
    let folder = world.folder().join("irsa-test");
    super::provisioned::key_pair(world, &folder)?;
    let cluster = Cluster::with_key_of(&folder, ISSUER)?;

    role_by_account(stage, world, &administrator, &region).await?;

    stage.step(
        Station::Pod,
        "A pod is admitted; its service account names a role that does not exist yet",
    )?;
    stage.by_hand("kubectl apply -f irsa-sa.yaml")?;
    stage.podpass("podpass inject -f pod.yaml --service-account service-account.yaml")?;
    let admitted = cluster_side::admit(POD, SERVICE_ACCOUNT)?;
    for line in admitted.summary() {
        stage.created(&line)?;
    }

    stage.step(Station::Token, "Its token says who it is")?;
    stage.by_hand("token=$(kubectl exec irsa-test-pod -- cat /var/run/secrets/eks.amazonaws.com/serviceaccount/token)\njwt decode $token")?;
    let claims = cluster.claims(
        world.now(),
        "default",
        "irsa-test-service-account",
        "irsa-test-pod",
        admitted.expiration_seconds,
    );
    let token = || cluster.mint(&claims);
    project(world.folder(), TOKEN_FILE, &token())?;
    stage.podpass(&format!("podpass token decode {TOKEN_FILE}"))?;
    for (claim, value) in shown::claims(&token())? {
        stage.shows(&format!("{claim:<13} {value}"))?;
    }

    Box::pin(provider_in_two_mistakes(
        stage,
        world,
        &administrator,
        &region,
        &token,
    ))
    .await?;

    stage.step(
        Station::Role,
        "The role trusts one service account and one audience",
    )?;
    stage.by_hand("aws iam create-role --role-name irsa-test --assume-role-policy-document file://irsa-trust.json\naws iam attach-role-policy --role-name irsa-test --policy-arn arn:aws:iam::123456789012:policy/irsa-test")?;
    super::provisioned::role(&administrator, "irsa-test", TRUST_POLICY, None).await?;
    administrator
        .attach_role_policy("irsa-test", "arn:aws:iam::123456789012:policy/irsa-test")
        .await
        .map_err(|error| super::unexpected(&error))?;
    stage.created("role/irsa-test")?;
    for line in shown::policy(TRUST_POLICY, DocumentKind::Trust)? {
        stage.shows(&line)?;
    }

    stage.step(Station::Sts, "The exchange works")?;
    stage.by_hand("aws sts assume-role-with-web-identity --role-session-name test-irsa --role-arn arn:aws:iam::123456789012:role/irsa-test --web-identity-token $token")?;
    stage.podpass(&format!("podpass token assume --role-arn {ROLE_ARN} --session-name test-irsa --token-file {TOKEN_FILE}"))?;
    let session = super::exchange(&world.nobody(&region), ROLE_ARN, "test-irsa", token()).await?;
    for line in shown::session(&session) {
        stage.shows(&line)?;
    }

    stage.step(Station::S3, "… and the pod can list buckets")?;
    stage.by_hand("aws s3 ls")?;
    let pod = world.holder_of(&session, &region);
    for bucket in pod
        .list_buckets()
        .await
        .map_err(|error| super::unexpected(&error))?
    {
        stage.shows(&bucket)?;
    }
    breakages::play(stage, world, &cluster, ROLE_ARN, &region).await
}

/// The document's first half: a role for any user of the account, taken on with long-lived keys.
async fn role_by_account(
    stage: &mut Stage,
    world: &World,
    administrator: &Connection,
    region: &Region,
) -> Result<(), Failure> {
    stage.step(
        Station::Role,
        "First without Kubernetes: a role for any user of the account",
    )?;
    stage.by_hand("aws iam create-policy --policy-name irsa-test --policy-document file://irsa-policy.json\naws iam create-role --role-name irsa-test-role --assume-role-policy-document file://irsa-trust.json\naws iam attach-role-policy --role-name irsa-test-role --policy-arn arn:aws:iam::123456789012:policy/irsa-test")?;
    let policy = administrator
        .create_policy("irsa-test", PERMISSIONS_POLICY)
        .await;
    let policy = policy.map_err(|error| super::unexpected(&error))?;
    stage.created(&policy)?;
    super::provisioned::role(administrator, "irsa-test-role", ACCOUNT_TRUST_POLICY, None).await?;
    let attached = administrator
        .attach_role_policy("irsa-test-role", &policy)
        .await;
    attached.map_err(|error| super::unexpected(&error))?;
    stage.created("role/irsa-test-role, trusted for arn:aws:iam::123456789012:root")?;

    stage.step(
        Station::Sts,
        "A user takes it on with long-lived keys: what service accounts make needless",
    )?;
    stage.by_hand("aws sts assume-role --role-arn arn:aws:iam::123456789012:role/irsa-test-role --role-session-name TestIrsa\naws sts get-caller-identity\naws s3 ls")?;
    let request = AssumeRoleRequest {
        role_arn: format!("{ROLE_ARN}-role"),
        role_session_name: "TestIrsa".to_owned(),
        ..AssumeRoleRequest::default()
    };
    let session = administrator
        .assume_role(&request)
        .await
        .map_err(|error| super::unexpected(&error))?;
    let holder = world.holder_of(&session, region);
    let identity = holder
        .caller_identity()
        .await
        .map_err(|error| super::unexpected(&error))?;
    stage.shows(&format!("Arn      {}", identity.arn))?;
    let buckets = holder
        .list_buckets()
        .await
        .map_err(|error| super::unexpected(&error))?;
    stage.shows(&format!(
        "Buckets  {}",
        if buckets.is_empty() {
            "(none)".to_owned()
        } else {
            buckets.join(", ")
        }
    ))
}

/// The document's two failures: the provider forgotten, then registered for a misspelt audience.
async fn provider_in_two_mistakes(
    stage: &mut Stage,
    world: &World,
    administrator: &Connection,
    region: &Region,
    token: &(dyn Fn() -> Token + Sync),
) -> Result<(), Failure> {
    stage.step(
        Station::Provider,
        "The first failure of the document: the OIDC provider was forgotten",
    )?;
    refused(stage, world, region, token()).await?;

    stage.step(
        Station::Provider,
        "The second: it is registered for `sts.amazon.com`",
    )?;
    stage.by_hand("IAM console > Identity providers > Add provider, Audience: sts.amazon.com")?;
    let created = administrator
        .create_oidc_provider(ISSUER, &["sts.amazon.com"])
        .await;
    stage.created(&created.map_err(|error| super::unexpected(&error))?)?;
    refused(stage, world, region, token()).await?;

    stage.step(
        Station::Issuer,
        "podpass finds what is there, adds what is missing, and publishes the keys",
    )?;
    stage.podpass("podpass aws create-identity-provider --name irsa-test --region us-east-1 --output-dir irsa-test --adopt")?;
    let folder = world.folder().join("irsa-test");
    let made = super::provisioned::identity_provider(
        administrator,
        NAME,
        REGION,
        &folder,
        Adoption::Adopt,
    )
    .await?;
    for (resource, outcome) in made {
        stage.became(outcome, &resource.to_string())?;
    }
    Ok(())
}

async fn refused(
    stage: &Stage,
    world: &World,
    region: &Region,
    token: Token,
) -> Result<(), Failure> {
    stage.by_hand("aws s3 ls      # in the pod")?;
    let request = WebIdentityRequest::new(ROLE_ARN, super::session_name(), token);
    let nobody = world.nobody(region);
    let answer = nobody.assume_role_with_web_identity(&request).await;
    breakages::refused(stage, world, answer, "a token without its provider")
}
