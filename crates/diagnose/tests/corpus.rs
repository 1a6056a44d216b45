//! The corpus: tokens and policies as data, each with the answer that AWS is documented or known to give.
//!
//! No expectation was produced by the evaluator: they are written from the source that each case names.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test ends where its preparation fails"
)]

#[path = "corpus/case.rs"]
mod case;

use std::collections::{BTreeMap, BTreeSet};

use podpass_diagnose::simulate::{Edit, Simulation, Verdict, permit, simulate};
use podpass_kinds::Reason;
use podpass_policy::Comparison;

use crate::case::{Case, Expected, bases, cases};

#[test]
fn every_case_has_its_stated_answer() {
    let mut wrong = Vec::new();
    for case in cases() {
        if let Err(difference) = check(&case) {
            wrong.push(format!("{} ({}): {difference}", case.name, case.source));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} cases:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn names_are_unique_and_sources_are_given() {
    let mut names = BTreeSet::new();
    for case in cases() {
        assert!(names.insert(case.name.clone()), "twice: {}", case.name);
        assert!(
            !case.source.is_empty() && !case.covers.is_empty(),
            "{}",
            case.name
        );
    }
    assert!(names.len() >= 200, "only {} cases", names.len());
}

#[test]
fn steps_operators_and_layers_are_covered_both_ways() {
    let mut seen: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for case in cases() {
        for covered in &case.covers {
            let counts = seen.entry(covered.clone()).or_default();
            match case.expect {
                Expected::Allow => counts.0 += 1,
                Expected::Deny(_) => counts.1 += 1,
            }
        }
    }
    let steps = (1..=12).map(|step| format!("A.4.{step}"));
    let operators = Comparison::ALL.iter().flat_map(|comparison| {
        let plain = format!("op:{}", comparison.as_str());
        let with_set_or_suffix = ["op:", "op:ForAllValues:", "op:ForAnyValue:"].map(|prefix| {
            let suffix = if prefix == "op:" { "IfExists" } else { "" };
            format!("{prefix}{}{suffix}", comparison.as_str())
        });
        let further = (*comparison != Comparison::Null).then_some(with_set_or_suffix);
        std::iter::once(plain).chain(further.into_iter().flatten())
    });
    let layers = [
        "explicit deny",
        "resource control",
        "service control",
        "resource",
        "identity",
        "boundary",
        "session",
        "cross-account",
    ];
    let layers = layers.map(|layer| format!("layer:{layer}"));
    for wanted in steps.chain(operators).chain(layers) {
        let (allowing, denying) = seen.get(&wanted).copied().unwrap_or_default();
        assert!(
            allowing > 0 && denying > 0,
            "{wanted}: {allowing} allow, {denying} deny"
        );
    }
}

#[test]
fn every_issue_of_the_users_list_is_there() {
    let sources: Vec<String> = cases().iter().map(|case| case.source.clone()).collect();
    for issue in [
        "crossplane/crossplane#5578",
        "aws/karpenter-provider-aws#1666",
        "external-secrets/kubernetes-external-secrets#287",
        "CircleCI-Public/server-terraform#291",
        "terraform-aws-modules/terraform-aws-iam#486",
        "external-secrets/external-secrets#6648",
        "seed 002",
    ] {
        assert!(
            sources.iter().any(|source| source.contains(issue)),
            "{issue}"
        );
    }
}

/// Applies the edits that are printed and asks again. What cannot be repaired by an edit is listed here, by its reason.
#[test]
fn the_edit_of_every_denial_makes_it_allow() {
    let beyond_repair = [
        Reason::RoleArnInvalid,
        Reason::ParameterInvalid,
        Reason::TokenMalformed,
        Reason::TokenAlgorithmUnsupported,
        Reason::SessionPolicyMalformed,
        Reason::PackedPolicyTooLarge,
    ];
    let mut wrong = Vec::new();
    for case in cases().iter().filter(|case| case.ask.is_none()) {
        let scenario = case.scenario();
        let simulation = simulate(&scenario);
        let Some(reason) = simulation.reason else {
            assert!(simulation.edits.is_empty(), "{}", case.name);
            continue;
        };
        if simulation.edits.is_empty() {
            if !beyond_repair.contains(&reason) {
                wrong.push(format!("{}: no edit for {reason}", case.name));
            }
            continue;
        }
        let mut edited = scenario;
        for edit in &simulation.edits {
            edited = edit.apply(&edited).unwrap();
        }
        let after = simulate(&edited);
        if !after.is_allowed() {
            wrong.push(format!(
                "{}: {:?} leaves {:?}",
                case.name, simulation.edits, after.reason
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} cases:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

/// A trust policy's edit must not throw out the subject that the policy is for.
#[test]
fn an_edit_for_another_service_account_keeps_the_one_that_was_allowed() {
    let case = cases()
        .into_iter()
        .find(|case| case.name == "subject differs: namespace")
        .unwrap();
    let scenario = case.scenario();
    let edits = simulate(&scenario).edits;
    let [Edit::TrustPolicy(edit)] = edits.as_slice() else {
        panic!("not one edit of the trust policy: {edits:?}");
    };
    let text = edit.apply(scenario.trust.text()).unwrap();
    assert!(text.contains("system:serviceaccount:store:cart"), "{text}");
    assert!(text.contains("system:serviceaccount:shop:cart"), "{text}");
}

/// Changes one character of the subject: exactly that row of the table fails.
#[test]
fn a_changed_character_fails_exactly_its_row() {
    let base = cases()
        .into_iter()
        .find(|case| case.name == "step 11: trust policy that names subject and audience")
        .unwrap();
    let healthy = simulate(&base.scenario());
    assert!(
        healthy.conditions.iter().all(|row| row.result),
        "{healthy:?}"
    );
    let subject = bases()["claims"]["sub"].as_str().unwrap().to_owned();
    for index in 0..subject.chars().count() {
        let changed: String = subject
            .chars()
            .enumerate()
            .map(|(at, character)| if at == index { '#' } else { character })
            .collect();
        let mut case = base.clone();
        case.claims.insert("sub".to_owned(), changed.clone().into());
        let simulation = simulate(&case.scenario());
        let failing: Vec<&str> = simulation
            .conditions
            .iter()
            .filter(|row| !row.result)
            .map(|row| row.key.as_str())
            .collect();
        assert_eq!(failing, ["oidc.example.com:sub"], "{changed}");
        let difference = simulation.nearest_miss.unwrap().difference.unwrap();
        assert_eq!(
            (difference.nearest, difference.character),
            (subject.clone(), index + 1)
        );
    }
}

fn check(case: &Case) -> Result<(), String> {
    let scenario = case.scenario();
    let simulation = simulate(&scenario);
    let Some(ask) = &case.ask else {
        return compare(case, &simulation);
    };
    if !simulation.is_allowed() {
        return Err(format!(
            "the exchange itself is denied: {:?}",
            simulation.answer
        ));
    }
    let documents = ask.documents();
    let permission = permit(&scenario, &ask.question(&documents)).unwrap();
    match (&case.expect, permission.verdict) {
        (Expected::Allow, Verdict::Allow) => Ok(()),
        (Expected::Deny(expected), Verdict::Deny) => {
            let deny = serde_json::to_value(permission.deny).unwrap();
            same("deny", expected.deny.as_deref(), deny.as_str())?;
            same(
                "reason",
                Some(&expected.reason),
                permission.reason.map(Reason::code),
            )?;
            same(
                "message",
                expected.message.as_deref(),
                permission.message.as_deref(),
            )
        }
        (_, verdict) => Err(format!("{verdict:?} {:?}", permission.message)),
    }
}

fn compare(case: &Case, simulation: &Simulation) -> Result<(), String> {
    match (&case.expect, &simulation.answer) {
        (Expected::Allow, None) => Ok(()),
        (Expected::Deny(expected), Some(answer)) => {
            same("code", expected.code.as_deref(), Some(answer.code))?;
            if expected.message.is_some() {
                same(
                    "message",
                    expected.message.as_deref(),
                    Some(&answer.message),
                )?;
            }
            same(
                "reason",
                Some(&expected.reason),
                simulation.reason.map(Reason::code),
            )
        }
        (Expected::Allow, Some(answer)) => {
            Err(format!("denied: {answer:?} {:?}", simulation.reason))
        }
        (Expected::Deny(_), None) => Err("allowed".to_owned()),
    }
}

fn same(what: &str, expected: Option<&str>, actual: Option<&str>) -> Result<(), String> {
    if expected == actual {
        return Ok(());
    }
    Err(format!("{what} is {actual:?}, not {expected:?}"))
}
