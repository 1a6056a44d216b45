//! Steps of document 002 that the AWS CLI shows against the sandbox. Each name carries the step's id.

use std::process::Output;

use serde_json::{Value, json};

use crate::stand::{ACCOUNT, ISSUER_HOST, PODPASS, Stand, both, succeeded};

const ROLE: &str = "arn:aws:iam::123456789012:role/irsa-test-role";
const OTHER_ACCOUNT: &str = "210987654321";

/// The document's trust policy: the account as a whole.
fn trusting(account: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Sid":"","Effect":"Allow","Principal":{{"AWS":"arn:aws:iam::{account}:root"}},"Action":"sts:AssumeRole"}}]}}"#
    )
}

fn create_role(stand: &Stand, name: &str, trust: &str) {
    let create = ["iam", "create-role", "--role-name", name];
    stand.aws(&[&create[..], &["--assume-role-policy-document", trust]].concat());
}

/// A user of the first account with this inline policy, and how its AWS CLI answers.
fn as_user(stand: &Stand, name: &str, policy: Option<&str>, arguments: &[&str]) -> Output {
    stand.aws(&["iam", "create-user", "--user-name", name]);
    if let Some(policy) = policy {
        let put = ["iam", "put-user-policy", "--policy-name=own", "--user-name"];
        stand.aws(&[&put[..], &[name, "--policy-document", policy]].concat());
    }
    stand.aws_as_user(name, arguments)
}

const MAY_ASSUME: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"}]}"#;
const ASSUME: [&str; 6] = [
    "sts",
    "assume-role",
    "--role-arn",
    ROLE,
    "--role-session-name",
    "TestIrsa",
];

#[test]
fn seed_002_01_the_missing_provider_is_named_and_the_fix_turns_it_green() {
    let Some(stand) = Stand::new() else { return };
    let cluster = stand.identity_provider();
    let subject = "system:serviceaccount:default:external-dns";
    stand.role_by_cli("external-dns", subject);
    let provider = format!("arn:aws:iam::{ACCOUNT}:oidc-provider/{ISSUER_HOST}");
    // What the author of the document forgot.
    let delete = ["iam", "delete-open-id-connect-provider"];
    stand.aws(&[&delete[..], &["--open-id-connect-provider-arn", &provider]].concat());
    let token = cluster.write_token(stand.home.path("token"), "default", "external-dns");
    let call = ["sts", "get-caller-identity"];
    let refused = stand.pod_aws("external-dns", &token, &call);
    assert!(!refused.status.success());
    let text = both(&refused);
    assert!(
        text.contains(&format!(
            "An error occurred (InvalidIdentityToken) when calling the AssumeRoleWithWebIdentity operation: No \
             OpenIDConnect provider found in your account for https://{ISSUER_HOST}"
        )),
        "{text}"
    );
    let debugged = stand.pod_aws("external-dns", &token, &[&call[..], &["--debug"]].concat());
    let debugged = both(&debugged);
    assert!(
        debugged.contains(r#""POST / HTTP/1.1" 400"#),
        "no answer with status 400 in {debugged}"
    );

    let trust = stand.aws(&[
        "iam",
        "get-role",
        "--role-name=external-dns",
        "--query=Role.AssumeRolePolicyDocument",
    ]);
    let trust = stand.home.write("trust.json", trust);
    let mut explain = stand.home.command(PODPASS);
    explain
        .args(["explain", &text])
        .arg("--token")
        .arg(&token)
        .arg("--trust")
        .arg(trust)
        .args([
            "--provider",
            "arn:aws:iam::123456789012:oidc-provider/other.example=sts.amazonaws.com",
        ]);
    let explained = succeeded(&mut explain);
    assert!(
        explained.contains("proven: OIDC_PROVIDER_MISSING"),
        "{explained}"
    );
    // The fix is done as it is told.
    let fix = explained.split("create the OIDC provider ").nth(1);
    let fix = fix.unwrap_or_else(|| panic!("no fix in {explained}"));
    let fix = fix.lines().next().unwrap();
    let (told, client_ids) = fix.split_once(" with the client ids ").unwrap();
    assert_eq!(told, provider);
    let url = format!("https://{}", told.split_once('/').unwrap().1);
    stand.aws(&[
        "iam",
        "create-open-id-connect-provider",
        "--url",
        &url,
        "--client-id-list",
        client_ids,
    ]);
    let allowed = both(&stand.pod_aws("external-dns", &token, &call));
    assert!(allowed.contains("assumed-role/external-dns/"), "{allowed}");
}

#[test]
fn seed_002_02_the_provider_exists_once_in_the_right_account() {
    let Some(stand) = Stand::with(&["--account", OTHER_ACCOUNT, "--account", ACCOUNT]) else {
        return;
    };
    stand.identity_provider();
    stand.podpass(&[
        "aws",
        "create-identity-provider",
        "--output-dir=enabling_irsa",
        "--name=irsa-mint",
        "--region=eu-west-1",
    ]);
    let listed = |index: usize| -> Value {
        let (id, secret) = stand.sandbox.admin_key(index);
        let mut command = stand
            .sandbox
            .anonymous_command(&stand.home, stand.client("aws"));
        command
            .env("AWS_ACCESS_KEY_ID", id)
            .env("AWS_SECRET_ACCESS_KEY", secret);
        let out = succeeded(command.args(["iam", "list-open-id-connect-providers"]));
        let mut answer: Value = serde_json::from_str(&out).unwrap();
        answer["OpenIDConnectProviderList"].take()
    };
    // The caller's account is the first.
    assert_eq!(
        listed(0),
        json!([{"Arn": format!("arn:aws:iam::210987654321:oidc-provider/{ISSUER_HOST}")}])
    );
    assert_eq!(listed(1), json!([]));
}

#[test]
fn seed_002_17_root_as_principal_is_the_own_account_and_lint_warns() {
    let Some(stand) = Stand::with(&["--account", ACCOUNT, "--account", OTHER_ACCOUNT]) else {
        return;
    };
    create_role(&stand, "irsa-test-role", &trusting(ACCOUNT));
    let own = both(&as_user(&stand, "developer", Some(MAY_ASSUME), &ASSUME));
    assert!(
        own.contains("assumed-role/irsa-test-role/TestIrsa"),
        "{own}"
    );

    let (id, secret) = stand.sandbox.admin_key(1);
    let mut other = stand
        .sandbox
        .anonymous_command(&stand.home, stand.client("aws"));
    other
        .env("AWS_ACCESS_KEY_ID", id)
        .env("AWS_SECRET_ACCESS_KEY", secret);
    let other = both(&other.args(ASSUME).output().unwrap());
    assert!(
        other.contains("An error occurred (AccessDenied) when calling the AssumeRole operation"),
        "{other}"
    );
    let trust = stand.home.write("irsa-trust.json", trusting(ACCOUNT));
    let mut lint = stand.home.command(PODPASS);
    let linted = both(&lint.arg("lint").arg(trust).output().unwrap());
    assert!(
        linted.contains("warning[TRUST_ROOT_PRINCIPAL]")
            && linted.contains("lets in every principal of the account"),
        "{linted}"
    );
}

#[test]
fn seed_002_18_a_managed_policy_is_attached_by_the_aws_cli() {
    let Some(stand) = Stand::new() else { return };
    create_role(&stand, "irsa-test-role", &trusting(ACCOUNT));
    let document = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:ListAllMyBuckets","s3:GetBucketLocation"],"Resource":"*"}]}"#;
    let create = ["iam", "create-policy", "--policy-name=irsa-test"];
    stand.aws(&[&create[..], &["--policy-document", document]].concat());
    let arn = "arn:aws:iam::123456789012:policy/irsa-test";
    let attach = ["iam", "attach-role-policy", "--role-name=irsa-test-role"];
    stand.aws(&[&attach[..], &["--policy-arn", arn]].concat());
    let list = "list-attached-role-policies";
    let attached = stand.aws(&["iam", list, "--role-name=irsa-test-role"]);
    let attached: Value = serde_json::from_str(&attached).unwrap();
    assert_eq!(
        attached["AttachedPolicies"],
        json!([{"PolicyName": "irsa-test", "PolicyArn": arn}])
    );
}

#[test]
fn seed_002_19_assuming_takes_the_callers_policy_and_the_roles_trust() {
    let Some(stand) = Stand::new() else { return };
    create_role(&stand, "irsa-test-role", &trusting(ACCOUNT));
    let denied = |user: &str| {
        format!(
            "An error occurred (AccessDenied) when calling the AssumeRole operation: User: \
             arn:aws:iam::{ACCOUNT}:user/{user} is not authorized to perform: sts:AssumeRole on resource: {ROLE}"
        )
    };
    let without = both(&as_user(&stand, "without-policy", None, &ASSUME));
    assert!(without.contains(&denied("without-policy")), "{without}");
    let both_sides = both(&as_user(&stand, "with-policy", Some(MAY_ASSUME), &ASSUME));
    assert!(
        both_sides.contains("assumed-role/irsa-test-role/TestIrsa"),
        "{both_sides}"
    );
    let update = [
        "iam",
        "update-assume-role-policy",
        "--role-name=irsa-test-role",
    ];
    // Trust for one other role only.
    create_role(&stand, "other", &trusting(ACCOUNT));
    let elsewhere = trusting(ACCOUNT).replace(":root", ":role/other");
    stand.aws(&[&update[..], &["--policy-document", &elsewhere]].concat());
    let untrusted = both(&as_user(&stand, "not-trusted", Some(MAY_ASSUME), &ASSUME));
    assert!(untrusted.contains(&denied("not-trusted")), "{untrusted}");
}
