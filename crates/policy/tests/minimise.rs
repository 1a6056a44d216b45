//! The smallest policy for given calls.

use std::collections::{BTreeMap, BTreeSet};

use podpass_policy::{
    ActionClause, Attached, Call, Context, Document, DocumentKind, MinimiseError, Policies,
    Principal, Request, ResourceClause, SizeLimit, Statement, Values, decide, minimise,
};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

fn call(action: &str, resource: &str) -> Call {
    Call {
        action: action.to_owned(),
        resource: resource.to_owned(),
        context: BTreeMap::new(),
    }
}

fn call_with(action: &str, resource: &str, context: &[(&str, &str)]) -> Call {
    let own = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    Call {
        context: context.iter().map(own).collect(),
        ..call(action, resource)
    }
}

fn calls(pairs: &[(&str, &str)]) -> Vec<Call> {
    pairs
        .iter()
        .map(|(action, name)| call(action, &bucket(name)))
        .collect()
}

fn bucket(name: &str) -> String {
    if name == "*" {
        name.to_owned()
    } else {
        format!("arn:aws:s3:::{name}")
    }
}

fn json_of(calls: &[Call]) -> String {
    let document = minimise(calls, SizeLimit::Managed).expect("the calls are valid");
    let json = document.to_json();
    json.strip_prefix(r#"{"Version":"2012-10-17","Statement":["#)
        .and_then(|rest| rest.strip_suffix("]}"))
        .expect("a document of version 2012-10-17")
        .to_owned()
}

fn allows(document: &Document, call: &Call) -> bool {
    let principal = Principal::User {
        arn: "arn:aws:iam::123456789012:user/bob"
            .parse()
            .expect("an ARN"),
    };
    let context: Context = call.context.clone().into_iter().collect();
    let request = Request {
        principal: &principal,
        action: &call.action,
        resource: &call.resource,
        context: &context,
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

#[test]
fn calls_are_gathered_into_the_fewest_statements() {
    for (name, pairs, expected) in [
        (
            "one call",
            &[("s3:GetObject", "a")][..],
            r#"{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::a"}"#,
        ),
        (
            "the same call twice, in another case",
            &[
                ("s3:GetObject", "a"),
                ("S3:getobject", "a"),
                ("s3:GetObject", "a"),
            ],
            r#"{"Effect":"Allow","Action":"S3:getobject","Resource":"arn:aws:s3:::a"}"#,
        ),
        (
            "every action on every resource, in any order",
            &[("s3:B", "b"), ("s3:A", "a"), ("s3:B", "a"), ("s3:A", "b")],
            r#"{"Effect":"Allow","Action":["s3:A","s3:B"],"Resource":["arn:aws:s3:::a","arn:aws:s3:::b"]}"#,
        ),
        (
            "actions with their own resources",
            &[("s3:A", "a"), ("s3:B", "b")],
            concat!(
                r#"{"Effect":"Allow","Action":"s3:A","Resource":"arn:aws:s3:::a"},"#,
                r#"{"Effect":"Allow","Action":"s3:B","Resource":"arn:aws:s3:::b"}"#,
            ),
        ),
        (
            "statements that share an action",
            &[
                ("s3:A", "a"),
                ("s3:A", "b"),
                ("s3:B", "a"),
                ("s3:B", "b"),
                ("s3:B", "c"),
                ("s3:C", "b"),
                ("s3:C", "c"),
            ],
            concat!(
                r#"{"Effect":"Allow","Action":["s3:A","s3:B"],"Resource":["arn:aws:s3:::a","arn:aws:s3:::b"]},"#,
                r#"{"Effect":"Allow","Action":["s3:B","s3:C"],"Resource":["arn:aws:s3:::b","arn:aws:s3:::c"]}"#,
            ),
        ),
        (
            "an action without resource covers itself on any",
            &[("s3:A", "*"), ("s3:A", "a"), ("s3:B", "a")],
            concat!(
                r#"{"Effect":"Allow","Action":"s3:A","Resource":"*"},"#,
                r#"{"Effect":"Allow","Action":"s3:B","Resource":"arn:aws:s3:::a"}"#,
            ),
        ),
        (
            "what looks special in a name is not",
            &[("s3:A", "a/*?${aws:username}$")],
            r#"{"Effect":"Allow","Action":"s3:A","Resource":"arn:aws:s3:::a/${*}${?}${$}{aws:username}$"}"#,
        ),
    ] {
        assert_eq!(json_of(&calls(pairs)), expected, "{name}");
    }
}

#[test]
fn a_context_becomes_conditions() {
    let key = "aws:SourceAccount";
    let pinned = call_with("s3:A", &bucket("a"), &[(key, "${x}*"), ("s3:prefix", "p")]);
    assert_eq!(
        json_of(std::slice::from_ref(&pinned)),
        concat!(
            r#"{"Effect":"Allow","Action":"s3:A","Resource":"arn:aws:s3:::a","#,
            r#""Condition":{"StringEquals":{"aws:SourceAccount":"${$}{x}*","s3:prefix":"p"}}}"#
        )
    );
    let document = minimise(std::slice::from_ref(&pinned), SizeLimit::Managed).unwrap();
    assert!(allows(&document, &pinned));
    for other in [
        call("s3:A", &bucket("a")),
        call_with("s3:A", &bucket("a"), &[(key, "${x}*")]),
        call_with("s3:A", &bucket("a"), &[(key, "${x}y"), ("s3:prefix", "p")]),
    ] {
        assert!(!allows(&document, &other), "{other:?}");
    }
    let free = call("s3:A", &bucket("a"));
    let merged = json_of(&[pinned.clone(), free.clone()]);
    assert_eq!(
        merged,
        json_of(&[free]),
        "a call without context covers the one with"
    );
    let everywhere = call_with("s3:A", "*", &[("AWS:sourceaccount", "${x}*")]);
    assert_eq!(
        json_of(&[pinned, everywhere]),
        concat!(
            r#"{"Effect":"Allow","Action":"s3:A","Resource":"*","#,
            r#""Condition":{"StringEquals":{"AWS:sourceaccount":"${$}{x}*"}}}"#
        )
    );
}

#[test]
fn refuses_what_no_policy_can_say() {
    let arn = bucket("a");
    for (calls, message) in [
        (
            vec![],
            "there is no call to allow: a policy must have at least one statement",
        ),
        (
            vec![call("s3:Get*", &arn)],
            "`s3:Get*` is not an action: it must be `service:Action`, without wildcards",
        ),
        (
            vec![call("GetObject", &arn)],
            "`GetObject` is not an action: it must be `service:Action`, without wildcards",
        ),
        (
            vec![call("s3:", &arn)],
            "`s3:` is not an action: it must be `service:Action`, without wildcards",
        ),
        (
            vec![call("s3:A", "a")],
            "`a` is not a resource: it must be an ARN, or `*` for an action that has no resource",
        ),
        (
            vec![call_with("s3:A", &arn, &[("prefix", "x")])],
            "`prefix` is not a condition key: it must be `service:key` or `provider:claim`",
        ),
        (
            vec![call_with("s3:A", &arn, &[(":x", "x")])],
            "`:x` is not a condition key: it must be `service:key` or `provider:claim`",
        ),
        (
            vec![call_with("s3:A", &arn, &[("a:b", "x"), ("A:b", "x")])],
            "the condition key `a:b` stands twice in one call: case does not count in keys",
        ),
    ] {
        let error = minimise(&calls, SizeLimit::Managed).unwrap_err();
        assert_eq!(error.to_string(), message);
    }
}

#[test]
fn keeps_within_the_limit_and_counts_as_aws_counts() {
    // The frame of the document and its statement is 100 characters; only STS counts the blank.
    let frame = 100;
    for (limit, characters, blank_counts) in [
        (SizeLimit::Managed, 6_144, 0),
        (SizeLimit::InlineUser, 2_048, 0),
        (SizeLimit::InlineGroup, 5_120, 0),
        (SizeLimit::InlineRole, 10_240, 0),
        (SizeLimit::Session, 2_048, 1),
    ] {
        assert_eq!(limit.characters(), characters);
        let named =
            |length: usize| vec![call("s3:A", &bucket(&format!(" {}", "x".repeat(length))))];
        let fits = characters - frame - blank_counts;
        assert!(minimise(&named(fits), limit).is_ok(), "{limit}");
        assert_eq!(
            minimise(&named(fits + 1), limit),
            Err(MinimiseError::TooLarge {
                size: characters + 1,
                limit
            })
        );
    }
    let error = MinimiseError::TooLarge {
        size: 7_000,
        limit: SizeLimit::Managed,
    };
    assert_eq!(
        error.to_string(),
        "the policy has 7000 characters, a managed policy may have 6144: spread the calls over several policies"
    );
}

fn drawn_calls() -> impl Strategy<Value = Vec<Call>> {
    let resource = prop_oneof![
        4 => "arn:aws:s3:::[abc]",
        1 => "arn:aws:s3:::[ab*?$]{1,2}(\\$\\{a:b\\})?",
        1 => Just("*".to_owned()),
    ];
    let context = btree_map("k:[ab]", "[xy]|\\$\\{k:a\\}", 0..2);
    let context = prop_oneof![3 => Just(BTreeMap::new()), 1 => context];
    let call = ("s3:[A-D]", resource, context).prop_map(|(action, resource, context)| Call {
        action,
        resource,
        context,
    });
    vec(call, 1..16)
}

/// The document without one of its statements, actions or resources, for each of them.
fn reductions(document: &Document) -> Vec<Document> {
    let mut reduced = Vec::new();
    let mut push = |index: usize, statement: Option<Statement>| {
        let mut less = document.clone();
        match statement {
            Some(statement) => less.statements[index] = statement,
            None => drop(less.statements.remove(index)),
        }
        reduced.push(less);
    };
    for (index, statement) in document.statements.iter().enumerate() {
        push(index, None);
        let Some(resources) = &statement.resources else {
            continue;
        };
        for action in statement.actions.values() {
            let rest = statement
                .actions
                .values()
                .iter()
                .filter(|other| *other != action)
                .cloned();
            let mut less = statement.clone();
            less.actions = ActionClause::Action(Values::list(rest));
            push(index, Some(less));
        }
        for resource in resources.values() {
            let rest = resources
                .values()
                .iter()
                .filter(|other| *other != resource)
                .cloned();
            let mut less = statement.clone();
            less.resources = Some(ResourceClause::Resource(Values::list(rest)));
            push(index, Some(less));
        }
    }
    reduced
}

/// Whether one of the calls asks for what another call wants: the same, or on any resource, or in fewer contexts.
fn is_asked_for(calls: &[Call], wanted: &Call) -> bool {
    calls.iter().any(|call| {
        call.action == wanted.action
            && (call.resource == "*" || call.resource == wanted.resource)
            && call
                .context
                .iter()
                .all(|(key, value)| wanted.context.get(key) == Some(value))
    })
}

proptest! {
    #[test]
    fn allows_exactly_the_calls(calls in drawn_calls()) {
        let document = minimise(&calls, SizeLimit::Managed).expect("the calls are valid");
        let read = Document::parse(&document.to_json(), DocumentKind::Permissions);
        prop_assert_eq!(read.as_ref(), Ok(&document));
        let actions: BTreeSet<&String> = calls.iter().map(|call| &call.action).collect();
        let resources: BTreeSet<&str> = calls
            .iter()
            .map(|call| call.resource.as_str())
            .chain(["*", "arn:aws:s3:::d", "arn:aws:s3:::aa"])
            .collect();
        let contexts: BTreeSet<_> = calls.iter().map(|call| &call.context).collect();
        for call in &calls {
            prop_assert!(allows(&document, call), "{call:?}");
        }
        for action in actions {
            for resource in &resources {
                for context in &contexts {
                    let asked = Call {
                        action: action.clone(),
                        resource: (*resource).to_owned(),
                        context: (*context).clone(),
                    };
                    prop_assert_eq!(allows(&document, &asked), is_asked_for(&calls, &asked), "{:?}", asked);
                }
            }
        }
    }

    #[test]
    fn nothing_can_be_taken_away(calls in drawn_calls()) {
        let document = minimise(&calls, SizeLimit::Managed).expect("the calls are valid");
        for less in reductions(&document) {
            prop_assert!(calls.iter().any(|call| !allows(&less, call)), "{}", less.to_json());
        }
    }

    #[test]
    fn the_order_of_calls_and_repetitions_have_no_meaning(
        (calls, shuffled) in drawn_calls().prop_flat_map(|calls| {
            let twice: Vec<Call> = calls.iter().chain(&calls).cloned().collect();
            (Just(calls), Just(twice).prop_shuffle())
        }),
    ) {
        let json = |calls: &[Call]| {
            minimise(calls, SizeLimit::Managed).map(|document| document.to_json())
        };
        prop_assert_eq!(json(&calls), json(&shuffled));
    }

    /// More statements can be fewer characters, and characters are what IAM limits.
    #[test]
    fn is_never_longer_than_one_statement_for_each_action(calls in drawn_calls()) {
        let minimal = |calls: &[Call]| minimise(calls, SizeLimit::Managed).expect("the calls are valid");
        let mut groups: BTreeMap<_, Vec<Call>> = BTreeMap::new();
        for call in &calls {
            groups.entry((&call.action, &call.context)).or_default().push(call.clone());
        }
        let statements = groups.values().flat_map(|group| minimal(group).statements);
        let plain = Document::new(statements.collect());
        prop_assert!(minimal(&calls).to_json().len() <= plain.to_json().len());
    }
}
