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

/// Each two of three actions share two of four resources: the widest statements hold some calls twice.
#[test]
fn statements_that_overlap_are_cut_to_what_is_missing() {
    let calls = calls(&[
        ("s3:A", "a"),
        ("s3:A", "c"),
        ("s3:A", "d"),
        ("s3:B", "a"),
        ("s3:B", "b"),
        ("s3:B", "d"),
        ("s3:C", "a"),
        ("s3:C", "b"),
        ("s3:C", "c"),
    ]);
    let document = minimise(&calls, SizeLimit::Managed).expect("the calls are valid");
    assert!(calls.iter().all(|call| allows(&document, call)));
    for less in reductions(&document) {
        assert!(
            calls.iter().any(|call| !allows(&less, call)),
            "{}",
            less.to_json()
        );
    }
}

/// Names of different length, for which it matters that a statement is valued by what it holds for its size.
#[test]
fn no_policy_for_these_calls_is_shorter() {
    let long = |name: &str, length: usize| format!("{name}{}", "x".repeat(length));
    let (a, b, c) = (long("s3:A", 30), long("s3:B", 30), long("s3:C", 30));
    let (twenty, forty) = (long("a", 20), long("a", 40));
    let other = long("c", 40);
    for (name, pairs) in [
        (
            "the widest is not the best",
            &[
                (a.as_str(), forty.as_str()),
                (&a, "b"),
                ("s3:B", &forty),
                (&c, "b"),
                (&c, "c"),
            ][..],
        ),
        (
            "two of three resources",
            &[
                (&a, &twenty),
                (&a, "b"),
                (&a, "c"),
                ("s3:B", "c"),
                ("s3:D", &twenty),
                ("s3:D", "c"),
            ],
        ),
        (
            "a chain",
            &[
                ("s3:Axxxxxxxxxxxxxxxx", &twenty),
                ("s3:Axxxxxxxxxxxxxxxx", "b"),
                (&b, "b"),
                (&b, &other),
                ("s3:D", &other),
            ],
        ),
    ] {
        let calls = calls(pairs);
        let document = minimise(&calls, SizeLimit::Managed).expect("the calls are valid");
        assert_eq!(document.to_json().len(), shortest(&calls), "{name}");
    }
}

/// The length of the shortest policy that allows exactly these calls, found among all: the oracle.
fn shortest(calls: &[Call]) -> usize {
    let actions = subsets(calls.iter().map(|call| &call.action));
    let resources = subsets(calls.iter().map(|call| &call.resource));
    // Each statement of asked calls alone, with the set of those calls and its length.
    let mut statements = Vec::new();
    for actions in &actions {
        for resources in &resources {
            let held =
                |call: &Call| actions.contains(&call.action) && resources.contains(&call.resource);
            let set = (0..calls.len()).filter(|i| held(&calls[*i]));
            let set: usize = set.map(|i| 1 << i).sum();
            if set.count_ones() as usize == actions.len() * resources.len() {
                let document = Document::new(vec![
                    Statement::allow(values(actions)).with_resource(values(resources)),
                ]);
                statements.push((set, document.to_json().len() - FRAME));
            }
        }
    }
    let mut shortest = vec![usize::MAX; 1 << calls.len()];
    shortest[0] = 0;
    for set in 0..shortest.len() {
        for (more, length) in &statements {
            let all = set | more;
            // A comma before every statement but the first.
            let length = shortest[set].saturating_add(length + usize::from(set != 0));
            shortest[all] = shortest[all].min(length);
        }
    }
    FRAME + shortest[shortest.len() - 1]
}

/// Every choice of some of the texts.
fn subsets<'t>(texts: impl Iterator<Item = &'t String>) -> Vec<Vec<String>> {
    let texts = Vec::from_iter(texts.collect::<BTreeSet<_>>());
    let choose = |set: usize| {
        let chosen = (0..texts.len()).filter(|index| set >> index & 1 == 1);
        chosen.map(|index| texts[index].clone()).collect()
    };
    (1..1 << texts.len()).map(choose).collect()
}

fn values(texts: &[String]) -> Values {
    match texts {
        [only] => Values::one(only.clone()),
        several => Values::list(several.iter().cloned()),
    }
}

/// The length of `{"Version":"2012-10-17","Statement":[]}`.
const FRAME: usize = 39;

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
