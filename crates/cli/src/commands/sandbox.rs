//! `podpass sandbox start|env|add-issuer|events|fault|reset`.

mod add_issuer;
mod admin_keys;
mod clock;
pub(crate) mod control;
pub(crate) mod events;
mod fault;
mod run_file;
mod service_controls;
mod variables;

use std::path::Path;
use std::process::ExitCode;

use podpass_exchange::{AudienceAnswer, Behaviour};
use podpass_sandbox::{
    AccountSettings, Authorities, NodeSettings, Proxy, RemoteIssuers, Running, Sandbox, Settings,
    StartError,
};

use self::run_file::{RunningAccount, RunningProxy, RunningSandbox};
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
pub(crate) use self::variables::{Variables, Way, Who};

const DEFAULT_ACCOUNT: &str = "123456789012";

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
        proxy_listen: arguments.proxy_listen,
        node: arguments
            .imds_listen
            .zip(arguments.node_role.clone())
            .map(|(listen, role)| NodeSettings { listen, role }),
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
    let mut described = describe(&sandbox);
    if let (Some(proxy), Some(ca_out)) = (sandbox.proxy(), &arguments.ca_out) {
        described.proxy = Some(publish(proxy, ca_out)?);
    }
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
            if let Some(proxy) = &described.proxy {
                output::line(&format!(
                    "proxy      {}  authority {}",
                    proxy.url, proxy.ca_file
                ))?;
            }
            if let Some(imds) = &described.imds {
                output::line(&format!("imds       {imds}"))?;
            }
            for account in &described.accounts {
                output::line(&format!(
                    "account    {}  access key {}  secret {}",
                    account.id, account.access_key_id, account.secret_access_key
                ))?;
            }
            if described.proxy.is_some() {
                output::note(
                    "hint: `eval \"$(podpass sandbox env --proxy)\"` leads tools through the proxy that ignore endpoints",
                );
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

/// Writes the certificate of the proxy's authority where clients are to find it.
fn publish(proxy: Proxy, ca_out: &Path) -> Result<RunningProxy, Failure> {
    let ca_file = std::path::absolute(ca_out).map_err(|error| {
        Failure::usage(format!("--ca-out: `{}`", ca_out.display())).because(&error)
    })?;
    files::write_atomically(&ca_file, proxy.certificate.as_bytes(), 0o644)?;
    Ok(RunningProxy {
        url: proxy.url,
        ca_file: ca_file.to_string_lossy().into_owned(),
    })
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
        StartError::NodeAccount { .. } => Failure::usage(message)
            .help("name a role of one of its accounts, or add that account with `--account`"),
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
        proxy: None,
        imds: sandbox.metadata_endpoint(),
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
    let way = match &sandbox.proxy {
        _ if !arguments.proxy => Way::Endpoint(&sandbox.endpoint),
        Some(proxy) => Way::Proxy(proxy),
        None => {
            let start = "--proxy-listen 127.0.0.1:0 --ca-out ca.pem";
            return Err(lacking(&sandbox, "proxy", start));
        }
    };
    let who = match &sandbox.imds {
        _ if !arguments.node => Who::Administrator(account(arguments, &sandbox)?),
        Some(imds) => Who::Node(imds),
        None => {
            let start = "--imds-listen 127.0.0.1:0 --node-role ROLE";
            return Err(lacking(&sandbox, "node", start));
        }
    };
    let variables = Variables::of(way, who);
    match arguments.output {
        EnvFormat::Json => output::json(&variables)?,
        EnvFormat::Sh => output::data(&variables.exports())?,
    }
    Ok(ExitCode::SUCCESS)
}

fn lacking(sandbox: &RunningSandbox, what: &str, start: &str) -> Failure {
    Failure::usage(format!("the sandbox at {} has no {what}", sandbox.endpoint))
        .help(format!("start it with `{start}`, or leave `--{what}` out"))
}

/// The account whose administrator is meant.
fn account<'a>(
    arguments: &SandboxEnvArgs,
    sandbox: &'a RunningSandbox,
) -> Result<&'a RunningAccount, Failure> {
    let accounts = &sandbox.accounts;
    let wanted = arguments.account.as_ref().map(ToString::to_string);
    let found = match &wanted {
        None => accounts.first(),
        Some(id) => accounts.iter().find(|account| account.id == *id),
    };
    found.ok_or_else(|| {
        let known: Vec<&str> = accounts.iter().map(|account| account.id.as_str()).collect();
        Failure::usage(format!(
            "the sandbox at {} has no account {}",
            sandbox.endpoint,
            wanted.unwrap_or_default()
        ))
        .detail("accounts", known.join(", "))
        .help("name one of these, or start the sandbox with `--account`")
    })
}
