//! What `exec` and `credential-process` refuse before anything runs.

use std::net::TcpListener;

use k8s_openapi::api::core::v1::ServiceAccount;
use k8s_openapi::api::rbac::v1::{Role, RoleBinding};
use kube::api::{Api, PostParams};
use podpass_testkit::Identity;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::stand::{Ran, Stand, run};

const ROLE: &str = "arn:aws:iam::123456789012:role/app";

/// The two commands, and what both must say.
fn both(stand: &Stand, options: &[&str], change: impl Fn(&mut std::process::Command)) -> [Ran; 2] {
    let marker = stand.home.path("started");
    let mut exec = stand.anonymous();
    exec.arg("exec")
        .args(options)
        .args(["--", "touch"])
        .arg(&marker);
    let mut process = stand.anonymous();
    process.arg("credential-process").args(options);
    change(&mut exec);
    change(&mut process);
    let ran = [run(&mut exec), run(&mut process)];
    assert!(!marker.exists());
    stand.assert_nothing_left();
    ran
}

async fn create<K>(stand: &Stand, object: Value)
where
    K: kube::Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>
        + DeserializeOwned
        + serde::Serialize
        + Clone
        + std::fmt::Debug,
{
    let api: Api<K> = Api::namespaced(stand.shared.admin(), &stand.namespace);
    let object = serde_json::from_value(object).unwrap();
    api.create(&PostParams::default(), &object).await.unwrap();
}

/// Lets a user of this name do what the rules say.
async fn allow(stand: &Stand, user: &str, rules: Value) {
    create::<Role>(stand, json!({"metadata": {"name": user}, "rules": rules})).await;
    let binding = json!({
        "metadata": {"name": user},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": user},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}],
    });
    create::<RoleBinding>(stand, binding).await;
}

fn kubeconfig(stand: &Stand, user: &str) -> String {
    let path = stand.home.path(&format!("kubeconfig-{user}"));
    let identity = Identity::User {
        name: user.to_owned(),
        groups: Vec::new(),
    };
    stand.api().write_kubeconfig(&path, &identity);
    path.to_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_user_who_may_not_create_tokens_is_told_the_verb() {
    let Some(stand) = Stand::new("rbac").await else {
        return;
    };
    let app = stand.bound("app");
    let (nobody, reader, minter) = (
        format!("nobody-{}", stand.namespace),
        format!("reader-{}", stand.namespace),
        format!("minter-{}", stand.namespace),
    );
    let core = |resource: &str, verb: &str| json!([{"apiGroups": [""], "resources": [resource], "verbs": [verb]}]);
    allow(&stand, &reader, core("serviceaccounts", "get")).await;
    allow(&stand, &minter, core("serviceaccounts/token", "create")).await;
    for (user, options, verb, resource) in [
        (&nobody, &[][..], "`get`", "`serviceaccounts`"),
        (&reader, &[], "`create`", "`serviceaccounts/token`"),
        (&minter, &[], "`get`", "`serviceaccounts`"),
        (
            &nobody,
            &["--role-arn", ROLE, "--audience", "sts.amazonaws.com"],
            "`create`",
            "`serviceaccounts/token`",
        ),
    ] {
        let kubeconfig = kubeconfig(&stand, user);
        let mut all = vec!["--as", &app, "--kubeconfig", &kubeconfig];
        all.extend(options);
        for ran in both(&stand, &all, |_| {}) {
            ran.refused(3, &[verb, resource, &stand.namespace, "(RBAC)"]);
        }
    }
    // Who may only create tokens needs to read nothing, when role and audience are given.
    let kubeconfig = kubeconfig(&stand, &minter);
    let options = [
        "--kubeconfig",
        &kubeconfig,
        "--role-arn",
        ROLE,
        "--audience",
        "sts.amazonaws.com",
    ];
    run(&mut stand.exec(&app, &options, &["true"])).succeeded();
}

#[tokio::test]
async fn accounts_without_a_usable_role_are_refused_by_reason() {
    let Some(stand) = Stand::new("roles").await else {
        return;
    };
    let account = |name: &str, role: Option<&str>| {
        let mut object = json!({"metadata": {"name": name}});
        if let Some(role) = role {
            object["metadata"]["annotations"] = json!({"eks.amazonaws.com/role-arn": role});
        }
        object
    };
    create::<ServiceAccount>(&stand, account("plain", None)).await;
    create::<ServiceAccount>(
        &stand,
        account("broken", Some("arn:aws:iam::1234567890:role/app")),
    )
    .await;
    for (name, code, parts) in [
        (
            "absent",
            1,
            &[
                "there is no service account",
                "absent",
                "check name and namespace",
            ][..],
        ),
        (
            "plain",
            1,
            &[
                "NO_ROLE_ANNOTATION",
                "eks.amazonaws.com/role-arn",
                "podpass bind",
                "--role-arn",
            ],
        ),
        (
            "broken",
            1,
            &[
                "BAD_ROLE_ARN",
                "arn:aws:iam::1234567890:role/app",
                "12-digit",
            ],
        ),
    ] {
        let account = stand.account(name);
        for ran in both(&stand, &["--as", &account], |_| {}) {
            ran.refused(code, parts);
        }
        // A name alone is looked for in the namespace that is named.
        for ran in both(&stand, &["--as", name, "-n", &stand.namespace], |_| {}) {
            ran.refused(code, parts);
        }
    }
    for ran in both(
        &stand,
        &[
            "--as",
            &stand.account("absent"),
            "--role-arn",
            ROLE,
            "--audience",
            "a",
        ],
        |_| {},
    ) {
        ran.refused(1, &["serviceaccounts \"absent\" not found"]);
    }
}

#[tokio::test]
async fn clusters_and_credentials_that_do_not_work_are_said_as_such() {
    let Some(stand) = Stand::new("reach").await else {
        return;
    };
    let app = stand.account("app");
    let closed = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let closed = format!("https://{closed}");
    for ran in both(&stand, &["--as", &app, "--server", &closed], |_| {}) {
        ran.refused(
            1,
            &["cannot be reached", &closed, "whether the cluster runs"],
        );
    }
    let expired = stand.home.path("expired");
    stand
        .api()
        .write_kubeconfig(&expired, &Identity::Token("expired".to_owned()));
    for ran in both(
        &stand,
        &["--as", &app, "--kubeconfig", expired.to_str().unwrap()],
        |_| {},
    ) {
        ran.refused(3, &["Unauthorized", "log in to the cluster again"]);
    }
    let nobody = std::fs::read_to_string(&expired).unwrap();
    let nobody = nobody.replace(r#"{"token":"expired"}"#, "{}");
    let nobody = stand.home.write("nobody", nobody);
    for ran in both(
        &stand,
        &["--as", &app, "--kubeconfig", nobody.to_str().unwrap()],
        |_| {},
    ) {
        ran.refused(3, &["system:anonymous", "log in to the cluster again"]);
    }
    // A plugin whose login has expired says so and ends; what it prints beside may be secret.
    let plugin = "echo secret; echo 'Token has expired and refresh failed' >&2; exit 255";
    let mut kubeconfig = std::fs::read_to_string(&expired).unwrap();
    kubeconfig = kubeconfig.replace(
        r#"{"token":"expired"}"#,
        &json!({"exec": {
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": "/bin/sh",
            "args": ["-c", plugin],
            "interactiveMode": "Never",
        }})
        .to_string(),
    );
    let plugin = stand.home.write("plugin", kubeconfig);
    for ran in both(
        &stand,
        &["--as", &app, "--kubeconfig", plugin.to_str().unwrap()],
        |_| {},
    ) {
        let why =
            "credential plugin failed (exit status: 255): Token has expired and refresh failed";
        ran.refused(3, &["no credentials", why, "log in to the cluster again"]);
        assert!(!ran.err.contains("secret"), "{ran:?}");
    }
    for (options, parts) in [
        (
            &["--kubeconfig", "absent"][..],
            &["absent", "--kubeconfig"][..],
        ),
        (&["--context", "absent"], &["absent", "--context"]),
    ] {
        let mut all = vec!["--as", app.as_str()];
        all.extend(options);
        for ran in both(&stand, &all, |_| {}) {
            ran.refused(2, parts);
        }
    }
}

#[tokio::test]
async fn command_lines_are_refused_before_any_call() {
    let Some(stand) = Stand::new("words").await else {
        return;
    };
    let nowhere = |command: &mut std::process::Command| {
        command.env("KUBECONFIG", "/nonexistent");
    };
    for (options, parts) in [
        (&["--as", "a/b/c"][..], &["--as", "a/b/c"][..]),
        (&["--as", "<ns>/b"], &["PLACEHOLDER_LEFT", "<ns>"]),
        (&["--as", "A/b"], &["--as", "A/b"]),
        (
            &["--as", "a/b", "--role-arn", "app"],
            &["--role-arn", "12-digit"],
        ),
        (
            &[
                "--as",
                "a/b",
                "--role-arn",
                "arn:aws:iam::1234567890:role/a",
            ],
            &["BAD_ACCOUNT_ID"],
        ),
        (
            &["--as", "a/b", "--session-name", "a b"],
            &["--session-name", "a b", "2 to 64"],
        ),
        (
            &["--as", "a/b", "--region", "Europe"],
            &["--region", "Europe"],
        ),
        (&["--role-arn", ROLE], &["--as"]),
    ] {
        for ran in both(&stand, options, nowhere) {
            ran.refused(2, parts);
        }
    }
    let named = |command: &mut std::process::Command| {
        command.env("AWS_ROLE_SESSION_NAME", "a b");
    };
    for ran in both(&stand, &["--as", "a/b"], named) {
        ran.refused(2, &["AWS_ROLE_SESSION_NAME", "a b"]);
    }
    run(stand.anonymous().args(["exec", "--as", "a/b"])).refused(2, &["<COMMAND>"]);
    for after in ["0", "500ms", "soon"] {
        run(&mut stand.exec("a/b", &["--refresh-after", after], &["true"]))
            .refused(2, &["--refresh-after"]);
    }
    for duration in ["14m", "13h"] {
        run(stand
            .anonymous()
            .args(["credential-process", "--as", "a/b", "--duration", duration]))
        .refused(2, &["--duration", "900 to 43200 s"]);
    }
    let broken = stand.home.write("broken", "[default\nregion = eu-west-1\n");
    let broken = |command: &mut std::process::Command| {
        command.env("AWS_CONFIG_FILE", &broken);
    };
    let [exec, _] = both(&stand, &["--as", "a/b"], broken);
    exec.refused(
        2,
        &["the AWS config files cannot be read", "AWS_CONFIG_FILE"],
    );
}
