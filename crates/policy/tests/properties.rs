//! Laws of printer, parser and evaluator.

use podpass_policy::{
    ActionClause, Attached, Comparison, Condition, ConditionOperator, Context, ContextValue,
    ControlLevel, Controls, Document, DocumentKind, Effect, Policies, Principal, Quantifier,
    Request, ResourceClause, Statement, Values, Version, WhenMissing, decide,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

fn values(texts: impl Strategy<Value = String> + Clone) -> impl Strategy<Value = Values> {
    prop_oneof![
        texts.clone().prop_map(Values::one),
        vec(texts, 1..4).prop_map(Values::list)
    ]
}

fn actions() -> impl Strategy<Value = ActionClause> {
    let action = prop_oneof![
        "s3:[GP?*]et[A-C*]{0,3}",
        "ec2:[A-Z*]{1,3}",
        Just("*".to_owned())
    ];
    (values(action), any::<bool>()).prop_map(|(values, not)| {
        if not {
            ActionClause::NotAction(values)
        } else {
            ActionClause::Action(values)
        }
    })
}

fn resources() -> impl Strategy<Value = ResourceClause> {
    let resource = prop_oneof![
        "arn:aws:s3:::[ab*?]{1,3}(/[ab*]{0,3}){0,2}",
        "arn:aws:s3:::\\$\\{k:a\\}/\\*",
        Just("*".to_owned())
    ];
    (values(resource), any::<bool>()).prop_map(|(values, not)| {
        if not {
            ResourceClause::NotResource(values)
        } else {
            ResourceClause::Resource(values)
        }
    })
}

fn condition() -> impl Strategy<Value = Condition> {
    let comparison = prop_oneof![
        Just(Comparison::StringEquals),
        Just(Comparison::StringNotEquals),
        Just(Comparison::StringEqualsIgnoreCase),
        Just(Comparison::StringLike),
        Just(Comparison::StringNotLike),
    ];
    let quantifier = prop_oneof![
        Just(Quantifier::Single),
        Just(Quantifier::ForAllValues),
        Just(Quantifier::ForAnyValue)
    ];
    let missing = prop_oneof![Just(WhenMissing::Compare), Just(WhenMissing::Pass)];
    let text = prop_oneof![
        "[ab*?]{0,3}",
        "\\PC{0,4}".prop_filter("no variable", |text| !text.contains("${"))
    ];
    (comparison, quantifier, missing, "k:[ab]", values(text)).prop_map(
        |(comparison, quantifier, when_missing, key, values)| {
            Condition::new(
                ConditionOperator {
                    quantifier,
                    comparison,
                    when_missing,
                },
                key,
                values,
            )
        },
    )
}

fn statement() -> impl Strategy<Value = Statement> {
    (
        any::<bool>(),
        actions(),
        resources(),
        vec(condition(), 0..3),
    )
        .prop_map(|(deny, actions, resources, drawn)| {
            let mut statement = Statement::allow("*");
            statement.effect = if deny { Effect::Deny } else { Effect::Allow };
            statement.actions = actions;
            statement.resources = Some(resources);
            let mut conditions: Vec<Condition> = Vec::new();
            for condition in drawn {
                // JSON can say an operator with a key only once, and gathers conditions by operator.
                let after = conditions
                    .iter()
                    .rposition(|other| other.operator == condition.operator);
                if !conditions
                    .iter()
                    .any(|other| other.operator == condition.operator && other.key == condition.key)
                {
                    conditions.insert(after.map_or(conditions.len(), |index| index + 1), condition);
                }
            }
            statement.conditions = conditions;
            statement
        })
}

fn document() -> impl Strategy<Value = Document> {
    (
        vec(statement(), 1..5),
        option::of("\\PC{0,8}"),
        any::<bool>(),
    )
        .prop_map(|(statements, id, old)| Document {
            version: if old { Version::V2008 } else { Version::V2012 },
            id,
            statements,
        })
}

fn context() -> impl Strategy<Value = Context> {
    let value = prop_oneof![
        "[ab]{0,2}".prop_map(ContextValue::One),
        vec("[ab]{0,2}", 0..3).prop_map(ContextValue::Many),
    ];
    vec(("k:[ab]", value), 0..3).prop_map(|pairs| pairs.into_iter().collect())
}

/// A text with some of its parts replaced by `*`, and some of its characters by `?`.
fn widen(text: &str, cuts: &[(usize, usize, bool)]) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    for (start, length, one) in cuts {
        let start = start % (chars.len() + 1);
        let end = (start + length).min(chars.len());
        match chars.get_mut(start) {
            Some(c) if *one && *c != '*' => *c = '?',
            _ => drop(chars.splice(start..end, ['*'])),
        }
    }
    chars.into_iter().collect()
}

/// The same with wildcards in one action or in the last field of one resource.
fn widened(statement: &Statement, index: usize, cuts: &[(usize, usize, bool)]) -> Statement {
    let mut wider = statement.clone();
    match &mut wider.actions {
        ActionClause::Action(values) | ActionClause::NotAction(values) => {
            *values = replaced(values, index, |action| match action.split_once(':') {
                Some((service, name)) => format!("{service}:{}", widen(name, cuts)),
                None => action.to_owned(),
            });
        }
    }
    if let Some(ResourceClause::Resource(values) | ResourceClause::NotResource(values)) =
        &mut wider.resources
    {
        *values = replaced(values, index, |arn| {
            match arn.strip_prefix("arn:aws:s3:::") {
                Some(name) if !name.contains('$') => format!("arn:aws:s3:::{}", widen(name, cuts)),
                _ => "*".to_owned(),
            }
        });
    }
    wider
}

fn replaced(values: &Values, index: usize, replace: impl Fn(&str) -> String) -> Values {
    let index = index % values.len();
    Values::list(values.iter().enumerate().map(|(place, value)| {
        if place == index {
            replace(value)
        } else {
            value.clone()
        }
    }))
}

/// Whether more matched by the elements means more matched by the statement.
fn is_positive(statement: &Statement) -> bool {
    matches!(statement.actions, ActionClause::Action(_))
        && matches!(statement.resources, Some(ResourceClause::Resource(_)))
}

fn is_negative(statement: &Statement) -> bool {
    matches!(statement.actions, ActionClause::NotAction(_))
        && matches!(statement.resources, Some(ResourceClause::NotResource(_)))
}

fn is_allowed(document: &Document, action: &str, resource: &str, context: &Context) -> bool {
    let principal = Principal::User {
        arn: "arn:aws:iam::123456789012:user/bob"
            .parse()
            .expect("an ARN"),
    };
    let request = Request {
        principal: &principal,
        action,
        resource,
        context,
    };
    let policies = Policies {
        identity: vec![Attached {
            source: "p",
            document,
        }],
        ..Policies::default()
    };
    decide(&request, &policies).is_allowed()
}

fn session() -> Principal {
    Principal::RoleSession {
        role: "arn:aws:iam::123456789012:role/r".parse().expect("a role"),
        session: "arn:aws:sts::123456789012:assumed-role/r/s"
            .parse()
            .expect("an ARN"),
    }
}

proptest! {
    #[test]
    fn a_printed_document_reads_back_the_same(document in document()) {
        for text in [document.to_json(), document.to_json_pretty()] {
            let read = Document::parse(&text, DocumentKind::Permissions);
            prop_assert_eq!(read.as_ref(), Ok(&document), "{}", text);
            prop_assert_eq!(read.expect("it was read").to_json(), document.to_json());
        }
    }

    #[test]
    fn adding_a_deny_never_allows(
        document in document(),
        mut extra in statement(),
        action in "s3:[GP]et[A-C]{0,2}",
        resource in "arn:aws:s3:::[ab]{1,2}/[ab]{0,2}",
        context in context(),
    ) {
        let before = is_allowed(&document, &action, &resource, &context);
        extra.effect = Effect::Deny;
        let mut stricter = document;
        stricter.statements.push(extra);
        prop_assert!(before || !is_allowed(&stricter, &action, &resource, &context));
    }

    #[test]
    fn adding_an_allow_never_denies(
        document in document(),
        mut extra in statement(),
        action in "s3:[GP]et[A-C]{0,2}",
        resource in "arn:aws:s3:::[ab]{1,2}/[ab]{0,2}",
        context in context(),
    ) {
        let before = is_allowed(&document, &action, &resource, &context);
        extra.effect = Effect::Allow;
        let mut wider = document;
        wider.statements.push(extra);
        prop_assert!(!before || is_allowed(&wider, &action, &resource, &context));
    }

    #[test]
    fn the_order_of_statements_has_no_meaning(
        (document, shuffled) in document().prop_flat_map(|document| {
            let statements = Just(document.statements.clone()).prop_shuffle();
            (Just(document), statements)
        }),
        action in "s3:[GP]et[A-C]{0,2}",
        resource in "arn:aws:s3:::[ab]{1,2}/[ab]{0,2}",
        context in context(),
    ) {
        let other = Document { statements: shuffled, ..document.clone() };
        prop_assert_eq!(
            is_allowed(&document, &action, &resource, &context),
            is_allowed(&other, &action, &resource, &context)
        );
    }

    #[test]
    fn a_wildcard_only_widens(
        document in document(),
        (which, index) in (any::<usize>(), any::<usize>()),
        cuts in vec((0..9_usize, 0..4_usize, any::<bool>()), 1..3),
        action in "s3:[GP]et[A-C]{0,2}",
        resource in "arn:aws:s3:::[ab]{1,2}/[ab]{0,2}",
        context in context(),
    ) {
        let which = which % document.statements.len();
        let before = is_allowed(&document, &action, &resource, &context);
        let mut other = document;
        let statement = other.statements[which].clone();
        other.statements[which] = widened(&statement, index, &cuts);
        let after = is_allowed(&other, &action, &resource, &context);
        // A statement that matches more allows more, or denies more; with the Not forms it is the reverse.
        let widens = match (statement.effect, is_positive(&statement), is_negative(&statement)) {
            (Effect::Allow, true, _) | (Effect::Deny, _, true) => true,
            (Effect::Allow, _, true) | (Effect::Deny, true, _) => false,
            _ => return Ok(()),
        };
        let (narrower, wider) = if widens { (before, after) } else { (after, before) };
        prop_assert!(wider || !narrower);
    }

    #[test]
    fn a_pattern_with_a_wildcard_matches_what_it_matched(
        text in "[ab]{0,12}",
        cuts in vec((0..13_usize, 0..6_usize, any::<bool>()), 0..4),
    ) {
        let mut context = Context::new();
        context.insert("k:a", text.as_str());
        let pattern = widen(&text, &cuts);
        let statement = Statement::allow("*")
            .with_resource("*")
            .with_condition(Comparison::StringLike, "k:a", pattern.as_str());
        prop_assert!(is_allowed(&Document::new(vec![statement]), "s3:Get", "*", &context), "{pattern}");
    }

    #[test]
    fn no_layer_that_limits_lets_more_through(
        identity in document(),
        limits in vec(document(), 1..4),
        place in 0..5_usize,
        action in "s3:[GP]et[A-C]{0,2}",
        resource in "arn:aws:s3:::[ab]{1,2}/[ab]{0,2}",
        context in context(),
    ) {
        let principal = session();
        let request = Request { principal: &principal, action: &action, resource: &resource, context: &context };
        let attached: Vec<Attached<'_>> =
            limits.iter().map(|document| Attached { source: "p", document }).collect();
        let levels = || attached
            .iter()
            .map(|policy| ControlLevel { target: "level", policies: vec![*policy] })
            .collect();
        let alone = Policies {
            identity: vec![Attached { source: "p", document: &identity }],
            ..Policies::default()
        };
        let mut limited = alone.clone();
        match place {
            0 => limited.boundary = Some(attached[0]),
            1 => limited.session = Some(attached.clone()),
            2 => limited.service_controls.levels = levels(),
            3 => limited.resource_controls.levels = levels(),
            _ => {
                limited.service_controls.levels = levels();
                limited.boundary = Some(attached[0]);
            }
        }
        let (before, after) = (decide(&request, &alone), decide(&request, &limited));
        prop_assert!(before.is_allowed() || !after.is_allowed());
        if place == 2 {
            let each = limits.iter().all(|limit| is_allowed(limit, &action, &resource, &context));
            prop_assert_eq!(after.is_allowed(), before.is_allowed() && each, "every level has to allow");
        }
    }

    #[test]
    fn adding_a_deny_to_any_layer_never_allows(
        documents in vec(document(), 5),
        mut extra in statement(),
        place in 0..5_usize,
        action in "s3:[GP]et[A-C]{0,2}",
        resource in "arn:aws:s3:::[ab]{1,2}/[ab]{0,2}",
        context in context(),
    ) {
        extra.effect = Effect::Deny;
        let mut stricter = documents.clone();
        stricter[place].statements.push(extra);
        let decided = |documents: &[Document]| {
            let documents: Vec<Attached<'_>> =
                documents.iter().map(|document| Attached { source: "p", document }).collect();
            let controls = |policy| Controls {
                management_account: None,
                levels: vec![ControlLevel { target: "root", policies: vec![policy] }],
            };
            let policies = Policies {
                identity: vec![documents[0]],
                boundary: Some(documents[1]),
                session: Some(vec![documents[2]]),
                service_controls: controls(documents[3]),
                resource_controls: controls(documents[4]),
                ..Policies::default()
            };
            let principal = session();
            let request = Request { principal: &principal, action: &action, resource: &resource, context: &context };
            decide(&request, &policies)
        };
        prop_assert!(decided(&documents).is_allowed() || !decided(&stricter).is_allowed());
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in "\\PC{0,60}", json in "[\\[\\]{}\",:a-z\\\\u0-9 ]{0,60}") {
        for kind in [
            DocumentKind::Permissions,
            DocumentKind::Session,
            DocumentKind::Trust,
            DocumentKind::Bucket,
            DocumentKind::ServiceControl,
            DocumentKind::ResourceControl,
        ] {
            for text in [&text, &json] {
                if let Err(error) = Document::parse(text, kind) {
                    prop_assert!(!error.to_string().is_empty() && !error.aws_message().is_empty());
                }
            }
        }
    }
}
