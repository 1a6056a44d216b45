//! `podpass sandbox start|env|add-issuer|events|fault|reset`.

mod add_issuer;
mod admin_keys;
mod clock;
pub(crate) mod control;
pub(crate) mod events;
mod fault;
mod run_file;
mod service_controls;

use std::path::Path;
use std::process::ExitCode;

use podpass_exchange::{AudienceAnswer, Behaviour};
use podpass_sandbox::{
    AccountSettings, Authorities, RemoteIssuers, Running, Sandbox, Settings, StartError,
};
use serde::{Serialize, Serializer};

use self::run_file::{RunningAccount, RunningSandbox};
use crate::args::{
    AudienceWords, EnvFormat, SandboxArgs, SandboxCommand, SandboxEnvArgs, SandboxResetArgs,
    SandboxStartArgs, StartFormat,
};
use crate::failure::{Exit, Failure};
use crate::{files, output};

pub(crate) use self::clock::parse_clock;
pub(crate) use self::events::SandboxEventsArgs;
pub(crate) use self::fault::SandboxFaultArgs;
pub(crate) use self::run_file::RunFile;
pub(crate) use self::service_controls::ServiceControlFile;

const DEFAULT_ACCOUNT: &str = "123456789012";

/// Clients need some region; the sandbox takes any.
const DEFAULT_REGION: &str = "us-east-1";

pub(crate) fn run(arguments: SandboxArgs) -> Result<ExitCode, Failure> {
    match arguments.command {
        SandboxCommand::Start(arguments) => crate::block_on(start(&arguments)),
        SandboxCommand::Env(arguments) => env(&arguments),
        SandboxCommand::AddIssuer(arguments) => crate::block_on(add_issuer::run(&arguments)),
        SandboxCommand::Events(arguments) => crate::block_on(events::run(&arguments)),
        SandboxCommand::Fault(arguments) => crate::block_on(fault::run(arguments)),
        SandboxCommand::Reset(arguments) => crate::block_on(reset(&arguments)),
    }
}

async fn start(arguments: &SandboxStartArgs) -> Result<ExitCode, Failure> {
    let settings = Settings {
        listen: arguments.listen,
        accounts: accounts(arguments)?,
        clock: arguments.clock,
        state: arguments.state.clone(),
        allow_remote: arguments.allow_remote,
        remote_issuers: RemoteIssuers {
            asked: !arguments.no_remote_issuers,
            allow_private: arguments.allow_private_issuers,
            authorities: match &arguments.issuer_ca {
                Some(path) => authorities(path)?,
                None => Authorities::default(),
            },
        },
        behaviour: Behaviour {
            audience_answer: match arguments.behaviour_audience {
                AudienceWords::Specific => AudienceAnswer::Specific,
                AudienceWords::General => AudienceAnswer::General,
            },
            oldest_token: arguments.behaviour_oldest_token,
        },
    };
    // Before the first connection, so that no signal between the two leaves a run file behind.
    let mut stop = StopSignal::listen()?;
    let sandbox = Sandbox::start(settings)
        .await
        .map_err(|error| start_failure(&error))?;
    let described = describe(&sandbox);
    let run_file = RunFile::write(&described, sandbox.control_token())?;
    match arguments.output {
        StartFormat::Json => {
            let line = serde_json::to_string(&described).map_err(|error| {
                Failure::failed("cannot print the sandbox as JSON").because(&error)
            })?;
            output::line(&line)?;
        }
        StartFormat::Text => {
            output::line(&format!("sandbox    {}", described.endpoint))?;
            for account in &described.accounts {
                output::line(&format!(
                    "account    {}  access key {}  secret {}",
                    account.id, account.access_key_id, account.secret_access_key
                ))?;
            }
            output::note(
                "hint: `eval \"$(podpass sandbox env)\"` in another shell points the AWS CLI here; Ctrl-C stops it",
            );
        }
    }
    stop.wait().await;
    drop(run_file);
    sandbox.stop().await;
    Ok(ExitCode::SUCCESS)
}

fn authorities(path: &Path) -> Result<Authorities, Failure> {
    let text = files::read_text(path)?;
    Authorities::from_pem(&text)
        .map_err(|error| Failure::usage(format!("--issuer-ca: {}", path.display())).because(&error))
}

fn accounts(arguments: &SandboxStartArgs) -> Result<Vec<AccountSettings>, Failure> {
    let mut accounts: Vec<AccountSettings> = arguments
        .accounts
        .iter()
        .cloned()
        .map(AccountSettings::new)
        .collect();
    let keys = admin_keys::collect(arguments)?;
    // A state may have accounts, and then they are enough.
    let is_asked_of = !keys.is_empty() || !arguments.service_controls.is_empty();
    if accounts.is_empty() && (arguments.state.is_none() || is_asked_of) {
        let id = DEFAULT_ACCOUNT
            .parse()
            .expect("the default account has twelve digits");
        accounts.push(AccountSettings::new(id));
    }
    admin_keys::assign(&mut accounts, &keys)?;
    service_controls::attach(&mut accounts, &arguments.service_controls)?;
    Ok(accounts)
}

fn start_failure(error: &StartError) -> Failure {
    let message = error.to_string();
    match error {
        StartError::NotLoopback { .. } => Failure::new(Exit::Refused, message)
            .help("listen on 127.0.0.1, or add `--allow-remote` if other machines may have these accounts"),
        StartError::InUse { .. } => Failure::usage(message)
            .help("stop the other process, or take a free port with `--listen 127.0.0.1:0`"),
        _ => {
            let failure = match error {
                StartError::State(error) => Failure::usage(message).help(error.remedy()),
                _ => Failure::usage(message),
            };
            match std::error::Error::source(error) {
                Some(source) => failure.because(source),
                None => failure,
            }
        }
    }
}

pub(crate) fn describe(sandbox: &Running) -> RunningSandbox {
    let accounts = sandbox.accounts().iter().map(|account| RunningAccount {
        id: account.id.to_string(),
        access_key_id: account.access_key_id.clone(),
        secret_access_key: account.secret_access_key.expose().to_owned(),
    });
    RunningSandbox {
        endpoint: sandbox.endpoint(),
        accounts: accounts.collect(),
        pid: std::process::id(),
    }
}

/// SIGINT or SIGTERM.
pub(crate) struct StopSignal {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

impl StopSignal {
    pub(crate) fn listen() -> Result<Self, Failure> {
        use tokio::signal::unix::{SignalKind, signal};
        let failed =
            |error: std::io::Error| Failure::failed("cannot listen for signals").because(&error);
        Ok(Self {
            interrupt: signal(SignalKind::interrupt()).map_err(failed)?,
            terminate: signal(SignalKind::terminate()).map_err(failed)?,
        })
    }

    pub(crate) async fn wait(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

async fn reset(arguments: &SandboxResetArgs) -> Result<ExitCode, Failure> {
    let client = control::of_running(arguments.endpoint.as_deref())?;
    let accounts = client
        .reset()
        .await
        .map_err(|error| control::failure(&error))?;
    for account in accounts {
        output::line(&format!("account/{account} reset"))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn env(arguments: &SandboxEnvArgs) -> Result<ExitCode, Failure> {
    let sandbox = run_file::find(arguments.endpoint.as_deref())?.running;
    let wanted = arguments.account.as_ref().map(ToString::to_string);
    let account = match &wanted {
        None => sandbox.accounts.first(),
        Some(id) => sandbox.accounts.iter().find(|account| account.id == *id),
    };
    let Some(account) = account else {
        let known: Vec<&str> = sandbox
            .accounts
            .iter()
            .map(|account| account.id.as_str())
            .collect();
        return Err(Failure::usage(format!(
            "the sandbox at {} has no account {}",
            sandbox.endpoint,
            wanted.unwrap_or_default()
        ))
        .detail("accounts", known.join(", "))
        .help("name one of these, or start the sandbox with `--account`"));
    };
    let variables = Variables::of(&sandbox.endpoint, account);
    match arguments.output {
        EnvFormat::Json => output::json(&variables)?,
        EnvFormat::Sh => output::data(&variables.exports())?,
    }
    Ok(ExitCode::SUCCESS)
}

/// What the AWS CLI and every SDK read, by the names of the variables.
pub(crate) struct Variables<'a>([(&'static str, &'a str); 7]);

impl<'a> Variables<'a> {
    pub(crate) fn of(endpoint: &'a str, account: &'a RunningAccount) -> Self {
        Self([
            ("AWS_ENDPOINT_URL", endpoint),
            // The SDK for Go sees only this one when it asks STS for credentials.
            ("AWS_ENDPOINT_URL_STS", endpoint),
            ("AWS_ACCESS_KEY_ID", &account.access_key_id),
            ("AWS_SECRET_ACCESS_KEY", &account.secret_access_key),
            ("AWS_REGION", DEFAULT_REGION),
            ("AWS_DEFAULT_REGION", DEFAULT_REGION),
            ("AWS_EC2_METADATA_DISABLED", "true"),
        ])
    }

    /// Lines for a POSIX shell. What would win over these variables is unset.
    pub(crate) fn exports(&self) -> String {
        let mut text = output::shell_exports(self.0);
        text.push_str(
            "unset AWS_SESSION_TOKEN AWS_PROFILE AWS_ROLE_ARN AWS_WEB_IDENTITY_TOKEN_FILE\n",
        );
        text
    }
}

impl Serialize for Variables<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0)
    }
}
