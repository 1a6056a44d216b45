//! SARIF and JUnit.

use podpass_diagnose::{Finding, Severity, junit, sarif};
use podpass_kinds::Reason;
use podpass_policy::Position;

fn findings() -> Vec<Finding> {
    let finding = |code, severity, file: Option<&str>, message: &str| Finding {
        code,
        severity,
        file: file.map(str::to_owned),
        position: file.map(|_| Position { line: 3, column: 5 }),
        message: message.to_owned(),
        expected: vec!["a < b".to_owned()],
        actual: Some("\"c\" & 'd'".to_owned()),
        fix: "write it".to_owned(),
    };
    vec![
        finding(
            Reason::NoAudCondition,
            Severity::Warning,
            Some("a b/é.json"),
            "one\u{1b} <two>\nthree",
        ),
        finding(
            Reason::BadAccountId,
            Severity::Error,
            Some("a b/é.json"),
            "short",
        ),
        finding(Reason::FileKindUnknown, Severity::Note, None, "unknown"),
    ]
}

#[test]
fn sarif_has_rules_levels_places_and_fixes() {
    let text = sarif(&findings());
    assert_eq!(text, sarif(&findings()), "the same bytes each time");
    let log: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    assert_eq!(run["columnKind"], "unicodeCodePoints");
    let rules: Vec<&str> = run["tool"]["driver"]["rules"]
        .as_array()
        .unwrap()
        .iter()
        .map(|rule| rule["id"].as_str().unwrap())
        .collect();
    assert_eq!(
        rules,
        ["BAD_ACCOUNT_ID", "FILE_KIND_UNKNOWN", "NO_AUD_CONDITION"]
    );
    let levels: Vec<&str> = ["warning", "error", "note"].to_vec();
    for (result, level) in run["results"].as_array().unwrap().iter().zip(levels) {
        assert_eq!(result["level"], level);
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(result["ruleId"], rules[index]);
    }
    let place = &run["results"][0]["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "a%20b/%C3%A9.json");
    assert_eq!(
        place["region"],
        serde_json::json!({"startLine": 3, "startColumn": 5})
    );
    assert!(run["results"][2].get("locations").is_none());
    assert_eq!(run["results"][0]["properties"]["fix"], "write it");
}

#[test]
fn sarif_of_nothing_is_a_log_without_results() {
    let log: serde_json::Value = serde_json::from_str(&sarif(&[])).unwrap();
    assert_eq!(log["runs"][0]["results"], serde_json::json!([]));
}

#[test]
fn junit_escapes_what_xml_would_read() {
    let xml = junit(&["a b/é.json", "fine<.yaml"], &findings());
    let expected = "\
<?xml version=\"1.0\" encoding=\"UTF-8\"?>
<testsuites name=\"podpass lint\" tests=\"4\" failures=\"2\" errors=\"0\">
  <testsuite name=\"a b/é.json\" tests=\"2\" failures=\"2\" errors=\"0\" skipped=\"0\">
    <testcase classname=\"a b/é.json\" name=\"NO_AUD_CONDITION at line 3, column 5\" line=\"3\">
      <failure type=\"NO_AUD_CONDITION\" message=\"one\u{fffd} &lt;two&gt;&#10;three\">one\u{fffd} &lt;two&gt;
three
expected: a &lt; b
actual: &quot;c&quot; &amp; &apos;d&apos;
help: write it</failure>
    </testcase>
    <testcase classname=\"a b/é.json\" name=\"BAD_ACCOUNT_ID at line 3, column 5\" line=\"3\">
      <failure type=\"BAD_ACCOUNT_ID\" message=\"short\">short
expected: a &lt; b
actual: &quot;c&quot; &amp; &apos;d&apos;
help: write it</failure>
    </testcase>
  </testsuite>
  <testsuite name=\"fine&lt;.yaml\" tests=\"1\" failures=\"0\" errors=\"0\" skipped=\"0\">
    <testcase classname=\"fine&lt;.yaml\" name=\"no findings\"/>
  </testsuite>
  <testsuite name=\"podpass lint\" tests=\"1\" failures=\"0\" errors=\"0\" skipped=\"0\">
    <testcase classname=\"podpass lint\" name=\"FILE_KIND_UNKNOWN\">
      <system-out>unknown
expected: a &lt; b
actual: &quot;c&quot; &amp; &apos;d&apos;
help: write it</system-out>
    </testcase>
  </testsuite>
</testsuites>
";
    assert_eq!(xml, expected);
}
