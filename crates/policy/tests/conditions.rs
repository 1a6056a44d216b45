//! Every condition operator, with and without suffix and prefixes.

use podpass_policy::{
    Attached, Condition, ConditionOperator, Context, ContextValue, Decision, Document, Effect,
    Policies, Principal, Request, Statement, Values, Version, decide,
};

/// What the request has for the key of the condition.
#[derive(Clone, Copy, Debug)]
enum Key {
    Absent,
    One(&'static str),
    Many(&'static [&'static str]),
}
use Key::{Absent, Many, One};

const KEY: &str = "k:key";

/// Whether a statement with one condition matches.
fn holds_in(effect: Effect, operator: &str, values: &[&str], key: Key) -> bool {
    let operator: ConditionOperator = operator.parse().expect("a known operator");
    let mut statement = match effect {
        Effect::Allow => Statement::allow("*"),
        Effect::Deny => Statement::deny("*"),
    }
    .with_resource("*");
    statement.conditions.push(Condition::new(
        operator,
        KEY,
        Values::list(values.iter().copied()),
    ));
    let mut context = Context::new();
    context.insert("aws:username", "bob");
    context.insert("k:star", "*");
    context.insert("k:list", vec!["bob".to_owned()]);
    match key {
        Absent => {}
        One(value) => context.insert(KEY, value),
        Many(values) => {
            context.insert(
                KEY,
                ContextValue::Many(values.iter().map(|value| (*value).to_owned()).collect()),
            );
        }
    }
    let decision = decide_one(statement, Version::V2012, &context);
    decision.trace[0].statements[0].conditions[0].holds
}

fn decide_one(statement: Statement, version: Version, context: &Context) -> Decision {
    let document = Document {
        version,
        id: None,
        statements: vec![statement],
    };
    let principal = Principal::User {
        arn: "arn:aws:iam::123456789012:user/bob"
            .parse()
            .expect("an ARN"),
    };
    let request = Request {
        principal: &principal,
        action: "s3:GetObject",
        resource: "arn:aws:s3:::b/k",
        context,
    };
    let policies = Policies {
        identity: vec![Attached {
            source: "p",
            document: &document,
        }],
        ..Policies::default()
    };
    decide(&request, &policies)
}

fn holds(operator: &str, values: &[&str], key: Key) -> bool {
    holds_in(Effect::Allow, operator, values, key)
}

#[test]
fn strings() {
    for (operator, values, key, expected) in [
        ("StringEquals", &["a", "b"][..], One("b"), true),
        ("StringEquals", &["a", "b"], One("B"), false),
        ("StringEquals", &["a*"], One("ab"), false),
        ("StringEquals", &[], One("a"), false),
        ("StringNotEquals", &["a", "b"], One("b"), false),
        ("StringNotEquals", &["a", "b"], One("c"), true),
        ("StringEqualsIgnoreCase", &["ÄB"], One("äb"), true),
        ("StringNotEqualsIgnoreCase", &["ÄB"], One("äb"), false),
        ("StringNotEqualsIgnoreCase", &["ÄB"], One("c"), true),
        (
            "StringLike",
            &["system:serviceaccount:*:web"],
            One("system:serviceaccount:a:web"),
            true,
        ),
        ("StringLike", &["a?"], One("abc"), false),
        ("StringNotLike", &["a*", "b*"], One("bc"), false),
        ("StringNotLike", &["a*", "b*"], One("c"), true),
    ] {
        assert_eq!(
            holds(operator, values, key),
            expected,
            "{operator} {values:?} {key:?}"
        );
    }
}

#[test]
fn numbers() {
    for (operator, value, actual, expected) in [
        ("NumericEquals", "10", "010.0", true),
        ("NumericEquals", "10", "11", false),
        ("NumericNotEquals", "10", "11", true),
        ("NumericNotEquals", "10", "10", false),
        ("NumericLessThan", "10", "9.999999999999999999999", true),
        ("NumericLessThan", "10", "10", false),
        ("NumericLessThanEquals", "10", "10", true),
        ("NumericLessThanEquals", "10", "11", false),
        ("NumericGreaterThan", "10", "11", true),
        ("NumericGreaterThan", "10", "10", false),
        ("NumericGreaterThanEquals", "10", "10", true),
        ("NumericGreaterThanEquals", "10", "9", false),
        ("NumericEquals", "10", "ten", false),
        ("NumericLessThan", "10", "ten", false),
        ("NumericGreaterThan", "10", "ten", false),
        ("NumericNotEquals", "10", "ten", true),
        ("NumericEquals", "ten", "10", false),
        ("NumericEquals", "ten", "ten", false),
    ] {
        assert_eq!(
            holds(operator, &[value], One(actual)),
            expected,
            "{operator} {value} on {actual}"
        );
    }
}

#[test]
fn dates() {
    for (operator, value, actual, expected) in [
        ("DateEquals", "2026-01-01T00:00:00Z", "1767225600", true),
        (
            "DateEquals",
            "2026-01-01T00:00:00.001Z",
            "1767225600",
            false,
        ),
        ("DateNotEquals", "2026-01-01T00:00:00Z", "1767225601", true),
        (
            "DateNotEquals",
            "2026-01-01T00:00:00Z",
            "2026-01-01T01:00:00+01:00",
            false,
        ),
        (
            "DateLessThan",
            "2026-01-01T00:00:00Z",
            "2025-12-31T23:59:59Z",
            true,
        ),
        (
            "DateLessThan",
            "2026-01-01T00:00:00Z",
            "2026-01-01T00:00:00Z",
            false,
        ),
        (
            "DateLessThanEquals",
            "2026-01-01T00:00:00Z",
            "2026-01-01T00:00:00Z",
            true,
        ),
        (
            "DateGreaterThan",
            "2026-01-01T00:00:00Z",
            "2026-01-01T00:00:01Z",
            true,
        ),
        (
            "DateGreaterThan",
            "2026-01-01T00:00:00Z",
            "2026-01-01T00:00:00Z",
            false,
        ),
        (
            "DateGreaterThanEquals",
            "2026-01-01T00:00:00Z",
            "2026-01-01T00:00:00Z",
            true,
        ),
        ("DateGreaterThanEquals", "2026-01-01", "2025-12-31", false),
        ("DateLessThan", "2026-01-01T00:00:00Z", "soon", false),
        ("DateNotEquals", "2026-01-01T00:00:00Z", "soon", true),
    ] {
        assert_eq!(
            holds(operator, &[value], One(actual)),
            expected,
            "{operator} {value} on {actual}"
        );
    }
}

#[test]
fn booleans_and_bytes() {
    for (operator, value, actual, expected) in [
        ("Bool", "true", "TRUE", true),
        ("Bool", "true", "false", false),
        ("Bool", "false", "False", true),
        ("Bool", "false", "anything", true),
        ("Bool", "true", "1", false),
        // What is not `true` is false, on either side.
        ("Bool", "yes", "true", false),
        ("Bool", "yes", "false", true),
        ("Bool", "yes", "yes", true),
        ("Bool", "", "true", false),
        ("BinaryEquals", "aGk=", "aGk=", true),
        ("BinaryEquals", "aGk=", "aGo=", false),
        ("BinaryEquals", "aGk=", "no base64", false),
    ] {
        assert_eq!(
            holds(operator, &[value], One(actual)),
            expected,
            "{operator} {value} on {actual}"
        );
    }
}

#[test]
fn addresses() {
    for (operator, value, actual, expected) in [
        ("IpAddress", "203.0.113.0/24", "203.0.113.9", true),
        ("IpAddress", "203.0.113.0/24", "203.0.114.9", false),
        ("NotIpAddress", "203.0.113.0/24", "203.0.113.9", false),
        ("NotIpAddress", "203.0.113.0/24", "203.0.114.9", true),
        ("IpAddress", "203.0.113.77/24", "203.0.113.9", true),
        ("IpAddress", "203.0.113.9", "::ffff:203.0.113.9", true),
        ("IpAddress", "2001:db8::1/32", "2001:db8::1", false),
        ("IpAddress", "203.0.113.0/24", "nowhere", false),
        ("NotIpAddress", "203.0.113.0/24", "nowhere", false),
        ("IpAddressIfExists", "203.0.113.0/24", "nowhere", false),
    ] {
        assert_eq!(
            holds(operator, &[value], One(actual)),
            expected,
            "{operator} {value} on {actual}"
        );
    }
}

#[test]
fn arns() {
    const ROLE: &str = "arn:aws:iam::123456789012:role/a/r";
    for (value, actual, expected) in [
        (ROLE, ROLE, true),
        ("arn:aws:iam::123456789012:role/*", ROLE, true),
        ("arn:aws:iam::*:role/a/?", ROLE, true),
        ("arn:aws:iam::123456789012:role/b", ROLE, false),
        ("arn:aws:*", ROLE, false),
    ] {
        assert_eq!(
            holds("ArnEquals", &[value], One(actual)),
            expected,
            "{value}"
        );
        assert_eq!(holds("ArnLike", &[value], One(actual)), expected, "{value}");
    }
    for negated in ["ArnNotEquals", "ArnNotLike"] {
        assert!(!holds(negated, &["arn:aws:iam::*:role/*"], One(ROLE)));
        assert!(holds(negated, &["arn:aws:iam::*:user/*"], One(ROLE)));
        assert!(
            !holds(negated, &["arn:aws:iam::*:user/*"], One("not an ARN")),
            "a malformed ARN never matches"
        );
    }
}

#[test]
fn a_malformed_arn_of_a_policy_cannot_grant_but_denies() {
    const ROLE: &str = "arn:aws:iam::123456789012:role/r";
    for operator in ["ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike"] {
        assert!(
            !holds_in(Effect::Allow, operator, &["arn:aws:iam"], One(ROLE)),
            "{operator}"
        );
        assert!(
            holds_in(Effect::Deny, operator, &["arn:aws:iam"], One(ROLE)),
            "{operator}"
        );
    }
}

/// Recorded from IAM in September 2026 (radkawar/stackd, `testdata/aws/iam/condition_values.json`).
#[test]
fn a_malformed_arn_ends_the_comparison_where_it_stands() {
    const USER: &str = "arn:aws:iam::123456789012:user/test";
    const USERS: &str = "arn:aws:iam::*:user/*";
    const ROLES: &str = "arn:aws:iam::*:role/*";
    const NONE: &str = "not-an-arn";
    for (operator, values, allows, denies) in [
        ("ArnLike", [USERS, NONE], true, true),
        ("ArnLike", [NONE, ROLES], false, true),
        ("ArnLike", [ROLES, NONE], false, true),
        ("ArnNotLike", [NONE, USERS], false, true),
        ("ArnNotLike", [USERS, NONE], false, false),
        ("ArnNotLike", [NONE, ROLES], false, true),
        ("ArnNotLike", [ROLES, NONE], false, true),
    ] {
        for (effect, expected) in [(Effect::Allow, allows), (Effect::Deny, denies)] {
            assert_eq!(
                holds_in(effect, operator, &values, One(USER)),
                expected,
                "{effect:?} {operator} {values:?}"
            );
            assert!(
                !holds_in(effect, operator, &values, One(NONE)),
                "{effect:?} {operator} {values:?}, malformed request"
            );
        }
    }
}

#[test]
fn null_asks_whether_the_key_is_there() {
    for (value, key, expected) in [
        ("true", Absent, true),
        ("true", One(""), false),
        ("true", Many(&[]), false),
        ("false", Absent, false),
        ("false", One(""), true),
        ("false", Many(&[]), true),
        ("false", Many(&["a"]), true),
        ("maybe", Absent, false),
        ("maybe", One(""), true),
    ] {
        assert_eq!(holds("Null", &[value], key), expected, "{value} {key:?}");
    }
}

/// A comparison, a value that it accepts and one that matches it not, and whether it is negated.
const OPERATORS: &[(&str, &str, &str, bool)] = &[
    ("StringEquals", "a", "a", false),
    ("StringNotEquals", "a", "b", true),
    ("StringEqualsIgnoreCase", "a", "A", false),
    ("StringNotEqualsIgnoreCase", "a", "b", true),
    ("StringLike", "a*", "ab", false),
    ("StringNotLike", "a*", "b", true),
    ("NumericEquals", "1", "1", false),
    ("NumericNotEquals", "1", "2", true),
    ("NumericLessThan", "1", "0", false),
    ("NumericLessThanEquals", "1", "1", false),
    ("NumericGreaterThan", "1", "2", false),
    ("NumericGreaterThanEquals", "1", "1", false),
    (
        "DateEquals",
        "2026-01-01T00:00:00Z",
        "2026-01-01T00:00:00Z",
        false,
    ),
    (
        "DateNotEquals",
        "2026-01-01T00:00:00Z",
        "2027-01-01T00:00:00Z",
        true,
    ),
    (
        "DateLessThan",
        "2026-01-01T00:00:00Z",
        "2025-01-01T00:00:00Z",
        false,
    ),
    (
        "DateLessThanEquals",
        "2026-01-01T00:00:00Z",
        "2026-01-01T00:00:00Z",
        false,
    ),
    (
        "DateGreaterThan",
        "2026-01-01T00:00:00Z",
        "2027-01-01T00:00:00Z",
        false,
    ),
    (
        "DateGreaterThanEquals",
        "2026-01-01T00:00:00Z",
        "2026-01-01T00:00:00Z",
        false,
    ),
    ("Bool", "true", "true", false),
    ("BinaryEquals", "aGk=", "aGk=", false),
    ("IpAddress", "10.0.0.0/8", "10.1.2.3", false),
    ("NotIpAddress", "10.0.0.0/8", "11.1.2.3", true),
    ("ArnEquals", "arn:aws:s3:::b", "arn:aws:s3:::b", false),
    ("ArnLike", "arn:aws:s3:::*", "arn:aws:s3:::b", false),
    ("ArnNotEquals", "arn:aws:s3:::b", "arn:aws:s3:::c", true),
    ("ArnNotLike", "arn:aws:s3:::b*", "arn:aws:s3:::c", true),
];

#[test]
fn every_operator_treats_missing_and_multivalued_keys_by_the_rules() {
    for (operator, value, good, negated) in OPERATORS {
        let values = &[*value][..];
        let with = |prefix: &str, suffix: &str, key| {
            holds(&format!("{prefix}{operator}{suffix}"), values, key)
        };
        assert!(with("", "", One(good)), "{operator}");
        assert_eq!(with("", "", Absent), *negated, "{operator}: missing");
        assert!(with("", "IfExists", Absent), "{operator}IfExists: missing");
        assert!(with("", "IfExists", One(good)), "{operator}IfExists");
        for suffix in ["", "IfExists"] {
            let many = Many(std::slice::from_ref(good));
            assert!(
                !with("", suffix, many),
                "{operator}{suffix}: scalar on a list"
            );
            assert!(
                with("ForAllValues:", suffix, many),
                "ForAllValues:{operator}{suffix}"
            );
            assert!(
                with("ForAnyValue:", suffix, many),
                "ForAnyValue:{operator}{suffix}"
            );
            assert!(
                with("ForAllValues:", suffix, One(good)),
                "ForAllValues:{operator}{suffix}: single"
            );
            assert!(
                with("ForAnyValue:", suffix, One(good)),
                "ForAnyValue:{operator}{suffix}: single"
            );
            assert!(
                with("ForAllValues:", suffix, Many(&[])),
                "ForAllValues:{operator}{suffix}: empty"
            );
            assert!(
                !with("ForAnyValue:", suffix, Many(&[])),
                "ForAnyValue:{operator}{suffix}: empty"
            );
        }
        assert!(
            with("ForAllValues:", "", Absent),
            "ForAllValues:{operator}: missing"
        );
        assert!(
            !with("ForAnyValue:", "", Absent),
            "ForAnyValue:{operator}: missing"
        );
        assert!(
            with("ForAnyValue:", "IfExists", Absent),
            "ForAnyValue:{operator}IfExists: missing"
        );
    }
}

#[test]
fn set_prefixes_tell_all_from_any() {
    const TAGS: &[&str] = &["team", "cost"];
    for (operator, values, key, expected) in [
        (
            "ForAllValues:StringEquals",
            &["team", "cost", "x"][..],
            Many(TAGS),
            true,
        ),
        ("ForAllValues:StringEquals", &["team"], Many(TAGS), false),
        ("ForAnyValue:StringEquals", &["team"], Many(TAGS), true),
        ("ForAnyValue:StringEquals", &["x"], Many(TAGS), false),
        ("ForAllValues:StringNotEquals", &["x"], Many(TAGS), true),
        ("ForAllValues:StringNotEquals", &["team"], Many(TAGS), false),
        ("ForAnyValue:StringNotEquals", &["team"], Many(TAGS), true),
        (
            "ForAnyValue:StringNotEquals",
            &["team", "cost"],
            Many(TAGS),
            false,
        ),
        ("ForAllValues:StringLike", &["t*", "c*"], Many(TAGS), true),
    ] {
        assert_eq!(
            holds(operator, values, key),
            expected,
            "{operator} {values:?}"
        );
    }
}

#[test]
fn variables_in_conditions() {
    for (operator, values, key, expected) in [
        ("StringEquals", &["${aws:username}"][..], One("bob"), true),
        ("StringEquals", &["${aws:username}"], One("alice"), false),
        (
            "StringLike",
            &["home/${aws:username}/*"],
            One("home/bob/x"),
            true,
        ),
        ("StringLike", &["${k:star}"], One("anything"), false),
        ("StringEquals", &["${k:none}"], One("x"), false),
        ("StringEquals", &["${k:none}", "x"], One("x"), true),
        ("StringNotEquals", &["${k:none}"], One("x"), true),
        ("StringEquals", &["${k:none, 'x'}"], One("x"), true),
        ("StringEquals", &["${k:list}"], One("bob"), false),
        ("StringNotEquals", &["${k:list}"], One("bob"), true),
        (
            "ArnLike",
            &["arn:aws:iam::*:user/${aws:username}"],
            One("arn:aws:iam::1:user/bob"),
            true,
        ),
        (
            "ArnLike",
            &["arn:aws:iam::*:user/${k:none}"],
            One("arn:aws:iam::1:user/bob"),
            false,
        ),
        (
            "ArnNotLike",
            &["arn:aws:iam::*:user/${k:none}"],
            One("arn:aws:iam::1:user/bob"),
            true,
        ),
    ] {
        assert_eq!(
            holds(operator, values, key),
            expected,
            "{operator} {values:?} {key:?}"
        );
    }
}

#[test]
fn the_trace_shows_both_sides() {
    let statement = Statement::allow("s3:*").with_resource("*").with_condition(
        podpass_policy::Comparison::StringLike,
        "K:Sub",
        ["${aws:username}-*", "${k:none}"],
    );
    let mut context = Context::new();
    context.insert("aws:username", "bob");
    context.insert("k:sub", "alice-1");
    let decision = decide_one(statement, Version::V2012, &context);
    let condition = &decision.trace[0].statements[0].conditions[0];
    assert_eq!(condition.operator.to_string(), "StringLike");
    assert_eq!(condition.key, "K:Sub");
    assert_eq!(condition.expected, ["bob-*", "${k:none}"]);
    assert_eq!(condition.actual, Some(ContextValue::from("alice-1")));
    assert!(!condition.holds);
}

#[test]
fn version_2008_leaves_variables_alone() {
    let statement = Statement::allow("*").with_resource("*").with_condition(
        podpass_policy::Comparison::StringEquals,
        KEY,
        "${aws:username}",
    );
    let mut context = Context::new();
    context.insert("aws:username", "bob");
    context.insert(KEY, "${aws:username}");
    assert!(decide_one(statement.clone(), Version::V2008, &context).is_allowed());
    assert!(!decide_one(statement, Version::V2012, &context).is_allowed());
}
