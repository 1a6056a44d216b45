//! `podpass preflight`: what has to be there before the first command.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use podpass_policy::{Document, DocumentKind};
use podpass_provision::caller_permissions::{
    CallerCommand, Lacking, Need, PERMISSIONS, Permission, lacking, least_policy,
};
use serde::Serialize;
use serde_json::Value;

use super::simulate::not_a_policy;
use crate::failure::Failure;
use crate::output::{self, Paint};
use crate::{files, table::Table};

#[derive(Debug, Args)]
pub(crate) struct PreflightArgs {
    /// Print the least permissions policy for the AWS administrator who runs the commands.
    #[arg(long, required = true)]
    permissions: bool,
    /// A command that is to be run; may be repeated. [default: create-all and delete]
    #[arg(long = "for", value_enum, value_name = "COMMAND")]
    commands: Vec<CommandArg>,
    /// A permissions policy of the administrator: say what it lacks instead; may be repeated.
    #[arg(long = "policy", value_name = "FILE")]
    policies: Vec<PathBuf>,
    /// The policy, or each action with who needs it and why.
    #[arg(short, long, value_enum, default_value_t = PreflightFormat::Policy)]
    output: PreflightFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum CommandArg {
    CreateIdentityProvider,
    CreateIamRoles,
    CreateAll,
    Delete,
    Bind,
    Unbind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum PreflightFormat {
    /// A permissions policy as IAM takes it; with `--policy`, what is lacking.
    Policy,
    Table,
    Json,
}

/// What `-o json` prints.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PermissionsDocument<'a> {
    api_version: &'static str,
    kind: &'static str,
    commands: &'a [CallerCommand],
    policy: Value,
    permissions: &'a [Permission],
    /// Where policies were given: what they lack.
    #[serde(skip_serializing_if = "Option::is_none")]
    lacking: Option<&'a [Lacking]>,
}

pub(crate) fn run(arguments: &PreflightArgs) -> Result<ExitCode, Failure> {
    let commands = arguments.commands();
    let policies = arguments.policies.iter().map(|path| {
        let name = path.display().to_string();
        let document = Document::parse(&files::read_text(path)?, DocumentKind::Permissions);
        let document = document.map_err(|error| not_a_policy(&name, &error))?;
        Ok((name, document))
    });
    let policies: Vec<(String, Document)> = policies.collect::<Result<_, Failure>>()?;
    let lacking = (!policies.is_empty()).then(|| lacking(&policies, &commands));
    let least = least_policy(&commands).to_json_pretty();
    match (arguments.output, &lacking) {
        (PreflightFormat::Json, _) => output::json(&PermissionsDocument {
            api_version: crate::API_VERSION,
            kind: "Permissions",
            commands: &commands,
            policy: serde_json::from_str(&least).unwrap_or_default(),
            permissions: PERMISSIONS,
            lacking: lacking.as_deref(),
        })?,
        (PreflightFormat::Table, _) => {
            let table = render(&commands, lacking.as_deref(), Paint::for_stdout());
            output::data(&table)?;
        }
        (PreflightFormat::Policy, None) => {
            output::line(least.trim_end())?;
            output::note(&notes(&commands));
        }
        (PreflightFormat::Policy, Some(found)) => {
            for one in found {
                output::line(one.action)?;
            }
        }
    }
    match lacking.as_deref() {
        None => Ok(ExitCode::SUCCESS),
        Some([]) => {
            output::note(&format!("enough for {}", names(&commands)));
            Ok(ExitCode::SUCCESS)
        }
        Some(found) => Err(refused(found, &commands)),
    }
}

impl PreflightArgs {
    fn commands(&self) -> Vec<CallerCommand> {
        if self.commands.is_empty() {
            return vec![CallerCommand::CreateAll, CallerCommand::Delete];
        }
        let mut commands: Vec<_> = self.commands.iter().map(|&one| one.into()).collect();
        commands.sort_unstable();
        commands.dedup();
        commands
    }
}

impl From<CommandArg> for CallerCommand {
    fn from(argument: CommandArg) -> Self {
        match argument {
            CommandArg::CreateIdentityProvider => Self::CreateIdentityProvider,
            CommandArg::CreateIamRoles => Self::CreateIamRoles,
            CommandArg::CreateAll => Self::CreateAll,
            CommandArg::Delete => Self::Delete,
            CommandArg::Bind => Self::Bind,
            CommandArg::Unbind => Self::Unbind,
        }
    }
}

fn render(commands: &[CallerCommand], lacking: Option<&[Lacking]>, paint: Paint) -> String {
    let mut table = Table::new(&["ACTION", "NEEDED", "DOCUMENTED FOR CCOCTL", "WHY"]);
    for permission in PERMISSIONS {
        let needs = permission.needs(commands);
        // Of another command only.
        if needs.is_empty() && !permission.uses.is_empty() {
            continue;
        }
        let is_lacking =
            lacking.is_some_and(|all| all.iter().any(|one| one.action == permission.action));
        let needed = match needs.iter().min_by_key(|need| rank(need)) {
            _ if is_lacking => "yes, LACKING",
            Some(Need::Always) => "yes",
            Some(Need::Only(_)) => "in some cases",
            Some(Need::Saves(_)) => "no, but helps",
            None => "no",
        };
        let documented = if permission.documented { "yes" } else { "no" };
        table.judged_row(
            [
                permission.action,
                needed,
                documented,
                &why(permission, &needs),
            ],
            is_lacking,
        );
    }
    table.render(paint)
}

/// In which case, then why at all.
fn why(permission: &Permission, needs: &[Need]) -> String {
    let mut cases: Vec<&str> = Vec::new();
    if !needs.contains(&Need::Always) {
        cases.extend(needs.iter().filter_map(|need| match need {
            Need::Always => None,
            Need::Only(case) | Need::Saves(case) => Some(*case),
        }));
        cases.dedup();
    }
    if !permission.reason.is_empty() {
        cases.push(permission.reason);
    }
    cases.join("; ")
}

fn rank(need: &Need) -> u8 {
    match need {
        Need::Always => 0,
        Need::Only(_) => 1,
        Need::Saves(_) => 2,
    }
}

/// What the policy has beyond the documented list, and what it leaves out.
fn notes(commands: &[CallerCommand]) -> String {
    let mut text = format!("# the least for {}", names(commands));
    for permission in PERMISSIONS {
        let needs = permission.needs(commands);
        let told = match (permission.is_needed(commands), permission.documented) {
            (true, true) => continue,
            (true, false) => "beyond ccoctl's documented list",
            (false, true) if permission.uses.is_empty() => "documented for ccoctl and left out",
            (false, _) if needs.is_empty() => continue,
            (false, _) => "not needed in every case and left out",
        };
        let _ = write!(
            text,
            "\n# {}: {told}: {}",
            permission.action,
            why(permission, &needs)
        );
    }
    text
}

fn refused(found: &[Lacking], commands: &[CallerCommand]) -> Failure {
    let count = found.len();
    let plural = if count == 1 { "" } else { "s" };
    let message = format!(
        "the policy lacks {count} action{plural} for {}",
        names(commands)
    );
    let mut failure = Failure::failed(message);
    for one in found {
        failure = failure.detail(
            "lacking",
            match &one.denied_by {
                Some(place) => format!("{}, denied at {place}", one.action),
                None => one.action.to_owned(),
            },
        );
    }
    failure.help("allow them on `*`, as `podpass preflight --permissions` prints; what is allowed on some resources alone does not count here")
}

fn names(commands: &[CallerCommand]) -> String {
    let names: Vec<&str> = commands.iter().map(|command| command.as_str()).collect();
    names.join(" and ")
}
