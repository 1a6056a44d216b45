//! The search for the smallest edit: candidates are proposed, applied, and kept only if the decision gets further.

use podpass_exchange::{Outcome, Step, StepName};
use podpass_kinds::Reason;
use podpass_policy::{Effect, Layer, StatementOutcome, StatementTrace};

use super::candidates;
use super::claims::Facts;
use super::edit::Edit;
use super::{Attempt, Scenario, attempt};

/// Finds edits after which the scenario allows, the fewest and smallest that the search knows; none if it knows none.
pub(super) fn repair(scenario: &Scenario) -> Vec<Edit> {
    let mut scenario = scenario.clone();
    let mut edits = Vec::new();
    for _ in 0..MAX_EDITS {
        let tried = attempt(&scenario);
        let Err(denial) = &tried.outcome else {
            return edits;
        };
        let Some(facts) = Facts::of(&scenario) else {
            return Vec::new();
        };
        if denial.trace.failed_step().map(|step| step.name) == Some(StepName::TrustPolicy)
            && denial.reason != Reason::TrustExplicitDeny
        {
            return repair_trust(&scenario, &facts).map_or_else(Vec::new, |found| {
                edits.extend(found);
                edits
            });
        }
        let before = progress(&tried);
        let proposed = candidates::before_statements(&scenario, &facts, denial);
        let Some((edit, changed)) = best(&scenario, proposed, &before, progress) else {
            return Vec::new();
        };
        edits.push(edit);
        scenario = changed;
    }
    Vec::new()
}

/// Makes one statement after the other fit and takes the one that needs least; a new statement is the last resort.
fn repair_trust(scenario: &Scenario, facts: &Facts) -> Option<Vec<Edit>> {
    let statements = scenario.trust.document().statements.len();
    let mut ways: Vec<Vec<Edit>> = (0..statements.min(MAX_STATEMENTS))
        .filter_map(|index| fit_statement(scenario, facts, index))
        .collect();
    let added = candidates::new_statement(scenario, facts);
    ways.extend(
        added
            .filter(|edit| allows(scenario, edit))
            .map(|edit| vec![edit]),
    );
    ways.into_iter()
        .min_by_key(|edits| edits.iter().map(Edit::size).sum::<usize>())
}

fn fit_statement(scenario: &Scenario, facts: &Facts, index: usize) -> Option<Vec<Edit>> {
    let mut scenario = scenario.clone();
    let mut edits = Vec::new();
    for _ in 0..MAX_EDITS {
        let tried = attempt(&scenario);
        if tried.outcome.is_ok() {
            return Some(edits);
        }
        let step = trust_step(&tried)?;
        let statement = statement_of(step, index)?.clone();
        if statement.effect == Effect::Deny {
            return None;
        }
        let nearness = |tried: &Attempt| (progress(tried), fit(tried, index));
        let proposed = candidates::for_statement(&scenario, facts, &statement);
        let (edit, changed) = best(&scenario, proposed, &nearness(&tried), nearness)?;
        edits.push(edit);
        scenario = changed;
    }
    None
}

/// The proposed edit that gets furthest, and of those the smallest; `None` if none gets further than before.
fn best<P: Ord>(
    scenario: &Scenario,
    proposed: Vec<Edit>,
    before: &P,
    measure: impl Fn(&Attempt) -> P,
) -> Option<(Edit, Scenario)> {
    // Of equals the last one is the maximum, and the first proposal is the best.
    proposed
        .into_iter()
        .rev()
        .filter_map(|edit| {
            let changed = edit.apply(scenario).ok()?;
            let after = measure(&attempt(&changed));
            (after > *before).then_some((after, edit, changed))
        })
        .max_by(|one, other| {
            let by_progress = one.0.cmp(&other.0);
            by_progress.then_with(|| other.1.size().cmp(&one.1.size()))
        })
        .map(|(_, edit, changed)| (edit, changed))
}

fn allows(scenario: &Scenario, edit: &Edit) -> bool {
    edit.apply(scenario)
        .is_ok_and(|changed| attempt(&changed).outcome.is_ok())
}

/// How far a decision gets: the steps that pass, then the comparisons of the failed one that hold.
fn progress(tried: &Attempt) -> (bool, usize, usize) {
    let steps = &tried.trace().steps;
    let passed = steps
        .iter()
        .filter(|step| step.outcome != Outcome::Failed)
        .count();
    let holding = match (tried.trace().failed_step(), tried.outcome.is_ok()) {
        (Some(step), false) if step.name != StepName::TrustPolicy => step
            .comparisons()
            .iter()
            .filter(|comparison| comparison.holds)
            .count(),
        _ => 0,
    };
    (tried.outcome.is_ok(), passed, holding)
}

/// How well a statement fits: which element fails first, and how many conditions hold.
fn fit(tried: &Attempt, index: usize) -> (usize, usize) {
    let statement = trust_step(tried).and_then(|step| statement_of(step, index));
    match statement.map(|statement| (&statement.outcome, statement)) {
        None => (0, 0),
        Some((StatementOutcome::PrincipalDiffers { .. }, _)) => (1, 0),
        Some((StatementOutcome::ActionDiffers { .. }, _)) => (2, 0),
        Some((StatementOutcome::ResourceDiffers { .. }, _)) => (3, 0),
        Some((StatementOutcome::ConditionFails, statement)) => {
            let failing = statement.conditions.iter().filter(|each| !each.holds);
            (4, usize::MAX - failing.count())
        }
        Some((StatementOutcome::Matches, _)) => (5, 0),
    }
}

/// The last question that was asked of the trust policy.
pub(super) fn trust_step(tried: &Attempt) -> Option<&Step> {
    let steps = tried.trace().steps.iter().rev();
    steps
        .into_iter()
        .find(|step| step.name == StepName::TrustPolicy)
}

pub(super) fn statements_of(step: &Step) -> &[StatementTrace] {
    step.policies
        .iter()
        .find(|policy| policy.layer == Layer::Resource)
        .map_or(&[], |policy| policy.statements.as_slice())
}

fn statement_of(step: &Step, index: usize) -> Option<&StatementTrace> {
    statements_of(step).iter().find(|each| each.index == index)
}

/// More would be another policy, not an edit.
const MAX_EDITS: usize = 8;

/// IAM takes no trust policy that has as many.
const MAX_STATEMENTS: usize = 100;
