//! Reading, refusing and printing policy documents.

use podpass_policy::{
    Comparison, Document, DocumentKind, Effect, PolicyError, Position, PrincipalClause, Statement,
    Values, Version,
};

fn refuse(text: &str, kind: DocumentKind) -> PolicyError {
    Document::parse(text, kind).expect_err("the document is malformed")
}

#[test]
fn reads_a_trust_policy_with_places() {
    let text = r#"{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Principal": {"Federated": "arn:aws:iam::123456789012:oidc-provider/example.com/id"},
      "Action": "sts:AssumeRoleWithWebIdentity",
      "Condition": {
        "StringEquals": {
          "example.com/id:sub": ["system:serviceaccount:a:b"]
        }
      }
    }
  ]
}"#;
    let document = Document::parse(text, DocumentKind::Trust).unwrap();
    let statement = &document.statements[0];
    assert_eq!(statement.position, Position { line: 4, column: 5 });
    assert_eq!(
        statement.end,
        Position {
            line: 13,
            column: 6
        }
    );
    assert_eq!(
        statement.conditions[0].position,
        Position {
            line: 10,
            column: 11
        }
    );
    let built = Document::new(vec![
        Statement::allow("sts:AssumeRoleWithWebIdentity")
            .with_principal(PrincipalClause::federated(
                "arn:aws:iam::123456789012:oidc-provider/example.com/id",
            ))
            .with_condition(
                Comparison::StringEquals,
                "example.com/id:sub",
                "system:serviceaccount:a:b",
            ),
    ]);
    assert_eq!(
        document, built,
        "positions and the spelling of one value do not count"
    );
    assert_eq!(
        document.to_json(),
        concat!(
            r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","#,
            r#""Principal":{"Federated":"arn:aws:iam::123456789012:oidc-provider/example.com/id"},"#,
            r#""Action":"sts:AssumeRoleWithWebIdentity","#,
            r#""Condition":{"StringEquals":{"example.com/id:sub":["system:serviceaccount:a:b"]}}}]}"#
        )
    );
}

#[test]
fn an_absent_version_is_the_old_one_and_one_statement_needs_no_array() {
    let text = r#"{"Id":"x","Statement":{"Sid":"","Effect":"Deny","NotAction":["s3:*"],"NotResource":"*"}}"#;
    let document = Document::parse(text, DocumentKind::Permissions).unwrap();
    assert_eq!(document.version, Version::V2008);
    assert_eq!(document.statements[0].effect, Effect::Deny);
    assert_eq!(
        document.to_json(),
        r#"{"Version":"2008-10-17","Id":"x","Statement":[{"Sid":"","Effect":"Deny","NotAction":["s3:*"],"NotResource":"*"}]}"#
    );
    assert!(
        document
            .to_json_pretty()
            .starts_with("{\n  \"Version\": \"2008-10-17\",\n  \"Id\"")
    );
}

#[test]
fn bare_booleans_and_numbers_are_read_as_their_texts() {
    let text = r#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{
        "Bool":{"aws:SecureTransport":true},"NumericLessThan":{"s3:max-keys":[10, 2.50]}}}}"#;
    let document = Document::parse(text, DocumentKind::Permissions).unwrap();
    let conditions = &document.statements[0].conditions;
    assert_eq!(conditions[0].values, Values::one("true"));
    assert_eq!(conditions[1].values, Values::list(["10", "2.50"]));
}

#[test]
fn every_error_says_where_what_and_how_to_mend_it() {
    let statement = |inner: &str| format!("{{\"Statement\":\n  {{{inner}}}}}");
    let condition = |inner: &str| {
        statement(&format!(
            r#""Effect":"Allow","Action":"*","Resource":"*","Condition":{inner}"#
        ))
    };
    for (name, text, expected) in [
        (
            "not JSON",
            "{\n  \"Version\": 2012-10-17\n}".to_owned(),
            "line 2, column 14: `2012-10-17` is not a JSON number",
        ),
        (
            "not an object",
            "[]".to_owned(),
            "line 1, column 1: the policy must be an object, not an array",
        ),
        (
            "version",
            r#"{"Version":"2012-10-18"}"#.to_owned(),
            "line 1, column 12: `2012-10-18` is not a version of the policy language: it must be `2012-10-17` or `2008-10-17`",
        ),
        (
            "misspelt element",
            r#"{"Statements":[]}"#.to_owned(),
            "line 1, column 2: `Statements` is not an element of the policy; did you mean `Statement`?",
        ),
        (
            "no statement",
            "{}".to_owned(),
            "line 1, column 1: the policy has no statement",
        ),
        (
            "empty statement",
            r#"{"Statement":[]}"#.to_owned(),
            "line 1, column 1: the policy has no statement",
        ),
        (
            "no effect",
            statement(r#""Action":"*","Resource":"*""#),
            "line 2, column 3: the statement has no Effect: add `\"Effect\": \"Allow\"` or `\"Effect\": \"Deny\"`",
        ),
        (
            "no action",
            statement(r#""Effect":"Allow","Resource":"*""#),
            "line 2, column 3: the statement has no Action: add Action or NotAction",
        ),
        (
            "case of an element",
            statement(r#""Effect":"Allow","action":"*""#),
            "line 2, column 21: `action` is not an element of a statement; did you mean `Action`?",
        ),
        (
            "action and its Not form",
            statement(r#""Effect":"Allow","Action":"*","NotAction":"*","Resource":"*""#),
            "line 2, column 34: the statement has both Action and NotAction: keep one of them",
        ),
        (
            "type of an action",
            statement(r#""Effect":"Allow","Action":{},"Resource":"*""#),
            "line 2, column 30: Action must be a string or an array of strings, not an object",
        ),
        (
            "action without a service",
            statement(r#""Effect":"Allow","Action":["s3:Get*","GetObject"],"Resource":"*""#),
            "line 2, column 41: `GetObject` is not an action: it must be `service:Action`, or `*`",
        ),
        (
            "duplicate member",
            statement(r#""Effect":"Allow","Effect":"Deny""#),
            "line 2, column 21: member `Effect` was already given at line 2, column 4; merge the two",
        ),
        (
            "operator",
            condition(r#"{"StringEqual":{"aws:userid":"x"}}"#),
            "line 2, column 62: `StringEqual` is not a condition operator; did you mean `StringEquals`?",
        ),
        (
            "operator without a likeness",
            condition(r#"{"Contains":{"aws:userid":"x"}}"#),
            "line 2, column 62: `Contains` is not a condition operator",
        ),
        (
            "key",
            condition(r#"{"StringEquals":{"sub":"x"}}"#),
            "line 2, column 78: `sub` is not a condition key: it must be `service:key` or `provider:claim`",
        ),
        (
            "key in another case",
            condition(r#"{"StringEquals":{"aws:a":"ö","AWS:A":"x"}}"#),
            "line 2, column 90: the condition key `AWS:A` was already given at line 2, column 78: case does not count in keys; merge the two",
        ),
        (
            "value",
            condition(r#"{"IpAddress":{"aws:SourceIp":["10.0.0.0/8","10.0.0/8"]}}"#),
            "line 2, column 104: `10.0.0/8` cannot be compared with IpAddress: it must be an IP address or a network like `203.0.113.0/24`",
        ),
    ] {
        assert_eq!(
            refuse(&text, DocumentKind::Permissions).to_string(),
            expected,
            "{name}"
        );
    }
}

#[test]
fn malformed_variables_are_errors_in_the_new_version_only() {
    let text = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::${aws:x"}}"#;
    assert_eq!(
        refuse(text, DocumentKind::Permissions).to_string(),
        "line 1, column 79: `arn:aws:s3:::${aws:x`: `${` is not closed by `}`"
    );
    let old = text.replace("2012-10-17", "2008-10-17");
    assert!(Document::parse(&old, DocumentKind::Permissions).is_ok());
}

#[test]
fn only_session_policies_take_malformed_literals() {
    for (name, condition, session) in [
        ("number", r#"{"NumericEquals":{"s3:max-keys":"ten"}}"#, true),
        (
            "date",
            r#"{"DateLessThan":{"aws:CurrentTime":"soon"}}"#,
            true,
        ),
        ("address", r#"{"IpAddress":{"aws:SourceIp":"here"}}"#, true),
        ("arn", r#"{"ArnLike":{"aws:SourceArn":"arn:aws:s3"}}"#, true),
        ("binary", r#"{"BinaryEquals":{"a:b":"?"}}"#, false),
    ] {
        let text = format!(
            r#"{{"Statement":{{"Effect":"Allow","Action":"*","Resource":"*","Condition":{condition}}}}}"#
        );
        assert!(
            Document::parse(&text, DocumentKind::Permissions).is_err(),
            "{name}"
        );
        assert_eq!(
            Document::parse(&text, DocumentKind::Session).is_ok(),
            session,
            "{name}"
        );
    }
}

/// The literals that IAM refuses are numbers, dates, addresses, ARNs and bytes (`aws.md` C.3); these are none of them.
#[test]
fn every_kind_of_policy_takes_any_text_for_a_boolean() {
    for condition in [
        r#"{"Bool":{"aws:SecureTransport":"yes"}}"#,
        r#"{"ForAnyValue:BoolIfExists":{"a:b":["", "1", "no"]}}"#,
        r#"{"Null":{"aws:userid":"maybe"}}"#,
    ] {
        let text = |more: &str| {
            format!(r#"{{"Statement":{{"Effect":"Deny",{more},"Condition":{condition}}}}}"#)
        };
        let permissions = text(r#""Action":"*","Resource":"*""#);
        let trust = text(r#""Action":"sts:AssumeRole","Principal":{"AWS":"*"}"#);
        for (text, kind) in [
            (&permissions, DocumentKind::Permissions),
            (&permissions, DocumentKind::Session),
            (&trust, DocumentKind::Trust),
        ] {
            let parsed = Document::parse(text, kind);
            assert!(parsed.is_ok(), "{condition}: {parsed:?}");
        }
    }
}

#[test]
fn deep_or_cut_off_texts_are_errors_not_panics() {
    for text in [
        "[".repeat(100_000),
        "{\"a\":".repeat(100_000),
        "\"\\u".to_owned(),
        "\u{0}".to_owned(),
    ] {
        assert!(Document::parse(&text, DocumentKind::Bucket).is_err());
    }
}

#[test]
fn a_statement_names_the_keys_that_it_takes_to_work_it_out() {
    let text = |version: &str| {
        format!(
            r#"{{"Version":"{version}","Statement":{{"Effect":"Allow","Action":"s3:*",
            "Resource":["arn:aws:s3:::b/${{aws:username}}/*","arn:aws:s3:::${{aws:userid, 'x'}}/${{*}}"],
            "Condition":{{"StringLike":{{"aws:PrincipalTag/team":"${{aws:RequestTag/Team}}","AWS:UserName":"*"}},
            "NumericLessThan":{{"s3:max-keys":"10"}}}}}}}}"#
        )
    };
    for (version, expected) in [
        (
            "2012-10-17",
            [
                "aws:PrincipalTag/team",
                "aws:RequestTag/Team",
                "AWS:UserName",
                "s3:max-keys",
            ]
            .as_slice(),
        ),
        (
            "2008-10-17",
            &["aws:PrincipalTag/team", "AWS:UserName", "s3:max-keys"],
        ),
    ] {
        let document = Document::parse(&text(version), DocumentKind::Permissions).unwrap();
        let keys = document.statements[0].context_keys(document.version);
        assert_eq!(keys, expected, "{version}");
    }
}
