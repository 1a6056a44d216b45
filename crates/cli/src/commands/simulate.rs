//! `podpass simulate`: what STS would answer to a token, and the line to change.

mod inputs;
mod report;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{ArgGroup, Args, ValueEnum};
use podpass_diagnose::sarif;
use podpass_diagnose::simulate::{
    PermissionSimulation, PermissionsQuestion, Scenario, Simulation, Verdict, permit, simulate,
};
use podpass_diagnose::{Finding, Severity};
use podpass_kinds::ServiceAccountRef;
use podpass_policy::{Attached, Context, Document, DocumentKind, Policies};
use serde::Serialize;

pub(crate) use self::inputs::{
    Provider, ScenarioInputs, Time, not_a_policy, read as read_scenario, read_trust,
};
pub(crate) use self::report::{answer_of, edit_line};
use crate::failure::{Exit, Failure};
use crate::{files, output};

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("bearer").required(true).args(["token", "issuer"])))]
pub(crate) struct SimulateArgs {
    /// The file that holds the token; `-` is standard input.
    #[arg(long, value_name = "FILE")]
    token: Option<PathBuf>,
    /// The issuer's JWKS (keys.json); without it the signature is not checked.
    #[arg(long, value_name = "FILE", requires = "token")]
    jwks: Option<PathBuf>,
    /// Instead of a token: the issuer that it would have.
    #[arg(long, value_name = "URL", requires_all = ["subject", "audience"])]
    issuer: Option<String>,
    /// Instead of a token: the service account that it would be for.
    #[arg(long, value_name = "NS/SA", requires = "issuer")]
    subject: Option<ServiceAccountRef>,
    /// Instead of a token: the audience that it would have.
    #[arg(long, value_name = "AUDIENCE", requires = "issuer")]
    audience: Option<String>,
    /// The role's trust policy.
    #[arg(long, value_name = "FILE")]
    trust: PathBuf,
    /// An OIDC provider of IAM with its client ids; may be repeated.
    #[arg(
        long = "provider",
        value_name = "ARN=CLIENT-ID[,…]",
        required_unless_present = "role_arn"
    )]
    providers: Vec<Provider>,
    /// A permissions policy of the role; may be repeated.
    #[arg(long = "policy", value_name = "FILE", requires = "action")]
    policies: Vec<PathBuf>,
    /// Also say whether the session may do this, such as `s3:GetObject`.
    #[arg(long, value_name = "ACTION", requires = "resource")]
    action: Option<String>,
    /// What to do it on: an ARN, or `*`.
    #[arg(long, value_name = "ARN", requires = "action")]
    resource: Option<String>,
    /// The role. [default: a role named `simulated` in the account of the first provider]
    #[arg(long, value_name = "ARN")]
    role_arn: Option<String>,
    /// When the call is made: RFC 3339, or seconds since 1970. [default: now]
    #[arg(long, value_name = "TIME")]
    now: Option<Time>,
    /// For a person, a program, or a code host.
    #[arg(short, long, value_enum, default_value_t = SimulateFormat::Table)]
    output: SimulateFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum SimulateFormat {
    Table,
    Json,
    Sarif,
}

/// A simulation as `-o json` prints it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SimulationDocument<'a> {
    api_version: &'static str,
    kind: &'static str,
    #[serde(flatten)]
    simulation: &'a Simulation,
    #[serde(skip_serializing_if = "Option::is_none")]
    permission: Option<&'a PermissionSimulation>,
}

pub(crate) fn run(arguments: &SimulateArgs) -> Result<ExitCode, Failure> {
    let scenario = inputs::read(&ScenarioInputs {
        token: arguments.token.as_deref(),
        jwks: arguments.jwks.as_deref(),
        described: arguments
            .issuer
            .as_deref()
            .zip(arguments.subject.as_ref())
            .zip(arguments.audience.as_deref()),
        trust: &arguments.trust,
        providers: &arguments.providers,
        role_arn: arguments.role_arn.as_deref(),
        now: arguments.now,
    })?;
    let policies = read_policies(&arguments.policies)?;
    let simulation = simulate(&scenario);
    let permission = arguments
        .action
        .as_deref()
        .zip(arguments.resource.as_deref())
        .map(|(action, resource)| ask(&scenario, &policies, action, resource))
        .transpose()?
        .flatten();
    match arguments.output {
        SimulateFormat::Table => output::data(&report::render(
            &scenario,
            &simulation,
            permission.as_ref(),
            output::Paint::for_stdout(),
        ))?,
        SimulateFormat::Json => output::json(&SimulationDocument {
            api_version: crate::API_VERSION,
            kind: "Simulation",
            simulation: &simulation,
            permission: permission.as_ref(),
        })?,
        SimulateFormat::Sarif => {
            output::data(&sarif(&findings(
                &scenario,
                &simulation,
                permission.as_ref(),
            )))?;
        }
    }
    let allowed = simulation.is_allowed()
        && permission.is_none_or(|permission| permission.verdict == Verdict::Allow);
    Ok(if allowed {
        ExitCode::SUCCESS
    } else {
        Exit::Failed.into()
    })
}

/// A permissions policy and its file's name.
struct NamedPolicy {
    name: String,
    document: Document,
}

fn read_policies(paths: &[PathBuf]) -> Result<Vec<NamedPolicy>, Failure> {
    let read = |path: &PathBuf| {
        let name = path.display().to_string();
        let document = Document::parse(&files::read_text(path)?, DocumentKind::Permissions)
            .map_err(|error| inputs::not_a_policy(&name, &error))?;
        Ok(NamedPolicy { name, document })
    };
    paths.iter().map(read).collect()
}

fn ask(
    scenario: &Scenario,
    policies: &[NamedPolicy],
    action: &str,
    resource: &str,
) -> Result<Option<PermissionSimulation>, Failure> {
    let has_service = action.split_once(':').is_some_and(|(service, name)| {
        !service.is_empty() && !name.is_empty() && !action.contains(['*', '?', ' '])
    });
    if !has_service {
        return Err(Failure::usage(format!("`{action}` is not an action"))
            .help("write service:Action, such as `s3:GetObject`, without wildcards"));
    }
    if resource != "*" && resource.parse::<podpass_policy::Arn>().is_err() {
        return Err(Failure::usage(format!("`{resource}` is not an ARN")).help(
            "write the resource as arn:<partition>:<service>:<region>:<account>:<resource>, or `*`",
        ));
    }
    let identity = policies
        .iter()
        .map(|policy| Attached {
            source: &policy.name,
            document: &policy.document,
        })
        .collect();
    Ok(permit(
        scenario,
        &PermissionsQuestion {
            action,
            resource,
            policies: Policies {
                identity,
                ..Policies::default()
            },
            context: Context::new(),
        },
    ))
}

fn findings(
    scenario: &Scenario,
    simulation: &Simulation,
    permission: Option<&PermissionSimulation>,
) -> Vec<Finding> {
    let denied = permission.and_then(|permission| {
        let reason = permission.reason?;
        Some(Finding {
            code: reason,
            severity: Severity::Error,
            file: permission
                .statement
                .as_ref()
                .map(|place| place.source.clone()),
            position: permission.statement.as_ref().map(|place| place.position),
            message: format!("{} on {} is denied", permission.action, permission.resource),
            expected: Vec::new(),
            actual: None,
            fix: reason.fix().to_owned(),
        })
    });
    simulation
        .finding(&scenario.trust.name)
        .into_iter()
        .chain(denied)
        .collect()
}
