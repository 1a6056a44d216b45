//! `podpass explain`: what an AWS error means, what is behind it, and with the caller's own files the proof; or why the
//! running sandbox answered as it did.

mod event;
mod proof;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use podpass_diagnose::explain::{Explanation, Proof, explain, known};
use podpass_diagnose::simulate::Simulation;
use serde::Serialize;

use self::proof::Shown;
use super::simulate::{Provider, Time, answer_of, edit_line};
use crate::failure::{Exit, Failure};
use crate::output::{Paint, printable};
use crate::{files, output};

#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// The message, alone or with everything that the AWS CLI or an SDK printed around it; `-` is standard input. Or the
    /// id of an event of the running sandbox, such as `ev-17`, which answers carry in the header `x-podpass-event`.
    message: String,
    /// The file that holds the token of the failed call, to prove the cause.
    #[arg(long, value_name = "FILE", requires = "trust")]
    token: Option<PathBuf>,
    /// The role's trust policy, to prove the cause.
    #[arg(long, value_name = "FILE", requires = "token")]
    trust: Option<PathBuf>,
    /// The issuer's JWKS (keys.json), to prove the cause; without it the signature is not checked.
    #[arg(long, value_name = "FILE", requires = "token")]
    jwks: Option<PathBuf>,
    /// An OIDC provider of IAM with its client ids; may be repeated. [default: one that fits the token]
    #[arg(
        long = "provider",
        value_name = "ARN=CLIENT-ID[,…]",
        requires = "token"
    )]
    providers: Vec<Provider>,
    /// The role. [default: a role in the account of the provider]
    #[arg(long, value_name = "ARN", requires = "token")]
    role_arn: Option<String>,
    /// When the call was made: RFC 3339, or seconds since 1970. [default: now]
    #[arg(long, value_name = "TIME", requires = "token")]
    now: Option<Time>,
    /// Which sandbox the event is of, where several run.
    #[arg(long, value_name = "URL", conflicts_with = "token")]
    endpoint: Option<String>,
    /// For a person or for a program.
    #[arg(short, long, value_enum, default_value_t = ExplainFormat::Table)]
    output: ExplainFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ExplainFormat {
    Table,
    Json,
}

/// An explanation as `-o json` prints it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ExplanationDocument<'a> {
    api_version: &'static str,
    kind: &'static str,
    #[serde(flatten)]
    explanation: &'a Explanation,
    #[serde(skip_serializing_if = "Option::is_none")]
    proof: Option<&'a Proof>,
    #[serde(skip_serializing_if = "Option::is_none")]
    simulation: Option<&'a Simulation>,
}

pub(crate) fn run(arguments: &ExplainArgs) -> Result<ExitCode, Failure> {
    let text = if arguments.message == "-" {
        files::read_text(Path::new("-"))?
    } else {
        arguments.message.clone()
    };
    if let Ok(id) = text.trim().parse() {
        return crate::block_on(event::run(id, arguments));
    }
    if arguments.endpoint.is_some() {
        return Err(Failure::usage(
            "`--endpoint` goes with an event of a sandbox, such as `ev-17`",
        ));
    }
    if text.trim().is_empty() {
        return Err(Failure::usage("there is no message to explain"));
    }
    let Some(mut explanation) = explain(&text) else {
        return Err(unknown());
    };
    let shown = proof::of(arguments, &mut explanation)?;
    match arguments.output {
        ExplainFormat::Json => output::json(&ExplanationDocument {
            api_version: crate::API_VERSION,
            kind: "Explanation",
            explanation: &explanation,
            proof: shown.as_ref().map(|shown| &shown.proof),
            simulation: shown.as_ref().map(|shown| &shown.simulation),
        })?,
        ExplainFormat::Table => output::data(&render(
            &explanation,
            shown.as_ref(),
            output::Paint::for_stdout(),
        ))?,
    }
    Ok(ExitCode::SUCCESS)
}

fn unknown() -> Failure {
    let list: Vec<&str> = known().collect();
    Failure::new(Exit::Failed, "this is no message that podpass can explain").help(format!(
        "it knows these, in any wrapping:\n      {}",
        list.join("\n      ")
    ))
}

fn render(explanation: &Explanation, shown: Option<&Shown>, paint: Paint) -> String {
    let mut text = String::new();
    let code = explanation.code.as_deref().map(|code| format!("{code}: "));
    let _ = writeln!(
        text,
        "{}{}",
        paint.strong(&code.unwrap_or_default()),
        explanation.meaning
    );
    for value in &explanation.values {
        let _ = writeln!(text, "  = {:<13} {}", value.name, printable(&value.value));
        if let Some(remark) = &value.remark {
            let _ = writeln!(text, "    {:<13} {}", "", paint.faint(remark));
        }
    }
    if let Some(shown) = shown {
        let _ = write!(text, "\n{}", render_proof(shown, paint));
    }
    text.push_str("\nlikely causes, the likeliest first:\n");
    for (index, cause) in explanation.causes.iter().enumerate() {
        let mark = if cause.proven { " (proven)" } else { "" };
        let code = cause
            .reason
            .map(|reason| format!("  [{reason}]"))
            .unwrap_or_default();
        let _ = writeln!(
            text,
            "{:>3}. {}{}{}",
            index + 1,
            cause.what,
            paint.good(mark),
            paint.faint(&code)
        );
        let _ = writeln!(text, "     look at: {}", cause.look_at);
    }
    if shown.is_none() {
        text.push_str("\nto prove which: add --token FILE --trust FILE --provider ARN=CLIENT-ID\n");
    }
    text
}

fn render_proof(shown: &Shown, paint: Paint) -> String {
    let mut text = match &shown.proof {
        Proof::Proven(reason) => {
            format!("{}: {reason}: {}\n", paint.good("proven"), reason.hint())
        }
        Proof::OtherAnswer { answer, reason } => format!(
            "not reproduced: with these files AWS answers {} ({reason}: {})\n",
            printable(answer),
            reason.hint()
        ),
        Proof::Allowed => "not reproduced: with these files AWS allows; the cause lies outside them (another role, a role \
            that does not exist, a resource control policy, a change that has not spread yet)\n"
            .to_owned(),
    };
    for supposed in &shown.supposed {
        let _ = writeln!(text, "supposing  {}", printable(supposed));
    }
    let simulation = &shown.simulation;
    if !simulation.is_allowed() {
        let _ = writeln!(text, "answer     {}", answer_of(simulation));
    }
    if let Some(miss) = &simulation.nearest_miss {
        let _ = writeln!(text, "compared   {}", printable(&miss.what));
        for expected in &miss.expected {
            let _ = writeln!(text, "  = expected {}", printable(expected));
        }
        let actual = miss.actual.as_deref().unwrap_or("(absent)");
        let _ = writeln!(text, "  = actual   {}", printable(actual));
    }
    for edit in &simulation.edits {
        let _ = writeln!(
            text,
            "  = {}: {}",
            paint.help("help"),
            edit_line(&shown.trust, edit)
        );
    }
    text
}
