//! The AWS CLI, boto3 and AWS's other SDKs under `podpass exec`.

use std::path::{Path, PathBuf};
use std::process::Command;

use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, PostParams};
use podpass_testkit::{PodRunner, foreign_clients, sdk_clients};
use serde_json::Value;

use crate::stand::{Stand, run};

/// A stand, and the Python environment of the clients.
struct Clients {
    stand: Stand,
    python: PathBuf,
    aws: String,
}

impl Clients {
    async fn new(name: &str) -> Option<Self> {
        let folder = foreign_clients()?.join("bin");
        Some(Self {
            stand: Stand::new(name).await?,
            python: folder.join("python"),
            aws: folder.join("aws").to_str().unwrap().to_owned(),
        })
    }

    fn exec_script(&self, account: &str, options: &[&str], script: &str) -> Command {
        let script = script.replace("aws ", &format!("{} ", self.aws));
        self.stand
            .exec(account, options, &["/bin/sh", "-c", &script])
    }

    fn exec_python(
        &self,
        account: &str,
        options: &[&str],
        script: &str,
        arguments: &[&str],
    ) -> Command {
        let script = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../tests/access")
            .join(script);
        let mut words = vec![self.python.to_str().unwrap(), script.to_str().unwrap()];
        words.extend(arguments);
        self.stand.exec(account, options, &words)
    }
}

#[tokio::test]
async fn the_aws_cli_is_who_it_is_in_a_pod() {
    let Some(clients) = Clients::new("same").await else {
        return;
    };
    let stand = &clients.stand;
    let app = stand.bound("app");
    let local = run(&mut clients.exec_script(
        &app,
        &["--session-name", "same"],
        "aws sts get-caller-identity",
    ));
    let local: Value = serde_json::from_str(local.succeeded()).unwrap();

    let account = stand.service_account("app").await.unwrap();
    let mut account = account.clone();
    account["apiVersion"] = "v1".into();
    account["kind"] = "ServiceAccount".into();
    let account = stand.home.write("account.yaml", account.to_string());
    let pod = format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: p, namespace: {}}}\nspec:\n  serviceAccountName: app\n  \
         automountServiceAccountToken: false\n  containers: [{{name: c, image: i}}]\n",
        stand.namespace
    );
    let pod = stand.home.write("pod.yaml", pod);
    let injected = stand.podpass(&[
        "inject",
        "-f",
        pod.to_str().unwrap(),
        "--service-account",
        account.to_str().unwrap(),
    ]);
    let pod: Pod = serde_saphyr::from_str(injected.succeeded()).unwrap();
    let pods: Api<Pod> = Api::namespaced(stand.shared.admin(), &stand.namespace);
    let pod = pods.create(&PostParams::default(), &pod).await.unwrap();
    let runner = PodRunner::start(&stand.shared.admin(), &pod, "c").await;
    let mut command = runner.command(&clients.aws);
    command
        .args(["sts", "get-caller-identity"])
        .env("AWS_ENDPOINT_URL", stand.sandbox.endpoint())
        .env("AWS_DEFAULT_REGION", "eu-west-1")
        .env("AWS_ROLE_SESSION_NAME", "same");
    let in_pod: Value = serde_json::from_str(run(&mut command).succeeded()).unwrap();
    assert_eq!(local, in_pod);
    assert!(local["Arn"].as_str().unwrap().ends_with("/same"), "{local}");
}

/// No program's token may go to AWS instead of the endpoint of the command line.
#[tokio::test]
async fn five_sdks_get_the_identity_at_the_endpoint_of_the_command_line() {
    let Some(stand) = Stand::new("sdks").await else {
        return;
    };
    let app = stand.bound("app");
    let role = stand
        .role_of("app")
        .await
        .replace(":role/", ":assumed-role/");
    let expected = format!("{}/me\n", role.replace(":iam:", ":sts:"));
    let endpoint = stand.sandbox.endpoint();
    let options = ["--session-name", "me", "--endpoint-url", endpoint];
    for (language, program) in sdk_clients() {
        let words = [program.to_str().unwrap(), "identity"];
        let ran = run(&mut stand.exec(&app, &options, &words));
        assert_eq!(ran.succeeded(), expected, "{language}");
    }
    stand.assert_nothing_left();
}

#[tokio::test]
async fn seed_000_40_the_bucket_of_the_issuer_is_listed_with_its_date() {
    let Some(clients) = Clients::new("irsa-test").await else {
        return;
    };
    let stand = &clients.stand;
    let app = stand.bound("irsa-test");
    stand
        .podpass(&["aws", "create-key-pair", "--output-dir", "keys"])
        .succeeded();
    let provider = [
        "aws",
        "create-identity-provider",
        "--name",
        "irsa-mint",
        "--region",
        "eu-west-1",
        "--output-dir",
        "keys",
    ];
    stand.podpass(&provider).succeeded();
    let ran = run(&mut clients.exec_script(&app, &[], "aws s3 ls"));
    let line = ran
        .succeeded()
        .lines()
        .find(|line| line.ends_with(" irsa-mint-oidc"));
    let date: jiff::civil::Date = line.unwrap()[..10].parse().unwrap();
    assert!(date.year() >= 2026, "{}", ran.out);
    stand.assert_nothing_left();
}

/// The document's trail: `ls` before the call, the call, `ls` after it.
#[tokio::test]
async fn seed_001_18_cached_credentials_appear_with_the_first_call() {
    let Some(clients) = Clients::new("first").await else {
        return;
    };
    let stand = &clients.stand;
    let app = stand.bound("app");
    let script = "cd ~; cache() { find . -path '*/cli/cache/*' -printf '%m %p\\n'; }; \
                  cache; echo before; aws s3 ls; echo called; cache; cat .aws/cli/cache/*.json";
    let ran = run(&mut clients.exec_script(&app, &["--session-name", "trail"], script));
    let lines: Vec<&str> = ran.succeeded().lines().collect();
    let ["before", .., "called", cached, content] = lines[..] else {
        panic!("{lines:?}")
    };
    // One file, which nobody else can read.
    let file = cached.strip_prefix("600 ./.aws/cli/cache/").unwrap();
    let name = file.strip_suffix(".json").unwrap();
    assert!(!name.contains(['/', '.']), "{cached}");
    let content: Value = serde_json::from_str(content).unwrap();
    let arn = content["AssumedRoleUser"]["Arn"].as_str().unwrap();
    assert!(arn.ends_with("-app/trail"), "{arn}");
    stand.assert_nothing_left();

    // `verify` goes the same trail and says what it found at each step, without the credentials themselves.
    let verified = run(stand
        .anonymous()
        .env("AWS_REGION", "eu-west-1")
        .args(["verify", &app, "-o", "json"]));
    let report: Value = serde_json::from_str(verified.succeeded()).unwrap();
    let found = |step: usize| &report["steps"][step]["found"];
    assert_eq!(found(2)["sub"], content["SubjectFromWebIdentityToken"]);
    assert_eq!(found(2)["aud"], content["Audience"]);
    assert_eq!(found(4)["provider"], content["Provider"]);
    let session = found(4)["session"].as_str().unwrap();
    assert_eq!(
        session.rsplit_once('/').unwrap().0,
        arn.rsplit_once('/').unwrap().0
    );
    assert!(found(4)["expires"].is_string(), "{report:#}");
    assert_eq!(found(5)["arn"], session);
    assert!(!verified.out.contains("ASIA"), "{report:#}");
}

#[tokio::test]
async fn seed_001_17_the_cache_is_the_runs_own_and_goes_with_it() {
    let Some(clients) = Clients::new("cache").await else {
        return;
    };
    let stand = &clients.stand;
    let (app, other) = (stand.bound("app"), stand.bound("other"));
    // In one home the CLI gives a session of this name what it cached for it, whatever token there is by now.
    let script = "aws sts get-caller-identity >/dev/null && export AWS_WEB_IDENTITY_TOKEN_FILE=/dev/null && aws sts get-caller-identity \
                  && echo $HOME && stat -c '%a %n' ~/.aws/cli/cache/*.json";
    let cached = run(&mut clients.exec_script(&app, &["--session-name", "same"], script));
    assert!(cached.succeeded().contains("-app/same"), "{cached:?}");
    let lines: Vec<&str> = cached.out.lines().rev().take(2).collect();
    let [file, home] = lines[..] else {
        panic!("{cached:?}")
    };
    // Private, and in the home of the run, which is not the caller's.
    assert!(
        file.starts_with(&format!("600 {home}/.aws/cli/cache/")),
        "{file}"
    );
    assert!(!Path::new(home).starts_with(stand.home.path("")), "{home}");
    // So a run within a run, with another account and the same session, must not see that home.
    let role = stand.role_of("app").await;
    let options = ["--session-name", "same", "--role-arn", &role];
    let inner = clients.exec_script(&other, &options, "aws sts get-caller-identity");
    let script = "aws sts get-caller-identity >/dev/null && exec \"$@\"";
    let mut outer = clients.exec_script(&app, &["--session-name", "same"], script);
    outer
        .arg("sh")
        .arg(inner.get_program())
        .args(inner.get_args());
    run(&mut outer).refused(255, &["AccessDenied", "AssumeRoleWithWebIdentity"]);
    stand.assert_nothing_left();
}

#[tokio::test]
async fn the_callers_own_credentials_are_not_used() {
    let Some(clients) = Clients::new("ambient").await else {
        return;
    };
    let stand = &clients.stand;
    let app = stand.bound("app");
    let (id, secret) = stand.sandbox.admin_key(0);
    let config = format!(
        "[default]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\n[profile admin]\nrole_arn = arn:aws:iam::123456789012:role/trap\nsource_profile = default\n"
    );
    let config = stand.home.write("config", config);
    for profile in [None, Some("default"), Some("admin")] {
        let mut command = clients.exec_script(
            &app,
            &[],
            "aws sts get-caller-identity --query Arn --output text",
        );
        command
            .env("AWS_ACCESS_KEY_ID", id)
            .env("AWS_SECRET_ACCESS_KEY", secret)
            .env("AWS_CONFIG_FILE", &config)
            .env("AWS_SHARED_CREDENTIALS_FILE", &config)
            .env(
                "AWS_CONTAINER_CREDENTIALS_FULL_URI",
                "http://127.0.0.1:9/trap",
            );
        if let Some(profile) = profile {
            command.env("AWS_PROFILE", profile);
        }
        let ran = run(&mut command);
        let arn = ran.succeeded();
        assert!(
            arn.starts_with("arn:aws:sts::123456789012:assumed-role/")
                && arn.contains("-app/podpass-"),
            "{profile:?}: {arn}"
        );
    }
}

#[tokio::test]
async fn seed_003_19_a_long_run_crosses_several_tokens_without_a_failed_call() {
    let Some(clients) = Clients::new("long").await else {
        return;
    };
    let app = clients.stand.bound("app");
    let limit = "120";
    let mut command = clients.exec_python(&app, &["--refresh-after", "5s"], "refresh.py", &[limit]);
    let ran = run(&mut command);
    let told: Value = serde_json::from_str(ran.succeeded()).unwrap();
    let tokens = told["presented"].as_array().unwrap();
    assert!(tokens.len() >= 4, "{told}");
    assert!(told["calls"].as_u64().unwrap() > 4, "{told}");
    assert!(told["reads"].as_u64().unwrap() >= 1_000, "{told}");
    assert_eq!(ran.err, "");
    clients.stand.assert_nothing_left();
}

#[tokio::test]
async fn ctrl_c_reaches_the_command_once() {
    let Some(clients) = Clients::new("terminal").await else {
        return;
    };
    let stand = &clients.stand;
    let app = stand.bound("app");
    let counting = clients.exec_python(&app, &[], "interrupts.py", &["count"]);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/access/interrupts.py");
    let mut terminal = stand.home.command(&clients.python);
    terminal
        .arg(script)
        .arg("terminal")
        .arg(counting.get_program())
        .args(counting.get_args());
    terminal.envs(
        counting
            .get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    let ran = run(&mut terminal);
    assert!(ran.succeeded().contains("interrupts: 1\r\n"), "{ran:#?}");
    stand.assert_nothing_left();
}

#[tokio::test]
async fn seed_002_20_exports_of_an_exchange_work_in_a_shell() {
    let Some(clients) = Clients::new("exports").await else {
        return;
    };
    let stand = &clients.stand;
    let app = stand.bound("app");
    // By hand what `exec` does: a token, the exchange, and the variables.
    let script = r#"eval "$("$PODPASS" token assume --role-arn "$AWS_ROLE_ARN" --token-file "$AWS_WEB_IDENTITY_TOKEN_FILE" -o env)" && unset AWS_ROLE_ARN AWS_WEB_IDENTITY_TOKEN_FILE && aws sts get-caller-identity --query Arn --output text && aws s3 ls"#;
    let mut command = clients.exec_script(&app, &[], script);
    let ran = run(command.env("PODPASS", crate::stand::PODPASS));
    assert!(ran.succeeded().contains("-app/podpass-"), "{ran:?}");
    for (format, expected) in [
        ("powershell", "$Env:AWS_SESSION_TOKEN = '"),
        ("json", "\"SessionToken\": \""),
    ] {
        let script = format!(
            r#""$PODPASS" token assume --role-arn "$AWS_ROLE_ARN" --token-file "$AWS_WEB_IDENTITY_TOKEN_FILE" -o {format}"#
        );
        let ran = run(clients
            .exec_script(&app, &[], &script)
            .env("PODPASS", crate::stand::PODPASS));
        assert!(ran.succeeded().contains(expected), "{ran:?}");
    }
}
