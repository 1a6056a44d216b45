//! `differences-from-aws.toml`: each known difference names a test that shows it, and `docs/differences-from-aws.md`
//! is the file, rendered.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde::Deserialize;

/// Set to rewrite the page instead of comparing it.
const UPDATE: &str = "PODPASS_UPDATE_DOCS";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Differences {
    difference: Vec<Difference>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Difference {
    what: String,
    aws: String,
    why: String,
    source: String,
    test: String,
}

fn differences() -> Vec<Difference> {
    let text = include_str!("../differences-from-aws.toml");
    toml::from_str::<Differences>(text).unwrap().difference
}

#[test]
fn each_difference_is_shown_by_a_test() {
    let mut sources = String::new();
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    for folder in ["src", "tests"] {
        collect(&own.join(folder), &mut sources);
    }
    for Difference { what, test, .. } in differences() {
        // The attribute and the name, whatever stands between them.
        let found = sources
            .split("#[test]")
            .skip(1)
            .any(|after| after.trim_start().starts_with(&format!("fn {test}()")));
        assert!(found, "no test `{test}` shows: {what}");
    }
}

#[test]
fn page_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/differences-from-aws.md");
    let mut page = String::from(
        "# Where the sandbox differs from AWS\n\n\
         Generated from `crates/sandbox/differences-from-aws.toml`. What is not listed here and is not as AWS does it is a\n\
         defect.\n",
    );
    for Difference {
        what,
        aws,
        why,
        source,
        test,
    } in differences()
    {
        let _ = write!(
            page,
            "\n## {what}\n\n- AWS: {aws}\n- Why: {why}\n- Source: {source}\n- Shown by: `{test}`\n"
        );
    }
    if std::env::var_os(UPDATE).is_some() {
        fs::write(&path, page).unwrap();
        return;
    }
    let present = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(present, page, "run the test again with {UPDATE}=1");
}

fn collect(folder: &Path, sources: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, sources);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            sources.push_str(&fs::read_to_string(&path).unwrap());
        }
    }
}
