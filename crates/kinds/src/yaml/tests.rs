use std::fmt::Write as _;

use serde::Deserialize;
use serde_json::{Value, json};

use super::*;
use crate::Position;

fn at(line: u32, column: u32) -> Position {
    Position { line, column }
}

fn read(text: &str) -> Value {
    let documents = parse(text).unwrap();
    documents[0]
        .root
        .as_ref()
        .map_or(Value::Null, Node::to_json)
}

fn problem(text: &str) -> (usize, Position, SyntaxProblem) {
    let error = parse(text).unwrap_err();
    (error.document, error.position, error.problem)
}

#[test]
fn plain_scalars_mean_what_they_mean_to_kubectl() {
    let cases = [
        ("yes", json!(true)),
        ("On", json!(true)),
        ("y", json!(true)),
        ("NO", json!(false)),
        ("n", json!(false)),
        ("yES", json!("yES")),
        ("~", json!(null)),
        ("Null", json!(null)),
        ("nULL", json!("nULL")),
        ("012", json!(10)),
        ("-012", json!(-10)),
        ("089", json!(89)),
        ("012345678901", json!(12_345_678_901_i64)),
        ("0x1F", json!(31)),
        ("0o17", json!(15)),
        ("0b101", json!(5)),
        ("-0b101", json!(-5)),
        ("1_000", json!(1000)),
        ("+7", json!(7)),
        ("1.0", json!(1)),
        ("1.5", json!(1.5)),
        ("1e3", json!(1000)),
        (".5", json!(0.5)),
        ("9223372036854775808", json!(9_223_372_036_854_775_808_u64)),
        ("-9223372036854775808", json!(i64::MIN)),
        ("2023-08-21", json!("2023-08-21")),
        ("2012-10-17T00:00:00Z", json!("2012-10-17T00:00:00Z")),
        ("12:30:45", json!("12:30:45")),
        ("1.2.3", json!("1.2.3")),
        ("10.0.0.1/8", json!("10.0.0.1/8")),
        ("0x", json!("0x")),
        ("-", json!([null])),
        ("+-1", json!("+-1")),
        ("*.example", json!("never")),
        ("s3:Get*", json!("s3:Get*")),
        ("'yes'", json!("yes")),
        ("\"012\"", json!("012")),
        ("!!str 012", json!("012")),
        ("! 012", json!("012")),
        ("!!int 012", json!(10)),
        ("!!bool yes", json!(true)),
    ];
    for (text, expected) in cases {
        if text.starts_with('*') {
            assert!(parse(text).is_err(), "{text}: an unknown alias");
            continue;
        }
        assert_eq!(read(text), expected, "{text}");
    }
}

#[test]
fn refuses_what_json_cannot_hold() {
    for text in [".inf", "-.INF", ".nan", "0xfffffffffffffffff"] {
        let expected = SyntaxProblem::Number(text.to_owned());
        assert_eq!(
            problem(&format!("a: {text}\n")),
            (1, at(1, 4), expected),
            "{text}"
        );
    }
}

#[test]
fn refuses_tags_that_do_not_apply() {
    for (text, tag) in [
        ("a: !!binary aGk=", "!!binary"),
        ("a: !Ref x", "!Ref"),
        ("a: !!int x", "!!int"),
        ("a: !!bool 1", "!!bool"),
        ("a: !!map []", "!!map"),
        ("a: !Sub {b: c}", "!Sub"),
    ] {
        assert_eq!(
            problem(text).2,
            SyntaxProblem::Tag(tag.to_owned()),
            "{text}"
        );
    }
}

#[test]
fn json_is_read_as_well() {
    let text = "{\n\t\"a\": [1, \"\\ud83d\\ude00\\n\", null],\n\t\"b\": {\"yes\": \"yes\"}\n}\n";
    assert_eq!(
        read(text),
        json!({"a": [1, "😀\n", null], "b": {"yes": "yes"}})
    );
}

#[test]
fn json_on_one_line_with_long_values_is_read() {
    let long = "x".repeat(5000);
    let text = format!(r#"{{"a":"{long}","b":{{"c":"{long}"}},"d":["{long}"]}}"#);
    assert_eq!(
        read(&text),
        json!({"a": long, "b": {"c": long}, "d": [long]})
    );
}

#[test]
fn keys_become_text() {
    assert_eq!(
        read("yes: 1\n012: 2\n1.5: 3\n"),
        json!({"true": 1, "10": 2, "1.5": 3})
    );
    assert_eq!(
        problem("? [a]\n: b\n"),
        (1, at(1, 3), SyntaxProblem::KeyType("a list"))
    );
    assert_eq!(
        problem("a:\n  Null: b\n"),
        (1, at(2, 3), SyntaxProblem::KeyType("null"))
    );
}

#[test]
fn duplicate_key_is_an_error_with_both_places() {
    let text = "a: 1\n---\nspec:\n  x: 1\n  y: 2\n  \"x\": 3\n";
    let expected = SyntaxProblem::DuplicateKey {
        key: "x".to_owned(),
        first: at(4, 3),
    };
    assert_eq!(problem(text), (2, at(6, 3), expected));
}

#[test]
fn merge_keys_and_aliases_are_resolved() {
    let text = "base: &base {a: 1, b: 2}\nmore: &more {b: 3, c: 4}\nchild:\n  <<: [*base, *more]\n  a: 9\ncopy: *base\n";
    let value = read(text);
    assert_eq!(value["child"], json!({"a": 9, "b": 2, "c": 4}));
    assert_eq!(value["copy"], json!({"a": 1, "b": 2}));
    assert_eq!(
        problem("a:\n  <<: text\n"),
        (1, at(2, 7), SyntaxProblem::MergeType)
    );
}

#[test]
fn alias_bombs_are_refused() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..9 {
        let items = vec![format!("*a{}", level - 1); 10].join(", ");
        writeln!(text, "a{level}: &a{level} [{items}]").unwrap();
    }
    assert_eq!(problem(&text).2, SyntaxProblem::Aliases);
}

#[test]
fn deep_nesting_is_an_error_not_a_crash() {
    for open in ["[", "{a: ", "- "] {
        assert!(parse(&open.repeat(100_000)).is_err(), "{open}");
    }
    let mut text = "a0: &a0 [x]\n".to_owned();
    for level in 1..2000 {
        writeln!(text, "a{level}: &a{level} [*a{}]", level - 1).unwrap();
    }
    assert_eq!(problem(&text).2, SyntaxProblem::Aliases);
}

#[test]
fn alias_inside_its_own_anchor_is_an_error() {
    assert!(matches!(
        problem("a: &a [*a]\n").2,
        SyntaxProblem::Grammar(_)
    ));
}

#[test]
fn documents_are_counted_as_kubectl_counts_them() {
    let cases: [(&str, &str, &[Option<Value>]); 10] = [
        ("nothing", "", &[None]),
        ("only comments", "# a\n# b\n", &[None]),
        ("only a separator", "---\n", &[None]),
        ("separator first", "---\na: 1\n", &[Some(json!({"a": 1}))]),
        ("separator last", "a: 1\n---\n", &[Some(json!({"a": 1}))]),
        (
            "comments before the first separator",
            "# a\n---\na: 1\n",
            &[None, Some(json!({"a": 1}))],
        ),
        (
            "comments without separator",
            "# a\na: 1\n",
            &[Some(json!({"a": 1}))],
        ),
        (
            "empty in the middle",
            "a: 1\n---\n# b\n---\nc: 2\n",
            &[Some(json!({"a": 1})), None, Some(json!({"c": 2}))],
        ),
        (
            "comments after the last separator",
            "a: 1\n---\n# b\n",
            &[Some(json!({"a": 1})), None],
        ),
        (
            "explicit null is a value",
            "a: 1\n---\nnull\n",
            &[Some(json!({"a": 1})), Some(json!(null))],
        ),
    ];
    for (name, text, expected) in cases {
        let documents = parse(text).unwrap();
        let roots: Vec<_> = documents
            .iter()
            .map(|document| document.root.as_ref().map(Node::to_json))
            .collect();
        assert_eq!(roots, expected, "{name}");
        let indices: Vec<_> = documents.iter().map(|document| document.index).collect();
        assert_eq!(indices, (1..=expected.len()).collect::<Vec<_>>(), "{name}");
    }
}

#[test]
fn syntax_errors_stand_at_their_line_of_the_file() {
    let cases = [
        ("tab as indentation", "a: 1\n---\nb:\n\tc: 2\n", 2, 4),
        ("unclosed quote", "a: 1\n---\nb: \"c\nd: 2\n", 2, 3),
        ("unclosed bracket", "a: [1, 2\nb: 3\n", 1, 2),
        ("mis-nested key", "a:\n    b: 1\n  c: 2\n", 1, 3),
        ("unknown alias", "a: *b\n", 1, 1),
    ];
    for (name, text, document, line) in cases {
        let (found_document, position, _) = problem(text);
        assert_eq!((found_document, position.line), (document, line), "{name}");
    }
}

#[test]
fn columns_count_characters() {
    assert_eq!(problem("é: 1\nü: {x: 1, x: 2}\n").1, at(2, 11));
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Sample {
    name: String,
    #[serde(default)]
    count: u8,
    #[serde(default)]
    items: Vec<Item>,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Item {
    key: String,
}

fn decode_error(text: &str) -> (String, Option<Position>) {
    let documents = parse(text).unwrap();
    let error = documents[0]
        .root
        .as_ref()
        .unwrap()
        .decode::<Sample>()
        .unwrap_err();
    (error.to_string(), error.position())
}

#[test]
fn decoding_ignores_unknown_members_and_nulls() {
    let documents = parse("name: a\ncount: null\nother: 1\nitems: [{key: b, more: 2}]\n").unwrap();
    let sample: Sample = documents[0].root.as_ref().unwrap().decode().unwrap();
    assert_eq!(
        sample,
        Sample {
            name: "a".into(),
            count: 0,
            items: vec![Item { key: "b".into() }]
        }
    );
}

#[test]
fn decoding_errors_name_field_and_place() {
    let cases = [
        (
            "name: 5\n",
            "`name`: expected a string, found a number",
            at(1, 7),
        ),
        (
            "name: yes\n",
            "`name`: expected a string, found a boolean",
            at(1, 7),
        ),
        ("count: 1\n", "`name` is missing", at(1, 1)),
        ("name: null\n", "`name` is missing", at(1, 1)),
        ("name: a\ncount: -1\n", "`count`: expected u8", at(2, 8)),
        (
            "name: a\nitems: {}\n",
            "`items`: expected a list, found a mapping",
            at(2, 8),
        ),
        (
            "name: a\nitems:\n- key: b\n- key: [c]\n",
            "`items[1].key`: expected a string, found a list",
            at(4, 8),
        ),
        (
            "name: a\nitems:\n- key: b\n- other: c\n",
            "`items[1].key` is missing",
            at(4, 3),
        ),
        (
            "name: a\nitems: [text]\n",
            "`items[0]`: expected a mapping, found a string",
            at(2, 9),
        ),
        ("[1]\n", "expected a mapping, found a list", at(1, 1)),
    ];
    for (text, message, position) in cases {
        assert_eq!(
            decode_error(text),
            (message.to_owned(), Some(position)),
            "{text}"
        );
    }
}

#[test]
fn prints_as_kubectl_does() {
    let value = json!({
        "spec": {
            "containers": [
                {"name": "aws", "env": [{"name": "HOME", "value": "/tmp"}], "args": [], "resources": {}},
                {"name": "b", "command": ["sh", "-c", "while true;do sleep 60;done;"]}
            ],
            "matrix": [[1, 2], [3]],
            "replicas": 1
        },
        "apiVersion": "v1",
        "data": {"script": "#!/bin/sh\necho a\n", "tail": "a\n  b", "keep": "a\n\n"},
        "text": {"yes": "yes", "number": "012", "empty": "", "null": null, "date": "2023-08-21", "time": "12:30"}
    });
    let expected = r#"apiVersion: v1
data:
  keep: |+
    a

  script: |
    #!/bin/sh
    echo a
  tail: |-
    a
      b
spec:
  containers:
  - args: []
    env:
    - name: HOME
      value: /tmp
    name: aws
    resources: {}
  - command:
    - sh
    - -c
    - while true;do sleep 60;done;
    name: b
  matrix:
  - - 1
    - 2
  - - 3
  replicas: 1
text:
  date: "2023-08-21"
  empty: ""
  "null": null
  number: "012"
  time: "12:30"
  "yes": "yes"
"#;
    assert_eq!(to_string(&value), expected);
}

#[test]
fn what_is_printed_reads_back() {
    let texts = [
        "",
        " ",
        "a b",
        " a",
        "a ",
        "a: b",
        "a:b",
        "a #b",
        "a#b",
        "#a",
        "- a",
        "-a",
        "-",
        "--- a",
        "---",
        "...",
        "?",
        "? a",
        "?a",
        ":",
        ":a",
        "a:",
        "*a",
        "&a",
        "!a",
        "!!str",
        "|",
        ">",
        "'a'",
        "\"a\"",
        "a'b",
        "a\"b",
        "%a",
        "@a",
        "`a`",
        "{a}",
        "[a]",
        "a,b",
        ",a",
        "a]",
        "<<",
        "=",
        "~",
        "null",
        "Null",
        "true",
        "y",
        "N",
        "on",
        "OFF",
        "1",
        "-1",
        "+1",
        "1.5",
        ".5",
        "1e3",
        "1E-3",
        "0x1f",
        "0o7",
        "0b1",
        "012",
        "089",
        "1_000",
        ".inf",
        "-.Inf",
        ".NaN",
        "2023-08-21",
        "2023-08-21T10:00:00Z",
        "1:30",
        "190:20:30",
        "a\nb",
        "a\nb\n",
        "a\n\n",
        "\n",
        "\na",
        "\n\n",
        " a\nb",
        "a\n b",
        "a\tb",
        "\ta",
        "a\n\tb",
        "a\r\nb",
        "a\u{0}b",
        "\u{7f}",
        "\u{85}",
        "\u{a0}",
        "é",
        "日本",
        "😀",
        "\u{feff}a",
        "\u{2028}",
        "a\\b",
        "\\",
        "C:\\var\\run",
        "arn:aws:iam::123456789012:role/a",
        "s3:Get*",
        "*",
        "system:serviceaccount:a:b",
        "a: ",
        "a :b",
        "key: |",
        "-\n-",
        "# a\n# b\n",
        "a\n---\nb\n",
        "..",
        ".",
    ];
    for text in texts {
        for value in [
            json!(text),
            json!({"k": text}),
            json!([text]),
            json!({text: [text]}),
            json!([[text], {"k": {"k": text}}]),
        ] {
            let printed = to_string(&value);
            let documents =
                parse(&printed).unwrap_or_else(|error| panic!("{text:?}: {error}\n{printed}"));
            assert_eq!(documents.len(), 1, "{text:?}:\n{printed}");
            let read = documents[0].root.as_ref().map(Node::to_json);
            assert_eq!(read.as_ref(), Some(&value), "{text:?}:\n{printed}");
        }
    }
}
