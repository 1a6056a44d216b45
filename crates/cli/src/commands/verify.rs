//! `podpass verify`: a service account's whole way to its role, really gone.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use jiff::Timestamp;
use podpass_access::injected::InjectionRules;
use podpass_access::verify::{Broken, Origin, Question, StepResult, Verification};
use podpass_aws::{Connection, EnvironmentSettings};
use podpass_kinds::ServiceAccountRef;
use serde::Serialize;

use super::aws::inputs as aws;
use super::simulate::read_trust;
use crate::cluster_args::ClusterArgs;
use crate::failure::{Exit, Failure};
use crate::format::Format;
use crate::given;
use crate::output::Paint;
use crate::table::Table;

#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// The service account.
    #[arg(value_name = "NS/SA")]
    account: ServiceAccountRef,
    /// The role, instead of the one that the service account names.
    #[arg(long, value_name = "ARN")]
    role_arn: Option<String>,
    /// The trust policy of the last role of a chain, to say which line of it refuses the session.
    #[arg(long, value_name = "FILE")]
    trust: Option<PathBuf>,
    /// Also call the API server itself, with a token of its own audience and without one.
    #[arg(long)]
    kube: bool,
    /// The region whose STS is asked. [default: the AWS configuration's]
    #[arg(long)]
    region: Option<String>,
    #[command(flatten)]
    reach: aws::ReachArgs,
    /// For a person or for a program.
    #[arg(short, long, value_enum, default_value_t = Format::Table)]
    output: Format,
    #[command(flatten)]
    cluster: ClusterArgs,
}

/// The verification, as `-o json` prints it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct VerificationDocument {
    api_version: &'static str,
    kind: &'static str,
    #[serde(flatten)]
    verification: Verification,
}

pub(crate) async fn run(arguments: VerifyArgs) -> Result<ExitCode, Failure> {
    let role = arguments.role_arn.as_deref().map(|arn| {
        let form = "write arn:<partition>:iam::<12-digit account>:role/<path and name>";
        given::arn("--role-arn", arn, form)
    });
    let role = role.transpose()?;
    let trust = arguments.trust.as_deref().map(read_trust).transpose()?;
    let settings = EnvironmentSettings {
        region: arguments.region.as_deref().map(aws::region).transpose()?,
        ..arguments.reach.settings()?
    };
    let connection = Connection::unsigned(&settings)
        .await
        .map_err(|error| Failure::cloud(&error))?;
    let cluster = arguments.cluster.connect().await?;
    let rules = Box::pin(InjectionRules::of_cluster(&cluster)).await;
    let question = Question {
        account: arguments.account,
        role,
        session_name: format!("podpass-verify-{}", Timestamp::now().as_second()),
        last_trust: trust.map(|trust| trust.document().clone()),
        rules: rules.map_err(|error| Failure::cluster(&error))?,
    };
    let mut verification = Box::pin(Verification::of(&cluster, &connection, &question)).await;
    if arguments.kube {
        verification.add_kube(&cluster, &question.account).await;
    }
    let document = VerificationDocument {
        api_version: crate::API_VERSION,
        kind: "Verification",
        verification,
    };
    arguments.output.print(
        &document,
        |document| render(&document.verification, Paint::for_stdout()),
        |_| vec![format!("serviceaccount/{}", question.account.name())],
    )?;
    match document.verification.broken() {
        Some(broken) => Err(failure(broken)),
        None => Ok(ExitCode::SUCCESS),
    }
}

fn render(verification: &Verification, paint: Paint) -> String {
    let mut table = Table::new(&["STEP", "RESULT", "FOUND"]);
    for report in &verification.steps {
        let result = match report.result {
            StepResult::Ok => "ok",
            StepResult::NotChecked => "not checked",
            StepResult::Broken => "BROKEN",
            StepResult::NotReached => "not reached",
        };
        let mut found = report.found.iter();
        let first = found.next().map(told).unwrap_or_default();
        table.judged_row(
            [report.step.as_str(), result, &first],
            report.result == StepResult::Broken,
        );
        for more in found {
            table.row(["", "", &told(more)]);
        }
    }
    let mut text = table.render(paint);
    if let Some(caller) = &verification.caller_identity {
        let _ = writeln!(
            text,
            "\nUserId   {}\nAccount  {}\nArn      {}",
            caller.user_id, caller.account, caller.arn
        );
    }
    text
}

fn told((name, value): &(&'static str, String)) -> String {
    format!("{name} {value}")
}

/// The broken step as an error: what was said, what was compared, what can be behind it, what to do.
fn failure(broken: &Broken) -> Failure {
    let mut failure = match &broken.origin {
        Origin::Cluster(error) => Failure::cluster(error),
        // A denial is what was asked about, not a lack of the caller's own permissions.
        Origin::Cloud(error) => {
            let mut failure = Failure::cloud(error);
            if failure.exit == Exit::NotAuthorised {
                failure.exit = Exit::Failed;
            }
            failure
        }
        Origin::Here => Failure::failed(broken.message.clone()),
    };
    if let Some(code) = broken.code {
        failure = failure.code(code);
    }
    for (name, value) in &broken.compared {
        failure = failure.detail(name, value);
    }
    for cause in &broken.causes {
        let code = cause
            .code
            .map_or_else(String::new, |code| format!("[{code}] "));
        failure = failure.detail(
            "possible",
            format!("{code}{}: {}", cause.what, cause.look_at),
        );
    }
    match &broken.fix {
        Some(fix) => failure.help(fix),
        None => failure,
    }
}
