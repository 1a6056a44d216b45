//! Laws of printer, parser and evaluator.

use podpass_policy::{
    ActionClause, Attached, Comparison, Condition, ConditionOperator, Context, ContextValue,
    Document, DocumentKind, Effect, Policies, Principal, Quantifier, Request, ResourceClause,
    Statement, Values, Version, WhenMissing, decide,
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
    fn no_text_makes_the_parser_panic(text in "\\PC{0,60}", json in "[\\[\\]{}\",:a-z\\\\u0-9 ]{0,60}") {
        for kind in [DocumentKind::Permissions, DocumentKind::Session, DocumentKind::Trust, DocumentKind::Bucket] {
            for text in [&text, &json] {
                if let Err(error) = Document::parse(text, kind) {
                    prop_assert!(!error.to_string().is_empty() && !error.aws_message().is_empty());
                }
            }
        }
    }
}
