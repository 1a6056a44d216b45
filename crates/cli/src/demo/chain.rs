//! Document 003: a role in a second account, chained by code and by a profile, and what expires when.

use jiff::SignedDuration;
use podpass_aws::Connection;
use podpass_cloud::{AssumeRoleRequest, CloudError, Exchange, Session};
use podpass_diagnose::explain::explain;
use podpass_policy::DocumentKind;
use podpass_provision::{Adoption, Region};

use super::breakages::refused;
use super::pod::Pod;
use super::stage::{Stage, Station};
use super::world::{Account, Cluster, World};
use super::{provisioned, shown};
use crate::failure::Failure;

const CLUSTER: &str = "my-cluster";
const REGION: &str = "eu-west-2";
const ISSUER: &str = "https://my-cluster-oidc.s3.eu-west-2.amazonaws.com";
const PROVIDER_ARN: &str =
    "arn:aws:iam::123456789012:oidc-provider/my-cluster-oidc.s3.eu-west-2.amazonaws.com";
const TARGET_ROLE_ARN: &str = "arn:aws:iam::210987654321:role/dynamodb-reader";

/// What the role of the other account may read.
const EXPORT: (&str, &str) = ("orders-export", "orders.json");

const REQUEST: &str =
    include_str!("../../../../examples/chain/credrequests/dev-dynamodb-reader.yaml");
const DEPLOYMENT: &str = include_str!("../../../../examples/chain/deployment.yaml");
const TRUST_POLICY: &str = include_str!("../../../../examples/chain/trust-policy.json");
const PERMISSIONS_POLICY: &str = include_str!("../../../../examples/chain/permissions-policy.json");
const CONFIG: &str = include_str!("../../../../examples/chain/config");

/// A trust policy with the mistakes of the document: its date for a version, braces for a list, and no action.
const PRINTED_TRUST_POLICY: &str = r#"{
    "Version": "2021-10-17",
    "Statement": {
        {
            "Effect": "Allow",
            "Principal": {
                "AWS": "arn:aws:sts::123456789012:assumed-role/my-namespace-creds-my-namespace-dev-dynamodb-reader/dev-dynamodb-reader"
            }
        }
    }
}"#;

pub(crate) async fn play(stage: &mut Stage, world: &World) -> Result<(), Failure> {
    stage.open(
        "demo chain: a role in a second account, and who has to refresh what",
        &[
            &format!("AWS is played by the sandbox at {}: the cluster's account {} and another team's.", world.sandbox().endpoint(), Account::Clusters.id()),
            "The SDK in the pod is AWS's own, for Rust. It reads one config file and nothing of this machine.",
        ],
    )?;
    let region = super::region(REGION)?;
    let folder = world.folder().join("chain");
    provisioned::key_pair(world, &folder)?;
    let cluster = Cluster::with_key_of(&folder, ISSUER)?;
    let pod = Pod::of(DEPLOYMENT, world.folder().join("pod-my-app"))?;

    first_role(stage, world, &region).await?;
    second_role(stage, world, &region).await?;

    stage.step(
        Station::Pod,
        "The pod mounts the Secret, a token for `openshift`, and is told where",
    )?;
    stage.by_hand("oc apply -f chain/manifests/my-namespace-dev-dynamodb-reader-credentials.yaml -f deployment.yaml")?;
    for requirement in pod.requirements() {
        stage.shows(&requirement)?;
    }
    pod.mount(&folder.join("manifests/my-namespace-dev-dynamodb-reader-credentials.yaml"))?;
    pod.project(&cluster.mint(&pod.claims(&cluster, world.now())))?;

    by_code(stage, world, &pod, &region).await?;
    let sdk = by_profile(stage, world, &pod, &region).await?;
    let refreshed = after_an_hour(stage, world, (&cluster, &pod), &sdk, &region).await;
    // The other scenarios, and whoever keeps the sandbox, live in the present.
    world.back_to_now();
    refreshed
}

/// The role of the cluster's account, which may only take on the other.
async fn first_role(stage: &mut Stage, world: &World, region: &Region) -> Result<(), Failure> {
    let administrator = world.administrator(region)?;
    let folder = world.folder().join("chain");
    stage.step(
        Station::Provider,
        "The cluster has an issuer that its account trusts",
    )?;
    stage.podpass("podpass aws create-identity-provider --name my-cluster --region eu-west-2 --output-dir chain")?;
    let made =
        provisioned::identity_provider(&administrator, CLUSTER, REGION, &folder, Adoption::Refuse);
    for (resource, outcome) in made.await? {
        stage.became(outcome, &resource.to_string())?;
    }

    stage.step(
        Station::Role,
        "Tabs and an open quote: the request as it is printed is no YAML",
    )?;
    stage.podpass("podpass lint credrequests/dev-dynamodb-reader.yaml")?;
    let printed = REQUEST.replace("  ", "\t").replace("\"1.0\"", "\"1.0");
    for finding in shown::findings("dev-dynamodb-reader.yaml", &printed) {
        stage.refused(&finding)?;
    }

    stage.step(
        Station::Role,
        "Put right, it becomes a role that may do one thing: take on another",
    )?;
    let requests = provisioned::credentials_requests(
        &folder,
        "credrequests",
        &[("dev-dynamodb-reader.yaml", REQUEST)],
    )?;
    stage.by_hand("ccoctl aws create-iam-roles --name=my-namespace-creds --region=eu-west-2 --credentials-requests-dir=credrequests \\\n  --identity-provider-arn=arn:aws:iam::account:oidc-provider/address --output-dir=chain")?;
    stage.podpass("podpass aws create-iam-roles …      # the same flags")?;
    let made = provisioned::roles(
        &administrator,
        "my-namespace-creds",
        &requests,
        PROVIDER_ARN,
        &folder,
    );
    for (resource, outcome) in made.await?.reached {
        stage.became(outcome, &resource.to_string())?;
    }
    stage.created("chain/manifests/my-namespace-dev-dynamodb-reader-credentials.yaml")
}

/// The role of the other account, which trusts one session of the first.
async fn second_role(stage: &mut Stage, world: &World, region: &Region) -> Result<(), Failure> {
    let other_team = world.administrator_of(Account::Other, region)?;
    let (bucket, object) = EXPORT;
    let made = other_team.create_bucket(bucket).await;
    made.map_err(|error| super::unexpected(&error))?;
    let put = other_team.put_object(bucket, object, br#"[{"order":1}]"#);
    put.await.map_err(|error| super::unexpected(&error))?;

    stage.step(
        Station::Role,
        "The other team makes its role; the trust policy as it is printed is none",
    )?;
    stage.by_hand("aws iam create-role --profile other-team --role-name dynamodb-reader \\\n  --assume-role-policy-document file://trust-policy.json")?;
    let made = other_team.create_role("dynamodb-reader", PRINTED_TRUST_POLICY);
    refused(stage, world, made.await, "a trust policy that is not JSON")?;
    stage.podpass("podpass lint trust-policy.json")?;
    for finding in shown::findings("trust-policy.json", PRINTED_TRUST_POLICY) {
        stage.refused(&finding)?;
    }

    stage.step(
        Station::Role,
        "Put right, it trusts one session of the first role, by its name",
    )?;
    let permissions = Some(("read-orders", PERMISSIONS_POLICY));
    provisioned::role(&other_team, "dynamodb-reader", TRUST_POLICY, permissions).await?;
    stage.created(TARGET_ROLE_ARN)?;
    for line in shown::policy(TRUST_POLICY, DocumentKind::Trust)? {
        stage.shows(&line)?;
    }
    for line in shown::policy(PERMISSIONS_POLICY, DocumentKind::Permissions)? {
        stage.shows(&line)?;
    }
    Ok(())
}

/// As the document has it: the application calls AssumeRole, with what the SDK found at AWS_CONFIG_FILE.
async fn by_code(
    stage: &mut Stage,
    world: &World,
    pod: &Pod,
    region: &Region,
) -> Result<(), Failure> {
    stage.step(
        Station::Sts,
        "The application takes on the other role, and its session has the wrong name",
    )?;
    stage.by_hand(
        "stsClient.send(new AssumeRoleCommand({ RoleArn, RoleSessionName, DurationSeconds: 900 }))",
    )?;
    let sdk = pod.sdk(world, region, "default").await;
    let denied = assume_target(&sdk, 900).await;
    refused(stage, world, denied, "a session that is not trusted")?;
    stage.because("SDKs differ: the AWS CLI and boto3 take AWS_ROLE_SESSION_NAME in any case, this one only beside AWS_ROLE_ARN")?;

    stage.step(Station::Sts, "With the name in the file, every SDK has it")?;
    let named = pod.config()? + "\nrole_session_name = dev-dynamodb-reader\n";
    pod.write_config(&named)?;
    stage.shows(&named)?;
    let sdk = pod.sdk(world, region, "default").await;
    let session = assume_target(&sdk, 900).await;
    let session = session.map_err(|error| super::unexpected(&error))?;
    for line in shown::session(&session) {
        stage.shows(&line)?;
    }

    stage.step(
        Station::S3,
        "It reads what its role may: the sandbox has no DynamoDB, so the table's export",
    )?;
    stage.by_hand("aws s3 cp s3://orders-export/orders.json -")?;
    let reader = world.holder_of(&session, region);
    read_export(stage, &reader).await?;
    let written = reader.put_object(EXPORT.0, "mine.json", b"[]").await;
    refused(stage, world, written, "a write with a role that reads")?;

    stage.step(
        Station::Sts,
        "Two hours are not to be had: a chained session lives for one at most",
    )?;
    stage.by_hand("… DurationSeconds: 7200")?;
    let too_long = assume_target(&sdk, 7_200).await;
    refused(stage, world, too_long, "a chained session of two hours")
}

/// Without a line of code: a second profile. Returns the SDK of an application that uses it.
async fn by_profile(
    stage: &mut Stage,
    world: &World,
    pod: &Pod,
    region: &Region,
) -> Result<Connection, Failure> {
    stage.step(
        Station::Pod,
        "None of this needs code: a second profile chains the roles",
    )?;
    pod.write_config(CONFIG)?;
    stage.shows(CONFIG)?;
    stage.by_hand("AWS_PROFILE=dynamodb-reader aws sts get-caller-identity")?;
    let sdk = pod.sdk(world, region, "dynamodb-reader").await;
    let identity = sdk.caller_identity().await;
    let identity = identity.map_err(|error| super::unexpected(&error))?;
    stage.shows(&format!("Account  {}", identity.account))?;
    stage.shows(&format!("Arn      {}", identity.arn))?;
    Ok(sdk)
}

/// Everything expires; what brings it back is reading the token file again.
async fn after_an_hour(
    stage: &mut Stage,
    world: &World,
    (cluster, pod): (&Cluster, &Pod),
    sdk: &Connection,
    region: &Region,
) -> Result<(), Failure> {
    stage.step(
        Station::S3,
        "Seventy minutes later the session is over, and the client does not know",
    )?;
    stage.shows(&format!(
        "the sandbox's clock: {}",
        shown::time(world.now())
    ))?;
    world.let_pass(SignedDuration::from_mins(70));
    stage.shows(&format!(
        "moved to:            {}",
        shown::time(world.now())
    ))?;
    stage.by_hand("await this.dynamodbClient.send(command)")?;
    let (bucket, object) = EXPORT;
    let expired = sdk.get_object(bucket, object).await;
    refused(stage, world, expired, "an expired session")?;
    stage.podpass("podpass explain 'The provided token has expired.'")?;
    if let Some(explanation) = explain("The provided token has expired.") {
        stage.because(explanation.meaning)?;
    }
    stage.because("SDKs fetch new credentials shortly before the end, by their own clock: this machine's was not moved")?;

    stage.step(
        Station::Token,
        "A new client with the old token gets no further",
    )?;
    stage.by_hand(
        "this.dynamodbClient = this.getClient()      // with a token that was kept in memory",
    )?;
    let stale = pod.sdk(world, region, "dynamodb-reader").await;
    let answer = stale.get_object(bucket, object).await;
    refused(stage, world, answer, "an expired token")?;

    stage.step(
        Station::Token,
        "The kubelet renewed the file at four fifths of its life: reading it again is all it takes",
    )?;
    let token = cluster.mint(&pod.claims(cluster, world.now()));
    pod.project(&token)?;
    stage.by_hand("this.dynamodbClient = this.getClient()      // reads the token file again")?;
    let fresh = pod.sdk(world, region, "dynamodb-reader").await;
    read_export(stage, &fresh).await?;
    let identity = fresh.caller_identity().await;
    let identity = identity.map_err(|error| super::unexpected(&error))?;
    stage.shows(&format!("Arn      {}", identity.arn))
}

async fn assume_target(sdk: &Connection, seconds: i64) -> Result<Session, CloudError> {
    let request = AssumeRoleRequest {
        role_arn: TARGET_ROLE_ARN.to_owned(),
        role_session_name: "my-app".to_owned(),
        duration_seconds: Some(seconds),
        ..AssumeRoleRequest::default()
    };
    sdk.assume_role(&request).await
}

async fn read_export(stage: &Stage, reader: &Connection) -> Result<(), Failure> {
    let (bucket, object) = EXPORT;
    let content = reader.get_object(bucket, object).await;
    let content = content.map_err(|error| super::unexpected(&error))?;
    stage.shows(&String::from_utf8_lossy(&content))
}
