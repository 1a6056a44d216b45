//! `podpass demo`: every flow on the embedded sandbox, narrated.
//!
//! The client side is the production code against a loopback endpoint. The cluster's side is played by the pure crates:
//! pods are injected by `inject`, tokens are minted with exactly kube-apiserver's claims, and the screen says so.

mod breakages;
mod chain;
mod cluster_side;
mod credentials_request;
mod install;
mod irsa;
mod pod;
mod provisioned;
mod shown;
mod stage;
mod token;
mod world;

use std::process::ExitCode;

use clap::ValueEnum;
use clap::builder::PossibleValue;
use jiff::Timestamp;
use podpass_aws::Connection;
use podpass_cloud::{CloudError, Exchange, Session};
use podpass_exchange::WebIdentityRequest;
use podpass_provision::Region;
use podpass_token::Token;

use self::stage::Stage;
use self::world::World;
use crate::args::{DemoArgs, Scenario};
use crate::commands::sandbox::{RunFile, StopSignal, Variables, Way, Who, describe};
use crate::failure::Failure;
use crate::output;

/// What a shell reports for a process that SIGINT ended.
const INTERRUPTED: u8 = 130;

pub(crate) fn run(arguments: &DemoArgs) -> Result<ExitCode, Failure> {
    if arguments.list {
        return list();
    }
    let scenarios = match arguments.scenario {
        Some(scenario) => vec![scenario],
        None => Scenario::value_variants().to_vec(),
    };
    crate::block_on(async {
        let mut stop = StopSignal::listen()?;
        let world = World::make().await?;
        // Interrupted or failed, the world goes with its sandbox and its folder.
        let played = tokio::select! {
            played = play(&scenarios, &world) => Some(played),
            () = stop.wait() => None,
        };
        match played {
            Some(Ok(())) if arguments.keep => keep(&world, &mut stop).await?,
            Some(played) => played?,
            None => return Ok(ExitCode::from(INTERRUPTED)),
        }
        world.end().await;
        Ok(ExitCode::SUCCESS)
    })
}

async fn play(scenarios: &[Scenario], world: &World) -> Result<(), Failure> {
    let mut stage = Stage::new();
    for scenario in scenarios {
        match scenario {
            Scenario::Irsa => Box::pin(irsa::play(&mut stage, world)).await?,
            Scenario::CredentialsRequest => {
                Box::pin(credentials_request::play(&mut stage, world)).await?;
            }
            Scenario::Token => Box::pin(token::play(&mut stage, world)).await?,
            Scenario::Chain => Box::pin(chain::play(&mut stage, world)).await?,
            Scenario::Install => Box::pin(install::play(&mut stage, world)).await?,
        }
    }
    Ok(())
}

fn list() -> Result<ExitCode, Failure> {
    let values: Vec<PossibleValue> = Scenario::value_variants()
        .iter()
        .filter_map(ValueEnum::to_possible_value)
        .collect();
    let width = values.iter().map(|value| value.get_name().len()).max();
    let width = width.unwrap_or_default();
    for value in &values {
        let help = value.get_help().map(ToString::to_string);
        let help = help.unwrap_or_default();
        output::line(&format!("{:<width$}  {help}", value.get_name()))?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn keep(world: &World, stop: &mut StopSignal) -> Result<(), Failure> {
    let described = describe(world.sandbox());
    let run_file = RunFile::write(&described, world.sandbox().control_token())?;
    output::line("\nThe sandbox stays until Ctrl-C. As its administrator:\n")?;
    if let Some(account) = described.accounts.first() {
        output::data(
            &Variables::of(
                Way::Endpoint(&described.endpoint),
                Who::Administrator(account),
            )
            .exports(),
        )?;
    }
    output::line(&format!(
        "\nKeys, tokens and manifests of the tour: {}",
        world.folder().display()
    ))?;
    stop.wait().await;
    drop(run_file);
    Ok(())
}

/// Exchanges a token for a session, as an SDK in a pod does.
async fn exchange(
    nobody: &Connection,
    role_arn: &str,
    session_name: &str,
    token: Token,
) -> Result<Session, Failure> {
    let request = WebIdentityRequest::new(role_arn, session_name, token);
    nobody
        .assume_role_with_web_identity(&request)
        .await
        .map_err(|error| unexpected(&error))
}

fn region(name: &str) -> Result<Region, Failure> {
    name.parse()
        .map_err(|error| Failure::failed("a region of the demo is none").because(&error))
}

/// A call or a command that must be refused was not.
fn must_be_refused(what: &str) -> Failure {
    Failure::failed(format!("the sandbox accepted what it must refuse: {what}"))
        .help("this is a defect of podpass; please report it with this output")
}

/// A call that the demo expects to succeed did not.
fn unexpected(error: &CloudError) -> Failure {
    Failure::failed(format!("the demo expected {} to succeed", error.action))
        .because(error)
        .help("this is a defect of podpass; please report it with this output")
}

/// The session name that botocore makes up.
fn session_name() -> String {
    format!("botocore-session-{}", Timestamp::now().as_second())
}
