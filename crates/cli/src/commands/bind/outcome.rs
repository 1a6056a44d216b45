//! What came of `bind` and `unbind`, for a person and for a program.

use std::process::ExitCode;

use podpass_access::BindingPlan;
use podpass_kinds::ServiceAccountRef;
use podpass_provision::{Outcome, Plan, RoleArn};
use serde::Serialize;
use serde_json::Value;

use super::role::PlannedRole;
use crate::failure::Failure;
use crate::format::{Format, yaml_of};
use crate::output;

/// The outcome, as `-o json` prints it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Document {
    api_version: &'static str,
    kind: &'static str,
    service_account: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) role_arn: Option<RoleArn>,
    /// The roles that pods take on after it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    chain: Vec<RoleArn>,
    dry_run: bool,
    /// What was looked at, and what became of it.
    resources: Vec<Reached>,
    /// The calls to AWS, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    steps: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notes: Vec<String>,
    /// Who may assume the role, as the role's account has to say it.
    #[serde(skip_serializing_if = "Option::is_none")]
    trust_policy: Option<Value>,
    /// The service account as a manifest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) manifest: Option<Value>,
}

#[derive(Serialize)]
struct Reached {
    name: String,
    outcome: Outcome,
}

impl Document {
    pub(crate) fn new(kind: &'static str, account: &ServiceAccountRef, dry_run: bool) -> Self {
        Self {
            api_version: crate::API_VERSION,
            kind,
            service_account: account.to_string(),
            role_arn: None,
            chain: Vec::new(),
            dry_run,
            resources: Vec::new(),
            steps: Vec::new(),
            notes: Vec::new(),
            trust_policy: None,
            manifest: None,
        }
    }

    /// Says which roles pods go on to, and what those roles have to trust.
    pub(crate) fn chained(&mut self, first: &RoleArn, chain: &[RoleArn]) {
        let account = &self.service_account;
        let from = std::iter::once(first).chain(chain);
        let notes = from.zip(chain).map(|(from, to)| {
            format!("{to} has to trust {from}: `podpass trust {account} --chain {to}` prints its trust policy")
        });
        self.notes.extend(notes.collect::<Vec<_>>());
        self.chain = chain.to_vec();
    }

    pub(crate) fn of_role(&mut self, planned: &PlannedRole) {
        self.trust_policy = serde_json::from_str(&planned.wanted.trust.to_json()).ok();
        self.of_plan(&planned.plan);
    }

    pub(crate) fn of_plan(&mut self, plan: &Plan) {
        for resource in &plan.resources {
            self.reached(resource.to_string(), plan.outcome(resource));
        }
        self.steps.extend(
            plan.steps
                .iter()
                .map(|step| format!("{}: {}", step.action(), step.describe())),
        );
        self.notes.extend(plan.notes.iter().cloned());
    }

    pub(crate) fn of_cluster(&mut self, plan: &BindingPlan) {
        for (step, outcome) in &plan.steps {
            self.reached(step.to_string(), *outcome);
        }
    }

    pub(crate) fn reached(&mut self, name: String, outcome: Outcome) {
        self.resources.push(Reached { name, outcome });
    }

    pub(crate) fn note(&mut self, note: String) {
        self.notes.push(note);
    }

    pub(crate) fn print(&self, format: Format) -> Result<ExitCode, Failure> {
        match format {
            Format::Json => output::json(self)?,
            Format::Yaml => self.print_yaml()?,
            Format::Name => {
                for reached in &self.resources {
                    output::line(&reached.name)?;
                }
            }
            Format::Table => self.print_lines()?,
        }
        Ok(ExitCode::SUCCESS)
    }

    /// The manifest alone where there is nothing else: it is what the other team applies.
    fn print_yaml(&self) -> Result<(), Failure> {
        match &self.manifest {
            Some(manifest) if self.dry_run && self.trust_policy.is_none() => yaml_of(manifest),
            _ => yaml_of(self),
        }
    }

    fn print_lines(&self) -> Result<(), Failure> {
        for note in &self.notes {
            output::note(&format!("note: {note}"));
        }
        if self.dry_run {
            for step in &self.steps {
                output::note(&format!("would call {step}"));
            }
        }
        let suffix = if self.dry_run { " (dry run)" } else { "" };
        for Reached { name, outcome } in &self.resources {
            output::line(&format!("{name} {outcome}{suffix}"))?;
        }
        Ok(())
    }
}
