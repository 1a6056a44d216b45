//! The policies that AWS manages, as moto 5.2.5 ships them: each is read, printed and read again.

use std::collections::BTreeSet;
use std::process::Command;

use podpass_policy::{Document, DocumentKind};
use serde_json::Value;

/// Prints each policy as a line `[name, document]`.
const PRINT_POLICIES: &str = "\
import json
import moto
from moto.iam.aws_managed_policies import aws_managed_policies_data as data
assert moto.__version__ == '5.2.5', moto.__version__
for name, policy in json.loads(data).items():
    print(json.dumps([name, json.dumps(policy['Document'])]))
";

const POLICIES: usize = 1_582;

#[test]
fn every_policy_that_aws_manages_reads_back_the_same() {
    let Some(python) = podpass_testkit::python_with_moto() else {
        return;
    };
    let output = Command::new(&python)
        .args(["-I", "-c", PRINT_POLICIES])
        .output()
        .unwrap_or_else(|error| panic!("{}: {error}", python.display()));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let mut names = BTreeSet::new();
    let mut refused = Vec::new();
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        let (name, text): (String, String) = serde_json::from_str(line).unwrap();
        match Document::parse(&text, DocumentKind::Permissions) {
            Ok(document) => check(&name, &text, &document),
            Err(error) => refused.push(format!("{name}: {error}")),
        }
        names.insert(name);
    }
    assert_eq!(refused, Vec::<String>::new());
    assert_eq!(names.len(), POLICIES);
}

fn check(name: &str, text: &str, document: &Document) {
    let printed = document.to_json();
    for text in [&printed, &document.to_json_pretty()] {
        let read = Document::parse(text, DocumentKind::Permissions);
        assert_eq!(read.as_ref(), Ok(document), "{name}");
    }
    // Against JSON that our own reader has not touched, so that nothing can be lost on the way in.
    let (before, after) = (meaning(text), meaning(&printed));
    assert_eq!(before, after, "{name}");
}

/// The document as plain JSON, without the choices of spelling that have no meaning.
fn meaning(text: &str) -> Value {
    let mut document: Value = serde_json::from_str(text).expect("JSON");
    if let Some(statement) = document.get_mut("Statement")
        && !statement.is_array()
    {
        *statement = Value::Array(vec![statement.take()]);
    }
    let statements = document["Statement"].as_array_mut().expect("an array");
    for statement in statements {
        let members = statement.as_object_mut().expect("an object");
        members.retain(|name, value| name != "Condition" || value != &serde_json::json!({}));
        if let Some(condition) = members.get_mut("Condition") {
            let blocks = condition.as_object_mut().expect("an object");
            for values in blocks
                .values_mut()
                .flat_map(|block| block.as_object_mut().expect("an object").values_mut())
            {
                *values = texts(values);
            }
        }
    }
    document
}

/// IAM takes bare booleans and numbers for their texts, and one value for a list of one.
fn texts(values: &Value) -> Value {
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    match values {
        Value::Array(values) => values.iter().map(text).collect(),
        value => Value::from(vec![text(value)]),
    }
}
