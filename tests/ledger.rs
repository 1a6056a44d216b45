//! `examples/seeds/steps.toml`: each step of the source documents has the test that shows it, or the reason why none
//! does yet.
//!
//! A test carries the ids of its steps in its name, `seed_000_38_…`. It is named by file and function:
//! `access::bind::seed_…` stands in `tests/access/bind.rs`, `podpass_token::keys::seed_…` in `crates/token`.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use podpass_testkit::test_data;
use serde::Deserialize;

/// How many steps each document has, by its number.
const STEPS: [(&str, usize); 5] = [
    ("000", 41),
    ("001", 29),
    ("002", 35),
    ("003", 20),
    ("004", 17),
];

/// Of all 142, 90 are promised.
const SHOWN: usize = 101;

#[derive(Debug, Deserialize, PartialEq)]
#[serde(untagged)]
enum Tests {
    One(String),
    Several(Vec<String>),
}

impl Tests {
    fn names(&self) -> &[String] {
        match self {
            Self::One(name) => std::slice::from_ref(name),
            Self::Several(names) => names,
        }
    }
}

/// What the ledger says of one step.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    /// The tests that assert the step's "How to verify", mostly one.
    test: Option<Tests>,
    /// Why none does yet.
    later: Option<String>,
    /// The step whose test shows this one in the same run.
    with: Option<String>,
}

#[test]
fn each_step_is_shown_by_a_test_of_its_own_or_later_for_a_reason() {
    let ledger = ledger();
    let listed: BTreeSet<String> = ledger.keys().cloned().collect();
    assert_eq!(listed, ids());
    let tests = tests();
    let mut wrong = Vec::new();
    for (id, row) in &ledger {
        match (&row.test, &row.later) {
            (Some(shown_by), None) => {
                for test in shown_by.names() {
                    match tests.get(test) {
                        Some(carried) if carried.contains(id) => {}
                        Some(_) => wrong.push(format!("{id}: the name of `{test}` has another id")),
                        None => wrong.push(format!("{id}: there is no test `{test}`")),
                    }
                }
                if shown_by.names().is_empty() {
                    wrong.push(format!("{id}: `test` names none"));
                }
            }
            (None, Some(reason)) if !reason.trim().is_empty() && row.with.is_none() => {}
            _ => wrong.push(format!("{id}: either `test`, or `later` with the reason")),
        }
        if let Some(other) = &row.with {
            let of_other = ledger.get(other).filter(|other| other.with.is_none());
            if of_other.is_none_or(|other| other.test != row.test) {
                wrong.push(format!("{id}: `{other}` has another test"));
            }
        }
    }
    for (test, carried) in &tests {
        let mut alone = 0;
        for id in carried {
            match ledger.get(id) {
                Some(row)
                    if row
                        .test
                        .as_ref()
                        .is_some_and(|tests| tests.names().contains(test)) =>
                {
                    alone += usize::from(row.with.is_none());
                }
                Some(_) => wrong.push(format!("{id}: the ledger does not name `{test}`")),
                None => wrong.push(format!("`{test}`: no document has a step {id}")),
            }
        }
        if alone > 1 {
            wrong.push(format!(
                "`{test}`: {alone} steps share it, and the ledger does not say `with`"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let shown = ledger.values().filter(|row| row.test.is_some()).count();
    assert_eq!(shown, SHOWN, "of {}", ids().len());
}

/// In the list, a row that another's run shows says so: `same run`, `as 000-28`, `see 003-11`.
#[test]
fn steps_are_those_of_the_list_and_share_a_test_only_where_it_says_so() {
    let Some(list) = test_data("../specs/seeds.md") else {
        return;
    };
    let list = fs::read_to_string(list).unwrap();
    let rows: BTreeMap<String, &str> = list
        .lines()
        .filter_map(|line| {
            let id = line.strip_prefix("| ")?.split(" |").next()?;
            let is_id = id.len() == 6 && id.as_bytes()[3] == b'-';
            (is_id && id.bytes().filter(u8::is_ascii_digit).count() == 5)
                .then(|| (id.to_owned(), line))
        })
        .collect();
    assert_eq!(rows.keys().cloned().collect::<BTreeSet<_>>(), ids());
    for (id, row) in ledger() {
        if let Some(other) = row.with {
            let text = rows[&id];
            let of_other = ["as ", "see "].map(|word| format!("{word}{other}"));
            assert!(
                ["same run", "as above", &of_other[0], &of_other[1]]
                    .iter()
                    .any(|part| text.contains(part)),
                "{id} needs a test of its own: the list does not say that one run shows it with {other}"
            );
        }
    }
}

fn ids() -> BTreeSet<String> {
    STEPS
        .iter()
        .flat_map(|(document, count)| (1..=*count).map(move |step| format!("{document}-{step:02}")))
        .collect()
}

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

fn ledger() -> BTreeMap<String, Row> {
    let text = fs::read_to_string(root().join("examples/seeds/steps.toml")).unwrap();
    toml::from_str(&text).unwrap()
}

/// Each test that carries ids, with them.
fn tests() -> BTreeMap<String, BTreeSet<String>> {
    let mut found = BTreeMap::new();
    for (folder, prefix) in folders() {
        for file in sources(&folder) {
            let module = module(file.strip_prefix(&folder).unwrap());
            let text = fs::read_to_string(&file).unwrap();
            let functions = functions_with_ids(&text);
            assert!(
                functions.is_empty() || is_compiled(&file),
                "{} is no module",
                file.display()
            );
            for function in functions {
                let path = [prefix.as_str(), &module, &function];
                let parts: Vec<&str> = path.into_iter().filter(|part| !part.is_empty()).collect();
                found.insert(parts.join("::"), ids_in(&function));
            }
        }
    }
    found
}

/// Whether the file above names this one as its module, without which no test in it runs.
fn is_compiled(file: &Path) -> bool {
    let stem = file.file_stem().unwrap().to_str().unwrap();
    let folder = file.parent().unwrap();
    let above = [
        folder.join("main.rs"),
        folder.join("lib.rs"),
        folder.with_extension("rs"),
    ];
    let named = format!("mod {stem};");
    // A test binary of one file stands in `Cargo.toml`, or is found in `tests/`.
    ["main", "lib"].contains(&stem)
        || folder.ends_with("tests")
        || above
            .iter()
            .filter_map(|path| fs::read_to_string(path).ok())
            .any(|text| text.contains(&named))
}

/// Where tests are, and how the names of those in there begin.
fn folders() -> Vec<(PathBuf, String)> {
    let mut folders = vec![(root().join("tests"), String::new())];
    for entry in fs::read_dir(root().join("crates")).unwrap() {
        let path = entry.unwrap().path();
        let name = format!("podpass_{}", path.file_name().unwrap().to_str().unwrap());
        for within in ["src", "tests"] {
            folders.push((path.join(within), name.clone()));
        }
    }
    folders
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

fn module(file: &Path) -> String {
    let file = file.with_extension("");
    let parts = file.iter().map(|part| part.to_str().unwrap());
    parts
        .filter(|part| !["main", "lib"].contains(part))
        .collect::<Vec<_>>()
        .join("::")
}

/// The names of the functions that begin with an id, which all have to be tests that run.
fn functions_with_ids(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut attributes = String::new();
    for line in text.lines().map(str::trim) {
        let signature = line.strip_prefix("async ").unwrap_or(line);
        if let Some(rest) = signature.strip_prefix("fn ") {
            let name = rest.split(['(', '<']).next().unwrap();
            if !ids_in(name).is_empty() {
                assert!(
                    is_test(&attributes),
                    "`{name}` has a step's id and is no test, or one that does not run"
                );
                found.push(name.to_owned());
            }
        }
        if line.starts_with("#[") {
            attributes.push_str(line);
        } else if !line.starts_with("//") {
            attributes.clear();
        }
    }
    found
}

/// Whether the attributes make a function a test, and one that is not left out.
fn is_test(attributes: &str) -> bool {
    let marks = ["#[test]", "#[tokio::test]", "#[tokio::test("];
    marks.iter().any(|mark| attributes.contains(mark)) && !attributes.contains("#[ignore")
}

/// `000-05` and `000-06` in `seed_000_05_seed_000_06_…`.
fn ids_in(name: &str) -> BTreeSet<String> {
    let mut parts = name.split("seed_");
    if parts.next() != Some("") {
        return BTreeSet::new();
    }
    parts
        .filter_map(|part| {
            let (document, rest) = part.split_at_checked(3)?;
            let step = rest.strip_prefix('_')?.get(..2)?;
            let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
            (digits(document) && digits(step)).then(|| format!("{document}-{step}"))
        })
        .collect()
}
