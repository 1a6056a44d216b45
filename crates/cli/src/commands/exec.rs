//! `podpass exec`: a local command with the identity of a service account.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::io;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use podpass_access::local::{
    ClusterTokens, Environment, LocalIdentity, LocalSettings, RunFolder, Signals, StartError,
    TokenKeeper, supervise,
};
use podpass_inject::{Settings, chain_config};
use podpass_policy::RoleArn;

use crate::duration::parse_duration;
use crate::failure::{Exit, Failure};
use crate::identity_args::{IdentityArgs, IdentityInput, tokens};
use crate::{output, runtime_folder};

#[derive(Debug, Args)]
#[command(
    override_usage = "podpass exec --as <NS/SA> [OPTIONS] -- <COMMAND>...",
    after_help = AFTER_HELP
)]
pub(crate) struct ExecArgs {
    /// The command and its arguments.
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<OsString>,
    /// Renew the token after this time, at least 1s. [default and latest: 80 % of its life]
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    refresh_after: Option<Duration>,
    #[command(flatten)]
    identity: IdentityArgs,
}

pub(crate) async fn run(arguments: &ExecArgs) -> Result<ExitCode, Failure> {
    let input = arguments.identity.check()?;
    if arguments
        .refresh_after
        .is_some_and(|after| after < SHORTEST_REFRESH)
    {
        return Err(
            Failure::usage("--refresh-after: a token is renewed once a second at most")
                .help("give at least 1s"),
        );
    }
    // From here on no signal ends the process before it has cleared up.
    let mut signals = Signals::listen()
        .map_err(|error| Failure::failed("cannot receive signals").because(&error))?;
    let prepared = tokio::select! {
        prepared = prepare(&input, arguments.refresh_after) => prepared?,
        signal = signals.next() => return Ok(ExitCode::from(signal.exit_code())),
    };
    let Prepared {
        mut keeper,
        folder,
        environment,
    } = prepared;
    let command = environment.apply_to(&arguments.command);
    let ended = supervise(command, &mut signals, keeper.keep()).await;
    drop(keeper);
    for left in folder.close() {
        output::note(&format!(
            "note: what the command made at home could not be moved there: `{}`",
            left.display()
        ));
    }
    Ok(ExitCode::from(ended.unwrap_or_else(|error| {
        let help = if error.is_not_found() {
            "check its name, and PATH"
        } else {
            "check that it may be executed"
        };
        let failure = Failure::failed(error.to_string()).help(help);
        match std::error::Error::source(&error) {
            Some(source) => failure.because(source).print(),
            None => failure.print(),
        }
        error.exit_code()
    })))
}

/// What a command needs before it starts.
struct Prepared {
    keeper: TokenKeeper<ClusterTokens>,
    // Cleared after the token.
    folder: RunFolder,
    environment: Environment,
}

async fn prepare(
    input: &IdentityInput,
    refresh_after: Option<Duration>,
) -> Result<Prepared, Failure> {
    let profile = podpass_aws::profile_settings().await.map_err(|error| {
        let mut failure =
            Failure::cloud(&error).help("correct the file, or name another with AWS_CONFIG_FILE");
        failure.exit = Exit::Usage;
        failure
    })?;
    let ambient: Vec<(OsString, OsString)> = std::env::vars_os().collect();
    let ambient = || {
        ambient
            .iter()
            .map(|(name, value)| (name.as_os_str(), value.as_os_str()))
    };
    let own_variables = LocalSettings::protected(ambient());
    let names_region = |name: &String| name.ends_with("REGION");
    let has_region = input.names_region()
        || own_variables.iter().any(names_region)
        || profile.iter().any(|(name, _)| *name == "region");
    let cluster = input.connect().await?;
    let folder = run_folder(&profile)?;
    let Some(token_folder) = folder.token_folder().to_str().map(str::to_owned) else {
        return Err(Failure::usage(format!(
            "`{}` is not UTF-8 text",
            folder.token_folder().display()
        ))
        .help("set XDG_RUNTIME_DIR to a folder whose name is"));
    };
    let token_file = format!("{token_folder}/token");
    let adapt = |settings: &mut Settings| {
        settings.token_mount_path = token_folder;
        settings.token_expiration = TOKEN_EXPIRATION;
        settings.sts_regional_endpoints = has_region;
    };
    let identity = input.find(&cluster, own_variables, adapt).await?;
    let local = input.local_settings(&cluster);
    if !identity.chain.is_empty() {
        let config = chained_config(&identity, &token_file, &local, &profile);
        folder.configure(&config).map_err(|error| {
            Failure::failed("cannot write this run's AWS config file").because(&error)
        })?;
    }
    let environment = Environment::of(&identity, &local, &folder, ambient().map(|(name, _)| name));
    let tokens = tokens(cluster, &identity);
    let keeper = TokenKeeper::start(tokens, folder.token_folder(), refresh_after).await;
    Ok(Prepared {
        keeper: keeper.map_err(|error| not_started(&error))?,
        folder,
        environment,
    })
}

/// The config file of a service account whose pods go on to further roles: what theirs says, and the caller's settings.
fn chained_config(
    identity: &LocalIdentity,
    token_file: &str,
    local: &LocalSettings,
    profile: &[(&str, String)],
) -> String {
    let roles = std::iter::once(&identity.role_arn).chain(&identity.chain);
    let roles: Vec<&str> = roles.map(RoleArn::as_str).collect();
    let chain = chain_config(&roles, token_file, Some(local.session_name.as_str()));
    let rest = chain.strip_prefix(DEFAULT_PROFILE).unwrap_or(&chain);
    format!("{}{rest}", default_profile(profile))
}

fn default_profile(settings: &[(&str, String)]) -> String {
    let mut config = DEFAULT_PROFILE.to_owned();
    for (name, value) in settings {
        let _ = writeln!(config, "{name} = {value}");
    }
    config
}

fn run_folder(profile: &[(&str, String)]) -> Result<RunFolder, Failure> {
    let config = default_profile(profile);
    let home = std::env::var_os("HOME").filter(|home| !home.is_empty());
    let mut attempts = 0;
    loop {
        let runtime = runtime_folder::make()?;
        match RunFolder::make(&runtime, home.as_deref().map(Path::new), &config) {
            // Another run, the last one there, removed it in between.
            Err(error) if error.kind() == io::ErrorKind::NotFound && attempts < ATTEMPTS => {
                attempts += 1;
            }
            Err(error) => {
                let message = format!(
                    "cannot make a folder for this run in `{}`",
                    runtime.display()
                );
                return Err(Failure::failed(message).because(&error));
            }
            Ok(folder) => return Ok(folder),
        }
    }
}

fn not_started(error: &StartError<podpass_cluster::ClusterError>) -> Failure {
    match error {
        StartError::Request(error) => Failure::cluster(error),
        _ => Failure::failed("cannot keep the token").because(error),
    }
}

const AFTER_HELP: &str = "\
The command gets what a pod of the service account gets: AWS_ROLE_ARN, and in AWS_WEB_IDENTITY_TOKEN_FILE a token that is
renewed for as long as the command runs; or AWS_CONFIG_FILE, where the account goes on to further roles. It gets no other AWS credentials: not those of your environment, and not your
~/.aws. All else in its home is yours. Signals are passed on, and nothing stays behind.

`--as` is the service account here, not kubectl's impersonation.

Exit code: the command's, or 128 and the number of the signal that ended it; 126 if it cannot be executed, 127 if it is not
found. Before it starts: 1 no role, or failed, 2 wrong command line, 3 not authorised, 5 timed out.";

/// A local run asks for an hour where nothing says otherwise: it is renewed anyway, and what is stolen dies sooner.
const TOKEN_EXPIRATION: i64 = 3_600;
const DEFAULT_PROFILE: &str = "[default]\n";
const SHORTEST_REFRESH: Duration = Duration::from_secs(1);
const ATTEMPTS: u32 = 10;
