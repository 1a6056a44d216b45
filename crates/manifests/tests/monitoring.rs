//! Alerts and dashboard: their expressions name metrics that exist, and each alert has its place in the runbook.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use podpass_manifests::WebhookOptions;
use serde_json::Value;

/// The metrics that may be used: each with who has it, `webhook`, `controller`, or somebody `other`. `tests/webhook` looks for
/// them in the real pages.
const METRICS: &str = include_str!("metrics.txt");

/// PromQL's functions and words that we use.
const WORDS: [&str; 11] = [
    "absent",
    "by",
    "histogram_quantile",
    "le",
    "min",
    "method",
    "rate",
    "reason",
    "result",
    "sum",
    "time",
];

#[test]
fn alerts_name_metrics_that_exist_and_their_place_in_the_runbook() {
    let rules = rules();
    assert_eq!(rules.len(), 5);
    let runbook = include_str!("../../../docs/webhook-alerts.md");
    for rule in &rules {
        let name = rule["alert"].as_str().unwrap();
        sound(rule["expr"].as_str().unwrap());
        let annotations = &rule["annotations"];
        for annotation in ["summary", "description"] {
            assert!(
                annotations[annotation].as_str().unwrap().len() > 20,
                "{name}"
            );
        }
        let url = annotations["runbook_url"].as_str().unwrap();
        assert!(
            url.ends_with(&format!("/webhook-alerts#{}", name.to_lowercase())),
            "{url}"
        );
        assert!(runbook.contains(&format!("\n## {name}\n")), "{name}");
        assert!(["warning", "critical"].contains(&rule["labels"]["severity"].as_str().unwrap()));
    }
    assert_eq!(runbook.matches("\n## ").count(), rules.len());
}

#[test]
fn dashboard_shows_metrics_that_exist() {
    let objects = everything().render();
    let map = objects.iter().find(|it| it["kind"] == "ConfigMap").unwrap();
    assert_eq!(map["metadata"]["labels"]["grafana_dashboard"], "1");
    let text = map["data"]["podpass-webhook.json"].as_str().unwrap();
    let dashboard: Value = serde_json::from_str(text).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let targets = panels
        .iter()
        .flat_map(|panel| panel["targets"].as_array().unwrap());
    let mut count = 0;
    for target in targets {
        sound(target["expr"].as_str().unwrap());
        count += 1;
    }
    assert!(count >= panels.len() && panels.len() == 7);
}

#[test]
fn the_check_of_expressions_can_fail() {
    for wrong in ["sum(up", "up{a=\"b\"", "sum(no_such_metric)", "up[5m"] {
        let checked = std::panic::catch_unwind(|| sound(wrong));
        assert!(checked.is_err(), "{wrong}");
    }
}

/// Brackets close in order, quotes close, and each word is a metric, a label that is grouped by, or PromQL's.
#[track_caller]
fn sound(expression: &str) {
    let mut open = Vec::new();
    let mut quoted = false;
    let mut bare = String::new();
    for character in expression.chars() {
        if character == '"' {
            quoted = !quoted;
        }
        if quoted {
            continue;
        }
        match character {
            '(' | '{' | '[' => open.push(character),
            ')' | '}' | ']' => {
                let expected = open.pop();
                let pair = matches!(
                    (expected, character),
                    (Some('('), ')') | (Some('{'), '}') | (Some('['), ']')
                );
                assert!(pair, "{expression}");
            }
            _ => {}
        }
        // Between braces are labels, between brackets a duration.
        let inside = open.iter().any(|bracket| *bracket != '(');
        bare.push(if inside { ' ' } else { character });
    }
    assert!(open.is_empty() && !quoted, "{expression}");
    let words = bare.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    let words = words.filter(|word| word.starts_with(|c: char| c.is_ascii_alphabetic()));
    for word in words {
        let mut metrics = METRICS.lines().filter_map(|line| line.split(' ').next());
        let known = metrics.any(|metric| metric == word) || WORDS.contains(&word) || word == "job";
        assert!(known, "`{word}` in {expression}");
    }
}

fn rules() -> Vec<Value> {
    let objects = everything().render();
    let rule = objects
        .iter()
        .find(|it| it["kind"] == "PrometheusRule")
        .unwrap();
    rule["spec"]["groups"][0]["rules"]
        .as_array()
        .unwrap()
        .clone()
}

fn everything() -> WebhookOptions {
    WebhookOptions {
        prometheus_rule: true,
        dashboard: true,
        ..WebhookOptions::default()
    }
}
