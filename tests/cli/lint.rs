//! `podpass lint`.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Stdio;

use podpass_testkit::Home;
use serde_json::Value;

use crate::stand::{PODPASS, Ran, run};

const SERVICE_ACCOUNT: &str = "\
apiVersion: v1
kind: ServiceAccount
metadata:
  name: reader
  namespace: orders
  annotations:
    eks.amazonaws.com/rolearn: arn:aws:iam::210987654321:role/orders-reader # the role
    eks.amazonaws.com/token-expiration: 86400
";

const TRUST_POLICY: &str = r#"{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Principal": {"Federated": "arn:aws:iam::210987654321:oidc-provider/issuer.example.org"},
      "Action": "sts:AssumeRoleWithWebIdentity",
      "Condition": {
        "StringEquals": {
          "issuer.example.org:aud": "sts.amazonaws.com",
          "issuer.example.org:sub": "system:serviceaccount:orders:reader-*"
        }
      }
    }
  ]
}
"#;

const HEALTHY: &str = "[default]\nregion = eu-west-1\n";

fn lint(home: &Home, arguments: &[&str]) -> Ran {
    run(home.command(PODPASS).arg("lint").args(arguments))
}

#[test]
fn findings_name_file_place_code_values_and_fix() {
    let home = Home::new();
    home.write("trust.json", TRUST_POLICY);
    let ran = lint(&home, &["trust.json"]);
    assert_eq!(ran.code, 1, "{ran:#?}");
    assert_eq!(
        ran.out,
        "trust.json:11:37: error[TRUST_WILDCARD_IN_STRINGEQUALS]: `system:serviceaccount:orders:reader-*` has a \
         wildcard, and `StringEquals` compares it literally\n  = expected StringLike\n  = actual   StringEquals\n  \
         = help: move the key under `StringLike`, or write the value in full\n"
    );
    assert_eq!(ran.err, "1 file: 1 error, 0 warnings, 0 notes\n");
}

#[test]
fn healthy_files_and_notes_exit_with_0() {
    let home = Home::new();
    home.write("config", HEALTHY);
    home.write(
        "map.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n",
    );
    let ran = lint(&home, &["config"]);
    assert_eq!((ran.code, ran.out.as_str()), (0, ""), "{ran:#?}");
    let ran = lint(&home, &["map.yaml"]);
    let out = ran.succeeded();
    assert!(
        out.starts_with("map.yaml:2:7: note[FILE_KIND_UNKNOWN]: "),
        "{out}"
    );
}

#[test]
fn directories_are_searched_in_order_and_hidden_entries_left_out() {
    let home = Home::new();
    for name in [
        "tree/b.json",
        "tree/a/trust.json",
        "tree/.git/trust.json",
        "tree/notes.txt",
    ] {
        home.write(name, TRUST_POLICY);
    }
    symlink(home.path("tree"), home.path("tree/a/loop")).unwrap();
    let ran = lint(&home, &["-o", "json", "tree"]);
    let report: Value = serde_json::from_str(&ran.out).unwrap();
    let files: Vec<&str> = report["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| file["file"].as_str().unwrap())
        .collect();
    assert_eq!(files, ["tree/a/trust.json", "tree/b.json"]);
    assert_eq!(report["kind"], "LintReport");
    assert_eq!(report["apiVersion"], "podpass.dev/v1alpha1");
    assert_eq!(
        report["files"][0]["kinds"],
        serde_json::json!(["trust policy"])
    );
    assert_eq!(
        report["findings"][1]["code"],
        "TRUST_WILDCARD_IN_STRINGEQUALS"
    );
    assert_eq!(
        report["findings"][1]["position"],
        serde_json::json!({"line": 11, "column": 37})
    );
    assert_eq!(ran.code, 1);
}

#[test]
fn standard_input_is_read_and_not_fixed() {
    let home = Home::new();
    let path = home.write("sa.yaml", SERVICE_ACCOUNT);
    let from_file = |arguments: &[&str]| {
        let mut command = home.command(PODPASS);
        command.arg("lint").args(arguments);
        command.stdin(Stdio::from(fs::File::open(&path).unwrap()));
        run(&mut command)
    };
    let ran = from_file(&["-"]);
    assert_eq!(ran.code, 1, "{ran:#?}");
    assert!(
        ran.out.starts_with("-:7:5: error[ANNOTATION_LOOKALIKE]: "),
        "{ran:#?}"
    );
    from_file(&["--fix", "-"]).refused(2, &["cannot change standard input"]);
}

#[test]
fn what_cannot_be_read_exits_with_2() {
    let home = Home::new();
    home.write("binary.pem", b"\xff\xfe");
    fs::create_dir(home.path("empty")).unwrap();
    lint(&home, &["missing.yaml"]).refused(2, &["cannot read `missing.yaml`"]);
    lint(&home, &["binary.pem"]).refused(2, &["is not UTF-8"]);
    lint(&home, &["empty"]).refused(2, &["holds no file to look at"]);
    lint(&home, &[]).refused(2, &[]);
}

#[test]
fn fix_repairs_what_is_safe_says_so_and_has_nothing_to_do_again() {
    let home = Home::new();
    let account = home.write("sa.yaml", SERVICE_ACCOUNT);
    let trust = home.write("trust.json", TRUST_POLICY);
    symlink(&account, home.path("link.yaml")).unwrap();
    fs::set_permissions(&account, fs::Permissions::from_mode(0o640)).unwrap();
    let ran = lint(&home, &["--fix", "link.yaml", "trust.json"]);
    assert_eq!(
        ran.code, 1,
        "what is left stands in the trust policy: {ran:#?}"
    );
    for said in [
        "fixed[ANNOTATION_LOOKALIKE]: link.yaml:7:5: renamed the annotation `eks.amazonaws.com/rolearn` to \
         `eks.amazonaws.com/role-arn`\n",
        "fixed[ANNOTATION_NOT_TEXT]: link.yaml:8:41: put the value of `eks.amazonaws.com/token-expiration` into quotes\n",
    ] {
        assert!(ran.err.contains(said), "{ran:#?}");
    }
    let fixed = SERVICE_ACCOUNT
        .replace("/rolearn", "/role-arn")
        .replace("86400", "\"86400\"");
    assert_eq!(fs::read_to_string(&account).unwrap(), fixed);
    assert_eq!(
        fs::read_to_string(&trust).unwrap(),
        TRUST_POLICY,
        "never widened"
    );
    assert_eq!(
        fs::metadata(&account).unwrap().permissions().mode() & 0o777,
        0o640
    );
    assert!(home.path("link.yaml").is_symlink());
    assert_eq!(
        fs::read_dir(home.path("")).unwrap().count(),
        3,
        "nothing is left beside the files"
    );

    let again = lint(&home, &["--fix", "link.yaml"]);
    assert_eq!(
        (again.code, again.err.as_str()),
        (0, "1 file: 0 errors, 0 warnings, 0 notes\n"),
        "{again:#?}"
    );
    assert_eq!(fs::read_to_string(&account).unwrap(), fixed);
}

#[test]
fn fixes_are_told_in_json_too() {
    let home = Home::new();
    home.write("sa.yaml", SERVICE_ACCOUNT);
    let ran = lint(&home, &["--fix", "-o", "json", "sa.yaml"]);
    let report: Value = serde_json::from_str(ran.succeeded()).unwrap();
    assert_eq!(report["findings"], serde_json::json!([]));
    let codes: Vec<&str> = report["fixed"]
        .as_array()
        .unwrap()
        .iter()
        .map(|edit| edit["code"].as_str().unwrap())
        .collect();
    assert_eq!(codes, ["ANNOTATION_LOOKALIKE", "ANNOTATION_NOT_TEXT"]);
}

#[test]
fn a_corrected_policy_is_printed_and_never_written() {
    let home = Home::new();
    let broken = r#"{"Version": "2021-10-17", "Statement": {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::data/*"}}"#;
    home.write("policy.json", broken);
    let open = r#"{"Version": "2021-10-17", "Statement": {"Effect": "Allow", "Principal": "*"}}"#;
    home.write("open.json", open);
    for arguments in [
        &["policy.json", "open.json"][..],
        &["--fix", "policy.json", "open.json"],
    ] {
        let ran = lint(&home, arguments);
        assert_eq!(ran.code, 1, "{ran:#?}");
        for part in [
            "policy.json: corrected: Version `2012-10-17` for `2021-10-17`\n{\n  \"Version\": \"2012-10-17\",",
            "open.json: no corrected policy: the principals of a statement do not tell its Action",
        ] {
            assert!(ran.out.contains(part), "missing {part:?} in {ran:#?}");
        }
    }
    for (name, text) in [("policy.json", broken), ("open.json", open)] {
        assert_eq!(fs::read_to_string(home.path(name)).unwrap(), text);
    }
}

#[test]
fn files_given_together_are_compared() {
    let home = Home::new();
    let trust = TRUST_POLICY.replace("reader-*", "reader");
    let account = SERVICE_ACCOUNT
        .replace("/rolearn", "/role-arn")
        .replace("210987654321", "333344445555")
        .replace("86400", "\"86400\"");
    home.write("trust.json", &trust);
    home.write("sa.yaml", &account);
    for alone in ["trust.json", "sa.yaml"] {
        assert_eq!(lint(&home, &[alone]).succeeded(), "");
    }
    let ran = lint(&home, &["sa.yaml", "trust.json"]);
    assert_eq!(ran.code, 1);
    assert!(
        ran.out
            .starts_with("sa.yaml:7:33: warning[ACCOUNTS_DIFFER]: "),
        "{ran:#?}"
    );
}

#[test]
fn sarif_and_junit_are_printed_alone() {
    let home = Home::new();
    home.write("trust.json", TRUST_POLICY);
    home.write("config", HEALTHY);
    let ran = lint(&home, &["-o", "sarif", "trust.json"]);
    let log: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(
        log["runs"][0]["results"][0]["ruleId"],
        "TRUST_WILDCARD_IN_STRINGEQUALS"
    );
    assert_eq!((ran.code, ran.err.as_str()), (1, ""));

    let ran = lint(&home, &["-o", "junit", "config", "trust.json"]);
    assert!(ran.out.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"podpass lint\" tests=\"2\" failures=\"1\""), "{ran:#?}");
    assert!(
        ran.out
            .contains("message=\"`system:serviceaccount:orders:reader-*` has a wildcard"),
        "{ran:#?}"
    );
    assert_eq!((ran.code, ran.err.as_str()), (1, ""));
}

#[test]
fn control_characters_of_a_file_do_not_reach_the_terminal() {
    let home = Home::new();
    let account = SERVICE_ACCOUNT
        .replace("86400", "\"\\e[31m\"")
        .replace("/rolearn", "/role-arn");
    home.write("sa.yaml", account);
    let ran = lint(&home, &["sa.yaml"]);
    assert_eq!(ran.code, 1, "{ran:#?}");
    assert!(
        ran.out.contains("TOKEN_EXPIRATION_INVALID") && !ran.out.contains('\u{1b}'),
        "{ran:#?}"
    );
}

#[test]
fn examples_of_the_project_have_no_error() {
    let home = Home::new();
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let ran = run(home.command(PODPASS).arg("lint").arg(&examples));
    assert!(!ran.out.contains("error["), "{ran:#?}");
    assert!(ran.err.contains(" 0 errors, "), "{ran:#?}");
}
