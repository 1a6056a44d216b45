//! Keeping a trust policy up to date by adding to it.

use podpass_policy::{
    Change, Comparison, ConditionOperator, Document, DocumentKind, PrincipalClause, Statement,
    Values,
};

const PROVIDER: &str = "arn:aws:iam::123456789012:oidc-provider/example.com";

fn statement() -> Statement {
    Statement::allow("sts:AssumeRoleWithWebIdentity")
        .with_principal(PrincipalClause::federated(PROVIDER))
        .with_condition(
            Comparison::StringEquals,
            "example.com:sub",
            "system:serviceaccount:a:b",
        )
}

#[test]
fn adds_values_to_a_condition_once() {
    let mut statement = statement();
    assert_eq!(statement.federated_principals(), [PROVIDER]);
    let subject = "system:serviceaccount:a:c";
    assert_eq!(
        statement.add_condition_values(Comparison::StringEquals, "EXAMPLE.com:sub", [subject]),
        Change::Changed
    );
    assert_eq!(
        statement.add_condition_values(Comparison::StringEquals, "example.com:sub", [subject]),
        Change::Unchanged
    );
    let condition = statement
        .condition(Comparison::StringEquals, "example.com:SUB")
        .unwrap();
    assert_eq!(
        condition.values,
        Values::list(["system:serviceaccount:a:b", subject])
    );
    assert_eq!(statement.conditions.len(), 1);
}

#[test]
fn tells_operators_apart() {
    let mut statement = statement();
    assert!(
        statement
            .condition(Comparison::StringLike, "example.com:sub")
            .is_none()
    );
    let any: ConditionOperator = "ForAnyValue:StringEquals".parse().unwrap();
    assert!(statement.condition(any, "example.com:sub").is_none());
    assert_eq!(
        statement.add_condition_values(
            Comparison::StringEquals,
            "example.com:aud",
            ["openshift", "sts.amazonaws.com"]
        ),
        Change::Changed
    );
    assert_eq!(
        statement.add_condition_values(Comparison::Bool, "a:b", []),
        Change::Unchanged
    );
    assert_eq!(statement.conditions_on("Example.com:aud").count(), 1);
    let document = Document::new(vec![statement]);
    assert_eq!(
        Document::parse(&document.to_json(), DocumentKind::Trust).unwrap(),
        document
    );
    assert!(document.to_json().contains(
        r#""Condition":{"StringEquals":{"example.com:sub":"system:serviceaccount:a:b","example.com:aud":["openshift","sts.amazonaws.com"]}}"#
    ));
}

#[test]
fn values_keep_their_spelling_until_they_change() {
    let mut values = Values::one("a");
    assert!(!values.add("a"));
    assert!(values.add("b"));
    assert!(values.remove("a"));
    assert!(!values.remove("a"));
    assert_eq!(values, Values::one("b"));
    assert_eq!(values.to_vec(), ["b"]);
}
